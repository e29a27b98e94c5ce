//  What a bot says, as any bytes: it is read without harm, and what comes out for the clients is
//  the JSON object that it should be, and stays so when it is read once more.

#include "bot_answer.h"
#include "json/json_read.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
s_check (const bot_answer_t *answer)
{
    text_t text = buffer_text (&answer->said.data);
    if ((answer->outcome == OUTCOME_FAILED) != (*answer->error != '\0')
        || (answer->outcome == OUTCOME_FAILED
            && (text.size > 0 || answer->said.ask != ASK_NOTHING)))
        abort ();
    if (text.size == 0)
        return;
    const json_limits_t limits = { .depth_most = JSON_DEPTH_MOST, .values_most = SIZE_MAX };
    if (!json_is_object (text, &limits))
        abort ();
}

//  The first byte chooses the status, the rest is the body.
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    static const long statuses[] = { 200, 201, 204, 302, 404, 429, 500, 999 };
    long status = size > 0 ? statuses[data[0] % 16 < 8 ? 0 : data[0] % 8] : 200;
    size_t skip = size > 0;
    http_answer_t http = { .outcome = HTTP_ANSWERED, .status = status, .error = "",
                           .content_type = TEXT_EMPTY,
                           .body = { (const char *) data + skip, size - skip } };
    bot_answer_t answer;
    if (size - skip == 0)
        http.body = TEXT_EMPTY;
    bot_answer_read (&answer, &http);
    s_check (&answer);
    bot_answer_free (&answer);
    return 0;
}
