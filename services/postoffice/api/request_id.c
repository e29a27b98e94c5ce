#include "api/request_id.h"

#include "base/keyed_hash.h"
#include "base/random_id.h"

#include <assert.h>
#include <stdio.h>

#define NO_SEQ (SEQ_UNKNOWN - 1)

//  Who asks and the key; the purpose keeps digests apart.
static open_digest_t
s_digest (const api_call_t *call, const char *purpose)
{
    const principal_t *principal = call->principal;
    text_t texts[] = { text_of (purpose), text_of (role_name (principal->kind)), principal->app,
                       principal->user, call->idempotency_key };
    return open_digest (texts, sizeof texts / sizeof *texts);
}

request_id_t
request_id_of (const api_call_t *call)
{
    request_id_t id;
    bool has_key = call->idempotency_key.size > 0;
    snprintf (id.text, sizeof id.text, "%s%s", has_key ? REQUEST_KEY_PREFIX : ":api:",
              has_key ? s_digest (call, "entry").text : random_id_new ().text);
    return id;
}

request_id_t
request_session_of (const api_call_t *call)
{
    request_id_t id;
    bool has_key = call->idempotency_key.size > 0;
    snprintf (id.text, sizeof id.text, "%s",
              has_key ? s_digest (call, "session").text : random_id_new ().text);
    return id;
}

api_asker_t
call_asker (const api_call_t *call)
{
    return (api_asker_t){ .kind = call->principal->kind,
                          .user = call->principal->user,
                          .session = call->session,
                          .key = call->idempotency_key };
}

text_t
request_key_of (const api_call_t *call, request_key_room_t room)
{
    if (call->idempotency_key.size == 0)
        return TEXT_EMPTY;
    int most = (int) sizeof (request_key_room_t);
    int size = snprintf (room, (size_t) most, "%.*s %.*s", TEXT_ARGS (call->idempotency_key),
                         TEXT_ARGS (call->principal->user));
    return (text_t){ room, size < most ? (size_t) size : (size_t) most - 1 };
}

uint64_t
call_if_match (const api_call_t *call)
{
    text_t tag = call->if_match;
    uint64_t seq = 0;
    if (tag.size == 0)
        return SEQ_UNKNOWN;
    for (size_t at = 0; at < tag.size; at++) {
        bool is_digit = tag.data[at] >= '0' && tag.data[at] <= '9';
        if (!is_digit || at >= 18 || (tag.data[0] == '0' && tag.size > 1))
            return NO_SEQ;
        seq = 10 * seq + (uint64_t) (tag.data[at] - '0');
    }
    return seq;
}

api_etag_t
api_etag (uint64_t last_seq)
{
    api_etag_t etag;
    snprintf (etag.text, sizeof etag.text, "%llu", (unsigned long long) last_seq);
    return etag;
}

static void
s_write_sender (text_t user, text_t name, text_t avatar, bool is_agent, buffer_t *to)
{
    json_writer_t json;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_string (&json, "deviceId", "Api");
    json_put_text (&json, "userId", user);
    json_put_text (&json, "displayName", name);
    json_put_text_if (&json, "avatarPath", avatar);
    json_put_bool (&json, "isAdmin", is_agent);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
}

void
write_agent (text_t user, text_t name, buffer_t *to)
{
    s_write_sender (user, name.size > 0 ? name : TEXT ("Agent"), TEXT_EMPTY, true, to);
}

void
write_visitor (text_t user, text_t name, buffer_t *to)
{
    s_write_sender (user, name.size > 0 ? name : TEXT ("Visitor"), TEXT_EMPTY, false, to);
}

void
write_person (text_t topic, text_t name, text_t avatar, buffer_t *to)
{
    s_write_sender (topic, name.size > 0 ? name : TEXT ("Agent"), avatar, true, to);
}
