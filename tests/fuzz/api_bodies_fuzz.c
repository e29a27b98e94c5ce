//  api_bodies — any bytes as the body of any POST of the API, of any asker. What is read is within
//  its limits; what is not is refused with words for a person.

#include "base/utf8.h"
#include "json/json_read.h"
#include "model/api_bodies.h"

#include <assert.h>
#include <json-c/json.h>

static void
s_check (const api_body_t *body, const api_asker_t *asker)
{
    assert (body->as.user.size <= USER_ID_MAX && body->as.name.size <= DISPLAY_NAME_MAX);
    assert (body->session.size <= SESSION_ID_MAX && body->visitor.size <= USER_ID_MAX);
    assert (body->name.size <= DISPLAY_NAME_MAX && utf8_is_showable (body->name));
    assert (body->message.message_id.size <= MESSAGE_ID_MAX);
    assert (!message_id_is_reserved (body->message.message_id));
    assert (asker->kind == ROLE_API || body->as.kind == 0 || body->as.kind == asker->kind);
    assert (!body->has_message || body->message.data.size > 0);
}

int LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size);

//  The first byte says who asks, and for what.
int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    static const api_operation_t operations[] = { API_MESSAGE_POST,   API_SESSION_CREATE,
                                                  API_SESSION_CLOSE,  API_SESSION_REOPEN,
                                                  API_SESSION_ENTER,  API_SESSION_EXIT,
                                                  API_SESSION_READ_MARK };
    static const role_t kinds[] = { ROLE_VISITOR, ROLE_AGENT, ROLE_API };
    if (size == 0)
        return 0;
    api_asker_t asker = { .kind = kinds[bytes[0] / 7 % 3],
                          .user = TEXT ("u"),
                          .session = TEXT ("s"),
                          .key = bytes[0] & 64 ? TEXT ("k") : TEXT_EMPTY };
    json_reading_t reading;
    json_object *tree = json_read (
        (text_t){ (const char *) bytes + 1, size - 1 },
        &(json_limits_t){ .depth_most = 32, .values_most = 8192 }, &reading);
    api_body_t body;
    char room[MESSAGE_COMPLAINT];
    const char *complaint = api_body_read (&body, operations[bytes[0] % 7], tree, &asker, room);
    if (complaint)
        assert (strlen (complaint) > 0 && utf8_is_valid (text_of (complaint)));
    else
        s_check (&body, &asker);
    json_object_put (tree);
    return 0;
}
