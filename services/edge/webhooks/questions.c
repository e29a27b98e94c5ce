#include "webhooks/questions.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash_table.h"
#include "base/list.h"
#include "base/loop_timer.h"
#include "json/json_write.h"
#include "model/principal.h"
#include "model/session_key.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define TICK_MS 50

struct question {
    questions_t *all;
    UT_hash_handle hh; //  by number
    uint64_t number;   //  of its last REQUEST
    list_t link;
    char *app;
    uint64_t deadline_ms;
    uint64_t again_ms; //  not to be sent before; 0: at once
    bool is_asking;    //  an answer is awaited
    bool is_sent;
    unsigned postoffice;
    uint64_t operation;
    char id[SESSION_ID_MAX + USER_ID_MAX + 1];
    buffer_t body;
    question_answered_fn *answered;
    void *owner;
};

struct questions {
    bus_client_t *bus;
    question_t *by_number;
    list_t questions;
    uint64_t numbers, next_number, count;
    loop_timer_t *tick; //  runs while there are any
};

//  Each REQUEST has a number of its own.
static void
s_renumber (question_t *self)
{
    questions_t *all = self->all;
    HASH_DEL (all->by_number, self);
    self->number = ++all->next_number | all->numbers;
    HASH_ADD (hh, all->by_number, number, sizeof self->number, self);
}

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

//  Nobody to send it to now: the tick tries again, until the deadline.
static void
s_send (question_t *self)
{
    session_key_room_t room;
    buffer_t who;
    uint64_t now = clock_mono_ms ();
    text_t key = session_key_of (room, text_of (self->app), text_of (self->id));
    int postoffice = bus_client_postoffice_of (self->all->bus, key);
    self->is_sent = false;
    if (!self->is_asking || postoffice < 0 || now < self->again_ms || now >= self->deadline_ms)
        return;
    buffer_init (&who, APP_ID_MAX * 6 + 200);
    s_write_principal (self, &who);
    s_renumber (self);
    bus_record_t record = { .kind = BUS_REQUEST,
                            .request = { .request_id = self->number,
                                         .operation = self->operation,
                                         .deadline_ms = self->deadline_ms - now,
                                         .principal = buffer_text (&who),
                                         .body = buffer_text (&self->body) } };
    self->is_sent = bus_client_send (self->all->bus, (unsigned) postoffice, &record) == 0;
    self->postoffice = (unsigned) postoffice;
    buffer_free (&who);
}

void
question_ask (question_t *self, uint64_t operation, text_t id, text_t body)
{
    self->operation = operation;
    self->is_asking = true;
    self->again_ms = 0;
    snprintf (self->id, sizeof self->id, "%.*s", TEXT_ARGS (id));
    buffer_free (&self->body);
    buffer_init (&self->body, body.size);
    int rc = buffer_put_text (&self->body, body);
    assert (rc == 0);
    s_send (self);
}

void
question_ask_again (question_t *self, uint64_t after_ms)
{
    self->again_ms = clock_mono_ms () + after_ms;
    self->is_asking = true;
    self->is_sent = false;
}

static void
s_answer (question_t *self, unsigned status, text_t body)
{
    self->is_asking = self->is_sent = false;
    self->answered (self->owner, status, body);
}

bool
questions_reply (questions_t *self, const bus_reply_t *reply)
{
    question_t *question;
    if (!(reply->request_id & self->numbers))
        return false;
    HASH_FIND (hh, self->by_number, &reply->request_id, sizeof reply->request_id, question);
    if (question && question->is_sent)
        s_answer (question, (unsigned) reply->status, reply->body);
    return true;
}

void
questions_postoffice_down (questions_t *self, unsigned postoffice)
{
    for (list_t *link = self->questions.next; link != &self->questions; link = link->next) {
        question_t *question = LIST_THING (link, question_t, link);
        if (question->is_sent && question->postoffice == postoffice)
            s_send (question);
    }
}

void
questions_postoffice_up (questions_t *self)
{
    for (list_t *link = self->questions.next; link != &self->questions; link = link->next) {
        question_t *question = LIST_THING (link, question_t, link);
        if (!question->is_sent)
            s_send (question);
    }
}

static void
s_on_tick (void *owner)
{
    questions_t *self = owner;
    uint64_t now = clock_mono_ms ();
    for (list_t *link = self->questions.next; link != &self->questions;) {
        question_t *question = LIST_THING (link, question_t, link);
        link = link->next;
        if (question->is_asking && now >= question->deadline_ms)
            s_answer (question, question->is_sent ? 504 : 503, TEXT_EMPTY);
        else if (!question->is_sent)
            s_send (question);
    }
}

// ---------------------------------------------------------------------------------------------

question_t *
question_new (questions_t *all, text_t app, uint64_t within_ms, question_answered_fn *answered,
              void *owner)
{
    question_t *self = alloc_zeroed (sizeof *self);
    self->all = all;
    self->app = alloc_text (app);
    self->deadline_ms = clock_mono_ms () + within_ms;
    self->answered = answered;
    self->owner = owner;
    list_init (&self->link);
    list_append (&all->questions, &self->link);
    self->number = ++all->next_number | all->numbers;
    HASH_ADD (hh, all->by_number, number, sizeof self->number, self);
    if (all->count++ == 0)
        loop_timer_start_ms (all->tick, TICK_MS, TICK_MS);
    return self;
}

void
question_destroy (question_t **self_p)
{
    question_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    questions_t *all = self->all;
    HASH_DEL (all->by_number, self);
    list_remove (&self->link);
    if (--all->count == 0)
        loop_timer_stop (all->tick);
    buffer_free (&self->body);
    free (self->app);
    free (self);
}

questions_t *
questions_new (uv_loop_t *loop, bus_client_t *bus, uint64_t numbers)
{
    questions_t *self = alloc_zeroed (sizeof *self);
    self->bus = bus;
    self->numbers = numbers;
    list_init (&self->questions);
    self->tick = loop_timer_new (loop, s_on_tick, self);
    return self;
}

void
questions_destroy (questions_t **self_p)
{
    questions_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    assert (self->count == 0);
    loop_timer_destroy (&self->tick);
    free (self);
}
