//  genesys_in — a webhook of Genesys Cloud (Open Messaging, outbound): whether it is theirs,
//  and what it says. Nothing of its body is certain to be there: it is led to a session by
//  channel.to.id alone. What is not known is no fault, as the platform adds to its webhooks
//  without notice.
//
//      type                       becomes
//      Text, Structured           SAYS: words and displays (genesys_data.h)
//      none, or an unknown one    likewise, when there is text or content in it
//      Event with a Typing        TYPING, for its duration
//      Receipt with Failed        FAILED: a message of ours did not reach the agent
//      all else                   NOTHING

#ifndef GENESYS_IN_H
#define GENESYS_IN_H

#include "auth/webhook_signature.h"

struct json_object;

#define GENESYS_BODY_MOST (512u << 10)
#define GENESYS_ID_MOST 200u //  bytes of an id of theirs

typedef enum {
    PLATFORM_NOTHING,
    PLATFORM_SAYS,
    PLATFORM_TYPING,
    PLATFORM_FAILED,
} platform_what_t;

//  Texts that are not said are empty. They live as long as the word.
typedef struct {
    platform_what_t what;
    text_t external_id;  //  of the participant here
    text_t id;           //  of the platform's message, or of ours that FAILED
    uint64_t time_ms;    //  when it was said; 0: it does not tell
    text_t conversation;
    text_t reason;       //  FAILED
    uint64_t duration_ms; //  TYPING
    buffer_t data;       //  SAYS: JSON for clients; empty: nothing that they could show
    struct json_object *tree;
    char made_id[WEBHOOK_ID_SIZE]; //  of a message without one
} platform_word_t;

//  What the headers say; what is missing is empty.
typedef struct {
    text_t signature; //  X-Hub-Signature-256
    text_t second;    //  the static header, when the app has one
} genesys_headers_t;

typedef struct {
    webhook_keys_t keys;
    bool has_second;
    text_t second; //  what the static header must be
} genesys_secrets_t;

//  Over the bytes of the body as they came. The second secret is checked as well, whatever the
//  first check comes to.
webhook_fault_t genesys_verify (const genesys_secrets_t *secrets, const genesys_headers_t *headers,
                                text_t body);
//  The word is zeroed before; platform_word_free in any case. NULL, or what is wrong, for people.
const char *genesys_read (platform_word_t *self, text_t body);
void platform_word_free (platform_word_t *self);

#endif
