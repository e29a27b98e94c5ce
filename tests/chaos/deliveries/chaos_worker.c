//  chaos-worker — the worker that chaos sends its deliveries to. What chaos does to it is meant to
//  hit it between the receiver's answer, which is a line of a file, and its own report.

#include "delivery.h"

#include "base/clock.h"
#include "base/loop_timer.h"
#include "scripted_worker.h"

#include <inttypes.h>
#include <stdio.h>

#define AGAIN_MOST_MS 700

//  What an attempt remembers.
typedef struct {
    loop_timer_t *timer;
    delivery_answer_t answer;
} attempt_t;

static void
s_tell_receiver (scripted_worker_t *self, unsigned item, uint64_t attempt,
                 delivery_answer_t answer, const delivery_order_t *order)
{
    char line[200];
    int size = snprintf (line, sizeof line, DELIVERY_LINE_PRINT, clock_mono_us (), self->number,
                         item, attempt, (unsigned) answer, order->lane, order->number);
    scripted_worker_tell (self, (text_t){ line, (size_t) size });
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
    scripted_worker_t *self = owner;
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

int
main (int argc, char **argv)
{
    static const setting_t settings[] = { SCRIPTED_WORKER_SETTINGS, SETTINGS_END };
    static scripted_worker_config_t config;
    static const scripted_worker_kind_t kind = {
        .name = "chaos-worker",
        .about = "hands the deliveries of chaos to a receiver",
        .settings = settings,
        .config = &config,
        .worker = { .topics = DELIVERY_TOPIC,
                    .attempt_size = sizeof (attempt_t),
                    .attempt_ms = 60000,
                    .overdue = { .outcome = WORKER_RETRY },
                    .start = s_start_attempt,
                    .cancel = s_cancel }
    };
    return scripted_worker_main (argc, argv, &kind);
}
