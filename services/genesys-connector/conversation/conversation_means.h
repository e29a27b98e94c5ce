//  conversation_means — what the steps of conversations work with.

#ifndef CONVERSATION_MEANS_H
#define CONVERSATION_MEANS_H

#include "config/apps.h"
#include "platform/genesys_people.h"

#define CONVERSATION_TOPIC "platform.genesys"

typedef struct conversations conversations_t;

//  Borrowed; they live longer than the conversations.
typedef struct {
    uv_loop_t *loop;
    const apps_t *apps;
    genesys_calls_t *calls;
    genesys_people_t *people;
} conversation_means_t;

#endif
