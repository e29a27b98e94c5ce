//  session_changes — what the HTTP API changes in sessions, the whole way: a server opens one for a
//  visitor, agents come and go without a connection, it is closed and opened again; requests that
//  come again after a kill in the middle; and two that race.

#include "chat.h"
#include "eventually.h"
#include "http_get.h"
#include "tcp_talk.h"

#include "auth/api_keys.h"
#include "base/clock.h"
#include "model/model.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char s_path[] = "/tmp/session_changes_test.XXXXXX";
static char s_setting[100];
static char s_server[API_KEY_SIZE + 40]; //  headers
static router_stack_t *s_stack;

//  Anybody may be an agent, and the server "crm" has a key.
static const char *const *
s_settings (void)
{
    static const char *all[] = { s_setting, "SESSION_GRACE=500ms", NULL };
    char key[API_KEY_SIZE + 1], hash[API_KEY_HASH_SIZE + 1];
    api_key_make (key, hash);
    FILE *file = fdopen (mkstemp (s_path), "w");
    cr_assert (file);
    fprintf (file,
             "{\"apps\":[{\"appId\":\"demo\",\"apiKeys\":{\"keys\":[{\"name\":\"crm\","
             "\"hash\":\"%s\"}]}}]}\n",
             hash);
    fclose (file);
    snprintf (s_setting, sizeof s_setting, "APPS_FILE=%s", s_path);
    snprintf (s_server, sizeof s_server, "Authorization: Bearer %s\r\n", key);
    return all;
}

static void
s_begin (unsigned edges, unsigned postoffices, bool split)
{
    s_stack = stack_new (&(stack_plan_t){ .edges = edges,
                                          .postoffices = postoffices,
                                          .split = split,
                                          .settings = s_settings () });
    cr_assert (s_stack);
}

static void
s_end (void)
{
    stack_destroy (&s_stack);
    unlink (s_path);
}

#define SERVER "?appId=demo"
#define CARL "?userId=carl&isAdmin=true"
#define ANN "?userId=ann"

//  Asks edge 1. Who asks, the query says; SERVER has its key. The answer is given back.
static http_answer_t
s_ask (const char *path, const char *query, const char *headers, const char *body)
{
    char target[300], all[400];
    snprintf (target, sizeof target, "/api/v1/sessions%s%s", path, query);
    snprintf (all, sizeof all, "%s%s", strcmp (query, SERVER) == 0 ? s_server : "", headers);
    return http_request (stack_edge_port (s_stack, 1), "POST", target, all, body, strlen (body));
}

//  In the stories that count no keys each request has one of its own.
static bool s_has_keys;

//  The seq of what was stored; 0: nothing was.
static int64_t
s_posts (const char *path, const char *query, const char *headers, const char *body, int status)
{
    static unsigned s_key;
    char own[40];
    snprintf (own, sizeof own, "Idempotency-Key: own-%u\r\n", ++s_key);
    headers = *headers || !s_has_keys ? headers : own;
    http_answer_t answer = s_ask (path, query, headers, body);
    //  An edge that has only just been started may not have found its postoffice, and one that has
    //  waited in vain does not know what became of it: with the same key it is done once.
    for (uint64_t end = clock_mono_ms () + 10000; answer.status == 503 && clock_mono_ms () < end;) {
        http_answer_free (&answer);
        answer = s_ask (path, query, headers, body);
    }
    cr_expect_eq (answer.status, status, "%s%s %s: %d %s", path, query, body, answer.status,
                  answer.body);
    json_object *tree = json_tokener_parse (answer.body ? answer.body : "");
    int64_t seq = json_object_get_int64 (json_object_object_get (tree, "seq"));
    json_object_put (tree);
    http_answer_free (&answer);
    return seq;
}

static void
s_is (const char *sql, const char *expected)
{
    char *found = postgres_query (stack_postgres (s_stack), sql);
    cr_expect_str_eq (found ? found : "(null)", expected, "%s: %s", sql, found ? found : "(null)");
    free (found);
}

// ---------------------------------------------------------------------------------------------
//  The story

static void
s_has_place (const http_answer_t *answer, const char *place, const char *etag)
{
    char line[200];
    snprintf (line, sizeof line, "location: %s\r\n", place);
    cr_expect (strstr (answer->headers, line), "%s", answer->headers);
    snprintf (line, sizeof line, "etag: \"%s\"\r\n", etag);
    cr_expect (strstr (answer->headers, line), "%s", answer->headers);
}

//  What the server has said is there; is the name of its key, too?
static void
s_key_is_named (const char *path, bool is_named)
{
    char target[300];
    snprintf (target, sizeof target, "/api/v1/sessions%s", path);
    http_answer_t answer = http_get (stack_edge_port (s_stack, 1), target, NULL);
    cr_expect (answer.body && strstr (answer.body, "please wait"), "%s: %s", path, answer.body);
    cr_expect_eq (answer.body && strstr (answer.body, "crm"), is_named, "%s: %s", path,
                  answer.body);
    http_answer_free (&answer);
}

Test (session_changes, a_server_opens_and_closes)
{
    s_begin (1, 2, false);
    static const char opening[] =
        "{\"sessionId\":\"s/1\",\"visitor\":{\"userId\":\"ann\",\"name\":\"Ann\"},"
        "\"info\":{\"page\":\"https://shop.example/\"},\"message\":{\"text\":\"opening hours?\"}}";
    http_answer_t answer = s_ask ("", SERVER, "Idempotency-Key: k-1\r\n", opening);
    cr_assert_eq (answer.status, 201, "%d %s", answer.status, answer.body);
    s_has_place (&answer, "/api/v1/sessions/s%2F1", "2");
    http_answer_free (&answer);
    s_posts ("", SERVER, "Idempotency-Key: k-1\r\n", opening, 200);
    s_posts ("", SERVER, "Idempotency-Key: k-2\r\n", opening, 409);
    s_posts ("", SERVER, "", opening, 409);
    s_posts ("", SERVER, "Idempotency-Key: k-1\r\n",
             "{\"sessionId\":\"s/1\",\"visitor\":{\"userId\":\"bob\"}}", 422);
    s_posts ("", CARL, "", opening, 403);
    s_posts ("", SERVER, "", "{}", 400);

    //  The visitor comes, and an agent without a connection.
    person_t *ann = rich_visitor_opens (s_stack, 1, "ann", "s/1");
    int64_t taken = s_posts ("/s%2F1/join", CARL, "Idempotency-Key: j\r\n",
                             "{\"name\":\"Carl\",\"control\":true}", 200);
    sees (ann, "user joined", "carl");
    cr_expect_eq (s_posts ("/s%2F1/join", CARL, "Idempotency-Key: j\r\n",
                           "{\"name\":\"Carl\",\"control\":true}", 200),
                  taken);
    s_posts ("/s%2F1/messages", CARL, "", "{\"messageId\":\"1\",\"text\":\"I am Carl\"}", 201);
    json_object *heard = hears_at_last (ann, "carl", "I am Carl");
    cr_expect_str_eq (ws_json_text (heard, "sender.displayName"), "Carl");
    s_posts ("/s%2F1/messages", SERVER, "Idempotency-Key: m-1\r\n",
             "{\"text\":\"as Carl\",\"as\":{\"kind\":\"agent\",\"userId\":\"carl\"}}", 201);
    hears (ann, "carl", "as Carl");
    s_posts ("/s%2F1/messages", SERVER, "Idempotency-Key: m-2\r\n",
             "{\"text\":\"as Otto\",\"as\":{\"kind\":\"agent\",\"userId\":\"otto\"}}", 403);
    s_posts ("/s%2F1/messages", SERVER, "Idempotency-Key: m-3\r\n",
             "{\"text\":\"please wait\",\"as\":{\"kind\":\"system\"}}", 201);
    hears (ann, "bot", "please wait");
    s_key_is_named ("/s%2F1/messages" CARL, true);
    s_key_is_named ("/s%2F1/messages" ANN, false);
    s_key_is_named ("/s%2F1/transcript" CARL, true);
    s_key_is_named ("/s%2F1/transcript" ANN, false);
    s_key_is_named ("/s%2F1/transcript" CARL "&format=text", true);
    s_key_is_named ("/s%2F1/transcript" ANN "&format=text", false);
    s_posts ("/s%2F1/messages", SERVER, "Idempotency-Key: m-3\r\n",
             "{\"text\":\"x\",\"as\":{\"kind\":\"visitor\"}}", 422);
    s_posts ("/s%2F1/close", SERVER, "Idempotency-Key: m-3\r\n", "", 422);

    //  Nobody has left because carl has no connection, and what ann's own server says is hers.
    s_posts ("/s%2F1/leave", CARL, "", "{}", 200);
    sees (ann, "user left", "carl");
    s_posts ("/s%2F1/messages", SERVER, "Idempotency-Key: m-4\r\n",
             "{\"text\":\"by phone\",\"as\":{\"kind\":\"visitor\"}}", 201);
    heard = hears_at_last (ann, "ann", "by phone");
    cr_expect_str_eq (ws_json_text (heard, "data.userId"), "ann");
    s_is ("SELECT count (*) FROM work_item WHERE kind = 1", "0"); //  the app has no bot

    int64_t closed = s_posts ("/s%2F1/close", CARL, "Idempotency-Key: c\r\n", "", 200);
    sees (ann, "session closed", NULL);
    cr_expect_eq (s_posts ("/s%2F1/close", CARL, "", "", 200), 0, "it is so already");
    s_is ("SELECT closed_at IS NOT NULL FROM session", "t");
    says (ann, "one more thing");
    sees (ann, "session reopened", NULL);
    cr_expect_eq (s_posts ("/s%2F1/close", CARL, "Idempotency-Key: c\r\n", "", 200), closed);
    s_is ("SELECT closed_at IS NULL FROM session", "t");
    s_posts ("/s%2F1/close", CARL, "If-Match: \"1\"\r\n", "", 412);
    s_posts ("/nowhere/close", CARL, "", "", 404);
    s_posts ("/s%2F1/close", ANN, "", "", 403);
    s_posts ("/s%2F1/join", ANN, "", "", 403);
    leaves (&ann);
    s_end ();
}

#define OTTO "?userId=otto&isAdmin=true"

//  Whether the lines for people of session "s" have these words.
static void
s_lines_have (const char *query, const char *words, bool has)
{
    char target[200];
    snprintf (target, sizeof target, "/api/v1/sessions/s/transcript%s&format=text", query);
    http_answer_t answer = http_get (stack_edge_port (s_stack, 1), target, NULL);
    cr_expect_eq (answer.status, 200);
    cr_expect_eq (answer.body && strstr (answer.body, words), has, "%s: %s", words, answer.body);
    http_answer_free (&answer);
}

//  By the wrong person, at the wrong time, with an old version, twice, when it is closed, and where
//  there is none: a named refusal, and nothing changes.
Test (session_changes, control_is_taken_and_given_back)
{
    s_has_keys = true;
    s_begin (1, 2, false);
    s_posts ("", SERVER, "", "{\"sessionId\":\"s\",\"visitor\":{\"userId\":\"ann\"}}", 201);
    s_posts ("/s/release", CARL, "", "{}", 403);
    s_posts ("/s/accept", CARL, "", "{}", 409);
    s_posts ("/s/decline", CARL, "", "{}", 409);
    s_posts ("/s/take", ANN, "", "{}", 403);
    s_posts ("/s/offer", ANN, "", "{\"to\":[\"bot\"]}", 403);
    s_posts ("/s/offer", CARL, "", "{\"to\":[\"nobody\"]}", 400);
    s_posts ("/s/take", CARL, "", "{\"version\":-1}", 400);
    s_posts ("/nowhere/take", CARL, "", "{}", 404);
    s_is ("SELECT count (*) FROM log", "1");

    int64_t taken = s_posts ("/s/take", CARL, "Idempotency-Key: t\r\n", "{\"version\":0}", 200);
    cr_expect_eq (s_posts ("/s/take", CARL, "Idempotency-Key: t\r\n", "{\"version\":0}", 200),
                  taken);
    cr_expect_eq (s_posts ("/s/take", CARL, "", "{}", 200), 0, "it has it already");
    http_answer_t slower = s_ask ("/s/take", OTTO, "", "{\"version\":0}");
    cr_expect_eq (slower.status, 412);
    cr_expect (strstr (slower.body, "agent carl has control since 20"), "%s", slower.body);
    char control[100];
    snprintf (control, sizeof control,
              "\"control\":{\"role\":\"agent\",\"userId\":\"carl\",\"version\":%d,\"since\":\"20",
              (int) taken);
    cr_expect (strstr (slower.body, control), "%s", slower.body);
    http_answer_free (&slower);
    s_posts ("/s/release", OTTO, "", "{}", 403);
    s_is ("SELECT control_user || ' ' || (control_seq = "
          "(SELECT max (seq) FROM log)) FROM session", "carl true");

    //  Carl keeps it until otto, to whom it is offered, takes it.
    s_posts ("/s/offer", CARL, "", "{\"to\":[\"group:sales\"],\"why\":\"prices\"}", 200);
    s_posts ("/s/accept", OTTO, "", "{}", 409);
    s_is ("SELECT control_user FROM session", "carl");
    s_posts ("/s/take", OTTO, "", "{\"name\":\"Otto\"}", 200);
    s_is ("SELECT control_user || offer || offered_to FROM session", "otto");
    s_posts ("/s/release", OTTO, "Idempotency-Key: r\r\n", "{}", 200);
    s_posts ("/s/release", OTTO, "Idempotency-Key: r\r\n", "{}", 200);
    s_posts ("/s/release", OTTO, "", "{}", 403);
    s_is ("SELECT control_role || control_user FROM session", "3");

    //  A server ends it, whoever has it: once for each key, and not of a version that is over.
    s_posts ("/s/release", SERVER, "", "{}", 403);
    int64_t got = s_posts ("/s/take", OTTO, "", "{}", 200);
    char over[50];
    snprintf (over, sizeof over, "{\"version\":%d}", (int) got - 1);
    s_posts ("/s/release", SERVER, "", over, 412);
    s_posts ("/s/release", SERVER, "", "{\"as\":{\"kind\":\"system\"}}", 400);
    int64_t ended = s_posts ("/s/release", SERVER, "Idempotency-Key: s\r\n", "{}", 200);
    s_is ("SELECT control_role || control_user FROM session", "3");
    s_posts ("/s/take", OTTO, "", "{}", 200);
    cr_expect_eq (s_posts ("/s/release", SERVER, "Idempotency-Key: s\r\n", "{}", 200), ended);
    s_is ("SELECT control_user FROM session", "otto");
    s_posts ("/s/offer", SERVER, "", "{\"to\":[\"group:sales\"]}", 200);
    s_posts ("/s/release", SERVER, "", "{}", 200);
    s_posts ("/s/release", SERVER, "", "{}", 200);
    s_is ("SELECT control_role || control_user FROM session", "3");

    //  To a platform, which does not answer: somebody else takes it, and ends the waiting.
    static const char phone[] = "{\"to\":[\"platform:x\"],\"why\":\"a call\"}";
    char seen[50];
    s_posts ("/s/offer", CARL, "", phone, 200);
    s_posts ("/s/take", OTTO, "", "{}", 200);
    s_posts ("/s/release", OTTO, "", "{}", 200);
    int64_t offered = s_posts ("/s/offer", CARL, "", phone, 200);
    snprintf (seen, sizeof seen, "{\"version\":%d}", (int) offered);
    s_posts ("/s/release", CARL, "", seen, 200);
    s_lines_have (CARL, "* offered to group:sales (prices): Agent (agent carl) *", true);
    s_lines_have (CARL, "* offered to platform:x (a call): Agent (agent carl) *", true);
    s_lines_have (CARL, "* offer ended: withdrawn (platform:x) *", true);
    s_lines_have (CARL, "* offer ended: withdrawn by Agent (agent carl) *", true);
    s_lines_have (ANN, "barge in", true);
    s_lines_have (ANN, "offer", false);

    s_posts ("/s/close", CARL, "", "", 200);
    s_is ("SELECT count (*) FROM log WHERE event = 8", "1");
    s_posts ("/s/take", CARL, "", "{}", 409);
    s_posts ("/s/offer", CARL, "", "{\"to\":[\"bot\"]}", 409);
    s_posts ("/s/accept", CARL, "", "{}", 409);
    s_is ("SELECT closed_at IS NOT NULL FROM session", "t");
    s_end ();
}

//  Without an id a session is the key's, and the asker's.
Test (session_changes, a_visitor_opens_its_own)
{
    s_begin (1, 1, false);
    s_posts ("", ANN, "Idempotency-Key: k\r\n", "{\"message\":{\"text\":\"hello\"}}", 201);
    s_posts ("", ANN, "Idempotency-Key: k\r\n", "{\"message\":{\"text\":\"hello\"}}", 200);
    s_posts ("", "?userId=bob", "Idempotency-Key: k\r\n", "{}", 201);
    s_posts ("", ANN, "", "{}", 201);
    s_posts ("", ANN, "", "{}", 201);
    s_posts ("", ANN, "", "{\"visitor\":{\"userId\":\"bob\"}}", 400);
    s_is ("SELECT string_agg (visitor, ' ' ORDER BY visitor) FROM session", "ann ann ann bob");
    s_is ("SELECT count (*) FROM session WHERE host IS NOT NULL", "0");
    s_is ("SELECT count (*) FROM log WHERE event = 3", "1");
    s_end ();
}

// ---------------------------------------------------------------------------------------------
//  A kill in the middle of every POST

//  Each in a session of its own, "<name>-<round>", that was made ready for it.
typedef struct {
    const char *name;
    const char *path; //  behind the session; NULL: it is opened
    const char *query;
    const char *body;
    event_t event; //  of its one entry
} post_t;

static const post_t s_all[] = {
    { "open", NULL, SERVER, "{\"visitor\":{\"userId\":\"ann\"},\"message\":{\"text\":\"hello\"}}",
      EVENT_SESSION_OPENED },
    { "say", "/messages", SERVER, "{\"text\":\"hello\",\"as\":{\"kind\":\"visitor\"}}",
      EVENT_NEW_MESSAGE },
    { "tell", "/messages", CARL, "{\"text\":\"hello\"}", EVENT_NEW_MESSAGE },
    { "note", "/messages", SERVER, "{\"text\":\"hello\",\"as\":{\"kind\":\"system\"}}",
      EVENT_NEW_MESSAGE },
    { "close", "/close", CARL, "", EVENT_SESSION_CLOSED },
    { "reopen", "/reopen", CARL, "", EVENT_SESSION_REOPENED },
    { "join", "/join", CARL, "{\"control\":true}", EVENT_BARGE_IN },
    { "leave", "/leave", CARL, "", EVENT_USER_LEFT },
    { "take", "/take", CARL, "{}", EVENT_BARGE_IN },
    { "offer", "/offer", CARL, "{\"to\":[\"group:sales\"]}", EVENT_OFFER },
};
#define POSTS (sizeof s_all / sizeof *s_all)

//  Made ready without keys, so that only entries of the posts have one.
static void
s_make_ready (unsigned round)
{
    char body[120], path[60];
    for (size_t at = 0; at < POSTS; at++) {
        const post_t *post = &s_all[at];
        if (!post->path)
            continue;
        snprintf (body, sizeof body,
                  "{\"sessionId\":\"%s-%u\",\"visitor\":{\"userId\":\"ann\"}}", post->name, round);
        s_posts ("", SERVER, "", body, 201);
        if (strcmp (post->path, "/take") == 0 || post->event == EVENT_OFFER)
            continue;
        bool is_in = post->event == EVENT_USER_LEFT || strcmp (post->name, "tell") == 0;
        snprintf (path, sizeof path, "/%s-%u/%s", post->name, round, is_in ? "join" : "close");
        if (is_in)
            s_posts (path, CARL, "", "{\"control\":true}", 200);
        else if (post->event == EVENT_SESSION_REOPENED)
            s_posts (path, CARL, "", "", 200);
    }
}

static void
s_write (const post_t *post, unsigned round, char to[900])
{
    char path[60] = "";
    if (post->path)
        snprintf (path, sizeof path, "/%s-%u%s", post->name, round, post->path);
    snprintf (to, 900,
              "POST /api/v1/sessions%s%s HTTP/1.1\r\nHost: h\r\n%sIdempotency-Key: %s-%u\r\n"
              "Content-Length: %zu\r\n\r\n%s",
              path, post->query, strcmp (post->query, SERVER) == 0 ? s_server : "", post->name,
              round, strlen (post->body), post->body);
}

//  All of them are on their way, and nobody waits for an answer yet.
static void
s_send_all (unsigned edge, unsigned round, tcp_talk_t talks[POSTS])
{
    char request[900];
    for (size_t at = 0; at < POSTS; at++) {
        s_write (&s_all[at], round, request);
        talks[at] = tcp_talk_new (stack_edge_port (s_stack, edge), 0);
        cr_assert (tcp_talk_say (&talks[at], request, strlen (request)));
    }
}

//  Until each of them is answered with 2xx; what comes of the first time does not matter.
static void
s_repeat_all (unsigned edge, unsigned round)
{
    char path[60], headers[400], target[200];
    for (size_t at = 0; at < POSTS; at++) {
        const post_t *post = &s_all[at];
        snprintf (path, sizeof path, "/%s-%u%s", post->name, round, post->path ? post->path : "");
        snprintf (target, sizeof target, "/api/v1/sessions%s%s", post->path ? path : "",
                  post->query);
        snprintf (headers, sizeof headers, "%sIdempotency-Key: %s-%u\r\n",
                  strcmp (post->query, SERVER) == 0 ? s_server : "", post->name, round);
        int status = 0;
        uint64_t deadline = eventually_deadline (20000);
        while (status / 100 != 2 && clock_mono_ms () < deadline) {
            http_answer_t answer = http_request (stack_edge_port (s_stack, edge), "POST", target,
                                                 headers, post->body, strlen (post->body));
            status = answer.status;
            cr_assert (status == 0 || status / 100 == 2 || status >= 500, "%s: %d %s", post->name,
                       status, answer.body);
            http_answer_free (&answer);
        }
        cr_assert_eq (status / 100, 2, "%s in round %u: %d", post->name, round, status);
    }
}

//  One entry for each key, of the right event; nothing that follows from it is there twice.
static void
s_expect_once (unsigned rounds)
{
    char sql[300], expected[40];
    snprintf (expected, sizeof expected, "%zu %zu", rounds * POSTS, rounds * POSTS);
    s_is ("SELECT count (*) || ' ' || count (DISTINCT message_id) FROM log"
          " WHERE message_id LIKE ':key:%'",
          expected);
    snprintf (expected, sizeof expected, "%zu", rounds * POSTS);
    s_is ("SELECT count (*) FROM session", expected);
    for (size_t at = 0; at < POSTS; at++) {
        snprintf (sql, sizeof sql,
                  "SELECT count (*) FROM log WHERE message_id LIKE ':key:%%' AND event = %d"
                  " AND (session LIKE 'demo/%s-_' OR %s)",
                  s_all[at].event, s_all[at].name, s_all[at].path ? "false" : "true");
        snprintf (expected, sizeof expected, "%u", rounds);
        s_is (sql, expected);
    }
    //  Of opening, saying, telling and noting; nobody joined or left more often than once.
    snprintf (expected, sizeof expected, "%u", 4 * rounds);
    s_is ("SELECT count (*) FROM log WHERE event = 3", expected);
    snprintf (expected, sizeof expected, "%u %u", rounds, 3 * rounds);
    s_is ("SELECT count (*) FILTER (WHERE event = 2) || ' ' || count (*) FILTER (WHERE event = 1)"
          " FROM log",
          expected);
}

static void
s_free_all (tcp_talk_t talks[POSTS])
{
    for (size_t at = 0; at < POSTS; at++)
        tcp_talk_free (&talks[at]);
}

Test (session_changes, a_kill_in_the_middle_of_every_post, .timeout = 120)
{
    tcp_talk_t talks[POSTS];
    s_begin (2, 1, false);

    //  The database has what it is to store, and the postoffice is gone when it does.
    s_make_ready (1);
    postgres_freeze (stack_postgres (s_stack));
    s_send_all (1, 1, talks);
    EVENTUALLY (10000, stack_metric (s_stack, "postoffice", "stentor_postoffice_operations_queued")
                           == POSTS);
    stack_kill (s_stack, "postoffice-1");
    postgres_thaw (stack_postgres (s_stack));
    cr_assert (stack_start (s_stack, "postoffice-1"));
    s_free_all (talks);
    s_repeat_all (1, 1);

    //  The edge is gone; all of it is asked again over another one while it is still under way.
    s_make_ready (2);
    postgres_freeze (stack_postgres (s_stack));
    s_send_all (1, 2, talks);
    EVENTUALLY (10000, stack_metric (s_stack, "postoffice", "stentor_postoffice_operations_queued")
                           == POSTS);
    stack_kill (s_stack, "edge-1");
    s_free_all (talks);
    s_send_all (2, 2, talks);
    postgres_thaw (stack_postgres (s_stack));
    s_repeat_all (2, 2);
    s_free_all (talks);
    cr_assert (stack_start (s_stack, "edge-1"));

    //  They come to a postoffice that has just been killed, or to nobody.
    s_make_ready (3);
    stack_kill (s_stack, "postoffice-1");
    s_send_all (1, 3, talks);
    cr_assert (stack_start (s_stack, "postoffice-1"));
    s_free_all (talks);
    s_repeat_all (1, 3);

    s_expect_once (3);
    s_end ();
}

// ---------------------------------------------------------------------------------------------
//  A race

static int
s_status (tcp_talk_t *talk)
{
    for (uint64_t end = clock_mono_ms () + 10000; clock_mono_ms () < end;) {
        tcp_talk_hear (talk, talk->size + 1, 100);
        if (talk->heard && strstr (talk->heard, "\r\n\r\n"))
            return atoi (talk->heard + 9);
    }
    return 0;
}

//  Two agents close the same session as they saw it, each over a postoffice of its own: one of them
//  is told that it has gone on.
Test (session_changes, a_race_of_two_closings)
{
    s_begin (2, 2, true);
    s_posts ("", SERVER, "", "{\"sessionId\":\"s\",\"visitor\":{\"userId\":\"ann\"}}", 201);
    for (unsigned round = 0; round < 20; round++) {
        tcp_talk_t talks[2];
        int statuses[2];
        char request[300];
        char *last = postgres_query (stack_postgres (s_stack), "SELECT max (seq) FROM log");
        for (unsigned at = 0; at < 2; at++) {
            talks[at] = tcp_talk_new (stack_edge_port (s_stack, at + 1), 0);
            snprintf (request, sizeof request,
                      "POST /api/v1/sessions/s/%s?userId=u-%u&isAdmin=true HTTP/1.1\r\nHost: h\r\n"
                      "Idempotency-Key: k-%u-%u\r\nIf-Match: \"%s\"\r\nContent-Length: 0\r\n\r\n",
                      round % 2 ? "reopen" : "close", at, round, at, last);
            cr_assert (tcp_talk_say (&talks[at], request, strlen (request)));
        }
        for (unsigned at = 0; at < 2; at++)
            statuses[at] = s_status (&talks[at]);
        cr_expect_eq (statuses[0] + statuses[1], 200 + 412, "round %u: %d and %d", round,
                      statuses[0], statuses[1]);
        for (unsigned at = 0; at < 2; at++)
            tcp_talk_free (&talks[at]);
        free (last);
    }
    s_is ("SELECT count (*) FROM log WHERE message_id LIKE ':key:%'", "20");
    s_end ();
}
