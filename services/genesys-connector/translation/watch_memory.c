#include "translation/watch_memory.h"

#include "base/utf8.h"
#include "json/json_body.h"
#include "translation/memory_frame.h"

static const char *const s_states[WATCH_STATES] = { "waiting", "with", "between" };

void
watch_memory_read (watch_memory_t *self, text_t json)
{
    *self = (watch_memory_t){ .state = WATCH_WAITING };
    struct json_object *tree = json_body_read (json);
    text_t state = json_body_text (tree, "state");
    for (int at = 0; at < WATCH_STATES; at++)
        if (text_is (state, text_of (s_states[at])))
            self->state = (watch_state_t) at;
    self->turn = json_body_number (tree, "turn");
    self->began_ms = json_body_number (tree, "began");
    self->since_ms = json_body_number (tree, "since");
    self->dark_ms = json_body_number (tree, "dark");
    self->ended_ms = json_body_number (tree, "ended");
    self->was_attended = json_body_flag (tree, "attended");
    utf8_copy (self->person, sizeof self->person, json_body_text (tree, "person"));
    utf8_copy (self->name, sizeof self->name, json_body_text (tree, "name"));
    json_body_free (&tree);
}

text_t
watch_memory_write (const watch_memory_t *self, char room[WATCH_MEMORY_SIZE])
{
    memory_frame_t frame;
    json_writer_t *json = memory_begin (&frame, WATCH_MEMORY_SIZE);
    json_put_string (json, "state", s_states[self->state]);
    json_put_number (json, "turn", self->turn);
    json_put_number (json, "began", self->began_ms);
    json_put_number (json, "since", self->since_ms);
    json_put_number (json, "dark", self->dark_ms);
    json_put_number (json, "ended", self->ended_ms);
    json_put_bool (json, "attended", self->was_attended);
    json_put_text_if (json, "person", text_of (self->person));
    json_put_text_if (json, "name", text_of (self->name));
    return memory_end (&frame, room);
}
