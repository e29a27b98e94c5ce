//  http_rig — an http_client on the test's own loop before a scripted bot, and what it heard.

#ifndef UNIT_HTTP_RIG_H
#define UNIT_HTTP_RIG_H

#include "bot.h"
#include "http/bearer.h"
#include "http/http_client.h"

#define HTTP_RIG_HEARD 64

typedef struct {
    http_call_t call;
    bool is_answered;
    unsigned place; //  among those that were answered, from 1
    http_outcome_t outcome;
    long status;
    bool was_sent;
    uint64_t retry_after_ms;
    uint64_t took_us;
    char head[2000];
    char body[2000];
    char error[300];
    char location[300];
} http_heard_t;

typedef struct {
    uv_loop_t loop;
    http_client_t *client;
    bot_t *bot;
    http_heard_t heard[HTTP_RIG_HEARD];
    unsigned sent;
    unsigned answered;
} http_rig_t;

//  There is one at a time.
http_rig_t *http_rig_start (const http_client_config_t *config);
//  Nothing may be left on the loop.
void http_rig_end (http_rig_t *self);

//  A POST of 10 s to the bot, to be changed.
http_request_t http_rig_request (const http_rig_t *self);
//  The request is sent; the answer is waited for with http_rig_until.
http_heard_t *http_rig_send (http_rig_t *self, const http_request_t *request);
void http_rig_until (http_rig_t *self, const bool *is_true);
//  Both.
http_heard_t *http_rig_ask (http_rig_t *self, const http_request_t *request);
//  POST of this text to the bot.
http_heard_t *http_rig_say (http_rig_t *self, const char *text);
//  Turns the loop until so many have been answered.
void http_rig_answers (http_rig_t *self, unsigned count);

#endif
