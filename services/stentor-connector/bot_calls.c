#include "bot_calls.h"

#include "base/alloc.h"
#include "base/metrics.h"
#include "base/log.h"

#include <assert.h>
#include <stdlib.h>
#include "base/hash_table.h"

enum {
    IN_ASKING, //  in the order of bot_call_state_t
    IN_PAUSING,
    IN_REPORTING,
    LIMIT,
    DONE_ANSWERED,
    DONE_BOT_ERROR,
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
    [IN_ASKING] = { "connector_bot_calls", "state=\"asking\"", GAUGE, "calls in flight" },
    [IN_PAUSING] = { "connector_bot_calls", "state=\"pausing\"", GAUGE, "calls in flight" },
    [IN_REPORTING] = { "connector_bot_calls", "state=\"reporting\"", GAUGE, "calls in flight" },
    [LIMIT] = { "connector_bot_calls_limit", NULL, GAUGE,
                "limit of calls in flight (BOT_CREDIT)" },
    [DONE_ANSWERED] = { "connector_bot_calls_total", "outcome=\"answered\"", COUNTER,
                        "finished calls" },
    [DONE_BOT_ERROR] = { "connector_bot_calls_total", "outcome=\"bot_error\"", COUNTER,
                         "finished calls" },
    [DONE_FAILED] = { "connector_bot_calls_total", "outcome=\"failed\"", COUNTER,
                      "finished calls" },
    [CANCELLED] = { "connector_bot_calls_total", "outcome=\"cancelled\"", COUNTER,
                    "finished calls" },
    [REPEATS] = { "connector_repeats_total", NULL, COUNTER,
                  "items dispatched again while in flight" },
    [OVER_CREDIT] = { "connector_declined_total", "reason=\"over_credit\"", COUNTER,
                      "items that were declined" },
    [WHILE_DRAINING] = { "connector_declined_total", "reason=\"draining\"", COUNTER,
                         "items that were declined" },
#define FAILURE(NAME, label, class, words)                                                         \
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
} entry_t;

struct bot_calls {
    bot_call_context_t context;
    entry_t *entries;
    uint64_t ceiling;
    bool is_draining;
    void (*emptied) (void *owner);
    void *owner;
};

static entry_t *
s_find (bot_calls_t *self, text_t item)
{
    entry_t *entry;
    HASH_FIND (hh, self->entries, item.data, item.size, entry);
    return entry;
}

//  Keeps the states' gauges, and forgets what is over. What ends in REPORTING was counted when its
//  outcome was known.
static void
s_moved (void *owner, bot_call_t *call, bot_call_state_t from, bot_call_state_t to)
{
    bot_calls_t *self = owner;
    if (from == to) {
        s_counts[IN_ASKING] += to == BOT_CALL_ASKING; //  a new call begins in ASKING
        return;
    }
    s_counts[from]--;
    if (to != BOT_CALL_OVER) {
        s_counts[to]++;
        return;
    }
    s_counts[CANCELLED] += from != BOT_CALL_REPORTING;
    entry_t *entry = s_find (self, bot_call_view (call)->item);
    assert (entry && entry->call == call);
    HASH_DEL (self->entries, entry);
    free (entry);
    if (self->is_draining && !self->entries)
        self->emptied (self->owner);
}

//  A bot that is down must not fill the disk.
static void
s_log_failure (bot_call_t *call, const bot_answer_t *answer, bool is_last)
{
    static log_limit_t last = LOG_LIMIT (LOG_ERROR, "bot gave no answer"),
                       once = LOG_LIMIT (LOG_WARN, "bot failed once");
    if (!log_limit_allows (is_last ? &last : &once))
        return;
    log_write (is_last ? LOG_ERROR : LOG_WARN, is_last ? "bot gave no answer" : "bot failed once",
               (const log_field_t[]){ log_text ("item", bot_call_view (call)->item),
                                      log_text ("session", bot_call_view (call)->session),
                                      log_string ("class", bot_failures[answer->failure].label),
                                      log_string ("error", answer->error),
                                      log_string ("reason", answer->reason),
                                      log_number ("tries", bot_call_view (call)->failed) },
               6);
}

static void
s_tried (void *owner, bot_call_t *call, const bot_answer_t *answer, bool is_last,
         uint64_t took_us)
{
    (void) owner;
    if (took_us > 0)
        histogram_add (&s_answer_time, took_us);
    if (answer->outcome == OUTCOME_FAILED) {
        s_counts[FAILED_FIRST + answer->failure]++;
        s_counts[DONE_FAILED] += is_last;
        s_log_failure (call, answer, is_last);
    } else
        s_counts[answer->outcome == OUTCOME_BOT_ERROR ? DONE_BOT_ERROR : DONE_ANSWERED]++;
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
    entry_t *entry, *next;
    HASH_ITER (hh, self->entries, entry, next)
    {
        HASH_DEL (self->entries, entry);
        bot_call_destroy (&entry->call);
        free (entry);
    }
    free (self);
}

//  An answer that is lost is no harm: the postoffice waits in vain for ACCEPTED, and goes to
//  another.
static void
s_decline (bot_calls_t *self, unsigned postoffice, const bus_work_t *work)
{
    s_counts[self->is_draining ? WHILE_DRAINING : OVER_CREDIT]++;
    bus_record_t record = { .kind = BUS_DECLINED,
                            .declined = { .item = work->item,
                                          .session = work->session,
                                          .ending = self->is_draining } };
    if (bus_client_send (self->context.bus, postoffice, &record) != 0)
        log_debug ("decline not sent", log_text ("item", work->item));
}

void
bot_calls_work (bot_calls_t *self, unsigned postoffice, const bus_work_t *work)
{
    entry_t *entry = s_find (self, work->item);
    if (entry) {
        s_counts[REPEATS]++;
        bot_call_hears (entry->call, postoffice, BOT_CALL_EVENT_REPEATED);
    } else if (self->is_draining || HASH_COUNT (self->entries) >= self->ceiling)
        s_decline (self, postoffice, work);
    else {
        entry = alloc_zeroed (sizeof *entry);
        entry->call = bot_call_new (&self->context, postoffice, work);
        entry->item = bot_call_view (entry->call)->item;
        HASH_ADD_KEYPTR (hh, self->entries, entry->item.data, entry->item.size, entry);
    }
}

void
bot_calls_ended (bot_calls_t *self, unsigned postoffice, text_t item, bot_call_event_t event)
{
    entry_t *entry = s_find (self, item);
    if (entry)
        bot_call_hears (entry->call, postoffice, event);
}

void
bot_calls_postoffice_changed (bot_calls_t *self, unsigned postoffice, bool is_up)
{
    for (entry_t *entry = self->entries; entry; entry = entry->hh.next)
        bot_call_postoffice_changed (entry->call, postoffice, is_up);
}

void
bot_calls_drain (bot_calls_t *self)
{
    self->is_draining = true;
    if (!self->entries)
        self->emptied (self->owner);
}
