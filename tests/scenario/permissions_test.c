//  permissions — the doors of the whole stack, walked: each kind of principal that has a door, with
//  each operation, in own and foreign sessions of the own and of a foreign app. The unit test of
//  this name walks the postoffice's half.

#include "chat.h"
#include "http_get.h"
#include "tcp_talk.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define APPS "{\"apps\":[{\"appId\":\"demo\"},{\"appId\":\"other\"}]}"

//  The session is "s-1" of the app "demo", and ann's.
typedef struct {
    const char *user;
    bool is_agent;
    const char *app;
    const char
        *expected; //  of posting without a connection, joining, speaking, taking and giving
                   //  back control, listening (an event stream), and reading
} asker_t;

//  The same id in another app is another session, which a visitor opens by joining, and which an
//  agent does not find.
static const asker_t s_askers[] = {
    { "ann", false, "demo",
      "post:201 join:ok speak:ok take:not_allowed release:not_allowed listen:ok read:200" },
    { "bob", false, "demo",
      "post:404 join:not_yours speak:not_yours take:not_allowed release:not_allowed "
      "listen:not_yours read:404" },
    { "carl", true, "demo",
      "post:403 join:ok speak:not_in_control take:ok release:ok listen:ok read:200" },
    { "carl", true, "other",
      "post:404 join:not_joined speak:not_joined take:not_joined release:not_joined "
      "listen:not_joined read:404" },
    { "ann", false, "other",
      "post:404 join:ok speak:ok take:not_allowed release:not_allowed listen:ok read:200" },
    { "bob", false, "other",
      "post:404 join:not_yours speak:not_yours take:not_allowed release:not_allowed "
      "listen:not_yours read:404" },
};

static void
s_note (char outcome[300], const char *what, const char *code)
{
    size_t size = strlen (outcome);
    snprintf (outcome + size, 300 - size, "%s%s:%s", size ? " " : "", what, code);
}

//  What a rich client is told of its frame: "ok", or the code of a refusal.
static void
s_answer (ws_client_t *client, char code[40])
{
    for (;;) {
        json_object *frame = ws_client_next_json (client, 10000);
        cr_assert (frame, "no answer");
        const char *event = ws_json_text (frame, "event");
        bool is_update = strcmp (event, "connection update") == 0;
        bool is_ok = strcmp (event, "ack") == 0
                     || (is_update && ws_json_true (frame, "data.sessionCreated"));
        if (!is_ok && !is_update && strcmp (event, "error") != 0 && strcmp (event, "busy") != 0)
            continue;
        snprintf (code, 40, "%s", is_ok ? "ok" : ws_json_text (frame, "data.code"));
        return;
    }
}

static void
s_says (ws_client_t *client, const char *what, const char *event, char outcome[300])
{
    char code[40];
    cr_assert (ws_client_send_format (
        client,
        "{\"event\":\"%s\",\"sessionId\":\"s-1\",\"messageId\":\"%s\",\"lastSeq\":0,"
        "\"data\":{}}",
        event, what)); //  all of them use the same ids: each has its own
    s_answer (client, code);
    s_note (outcome, what, code);
    //  A refused session is said so twice: to the join that the frame is, and to the frame.
    while (ws_client_next_json (client, 300))
        continue;
}

//  What the first event of a stream tells.
static void
s_listen (router_stack_t *stack, const char *query, char outcome[300])
{
    char request[300], code[40] = "ok";
    tcp_talk_t talk = tcp_talk_new (stack_edge_port (stack, 2), 0);
    snprintf (request, sizeof request,
              "GET /api/v1/sessions/s-1/events?%s HTTP/1.1\r\nHost: h\r\n\r\n", query);
    cr_assert (tcp_talk_say (&talk, request, strlen (request)));
    for (int turn = 0; turn < 1000 && !strstr (talk.heard, "\"connection update\""); turn++)
        tcp_talk_hear (&talk, SIZE_MAX, 10);
    const char *refused = strstr (talk.heard, "\"sessionCreated\":false");
    const char *why = refused ? strstr (refused, "\"code\":\"") : NULL;
    if (why)
        snprintf (code, sizeof code, "%.*s", (int) strcspn (why + 8, "\""), why + 8);
    else
        cr_assert (strstr (talk.heard, "\"sessionCreated\":true"), "%s", talk.heard);
    tcp_talk_free (&talk);
    s_note (outcome, "listen", code);
}

static void
s_walk (router_stack_t *stack, const asker_t *asker, char outcome[300])
{
    char query[100], target[200], code[40];
    snprintf (query, sizeof query, "userId=%s&appId=%s%s", asker->user, asker->app,
              asker->is_agent ? "&isAdmin=true" : "");
    static const char body[] = "{\"messageId\":\"posted\",\"text\":\"hello\"}";
    snprintf (target, sizeof target, "/api/v1/sessions/s-1/messages?%s", query);
    http_answer_t answer =
        http_request (stack_edge_port (stack, 1), "POST", target, NULL, body, sizeof body - 1);
    snprintf (code, sizeof code, "%d", answer.status);
    s_note (outcome, "post", code);
    http_answer_free (&answer);

    snprintf (target, sizeof target, "/?%s&protocol=2", query);
    ws_client_t *client = ws_client_connect (asker->user, stack_edge_port (stack, 2), target);
    cr_assert (client);
    s_says (client, "join", "resume", outcome);
    s_says (client, "speak", "new message", outcome);
    s_says (client, "take", "barge in", outcome);
    s_says (client, "release", "barge out", outcome);
    ws_client_destroy (&client);

    s_listen (stack, query, outcome);
    snprintf (target, sizeof target, "/api/v1/sessions/s-1?%s", query);
    answer = http_get (stack_edge_port (stack, 1), target, NULL);
    snprintf (code, sizeof code, "%d", answer.status);
    s_note (outcome, "read", code);
    http_answer_free (&answer);
}

static void
s_write_apps (char path[100])
{
    snprintf (path, 100, "%s/stentor-apps-XXXXXX",
              getenv ("TMPDIR") ? getenv ("TMPDIR") : "/tmp");
    int file = mkstemp (path);
    cr_assert (file >= 0 && write (file, APPS, strlen (APPS)) == (ssize_t) strlen (APPS));
    close (file);
}

Test (permissions, every_door)
{
    char path[100], setting[120];
    s_write_apps (path);
    snprintf (setting, sizeof setting, "APPS_FILE=%s", path);
    const char *const settings[] = { setting, NULL };
    router_stack_t *stack =
        stack_new (&(stack_plan_t){ .edges = 2, .postoffices = 2, .settings = settings });
    cr_assert (stack);
    ws_client_t *ann = ws_client_connect ("ann", stack_edge_port (stack, 1), "/?userId=ann");
    cr_assert (ann
               && ws_client_send_text (ann, "{\"event\":\"user joined\",\"sessionId\":\"s-1\"}"));
    cr_assert (ws_client_wait_event (ann, "connection update", 5000));
    for (size_t at = 0; at < sizeof s_askers / sizeof *s_askers; at++) {
        char outcome[300] = "";
        s_walk (stack, &s_askers[at], outcome);
        cr_expect_str_eq (outcome, s_askers[at].expected, "%s of %s: %s", s_askers[at].user,
                          s_askers[at].app, outcome);
    }
    ws_client_destroy (&ann);
    stack_destroy (&stack);
    unlink (path);
}
