//  alert_template — the words of an alert: names, escapers, and what is cut when it is too long.

#include "alerts/alert_template.h"
#include "base/utf8.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define LINK "https://edge.example/alerts/claim.sig?a=1&b=2"

static text_t s_values[ALERT_VALUES];

static void
s_set (alert_value_t value, const char *text)
{
    s_values[value] = text_of (text);
}

//  What comes of it is followed by a NUL, in a buffer of the test's.
static const char *
s_render (const char *source, alert_escaper_t escaper, size_t most)
{
    static buffer_t to;
    buffer_t mistake;
    buffer_init (&mistake, 300);
    alert_template_t *words =
        alert_template_new (text_of (source), ALERT_ON_VISITOR_WAITS, &mistake);
    cr_assert (words, "%.*s", TEXT_ARGS (buffer_text (&mistake)));
    buffer_free (&to);
    buffer_init (&to, most + 1);
    alert_template_render (words, s_values, escaper, most, &to);
    cr_expect (utf8_is_valid (buffer_text (&to)));
    int rc = buffer_put (&to, "", 1);
    cr_assert_eq (rc, 0);
    alert_template_destroy (&words);
    buffer_free (&mistake);
    return to.data;
}

static void
s_refused (const char *source, alert_event_t on, const char *words)
{
    buffer_t mistake;
    buffer_init (&mistake, 300);
    cr_expect_null (alert_template_new (text_of (source), on, &mistake), "%s", source);
    cr_expect (text_is (buffer_text (&mistake), text_of (words)), "%.*s",
               TEXT_ARGS (buffer_text (&mistake)));
    buffer_free (&mistake);
}

Test (alert_template, names_stand_for_values)
{
    s_set (ALERT_VALUE_VISITOR_NAME, "Ada");
    s_set (ALERT_VALUE_WAIT_MINUTES, "3");
    cr_expect_str_eq (s_render ("{{visitor.name}} waits {{ wait.minutes }} min", ALERT_PLAIN, 99),
                      "Ada waits 3 min");
    cr_expect_str_eq (s_render ("", ALERT_PLAIN, 99), "");
    cr_expect_str_eq (s_render ("no name }} { } {", ALERT_PLAIN, 99), "no name }} { } {");
    cr_expect_str_eq (s_render ("[{{reason}}]", ALERT_PLAIN, 99), "[]"); //  without data
    //  A value is no template.
    s_set (ALERT_VALUE_MESSAGE_TEXT, "{{link}}");
    cr_expect_str_eq (s_render ("{{message.text}}", ALERT_PLAIN, 99), "{{link}}");
}

Test (alert_template, names_that_are_none)
{
    s_refused ("{{visitor}}", ALERT_ON_KEYWORD,
               "{{visitor}} is none of the names of docs/alerts.md");
    s_refused ("{{}}", ALERT_ON_KEYWORD, "{{}} is none of the names of docs/alerts.md");
    s_refused ("{{#if}}", ALERT_ON_KEYWORD, "{{#if}} is none of the names of docs/alerts.md");
    s_refused ("a {{link", ALERT_ON_KEYWORD, "\"{{link\" has no \"}}\" behind it");
    s_refused ("{{{link}}}", ALERT_ON_KEYWORD, "{{{link}} is none of the names of docs/alerts.md");
    s_refused ("{{transcript}}", ALERT_ON_KEYWORD,
               "{{transcript}} has no meaning in a rule of this event");
    s_refused ("{{session.id}}", ALERT_ON_BOT_FAILING,
               "{{session.id}} has no meaning in a rule of this event");
    char many[101 * 9 + 1] = "";
    for (int at = 0; at < 101; at++)
        memcpy (many + at * 9, "x{{link}}", 10);
    s_refused (many, ALERT_ON_KEYWORD, "there are too many {{names}}");
}

#define BREAK "\xe2\x80\x8b"
#define HOSTILE "a<b>&\"'\r\nc\rd\ne\xc2\x85""f\xe2\x80\xa8g\xe2\x80\xae""h\x7f\x01i\tj"

Test (alert_template, each_escaper_has_its_own_dangers)
{
    s_set (ALERT_VALUE_MESSAGE_TEXT, HOSTILE);
    cr_expect_str_eq (s_render ("{{message.text}}", ALERT_PLAIN, 999),
                      "a<b>&\"'\nc\nd\ne\nf\nghi\tj");
    cr_expect_str_eq (s_render ("{{message.text}}", ALERT_SMS, 999),
                      "a<b>&\"'\nc\nd\ne\nf\nghi\tj");
    cr_expect_str_eq (s_render ("{{message.text}}", ALERT_HTML, 999),
                      "a&lt;b&gt;&amp;&quot;&#39;<br>\nc<br>\nd<br>\ne<br>\nf<br>\nghi\tj");
    cr_expect_str_eq (s_render ("{{message.text}}", ALERT_SLACK, 999),
                      "a&lt;b&gt;&amp;\"'\nc\nd\ne\nf\nghi\tj");
    cr_expect_str_eq (s_render ("{{message.text}}", ALERT_HEADER, 999),
                      "a<b>&\"' c d e f ghi j");
    s_set (ALERT_VALUE_VISITOR_NAME,
           "<!channel> <@U012> <https://evil.example|bank> &lt;!here&gt;");
    cr_expect_str_eq (s_render ("{{visitor.name}}", ALERT_SLACK, 999),
                      "&lt;!channel&gt; &lt;@" BREAK "U012&gt; &lt;https:" BREAK "//evil." BREAK
                      "example|bank&gt; &amp;lt;!here&amp;gt;");
    s_set (ALERT_VALUE_VISITOR_NAME, "\xff\xc3(\xe2\x82");
    cr_expect_str_eq (s_render ("{{visitor.name}}!", ALERT_PLAIN, 999), "?" "?(?" "?!");
    s_set (ALERT_VALUE_VISITOR_NAME, "\xf0\x9f\x98\x80 \xc3\xa9 \xe2\x82\xac");
    cr_expect_str_eq (s_render ("{{visitor.name}}", ALERT_HTML, 999),
                      "\xf0\x9f\x98\x80 \xc3\xa9 \xe2\x82\xac");
    //  The rule's own words are text as well.
    cr_expect_str_eq (s_render ("<b>1 & 2</b>", ALERT_HTML, 999),
                      "&lt;b&gt;1 &amp; 2&lt;/b&gt;");
}

//  What Slack would make links of, also without "https://" and behind an '@'.
Test (alert_template, no_link_of_a_visitors_making_in_slack)
{
    s_set (ALERT_VALUE_MESSAGE_TEXT,
           "see evil.example/a.b, ann@evil.example, b\xc3\xbc.\xc3\xa4.de");
    s_set (ALERT_VALUE_VISITOR_PAGE, "https://evil.example:80/?a=3.5:00");
    s_set (ALERT_VALUE_LINK, LINK);
    cr_expect_str_eq (s_render ("{{message.text}}", ALERT_SLACK, 999),
                      "see evil." BREAK "example/a." BREAK "b, ann@" BREAK "evil." BREAK
                      "example, b\xc3\xbc." BREAK "\xc3\xa4." BREAK "de");
    cr_expect_str_eq (s_render ("{{visitor.page}}", ALERT_SLACK, 999),
                      "https:" BREAK "//evil." BREAK "example:80/?a=3.5:00");
    s_set (ALERT_VALUE_MESSAGE_TEXT, "Fine. 3.50 at 10:30, a: b @ c.");
    cr_expect_str_eq (s_render ("{{message.text}}", ALERT_SLACK, 999),
                      "Fine. 3.50 at 10:30, a: b @ c.");
    //  Links of ours work.
    cr_expect_str_eq (s_render ("{{link}}", ALERT_SLACK, 999),
                      "https://edge.example/alerts/claim.sig?a=1&amp;b=2");
    s_set (ALERT_VALUE_MESSAGE_TEXT, "a.b.c.d");
    cr_expect_str_eq (s_render ("{{message.text}}", ALERT_SLACK, 9), "a." BREAK "b…");
}

Test (alert_template, the_rules_own_words_are_its_own_in_slack)
{
    s_set (ALERT_VALUE_VISITOR_NAME, "<!channel>");
    s_set (ALERT_VALUE_LINK, "https://edge.example/1");
    cr_expect_str_eq (s_render ("<!here> <@U012> {{visitor.name}} <{{link}}|open> & see "
                                "docs.example",
                                ALERT_SLACK, 999),
                      "<!here> <@U012> &lt;!channel&gt; <https://edge.example/1|open> & see "
                      "docs.example");
    //  Whole or not at all.
    cr_expect_str_eq (s_render ("ab <!here> c", ALERT_SLACK, 10), "ab …");
    cr_expect_str_eq (s_render ("a <!here> cdefg", ALERT_SLACK, 13), "a <!here> …");
    cr_expect_str_eq (s_render ("1 < 2 <\n> 3", ALERT_SLACK, 99), "1 < 2 <\n> 3");
}

Test (alert_template, a_link_can_be_clicked_in_html)
{
    s_set (ALERT_VALUE_LINK, LINK);
    cr_expect_str_eq (s_render ("{{link}}", ALERT_HTML, 999),
                      "<a href=\"https://edge.example/alerts/claim.sig?a=1&amp;b=2\">"
                      "https://edge.example/alerts/claim.sig?a=1&amp;b=2</a>");
    cr_expect_str_eq (s_render ("{{link}}", ALERT_PLAIN, 999), LINK);
    s_set (ALERT_VALUE_LINK, "javascript:alert(1)");
    cr_expect_str_eq (s_render ("{{link}}", ALERT_HTML, 999), "javascript:alert(1)");
}

Test (alert_template, words_are_cut_and_never_the_link)
{
    s_set (ALERT_VALUE_LINK, "https://e.example/1");
    s_set (ALERT_VALUE_VISITOR_NAME, "Ada Lovelace");
    s_set (ALERT_VALUE_MESSAGE_TEXT, "0123456789");
    static const char source[] = "{{visitor.name}}: {{message.text}} {{link}}";
    cr_expect_str_eq (s_render (source, ALERT_SMS, 44),
                      "Ada Lovelace: 0123456789 https://e.example/1");
    cr_expect_str_eq (s_render (source, ALERT_SMS, 43),
                      "Ada Lovelace: 012345... https://e.example/1");
    cr_expect_str_eq (s_render (source, ALERT_SMS, 37),
                      "Ada Lovelace: ... https://e.example/1");
    cr_expect_str_eq (s_render (source, ALERT_SMS, 33), "Ada Love...:  https://e.example/1");
    cr_expect_str_eq (s_render (source, ALERT_PLAIN, 33), "Ada Love…:  https://e.example/1");
    cr_expect_str_eq (s_render (source, ALERT_SMS, 20), "https://e.example/1");
    cr_expect_str_eq (s_render (source, ALERT_SMS, 18), "");
}

Test (alert_template, lengths_are_of_what_is_put_and_end_between_characters)
{
    s_set (ALERT_VALUE_MESSAGE_TEXT, "&&&&&&&&&&");
    cr_expect_str_eq (s_render ("{{message.text}}", ALERT_SLACK, 50),
                      "&amp;&amp;&amp;&amp;&amp;&amp;&amp;&amp;&amp;&amp;");
    cr_expect_str_eq (s_render ("{{message.text}}", ALERT_SLACK, 49),
                      "&amp;&amp;&amp;&amp;&amp;&amp;&amp;&amp;&amp;…");
    cr_expect_str_eq (s_render ("{{message.text}}", ALERT_SLACK, 12), "&amp;…");
    s_set (ALERT_VALUE_MESSAGE_TEXT, "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80");
    cr_expect_str_eq (s_render ("{{message.text}}", ALERT_PLAIN, 11),
                      "\xf0\x9f\x98\x80\xf0\x9f\x98\x80…");
    cr_expect_str_eq (s_render ("{{message.text}}", ALERT_PLAIN, 10), "\xf0\x9f\x98\x80…");
    for (size_t most = 0; most < 60; most++) {
        s_set (ALERT_VALUE_MESSAGE_TEXT, HOSTILE "\xf0\x9f\x98\x80");
        for (int escaper = 0; escaper < ALERT_ESCAPERS; escaper++) {
            const char *text =
                s_render ("ä{{message.text}}<ö>", (alert_escaper_t) escaper, most);
            cr_expect_leq (strlen (text), most);
        }
    }
}

Test (alert_template, which_names_it_has)
{
    buffer_t mistake;
    buffer_init (&mistake, 300);
    alert_template_t *words =
        alert_template_new (TEXT ("a {{link}}"), ALERT_ON_DEAD_LETTER, &mistake);
    cr_expect (alert_template_has (words, ALERT_VALUE_LINK));
    cr_expect_not (alert_template_has (words, ALERT_VALUE_REASON));
    alert_template_destroy (&words);
    alert_template_destroy (&words);
    buffer_free (&mistake);
}
