//  bot_answer — every way in which a bot answers or fails, and what clients are shown of it.

#include "bot_answer.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    char body[400];
    int outcome;
    char data[400]; //  of a failure: its error
    int ask;
    char target[40];
} answer_t;

#define SAY "\"outputSpeech\":{\"displayText\":\"Hi\"}"

ParameterizedTestParameters (bot_answer, bodies)
{
    static answer_t cases[] = {
        //  Success, as it is
        { "{" SAY "}", OUTCOME_ANSWERED, "{" SAY "}", ASK_NOTHING, "" },
        { "\xef\xbb\xbf {" SAY "} \r\n", OUTCOME_ANSWERED, "{" SAY "}", ASK_NOTHING, "" },
        { "{\"outputSpeech\":\"Hi\"}", OUTCOME_ANSWERED, "{\"outputSpeech\":\"Hi\"}", ASK_NOTHING,
          "" },
        { "{\"outputSpeech\":{\"displayText\":\"a/b \\u00fc\"}}", OUTCOME_ANSWERED,
          "{\"outputSpeech\":{\"displayText\":\"a/b \xc3\xbc\"}}", ASK_NOTHING, "" },
        { "{\"displays\":[{\"type\":\"Own\",\"x\":1.50}],\"tag\":[\"A\"]}", OUTCOME_ANSWERED,
          "{\"displays\":[{\"type\":\"Own\",\"x\":1.50}],\"tag\":[\"A\"]}", ASK_NOTHING, "" },
        //  Nothing to show
        { "{}", OUTCOME_ANSWERED, "", ASK_NOTHING, "" },
        { "{\"status\":\"complete\"}", OUTCOME_ANSWERED, "", ASK_NOTHING, "" },
        { "{\"status\":\"acknowledged\"}", OUTCOME_ANSWERED, "", ASK_NOTHING, "" },
        { "{\"name\":\"Quiet\"}", OUTCOME_ANSWERED, "", ASK_NOTHING, "" },
        //  What the switchboard is asked for
        { "{" SAY ",\"system\":\"HANDOFF\",\"data\":{\"handoffTargetId\":\"sales\"}}",
          OUTCOME_ANSWERED,
          "{" SAY ",\"system\":\"HANDOFF\",\"data\":{\"handoffTargetId\":\"sales\"}}",
          ASK_HANDOFF, "sales" },
        { "{" SAY ",\"system\":\"HANDOFF\"}", OUTCOME_ANSWERED,
          "{" SAY ",\"system\":\"HANDOFF\"}", ASK_HANDOFF, "" },
        { "{" SAY ",\"system\":\"TRANSFER_CALL\",\"data\":{\"transferPhoneNumber\":\"+1\"}}",
          OUTCOME_ANSWERED,
          "{" SAY ",\"system\":\"TRANSFER_CALL\",\"data\":{\"transferPhoneNumber\":\"+1\"}}",
          ASK_TRANSFER_CALL, "+1" },
        { "{\"system\":\"TRANSFER_CALL\"}", OUTCOME_ANSWERED, "{\"system\":\"TRANSFER_CALL\"}",
          ASK_TRANSFER_CALL, "" },
        //  What the stock widget alone cannot bear stays
        { "{" SAY ",\"system\":\"PERMISSION_PHONE_NUMBER\",\"data\":{}}", OUTCOME_ANSWERED,
          "{" SAY ",\"system\":\"PERMISSION_PHONE_NUMBER\",\"data\":{}}", ASK_NOTHING, "" },
        { "{" SAY ",\"system\":\"PERMISSION_EMAIL\"}", OUTCOME_ANSWERED,
          "{" SAY ",\"system\":\"PERMISSION_EMAIL\"}", ASK_NOTHING, "" },
        //  Nothing to read, but something for a page's own code
        { "{\"data\":{\"order\":7}}", OUTCOME_ANSWERED, "{\"data\":{\"order\":7}}", ASK_NOTHING,
          "" },
        { "{\"context\":{\"active\":[{\"name\":\"shop\"}]}}", OUTCOME_ANSWERED,
          "{\"context\":{\"active\":[{\"name\":\"shop\"}]}}", ASK_NOTHING, "" },
        { "{\"media\":[{}]}", OUTCOME_ANSWERED, "{\"media\":[{}]}", ASK_NOTHING, "" },
        { "{\"reprompt\":\"Still there?\"}", OUTCOME_ANSWERED, "{\"reprompt\":\"Still there?\"}",
          ASK_NOTHING, "" },
        { "{\"data\":null,\"name\":\"Quiet\"}", OUTCOME_ANSWERED, "", ASK_NOTHING, "" },
        { "{" SAY ",\"system\":\"SURFACE_CLOSE\"}", OUTCOME_ANSWERED,
          "{" SAY ",\"system\":\"SURFACE_CLOSE\"}", ASK_NOTHING, "" },
        { "{" SAY ",\"system\":7}", OUTCOME_ANSWERED, "{" SAY ",\"system\":7}", ASK_NOTHING, "" },
        { "{" SAY ",\"system\":\"\"}", OUTCOME_ANSWERED, "{" SAY ",\"system\":\"\"}", ASK_NOTHING,
          "" },
        { "{" SAY ",\"system\":null}", OUTCOME_ANSWERED, "{" SAY ",\"system\":null}", ASK_NOTHING,
          "" },
        { "{\"system\":[\"HANDOFF\"],\"data\":{\"handoffTargetId\":\"sales\"}}", OUTCOME_ANSWERED,
          "{\"system\":[\"HANDOFF\"],\"data\":{\"handoffTargetId\":\"sales\"}}", ASK_NOTHING,
          "" },
        { "{\"system\":{\"a\":1.50}}", OUTCOME_ANSWERED, "{\"system\":{\"a\":1.50}}", ASK_NOTHING,
          "" },
        { "{\"foo\":1}", OUTCOME_ANSWERED, "", ASK_NOTHING, "" },
        { "{\"system\":null}", OUTCOME_ANSWERED, "", ASK_NOTHING, "" },
        { "{\"outputSpeech\":7,\"displays\":[1,null,{\"type\":\"CARD\",\"title\":\"t\"}]}",
          OUTCOME_ANSWERED, "{\"displays\":[{\"type\":\"CARD\",\"title\":\"t\"}]}", ASK_NOTHING,
          "" },
        { "{" SAY ",\"displays\":\"none\"}", OUTCOME_ANSWERED, "{" SAY "}", ASK_NOTHING, "" },
        { "{\"outputSpeech\":{\"displayText\":\"Hi\",\"suggestions\":[\"a\",1,{\"title\":\"b\"},"
          "{}]}}",
          OUTCOME_ANSWERED,
          "{\"outputSpeech\":{\"displayText\":\"Hi\",\"suggestions\":[\"a\",{\"title\":\"b\"}]}}",
          ASK_NOTHING, "" },
        { "{\"outputSpeech\":{\"displayText\":\"Hi\",\"suggestions\":{}}}", OUTCOME_ANSWERED,
          "{" SAY "}", ASK_NOTHING, "" },
        //  The bot says itself that it failed
        { "{\"tag\":\"TROUBLE_WITH_REQUEST\"," SAY "}", OUTCOME_BOT_ERROR,
          "{\"tag\":\"TROUBLE_WITH_REQUEST\"," SAY "}", ASK_NOTHING, "" },
        { "{\"tag\":[\"x\",\"TROUBLE_WITH_REQUEST\"]," SAY
          ",\"displays\":[{\"type\":\"CARD\",\"title\":\"TypeError\",\"context\":\"secret\"}]}",
          OUTCOME_BOT_ERROR, "{\"tag\":[\"x\",\"TROUBLE_WITH_REQUEST\"]," SAY "}", ASK_NOTHING,
          "" },
        { "{\"errorText\":\"We are closed.\"}", OUTCOME_BOT_ERROR,
          "{\"errorText\":\"We are closed.\",\"outputSpeech\":{\"displayText\":"
          "\"We are closed.\"}}",
          ASK_NOTHING, "" },
        { "{" SAY ",\"errorText\":\"No.\"}", OUTCOME_BOT_ERROR,
          "{\"outputSpeech\":{\"displayText\":\"No.\"},\"errorText\":\"No.\"}", ASK_NOTHING, "" },
        { "{" SAY ",\"errorText\":\"\"}", OUTCOME_ANSWERED, "{" SAY ",\"errorText\":\"\"}",
          ASK_NOTHING, "" },
        { "{" SAY ",\"errorText\":7}", OUTCOME_ANSWERED, "{" SAY ",\"errorText\":7}", ASK_NOTHING,
          "" },
        //  A 200 is not a success
        { "", OUTCOME_FAILED, "empty answer", ASK_NOTHING, "" },
        { "Error: Unable to select channel.", OUTCOME_FAILED, "answer is not JSON", ASK_NOTHING,
          "" },
        { "<html></html>", OUTCOME_FAILED, "answer is not JSON", ASK_NOTHING, "" },
        { "{" SAY "} {}", OUTCOME_FAILED, "answer is not JSON", ASK_NOTHING, "" },
        { "{" SAY, OUTCOME_FAILED, "answer is not JSON", ASK_NOTHING, "" },
        { "{\"outputSpeech\":\"\xc3\x28\"}", OUTCOME_FAILED, "answer is not JSON", ASK_NOTHING,
          "" },
        { "{" SAY ",\"data\":{\"order\":12345678901234567890123,\"z\":[-0,1E+400]}}",
          OUTCOME_ANSWERED,
          "{" SAY ",\"data\":{\"order\":12345678901234567890123,\"z\":[-0,1E+400]}}", ASK_NOTHING,
          "" },
        { "{" SAY ",\"x\":NaN}", OUTCOME_FAILED, "answer is not JSON", ASK_NOTHING, "" },
        { "[]", OUTCOME_FAILED, "answer is no object", ASK_NOTHING, "" },
        { "null", OUTCOME_FAILED, "answer is no object", ASK_NOTHING, "" },
        { "12", OUTCOME_FAILED, "answer is no object", ASK_NOTHING, "" },
        { "\"Hi\"", OUTCOME_FAILED, "answer is no object", ASK_NOTHING, "" },
    };
    return cr_make_param_array (answer_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (answer_t *param, bot_answer, bodies)
{
    http_answer_t http = { .outcome = HTTP_ANSWERED, .status = 200, .error = "",
                           .body = text_of (param->body) };
    bot_answer_t answer;
    bot_answer_read (&answer, &http);
    text_t data = buffer_text (&answer.said.data);
    if (answer.outcome == OUTCOME_FAILED)
        data = text_of (answer.error);
    cr_assert (answer.outcome == (outcome_t) param->outcome
                   && text_is (data, text_of (param->data)),
               "%s: %d %.*s", param->body, answer.outcome, TEXT_ARGS (data));
    cr_assert_eq (answer.said.ask, (ask_t) param->ask, "%s", param->body);
    cr_assert (text_is (buffer_text (&answer.said.target), text_of (param->target)), "%s",
               param->body);
    bot_answer_free (&answer);
}

typedef struct {
    http_outcome_t outcome;
    long status;
    bot_failure_t failure;
    bool again;
    char error[40];
} status_t;

ParameterizedTestParameters (bot_answer, statuses)
{
    static status_t cases[] = {
        { HTTP_TIMED_OUT, 0, BOT_TIMEOUT, true, "timeout" },
        { HTTP_TIMED_OUT, 200, BOT_TIMEOUT, true, "timeout" },
        { HTTP_UNREACHABLE, 0, BOT_UNREACHABLE, true, "unreachable" },
        { HTTP_UNREACHABLE, 200, BOT_UNREACHABLE, true, "unreachable" },
        { HTTP_CONNECT_TIMED_OUT, 0, BOT_TIMEOUT, true, "timeout" },
        { HTTP_NOT_RESOLVED, 0, BOT_UNREACHABLE, true, "unreachable" },
        { HTTP_CERTIFICATE, 0, BOT_UNREACHABLE, true, "unreachable" },
        { HTTP_RESET, 200, BOT_UNREACHABLE, true, "unreachable" },
        { HTTP_BLOCKED, 0, BOT_BLOCKED, false, "unreachable" },
        { HTTP_HEAD_TOO_LARGE, 200, BOT_TOO_LARGE, false, "answer too large" },
        { HTTP_TOO_LARGE, 200, BOT_TOO_LARGE, false, "answer too large" },
        { HTTP_TOO_LARGE, 500, BOT_STATUS_PASSING, true, "status 500" },
        { HTTP_ANSWERED, 408, BOT_STATUS_PASSING, true, "status 408" },
        { HTTP_ANSWERED, 425, BOT_STATUS_PASSING, true, "status 425" },
        { HTTP_ANSWERED, 429, BOT_STATUS_PASSING, true, "status 429" },
        { HTTP_ANSWERED, 500, BOT_STATUS_PASSING, true, "status 500" },
        { HTTP_ANSWERED, 503, BOT_STATUS_PASSING, true, "status 503" },
        { HTTP_ANSWERED, 599, BOT_STATUS_PASSING, true, "status 599" },
        { HTTP_ANSWERED, 302, BOT_STATUS_FINAL, false, "status 302" },
        { HTTP_ANSWERED, 400, BOT_STATUS_FINAL, false, "status 400" },
        { HTTP_ANSWERED, 401, BOT_STATUS_FINAL, false, "status 401" },
        { HTTP_ANSWERED, 404, BOT_STATUS_FINAL, false, "status 404" },
        { HTTP_ANSWERED, 413, BOT_STATUS_FINAL, false, "status 413" },
        { HTTP_ANSWERED, 600, BOT_STATUS_FINAL, false, "status 600" },
    };
    return cr_make_param_array (status_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (status_t *param, bot_answer, statuses)
{
    http_answer_t http = { .outcome = param->outcome, .status = param->status, .error = "",
                           .body = TEXT ("{\"outputSpeech\":\"<a \x01 stack trace>\"}") };
    bot_answer_t answer;
    bot_answer_read (&answer, &http);
    cr_assert_eq (answer.outcome, OUTCOME_FAILED);
    cr_assert_eq (answer.failure, param->failure, "%d %ld", param->outcome, param->status);
    cr_assert_eq (bot_failures[answer.failure].class != RETRY_FINAL, param->again);
    cr_assert_str_eq (answer.error, param->error);
    cr_assert_eq (answer.said.data.size, 0, "nothing of the bot's error is for clients");
    bot_answer_free (&answer);
}

Test (bot_answer, detail_is_printable_and_short)
{
    static char page[5000];
    memset (page, '\n', sizeof page);
    memcpy (page, "<html>\x1b[31m", 11);
    http_answer_t http = { .outcome = HTTP_ANSWERED, .status = 502, .error = "",
                           .body = { page, sizeof page } };
    bot_answer_t answer;
    bot_answer_read (&answer, &http);
    text_t detail = buffer_text (&answer.detail);
    static const char begin[] = "status 502, 5000 bytes: <html>.[31m....";
    cr_assert (detail.size > sizeof begin && detail.size < 250);
    cr_assert_eq (memcmp (detail.data, begin, sizeof begin - 1), 0, "%.*s", TEXT_ARGS (detail));
    bot_answer_free (&answer);
}

Test (bot_answer, a_target_has_a_limit)
{
    char body[600], number[400];
    memset (number, '1', sizeof number - 1);
    number[sizeof number - 1] = '\0';
    snprintf (body, sizeof body,
              "{\"outputSpeech\":\"x\",\"system\":\"TRANSFER_CALL\","
                  "\"data\":{\"transferPhoneNumber\":\"%s\"}}",
              number);
    http_answer_t http = { .outcome = HTTP_ANSWERED, .status = 200, .error = "",
        .body = text_of (body) };
    bot_answer_t answer;
    bot_answer_read (&answer, &http);
    cr_assert_eq (answer.said.ask, ASK_TRANSFER_CALL);
    cr_assert_eq (answer.said.target.size, 0);
    bot_answer_free (&answer);
}

Test (bot_answer, deep_nesting_is_refused_not_followed)
{
    static char body[20000];
    memset (body, '[', sizeof body);
    memcpy (body, "{\"a\":", 5);
    http_answer_t http = { .outcome = HTTP_ANSWERED, .status = 200, .error = "",
                           .body = { body, sizeof body } };
    bot_answer_t answer;
    bot_answer_read (&answer, &http);
    cr_assert_eq (answer.failure, BOT_NOT_JSON);
    bot_answer_free (&answer);
}
