#include "translation/watch_decision.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

//  Who says who is there, and does not say who it is.
#define SOMEBODY "somebody"
#define YOUNG_MS 300000u
#define OLD_MS 1800000u
#define MIDDLE_PERIODS 2
#define OLD_PERIODS 4

typedef struct {
    watch_decision_t decision; //  `next` is as the memory was, but for what the steps change
    const conversation_facts_t *facts;
    const watch_limits_t *limits;
    uint64_t now_ms;
} judge_t;

typedef void step_fn (judge_t *self);
//  Without the s_ of other static functions: these names stand in presence.def.
static step_fn enter, change, wait, pass, leave, give_back, hold;

static const struct {
    step_fn *steps[WATCH_STATES];
} s_table[PRESENCES] = {
#define PRESENCE(NAME, waiting, with, between, words)                                            \
    [PRESENCE_##NAME] = { { waiting, with, between } },
#include "translation/presence.def"
#undef PRESENCE
};

static const char *
s_person (const conversation_facts_t *facts)
{
    return *facts->person ? facts->person : SOMEBODY;
}

static void
enter (judge_t *self)
{
    watch_memory_t *next = &self->decision.next;
    self->decision.act = WATCH_ENTER;
    next->state = WATCH_WITH;
    next->turn++;
    next->since_ms = next->ended_ms = 0;
    next->was_attended = true;
    snprintf (next->person, sizeof next->person, "%s", s_person (self->facts));
    snprintf (next->name, sizeof next->name, "%s", self->facts->name);
}

static void
s_exit (judge_t *self, const char *why)
{
    watch_memory_t *next = &self->decision.next;
    self->decision.act = WATCH_EXIT;
    self->decision.why = why;
    next->state = WATCH_BETWEEN;
    next->turn++;
    next->since_ms = self->now_ms;
    *next->person = *next->name = '\0';
}

static void
change (judge_t *self)
{
    self->decision.next.ended_ms = 0;
    if (strcmp (self->decision.next.person, s_person (self->facts)) != 0)
        s_exit (self, "somebody else is there");
}

static void
s_give_back (judge_t *self, const char *why, const char *reason)
{
    self->decision.act = WATCH_GIVE_BACK;
    self->decision.why = why;
    self->decision.reason = reason;
    if (self->decision.next.ended_ms == 0)
        self->decision.next.ended_ms = self->now_ms;
}

static void
wait (judge_t *self)
{
    watch_memory_t *next = &self->decision.next;
    if (next->since_ms == 0)
        next->since_ms = self->now_ms;
    if (self->now_ms >= next->since_ms + self->limits->queue_ms)
        s_give_back (self, "nobody came in time", "nobody");
    else
        next->ended_ms = 0;
}

static void
pass (judge_t *self)
{
    s_exit (self, presence_words (self->facts->presence));
}

static void
leave (judge_t *self)
{
    s_exit (self, presence_words (self->facts->presence));
}

static void
give_back (judge_t *self)
{
    bool is_barred = self->facts->presence == PRESENCE_BARRED;
    bool was_attended = self->decision.next.was_attended;
    s_give_back (self, presence_words (self->facts->presence),
                 is_barred ? "unreachable" : was_attended ? NULL : "nobody");
}

static void
hold (judge_t *self)
{
    watch_memory_t *next = &self->decision.next;
    if (next->dark_ms == 0)
        next->dark_ms = self->now_ms;
    if (self->now_ms < next->dark_ms + self->limits->unreachable_ms)
        return;
    if (next->state == WATCH_WITH)
        s_exit (self, presence_words (self->facts->presence));
    else {
        s_give_back (self, presence_words (self->facts->presence), "unreachable");
        self->decision.is_dark = true;
    }
}

watch_decision_t
watch_decide (const watch_memory_t *memory, const conversation_facts_t *facts,
              const watch_limits_t *limits, uint64_t now_ms)
{
    judge_t judge = { .decision = { .act = WATCH_NOTHING, .next = *memory, .why = "" },
                      .facts = facts,
                      .limits = limits,
                      .now_ms = now_ms };
    watch_memory_t *next = &judge.decision.next;
    assert (facts->presence < PRESENCES && memory->state < WATCH_STATES);
    step_fn *step = s_table[facts->presence].steps[memory->state];
    if (next->began_ms == 0)
        next->began_ms = now_ms;
    if (step != hold)
        next->dark_ms = 0;
    step (&judge);
    return judge.decision;
}

uint64_t
watch_pause_ms (const watch_memory_t *memory, uint64_t period_ms, uint64_t least_ms,
                uint64_t now_ms)
{
    uint64_t age_ms = now_ms > memory->began_ms ? now_ms - memory->began_ms : 0;
    uint64_t pause_ms = period_ms;
    //  Who waits is watched as closely as at first: somebody may come.
    if (memory->state == WATCH_WITH && age_ms > YOUNG_MS)
        pause_ms *= age_ms > OLD_MS ? OLD_PERIODS : MIDDLE_PERIODS;
    return pause_ms > least_ms ? pause_ms : least_ms;
}
