#include "session/schedule.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <assert.h>
#include <stdlib.h>

//  Sessions that try again in one tick: more would come upon the database all at once.
#define RETRIES_AT_ONCE 1000

struct schedule {
    void (*turn) (session_t *session);
    list_t pending;      //  sessions that get a turn before the loop sleeps
    list_t retrying;     //  sessions that get a turn at the next tick
    list_t idle;         //  sessions that nobody needs, longest first
    list_t absent;       //  participants without an endpoint, longest first
    list_t unsettled;    //  participants who may have one somewhere, longest first
    schedule_load_t load;
    uv_idle_t turns;     //  runs while something is pending
};

schedule_t *
schedule_new (uv_loop_t *loop, void (*turn) (session_t *session))
{
    schedule_t *self = alloc_zeroed (sizeof *self);
    self->turn = turn;
    list_init (&self->pending);
    list_init (&self->retrying);
    list_init (&self->idle);
    list_init (&self->absent);
    list_init (&self->unsettled);
    uv_idle_init (loop, &self->turns);
    self->turns.data = self;
    return self;
}

static void
s_on_closed (uv_handle_t *handle)
{
    free (handle->data);
}

void
schedule_destroy (schedule_t **self_p)
{
    schedule_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    uv_close ((uv_handle_t *) &self->turns, s_on_closed);
}

static void
s_on_turns (uv_idle_t *handle)
{
    schedule_t *self = handle->data;
    //  What becomes pending meanwhile gets its turn in the loop's next round.
    list_t now;
    list_init (&now);
    list_t *link;
    while ((link = list_first (&self->pending)))
        list_append (&now, link);
    while ((link = list_first (&now))) {
        list_remove (link);
        self->turn (LIST_THING (link, session_t, pending));
    }
    if (list_is_empty (&self->pending))
        uv_idle_stop (&self->turns);
}

void
schedule_pend (schedule_t *self, session_t *session)
{
    list_remove (&session->idle);
    list_append (&self->pending, &session->pending);
    uv_idle_start (&self->turns, s_on_turns);
}

void
schedule_retry (schedule_t *self, session_t *session)
{
    list_append (&self->retrying, &session->pending);
}

void
schedule_retry_some (schedule_t *self)
{
    list_t *link;
    for (int retried = 0; retried < RETRIES_AT_ONCE && (link = list_first (&self->retrying));
         retried++)
        schedule_pend (self, LIST_THING (link, session_t, pending));
}

void
schedule_consider_idle (schedule_t *self, session_t *session)
{
    if (!list_is_empty (&session->idle) || !list_is_empty (&session->pending)
        || !session_is_idle (session))
        return;
    session->idle_since_ms = session->is_passing ? 0 : clock_mono_ms ();
    if (session->is_passing)
        list_prepend (&self->idle, &session->idle);
    else
        list_append (&self->idle, &session->idle);
}

session_t *
schedule_take_idle (schedule_t *self, uint64_t since_ms)
{
    list_t *link;
    while ((link = list_first (&self->idle))) {
        session_t *session = LIST_THING (link, session_t, idle);
        if (session->idle_since_ms > since_ms)
            return NULL;
        list_remove (link);
        if (session_is_idle (session))
            return session;
    }
    return NULL;
}

void
schedule_await (schedule_t *self, participant_t *participant)
{
    participant->absent_since_ms = clock_mono_ms ();
    list_append (&self->absent, &participant->absent);
}

participant_t *
schedule_take_absent (schedule_t *self, uint64_t since_ms)
{
    list_t *link = list_first (&self->absent);
    if (!link)
        return NULL;
    participant_t *participant = LIST_THING (link, participant_t, absent);
    if (participant->absent_since_ms > since_ms)
        return NULL;
    list_remove (link);
    return participant;
}

void
schedule_settle (schedule_t *self, participant_t *participant)
{
    participant->unsettled_since_ms = clock_mono_ms ();
    list_append (&self->unsettled, &participant->unsettled);
}

participant_t *
schedule_take_unsettled (schedule_t *self, uint64_t since_ms)
{
    list_t *link = list_first (&self->unsettled);
    if (!link)
        return NULL;
    participant_t *participant = LIST_THING (link, participant_t, unsettled);
    if (participant->unsettled_since_ms > since_ms)
        return NULL;
    list_remove (link);
    return participant;
}

void
schedule_begun (schedule_t *self, const operation_t *operation)
{
    self->load.operations++;
    self->load.bytes += operation->weight;
}

void
schedule_ended (schedule_t *self, const operation_t *operation)
{
    assert (self->load.operations > 0);
    self->load.operations--;
    self->load.bytes -= operation->weight;
}

schedule_load_t
schedule_load (const schedule_t *self)
{
    return self->load;
}
