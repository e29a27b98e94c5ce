//  log_position — the check of an entry: the same in every process and version, another one for
//  every other entry.

#include "model/log_position.h"

#include <criterion/criterion.h>

static const log_mark_t s_mark = { 1, { "ann", 3 }, { "m-1", 3 }, 1700000000000 };

//  Processes of other versions compute it, too: it must never change.
Test (log_position, the_check_is_what_it_always_was)
{
    cr_assert_str_eq (log_check_write (log_check_of (&s_mark)).text, "831475eed86f146d");
}

Test (log_position, every_part_of_the_mark_counts)
{
    log_mark_t others[] = { s_mark, s_mark, s_mark, s_mark };
    others[0].role = 2;
    others[1].user = TEXT ("bob");
    others[2].message_id = TEXT ("m-2");
    others[3].time_ms++;
    for (size_t at = 0; at < sizeof others / sizeof *others; at++)
        cr_assert (log_check_differs (log_check_of (&s_mark), log_check_of (&others[at])));
    cr_assert_not (log_check_differs (log_check_of (&s_mark), log_check_of (&s_mark)));
    cr_assert_not (log_check_differs (log_check_of (&s_mark), 0));
    cr_assert_not (log_check_differs (0, log_check_of (&s_mark)));
}

Test (log_position, comes_back_as_it_was_written)
{
    const uint64_t checks[] = { 0, 1, 0x0123456789abcdef, UINT64_MAX };
    for (size_t at = 0; at < sizeof checks / sizeof *checks; at++) {
        uint64_t check = 7;
        log_check_text_t text = log_check_write (checks[at]);
        cr_assert_eq (log_check_read (text_of (text.text), &check), 0);
        cr_assert_eq (check, checks[at]);
    }
}

Test (log_position, what_is_no_check_is_refused)
{
    static const char *const texts[] = { "0", "0123456789abcde", "0123456789abcdef0",
                                         "0123456789ABCDEF", "0123456789abcdeg",
                                         "0x23456789abcdef", " 123456789abcdef" };
    uint64_t check;
    for (size_t at = 0; at < sizeof texts / sizeof *texts; at++)
        cr_assert_eq (log_check_read (text_of (texts[at]), &check), -1, "%s", texts[at]);
    cr_assert_eq (log_check_read ((text_t){ "0123456789abcde\0", 16 }, &check), -1);
}
