#include "work/workers.h"

#include "base/clock.h"
#include "base/alloc.h"
#include "tables/postoffice_metrics.h"
#include "base/log.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdlib.h>

//  A worker that has had a question for so long, which is put again, is offered it once more.
#define WORK_SILENT_MS 60000

typedef struct {
    list_t place;
    peer_t peer;
    char *topics; //  "bot.stentor platform.genesys"
    uint64_t credit;
    uint64_t features; //  bits that both know
    uint64_t in_flight;
    bool is_full;      //  it declined: nothing for it until the next tick, or until it is done
                       //  with something
    list_t turns;      //  offered and taken
} worker_t;

//  What waits for a worker of one topic.
typedef struct {
    list_t place;
    text_t topic;      //  owned
    list_t waiting;    //  TURN_WAITING, in the order in which they came
    uint64_t in_flight;
} queue_t;

struct workers {
    workers_config_t config;
    bus_server_t *bus;
    list_t workers;
    list_t queues;
    list_t recovered;  //  TURN_RECOVERED
};

workers_t *
workers_new (bus_server_t *bus, const workers_config_t *config)
{
    workers_t *self = alloc_zeroed (sizeof *self);
    self->bus = bus;
    self->config = *config;
    list_init (&self->workers);
    list_init (&self->queues);
    list_init (&self->recovered);
    return self;
}

static queue_t *
s_queue (workers_t *self, text_t topic)
{
    for (list_t *link = self->queues.next; link != &self->queues; link = link->next) {
        queue_t *queue = LIST_THING (link, queue_t, place);
        if (text_is (queue->topic, topic))
            return queue;
    }
    queue_t *queue = alloc_packed (sizeof *queue, &topic, 1);
    queue->topic = topic;
    list_init (&queue->place);
    list_init (&queue->waiting);
    list_append (&self->queues, &queue->place);
    return queue;
}

static void
s_worker_destroy (worker_t *worker)
{
    assert (list_is_empty (&worker->turns));
    list_remove (&worker->place);
    free (worker->topics);
    free (worker);
}

void
workers_destroy (workers_t **self_p)
{
    workers_t *self = *self_p;
    if (!self)
        return;
    list_t *link;
    while ((link = list_first (&self->workers)))
        s_worker_destroy (LIST_THING (link, worker_t, place));
    while ((link = list_first (&self->queues))) {
        list_remove (link);
        free (LIST_THING (link, queue_t, place));
    }
    free (self);
    *self_p = NULL;
}

static worker_t *
s_worker (const workers_t *self, peer_t peer)
{
    for (list_t *link = self->workers.next; link != &self->workers; link = link->next) {
        worker_t *worker = LIST_THING (link, worker_t, place);
        if (worker->peer == peer)
            return worker;
    }
    return NULL;
}

//  The subscriber with the most credit left, rather another than the one that let the turn lie;
//  NULL when none has any.
static worker_t *
s_free_worker (const workers_t *self, const turn_t *turn)
{
    worker_t *best = NULL;
    for (list_t *link = self->workers.next; link != &self->workers; link = link->next) {
        worker_t *worker = LIST_THING (link, worker_t, place);
        if (worker->is_full || worker->in_flight >= worker->credit
            || !turn_is_of (turn, worker->topics))
            continue;
        if (best && worker->peer == turn->avoid)
            continue;
        if (!best || best->peer == turn->avoid
            || worker->credit - worker->in_flight > best->credit - best->in_flight)
            best = worker;
    }
    return best;
}

static void
s_put_in_flight (workers_t *self, worker_t *worker, turn_t *turn, turn_state_t state)
{
    list_append (&worker->turns, &turn->place);
    worker->in_flight++;
    s_queue (self, turn->topic)->in_flight++;
    turn->worker = worker->peer;
    turn->state = state;
    turn->since_ms = clock_mono_ms ();
}

//  Out of whatever list it is in.
static void
s_take_out (workers_t *self, turn_t *turn)
{
    if (turn->state == TURN_DISPATCHED || turn->state == TURN_ACCEPTED) {
        worker_t *worker = s_worker (self, turn->worker);
        if (worker) {
            assert (worker->in_flight > 0);
            worker->in_flight--;
            worker->is_full = false;
            s_queue (self, turn->topic)->in_flight--;
        }
    }
    if (turn->state == TURN_HELD)
        metric_add (POSTOFFICE_QUESTIONS_HELD, -1);
    turn->worker = 0;
    list_remove (&turn->place);
}

static void
s_stand (workers_t *self, turn_t *turn)
{
    s_take_out (self, turn);
    turn->state = TURN_WAITING;
    turn->since_ms = clock_mono_ms ();
    list_append (&s_queue (self, turn->topic)->waiting, &turn->place);
}

static void
s_wait (workers_t *self, turn_t *turn)
{
    const workers_config_t *config = &self->config;
    s_take_out (self, turn);
    if (!config->admit || config->admit (config->owner, turn))
        s_stand (self, turn);
    else {
        turn->state = TURN_HELD;
        metric_add (POSTOFFICE_QUESTIONS_HELD, 1);
    }
}

//  A delivery that is handed out again under the same lease is the same attempt: any postoffice
//  that is told of its outcome compares the number with the database's. Whoever was offered it
//  before may have begun.
static int
s_offer (workers_t *self, worker_t *worker, turn_t *turn)
{
    bus_record_t record = { .kind = BUS_WORK,
                            .work = { .item = turn->item,
                                      .session = turn->session,
                                      .topic = turn->topic,
                                      .app = turn->app,
                                      .user = turn->user,
                                      .body = turn->body,
                                      .secret = turn->secret,
                                      .attempt = turn->lease ? turn->lease : turn->attempts + 1,
                                      .tries = turn->is_probe ? 1 : turn->tries_most,
                                      .memory = turn->memory,
                                      .lane_memory = turn->lane_memory,
                                      .lost = turn->lease ? turn->lost + turn->attempts : 0,
                                      .suppressed = turn->is_suppressed,
                                      .replays = turn->replays } };
    if (bus_server_send (self->bus, worker->peer, &record) != 0)
        return -1;
    turn->attempts++;
    list_remove (&turn->place);
    s_put_in_flight (self, worker, turn, TURN_DISPATCHED);
    metric_add (POSTOFFICE_WORK_DISPATCHED, 1);
    if (turn->attempts > 1)
        metric_add (POSTOFFICE_WORK_REDISPATCHED, 1);
    return 0;
}

//  Hands out what waits, oldest first, as far as credit goes.
static void
s_pump (workers_t *self, queue_t *queue)
{
    list_t *link;
    while ((link = list_first (&queue->waiting))) {
        turn_t *turn = LIST_THING (link, turn_t, place);
        worker_t *worker = s_free_worker (self, turn);
        if (!worker || s_offer (self, worker, turn) != 0)
            return;
    }
}

void
workers_add (workers_t *self, peer_t peer, const bus_hello_t *hello)
{
    worker_t *worker = alloc_zeroed (sizeof *worker);
    //  Topics stand in statements: what the database would refuse no item has.
    worker->topics = alloc_text (utf8_is_valid (hello->topics) ? hello->topics : TEXT_EMPTY);
    worker->peer = peer;
    worker->credit = hello->credit;
    worker->features = hello->features & BUS_FEATURES;
    list_init (&worker->turns);
    list_init (&worker->place);
    list_append (&self->workers, &worker->place);
    metric_add (POSTOFFICE_WORKERS, 1);
    for (list_t *link = self->queues.next; link != &self->queues; link = link->next)
        s_pump (self, LIST_THING (link, queue_t, place));
}

void
workers_remove (workers_t *self, peer_t peer)
{
    worker_t *worker = s_worker (self, peer);
    if (!worker)
        return;
    //  Its work goes to others at once, but it may come back with what it has in flight: a worker
    //  that was only cut off says ACCEPTED again, and the turn is its again.
    list_t *link;
    while ((link = list_first (&worker->turns))) {
        turn_t *turn = LIST_THING (link, turn_t, place);
        s_take_out (self, turn);
        turn->state = TURN_RECOVERED;
        turn->since_ms = clock_mono_ms ();
        list_append (&self->recovered, &turn->place);
    }
    s_worker_destroy (worker);
    metric_add (POSTOFFICE_WORKERS, -1);
}

void
workers_want (workers_t *self, turn_t *turn)
{
    if (turn->state == TURN_RECOVERED) {
        if (list_is_empty (&turn->place)) {
            turn->since_ms = clock_mono_ms ();
            list_append (&self->recovered, &turn->place);
        }
        return;
    }
    if (turn->state != TURN_QUEUED)
        return;
    s_wait (self, turn);
    s_pump (self, s_queue (self, turn->topic));
}

void
workers_release (workers_t *self, turn_t *turn)
{
    assert (turn->state == TURN_HELD);
    s_stand (self, turn);
    s_pump (self, s_queue (self, turn->topic));
}

const char *
workers_topics (const workers_t *self, peer_t peer)
{
    const worker_t *worker = s_worker (self, peer);
    return worker ? worker->topics : "";
}

bool
workers_is_one (const workers_t *self, peer_t peer)
{
    return s_worker (self, peer) != NULL;
}

bool
workers_takes (const workers_t *self, peer_t peer, text_t topic)
{
    const turn_t of_topic = { .topic = topic };
    return turn_is_of (&of_topic, workers_topics (self, peer));
}

void
workers_notice (workers_t *self, const bus_notice_t *notice)
{
    const turn_t of_topic = { .topic = notice->topic };
    const bus_record_t record = { .kind = BUS_NOTICE, .notice = *notice };
    for (list_t *link = self->workers.next; link != &self->workers; link = link->next) {
        worker_t *worker = LIST_THING (link, worker_t, place);
        if (!(worker->features & BUS_FEATURE_NOTICE) || !turn_is_of (&of_topic, worker->topics))
            continue;
        if (bus_server_send (self->bus, worker->peer, &record) != 0)
            log_debug ("notice not sent", log_text ("topic", notice->topic));
        return;
    }
}

void
workers_accepted (workers_t *self, turn_t *turn, peer_t peer)
{
    worker_t *worker = s_worker (self, peer);
    if (!worker || !turn_is_of (turn, worker->topics))
        return;
    if ((turn->state == TURN_ACCEPTED || turn->state == TURN_DISPATCHED)
        && turn->worker != peer) {
        //  Two have it: the first that took it goes on, so that the bot hears it once if possible.
        bus_record_t record = { .kind = BUS_CANCEL,
                                .cancel = { .item = turn->item, .session = turn->session } };
        peer_t loser = turn->state == TURN_ACCEPTED ? peer : turn->worker;
        static log_limit_t limit = LOG_LIMIT (LOG_WARN, "cancel not sent");
        if (bus_server_send (self->bus, loser, &record) != 0 && log_limit_allows (&limit))
            log_warn ("cancel not sent", log_text ("item", turn->item));
        if (turn->state == TURN_ACCEPTED)
            return;
    }
    s_take_out (self, turn);
    s_put_in_flight (self, worker, turn, TURN_ACCEPTED);
}

//  The one offered last of that id: most are declined as soon as they are offered.
static turn_t *
s_offered (const worker_t *worker, text_t item)
{
    for (list_t *link = worker->turns.previous; link != &worker->turns;
         link = link->previous) {
        turn_t *turn = LIST_THING (link, turn_t, place);
        if (turn->state == TURN_DISPATCHED && text_is (turn->item, item))
            return turn;
    }
    return NULL;
}

void
workers_declined (workers_t *self, peer_t peer, const bus_declined_t *declined)
{
    worker_t *worker = s_worker (self, peer);
    if (!worker)
        return;
    if (declined->ending)
        worker->credit = 0;
    turn_t *turn = s_offered (worker, declined->item);
    if (turn) {
        metric_add (POSTOFFICE_WORK_DECLINED, 1);
        turn->avoid = peer;
        turn->attempts--; //  nobody has heard of it
        s_wait (self, turn);
    }
    worker->is_full = true;
    if (turn)
        s_pump (self, s_queue (self, turn->topic));
}

void
workers_forget (workers_t *self, turn_t *turn, bool cancel)
{
    peer_t peer = turn->worker;
    bool in_flight = turn->state == TURN_DISPATCHED || turn->state == TURN_ACCEPTED;
    s_take_out (self, turn);
    turn->state = TURN_QUEUED;
    if (turn->is_probe && self->config.probe_ended)
        self->config.probe_ended (self->config.owner, turn);
    turn->is_probe = false;
    if (in_flight && cancel) {
        bus_record_t record = { .kind = BUS_CANCEL,
                                .cancel = { .item = turn->item, .session = turn->session } };
        if (bus_server_send (self->bus, peer, &record) != 0)
            log_debug ("cancel not sent", log_text ("item", turn->item));
    }
    if (in_flight)
        s_pump (self, s_queue (self, turn->topic));
}

void
workers_inherit (workers_t *self, turn_t *turn, turn_t *old)
{
    worker_t *worker = NULL;
    if (old->state == TURN_DISPATCHED || old->state == TURN_ACCEPTED)
        worker = s_worker (self, old->worker);
    turn_state_t state = old->state;
    turn->attempts = old->attempts;
    turn->avoid = old->avoid;
    turn->held_until_ms = old->held_until_ms;
    turn->asked_ms = old->asked_ms;
    turn->is_probe = old->is_probe;
    turn->is_refused = old->is_refused;
    old->is_probe = false;
    if (state == TURN_HELD)
        metric_add (POSTOFFICE_QUESTIONS_HELD, 1);
    if (state == TURN_WAITING || state == TURN_RECOVERED || state == TURN_QUEUED
        || state == TURN_HELD)
        turn->state = state;
    if (!worker && !list_is_empty (&old->place))
        list_append (&old->place, &turn->place); //  where it was, not behind those that came later
    s_take_out (self, old);
    old->state = TURN_QUEUED;
    if (worker)
        s_put_in_flight (self, worker, turn, state);
    turn->since_ms = old->since_ms;
}

void
workers_topics_each (const workers_t *self,
                     void (*each) (void *owner, text_t topic, uint64_t room), void *owner)
{
    for (list_t *link = self->workers.next; link != &self->workers; link = link->next) {
        const worker_t *worker = LIST_THING (link, worker_t, place);
        uint64_t room = worker->is_full || worker->in_flight >= worker->credit
                            ? 0
                            : worker->credit - worker->in_flight;
        for (const char *at = worker->topics; *at;) {
            size_t size = strcspn (at, " ");
            if (size > 0)
                each (owner, (text_t){ at, size }, room);
            at += size + (at[size] == ' ');
        }
    }
}

uint64_t
workers_in_flight (workers_t *self, text_t topic)
{
    return s_queue (self, topic)->in_flight;
}

//  A question that is put again is put off without a word in the log. When another postoffice heard
//  what came of it, nobody tells this one: the worker is offered it once more. One that is still at
//  it only says so.
static void
s_offer_again (workers_t *self, worker_t *worker, turn_t *turn)
{
    s_take_out (self, turn);
    if (s_offer (self, worker, turn) != 0)
        s_wait (self, turn);
}

//  Items that were not accepted in time go to another worker.
static void
s_tick_worker (workers_t *self, worker_t *worker, uint64_t now)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "work not taken in time");
    list_t *link = worker->turns.next;
    while (link != &worker->turns) {
        turn_t *turn = LIST_THING (link, turn_t, place);
        link = link->next;
        if (turn->state == TURN_ACCEPTED && turn_is_again (turn)
            && now - turn->since_ms >= WORK_SILENT_MS)
            s_offer_again (self, worker, turn);
        if (turn->state != TURN_DISPATCHED
            || now - turn->since_ms < self->config.accepted_within_ms)
            continue;
        if (log_limit_allows (&limit))
            log_warn ("work not taken in time", log_text ("session", turn->session),
                      log_text ("item", turn->item),
                      log_number ("attempts", (int64_t) turn->attempts));
        metric_add (POSTOFFICE_WORK_NOT_ACCEPTED, 1);
        turn->avoid = worker->peer;
        s_wait (self, turn);
    }
}

void
workers_hold (workers_t *self)
{
    uint64_t now = clock_mono_ms ();
    for (list_t *link = self->recovered.next; link != &self->recovered; link = link->next)
        LIST_THING (link, turn_t, place)->since_ms = now;
}

void
workers_tick (workers_t *self)
{
    uint64_t now = clock_mono_ms ();
    for (list_t *link = self->workers.next; link != &self->workers; link = link->next) {
        worker_t *worker = LIST_THING (link, worker_t, place);
        worker->is_full = false;
        s_tick_worker (self, worker, now);
    }
    for (list_t *link; (link = list_first (&self->recovered));) {
        turn_t *turn = LIST_THING (link, turn_t, place);
        if (now - turn->since_ms < self->config.recovery_ms)
            break;
        if (turn->lease) {
            s_take_out (self, turn);
            turn->state = TURN_QUEUED;
        } else
            s_wait (self, turn);
    }
    for (list_t *link = self->queues.next; link != &self->queues; link = link->next)
        s_pump (self, LIST_THING (link, queue_t, place));
}
