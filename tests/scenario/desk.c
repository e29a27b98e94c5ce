#include "desk.h"

#include "eventually.h"
#include "http_get.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define API_KEY "stk_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define API_KEY_HASH "sha256:a3db06f6aacc3af690cc929132b2d35aa59a13ba2a37e852a70a3ec824c48b3b"
#define HEADERS "authorization: Bearer " API_KEY "\r\n"
#define SETTINGS_MOST 12

static char s_path[100];

router_stack_t *
desk_begins (const char *section, const stack_plan_t *plan)
{
    static char setting[120];
    static const char *settings[SETTINGS_MOST + 3];
    char json[6000], bot[200] = "";
    if (plan->bot_url)
        snprintf (bot, sizeof bot, "\"bot\":{\"url\":\"%s\"},", plan->bot_url);
    int size = snprintf (json, sizeof json,
                         "{\"apps\":[{\"appId\":\"demo\",%s\"switchboard\":{%s},\"apiKeys\":{"
                         "\"keys\":[{\"name\":\"crm\",\"hash\":\"" API_KEY_HASH "\"}]}}]}",
                         bot, section);
    cr_assert (size > 0 && (size_t) size < sizeof json);
    snprintf (s_path, sizeof s_path, "%s/stentor-apps-XXXXXX",
              getenv ("TMPDIR") ? getenv ("TMPDIR") : "/tmp");
    int file = mkstemp (s_path);
    cr_assert (file >= 0 && write (file, json, (size_t) size) == size);
    close (file);
    snprintf (setting, sizeof setting, "APPS_FILE=%s", s_path);
    size_t count = 0;
    settings[count++] = setting;
    settings[count++] = "SESSION_GRACE=2s";
    for (const char *const *at = plan->settings; at && *at && count < SETTINGS_MOST + 2; at++)
        settings[count++] = *at;
    settings[count] = NULL;
    stack_plan_t mine = *plan;
    mine.settings = settings;
    router_stack_t *stack = stack_new (&mine);
    cr_assert (stack);
    return stack;
}

void
desk_ends (router_stack_t **stack_p)
{
    stack_destroy (stack_p);
    unlink (s_path);
}

static unsigned s_key;

//  With the same key it is done once.
static int
s_ask (router_stack_t *stack, unsigned key, const char *request, const char *body)
{
    char method[10], target[300], headers[300];
    snprintf (headers, sizeof headers, HEADERS "idempotency-key: k-%u\r\n", key);
    const char *blank = strchr (request, ' ');
    snprintf (method, sizeof method, "%.*s", (int) (blank - request), request);
    snprintf (target, sizeof target, "/api/v1/%s", blank + 1);
    http_answer_t answer = http_request (stack_edge_port (stack, 1), method, target, headers, body,
                                         strlen (body));
    int status = answer.status;
    if (status >= 400)
        fprintf (stderr, "%s %s: %d %s\n", request, body, status, answer.body);
    http_answer_free (&answer);
    return status;
}

int
desk_asks (router_stack_t *stack, const char *request, const char *body_form, ...)
{
    char body[1000];
    va_list arguments;
    va_start (arguments, body_form);
    vsnprintf (body, sizeof body, body_form, arguments);
    va_end (arguments);
    return s_ask (stack, ++s_key, request, body);
}

void
desk_agent (router_stack_t *stack, const char *user, const char *state, unsigned capacity,
            const char *group)
{
    char request[200];
    snprintf (request, sizeof request, "PUT agents/%s", user);
    EVENTUALLY (20000, desk_asks (stack, request,
                                  "{\"state\":\"%s\",\"capacity\":%u,\"groups\":[\"%s\"]}", state,
                                  capacity, group)
                           == 200);
}

//  Whoever is told "busy", or nothing, asks again with the same key.
static bool
s_is_done (int status)
{
    cr_assert (status == 0 || status == 503 || status == 504 || (status >= 200 && status < 300)
                   || status == 409,
               "%d", status);
    return (status >= 200 && status < 300) || status == 409;
}

void
desk_visitor (router_stack_t *stack, const char *session)
{
    char body[300];
    unsigned key = ++s_key;
    snprintf (body, sizeof body, "{\"sessionId\":\"%s\",\"visitor\":{\"userId\":\"v-%s\"}}",
              session, session);
    EVENTUALLY (20000, s_is_done (s_ask (stack, key, "POST sessions", body)));
}

void
desk_offers (router_stack_t *stack, const char *session, const char *targets)
{
    char request[200], body[300];
    unsigned key = ++s_key;
    snprintf (request, sizeof request, "POST sessions/%s/offer", session);
    snprintf (body, sizeof body, "{\"to\":%s}", targets);
    EVENTUALLY (20000, s_is_done (s_ask (stack, key, request, body)));
}

int
desk_acts (router_stack_t *stack, const char *session, const char *agent, const char *what)
{
    char request[200];
    snprintf (request, sizeof request, "POST sessions/%s/%s", session, what);
    return desk_asks (stack, request, "{\"as\":{\"kind\":\"agent\",\"userId\":\"%s\"}}", agent);
}

const char *
desk_sql (router_stack_t *stack, const char *sql)
{
    static char *found;
    char form[1200];
    size_t size = 0;
    char *schema = postgres_query (stack_postgres (stack), "SELECT max (number) FROM migration");
    for (const char *at; (at = strstr (sql, "@V@")); sql = at + 3)
        size += (size_t) snprintf (form + size, sizeof form - size, "%.*s%s", (int) (at - sql), sql,
                                   schema ? schema : "");
    snprintf (form + size, sizeof form - size, "%s", sql);
    free (schema);
    free (found);
    found = postgres_query (stack_postgres (stack), form);
    return found ? found : "";
}

const char *
desk_offered (router_stack_t *stack, const char *session)
{
    char sql[300];
    snprintf (sql, sizeof sql,
              "SELECT coalesce (substr (offered_to, 7), '') FROM session WHERE session ="
              " 'demo/%s'",
              session);
    return desk_sql (stack, sql);
}
