//  api_bodies — what each POST of the API may say, who may say it, and what each bad body is
//  refused with. message_test has messages.

#include "model/api_bodies.h"

#include "json/json_read.h"
#include "model/offer.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <json-c/json.h>
#include <stdio.h>

typedef struct {
    //  'p' MESSAGE_POST, 'o' SESSION_CREATE, 'e' ENTER, 'x' EXIT, 'r' READ_MARK, 'f' OFFER,
    //  'b' RELEASE, 'd' DECLINE, 'c' CLOSE
    char operation;
    char asker;      //  'v' visitor, 'a' agent, 's' server; upper case: with the key "k"
    char body[220];
    char said[160]; //  what it means, or how the complaint begins
} body_case_t;

#define ID "\"messageId\":\"1\""
#define HI ID ",\"text\":\"hi\""
#define TO "\"to\":[\"bot\"]"
#define AS(inside) "\"as\":{" inside "}"
#define X "\"kind\":\"platform\",\"userId\":\"platform.x\""

ParameterizedTestParameters (api_bodies, cases)
{
    static body_case_t cases[] = {
        { 'p', 'v', "{" HI "}", "of visitor u, message 1, of the visitor" },
        { 'p', 'a', "{" HI "}", "of agent u, message 1" },
        { 'p', 'V', "{\"text\":\"hi\"}", "of visitor u, message , of the visitor" },
        { 'p', 'v', "{\"text\":\"hi\"}", "There must be a messageId, or an Idempotency-Key" },
        { 'p', 'V', "{" HI "}", "messageId and Idempotency-Key must be the same" },
        { 'p', 'V', "{\"messageId\":\"k\",\"text\":\"hi\"}",
          "of visitor u, message k, of the visitor" },
        { 'p', 'v', "{" HI "," AS ("\"kind\":\"visitor\"") "}", "Only a server asks in the name" },
        { 'p', 's', "{" HI "}", "A server must say in whose name it asks: as" },
        { 'p', 's', "{" HI "," AS ("\"kind\":\"visitor\"") "}",
          "of visitor , message 1, of the visitor" },
        { 'p', 's', "{" HI "," AS ("\"kind\":\"agent\",\"userId\":\"a\",\"name\":\"Anna\"") "}",
          "of agent a Anna, message 1" },
        { 'p', 's', "{" HI "," AS ("\"kind\":\"system\"") "}", "of api , message 1" },
        { 'p', 's', "{" ID ",\"data\":{}," AS ("\"kind\":\"system\"") "}", "What is said as" },
        { 'p', 's', "{\"messageId\":\":a\",\"text\":\"hi\"," AS ("\"kind\":\"system\"") "}",
          "messageId must not begin" },
        { 'p', 's', "{" HI "," AS ("\"kind\":\"agent\"") "}", "as: an agent must have a userId" },
        { 'p', 's', "{" HI "," AS ("\"kind\":\"system\",\"userId\":\"a\"") "}",
          "as: only an agent has" },
        { 'p', 's', "{" HI "," AS ("\"kind\":\"router\"") "}", "as.kind must be" },
        { 'p', 's', "{" HI "," AS ("\"kind\":\"agent\",\"userId\":\"aRouter\"") "}",
          "userId must not end" },
        { 'p', 's', "{" HI "," AS ("\"kind\":\"agent\",\"userId\":\"a\\u0001\"") "}",
          "userId must be" },
        { 'p', 's', "{" HI "," AS ("\"kind\":\"agent\",\"userId\":7") "}", "userId must be" },
        { 'p', 's', "{" HI "," AS ("\"kin\":\"agent\"") "}", "as has a member that is not known" },
        { 'p', 's', "{" HI ",\"as\":\"agent\"}", "as must be a JSON object" },
        { 'p', 's', "{" HI ",\"as\":null}", "as must be a JSON object" },
        { 'p', 's', "[]", "The body must be a JSON object" },
        { 'p', 'a', "{" HI ",\"whisper\":true}", "of agent u, message 1, a whisper" },
        { 'p', 'a', "{" ID ",\"data\":{\"rawQuery\":\"hi\"},\"whisper\":true}",
          "of agent u, message 1, a whisper" },
        { 'p', 'a', "{" HI ",\"whisper\":false}", "of agent u, message 1" },
        { 'p', 'a', "{" HI ",\"whisper\":\"true\"}", "whisper must be true or false" },
        { 'p', 'a', "{" HI ",\"whisper\":null}", "whisper must be true or false" },
        { 'p', 'a', "{" ID ",\"data\":{},\"whisper\":true}", "A whisper must have words" },
        { 'p', 'v', "{" HI ",\"whisper\":true}",
          "of visitor u, message 1, of the visitor, a whisper" },
        { 'p', 's',
          "{" HI ",\"whisper\":true," AS ("\"kind\":\"agent\",\"userId\":\"a\"") "}",
          "of agent a, message 1, a whisper" },
        { 'p', 's', "{" HI ",\"whisper\":true," AS ("\"kind\":\"visitor\"") "}",
          "Only an agent whispers: as.kind" },
        { 'p', 's', "{" HI ",\"whisper\":true," AS ("\"kind\":\"system\"") "}",
          "Only an agent whispers: as.kind" },
        { 'o', 's', "{\"visitor\":{\"userId\":\"v\"}}", "session s, visitor v " },
        { 'o', 's',
          "{\"sessionId\":\"t\",\"visitor\":{\"userId\":\"v\",\"name\":\"Vic\"},"
          "\"info\":{\"page\":\"x\"},\"message\":{\"text\":\"hi\"}}",
          "session t, visitor v Vic, info {\"page\":\"x\"}, message , of the visitor" },
        { 'o', 's', "{}", "visitor must be an object with a userId" },
        { 'o', 's', "{\"visitor\":{}}", "visitor must be an object with a userId" },
        { 'o', 's', "{\"visitor\":7}", "visitor must be a JSON object" },
        { 'o', 's', "{\"sessionId\":\"\",\"visitor\":{\"userId\":\"v\"}}", "sessionId must be" },
        { 'o', 's', "{\"visitor\":{\"userId\":\"v\"},\"info\":[]}", "info must be an object" },
        { 'o', 's', "{\"visitor\":{\"userId\":\"v\"},\"message\":{}}",
          "The body must have either" },
        { 'o', 's', "{\"visitor\":{\"userId\":\"v\"},\"message\":{\"as\":{}}}",
          "message has a member" },
        { 'o', 's', "{\"visitor\":{\"userId\":\"v\"},\"control\":true}", "The body has a member" },
        { 'o', 'v', "{}", "session s, visitor u " },
        { 'o', 'v', "{\"visitor\":{\"userId\":\"u\",\"name\":\"Me\"}}", "session s, visitor u Me" },
        { 'o', 'v', "{\"visitor\":{\"userId\":\"w\"}}", "A visitor opens sessions of its own" },
        { 'o', 'v', "{\"info\":{\"page\":\"x\"}}", "Only a server says what is known" },
        { 'e', 'a', "{}", "of agent u" },
        { 'e', 'a', "{\"name\":\"Anna\",\"control\":true}", "of agent u Anna, takes control" },
        { 'e', 'a', "{\"control\":1}", "control must be true or false" },
        { 'e', 'a', "{" AS ("\"kind\":\"agent\",\"userId\":\"a\"") "}", "Only a server asks" },
        { 'e', 's', "{" AS ("\"kind\":\"agent\",\"userId\":\"a\"") "}", "of agent a" },
        { 'e', 's', "{" AS ("\"kind\":\"visitor\"") "}", "as.kind must be \"agent\" here" },
        { 'e', 's', "{\"name\":\"A\"," AS ("\"kind\":\"agent\",\"userId\":\"a\"") "}",
          "A server says the agent's name in as.name" },
        { 'p', 's', "{\"text\":\"x\",\"messageId\":\"m\"," AS ("\"kind\":\"platform\","
          "\"userId\":\"platform.a/../b\"") "}", "as: a platform has a userId, its topic" },
        { 'e', 's', "{" AS (X ",\"name\":\"Ann\"") "}", "of platform platform.x Ann" },
        { 'e', 's', "{" AS (X ",\"name\":\"Ann\",\"avatarPath\":\"https://x/a\"") "}",
          "of platform platform.x Ann, https://x/a" },
        { 'e', 's', "{" AS (X ",\"name\":\"Ann\",\"avatarPath\":\"/a.png\"") "}",
          "of platform platform.x Ann, /a.png" },
        { 'e', 's', "{" AS (X ",\"name\":\"Ann\",\"avatarPath\":\"javascript:1\"") "}",
          "as.avatarPath must be" },
        { 'e', 's', "{" AS (X ",\"name\":\"Ann\",\"avatarPath\":\"https://\"") "}",
          "as.avatarPath must be" },
        { 'e', 's', "{" AS (X ",\"name\":\"Ann\",\"avatarPath\":7") "}", "avatarPath must be" },
        { 'e', 's', "{" AS (X) "}", "as: a person of a platform comes with a name" },
        { 'e', 's', "{" AS (X ",\"name\":\"\"") "}", "name must be a string" },
        { 'e', 's', "{\"control\":true," AS (X ",\"name\":\"Ann\"") "}", "control is for agents" },
        { 'e', 's', "{" AS ("\"kind\":\"agent\",\"userId\":\"a\",\"avatarPath\":\"/a\"") "}",
          "as: only a person of a platform" },
        { 'x', 's', "{" AS (X) "}", "of platform platform.x" },
        { 'x', 's', "{" AS (X ",\"name\":\"Ann\"") "}", "as: whoever goes needs no name" },
        { 'p', 's', "{" HI "," AS (X) "}", "of platform platform.x, message 1" },
        { 'p', 's', "{" HI "," AS (X ",\"name\":\"Ann\"") "}", "as: a platform has a name only" },
        //  A platform's worker.
        { 'e', 'l', "{" AS (X ",\"name\":\"Ann\"") "}", "of platform platform.x Ann" },
        { 'e', 'l', "{}", "as: a person of a platform comes with a name" },
        { 'e', 'l', "{\"name\":\"Ann\"," AS (X ",\"name\":\"Ann\"") "}", "The body has a member" },
        { 'x', 'l', "{}", "of platform platform.x" },
        { 'x', 'l', "{" AS ("\"kind\":\"platform\",\"userId\":\"platform.y\"") "}",
          "as: this is not the platform that asks" },
        { 'x', 'l', "{" AS ("\"kind\":\"agent\",\"userId\":\"a\"") "}",
          "as: this is not the platform that asks" },
        { 'f', 's', "{\"to\":[\"platform:a b/../c\"]}", "to must be an array" },
        { 'f', 's', "{\"to\":[\"bot\",\"platform:Genesys\"]}", "to must be an array" },
        { 'x', 'a', "{}", "of agent u" },
        { 'r', 'v', "{\"seq\":7}", "of visitor u, read 7" },
        { 'r', 's', "{\"seq\":7," AS ("\"kind\":\"visitor\"") "}", "of visitor , read 7" },
        { 'r', 's', "{\"seq\":7," AS ("\"kind\":\"system\"") "}", "as.kind must be" },
        { 'r', 's', "{\"seq\":7}", "A server must say" },
        { 'r', 'a', "{}", "seq must be" },
        { 'r', 'a', "{\"seq\":0}", "seq must be" },
        { 'r', 'a', "{\"seq\":1.5}", "seq must be" },
        { 'r', 'v', "{\"seq\":7.0}", "of visitor u, read 7" },
        { 'r', 'a', "{\"seq\":9007199254740992}", "seq must be" },
        { 'r', 'a', "{\"seq\":1e300}", "seq must be" },
        { 'r', 'a', "{\"seq\":\"7\"}", "seq must be" },
        { 'r', 'a', "{\"seq\":7,\"sequence\":7}", "The body has a member" },
        { 'x', 'a', "{\"control\":true}", "The body has a member that is not known: \"control\"" },
        { 'x', 's', "{}", "A server must say" },
        { 'f', 's', "{" TO "}", "" },
        { 'f', 's', "{" TO "," AS ("\"kind\":\"agent\",\"userId\":\"a\"") "}", "of agent a" },
        { 'f', 's', "{" TO "," AS ("\"kind\":\"visitor\"") "}", "as.kind must be \"agent\"" },
        { 'f', 's', "{" TO "," AS ("\"kind\":\"system\"") "}", "as.kind must be \"agent\"" },
        { 'f', 's', "{" TO "," AS ("\"kind\":\"platform\",\"userId\":\"platform.x\"") "}",
          "as.kind must be \"agent\"" },
        { 'f', 's', "[]", "The body must be a JSON object" },
        { 'f', 'a', "{" TO "}", "of agent u" },
        { 'f', 'a', "{}", "to must be" },
        { 'b', 's', "{}", "" },
        { 'b', 's', "{\"why\":\"nobody\"," AS (X) "}", "of platform platform.x, as nobody" },
        { 'b', 'l', "{\"why\":\"unreachable\"}", "of platform platform.x, as unreachable" },
        { 'b', 'l', "{}", "of platform platform.x" },
        { 'b', 'l', "{\"why\":\"else\"}", "why must be \"nobody\" or" },
        { 'b', 'l', "{\"why\":7}", "why must be \"nobody\" or" },
        { 'b', 'l', "{\"why\":null}", "why must be \"nobody\" or" },
        { 'b', 'a', "{\"why\":\"nobody\"}", "why is for a platform" },
        { 'b', 's', "{\"why\":\"nobody\"}", "why is for a platform" },
        { 'b', 's', "{\"why\":\"nobody\"," AS ("\"kind\":\"agent\",\"userId\":\"a\"") "}",
          "why is for a platform" },
        { 'd', 'a', "{\"why\":\"nobody\"}", "The body has a member that is not known: \"why\"" },
        { 'c', 'a', "{}", "" },
        { 'c', 's', "{\" \":1}", "The body has a member that is not known: \" \"" },
        { 'c', 's', "{\"why\":\"x\"}", "The body has a member that is not known: \"why\"" },
    };
    return cr_make_param_array (body_case_t, cases, sizeof cases / sizeof *cases);
}

static void
s_describe (const api_body_t *body, char said[300])
{
    int size = 0;
    *said = 0;
    if (body->as.kind)
        size = snprintf (said, 300, "of %s %.*s%s%.*s", role_name (body->as.kind),
                         TEXT_ARGS (body->as.user), body->as.name.size ? " " : "",
                         TEXT_ARGS (body->as.name));
    if (body->as.avatar.size > 0)
        size += snprintf (said + size, 300 - (size_t) size, ", %.*s",
                          TEXT_ARGS (body->as.avatar));
    if (body->session.size > 0)
        size += snprintf (said + size, 300 - (size_t) size, "session %.*s, visitor %.*s %.*s",
                          TEXT_ARGS (body->session), TEXT_ARGS (body->visitor),
                          TEXT_ARGS (body->name));
    if (body->info.size > 0)
        size += snprintf (said + size, 300 - (size_t) size, ", info %.*s", TEXT_ARGS (body->info));
    if (body->has_message)
        size += snprintf (said + size, 300 - (size_t) size, ", message %.*s",
                          TEXT_ARGS (body->message.message_id));
    if (body->why.size > 0)
        size += snprintf (said + size, 300 - (size_t) size, ", as %.*s", TEXT_ARGS (body->why));
    if (body->seq > 0)
        size += snprintf (said + size, 300 - (size_t) size, ", read %u", (unsigned) body->seq);
    snprintf (said + size, 300 - (size_t) size, "%s%s%s",
              body->is_of_visitor ? ", of the visitor" : "",
              body->takes_control ? ", takes control" : "", body->is_whisper ? ", a whisper" : "");
}

ParameterizedTest (body_case_t *row, api_bodies, cases)
{
    api_operation_t operation = row->operation == 'p'   ? API_MESSAGE_POST
                                : row->operation == 'o' ? API_SESSION_CREATE
                                : row->operation == 'e' ? API_SESSION_ENTER
                                : row->operation == 'x' ? API_SESSION_EXIT
                                : row->operation == 'r' ? API_SESSION_READ_MARK
                                : row->operation == 'f' ? API_CONTROL_OFFER
                                : row->operation == 'b' ? API_CONTROL_RELEASE
                                : row->operation == 'd' ? API_CONTROL_DECLINE
                                                        : API_SESSION_CLOSE;
    char asker = (char) (row->asker | 0x20);
    json_reading_t reading;
    json_object *tree = json_read (
        text_of (row->body), &(json_limits_t){ .depth_most = 32, .values_most = 100 }, &reading);
    cr_assert (tree, "%s", row->body);
    api_body_t body;
    char room[MESSAGE_COMPLAINT], said[300];
    const char *complaint = api_body_read (
        &body, operation, tree,
        &(api_asker_t){ .kind = asker == 'v'   ? ROLE_VISITOR
                                : asker == 'a' ? ROLE_AGENT
                                : asker == 'l' ? ROLE_PLATFORM
                                               : ROLE_API,
                        .user = asker == 'l' ? TEXT ("platform.x") : TEXT ("u"),
                        .session = operation == API_SESSION_CREATE ? TEXT ("s") : TEXT ("s"),
                        .key = asker == row->asker ? TEXT_EMPTY : TEXT ("k") },
        room);
    if (complaint)
        snprintf (said, sizeof said, "%.*s", (int) strlen (row->said), complaint);
    else
        s_describe (&body, said);
    cr_expect_str_eq (said, row->said, "%c %c %s: %s", row->operation, row->asker, row->body,
                      complaint ? complaint : said);
    json_object_put (tree);
}

//  What the app says is an answer as a bot gives it.
Test (api_bodies, of_the_system)
{
    json_object *tree =
        json_tokener_parse ("{\"text\":\"wait\",\"messageId\":\"1\",\"as\":{\"kind\":\"system\"}}");
    api_body_t body;
    char room[MESSAGE_COMPLAINT];
    api_asker_t asker = { ROLE_API, TEXT ("u"), TEXT ("s"), TEXT_EMPTY };
    cr_assert_null (api_body_read (&body, API_MESSAGE_POST, tree, &asker, room));
    cr_assert (text_is (body.message.data, TEXT ("{\"outputSpeech\":{\"displayText\":\"wait\"}}")),
               "%.*s", TEXT_ARGS (body.message.data));
    cr_assert_not (body.message.hidden);
    json_object_put (tree);
}

//  No body at all is read as one that says nothing, at the edge; a postoffice that gets none
//  refuses it.
Test (api_bodies, without_one)
{
    api_body_t body;
    char room[MESSAGE_COMPLAINT];
    api_asker_t asker = { ROLE_AGENT, TEXT ("u"), TEXT ("s"), TEXT_EMPTY };
    cr_assert_not_null (api_body_read (&body, API_SESSION_CLOSE, NULL, &asker, room));
    cr_assert_not_null (api_body_read (&body, API_MESSAGE_POST, NULL, &asker, room));
}

//  What is needed for a body is not what is needed for another one of the same operation.
Test (api_bodies, what_must_be_permitted)
{
    const api_row_t *row = api_row (API_MESSAGE_POST);
    for (role_t kind = ROLE_VISITOR; kind <= ROLE_API; kind++) {
        api_body_t body = { .is_whisper = false };
        permission_t permission = api_body_permission (&body, row, kind);
        cr_expect_eq (permission, kind == ROLE_API ? PERMIT_MESSAGE_POST_AS : PERMIT_MESSAGE_POST);
        body.is_whisper = true;
        cr_expect_eq (api_body_permission (&body, row, kind), PERMIT_SESSION_WHISPER);
        cr_expect_eq (api_door_permissions (row, kind),
                      PERMISSION_BIT (permission) | PERMISSION_BIT (PERMIT_SESSION_WHISPER));
    }
    //  A server gives a visitor back in its own name, or in that of an agent.
    row = api_row (API_CONTROL_RELEASE);
    api_body_t own = { .seq = 0 }, of_agent = { .as = { .kind = ROLE_AGENT } };
    cr_expect_eq (api_body_permission (&own, row, ROLE_API), PERMIT_CONTROL_RELEASE);
    cr_expect_eq (api_body_permission (&of_agent, row, ROLE_API), PERMIT_SESSION_ATTEND);
    cr_expect_eq (api_body_permission (&of_agent, row, ROLE_AGENT), PERMIT_CONTROL_RELEASE);
    cr_expect_eq (api_door_permissions (row, ROLE_API),
                  PERMISSION_BIT (PERMIT_CONTROL_RELEASE) | PERMISSION_BIT (PERMIT_SESSION_ATTEND));
    cr_expect_eq (api_body_permission (&of_agent, api_row (API_CONTROL_DECLINE), ROLE_API),
                  PERMIT_SESSION_ATTEND);
    cr_expect_eq (api_door_permissions (api_row (API_SESSION_GET), ROLE_AGENT),
                  PERMISSION_BIT (PERMIT_SESSION_READ));
}

Test (api_bodies, a_target_and_its_name)
{
    static const struct {
        const char *target;
        target_kind_t kind;
        const char *name;
    } rows[] = { { "bot", TARGET_BOT, "" },
                 { "group:front desk", TARGET_GROUP, "front desk" },
                 { "agent:anna", TARGET_AGENT, "anna" },
                 { "platform:genesys-2", TARGET_PLATFORM, "genesys-2" },
                 { "platform:Genesys", TARGET_BAD, NULL },
                 { "platform:a.b", TARGET_BAD, NULL },
                 { "platform:", TARGET_BAD, NULL },
                 { "group:", TARGET_BAD, NULL },
                 { "sales", TARGET_BAD, NULL } };
    char longest[] = "platform:12345678901234567890123456789012345678901234567890x";
    text_t name;
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        cr_expect_eq (target_of (text_of (rows[at].target), &name), rows[at].kind, "%s",
                      rows[at].target);
        if (rows[at].name)
            cr_expect (text_is (name, text_of (rows[at].name)), "%s", rows[at].target);
    }
    cr_expect_eq (target_of (text_of (longest), &name), TARGET_BAD);
    longest[sizeof longest - 2] = 0;
    cr_expect_eq (target_of (text_of (longest), &name), TARGET_PLATFORM);
}
