#include "session/attachment.h"

#include "tables/edge_metrics.h"
#include "session/inbound.h"
#include "session/keepalive.h"
#include "base/clock.h"
#include "base/random_id.h"
#include "client/server_frame.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

//  How long a client waits at most (the widget gives up after 10 s by itself), and a post whose
//  office may have stored it.
#define ASK_LIMIT_MS 8000
#define POST_LIMIT_MS 30000
//  A refusal that may pass is asked again after this.
#define AGAIN_MS 1000
//  A client that is told `busy` waits from once to twice this.
#define RETRY_MS 1000

// ---------------------------------------------------------------------------------------------
//  Leaving

//  Tells the office that was asked last that the connection is not there any more.
static void
s_tell_detach (gateway_t *gateway, connection_t *connection, bool moved)
{
    unsigned office = (unsigned) connection->office;
    pending_detaches_put (&gateway->pending_detaches, office,
                          &(bus_detach_t){ .endpoint = connection->endpoint,
                                           .session = connection_session (connection),
                                           .received_seq = keepalive_received_seq (connection),
                                           .moved = moved });
    if (!pending_detaches_send (&gateway->pending_detaches, gateway->bus, office))
        gateway_wait (gateway, NULL);
}

void
attachment_leave (gateway_t *gateway, connection_t *connection)
{
    //  With an office of its own it was sent an ATTACH (a LOOKUP has no session yet).
    if (connection->session && connection->office >= 0)
        s_tell_detach (gateway, connection, false);
    connection->office = -1;
    connection->next_window_seq = 0;
    size_t before = connection->outbox.bytes;
    outbox_leave_session (&connection->outbox);
    edge_count (EDGE_OUTBOX_BYTES, -(int64_t) (before - connection->outbox.bytes));
    keepalive_forget (connection);
    posts_hold_nothing (connection);
    (void) connection_set_session (connection, TEXT_EMPTY);
}

// ---------------------------------------------------------------------------------------------
//  Speaking

static bool
s_speak_lookup (gateway_t *gateway, connection_t *connection)
{
    char key[APP_ID_MAX + 1 + USER_ID_MAX + 1];
    int size = snprintf (key, sizeof key, "%.*s/%.*s", TEXT_ARGS (connection_app (connection)),
                         TEXT_ARGS (connection_user (connection)));
    int office = bus_client_postoffice_of (gateway->bus, (text_t){ key, (size_t)size });
    if (office < 0)
        return false;
    bus_record_t record = { .kind = BUS_LOOKUP,
                            .lookup = { .endpoint = connection->endpoint,
                                        .app = connection_app (connection),
                                        .user = connection_user (connection),
                                        .role = connection->role } };
    if (bus_client_send (gateway->bus, (unsigned) office, &record) != 0)
        return false;
    connection->office = office;
    connection->asked = true;
    edge_count (EDGE_LOOKUPS, 1);
    return true;
}

static bool
s_speak_attach (gateway_t *gateway, connection_t *connection)
{
    int office = bus_client_postoffice_of (gateway->bus, connection_session (connection));
    if (office < 0)
        return false;
    if (connection->office >= 0 && connection->office != office) {
        s_tell_detach (gateway, connection, true);
        connection->office = -1;
        posts_unsend (connection);
    }
    //  A ATTACH must not overtake what this office has not heard yet.
    if (!pending_detaches_send (&gateway->pending_detaches, gateway->bus, (unsigned) office))
        return false;
    bool reattaches = connection->place == PLACE_REATTACHING;
    bus_record_t record = { .kind = BUS_ATTACH,
                            .attach = {
                                .endpoint = connection->endpoint,
                                .reason = reattaches ? ATTACH_REATTACH : connection->reason,
                                .session = connection_session (connection),
                                .app = connection_app (connection),
                                .user = connection_user (connection),
                                .role = connection->role,
                                .dialect = connection->dialect,
                                .seq = connection->seq ? connection->seq : connection->attach_seq,
                                .time_ms = connection->attach_time_ms,
                                .sender = connection_sender (connection) } };
    if (bus_client_send (gateway->bus, (unsigned) office, &record) != 0)
        return false;
    connection->office = office;
    connection->asked = true;
    connection->attach_generation++;
    connection->next_window_seq = 0;
    connection->catching_up = false;
    edge_count (EDGE_ATTACHES, 1);
    edge_count (EDGE_REATTACHES, reattaches);
    return true;
}

static bool
s_speak_posts (gateway_t *gateway, connection_t *connection)
{
    post_t *post;
    while ((post = posts_next (connection))) {
        bus_record_t record = { .kind = BUS_POST, .post = post->record };
        record.post.after = posts_before (connection, post);
        if (bus_client_send (gateway->bus, (unsigned) connection->office, &record) != 0)
            return false;
        edge_count (EDGE_POSTS_SENT_AGAIN, post->ever_sent);
        post->office = connection->office;
        post->ever_sent = true;
    }
    return true;
}

static bool
s_speak_next_window (gateway_t *gateway, connection_t *connection)
{
    if (connection->next_window_seq == 0)
        return true;
    bus_record_t record = { .kind = BUS_NEXT_WINDOW,
                            .next_window = { .endpoint = connection->endpoint,
                                             .session = connection_session (connection),
                                             .seq = connection->next_window_seq } };
    if (bus_client_send (gateway->bus, (unsigned) connection->office, &record) != 0)
        return false;
    connection->next_window_seq = 0;
    return true;
}

bool
attachment_speak (gateway_t *gateway, connection_t *connection)
{
    if (connection->place == PLACE_LOCATING)
        return connection->asked || s_speak_lookup (gateway, connection);
    if (!connection_is_placed (connection))
        return true;
    if (connection->place != PLACE_IN && !connection->asked
        && !s_speak_attach (gateway, connection))
        return false;
    return s_speak_posts (gateway, connection) && s_speak_next_window (gateway, connection);
}

int
attachment_enter (gateway_t *gateway, connection_t *connection, text_t session_key,
                  attach_reason_t reason, uint64_t seq, uint64_t time_ms)
{
    if (!text_is (session_key, connection_session (connection))) {
        attachment_leave (gateway, connection);
        if (connection_set_session (connection, session_key) != 0)
            return -1;
    } else if (connection->place == PLACE_LOCATING)
        connection->office = -1;
    //  A client that says what it has is believed: it may have lost what was written to it.
    if (reason == ATTACH_RESUME && seq != SEQ_UNKNOWN)
        connection->seq = seq;
    connection->attach_seq = seq;
    connection->attach_time_ms = time_ms;
    connection->reason = (uint8_t) reason;
    connections_move (&gateway->connections, connection, PLACE_JOINING, gateway_now (gateway));
    return 0;
}

void
attachment_signal (gateway_t *gateway, connection_t *connection, event_t event)
{
    bus_record_t record = { .kind = BUS_SIGNAL,
                            .signal = { .endpoint = connection->endpoint,
                                        .session = connection_session (connection),
                                        .event = event,
                                        .sender = connection_sender (connection) } };
    if (!attachment_speak (gateway, connection)) {
        gateway_wait (gateway, connection);
        edge_count (EDGE_SIGNALS_DROPPED, 1);
    } else if (bus_client_send (gateway->bus, (unsigned) connection->office, &record) != 0)
        edge_count (EDGE_SIGNALS_DROPPED, 1);
}

// ---------------------------------------------------------------------------------------------
//  What comes back

static void
s_tell_busy (gateway_t *gateway, connection_t *connection, text_t session_key, text_t message_id,
             verdict_t verdict)
{
    frame_t *busy = server_frame_busy (session_id_of (session_key), message_id, verdict,
                                       RETRY_MS + random_id_number () % RETRY_MS);
    gateway_write (gateway, connection, &busy);
}

bool
attachment_holds_back (gateway_t *gateway, connection_t *connection, text_t message_id)
{
    if (!posts_is_held_back (connection, message_id, gateway_now (gateway)))
        return false;
    edge_count (EDGE_POSTS_HELD_BACK, 1);
    s_tell_busy (gateway, connection, connection_session (connection), message_id, VERDICT_BUSY);
    return true;
}

//  Tells the client that a post was not stored, in the words of its dialect: a widget knows no
//  `error`, and would wait for ever for what becomes of its message.
static void
s_answer_refused (gateway_t *gateway, connection_t *connection, const post_t *post,
                  verdict_t verdict)
{
    text_t session_id = session_id_of (post->record.session);
    const char *words = verdict_words (verdict);
    frame_t *answer;
    if (verdict == VERDICT_NOT_YOURS)
        answer = server_frame_not_joined (session_id, verdict_code (verdict), words);
    else if (connection->dialect != DIALECT_RICH && post->record.event == EVENT_NEW_MESSAGE)
        answer =
            server_frame_failure (session_id, gateway_bot_sender (gateway, connection), words);
    else if (connection->dialect == DIALECT_RICH && verdict_again (verdict)) {
        posts_hold_back (connection, post, gateway_now (gateway));
        s_tell_busy (gateway, connection, post->record.session, post->record.message_id, verdict);
        return;
    } else
        answer = server_frame_error (session_id, post->record.message_id, verdict_code (verdict),
                                     words);
    gateway_write (gateway, connection, &answer);
}

static void
s_refuse_posts (gateway_t *gateway, connection_t *connection, verdict_t verdict)
{
    list_t *first;
    while ((first = list_first (&connection->posts))) {
        post_t *post = LIST_THING (first, post_t, of_connection);
        s_answer_refused (gateway, connection, post, verdict);
        //  Answering may have closed the connection and taken its posts.
        if (list_first (&connection->posts) == first)
            posts_remove (&gateway->posts, connection, &post);
    }
}

//  Those that are under way, too: their office will refuse them, but another one, should that be
//  lost, would know of no refusal; and what their client says again now must not stand behind them.
static void
s_refuse_named (gateway_t *gateway, connection_t *connection)
{
    list_t *next;
    for (list_t *at = connection->posts.next; at != &connection->posts; at = next) {
        next = at->next;
        post_t *post = LIST_THING (at, post_t, of_connection);
        if (!post->named || post->request_id < connection->refused.request_id)
            continue;
        edge_count (EDGE_POSTS_HELD_BACK, 1);
        posts_hold_back (connection, post, gateway_now (gateway));
        s_tell_busy (gateway, connection, post->record.session, post->record.message_id,
                     VERDICT_BUSY);
        if (connection->place == PLACE_CLOSING)
            return; //  telling it has closed the connection, which has forgotten its posts
        posts_remove (&gateway->posts, connection, &post);
    }
}

static void
s_tell_joined (gateway_t *gateway, connection_t *connection, text_t session_id, uint64_t seq)
{
    frame_t *update = server_frame_joined (session_id, seq);
    gateway_write (gateway, connection, &update);
}

static void
s_tell_not_joined (gateway_t *gateway, connection_t *connection, text_t session_id,
                   verdict_t verdict)
{
    frame_t *update
        = server_frame_not_joined (session_id, verdict_code (verdict), verdict_words (verdict));
    gateway_write (gateway, connection, &update);
}

//  Out of its session for now. A refusal that may pass puts it among the silent ones: after a while
//  its office is asked again, and an unasked connection update repairs the widget.
static void
s_put_out (gateway_t *gateway, connection_t *connection, verdict_t verdict)
{
    attachment_leave (gateway, connection);
    connection->spoke = false;
    connections_move (&gateway->connections, connection,
                      verdict_again (verdict) ? PLACE_SILENT : PLACE_NOWHERE,
                      gateway_now (gateway));
}

void
attachment_lookup_reply (gateway_t *gateway, unsigned office, const bus_lookup_reply_t *reply)
{
    connection_t *connection = connections_find (&gateway->connections, reply->endpoint);
    if (!connection || connection->place != PLACE_LOCATING
        || connection->office != (int) office)
        return;
    connection->office = -1;
    if (reply->verdict != VERDICT_OK)
        connections_move (&gateway->connections, connection, PLACE_SILENT, gateway_now (gateway));
    else if (reply->session.size == 0 || reply->session.size > SESSION_KEY_MAX) {
        connections_move (&gateway->connections, connection, PLACE_NOWHERE,
                          gateway_now (gateway));
        s_tell_joined (gateway, connection, TEXT_EMPTY, SEQ_UNKNOWN);
    } else if (attachment_enter (gateway, connection, reply->session, ATTACH_SILENT, SEQ_UNKNOWN,
                                 0)
               != 0)
        gateway_close (gateway, connection, CLOSE_NO_MEMORY);
    else if (!attachment_speak (gateway, connection))
        gateway_wait (gateway, connection);
}

static void
s_attached_well (gateway_t *gateway, connection_t *connection, const bus_attached_t *attached)
{
    if (connection->place != PLACE_IN)
        connections_move (&gateway->connections, connection, PLACE_IN, gateway_now (gateway));
    //  A widget agent that joins is told the history from its beginning, and what it was told on
    //  this socket before it joined does not count: its page may have been loaded anew.
    if (attached->reason == ATTACH_JOIN && connection->role == ROLE_AGENT
        && connection->dialect == DIALECT_WIDGET)
        connection->seq = connection->attach_seq = 0;
    //  Who has more than there is has it from another log (before a restore, say), and would hear
    //  nothing until this one is as long.
    bool is_another_log = connection->seq > attached->seq;
    if (is_another_log)
        connection->seq = attached->seq;
    //  Who joins now is to hear what comes behind this. Until it has heard something, that is what
    //  another office must know: it would begin at the end of the log, and leave out what came
    //  between.
    if (attached->reason == ATTACH_JOIN && connection->dialect == DIALECT_RICH
        && connection->attach_seq == SEQ_UNKNOWN)
        connection->attach_seq = attached->seq;
    if ((attached->reason != ATTACH_FRAME && attached->reason != ATTACH_REATTACH)
        || is_another_log)
        s_tell_joined (gateway, connection, session_id_of (attached->session), attached->seq);
}

static void
s_attached_badly (gateway_t *gateway, connection_t *connection, const bus_attached_t *attached)
{
    text_t session_id = session_id_of (attached->session);
    verdict_t verdict = (verdict_t)attached->verdict;
    bool again = verdict_again (verdict);
    //  It has joined anew meanwhile, and the answer to that one is behind this.
    if (attached->reason == ATTACH_REATTACH && connection->place == PLACE_JOINING)
        return;
    if (attached->reason == ATTACH_REATTACH && again) {
        //  Stays where it is and is asked again by attachment_tick.
        connections_move (&gateway->connections, connection, PLACE_REATTACHING,
                          gateway_now (gateway));
        posts_unsend (connection);
        return;
    }
    if (attached->reason == ATTACH_SILENT && !again)
        s_tell_joined (gateway, connection, TEXT_EMPTY, SEQ_UNKNOWN);
    else if (attached->reason != ATTACH_SILENT && (!again || attached->reason != ATTACH_FRAME))
        s_tell_not_joined (gateway, connection, session_id, verdict);
    //  Of a foreign session one answer is enough.
    if (again)
        s_refuse_posts (gateway, connection, verdict);
    posts_remove_all (&gateway->posts, connection);
    if (connection->place == PLACE_CLOSING)
        return;
    //  The office has refused: it has nothing to detach.
    connection->office = -1;
    s_put_out (gateway, connection, verdict);
}

void
attachment_attached (gateway_t *gateway, unsigned office, const bus_attached_t *attached)
{
    connection_t *connection = connections_find (&gateway->connections, attached->endpoint);
    if (!connection || !connection_is_placed (connection) || connection->office != (int) office
        || (connection->place != PLACE_IN && !connection->asked)
        || !text_is (connection_session (connection), attached->session))
        return;
    edge_count_verdict (edge_attached, attached->verdict);
    if (attached->verdict == VERDICT_OK)
        s_attached_well (gateway, connection, attached);
    else if (attached->verdict != VERDICT_GOING_AWAY)
        s_attached_badly (gateway, connection, attached);
    inbound_resume (gateway, connection);
    //  GOING_AWAY: its GOODBYE is behind it, and then another office is asked.
}

//  Behind a message that its client is to say again, those that wait are refused as it was.
static void
s_go_on (gateway_t *gateway, connection_t *connection)
{
    if (connection->refused.id)
        s_refuse_named (gateway, connection);
    if (!attachment_speak (gateway, connection))
        gateway_wait (gateway, connection);
    inbound_resume (gateway, connection);
}

//  It is to be attached again, with an office that will be found when it speaks.
static void
s_reattach (gateway_t *gateway, connection_t *connection)
{
    if (connection->place == PLACE_IN)
        connections_move (&gateway->connections, connection, PLACE_REATTACHING,
                          gateway_now (gateway));
    connection->asked = false;
    posts_unsend (connection);
    gateway_wait (gateway, connection);
}

//  Its office does not know of it, though we took it to be in: it is brought in again, and what it
//  said is said again. Once in a while, so that nobody goes round and round.
static bool
s_is_brought_in_again (gateway_t *gateway, connection_t *connection, const bus_posted_t *posted)
{
    uint64_t now = gateway_now (gateway);
    if (posted->verdict != VERDICT_NOT_JOINED || connection->place != PLACE_IN
        || !text_is (posted->session, connection_session (connection))
        || (connection->rejoined_ms && now - connection->rejoined_ms < AGAIN_MS))
        return false;
    connection->rejoined_ms = now;
    log_warn ("postoffice does not know an endpoint", log_text ("session", posted->session),
              log_number ("endpoint", (int64_t) connection->endpoint));
    s_reattach (gateway, connection);
    return true;
}

void
attachment_posted (gateway_t *gateway, unsigned office, const bus_posted_t *posted)
{
    post_t *post = posts_find (&gateway->posts, posted->request_id);
    connection_t *connection =
        post ? connections_find (&gateway->connections, post->endpoint) : NULL;
    if (!connection || post->office != (int) office || posted->verdict == VERDICT_GOING_AWAY
        || s_is_brought_in_again (gateway, connection, posted))
        return;
    edge_count_verdict (edge_answered, posted->verdict);
    histogram_add (&edge_post_time, clock_mono_us () - post->since_us);
    if (posted->verdict == VERDICT_OK || posted->verdict == VERDICT_DUPLICATE) {
        //  While a catch-up is held back, older entries are still to come.
        if (!connection->catching_up && posted->seq > connection->seq
            && text_is (posted->session, connection_session (connection)))
            connection->seq = posted->seq;
        if (connection->dialect == DIALECT_RICH) {
            frame_t *ack = server_frame_ack (session_id_of (post->record.session),
                                             post->record.message_id, posted);
            gateway_write (gateway, connection, &ack);
        }
    } else
        s_answer_refused (gateway, connection, post, (verdict_t)posted->verdict);
    //  Writing may have closed the connection, which forgets its posts.
    post = posts_find (&gateway->posts, posted->request_id);
    if (post)
        posts_remove (&gateway->posts, connection, &post);
    s_go_on (gateway, connection);
}

// ---------------------------------------------------------------------------------------------
//  Offices that come and go

static void
s_lost_office (gateway_t *gateway, connection_t *connection, unsigned office)
{
    if (connection->office != (int) office)
        return;
    connection->office = -1;
    if (connection->place == PLACE_LOCATING) {
        connection->asked = false;
        gateway_wait (gateway, connection);
    } else if (connection_is_placed (connection))
        s_reattach (gateway, connection);
}

void
attachment_office_down (gateway_t *gateway, unsigned office)
{
    pending_detaches_forget (&gateway->pending_detaches, office);
    connection_t *connection, *next;
    HASH_ITER (hh, gateway->connections.by_endpoint, connection, next)
    s_lost_office (gateway, connection, office);
}

void
attachment_office_up (gateway_t *gateway)
{
    connection_t *connection, *next;
    HASH_ITER (hh, gateway->connections.by_endpoint, connection, next)
    {
        if (!connection_is_placed (connection) || connection->office < 0)
            continue;
        int office = bus_client_postoffice_of (gateway->bus, connection_session (connection));
        if (office >= 0 && office != connection->office)
            s_reattach (gateway, connection);
    }
}

// ---------------------------------------------------------------------------------------------
//  Time limits

//  Calls for all that are in the place for at least that long, the longest first.
static void
s_walk (gateway_t *gateway, connection_place_t place, uint64_t limit_ms,
        void (*late) (gateway_t *gateway, connection_t *connection))
{
    uint64_t now = gateway_now (gateway);
    list_t *all = &gateway->connections.places[place], *next;
    for (list_t *at = all->next; at != all; at = next) {
        next = at->next;
        connection_t *connection = LIST_THING (at, connection_t, placed);
        if (now - connection->placed_ms < limit_ms)
            break;
        late (gateway, connection);
    }
}

static void
s_late_silent (gateway_t *gateway, connection_t *connection)
{
    connections_move (&gateway->connections, connection, PLACE_LOCATING, gateway_now (gateway));
    gateway_wait (gateway, connection);
}

//  No office has answered: the client is told before it gives up by itself.
static void
s_late_joining (gateway_t *gateway, connection_t *connection)
{
    edge_count (EDGE_ATTACHES_EXPIRED, 1);
    if (connection->reason == ATTACH_JOIN || connection->reason == ATTACH_RESUME)
        s_tell_not_joined (gateway, connection, session_id_of (connection_session (connection)),
                           VERDICT_STORE_DOWN);
    s_refuse_posts (gateway, connection, VERDICT_STORE_DOWN);
    if (connection->place == PLACE_CLOSING)
        return;
    s_put_out (gateway, connection, VERDICT_STORE_DOWN);
    inbound_resume (gateway, connection);
}

static void
s_late_reattaching (gateway_t *gateway, connection_t *connection)
{
    if (!connection->asked)
        gateway_wait (gateway, connection);
}

static void
s_expire_post (gateway_t *gateway, post_t *post)
{
    connection_t *connection = connections_find (&gateway->connections, post->endpoint);
    assert (connection);
    edge_count (EDGE_POSTS_EXPIRED, 1);
    uint64_t request_id = post->request_id;
    s_answer_refused (gateway, connection, post, VERDICT_STORE_DOWN);
    post = posts_find (&gateway->posts, request_id);
    if (post)
        posts_remove (&gateway->posts, connection, &post);
    s_go_on (gateway, connection);
}

//  One that reached an office may be stored, and is given longer. Refusing one may take others of
//  its connection with it, so the walk begins anew after each.
static bool
s_expire_one (gateway_t *gateway)
{
    uint64_t now = gateway_now (gateway);
    list_t *all = &gateway->posts.by_age;
    for (list_t *at = all->next; at != all; at = at->next) {
        post_t *post = LIST_THING (at, post_t, by_age);
        if (now - post->since_ms < ASK_LIMIT_MS)
            return false;
        if (!post->ever_sent || now - post->since_ms >= POST_LIMIT_MS) {
            s_expire_post (gateway, post);
            return true;
        }
    }
    return false;
}

void
attachment_tick (gateway_t *gateway)
{
    s_walk (gateway, PLACE_SILENT, gateway->config->silence, s_late_silent);
    s_walk (gateway, PLACE_JOINING, ASK_LIMIT_MS, s_late_joining);
    s_walk (gateway, PLACE_REATTACHING, AGAIN_MS, s_late_reattaching);
    while (s_expire_one (gateway))
        ;
}
