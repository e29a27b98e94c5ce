//  posted — what Genesys answers a message of ours with.

#ifndef POSTED_H
#define POSTED_H

#include "translation/conversation_facts.h"

#define POSTED_ID_SIZE 128 //  with its NUL; a longer one is none

typedef struct {
    char id[POSTED_ID_SIZE];                  //  of the message, there; "": it does not say
    char conversation[CONVERSATION_ID_SIZE]; //  "": it does not say
} posted_t;

//  Of anything else: nothing is said.
void posted_read (posted_t *self, text_t body);

#endif
