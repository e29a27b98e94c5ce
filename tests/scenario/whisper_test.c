//  A whisper never leaves: what agents tell each other stands in every exit that agents have, and
//  in none that anybody else has. Everything that any exit says is collected, and looked through
//  for a word that was only whispered; and for one that was said, so that each is known to speak.

#include "auth/api_keys.h"
#include "chat.h"
#include "eventually.h"
#include "http_get.h"
#include "tcp_talk.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SERVER s_bearers[CRM]
#define WHISPERED "zanzibar"
#define SAID "barcelona"
#define OF_LATER "quixote" //  in an entry of a program that is newer than this one
#define RETURN "CONTROL_RETURN_REQUEST"
#define WITHIN_MS 20000

static router_stack_t *s_stack;
static bot_t *s_bot;
static char s_path[100];
static char s_bearers[3][120]; //  headers of servers
static char s_bearer_and_key[200];
enum { CRM, WHISPERER, POSTER }; //  the latter two may do nothing else

// ---------------------------------------------------------------------------------------------
//  What an exit says

typedef enum {
    FOR_AGENTS,   //  must have what was whispered
    FOR_OTHERS,   //  must not
    WITHOUT_WORDS //  nor what was said
} exit_kind_t;

static unsigned s_exits;

static void
s_look (exit_kind_t kind, const char *name, const char *text)
{
    bool has_whisper = text && strstr (text, WHISPERED);
    bool has_word = text && strstr (text, SAID);
    cr_expect_eq (has_whisper, kind == FOR_AGENTS, "%s: %s", name, text);
    cr_expect_eq (has_word, kind != WITHOUT_WORDS, "%s: %s", name, text);
    cr_expect (!text || !strstr (text, OF_LATER), "%s: %s", name, text);
    s_exits++;
}

//  Everything that comes on a connection, until this word has come.
typedef struct {
    const char *name;
    exit_kind_t kind;
    ws_client_t *client;
    char text[1 << 18];
    size_t size;
} listener_t;

static listener_t s_listeners[8];
static size_t s_listener_count;

static listener_t *
s_listens (exit_kind_t kind, const char *name, unsigned edge, const char *query,
           const char *first_frame)
{
    char target[200];
    listener_t *self = &s_listeners[s_listener_count++];
    *self = (listener_t){ .name = name, .kind = kind };
    snprintf (target, sizeof target, "/chat?%s", query);
    self->client = ws_client_connect (name, stack_edge_port (s_stack, edge), target);
    cr_assert (self->client && ws_client_send_text (self->client, first_frame), "%s", name);
    return self;
}

static bool
s_has_heard (listener_t *self, const char *words)
{
    ws_message_t message;
    while (ws_client_next (self->client, &message, 50) == WS_MESSAGE)
        if (message.opcode == WS_TEXT) {
            cr_assert_lt (self->size + message.size + 2, sizeof self->text, "%s", self->name);
            self->size += (size_t) snprintf (self->text + self->size,
                                             sizeof self->text - self->size, "%s\n", message.data);
        }
    return strstr (self->text, words) != NULL;
}

static void
s_sends (listener_t *self, const char *event, const char *id, const char *text)
{
    cr_assert (ws_client_send_format (self->client,
                                      "{\"event\":\"%s\",\"sessionId\":\"s-1\","
                                      "\"messageId\":\"%s\",\"data\":{"
                                      "\"type\":\"INTENT_REQUEST\",\"rawQuery\":\"%s\","
                                      "\"attributes\":{\"note\":\"%s\"}}}",
                                      event, id, text, text));
}

//  Sends it, and waits for the answer to it.
static void
s_posts (listener_t *self, const char *event, const char *id, const char *text)
{
    char ack[200];
    s_sends (self, event, id, text);
    snprintf (ack, sizeof ack, "\"data\":{\"messageId\":\"%s\",\"seq\":", id);
    EVENTUALLY (WITHIN_MS, s_has_heard (self, ack));
}

//  An answer without an end.
static tcp_talk_t
s_streams (unsigned edge, const char *target, const char *headers)
{
    char request[500];
    tcp_talk_t talk = tcp_talk_new (stack_edge_port (s_stack, edge), 0);
    int size = snprintf (request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\n%s\r\n", target,
                         headers ? headers : "");
    cr_assert (tcp_talk_say (&talk, request, (size_t) size));
    return talk;
}

static bool
s_stream_has (tcp_talk_t *talk, const char *words)
{
    tcp_talk_hear (talk, SIZE_MAX, 50);
    return talk->heard && strstr (talk->heard, words);
}

// ---------------------------------------------------------------------------------------------
//  The API

static http_answer_t
s_ask (const char *method, const char *path, const char *query, const char *headers,
       const char *body)
{
    char target[300];
    snprintf (target, sizeof target, "/api/v1/%s%s%s", path, *query ? "?" : "", query);
    return http_request (stack_edge_port (s_stack, 1), method, target, headers, body,
                         body ? strlen (body) : 0);
}

static void
s_expect_status (const char *method, const char *path, const char *query, const char *headers,
                 const char *body, int status)
{
    http_answer_t answer = s_ask (method, path, query, headers, body);
    cr_expect_eq (answer.status, status, "%s %s?%s %s: %d %s", method, path, query, body,
                  answer.status, answer.body);
    http_answer_free (&answer);
}

static void
s_look_at (exit_kind_t kind, const char *path, const char *query, const char *headers)
{
    char name[400];
    http_answer_t answer = s_ask ("GET", path, query, headers, NULL);
    snprintf (name, sizeof name, "GET %s?%s%s", path, query, headers ? ", by a server" : "");
    cr_expect_eq (answer.status, 200, "%s: %d %s", name, answer.status, answer.body);
    s_look (kind, name, answer.body);
    http_answer_free (&answer);
}

static bool
s_answer_has (const char *path, const char *query, const char *words)
{
    http_answer_t answer = s_ask ("GET", path, query, NULL, NULL);
    bool has = answer.status == 200 && answer.body && strstr (answer.body, words);
    http_answer_free (&answer);
    return has;
}

static char *
s_query (const char *sql)
{
    return postgres_query (stack_postgres (s_stack), sql);
}

static void
s_expect_value (const char *sql, const char *expected)
{
    char *value = s_query (sql);
    cr_expect (value && strcmp (value, expected) == 0, "%s: %s", sql, value);
    free (value);
}

// ---------------------------------------------------------------------------------------------
//  The story

//  Visitors and agents are at different postoffices, when they are at different edges.
static void
s_begin (void)
{
    char setting[120], apps[1500], key[API_KEY_SIZE + 1], hashes[3][API_KEY_HASH_SIZE + 1];
    for (size_t at = 0; at < 3; at++) {
        api_key_make (key, hashes[at]);
        snprintf (s_bearers[at], sizeof s_bearers[at], "authorization: Bearer %s\r\n", key);
    }
    snprintf (s_bearer_and_key, sizeof s_bearer_and_key, "%sidempotency-key: k-1\r\n", SERVER);
    s_bot = bot_new ();
    bot_says (s_bot, RETURN, "{\"outputSpeech\":{\"displayText\":\"about " SAID " five\"}}");
    bot_says (s_bot, "", "{\"outputSpeech\":{\"displayText\":\"about $rawQuery\"}}");
    int size = snprintf (apps, sizeof apps,
                         "{\"apps\":[{\"appId\":\"demo\",\"bot\":{\"url\":\"%s\"},"
                         "\"switchboard\":{\"giveBack\":\"event\"},\"apiKeys\":"
                         "{\"keys\":[{\"name\":\"crm\",\"hash\":\"%s\"},"
                         "{\"name\":\"w\",\"hash\":\"%s\",\"scopes\":[\"SESSION_WHISPER\"]},"
                         "{\"name\":\"p\",\"hash\":\"%s\",\"scopes\":[\"MESSAGE_POST_AS\"]}]},"
                         "\"webhooksOut\":[{\"name\":\"crm\",\"url\":\"https://x.invalid/\","
                         "\"secret\":\"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\","
                         "\"events\":[\"session.created\",\"session.closed\","
                         "\"session.reopened\",\"message.created\",\"participant.joined\","
                         "\"participant.left\",\"control.changed\",\"handoff.requested\","
                         "\"alert.raised\",\"alert.acknowledged\",\"delivery.dead\"]}]}]}",
                         bot_url (s_bot), hashes[CRM], hashes[WHISPERER], hashes[POSTER]);
    snprintf (s_path, sizeof s_path, "%s/stentor-apps-XXXXXX",
              getenv ("TMPDIR") ? getenv ("TMPDIR") : "/tmp");
    int file = mkstemp (s_path);
    cr_assert (file >= 0 && write (file, apps, (size_t) size) == size);
    close (file);
    snprintf (setting, sizeof setting, "APPS_FILE=%s", s_path);
    const char *const settings[] = { setting, "SESSION_GRACE=60s", NULL };
    s_stack = stack_new (&(stack_plan_t){
        .edges = 2, .postoffices = 2, .split = true, .settings = settings });
    cr_assert (s_stack);
}

//  Between two lives of the postoffices: people whom channels reach, and an entry of a later
//  program.
static void
s_add_channels (void)
{
    stack_kill (s_stack, "postoffice-1");
    stack_kill (s_stack, "postoffice-2");
    cr_assert (postgres_exec (
        stack_postgres (s_stack),
        "INSERT INTO participant (session, role, user_id, sender, present, channel)"
        " VALUES ('demo/s-1', 4, 'genesys', '{}', true, 'platform.genesys'),"
        " ('demo/s-1', 1, 'sms', '{}', true, 'sms.out'),"
        " ('demo/s-1', 2, 'slack', '{}', true, 'notify.slack'),"
        " ('demo/s-1', 6, 'hook', '{}', true, 'webhook.out');"
        "INSERT INTO log (seq, time_ms, writer, day, event, role, hidden, session, message_id,"
        "  user_id, sender, data)"
        " SELECT max (seq) + 1, max (time_ms) + 1, 1, day, 30, 2, false, session, 'later', 'anna',"
        "  '{}', '{\"rawQuery\":\"" OF_LATER "\"}' FROM log WHERE session = 'demo/s-1'"
        " GROUP BY session, day"));
    cr_assert (stack_start (s_stack, "postoffice-1") && stack_start (s_stack, "postoffice-2"));
}

#define JOIN "{\"event\":\"user joined\",\"sessionId\":\"s-1\"}"
#define RESUME "{\"event\":\"resume\",\"sessionId\":\"s-1\",\"lastSeq\":0}"
#define MESSAGES "sessions/s-1/messages"
#define OTTO "userId=otto&isAdmin=true"
#define VIC "userId=vic"
#define AS_SUE ",\"as\":{\"kind\":\"agent\",\"userId\":\"sue\"}}"
#define WHISPER(id) "{\"messageId\":\"" id "\",\"text\":\"" WHISPERED " " id "\",\"whisper\":true"

//  By everybody who may, in every way; what others try is refused.
static void
s_whisper (listener_t *anna, listener_t *vic, listener_t *wim)
{
    s_posts (anna, "whisper", "w-1", WHISPERED " of an observer");
    s_expect_status ("POST", MESSAGES, OTTO, NULL, WHISPER ("w-2") "}", 201);
    s_expect_status ("POST", MESSAGES, OTTO, NULL, WHISPER ("w-2") "}", 200);
    s_expect_status ("POST", MESSAGES, "", SERVER,
                     WHISPER ("w-3") ",\"as\":{\"kind\":\"agent\",\"userId\":\"sue\","
                                     "\"name\":\"Sue\"}}", 201);
    s_expect_status ("POST", MESSAGES, "", s_bearer_and_key,
                     "{\"text\":\"" WHISPERED "\",\"whisper\":true" AS_SUE, 201);
    s_expect_status ("POST", MESSAGES, "", s_bearer_and_key,
                     "{\"text\":\"said\"" AS_SUE, 422);

    s_expect_status ("POST", MESSAGES, "", s_bearers[WHISPERER], WHISPER ("w-0") AS_SUE, 201);
    s_expect_status ("POST", MESSAGES, "", s_bearers[WHISPERER],
                     "{\"messageId\":\"no-0\",\"text\":\"x\"" AS_SUE, 403);
    s_expect_status ("POST", MESSAGES, "", s_bearers[POSTER], WHISPER ("no-0") AS_SUE, 403);

    s_expect_status ("POST", MESSAGES, VIC, NULL, WHISPER ("no-1") "}", 403);
    s_expect_status ("POST", MESSAGES, "", SERVER,
                     WHISPER ("no-2") ",\"as\":{\"kind\":\"visitor\"}}", 400);
    s_expect_status ("POST", MESSAGES, "", SERVER,
                     WHISPER ("no-3") ",\"as\":{\"kind\":\"system\"}}", 400);
    //  What was whispered is not said by the same id, to nobody.
    s_expect_status ("POST", MESSAGES, OTTO, NULL, "{\"messageId\":\"w-2\",\"text\":\"x\"}", 400);
    s_sends (vic, "whisper", "no-4", "a visitor's");
    EVENTUALLY (WITHIN_MS, s_has_heard (vic, "\"code\":\"not_allowed\""));
    s_sends (wim, "whisper", "no-5", "a widget's");
    EVENTUALLY (WITHIN_MS, s_has_heard (wim, "\"code\":\"not_allowed\""));
}

//  The API of those who may read it, and of those who may not.
static void
s_look_at_the_api (void)
{
    EVENTUALLY (WITHIN_MS, s_answer_has ("search", VIC "&q=" SAID, "five"));
    static const char *const paths[] = { MESSAGES, "sessions/s-1/transcript" };
    static const char *const queries[] = { "", "&order=desc", "&format=text" };
    for (size_t at = 0; at < 2; at++)
        for (size_t query = 0; query < 3; query++) {
            char whole[100];
            bool is_of_list = query == 1;
            if (query > 0 && is_of_list != (at == 0))
                continue;
            snprintf (whole, sizeof whole, OTTO "%s", queries[query]);
            s_look_at (FOR_AGENTS, paths[at], whole, NULL);
            s_look_at (FOR_AGENTS, paths[at], queries[query] + (*queries[query] == '&'), SERVER);
            snprintf (whole, sizeof whole, VIC "%s", queries[query]);
            s_look_at (FOR_OTHERS, paths[at], whole, NULL);
        }
    s_look_at (FOR_OTHERS, "search", VIC "&q=" SAID, NULL);
    //  Agents and servers find it; a visitor does not, whatever it asks for.
    EVENTUALLY (WITHIN_MS, s_answer_has ("search", OTTO "&q=" WHISPERED, "\"whisper\""));
    static const char *const kinds[] = { "", "&kind=whisper", "&kind=message", "&session=s-1" };
    for (size_t at = 0; at < sizeof kinds / sizeof *kinds; at++) {
        char whole[100];
        snprintf (whole, sizeof whole, VIC "&q=" WHISPERED "%s", kinds[at]);
        s_look_at (WITHOUT_WORDS, "search", whole, NULL);
    }
    http_answer_t found = s_ask ("GET", "search", "q=" WHISPERED "&kind=whisper", SERVER, NULL);
    cr_expect (found.body && strstr (found.body, WHISPERED), "%s", found.body);
    http_answer_free (&found);
    s_look_at (FOR_OTHERS, "visitors/vic/export", "", SERVER);
    static const char *const wordless[] = { "sessions", "sessions/s-1", "participants",
                                            "sessions/s-1/endpoints" };
    for (size_t at = 0; at < sizeof wordless / sizeof *wordless; at++) {
        s_look_at (WITHOUT_WORDS, wordless[at], VIC, NULL);
        s_look_at (WITHOUT_WORDS, wordless[at], OTTO, NULL);
        s_look_at (WITHOUT_WORDS, wordless[at], "", SERVER);
    }
}

//  What a worker is given, and what a bot was asked.
static void
s_look_at_deliveries (void)
{
    static const char *const topics[] = { "platform.genesys", "sms.out", "notify.slack",
                                          "webhook.out", "bot.stentor" };
    for (size_t at = 0; at < sizeof topics / sizeof *topics; at++) {
        char sql[300];
        snprintf (sql, sizeof sql,
                  "SELECT string_agg (w::text, ' ') FROM work_item w WHERE topic = '%s'",
                  topics[at]);
        char *bodies = s_query (sql);
        s_look (FOR_OTHERS, topics[at], bodies);
        free (bodies);
    }
    s_expect_value ("SELECT count (*) > 9 FROM work_item WHERE item LIKE ':webhook:crm:%'", "t");
    char *told = bot_request (s_bot, RETURN);
    s_look (FOR_OTHERS, "what a bot is told that gets the visitor back", told);
    cr_expect (told && strstr (told, "\"said\":[{") && strstr (told, SAID " four, by an agent"));
    free (told);
    cr_expect_eq (bot_asked (s_bot, WHISPERED), 0);
    cr_expect_eq (bot_asked (s_bot, OF_LATER), 0);
    cr_expect_gt (bot_asked (s_bot, SAID " five"), 0);
}

Test (whisper, never_leaves)
{
    s_begin ();
    listener_t *first = s_listens (FOR_OTHERS, "widget", 1, VIC, JOIN);
    s_sends (first, "new message", "v-1", SAID " one");
    EVENTUALLY (WITHIN_MS, s_has_heard (first, "about " SAID " one"));
    s_add_channels ();

    listener_t *vic = s_listens (FOR_OTHERS, "visitor", 1, VIC "&protocol=2", RESUME);
    listener_t *anna =
        s_listens (FOR_AGENTS, "agent", 2, "userId=anna&isAdmin=true&protocol=2", RESUME);
    listener_t *wim = s_listens (FOR_OTHERS, "widget's agent", 2, "userId=wim&isAdmin=true", JOIN);
    //  The edges have found the postoffices again.
    EVENTUALLY (WITHIN_MS, s_has_heard (vic, SAID " one"));
    EVENTUALLY (WITHIN_MS, s_has_heard (wim, SAID " one"));
    tcp_talk_t of_vic = s_streams (1, "/api/v1/sessions/s-1/events?" VIC "&lastEventId=0", NULL);
    tcp_talk_t of_otto = s_streams (2, "/api/v1/sessions/s-1/events?" OTTO "&lastEventId=0", NULL);
    tcp_talk_t feeds[] = { s_streams (1, "/api/v1/feed?" OTTO, NULL),
                           s_streams (2, "/api/v1/feed", SERVER) };
    for (size_t at = 0; at < 2; at++)
        EVENTUALLY (WITHIN_MS, s_stream_has (&feeds[at], "event: ready"));
    EVENTUALLY (WITHIN_MS, s_stream_has (&of_otto, SAID " one"));

    s_whisper (anna, vic, wim);
    s_posts (vic, "new message", "v-2", SAID " two");
    EVENTUALLY (WITHIN_MS, s_has_heard (vic, "about " SAID " two"));
    s_posts (anna, "barge in", "in", "");
    s_posts (anna, "whisper", "w-4", WHISPERED " of the one in control");
    s_posts (vic, "new message", "v-3", SAID " three");
    s_posts (anna, "new message", "a-1", SAID " four, by an agent");
    s_posts (vic, "new message", "v-5", SAID " five");
    //  No answer: the bot is told of all that was said meanwhile.
    s_posts (anna, "whisper", "w-5", WHISPERED " behind the question");
    s_posts (anna, "barge out", "out", "");
    EVENTUALLY (WITHIN_MS, s_has_heard (vic, "about " SAID " five"));

    //  It is over for the visitor, and stays so.
    s_expect_status ("POST", "sessions/s-1/close", "", SERVER, "{}", 200);
    s_expect_status ("POST", MESSAGES, OTTO, NULL, WHISPER ("w-6") "}", 201);
    s_expect_value ("SELECT closed_at IS NOT NULL FROM session WHERE session = 'demo/s-1'", "t");
    s_expect_value ("SELECT count (*) FROM log WHERE event = 11", "8");
    s_look_at_the_api ();
    s_look_at_deliveries ();

    //  Those who come later, and catch up.
    listener_t *late = s_listens (FOR_OTHERS, "visitor, late", 2, VIC "&protocol=2", RESUME);
    listener_t *again = s_listens (FOR_OTHERS, "widget, reloaded", 2, VIC, JOIN);
    listener_t *otto = s_listens (FOR_AGENTS, "agent, late", 1, OTTO "&protocol=2", RESUME);
    s_posts (otto, "whisper", "w-7", WHISPERED " at the end");
    s_posts (late, "new message", "v-6", SAID " six");
    for (size_t at = 0; at < s_listener_count; at++)
        EVENTUALLY (WITHIN_MS, s_has_heard (&s_listeners[at], "about " SAID " six"));
    EVENTUALLY (WITHIN_MS, s_stream_has (&of_vic, "about " SAID " six"));
    EVENTUALLY (WITHIN_MS, s_stream_has (&of_otto, "about " SAID " six"));
    cr_expect (s_has_heard (otto, "\"messageId\":\"w-1\"") && s_has_heard (anna, "w-7"));
    cr_expect (s_has_heard (again, SAID " four"));

    for (size_t at = 0; at < s_listener_count; at++)
        s_look (s_listeners[at].kind, s_listeners[at].name, s_listeners[at].text);
    s_look (FOR_OTHERS, "event stream of the visitor", of_vic.heard);
    s_look (FOR_AGENTS, "event stream of an agent", of_otto.heard);
    for (size_t at = 0; at < 2; at++) {
        EVENTUALLY (WITHIN_MS, s_stream_has (&feeds[at], "\"sessionId\":\"s-1\""));
        s_look (WITHOUT_WORDS, "feed", feeds[at].heard);
        tcp_talk_free (&feeds[at]);
    }
    cr_expect_geq (s_exits, 41);
    for (size_t at = 0; at < s_listener_count; at++)
        ws_client_destroy (&s_listeners[at].client);
    tcp_talk_free (&of_vic);
    tcp_talk_free (&of_otto);
    stack_destroy (&s_stack);
    bot_destroy (&s_bot);
    unlink (s_path);
}
