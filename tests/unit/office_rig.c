#include "office_rig.h"

#include "session/catch_up.h"
#include "session/outbound.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "session/presence.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST_ITEMS 100

postoffice_context_t rig_office, rig_second;
char rig_row[RIG_ROW_MAX];
size_t rig_queued;
bool rig_shows_company;
static postoffice_context_t *s_office = &rig_office; //  that is spoken to
static uv_loop_t s_loop;
uv_loop_t *const rig_loop = &s_loop;
static char s_story[100000];
static char s_items[MOST_ITEMS][80];
static size_t s_item_count;
static uint64_t s_request_id;
static bool s_down[20];

// ---------------------------------------------------------------------------------------------
//  The bus

static void __attribute__ ((format (printf, 1, 2)))
s_note (const char *format, ...)
{
    size_t size = strlen (s_story);
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (s_story + size, sizeof s_story - size, format, arguments);
    va_end (arguments);
}

static unsigned
s_item_number (text_t item)
{
    for (size_t at = 0; at < s_item_count; at++)
        if (text_is (text_of (s_items[at]), item))
            return (unsigned) at + 1;
    cr_assert (s_item_count < MOST_ITEMS && item.size < sizeof *s_items);
    memcpy (s_items[s_item_count], item.data, item.size);
    s_items[s_item_count][item.size] = 0;
    return (unsigned) ++s_item_count;
}

void
rig_name (const char *item)
{
    s_item_number (text_of (item));
}

//  "t2" as the bus knows it.
static text_t
s_item (const char *name)
{
    size_t number = (size_t) atoi (name + 1);
    return number >= 1 && number <= s_item_count ? text_of (s_items[number - 1]) : text_of (name);
}

static void
s_note_ids (ids_t ids)
{
    for (size_t at = 0; at < ids.count; at++)
        s_note ("%s%u", at ? "," : " ", (unsigned) ids_at (ids, at));
}

static void
s_note_entry (const bus_deliver_t *entry)
{
    static const char visitor[] = "{\"visitor\":";
    s_note_ids (entry->endpoints);
    bool is_of_visitor = entry->event == EVENT_USER_JOINED && entry->data.size > sizeof visitor
                         && memcmp (entry->data.data, visitor, sizeof visitor - 1) == 0;
    if (is_of_visitor || (entry->data.size && entry->event == EVENT_NEW_MESSAGE))
        s_note (" #%u %.*s", (unsigned) entry->seq, TEXT_ARGS (entry->data));
    else
        s_note (" #%u %s", (unsigned) entry->seq, event_wire_name (entry->event));
    if (entry->end_of_window)
        s_note (" end_of_window");
}

static bool
s_is_of_company (const bus_record_t *record)
{
    return record->kind == BUS_BROADCAST
           && (record->broadcast.event == EVENT_PRESENCE
               || record->broadcast.event == EVENT_RECEIPT);
}

int
bus_server_send (bus_server_t *self, peer_t peer, const bus_record_t *record)
{
    (void) self;
    if (peer >= sizeof s_down || s_down[peer])
        return -1;
    if (s_is_of_company (record) && !rig_shows_company)
        return 0;
    s_note ("%c%u %s", peer > 10 ? 'w' : 'e', (unsigned) (peer > 10 ? peer - 10 : peer),
            bus_kind_name (record->kind));
    if (record->kind == BUS_ATTACHED)
        s_note (" %u %s #%u", (unsigned) record->attached.endpoint,
                verdict_code (record->attached.verdict), (unsigned) record->attached.seq);
    else if (record->kind == BUS_POSTED)
        s_note (" %u %s #%u", (unsigned) record->posted.request_id,
                verdict_code (record->posted.verdict), (unsigned) record->posted.seq);
    else if (record->kind == BUS_DELIVER)
        s_note_entry (&record->deliver);
    else if (record->kind == BUS_BROADCAST) {
        s_note_ids (record->broadcast.endpoints);
        s_note (" %s", event_wire_name (record->broadcast.event));
        if (s_is_of_company (record))
            s_note (" %.*s", TEXT_ARGS (record->broadcast.data));
    } else if (record->kind == BUS_TRUNCATED)
        s_note (" %u #%u of %u%s", (unsigned) record->truncated.endpoint,
                (unsigned) record->truncated.seq, (unsigned) record->truncated.last_seq,
                record->truncated.gone ? " gone" : "");
    else if (record->kind == BUS_WORK)
        s_note (" t%u %u", s_item_number (record->work.item), (unsigned) record->work.attempt);
    else if (record->kind == BUS_SETTLED)
        s_note (" t%u", s_item_number (record->settled.item));
    else if (record->kind == BUS_WATCHING)
        s_note (" %.*s%s", TEXT_ARGS (record->watching.app),
                record->watching.gap ? " gap" : "");
    else if (record->kind == BUS_SUMMARY) {
        s_note (" %.*s #%u", TEXT_ARGS (record->summary.session),
                (unsigned) record->summary.seq);
        snprintf (rig_row, sizeof rig_row, "%.*s", TEXT_ARGS (record->summary.row));
    } else if (record->kind == BUS_CANCEL)
        s_note (" t%u", s_item_number (record->cancel.item));
    s_note ("\n");
    return 0;
}

size_t
bus_server_queued (const bus_server_t *self, peer_t peer)
{
    (void) self;
    return peer >= sizeof s_down || s_down[peer] ? SIZE_MAX : rig_queued;
}

void
rig_expect_at (const char *file, unsigned line, const char *story)
{
    cr_assert (strcmp (s_story, story) == 0, "%s:%u: expected\n%sbut it was\n%s", file, line, story,
               s_story);
    rig_forget ();
}

void
rig_forget (void)
{
    s_story[0] = 0;
}

const char *
rig_story (void)
{
    return s_story;
}

// ---------------------------------------------------------------------------------------------
//  The office

static void
s_on_posted (void *owner, const operation_t *operation)
{
    static const char *const names[CHANGES] = {
#define CHANGE(NAME, action, events, words) [CHANGE_##NAME] = #NAME,
#include "rules/changes.def"
#undef CHANGE
    };
    (void) owner;
    cr_assert (operation->of_request);
    if (operation->kind == OPERATION_CHANGE) {
        s_note ("api %s %s #%u\n", names[operation->change->kind],
                verdict_code (operation->verdict), (unsigned) operation->seq);
        return;
    }
    uint64_t asked = operation->record.post.request_id, number = operation->request;
    s_note ("api POSTED %u %s #%u\n", (unsigned) (number ? number : asked),
            verdict_code (operation->verdict), (unsigned) operation->seq);
}

static void
s_on_timer_ended (void *owner, const operation_t *operation)
{
    (void) owner;
    s_note ("timer %s\n", operation->verdict == VERDICT_OK ? "ran" : "stale");
}

static void
s_begin_office (postoffice_context_t *office, store_t *store, uint64_t writer)
{
    *office = (postoffice_context_t){ .store = store,
                                      .grace_ms = GRACE_MS,
                                      .settle_ms = SETTLE_MS,
                                      .idle_ms = IDLE_MS,
                                      .queue_limit = QUEUE_LIMIT,
                                      .endpoint_limit = 8,
                                      .session_limit = 1000,
                                      .posted = s_on_posted,
                                      .timer_ended = s_on_timer_ended,
                                      .rules = { .writer = writer } };
    buffer_t complaint;
    buffer_init (&complaint, 1024);
    office->apps = apps_new (&s_loop, &(apps_config_t){ .file = "", .app_id = "demo" },
                             &complaint);
    cr_assert_not_null (office->apps);
    office->sessions = sessions_new (&s_loop, office);
    office->bots = bot_health_new (office->apps, sessions_refuse_turn, office->sessions);
    office->workers =
        workers_new (NULL, &(workers_config_t){ .accepted_within_ms = ACCEPTED_WITHIN_MS,
                                                .recovery_ms = RECOVERY_MS,
                                                .admit = bot_health_admit,
                                                .probe_ended = bot_health_probe_ended,
                                                .owner = office->bots });
    bot_health_begin (office->bots, office->workers);
    office->deliveries = deliveries_new (&s_loop, NULL, office->workers,
                                         &(store_config_t){ .writer = writer },
                                         &(deliveries_config_t){ .apps = office->apps,
                                                                 .lease_ms = 1000 });
}

static void
s_end_office (postoffice_context_t *office)
{
    deliveries_destroy (&office->deliveries);
    sessions_destroy (&office->sessions);
    bot_health_destroy (&office->bots);
    workers_destroy (&office->workers);
    apps_destroy (&office->apps);
}

void
rig_begin (void)
{
    rig_use (1);
    rig_second.sessions = NULL;
    rig_forget ();
    rig_row[0] = 0;
    rig_queued = 0;
    rig_shows_company = false;
    s_item_count = 0;
    s_request_id = 0;
    memset (s_down, 0, sizeof s_down);
    uv_loop_init (&s_loop);
    s_begin_office (&rig_office, fake_store_new (), FAKE_WRITER);
    edge_up (1);
    edge_up (2);
}

void
rig_end (void)
{
    fake_store_free ();
    s_end_office (&rig_office);
    if (rig_second.sessions)
        s_end_office (&rig_second);
    uv_run (&s_loop, UV_RUN_DEFAULT);
    cr_assert (uv_loop_close (&s_loop) == 0);
}

//  As postoffice.c does.
static void
s_on_noticed (void *owner, store_notice_t what, text_t key)
{
    postoffice_context_t *office = owner;
    session_t *session = office->sessions ? sessions_find (office->sessions, key) : NULL;
    if (session)
        session_happens (session, what == NOTIFY_SHARED ? SESSION_SHARED : SESSION_MOVED);
}

void
rig_begin_second (void)
{
    store_t *store =
        fake_store_second (s_on_noticed, &rig_office, s_on_noticed, &rig_second);
    s_begin_office (&rig_second, store, FAKE_OTHER);
    rig_use (2);
    edge_up (3);
    edge_up (4);
    rig_use (1);
}

void
rig_kill_second (void)
{
    rig_run (); //  nothing of it is under way
    s_end_office (&rig_second);
    rig_second.sessions = NULL;
    rig_use (1);
}

void
rig_use (int number)
{
    s_office = number == 2 ? &rig_second : &rig_office;
}

static postoffice_context_t *
s_office_of (int number)
{
    return number == 2 ? &rig_second : &rig_office;
}

void
rig_deafen (int number)
{
    postoffice_context_t *office = s_office_of (number);
    fake_store_deafen (office->store, true);
    office->is_deaf = true;
    office->deaf_since_ms = clock_mono_ms ();
}

void
rig_hear_again (int number)
{
    postoffice_context_t *office = s_office_of (number);
    fake_store_deafen (office->store, false);
    office->is_deaf = false;
    sessions_happen (office->sessions, SESSION_STORE_READY);
}

void
rig_turn (void)
{
    for (int round = 0; round < 50; round++)
        uv_run (&s_loop, UV_RUN_NOWAIT);
}

void
rig_run (void)
{
    do
        rig_turn ();
    while (fake_store_step ());
}

void
rig_wait (unsigned ms)
{
    for (uint64_t end = clock_mono_ms () + ms; clock_mono_ms () < end;) {
        rig_run ();
        workers_tick (rig_office.workers);
        bot_health_tick (rig_office.bots);
        if (rig_second.sessions) {
            workers_tick (rig_second.workers);
            bot_health_tick (rig_second.bots);
        }
        uv_sleep (5);
    }
    rig_run ();
}

session_t *
rig_session (void)
{
    return sessions_find (s_office->sessions, KEY);
}

static void
s_ask (peer_t peer, const bus_record_t *record)
{
    operation_t *operation = operation_of_record (peer, record);
    if (record->kind == BUS_DONE || record->kind == BUS_ACCEPTED)
        operation->topics = alloc_string (workers_topics (s_office->workers, peer));
    sessions_ask (s_office->sessions, KEY, &operation);
}

void
edge_up (peer_t peer)
{
    edges_up (s_office->edges, peer);
}

void
edge_down (peer_t peer)
{
    s_down[peer] = true;
    sessions_edge_down (s_office->sessions, peer);
}

log_position_t
rig_position (uint64_t seq)
{
    const stored_entry_t *entry = fake_store_entry (KEY, seq);
    cr_assert_not_null (entry);
    return (log_position_t){ seq, outbound_check (entry) };
}

static void
s_attach (peer_t peer, bus_attach_t attach)
{
    attach.session = KEY;
    attach.app = TEXT ("demo");
    attach.sender = TEXT ("{}");
    s_ask (peer, &(bus_record_t){ .kind = BUS_ATTACH, .attach = attach });
}

void
attach_as (peer_t peer, uint64_t endpoint, uint64_t role, const char *user, uint64_t dialect,
           attach_reason_t reason, uint64_t seq)
{
    attach_at (peer, endpoint, role, user, dialect, reason, (log_position_t){ .seq = seq });
}

void
attach_at (peer_t peer, uint64_t endpoint, uint64_t role, const char *user, uint64_t dialect,
           attach_reason_t reason, log_position_t has)
{
    s_attach (peer, (bus_attach_t){ .endpoint = endpoint,
                                    .reason = reason,
                                    .user = text_of (user),
                                    .role = role,
                                    .dialect = dialect,
                                    .seq = has.seq,
                                    .check = has.check });
}

void
attach_with (peer_t peer, uint64_t endpoint, uint64_t role, const char *user,
             attach_reason_t reason, uint64_t seq, uint64_t may)
{
    s_attach (peer, (bus_attach_t){ .endpoint = endpoint,
                                    .reason = reason,
                                    .user = text_of (user),
                                    .role = role,
                                    .dialect = DIALECT_RICH,
                                    .seq = seq,
                                    .may = may });
}

void
visitor_joins (peer_t peer, uint64_t endpoint)
{
    attach_as (peer, endpoint, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_JOIN, SEQ_UNKNOWN);
}

void
widget_joins (peer_t peer, uint64_t endpoint)
{
    attach_as (peer, endpoint, ROLE_VISITOR, "vic", DIALECT_WIDGET, ATTACH_JOIN, SEQ_UNKNOWN);
}

void
agent_joins (peer_t peer, uint64_t endpoint, const char *user)
{
    attach_as (peer, endpoint, ROLE_AGENT, user, DIALECT_RICH, ATTACH_JOIN, SEQ_UNKNOWN);
}

void
detach (peer_t peer, uint64_t endpoint, uint64_t seq)
{
    s_ask (peer, &(bus_record_t){
                     .kind = BUS_DETACH,
                     .detach = { .endpoint = endpoint, .session = KEY, .received_seq = seq } });
}

void
hand_over (peer_t peer, uint64_t endpoint)
{
    s_ask (peer, &(bus_record_t){ .kind = BUS_DETACH,
                                  .detach = { .endpoint = endpoint,
                                              .session = KEY,
                                              .received_seq = SEQ_UNKNOWN,
                                              .moved = 1 } });
}

static void
s_post (peer_t peer, uint64_t endpoint, event_t event, const char *id, uint64_t time_ms,
        uint64_t after)
{
    s_ask (peer, &(bus_record_t){ .kind = BUS_POST,
                                  .post = { .request_id = ++s_request_id,
                                            .endpoint = endpoint,
                                            .session = KEY,
                                            .event = event,
                                            .message_id = text_of (id),
                                            .time_ms = time_ms,
                                            .sender = TEXT ("{}"),
                                            .data = text_of (id),
                                            .secret = TEXT ("token"),
                                            .after = after } });
}

static void
s_ask_change (const change_t *change, uint64_t if_match)
{
    operation_t *operation = operation_change (change);
    operation->if_match = if_match;
    sessions_ask (s_office->sessions, KEY, &operation);
}

static void
s_change (change_kind_t kind, uint64_t by_role, const char *visitor, const char *id,
          uint64_t if_match)
{
    bool opens = kind == CHANGE_OPEN;
    bool is_of_agent =
        !opens && kind != CHANGE_CLOSE && kind != CHANGE_REOPEN && kind != CHANGE_READ;
    s_ask_change (&(change_t){ .kind = kind,
                               .session = KEY,
                               .message_id = text_of (id),
                               .by_role = by_role,
                               .by_user = text_of (by_role == ROLE_AGENT ? "anna" : "key"),
                               .by_sender = TEXT ("{}"),
                               .role = is_of_agent ? ROLE_AGENT : ROLE_VISITOR,
                               .user = text_of (opens ? visitor : is_of_agent ? "carl" : ""),
                               .sender = TEXT ("{}"),
                               .info = TEXT_EMPTY,
                               .first_id = opens ? TEXT (":first:1") : TEXT_EMPTY,
                               .data = opens ? TEXT ("help") : TEXT_EMPTY,
                               .version = SEQ_UNKNOWN,
                               .targets = TEXT ("group:sales\n"),
                               .why = TEXT_EMPTY,
                               .secret = TEXT_EMPTY },
                  if_match);
}

void
change_by_request (change_kind_t kind, uint64_t by_role, const char *id, uint64_t if_match)
{
    s_change (kind, by_role, "vic", id, if_match);
}

void
open_by_request (const char *visitor, const char *id)
{
    s_change (CHANGE_OPEN, ROLE_API, visitor, id, SEQ_UNKNOWN);
}

static void
s_ask_agent (change_kind_t kind, const char *user, bool takes_control, const char *id)
{
    s_ask_change (&(change_t){ .kind = kind,
                               .session = KEY,
                               .message_id = text_of (id),
                               .by_role = ROLE_AGENT,
                               .by_user = text_of (user),
                               .by_sender = TEXT ("{}"),
                               .role = ROLE_AGENT,
                               .user = text_of (user),
                               .sender = TEXT ("{}"),
                               .info = TEXT_EMPTY,
                               .first_id = TEXT_EMPTY,
                               .data = TEXT_EMPTY,
                               .version = SEQ_UNKNOWN,
                               .targets = TEXT_EMPTY,
                               .why = TEXT_EMPTY,
                               .secret = TEXT_EMPTY,
                               .takes_control = takes_control },
                  SEQ_UNKNOWN);
}

void
enter_by_request (const char *user, bool takes_control, const char *id)
{
    s_ask_agent (CHANGE_ENTER, user, takes_control, id);
}

void
leave_by_request (const char *user, const char *id)
{
    s_ask_agent (CHANGE_EXIT, user, false, id);
}

void
say_by_request (uint64_t role, const char *user, const char *id)
{
    post_by_request (role, user, id, SEQ_UNKNOWN);
}

void
post_by_request (uint64_t role, const char *user, const char *id, uint64_t if_match)
{
    operation_t *operation =
        operation_of_request (role, text_of (user),
                              &(bus_record_t){ .kind = BUS_POST,
                                               .post = { .request_id = ++s_request_id,
                                                         .session = KEY,
                                                         .event = EVENT_NEW_MESSAGE,
                                                         .message_id = text_of (id),
                                                         .data = text_of (id),
                                                         .secret = TEXT ("token") } });
    operation->if_match = if_match;
    sessions_ask (s_office->sessions, KEY, &operation);
}

void
timer_due (uint64_t seq)
{
    char room[TIMER_ITEM_MAX];
    operation_t *operation =
        operation_timer (&(timer_due_t){ .kind = TIMER_CLOSE,
                                         .item = timer_item (room, TIMER_CLOSE, KEY),
                                         .seq = seq,
                                         .attempt = 1,
                                         .body = TEXT ("{}") });
    sessions_ask (s_office->sessions, KEY, &operation);
}

void
say (peer_t peer, uint64_t endpoint, const char *id)
{
    s_post (peer, endpoint, EVENT_NEW_MESSAGE, id, 0, 0);
}

void
say_at (peer_t peer, uint64_t endpoint, const char *id, uint64_t time_ms)
{
    s_post (peer, endpoint, EVENT_NEW_MESSAGE, id, time_ms, 0);
}

void
say_behind (peer_t peer, uint64_t endpoint, const char *id, uint64_t after)
{
    s_post (peer, endpoint, EVENT_NEW_MESSAGE, id, 0, after);
}

void
rig_fill_turns (void)
{
    char id[20];
    for (int at = 0; at < TURN_LIMIT; at++) {
        snprintf (id, sizeof id, "m%d", at);
        say (1, 5, id);
    }
    rig_run ();
    rig_forget ();
}

void
post (peer_t peer, uint64_t endpoint, event_t event, const char *id)
{
    s_post (peer, endpoint, event, id, 0, 0);
}

static endpoint_t *
s_endpoint (peer_t peer, uint64_t endpoint)
{
    session_t *session = rig_session ();
    return session ? session_endpoint (session, peer, endpoint) : NULL;
}

void
more (peer_t peer, uint64_t endpoint)
{
    cr_assert_not_null (s_endpoint (peer, endpoint));
    catch_up_next_window (s_endpoint (peer, endpoint));
}

void
received (peer_t peer, uint64_t endpoint, uint64_t seq)
{
    cr_assert_not_null (s_endpoint (peer, endpoint));
    presence_receipt (s_endpoint (peer, endpoint), seq, 0);
}

void
type (peer_t peer, uint64_t endpoint, event_t event)
{
    cr_assert_not_null (s_endpoint (peer, endpoint));
    presence_signal (s_endpoint (peer, endpoint), &(bus_signal_t){ .event = event });
}

void
worker_up (peer_t peer, uint64_t credit)
{
    s_down[peer] = false;
    workers_add (s_office->workers, peer,
                 &(bus_hello_t){ .topics = TEXT ("notify.sms bot.stentor"), .credit = credit });
}

void
worker_down (peer_t peer)
{
    s_down[peer] = true;
    workers_remove (s_office->workers, peer);
}

void
accepted (peer_t peer, const char *turn)
{
    s_ask (peer, &(bus_record_t){ .kind = BUS_ACCEPTED,
                                  .accepted = { .item = s_item (turn), .session = KEY } });
}

void
done (peer_t peer, const char *turn, const char *data)
{
    s_ask (peer, &(bus_record_t){ .kind = BUS_DONE,
                                  .done = { .item = s_item (turn),
                                            .session = KEY,
                                            .outcome = OUTCOME_ANSWERED,
                                            .data = text_of (data),
                                            .target = TEXT_EMPTY,
                                            .detail = TEXT_EMPTY } });
}

void
fails (peer_t peer, const char *turn, unsigned tries, unsigned status)
{
    s_ask (peer, &(bus_record_t){ .kind = BUS_DONE,
                                  .done = { .item = s_item (turn),
                                            .session = KEY,
                                            .outcome = OUTCOME_FAILED,
                                            .data = TEXT ("{\"tries\":3}"),
                                            .target = TEXT_EMPTY,
                                            .detail = TEXT ("why"),
                                            .tries = tries,
                                            .status = status,
                                            .fault = status == 404 ? FAULT_OTHER : FAULT_BOT } });
}

app_failure_t *
rig_policy (void)
{
    const app_t *app = apps_find (s_office->apps, TEXT ("demo"));
    return (app_failure_t *) &app->switchboard.failure; //  nobody reads the file again
}

void
progress (peer_t peer, const char *turn, event_t event)
{
    session_t *session = rig_session ();
    cr_assert_not_null (session);
    presence_progress (
        session, peer,
        &(bus_progress_t){
            .item = s_item (turn), .session = KEY, .event = event, .data = TEXT_EMPTY },
        workers_topics (s_office->workers, peer));
}
