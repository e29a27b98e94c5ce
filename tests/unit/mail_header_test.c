//  mail_header — addresses that can be mailed to, and headers that hold what people wrote.

#include "email/mail_header.h"

#include <criterion/criterion.h>

static const char *
s_put (text_t value)
{
    static char room[MAIL_HEADER_MOST + 1];
    buffer_t to;
    buffer_init (&to, MAIL_HEADER_MOST);
    cr_assert_eq (mail_header_put (&to, "Subject", value), 0);
    memcpy (room, to.data, to.size);
    room[to.size] = '\0';
    buffer_free (&to);
    return room;
}

static const char *
s_put_person (const char *name)
{
    static char room[MAIL_HEADER_MOST + 1];
    buffer_t to;
    buffer_init (&to, MAIL_HEADER_MOST);
    cr_assert_eq (mail_header_put_person (&to, "To", text_of (name), TEXT ("a@b.de")), 0);
    memcpy (room, to.data, to.size);
    room[to.size] = '\0';
    buffer_free (&to);
    return room;
}

Test (mail_header, addresses)
{
    static const char *const good[] = { "a@b", "anna@example.com", "a.b+c@x-1.example.com",
                                        "o'hara@example.com", "a_b=c@1.2.3",
                                        "A!#$%&'*+/=?^`{|}~-@b" };
    static const char *const bad[] = { "", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b c", "a@b>",
                                       "<a@b>", "a@b,c@d", "a@b\r\nRCPT TO:<c@d>", "a@-b", "a@b-",
                                       "a@b-.c", "a@.b", "a@b.", "a@b..c", ".a@b", "a.@b", "a..b@c",
                                       "\"a b\"@c", "a@[127.0.0.1]", "\xc3\xa4@b", "a@\xc3\xa4",
                                       "a@b\x7f", "a@b_c" };
    for (size_t at = 0; at < sizeof good / sizeof *good; at++)
        cr_expect (mail_address_is_good (text_of (good[at])), "%s", good[at]);
    for (size_t at = 0; at < sizeof bad / sizeof *bad; at++)
        cr_expect (!mail_address_is_good (text_of (bad[at])), "%s", bad[at]);
    cr_expect (!mail_address_is_good ((text_t){ "a@b\0c", 5 }));
    char local[80];
    memset (local, 'a', sizeof local);
    memcpy (local + 64, "@b", 3);
    cr_expect (mail_address_is_good (text_of (local)));
    memcpy (local + 65, "@b", 3);
    local[64] = 'a';
    cr_expect (!mail_address_is_good (text_of (local)));
    cr_expect (text_is (mail_address_domain (TEXT ("a@b.c")), TEXT ("b.c")));
}

Test (mail_header, plain_words_stay)
{
    cr_expect_str_eq (s_put (TEXT ("Bob waits")), "Subject: Bob waits");
    cr_expect_str_eq (s_put (TEXT ("  Bob \t waits  ")), "Subject: Bob waits");
    cr_expect_str_eq (s_put (TEXT ("")), "Subject:");
    cr_expect_str_eq (s_put (TEXT ("\r\n")), "Subject:");
    cr_expect_str_eq (s_put (TEXT ("Hi\r\nBcc: v@x")), "Subject: Hi Bcc: v@x");
    cr_expect_str_eq (s_put ((text_t){ "a\0b", 3 }), "Subject: a b");
    cr_expect_str_eq (s_put (TEXT ("a\xc2\x85"
                                   "b\xe2\x80\xa8"
                                   "c\xe2\x80\xae"
                                   "d\x7f")),
                      "Subject: a b c d");
}

Test (mail_header, others_are_encoded)
{
    cr_expect_str_eq (s_put (TEXT ("\xc3\xa4")), "Subject: =?UTF-8?B?w6Q=?=");
    cr_expect_str_eq (s_put (TEXT ("=?x?=")), "Subject: =?UTF-8?B?PT94Pz0=?=");
    cr_expect_str_eq (s_put (TEXT ("a\xff"
                                   "b\xc3")),
                      "Subject: a?b?", "what is no UTF-8");
    //  A word of 75 bytes, and none that ends within a character.
    char value[300];
    for (size_t at = 0; at + 1 < sizeof value; at += 2)
        memcpy (value + at, "\xc3\xa4", 2);
    const char *header = s_put ((text_t){ value, 298 });
    for (const char *line = header; *line;) {
        size_t size = strcspn (line, "\r");
        cr_expect (size <= 76, "%s", header);
        line += size + (line[size] ? 2 : 0);
    }
}

Test (mail_header, long_ones_are_cut)
{
    static char value[3 * MAIL_VALUE_MOST];
    memset (value, 'x', sizeof value);
    for (size_t at = 7; at < sizeof value; at += 8)
        value[at] = ' ';
    cr_expect (strlen (s_put ((text_t){ value, sizeof value })) < MAIL_VALUE_MOST + 40);
    //  All emoji, or all that is quoted, still has room.
    for (size_t at = 0; at < sizeof value; at++)
        value[at] = "\xf0\x9f\x98\x80"[at % 4];
    (void) s_put ((text_t){ value, sizeof value });
    buffer_t small;
    buffer_init (&small, 20);
    cr_expect_eq (mail_header_put (&small, "Subject", TEXT ("more than there is room for")), -1);
    buffer_free (&small);
}

Test (mail_header, people)
{
    cr_expect_str_eq (s_put_person ("Anna"), "To: \"Anna\" <a@b.de>");
    cr_expect_str_eq (s_put_person (""), "To: <a@b.de>");
    cr_expect_str_eq (s_put_person ("M\xc3\xbcller"), "To: =?UTF-8?B?TcO8bGxlcg==?= <a@b.de>");
    cr_expect_str_eq (s_put_person ("\"<v@x>\", \\"), "To: \"\\\"<v@x>\\\", \\\\\" <a@b.de>");
    cr_expect_str_eq (s_put_person ("x\r\nCc: v@x"), "To: \"x Cc: v@x\" <a@b.de>");
    static char name[MAIL_VALUE_MOST + 1];
    memset (name, '"', MAIL_VALUE_MOST);
    (void) s_put_person (name);
}
