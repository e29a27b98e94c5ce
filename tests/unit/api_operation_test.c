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
        { "GET", "/api/v1/sessions", API_NONE, "", "" },
        { "GET", "/api/v1/sessions/a/b", API_NONE, "", "" },
        { "GET", "/api/v1/sessions/s-1/", API_NONE, "", "" },
        { "GET", "/api/v2/sessions/s-1", API_NONE, "", "" },
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
    cr_expect (text_is (match.session, text_of (param->session)), "%.*s",
               TEXT_ARGS (match.session));
    cr_expect_str_eq (match.allow, param->allow);
}

Test (api_operation, a_row_for_each_number)
{
    cr_assert_eq (api_row (API_SESSION_GET)->operation, API_SESSION_GET);
    cr_assert_null (api_row (API_NONE));
    cr_assert_null (api_row (UINT64_MAX));
}

Test (problem, all_of_them_fit_with_the_longest_detail)
{
    char detail[1000];
    memset (detail, 1, sizeof detail); //  six bytes each as an escape
    for (size_t at = 0; at < PROBLEMS; at++) {
        buffer_t to;
        buffer_init (&to, PROBLEM_MAX);
        problem_write (at, (text_t){ detail, sizeof detail }, &to);
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
