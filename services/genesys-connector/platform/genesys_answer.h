//  genesys_answer — what Genesys Cloud answers, read: a login, an error, a person. Bytes from
//  outside: whatever they are, nothing is taken that could not be used.

#ifndef GENESYS_ANSWER_H
#define GENESYS_ANSWER_H

#include "base/text.h"
#include "model/api_bodies.h"

#include <stdint.h>

#define LOGIN_LIFETIME_USUAL_S 300u     //  when it does not say: the shortest that there is
#define LOGIN_LIFETIME_MOST_S 31536000u //  a year

typedef struct {
    text_t token;
    uint64_t lifetime_s;
    struct json_object *tree; //  that the token stands in
} login_answer_t;

//  0, and the token lives until login_answer_free; −1 when there is no token.
__attribute__ ((warn_unused_result)) int login_answer_read (login_answer_t *self, text_t body);
//  Safe behind a read that failed.
void login_answer_free (login_answer_t *self);

//  Of an error of the API (`code`, `message`) or of a login (`error`, `description`): words for the
//  operator, such as "bad.request: should have …", with its NUL; "" when it has none that can be
//  shown. What it quotes, unless that is a name, is left out: it may be what was said.
#define ERROR_WORDS_ROOM 240
void error_answer_read (text_t body, char room[ERROR_WORDS_ROOM]);

//  Empty: it does not say.
typedef struct {
    text_t name;    //  preferredName, else name
    text_t picture; //  https: of the images the smallest that has 96 pixels, else the largest
    struct json_object *tree;
} person_answer_t;

#define PERSON_NAME_MOST 100
#define PERSON_PICTURE_MOST AVATAR_MOST //  what a session takes
//  person_answer_free follows.
void person_answer_read (person_answer_t *self, text_t body);
void person_answer_free (person_answer_t *self);

//  The Open Messaging integration. Empty: it does not say.
typedef struct {
    text_t name;
    text_t webhook; //  where it sends what agents say
    text_t status;
    struct json_object *tree;
} integration_answer_t;

//  integration_answer_free follows. What could not be shown is empty.
void integration_answer_read (integration_answer_t *self, text_t body);
void integration_answer_free (integration_answer_t *self);

#endif
