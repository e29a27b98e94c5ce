//  edge's door with tokens: what a token says is what the postoffice is told; the key that leaves
//  the file, and the end of a token where the app says so, end connections.

#include "edge_fixture.h"
#include "eventually.h"
#include "tcp_talk.h"

#include "auth/token.h"
#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SECRET "0123456789abcdef0123456789abcdef"

static char s_path[] = "/tmp/edge_tokens_test.XXXXXX";
static stage_t *s_stage;

#define API_KEY "stk_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define API_KEY_HASH "sha256:a3db06f6aacc3af690cc929132b2d35aa59a13ba2a37e852a70a3ec824c48b3b"

//  The app "demo" with one key of this kid, and one API key; and more members of its tokens.
static void
s_write_apps (const char *kid, const char *more)
{
    FILE *file = fopen (s_path, "w");
    cr_assert (file);
    fprintf (file,
             "{\"apps\":[{\"appId\":\"demo\",\"tokens\":{%s\"keys\":[{\"kid\":\"%s\","
             "\"algorithm\":\"HS256\",\"key\":\"" SECRET "\"}]},\"apiKeys\":{\"keys\":[{"
             "\"name\":\"crm\",\"hash\":\"" API_KEY_HASH "\"}]}}]}\n",
             more, kid);
    fclose (file);
}

static void
s_begin (const char *more)
{
    char setting[100];
    int file = mkstemp (s_path);
    cr_assert (file >= 0);
    close (file);
    s_write_apps ("k1", more);
    snprintf (setting, sizeof setting, "APPS_FILE=%s", s_path);
    s_stage = START (setting, "EDGE_DEMO_MODE=off");
}

static void
s_end (void)
{
    stage_end (s_stage);
    unlink (s_path);
}

//  Good for so many seconds, or since so many no more.
static const char *
s_token (const char *members, int64_t seconds)
{
    static char token[1000];
    char claims[600];
    buffer_t made;
    buffer_init (&made, sizeof token - 1);
    token_keys_t *keys = token_keys_new ();
    cr_assert_null (token_keys_add (keys, TEXT ("k1"), TOKEN_HS256, TEXT (SECRET)));
    snprintf (claims, sizeof claims, "{\"app\":\"demo\",%s,\"exp\":%lld}", members,
              (long long) (clock_wall_ms () / 1000) + seconds);
    cr_assert_eq (token_sign (token_keys_signing (keys), text_of (claims), &made), 0);
    snprintf (token, sizeof token, "%.*s", TEXT_ARGS (buffer_text (&made)));
    token_keys_destroy (&keys);
    buffer_free (&made);
    return token;
}

#define ANNA "\"kind\":\"agent\",\"sub\":\"anna\",\"name\":\"Anna A.\""

static ws_client_t *
s_connect (const char *query, const char *token)
{
    char target[1200];
    snprintf (target, sizeof target, "/?appId=demo&protocol=2%s%s%s", query, token ? "&token=" : "",
              token ? token : "");
    return stage_connect (s_stage, target);
}

static void
s_join (ws_client_t *client, const char *session)
{
    ws_client_send_format (client,
                           "{\"event\":\"user joined\",\"sessionId\":\"%s\",\"sender\":{"
                           "\"displayName\":\"somebody else\",\"isAdmin\":true}}",
                           session);
}

static void
s_expect_refused (const char *query, const char *token, int code)
{
    ws_client_t *client = s_connect (query, token);
    json_object *update = ws_client_wait_event (client, "connection update", 3000);
    cr_expect_not (ws_json_true (update, "data.sessionCreated"));
    cr_expect (ws_client_expect_close (client, code, 3000), "%s", query);
    ws_client_destroy (&client);
}

// ---------------------------------------------------------------------------------------------

Test (edge_tokens, the_postoffice_is_told_what_the_token_says, .timeout = 60)
{
    s_begin ("");
    ws_client_t *client = s_connect ("", s_token (ANNA, 600));
    s_join (client, "s-1");
    const bus_record_t *attach = stage_hear (s_stage, BUS_ATTACH);
    cr_expect_eq (attach->attach.role, ROLE_AGENT);
    cr_expect (text_is (attach->attach.user, TEXT ("anna")));
    cr_expect (memmem (attach->attach.sender.data, attach->attach.sender.size,
                       "\"displayName\":\"Anna A.\"", 23));
    ws_client_destroy (&client);

    client = s_connect ("&userId=anna", NULL);
    s_join (client, "s-2");
    attach = stage_hear (s_stage, BUS_ATTACH);
    cr_expect_eq (attach->attach.role, ROLE_VISITOR);
    cr_expect (text_is (attach->attach.user, TEXT ("anonymous:anna")));
    ws_client_destroy (&client);
    s_end ();
}

Test (edge_tokens, a_bad_token_lets_nobody_in, .timeout = 60)
{
    s_begin ("\"anonymous\":false,");
    s_expect_refused ("", s_token (ANNA, -60), 4401);
    s_expect_refused ("", "aaaa.bbbb.cccc", 4401);
    s_expect_refused ("&userId=u", NULL, 4401);
    s_expect_refused ("&userId=bob", s_token (ANNA, 600), 4403);
    //  A server has no connections.
    s_expect_refused ("", s_token ("\"kind\":\"api\",\"sub\":\"crm\"", 600), 4403);
    cr_expect_null (stage_find (s_stage, BUS_ATTACH));
    s_end ();
}

Test (edge_tokens, a_bound_bearer_is_in_no_other_session, .timeout = 60)
{
    s_begin ("");
    ws_client_t *client =
        s_connect ("", s_token ("\"kind\":\"visitor\",\"sub\":\"v\",\"session\":\"s-1\"", 600));
    s_join (client, "s-2");
    cr_expect (ws_client_wait_event (client, "error", 3000));
    s_join (client, "s-1");
    const bus_record_t *attach = stage_hear (s_stage, BUS_ATTACH);
    cr_expect (text_is (attach->attach.session, TEXT ("demo/s-1")), "%.*s",
               TEXT_ARGS (attach->attach.session));
    ws_client_destroy (&client);
    s_end ();
}

Test (edge_tokens, a_key_that_leaves_the_file_ends_its_connections, .timeout = 60)
{
    s_begin ("");
    ws_client_t *anna = s_connect ("", s_token (ANNA, 600));
    ws_client_t *visitor = s_connect ("&userId=v", NULL);
    s_join (anna, "s-1");
    stage_hear (s_stage, BUS_ATTACH);
    s_write_apps ("k2", "");
    cr_expect (ws_client_expect_close (anna, 4401, 15000));
    s_join (visitor, "s-2");
    stage_hear (s_stage, BUS_ATTACH);
    ws_client_destroy (&anna);
    ws_client_destroy (&visitor);
    s_end ();
}

//  The end that a token has counts 30 s later, as clocks differ.
Test (edge_tokens, a_chat_ends_with_its_token_where_the_app_says_so, .timeout = 60)
{
    s_begin ("\"endsChats\":true,");
    ws_client_t *client = s_connect ("", s_token (ANNA, -27));
    s_join (client, "s-1");
    stage_hear (s_stage, BUS_ATTACH);
    cr_expect (ws_client_expect_close (client, 4401, 20000));
    ws_client_destroy (&client);
    s_end ();
}

// ---------------------------------------------------------------------------------------------
//  Event streams

static tcp_talk_t
s_listen (const char *query, const char *token)
{
    char request[2000];
    tcp_talk_t talk = tcp_talk_new (s_stage->port, 0);
    snprintf (request, sizeof request,
              "GET /api/v1/sessions/s-1/events?appId=demo%s HTTP/1.1\r\nHost: h\r\n%s%s%s\r\n",
              query,
              token ? "Authorization: Bearer " : "", token ? token : "", token ? "\r\n" : "");
    cr_assert (tcp_talk_say (&talk, request, strlen (request)));
    return talk;
}

static void
s_expect_heard (tcp_talk_t *talk, const char *words)
{
    RIG_UNTIL (&s_stage->rig, 15000,
               (tcp_talk_hear (talk, SIZE_MAX, 5), strstr (talk->heard, words)));
}

Test (edge_tokens, a_stream_takes_them_and_ends_with_its_key, .timeout = 60)
{
    char query[1200];
    s_begin ("");
    tcp_talk_t by_header = s_listen ("", s_token (ANNA, 600));
    const bus_record_t *attach = stage_hear (s_stage, BUS_ATTACH);
    cr_expect (attach->attach.role == ROLE_AGENT
               && text_is (attach->attach.user, TEXT ("anna")));
    stage_attached (s_stage, attach, VERDICT_OK, 0);
    //  As an EventSource does, which has no headers.
    snprintf (query, sizeof query, "&token=%s", s_token (ANNA, 600));
    tcp_talk_t by_query = s_listen (query, NULL);
    stage_attached (s_stage, stage_hear (s_stage, BUS_ATTACH), VERDICT_OK, 0);
    tcp_talk_t refused[] = {
        s_listen ("", s_token ("\"kind\":\"visitor\",\"sub\":\"v\",\"session\":\"s-2\"", 600)),
        s_listen ("", s_token ("\"kind\":\"api\",\"sub\":\"crm\"", 600)),
        s_listen ("", s_token (ANNA ",\"scopes\":[\"session_read\"]", 600)),
        s_listen ("", s_token (ANNA, -60)),
        s_listen ("", API_KEY),
    };
    for (size_t at = 0; at < sizeof refused / sizeof *refused; at++) {
        s_expect_heard (&refused[at], at == 3 ? "HTTP/1.1 401 " : "HTTP/1.1 403 ");
        tcp_talk_free (&refused[at]);
    }
    s_expect_heard (&by_header, "\"sessionCreated\":true");
    s_expect_heard (&by_query, "\"sessionCreated\":true");
    s_write_apps ("k2", "");
    s_expect_heard (&by_header, "event: close\ndata: {\"code\":4401,\"reason\":\"bad_token\"");
    s_expect_heard (&by_query, "event: close\ndata: {\"code\":4401,\"reason\":\"bad_token\"");
    cr_expect (tcp_talk_hear_end (&by_header, 5000) && tcp_talk_hear_end (&by_query, 5000));
    tcp_talk_free (&by_header);
    tcp_talk_free (&by_query);
    s_end ();
}

// ---------------------------------------------------------------------------------------------
//  The API

static void
s_ask (const char *query, const char *token, const char *status, const char *words)
{
    char request[2000];
    tcp_talk_t talk = tcp_talk_new (s_stage->port, 0);
    snprintf (request, sizeof request,
              "GET /api/v1/sessions/s-1?appId=demo%s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
              "%s%s%s\r\n",
              query, token ? "Authorization: Bearer " : "", token ? token : "",
              token ? "\r\n" : "");
    cr_assert (tcp_talk_say (&talk, request, strlen (request)));
    RIG_UNTIL (&s_stage->rig, 10000,
               (tcp_talk_hear (&talk, SIZE_MAX, 5), strstr (talk.heard, status)));
    cr_expect (strstr (talk.heard, words), "%s", talk.heard);
    tcp_talk_free (&talk);
}

Test (edge_tokens, the_api_takes_them_in_the_header, .timeout = 60)
{
    s_begin ("");
    ws_client_t *client = s_connect ("&userId=early", NULL);
    stage_join (s_stage, client);
    s_ask ("", s_token (ANNA, -60), "HTTP/1.1 401 ", "the token has expired");
    s_ask ("", "x", "HTTP/1.1 401 ", "www-authenticate: Bearer");
    s_ask ("", s_token (ANNA ",\"scopes\":[\"message_post\"]", 600), "HTTP/1.1 403 ", "forbidden");
    s_ask ("&userId=ann&isAdmin=true", NULL, "HTTP/1.1 401 ", "An agent needs a token");
    //  With "anonymous:" before it, it is longer than a user id may be.
    char query[220];
    snprintf (query, sizeof query, "&userId=%0191d", 7);
    s_ask (query, NULL, "HTTP/1.1 400 ", "at most 190 bytes long");
    cr_expect_null (stage_find (s_stage, BUS_REQUEST));

    char request[2000];
    tcp_talk_t talk = tcp_talk_new (s_stage->port, 0);
    snprintf (request, sizeof request,
              "GET /api/v1/sessions/s-1 HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\n\r\n",
              s_token ("\"kind\":\"api\",\"sub\":\"crm\"", 600));
    cr_assert (tcp_talk_say (&talk, request, strlen (request)));
    const bus_record_t *record = stage_hear (s_stage, BUS_REQUEST);
    cr_expect (memmem (record->request.principal.data, record->request.principal.size,
                       "{\"kind\":\"api\",\"app\":\"demo\",\"user\":\"crm\"", 39),
               "%.*s", TEXT_ARGS (record->request.principal));
    tcp_talk_free (&talk);
    ws_client_destroy (&client);
    s_end ();
}

Test (edge_tokens, the_api_takes_api_keys_in_the_header, .timeout = 60)
{
    s_begin ("");
    ws_client_t *client = s_connect ("&userId=early", NULL);
    stage_join (s_stage, client);
    s_ask ("", API_KEY "0", "HTTP/1.1 401 ", "the API key is not accepted");
    s_ask ("&token=" API_KEY, NULL, "HTTP/1.1 401 ", "Authorization header");
    s_ask ("&userId=ann", API_KEY, "HTTP/1.1 403 ", "forbidden");
    cr_expect_null (stage_find (s_stage, BUS_REQUEST));
    //  Nor does it make a connection.
    s_expect_refused ("&userId=u", API_KEY, 4401);

    tcp_talk_t talk = tcp_talk_new (s_stage->port, 0);
    static const char request[] = "GET /api/v1/sessions/s-1 HTTP/1.1\r\nHost: h\r\n"
                                  "Authorization: Bearer " API_KEY "\r\n\r\n";
    cr_assert (tcp_talk_say (&talk, request, strlen (request)));
    const bus_record_t *record = stage_hear (s_stage, BUS_REQUEST);
    cr_expect (memmem (record->request.principal.data, record->request.principal.size,
                       "{\"kind\":\"api\",\"app\":\"demo\",\"user\":\"crm\"", 39),
               "%.*s", TEXT_ARGS (record->request.principal));
    cr_expect (process_wait_log (s_stage->edge, "API key refused", 5000));
    cr_expect_not (process_wait_log (s_stage->edge, "stk_", 200));
    tcp_talk_free (&talk);
    ws_client_destroy (&client);
    s_end ();
}

//  As the file says from then on.
Test (edge_tokens, an_api_key_that_leaves_the_file_is_none, .timeout = 60)
{
    static const char request[] = "GET /api/v1/feed?appId=demo HTTP/1.1\r\nHost: h\r\n"
                                  "Authorization: Bearer " API_KEY "\r\n\r\n";
    s_begin ("");
    RIG_UNTIL (&s_stage->rig, 5000,
               process_metric (s_stage->edge, "stentor_edge_postoffices") == 1);
    tcp_talk_t feed = tcp_talk_new (s_stage->port, 0);
    cr_assert (tcp_talk_say (&feed, request, strlen (request)));
    s_expect_heard (&feed, "HTTP/1.1 200 ");
    FILE *file = fopen (s_path, "w");
    cr_assert (file);
    fprintf (file, "{\"apps\":[{\"appId\":\"demo\"}]}\n");
    fclose (file);
    cr_expect (process_wait_log (s_stage->edge, "apps file read again", 15000));
    s_ask ("", API_KEY, "HTTP/1.1 401 ", "the API key is not accepted");
    s_expect_heard (&feed, "the API key is not accepted");
    cr_expect (tcp_talk_hear_end (&feed, 5000));
    tcp_talk_free (&feed);
    s_end ();
}

Test (edge_tokens, nothing_of_a_token_is_logged, .timeout = 60)
{
    s_begin ("");
    const char *token = s_token (ANNA, 600);
    ws_client_t *client = s_connect ("", token);
    s_join (client, "s-1");
    stage_hear (s_stage, BUS_ATTACH);
    s_expect_refused ("", s_token (ANNA, -60), 4401);
    cr_expect (process_wait_log (s_stage->edge, "token refused", 5000));
    cr_expect_not (process_wait_log (s_stage->edge, "eyJ", 200));
    ws_client_destroy (&client);
    s_end ();
}
