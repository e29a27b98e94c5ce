//  bot_speech — what a bot says, as bytes of JSON, becomes what clients are shown and what the
//  switchboard is asked for. json-c is not seen past it. A 200 is not yet a success: the bot may
//  say in it that it failed.
//
//  What comes out for the clients has no cards that carry the bot's internal errors, and no speech
//  or displays of a wrong type. It is for every client: what the widget alone cannot bear the edge
//  takes out.

#ifndef BOT_SPEECH_H
#define BOT_SPEECH_H

#include "base/buffer.h"
#include "model/model.h"

#define BOT_TARGET_MAX 200 //  bytes of a target; a longer one is none

typedef struct {
    bool is_apology; //  the bot says itself that it failed
    buffer_t data;   //  JSON object for the clients, or empty: nothing to show
    ask_t ask;
    buffer_t target;
} bot_speech_t;

typedef enum {
    BOT_SPEECH_OK,
    BOT_SPEECH_EMPTY,
    BOT_SPEECH_NOT_JSON,
    BOT_SPEECH_NOT_OBJECT,
    BOT_SPEECH_TOO_LARGE,
    BOT_SPEECH_FAULTS
} bot_speech_fault_t;

//  The struct is the caller's, to be given back with bot_speech_free; with a fault it is empty.
bot_speech_fault_t bot_speech_read (bot_speech_t *self, text_t body);
//  Safe on a zeroed struct and safe to call twice.
void bot_speech_free (bot_speech_t *self);

#endif
