#include "asking/inquiry.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash_table.h"
#include "base/list.h"
#include "base/loop_timer.h"

#include <assert.h>
#include <stdlib.h>

#define TICK_MS 50

struct inquiry {
    inquiries_t *all;
    UT_hash_handle hh; //  by number
    uint64_t number;   //  of its last REQUEST
    list_t link;       //  in the order in which they were made
    uint64_t deadline_ms;
    uint64_t again_ms; //  not to be sent before
    bool is_asking;    //  an answer is awaited
    bool is_sent;      //  `postoffice` has it
    bool was_sent;     //  some postoffice has had it since it was asked
    unsigned postoffice;
    uint64_t operation;
    char *place, *principal, *body;
    inquiry_answered_fn *answered;
    void *owner;
};

struct inquiries {
    inquiries_config_t config;
    inquiry_t *by_number;
    list_t inquiries;
    size_t count;
    uint64_t last_number;
    loop_timer_t *tick; //  runs while there are any
};

static void
s_number (inquiry_t *self)
{
    inquiries_t *all = self->all;
    self->number = ++all->last_number | all->config.numbers;
    HASH_ADD (hh, all->by_number, number, sizeof self->number, self);
}

static bool
s_may_ask (const inquiries_t *self, unsigned postoffice)
{
    return self->config.feature == 0
           || bus_client_has (self->config.bus, postoffice, self->config.feature);
}

//  The session's own, if it can be asked; else any that can: it can do it, too. −1: none.
static int
s_postoffice (const inquiry_t *self)
{
    int own = bus_client_postoffice_of (self->all->config.bus, text_of (self->place));
    if (own < 0 || s_may_ask (self->all, (unsigned) own))
        return own;
    for (unsigned at = 0; at < BUS_LINKS_MAX; at++)
        if (s_may_ask (self->all, at))
            return (int) at;
    return -1;
}

//  What cannot be sent now is sent with the next tick, until the deadline.
static void
s_send (inquiry_t *self)
{
    uint64_t now = clock_mono_ms ();
    self->is_sent = false;
    if (!self->is_asking || now < self->again_ms || now >= self->deadline_ms)
        return;
    int postoffice = s_postoffice (self);
    if (postoffice < 0)
        return;
    HASH_DEL (self->all->by_number, self);
    s_number (self);
    bus_record_t record = { .kind = BUS_REQUEST,
                            .request = { .request_id = self->number,
                                         .operation = self->operation,
                                         .deadline_ms = self->deadline_ms - now,
                                         .principal = text_of (self->principal),
                                         .body = text_of (self->body),
                                         .trace = TEXT_EMPTY } };
    self->is_sent =
        bus_client_send (self->all->config.bus, (unsigned) postoffice, &record) == 0;
    self->was_sent = self->was_sent || self->is_sent;
    self->postoffice = (unsigned) postoffice;
}

static void
s_forget_question (inquiry_t *self)
{
    free (self->place);
    free (self->principal);
    free (self->body);
}

void
inquiry_ask (inquiry_t *self, const inquiry_question_t *question)
{
    char *place = alloc_text (question->place), *principal = alloc_text (question->principal),
         *body = alloc_text (question->body);
    s_forget_question (self);
    self->place = place;
    self->principal = principal;
    self->body = body;
    self->operation = question->operation;
    self->is_asking = true;
    self->was_sent = false;
    self->again_ms = 0;
    s_send (self);
}

void
inquiry_ask_again (inquiry_t *self, uint64_t after_ms)
{
    assert (self->place);
    self->again_ms = clock_mono_ms () + after_ms;
    self->is_asking = true;
    self->is_sent = self->was_sent = false;
}

//  Its owner may destroy it, and others, within.
static void
s_answer (inquiry_t *self, const bus_reply_t *reply)
{
    self->is_asking = self->is_sent = false;
    self->answered (self->owner, reply, self->was_sent);
}

// ---------------------------------------------------------------------------------------------
//  The bus, and the time

bool
inquiries_reply (inquiries_t *self, const bus_reply_t *reply)
{
    inquiry_t *inquiry;
    HASH_FIND (hh, self->by_number, &reply->request_id, sizeof reply->request_id, inquiry);
    if (!inquiry || !inquiry->is_sent || reply->status < 200 || reply->status > 599)
        return false;
    s_answer (inquiry, reply);
    return true;
}

static void
s_send_all (inquiries_t *self)
{
    for (list_t *link = self->inquiries.next; link != &self->inquiries; link = link->next) {
        inquiry_t *inquiry = LIST_THING (link, inquiry_t, link);
        if (!inquiry->is_sent)
            s_send (inquiry);
    }
}

void
inquiries_postoffice_up (inquiries_t *self)
{
    s_send_all (self);
}

void
inquiries_postoffice_down (inquiries_t *self, unsigned postoffice)
{
    for (list_t *link = self->inquiries.next; link != &self->inquiries; link = link->next) {
        inquiry_t *inquiry = LIST_THING (link, inquiry_t, link);
        inquiry->is_sent = inquiry->is_sent && inquiry->postoffice != postoffice;
    }
    s_send_all (self);
}

static inquiry_t *
s_overdue (const inquiries_t *self, uint64_t now)
{
    for (list_t *link = self->inquiries.next; link != &self->inquiries; link = link->next) {
        inquiry_t *inquiry = LIST_THING (link, inquiry_t, link);
        if (inquiry->is_asking && now >= inquiry->deadline_ms)
            return inquiry;
    }
    return NULL;
}

//  As many as there are: one whose owner asks on although its time is up does not hold up the loop.
static void
s_on_tick (void *owner)
{
    inquiries_t *self = owner;
    uint64_t now = clock_mono_ms ();
    inquiry_t *late;
    s_send_all (self);
    for (size_t left = self->count; left > 0 && (late = s_overdue (self, now)); left--)
        s_answer (late, NULL);
}

// ---------------------------------------------------------------------------------------------

inquiry_t *
inquiry_new (inquiries_t *all, uint64_t within_ms, inquiry_answered_fn *answered, void *owner)
{
    inquiry_t *self = alloc_zeroed (sizeof *self);
    self->all = all;
    self->deadline_ms = clock_mono_ms () + within_ms;
    self->answered = answered;
    self->owner = owner;
    list_init (&self->link);
    list_append (&all->inquiries, &self->link);
    s_number (self);
    if (all->count++ == 0)
        loop_timer_start_ms (all->tick, TICK_MS, TICK_MS);
    return self;
}

void
inquiry_destroy (inquiry_t **self_p)
{
    inquiry_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    inquiries_t *all = self->all;
    HASH_DEL (all->by_number, self);
    list_remove (&self->link);
    if (--all->count == 0)
        loop_timer_stop (all->tick);
    s_forget_question (self);
    free (self);
}

inquiries_t *
inquiries_new (uv_loop_t *loop, const inquiries_config_t *config)
{
    inquiries_t *self = alloc_zeroed (sizeof *self);
    self->config = *config;
    list_init (&self->inquiries);
    self->tick = loop_timer_new (loop, s_on_tick, self);
    return self;
}

void
inquiries_destroy (inquiries_t **self_p)
{
    inquiries_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    assert (self->count == 0);
    loop_timer_destroy (&self->tick);
    free (self);
}
