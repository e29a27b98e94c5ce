#include "client/server_frame.h"

#define SIZE_MOST (16u << 20)

//  A JSON object that is being written. Once something did not fit, nothing more is written.
typedef struct {
    buffer_t buffer;
    int rc;
} draft_t;

static void
s_put (draft_t *self, text_t text)
{
    if (self->rc == 0)
        self->rc = buffer_put_text (&self->buffer, text);
}

static void
s_put_string (draft_t *self, const char *string)
{
    s_put (self, text_of (string));
}

//  `,"name":` — or `{"name":` when it is the first of its object.
static void
s_name (draft_t *self, const char *name)
{
    char last = self->buffer.size ? self->buffer.data[self->buffer.size - 1] : '{';
    if (last != '{')
        s_put_string (self, ",");
    s_put_string (self, "\"");
    s_put_string (self, name);
    s_put_string (self, "\":");
}

static void
s_text (draft_t *self, const char *name, text_t value)
{
    s_name (self, name);
    if (self->rc == 0)
        self->rc = buffer_put_json (&self->buffer, value);
}

static void
s_number (draft_t *self, const char *name, uint64_t value)
{
    s_name (self, name);
    if (self->rc == 0)
        self->rc = buffer_put_number (&self->buffer, value);
}

//  Ready JSON; an empty one leaves the field out.
static void
s_json (draft_t *self, const char *name, text_t value)
{
    if (value.size == 0)
        return;
    s_name (self, name);
    s_put (self, value);
}

static void
s_begin (draft_t *self, const char *event, text_t session_id)
{
    *self = (draft_t){ .rc = 0 };
    buffer_init (&self->buffer, SIZE_MOST);
    s_put_string (self, "{");
    s_text (self, "event", text_of (event));
    if (session_id.size > 0)
        s_text (self, "sessionId", session_id);
}

static void
s_begin_data (draft_t *self)
{
    s_name (self, "data");
    s_put_string (self, "{");
}

static frame_t *
s_end (draft_t *self)
{
    s_put_string (self, "}");
    frame_t *frame = self->rc == 0 ? frame_new (buffer_text (&self->buffer)) : NULL;
    buffer_free (&self->buffer);
    return frame;
}

static frame_t *
s_end_data (draft_t *self)
{
    s_put_string (self, "}");
    return s_end (self);
}

text_t
session_id_of (text_t session_key)
{
    const char *slash = memchr (session_key.data, '/', session_key.size);
    if (!slash)
        return session_key;
    size_t before = (size_t) (slash + 1 - session_key.data);
    return (text_t){ slash + 1, session_key.size - before };
}

frame_t *
server_frame_deliver (const bus_deliver_t *entry)
{
    draft_t draft;
    const char *event = event_wire_name (entry->event);
    s_begin (&draft, event ? event : "unknown", session_id_of (entry->session));
    s_json (&draft, "data", entry->data);
    s_json (&draft, "sender", entry->sender);
    s_number (&draft, "timeMs", entry->time_ms);
    s_number (&draft, "seq", entry->seq);
    if (entry->message_id.size > 0)
        s_text (&draft, "messageId", entry->message_id);
    return s_end (&draft);
}

frame_t *
server_frame_broadcast (const bus_broadcast_t *shown)
{
    draft_t draft;
    const char *event = event_wire_name (shown->event);
    s_begin (&draft, event ? event : "unknown", session_id_of (shown->session));
    s_json (&draft, "data", shown->data);
    s_json (&draft, "sender", shown->sender);
    s_number (&draft, "timeMs", shown->time_ms);
    return s_end (&draft);
}

frame_t *
server_frame_joined (text_t session_id, uint64_t seq)
{
    draft_t draft;
    s_begin (&draft, "connection update", session_id);
    s_begin_data (&draft);
    s_json (&draft, "sessionCreated", TEXT ("true"));
    if (seq != SEQ_UNKNOWN)
        s_number (&draft, "seq", seq);
    return s_end_data (&draft);
}

frame_t *
server_frame_not_joined (text_t session_id, const char *code, const char *words)
{
    draft_t draft;
    s_begin (&draft, "connection update", session_id);
    s_begin_data (&draft);
    s_json (&draft, "sessionCreated", TEXT ("false"));
    s_text (&draft, "errorMessage", text_of (words));
    s_text (&draft, "code", text_of (code));
    return s_end_data (&draft);
}

frame_t *
server_frame_ack (text_t session_id, text_t message_id, const bus_posted_t *posted)
{
    draft_t draft;
    s_begin (&draft, "ack", session_id);
    s_begin_data (&draft);
    s_text (&draft, "messageId", message_id);
    s_number (&draft, "seq", posted->seq);
    s_number (&draft, "timeMs", posted->time_ms);
    s_json (&draft, "duplicate",
            posted->verdict == VERDICT_DUPLICATE ? TEXT ("true") : TEXT ("false"));
    return s_end_data (&draft);
}

frame_t *
server_frame_busy (text_t session_id, text_t message_id, verdict_t verdict,
                   uint64_t retry_after_ms)
{
    draft_t draft;
    s_begin (&draft, "busy", session_id);
    s_begin_data (&draft);
    s_text (&draft, "code", text_of (verdict_code (verdict)));
    s_text (&draft, "message", text_of (verdict_words (verdict)));
    s_text (&draft, "messageId", message_id);
    s_number (&draft, "retryAfterMs", retry_after_ms);
    return s_end_data (&draft);
}

frame_t *
server_frame_error (text_t session_id, text_t message_id, const char *code, const char *words)
{
    draft_t draft;
    s_begin (&draft, "error", session_id);
    s_begin_data (&draft);
    s_text (&draft, "code", text_of (code));
    s_text (&draft, "message", text_of (words));
    if (message_id.size > 0)
        s_text (&draft, "messageId", message_id);
    return s_end_data (&draft);
}

frame_t *
server_frame_failure (text_t session_id, text_t bot_sender, const char *words)
{
    draft_t draft;
    s_begin (&draft, "failure", session_id);
    s_begin_data (&draft);
    s_text (&draft, "type", TEXT ("BOT"));
    s_number (&draft, "tries", 3);
    s_number (&draft, "delay", 0);
    s_text (&draft, "error", text_of (words));
    s_put_string (&draft, "}");
    s_json (&draft, "sender", bot_sender);
    return s_end (&draft);
}

frame_t *
server_frame_going_away (uint64_t delay_ms)
{
    draft_t draft;
    s_begin (&draft, "going away", TEXT_EMPTY);
    s_begin_data (&draft);
    s_number (&draft, "delayMs", delay_ms);
    return s_end_data (&draft);
}
