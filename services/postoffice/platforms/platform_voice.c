#include "platforms/platform_voice.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash_table.h"
#include "base/list.h"
#include "base/loop_timer.h"
#include "session/presence.h"
#include "session/sessions.h"

#include <stdlib.h>

#define TICK_MS 20

//  Something that is held.
typedef struct {
    list_t link;
    uint64_t time_ms; //  of the platform
    uint64_t due_ms;  //  monotonic
    operation_t *operation;
} held_t;

//  A session in which something is held, or somebody types.
typedef struct {
    UT_hash_handle hh;
    char *session, *topic;
    list_t held; //  by time_ms; of one time in the order in which they came
    size_t count;
    uint64_t types_until_ms; //  0: nobody types
} speaker_t;

struct platform_voice {
    postoffice_context_t *office;
    speaker_t *speakers;
    size_t count; //  held in all
    loop_timer_t *tick; //  runs while there is a speaker
};

// ---------------------------------------------------------------------------------------------

static speaker_t *
s_find (platform_voice_t *self, text_t session)
{
    speaker_t *speaker;
    HASH_FIND (hh, self->speakers, session.data, session.size, speaker);
    return speaker;
}

static speaker_t *
s_meet (platform_voice_t *self, text_t session, text_t topic)
{
    speaker_t *speaker = s_find (self, session);
    if (speaker)
        return speaker;
    speaker = alloc_zeroed (sizeof *speaker);
    speaker->session = alloc_text (session);
    speaker->topic = alloc_text (topic);
    list_init (&speaker->held);
    if (!self->speakers)
        loop_timer_start_ms (self->tick, TICK_MS, TICK_MS);
    HASH_ADD_KEYPTR (hh, self->speakers, speaker->session, session.size, speaker);
    return speaker;
}

//  If nothing is left of it.
static void
s_leave (platform_voice_t *self, speaker_t *speaker)
{
    if (speaker->count > 0 || speaker->types_until_ms > 0)
        return;
    HASH_DEL (self->speakers, speaker);
    free (speaker->session);
    free (speaker->topic);
    free (speaker);
    if (!self->speakers)
        loop_timer_stop (self->tick);
}

static void
s_show_typing (platform_voice_t *self, const speaker_t *speaker, bool is_on)
{
    session_t *session = sessions_find (self->office->sessions, text_of (speaker->session));
    if (session)
        presence_type (session, ROLE_PLATFORM, text_of (speaker->topic), is_on);
}

static void
s_end_typing (platform_voice_t *self, speaker_t *speaker)
{
    if (speaker->types_until_ms > 0)
        s_show_typing (self, speaker, false);
    speaker->types_until_ms = 0;
}

static void
s_drop (platform_voice_t *self, speaker_t *speaker, held_t *held)
{
    list_remove (&held->link);
    operation_destroy (&held->operation);
    free (held);
    speaker->count--;
    self->count--;
}

//  What is held up to this one, and itself.
static void
s_say_up_to (platform_voice_t *self, speaker_t *speaker, const held_t *last)
{
    bool is_last = false;
    s_end_typing (self, speaker);
    while (!is_last) {
        held_t *held = LIST_THING (speaker->held.next, held_t, link);
        operation_t *operation = held->operation;
        is_last = held == last;
        held->operation = NULL;
        s_drop (self, speaker, held);
        sessions_ask (self->office->sessions, text_of (speaker->session), &operation);
    }
}

//  The last one that is due takes all before it along.
static const held_t *
s_last_due (const speaker_t *speaker, uint64_t now)
{
    const held_t *due = NULL;
    for (const list_t *link = speaker->held.next; link != &speaker->held; link = link->next) {
        const held_t *held = LIST_THING (link, const held_t, link);
        if (held->due_ms <= now)
            due = held;
    }
    return due;
}

static void
s_on_tick (void *owner)
{
    platform_voice_t *self = owner;
    speaker_t *speaker, *next;
    uint64_t now = clock_mono_ms ();
    HASH_ITER (hh, self->speakers, speaker, next)
    {
        const held_t *due = s_last_due (speaker, now);
        if (due)
            s_say_up_to (self, speaker, due);
        if (speaker->types_until_ms > 0 && speaker->types_until_ms <= now)
            s_end_typing (self, speaker);
        s_leave (self, speaker);
    }
}

// ---------------------------------------------------------------------------------------------

//  Behind those that were said before it, or at the same time.
static void
s_hold (platform_voice_t *self, speaker_t *speaker, held_t *held)
{
    list_t *after = speaker->held.previous;
    while (after != &speaker->held && LIST_THING (after, held_t, link)->time_ms > held->time_ms)
        after = after->previous;
    list_init (&held->link);
    list_append (after->next, &held->link); //  before the next one
    speaker->count++;
    self->count++;
}

void
platform_voice_say (platform_voice_t *self, text_t session, text_t topic, uint64_t time_ms,
                    uint64_t window_ms, operation_t **operation_p)
{
    uint64_t now = clock_mono_ms ();
    speaker_t *speaker = s_meet (self, session, topic);
    held_t *held = alloc_zeroed (sizeof *held);
    held->time_ms = time_ms;
    held->due_ms = now + window_ms;
    held->operation = *operation_p;
    *operation_p = NULL;
    s_hold (self, speaker, held);
    bool is_full = self->count > PLATFORM_VOICE_MOST
                   || speaker->count > PLATFORM_VOICE_SESSION_MOST;
    if (is_full)
        s_say_up_to (self, speaker, LIST_THING (speaker->held.previous, held_t, link));
    else if (window_ms == 0)
        s_say_up_to (self, speaker, held);
    s_leave (self, speaker);
}

void
platform_voice_type (platform_voice_t *self, text_t session, text_t topic, uint64_t for_ms)
{
    if (!sessions_find (self->office->sessions, session))
        return;
    speaker_t *speaker = s_meet (self, session, topic);
    if (for_ms == 0)
        s_end_typing (self, speaker);
    else {
        speaker->types_until_ms = clock_mono_ms () + for_ms;
        s_show_typing (self, speaker, true);
    }
    s_leave (self, speaker);
}

platform_voice_t *
platform_voice_new (uv_loop_t *loop, postoffice_context_t *office)
{
    platform_voice_t *self = alloc_zeroed (sizeof *self);
    self->office = office;
    self->tick = loop_timer_new (loop, s_on_tick, self);
    return self;
}

void
platform_voice_destroy (platform_voice_t **self_p)
{
    platform_voice_t *self = *self_p;
    speaker_t *speaker, *next;
    *self_p = NULL;
    if (!self)
        return;
    HASH_ITER (hh, self->speakers, speaker, next)
    {
        while (speaker->count > 0)
            s_drop (self, speaker, LIST_THING (speaker->held.next, held_t, link));
        speaker->types_until_ms = 0;
        s_leave (self, speaker);
    }
    loop_timer_destroy (&self->tick);
    free (self);
}
