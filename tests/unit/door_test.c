//  door — who comes in as whom: anonymous, in demo mode, and with a token, in each of the places
//  where it may stand.

#include "client/door.h"

#include "base/alloc.h"
#include "config/apps.h"
#include "tables/edge_metrics.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define API_KEY "stk_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define API_KEY_HASH "sha256:a3db06f6aacc3af690cc929132b2d35aa59a13ba2a37e852a70a3ec824c48b3b"
#define NEXT_KEY "stk_fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define NEXT_KEY_HASH "sha256:0c5ee47327d51d144af7f30a7a7b574832825004c351e7403c231a6236a4cfeb"

static const char s_file[] = "{\"apps\":[{\"appId\":\"open\"},"
                             "{\"appId\":\"servers\",\"apiKeys\":{\"keys\":[{\"name\":\"crm\","
                             "\"hash\":\"" API_KEY_HASH "\",\"scopes\":[\"session_read\"]"
                             "},{\"name\":\"crm\",\"hash\":\""
                             NEXT_KEY_HASH "\"}]}},"
                             "{\"appId\":\"keys\",\"tokens\":{\"keys\":[{\"kid\":\"k\","
                             "\"algorithm\":\"HS256\",\"key\":\"" SECRET "\"}]}},"
                             "{\"appId\":\"closed\",\"tokens\":{\"anonymous\":false,\"endsChats\":"
                             "true,\"keys\":[{\"kid\":\"k\","
                             "\"algorithm\":\"HS256\",\"key\":\"" SECRET "\"}]}}]}";

static char s_path[] = "/tmp/door_test.XXXXXX";
static uv_loop_t s_loop;
static apps_t *s_apps;
static door_t s_door;
static token_keys_t *s_keys;
static door_pass_t s_pass;

static void
s_begin (void)
{
    buffer_t complaint;
    buffer_init (&complaint, 1000);
    int file = mkstemp (s_path);
    cr_assert_eq (write (file, s_file, sizeof s_file - 1), (ssize_t) sizeof s_file - 1);
    close (file);
    uv_loop_init (&s_loop);
    s_apps = apps_new (
        &s_loop,
        &(apps_config_t){
            .reader = APP_READER_EDGE, .file = s_path, .app_id = "", .bot_url = "", .bot_key = ""},
        &complaint);
    cr_assert (s_apps, "%.*s", TEXT_ARGS (buffer_text (&complaint)));
    s_door = (door_t){.apps = s_apps};
    s_keys = token_keys_new ();
    cr_assert_null (token_keys_add (s_keys, TEXT ("k"), TOKEN_HS256, TEXT (SECRET)));
    buffer_free (&complaint);
}

static void
s_end (void)
{
    door_pass_free (&s_pass);
    token_keys_destroy (&s_keys);
    apps_destroy (&s_apps);
    uv_run (&s_loop, UV_RUN_DEFAULT);
    uv_loop_close (&s_loop);
    unlink (s_path);
}

TestSuite (door, .init = s_begin, .fini = s_end);

//  A token with these members of its claims, good until 2100 unless they say something else.
static const char *
s_token (const char *members)
{
    static char token[2000];
    char claims[1000];
    buffer_t made;
    buffer_init (&made, sizeof token - 1);
    snprintf (claims, sizeof claims, "{%s%s}", members,
              strstr (members, "\"exp\"") ? "" : ",\"exp\":4102444800");
    cr_assert_eq (token_sign (token_keys_signing (s_keys), text_of (claims), &made), 0);
    snprintf (token, sizeof token, "%.*s", TEXT_ARGS (buffer_text (&made)));
    buffer_free (&made);
    return token;
}

#define ANNA "\"app\":\"keys\",\"kind\":\"agent\",\"sub\":\"anna\",\"name\":\"Anna\""

//  Asks with this query and these header lines, each ended by CR LF.
static close_reason_t
s_ask (const char *query, const char *headers)
{
    static char request[6000];
    size_t size;
    http_head_t head;
    client_url_t url;
    snprintf (request, sizeof request, "GET /?%s HTTP/1.1\r\nHost: h\r\n%s\r\n", query, headers);
    cr_assert_eq (http_head_read (&head, text_of (request), &size), HTTP_NO_FAULT);
    cr_assert_eq (size, strlen (request));
    client_url_read (&url, head.query);
    door_pass_free (&s_pass);
    return door_ask (&s_door, &url, &head, &s_pass);
}

//  The text with the token in place of its "%s".
static const char *
s_with (const char *text, const char *token)
{
    static char room[3000];
    const char *place = strstr (text, "%s");
    snprintf (room, sizeof room, "%.*s%s%s", (int) (place - text), text, token, place + 2);
    return room;
}

static void
s_is (role_t kind, const char *user)
{
    cr_assert_eq (s_pass.principal.kind, kind);
    cr_assert (text_is (s_pass.principal.user, text_of (user)), "%.*s",
               TEXT_ARGS (s_pass.principal.user));
}

// ---------------------------------------------------------------------------------------------
//  Without tokens: every kind of URL, with demo mode and without

typedef struct {
    const char *query;
    close_reason_t reason, demo; //  without demo mode, and with it
    role_t kind;
} row_t;

static const row_t s_rows[] = {
    { "userId=u", CLOSE_CLIENT, CLOSE_CLIENT, ROLE_VISITOR },
    { "userId=u&isAdmin=false", CLOSE_CLIENT, CLOSE_CLIENT, ROLE_VISITOR },
    { "userId=u&appId=open", CLOSE_CLIENT, CLOSE_CLIENT, ROLE_VISITOR },
    { "userId=u&isAdmin=true", CLOSE_NOT_ALLOWED, CLOSE_CLIENT, ROLE_AGENT },
    { "userId=u&isAdmin=true&protocol=2", CLOSE_NOT_ALLOWED, CLOSE_CLIENT, ROLE_AGENT },
    //  Demo mode makes nobody more than an agent, and lets nobody in who is nobody.
    { "userId=u&isAdmin=true&appId=none", CLOSE_UNKNOWN_APP, CLOSE_UNKNOWN_APP, ROLE_AGENT },
    { "userId=u&appId=none", CLOSE_UNKNOWN_APP, CLOSE_UNKNOWN_APP, ROLE_VISITOR },
    { "userId=u&appId=%20", CLOSE_UNKNOWN_APP, CLOSE_UNKNOWN_APP, ROLE_VISITOR },
    { "userId=the-Router&isAdmin=true", CLOSE_NOT_ALLOWED, CLOSE_NOT_ALLOWED, ROLE_AGENT },
    { "userId=router", CLOSE_NOT_ALLOWED, CLOSE_NOT_ALLOWED, ROLE_VISITOR },
    { "isAdmin=true", CLOSE_BAD_URL, CLOSE_BAD_URL, ROLE_AGENT },
    { "", CLOSE_BAD_URL, CLOSE_BAD_URL, ROLE_VISITOR },
    { "userId=u&isAdmin=1", CLOSE_BAD_URL, CLOSE_BAD_URL, ROLE_VISITOR },
    { "userId=u&isadmin=true", CLOSE_BAD_URL, CLOSE_BAD_URL, ROLE_VISITOR },
    { "userId=u&isAdmin=false&isAdmin=true", CLOSE_BAD_URL, CLOSE_BAD_URL, ROLE_VISITOR },
    { "userId=u&role=agent&kind=router", CLOSE_CLIENT, CLOSE_CLIENT, ROLE_VISITOR },
};

Test (door, who_comes_in_without_a_token)
{
    for (size_t at = 0; at < sizeof s_rows / sizeof *s_rows; at++)
        for (int demo_mode = 0; demo_mode <= 1; demo_mode++) {
            const row_t *row = &s_rows[at];
            s_door.demo_mode = demo_mode;
            close_reason_t reason = s_ask (row->query, "");
            cr_expect_eq (reason, demo_mode ? row->demo : row->reason, "%s: %s", row->query,
                          close_reasons[reason].metric);
            if (reason != CLOSE_CLIENT)
                continue;
            s_is (row->kind, "u");
            cr_expect (text_is (s_pass.principal.app, TEXT ("open")));
            cr_expect_eq (s_pass.principal.session.size, 0);
            cr_expect_eq (s_pass.may, permissions_of (row->kind));
        }
}

// ---------------------------------------------------------------------------------------------
//  Tokens

Test (door, anybody_is_a_visitor_where_nobody_has_tokens)
{
    cr_assert_eq (s_ask ("appId=open&userId=u", ""), CLOSE_CLIENT);
    s_is (ROLE_VISITOR, "u");
    cr_assert_eq (s_pass.may, permissions_of (ROLE_VISITOR));
    cr_assert_eq (s_ask ("appId=open&userId=u&isAdmin=true", ""), CLOSE_NOT_ALLOWED);
    cr_assert_eq (s_ask ("appId=open", ""), CLOSE_BAD_URL);
    cr_assert_eq (s_ask ("appId=none&userId=u", ""), CLOSE_UNKNOWN_APP);
    cr_assert_eq (s_ask (s_with ("appId=open&userId=u&token=%s", s_token (ANNA)), ""),
                  CLOSE_BAD_TOKEN);
    s_door.demo_mode = true;
    cr_assert_eq (s_ask ("appId=open&userId=u&isAdmin=true", ""), CLOSE_CLIENT);
    s_is (ROLE_AGENT, "u");
}

//  Phone numbers can be guessed: nobody comes in as one without a word of the app's server.
Test (door, names_of_those_who_write_by_webhooks)
{
    cr_assert_eq (s_ask ("appId=open&userId=%40sms:%2B4930123", ""), CLOSE_NOT_ALLOWED);
    cr_assert_eq (s_ask ("appId=keys&userId=%40sms:%2B4930123", ""), CLOSE_CLIENT);
    s_is (ROLE_VISITOR, "anonymous:@sms:+4930123");
}

//  Else somebody without a token could take the name of somebody with one.
Test (door, anonymous_visitors_have_names_of_their_own_beside_tokens)
{
    char query[400], long_id[USER_ID_MAX + 1] = {0};
    cr_assert_eq (s_ask ("appId=keys&userId=anna", ""), CLOSE_CLIENT);
    s_is (ROLE_VISITOR, "anonymous:anna");
    memset (long_id, 'u', USER_ID_MAX);
    sprintf (query, "appId=keys&userId=%s", long_id);
    cr_assert_eq (s_ask (query, ""), CLOSE_BAD_URL);
    cr_assert_eq (s_ask (query + strlen (query) - 20, ""), CLOSE_BAD_URL);
    long_id[USER_ID_MAX - strlen (ANONYMOUS)] = '\0';
    sprintf (query, "appId=keys&userId=%s", long_id);
    cr_assert_eq (s_ask (query, ""), CLOSE_CLIENT);
    cr_assert_eq (
        s_ask (s_with ("token=%s&appId=keys",
                       s_token ("\"app\":\"keys\",\"kind\":\"visitor\",\"sub\":\"anonymous:x\"")),
               ""),
        CLOSE_NOT_ALLOWED);
    cr_assert_eq (
        s_ask (s_with ("token=%s&appId=keys",
                       s_token ("\"app\":\"keys\",\"kind\":\"visitor\",\"sub\":\"aROUTER\"")),
               ""),
        CLOSE_NOT_ALLOWED);
}

Test (door, an_app_may_let_nobody_in_without_a_token)
{
    cr_assert_eq (s_ask ("appId=closed&userId=u", ""), CLOSE_NO_TOKEN);
    cr_assert_eq (s_ask ("appId=closed&userId=u&isAdmin=true", ""), CLOSE_NO_TOKEN);
    cr_assert_eq (s_ask ("appId=keys&userId=u&isAdmin=true", ""), CLOSE_NO_TOKEN);
}

Test (door, a_token_stands_in_one_of_three_places)
{
    const char *token = s_token (ANNA);
    cr_assert_eq (s_ask (s_with ("appId=keys&token=%s", token), ""), CLOSE_CLIENT);
    s_is (ROLE_AGENT, "anna");
    cr_assert (text_is (s_pass.name, TEXT ("Anna")));
    cr_assert_eq (s_ask ("appId=keys", s_with ("Authorization: Bearer %s\r\n", token)),
                  CLOSE_CLIENT);
    s_is (ROLE_AGENT, "anna");
    cr_assert_eq (s_ask ("appId=keys", s_with ("authorization: bearer %s\r\n", token)),
                  CLOSE_CLIENT);
    cr_assert_eq (
        s_ask ("appId=keys",
               s_with ("Sec-WebSocket-Protocol: stentor.chat, stentor.token.%s\r\n", token)),
        CLOSE_CLIENT);
    s_is (ROLE_AGENT, "anna");
    //  Not in two, and not nearly so.
    char both[5000];
    sprintf (both, "Authorization: Bearer %s\r\nSec-WebSocket-Protocol: stentor.token.%s\r\n",
             token, token);
    cr_assert_eq (s_ask ("appId=keys", both), CLOSE_BAD_TOKEN);
    sprintf (both, "Authorization: Bearer %s\r\nAuthorization: Bearer %s\r\n", token, token);
    cr_assert_eq (s_ask ("appId=keys", both), CLOSE_BAD_TOKEN);
    sprintf (both, "appId=keys&token=%s&token=%s", token, token);
    cr_assert_eq (s_ask (both, ""), CLOSE_BAD_URL);
    cr_assert_eq (s_ask ("appId=keys&userId=u", s_with ("Authorization: Basic %s\r\n", token)),
                  CLOSE_BAD_TOKEN);
    cr_assert_eq (s_ask ("appId=keys&userId=u", "Authorization: Bearer \r\n"), CLOSE_BAD_TOKEN);
    cr_assert_eq (s_ask ("appId=keys&userId=u&token=", ""), CLOSE_BAD_URL);
    cr_assert_eq (s_ask ("appId=keys&userId=u&token=a%2Eb", ""), CLOSE_BAD_URL);
}

Test (door, what_the_url_says_beside_a_token_must_agree)
{
    const char *token = s_token (ANNA);
    cr_assert_eq (s_ask (s_with ("appId=keys&userId=anna&isAdmin=true&token=%s", token), ""),
                  CLOSE_CLIENT);
    cr_assert_eq (s_ask (s_with ("appId=keys&userId=bob&token=%s", token), ""), CLOSE_NOT_ALLOWED);
    token = s_token ("\"app\":\"keys\",\"kind\":\"visitor\",\"sub\":\"v\"");
    cr_assert_eq (s_ask (s_with ("appId=keys&userId=v&token=%s", token), ""), CLOSE_CLIENT);
    s_is (ROLE_VISITOR, "v");
    cr_assert_eq (s_ask (s_with ("appId=keys&isAdmin=true&token=%s", token), ""),
                  CLOSE_NOT_ALLOWED);
    //  Demo mode does not make a visitor's token an agent's.
    s_door.demo_mode = true;
    cr_assert_eq (s_ask (s_with ("appId=keys&isAdmin=true&token=%s", token), ""),
                  CLOSE_NOT_ALLOWED);
}

Test (door, a_token_is_for_its_app_and_its_time)
{
    const char *token = s_token (ANNA);
    cr_assert_eq (s_ask (s_with ("appId=closed&token=%s", token), ""), CLOSE_BAD_TOKEN);
    cr_assert_eq (s_pass.fault, TOKEN_FAULT_APP);
    cr_assert_eq (s_ask (s_with ("appId=keys&token=%s", s_token (ANNA ",\"exp\":1000000000")), ""),
                  CLOSE_TOKEN_EXPIRED);
    cr_assert_eq (s_ask ("appId=keys&token=x", ""), CLOSE_BAD_TOKEN);
    cr_assert_eq (edge_tokens[TOKEN_FAULT_APP], 1);
    cr_assert_eq (edge_tokens[TOKEN_FAULT_EXPIRED], 1);
}

Test (door, scopes_narrow_what_a_token_allows)
{
    cr_assert_eq (
        s_ask (s_with ("appId=keys&token=%s",
                       s_token (ANNA ",\"scopes\":[\"session_read\",\"session_open\",\"x\"]")),
               ""),
        CLOSE_CLIENT);
    cr_assert_eq (s_pass.may, PERMISSION_BIT (PERMIT_SESSION_READ));
    cr_assert_eq (s_ask (s_with ("appId=keys&token=%s", s_token (ANNA ",\"scopes\":[]")), ""),
                  CLOSE_CLIENT);
    cr_assert_eq (s_pass.may, 0);
    cr_assert_eq (s_ask (s_with ("appId=keys&token=%s", s_token (ANNA ",\"session\":\"s-1\"")), ""),
                  CLOSE_CLIENT);
    //  What must be named is not allowed by a token that names nothing.
    cr_assert_eq (s_pass.may,
                  permissions_of (ROLE_AGENT) & ~PERMISSION_BIT (PERMIT_AGENT_MANAGE));
    cr_assert (text_is (s_pass.principal.session, TEXT ("s-1")));
    cr_assert_eq (s_ask (s_with ("appId=keys&token=%s",
                                 s_token (ANNA ",\"scopes\":[\"agent_manage\"],"
                                               "\"groups\":[\"sales\",\"de\"]")),
                         ""),
                  CLOSE_CLIENT);
    cr_assert_eq (s_pass.may, PERMISSION_BIT (PERMIT_AGENT_MANAGE));
    cr_assert_eq (s_pass.principal.group_count, 2);
    cr_assert (text_is (s_pass.principal.groups[1], TEXT ("de")));
}

static close_reason_t
s_stays (const char *app, role_t kind, const char *user, uint64_t key, uint64_t expires_s)
{
    return door_may_stay (&s_door,
                          &(principal_t){ .kind = kind,
                                          .app = text_of (app),
                                          .user = text_of (user),
                                          .session = TEXT_EMPTY },
                          &(door_ticket_t){ .key = key, .expires_s = expires_s });
}

Test (door, a_bearer_stays_as_long_as_the_key_and_the_app_say)
{
    cr_assert_eq (s_ask (s_with ("appId=keys&token=%s", s_token (ANNA)), ""), CLOSE_CLIENT);
    door_ticket_t ticket = door_ticket (&s_pass);
    uint64_t key = ticket.key;
    cr_assert_eq (ticket.expires_s, 4102444800);
    cr_assert_eq (s_stays ("keys", ROLE_AGENT, "anna", key, 4102444800), CLOSE_CLIENT);
    cr_assert_eq (s_stays ("keys", ROLE_AGENT, "anna", key, 1), CLOSE_CLIENT);
    cr_assert_eq (s_stays ("closed", ROLE_AGENT, "anna", key, 1), CLOSE_TOKEN_EXPIRED);
    cr_assert_eq (s_stays ("keys", ROLE_AGENT, "anna", key ^ 1, 4102444800), CLOSE_BAD_TOKEN);
    cr_assert_eq (s_stays ("open", ROLE_AGENT, "anna", key, 4102444800), CLOSE_BAD_TOKEN);
    cr_assert_eq (s_stays ("gone", ROLE_AGENT, "anna", key, 4102444800), CLOSE_CLIENT);
}

//  The file may have changed under them.
Test (door, anybody_stays_who_would_come_in_under_the_same_name)
{
    cr_assert_eq (s_stays ("open", ROLE_VISITOR, "u", 0, 0), CLOSE_CLIENT);
    cr_assert_eq (s_stays ("keys", ROLE_VISITOR, "u", 0, 0), CLOSE_NO_TOKEN);
    cr_assert_eq (s_stays ("keys", ROLE_VISITOR, "anonymous:u", 0, 0), CLOSE_CLIENT);
    cr_assert_eq (s_stays ("closed", ROLE_VISITOR, "anonymous:u", 0, 0), CLOSE_NO_TOKEN);
    cr_assert_eq (s_stays ("open", ROLE_AGENT, "u", 0, 0), CLOSE_NO_TOKEN);
    s_door.demo_mode = true;
    cr_assert_eq (s_stays ("open", ROLE_AGENT, "u", 0, 0), CLOSE_CLIENT);
}

//  Another key under the same kid is another key.
Test (door, keys_are_told_apart_by_more_than_their_names)
{
    token_keys_t *other = token_keys_new ();
    cr_assert_null (token_keys_add (other, TEXT ("k"), TOKEN_HS256, TEXT (SECRET "2")));
    cr_assert_eq (s_ask (s_with ("appId=keys&token=%s", s_token (ANNA)), ""), CLOSE_CLIENT);
    cr_assert (!token_keys_has (other, door_ticket (&s_pass).key));
    cr_assert (token_keys_has (s_keys, door_ticket (&s_pass).key));
    token_keys_destroy (&other);
}

// ---------------------------------------------------------------------------------------------
//  API keys

#define BEARER(text) "Authorization: Bearer " text "\r\n"

Test (door, a_key_makes_a_server)
{
    cr_assert_eq (s_ask ("appId=servers", BEARER (API_KEY)), CLOSE_CLIENT);
    s_is (ROLE_API, "crm");
    cr_assert (text_is (s_pass.principal.app, TEXT ("servers")));
    cr_assert_eq (s_pass.principal.session.size, 0);
    //  Its scopes narrow what the kind may.
    cr_assert_eq (s_pass.may, PERMISSION_BIT (PERMIT_SESSION_READ));
    cr_assert_eq (s_ask ("appId=servers&userId=crm", BEARER (NEXT_KEY)), CLOSE_CLIENT);
    s_is (ROLE_API, "crm");
    cr_assert_eq (s_pass.may, permissions_of (ROLE_API));
    cr_assert_eq (edge_metrics[EDGE_API_KEYS_GOOD], 2);
}

Test (door, a_key_is_for_its_app_and_stands_in_the_header)
{
    static const char wrong[] = "stk_1123456789abcdef0123456789abcdef"
                                "0123456789abcdef0123456789abcdef";
    cr_assert_eq (s_ask ("appId=servers", s_with (BEARER ("%s"), wrong)), CLOSE_BAD_KEY);
    cr_assert_eq (s_ask ("appId=servers", BEARER ("stk_")), CLOSE_BAD_KEY);
    cr_assert_eq (s_ask ("appId=servers", BEARER (API_KEY " ") ), CLOSE_CLIENT);
    cr_assert_eq (s_ask ("appId=servers", BEARER (API_KEY " x")), CLOSE_BAD_KEY);
    cr_assert_eq (s_ask ("appId=open", BEARER (API_KEY)), CLOSE_BAD_KEY);
    cr_assert_eq (s_ask ("appId=keys", BEARER (API_KEY)), CLOSE_BAD_KEY);
    cr_assert_eq (s_ask ("appId=servers&userId=u&token=" API_KEY, ""), CLOSE_BAD_KEY);
    cr_assert_eq (s_ask ("appId=servers", "Sec-WebSocket-Protocol: stentor.chat, "
                                          "stentor.token." API_KEY "\r\n"),
                  CLOSE_BAD_KEY);
    cr_assert_eq (s_ask ("appId=servers&token=x", BEARER (API_KEY)), CLOSE_BAD_TOKEN);
    cr_assert_eq (s_ask ("appId=servers", BEARER (API_KEY) BEARER (API_KEY)), CLOSE_BAD_TOKEN);
    cr_assert_eq (s_ask ("appId=servers", "Authorization: Basic " API_KEY "\r\n"),
                  CLOSE_BAD_TOKEN);
    cr_assert_eq (s_ask ("appId=servers", s_with (BEARER ("%s"), s_token (ANNA))),
                  CLOSE_BAD_TOKEN);
    cr_assert_eq (edge_metrics[EDGE_API_KEYS_REFUSED], 7);
}

Test (door, what_the_url_says_beside_a_key_must_agree)
{
    cr_assert_eq (s_ask ("appId=servers&userId=u", BEARER (API_KEY)), CLOSE_NOT_ALLOWED);
    s_door.demo_mode = true;
    cr_assert_eq (s_ask ("appId=servers&isAdmin=true", BEARER (API_KEY)), CLOSE_NOT_ALLOWED);
}

Test (door, a_server_stays_as_long_as_its_key)
{
    cr_assert_eq (s_ask ("appId=servers", BEARER (API_KEY)), CLOSE_CLIENT);
    uint64_t key = door_ticket (&s_pass).key;
    cr_assert_neq (key, 0);
    cr_assert_eq (s_stays ("servers", ROLE_API, "crm", key, 0), CLOSE_CLIENT);
    cr_assert_eq (s_stays ("servers", ROLE_API, "crm", key ^ 1, 0), CLOSE_BAD_KEY);
    cr_assert_eq (s_stays ("open", ROLE_API, "crm", key, 0), CLOSE_BAD_KEY);
    cr_assert_eq (s_stays ("gone", ROLE_API, "crm", key, 0), CLOSE_UNKNOWN_APP);
    //  One that came with a token does not stay by a key.
    cr_assert_eq (s_stays ("servers", ROLE_API, "crm", key, 4102444800), CLOSE_BAD_TOKEN);
}

Test (door, says_what_it_does_not_like_to_whoever_makes_a_token)
{
    static const struct {
        const char *members, *words;
    } rows[] = { { ANNA, NULL },
                 { ANNA ",\"scopes\":[\"session_read\"]", NULL },
                 { ANNA ",\"scopes\":[\"session_read\",\"x\"]", "scope" },
                 { "\"app\":\"keys\",\"kind\":\"agent\",\"sub\":\"anonymous:x\"", "anonymous" } };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        token_fault_t fault;
        token_expected_t expected = { TEXT ("keys"), TEXT_EMPTY, 1000 };
        token_t *token =
            token_new (s_keys, text_of (s_token (rows[at].members)), &expected, &fault);
        const char *words = door_complaint (token_claims (token));
        cr_assert_eq (words == NULL, rows[at].words == NULL, "%s", rows[at].members);
        cr_assert (!words || strstr (words, rows[at].words), "%s", words);
        token_destroy (&token);
    }
}
