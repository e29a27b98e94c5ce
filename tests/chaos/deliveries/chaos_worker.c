//  chaos-worker — the worker that chaos sends its deliveries to: a connector like others (it stands
//  on libcommon/worker), whose outside system is a file. What chaos does to it is meant to hit it
//  between the receiver's answer and its own report.

#include "delivery.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop_timer.h"
#include "process/service_worker.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AGAIN_MOST_MS 700

typedef struct {
    service_config_t common;
    bus_settings_t bus;
    char *receiver;
    uint64_t credit;
} config_t;

typedef struct {
    service_t *service;
    worker_t *worker;
    int receiver;
    unsigned number; //  its own, from 1
} chaos_worker_t;

//  What an attempt remembers.
typedef struct {
    loop_timer_t *timer;
    delivery_answer_t answer;
} attempt_t;

static const setting_t s_settings[] = {
    SERVICE_SETTINGS (config_t, "0"),
    BUS_NODE_SETTINGS (config_t),
    SETTING ("CHAOS_RECEIVER", SETTING_TEXT, config_t, receiver, NULL, 0, 0,
             "file that attempts are appended to"),
    SETTING ("CHAOS_CREDIT", SETTING_NUMBER, config_t, credit, "50", 1, 1000,
             "items in hand at most"),
    SETTINGS_END,
};

//  A line that is not whole would look like one of a worker that invents things.
static void
s_tell_receiver (chaos_worker_t *self, unsigned item, uint64_t attempt, delivery_answer_t answer,
                 const delivery_order_t *order)
{
    char line[200];
    int size = snprintf (line, sizeof line, DELIVERY_LINE_PRINT, clock_mono_us (), self->number,
                         item, attempt, (unsigned) answer, order->lane, order->number);
    if (write (self->receiver, line, (size_t) size) != size) {
        log_fatal ("the receiver cannot be told", log_string ("error", strerror (errno)));
        service_fail (self->service, 69);
    }
}

static void
s_on_answered (void *owner)
{
    static const worker_outcome_t s_outcomes[] = { [RECEIVER_HAS_IT] = WORKER_ANSWERED,
                                                   [RECEIVER_ASKS_AGAIN] = WORKER_RETRY,
                                                   [RECEIVER_REFUSES] = WORKER_DEAD };
    worker_item_t *item = owner;
    const worker_item_view_t *view = worker_item_view (item);
    attempt_t *attempt = view->attempt;
    uint64_t after_ms = 100 + 97 * view->work.attempt % AGAIN_MOST_MS;
    loop_timer_destroy (&attempt->timer);
    worker_item_done (item, &(worker_report_t){ .outcome = s_outcomes[attempt->answer],
                                                .after_ms = after_ms,
                                                .detail = TEXT ("as the receiver says") });
}

static void
s_start_attempt (void *owner, worker_item_t *item)
{
    chaos_worker_t *self = owner;
    const worker_item_view_t *view = worker_item_view (item);
    attempt_t *attempt = view->attempt;
    char id[60], body[200];
    delivery_order_t order;
    unsigned number, dead;
    snprintf (id, sizeof id, "%.*s", TEXT_ARGS (view->work.item));
    snprintf (body, sizeof body, "%.*s", TEXT_ARGS (view->work.body));
    if (sscanf (id, DELIVERY_ITEM "%u", &number) != 1
        || sscanf (body, DELIVERY_BODY, &order.lane, &order.number, &order.retries, &dead,
                   &order.takes_ms)
               != 5) {
        worker_item_done (item, &(worker_report_t){ .outcome = WORKER_DEAD,
                                                    .detail = TEXT ("not what was ordered") });
        return;
    }
    order.is_dead = dead;
    attempt->answer = delivery_answer (&order, view->work.attempt);
    s_tell_receiver (self, number, view->work.attempt, attempt->answer, &order);
    attempt->timer = loop_timer_new (service_loop (self->service), s_on_answered, item);
    loop_timer_start_ms (attempt->timer, view->work.attempt == 1 ? order.takes_ms : 0, 0);
}

static void
s_cancel (void *owner, worker_item_t *item)
{
    attempt_t *attempt = worker_item_view (item)->attempt;
    (void) owner;
    loop_timer_destroy (&attempt->timer);
}

static void
s_stop (void **state_p)
{
    chaos_worker_t *self = *state_p;
    *state_p = NULL;
    worker_destroy (&self->worker);
    if (self->receiver >= 0)
        close (self->receiver);
    free (self);
}

static void *
s_start (service_t *service, const void *of_service)
{
    const config_t *config = of_service;
    const char *dash = strrchr (service_node_name (service), '-');
    chaos_worker_t *self = alloc_zeroed (sizeof *self);
    self->service = service;
    self->number = dash ? (unsigned) strtoul (dash + 1, NULL, 10) : 0;
    self->receiver = open (config->receiver, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    worker_kind_t kind = { .topics = DELIVERY_TOPIC,
                           .credit = config->credit,
                           .attempt_size = sizeof (attempt_t),
                           .attempt_ms = 60000,
                           .overdue = { .outcome = WORKER_RETRY },
                           .start = s_start_attempt,
                           .cancel = s_cancel };
    if (self->receiver >= 0)
        self->worker = service_worker_new (service, &config->bus, &kind, self);
    else
        log_fatal ("the receiver cannot be opened", log_string ("error", strerror (errno)));
    if (!self->worker) {
        void *state = self;
        s_stop (&state);
        return NULL;
    }
    return self;
}

static void
s_drain (void *state)
{
    worker_drain (((chaos_worker_t *) state)->worker);
}

static config_t s_config;

static const service_kind_t s_kind = { .name = "chaos-worker",
                                       .about = "hands the deliveries of chaos to a receiver",
                                       .settings = s_settings,
                                       .config = &s_config,
                                       .start = s_start,
                                       .drain = s_drain,
                                       .stop = s_stop };

int
main (int argc, char **argv)
{
    return service_main (argc, argv, &s_kind);
}
