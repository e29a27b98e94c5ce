#include "session/inbound.h"

#include "tables/edge_metrics.h"
#include "session/keepalive.h"
#include "client/client_frame.h"
#include "session/attachment.h"
#include "base/random_id.h"
#include "client/server_frame.h"

#include <stdio.h>
#include <stdlib.h>

#define FAULTS_MAX 16
//  A client that can be refused at full speed, closed, and come again costs the others time: so
//  many refused frames are a burst, and the next ones are read as the pace allows.
#define FAULTS_BURST 8
#define POST_BYTES_MAX (512u << 10)

static bool
s_is_join (const client_frame_t *frame)
{
    return frame->says == SAYS_JOINED || frame->says == SAYS_RESUME;
}

static void
s_charge (const gateway_t *gateway, connection_t *connection, uint64_t frames)
{
    token_bucket_take_many (&connection->frames, gateway_now (gateway),
                            gateway->config->frames_per_second, frames);
}

//  One that could not be read may be anything: of a widget, it is a message.
static bool
s_may_be_message (const client_frame_t *frame, frame_fault_t fault)
{
    return frame->says == SAYS_MESSAGE
           || (frame->says == SAYS_NOTHING && fault != FAULT_UNKNOWN_EVENT);
}

//  Long texts cost a bot much more than they cost a visitor.
static bool
s_is_too_long (const gateway_t *gateway, const connection_t *connection,
               const client_frame_t *frame)
{
    const app_t *app = apps_find (gateway->apps, connection_app (connection));
    return connection->role == ROLE_VISITOR && app && frame->text_size > app->text_limit;
}

static void
s_refuse (gateway_t *gateway, connection_t *connection, const client_frame_t *frame,
          frame_fault_t fault)
{
    edge_refused[fault]++;
    s_charge (gateway, connection, gateway->config->frames_burst / FAULTS_BURST);
    if (fault == FAULT_NOT_UTF8) {
        gateway_close (gateway, connection, CLOSE_NOT_UTF8);
        return;
    }
    const frame_fault_row_t *row = frame_fault_row (fault);
    frame_t *answer
        = server_frame_error (frame->session_id, frame->message_id, row->code, row->words);
    gateway_write (gateway, connection, &answer);
    //  A widget knows no errors: its visitor would wait for an answer for ever.
    if (connection->dialect == DIALECT_WIDGET && s_may_be_message (frame, fault)) {
        answer = server_frame_failure (frame->session_id,
                                       gateway_bot_sender (gateway, connection), row->words);
        gateway_write (gateway, connection, &answer);
    }
    if (s_is_join (frame)) {
        answer = server_frame_not_joined (frame->session_id, row->code, row->words);
        gateway_write (gateway, connection, &answer);
    }
    if (++connection->faults >= FAULTS_MAX)
        gateway_close (gateway, connection, CLOSE_FAULTS);
}

//  What may be said by whom, as far as the edge can know.
static bool
s_is_allowed (const connection_t *connection, client_says_t says)
{
    if (says == SAYS_RESUME)
        return connection->dialect == DIALECT_RICH;
    if (says == SAYS_BARGE_IN || says == SAYS_BARGE_OUT)
        return connection->role == ROLE_AGENT;
    return true;
}

static attach_reason_t
s_reason (client_says_t says)
{
    return says == SAYS_JOINED ? ATTACH_JOIN : says == SAYS_RESUME ? ATTACH_RESUME : ATTACH_FRAME;
}

static void
s_pause (connection_t *connection, edge_metric_t why)
{
    if (connection->paused)
        return;
    connection->paused = true;
    edge_count (why, 1);
    websocket_read (connection->socket, false);
}

typedef struct {
    char bytes[SESSION_KEY_MAX + 1];
} session_key_t;

//  The key of the session that the frame names.
static text_t
s_key (const connection_t *connection, const client_frame_t *frame, session_key_t *key)
{
    int size = snprintf (key->bytes, sizeof key->bytes, "%.*s/%.*s",
                         TEXT_ARGS (connection_app (connection)), TEXT_ARGS (frame->session_id));
    return (text_t){ key->bytes, (size_t) size };
}

//  One ATTACH is answered before the next one is asked for, however many a client would like; and
//  the answers to its posts come from the session that they went to.
static bool
s_must_wait (const connection_t *connection, const client_frame_t *frame)
{
    if (!connection_is_placed (connection))
        return false;
    session_key_t key;
    bool moves = !text_is (s_key (connection, frame, &key), connection_session (connection));
    if (connection->place == PLACE_JOINING && connection->asked)
        return moves || s_is_join (frame);
    return moves && connection->post_count > 0;
}

//  As above for a frame that waits already: no less than what it waits for.
static bool
s_is_settled (const connection_t *connection)
{
    return connection->post_count == 0
           && !(connection->place == PLACE_JOINING && connection->asked);
}

static int
s_hold (connection_t *connection, text_t bytes)
{
    //  Nothing is read behind it.
    if (connection->held || !(connection->held = malloc (bytes.size)))
        return -1;
    memcpy (connection->held, bytes.data, bytes.size);
    connection->held_size = bytes.size;
    s_pause (connection, EDGE_PAUSED_MOVE);
    return 0;
}

//  The session that the frame names is where the connection is from now on.
static int
s_place (gateway_t *gateway, connection_t *connection, const client_frame_t *frame)
{
    session_key_t key;
    text_t session = s_key (connection, frame, &key);
    connection->spoke = true;
    if (!s_is_join (frame) && connection_is_placed (connection)
        && text_is (session, connection_session (connection)))
        return 0;
    token_bucket_take (&connection->sessions, gateway_now (gateway),
                       gateway->config->sessions_per_second);
    uint64_t seq = connection->dialect == DIALECT_RICH ? frame->last_seq : SEQ_UNKNOWN;
    return attachment_enter (gateway, connection, session, s_reason (frame->says), seq,
                             frame->time_ms);
}

static event_t
s_event (client_says_t says)
{
    return says == SAYS_BARGE_IN ? EVENT_BARGE_IN
           : says == SAYS_BARGE_OUT ? EVENT_BARGE_OUT
                                    : EVENT_NEW_MESSAGE;
}

static int
s_post (gateway_t *gateway, connection_t *connection, const client_frame_t *frame)
{
    random_id_t fresh = { "" };
    text_t message_id = frame->message_id;
    bool named = connection->dialect == DIALECT_RICH && message_id.size > 0;
    if (named && attachment_holds_back (gateway, connection, message_id))
        return 0;
    if (!named) {
        fresh = random_id_new ();
        message_id = text_of (fresh.text);
    }
    bus_post_t record = { .session = connection_session (connection),
                          .event = s_event (frame->says),
                          .message_id = message_id,
                          .time_ms = frame->time_ms,
                          .sender = connection_sender (connection),
                          .data = frame->data,
                          .secret = frame->secret,
                          .hidden = frame->hidden };
    post_t *post = posts_add (&gateway->posts, connection, &record, gateway_now (gateway));
    if (!post)
        return -1;
    post->named = named;
    if (inbound_is_full (gateway, connection))
        s_pause (connection, EDGE_PAUSED_POSTS);
    return 0;
}

static int
s_take (gateway_t *gateway, connection_t *connection, const client_frame_t *frame)
{
    if (connection_stamp (connection, &frame->visitor) != 0
        || s_place (gateway, connection, frame) != 0)
        return -1;
    switch (frame->says) {
    case SAYS_TYPING:
        attachment_signal (gateway, connection, EVENT_TYPING);
        return 0;
    case SAYS_STOP_TYPING:
        attachment_signal (gateway, connection, EVENT_STOP_TYPING);
        return 0;
    case SAYS_MESSAGE:
    case SAYS_BARGE_IN:
    case SAYS_BARGE_OUT:
        if (s_post (gateway, connection, frame) != 0)
            return -1;
        break;
    default:
        break;
    }
    if (!attachment_speak (gateway, connection))
        gateway_wait (gateway, connection);
    return 0;
}

static void
s_hear (gateway_t *gateway, connection_t *connection, text_t bytes)
{
    client_frame_t frame;
    frame_fault_t fault = client_frame_read (&frame, bytes, connection_user (connection));
    s_charge (gateway, connection, frame.cost);
    if (fault == FAULT_NONE && !s_is_allowed (connection, frame.says))
        fault = FAULT_NOT_ALLOWED;
    if (fault == FAULT_NONE && s_is_too_long (gateway, connection, &frame))
        fault = FAULT_TEXT;
    if (fault != FAULT_NONE)
        s_refuse (gateway, connection, &frame, fault);
    else {
        connection->faults = 0;
        int rc = s_must_wait (connection, &frame) ? s_hold (connection, bytes)
                                                  : s_take (gateway, connection, &frame);
        if (rc != 0)
            gateway_close (gateway, connection, CLOSE_NO_MEMORY);
    }
    client_frame_free (&frame);
}

static bool
s_is_too_fast (const gateway_t *gateway, const connection_t *connection)
{
    const edge_config_t *config = gateway->config;
    uint64_t now = gateway_now (gateway);
    return token_bucket_is_spent (&connection->frames, now, config->frames_per_second,
                                  config->frames_burst)
           || token_bucket_is_spent (&connection->sessions, now, config->sessions_per_second,
                                     config->sessions_burst);
}

static void
s_watch_pace (gateway_t *gateway, connection_t *connection)
{
    if (connection->place == PLACE_CLOSING || !s_is_too_fast (gateway, connection))
        return;
    list_append (&gateway->resting, &connection->resting);
    s_pause (connection, EDGE_PAUSED_RATE);
}

void
inbound_text (gateway_t *gateway, connection_t *connection, text_t bytes)
{
    if (connection->place == PLACE_CLOSING)
        return;
    keepalive_heard (gateway, connection);
    s_hear (gateway, connection, bytes);
    s_watch_pace (gateway, connection);
}

void
inbound_owe (gateway_t *gateway, connection_t *connection, uint64_t frames)
{
    s_charge (gateway, connection, frames);
    s_watch_pace (gateway, connection);
}

static void
s_hear_held (gateway_t *gateway, connection_t *connection)
{
    char *held = connection->held;
    connection->held = NULL;
    s_hear (gateway, connection, (text_t){ held, connection->held_size });
    s_watch_pace (gateway, connection);
    free (held);
}

bool
inbound_is_full (const gateway_t *gateway, const connection_t *connection)
{
    return connection->post_count >= gateway->config->posts
           || connection->post_bytes >= POST_BYTES_MAX
           || (connection->post_count > 0 && gateway_is_overloaded (gateway));
}

void
inbound_resume (gateway_t *gateway, connection_t *connection)
{
    if (!connection->paused || connection->place == PLACE_CLOSING)
        return;
    if (connection->held && s_is_settled (connection))
        s_hear_held (gateway, connection);
    if (connection->held || connection->place == PLACE_CLOSING
        || !list_is_empty (&connection->resting) || inbound_is_full (gateway, connection))
        return;
    connection->paused = false;
    keepalive_heard (gateway, connection);
    websocket_read (connection->socket, true);
}

void
inbound_tick (gateway_t *gateway)
{
    list_t *next;
    for (list_t *at = gateway->resting.next; at != &gateway->resting; at = next) {
        next = at->next;
        connection_t *connection = LIST_THING (at, connection_t, resting);
        if (s_is_too_fast (gateway, connection))
            continue;
        list_remove (at);
        inbound_resume (gateway, connection);
    }
}
