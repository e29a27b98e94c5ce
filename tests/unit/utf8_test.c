#include "base/utf8.h"

#include <criterion/criterion.h>

#define VALID(bytes) utf8_is_valid (TEXT (bytes))

Test (utf8, knows_what_is_valid)
{
    cr_expect (VALID (""));
    cr_expect (VALID ("abc\x7f"));
    cr_expect (VALID ("\xc2\x80 \xdf\xbf"));
    cr_expect (VALID ("\xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf"));
    cr_expect (VALID ("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf"));
}

Test (utf8, knows_what_is_not)
{
    cr_expect_not (VALID ("\x80"));
    cr_expect_not (VALID ("\xc0\x80"));
    cr_expect_not (VALID ("\xc1\xbf"));
    cr_expect_not (VALID ("\xc2"));
    cr_expect_not (VALID ("\xc2z"));
    cr_expect_not (VALID ("\xe0\x9f\xbf"));
    cr_expect_not (VALID ("\xed\xa0\x80"));
    cr_expect_not (VALID ("\xe2\x82"));
    cr_expect_not (VALID ("\xe2\x82z"));
    cr_expect_not (VALID ("\xf0\x8f\xbf\xbf"));
    cr_expect_not (VALID ("\xf4\x90\x80\x80"));
    cr_expect_not (VALID ("\xf5\x80\x80\x80"));
    cr_expect_not (VALID ("\xf0\x9f\x98"));
}

//  At every place, so that it comes first, last and in the middle of eight.
Test (utf8, says_where_the_first_bad_byte_is)
{
    for (size_t place = 0; place < 30; place++) {
        char bytes[30];
        memset (bytes, 'a', sizeof bytes);
        cr_assert_eq (utf8_valid_size ((text_t){ bytes, place }), place);
        bytes[place] = '\x80';
        cr_assert_eq (utf8_valid_size ((text_t){ bytes, sizeof bytes }), place);
        if (place > 0)
            bytes[place - 1] = '\xc2';
        cr_assert_eq (utf8_valid_size ((text_t){ bytes, sizeof bytes }),
                      place ? sizeof bytes : 0);
    }
}

Test (utf8, cuts_between_characters)
{
    cr_expect (text_is (utf8_cut (TEXT ("abc"), 3), TEXT ("abc")));
    cr_expect (text_is (utf8_cut (TEXT ("abc"), 2), TEXT ("ab")));
    cr_expect (text_is (utf8_cut (TEXT ("a\xe2\x82\xac"), 3), TEXT ("a")));
    cr_expect (text_is (utf8_cut (TEXT ("a\xe2\x82\xac"), 4), TEXT ("a\xe2\x82\xac")));
}

Test (utf8, knows_control_characters)
{
    cr_expect (utf8_is_printable (TEXT ("a \xc3\xa4")));
    cr_expect_not (utf8_is_printable (TEXT ("a\n")));
    cr_expect_not (utf8_is_printable (TEXT ("a\0b")));
    cr_expect_not (utf8_is_printable (TEXT ("\x7f")));
    cr_expect_not (utf8_is_printable (TEXT ("a\xc2\x85")));
    cr_expect (utf8_is_printable (TEXT ("\xc2\xa0\xc3\x85")));
}

Test (utf8, knows_what_would_disturb_what_is_shown_beside_it)
{
    cr_expect (utf8_is_showable (TEXT ("")));
    cr_expect (utf8_is_showable (TEXT ("a \xd7\x90 \xe2\x82\xac")));
    //  Marks of single characters are needed to write some languages.
    cr_expect (utf8_is_showable (TEXT ("\xe2\x80\x8c\xe2\x80\x8e\xe2\x80\x8f")));
    cr_expect (utf8_is_showable (TEXT ("\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa")));
    char mark[] = "a\xe2\x80\xa8";
    for (mark[3] = '\xa8'; mark[3] <= '\xae'; mark[3]++)
        cr_expect_not (utf8_is_showable (text_of (mark)), "%s", mark);
    mark[2] = '\x81';
    for (mark[3] = '\xa6'; mark[3] <= '\xa9'; mark[3]++)
        cr_expect_not (utf8_is_showable (text_of (mark)), "%s", mark);
    cr_expect_not (utf8_is_showable (TEXT ("a\n")));
    cr_expect_not (utf8_is_showable (TEXT ("a\0b")));
    cr_expect_not (utf8_is_showable (TEXT ("a\xc2\x9f")));
}

Test (utf8, a_copy_ends_between_characters)
{
    char room[6];
    utf8_copy (room, sizeof room, TEXT ("abcd\xc3\xa9"));
    cr_expect_str_eq (room, "abcd");
    utf8_copy (room, sizeof room, TEXT ("abc\xc3\xa9"));
    cr_expect_str_eq (room, "abc\xc3\xa9");
    utf8_copy (room, 1, TEXT ("abc"));
    cr_expect_str_eq (room, "");
    utf8_copy (room, sizeof room, TEXT_EMPTY);
    cr_expect_str_eq (room, "");
}
