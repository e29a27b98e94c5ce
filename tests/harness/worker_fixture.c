//  worker_fixture — see worker_fixture.h.

#include "worker_fixture.h"

#include "ports.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define HEARTBEAT_MS 500
#define SETTINGS_MOST 24

static worker_fixture_t s_fixture;
static char s_program[60], *s_settings[SETTINGS_MOST];
static uint16_t s_port;

static char *
s_copy (text_t text)
{
    return strndup (text.data, text.size);
}

static void
s_peer_up (void *owner, peer_t peer, const bus_hello_t *hello)
{
    worker_fixture_t *self = owner;
    self->peer = peer;
    self->credit = hello->credit;
    snprintf (self->topics, sizeof self->topics, "%.*s", TEXT_ARGS (hello->topics));
}

static void
s_peer_down (void *owner, peer_t peer)
{
    worker_fixture_t *self = owner;
    if (self->peer == peer)
        self->peer = 0;
}

static void
s_answer (worker_fixture_t *self, const bus_request_t *request)
{
    static char body[WORKER_ANSWER_ROOM];
    char etag[24] = "";
    uint64_t last_seq = 0;
    cr_assert (self->asked_count < WORKER_HEARD_MOST);
    worker_asked_t *asked = &self->asked[self->asked_count++];
    *asked = (worker_asked_t){ request->operation, s_copy (request->principal),
                               s_copy (request->body) };
    *body = '\0';
    unsigned status =
        self->answer ? self->answer (self->answer_owner, asked, body, &last_seq) : 0;
    if (status == 0)
        return;
    if (last_seq > 0)
        snprintf (etag, sizeof etag, "%llu", (unsigned long long) last_seq);
    bus_record_t reply = { .kind = BUS_REPLY,
                           .reply = { .request_id = request->request_id,
                                      .status = status,
                                      .body = text_of (body),
                                      .trace = TEXT_EMPTY,
                                      .etag = text_of (etag),
                                      .type = TEXT_EMPTY,
                                      .more = TEXT_EMPTY,
                                      .location = TEXT_EMPTY } };
    cr_assert_eq (bus_server_send (self->bus, self->peer, &reply), 0);
}

static void
s_record (void *owner, peer_t peer, const bus_record_t *record)
{
    (void) peer;
    worker_fixture_t *self = owner;
    if (record->kind == BUS_REQUEST) {
        s_answer (self, &record->request);
        return;
    }
    cr_assert (self->count < WORKER_HEARD_MOST);
    worker_heard_t *heard = &self->heard[self->count++];
    *heard = (worker_heard_t){ .kind = record->kind, .at_ms = clock_mono_ms () };
    if (record->kind == BUS_ACCEPTED)
        heard->item = s_copy (record->accepted.item);
    else if (record->kind == BUS_DECLINED)
        heard->item = s_copy (record->declined.item);
    else if (record->kind == BUS_PROGRESS)
        heard->item = s_copy (record->progress.item);
    else {
        const bus_done_t *done = &record->done;
        cr_assert_eq (record->kind, BUS_DONE);
        heard->item = s_copy (done->item);
        heard->outcome = done->outcome;
        heard->after_ms = done->after_ms;
        heard->status = done->status;
        heard->destination = done->destination;
        heard->pause_ms = done->pause_ms;
        heard->suppress = done->suppress;
        heard->detail = s_copy (done->detail);
        heard->data = s_copy (done->data);
        heard->remember = s_copy (done->remember);
        heard->remember_lane = s_copy (done->remember_lane);
    }
}

static void
s_start_process (worker_fixture_t *self)
{
    self->process = process_new (s_program, s_program, NULL, (const char *const *) s_settings);
    cr_assert (self->process);
    process_set_operations_port (self->process, s_port);
    RIG_UNTIL (&self->rig, 10000, self->peer != 0);
}

worker_fixture_t *
worker_fixture_start (const char *program, const char *const *more)
{
    static const bus_server_events_t s_events = { s_peer_up, s_peer_down, s_record };
    worker_fixture_t *self = &s_fixture;
    rig_start (&self->rig);
    self->bus = rig_postoffice_new (&self->rig, self->address,
                                    &(bus_server_config_t){ .node = "postoffice-test",
                                                            .heartbeat_ms = HEARTBEAT_MS,
                                                            .queue_limit = 16u << 20,
                                                            .peer_limit = 10 },
                                    &s_events, self);
    s_port = ports_free ();
    char postoffice[100], operations[60];
    snprintf (postoffice, sizeof postoffice, "POSTOFFICE_ADDRESSES=%.60s", self->address);
    snprintf (operations, sizeof operations, "OPERATIONS_PORT=%u", s_port);
    const char *const usual[] = { postoffice, operations, "BUS_HEARTBEAT=500ms",
                                  "SHUTDOWN_GRACE=5s", NULL };
    const char *settings[SETTINGS_MOST];
    process_settings (settings, SETTINGS_MOST, more, usual);
    for (size_t at = 0; at == 0 || settings[at - 1]; at++)
        s_settings[at] = settings[at] ? strdup (settings[at]) : NULL;
    snprintf (s_program, sizeof s_program, "%s", program);
    s_start_process (self);
    return self;
}

void
worker_fixture_again (worker_fixture_t *self)
{
    process_destroy (&self->process);
    RIG_UNTIL (&self->rig, 10000, self->peer == 0);
    s_start_process (self);
}

void
worker_fixture_end (worker_fixture_t *self)
{
    if (process_is_alive (self->process)) {
        process_kill (self->process, SIGTERM);
        process_kill (self->process, SIGTERM);
    }
    process_destroy (&self->process);
    bus_server_destroy (&self->bus);
    rig_stop (&self->rig);
}

void
worker_fixture_hand (worker_fixture_t *self, const bus_work_t *work)
{
    char session[100];
    bus_record_t record = { .kind = BUS_WORK, .work = *work };
    snprintf (session, sizeof session, "demo/%.*s", TEXT_ARGS (work->item));
    //  A text that is left out is no text: its data would be NULL.
    text_t *texts[] = { &record.work.session, &record.work.app,    &record.work.user,
                        &record.work.secret,  &record.work.memory, &record.work.lane_memory,
                        &record.work.trace };
    for (size_t at = 0; at < sizeof texts / sizeof *texts; at++)
        if (!texts[at]->data)
            *texts[at] = TEXT_EMPTY;
    if (record.work.session.size == 0)
        record.work.session = text_of (session);
    if (record.work.app.size == 0)
        record.work.app = TEXT ("demo");
    if (record.work.attempt == 0)
        record.work.attempt = 1;
    cr_assert_eq (bus_server_send (self->bus, self->peer, &record), 0);
}

void
worker_fixture_cancel (worker_fixture_t *self, const char *item)
{
    bus_record_t record = { .kind = BUS_CANCEL };
    record.cancel.item = text_of (item);
    record.cancel.session = TEXT ("demo/any");
    cr_assert_eq (bus_server_send (self->bus, self->peer, &record), 0);
}

void
worker_fixture_notice (worker_fixture_t *self, const bus_notice_t *notice)
{
    bus_record_t record = { .kind = BUS_NOTICE, .notice = *notice };
    cr_assert_eq (bus_server_send (self->bus, self->peer, &record), 0);
}

void
worker_fixture_settle (worker_fixture_t *self, const char *item)
{
    bus_record_t record = { .kind = BUS_SETTLED };
    record.settled.item = text_of (item);
    record.settled.session = TEXT ("demo/any");
    cr_assert_eq (bus_server_send (self->bus, self->peer, &record), 0);
}

static const worker_heard_t *
s_nth (const worker_fixture_t *self, const char *item, bus_kind_t kind, unsigned nth)
{
    for (unsigned at = 0; at < self->count; at++)
        if (self->heard[at].kind == kind && strcmp (self->heard[at].item, item) == 0 && --nth == 0)
            return &self->heard[at];
    return NULL;
}

unsigned
worker_fixture_count (const worker_fixture_t *self, const char *item, bus_kind_t kind)
{
    unsigned count = 0;
    while (s_nth (self, item, kind, count + 1))
        count++;
    return count;
}

const worker_heard_t *
worker_fixture_done (worker_fixture_t *self, const char *item, unsigned nth, uint64_t within_ms)
{
    RIG_UNTIL (&self->rig, within_ms, s_nth (self, item, BUS_DONE, nth));
    return s_nth (self, item, BUS_DONE, nth);
}
