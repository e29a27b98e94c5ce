#include "client/server_frame.h"

#include "json/json_members.h"
#include "json/json_write.h"
#include "model/failure_data.h"
#include "model/session_key.h"

#include <assert.h>

//  What a frame is made of is bounded by the bus: JSON of a record, and a text six times as long at
//  most when all of it is escaped. So this is never reached.
#define SIZE_MOST (64u << 20)

//  One frame after the other is written into the same memory, and copied out at its size.
#define ROOM_KEPT (64u << 10)
static buffer_t s_room = { .ceiling = SIZE_MOST };

static void
s_begin (json_writer_t *json, const char *event, text_t session_id)
{
    buffer_clear (&s_room);
    json_write_begin (json, &s_room);
    json_open_object (json, NULL);
    json_put_string (json, "event", event ? event : "unknown");
    json_put_text_if (json, "sessionId", session_id);
}

static frame_t *
s_end (json_writer_t *json)
{
    json_close_object (json);
    int rc = json_write_end (json);
    assert (rc == 0);
    frame_t *frame = frame_new (buffer_text (&s_room));
    if (s_room.room > ROOM_KEPT)
        buffer_free (&s_room);
    return frame;
}

// ---------------------------------------------------------------------------------------------
//  What the stock widget can bear of a bot's answer, and of senders
//
//  The log keeps the answer as the bot gave it, and other clients get it so. The widget's handler
//  fails, and loses the frame, over `system` TRANSFER_CALL, over permissions that it does not know,
//  and over one without `data`; it knows no `system` that is not a string. Of an answer with
//  nothing that it shows it draws an empty entry (docs/client-protocol.md, section 4).

typedef enum {
    VIEW_SAME,    //  as it is
    VIEW_CHANGED, //  as `to` has it
    VIEW_NOTHING, //  not at all
} view_t;

//  What may have to be added to an entry's data.
#define VIEW_ROOM 16

//  How the sender of every bot begins (apps_file.c), and of everybody who sits at a page.
#define DEVICE(name) "{\"deviceId\":\"" name "\""
static const char s_bot[] = DEVICE ("Bot"), s_page[] = DEVICE ("Widget");

static bool
s_begins (text_t text, const char *with, size_t size)
{
    return text.size >= size && memcmp (text.data, with, size) == 0;
}

typedef struct {
    bool has_system; //  one that the widget can bear
    bool has_data;   //  an object
    bool has_shown;  //  something that it shows, or uses
    bool lacks_data; //  its `system` needs some
    bool drops_system;
} members_t;

static void
s_read_system (members_t *self, text_t value)
{
    bool is_permission = value.size > 12 && memcmp (value.data, "\"PERMISSION_", 12) == 0;
    bool is_known = text_is (value, TEXT ("\"PERMISSION_EMAIL\""))
                    || text_is (value, TEXT ("\"PERMISSION_LOCATION_PRECISE\""));
    bool is_word = value.data[0] == '"' && value.size > 2;
    self->drops_system =
        !is_word || text_is (value, TEXT ("\"TRANSFER_CALL\"")) || (is_permission && !is_known);
    self->has_system = !self->drops_system;
    self->lacks_data = is_known;
}

static members_t
s_read (text_t data)
{
    members_t members = { 0 };
    json_members_t all = json_members_of (data);
    text_t name, value;
    while (json_members_next (&all, &name, &value))
        if (text_is (name, TEXT ("system")))
            s_read_system (&members, value);
        else if (text_is (name, TEXT ("data")))
            members.has_data = value.data[0] == '{';
        else if (text_is (name, TEXT ("outputSpeech")) || text_is (name, TEXT ("displays"))
                 || text_is (name, TEXT ("context")))
            members.has_shown = true;
    members.has_shown = members.has_shown || members.has_system;
    members.lacks_data = members.lacks_data && !members.has_data;
    return members;
}

static int
s_write (const members_t *members, text_t data, buffer_t *to)
{
    json_members_t all = json_members_of (data);
    text_t name, value;
    int rc = buffer_put_string (to, "{");
    while (rc == 0 && json_members_next (&all, &name, &value)) {
        if ((members->drops_system && text_is (name, TEXT ("system")))
            || (members->lacks_data && text_is (name, TEXT ("data"))))
            continue;
        //  From the quote before the name to the value's last byte, as it stands.
        text_t member = { name.data - 1, (size_t) (value.data + value.size - (name.data - 1)) };
        if (to->size > 1)
            rc = buffer_put_string (to, ",");
        if (rc == 0)
            rc = buffer_put_text (to, member);
    }
    if (rc == 0 && members->lacks_data)
        rc = buffer_put_string (to, ",\"data\":{}");
    return rc == 0 ? buffer_put_string (to, "}") : -1;
}

//  How a widget is to be given the entry. `to` has room for its data and VIEW_ROOM more. Most
//  answers need no closer look: they begin with words, and have no `system`.
static view_t
s_view (const bus_deliver_t *entry, buffer_t *to)
{
    static const char words[] = "{\"outputSpeech\":", system[] = "\"system\"";
    text_t data = entry->data;
    if (entry->event != EVENT_NEW_MESSAGE || !s_begins (entry->sender, s_bot, sizeof s_bot - 1)
        || (s_begins (data, words, sizeof words - 1)
            && !memmem (data.data, data.size, system, sizeof system - 1)))
        return VIEW_SAME;
    members_t members = s_read (data);
    if (!members.has_shown)
        return VIEW_NOTHING;
    if (!members.drops_system && !members.lacks_data)
        return VIEW_SAME;
    int rc = s_write (&members, data, to);
    assert (rc == 0); //  VIEW_ROOM is what may be added
    return VIEW_CHANGED;
}

//  The widget reads a message by its sender's device: a bot's as an answer, a page's as a question.
//  It knows no other device, and would lose the frame: an agent or a platform that writes through
//  the API is shown as the device that says such things. NULL: it may stay as it is.
static const char *
s_device (const bus_deliver_t *entry)
{
    if (entry->event != EVENT_NEW_MESSAGE || s_begins (entry->sender, s_bot, sizeof s_bot - 1)
        || s_begins (entry->sender, s_page, sizeof s_page - 1))
        return NULL;
    bool is_answer = false;
    json_members_t all = json_members_of (entry->data);
    text_t name, value;
    while (!is_answer && json_members_next (&all, &name, &value))
        is_answer = text_is (name, TEXT ("outputSpeech")) || text_is (name, TEXT ("displays"));
    return is_answer ? s_bot : s_page;
}

//  The same sender with another device, which its first member is.
static int
s_write_sender (text_t sender, const char *device, buffer_t *to)
{
    json_members_t all = json_members_of (sender);
    text_t name, value;
    int rc = buffer_put_string (to, device);
    while (rc == 0 && json_members_next (&all, &name, &value)) {
        text_t member = { name.data - 1, (size_t) (value.data + value.size - (name.data - 1)) };
        if (!text_is (name, TEXT ("deviceId")))
            rc = buffer_put_string (to, ",") | buffer_put_text (to, member);
    }
    return rc == 0 ? buffer_put_string (to, "}") : -1;
}

// ---------------------------------------------------------------------------------------------
//  Frames

//  Only a rich client says it again; of a widget it would be one more thing to send for nothing.
static void
s_put_check (json_writer_t *json, uint64_t check)
{
    json_put_text_if (json, "check", text_of (log_check_write (check).text));
}

frame_t *
server_frame_deliver (const bus_deliver_t *entry, dialect_t dialect)
{
    buffer_t shown;
    buffer_init (&shown, entry->data.size + VIEW_ROOM);
    view_t view = dialect == DIALECT_WIDGET ? s_view (entry, &shown) : VIEW_SAME;
    if (view == VIEW_NOTHING)
        return NULL;
    text_t data = view == VIEW_CHANGED ? buffer_text (&shown) : entry->data;
    const char *device = dialect == DIALECT_WIDGET ? s_device (entry) : NULL;
    buffer_t sender;
    buffer_init (&sender, entry->sender.size + sizeof s_page + 1);
    int rc = device ? s_write_sender (entry->sender, device, &sender) : 0;
    assert (rc == 0);
    json_writer_t room, *json = &room;
    s_begin (json, event_wire_name (entry->event), session_key_id (entry->session));
    json_put_json (json, "data", data);
    json_put_json (json, "sender", device ? buffer_text (&sender) : entry->sender);
    json_put_number (json, "timeMs", entry->time_ms);
    json_put_number (json, "seq", entry->seq);
    if (dialect == DIALECT_RICH)
        s_put_check (json, entry->check);
    json_put_text_if (json, "messageId", entry->message_id);
    buffer_free (&shown);
    buffer_free (&sender);
    frame_t *frame = s_end (json);
    frame->position = (log_position_t){ entry->seq, entry->check };
    return frame;
}

frame_t *
server_frame_broadcast (const bus_broadcast_t *event)
{
    json_writer_t room, *json = &room;
    s_begin (json, event_wire_name (event->event), session_key_id (event->session));
    json_put_json (json, "data", event->data);
    json_put_json (json, "sender", event->sender);
    json_put_number (json, "timeMs", event->time_ms);
    return s_end (json);
}

frame_t *
server_frame_truncated (const bus_truncated_t *truncated)
{
    json_writer_t room, *json = &room;
    s_begin (json, "history changed", session_key_id (truncated->session));
    json_put_number (json, "seq", truncated->seq);
    s_put_check (json, truncated->check);
    json_open_object (json, "data");
    json_put_number (json, "lastSeq", truncated->last_seq);
    json_close_object (json);
    frame_t *frame = s_end (json);
    frame->position = (log_position_t){ truncated->seq, truncated->check };
    return frame;
}

frame_t *
server_frame_joined (text_t session_id, log_position_t last, text_t user)
{
    json_writer_t room, *json = &room;
    s_begin (json, "connection update", session_id);
    json_open_object (json, "data");
    json_put_bool (json, "sessionCreated", true);
    if (last.seq != SEQ_UNKNOWN)
        json_put_number (json, "seq", last.seq);
    if (last.seq != SEQ_UNKNOWN && user.size > 0)
        s_put_check (json, last.check);
    json_put_text_if (json, "userId", user);
    json_close_object (json);
    return s_end (json);
}

frame_t *
server_frame_not_joined (text_t session_id, const char *code, const char *words)
{
    json_writer_t room, *json = &room;
    s_begin (json, "connection update", session_id);
    json_open_object (json, "data");
    json_put_bool (json, "sessionCreated", false);
    json_put_string (json, "errorMessage", words);
    json_put_string (json, "code", code);
    json_close_object (json);
    return s_end (json);
}

frame_t *
server_frame_ack (text_t session_id, text_t message_id, const bus_posted_t *posted)
{
    json_writer_t room, *json = &room;
    s_begin (json, "ack", session_id);
    json_open_object (json, "data");
    json_put_text (json, "messageId", message_id);
    json_put_number (json, "seq", posted->seq);
    s_put_check (json, posted->check);
    json_put_number (json, "timeMs", posted->time_ms);
    json_put_bool (json, "duplicate", posted->verdict == VERDICT_DUPLICATE);
    json_close_object (json);
    return s_end (json);
}

frame_t *
server_frame_busy (text_t session_id, text_t message_id, verdict_t verdict,
                   uint64_t retry_after_ms)
{
    json_writer_t room, *json = &room;
    s_begin (json, "busy", session_id);
    json_open_object (json, "data");
    json_put_string (json, "code", verdict_code (verdict));
    json_put_string (json, "message", verdict_words (verdict));
    json_put_text (json, "messageId", message_id);
    json_put_number (json, "retryAfterMs", retry_after_ms);
    json_close_object (json);
    return s_end (json);
}

frame_t *
server_frame_error (text_t session_id, text_t message_id, const char *code, const char *words)
{
    json_writer_t room, *json = &room;
    s_begin (json, "error", session_id);
    json_open_object (json, "data");
    json_put_string (json, "code", code);
    json_put_string (json, "message", words);
    json_put_text_if (json, "messageId", message_id);
    json_close_object (json);
    return s_end (json);
}

frame_t *
server_frame_overtaken (text_t session_id, text_t message_id, const bus_posted_t *posted)
{
    json_writer_t room, *json = &room;
    s_begin (json, "error", session_id);
    json_open_object (json, "data");
    json_put_string (json, "code", verdict_code (posted->verdict));
    json_put_text (json, "message", posted->words);
    json_put_text_if (json, "messageId", message_id);
    json_put_json (json, "control", posted->control);
    json_close_object (json);
    return s_end (json);
}

frame_t *
server_frame_failure (text_t session_id, text_t bot_sender, const char *words)
{
    buffer_t data;
    buffer_init (&data, FAILURE_DATA_MAX);
    failure_data_write (&data, BOT_TRIES_MOST, 0, words);
    json_writer_t room, *json = &room;
    s_begin (json, "failure", session_id);
    json_put_json (json, "data", buffer_text (&data));
    json_put_json (json, "sender", bot_sender);
    buffer_free (&data);
    return s_end (json);
}

frame_t *
server_frame_going_away (uint64_t delay_ms)
{
    json_writer_t room, *json = &room;
    s_begin (json, "going away", TEXT_EMPTY);
    json_open_object (json, "data");
    json_put_number (json, "delayMs", delay_ms);
    json_close_object (json);
    return s_end (json);
}
