//  http_outcome — the rows of the table, and headers by their names.

#include "http/http_outcome.h"

#include <criterion/criterion.h>

Test (http_outcome, every_row_has_its_own_label)
{
    for (http_outcome_t one = 0; one < HTTP_OUTCOMES; one++) {
        cr_assert (*http_outcome_words (one) && *http_outcome_label (one));
        for (http_outcome_t other = 0; other < one; other++)
            cr_assert_str_neq (http_outcome_label (one), http_outcome_label (other));
    }
}

Test (http_outcome, headers_by_name)
{
    http_answer_t answer = { .head = TEXT ("Content-Type: text/plain\r\n"
                                           "Retry-After:  12 \r\n"
                                           "X-Empty:\r\n"
                                           "X-Colon: a:b\r\n"
                                           "x-twice: one\r\nX-Twice: two\r\n"
                                           " X-Folded: no\r\n"
                                           "X-Bare: line\n"
                                           "\r\n") };
    static const char *const rows[][2] = {
        { "Retry-After", "12" },   { "RETRY-AFTER", "12" }, { "content-type", "text/plain" },
        { "X-Empty", "" },         { "X-Colon", "a:b" },    { "X-Twice", "one" },
        { "X-Folded", "" },        { "X-Bare", "line" },    { "Retry", "" },
        { "Retry-After-Not", "" }, { "", "" },              { "-After", "" },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        text_t value = http_answer_header (&answer, rows[row][0]);
        cr_assert (text_is (value, text_of (rows[row][1])), "%s: \"%.*s\"", rows[row][0],
                   TEXT_ARGS (value));
    }
}

Test (http_outcome, no_head_no_headers)
{
    http_answer_t answer = { .outcome = HTTP_REFUSED };
    cr_assert_eq (http_answer_header (&answer, "Retry-After").size, 0);
    answer.head = TEXT ("X");
    cr_assert_eq (http_answer_header (&answer, "X").size, 0);
}
