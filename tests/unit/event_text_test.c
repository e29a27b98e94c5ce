//  event_text — events of an event stream, and their ids.

#include "events/event_text.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

typedef struct {
    uint64_t seq;
    uint64_t check;
    char data[40];
    char expected[120];
} event_case_t;

ParameterizedTestParameters (event_text, events)
{
    static event_case_t cases[] = {
        { 17, 0, "{}", "id: 17\ndata: {}\n\n" },
        { 17, 0xab, "{}", "id: 17-00000000000000ab\ndata: {}\n\n" },
        //  Nothing of the log is left: the client's id goes back.
        { 0, 0, "{}", "id: 0\ndata: {}\n\n" },
        { SEQ_UNKNOWN, 0, "{}", "data: {}\n\n" },
        //  Line ends of JSON do not end the event, however they are written.
        { SEQ_UNKNOWN, 0, "{\n}", "data: {\ndata: }\n\n" },
        { SEQ_UNKNOWN, 0, "{\r\n}", "data: {\ndata: \ndata: }\n\n" },
        { SEQ_UNKNOWN, 0, "{}\n\nid: 9", "data: {}\ndata: \ndata: id: 9\n\n" },
        { SEQ_UNKNOWN, 0, "", "data: \n\n" },
    };
    return cr_make_param_array (event_case_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (event_case_t *param, event_text, events)
{
    buffer_t to;
    buffer_init (&to, 1000);
    log_position_t position = { param->seq, param->check };
    cr_assert_eq (event_text_put (&to, position, text_of (param->data)), 0);
    cr_expect (text_is (buffer_text (&to), text_of (param->expected)), "%.*s",
               TEXT_ARGS (buffer_text (&to)));
    buffer_free (&to);
}

Test (event_text, named_events_and_comments)
{
    buffer_t to;
    buffer_init (&to, 1000);
    cr_assert_eq (event_text_put_comment (&to), 0);
    cr_assert_eq (event_text_put_named (&to, "close", TEXT ("{}"), 0), 0);
    cr_assert_eq (event_text_put_named (&to, "close", TEXT ("1"), 700), 0);
    cr_expect (text_is (buffer_text (&to), TEXT (":\n\n"
                                                 "event: close\ndata: {}\n\n"
                                                 "retry: 700\nevent: close\ndata: 1\n\n")));
    buffer_free (&to);
}

Test (event_text, what_does_not_fit_is_told)
{
    for (size_t room = 0; room < 17; room++) {
        buffer_t to;
        buffer_init (&to, room);
        cr_expect_eq (event_text_put (&to, (log_position_t){ .seq = 17 }, TEXT ("{}")), -1);
        buffer_free (&to);
    }
}

typedef struct {
    char id[50];
    bool is_good;
    uint64_t seq;
    uint64_t check;
} id_case_t;

ParameterizedTestParameters (event_text, ids)
{
    static id_case_t cases[] = {
        { "", true, SEQ_UNKNOWN, 0 },
        { "0", true, 0, 0 },
        { "17", true, 17, 0 },
        { "17-00000000000000ab", true, 17, 0xab },
        { "9999999999999999", true, 9999999999999999, 0 },
        { "99999999999999999", false, SEQ_UNKNOWN, 0 },
        { "17-", false, SEQ_UNKNOWN, 0 },
        { "-00000000000000ab", false, SEQ_UNKNOWN, 0 },
        { "17-ab", false, SEQ_UNKNOWN, 0 },
        { "17-00000000000000AB", false, SEQ_UNKNOWN, 0 },
        { "17-00000000000000ab0", false, SEQ_UNKNOWN, 0 },
        { "+17", false, SEQ_UNKNOWN, 0 },
        { " 17", false, SEQ_UNKNOWN, 0 },
        { "17.0", false, SEQ_UNKNOWN, 0 },
        { "0x11", false, SEQ_UNKNOWN, 0 },
    };
    return cr_make_param_array (id_case_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (id_case_t *param, event_text, ids)
{
    log_position_t position;
    cr_expect_eq (event_id_read (text_of (param->id), &position) == 0, param->is_good);
    cr_expect_eq (position.seq, param->seq);
    cr_expect_eq (position.check, param->check);
}
