//  What a bot says, as any bytes: it is read without harm, and what comes out for the clients is
//  the JSON object that it should be, and stays so when it is read once more.

#include "bot_answer.h"

#include <json-c/json.h>
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
    json_tokener *tokener = json_tokener_new_ex (64);
    json_tokener_set_flags (tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    json_object *object = json_tokener_parse_ex (tokener, text.data, (int) text.size);
    if (!json_object_is_type (object, json_type_object))
        abort ();
    json_object_put (object);
    json_tokener_free (tokener);
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
