//  degrade — cards and lists as text with numbers, and the numbers as choices.

#include "model/degrade.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS(table) (sizeof (table) / sizeof *(table))

static void
s_expect (const char *data, const char *expected)
{
    buffer_t text;
    buffer_init (&text, DEGRADE_TEXT_MOST);
    int rc = degrade_text (text_of (data), &text);
    if (expected) {
        cr_expect_eq (rc, 0, "%s", data);
        cr_expect (text_is (buffer_text (&text), text_of (expected)), "%s: %.*s", data,
                   TEXT_ARGS (buffer_text (&text)));
    } else
        cr_expect_eq (rc, -1, "%s", data);
    buffer_free (&text);
}

#define LIST                                                                                      \
    "{\"outputSpeech\":{\"displayText\":\"What are you interested in?\",\"suggestions\":["        \
    "\"Help\",{\"title\":\"Our site\",\"url\":\"https://x.example/\"},{\"title\":\"2\"}]},"       \
    "\"displays\":[{\"type\":\"LIST\",\"title\":\"Our services\",\"items\":[{\"title\":"          \
    "\"Repairs\",\"description\":\"While you wait\",\"token\":\"repairs\"},{\"title\":"           \
    "\"Rental\",\"token\":\"rental\"},{\"title\":\"Map\",\"url\":\"https://x.example/m\"}]}]}"

Test (degrade, as_text)
{
    s_expect (LIST, "What are you interested in?\nOur services\n1. Repairs - While you wait\n"
                    "2. Rental\nMap: https://x.example/m\n3. Help\nOur site: https://x.example/\n"
                    "4. 2");
    s_expect ("{\"outputSpeech\":\"Hello\"}", "Hello");
    s_expect ("{\"type\":\"INTENT_REQUEST\",\"rawQuery\":\"Good morning\\u0007\"}",
              "Good morning ");
    s_expect ("{\"outputSpeech\":{\"html\":\"This is <b>bold</b> &amp; &lt;new&gt;<br>5 < 6\"}}",
              "This is bold & <new>\n5 < 6");
    s_expect ("{\"outputSpeech\":{\"displayText\":\"This is bold.\",\"html\":\"<b>x</b>\"}}",
              "This is bold.");
    s_expect ("{\"outputSpeech\":{\"displayText\":\"Here.\"},\"displays\":[{\"type\":\"CARD\","
              "\"title\":\"The shop\",\"content\":\"Main Street\",\"buttons\":[{\"title\":"
              "\"Hours\"},{\"title\":\"Map\",\"openUrlAction\":\"https://x.example/\"}]}]}",
              "Here.\nThe shop\nMain Street\n1. Hours\nMap: https://x.example/");
    s_expect ("{\"displays\":[{\"items\":[{\"title\":\"Bike\",\"description\":\"Red\",\"buttons\":"
              "[{\"title\":\"Buy\"}]}]}]}",
              "Bike\nRed\n1. Buy");
}

Test (degrade, what_shows_nothing)
{
    static const char *const none[] = { "",
                                        "{",
                                        "[]",
                                        "null",
                                        "{}",
                                        "{\"outputSpeech\":7}",
                                        "{\"outputSpeech\":{\"suggestions\":\"x\"}}",
                                        "{\"displays\":[7,null,[],{\"items\":[3]}]}",
                                        "{\"outputSpeech\":{\"suggestions\":[{},3,null]}}" };
    for (size_t row = 0; row < ROWS (none); row++)
        s_expect (none[row], NULL);
}

Test (degrade, a_long_text_is_cut_between_characters)
{
    size_t size = 3 * DEGRADE_TEXT_MOST;
    char *data = malloc (size + 40);
    int head = snprintf (data, 40, "{\"rawQuery\":\"x");
    for (size_t at = 0; at + 1 < size; at += 2)
        memcpy (data + head + at, "\xc3\xa9", 2);
    snprintf (data + head + size, 3, "\"}");
    buffer_t text;
    buffer_init (&text, DEGRADE_TEXT_MOST);
    cr_expect_eq (degrade_text (text_of (data), &text), 0);
    cr_expect_eq (text.size, DEGRADE_TEXT_MOST - 1);
    buffer_free (&text);
    free (data);
}

Test (degrade, choices_come_back)
{
    static const struct {
        const char *said, *choice;
    } rows[] = {
        { "1", "{\"type\":\"OPTION_SELECT_REQUEST\",\"token\":\"repairs\",\"title\":\"Repairs\"}" },
        { " 1. ", "{\"type\":\"OPTION_SELECT_REQUEST\",\"token\":\"repairs\",\"title\":"
                  "\"Repairs\"}" },
        { "rental", "{\"type\":\"OPTION_SELECT_REQUEST\",\"token\":\"rental\",\"title\":"
                    "\"Rental\"}" },
        { "3)", "{\"type\":\"INTENT_REQUEST\",\"rawQuery\":\"Help\"}" },
        { "HELP", "{\"type\":\"INTENT_REQUEST\",\"rawQuery\":\"Help\"}" },
        //  One is called so.
        { "2", "{\"type\":\"INTENT_REQUEST\",\"rawQuery\":\"2\"}" },
        { "5", NULL },
        { "0", NULL },
        { "12345", NULL },
        { "", NULL },
        { ".", NULL },
        { "Map", NULL },
        { "repairs please", NULL },
    };
    for (size_t row = 0; row < ROWS (rows); row++) {
        buffer_t choice;
        buffer_init (&choice, 10000);
        bool is_choice = degrade_choice (TEXT (LIST), text_of (rows[row].said), &choice);
        cr_expect_eq (is_choice, rows[row].choice != NULL, "%s", rows[row].said);
        if (is_choice && rows[row].choice)
            cr_expect (text_is (buffer_text (&choice), text_of (rows[row].choice)), "%.*s",
                       TEXT_ARGS (buffer_text (&choice)));
        buffer_free (&choice);
    }
}
