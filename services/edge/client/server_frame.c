#include "client/server_frame.h"

#include "json/json_write.h"
#include "model/failure_data.h"
#include "model/session_key.h"

#include <assert.h>

//  What a frame is made of is bounded by the bus: JSON of a record, and a text six times as long at
//  most when all of it is escaped. So this is never reached.
#define SIZE_MOST (64u << 20)

typedef struct {
    buffer_t buffer;
    json_writer_t json;
} frame_writer_t;

static json_writer_t *
s_begin (frame_writer_t *self, const char *event, text_t session_id)
{
    buffer_init (&self->buffer, SIZE_MOST);
    json_write_begin (&self->json, &self->buffer);
    json_open_object (&self->json, NULL);
    json_put_string (&self->json, "event", event ? event : "unknown");
    json_put_text_if (&self->json, "sessionId", session_id);
    return &self->json;
}

static json_writer_t *
s_begin_data (frame_writer_t *self, const char *event, text_t session_id)
{
    json_writer_t *json = s_begin (self, event, session_id);
    json_open_object (json, "data");
    return json;
}

static frame_t *
s_end (frame_writer_t *self)
{
    json_close_object (&self->json);
    int rc = json_write_end (&self->json);
    assert (rc == 0);
    frame_t *frame = frame_new (buffer_text (&self->buffer));
    buffer_free (&self->buffer);
    return frame;
}

static frame_t *
s_end_data (frame_writer_t *self)
{
    json_close_object (&self->json);
    return s_end (self);
}

frame_t *
server_frame_deliver (const bus_deliver_t *entry)
{
    frame_writer_t writer;
    json_writer_t *json =
        s_begin (&writer, event_wire_name (entry->event), session_key_id (entry->session));
    json_put_json (json, "data", entry->data);
    json_put_json (json, "sender", entry->sender);
    json_put_number (json, "timeMs", entry->time_ms);
    json_put_number (json, "seq", entry->seq);
    json_put_text_if (json, "messageId", entry->message_id);
    return s_end (&writer);
}

frame_t *
server_frame_broadcast (const bus_broadcast_t *event)
{
    frame_writer_t writer;
    json_writer_t *json =
        s_begin (&writer, event_wire_name (event->event), session_key_id (event->session));
    json_put_json (json, "data", event->data);
    json_put_json (json, "sender", event->sender);
    json_put_number (json, "timeMs", event->time_ms);
    return s_end (&writer);
}

frame_t *
server_frame_joined (text_t session_id, uint64_t seq)
{
    frame_writer_t writer;
    json_writer_t *json = s_begin_data (&writer, "connection update", session_id);
    json_put_bool (json, "sessionCreated", true);
    if (seq != SEQ_UNKNOWN)
        json_put_number (json, "seq", seq);
    return s_end_data (&writer);
}

frame_t *
server_frame_not_joined (text_t session_id, const char *code, const char *words)
{
    frame_writer_t writer;
    json_writer_t *json = s_begin_data (&writer, "connection update", session_id);
    json_put_bool (json, "sessionCreated", false);
    json_put_string (json, "errorMessage", words);
    json_put_string (json, "code", code);
    return s_end_data (&writer);
}

frame_t *
server_frame_ack (text_t session_id, text_t message_id, const bus_posted_t *posted)
{
    frame_writer_t writer;
    json_writer_t *json = s_begin_data (&writer, "ack", session_id);
    json_put_text (json, "messageId", message_id);
    json_put_number (json, "seq", posted->seq);
    json_put_number (json, "timeMs", posted->time_ms);
    json_put_bool (json, "duplicate", posted->verdict == VERDICT_DUPLICATE);
    return s_end_data (&writer);
}

frame_t *
server_frame_busy (text_t session_id, text_t message_id, verdict_t verdict,
                   uint64_t retry_after_ms)
{
    frame_writer_t writer;
    json_writer_t *json = s_begin_data (&writer, "busy", session_id);
    json_put_string (json, "code", verdict_code (verdict));
    json_put_string (json, "message", verdict_words (verdict));
    json_put_text (json, "messageId", message_id);
    json_put_number (json, "retryAfterMs", retry_after_ms);
    return s_end_data (&writer);
}

frame_t *
server_frame_error (text_t session_id, text_t message_id, const char *code, const char *words)
{
    frame_writer_t writer;
    json_writer_t *json = s_begin_data (&writer, "error", session_id);
    json_put_string (json, "code", code);
    json_put_string (json, "message", words);
    json_put_text_if (json, "messageId", message_id);
    return s_end_data (&writer);
}

frame_t *
server_frame_failure (text_t session_id, text_t bot_sender, const char *words)
{
    buffer_t data;
    buffer_init (&data, FAILURE_DATA_MAX);
    failure_data_write (&data, BOT_TRIES_MOST, 0, words);
    frame_writer_t writer;
    json_writer_t *json = s_begin (&writer, "failure", session_id);
    json_put_json (json, "data", buffer_text (&data));
    json_put_json (json, "sender", bot_sender);
    buffer_free (&data);
    return s_end (&writer);
}

frame_t *
server_frame_going_away (uint64_t delay_ms)
{
    frame_writer_t writer;
    json_writer_t *json = s_begin_data (&writer, "going away", TEXT_EMPTY);
    json_put_number (json, "delayMs", delay_ms);
    return s_end_data (&writer);
}
