//  app_values — what may stand in apps.json and what could never work: the latter is refused with
//  its line, or, where only nothing comes of it, warned of.

#include "config/apps_file.h"
#include "http/url_place.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define ANY APP_READERS_ALL
#define HEX "0123456789abcdef0123456789abcdef"
#define KEY "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define BOT "\"bot\":{\"url\":\"http://b/\"}"
#define PEOPLE "\"people\":[{\"id\":\"anna\",\"email\":\"anna@example.com\"}]"
#define EMAIL(url, more)                                                                           \
    "\"email\":{\n\"url\":\"" url "\",\"withoutLogin\":true,\"from\":\"a@example.com\"" more "}"
#define STEPS "\"steps\":[{\"by\":[\"email\"],\"to\":[\"person:anna\"]}]"
#define RULE(on, more)                                                                             \
    PEOPLE "," EMAIL ("smtp://m", "") ",\"alerts\":[{\"name\":\"r\",\"on\":\"" on "\"," STEPS     \
    more "}]"

static bool
s_reads (const char *sections, app_reader_t reader, buffer_t *complaint, buffer_t *warnings)
{
    buffer_t json;
    buffer_init (&json, 100000);
    int rc = buffer_put_string (&json, "{\"apps\":[{\"appId\":\"a\",\n")
             + buffer_put_string (&json, sections) + buffer_put_string (&json, "}]}");
    cr_assert_eq (rc, 0);
    apps_reading_t reading = { .reader = reader, .complaint = complaint, .warnings = warnings };
    apps_file_t *file = apps_file_new (buffer_text (&json), &reading);
    bool is_read = file;
    apps_file_destroy (&file);
    buffer_free (&json);
    return is_read;
}

//  What the complaint, or the warning, begins with; "": there is none of either.
static void
s_says (app_reader_t reader, const char *sections, const char *complaint, const char *warning)
{
    buffer_t said[2];
    const char *wanted[] = { complaint, warning };
    buffer_init (&said[0], 1000);
    buffer_init (&said[1], 1000);
    bool is_read = s_reads (sections, reader, &said[0], &said[1]);
    cr_expect_eq (is_read, *complaint == '\0', "%s", sections);
    for (int at = 0; at < 2; at++) {
        size_t size = strlen (wanted[at]);
        bool begins = said[at].size >= size
                      && (size == 0 ? said[at].size == 0
                                    : memcmp (said[at].data, wanted[at], size) == 0);
        cr_expect (begins, "%s\n  says: %.*s\n  not: %s", sections,
                   TEXT_ARGS (buffer_text (&said[at])), wanted[at]);
        buffer_free (&said[at]);
    }
}

#define REFUSES(sections, complaint) s_says (ANY, sections, complaint, "")
#define WARNS(sections, warning) s_says (ANY, sections, "", warning)
#define TAKES(sections) s_says (ANY, sections, "", "")

static const char *const s_good_places[] = {
    "bot",       "bot:1",         "my_bot-2.example.com:65535", "bot.", "10.0.0.1",  "127.1",
    "0x7f.1:80", "2130706433",    "[::1]",                      "b:",   "[::1]:8090",
    "[fe80::1%25eth0]",
    "1.example", "xn--80ak6aa92e.com", "%31%32%37.0.0.1",       "a1",   "0",
};
static const char *const s_bad_places[] = {
    "",           ":80",      "bot:0",       "bot:65536",   "bot:99999",   "bot:123456", "bot:8o",
    "bot:-1",     "bot:80:1", ".",           "a..b",        ".a",          "a b",
    "②.②.②.②",
    "bücher.de",  "[::1",     "[::1]x",      "[::g]",       "[]",          "[127.0.0.1]:1", "::1",
    "256.1.1.1",  "1.2.3.4.5", "bot.example.300", "0x1ffffffff", "a%b.example", "a%2", "a*b", "a,b",
    "0123456789012345678901234567890123456789012345678901234567890123.example",
};
#define COUNT(array) (sizeof (array) / sizeof *(array))

//  As a notifier says of OUT_ALLOWED_NETWORKS.
static const char *
s_clear_is_wrong (const void *owner, const char *url)
{
    (void) owner;
    return strncmp (url, "http:", 5) == 0 ? "it goes out in clear" : NULL;
}

static void
s_reads_slack (app_reader_t reader, const char *url, const char *complaint)
{
    char json[200], said[100] = "";
    buffer_t to;
    buffer_init (&to, 1000);
    snprintf (json, sizeof json,
              "{\"apps\":[{\"appId\":\"a\",\n\"slack\":{\n\"webhook\":\"%s\"}}]}", url);
    apps_reading_t reading = { .reader = reader,
                               .complaint = &to,
                               .out = { .mistake = s_clear_is_wrong } };
    apps_file_t *file = apps_file_new (text_of (json), &reading);
    snprintf (said, sizeof said, "%.*s", TEXT_ARGS (buffer_text (&to)));
    cr_expect_str_eq (said, complaint, "%s", url);
    cr_expect_eq (file != NULL, *complaint == '\0');
    apps_file_destroy (&file);
    buffer_free (&to);
}

//  Its whole URL is a secret. (A postoffice does not read it, and knows no networks.)
Test (app_values, a_webhook_of_slack_does_not_go_out_in_clear)
{
    s_reads_slack (APP_READER_NOTIFIER, "https://hooks.slack.com/x", "");
    s_reads_slack (APP_READER_NOTIFIER, "http://hooks.slack.com/x",
                   "line 3: it goes out in clear");
    s_reads_slack (APP_READER_POSTOFFICE, "http://hooks.slack.com/x", "");
}

Test (app_values, a_place_is_a_host_and_a_port)
{
    for (size_t at = 0; at < COUNT (s_good_places); at++)
        cr_expect (url_place_is_one (text_of (s_good_places[at])), "%s", s_good_places[at]);
    for (size_t at = 0; at < COUNT (s_bad_places); at++)
        cr_expect_not (url_place_is_one (text_of (s_bad_places[at])), "%s", s_bad_places[at]);
    cr_assert (text_is (url_place_of ("me:word@x@host:80/p@th?q"), TEXT ("host:80")));
    cr_assert (text_is (url_place_port (TEXT ("[::1]:81")), TEXT ("81")));
    cr_assert (text_is (url_place_port (TEXT ("host")), TEXT_EMPTY));
}

//  Each member that has a URL.
Test (app_values, a_url_leads_somewhere)
{
    static const struct {
        const char *before, *behind, *complaint;
    } members[] = {
        { "\"bot\":{\n\"url\":\"http://", "/\"}", "line 3: a bot needs a \"url\"" },
        { BOT ",\"switchboard\":{\"failure\":{\n\"healthUrl\":\"https://",
          "/x?y\"}}",
          "line 3: a \"healthUrl\" begins" },
        { "\"webhooksOut\":[{\"name\":\"x\",\"secret\":\"" KEY "\",\"events\":[\"session.closed\"],"
          "\n\"url\":\"HTTPS://",
          "#z\"}]",
          "line 3: an endpoint's \"url\"" },
        { "\"slack\":{\n\"webhook\":\"https://", "/services/x\"}",
          "line 3: a \"webhook\" of Slack" },
        { "\"email\":{\"from\":\"a@b\",\"withoutLogin\":true,\n\"url\":\"smtp://",
          "/me\"}",
          "line 3: a mail server is like" },
    };
    char sections[600];
    for (size_t member = 0; member < COUNT (members); member++) {
        for (size_t at = 0; at < COUNT (s_good_places); at++) {
            snprintf (sections, sizeof sections, "%s%s%s", members[member].before,
                      s_good_places[at], members[member].behind);
            TAKES (sections);
        }
        for (size_t at = 0; at < COUNT (s_bad_places); at++) {
            snprintf (sections, sizeof sections, "%s%s%s", members[member].before,
                      s_bad_places[at], members[member].behind);
            REFUSES (sections, members[member].complaint);
        }
    }
    TAKES ("\"bot\":{\"url\":\"http://me:p@word@b:1/\"}");
    REFUSES ("\"bot\":{\"url\":\"http://me@/\"}", "line 2: a bot needs");
}

Test (app_values, an_origin_is_what_browsers_say)
{
    static const char *const good[] = { "https://shop.example",       "http://shop.example:8080",
                                        "HTTPS://Shop.Example:444",   "null",
                                        "file://",                    "capacitor://localhost",
                                        "chrome-extension://abcdefg", "http://[::1]:3000" };
    static const char *const bad[] = { "https://shop.example:443",  "http://shop.example:80",
                                       "https://shop.example:",     "https://shop.example:99999",
                                       "https://shop.example:0444", "https://\xc3\xbcx.example",
                                       "https://shop.example/",     "https://*.example",
                                       "https://",                  "shop.example" };
    char sections[200];
    for (size_t at = 0; at < COUNT (good); at++) {
        snprintf (sections, sizeof sections, "\"origins\":[\"%s\"]", good[at]);
        TAKES (sections);
    }
    for (size_t at = 0; at < COUNT (bad); at++) {
        snprintf (sections, sizeof sections, "\"origins\":[\n\"%s\"]", bad[at]);
        REFUSES (sections, "line 3: an origin is like");
    }
}

static void
s_where (const char *list, const char *element, const char *complaint)
{
    char sections[900];
    snprintf (sections, sizeof sections, RULE ("visitor-waits", ",\"where\":{\"%s\":[\n\"%s\"]}"),
              list, element);
    s_says (ANY, sections, complaint, "");
}

Test (app_values, a_page_is_as_it_is_known_of_visitors)
{
    static const char *const good[] = { "/",        "/checkout",    "https://",          "http://s",
                                        "/a(b)%20", "http://s:80",  "https://shop.exam",
                                        "https://s/A",
                                        "/a//b",    "http://[::1]/", "http://s:8080/x" };
    static const char *const bad[] = { "shop",           "shop.example",     "checkout/",
                                       "ftp://s/",       "HTTPS://s",        "https://Shop.example",
                                       "https://s:443/", "http://s:80/x",    "https://s:99999/",
                                       "/a?b",           "/a#b",             "/a;b",
                                       "/a b",           "/\xc3\xa4",        "https://s/\xc3\xa4",
                                       "https://me@s/",  "https:///x" };
    for (size_t at = 0; at < COUNT (good); at++)
        s_where ("pages", good[at], "");
    for (size_t at = 0; at < COUNT (bad); at++)
        s_where ("pages", bad[at], "line 4: a page begins with");
}

Test (app_values, a_language_is_a_code)
{
    static const char *const good[] = { "de", "DE-at", "en-US", "gsw", "zh-Hans-CN", "es-419" };
    static const char *const bad[] = { "d", "german", "english", "de-", "de_AT", "419", "de--AT",
                                       "de-abcdefghi", "*" };
    for (size_t at = 0; at < COUNT (good); at++)
        s_where ("languages", good[at], "");
    for (size_t at = 0; at < COUNT (bad); at++)
        s_where ("languages", bad[at], "line 4: a language is a code");
}

Test (app_values, a_keyword_has_something_in_it)
{
    s_where ("keywords", "a", "");
    s_where ("keywords", "!?", "");
    s_where ("keywords", " ", "line 4: a text here must not be empty");
    s_where ("keywords", "\xc2\xa0\xe3\x80\x80", "line 4: a text here must not be empty");
}

Test (app_values, a_member_is_there_once)
{
    REFUSES ("\"textLimit\":1,\n\"textLimit\":2", "line 3: \"textLimit\" is there already");
    REFUSES ("\"bot\":{\"url\":\"http://b/\",\n\"\\u0075rl\":\"http://c/\"}",
             "line 3: \"\\u0075rl\" is there already");
    REFUSES (RULE ("session-ended", ",\n\"onceSeconds\":0,\n\n\"onceSeconds\":600"),
             "line 6: \"onceSeconds\" is there already");
    REFUSES ("\"later\":{\"a\":{},\n\"a\":[]}", "line 3: \"a\" is there already");
    TAKES ("\"//\":1,\"//\":2,\"// x\":1,\"// x\":1");
}

Test (app_values, what_must_be_said_is_not_empty)
{
    REFUSES ("\"email\":{\"url\":\"smtp://m\",\"from\":\"a@b\",\"user\":\"u\",\n\"password\":\"\"}",
             "line 3: \"password\" must not be empty");
    REFUSES ("\"sms\":{\"accountSid\":\"AC" HEX "\",\"from\":\"+15550100\",\n\"token\":\"\"}",
             "line 3: \"token\" must not be empty");
    REFUSES ("\"webhooksIn\":[{\"channel\":\"x\",\"kind\":\"rcs\",\n\"secret\":\"\"}]",
             "line 3: \"secret\" must not be empty");
    REFUSES ("\"webhooksIn\":[{\"channel\":\"x\",\"kind\":\"rcs\",\"secret\":\"s\",\n"
             "\"previousSecret\":\"\"}]",
             "line 3: \"previousSecret\" must not be empty");
    REFUSES ("\"slack\":{\n\"token\":\"xox\"}", "line 3: a token of Slack");
    TAKES ("\"bot\":{\"url\":\"http://b/\",\"key\":\"\"}");
}

Test (app_values, what_a_server_may_never_do_is_no_scope)
{
#define SCOPE(name)                                                                                \
    "\"apiKeys\":{\"keys\":[{\"name\":\"k\",\"hash\":\"sha256:" HEX HEX "\",\"scopes\":[\n"        \
    "\"" name "\"]}]}"
    TAKES (SCOPE ("SESSION_READ"));
    REFUSES (SCOPE ("CONTROL_TAKE"), "line 3: a scope must be a permission");
    REFUSES (SCOPE ("FLY"), "line 3: a scope must be a permission");
}

Test (app_values, an_app_has_a_path_of_its_own)
{
    buffer_t said;
    buffer_init (&said, 1000);
    static const char *const ids[] = { ".", ".." };
    for (size_t at = 0; at < COUNT (ids); at++) {
        char json[80];
        snprintf (json, sizeof json, "{\"apps\":[{\"appId\":\"%s\"}]}", ids[at]);
        apps_reading_t reading = { .reader = ANY, .complaint = &said, .warnings = &said };
        cr_expect_null (apps_file_new (text_of (json), &reading), "%s", ids[at]);
    }
    buffer_free (&said);
}

// ---------------------------------------------------------------------------------------------
//  Warnings

Test (app_values, words_that_are_never_said)
{
    WARNS ("\"switchboard\":{\"queue\":{\n\"text\":\"You are {place}\"}}",
           "line 3: \"tell\" is \"none\"");
    WARNS ("\"switchboard\":{\"queue\":{\"tell\":\"place\",\n\"text\":\"You are {number}\"}}",
           "line 3: only {place} and {minutes}");
    TAKES ("\"switchboard\":{\"queue\":{\"tell\":\"time\",\"text\":\"{place}, {minutes} min {\"}}");
    WARNS ("\"switchboard\":{\"failure\":{\"steps\":[\"retry\"],\n\"text\":\"Sorry\"}}",
           "line 3: without the step \"text\"");
    TAKES ("\"switchboard\":{\"failure\":{\"steps\":[\"text\"],\"text\":\"Sorry\"}}");
    WARNS ("\"switchboard\":{\"failure\":{\n\"steps\":[\"person\"]}}",
           "line 3: the step \"person\" asks nobody");
    TAKES ("\"switchboard\":{\"handoff\":[\"group:x\"],\"failure\":{\"steps\":[\"person\"]}}");
}

//  Of more than an offer can have the rest would never be asked.
Test (app_values, a_handoff_asks_all_of_its_targets)
{
#define FOUR "\"bot\",\"bot\",\"bot\",\"bot\""
    TAKES (BOT ",\"switchboard\":{\"handoff\":[" FOUR "," FOUR "]}");
    REFUSES (BOT ",\"switchboard\":{\n\"handoff\":[" FOUR "," FOUR ",\"bot\"]}",
             "line 3: \"handoff\" has more than 8 elements");
}

Test (app_values, a_bot_that_is_not_there)
{
    WARNS ("\"switchboard\":{\"handoff\":[\"group:x\",\n\"bot\"]}",
           "line 3: the app has no \"bot\"");
    WARNS ("\"switchboard\":{\"failure\":{\n\"healthUrl\":\"http://b/\"}}",
           "line 3: the app has no \"bot\"");
    WARNS (RULE ("bot-failing", ""), "line 3: the app has no \"bot\": the rule \"r\"");
    WARNS (RULE ("bot-healthy", ""), "line 3: the app has no \"bot\": the rule \"r\"");
    TAKES (BOT "," RULE ("bot-failing", "") ",\"switchboard\":{\"handoff\":[\"bot\"]}");
}

Test (app_values, times_that_do_not_count)
{
    WARNS (BOT ",\"switchboard\":{\"failure\":{\n\"openSeconds\":300}}",
           "line 3: \"openSeconds\" is above \"openMostSeconds\" (60)");
    TAKES (BOT ",\"switchboard\":{\"failure\":{\"openSeconds\":300,\"openMostSeconds\":300}}");
}

Test (app_values, ways_that_lead_nowhere)
{
#define ENDPOINT                                                                                   \
    "\"webhooksOut\":[\n{\"name\":\"x\",\"url\":\"https://x/\",\"secret\":\"" KEY "\"}]"
    WARNS (ENDPOINT, "line 3: \"x\" has no \"events\"");
    TAKES (ENDPOINT ",\"webhooksIn\":[{\"channel\":\"c\",\"kind\":\"rcs\",\"secret\":\"s\","
                    "\"reply\":\"x\"}]");
    WARNS ("\"slack\":{\"webhook\":\"https://hooks.slack.com/x\",\n\"channel\":\"C012\"}",
           "line 3: without a \"token\"");
    WARNS (EMAIL ("smtp://m:465", ""), "line 3: at port 465");
    WARNS (EMAIL ("smtps://m:587", ",\"security\":\"tls\""), "line 3: at port 587");
    WARNS (EMAIL ("smtps://m:25", ",\"security\":\"tls\""), "line 3: at port 25");
    TAKES (EMAIL ("smtps://m:465", ",\"security\":\"tls\""));
    TAKES (EMAIL ("smtp://m:587", ""));
    WARNS ("\"webhooksIn\":[\n{\"channel\":\"c\",\"kind\":\"rcs\",\"secret\":\"s\","
           "\"previousSecret\":\"s\"}]",
           "line 3: \"previousSecret\" is the same");
}
