//  watch_memory — what one look at a conversation tells the next one, which may be another
//  process's: with the item, as a JSON object of BUS_MEMORY_MOST bytes at most.
//
//  A name or a picture that does not fit is not kept: who comes in is told them once.

#ifndef WATCH_MEMORY_H
#define WATCH_MEMORY_H

#include "base/buffer.h"
#include "translation/conversation_facts.h"

#include <stdbool.h>

typedef enum {
    WATCH_WAITING, //  nobody has come yet
    WATCH_WITH,    //  a person is there
    WATCH_BETWEEN, //  the person has gone, and another one is sought
    WATCH_STATES
} watch_state_t;

typedef struct {
    watch_state_t state;
    uint64_t turn;      //  how often somebody came or went: makes the keys of what is asked
    uint64_t began_ms;  //  the first look; all on the wall's clock
    uint64_t since_ms;  //  that nobody is there; 0: not seen yet
    uint64_t dark_ms;   //  that nothing is known; 0: it is
    uint64_t ended_ms;  //  that the platform is out, and what is on its way there is waited for
    bool was_attended;  //  somebody has been there
    char person[CONVERSATION_ID_SIZE]; //  who is there
    char name[CONVERSATION_NAME_SIZE]; //  what they were shown as
} watch_memory_t;

#define WATCH_MEMORY_SIZE 1024

//  Of anything that cannot be read: of a watcher that begins.
void watch_memory_read (watch_memory_t *self, text_t json);
text_t watch_memory_write (const watch_memory_t *self, char room[WATCH_MEMORY_SIZE]);

#endif
