#include "webhooks/questions.h"

#include "asking/inquiry.h"
#include "base/alloc.h"
#include "json/json_write.h"
#include "model/principal.h"
#include "model/session_key.h"

#include <assert.h>
#include <stdlib.h>

struct question {
    inquiry_t *inquiry;
    char *app;
    question_answered_fn *answered;
    void *owner;
};

struct questions {
    inquiries_t *inquiries;
    uint64_t numbers;
};

static void
s_write_principal (const question_t *self, buffer_t *to)
{
    json_writer_t json;
    principal_t server = { .kind = ROLE_API,
                           .app = text_of (self->app),
                           .user = TEXT ("webhook"),
                           .session = TEXT_EMPTY,
                           .name = TEXT_EMPTY };
    json_write_begin (&json, to);
    principal_write (&server, NULL, &json);
    int rc = json_write_end (&json);
    assert (rc == 0);
}

void
question_ask (question_t *self, uint64_t operation, text_t id, text_t body)
{
    session_key_room_t room;
    buffer_t who;
    buffer_init (&who, APP_ID_MAX * 6 + 200);
    s_write_principal (self, &who);
    inquiry_ask (self->inquiry,
                 &(inquiry_question_t){ .place = session_key_of (room, text_of (self->app), id),
                                        .operation = operation,
                                        .principal = buffer_text (&who),
                                        .body = body });
    buffer_free (&who);
}

void
question_ask_again (question_t *self, uint64_t after_ms)
{
    inquiry_ask_again (self->inquiry, after_ms);
}

static void
s_on_answered (void *question, const bus_reply_t *reply, bool was_sent)
{
    const question_t *self = question;
    if (reply)
        self->answered (self->owner, (unsigned) reply->status, reply->body);
    else
        self->answered (self->owner, was_sent ? 504 : 503, TEXT_EMPTY);
}

bool
questions_reply (questions_t *self, const bus_reply_t *reply)
{
    if (!(reply->request_id & self->numbers))
        return false;
    (void) inquiries_reply (self->inquiries, reply); //  what is late is for nobody
    return true;
}

void
questions_postoffice_down (questions_t *self, unsigned postoffice)
{
    inquiries_postoffice_down (self->inquiries, postoffice);
}

void
questions_postoffice_up (questions_t *self)
{
    inquiries_postoffice_up (self->inquiries);
}

// ---------------------------------------------------------------------------------------------

question_t *
question_new (questions_t *all, text_t app, uint64_t within_ms, question_answered_fn *answered,
              void *owner)
{
    question_t *self = alloc_zeroed (sizeof *self);
    self->inquiry = inquiry_new (all->inquiries, within_ms, s_on_answered, self);
    self->app = alloc_text (app);
    self->answered = answered;
    self->owner = owner;
    return self;
}

void
question_destroy (question_t **self_p)
{
    question_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    inquiry_destroy (&self->inquiry);
    free (self->app);
    free (self);
}

questions_t *
questions_new (uv_loop_t *loop, bus_client_t *bus, uint64_t numbers)
{
    questions_t *self = alloc_zeroed (sizeof *self);
    self->numbers = numbers;
    self->inquiries =
        inquiries_new (loop, &(inquiries_config_t){ .bus = bus, .numbers = numbers });
    return self;
}

void
questions_destroy (questions_t **self_p)
{
    questions_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    inquiries_destroy (&self->inquiries);
    free (self);
}
