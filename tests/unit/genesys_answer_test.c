//  What Genesys Cloud answers, read: logins, errors, people; and what an answer comes to.

#include "platform/genesys_answer.h"
#include "platform/genesys_outcome.h"

#include <criterion/criterion.h>
#include <stdio.h>

static void
s_expect_login (const char *body, const char *token, uint64_t lifetime_s)
{
    login_answer_t login;
    cr_assert_eq (login_answer_read (&login, text_of (body)), token ? 0 : -1, "%s", body);
    if (!token)
        return;
    cr_assert (text_is (login.token, text_of (token)), "%s", body);
    cr_assert_eq (login.lifetime_s, lifetime_s, "%s: %llu", body,
                  (unsigned long long) login.lifetime_s);
    login_answer_free (&login);
}

Test (genesys_answer, of_a_login)
{
    s_expect_login ("{\"access_token\":\"abc\",\"token_type\":\"bearer\",\"expires_in\":86399}",
                    "abc", 86399);
    s_expect_login ("{\"access_token\":\"abc\",\"token_type\":\"Bearer\",\"expires_in\":300.5,"
                    "\"error\":null,\"new\":[{}]}",
                    "abc", 300);
    s_expect_login ("{\"access_token\":\"abc\"}", "abc", LOGIN_LIFETIME_USUAL_S);
    s_expect_login ("{\"access_token\":\"abc\",\"expires_in\":\"86399\"}", "abc",
                    LOGIN_LIFETIME_USUAL_S);
    s_expect_login ("{\"access_token\":\"abc\",\"expires_in\":0}", "abc", 1);
    s_expect_login ("{\"access_token\":\"abc\",\"expires_in\":-5}", "abc", 1);
    s_expect_login ("{\"access_token\":\"abc\",\"expires_in\":1e300}", "abc",
                    LOGIN_LIFETIME_MOST_S);
    s_expect_login ("{\"access_token\":\"abc\",\"token_type\":\"mac\"}", NULL, 0);
    static const char *const none[] = { "",   "null", "[]", "\"abc\"", "{}", "{\"access_token\":7}",
                                        "{\"access_token\":\"\"}", "{\"access_token\":\"abc\"",
                                        "<html>", "{\"access_token\":\"\xff\"}" };
    for (size_t at = 0; at < sizeof none / sizeof *none; at++)
        s_expect_login (none[at], NULL, 0);
}

static void
s_expect_words (const char *body, const char *words)
{
    char room[ERROR_WORDS_ROOM];
    error_answer_read (text_of (body), room);
    cr_assert_str_eq (room, words, "%s: %s", body, room);
}

Test (genesys_answer, of_an_error)
{
    s_expect_words ("{\"message\":\"The integration was not found.\",\"code\":\"not.found\","
                    "\"status\":404,\"contextId\":\"c\",\"details\":[],\"errors\":[]}",
                    "not.found: The integration was not found.");
    s_expect_words ("{\"message\":\"should have required property '.text', should match\","
                    "\"code\":\"bad.request\"}",
                    "bad.request: should have required property '.text', should match");
    //  What it quotes may be what was said.
    s_expect_words ("{\"message\":\"not valid: 'my card is 4111' and \\\"a b\\\" and 'open\"}",
                    "not valid: \"…\" and \"…\" and \"…\"");
    s_expect_words ("{\"message\":\"it isn't: 'a.b'\"}", "it isn't: 'a.b'");
    s_expect_words ("{\"error\":\"invalid_client\",\"description\":\"client not found\","
                    "\"error_description\":\"other\"}",
                    "invalid_client: client not found");
    s_expect_words ("{\"error\":\"invalid_client\",\"error_description\":\"client not found\"}",
                    "invalid_client: client not found");
    s_expect_words ("{\"code\":\"bad code!\",\"message\":\"words\"}", "words");
    s_expect_words ("{\"code\":\"only.code\"}", "only.code");
    static const char *const none[] = { "",   "<html>no</html>", "[]", "{}", "{\"message\":7}",
                                        "{\"message\":\"a\\nb\"}", "{\"code\":[]}" };
    for (size_t at = 0; at < sizeof none / sizeof *none; at++)
        s_expect_words (none[at], "");
}

Test (genesys_answer, of_an_error_without_end)
{
    static char body[4000];
    char room[ERROR_WORDS_ROOM];
    int size = snprintf (body, sizeof body, "{\"code\":\"bad.request\",\"message\":\"");
    for (int at = 0; at < 600; at++)
        size += snprintf (body + size, sizeof body - (size_t) size, "ä' ");
    snprintf (body + size, sizeof body - (size_t) size, "\"}");
    error_answer_read (text_of (body), room);
    cr_assert_lt (strlen (room), sizeof room);
    cr_assert_eq (strncmp (room, "bad.request: ", 13), 0);
}

static void
s_expect_person (const char *body, const char *name, const char *picture)
{
    person_answer_t person;
    person_answer_read (&person, text_of (body));
    cr_assert (text_is (person.name, text_of (name)), "%s: %.*s", body, TEXT_ARGS (person.name));
    cr_assert (text_is (person.picture, text_of (picture)), "%s: %.*s", body,
               TEXT_ARGS (person.picture));
    person_answer_free (&person);
}

Test (genesys_answer, of_a_person)
{
    s_expect_person ("{\"id\":\"u\",\"name\":\"Ann Agent\",\"preferredName\":\"Ann\",\"images\":["
                     "{\"resolution\":\"x48\",\"imageUri\":\"https://p/48\"},"
                     "{\"resolution\":\"x400\",\"imageUri\":\"https://p/400\"},"
                     "{\"resolution\":\"x96\",\"imageUri\":\"https://p/96\"},"
                     "{\"resolution\":\"x200\",\"imageUri\":\"https://p/200\"}]}",
                     "Ann", "https://p/96");
    s_expect_person ("{\"name\":\"Bob\",\"images\":["
                     "{\"resolution\":\"x48\",\"imageUri\":\"https://p/48\"},"
                     "{\"resolution\":\"x64\",\"imageUri\":\"https://p/64\"},"
                     "{\"resolution\":\"huge\",\"imageUri\":\"https://p/0\"}]}",
                     "Bob", "https://p/64");
    s_expect_person ("{\"name\":\"Bob\",\"images\":[{\"imageUri\":\"https://p/0\"}]}", "Bob",
                     "https://p/0");
    //  Only what a page can show, and nothing that could be more than that.
    s_expect_person ("{\"name\":\"Bob\",\"images\":[{\"imageUri\":\"http://p/0\"},7,null,"
                     "{\"imageUri\":\"javascript:x\"},{\"imageUri\":\"https://p/\\\"x\"},"
                     "{\"imageUri\":\"https://\"},{\"imageUri\":[]}]}",
                     "Bob", "");
    s_expect_person ("{\"name\":\"a\\u0007b\",\"images\":{}}", "", "");
    s_expect_person ("{\"name\":7}", "", "");
    s_expect_person ("<html>", "", "");
    s_expect_person ("[]", "", "");
}

// ---------------------------------------------------------------------------------------------
//  Outcomes

static void
s_expect_status (long status, genesys_class_t class, bool is_unsure)
{
    char room[GENESYS_WORDS_ROOM];
    http_answer_t answer = { .outcome = HTTP_ANSWERED,
                             .status = status,
                             .was_sent = true,
                             .head = TEXT ("Content-Type: x\r\nining: 1\r\n"
                                           "inin-correlation-id: ab-12\r\n"),
                             .body = TEXT ("{\"code\":\"some.code\",\"message\":\"words\"}") };
    genesys_outcome_t outcome = genesys_outcome_of (&answer, room);
    cr_assert_eq (outcome.class, class, "%ld: %s", status, genesys_class_label (outcome.class));
    cr_assert_eq (outcome.is_unsure, is_unsure, "%ld", status);
    cr_assert_eq (outcome.status, (unsigned) status);
    cr_assert (text_is (outcome.correlation, TEXT ("ab-12")));
    if (class != GENESYS_OK)
        cr_assert (strstr (outcome.words, "some.code: words"), "%s", outcome.words);
}

Test (genesys_outcome, of_every_status)
{
    static const long good[] = { 200, 201, 202, 204 };
    static const long refused[] = { 301, 302, 400, 402, 404, 405, 409, 410, 411, 412,
                                    413, 414, 415, 416, 417, 418, 421, 422, 426, 451 };
    static const long passing[] = { 500, 501, 502, 503, 504, 520, 599 };
    for (size_t at = 0; at < sizeof good / sizeof *good; at++)
        s_expect_status (good[at], GENESYS_OK, false);
    for (size_t at = 0; at < sizeof refused / sizeof *refused; at++)
        s_expect_status (refused[at], GENESYS_REFUSED, false);
    for (size_t at = 0; at < sizeof passing / sizeof *passing; at++)
        s_expect_status (passing[at], GENESYS_PASSING, true);
    s_expect_status (408, GENESYS_PASSING, false);
    s_expect_status (425, GENESYS_PASSING, false);
    s_expect_status (401, GENESYS_FORBIDDEN, false);
    s_expect_status (403, GENESYS_FORBIDDEN, false);
    s_expect_status (429, GENESYS_LATER, false);
}

Test (genesys_outcome, of_every_failure)
{
    for (int outcome = HTTP_ANSWERED + 1; outcome < HTTP_OUTCOMES; outcome++)
        for (int sent = 0; sent < 2; sent++) {
            char room[GENESYS_WORDS_ROOM];
            http_answer_t answer = { .outcome = (http_outcome_t) outcome,
                                     .was_sent = sent,
                                     .head = TEXT_EMPTY,
                                     .body = TEXT_EMPTY };
            genesys_outcome_t said = genesys_outcome_of (&answer, room);
            http_reach_t reach = http_outcome_reach (answer.outcome);
            cr_assert_eq (said.class,
                          reach == HTTP_REACH_FINALLY ? GENESYS_REFUSED : GENESYS_PASSING);
            cr_assert_eq (said.is_unsure, sent && reach != HTTP_REACH_NOWHERE);
            cr_assert_str_eq (said.words, http_outcome_words (answer.outcome));
        }
}

//  As long as the platform says.
Test (genesys_outcome, waits_as_long_as_it_is_told)
{
    char room[GENESYS_WORDS_ROOM];
    http_answer_t answer = { .outcome = HTTP_ANSWERED,
                             .status = 429,
                             .head = TEXT ("Genesys-Correlation-Id: no id!\r\n"),
                             .body = TEXT ("slow down") };
    genesys_outcome_t outcome = genesys_outcome_of (&answer, room);
    cr_assert_eq (outcome.retry_after_ms, 60000, "without the header a window");
    cr_assert_eq (outcome.correlation.size, 0);
    answer.head = TEXT ("Retry-After: 0\r\n");
    outcome = genesys_outcome_of (&answer, room);
    cr_assert_eq (outcome.retry_after_ms, 1, "at once");
    answer.head = TEXT_EMPTY;
    answer.retry_after_ms = 42000;
    outcome = genesys_outcome_of (&answer, room);
    cr_assert_eq (outcome.retry_after_ms, 42000);
    cr_assert_str_eq (outcome.words, "429");
}
