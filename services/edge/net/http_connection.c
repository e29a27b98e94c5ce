#include "net/http_connection.h"

#include <stdlib.h>

//  What is owed has a bound: however much was asked for, those who come next wait a second for it.
void
connection_charge (request_t *self, uint64_t tokens)
{
    token_bucket_t *rate = &self->requests->rate;
    uint64_t most_us = stream_now (self->stream) * 1000
                       + 2 * STATIC_FILES_BURST * token_bucket_token_us (STATIC_FILES_PER_SECOND);
    token_bucket_take_many (rate, stream_now (self->stream), STATIC_FILES_PER_SECOND, tokens);
    rate->full_us = rate->full_us < most_us ? rate->full_us : most_us;
}

void
connection_set_busy (request_t *self, bool is_busy)
{
    http_server_t *server = self->requests;
    server->busy += (uint64_t) is_busy - (uint64_t) self->is_busy;
    self->is_busy = is_busy;
    if (server->is_draining && server->busy == 0)
        server->events->quiet (server->owner);
}

//  What came behind it meanwhile is offered again.
void
connection_go_on (request_t *self)
{
    bool is_over = !self->keep_alive || self->has_ended;
    self->is_answered = false;
    connection_set_busy (self, is_over); //  then nothing is read any more
    if (is_over) {
        stream_finish (self->stream);
        return;
    }
    stream_limit (self->stream, STREAM_IDLE, stream_now (self->stream));
    if (!self->is_within)
        stream_read (self->stream, true);
}

void
connection_forget_body (request_t *self)
{
    body_t *body = self->body;
    if (!body)
        return;
    self->body = NULL;
    self->requests->events->memory (self->requests->owner, -(int64_t) body->bytes.size);
    buffer_free (&body->bytes);
    free (body);
}
