//  message — what a participant says with a `new message`: its data (a Stentor request) checked and
//  made ready for the log, the same at every door. docs/client-protocol.md has what is checked.

#ifndef MESSAGE_H
#define MESSAGE_H

#include "base/buffer.h"
#include "model/model.h"

struct json_object;

//  Its texts are borrowed from the object that was read, which must be kept.
typedef struct {
    text_t message_id; //  message_read_body only
    text_t data;       //  JSON object: with the session's id and the participant's in it
    text_t secret;     //  data.accessToken, which is not in data any more
    size_t text_size;  //  bytes of the longest text that a bot or a person is given to read
    bool hidden;       //  nothing in it to show to people
} message_t;

typedef enum {
    MESSAGE_OK,
    MESSAGE_DATA,         //  there is none, or it is no object
    MESSAGE_ACCESS_TOKEN, //  data.accessToken is not of its form
    MESSAGE_TEXT_TYPE,    //  data.rawQuery, data.title or data.token is no string
} message_fault_t;

//  Reads the member `data` of the object, and changes it.
message_fault_t message_read (message_t *self, struct json_object *object, text_t session_id,
                              text_t user);

//  Appends the data with this userId in it; nothing, when the data is no object. The buffer takes
//  what JSON was read from, and MESSAGE_USER_ROOM more.
#define MESSAGE_USER_ROOM (6 * USER_ID_MAX + 40)
void message_put_user (text_t data, text_t user, buffer_t *to);

//  Appends what people read of a message's data, `most` bytes of it at most; nothing, when it has
//  no words. True: there was more.
bool message_put_words (text_t data, size_t most, buffer_t *to);

//  May the id be a message's? 1 to MESSAGE_ID_MAX bytes without control characters, and not one of
//  the router's own.
bool message_id_is_good (text_t message_id);

//  Reads what a body of the API says, and changes it: perhaps {"messageId": "…"}, and one of
//  "text": "…" and "data": {…}; who has "as" in it has read that (api_bodies.h). NULL when it
//  is good, else what is wrong, for a person, in the room or a literal.
#define MESSAGE_COMPLAINT 160
const char *message_read_body (message_t *self, struct json_object *body, text_t session_id,
                               text_t user, char room[MESSAGE_COMPLAINT]);

#endif
