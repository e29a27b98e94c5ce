#include "bot_request.h"

#include "json/json_read.h"
#include "model/session_key.h"

#include <json-c/json.h>

static const json_limits_t s_limits = { .depth_most = 64, .values_most = SIZE_MAX };

//  Types of requests whose intent is always the same one.
static const struct {
    const char *type;
    const char *intent;
} s_intents[] = {
    { "LAUNCH_REQUEST", "LaunchRequest" },
    { "INTENT_REQUEST", "NLU_RESULT_PLACEHOLDER" },
    { "OPTION_SELECT_REQUEST", "OptionSelect" },
    { "PERMISSION_GRANT", "PermissionGrant" },
    { "INPUT_UNKNOWN_REQUEST", "InputUnknown" },
    { "SIGN_IN_REQUEST", "SignIn" },
};

//  NULL when the member is missing, empty, or no string.
static const char *
s_get (json_object *request, const char *name)
{
    json_object *value = NULL;
    if (!json_object_object_get_ex (request, name, &value)
        || !json_object_is_type (value, json_type_string)
        || json_object_get_string_len (value) == 0)
        return NULL;
    return json_object_get_string (value);
}

static void
s_put (json_object *request, const char *name, text_t value)
{
    json_object_object_add (request, name,
                            json_object_new_string_len (value.data, (int) value.size));
}

static void
s_fill_in (json_object *request)
{
    if (!s_get (request, "channel"))
        s_put (request, "channel", TEXT ("widget"));
    if (!s_get (request, "type"))
        s_put (request, "type",
               s_get (request, "rawQuery") ? TEXT ("INTENT_REQUEST") : TEXT ("LAUNCH_REQUEST"));
    const char *type = s_get (request, "type");
    //  The text of a choice may be the edge's (client_frame.c), for people to read, and not the
    //  client's own.
    const char *text = s_get (request, "rawQuery"), *title = s_get (request, "title");
    const char *shown = title ? title : s_get (request, "token");
    if (strcmp (type, "OPTION_SELECT_REQUEST") == 0 && text && shown && strcmp (text, shown) == 0)
        json_object_object_del (request, "rawQuery");
    for (size_t row = 0; row < sizeof s_intents / sizeof *s_intents; row++)
        if (strcmp (type, s_intents[row].type) == 0 && !s_get (request, "intentId")) {
            s_put (request, "intentId", text_of (s_intents[row].intent));
            break; //  `type` may be looked at no more: the object has changed
        }
}

int
bot_request_write (buffer_t *to, const bus_work_t *work)
{
    json_reading_t reading;
    json_object *request = json_read (work->body, &s_limits, &reading);
    if (!json_object_is_type (request, json_type_object)) {
        json_object_put (request);
        return -1;
    }
    s_put (request, "userId", work->user);
    s_put (request, "sessionId", session_key_id (work->session));
    s_put (request, "platform", TEXT ("stentor-platform"));
    s_put (request, "requestId", work->item); //  the same at each try: a bot may go by it
    json_object_object_del (request, "accessToken");
    if (work->secret.size > 0)
        s_put (request, "accessToken", work->secret);
    s_fill_in (request);
    int rc = buffer_put_text (to, json_print (request));
    json_object_put (request);
    return rc;
}
