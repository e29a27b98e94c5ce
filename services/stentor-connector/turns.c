#include "turns.h"
#include "service/counters.h"
#include "service/log.h"

#include <assert.h>
#include <stdlib.h>
#include <uthash.h>

enum {
    IN_ASKING, //  in the order of turn_state_t
    IN_PAUSING,
    IN_TOLD,
    LIMIT,
    DONE_ANSWERED,
    DONE_TROUBLE,
    DONE_FAILED,
    CANCELLED,
    HANDED_AGAIN,
    OVER_CREDIT,
    WHILE_DRAINING,
    FAILED_FIRST, //  in the order of bot_failure_t
    COUNTS = FAILED_FIRST + BOT_FAILURES
};

static int64_t s_counts[COUNTS];
static const counter_row_t s_rows[COUNTS] = {
    [IN_ASKING] = { "connector_turns", "state=\"asking\"", GAUGE, "turns in hand" },
    [IN_PAUSING] = { "connector_turns", "state=\"pausing\"", GAUGE, "turns in hand" },
    [IN_TOLD] = { "connector_turns", "state=\"told\"", GAUGE, "turns in hand" },
    [LIMIT] = { "connector_turns_limit", NULL, GAUGE, "most turns in hand (BOT_CREDIT)" },
    [DONE_ANSWERED] = { "connector_turns_total", "outcome=\"answered\"", COUNTER, "turns done" },
    [DONE_TROUBLE] = { "connector_turns_total", "outcome=\"trouble\"", COUNTER, "turns done" },
    [DONE_FAILED] = { "connector_turns_total", "outcome=\"failed\"", COUNTER, "turns done" },
    [CANCELLED] = { "connector_turns_total", "outcome=\"cancelled\"", COUNTER, "turns done" },
    [HANDED_AGAIN] = { "connector_handed_again_total", NULL, COUNTER,
                       "items that were in hand already" },
    [OVER_CREDIT] = { "connector_not_taken_total", "reason=\"over_credit\"", COUNTER,
                      "items that were not taken" },
    [WHILE_DRAINING] = { "connector_not_taken_total", "reason=\"draining\"", COUNTER,
                         "items that were not taken" },
#define FAILURE(NAME, label, again, words)                                                         \
    [FAILED_FIRST + BOT_##NAME] = { "connector_bot_failures_total", "class=\"" label "\"",         \
                                    COUNTER, "tries that failed" },
#include "bot_failures.def"
#undef FAILURE
};

static histogram_t s_answer_time = {
    .name = "connector_bot_answer_seconds",
    .help = "time from the question to the bot's answer, failures too",
};

typedef struct {
    turn_t *turn;
    text_t item; //  the turn's own
    UT_hash_handle hh;
} place_t;

struct turns {
    turn_means_t means;
    place_t *places;
    uint64_t ceiling;
    bool is_draining;
    void (*emptied) (void *owner);
    void *owner;
};

static place_t *
s_find (turns_t *self, text_t item)
{
    place_t *place;
    HASH_FIND (hh, self->places, item.data, item.size, place);
    return place;
}

//  The states' gauges.
static void
s_moved (void *owner, turn_t *turn, turn_state_t from, turn_state_t to)
{
    (void) owner, (void) turn;
    if (from == to)
        s_counts[IN_ASKING] += to == TURN_ASKING; //  a new turn begins in ASKING
    else {
        s_counts[from]--;
        if (to != TURN_OVER)
            s_counts[to]++;
    }
}

//  A bot that is down must not fill the disk.
static void
s_log_failure (turns_t *self, turn_t *turn, const bot_answer_t *answer)
{
    bool is_last = !bot_failure_again (answer->failure) || turn_failed (turn) >= self->means.tries;
    static log_limit_t last = LOG_LIMIT (LOG_ERROR, "bot gave no answer"),
                       once = LOG_LIMIT (LOG_WARN, "bot failed once");
    if (!log_limit_allows (is_last ? &last : &once))
        return;
    log_write (is_last ? LOG_ERROR : LOG_WARN, is_last ? "bot gave no answer" : "bot failed once",
               (const log_field_t[]){ log_text ("item", turn_item (turn)),
                                      log_text ("session", turn_session (turn)),
                                      log_string ("class", bot_failure_label (answer->failure)),
                                      log_string ("error", answer->error),
                                      log_string ("reason", answer->reason),
                                      log_number ("tries", turn_failed (turn)) },
               6);
}

static void
s_tried (void *owner, turn_t *turn, const bot_answer_t *answer, uint64_t took_us)
{
    turns_t *self = owner;
    if (took_us > 0)
        histogram_add (&s_answer_time, took_us);
    if (answer->outcome == OUTCOME_FAILED) {
        s_counts[FAILED_FIRST + answer->failure]++;
        s_log_failure (self, turn, answer);
        if (!bot_failure_again (answer->failure) || turn_failed (turn) >= self->means.tries)
            s_counts[DONE_FAILED]++;
    } else
        s_counts[answer->outcome == OUTCOME_TROUBLE ? DONE_TROUBLE : DONE_ANSWERED]++;
}

static void
s_over (void *owner, turn_t *turn)
{
    turns_t *self = owner;
    place_t *place = s_find (self, turn_item (turn));
    assert (place && place->turn == turn);
    HASH_DEL (self->places, place);
    free (place);
    if (self->is_draining && !self->places)
        self->emptied (self->owner);
}

turns_t *
turns_new (const turn_means_t *means, uint64_t ceiling, void (*emptied) (void *owner), void *owner)
{
    counters_register (s_rows, s_counts, COUNTS);
    histogram_register (&s_answer_time);
    turns_t *self = calloc (1, sizeof *self);
    assert (self);
    self->means = *means;
    self->means.moved = s_moved;
    self->means.tried = s_tried;
    self->means.over = s_over;
    self->means.owner = self;
    self->ceiling = ceiling;
    s_counts[LIMIT] = (int64_t) ceiling;
    self->emptied = emptied;
    self->owner = owner;
    return self;
}

//  The turns' timers are closed by the loop and their turns look at `means` no more by then.
void
turns_destroy (turns_t **self_p)
{
    turns_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    place_t *place, *next;
    HASH_ITER (hh, self->places, place, next)
    {
        HASH_DEL (self->places, place);
        turn_destroy (&place->turn);
        free (place);
    }
    free (self);
}

static void
s_take (turns_t *self, unsigned office, const bus_work_t *work)
{
    place_t *place = calloc (1, sizeof *place);
    assert (place);
    place->turn = turn_new (&self->means, office, work);
    place->item = turn_item (place->turn);
    HASH_ADD_KEYPTR (hh, self->places, place->item.data, place->item.size, place);
}

//  An answer that is lost is no harm: the postoffice waits in vain for TAKEN, and goes to another.
static void
s_decline (turns_t *self, unsigned office, const bus_work_t *work)
{
    s_counts[self->is_draining ? WHILE_DRAINING : OVER_CREDIT]++;
    bus_record_t record = { .kind = BUS_DECLINED,
                            .declined = { .item = work->item,
                                          .session = work->session,
                                          .ending = self->is_draining } };
    if (bus_client_send (self->means.bus, office, &record) != 0)
        log_debug ("decline not sent", log_text ("item", work->item));
}

void
turns_work (turns_t *self, unsigned office, const bus_work_t *work)
{
    place_t *place = s_find (self, work->item);
    if (place) {
        s_counts[HANDED_AGAIN]++;
        turn_handed (place->turn, office);
    } else if (self->is_draining || HASH_COUNT (self->places) >= self->ceiling)
        s_decline (self, office, work);
    else
        s_take (self, office, work);
}

void
turns_happens (turns_t *self, text_t item, turn_event_t event)
{
    place_t *place = s_find (self, item);
    if (!place)
        return;
    turn_state_t state = turn_state (place->turn);
    s_counts[CANCELLED] += state != TURN_TOLD; //  else it was counted when its outcome was known
    turn_happens (place->turn, event);
}

void
turns_office_up (turns_t *self, unsigned office)
{
    for (place_t *place = self->places; place; place = place->hh.next)
        turn_office_up (place->turn, office);
}

void
turns_office_down (turns_t *self, unsigned office)
{
    for (place_t *place = self->places; place; place = place->hh.next)
        turn_office_down (place->turn, office);
}

void
turns_drain (turns_t *self)
{
    self->is_draining = true;
    if (!self->places)
        self->emptied (self->owner);
}
