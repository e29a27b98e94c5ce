//  An answer in parts, as any bytes in any pieces: it is read without harm, cuts make no
//  difference, and what comes out is what a whole answer would be.

#include "bot_parts.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static bot_parts_t
s_read (parts_form_t form, text_t body, size_t step, bool is_end)
{
    bot_parts_t parts;
    bot_parts_init (&parts, form, body.size + 1);
    for (size_t at = step; step && at < body.size; at += step)
        bot_parts_read (&parts, (text_t){ body.data, at }, false);
    bot_parts_read (&parts, body, is_end);
    return parts;
}

static void
s_check (const bot_parts_t *parts, http_outcome_t outcome, text_t body)
{
    http_answer_t http = { .outcome = outcome,
                           .status = 200,
                           .content_type = TEXT_EMPTY,
                           .body = body,
                           .error = "" };
    bot_answer_t answer;
    bot_failure_t why;
    bool is_truncated = bot_parts_answer (parts, &http, &answer, &why);
    bool has_failed = answer.outcome == OUTCOME_FAILED;
    if (is_truncated && (why == BOT_FAILURES || parts->said.size == 0))
        abort ();
    if (parts->said.size > 0 && has_failed)
        abort ();
    bot_answer_free (&answer);
}

//  The first byte chooses the form, the pieces and how it ends.
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    parts_form_t form = data[0] & 1 ? PARTS_LINES : PARTS_EVENTS;
    bool is_end = data[0] & 2;
    text_t body = { (const char *) data + 1, size - 1 };
    bot_parts_t whole = s_read (form, body, 0, is_end);
    bot_parts_t pieces = s_read (form, body, 1 + (data[0] >> 2), is_end);
    if (!text_is (buffer_text (&whole.said), buffer_text (&pieces.said))
        || !text_is (buffer_text (&whole.whole), buffer_text (&pieces.whole))
        || whole.failure != pieces.failure)
        abort ();
    s_check (&whole, is_end ? HTTP_ANSWERED : HTTP_RESET, body);
    bot_parts_free (&whole);
    bot_parts_free (&pieces);
    return 0;
}
