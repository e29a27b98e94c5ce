#include "worker/worker.h"

#include "base/alloc.h"
#include "base/hash_table.h"
#include "base/log.h"
#include "base/metrics.h"

#include <assert.h>
#include <stdlib.h>

enum {
    IN_WORKING, //  in the order of worker_item_state_t
    IN_PAUSING,
    IN_REPORTING,
    LIMIT,
    REPEATS,
    OVER_CREDIT,
    WHILE_DRAINING,
    FOREIGN_TOPIC,
    COUNTS
};

static int64_t s_counts[COUNTS];
static const metric_row_t s_rows[COUNTS] = {
    [IN_WORKING] = { "worker_items", "state=\"working\"", GAUGE, "items in hand" },
    [IN_PAUSING] = { "worker_items", "state=\"pausing\"", GAUGE, "items in hand" },
    [IN_REPORTING] = { "worker_items", "state=\"reporting\"", GAUGE, "items in hand" },
    [LIMIT] = { "worker_items_limit", NULL, GAUGE, "limit of items in hand (the credit)" },
    [REPEATS] = { "worker_repeats_total", NULL, COUNTER,
                  "items handed over again while in hand" },
    [OVER_CREDIT] = { "worker_declined_total", "reason=\"over_credit\"", COUNTER,
                      "items that were declined" },
    [WHILE_DRAINING] = { "worker_declined_total", "reason=\"draining\"", COUNTER,
                         "items that were declined" },
    [FOREIGN_TOPIC] = { "worker_declined_total", "reason=\"foreign_topic\"", COUNTER,
                        "items that were declined" },
};

typedef struct {
    worker_item_t *item;
    text_t id; //  the item's own
    UT_hash_handle hh;
} entry_t;

struct worker {
    worker_host_t host;
    worker_item_context_t context;
    void (*notice) (void *service, const worker_notice_t *notice);
    worker_requests_t *requests;
    uint64_t credit;
    entry_t *entries;
    bool is_draining;
};

static entry_t *
s_find (worker_t *self, text_t id)
{
    entry_t *entry;
    HASH_FIND (hh, self->entries, id.data, id.size, entry);
    return entry;
}

//  Keeps the states' gauges, and forgets what is over.
static void
s_moved (void *owner, worker_item_t *item, worker_item_state_t from, worker_item_state_t to)
{
    worker_t *self = owner;
    if (from != WORKER_ITEM_OVER)
        s_counts[from]--;
    if (to != WORKER_ITEM_OVER) {
        s_counts[to]++;
        return;
    }
    entry_t *entry = s_find (self, worker_item_view (item)->work.item);
    assert (entry && entry->item == item);
    HASH_DEL (self->entries, entry);
    free (entry);
    if (self->is_draining && !self->entries)
        self->host.drained (self->host.process);
}

//  An answer that is lost is no harm: the postoffice waits in vain for ACCEPTED, and goes to
//  another.
static void
s_decline (worker_t *self, unsigned postoffice, const bus_work_t *work, unsigned reason)
{
    s_counts[reason]++;
    bus_record_t record = {
        .kind = BUS_DECLINED,
        .declined = { .item = work->item, .session = work->session, .ending = self->is_draining }
    };
    if (bus_client_send (self->context.bus, postoffice, &record) != 0)
        log_debug ("decline not sent", log_text ("item", work->item));
}

static void
s_work (worker_t *self, unsigned postoffice, const bus_work_t *work)
{
    static log_limit_t foreign = LOG_LIMIT (LOG_WARN, "work of a topic that is not ours");
    worker_topic_t *topic = worker_topic_find (work->topic);
    entry_t *entry = s_find (self, work->item);
    if (entry) {
        s_counts[REPEATS]++;
        worker_item_handed_over (entry->item, postoffice, work->attempt);
    } else if (self->is_draining)
        s_decline (self, postoffice, work, WHILE_DRAINING);
    else if (!topic) {
        if (log_limit_allows (&foreign))
            log_warn ("work of a topic that is not ours", log_text ("topic", work->topic));
        s_decline (self, postoffice, work, FOREIGN_TOPIC);
    } else if (HASH_COUNT (self->entries) >= self->credit)
        s_decline (self, postoffice, work, OVER_CREDIT);
    else {
        entry = alloc_zeroed (sizeof *entry);
        entry->item = worker_item_new (&self->context, topic, postoffice, work);
        entry->id = worker_item_view (entry->item)->work.item;
        HASH_ADD_KEYPTR (hh, self->entries, entry->id.data, entry->id.size, entry);
    }
}

//  Whose topic is not ours is no word for us.
static void
s_notice (const worker_t *self, const bus_notice_t *notice)
{
    if (!self->notice || !worker_topic_find (notice->topic))
        return;
    self->notice (self->context.service,
                  &(worker_notice_t){ .app = notice->app,
                                      .session = notice->session,
                                      .external_id = notice->external_id,
                                      .topic = notice->topic,
                                      .event = (event_t) notice->event });
}

static void
s_record (void *owner, unsigned postoffice, const bus_record_t *record)
{
    static log_limit_t unknown = LOG_LIMIT (LOG_WARN, "record that is not for a worker");
    worker_t *self = owner;
    if (record->kind == BUS_WORK) {
        s_work (self, postoffice, &record->work);
        return;
    }
    if (record->kind == BUS_REPLY) {
        worker_requests_reply (self->requests, &record->reply);
        return;
    }
    if (record->kind == BUS_NOTICE) {
        s_notice (self, &record->notice);
        return;
    }
    if (record->kind != BUS_SETTLED && record->kind != BUS_CANCEL) {
        if (log_limit_allows (&unknown))
            log_warn ("record that is not for a worker",
                      log_string ("kind", bus_kind_name (record->kind)));
        return;
    }
    bool is_settled = record->kind == BUS_SETTLED;
    entry_t *entry = s_find (self, is_settled ? record->settled.item : record->cancel.item);
    if (entry)
        worker_item_hears (entry->item, postoffice,
                           is_settled ? WORKER_ITEM_EVENT_SETTLED : WORKER_ITEM_EVENT_CANCELLED);
}

static void
s_postoffice_changed (worker_t *self, unsigned postoffice, bool is_up)
{
    self->host.ready (self->host.process, bus_client_postoffices_up (self->context.bus) > 0);
    for (entry_t *entry = self->entries; entry; entry = entry->hh.next)
        worker_item_postoffice_changed (entry->item, postoffice, is_up);
}

static void
s_postoffice_up (void *owner, unsigned postoffice)
{
    s_postoffice_changed (owner, postoffice, true);
    worker_requests_postoffice_up (((worker_t *) owner)->requests);
}

static void
s_postoffice_down (void *owner, unsigned postoffice)
{
    s_postoffice_changed (owner, postoffice, false);
    worker_requests_postoffice_down (((worker_t *) owner)->requests, postoffice);
}

worker_t *
worker_new (const worker_host_t *host, const worker_kind_t *kind, void *service)
{
    static const bus_client_events_t events = { s_postoffice_up, s_postoffice_down, s_record };
    assert (kind->credit > 0 && kind->attempt_ms > 0);
    bus_client_config_t bus = { .node = host->node,
                                .role = NODE_WORKER,
                                .topics = kind->topics,
                                .credit = kind->credit,
                                .addresses = host->bus->postoffices,
                                .heartbeat_ms = host->bus->heartbeat_ms,
                                .queue_limit = host->bus->queue_limit,
                                .keys = host->bus->keys };
    worker_t *self = alloc_zeroed (sizeof *self);
    self->host = *host;
    self->credit = kind->credit;
    self->context = (worker_item_context_t){ .loop = host->loop,
                                             .attempt_size = kind->attempt_size,
                                             .attempt_ms = kind->attempt_ms,
                                             .overdue = kind->overdue,
                                             .start = kind->start,
                                             .cancel = kind->cancel,
                                             .remember = kind->remember,
                                             .service = service,
                                             .moved = s_moved,
                                             .owner = self };
    host->ready (host->process, false);
    self->context.bus = bus_client_new (host->loop, &bus, &events, self);
    if (!self->context.bus) {
        free (self);
        return NULL;
    }
    self->requests = worker_requests_new (host->loop, self->context.bus);
    self->notice = kind->notice;
    metrics_register (s_rows, s_counts, COUNTS);
    worker_topics_start (kind->topics);
    s_counts[LIMIT] = (int64_t) kind->credit;
    return self;
}

void
worker_destroy (worker_t **self_p)
{
    worker_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    entry_t *entry, *next;
    HASH_ITER (hh, self->entries, entry, next)
    {
        HASH_DEL (self->entries, entry);
        worker_item_destroy (&entry->item);
        free (entry);
    }
    worker_requests_destroy (&self->requests);
    bus_client_destroy (&self->context.bus);
    free (self);
}

worker_request_t *
worker_ask (worker_t *self, const worker_ask_t *ask, worker_answer_fn *answer, void *owner)
{
    return worker_requests_ask (self->requests, ask, answer, owner);
}

void
worker_drain (worker_t *self)
{
    self->is_draining = true;
    if (!self->entries)
        self->host.drained (self->host.process);
}
