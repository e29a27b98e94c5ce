//  Bodies of webhooks, as anybody may write them who has the key: whatever is read can be stored,
//  and what is no person's does nothing. The first byte chooses the kind.

#include "base/utf8.h"
#include "webhooks/json_in.h"
#include "webhooks/twilio_in.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
s_check_text (text_t text)
{
    if (!utf8_is_valid (text) || (text.size > 0 && memchr (text.data, 0, text.size)))
        abort ();
}

static void
s_check (const visit_t *visit)
{
    bool is_of_person = visit->what != VISIT_NOTHING && visit->what != VISIT_HANDSHAKE
                        && visit->what != VISIT_STATUS;
    if (is_of_person && visit->external_id.size == 0)
        abort ();
    if (visit->what == VISIT_SAYS && (visit->id.size == 0 || visit->text.size == 0))
        abort ();
    if (visit->what == VISIT_NOTHING)
        return;
    const text_t texts[] = { visit->external_id, visit->id,   visit->name, visit->text,
                             visit->token,       visit->mark, visit->item, visit->sid,
                             visit->status,      visit->code, buffer_text (&visit->attachments) };
    for (size_t at = 0; at < sizeof texts / sizeof *texts; at++)
        s_check_text (texts[at]);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    static const text_t key = TEXT ("k");
    visit_t *visit = calloc (1, sizeof *visit);
    if (size == 0 || !visit) {
        free (visit);
        return 0;
    }
    text_t body = { (const char *) data + 1, size - 1 };
    webhook_request_t request = { .path = TEXT ("/webhooks/a/b"),
                                  .query = body,
                                  .public_url = TEXT ("https://h"),
                                  .body = body,
                                  .twilio = TEXT ("x"),
                                  .google = TEXT ("x"),
                                  .is_status = data[0] & 64 };
    webhook_keys_t keys = { &key, 1 };
    webhook_finding_t found = { WEBHOOK_GOOD, NULL };
    switch (data[0] % 4) {
    case 0:
        found.complaint = standard_read (visit, &request);
        break;
    case 1:
        //  Also when the signature was wrong: it is not looked at again.
        found = twilio_verify (visit, &request, keys);
        if (!found.complaint)
            found.complaint = twilio_read (visit, &request);
        break;
    case 2:
        found = rcs_verify (visit, &request, keys);
        if (!found.complaint && visit->decoded.size > 0)
            found.complaint = rcs_read (visit, &request);
        break;
    default:
        found = business_messages_verify (visit, &request, keys);
        if (!found.complaint)
            found.complaint = business_messages_read (visit, &request);
    }
    if (!found.complaint)
        s_check (visit);
    visit_free (visit);
    free (visit);
    return 0;
}
