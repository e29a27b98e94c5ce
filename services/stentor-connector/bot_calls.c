#include "bot_calls.h"

#include "base/alloc.h"
#include "base/metrics.h"
#include "base/log.h"

#include <assert.h>
#include <stdlib.h>
#include <uthash.h>

enum {
    IN_ASKING, //  in the order of bot_call_state_t
    IN_PAUSING,
    IN_TOLD,
    LIMIT,
    DONE_ANSWERED,
    DONE_TROUBLE,
    DONE_FAILED,
    CANCELLED,
    REPEATS,
    OVER_CREDIT,
    WHILE_DRAINING,
    FAILED_FIRST, //  in the order of bot_failure_t
    COUNTS = FAILED_FIRST + BOT_FAILURES
};

static int64_t s_counts[COUNTS];
static const metric_row_t s_rows[COUNTS] = {
    [IN_ASKING] = { "connector_turns", "state=\"asking\"", GAUGE, "calls in hand" },
    [IN_PAUSING] = { "connector_turns", "state=\"pausing\"", GAUGE, "calls in hand" },
    [IN_TOLD] = { "connector_turns", "state=\"told\"", GAUGE, "calls in hand" },
    [LIMIT] = { "connector_turns_limit", NULL, GAUGE, "most calls in hand (BOT_CREDIT)" },
    [DONE_ANSWERED] = { "connector_turns_total", "outcome=\"answered\"", COUNTER, "calls done" },
    [DONE_TROUBLE] = { "connector_turns_total", "outcome=\"trouble\"", COUNTER, "calls done" },
    [DONE_FAILED] = { "connector_turns_total", "outcome=\"failed\"", COUNTER, "calls done" },
    [CANCELLED] = { "connector_turns_total", "outcome=\"cancelled\"", COUNTER, "calls done" },
    [REPEATS] = { "connector_repeats_total", NULL, COUNTER, "items that were in hand already" },
    [OVER_CREDIT] = { "connector_declined_total", "reason=\"over_credit\"", COUNTER,
                      "items that were declined" },
    [WHILE_DRAINING] = { "connector_declined_total", "reason=\"draining\"", COUNTER,
                         "items that were declined" },
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
    bot_call_t *call;
    text_t item; //  the call's own
    UT_hash_handle hh;
} place_t;

struct calls {
    bot_call_context_t context;
    place_t *places;
    uint64_t ceiling;
    bool is_draining;
    void (*emptied) (void *owner);
    void *owner;
};

static place_t *
s_find (bot_calls_t *self, text_t item)
{
    place_t *place;
    HASH_FIND (hh, self->places, item.data, item.size, place);
    return place;
}

//  The states' gauges.
static void
s_moved (void *owner, bot_call_t *call, bot_call_state_t from, bot_call_state_t to)
{
    (void)owner, (void)call;
    if (from == to)
        s_counts[IN_ASKING] += to == BOT_CALL_ASKING; //  a new call begins in ASKING
    else {
        s_counts[from]--;
        if (to != BOT_CALL_OVER)
            s_counts[to]++;
    }
}

//  A bot that is down must not fill the disk.
static void
s_log_failure (bot_calls_t *self, bot_call_t *call, const bot_answer_t *answer)
{
    bool is_last =
        !bot_failure_again (answer->failure) || bot_call_failed (call) >= self->context.tries;
    static log_limit_t last = LOG_LIMIT (LOG_ERROR, "bot gave no answer"),
                       once = LOG_LIMIT (LOG_WARN, "bot failed once");
    if (!log_limit_allows (is_last ? &last : &once))
        return;
    log_write (is_last ? LOG_ERROR : LOG_WARN, is_last ? "bot gave no answer" : "bot failed once",
               (const log_field_t[]){ log_text ("item", bot_call_item (call)),
                                      log_text ("session", bot_call_session (call)),
                                      log_string ("class", bot_failure_label (answer->failure)),
                                      log_string ("error", answer->error),
                                      log_string ("reason", answer->reason),
                                      log_number ("tries", bot_call_failed (call)) },
               6);
}

static void
s_tried (void *owner, bot_call_t *call, const bot_answer_t *answer, uint64_t took_us)
{
    bot_calls_t *self = owner;
    if (took_us > 0)
        histogram_add (&s_answer_time, took_us);
    if (answer->outcome == OUTCOME_FAILED) {
        s_counts[FAILED_FIRST + answer->failure]++;
        s_log_failure (self, call, answer);
        if (!bot_failure_again (answer->failure) || bot_call_failed (call) >= self->context.tries)
            s_counts[DONE_FAILED]++;
    } else
        s_counts[answer->outcome == OUTCOME_TROUBLE ? DONE_TROUBLE : DONE_ANSWERED]++;
}

static void
s_over (void *owner, bot_call_t *call)
{
    bot_calls_t *self = owner;
    place_t *place = s_find (self, bot_call_item (call));
    assert (place && place->call == call);
    HASH_DEL (self->places, place);
    free (place);
    if (self->is_draining && !self->places)
        self->emptied (self->owner);
}

bot_calls_t *
bot_calls_new (const bot_call_context_t *context, uint64_t ceiling, void (*emptied) (void *owner),
               void *owner)
{
    metrics_register (s_rows, s_counts, COUNTS);
    histogram_register (&s_answer_time);
    bot_calls_t *self = alloc_zeroed (sizeof *self);
    self->context = *context;
    self->context.moved = s_moved;
    self->context.tried = s_tried;
    self->context.over = s_over;
    self->context.owner = self;
    self->ceiling = ceiling;
    s_counts[LIMIT] = (int64_t) ceiling;
    self->emptied = emptied;
    self->owner = owner;
    return self;
}

//  The calls' timers are closed by the loop and their calls look at `context` no more by then.
void
bot_calls_destroy (bot_calls_t **self_p)
{
    bot_calls_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    place_t *place, *next;
    HASH_ITER (hh, self->places, place, next)
    {
        HASH_DEL (self->places, place);
        bot_call_destroy (&place->call);
        free (place);
    }
    free (self);
}

static void
s_take (bot_calls_t *self, unsigned office, const bus_work_t *work)
{
    place_t *place = alloc_zeroed (sizeof *place);
    place->call = bot_call_new (&self->context, office, work);
    place->item = bot_call_item (place->call);
    HASH_ADD_KEYPTR (hh, self->places, place->item.data, place->item.size, place);
}

//  An answer that is lost is no harm: the postoffice waits in vain for ACCEPTED, and goes to
//  another.
static void
s_decline (bot_calls_t *self, unsigned office, const bus_work_t *work)
{
    s_counts[self->is_draining ? WHILE_DRAINING : OVER_CREDIT]++;
    bus_record_t record = { .kind = BUS_DECLINED,
                            .declined = { .item = work->item,
                                          .session = work->session,
                                          .ending = self->is_draining } };
    if (bus_client_send (self->context.bus, office, &record) != 0)
        log_debug ("decline not sent", log_text ("item", work->item));
}

void
bot_calls_work (bot_calls_t *self, unsigned office, const bus_work_t *work)
{
    place_t *place = s_find (self, work->item);
    if (place) {
        s_counts[REPEATS]++;
        bot_call_repeated (place->call, office);
    } else if (self->is_draining || HASH_COUNT (self->places) >= self->ceiling)
        s_decline (self, office, work);
    else
        s_take (self, office, work);
}

void
bot_calls_happens (bot_calls_t *self, text_t item, bot_call_event_t event)
{
    place_t *place = s_find (self, item);
    if (!place)
        return;
    bot_call_state_t state = bot_call_state (place->call);
    s_counts[CANCELLED] +=
        state != BOT_CALL_TOLD; //  else it was counted when its outcome was known
    bot_call_happens (place->call, event);
}

void
bot_calls_office_up (bot_calls_t *self, unsigned office)
{
    for (place_t *place = self->places; place; place = place->hh.next)
        bot_call_office_up (place->call, office);
}

void
bot_calls_office_down (bot_calls_t *self, unsigned office)
{
    for (place_t *place = self->places; place; place = place->hh.next)
        bot_call_office_down (place->call, office);
}

void
bot_calls_drain (bot_calls_t *self)
{
    self->is_draining = true;
    if (!self->places)
        self->emptied (self->owner);
}
