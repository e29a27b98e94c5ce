#include "session/inbound.h"

#include "base/alloc.h"
#include "base/random_id.h"
#include "client/client_frame.h"
#include "client/server_frame.h"
#include "model/session_key.h"
#include "tables/edge_metrics.h"

#include <stdlib.h>

#define FAULTS_MAX 16
#define POST_BYTES_MAX (512u << 10)

struct inbounds {
    uv_loop_t *loop;
    flow_control_t *flow;
    uint64_t posts_limit;
    list_t throttled; //  connections that send too fast
};

//  Why a client is not read. Allocated while it is not, so that it costs the others nothing.
struct pause {
    inbounds_t *all;
    connection_t *connection;
    list_t throttled; //  it sends too fast
    char *deferred;   //  a frame that waits for an answer; NULL: none
    size_t deferred_size; //  counted in FLOW_INBOXES
};

static uint64_t
s_now (const inbounds_t *self)
{
    return uv_now (self->loop);
}

// ---------------------------------------------------------------------------------------------
//  May it be read on?

static pause_t *
s_pause (inbounds_t *self, connection_t *connection, edge_metric_t why)
{
    if (!connection->pause) {
        pause_t *pause = alloc_zeroed (sizeof *pause);
        pause->all = self;
        pause->connection = connection;
        list_init (&pause->throttled);
        connection->pause = pause;
        edge_count (why, 1);
        client_read (connection->client, false);
    }
    return connection->pause;
}

//  The deferred frame is the caller's.
static char *
s_take_deferred (pause_t *pause)
{
    char *deferred = pause->deferred;
    pause->deferred = NULL;
    if (deferred)
        flow_control_add (pause->all->flow, FLOW_INBOXES, -(int64_t) pause->deferred_size);
    return deferred;
}

static void
s_end_pause (connection_t *connection)
{
    pause_t *pause = connection->pause;
    connection->pause = NULL;
    if (!pause)
        return;
    list_remove (&pause->throttled);
    free (s_take_deferred (pause));
    free (pause);
}

static bool
s_has_too_many_posts (const inbounds_t *self, const connection_t *connection)
{
    const post_queue_t *posts = attachment_endpoint (connection->attachment)->posts;
    return posts
           && (post_queue_count (posts) >= self->posts_limit
               || post_queue_bytes (posts) >= POST_BYTES_MAX
               || (post_queue_count (posts) > 0 && flow_control_is_overloaded (self->flow)));
}

static bool
s_is_too_fast (const inbounds_t *self, const connection_t *connection)
{
    return flow_control_is_too_fast (self->flow, client_rate (connection->client), s_now (self));
}

static void
s_watch_rate (inbounds_t *self, connection_t *connection)
{
    if (client_is_closed (connection->client) || !s_is_too_fast (self, connection))
        return;
    list_append (&self->throttled, &s_pause (self, connection, EDGE_PAUSED_RATE)->throttled);
}

// ---------------------------------------------------------------------------------------------
//  Refusing

static bool
s_is_join (const client_frame_t *frame)
{
    return frame->says == SAYS_JOINED || frame->says == SAYS_RESUME;
}

//  A frame that could not be read may be anything: of a widget, it is a message.
static bool
s_may_be_message (const client_frame_t *frame, frame_fault_t fault)
{
    return frame->says == SAYS_MESSAGE
           || (frame->says == SAYS_NOTHING && fault != FAULT_UNKNOWN_EVENT);
}

static void
s_refuse (inbounds_t *self, client_t *client, const client_frame_t *frame, frame_fault_t fault)
{
    edge_refused[fault]++;
    flow_control_charge_fault (self->flow, client_rate (client), s_now (self));
    if (fault == FAULT_NOT_UTF8) {
        client_close (client, CLOSE_NOT_UTF8);
        return;
    }
    const frame_fault_row_t *row = frame_fault_row (fault);
    frame_t *answer
        = server_frame_error (frame->session_id, frame->message_id, row->code, row->words);
    client_write (client, &answer);
    //  A widget knows no errors: its visitor would wait for an answer for ever.
    if (client_dialect (client) == DIALECT_WIDGET && s_may_be_message (frame, fault)) {
        answer = server_frame_failure (frame->session_id, client_bot_sender (client), row->words);
        client_write (client, &answer);
    }
    if (s_is_join (frame)) {
        answer = server_frame_not_joined (frame->session_id, row->code, row->words);
        client_write (client, &answer);
    }
    if (client_count_fault (client) >= FAULTS_MAX)
        client_close (client, CLOSE_FAULTS);
}

//  What may be said by whom, as far as the edge can know.
static bool
s_is_allowed (const client_t *client, client_says_t says)
{
    if (says == SAYS_RESUME)
        return client_dialect (client) == DIALECT_RICH;
    if (says == SAYS_BARGE_IN || says == SAYS_BARGE_OUT)
        return client_role (client) == ROLE_AGENT;
    return true;
}

// ---------------------------------------------------------------------------------------------
//  Taking

//  Must the frame wait for an answer?
static bool
s_must_wait (const connection_t *connection, const client_frame_t *frame)
{
    const endpoint_t *endpoint = attachment_endpoint (connection->attachment);
    if (!endpoint->session)
        return false;
    session_key_room_t room;
    text_t key = session_key_of (room, client_app (connection->client), frame->session_id);
    bool moves = !text_is (key, endpoint_session (endpoint));
    if (attachment_state (connection->attachment) == ATTACHMENT_ATTACH_SENT)
        return moves || s_is_join (frame);
    return moves && endpoint->posts && post_queue_count (endpoint->posts) > 0;
}

//  As s_must_wait for the deferred frame, whatever it is: no answer at all is missing.
static bool
s_is_answered (const connection_t *connection)
{
    const endpoint_t *endpoint = attachment_endpoint (connection->attachment);
    return attachment_state (connection->attachment) != ATTACHMENT_ATTACH_SENT
           && (!endpoint->posts || post_queue_count (endpoint->posts) == 0);
}

//  Nothing is read behind it. An overloaded edge keeps no large frame: `busy` would let what the
//  client sends next overtake it, but a client that is closed sends all that is unanswered again,
//  in order.
static void
s_defer (inbounds_t *self, connection_t *connection, text_t bytes)
{
    if (bytes.size >= WEBSOCKET_LARGE && flow_control_is_overloaded (self->flow)) {
        edge_count (EDGE_OVERLOADED, 1);
        client_close (connection->client, CLOSE_OVERLOADED);
        return;
    }
    pause_t *pause = s_pause (self, connection, EDGE_PAUSED_MOVE);
    pause->deferred = alloc_text (bytes);
    pause->deferred_size = bytes.size;
    flow_control_add (self->flow, FLOW_INBOXES, (int64_t) bytes.size);
}

static attach_reason_t
s_reason (client_says_t says)
{
    return says == SAYS_JOINED ? ATTACH_JOIN : says == SAYS_RESUME ? ATTACH_RESUME : ATTACH_FRAME;
}

//  The session that the frame names is where the connection is from now on.
static void
s_enter (inbounds_t *self, connection_t *connection, const client_frame_t *frame)
{
    client_t *client = connection->client;
    const endpoint_t *endpoint = attachment_endpoint (connection->attachment);
    session_key_room_t room;
    text_t key = session_key_of (room, client_app (client), frame->session_id);
    if (!s_is_join (frame) && endpoint->session && text_is (key, endpoint_session (endpoint)))
        return;
    flow_control_charge_session (self->flow, client_rate (client), s_now (self));
    uint64_t seq = client_dialect (client) == DIALECT_RICH ? frame->last_seq : SEQ_UNKNOWN;
    attachment_enter (connection->attachment, key, s_reason (frame->says), seq, frame->time_ms);
}

static event_t
s_event (client_says_t says)
{
    return says == SAYS_BARGE_IN ? EVENT_BARGE_IN
           : says == SAYS_BARGE_OUT ? EVENT_BARGE_OUT
                                    : EVENT_NEW_MESSAGE;
}

static void
s_post (inbounds_t *self, connection_t *connection, const client_frame_t *frame)
{
    client_t *client = connection->client;
    random_id_t fresh = { "" };
    text_t message_id = frame->message_id;
    bool is_named = client_dialect (client) == DIALECT_RICH && message_id.size > 0;
    if (is_named && attachment_holds_back (connection->attachment, message_id))
        return;
    if (!is_named) {
        fresh = random_id_new ();
        message_id = text_of (fresh.text);
    }
    bus_post_t record = { .session =
                              endpoint_session (attachment_endpoint (connection->attachment)),
                          .event = s_event (frame->says),
                          .message_id = message_id,
                          .time_ms = frame->time_ms,
                          .sender = client_sender (client),
                          .data = frame->data,
                          .secret = frame->secret,
                          .hidden = frame->hidden };
    attachment_post (connection->attachment, &record, is_named);
    if (s_has_too_many_posts (self, connection))
        (void) s_pause (self, connection, EDGE_PAUSED_POSTS);
}

static void
s_take (inbounds_t *self, connection_t *connection, const client_frame_t *frame)
{
    client_stamp (connection->client, &frame->visitor);
    s_enter (self, connection, frame);
    if (frame->says == SAYS_TYPING)
        attachment_signal (connection->attachment, EVENT_TYPING);
    else if (frame->says == SAYS_STOP_TYPING)
        attachment_signal (connection->attachment, EVENT_STOP_TYPING);
    else {
        if (!s_is_join (frame))
            s_post (self, connection, frame);
        attachment_send (connection->attachment);
    }
}

static void
s_read (inbounds_t *self, connection_t *connection, text_t bytes)
{
    client_t *client = connection->client;
    client_frame_t frame;
    frame_fault_t fault = client_frame_read (&frame, bytes, client_user (client));
    flow_control_charge_frames (self->flow, client_rate (client), s_now (self), frame.cost);
    if (fault == FAULT_NONE && !s_is_allowed (client, frame.says))
        fault = FAULT_NOT_ALLOWED;
    if (fault == FAULT_NONE && client_is_too_long (client, frame.text_size))
        fault = FAULT_TEXT;
    if (fault != FAULT_NONE)
        s_refuse (self, client, &frame, fault);
    else {
        client_forget_faults (client);
        if (s_must_wait (connection, &frame))
            s_defer (self, connection, bytes);
        else
            s_take (self, connection, &frame);
    }
    client_frame_free (&frame);
    s_watch_rate (self, connection);
}

void
inbound_text (inbounds_t *self, connection_t *connection, text_t bytes)
{
    if (client_is_closed (connection->client))
        return;
    keepalive_heard (connection_keepalive (connection));
    s_read (self, connection, bytes);
}

void
inbound_overhead (inbounds_t *self, connection_t *connection, uint64_t frames)
{
    flow_control_charge_frames (self->flow, client_rate (connection->client), s_now (self),
                                frames);
    s_watch_rate (self, connection);
}

static void
s_read_deferred (inbounds_t *self, connection_t *connection)
{
    size_t size = connection->pause->deferred_size;
    char *deferred = s_take_deferred (connection->pause);
    s_read (self, connection, (text_t){ deferred, size });
    free (deferred);
}

void
inbound_resume (inbounds_t *self, connection_t *connection)
{
    client_t *client = connection->client;
    pause_t *pause = connection->pause;
    if (!pause || client_is_closed (client))
        return;
    if (pause->deferred && s_is_answered (connection))
        s_read_deferred (self, connection);
    if (pause->deferred || client_is_closed (client) || !list_is_empty (&pause->throttled)
        || s_has_too_many_posts (self, connection))
        return;
    s_end_pause (connection);
    keepalive_heard (connection_keepalive (connection));
    client_read (client, true);
}

// ---------------------------------------------------------------------------------------------
//  Life

void
inbounds_tick (inbounds_t *self)
{
    list_t *next;
    for (list_t *at = self->throttled.next; at != &self->throttled; at = next) {
        next = at->next;
        connection_t *connection = LIST_THING (at, pause_t, throttled)->connection;
        if (s_is_too_fast (self, connection))
            continue;
        list_remove (at);
        inbound_resume (self, connection);
    }
}

void
inbound_end (connection_t *connection)
{
    s_end_pause (connection);
}

inbounds_t *
inbounds_new (uv_loop_t *loop, flow_control_t *flow, uint64_t posts_limit)
{
    inbounds_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    self->flow = flow;
    self->posts_limit = posts_limit;
    list_init (&self->throttled);
    return self;
}

void
inbounds_destroy (inbounds_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}
