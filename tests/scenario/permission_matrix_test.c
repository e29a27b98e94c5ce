//  permission_matrix — permissions.def through the real doors: each operation of the API and of a
//  connection, asked by each kind of principal with each kind of credential, in sessions that are
//  the principal's and that are not. What comes of it is what the table says. Operations that are
//  added to the table are asked by themselves.

#include "chat.h"
#include "exchange_record.h"
#include "http_get.h"
#include "tcp_talk.h"
#include "token_maker.h"

#include "auth/api_keys.h"
#include "base/clock.h"
#include "model/api_operation.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define HEADER "{\"alg\":\"HS256\",\"kid\":\"h\"}"
#define TOKEN_ROOM 700
#define KEYS 4

//  How the credential stands to what is asked for.
typedef enum {
    FITS,         //  the session is the asker's, or of its app
    BOUND,        //  the token is bound to the session: it asks for nothing else
    OF_ANOTHER,   //  it is another visitor's
    OF_OTHER_APP, //  the asker is of another app
    ELSEWHERE,    //  the token is bound to another session
    TOO_SMALL,    //  the scopes name nothing that is asked for
    NOBODY        //  no credential, or none that is good
} standing_t;

typedef struct {
    const char *name;
    role_t kind;
    standing_t standing;
    const char *app;
    const char *session; //  that is asked for
    const char *user;    //  in the query; NULL: none
    const char *claims;  //  of a token; "%llu" is a good end. NULL: none
    int key;             //  of the API keys, from 1; 0: none
} asker_t;

#define EXP ",\"exp\":%llu}"
#define AGENT "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"carl\""
#define API "{\"app\":\"demo\",\"kind\":\"api\",\"sub\":\"crm\""
#define VERA "{\"app\":\"demo\",\"kind\":\"visitor\",\"sub\":\"vera\""

static const asker_t s_askers[] = {
    { "anonymous visitor", ROLE_VISITOR, FITS, "demo", "s-ann", "ann", NULL, 0 },
    { "another anonymous visitor", ROLE_VISITOR, OF_ANOTHER, "demo", "s-ann", "bob", NULL, 0 },
    { "visitor with a token", ROLE_VISITOR, FITS, "demo", "s-vera", NULL, VERA EXP, 0 },
    { "visitor with a token, another's session", ROLE_VISITOR, OF_ANOTHER, "demo", "s-ann", NULL,
      VERA EXP, 0 },
    { "visitor bound to the session", ROLE_VISITOR, BOUND, "demo", "s-vera", NULL,
      VERA ",\"session\":\"s-vera\"" EXP, 0 },
    { "visitor bound to another session", ROLE_VISITOR, ELSEWHERE, "demo", "s-vera", NULL,
      VERA ",\"session\":\"s-2\"" EXP, 0 },
    { "agent", ROLE_AGENT, FITS, "demo", "s-ann", NULL, AGENT EXP, 0 },
    { "agent bound to another session", ROLE_AGENT, ELSEWHERE, "demo", "s-ann", NULL,
      AGENT ",\"session\":\"s-2\"" EXP, 0 },
    { "agent of another app", ROLE_AGENT, OF_OTHER_APP, "other", "s-ann", NULL,
      "{\"app\":\"other\",\"kind\":\"agent\",\"sub\":\"carl\"" EXP, 0 },
    { "agent whose scopes are too small", ROLE_AGENT, TOO_SMALL, "demo", "s-ann", NULL,
      AGENT ",\"scopes\":[]" EXP, 0 },
    { "server with a token", ROLE_API, FITS, "demo", "s-ann", NULL, API EXP, 0 },
    { "server with a key", ROLE_API, FITS, "demo", "s-ann", NULL, NULL, 1 },
    { "server with a key of another app", ROLE_API, OF_OTHER_APP, "other", "s-ann", NULL, NULL, 2 },
    { "server whose key's scopes are too small", ROLE_API, TOO_SMALL, "demo", "s-ann", NULL, NULL,
      3 },
    { "nobody", ROLE_VISITOR, NOBODY, "demo", "s-ann", NULL, NULL, 0 },
    { "expired token", ROLE_AGENT, NOBODY, "demo", "s-ann", NULL, AGENT ",\"exp\":1700000000}", 0 },
    { "token for another app", ROLE_AGENT, NOBODY, "other", "s-ann", NULL, AGENT EXP, 0 },
    { "key that is none", ROLE_API, NOBODY, "demo", "s-ann", NULL, NULL, 4 },
};
#define ASKERS (sizeof s_askers / sizeof *s_askers)

static char s_path[] = "/tmp/permission_matrix_test.XXXXXX";
static char s_keys[KEYS][API_KEY_SIZE + 1];
static router_stack_t *s_stack;
static unsigned s_cells, s_wrong, s_number;

// ---------------------------------------------------------------------------------------------
//  The stage

static void
s_put_app (FILE *file, const char *app, const char *more)
{
    fprintf (file,
             "{\"appId\":\"%s\",\"tokens\":{\"keys\":[{\"kid\":\"h\",\"algorithm\":\"HS256\","
             "\"key\":\"" SECRET "\"}]},\"apiKeys\":{\"keys\":[%s]}}",
             app, more);
}

static void
s_write_apps (void)
{
    char hashes[KEYS][API_KEY_HASH_SIZE + 1], rows[600];
    for (size_t at = 0; at < KEYS; at++)
        api_key_make (s_keys[at], hashes[at]);
    FILE *file = fdopen (mkstemp (s_path), "w");
    cr_assert (file);
    fputs ("{\"apps\":[", file);
    snprintf (rows, sizeof rows,
              "{\"name\":\"crm\",\"hash\":\"%s\"},"
              "{\"name\":\"small\",\"hash\":\"%s\",\"scopes\":[]}",
              hashes[0], hashes[2]);
    s_put_app (file, "demo", rows);
    fputc (',', file);
    snprintf (rows, sizeof rows, "{\"name\":\"theirs\",\"hash\":\"%s\"}", hashes[1]);
    s_put_app (file, "other", rows);
    fputs ("]}\n", file);
    fclose (file);
}

//  Empty: the asker has no token.
static void
s_make_token (const asker_t *asker, char to[TOKEN_ROOM])
{
    char claims[300];
    *to = '\0';
    if (!asker->claims)
        return;
    unsigned long long end = clock_wall_ms () / 1000 + 3600;
    const char *mark = strstr (asker->claims, "%llu");
    int before = mark ? (int) (mark - asker->claims) : (int) strlen (asker->claims);
    snprintf (claims, sizeof claims, "%.*s", before, asker->claims);
    if (mark)
        snprintf (claims + before, sizeof claims - (size_t) before, "%llu%s", end, mark + 4);
    const made_token_t *made = token_with_hmac (HEADER, claims, SECRET);
    snprintf (to, TOKEN_ROOM, "%.*s", (int) made->size, made->text);
}

static void
s_credential (const asker_t *asker, char headers[TOKEN_ROOM + 100])
{
    char token[TOKEN_ROOM];
    s_make_token (asker, token);
    *headers = '\0';
    if (*token || asker->key)
        snprintf (headers, TOKEN_ROOM + 100, "Authorization: Bearer %s\r\n",
                  *token ? token : s_keys[asker->key - 1]);
}

//  A token stands in the URL, a key in the header: anywhere else it is none.
static ws_client_t *
s_connect (const asker_t *asker)
{
    char target[TOKEN_ROOM + 200], token[TOKEN_ROOM], headers[TOKEN_ROOM + 100];
    s_make_token (asker, token);
    s_credential (asker, headers);
    snprintf (target, sizeof target, "/?appId=%s&protocol=2%s%s%s%s", asker->app,
              asker->user ? "&userId=" : "", asker->user ? asker->user : "",
              *token ? "&token=" : "", token);
    ws_client_t *client =
        ws_client_open (&(ws_options_t){ .name = asker->name,
                                         .port = stack_edge_port (s_stack, 1),
                                         .target = target,
                                         .headers = asker->key ? headers : NULL });
    cr_assert (client && ws_client_status (client) == 101, "%s", asker->name);
    return client;
}

static void
s_note (const asker_t *asker, const char *what, const char *expected, const char *found)
{
    s_cells++;
    if (strcmp (expected, found) == 0)
        return;
    s_wrong++;
    fprintf (stderr, "permissions: %s, %s: %s, and not %s\n", asker->name, what, found, expected);
}

// ---------------------------------------------------------------------------------------------
//  A connection

//  What the last frame came to: "ok", "refused", or "closed" when the connection ends. An update
//  without a session says who the connection is, and no more.
static const char *
s_hear (ws_client_t *client)
{
    for (;;) {
        json_object *frame = ws_client_next_json (client, 10000);
        if (!frame)
            return "closed";
        const char *event = ws_json_text (frame, "event");
        bool is_update = strcmp (event, "connection update") == 0;
        if (strcmp (event, "ack") == 0)
            return "ok";
        if (is_update && *ws_json_text (frame, "sessionId"))
            return ws_json_true (frame, "data.sessionCreated") ? "ok" : "refused";
        if (strcmp (event, "error") == 0 || strcmp (event, "busy") == 0)
            return "refused";
    }
}

static const char *
s_expected_of_connection (const asker_t *asker, permission_t permission)
{
    scope_t scope = permission_scope (permission, asker->kind);
    if (asker->standing == NOBODY)
        return "closed";
    if (scope == SCOPE_NEVER || asker->standing == TOO_SMALL || asker->standing == ELSEWHERE)
        return "refused";
    //  The same id in another app is another session: an agent finds none.
    bool is_foreign = (asker->standing == OF_ANOTHER && scope == SCOPE_OWN)
                      || asker->standing == OF_OTHER_APP;
    return is_foreign ? "refused" : "ok";
}

//  An agent takes control first: then it may speak.
static void
s_walk_connection (const asker_t *asker)
{
    static const struct {
        const char *what, *event;
        permission_t permission;
    } rows[] = { { "join", "user joined", PERMIT_SESSION_JOIN },
                 { "whisper", "whisper", PERMIT_SESSION_WHISPER },
                 { "take control", "barge in", PERMIT_CONTROL_TAKE },
                 { "say something", "new message", PERMIT_MESSAGE_POST },
                 { "give back control", "barge out", PERMIT_CONTROL_RELEASE } };
    ws_client_t *client = s_connect (asker);
    bool is_in = true;
    for (size_t at = 0; at < sizeof rows / sizeof *rows && is_in; at++) {
        ws_client_send_format (client,
                               "{\"event\":\"%s\",\"sessionId\":\"%s\",\"messageId\":\"%u\","
                               "\"data\":{%s}}",
                               rows[at].event, asker->session, ++s_number,
                               rows[at].permission == PERMIT_SESSION_WHISPER
                                   ? "\"rawQuery\":\"psst\""
                                   : "");
        const char *found = s_hear (client);
        //  A server has no connections.
        const char *expected = asker->kind == ROLE_API
                                   ? "closed"
                                   : s_expected_of_connection (asker, rows[at].permission);
        s_note (asker, rows[at].what, expected, found);
        is_in = at > 0 || strcmp (found, "ok") == 0; //  who is not in is refused all the same
    }
    ws_client_destroy (&client);
}

// ---------------------------------------------------------------------------------------------
//  The API

static const char *
s_expected (const asker_t *asker, const api_row_t *row)
{
    bool has_session = strstr (row->path, "{session}");
    if (row->permission == PERMIT_ANYBODY)
        return "allowed";
    if (asker->standing == NOBODY)
        return "401";
    scope_t scope = permission_scope (api_permission (row, asker->kind), asker->kind);
    //  Who is bound to a session asks for nothing that is of none.
    bool is_bound = asker->claims && strstr (asker->claims, "\"session\"");
    if (scope == SCOPE_NEVER || asker->standing == TOO_SMALL || asker->standing == ELSEWHERE
        || (is_bound && !has_session))
        return "403";
    bool is_foreign = (asker->standing == OF_ANOTHER && scope == SCOPE_OWN)
                      || asker->standing == OF_OTHER_APP;
    return is_foreign && has_session ? "404" : "allowed";
}

//  What is not there is no refusal where anything but the session is asked for.
static const char *
s_found (int status, const api_row_t *row, char room[20])
{
    bool is_thing = strstr (row->path, "{item}") || strstr (row->path, "{user}");
    bool is_allowed = (status >= 200 && status < 500 && status != 401 && status != 403
                       && (status != 404 || is_thing));
    snprintf (room, 20, "%d", status);
    return is_allowed ? "allowed" : room;
}

static void
s_put_target (const asker_t *asker, const api_row_t *row, char to[400])
{
    size_t size = 0;
    for (const char *at = row->path; *at; at++) {
        const char *value = NULL;
        char name[30];
        if (*at == '{') {
            size_t length = strcspn (at, "}");
            bool is_session = strncmp (at, "{session}", length) == 0;
            snprintf (name, sizeof name, "nothing-%u", s_number); //  each time another one
            //  An agent sets its own availability.
            bool is_own = row->operation == API_AGENT_SET && asker->kind == ROLE_AGENT;
            value = is_session ? asker->session : is_own ? "carl" : name;
            size += (size_t) snprintf (to + size, 400 - size, "%s", value);
            at += length;
        } else
            to[size++] = *at;
    }
    //  "hello" is said in every session: who finds it where it may not be found is told of.
    snprintf (to + size, 400 - size, "?appId=%s%s%s%s", asker->app,
              asker->user ? "&userId=" : "", asker->user ? asker->user : "",
              row->operation == API_SEARCH ? "&q=hello" : "");
}

static bool
s_has (const tcp_talk_t *talk, const char *words)
{
    return talk->heard && strstr (talk->heard, words);
}

//  As http_request does it: an answer that ends.
static void
s_record (const char *target, const char *headers, int status, const tcp_talk_t *talk)
{
    const char *end = talk->heard ? strstr (talk->heard, "\r\n\r\n") : NULL;
    if (!end)
        return;
    char *head = strndup (talk->heard, (size_t) (end + 2 - talk->heard));
    size_t before = (size_t) (end + 4 - talk->heard);
    http_answer_t answer = { .status = status,
                             .headers = head,
                             .body = talk->heard + before,
                             .body_size = talk->size - before };
    exchange_record ("GET", target, headers, NULL, 0, &answer);
    free (head);
}

//  The status of an answer that has no end; 404 when it begins, and its first words are that the
//  session is not the asker's.
static int
s_status_of_stream (const char *target, const char *headers)
{
    char request[TOKEN_ROOM + 700];
    tcp_talk_t talk = tcp_talk_new (stack_edge_port (s_stack, 1), 0);
    int size = snprintf (request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\n%s\r\n", target,
                         headers);
    cr_assert (tcp_talk_say (&talk, request, (size_t) size));
    bool is_in = false, is_refused = false;
    uint64_t end = clock_mono_ms () + 10000;
    while (!is_in && !is_refused && !talk.has_ended && clock_mono_ms () < end) {
        tcp_talk_hear (&talk, talk.size + 1, 100);
        is_in = s_has (&talk, "\"sessionCreated\":true") || s_has (&talk, "event: ready");
        is_refused = s_has (&talk, "\"code\":\"not_yours\"")
                     || s_has (&talk, "\"code\":\"not_joined\"")
                     || (s_has (&talk, "\r\n\r\n") && !s_has (&talk, "HTTP/1.1 200 "));
    }
    int status = talk.heard && talk.size > 12 ? atoi (talk.heard + 9) : 0;
    if (status == 200)
        s_record (target, headers, status, &talk);
    if (status == 200 && !is_in)
        status = is_refused ? 404 : 0;
    tcp_talk_free (&talk);
    return status;
}

//  What is good to be said in a body; of what is not here, "{}" is as good as anything: a body is
//  looked at behind the door.
static void
s_put_body (const asker_t *asker, const api_row_t *row, char to[300])
{
    bool is_server = asker->kind == ROLE_API;
    snprintf (to, 300, "{}");
    if (row->operation == API_MESSAGE_POST)
        snprintf (to, 300, "{\"messageId\":\"m-%u\",\"text\":\"hello\"%s}", s_number,
                  is_server ? ",\"as\":{\"kind\":\"visitor\"}" : "");
    else if (row->operation == API_SESSION_CREATE && is_server)
        snprintf (to, 300, "{\"visitor\":{\"userId\":\"nobody\"}}");
    else if (row->operation == API_SESSION_READ_MARK)
        snprintf (to, 300, "{\"seq\":1%s}",
                  is_server ? ",\"as\":{\"kind\":\"visitor\"}" : "");
    else if (row->operation >= API_CONTROL_TAKE && row->operation <= API_CONTROL_DECLINE)
        //  Of a control that nobody has seen: it is let in, and changes nothing.
        snprintf (to, 300, "{\"version\":999999%s%s}",
                  row->operation == API_CONTROL_OFFER ? ",\"to\":[\"bot\"]" : "",
                  is_server ? ",\"as\":{\"kind\":\"agent\",\"userId\":\"carl\"}" : "");
    else if ((row->operation == API_SESSION_ENTER || row->operation == API_SESSION_EXIT)
             && is_server)
        snprintf (to, 300, "{\"as\":{\"kind\":\"agent\",\"userId\":\"carl\"}}");
}

static void
s_ask (const asker_t *asker, const api_row_t *row)
{
    char target[400], headers[TOKEN_ROOM + 200], body[300], room[20];
    int status;
    s_number++;
    s_put_target (asker, row, target);
    s_credential (asker, headers);
    if (row->place == API_AT_EDGE && row->permission != PERMIT_ANYBODY)
        status = s_status_of_stream (target, headers);
    else {
        s_put_body (asker, row, body);
        http_answer_t answer =
            http_request (stack_edge_port (s_stack, 1), row->method, target, headers,
                          row->body_most ? body : NULL, row->body_most ? strlen (body) : 0);
        status = answer.status;
        //  In a list nobody finds what is another's.
        bool is_foreign = asker->standing == OF_ANOTHER || asker->standing == OF_OTHER_APP;
        cr_expect (!is_foreign || !answer.body || !strstr (answer.body, asker->session),
                   "%s, %s: %s", asker->name, row->name, answer.body);
        http_answer_free (&answer);
    }
    s_note (asker, row->name, s_expected (asker, row), s_found (status, row, room));
}

// ---------------------------------------------------------------------------------------------

//  It is there as long as its visitor's connection.
static ws_client_t *
s_open (const asker_t *asker)
{
    ws_client_t *client = s_connect (asker);
    ws_client_send_format (client, "{\"event\":\"user joined\",\"sessionId\":\"%s\"}",
                           asker->session);
    cr_assert_str_eq (s_hear (client), "ok");
    return client;
}

Test (permission_matrix, each_operation_and_each_principal, .timeout = 200)
{
    char setting[100];
    s_write_apps ();
    snprintf (setting, sizeof setting, "APPS_FILE=%s", s_path);
    const char *const settings[] = { setting, "EDGE_DEMO_MODE=off",
                                     "EDGE_SESSIONS_PER_SECOND=1000000", NULL };
    s_stack = stack_new (&(stack_plan_t){ .postoffices = 2, .settings = settings });
    cr_assert (s_stack);
    ws_client_t *ann = s_open (&s_askers[0]), *vera = s_open (&s_askers[2]);
    for (size_t at = 0; at < ASKERS; at++)
        s_walk_connection (&s_askers[at]);
    //  The agent is in control, and so may post.
    ws_client_t *carl = s_open (&s_askers[6]);
    ws_client_send_text (carl, "{\"event\":\"barge in\",\"sessionId\":\"s-ann\",\"messageId\":"
                               "\"in\",\"data\":{}}");
    cr_assert_str_eq (s_hear (carl), "ok");
    const api_row_t *row;
    for (size_t each = 0; (row = api_row_at (each)); each++)
        for (size_t at = 0; at < ASKERS; at++)
            s_ask (&s_askers[at], row);
    fprintf (stderr, "permissions: %u cells, %u wrong\n", s_cells, s_wrong);
    cr_expect_eq (s_wrong, 0);
    ws_client_destroy (&ann);
    ws_client_destroy (&vera);
    ws_client_destroy (&carl);
    stack_destroy (&s_stack);
    unlink (s_path);
}
