#include "http_rig.h"

#include "eventually.h"

#include <criterion/criterion.h>
#include <stdio.h>

static http_rig_t s_rig;

http_rig_t *
http_rig_start (const http_client_config_t *config)
{
    memset (&s_rig, 0, sizeof s_rig);
    uv_loop_init (&s_rig.loop);
    s_rig.bot = bot_new ();
    s_rig.client = http_client_new (&s_rig.loop, config);
    cr_assert (s_rig.client);
    return &s_rig;
}

void
http_rig_end (http_rig_t *self)
{
    http_client_destroy (&self->client);
    for (int turn = 0; turn < 20; turn++)
        uv_run (&self->loop, UV_RUN_NOWAIT);
    cr_assert_eq (uv_loop_close (&self->loop), 0, "a handle is still open");
    bot_destroy (&self->bot);
}

http_request_t
http_rig_request (const http_rig_t *self)
{
    return (http_request_t){ .method = "POST",
                             .url = bot_url (self->bot),
                             .content_type = "text/plain",
                             .body = TEXT ("hello"),
                             .timeout_ms = 10000,
                             .answer_limit = 1000 };
}

static void
s_copy (char *to, size_t room, text_t text)
{
    snprintf (to, room, "%.*s", TEXT_ARGS (text));
}

static void
s_answered (void *owner, http_call_t call, const http_answer_t *answer)
{
    http_heard_t *heard = owner;
    cr_assert (!heard->is_answered && (heard->call == 0 || heard->call == call));
    cr_assert_leq (answer->head.size + answer->body.size, 20000);
    heard->is_answered = true;
    heard->place = ++s_rig.answered;
    heard->outcome = answer->outcome;
    heard->status = answer->status;
    heard->was_sent = answer->was_sent;
    heard->retry_after_ms = answer->retry_after_ms;
    heard->took_us = answer->took_us;
    s_copy (heard->head, sizeof heard->head, answer->head);
    s_copy (heard->body, sizeof heard->body, answer->body);
    s_copy (heard->error, sizeof heard->error, text_of (answer->error));
    s_copy (heard->location, sizeof heard->location, text_of (answer->location));
}

http_heard_t *
http_rig_send (http_rig_t *self, const http_request_t *request)
{
    cr_assert_lt (self->sent, HTTP_RIG_HEARD);
    http_heard_t *heard = &self->heard[self->sent++];
    heard->call = http_client_send (self->client, request, s_answered, heard);
    cr_assert (!heard->is_answered, "nobody is called from within");
    return heard;
}

static void
s_too_late (uv_timer_t *timer)
{
    (void) timer;
    cr_assert_fail ("the answer does not come");
}

void
http_rig_until (http_rig_t *self, const bool *is_true)
{
    uv_timer_t timer;
    uv_timer_init (&self->loop, &timer);
    uv_timer_start (&timer, s_too_late, 50000, 0);
    while (!*is_true)
        uv_run (&self->loop, UV_RUN_ONCE);
    uv_close ((uv_handle_t *) &timer, NULL);
    uv_run (&self->loop, UV_RUN_NOWAIT);
}

void
http_rig_answers (http_rig_t *self, unsigned count)
{
    for (unsigned at = 0; at < self->sent && self->answered < count; at++)
        if (self->heard[at].call)
            http_rig_until (self, &self->heard[at].is_answered);
    cr_assert_eq (self->answered, count);
}

http_heard_t *
http_rig_ask (http_rig_t *self, const http_request_t *request)
{
    http_heard_t *heard = http_rig_send (self, request);
    cr_assert_neq (heard->call, 0, "%s", request->url);
    http_rig_until (self, &heard->is_answered);
    return heard;
}

http_heard_t *
http_rig_say (http_rig_t *self, const char *text)
{
    http_request_t request = http_rig_request (self);
    request.body = text_of (text);
    return http_rig_ask (self, &request);
}
