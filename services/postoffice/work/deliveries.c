#include "work/deliveries.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash_table.h"
#include "base/keyed_hash.h"
#include "base/list.h"
#include "base/log.h"
#include "tables/timers.h"
#include "tables/postoffice_metrics.h"
#include "work/delivery_report.h"
#include "work/paces.h"

#include <stdlib.h>

#define TOPICS_MOST 64
#define TAKEN_AT_ONCE 500
#define REPORTS_AT_ONCE 200
//  Reports for items that are not here; more must be said again.
#define FOREIGN_MOST 10000
//  How soon the database is asked for timers again when none was due.
#define TIMERS_EVERY_MS 500
#define TIMER_AGAIN_MS 5000
//  A take that lasted longer, and did not bring all of any topic that was asked for, is followed by
//  a pause of so many times its length: what is due and cannot be had yet (the later items of many
//  lanes, whose first ones wait for another try) costs each take the same, and may not keep the
//  database busy.
#define TAKE_SLOW_MS 20
#define TAKE_PAUSE_TIMES 4
//  How long an append may take and its lease still be believed: others release those of a
//  postoffice that does not beat (release_work).
#define PROMISE_MS 3000

typedef struct {
    UT_hash_handle hh;
    list_t link; //  among the reports that are to be sent, or are under way
    text_t item; //  behind the struct, as is the topic
    text_t topic;
    uint64_t attempt; //  as the database counts
    turn_t *turn;     //  NULL while it is promised, once it is reported, and of a timer
    bool is_running;  //  a timer, at its session
    uint64_t since_ms; //  likewise
    bool is_promised; //  an append is under way that leases it
    bool is_held;     //  counted in held
    uint64_t promised_ms;
    //  The report.
    peer_t peer; //  who is told SETTLED; 0: nobody
    char *session;
    bool is_foreign; //  it was not here when it was reported
    bool is_sent;    //  and its answer is not there yet
    work_report_t *report; //  without item, topic and attempt
} delivery_t;

//  Items of a topic that are promised or have a turn here, whether a worker has it or not.
typedef struct {
    UT_hash_handle hh;
    text_t topic; //  behind the struct
    uint64_t count;
} held_t;

//  How many more of a topic could be handed out.
typedef struct {
    text_t topic;
    uint64_t room;
} room_t;

struct deliveries {
    bus_server_t *bus;
    workers_t *workers;
    work_store_t *store;
    deliveries_config_t config;
    paces_t *paces;
    delivery_t *by_item;
    held_t *held; //  by topic
    list_t reports;   //  to be sent
    list_t under_way; //  sent, in one statement
    size_t foreign;   //  reports of items that were not here
    size_t timers;    //  that run
    uint64_t timers_ms; //  when the database was asked for timers last
    bool is_draining;
    room_t rooms[TOPICS_MOST];
    size_t room_count;
    bool is_taking;  //  a take is under way, which may bring this much of each topic (by its hash)
    uint64_t asked_topic[TOPICS_MOST], asked[TOPICS_MOST];
    size_t asked_count;
    bool is_due;     //  another one is to follow
    uint64_t pause_until_ms; //  none before
    bool has_missed; //  something could not be leased because of one, since the last tick
};

static delivery_t *
s_find (const deliveries_t *self, text_t item)
{
    delivery_t *delivery;
    HASH_FIND (hh, self->by_item, item.data, item.size, delivery);
    return delivery;
}

static delivery_t *
s_new (deliveries_t *self, text_t item, text_t topic, uint64_t attempt)
{
    text_t texts[] = { item, topic };
    delivery_t *delivery = alloc_packed (sizeof *delivery, texts, 2);
    delivery->item = texts[0];
    delivery->topic = texts[1];
    delivery->attempt = attempt;
    list_init (&delivery->link);
    HASH_ADD_KEYPTR (hh, self->by_item, delivery->item.data, delivery->item.size, delivery);
    metric_add (POSTOFFICE_ITEMS_HELD, 1);
    return delivery;
}

static held_t *
s_held (const deliveries_t *self, text_t topic)
{
    held_t *held;
    HASH_FIND (hh, self->held, topic.data, topic.size, held);
    return held;
}

//  It is promised, or has a turn: it needs a worker's room until s_end_turn.
static void
s_hold (deliveries_t *self, delivery_t *delivery)
{
    held_t *held = s_held (self, delivery->topic);
    if (!held) {
        text_t topic = delivery->topic;
        held = alloc_packed (sizeof *held, &topic, 1);
        held->topic = topic;
        HASH_ADD_KEYPTR (hh, self->held, held->topic.data, held->topic.size, held);
    }
    held->count++;
    delivery->is_held = true;
}

static void
s_end_turn (deliveries_t *self, delivery_t *delivery)
{
    held_t *held = delivery->is_held ? s_held (self, delivery->topic) : NULL;
    delivery->is_held = false;
    if (held && --held->count == 0) {
        HASH_DEL (self->held, held);
        free (held);
    }
    if (delivery->turn) {
        workers_forget (self->workers, delivery->turn, false);
        turn_destroy (&delivery->turn);
    }
}

static void
s_destroy (deliveries_t *self, delivery_t *delivery)
{
    HASH_DEL (self->by_item, delivery);
    list_remove (&delivery->link);
    self->foreign -= delivery->is_foreign;
    self->timers -= delivery->is_running;
    metric_add (POSTOFFICE_ITEMS_HELD, -1);
    s_end_turn (self, delivery);
    free (delivery->session);
    free (delivery->report);
    free (delivery);
}

// ---------------------------------------------------------------------------------------------
//  Taking

static void s_take (deliveries_t *self);

//  Did the take bring as many of some topic as were asked for?
static bool
s_is_full (const deliveries_t *self, const work_taken_t *items, size_t count)
{
    uint64_t came[TOPICS_MOST] = { 0 };
    bool is_full = false;
    for (size_t at = 0; at < count; at++) {
        uint64_t topic = keyed_hash (hash_key_of_process (), items[at].topic);
        for (size_t asked = 0; asked < self->asked_count; asked++)
            if (self->asked_topic[asked] == topic)
                is_full = ++came[asked] >= self->asked[asked] || is_full;
    }
    return is_full;
}

static void
s_on_taken (void *owner, const work_taken_t *items, size_t count, uint64_t took_ms)
{
    deliveries_t *self = owner;
    self->is_taking = false;
    if (took_ms > TAKE_SLOW_MS && !s_is_full (self, items, count))
        self->pause_until_ms = clock_mono_ms () + TAKE_PAUSE_TIMES * took_ms;
    metric_add (POSTOFFICE_ITEMS_TAKEN, (int64_t) count);
    for (size_t at = 0; at < count; at++) {
        const work_taken_t *taken = &items[at];
        delivery_t *delivery = s_find (self, taken->item);
        if (delivery) //  an older attempt, which somebody else has taken away from here
            s_destroy (self, delivery);
        delivery = s_new (self, taken->item, taken->topic, taken->attempt);
        if (text_is (taken->topic, TOPIC_TIMER)) {
            delivery->is_running = true;
            delivery->since_ms = clock_mono_ms ();
            self->timers++;
            self->timers_ms = 0; //  there may be more
            self->config.run_timer (self->config.owner, taken);
            continue;
        }
        delivery->turn = turn_new (&(turn_t){ .state = TURN_QUEUED,
                                              .seq = taken->seq,
                                              .lease = taken->attempt,
                                              .item = taken->item,
                                              .session = taken->session,
                                              .app = taken->app,
                                              .topic = taken->topic,
                                              .user = taken->user,
                                              .body = taken->body,
                                              .secret = taken->secret,
                                              .memory = taken->memory,
                                              .lane_memory = taken->lane_memory,
                                              .lost = taken->lost,
                                              .replays = taken->replays,
                                              .is_suppressed = taken->is_suppressed });
        s_hold (self, delivery);
        workers_want (self->workers, delivery->turn);
    }
    if (count > 0 || self->is_due)
        s_take (self); //  there may be more, and room for more
}

static room_t *
s_room (deliveries_t *self, text_t topic)
{
    for (size_t at = 0; at < self->room_count; at++)
        if (text_is (self->rooms[at].topic, topic))
            return &self->rooms[at];
    if (self->room_count + !text_is (topic, TOPIC_TIMER) >= TOPICS_MOST)
        return NULL; //  the last place is the timers': they run, whatever workers there are
    self->rooms[self->room_count] = (room_t){ topic, 0 };
    return &self->rooms[self->room_count++];
}

//  Bots' health is asked from memory: for a worker of it the database would be asked at each tick.
static void
s_add_room (void *owner, text_t topic, uint64_t room)
{
    bool is_stored = !topic_is_of_turns (topic) && !text_is (topic, TOPIC_TIMER)
                     && !text_is (topic, TOPIC_BOT_HEALTH);
    room_t *known = is_stored ? s_room (owner, topic) : NULL;
    if (known)
        known->room += room;
}

//  What waits here already is handed out first, as is what an append or a take is about to bring.
static void
s_count_rooms (deliveries_t *self)
{
    self->room_count = 0;
    workers_topics_each (self->workers, s_add_room, self);
    for (size_t at = 0; at < self->room_count; at++) {
        room_t *room = &self->rooms[at];
        const held_t *held = s_held (self, room->topic);
        uint64_t waiting =
            held ? held->count - workers_in_flight (self->workers, room->topic) : 0;
        room->room -= room->room < waiting ? room->room : waiting;
    }
    for (size_t at = 0; self->is_taking && at < self->room_count; at++)
        for (size_t asked = 0; asked < self->asked_count; asked++) {
            room_t *room = &self->rooms[at];
            if (self->asked_topic[asked] == keyed_hash (hash_key_of_process (), room->topic))
                room->room -= room->room < self->asked[asked] ? room->room : self->asked[asked];
        }
}

//  Asks for half of the room at a time, so that appends can lease for the rest meanwhile.
static void
s_take (deliveries_t *self)
{
    work_wish_t wishes[TOPICS_MOST];
    size_t count = 0;
    self->is_due = self->is_taking;
    uint64_t now = clock_mono_ms ();
    if (self->is_taking || now < self->pause_until_ms)
        return; //  in a pause the next tick behind it asks
    s_count_rooms (self);
    bool wants_timers = !self->is_draining && self->timers <= TIMERS_MOST / 2
                        && now - self->timers_ms >= TIMERS_EVERY_MS;
    if (wants_timers)
        s_room (self, TOPIC_TIMER)->room = TIMERS_MOST - self->timers;
    for (size_t at = 0; at < self->room_count; at++) {
        text_t topic = self->rooms[at].topic;
        uint64_t room = self->rooms[at].room;
        room = text_is (topic, TOPIC_TIMER) ? room : room - room / 2;
        if (room == 0)
            continue;
        wishes[count] = (work_wish_t){ topic, room < TAKEN_AT_ONCE ? room : TAKEN_AT_ONCE };
        self->asked_topic[count] = keyed_hash (hash_key_of_process (), topic);
        self->asked[count] = wishes[count].most;
        count++;
    }
    self->asked_count = count;
    //  Else at the next tick.
    self->is_taking = count > 0 && work_store_take (self->store, wishes, count,
                                                    paces_list (self->paces)) == 0;
    if (self->is_taking && wants_timers)
        self->timers_ms = now;
}

void
deliveries_look (deliveries_t *self)
{
    if (self->has_missed)
        s_take (self);
}

// ---------------------------------------------------------------------------------------------
//  Handing out from memory

bool
deliveries_lease (deliveries_t *self, const store_work_t *work)
{
    if (!work_store_is_up (self->store) || s_find (self, work->item))
        return false;
    s_count_rooms (self);
    const room_t *room = s_room (self, work->topic);
    bool is_room = room && room->room > 0;
    //  How a destination is, and how much of it is in hand, only a take knows: it follows.
    if (!is_room || work->destination.size > 0) {
        self->has_missed = self->has_missed || is_room || self->is_taking;
        return false;
    }
    delivery_t *delivery = s_new (self, work->item, work->topic, 1);
    delivery->is_promised = true;
    s_hold (self, delivery);
    delivery->promised_ms = clock_mono_ms ();
    return true;
}

static delivery_t *
s_promised (const deliveries_t *self, text_t item)
{
    delivery_t *delivery = s_find (self, item);
    return delivery && delivery->is_promised ? delivery : NULL;
}

void
deliveries_hand_out (deliveries_t *self, text_t session, text_t app, const store_work_t *work)
{
    delivery_t *delivery = s_promised (self, work->item);
    if (!delivery)
        return;
    if (clock_mono_ms () - delivery->promised_ms > PROMISE_MS) {
        s_destroy (self, delivery); //  not known here, it is released before long
        return;
    }
    delivery->is_promised = false;
    delivery->turn = turn_new (&(turn_t){ .state = TURN_QUEUED,
                                          .seq = work->seq,
                                          .lease = delivery->attempt,
                                          .item = work->item,
                                          .session = session,
                                          .app = app,
                                          .topic = work->topic,
                                          .user = work->user,
                                          .body = work->body,
                                          .secret = work->secret });
    metric_add (POSTOFFICE_ITEMS_HANDED_OUT, 1);
    workers_want (self->workers, delivery->turn);
}

void
deliveries_let_go (deliveries_t *self, text_t item)
{
    delivery_t *delivery = s_promised (self, item);
    if (delivery)
        s_destroy (self, delivery);
}

//  One that is reported already, or promised, is let be: the database knows better by now.
void
deliveries_cancel (deliveries_t *self, text_t item)
{
    delivery_t *delivery = s_find (self, item);
    if (!delivery || !delivery->turn)
        return;
    workers_forget (self->workers, delivery->turn, true);
    s_destroy (self, delivery);
    s_take (self);
}

// ---------------------------------------------------------------------------------------------
//  Reporting

//  Takes the report.
static void
s_set_report (deliveries_t *self, delivery_t *delivery, work_report_t *report)
{
    s_end_turn (self, delivery);
    free (delivery->report);
    delivery->report = report;
    list_append (&self->reports, &delivery->link);
}

//  The item was handed out, and nothing is heard of it: a further attempt, now.
static void
s_set_lost (deliveries_t *self, delivery_t *delivery, text_t why)
{
    s_set_report (self, delivery,
                  delivery_report_new (WORK_READY, 0, delivery->turn->attempts, why));
}

//  As many as one statement takes; what comes while it is under way gathers for the next.
static void
s_send_reports (deliveries_t *self)
{
    work_report_t reports[REPORTS_AT_ONCE];
    size_t count = 0;
    if (!list_is_empty (&self->under_way))
        return;
    for (list_t *at = self->reports.next; at != &self->reports && count < REPORTS_AT_ONCE;
         at = at->next) {
        const delivery_t *delivery = LIST_THING (at, delivery_t, link);
        work_report_t *report = &reports[count++];
        *report = *delivery->report;
        report->item = delivery->item;
        report->topic = delivery->topic;
        report->attempt = delivery->attempt;
    }
    if (count == 0 || work_store_finish (self->store, reports, count) != 0)
        return;
    for (; count > 0; count--) {
        delivery_t *delivery = LIST_THING (list_first (&self->reports), delivery_t, link);
        delivery->is_sent = true;
        list_append (&self->under_way, &delivery->link);
    }
}

static void
s_count_result (const delivery_t *delivery, bool counts)
{
    work_state_t state = delivery->report->state;
    if (state == WORK_READY && work_is_watch (delivery->item))
        return; //  it looks again, which is no failure
    metric_add (!counts              ? POSTOFFICE_ITEMS_STALE
                : state == WORK_DONE ? POSTOFFICE_ITEMS_DONE
                : state == WORK_DEAD ? POSTOFFICE_ITEMS_DEAD
                                     : POSTOFFICE_ITEMS_RETRIED,
                1);
}

static void
s_settled (deliveries_t *self, peer_t peer, text_t item, text_t session)
{
    bus_record_t record = { .kind = BUS_SETTLED,
                            .settled = { .item = item, .session = session } };
    if (bus_server_send (self->bus, peer, &record) != 0)
        log_debug ("answer not sent", log_string ("kind", "SETTLED"));
}

static void
s_on_finished (void *owner, text_t item, bool counts)
{
    deliveries_t *self = owner;
    delivery_t *delivery = s_find (self, item);
    //  Taken again meanwhile: this was the attempt before.
    if (!delivery || !delivery->is_sent)
        return;
    s_count_result (delivery, counts);
    if (delivery->peer)
        s_settled (self, delivery->peer, delivery->item, text_of (delivery->session));
    s_destroy (self, delivery);
    if (list_is_empty (&self->under_way)) {
        s_send_reports (self);
        s_take (self); //  the workers have room again
    }
}

static void
s_on_lost (void *owner)
{
    deliveries_t *self = owner;
    for (list_t *last; !list_is_empty (&self->under_way);) {
        last = self->under_way.previous;
        LIST_THING (last, delivery_t, link)->is_sent = false;
        list_prepend (&self->reports, last);
    }
}

//  What no worker has is let go: somebody else may have it soon, and it is not to be handed out
//  twice. What a worker has is reported by it, and the report says whether it counts. What one had
//  is reported here, as lost.
static void
s_on_down (void *owner)
{
    deliveries_t *self = owner;
    delivery_t *delivery, *next;
    HASH_ITER (hh, self->by_item, delivery, next)
    {
        const turn_t *turn = delivery->turn;
        if (!turn || turn->state == TURN_DISPATCHED || turn->state == TURN_ACCEPTED)
            continue;
        if (turn->attempts > 0)
            s_set_lost (self, delivery, TEXT ("the worker was lost"));
        else
            s_destroy (self, delivery);
    }
}

static bool
s_on_knows (void *owner, text_t item)
{
    return s_find (owner, item) != NULL;
}

static void
s_on_known (void *owner, void *list, void (*add) (void *list, text_t item))
{
    deliveries_t *self = owner;
    for (delivery_t *at = self->by_item; at; at = at->hh.next)
        add (list, at->item);
}

bool
deliveries_accepted (deliveries_t *self, peer_t peer, const bus_accepted_t *accepted)
{
    delivery_t *delivery = s_find (self, accepted->item);
    if (!delivery)
        return false;
    if (delivery->turn)
        workers_accepted (self->workers, delivery->turn, peer);
    return true;
}

void
deliveries_done (deliveries_t *self, peer_t peer, const bus_done_t *done)
{
    const turn_t of_topic = { .topic = done->topic };
    if (!turn_is_of (&of_topic, workers_topics (self->workers, peer))
        || text_is (done->topic, TOPIC_TIMER)) {
        static log_limit_t limit =
            LOG_LIMIT (LOG_WARN, "report of a topic that is not the worker's");
        if (log_limit_allows (&limit))
            log_warn ("report of a topic that is not the worker's",
                      log_text ("topic", done->topic));
        return;
    }
    delivery_t *delivery = s_find (self, done->item);
    if (!delivery) {
        bool is_item =
            done->item.size > 0
            && delivery_report_storable (done->item, SIZE_MAX).size == done->item.size;
        if (self->foreign >= FOREIGN_MOST || !is_item)
            return; //  it will be said again
        delivery = s_new (self, done->item, done->topic, done->attempt);
        delivery->is_foreign = true;
        self->foreign++;
    } else if (delivery->is_promised || !text_is (delivery->topic, done->topic))
        return;
    bool is_late = done->attempt < delivery->attempt; //  a later one is out, or was reported
    if (is_late && (delivery->is_sent || !delivery_report_is_good_late (done))) {
        metric_add (POSTOFFICE_ITEMS_STALE, 1);
        s_settled (self, peer, done->item, done->session);
        return;
    }
    if (delivery->is_sent && done->attempt > delivery->attempt)
        return; //  it will be said again
    if (is_late && delivery->turn)
        workers_forget (self->workers, delivery->turn, true);
    delivery->attempt = done->attempt;
    delivery->peer = peer;
    free (delivery->session);
    delivery->session = alloc_text (done->session);
    if (delivery->is_sent)
        return; //  said again, or too late: a report is on its way
    s_set_report (self, delivery,
                  delivery_report_of (done, delivery->turn ? delivery->turn->attempts : 0));
    s_send_reports (self);
}

// ---------------------------------------------------------------------------------------------
//  Timers

void
deliveries_timer_ended (deliveries_t *self, text_t item, uint64_t attempt, timer_end_t end,
                        uint64_t again_ms)
{
    delivery_t *delivery = s_find (self, item);
    metric_add (end == TIMER_RAN ? POSTOFFICE_TIMERS_RUN : POSTOFFICE_TIMERS_STALE,
                end == TIMER_RAN || end == TIMER_STALE);
    if (!delivery || !delivery->is_running || delivery->attempt != attempt)
        return; //  its lease has ended meanwhile
    if (end == TIMER_RAN)
        s_destroy (self, delivery);
    else {
        delivery->is_running = false;
        self->timers--;
        bool is_again = end == TIMER_LOST || end == TIMER_AGAIN;
        s_set_report (self, delivery,
                      delivery_report_new (is_again             ? WORK_READY
                                           : end == TIMER_STALE ? WORK_DONE
                                                                : WORK_DEAD,
                                           end == TIMER_AGAIN ? again_ms
                                           : is_again         ? TIMER_AGAIN_MS
                                                              : 0,
                                           0,
                                           end == TIMER_STALE   ? TEXT ("stale")
                                           : end == TIMER_AGAIN ? TEXT ("again")
                                                                : TEXT ("not run")));
    }
    if (self->timers == TIMERS_MOST / 2)
        s_take (self);
}

void
deliveries_drain (deliveries_t *self)
{
    self->is_draining = true;
}

// ---------------------------------------------------------------------------------------------

//  A worker that says nothing of an item for the time of a lease has forgotten it; one that was
//  lost has not come back in time.
static void
s_end_leases (deliveries_t *self)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "lease lost");
    uint64_t now = clock_mono_ms ();
    delivery_t *delivery, *next;
    HASH_ITER (hh, self->by_item, delivery, next)
    {
        turn_t *turn = delivery->turn;
        if (delivery->is_running && now - delivery->since_ms >= self->config.lease_ms) {
            s_destroy (self, delivery); //  it is released, as nobody knows it
            continue;
        }
        bool is_lost = turn && turn->state == TURN_QUEUED;
        bool is_over = turn && turn->state == TURN_ACCEPTED
                       && now - turn->since_ms >= self->config.lease_ms;
        if (!is_lost && !is_over)
            continue;
        text_t why = is_lost ? TEXT ("the worker was lost")
                             : TEXT ("the worker did not finish in time");
        if (log_limit_allows (&limit))
            log_warn ("lease lost", log_text ("item", delivery->item),
                      log_text ("topic", delivery->topic), log_text ("why", why));
        metric_add (POSTOFFICE_LEASES_LOST, 1);
        workers_forget (self->workers, turn, true);
        s_set_lost (self, delivery, why);
    }
}

void
deliveries_tick (deliveries_t *self)
{
    s_end_leases (self);
    s_send_reports (self);
    self->has_missed = false;
    s_take (self);
}

deliveries_t *
deliveries_new (uv_loop_t *loop, bus_server_t *bus, workers_t *workers,
                const store_config_t *store, const deliveries_config_t *config)
{
    static const work_store_events_t events = { .taken = s_on_taken,
                                                .finished = s_on_finished,
                                                .lost = s_on_lost,
                                                .down = s_on_down,
                                                .known = s_on_known,
                                                .knows = s_on_knows };
    deliveries_t *self = alloc_zeroed (sizeof *self);
    self->bus = bus;
    self->workers = workers;
    self->config = *config;
    self->paces = paces_new (config->apps);
    list_init (&self->reports);
    list_init (&self->under_way);
    self->store = work_store_new (loop, store, config->kept_ms, &events, self);
    return self;
}

void
deliveries_open (deliveries_t *self)
{
    work_store_open (self->store);
}

void
deliveries_destroy (deliveries_t **self_p)
{
    deliveries_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    work_store_destroy (&self->store);
    delivery_t *delivery, *next;
    HASH_ITER (hh, self->by_item, delivery, next)
    s_destroy (self, delivery);
    paces_destroy (&self->paces);
    free (self);
}
