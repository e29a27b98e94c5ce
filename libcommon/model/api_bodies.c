#include "model/api_bodies.h"

#include "base/utf8.h"
#include "json/json_read.h"
#include "model/offer.h"
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

//  A picture that a page may load.
static bool
s_is_picture (text_t path)
{
    static const char *const begins[] = { "https://", "http://", "/" };
    for (size_t at = 0; at < sizeof begins / sizeof *begins; at++)
        if (path.size > strlen (begins[at])
            && memcmp (path.data, begins[at], strlen (begins[at])) == 0)
            return true;
    return false;
}

//  A platform is called by its topic; a person of it has a name, and perhaps a picture.
static const char *
s_read_platform (api_as_t *self, json_object *as, char room[MESSAGE_COMPLAINT])
{
    const char *complaint = s_take (as, "userId", USER_ID_MAX, false, &self->user, room);
    if (complaint)
        return complaint;
    if (platform_of_topic (self->user).size == 0)
        return "as: a platform has a userId, its topic (platform.NAME)";
    complaint = s_take (as, "name", DISPLAY_NAME_MAX, true, &self->name, room);
    if (!complaint)
        complaint = s_take (as, "avatarPath", AVATAR_MOST, false, &self->avatar, room);
    bool is_good = self->avatar.size == 0 || s_is_picture (self->avatar);
    return complaint ? complaint
           : is_good ? NULL
                     : "as.avatarPath must be a URL of http(s), or a path";
}

static const char *
s_read_as (api_as_t *self, json_object *as, char room[MESSAGE_COMPLAINT])
{
    static const struct {
        const char *name;
        role_t kind;
    } kinds[] = { { "visitor", ROLE_VISITOR }, { "agent", ROLE_AGENT },
                  { "platform", ROLE_PLATFORM }, { "system", ROLE_API } };
    text_t kind;
    const char *complaint = s_check_object (as, "as", " kind userId name avatarPath ", room);
    if (complaint)
        return complaint;
    (void) json_member_text (as, "kind", &kind);
    for (size_t at = 0; at < sizeof kinds / sizeof *kinds; at++)
        if (text_is (kind, text_of (kinds[at].name)))
            self->kind = kinds[at].kind;
    if (!self->kind)
        return "as.kind must be \"visitor\", \"agent\", \"platform\" or \"system\"";
    if (self->kind == ROLE_PLATFORM)
        return s_read_platform (self, as, room);
    if (json_object_object_get_ex (as, "avatarPath", NULL))
        return "as: only a person of a platform has an avatarPath";
    if (self->kind != ROLE_AGENT)
        return json_object_object_length (as) > 1
                   ? "as: only an agent has a userId and a name"
                   : NULL;
    complaint = s_take_user (as, &self->user, room);
    if (!complaint)
        complaint = s_take (as, "name", DISPLAY_NAME_MAX, true, &self->name, room);
    return complaint ? complaint : self->user.size == 0 ? "as: an agent must have a userId" : NULL;
}

//  A platform's worker says which person of it.
static const char *
s_read_own_platform (api_as_t *self, json_object *as, const api_asker_t *asker,
                     char room[MESSAGE_COMPLAINT])
{
    const char *complaint = s_read_as (self, as, room);
    bool is_own = self->kind == ROLE_PLATFORM && text_is (self->user, asker->user);
    return complaint ? complaint : is_own ? NULL : "as: this is not the platform that asks";
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
        if (is_there && asker->kind == ROLE_PLATFORM)
            return s_read_own_platform (self, as, asker, room);
        return is_there ? "Only a server asks in the name of others: as" : NULL;
    }
    return is_there ? s_read_as (self, as, room) : "A server must say in whose name it asks: as";
}

//  Who speaks for a platform, or gives back, is whoever came last.
static const char *
s_check_nameless (const api_as_t *as)
{
    return as->kind == ROLE_PLATFORM && as->name.size + as->avatar.size > 0
               ? "as: a platform has a name only when somebody of it comes (join)"
               : NULL;
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

//  Takes the member out, so that what reads the message need not know of it.
static const char *
s_take_whisper (api_body_t *self, json_object *body, const api_asker_t *asker)
{
    json_object *whisper = NULL;
    if (!json_object_object_get_ex (body, "whisper", &whisper))
        return NULL;
    if (!json_object_is_type (whisper, json_type_boolean))
        return "whisper must be true or false";
    self->is_whisper = json_object_get_boolean (whisper);
    json_object_object_del (body, "whisper");
    bool is_of_agent = self->as.kind == ROLE_AGENT || asker->kind != ROLE_API;
    return self->is_whisper && !is_of_agent ? "Only an agent whispers: as.kind" : NULL;
}

static const char *
s_read_post (api_body_t *self, json_object *body, const api_asker_t *asker,
             char room[MESSAGE_COMPLAINT])
{
    const char *complaint =
        s_check_object (body, "The body", " as messageId text data whisper ", room);
    if (!complaint)
        complaint = s_take_as (&self->as, body, asker, room);
    if (!complaint)
        complaint = s_check_nameless (&self->as);
    if (!complaint)
        complaint = s_take_whisper (self, body, asker);
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
    if (self->is_whisper && self->message.hidden)
        return "A whisper must have words: text, or data.rawQuery";
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

//  People of a platform come with a name, and go; it has control all the time.
static const char *
s_check_person (const api_body_t *self, json_object *body, bool enters)
{
    const api_as_t *as = &self->as;
    if (as->kind != ROLE_PLATFORM)
        return as->avatar.size > 0 ? "as: only a person of a platform has an avatarPath" : NULL;
    if (enters && as->name.size == 0)
        return "as: a person of a platform comes with a name";
    if (!enters && as->name.size + as->avatar.size > 0)
        return "as: whoever goes needs no name";
    return json_object_object_get_ex (body, "control", NULL)
               ? "control is for agents: a platform is asked"
               : NULL;
}

//  Agents, and people of a platform: a visitor comes and goes with its page.
static const char *
s_read_place (api_body_t *self, json_object *body, const api_asker_t *asker, bool enters,
              char room[MESSAGE_COMPLAINT])
{
    json_object *control = NULL;
    const char *names = !enters                        ? " as "
                        : asker->kind == ROLE_PLATFORM ? " as control "
                                                       : " as name control ";
    const char *complaint = s_check_object (body, "The body", names, room);
    if (!complaint)
        complaint = s_take_as (&self->as, body, asker, room);
    if (!complaint && self->as.kind != ROLE_AGENT && self->as.kind != ROLE_PLATFORM
        && asker->kind == ROLE_API)
        complaint = "as.kind must be \"agent\" here, or of a person of a platform \"platform\"";
    if (!complaint)
        complaint = s_check_person (self, body, enters);
    if (!complaint && enters && asker->kind == ROLE_API
        && json_object_object_get_ex (body, "name", NULL))
        complaint = "A server says the agent's name in as.name";
    if (!complaint && enters && asker->kind == ROLE_AGENT)
        complaint = s_take (body, "name", DISPLAY_NAME_MAX, true, &self->as.name, room);
    if (complaint || !json_object_object_get_ex (body, "control", &control))
        return complaint;
    self->takes_control = json_object_is_type (control, json_type_boolean)
                          && json_object_get_boolean (control);
    return json_object_is_type (control, json_type_boolean) ? NULL
                                                            : "control must be true or false";
}

// ---------------------------------------------------------------------------------------------
//  Of an agent

static const char *
s_take_groups (api_agent_t *self, json_object *body)
{
    if (!json_object_object_get_ex (body, "groups", &self->groups))
        return NULL;
    bool is_good = json_object_is_type (self->groups, json_type_array)
                   && json_object_array_length (self->groups) <= PRINCIPAL_GROUPS_MOST;
    for (size_t at = 0; is_good && at < json_object_array_length (self->groups); at++) {
        json_object *group = json_object_array_get_idx (self->groups, at);
        bool is_text = json_object_is_type (group, json_type_string);
        text_t name = { is_text ? json_object_get_string (group) : "",
                        is_text ? (size_t) json_object_get_string_len (group) : 0 };
        is_good = name.size > 0 && name.size <= PRINCIPAL_GROUP_MOST && utf8_is_printable (name);
    }
    return is_good ? NULL : "groups must be an array of 32 strings at most, of 1 to 100 bytes";
}

//  What every reader of JSON has exactly.
#define WHOLE_MOST 9007199254740991

//  A number that is whole, however it is written (7, 7.0): that is what JSON Schema calls an
//  integer. False: it is none, or out of these.
static bool
s_read_whole (json_object *value, int64_t least, int64_t most, int64_t *number)
{
    if (!json_object_is_type (value, json_type_int)
        && !json_object_is_type (value, json_type_double))
        return false;
    double real = json_object_get_double (value);
    //  Compared first: the number of one that is too large is not defined.
    if (!(real >= (double) least && real <= (double) most))
        return false;
    if (json_object_is_type (value, json_type_double) && (double) (int64_t) real != real)
        return false;
    *number = json_object_get_int64 (value);
    return *number >= least && *number <= most;
}

static const char *
s_take_capacity (api_agent_t *self, json_object *body)
{
    json_object *capacity;
    self->has_capacity = json_object_object_get_ex (body, "capacity", &capacity);
    if (!self->has_capacity)
        return NULL;
    int64_t number;
    if (!s_read_whole (capacity, 0, AGENT_CAPACITY_MOST, &number))
        return "capacity must be a whole number from 0 to 1000";
    self->capacity = (uint64_t) number;
    return NULL;
}

static const char *
s_read_agent (api_body_t *self, json_object *body, char room[MESSAGE_COMPLAINT])
{
    static const char *const states[] = { "available", "busy", "away" };
    api_agent_t *agent = &self->agent;
    const char *complaint =
        s_check_object (body, "The body", " state capacity groups name ", room);
    if (!complaint)
        complaint = s_take (body, "name", DISPLAY_NAME_MAX, true, &self->name, room);
    if (!complaint)
        complaint = s_take_capacity (agent, body);
    if (!complaint)
        complaint = s_take_groups (agent, body);
    if (complaint || !json_object_object_get_ex (body, "state", NULL))
        return complaint;
    (void) json_member_text (body, "state", &agent->state);
    for (size_t at = 0; at < sizeof states / sizeof *states; at++)
        if (text_is (agent->state, text_of (states[at])))
            return NULL;
    return "state must be \"available\", \"busy\" or \"away\"";
}

static const char *
s_read_mark (api_body_t *self, json_object *body, const api_asker_t *asker,
             char room[MESSAGE_COMPLAINT])
{
    json_object *seq = NULL;
    const char *complaint = s_check_object (body, "The body", " as seq ", room);
    if (!complaint)
        complaint = s_take_as (&self->as, body, asker, room);
    if (!complaint)
        complaint = s_check_nameless (&self->as);
    if (!complaint && self->as.kind == ROLE_API)
        complaint = "as.kind must be \"visitor\" or \"agent\" here";
    if (complaint)
        return complaint;
    int64_t number = 0;
    bool is_number = json_object_object_get_ex (body, "seq", &seq)
                     && s_read_whole (seq, 1, WHOLE_MOST, &number);
    self->seq = (uint64_t) number;
    return is_number ? NULL : "seq must be a whole number from 1";
}

static const char *
s_read_targets (api_body_t *self, json_object *body)
{
    static const char words[] = "to must be an array of 1 to 8 targets: group:NAME, agent:ID, "
                                "platform:NAME or bot";
    json_object *to = NULL;
    text_t name;
    json_object_object_get_ex (body, "to", &to);
    size_t count = json_object_is_type (to, json_type_array) ? json_object_array_length (to) : 0;
    if (count == 0 || count > OFFER_TARGETS_MOST)
        return words;
    for (size_t at = 0; at < count; at++) {
        json_object *target = json_object_array_get_idx (to, at);
        text_t text = { "", 0 };
        if (json_object_is_type (target, json_type_string))
            text = (text_t){ json_object_get_string (target),
                             (size_t) json_object_get_string_len (target) };
        if (target_of (text, &name) == TARGET_BAD || !utf8_is_printable (text))
            return words;
    }
    self->targets = to;
    return NULL;
}

//  Why a platform gives back a visitor whom it has left without an answer.
static const char *
s_take_reason (api_body_t *self, json_object *body)
{
    if (!json_object_object_get_ex (body, "why", NULL))
        return NULL;
    if (self->as.kind != ROLE_PLATFORM)
        return "why is for a platform that gives back";
    bool is_known = json_member_text (body, "why", &self->why) == 1
                    && (text_is (self->why, TEXT ("nobody"))
                        || text_is (self->why, TEXT ("unreachable")));
    return is_known ? NULL : "why must be \"nobody\" or \"unreachable\"";
}

//  Who takes, passes on or gives back, and the version that the asker saw.
static const char *
s_read_control (api_body_t *self, json_object *body, const api_asker_t *asker,
                api_operation_t operation, char room[MESSAGE_COMPLAINT])
{
    json_object *version = NULL;
    bool offers = operation == API_CONTROL_OFFER;
    bool releases = operation == API_CONTROL_RELEASE;
    bool takes = operation == API_CONTROL_TAKE || operation == API_CONTROL_ACCEPT;
    const char *complaint = s_check_object (body, "The body",
                                            offers     ? " as to why version "
                                            : takes    ? " as name version "
                                            : releases ? " as why version "
                                                       : " as version ",
                                            room);
    //  A server offers and ends what it likes in its own name, too.
    bool may_be_own = offers || releases;
    bool has_as = asker->kind != ROLE_API || !may_be_own
                  || json_object_object_get_ex (body, "as", NULL);
    if (!complaint && has_as)
        complaint = s_take_as (&self->as, body, asker, room);
    if (!complaint)
        complaint = s_check_nameless (&self->as);
    bool is_bad = self->as.kind == ROLE_VISITOR || self->as.kind == ROLE_API
                  || (self->as.kind == ROLE_PLATFORM && !releases);
    if (!complaint && is_bad)
        complaint = "as.kind must be \"agent\" here, or of a platform that gives back \"platform\"";
    if (!complaint && takes && asker->kind != ROLE_API)
        complaint = s_take (body, "name", DISPLAY_NAME_MAX, true, &self->as.name, room);
    if (!complaint && offers)
        complaint = s_take (body, "why", OFFER_WHY_MOST, true, &self->why, room);
    if (!complaint && releases)
        complaint = s_take_reason (self, body);
    if (!complaint && offers)
        complaint = s_read_targets (self, body);
    if (complaint || !json_object_object_get_ex (body, "version", &version))
        return complaint;
    int64_t number;
    bool is_good = s_read_whole (version, 0, WHOLE_MOST, &number);
    self->version = is_good ? (uint64_t) number : SEQ_UNKNOWN;
    return is_good ? NULL : "version must be a whole number that is not negative";
}

const char *
api_body_read (api_body_t *self, api_operation_t operation, json_object *body,
               const api_asker_t *asker, char room[MESSAGE_COMPLAINT])
{
    *self = (api_body_t){ .as = { 0, TEXT_EMPTY, TEXT_EMPTY, TEXT_EMPTY },
                          .session = TEXT_EMPTY,
                          .visitor = TEXT_EMPTY,
                          .name = TEXT_EMPTY,
                          .agent = { .state = TEXT_EMPTY },
                          .info = TEXT_EMPTY,
                          .version = SEQ_UNKNOWN,
                          .why = TEXT_EMPTY,
                          .message = { .message_id = TEXT_EMPTY,
                                       .data = TEXT_EMPTY,
                                       .secret = TEXT_EMPTY } };
    switch (operation) {
    case API_MESSAGE_POST:
        return s_read_post (self, body, asker, room);
    case API_AGENT_SET:
        return s_read_agent (self, body, room);
    case API_SESSION_CREATE:
        return s_read_open (self, body, asker, room);
    case API_SESSION_ENTER:
    case API_SESSION_EXIT:
        return s_read_place (self, body, asker, operation == API_SESSION_ENTER, room);
    case API_SESSION_READ_MARK:
        return s_read_mark (self, body, asker, room);
    case API_CONTROL_TAKE:
    case API_CONTROL_RELEASE:
    case API_CONTROL_OFFER:
    case API_CONTROL_ACCEPT:
    case API_CONTROL_DECLINE:
        return s_read_control (self, body, asker, operation, room);
    case API_SESSION_CLOSE:
    case API_SESSION_REOPEN:
        return s_check_object (body, "The body", " ", room);
    default:
        return NULL; //  of others
    }
}

permission_t
api_body_permission (const api_body_t *self, const api_row_t *row, role_t kind)
{
    bool is_of_other = row->operation == API_CONTROL_RELEASE && kind == ROLE_API && self->as.kind;
    return self->is_whisper ? PERMIT_SESSION_WHISPER
           : is_of_other    ? PERMIT_SESSION_ATTEND
                            : api_permission (row, kind);
}
