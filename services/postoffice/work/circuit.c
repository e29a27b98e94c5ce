#include "work/circuit.h"

#include <assert.h>

typedef void step_fn (circuit_t *self, const circuit_rules_t *rules, const circuit_news_t *news);
//  Without the s_ of other static functions: these names stand in circuit.def.
static step_fn ignore, forget, blame, count, open_again, try_out;

static step_fn *const s_steps[CIRCUIT_EVENTS][CIRCUIT_STATES] = {
#define EVENT(NAME, closed, open, half_open, words)                                              \
    [CIRCUIT_EVENT_##NAME] = { closed, open, half_open },
#include "work/circuit.def"
#undef EVENT
};

static const char *const s_labels[CIRCUIT_STATES] = {
#define STATE(NAME, label, words) [CIRCUIT_##NAME] = label,
#include "work/circuit.def"
#undef STATE
};

static void
ignore (circuit_t *self, const circuit_rules_t *rules, const circuit_news_t *news)
{
    (void) self, (void) rules, (void) news;
}

static void
s_move (circuit_t *self, circuit_state_t state, const circuit_news_t *news)
{
    self->state = state;
    self->since_ms = news->now_ms;
    self->answers = 0;
}

static void
forget (circuit_t *self, const circuit_rules_t *rules, const circuit_news_t *news)
{
    (void) rules, (void) news;
    self->failures = 0;
}

//  Counts the tries.
static void
s_fail (circuit_t *self, const circuit_news_t *news)
{
    bool is_first = self->failures == 0;
    self->is_of_several = !is_first && (self->is_of_several || self->by != news->by);
    if (is_first)
        self->by = news->by;
    self->failures += news->tries > 0 ? news->tries : 1;
}

//  The more often in a row, the longer; a quarter more by chance, so that postoffices that opened
//  together do not try together.
static void
s_open (circuit_t *self, const circuit_rules_t *rules, const circuit_news_t *news)
{
    uint64_t pause_ms = rules->open_ms;
    for (uint64_t at = 0; at < self->openings && pause_ms < rules->open_most_ms; at++)
        pause_ms *= 2;
    if (pause_ms > rules->open_most_ms)
        pause_ms = rules->open_most_ms;
    self->openings++;
    s_move (self, CIRCUIT_OPEN, news);
    self->due_ms = news->now_ms + pause_ms + news->chance % (pause_ms / 4 + 1);
}

//  One that was closed for longer than any pause was well: it begins from the beginning.
static void
blame (circuit_t *self, const circuit_rules_t *rules, const circuit_news_t *news)
{
    s_fail (self, news);
    if (self->failures < rules->failures || !self->is_of_several)
        return;
    if (news->now_ms - self->since_ms > rules->open_most_ms)
        self->openings = 0;
    s_open (self, rules, news);
}

static void
count (circuit_t *self, const circuit_rules_t *rules, const circuit_news_t *news)
{
    self->failures = 0;
    if (++self->answers >= rules->answers)
        s_move (self, CIRCUIT_CLOSED, news);
}

static void
open_again (circuit_t *self, const circuit_rules_t *rules, const circuit_news_t *news)
{
    s_fail (self, news);
    s_open (self, rules, news);
}

static void
try_out (circuit_t *self, const circuit_rules_t *rules, const circuit_news_t *news)
{
    (void) rules;
    s_move (self, CIRCUIT_HALF_OPEN, news);
}

bool
circuit_happens (circuit_t *self, const circuit_rules_t *rules, const circuit_news_t *news)
{
    assert (news->event < CIRCUIT_EVENTS && self->state < CIRCUIT_STATES);
    circuit_state_t before = self->state;
    s_steps[news->event][before](self, rules, news);
    return self->state != before;
}

const char *
circuit_label (circuit_state_t state)
{
    return state < CIRCUIT_STATES ? s_labels[state] : "unknown";
}
