//  percent — every byte comes back, and what is half an escape is none.

#include "base/percent.h"

#include <criterion/criterion.h>

Test (percent, every_byte_comes_back)
{
    char bytes[256], back[3 * sizeof bytes];
    buffer_t to;
    buffer_init (&to, 1000);
    for (unsigned byte = 0; byte < 256; byte++)
        bytes[byte] = (char) byte;
    cr_assert_eq (percent_encode ((text_t){ bytes, sizeof bytes }, &to), 0);
    cr_assert_eq (to.size, 66 + 3 * (256 - 66), "letters, digits and four more stand as they are");
    for (int plus = 0; plus < 2; plus++) {
        cr_assert_eq (percent_decode (buffer_text (&to), plus != 0, back), 256);
        cr_assert_eq (memcmp (bytes, back, sizeof bytes), 0);
    }
    buffer_free (&to);
}

Test (percent, is_encoded_for_any_place_in_a_url)
{
    buffer_t to;
    buffer_init (&to, 20);
    cr_assert_eq (percent_encode (TEXT ("a/ ?&+%~\xc3\xa4"), &to), -1, "six bytes too many");
    to.size = 0;
    cr_assert_eq (percent_encode (TEXT ("a/ ?&+%~"), &to), 0);
    cr_assert (text_is (buffer_text (&to), TEXT ("a%2F%20%3F%26%2B%25~")));
    buffer_free (&to);
}

Test (percent, what_is_no_escape)
{
    static const char *const bad[] = { "%", "a%", "%1", "%1g", "%g1", "%%", "%-1", "%+1" };
    char back[10];
    for (size_t at = 0; at < sizeof bad / sizeof *bad; at++)
        cr_expect_eq (percent_decode (text_of (bad[at]), false, back), -1, "%s", bad[at]);
    cr_assert_eq (percent_decode (TEXT ("a+b%2b"), false, back), 4);
    cr_assert_eq (memcmp (back, "a+b+", 4), 0);
    cr_assert_eq (percent_decode (TEXT ("a+b%2B"), true, back), 4);
    cr_assert_eq (memcmp (back, "a b+", 4), 0);
}
