#include "model/offer.h"

#include "json/json_body.h"
#include "model/session_key.h"

#include <assert.h>
#include <json-c/json.h>

#define PLATFORM_NAME_MOST 50 //  bytes

static const struct {
    const char *prefix;
    target_kind_t kind;
    size_t most; //  bytes of the name
} s_kinds[] = {
    { "group:", TARGET_GROUP, USER_ID_MAX },
    { "agent:", TARGET_AGENT, USER_ID_MAX },
    { "platform:", TARGET_PLATFORM, PLATFORM_NAME_MOST },
};

//  It becomes part of a topic, and of addresses that workers make of it.
bool
platform_is_name (text_t name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    bool is_name = name.size > 0 && name.size <= PLATFORM_NAME_MOST;
    for (size_t at = 0; is_name && at < name.size; at++)
        is_name = memchr (letters, name.data[at], sizeof letters - 1) != NULL;
    return is_name;
}

text_t
platform_of_topic (text_t topic)
{
    static const char prefix[] = "platform.";
    size_t size = sizeof prefix - 1;
    if (topic.size <= size || memcmp (topic.data, prefix, size) != 0)
        return TEXT_EMPTY;
    text_t name = { topic.data + size, topic.size - size };
    return platform_is_name (name) ? name : TEXT_EMPTY;
}

target_kind_t
target_of (text_t target, text_t *name)
{
    *name = TEXT_EMPTY;
    if (text_is (target, TEXT ("bot")))
        return TARGET_BOT;
    for (size_t row = 0; row < sizeof s_kinds / sizeof *s_kinds; row++) {
        size_t size = strlen (s_kinds[row].prefix);
        if (target.size <= size || memcmp (target.data, s_kinds[row].prefix, size) != 0)
            continue;
        *name = (text_t){ target.data + size, target.size - size };
        bool is_good = s_kinds[row].kind == TARGET_PLATFORM ? platform_is_name (*name)
                                                            : name->size <= s_kinds[row].most;
        return is_good ? s_kinds[row].kind : TARGET_BAD;
    }
    return TARGET_BAD;
}

size_t
offer_split (text_t lines, text_t targets[])
{
    size_t count = 0;
    while (count < OFFER_TARGETS_MOST && lines.size > 0) {
        const char *end = memchr (lines.data, '\n', lines.size);
        size_t size = end ? (size_t) (end - lines.data) : lines.size;
        targets[count++] = (text_t){ lines.data, size };
        size += end != NULL;
        lines = (text_t){ lines.data + size, lines.size - size };
    }
    return count;
}

// ---------------------------------------------------------------------------------------------

static uint64_t
s_role (text_t name)
{
    uint64_t role = ROLE_VISITOR;
    while (role <= ROLE_API && !text_is (name, text_of (role_name (role))))
        role++;
    return role <= ROLE_API ? role : ROLE_ROUTER;
}

static void
s_read_targets (offer_t *self)
{
    json_object *list = json_body_member (self->object, "targets");
    size_t count = json_object_is_type (list, json_type_array) ? json_object_array_length (list)
                                                               : 0;
    for (size_t at = 0; at < count && self->count < OFFER_TARGETS_MOST; at++) {
        json_object *target = json_object_array_get_idx (list, at);
        self->targets[self->count++] =
            (text_t){ json_object_get_string (target),
                      (size_t) json_object_get_string_len (target) };
    }
}

bool
offer_read (offer_t *self, text_t text)
{
    *self = (offer_t){ .why = TEXT_EMPTY, .by_user = TEXT_EMPTY };
    self->object = json_body_read (text);
    if (!self->object)
        return false;
    s_read_targets (self);
    self->step = json_body_number (self->object, "step");
    self->seq = json_body_number (self->object, "seq");
    self->time_ms = json_body_number (self->object, "timeMs");
    self->round = json_body_number (self->object, "round");
    self->why = json_body_text (self->object, "why");
    json_object *by = json_body_member (self->object, "by");
    self->by_role = s_role (json_body_text (by, "role"));
    self->by_user = json_body_text (by, "userId");
    return true;
}

void
offer_free (offer_t *self)
{
    json_body_free (&self->object);
}

void
offer_put (const offer_t *self, json_writer_t *json)
{
    json_open_array (json, "targets");
    for (size_t at = 0; at < self->count; at++)
        json_put_text (json, NULL, self->targets[at]);
    json_close_array (json);
    json_put_number (json, "step", self->step);
    json_put_text_if (json, "why", self->why);
    json_open_object (json, "by");
    json_put_string (json, "role", role_name ((role_t) self->by_role));
    json_put_text_if (json, "userId", self->by_user);
    json_close_object (json);
}

void
offer_write (const offer_t *self, buffer_t *to)
{
    json_writer_t json;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    offer_put (self, &json);
    json_put_number (&json, "seq", self->seq);
    if (self->time_ms > 0)
        json_put_number (&json, "timeMs", self->time_ms);
    if (self->round > 0)
        json_put_number (&json, "round", self->round);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
}
