//  retry_after — seconds and dates, and what is neither.

#include "http/retry_after.h"

#include <criterion/criterion.h>

#define NOW 784111777 //  Sun, 06 Nov 1994 08:49:37 GMT
#define DAY_MS 86400000u

Test (retry_after, values)
{
    static const struct {
        const char *value;
        uint64_t wait_ms;
    } rows[] = {
        { "0", 0 },
        { "1", 1000 },
        { "120", 120000 },
        { "000120", 120000 },
        { "86400", DAY_MS },
        { "86401", DAY_MS },
        { "99999999999999999999999999", DAY_MS },
        { "Sun, 06 Nov 1994 08:49:37 GMT", 0 },
        { "Sun, 06 Nov 1994 08:49:38 GMT", 1000 },
        { "Sun, 06 Nov 1994 09:49:37 GMT", 3600000 },
        { "Sunday, 06-Nov-94 08:50:37 GMT", 60000 },
        { "Sun Nov  6 08:50:37 1994", 60000 },
        { "Sat, 05 Nov 1994 08:49:37 GMT", 0 },
        { "Fri, 31 Dec 9999 23:59:59 GMT", DAY_MS },
        { "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
        { "", 0 },
        { " ", 0 },
        { "-1", 0 },
        { "+1", 0 },
        { "1.5", 0 },
        { "1s", 0 },
        { "0x10", 0 },
        { "120, 120", 0 },
        { "Sun, 06 Nov 1994 09:49:37", 0 },
        { "Sun, 06 Nov 1994 09:49:37 GMT!", 0 },
        { "Sun, 06 Nov 1994 25:49:37 GMT", 0 },
        { "Sun, 46 Nov 1994 09:49:37 GMT", 0 },
        { "1994-11-06T09:49:37Z", 0 },
        { "a value that is much longer than any date could ever be, whatever its form", 0 },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        cr_assert_eq (retry_after_read (text_of (rows[row].value), NOW, DAY_MS), rows[row].wait_ms,
                      "\"%s\"", rows[row].value);
}

Test (retry_after, the_limit_is_in_whole_seconds)
{
    cr_assert_eq (retry_after_read (TEXT ("10"), NOW, 1500), 1000);
    cr_assert_eq (retry_after_read (TEXT ("10"), NOW, 0), 0);
}
