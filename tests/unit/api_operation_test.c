//  api_operation — which path and method is which operation; problem — what a refusal looks like.

#include "model/api_operation.h"
#include "model/problem.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

typedef struct {
    char method[10];
    char path[60];
    uint64_t operation; //  API_NONE: none
    char session[20];
    char allow[30];
} match_t;

ParameterizedTestParameters (api_operation, paths)
{
    static match_t cases[] = {
        { "GET", "/api/v1/sessions/s-1", API_SESSION_GET, "s-1", "GET, HEAD, OPTIONS" },
        { "HEAD", "/api/v1/sessions/s-1", API_SESSION_GET, "s-1", "GET, HEAD, OPTIONS" },
        { "GET", "/api/v1/sessions/a%2Fb", API_SESSION_GET, "a%2Fb", "GET, HEAD, OPTIONS" },
        { "DELETE", "/api/v1/sessions/s-1", API_NONE, "", "GET, HEAD, OPTIONS" },
        { "get", "/api/v1/sessions/s-1", API_NONE, "", "GET, HEAD, OPTIONS" },
        { "OPTIONS", "/api/v1/sessions/s-1", API_NONE, "", "GET, HEAD, OPTIONS" },
        { "GET", "/api/v1/sessions/", API_NONE, "", "" },
        { "GET", "/api/v1/sessions", API_SESSION_LIST, "", "GET, HEAD, POST, OPTIONS" },
        { "GET", "/api/v1/sessions/a/b", API_NONE, "", "" },
        { "GET", "/api/v1/sessions/s-1/", API_NONE, "", "" },
        { "GET", "/api/v2/sessions/s-1", API_NONE, "", "" },
        { "POST", "/api/v1/sessions/s-1/messages", API_MESSAGE_POST, "s-1",
          "POST, GET, HEAD, OPTIONS" },
        { "GET", "/api/v1/sessions/s-1/messages", API_MESSAGE_LIST, "s-1",
          "POST, GET, HEAD, OPTIONS" },
        { "GET", "/api/v1/sessions//messages", API_NONE, "", "" },
        //  No alert has the id `try`, and no item `drop`.
        { "POST", "/api/v1/alerts/try", API_ALERT_TRY, "", "POST, OPTIONS" },
        { "GET", "/api/v1/alerts/try", API_NONE, "", "POST, OPTIONS" },
        { "GET", "/api/v1/alerts/tries", API_ALERT_GET, "", "GET, HEAD, OPTIONS" },
        { "GET", "/api/v1/work-items/drop", API_NONE, "", "POST, OPTIONS" },
        { "GET", "/api/v1/sessions/s-1/messages/", API_NONE, "", "" },
        { "GET", "/api/", API_NONE, "", "" },
        { "GET", "", API_NONE, "", "" },
    };
    return cr_make_param_array (match_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (match_t *param, api_operation, paths)
{
    api_match_t match;
    api_match (&match, text_of (param->method), text_of (param->path));
    cr_expect_eq (match.row ? match.row->operation : API_NONE, param->operation);
    text_t session = match.parameters[API_PARAMETER_SESSION];
    cr_expect (text_is (session, text_of (param->session)), "%.*s", TEXT_ARGS (session));
    cr_expect_str_eq (match.allow, param->allow);
}

Test (api_operation, a_row_for_each_number)
{
    cr_assert_eq (api_row (API_SESSION_GET)->operation, API_SESSION_GET);
    cr_assert_null (api_row (API_NONE));
    cr_assert_null (api_row (UINT64_MAX));
}

// ---------------------------------------------------------------------------------------------
//  Queries

enum { NUMBER, LARGE, TIME, CHOICE, COMMAS, SOME };

static const api_query_row_t s_queries[] = {
    [NUMBER] = { .name = "n", API_QUERY_NUMBER, 1, 200, "", "" },
    [LARGE] = { .name = "l", API_QUERY_NUMBER, 0, INT64_MAX, "", "" },
    [TIME] = { .name = "t", API_QUERY_TIME, 0, 0, "", "" },
    [CHOICE] = { .name = "c", API_QUERY_CHOICE, 0, 0, "asc desc", "" },
    [COMMAS] = { .name = "k", API_QUERY_CHOICE, 0, 0, "a,b,given up", "" },
    [SOME] = { .name = "s", API_QUERY_TEXT, 1, 3, "", "" },
};

typedef struct {
    size_t row; //  of s_queries
    char value[50];
    bool is_good;
} value_t;

ParameterizedTestParameters (api_operation, values)
{
    static value_t cases[60];
    size_t count = 0;
#define CASE(ROW, VALUE, GOOD) cases[count++] = (value_t){ ROW, VALUE, GOOD }
    CASE (NUMBER, "1", true);
    CASE (NUMBER, "200", true);
    CASE (NUMBER, "0", false);
    CASE (NUMBER, "201", false);
    CASE (NUMBER, "", false);
    CASE (NUMBER, "-1", false);
    CASE (NUMBER, "1.0", false);
    CASE (NUMBER, " 1", false);
    CASE (NUMBER, "18446744073709551617", false);
    CASE (LARGE, "9223372036854775807", true);
    CASE (LARGE, "9223372036854775808", false);
    CASE (LARGE, "99999999999999999999", false);
    CASE (COMMAS, "b", true);
    CASE (COMMAS, "given up", true);
    CASE (COMMAS, "given", false);
    CASE (COMMAS, "a,b", false);
    CASE (COMMAS, "", false);
    CASE (TIME, "2026-01-31T23:59:59Z", true);
    CASE (TIME, "2026-01-31T23:59:59.123+05:30", true);
    CASE (TIME, "2024-02-29T00:00:00-00:00", true);
    CASE (TIME, "2026-02-29T00:00:00Z", false);
    CASE (TIME, "2026-04-31T00:00:00Z", false);
    CASE (TIME, "2026-13-01T00:00:00Z", false);
    CASE (TIME, "2026-00-01T00:00:00Z", false);
    CASE (TIME, "1969-12-31T00:00:00Z", false);
    CASE (TIME, "2026-01-31T24:00:00Z", false);
    CASE (TIME, "2026-01-31T23:59:60Z", false);
    CASE (TIME, "2026-01-31 23:59:59Z", false);
    CASE (TIME, "2026-01-31T23:59:59", false);
    CASE (TIME, "2026-01-31T23:59:59.Z", false);
    CASE (TIME, "2026-01-31T23:59:59+0530", false);
    CASE (TIME, "2026-01-31T23:59:59Zx", false);
    CASE (TIME, "now", false);
    CASE (CHOICE, "asc", true);
    CASE (CHOICE, "desc", true);
    CASE (CHOICE, "asc desc", false);
    CASE (CHOICE, "", false);
    CASE (CHOICE, "des", false);
    CASE (SOME, "abc", true);
    CASE (SOME, "", false);
    CASE (SOME, "abcd", false);
#undef CASE
    return cr_make_param_array (value_t, cases, count);
}

ParameterizedTest (value_t *param, api_operation, values)
{
    const api_query_row_t *row = &s_queries[param->row];
    char room[API_COMPLAINT];
    const char *complaint = api_query_complaint (row, text_of (param->value), room);
    cr_expect_eq (complaint == NULL, param->is_good, "%s: %s", row->name, param->value);
    cr_expect (!complaint || strstr (complaint, row->name));
}

Test (api_operation, a_query_is_of_an_operation)
{
    cr_assert (api_query_row (API_MESSAGE_LIST, TEXT ("limit")));
    cr_assert_null (api_query_row (API_SESSION_GET, TEXT ("limit")));
    cr_assert_null (api_query_row (API_MESSAGE_LIST, TEXT ("Limit")));
}

Test (problem, all_of_them_fit_with_the_longest_detail)
{
    char detail[1000];
    char control[PROBLEM_CONTROL_MAX];
    memset (detail, 1, sizeof detail); //  six bytes each as an escape
    memset (control, '0', sizeof control);
    for (size_t at = 0; at < PROBLEMS; at++) {
        buffer_t to;
        buffer_init (&to, PROBLEM_MAX);
        problem_write_control (at, (text_t){ detail, sizeof detail },
                               (text_t){ control, sizeof control }, &to);
        cr_expect (problem_status (at) >= 400 && to.size > 100);
        buffer_free (&to);
    }
    buffer_t to;
    buffer_init (&to, PROBLEM_MAX);
    problem_write (PROBLEM_NOT_FOUND, TEXT_EMPTY, &to);
    cr_assert (text_is (buffer_text (&to),
                        TEXT ("{\"type\":\"urn:stentor:problem:not-found\",\"title\":\"There is "
                              "nothing here, or nothing for you\",\"status\":404}")));
    buffer_free (&to);
}
