//  bot — a Stentor bot that does what the test says, in every way that a bot can go wrong. An HTTP
//  server on 127.0.0.1 in a thread of its own; the test calls it from its thread.
//
//  Each request is answered by the first rule whose text stands in it (head or body) and whose
//  times are not used up; without one by {"outputSpeech":"ok"}.

#ifndef HARNESS_BOT_H
#define HARNESS_BOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bot bot_t;

typedef enum {
    BOT_REPLIES,  //  status line, headers, body, as one
    BOT_CHUNKS,   //  the same in HTTP chunks of a few bytes
    BOT_DRIBBLES, //  the same, a byte every 20 ms
    BOT_HANGS,    //  takes the request and says nothing
    BOT_STOPS,    //  begins its answer, says nothing more
    BOT_CLOSES,   //  closes without a word
    BOT_CUTS,     //  closes in the middle of its body
    BOT_RESETS,   //  resets the connection
    BOT_PARTS,    //  the body's pieces (between \x1e), each as an HTTP chunk, every `every_ms`
    BOT_PARTS_CUT, //  the same, and closes in place of the end
    BOT_PARTS_STOP, //  the same, and says nothing more
    BOT_SAYS_RAW, //  the body as it is, without a head, and closes
} bot_manner_t;

typedef struct {
    bot_manner_t manner;
    int status;           //  0: 200
    const char *type;     //  NULL: application/json
    const char *headers;  //  further lines, each with its "\r\n"; NULL: none
    const char *body;     //  NULL: empty; "$rawQuery" in it stands for what the visitor said
    size_t body_size;     //  0: up to its NUL; else so many bytes, as they are
    size_t filler;        //  so many blanks behind the body
    uint64_t after_ms;    //  thinks first
    uint64_t every_ms;    //  of BOT_PARTS: from one piece to the next; 0: 20
} bot_reply_t;

bot_t *bot_new (void);
void bot_destroy (bot_t **self_p);
uint16_t bot_port (const bot_t *self);
//  "http://127.0.0.1:1234/bot"
const char *bot_url (const bot_t *self);

//  `text` "" is in every request; `times` 0 is for ever. The reply's strings are copied.
void bot_rule (bot_t *self, const char *text, unsigned times, const bot_reply_t *reply);
//  The usual one: this JSON, for ever, to requests with this text.
void bot_says (bot_t *self, const char *text, const char *json);
void bot_forget_rules (bot_t *self);
//  What it does with a connection that is kept after an answer: closes it when it was idle for so
//  long (0: never), or resets it when the next question comes, without a look at it.
void bot_closes_idle (bot_t *self, uint64_t after_ms);
void bot_resets_kept (bot_t *self);
//  Once, so long after its next answer, it says these bytes on that connection, and may close it.
void bot_speaks_unasked (bot_t *self, uint64_t after_ms, const char *bytes, bool closes);
//  For more than the 4096 that it keeps: none is, and the two questions below are not to be asked.
void bot_keep_no_requests (bot_t *self);

//  Requests with this text in them so far.
unsigned bot_asked (bot_t *self, const char *text);
//  The last request with this text, head and body; NULL when there is none. The caller frees it.
char *bot_request (bot_t *self, const char *text);
//  Connections that were accepted so far.
unsigned bot_accepted (bot_t *self);
//  Connections that are open now.
unsigned bot_connections (bot_t *self);

#endif
