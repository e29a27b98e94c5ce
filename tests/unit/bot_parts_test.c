//  bot_parts — what is read of an answer in parts, however its bytes are cut, and what it comes to.

#include "bot_parts.h"

#include <criterion/criterion.h>

#define MOST 100000

//  Reads the body in pieces of so many bytes; the caller gives the parts back.
static bot_parts_t
s_read (parts_form_t form, text_t body, size_t step, bool is_end)
{
    bot_parts_t parts;
    bot_parts_init (&parts, form, MOST);
    for (size_t size = step; size < body.size; size += step)
        bot_parts_read (&parts, (text_t){ body.data, size }, false);
    bot_parts_read (&parts, body, is_end);
    return parts;
}

static http_answer_t
s_answered (http_outcome_t outcome)
{
    return (http_answer_t){ .outcome = outcome,
                            .status = 200,
                            .body = TEXT ("the body"),
                            .content_type = TEXT_EMPTY,
                            .error = "" };
}

typedef struct {
    const char *name;
    parts_form_t form;
    const char *body;
    http_outcome_t outcome;
    bot_failure_t failure; //  BOT_FAILURES: none
    bool is_truncated;
    const char *data;
} case_t;

#define SAID(text) "{\"outputSpeech\":{\"displayText\":\"" text "\"}}"
#define CUT(text) "{\"outputSpeech\":{\"displayText\":\"" text "\"},\"truncated\":true}"

static const case_t s_cases[] = {
    { "lines", PARTS_LINES, "{\"delta\":\"Hel\"}\n{\"delta\":\"lo\"}\n", HTTP_ANSWERED,
      BOT_FAILURES, false, SAID ("Hello") },
    { "last line without an end", PARTS_LINES, "{\"delta\":\"a\"}\r\n\r\n{\"delta\":\"b\"}",
      HTTP_ANSWERED, BOT_FAILURES, false, SAID ("ab") },
    { "a whole answer", PARTS_LINES, "{\"delta\":\"a\"}\n{\"outputSpeech\":\"b\"}\nnonsense",
      HTTP_ANSWERED, BOT_FAILURES, false, "{\"outputSpeech\":\"b\"}" },
    { "a whole answer alone", PARTS_LINES, "{\"outputSpeech\":\"b\"}", HTTP_ANSWERED, BOT_FAILURES,
      false, "{\"outputSpeech\":\"b\"}" },
    { "a whole answer, then cut", PARTS_LINES, "{\"outputSpeech\":\"b\"}\n", HTTP_RESET,
      BOT_FAILURES, false, "{\"outputSpeech\":\"b\"}" },
    { "a whole answer without words", PARTS_LINES, "{\"delta\":\"a\"}\n{\"displays\":[{}]}\n",
      HTTP_ANSWERED, BOT_FAILURES, false,
      "{\"displays\":[{}],\"outputSpeech\":{\"displayText\":\"a\"}}" },
    { "nothing", PARTS_LINES, "\n \n", HTTP_ANSWERED, BOT_EMPTY, false, "" },
    { "nothing, cut", PARTS_LINES, "{\"delta\":", HTTP_RESET, BOT_UNREACHABLE, false, "" },
    { "cut", PARTS_LINES, "{\"delta\":\"a\"}\n{\"delta\":\"b\"", HTTP_RESET, BOT_FAILURES, true,
      CUT ("a") },
    { "stopped", PARTS_LINES, "{\"delta\":\"a\"}\n", HTTP_TIMED_OUT, BOT_FAILURES, true,
      CUT ("a") },
    { "too large", PARTS_LINES, "{\"delta\":\"a\"}\n{\"delta\":\"", HTTP_TOO_LARGE, BOT_FAILURES,
      true, CUT ("a") },
    { "a half line at the end", PARTS_LINES, "{\"delta\":\"a\"}\n{\"del", HTTP_ANSWERED,
      BOT_FAILURES, true, CUT ("a") },
    { "no JSON", PARTS_LINES, "Hello\n", HTTP_ANSWERED, BOT_PART_NOT_JSON, false, "" },
    { "no UTF-8", PARTS_LINES, "{\"delta\":\"\xff\"}\n", HTTP_ANSWERED, BOT_PART_NOT_JSON, false,
      "" },
    { "no UTF-8 behind a part", PARTS_LINES, "{\"delta\":\"a\"}\n{\"delta\":\"\xff\"}\n",
      HTTP_ANSWERED, BOT_FAILURES, true, CUT ("a") },
    { "a list", PARTS_LINES, "[]\n", HTTP_ANSWERED, BOT_PART_NO_OBJECT, false, "" },
    { "null", PARTS_LINES, "null\n", HTTP_ANSWERED, BOT_PART_NO_OBJECT, false, "" },
    { "a number for a text", PARTS_LINES, "{\"delta\":5}\n", HTTP_ANSWERED, BOT_PART_NO_TEXT,
      false, "" },
    { "events", PARTS_EVENTS,
      ": hello\n\ndata: {\"delta\":\"a\"}\n\nevent: part\ndata:{\"delta\":\"b\"}\n\n",
      HTTP_ANSWERED, BOT_FAILURES, false, SAID ("ab") },
    { "events with returns", PARTS_EVENTS,
      "id: 1\r\ndata: {\"delta\":\r\ndata: \"a\"}\r\n\r\ndata: {\"delta\":\"b\"}\r\r",
      HTTP_ANSWERED, BOT_FAILURES, false, SAID ("ab") },
    { "events of other names", PARTS_EVENTS,
      "event: ping\ndata: not JSON\n\nevent: messages-of-a-long-name\ndata: [\n\nretry: 5\n\n"
      "data: {\"delta\":\"a\"}\n\n", HTTP_ANSWERED, BOT_FAILURES, false, SAID ("a") },
    { "done", PARTS_EVENTS,
      "data: {\"delta\":\"a\"}\n\nevent: done\ndata: {\"outputSpeech\":\"b\",\"delta\":\"c\"}\n\n",
      HTTP_ANSWERED, BOT_FAILURES, false, "{\"outputSpeech\":\"b\",\"delta\":\"c\"}" },
    { "an event without its end", PARTS_EVENTS, "data: {\"delta\":\"a\"}", HTTP_ANSWERED,
      BOT_FAILURES, false, SAID ("a") },
    { "an event that was cut", PARTS_EVENTS, "data: {\"delta\":\"a\"}\n\ndata: {\"delta\":\"b\"}\n",
      HTTP_RESET, BOT_FAILURES, true, CUT ("a") },
    { "a byte order mark", PARTS_EVENTS, "\xef\xbb\xbf" "data: {\"delta\":\"a\"}\n\n",
      HTTP_ANSWERED, BOT_FAILURES, false, SAID ("a") },
    { "an event without data", PARTS_EVENTS, "event: done\n\ndata\n\n", HTTP_ANSWERED,
      BOT_PART_NOT_JSON, false, "" },
};

static void
s_check (const case_t *row, size_t step)
{
    bot_parts_t parts =
        s_read (row->form, text_of (row->body), step, row->outcome == HTTP_ANSWERED);
    http_answer_t http = s_answered (row->outcome);
    bot_answer_t answer;
    bot_failure_t why;
    bool is_truncated = bot_parts_answer (&parts, &http, &answer, &why);
    bool has_failed = answer.outcome == OUTCOME_FAILED;
    cr_expect_eq (is_truncated, row->is_truncated, "%s by %zu", row->name, step);
    cr_expect (text_is (buffer_text (&answer.said.data), text_of (row->data)), "%s by %zu: %.*s",
               row->name, step, TEXT_ARGS (buffer_text (&answer.said.data)));
    cr_expect_eq (has_failed, row->failure != BOT_FAILURES, "%s by %zu", row->name, step);
    if (has_failed)
        cr_expect_eq (answer.failure, row->failure, "%s by %zu: %s", row->name, step,
                      bot_failures[answer.failure].label);
    bot_answer_free (&answer);
    bot_parts_free (&parts);
}

Test (bot_parts, all_that_can_come_in_all_pieces)
{
    for (size_t row = 0; row < sizeof s_cases / sizeof *s_cases; row++)
        for (size_t step = 1; step < 12; step++)
            s_check (&s_cases[row], step);
    for (size_t row = 0; row < sizeof s_cases / sizeof *s_cases; row++)
        s_check (&s_cases[row], 1000);
}

Test (bot_parts, forms)
{
    cr_assert_eq (parts_form_of (TEXT ("application/x-ndjson")), PARTS_LINES);
    cr_assert_eq (parts_form_of (TEXT ("Application/X-NDJSON ; charset=utf-8")), PARTS_LINES);
    cr_assert_eq (parts_form_of (TEXT ("text/event-stream;charset=utf-8")), PARTS_EVENTS);
    cr_assert_eq (parts_form_of (TEXT ("application/json")), PARTS_NONE);
    cr_assert_eq (parts_form_of (TEXT ("text/event-streams")), PARTS_NONE);
    cr_assert_eq (parts_form_of (TEXT_EMPTY), PARTS_NONE);
}

Test (bot_parts, too_many_lines)
{
    buffer_t body;
    buffer_init (&body, 4 * MOST);
    for (unsigned line = 0; line <= PARTS_MOST; line++)
        cr_assert_eq (buffer_put_string (&body, "\n"), 0);
    bot_parts_t parts = s_read (PARTS_LINES, buffer_text (&body), 1000, true);
    cr_assert_eq (parts.failure, BOT_TOO_MANY_PARTS);
    bot_parts_free (&parts);
    buffer_free (&body);
}
