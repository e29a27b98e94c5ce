//  What Twilio and Slack answer, as any bytes: it is read without harm, and what comes out can be
//  written into a report.

#include "base/utf8.h"
#include "texting/slack_answer.h"
#include "texting/sms_answer.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
s_list (text_t body)
{
    sms_list_t list;
    if (sms_list_read (&list, body) != 0)
        return;
    for (unsigned at = 0; at < list.count; at++)
        if (!utf8_is_valid (list.messages[at].body) || list.messages[at].created_s < 0)
            abort ();
    sms_list_free (&list);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    //  A copy that ends where it ends; texts are followed by a NUL only by chance.
    char *copy = malloc (size + 1);
    text_t body = TEXT_EMPTY;
    if (size > 0) {
        memcpy (copy, data, size);
        body = (text_t){ copy, size };
    }
    sms_answer_t sms;
    slack_answer_t slack;
    sms_answer_read (&sms, body);
    if (!utf8_is_printable (text_of (sms.said)) || (*sms.sid && strlen (sms.sid) != 34))
        abort ();
    s_list (body);
    (void) sms_answer_time (body);
    for (int is_webhook = 0; is_webhook < 2; is_webhook++) {
        slack_answer_read (&slack, body, is_webhook);
        if (!utf8_is_printable (text_of (slack.word))
            || (*slack.ts && !slack_is_ts (text_of (slack.ts))))
            abort ();
    }
    free (copy);
    return 0;
}
