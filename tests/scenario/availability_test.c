//  availability — agents say whether they are available, and who manages them says so of others;
//  who waits is listed. Over the HTTP API, with replicas.

#include "chat.h"
#include "eventually.h"
#include "http_get.h"
#include "token_maker.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define API_KEY "stk_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define API_KEY_HASH "sha256:a3db06f6aacc3af690cc929132b2d35aa59a13ba2a37e852a70a3ec824c48b3b"
#define BEARER "authorization: Bearer "
#define HEADERS_ROOM 900

static char s_path[100];
static router_stack_t *s_stack;

static void
s_begin (unsigned edges, unsigned postoffices)
{
    static char setting[120];
    static const char apps[] =
        "{\"apps\":[{\"appId\":\"demo\",\"switchboard\":{\"awayAfterMissed\":2},"
        "\"apiKeys\":{\"keys\":[{\"name\":\"crm\",\"hash\":\"" API_KEY_HASH "\"}]},"
        "\"tokens\":{\"keys\":[{\"kid\":\"h\",\"algorithm\":\"HS256\",\"key\":\"" SECRET "\"}]}}]}";
    snprintf (s_path, sizeof s_path, "/tmp/stentor-apps-XXXXXX");
    int file = mkstemp (s_path);
    cr_assert (file >= 0 && write (file, apps, strlen (apps)) == (ssize_t) strlen (apps));
    close (file);
    snprintf (setting, sizeof setting, "APPS_FILE=%s", s_path);
    const char *const settings[] = { setting, "SESSION_GRACE=500ms", NULL };
    s_stack = stack_new (
        &(stack_plan_t){ .edges = edges, .postoffices = postoffices, .settings = settings });
    cr_assert (s_stack);
}

static void
s_end (void)
{
    stack_destroy (&s_stack);
    unlink (s_path);
}

//  The header lines of an agent's token; `more` are further claims, each with its comma before it.
static const char *
s_agent (const char *user, const char *more)
{
    static char headers[HEADERS_ROOM];
    char claims[500];
    snprintf (claims, sizeof claims,
              "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"%s\",\"exp\":4000000000%s}", user,
              more);
    const made_token_t *made =
        token_with_hmac ("{\"alg\":\"HS256\",\"kid\":\"h\"}", claims, SECRET);
    snprintf (headers, sizeof headers, BEARER "%.*s\r\n", (int) made->size, made->text);
    return headers;
}

#define SALES ",\"groups\":[\"sales\"],\"name\":\"Ann of sales\""
#define SUPERVISOR                                                                               \
    ",\"scopes\":[\"agent_read\",\"agent_set\",\"agent_manage\"],\"groups\":[\"chiefs\"]"
#define SERVER BEARER API_KEY "\r\n"

//  "GET /agents/ann" with these headers; returns the status. The answer's JSON is in *body, when
//  that is asked for, and its entity tag in s_etag.
static char s_etag[40];

static int
s_ask (const char *request, const char *headers, const char *body, json_object **answer_p)
{
    char method[10], target[300];
    const char *blank = strchr (request, ' ');
    snprintf (method, sizeof method, "%.*s", (int) (blank - request), request);
    snprintf (target, sizeof target, "/api/v1%s", blank + 1);
    http_answer_t answer = http_request (stack_edge_port (s_stack, 1), method, target, headers,
                                         body, strlen (body));
    const char *tag = strstr (answer.headers ? answer.headers : "", "etag: ");
    snprintf (s_etag, sizeof s_etag, "%.*s", tag ? (int) strcspn (tag + 6, "\r") : 0,
              tag ? tag + 6 : "");
    if (answer_p)
        *answer_p = json_tokener_parse (answer.body ? answer.body : "");
    int status = answer.status;
    http_answer_free (&answer);
    return status;
}

static const char *
s_text (json_object *object, const char *name)
{
    const char *text = json_object_get_string (json_object_object_get (object, name));
    return text ? text : "";
}

//  What GET says of an agent: "available asked sales", its state, why, and groups.
static void
s_expect (const char *user, const char *state, const char *why, const char *groups)
{
    char request[100];
    json_object *agent;
    snprintf (request, sizeof request, "GET /agents/%s", user);
    cr_assert_eq (s_ask (request, SERVER, "", &agent), 200);
    cr_expect_str_eq (s_text (agent, "state"), state);
    cr_expect_str_eq (s_text (agent, "why"), why);
    cr_expect_str_eq (s_text (agent, "groups"), groups);
    cr_expect_str_eq (s_text (agent, "awayAfterMissed"), "2");
    json_object_put (agent);
}

// ---------------------------------------------------------------------------------------------

Test (availability, an_agent_says_so_of_itself)
{
    s_begin (1, 2);
    cr_expect_eq (s_ask ("GET /agents/ann", SERVER, "", NULL), 404);
    cr_expect_eq (s_ask ("PUT /agents/ann", s_agent ("ann", SALES), "{\"state\":\"available\"}",
                         NULL),
                  200);
    s_expect ("ann", "available", "asked", "[ \"sales\" ]");
    json_object *agent;
    cr_expect_eq (s_ask ("PUT /agents/ann", s_agent ("ann", ""), "{\"capacity\":7}", &agent), 200);
    cr_expect_str_eq (s_text (agent, "name"), "Ann of sales");
    cr_expect_str_eq (s_text (agent, "capacity"), "7");
    json_object_put (agent);
    //  The token says nothing of groups: they are as they were.
    s_expect ("ann", "available", "asked", "[ \"sales\" ]");
    //  Of another one only who manages agents; and nobody gives itself groups.
    cr_expect_eq (s_ask ("PUT /agents/bob", s_agent ("ann", SALES), "{\"state\":\"busy\"}", NULL),
                  403);
    cr_expect_eq (s_ask ("PUT /agents/ann", s_agent ("ann", SALES), "{\"groups\":[\"chiefs\"]}",
                         NULL),
                  403);
    cr_expect_eq (s_ask ("GET /agents/bob", SERVER, "", NULL), 404);
    cr_expect_eq (s_ask ("PUT /agents/bob", s_agent ("chief", SUPERVISOR),
                         "{\"state\":\"available\",\"groups\":[\"help\",\"de\"]}", NULL),
                  200);
    s_expect ("bob", "available", "managed", "[ \"de\", \"help\" ]");
    cr_expect_eq (s_ask ("PUT /agents/ann", SERVER, "{\"state\":\"away\",\"groups\":[]}", NULL),
                  200);
    s_expect ("ann", "away", "managed", "[ ]");
    //  Visitors see nothing of it, and are no agents.
    cr_expect_eq (s_ask ("GET /agents?userId=eve", "", "", NULL), 403);
    cr_expect_eq (s_ask ("GET /queue?userId=eve", "", "", NULL), 403);
    cr_expect_eq (s_ask ("PUT /agents/eve?userId=eve", "", "{\"state\":\"available\"}", NULL), 403);
    s_end ();
}

Test (availability, what_is_wrong_is_refused_and_changes_nothing)
{
    static const char *const bodies[] = {
        "{\"state\":\"here\"}",   "{\"state\":7}",          "{\"capacity\":-1}",
        "{\"capacity\":1001}",    "{\"capacity\":1.5}",     "{\"groups\":\"sales\"}",
        "{\"groups\":[\"\"]}",    "{\"groups\":[7]}",       "{\"name\":\"\"}",
        "{\"missed\":0}",         "[]",                     "{\"state\":\"away\",\"x\":1}",
    };
    s_begin (1, 1);
    cr_assert_eq (s_ask ("PUT /agents/ann", SERVER, "{\"state\":\"busy\",\"groups\":[\"a\"]}",
                         NULL),
                  200);
    cr_expect_str_eq (s_etag, "\"1\"");
    for (size_t at = 0; at < sizeof bodies / sizeof *bodies; at++)
        cr_expect_eq (s_ask ("PUT /agents/ann", SERVER, bodies[at], NULL), 400, "%s", bodies[at]);
    cr_expect_eq (s_ask ("GET /agents?cursor=x", SERVER, "", NULL), 400);
    cr_expect_eq (s_ask ("GET /agents?state=here", SERVER, "", NULL), 400);
    cr_expect_eq (s_ask ("GET /queue?group=a", SERVER, "", NULL), 400);
    cr_expect_eq (s_ask ("POST /agents/ann", SERVER, "{}", NULL), 405);
    cr_expect_eq (s_ask ("GET /agents/ann", SERVER, "", NULL), 200);
    cr_expect_str_eq (s_etag, "\"1\"");
    s_end ();
}

//  Two who set it at once: the slower one is told, when it said what it saw. A request that comes
//  again, with its key, is done once.
Test (availability, races_and_requests_that_come_again)
{
    s_begin (1, 2);
    char headers[HEADERS_ROOM];
    cr_expect_eq (s_ask ("PUT /agents/ann", SERVER "if-match: \"1\"\r\n", "{\"state\":\"busy\"}",
                         NULL),
                  412);
    cr_expect_eq (s_ask ("GET /agents/ann", SERVER, "", NULL), 404);
    cr_assert_eq (s_ask ("PUT /agents/ann", SERVER, "{\"state\":\"available\"}", NULL), 200);
    snprintf (headers, sizeof headers, SERVER "if-match: %s\r\n", s_etag);
    cr_expect_eq (s_ask ("PUT /agents/ann", headers, "{\"state\":\"busy\"}", NULL), 200);
    cr_expect_eq (s_ask ("PUT /agents/ann", headers, "{\"state\":\"away\"}", NULL), 412);
    s_expect ("ann", "busy", "managed", "[ ]");
    snprintf (headers, sizeof headers, SERVER "if-match: %s\r\nidempotency-key: k-1\r\n", s_etag);
    for (int time = 0; time < 3; time++) {
        cr_expect_eq (s_ask ("PUT /agents/ann", headers, "{\"state\":\"away\"}", NULL), 200);
        cr_expect_str_eq (s_etag, "\"3\"");
    }
    s_expect ("ann", "away", "managed", "[ ]");
    s_end ();
}

//  A tab that opens, and one that ends, changes nothing of whether the agent is available.
Test (availability, a_tab_changes_nothing)
{
    s_begin (1, 1);
    char url[HEADERS_ROOM + 200];
    cr_assert_eq (s_ask ("PUT /agents/ann", s_agent ("ann", SALES), "{\"state\":\"available\"}",
                         NULL),
                  200);
    char etag[40];
    snprintf (etag, sizeof etag, "%s", s_etag);
    const char *bearer = s_agent ("ann", SALES) + strlen (BEARER);
    snprintf (url, sizeof url, "/?appId=demo&token=%.*s", (int) strcspn (bearer, "\r"), bearer);
    for (int time = 0; time < 2; time++) {
        ws_client_t *client = ws_client_connect ("ann", stack_edge_port (s_stack, 1), url);
        cr_assert (client);
        ws_client_send_text (client,
                             "{\"event\":\"user joined\",\"sessionId\":\"s-1\",\"data\":{}}");
        ws_client_destroy (&client);
    }
    cr_expect_eq (s_ask ("GET /agents/ann", SERVER, "", NULL), 200);
    cr_expect_str_eq (s_etag, etag);
    s_expect ("ann", "available", "asked", "[ \"sales\" ]");
    s_end ();
}

//  All pages of a list, as ids with blanks between them.
static void
s_list (const char *request, const char *member, char *to, size_t most)
{
    char next[4200];
    size_t size = 0;
    snprintf (next, sizeof next, "GET %s", request);
    *to = '\0';
    while (*next) {
        json_object *page;
        cr_assert_eq (s_ask (next, SERVER, "", &page), 200, "%s", next);
        json_object *items = json_object_object_get (page, "items");
        for (size_t at = 0; at < json_object_array_length (items); at++)
            size += (size_t) snprintf (to + size, most - size, "%s ",
                                       s_text (json_object_array_get_idx (items, at), member));
        const char *cursor = s_text (page, "next");
        next[0] = '\0';
        if (*cursor)
            snprintf (next, sizeof next, "GET %s&cursor=%s", request, cursor);
        json_object_put (page);
    }
}

Test (availability, agents_and_those_who_wait_are_listed)
{
    s_begin (1, 2);
    char list[400];
    cr_assert (postgres_exec (
        stack_postgres (s_stack),
        "INSERT INTO agent (app, user_id, state, groups) SELECT 'demo', 'a' || n, n % 3,"
        " ARRAY[CASE WHEN n % 2 = 0 THEN 'even' ELSE 'odd' END] FROM generate_series (1, 9) n;"
        "INSERT INTO agent (app, user_id) VALUES ('other', 'z');"
        "INSERT INTO session (session, app, visitor, day, control_role, waiting_since, waiting_for,"
        " offered_to, offer_until) SELECT 'demo/s' || n, 'demo', 'v', current_date, 5, now () -"
        " n * interval '1 min', CASE n WHEN 4 THEN NULL WHEN 2 THEN 'agent:a1' ELSE 'group:even'"
        " END, CASE n WHEN 4 THEN 'agent:a4' ELSE '' END, CASE n WHEN 4 THEN now () END"
        " FROM generate_series (1, 5) n"));
    s_list ("/agents?limit=4", "userId", list, sizeof list);
    cr_expect_str_eq (list, "a1 a2 a3 a4 a5 a6 a7 a8 a9 ");
    s_list ("/agents?limit=1&group=even&state=available", "userId", list, sizeof list);
    cr_expect_str_eq (list, "a4 ");
    s_list ("/queue?limit=2", "sessionId", list, sizeof list);
    cr_expect_str_eq (list, "s5 s4 s3 s2 s1 ");
    s_list ("/queue?limit=2&target=group:even", "place", list, sizeof list);
    cr_expect_str_eq (list, "1 2 3 ");
    json_object *agent;
    cr_expect_eq (s_ask ("GET /agents/a4", SERVER, "", &agent), 200);
    cr_expect_str_eq (s_text (agent, "offers"), "1");
    json_object_put (agent);
    s_end ();
}
