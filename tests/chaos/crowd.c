//  crowd — see crowd.h.

#include "crowd.h"

#include "base/clock.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define TICK 2000          //  µs
#define ROLLOUT_TICK 25000 //  of thousands, who have time
#define SAID_EVERY 15000000
#define LOOK_EVERY 100000  //  µs between looks whether all is quiet

struct crowd {
    crowd_context_t scene;
    pthread_t thread;
    bool has_thread;
    atomic_bool is_ending;
    atomic_bool is_quiet;
    conversation_t **talks;
    unsigned count;
};

//  When it takes long, it says who is the first that waits.
static bool
s_look (const crowd_t *self, uint64_t *said_us)
{
    char text[160] = "";
    for (unsigned index = 0; index < self->count && !*text; index++)
        conversation_describe (self->talks[index], text, sizeof text);
    if (*text && self->scene.now_us >= *said_us + SAID_EVERY) {
        fprintf (stderr, "chaos: not settled: %s\n", text);
        *said_us = self->scene.now_us;
    }
    return !*text;
}

static void *
s_run (void *argument)
{
    crowd_t *self = argument;
    crowd_context_t *scene = &self->scene;
    uint64_t tick_at = 0, look_at = 0, said_at = 0;
    while (!atomic_load (&self->is_ending)) {
        scene->now_us = clock_mono_us ();
        if (scene->now_us >= tick_at) {
            for (unsigned index = 0; index < self->count; index++)
                conversation_tick (self->talks[index]);
            tick_at = scene->now_us + (scene->plan->is_rollout ? ROLLOUT_TICK : TICK);
        }
        if (scene->now_us >= look_at) {
            bool is_talking = atomic_load (&scene->is_talking);
            if (is_talking)
                said_at = scene->now_us;
            atomic_store (&self->is_quiet, !is_talking && s_look (self, &said_at));
            look_at = scene->now_us + LOOK_EVERY;
        }
        ws_loop_turn (scene->loop, tick_at);
    }
    return NULL;
}

static void
s_add (crowd_t *self, conversation_kind_t kind, uint64_t count)
{
    for (uint64_t number = 0; number < count; number++) {
        self->talks[self->count] = conversation_new (&self->scene, kind, self->count);
        self->count++;
    }
}

crowd_t *
crowd_new (const plan_t *plan, const deployment_t *site, findings_t *trouble)
{
    crowd_t *self = calloc (1, sizeof *self);
    assert (self);
    crowd_context_t *scene = &self->scene;
    scene->plan = plan;
    scene->site = site;
    scene->trouble = trouble;
    scene->chance.state = plan->seed ^ 0x63726f7764;
    scene->now_us = clock_mono_us ();
    scene->phases = plan->is_rollout ? phases_new () : NULL;
    scene->loop = ws_loop_new ();
    assert (scene->loop);
    snprintf (scene->run, sizeof scene->run, "%x", (unsigned) (clock_wall_ms () & 0xffffff));
    atomic_store (&scene->is_talking, true);
    self->talks = calloc (plan->pairs + plan->askers + 2 * plan->widgets + plan->leavers + 1,
                          sizeof (conversation_t *));
    assert (self->talks);
    s_add (self, TALK_PAIR, plan->pairs);
    s_add (self, TALK_ASKER, plan->askers);
    s_add (self, TALK_WIDGET_BOT, plan->widgets);
    s_add (self, TALK_WIDGET_AGENT, plan->widgets);
    s_add (self, TALK_LEAVER, plan->leavers);
    int rc = pthread_create (&self->thread, NULL, s_run, self);
    assert (rc == 0);
    self->has_thread = true;
    return self;
}

void
crowd_destroy (crowd_t **self_p)
{
    crowd_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    crowd_end (self);
    for (unsigned index = 0; index < self->count; index++)
        conversation_destroy (&self->talks[index]);
    free (self->talks);
    ws_loop_destroy (&self->scene.loop);
    pauses_free (&self->scene.pauses);
    gaps_free (&self->scene.gaps);
    phases_free (&self->scene.phases);
    free (self);
}

crowd_context_t *
crowd_scene (crowd_t *self)
{
    return &self->scene;
}

void
crowd_fall_silent (crowd_t *self)
{
    atomic_store (&self->scene.is_talking, false);
}

bool
crowd_is_quiet (const crowd_t *self)
{
    return atomic_load (&self->is_quiet);
}

void
crowd_end (crowd_t *self)
{
    if (!self->has_thread)
        return;
    atomic_store (&self->is_ending, true);
    pthread_join (self->thread, NULL);
    self->has_thread = false;
    for (unsigned index = 0; index < self->count; index++)
        conversation_complain (self->talks[index]);
}

unsigned
crowd_talks (const crowd_t *self)
{
    return self->count;
}

conversation_t *
crowd_talk (const crowd_t *self, unsigned number)
{
    return self->talks[number];
}
