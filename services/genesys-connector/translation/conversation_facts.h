//  conversation_facts — an answer of GET /api/v2/conversations/messages/{id} as facts: who is with
//  the visitor now.
//
//  A conversation that was ended and goes on (threading) has the legs of before as well. Only the
//  latest leg of the customer counts, and only who came behind it or is still there.
//
//  Unknown purposes and members are passed over. An unknown state of the customer or of an agent is
//  UNCLEAR: it is asked again.

#ifndef CONVERSATION_FACTS_H
#define CONVERSATION_FACTS_H

#include "base/text.h"

#include <stdint.h>

typedef enum {
#define PRESENCE(NAME, waiting, with, between, words) PRESENCE_##NAME,
#include "translation/presence.def"
#undef PRESENCE
    PRESENCES
} presence_t;

const char *presence_words (presence_t presence);

#define CONVERSATION_ID_SIZE 64    //  with its NUL; a longer one is none
#define CONVERSATION_NAME_SIZE 101

typedef struct {
    presence_t presence;
    char person[CONVERSATION_ID_SIZE];  //  of CONNECTED: the leg of who came last
    char user[CONVERSATION_ID_SIZE];    //  likewise; "": it does not say
    char name[CONVERSATION_NAME_SIZE];  //  likewise; "": it does not say
    char customer[CONVERSATION_ID_SIZE]; //  the customer's latest leg; "": there is none
    bool is_over;                       //  that leg has ended
    char why[32];                       //  its disconnectType, or that of who has left; "": none
} conversation_facts_t;

//  Of anything that is no conversation: UNCLEAR.
void conversation_facts_read (conversation_facts_t *self, text_t body);

//  Letters, digits and '-': it may stand in a URL. Empty, when it is not, or too long.
text_t conversation_id_of (text_t id);

#endif
