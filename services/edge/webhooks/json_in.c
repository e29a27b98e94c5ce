#include "webhooks/json_in.h"

#include "auth/base64.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "json/json_given.h"
#include "json/json_read.h"

#include <json-c/json.h>
#include <stdio.h>

typedef struct json_object tree_t;

#define DEPTH_MOST 16
#define VALUES_MOST 2000
#define ATTACHMENTS_MOST 10

#define NUMBER_(number) #number
#define NUMBER(number) NUMBER_ (number)

static const json_limits_t s_limits = { .depth_most = DEPTH_MOST, .values_most = VALUES_MOST };

//  NULL, with a complaint: it is no object.
static tree_t *
s_read_object (text_t bytes, const char **complaint)
{
    static const char *const words[] = {
        [JSON_READ_OK] = "The body must be a JSON object",
        [JSON_READ_NOT_UTF8] = "The body is not UTF-8",
        [JSON_READ_NOT_JSON] = "The body is not JSON",
        [JSON_READ_TOO_DEEP] =
            "The body has more than " NUMBER (DEPTH_MOST) " objects and arrays in each other",
        [JSON_READ_TOO_MANY] = "The body has more than " NUMBER (VALUES_MOST) " values",
        [JSON_READ_NUL_IN_NAME] = "The body has a NUL in a member's name",
        [JSON_READ_NUMBER] = "The body has too long a number",
    };
    json_reading_t reading;
    tree_t *tree = json_read (bytes, &s_limits, &reading);
    *complaint = words[reading.fault];
    if (json_object_is_type (tree, json_type_object))
        return tree;
    json_object_put (tree);
    return NULL;
}

//  A member that may be left out, or null. False: it is there, and is no text.
static bool
s_may_have (tree_t *object, const char *name, text_t *text)
{
    tree_t *value = NULL;
    *text = TEXT_EMPTY;
    return !json_object_object_get_ex (object, name, &value) || !value
           || json_member_text (object, name, text) == 1;
}

static bool
s_is_true (tree_t *object, const char *name)
{
    tree_t *value = NULL;
    return json_object_object_get_ex (object, name, &value) && json_object_get_boolean (value);
}

static bool
s_is_id (text_t text)
{
    return visit_is_text (text, VISIT_PROVIDER_ID_MOST, true);
}

// ---------------------------------------------------------------------------------------------
//  Standard Webhooks

webhook_finding_t
standard_verify (visit_t *visit, const webhook_request_t *request, webhook_keys_t keys)
{
    (void) visit;
    return (webhook_finding_t){ webhook_standard_verify (keys, &request->standard, request->body,
                                                         clock_wall_ms () / 1000),
                                NULL };
}

static const char *
s_read_person (visit_t *visit, tree_t *data)
{
    visit->external_id = json_given_text (data, "userId");
    text_t name;
    bool is_text = s_may_have (data, "displayName", &name);
    if (!s_is_id (visit->external_id))
        return "data.userId must be a text of 1 to 300 bytes without control characters";
    if (!is_text || !utf8_is_showable (name) || name.size > DISPLAY_NAME_MAX)
        return "data.displayName must be at most 100 bytes without control characters";
    visit->name = name;
    return NULL;
}

//  An array of {url, type}.
static const char *
s_read_attachments (visit_t *visit, tree_t *data)
{
    tree_t *all = NULL;
    if (!json_object_object_get_ex (data, "attachments", &all) || !all)
        return NULL;
    if (!json_object_is_type (all, json_type_array)
        || json_object_array_length (all) > ATTACHMENTS_MOST)
        return "data.attachments must be an array of at most " NUMBER (ATTACHMENTS_MOST)
               " objects";
    for (size_t at = 0; at < json_object_array_length (all); at++) {
        tree_t *each = json_object_array_get_idx (all, at);
        text_t type;
        if (!json_object_is_type (each, json_type_object))
            return "an element of data.attachments must be an object";
        if (!s_may_have (each, "type", &type) || (type.size > 0 && !visit_is_type (type)))
            return "type in data.attachments must be a text of at most 100 bytes";
        if (!visit_attach (visit, json_given_text (each, "url"), type))
            return "url in data.attachments must be a text of 1 to 2000 bytes without control "
                   "characters";
    }
    return NULL;
}

static const char *
s_read_created (visit_t *visit, tree_t *data)
{
    const char *complaint = s_read_person (visit, data);
    text_t text;
    if (complaint)
        return complaint;
    visit->id = json_given_text (data, "messageId");
    if (!s_is_id (visit->id))
        return "data.messageId must be a text of 1 to 300 bytes without control characters";
    if (!s_may_have (data, "text", &text))
        return "data.text must be a text";
    visit->text = text;
    if (!s_may_have (data, "token", &visit->token)
        || (visit->token.size > 0 && !s_is_id (visit->token)))
        return "data.token must be a text of at most 300 bytes without control characters";
    complaint = s_read_attachments (visit, data);
    if (complaint)
        return complaint;
    visit_name_attachments (visit);
    if (visit->text.size == 0 && visit->token.size > 0)
        visit->text = visit->token;
    if (!visit_is_text (visit->text, VISIT_TEXT_MOST, false))
        return "data.text must have 1 to 131072 bytes, and no NUL";
    visit->what = VISIT_SAYS;
    return NULL;
}

static const char *
s_read_handoff (visit_t *visit, tree_t *data)
{
    visit->id = json_given_text (data, "messageId");
    if (!s_is_id (visit->id))
        return "data.messageId must be a text of 1 to 300 bytes without control characters";
    visit->what = VISIT_PERSON;
    return s_read_person (visit, data);
}

static const char *
s_read_typing (visit_t *visit, tree_t *data)
{
    tree_t *is_typing = NULL;
    json_object_object_get_ex (data, "isTyping", &is_typing);
    if (!json_object_is_type (is_typing, json_type_boolean))
        return "data.isTyping must be true or false";
    visit->what = VISIT_TYPING;
    visit->is_on = json_object_get_boolean (is_typing);
    return s_read_person (visit, data);
}

static const char *
s_read_mark (visit_t *visit, tree_t *data)
{
    visit->mark = json_given_text (data, "messageId");
    if (!s_is_id (visit->mark))
        return "data.messageId must be a text of 1 to 300 bytes without control characters";
    visit->what = VISIT_READ;
    return s_read_person (visit, data);
}

static const struct {
    text_t type;
    const char *(*read) (visit_t *visit, tree_t *data);
} s_types[] = {
    { TEXT ("message.created"), s_read_created },
    { TEXT ("handoff.requested"), s_read_handoff },
    { TEXT ("typing.changed"), s_read_typing },
    { TEXT ("message.read"), s_read_mark },
};

const char *
standard_read (visit_t *visit, const webhook_request_t *request)
{
    const char *complaint;
    visit->tree = s_read_object (request->body, &complaint);
    if (!visit->tree)
        return complaint;
    text_t type;
    tree_t *data = json_given_object (visit->tree, "data");
    if (json_member_text (visit->tree, "type", &type) != 1)
        return "type must be a text";
    for (size_t row = 0; row < sizeof s_types / sizeof *s_types; row++)
        if (text_is (type, s_types[row].type))
            return data ? s_types[row].read (visit, data) : "data must be an object";
    return NULL;
}

// ---------------------------------------------------------------------------------------------
//  Google

//  What is in the envelope, decoded. False: there is none.
static bool
s_open_envelope (visit_t *visit, tree_t *tree)
{
    text_t data = json_given_text (json_given_object (tree, "message"), "data");
    buffer_init (&visit->decoded, BASE64_BYTES (data.size) + 1);
    return data.size > 0 && base64_read (&visit->decoded, data) == 0;
}

static webhook_finding_t
s_verify_google (visit_t *visit, const webhook_request_t *request, webhook_keys_t keys,
                 bool may_be_bare)
{
    const char *complaint;
    tree_t *tree = s_read_object (request->body, &complaint);
    if (!tree)
        return (webhook_finding_t){ WEBHOOK_GOOD, complaint };
    text_t token = json_given_text (tree, "clientToken"), secret = json_given_text (tree, "secret");
    webhook_fault_t fault = WEBHOOK_WRONG;
    bool is_enveloped = s_open_envelope (visit, tree);
    if (token.size > 0 && secret.size > 0) {
        //  An echo without a look at the token would let anybody pass for us.
        fault = webhook_keys_have (keys, token) ? WEBHOOK_GOOD : WEBHOOK_WRONG;
        visit->what = VISIT_HANDSHAKE;
        visit->tree = tree;
        visit->echo = secret;
        return (webhook_finding_t){ fault, NULL };
    }
    json_object_put (tree);
    if (!is_enveloped && !may_be_bare)
        return (webhook_finding_t){ WEBHOOK_GOOD, "message.data must be base64" };
    if (is_enveloped)
        fault = webhook_google_verify (keys, buffer_text (&visit->decoded), request->google);
    if (may_be_bare && fault != WEBHOOK_GOOD)
        fault = webhook_google_verify (keys, request->body, request->google);
    return (webhook_finding_t){ fault, NULL };
}

webhook_finding_t
rcs_verify (visit_t *visit, const webhook_request_t *request, webhook_keys_t keys)
{
    return s_verify_google (visit, request, keys, false);
}

webhook_finding_t
business_messages_verify (visit_t *visit, const webhook_request_t *request, webhook_keys_t keys)
{
    return s_verify_google (visit, request, keys, true);
}

//  Words, a choice, or something that was sent: of RCS, and of what is in a message of Business
//  Messages. Empty texts stay so.
static void
s_read_choice (visit_t *visit, tree_t *response)
{
    text_t token = json_given_text (response, "postbackData");
    text_t words = json_given_text (response, "text");
    visit->token = s_is_id (token) ? token : TEXT_EMPTY;
    visit->text = words.size > 0 ? words : token;
}

static void
s_read_location (visit_t *visit, tree_t *location)
{
    tree_t *latitude = NULL, *longitude = NULL;
    char text[80];
    json_object_object_get_ex (location, "latitude", &latitude);
    json_object_object_get_ex (location, "longitude", &longitude);
    int size = snprintf (text, sizeof text, "%.6f, %.6f", json_object_get_double (latitude),
                         json_object_get_double (longitude));
    buffer_init (&visit->lines, sizeof text);
    if (size > 0 && (size_t) size < sizeof text
        && buffer_put (&visit->lines, text, (size_t) size) == 0)
        visit->text = buffer_text (&visit->lines);
}

static bool
s_says_something (const visit_t *visit)
{
    return visit_is_text (visit->text, VISIT_TEXT_MOST, false);
}

static void
s_read_rcs_message (visit_t *visit, tree_t *tree)
{
    tree_t *file = json_given_object (json_given_object (tree, "userFile"), "payload");
    tree_t *location = json_given_object (tree, "location");
    tree_t *response = json_given_object (tree, "suggestionResponse");
    visit->id = json_given_text (tree, "messageId");
    visit->text = json_given_text (tree, "text");
    if (response)
        s_read_choice (visit, response);
    else if (location)
        s_read_location (visit, location);
    else if (file)
        visit_attach (visit, json_given_text (file, "fileUri"), json_given_text (file, "mimeType"));
    visit_name_attachments (visit);
    if (s_is_id (visit->id) && s_says_something (visit))
        visit->what = VISIT_SAYS;
}

static void
s_read_rcs_event (visit_t *visit, tree_t *tree, text_t type)
{
    if (text_is (type, TEXT ("IS_TYPING"))) {
        visit->what = VISIT_TYPING;
        visit->is_on = true;
    } else if (text_is (type, TEXT ("READ"))) {
        visit->mark = json_given_text (tree, "messageId");
        visit->what = s_is_id (visit->mark) ? VISIT_READ : VISIT_NOTHING;
    }
}

const char *
rcs_read (visit_t *visit, const webhook_request_t *request)
{
    (void) request;
    if (visit->what == VISIT_HANDSHAKE)
        return NULL;
    const char *complaint;
    visit->tree = s_read_object (buffer_text (&visit->decoded), &complaint);
    if (!visit->tree)
        return "message.data must be a JSON object";
    text_t type = json_given_text (visit->tree, "eventType");
    visit->external_id = json_given_text (visit->tree, "senderPhoneNumber");
    if (!s_is_id (visit->external_id))
        return NULL; //  of the platform itself, such as a launch
    if (type.size > 0)
        s_read_rcs_event (visit, visit->tree, type);
    else
        s_read_rcs_message (visit, visit->tree);
    return NULL;
}

static void
s_read_receipts (visit_t *visit, tree_t *receipts)
{
    tree_t *all = NULL;
    if (!json_object_object_get_ex (receipts, "receipts", &all)
        || !json_object_is_type (all, json_type_array))
        return;
    for (size_t at = json_object_array_length (all); at > 0 && visit->what == VISIT_NOTHING; at--) {
        tree_t *each = json_object_array_get_idx (all, at - 1);
        text_t name = json_given_text (each, "message");
        const char *slash = name.size ? memrchr (name.data, '/', name.size) : NULL;
        if (!text_is (json_given_text (each, "receiptType"), TEXT ("READ")))
            continue;
        visit->mark = slash ? (text_t){ slash + 1, name.size - (size_t) (slash + 1 - name.data) }
                            : name;
        visit->what = s_is_id (visit->mark) ? VISIT_READ : VISIT_NOTHING;
    }
}

const char *
business_messages_read (visit_t *visit, const webhook_request_t *request)
{
    if (visit->what == VISIT_HANDSHAKE)
        return NULL;
    text_t decoded = buffer_text (&visit->decoded);
    const char *complaint;
    tree_t *tree = s_read_object (decoded.size > 0 ? decoded : request->body, &complaint);
    visit->tree = tree;
    if (!tree)
        return complaint;
    tree_t *message = json_given_object (tree, "message");
    tree_t *status = json_given_object (tree, "userStatus");
    tree_t *response = json_given_object (tree, "suggestionResponse");
    tree_t *receipts = json_given_object (tree, "receipts");
    tree_t *user = json_given_object (json_given_object (tree, "context"), "userInfo");
    text_t name = json_given_text (user, "displayName");
    visit->external_id = json_given_text (tree, "conversationId");
    visit->id = json_given_text (tree, "requestId");
    visit->name = name.size <= DISPLAY_NAME_MAX && utf8_is_showable (name) ? name : TEXT_EMPTY;
    if (!s_is_id (visit->external_id) || !s_is_id (visit->id))
        return NULL;
    if (message || response) {
        visit->text = json_given_text (message, "text");
        if (response)
            s_read_choice (visit, response);
        visit->what = s_says_something (visit) ? VISIT_SAYS : VISIT_NOTHING;
    } else if (status && s_is_true (status, "requestedLiveAgent"))
        visit->what = VISIT_PERSON;
    else if (status && json_object_object_get_ex (status, "isTyping", &message)) {
        visit->what = VISIT_TYPING;
        visit->is_on = json_object_get_boolean (message);
    } else if (receipts)
        s_read_receipts (visit, receipts);
    return NULL;
}
