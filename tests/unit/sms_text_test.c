//  How many segments an SMS has, where a long one is cut, and that an alert keeps its link.

#include "base/utf8.h"
#include "texting/fit.h"
#include "texting/sms_text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define FAMILY "\U0001F468\u200D\U0001F469\u200D\U0001F467"
#define FLAG "\U0001F1E9\U0001F1EA"
#define LINK "https://chat.example.com/alerts/abc.def"

//  So many of them in a row; lives until the next call but three.
static text_t
s_many (const char *what, size_t times)
{
    static char rooms[4][200000];
    static unsigned next;
    char *room = rooms[next++ % 4];
    size_t size = strlen (what);
    for (size_t at = 0; at < times; at++)
        memcpy (room + at * size, what, size);
    room[times * size] = '\0';
    return (text_t){ room, times * size };
}

Test (segments, of_the_gsm_alphabet_and_of_others)
{
    static const struct {
        const char *what;
        size_t times;
        unsigned segments;
    } rows[] = {
        { "", 0, 0 },           { "a", 1, 1 },          { "a", 160, 1 },     { "a", 161, 2 },
        { "a", 306, 2 },        { "a", 307, 3 },        { "\u00e4", 160, 1 },
        { "\u20ac", 80, 1 },    { "\u20ac", 81, 2 }, //  the euro is of the extension: two
        { "{", 152, 2 },        { "{", 153, 3 },     //  76 of them in a segment
        { "\u00ea", 70, 1 },    { "\u00ea", 71, 2 },    { "\u00ea", 134, 2 }, { "\u00ea", 135, 3 },
        { "\U0001F600", 35, 1 }, { "\U0001F600", 36, 2 }, //  33 whole ones in 67 units
        { "\U0001F600", 66, 2 }, { "\U0001F600", 67, 3 }, { "`", 70, 1 },      { "`", 71, 2 },
        { "\u0394\u03a9\n", 53, 1 }, { "\u0391", 71, 2 }, { "\f", 80, 1 },     { "\t", 71, 2 },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        cr_expect_eq (sms_segments (s_many (rows[row].what, rows[row].times)), rows[row].segments,
                      "%zu times %s: %u", rows[row].times, rows[row].what,
                      sms_segments (s_many (rows[row].what, rows[row].times)));
}

Test (cut, between_characters_as_people_count_them)
{
    static const struct {
        const char *text;
        size_t most;
        const char *cut;
    } rows[] = {
        { "abc", 3, "abc" },
        { "abc", 2, "ab" },
        { "a\U0001F600b", 2, "a" },
        { "a\U0001F600b", 3, "a\U0001F600" },
        { "ae\u0301x", 2, "a" },                        //  not before the accent
        { "ab" FAMILY "c", 9, "ab" },
        { "ab" FAMILY "c", 10, "ab" FAMILY },
        { "a" FLAG FLAG, 6, "a" FLAG },
        { "a" FLAG FLAG, 3, "a" },
        { "a\U0001F44D\U0001F3FFb", 3, "a" },           //  nor before a colour of skin
        { FAMILY, 4, "\U0001F468\u200D" },              //  nothing is left else
        { "\U0001F600", 1, "\U0001F600" },              //  never nothing
        { "", 5, "" },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        text_t cut = sms_cut (text_of (rows[row].text), rows[row].most);
        cr_expect (text_is (cut, text_of (rows[row].cut)), "%s at %zu: %.*s", rows[row].text,
                   rows[row].most, TEXT_ARGS (cut));
    }
}

//  All parts together are the text but for blanks, each is whole and within its limit.
static unsigned
s_expect_parts (text_t text)
{
    text_t rest = text, part;
    unsigned parts = 0;
    size_t letters = 0, wanted = 0;
    for (size_t at = 0; at < text.size; at++)
        wanted += text.data[at] != ' ' && text.data[at] != '\n';
    for (; sms_next_part (&rest, &part); parts++) {
        cr_assert (sms_units (part) <= SMS_MOST && utf8_is_valid (part));
        for (size_t at = 0; at < part.size; at++)
            letters += part.data[at] != ' ' && part.data[at] != '\n';
    }
    cr_assert_eq (letters, wanted, "%zu of %zu", letters, wanted);
    cr_assert_eq (rest.size, 0);
    return parts;
}

Test (parts, of_long_texts)
{
    cr_assert_eq (s_expect_parts (TEXT ("")), 0);
    cr_assert_eq (s_expect_parts (TEXT (" \n ")), 0);
    cr_assert_eq (s_expect_parts (TEXT (" a \n")), 1);
    cr_assert_eq (s_expect_parts (s_many ("a", 1600)), 1);
    cr_assert_eq (s_expect_parts (s_many ("a", 1601)), 2);
    cr_assert_eq (s_expect_parts (s_many ("a", 10000)), 7);
    cr_assert_eq (s_expect_parts (s_many ("word ", 2000)), 7);
    cr_assert_eq (s_expect_parts (s_many ("\U0001F600", 801)), 2);
    cr_assert_eq (s_expect_parts (s_many (FAMILY, 200)), 1);
    cr_assert_eq (s_expect_parts (s_many (FAMILY, 201)), 2);
    cr_assert_eq (s_expect_parts (s_many ("e\u0301", 801)), 2);
    cr_assert_eq (s_expect_parts (s_many ("\u0301", 5000)), 4, "who piles them up has them cut");
    cr_assert_eq (s_expect_parts (s_many (FLAG, 401)), 2);
    //  The most that is said, in the way that makes most parts of it.
    text_t worst = s_many ("a", 32768);
    for (size_t at = 1210; at < worst.size; at += 1211)
        ((char *) (size_t) worst.data)[at] = ' ';
    cr_assert_leq (s_expect_parts (worst), SMS_PARTS_MOST);
}

Test (parts, end_at_a_blank_if_one_is_near)
{
    char text[3000];
    text_t rest, part;
    memset (text, 'a', sizeof text);
    text[1300] = ' ';
    text[1500] = '\n';
    rest = (text_t){ text, 2000 };
    cr_assert (sms_next_part (&rest, &part) && part.size == 1500);
    cr_assert (sms_next_part (&rest, &part) && part.size == 499);
    text[1300] = text[1500] = 'a';
    text[1000] = ' '; //  too far
    rest = (text_t){ text, 2000 };
    cr_assert (sms_next_part (&rest, &part) && part.size == 1600);
}

Test (clean, leaves_out_what_an_sms_cannot_have)
{
    buffer_t to;
    buffer_init (&to, 200);
    sms_put_clean (TEXT ("a\r\nb\rc\nd\u2028e\u2029f\xc2\x85g\th\0i\x1b\x7f\xc2\x9fj\u00e4"), &to);
    cr_assert (text_is (buffer_text (&to), TEXT ("a\nb\nc\nd\ne\nf\ng hij\u00e4")), "%.*s",
               TEXT_ARGS (buffer_text (&to)));
    buffer_free (&to);
}

// ------------------------------------------------------------------------------------------------

static void
s_expect_fit (const fit_measure_t *measure, const char *text, size_t most, const char *wanted)
{
    buffer_t to;
    buffer_init (&to, 4 * most);
    fit_put (measure, text_of (text), TEXT (LINK), most, &to);
    text_t fitted = buffer_text (&to);
    cr_expect (text_is (fitted, text_of (wanted)), "%s at %zu: %.*s", text, most,
               TEXT_ARGS (fitted));
    cr_expect_leq (measure->measure (fitted), most);
    buffer_free (&to);
}

Test (fit, cuts_words_and_never_the_link)
{
    s_expect_fit (&fit_sms, "Bob waits: " LINK, 160, "Bob waits: " LINK);
    s_expect_fit (&fit_sms, "0123456789012345678901234567890123456789 says: " LINK " ok", 86,
                  "0123456789012345678901234567890123456789 ..." LINK " ok");
    s_expect_fit (&fit_sms, "Bob " LINK " 0123456789012345678901234567890123456789", 80,
                  "Bob ..." LINK);
    s_expect_fit (&fit_sms, "0123456789\U0001F600\U0001F600 and no link", 14, "0123456789...");
    s_expect_fit (&fit_slack, "0123456789&amp;&lt;words&gt; are long and longer <" LINK "|Seen>",
                  94, "0123456789&amp;&lt;words&gt; are long and lon...<" LINK "|Seen>");
    s_expect_fit (&fit_slack, "0123456789&amp;&lt;words and more words", 19, "0123456789&amp;...");
    s_expect_fit (&fit_slack, "012345 <!here> words and more of them", 16, "012345 ...");
    s_expect_fit (&fit_slack, "0123456789\u00e4\u00e4\u00e4", 14, "0123456789...");
    s_expect_fit (&fit_slack, "a & b &&&&& 0123456789", 12, "a ...");
}
