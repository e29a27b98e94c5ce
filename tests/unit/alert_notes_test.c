//  alert_notes — the items that a step of an alert makes: whom they call, and in which words.

#include "work/alert_notes.h"

#include "auth/alert_url.h"
#include "config/apps_file.h"
#include "triggers/alert_body.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define SECTIONS                                                                                   \
    "\"people\":[{\"id\":\"anna\",\"name\":\"Anna\",\"email\":\"anna@example.com\","               \
    "\"phone\":\"+4930123\",\"slack\":\"U01\",\"groups\":[\"desk\"]},"                             \
    "{\"id\":\"bob\",\"email\":\"anna@example.com\",\"groups\":[\"desk\"]}],"                      \
    "\"email\":{\"url\":\"smtp://m\",\"withoutLogin\":true,\"from\":\"a@b\"},"                     \
    "\"sms\":{\"accountSid\":\"AC0123456789abcdef0123456789abcdef\",\"token\":\"t\","              \
    "\"from\":\"+15550100\"},\"slack\":{\"token\":\"xoxb-1\",\"channel\":\"C01\"},"
#define ITEM ":alert:waiting:demo/s-1:12:1780000000000"
#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static apps_file_t *s_file;
static alert_links_t s_links;
static alert_body_t s_body;
static uint64_t s_suppressed;
static alert_notes_t s_notes;
static json_object *s_read; //  body of the first one

//  The notes of a rule's only step.
static void
s_make (const char *by, const char *to, const char *more)
{
    char json[4000];
    buffer_t said, body;
    buffer_init (&said, 4000);
    buffer_init (&body, ALERT_BODY_MOST);
    snprintf (json, sizeof json,
              "{\"apps\":[{\"appId\":\"demo\"," SECTIONS "\"alerts\":[{\"name\":\"waiting\",\"on\":"
              "\"visitor-waits\",\"steps\":[{\"by\":[%s],\"to\":[%s]}]%s}]}]}",
              by, to, more);
    s_file = apps_file_new (text_of (json), &(apps_reading_t){ .reader = APP_READER_POSTOFFICE,
                                                               .complaint = &said,
                                                               .warnings = &said });
    cr_assert (s_file, "%.*s", TEXT_ARGS (buffer_text (&said)));
    s_body.rule = TEXT ("waiting");
    s_body.event = ALERT_ON_VISITOR_WAITS;
    s_body.user = TEXT_EMPTY;
    s_body.time_ms = 1780000000000;
    alert_body_write (&s_body, &body);
    s_notes = alert_notes_of (&(alert_step_t){ .app = apps_file_first (s_file),
                                               .rule = apps_file_first (s_file)->alerts.rows,
                                               .links = &s_links,
                                               .item = TEXT (ITEM),
                                               .session = TEXT ("demo/s-1"),
                                               .body = buffer_text (&body),
                                               .suppressed = s_suppressed,
                                               .transcript = TEXT_EMPTY,
                                               .now_ms = s_body.time_ms + 125000 });
    cr_assert_gt (s_notes.count, 0);
    s_read = json_tokener_parse (s_notes.notes[0].body.data);
    cr_assert (s_read);
    buffer_free (&said);
    buffer_free (&body);
}

static void
s_begin (void)
{
    s_links = (alert_links_t){ .url = "", .key = TEXT_EMPTY, .console = "", .link_ms = 1000 };
    s_body = (alert_body_t){ .seq = 12 };
    s_suppressed = 0;
}

static void
s_end (void)
{
    json_object_put (s_read);
    alert_notes_free (&s_notes);
    apps_file_destroy (&s_file);
}

TestSuite (alert_notes, .init = s_begin, .fini = s_end);

static const char *
s_string (const char *name)
{
    return json_object_get_string (json_object_object_get (s_read, name));
}

static void
s_expect (const char *name, const char *value)
{
    const char *found = s_string (name);
    cr_expect (found && strcmp (found, value) == 0, "%s: %s", name, found);
}

Test (alert_notes, each_address_has_an_item_that_follows_from_the_event)
{
    static const struct {
        const char *item, *topic, *destination, *address;
    } rows[] = {
        { ":notify:visitor-waits:demo/s-1:12:1780000000000:anna:email:0", "notify.email",
          "email:demo", "anna@example.com" },
        { ":notify:visitor-waits:demo/s-1:12:1780000000000:anna:sms:0", "notify.sms", "sms:demo",
          "+4930123" },
        { ":notify:visitor-waits:demo/s-1:12:1780000000000:anna:slack:0", "notify.slack",
          "slack:demo/U01", "U01" },
        { ":notify:visitor-waits:demo/s-1:12:1780000000000:C01:slack:0", "notify.slack",
          "slack:demo/C01", "C01" },
    };
    s_make ("\"email\",\"sms\",\"slack\"", "\"group:desk\",\"person:anna\",\"slack:C01\"", "");
    cr_assert_eq (s_notes.count, sizeof rows / sizeof *rows);
    for (size_t at = 0; at < s_notes.count; at++) {
        const alert_note_t *note = &s_notes.notes[at];
        cr_expect (text_is (note->item, text_of (rows[at].item)), "%.*s", TEXT_ARGS (note->item));
        cr_expect (text_is (note->topic, text_of (rows[at].topic)));
        cr_expect (text_is (note->destination, text_of (rows[at].destination)), "%.*s",
                   TEXT_ARGS (note->destination));
        cr_expect (text_is (note->address, text_of (rows[at].address)));
    }
}

Test (alert_notes, an_email_as_text_and_as_html)
{
    s_body.values[ALERT_VALUE_VISITOR_NAME] = TEXT ("A\r\nBcc: v@x");
    s_body.values[ALERT_VALUE_MESSAGE_TEXT] = TEXT ("<b>&\nhelp");
    s_suppressed = 3;
    s_make ("\"email\"", "\"person:anna\"",
            ",\"subject\":\"{{visitor.name}} waits\",\"text\":\"{{wait.minutes}} min: "
            "{{message.text}}\"");
    s_expect ("kind", "alert");
    s_expect ("appId", "demo");
    s_expect ("sessionId", "s-1");
    s_expect ("alert", ITEM);
    s_expect ("event", "visitor-waits");
    s_expect ("step", "0");
    s_expect ("time", "2026-05-28T20:26:40.000Z");
    s_expect ("address", "anna@example.com");
    s_expect ("subject", "A Bcc: v@x waits");
    s_expect ("text", "2 min: <b>&\nhelp\n(not sent since the last one: 3)");
    s_expect ("html", "2 min: &lt;b&gt;&amp;<br>\nhelp<br>(not sent since the last one: 3)");
    s_expect ("suppressed", "3");
}

Test (alert_notes, an_sms_cuts_words_and_not_the_link)
{
    static char words[3000];
    memset (words, 'y', sizeof words - 1);
    s_links = (alert_links_t){
        .url = "https://edge.example/alerts/", .key = TEXT (KEY), .console = "", .link_ms = 1000
    };
    s_body.values[ALERT_VALUE_MESSAGE_TEXT] = text_of (words);
    s_make ("\"sms\"", "\"person:anna\"", ",\"text\":\"Wait: {{message.text}} {{link}}\"");
    const char *text = s_string ("text"), *link = s_string ("link");
    cr_expect_eq (strlen (text), 480);
    cr_expect_eq (strncmp (text, "Wait: yyyy", 10), 0);
    cr_expect_eq (strncmp (link, "https://edge.example/alerts/", 28), 0, "%s", link);
    const char *place = strstr (text, "yyy... ");
    cr_assert (place);
    cr_expect_str_eq (place + 7, link);
}

Test (alert_notes, slack_has_no_mentions_of_a_visitors_making)
{
    s_body.values[ALERT_VALUE_VISITOR_NAME] = TEXT ("<!channel>\nx");
    s_body.values[ALERT_VALUE_MESSAGE_TEXT] = TEXT ("<@U01> & more");
    s_links.console = "https://console.example/?a={app}&s={session}";
    s_make ("\"slack\"", "\"person:bob\"", "");
    s_expect ("subject", "waiting: &lt;!channel&gt; x");
    s_expect ("text", "visitor-waits, 2026-05-28 20:26 UTC\n&lt;!channel&gt;\nx: "
                      "&lt;@\u200bU01&gt; &amp; more");
    s_expect ("console", "https://console.example/?a=demo&s=s-1");
    s_expect ("address", "C01");
}

//  What stands below the words counts, too; and what becomes longer by escaping.
Test (alert_notes, limits_are_of_all_that_goes_out)
{
    static char words[ALERT_MOST_MAIL + 1];
    for (size_t at = 0; at + 1 < sizeof words; at++)
        words[at] = "&y\n"[at % 3];
    s_links = (alert_links_t){ .url = "https://edge.example",
                               .key = TEXT (KEY),
                               .console = "https://console.example/?a={app}&s={session}",
                               .link_ms = 1000 };
    s_body.values[ALERT_VALUE_MESSAGE_TEXT] = text_of (words);
    s_suppressed = 12;
    s_make ("\"sms\"", "\"person:anna\"", ",\"text\":\"Wait: {{message.text}}\"");
    const char *text = s_string ("text"), *link = s_string ("link");
    cr_expect_eq (strlen (text), ALERT_MOST_SMS);
    cr_expect_str_eq (text + strlen (text) - strlen (link), link);
    cr_expect (strstr (text, "...\n(not sent since the last one: 12)\n" "https://"));
    s_end ();
    s_make ("\"slack\"", "\"person:bob\"",
            ",\"subject\":\"{{message.text}}\",\"text\":\"<!here> {{message.text}}\"");
    text = s_string ("text");
    link = s_string ("link");
    size_t title = strlen (s_string ("subject"));
    cr_expect_leq (title, ALERT_MOST_SUBJECT);
    cr_expect_leq (strlen (text) + title + strlen ("**\n"), ALERT_MOST_SLACK);
    cr_expect_geq (strlen (text) + title + strlen ("**\n"), ALERT_MOST_SLACK - 10);
    cr_expect_str_eq (text + strlen (text) - strlen (link), link);
    cr_expect_eq (strncmp (text, "<!here> &amp;y\n", 15), 0);
    s_end ();
    s_make ("\"email\"", "\"person:anna\"", ",\"text\":\"{{message.text}}\"");
    cr_expect_leq (strlen (s_string ("text")), ALERT_MOST_MAIL - 500);
    cr_expect_geq (strlen (s_string ("text")), ALERT_MOST_MAIL - 1500);
    cr_expect (strstr (s_string ("text"), "…\n(not sent"));
    cr_expect_leq (strlen (s_string ("html")), ALERT_MOST_MAIL - 500);
    cr_expect_geq (strlen (s_string ("html")), ALERT_MOST_MAIL - 1500);
    cr_expect (strstr (s_string ("html"), "…<br>(not sent"));
}

//  An SMS with a link and some words is of two segments.
Test (alert_notes, a_link_is_short)
{
    s_links = (alert_links_t){
        .url = "https://chat.example.com", .key = TEXT (KEY), .console = "", .link_ms = 1000
    };
    s_make ("\"sms\"", "\"person:anna\"", ",\"text\":\"A visitor waits\"");
    cr_expect_leq (strlen (s_string ("link")), 140, "%zu", strlen (s_string ("link")));
}
