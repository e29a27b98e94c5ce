//  hook_request — bodies of webhook.out: what is sent is JSON of at most 20,000 bytes, signed.

#include "hooks/hook_request.h"

#include "json/json_read.h"

#include <assert.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    static const text_t events[] = { { "message.created", 15 } };
    app_webhook_out_t to[] = { { .name = TEXT ("crm"),
                                 .url = TEXT ("https://x.example/"),
                                 .secret = TEXT ("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
                                                 "ODlhYmNkZWY="),
                                 .previous_secret = TEXT_EMPTY,
                                 .events = { (text_t *) events, 1 },
                                 .payload = 1 } };
    app_webhook_in_t from[] = { { .channel = TEXT ("support"), .reply = TEXT ("crm") } };
    app_t app = { .id = TEXT ("demo"), .webhooks_out = { to, 1 }, .webhooks_in = { from, 1 } };
    text_t body = { (const char *) data, size };
    hook_request_t request;
    bus_work_t work = { .item = TEXT ("item"), .body = body };
    hook_outcome_t outcome = hook_request_make (&request, &app, &work, 1795356000);
    json_limits_t limits = { JSON_DEPTH_MOST, 200000 };
    if (outcome == HOOK_TAKEN) {
        text_t sent = buffer_text (&request.body);
        assert (sent.size <= HOOK_BODY_MOST && request.signature.size > 0);
        //  What comes from a postoffice is an object.
        assert (!json_is_object (body, &(json_limits_t){ JSON_DEPTH_MOST - 1, 100000 })
                || json_is_object (sent, &limits));
    }
    hook_request_free (&request);
    return 0;
}
