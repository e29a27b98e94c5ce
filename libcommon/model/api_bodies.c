#include "model/api_bodies.h"

#include "base/utf8.h"
#include "json/json_read.h"
#include "model/visitor_info.h"

#include <json-c/json.h>
#include <stdio.h>

#define NAME_SHOWN 60 //  bytes of a member's name that a complaint has

//  The first member that is none of these, names with blanks between and around them; NULL: none.
static const char *
s_stranger (json_object *object, const char *names)
{
    json_object_object_foreach (object, name, value)
    {
        (void) value;
        const char *found = *name && !strchr (name, ' ') ? strstr (names, name) : NULL;
        size_t size = strlen (name);
        while (found && (found[-1] != ' ' || found[size] != ' '))
            found = strstr (found + 1, name);
        if (!found)
            return name;
    }
    return NULL;
}

//  An object with no other members than these.
static const char *
s_check_object (json_object *object, const char *what, const char *names,
                char room[MESSAGE_COMPLAINT])
{
    if (!json_object_is_type (object, json_type_object)) {
        snprintf (room, MESSAGE_COMPLAINT, "%s must be a JSON object", what);
        return room;
    }
    const char *stranger = s_stranger (object, names);
    if (!stranger)
        return NULL;
    snprintf (room, MESSAGE_COMPLAINT, "%s has a member that is not known: \"%.*s\"", what,
              TEXT_ARGS (utf8_cut (text_of (stranger), NAME_SHOWN)));
    return room;
}

//  A text of 1 to `most` bytes that can be shown, or at least has no control characters. An absent
//  one is empty.
static const char *
s_take (json_object *object, const char *name, size_t most, bool is_shown, text_t *to,
        char room[MESSAGE_COMPLAINT])
{
    bool is_there = json_object_object_get_ex (object, name, NULL);
    int found = json_member_text (object, name, to);
    bool is_good = found == 1 && to->size > 0 && to->size <= most
                   && (is_shown ? utf8_is_showable (*to) : utf8_is_printable (*to));
    if (!is_there || is_good)
        return NULL;
    snprintf (room, MESSAGE_COMPLAINT,
              "%s must be a string of 1 to %zu bytes without control characters", name, most);
    return room;
}

//  Such ids are hidden from widgets (client_url.h).
static bool
s_is_router (text_t user)
{
    static const char hidden[] = "router";
    size_t size = sizeof hidden - 1;
    if (user.size < size)
        return false;
    for (size_t at = 0; at < size; at++)
        if ((user.data[user.size - size + at] | 0x20) != hidden[at])
            return false;
    return true;
}

static const char *
s_take_user (json_object *object, text_t *to, char room[MESSAGE_COMPLAINT])
{
    const char *complaint = s_take (object, "userId", USER_ID_MAX, false, to, room);
    if (complaint)
        return complaint;
    return s_is_router (*to) ? "userId must not end in \"router\"" : NULL;
}

// ---------------------------------------------------------------------------------------------
//  In whose name

static const char *
s_read_as (api_as_t *self, json_object *as, char room[MESSAGE_COMPLAINT])
{
    static const struct {
        const char *name;
        role_t kind;
    } kinds[] = { { "visitor", ROLE_VISITOR }, { "agent", ROLE_AGENT }, { "system", ROLE_API } };
    text_t kind;
    const char *complaint = s_check_object (as, "as", " kind userId name ", room);
    if (complaint)
        return complaint;
    (void) json_member_text (as, "kind", &kind);
    for (size_t at = 0; at < sizeof kinds / sizeof *kinds; at++)
        if (text_is (kind, text_of (kinds[at].name)))
            self->kind = kinds[at].kind;
    if (!self->kind)
        return "as.kind must be \"visitor\", \"agent\" or \"system\"";
    if (self->kind != ROLE_AGENT)
        return json_object_object_length (as) > 1
                   ? "as: only an agent has a userId and a name"
                   : NULL;
    complaint = s_take_user (as, &self->user, room);
    if (!complaint)
        complaint = s_take (as, "name", DISPLAY_NAME_MAX, true, &self->name, room);
    return complaint ? complaint : self->user.size == 0 ? "as: an agent must have a userId" : NULL;
}

//  A server says in whose name it asks; everybody else asks in the own one.
static const char *
s_take_as (api_as_t *self, json_object *body, const api_asker_t *asker,
           char room[MESSAGE_COMPLAINT])
{
    json_object *as = NULL;
    bool is_there = json_object_object_get_ex (body, "as", &as);
    if (asker->kind != ROLE_API) {
        self->kind = asker->kind;
        self->user = asker->user;
        return is_there ? "Only a server asks in the name of others: as" : NULL;
    }
    return is_there ? s_read_as (self, as, room) : "A server must say in whose name it asks: as";
}

// ---------------------------------------------------------------------------------------------
//  The bodies

//  What the app itself says is shown as an answer of its bot.
static const char *
s_read_system (message_t *self, json_object *body, char room[MESSAGE_COMPLAINT])
{
    json_object *text = NULL;
    if (json_object_object_get_ex (body, "data", NULL)
        || !json_object_object_get_ex (body, "text", &text)
        || !json_object_is_type (text, json_type_string)
        || json_object_get_string_len (text) == 0)
        return "What is said as the system must have a text that is not empty, and no data";
    json_object *data = json_object_new_object (), *speech = json_object_new_object ();
    json_object_object_add (speech, "displayText", json_object_get (text));
    json_object_object_add (data, "outputSpeech", speech);
    json_object_object_del (body, "text");
    json_object_object_add (body, "data", data);
    const char *complaint = s_take (body, "messageId", MESSAGE_ID_MAX, false, &self->message_id,
                                    room);
    self->data = json_print (data);
    self->text_size = self->data.size;
    return complaint             ? complaint
           : message_id_is_reserved (self->message_id) ? "messageId must not begin with a colon"
                                                       : NULL;
}

static const char *
s_read_post (api_body_t *self, json_object *body, const api_asker_t *asker,
             char room[MESSAGE_COMPLAINT])
{
    const char *complaint =
        s_check_object (body, "The body", " as messageId text data ", room);
    if (!complaint)
        complaint = s_take_as (&self->as, body, asker, room);
    if (complaint)
        return complaint;
    self->has_message = true;
    self->is_of_visitor = self->as.kind == ROLE_VISITOR;
    complaint = self->as.kind == ROLE_API
                    ? s_read_system (&self->message, body, room)
                    : message_read_body (&self->message, body, asker->session, self->as.user,
                                         room);
    text_t id = self->message.message_id;
    if (complaint)
        return complaint;
    if (id.size == 0 && asker->key.size == 0)
        return "There must be a messageId, or an Idempotency-Key";
    return id.size > 0 && asker->key.size > 0 && !text_is (id, asker->key)
               ? "messageId and Idempotency-Key must be the same, or one of them absent"
               : NULL;
}

static const char *
s_read_visitor (api_body_t *self, json_object *body, const api_asker_t *asker,
                char room[MESSAGE_COMPLAINT])
{
    json_object *visitor = NULL;
    const char *complaint = NULL;
    if (json_object_object_get_ex (body, "visitor", &visitor)) {
        complaint = s_check_object (visitor, "visitor", " userId name ", room);
        if (!complaint)
            complaint = s_take_user (visitor, &self->visitor, room);
        if (!complaint)
            complaint = s_take (visitor, "name", DISPLAY_NAME_MAX, true, &self->name, room);
    }
    if (complaint || asker->kind != ROLE_VISITOR)
        return complaint                 ? complaint
               : self->visitor.size == 0 ? "visitor must be an object with a userId"
                                         : NULL;
    bool is_other = self->visitor.size > 0 && !text_is (self->visitor, asker->user);
    self->visitor = asker->user;
    return is_other ? "A visitor opens sessions of its own only: visitor.userId" : NULL;
}

static const char *
s_read_info (api_body_t *self, json_object *body, const api_asker_t *asker)
{
    json_object *info = NULL;
    if (!json_object_object_get_ex (body, "info", &info))
        return NULL;
    if (asker->kind == ROLE_VISITOR)
        return "Only a server says what is known of a visitor: info";
    if (!json_object_is_type (info, json_type_object))
        return "info must be an object";
    if (json_object_object_length (info) == 0)
        return NULL;
    self->info = visitor_info_of (json_print (info));
    return self->info.size == 0 ? "info must have at most 2048 bytes and 7 levels" : NULL;
}

static const char *
s_read_open (api_body_t *self, json_object *body, const api_asker_t *asker,
             char room[MESSAGE_COMPLAINT])
{
    json_object *message = NULL;
    const char *complaint =
        s_check_object (body, "The body", " sessionId visitor info message ", room);
    if (!complaint)
        complaint = s_take (body, "sessionId", SESSION_ID_MAX, false, &self->session, room);
    if (!complaint)
        complaint = s_read_visitor (self, body, asker, room);
    if (!complaint)
        complaint = s_read_info (self, body, asker);
    if (self->session.size == 0)
        self->session = asker->session;
    if (complaint || !json_object_object_get_ex (body, "message", &message))
        return complaint;
    complaint = s_check_object (message, "message", " messageId text data ", room);
    self->has_message = self->is_of_visitor = true;
    return complaint ? complaint
                     : message_read_body (&self->message, message, self->session, self->visitor,
                                          room);
}

//  Agents only: a visitor comes and goes with its page.
static const char *
s_read_place (api_body_t *self, json_object *body, const api_asker_t *asker, bool enters,
              char room[MESSAGE_COMPLAINT])
{
    json_object *control = NULL;
    const char *complaint =
        s_check_object (body, "The body", enters ? " as name control " : " as ", room);
    if (!complaint)
        complaint = s_take_as (&self->as, body, asker, room);
    if (!complaint && self->as.kind != ROLE_AGENT && asker->kind == ROLE_API)
        complaint = "as.kind must be \"agent\" here";
    if (!complaint && enters && asker->kind == ROLE_API
        && json_object_object_get_ex (body, "name", NULL))
        complaint = "A server says the agent's name in as.name";
    if (!complaint && enters && asker->kind != ROLE_API)
        complaint = s_take (body, "name", DISPLAY_NAME_MAX, true, &self->as.name, room);
    if (complaint || !json_object_object_get_ex (body, "control", &control))
        return complaint;
    self->takes_control = json_object_is_type (control, json_type_boolean)
                          && json_object_get_boolean (control);
    return json_object_is_type (control, json_type_boolean) ? NULL
                                                            : "control must be true or false";
}

const char *
api_body_read (api_body_t *self, api_operation_t operation, json_object *body,
               const api_asker_t *asker, char room[MESSAGE_COMPLAINT])
{
    *self = (api_body_t){ .as = { 0, TEXT_EMPTY, TEXT_EMPTY },
                          .session = TEXT_EMPTY,
                          .visitor = TEXT_EMPTY,
                          .name = TEXT_EMPTY,
                          .info = TEXT_EMPTY,
                          .message = { .message_id = TEXT_EMPTY,
                                       .data = TEXT_EMPTY,
                                       .secret = TEXT_EMPTY } };
    switch (operation) {
    case API_MESSAGE_POST:
        return s_read_post (self, body, asker, room);
    case API_SESSION_CREATE:
        return s_read_open (self, body, asker, room);
    case API_SESSION_ENTER:
    case API_SESSION_EXIT:
        return s_read_place (self, body, asker, operation == API_SESSION_ENTER, room);
    case API_SESSION_CLOSE:
    case API_SESSION_REOPEN:
        return s_check_object (body, "The body", " ", room);
    default:
        return NULL; //  of others
    }
}
