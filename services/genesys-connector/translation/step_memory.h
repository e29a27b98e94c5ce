//  step_memory — what the steps of a conversation tell each other, as JSON objects: with an item
//  for its later attempts, with a lane for its later items (docs/work-items.md).

#ifndef STEP_MEMORY_H
#define STEP_MEMORY_H

#include "translation/conversation_facts.h"

#include <stdbool.h>

#define STEP_MEMORY_SIZE 1024 //  bytes of the JSON
#define ITEM_IDS_SIZE 800

//  Of an item.
typedef struct {
    uint64_t fails; //  attempts that failed in a way that passes
    uint64_t parts; //  of its messages, that were accepted
    bool is_unsure; //  an attempt may have been carried out
    uint64_t unnamed; //  tries that were accepted, and not told the conversation
    char ids[ITEM_IDS_SIZE]; //  those parts' at Genesys, with blanks between; as many as there is
                             //  room for
} item_memory_t;

//  Of anything that cannot be read: nothing is remembered.
void item_memory_read (item_memory_t *self, text_t json);
text_t item_memory_write (const item_memory_t *self, char room[STEP_MEMORY_SIZE]);
//  One that is no id (letters, digits, '-', '_', '.') is passed over.
void item_memory_add_id (item_memory_t *self, text_t id);

//  Of the lane. The settings are those that the opening began with: each try of it says the same,
//  whatever is set meanwhile.
typedef struct {
    uint64_t opening; //  seq of the offer that opens, or has opened, a conversation; 0: none has
    char conversation[CONVERSATION_ID_SIZE]; //  "": not known
    char before[CONVERSATION_ID_SIZE]; //  of an earlier offer, that could not be ended; "": none
    bool is_whole;     //  transcript: all of it
    uint64_t messages; //  of the transcript, else
    bool attributes;
} lane_memory_t;

void lane_memory_read (lane_memory_t *self, text_t json);
text_t lane_memory_write (const lane_memory_t *self, char room[STEP_MEMORY_SIZE]);

#endif
