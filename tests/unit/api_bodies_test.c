//  api_bodies — what each POST of the API may say, who may say it, and what each bad body is
//  refused with. message_test has messages.

#include "model/api_bodies.h"

#include "json/json_read.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <json-c/json.h>
#include <stdio.h>

typedef struct {
    char operation;  //  'p' MESSAGE_POST, 'o' SESSION_CREATE, 'e' ENTER, 'x' EXIT, 'c' CLOSE
    char asker;      //  'v' visitor, 'a' agent, 's' server; upper case: with the key "k"
    char body[220];
    char said[160]; //  what it means, or how the complaint begins
} body_case_t;

#define ID "\"messageId\":\"1\""
#define HI ID ",\"text\":\"hi\""
#define AS(inside) "\"as\":{" inside "}"

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
        { 'x', 'a', "{}", "of agent u" },
        { 'x', 'a', "{\"control\":true}", "The body has a member that is not known: \"control\"" },
        { 'x', 's', "{}", "A server must say" },
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
    if (body->session.size > 0)
        size += snprintf (said + size, 300 - (size_t) size, "session %.*s, visitor %.*s %.*s",
                          TEXT_ARGS (body->session), TEXT_ARGS (body->visitor),
                          TEXT_ARGS (body->name));
    if (body->info.size > 0)
        size += snprintf (said + size, 300 - (size_t) size, ", info %.*s", TEXT_ARGS (body->info));
    if (body->has_message)
        size += snprintf (said + size, 300 - (size_t) size, ", message %.*s",
                          TEXT_ARGS (body->message.message_id));
    snprintf (said + size, 300 - (size_t) size, "%s%s",
              body->is_of_visitor ? ", of the visitor" : "",
              body->takes_control ? ", takes control" : "");
}

ParameterizedTest (body_case_t *row, api_bodies, cases)
{
    api_operation_t operation = row->operation == 'p'   ? API_MESSAGE_POST
                                : row->operation == 'o' ? API_SESSION_CREATE
                                : row->operation == 'e' ? API_SESSION_ENTER
                                : row->operation == 'x' ? API_SESSION_EXIT
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
                                               : ROLE_API,
                        .user = TEXT ("u"),
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
