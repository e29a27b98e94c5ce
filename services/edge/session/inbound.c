#include "session/inbound.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/random_id.h"
#include "client/client_frame.h"
#include "client/server_frame.h"
#include "model/principal.h"
#include "model/session_key.h"
#include "tables/edge_metrics.h"

#include <stdlib.h>

struct inbounds {
    uv_loop_t *loop;
    flow_control_t *flow;
    clients_t *clients;
    limits_t *limits;
    list_t throttled; //  connections that send too fast
};

//  Why a client is not read. Allocated while it is not, so that it costs the others nothing.
struct pause {
    connection_t *connection;
    list_t throttled; //  it sends too fast
    uint64_t until_ms; //  its frame waits that long; 0: for nothing but an answer
    char *deferred;   //  a frame that waits for an answer, or for its time; NULL: none
    size_t deferred_size; //  counted in FLOW_INBOXES
};

// ---------------------------------------------------------------------------------------------
//  May it be read on?

static pause_t *
s_pause (connection_t *connection, edge_metric_t why)
{
    if (!connection->pause) {
        pause_t *pause = alloc_zeroed (sizeof *pause);
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
s_take_deferred (connection_t *connection)
{
    pause_t *pause = connection->pause;
    char *deferred = pause->deferred;
    pause->deferred = NULL;
    if (deferred)
        flow_control_add (connection->inbounds->flow, FLOW_INBOXES,
                          -(int64_t) pause->deferred_size);
    return deferred;
}

void
inbound_joined (connection_t *connection, text_t session)
{
    const inbounds_t *self = connection->inbounds;
    limits_enter_session (self->limits, &connection->limited, session, uv_now (self->loop));
}

void
inbound_end (connection_t *connection)
{
    pause_t *pause = connection->pause;
    if (!pause)
        return;
    free (s_take_deferred (connection));
    list_remove (&pause->throttled);
    connection->pause = NULL;
    free (pause);
}

static bool
s_is_too_fast (const inbounds_t *self, const connection_t *connection)
{
    return flow_control_is_too_fast (self->flow, client_rate (connection->client),
                                     uv_now (self->loop));
}

//  The client has sent so many frames, or what costs as much.
static void
s_charge (connection_t *connection, uint64_t frames)
{
    inbounds_t *self = connection->inbounds;
    flow_control_charge (self->flow, client_rate (connection->client), uv_now (self->loop),
                         CHARGE_FRAME, frames);
    if (!client_is_closed (connection->client) && s_is_too_fast (self, connection))
        list_append (&self->throttled, &s_pause (connection, EDGE_PAUSED_RATE)->throttled);
}

// ---------------------------------------------------------------------------------------------
//  Refusing

static bool
s_is_join (const client_frame_t *frame)
{
    return frame->says == SAYS_JOINED || frame->says == SAYS_RESUME;
}

static void
s_refuse (connection_t *connection, const client_frame_t *frame, frame_fault_t fault)
{
    inbounds_t *self = connection->inbounds;
    client_t *client = connection->client;
    edge_refused[fault]++;
    flow_control_charge (self->flow, client_rate (client), uv_now (self->loop), CHARGE_FAULT, 1);
    if (fault == FAULT_NOT_UTF8) {
        client_close (client, CLOSE_NOT_UTF8);
        return;
    }
    const frame_fault_row_t *row = &frame_faults[fault];
    frame_t *answer
        = server_frame_error (frame->session_id, frame->message_id, row->code, row->words);
    client_write (client, &answer);
    //  A widget knows no errors: its visitor would wait for an answer for ever. A frame that could
    //  not be read may be anything: of a widget, it is a message.
    bool may_be_message = frame->says == SAYS_MESSAGE
                          || (frame->says == SAYS_NOTHING && fault != FAULT_UNKNOWN_EVENT);
    if (!client_is_rich (client) && may_be_message) {
        answer = server_frame_failure (frame->session_id, client_bot_sender (client), row->words);
        client_write (client, &answer);
    }
    if (s_is_join (frame)) {
        answer = server_frame_not_joined (frame->session_id, row->code, row->words);
        client_write (client, &answer);
    }
    client_note_frame (client, false);
}

// ---------------------------------------------------------------------------------------------
//  Taking

//  Nothing is read behind a frame that must wait. An overloaded edge keeps no large
//  frame: `busy` would let what the client sends next overtake it, but a client that is closed
//  sends all that is unanswered again, in order.
static void
s_defer (connection_t *connection, text_t bytes, edge_metric_t why)
{
    flow_control_t *flow = connection->inbounds->flow;
    if (bytes.size >= WEBSOCKET_LARGE && flow_control_is_overloaded (flow)) {
        edge_count (EDGE_OVERLOADED, 1);
        client_close (connection->client, CLOSE_OVERLOADED);
        return;
    }
    pause_t *pause = s_pause (connection, why);
    pause->deferred = alloc_text (bytes);
    pause->deferred_size = bytes.size;
    flow_control_add (flow, FLOW_INBOXES, (int64_t) bytes.size);
}

//  May it go to the session that the frame names, or does it come there too fast? A client that
//  knows `busy` is told to ask again. Others, and messages, which must not be overtaken, wait.
static bool
s_may_enter (connection_t *connection, text_t session, text_t bytes, const client_frame_t *frame)
{
    inbounds_t *self = connection->inbounds;
    client_t *client = connection->client;
    uint64_t now = uv_now (self->loop);
    uint64_t wait_ms =
        limits_wait_ms (self->limits, &connection->limited, LIMIT_JOIN, session, now);
    if (wait_ms == 0) {
        limits_take (self->limits, &connection->limited, LIMIT_JOIN, now);
        return true;
    }
    if (client_is_rich (client) && s_is_join (frame)) {
        frame_t *busy = server_frame_busy (frame->session_id, frame->message_id, VERDICT_BUSY,
                                           posts_retry_ms (wait_ms));
        client_write (client, &busy);
        return false;
    }
    s_defer (connection, bytes, EDGE_PAUSED_JOINS);
    if (connection->pause && connection->pause->deferred) {
        connection->pause->until_ms = now + wait_ms;
        list_append (&self->throttled, &connection->pause->throttled);
    }
    return false;
}

//  The session that the frame names is where the connection is from now on.
static void
s_enter (connection_t *connection, text_t session, const client_frame_t *frame)
{
    const inbounds_t *self = connection->inbounds;
    client_t *client = connection->client;
    attach_reason_t reason = frame->says == SAYS_JOINED   ? ATTACH_JOIN
                             : frame->says == SAYS_RESUME ? ATTACH_RESUME
                                                          : ATTACH_FRAME;
    log_position_t has = client_is_rich (client) ? frame->last : LOG_POSITION_UNKNOWN;
    flow_control_charge (self->flow, client_rate (client), uv_now (self->loop), CHARGE_SESSION,
                         1);
    limits_enter_session (self->limits, &connection->limited, TEXT_EMPTY, uv_now (self->loop));
    attachment_enter (connection->attachment, session, reason, has, frame->time_ms);
    if (frame->joins || frame->says == SAYS_BARGE_IN)
        attachment_comes_in (connection->attachment);
}

static void
s_post (connection_t *connection, const client_frame_t *frame)
{
    client_t *client = connection->client;
    bool is_named = client_is_rich (client) && frame->message_id.size > 0;
    random_id_t fresh = { "" };
    if (!is_named)
        fresh = random_id_new ();
    static const event_t events[] = {
        [SAYS_MESSAGE] = EVENT_NEW_MESSAGE,
        [SAYS_BARGE_IN] = EVENT_BARGE_IN,
        [SAYS_BARGE_OUT] = EVENT_BARGE_OUT,
        [SAYS_WHISPER] = EVENT_WHISPER,
    };
    bus_post_t record = { .event = events[frame->says],
                          .message_id = is_named ? frame->message_id : text_of (fresh.text),
                          .time_ms = frame->time_ms,
                          .sender = client_view (client)->sender,
                          .data = frame->data,
                          .secret = frame->secret,
                          .hidden = frame->hidden };
    if (client_is_rich (client) && frame->version != SEQ_UNKNOWN)
        record.version = frame->version + 1;
    inbounds_t *self = connection->inbounds;
    if (!frame->hidden)
        keepalive_said (connection->keepalive);
    uint64_t now = uv_now (self->loop);
    uint64_t wait_ms =
        limits_wait_ms (self->limits, &connection->limited, LIMIT_MESSAGE, TEXT_EMPTY, now);
    if (attachment_post (connection->attachment, &record, is_named, wait_ms))
        limits_take (self->limits, &connection->limited, LIMIT_MESSAGE, now);
    if (attachment_is_full (connection->attachment))
        (void) s_pause (connection, EDGE_PAUSED_POSTS);
}

//  A good frame: is deferred, or enters its session and is sent.
static void
s_take (connection_t *connection, text_t bytes, const client_frame_t *frame)
{
    attachment_t *attachment = connection->attachment;
    session_key_room_t room;
    text_t session =
        session_key_of (room, client_view (connection->client)->principal.app, frame->session_id);
    bool is_there = attachment_is_in (attachment, session);
    bool is_attaching = attachment_state (attachment) == ATTACHMENT_ATTACH_SENT;
    if (attachment_awaits_answer (attachment)
        && (!is_there || (is_attaching && (s_is_join (frame) || frame->says == SAYS_READ)))) {
        s_defer (connection, bytes, EDGE_PAUSED_MOVE);
        return;
    }
    if (frame->says == SAYS_READ) {
        if (is_there)
            attachment_read (attachment, frame->seq);
        else
            s_refuse (connection, frame, FAULT_NOT_THERE);
        return;
    }
    bool is_entering = !is_there || s_is_join (frame);
    if (is_entering && !s_may_enter (connection, session, bytes, frame))
        return;
    client_stamp (connection->client, &frame->visitor);
    if (is_entering)
        s_enter (connection, session, frame);
    if (frame->says == SAYS_TYPING || frame->says == SAYS_STOP_TYPING) {
        bool is_typing = frame->says == SAYS_TYPING;
        attachment_signal (attachment, is_typing ? EVENT_TYPING : EVENT_STOP_TYPING);
        return;
    }
    if (!s_is_join (frame))
        s_post (connection, frame);
    attachment_send (attachment);
}

//  As far as the edge can know: whose session it is, the postoffice does.
static bool
s_may_say (const client_t *client, client_says_t says)
{
    static const permission_t permissions[] = {
        [SAYS_JOINED] = PERMIT_SESSION_JOIN,       [SAYS_RESUME] = PERMIT_SESSION_JOIN,
        [SAYS_MESSAGE] = PERMIT_MESSAGE_POST,      [SAYS_TYPING] = PERMIT_MESSAGE_POST,
        [SAYS_STOP_TYPING] = PERMIT_MESSAGE_POST,  [SAYS_BARGE_IN] = PERMIT_CONTROL_TAKE,
        [SAYS_BARGE_OUT] = PERMIT_CONTROL_RELEASE, [SAYS_READ] = PERMIT_SESSION_READ,
        [SAYS_WHISPER] = PERMIT_SESSION_WHISPER,
    };
    bool is_of_rich = says == SAYS_RESUME || says == SAYS_READ || says == SAYS_WHISPER;
    if (is_of_rich && !client_is_rich (client))
        return false;
    return client_view (client)->may & PERMISSION_BIT (permissions[says]);
}

static void
s_read (connection_t *connection, text_t bytes)
{
    client_t *client = connection->client;
    text_t user = client_view (client)->principal.user;
    client_frame_t frame;
    frame_fault_t fault = client_frame_read (&frame, bytes, user);
    if (fault == FAULT_NONE
        && !(s_may_say (client, frame.says) && client_may_be_in (client, frame.session_id)))
        fault = FAULT_NOT_ALLOWED;
    if (fault == FAULT_NONE && client_is_too_long (client, frame.text_size))
        fault = FAULT_TEXT;
    if (fault != FAULT_NONE)
        s_refuse (connection, &frame, fault);
    else {
        client_note_frame (client, true);
        s_take (connection, bytes, &frame);
    }
    s_charge (connection, frame.cost);
    client_frame_free (&frame);
}

void
inbound_text (connection_t *connection, text_t bytes)
{
    if (client_is_closed (connection->client))
        return;
    keepalive_heard (connection->keepalive);
    s_read (connection, bytes);
    connections_end_event (connection->inbounds->clients);
}

void
inbound_fragment (connection_t *connection, bool is_costly)
{
    keepalive_heard (connection->keepalive);
    edge_count (EDGE_OVERHEAD_FRAMES, is_costly);
    if (is_costly)
        s_charge (connection, 1);
}

void
inbound_pong (connection_t *connection, text_t payload)
{
    keepalive_pong (connection->keepalive, payload);
    edge_count (EDGE_OVERHEAD_FRAMES, 1);
    s_charge (connection, 1);
}

void
inbound_fault (connection_t *connection, close_reason_t reason)
{
    client_close (connection->client, reason);
    connections_end_event (connection->inbounds->clients);
}

void
inbound_resume (connection_t *connection)
{
    client_t *client = connection->client;
    pause_t *pause = connection->pause;
    if (!pause || client_is_closed (client))
        return;
    if (uv_now (connection->inbounds->loop) < pause->until_ms)
        return;
    pause->until_ms = 0;
    if (pause->deferred && !attachment_awaits_answer (connection->attachment)) {
        size_t size = pause->deferred_size;
        char *deferred = s_take_deferred (connection);
        s_read (connection, (text_t){ deferred, size });
        free (deferred);
    }
    if (pause->deferred || client_is_closed (client) || !list_is_empty (&pause->throttled)
        || attachment_is_full (connection->attachment))
        return;
    inbound_end (connection);
    keepalive_heard (connection->keepalive);
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
        const pause_t *pause = LIST_THING (at, pause_t, throttled);
        connection_t *connection = pause->connection;
        if (s_is_too_fast (self, connection) || uv_now (self->loop) < pause->until_ms)
            continue;
        list_remove (at);
        inbound_resume (connection);
    }
}

inbounds_t *
inbounds_new (uv_loop_t *loop, flow_control_t *flow, clients_t *clients, limits_t *limits)
{
    inbounds_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    self->flow = flow;
    self->clients = clients;
    self->limits = limits;
    list_init (&self->throttled);
    return self;
}

void
inbounds_destroy (inbounds_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}
