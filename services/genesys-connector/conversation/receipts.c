#include "conversation/steps.h"

#include "platform/genesys_metrics.h"

#include <stdio.h>

#define PATH_MOST 300
#define BODY_MOST 20000

//  Its message is not there any more: nobody misses the receipt, and there is nothing to be mended.
static void
s_let_go (attempt_t *self)
{
    genesys_metrics_of (self->body.app)->counts[GENESYS_RECEIPTS_UNKNOWN]++;
    attempt_done (self, "Genesys does not know what the receipt is about");
}

//  That no call is made just now says nothing of this receipt.
static void
s_told (attempt_t *self, const genesys_outcome_t *outcome)
{
    if (outcome->class == GENESYS_OK)
        attempt_done (self, "Genesys has the receipt");
    else if (outcome->class == GENESYS_FORBIDDEN && (outcome->is_barred || outcome->status != 403))
        attempt_failed_for_now (self, outcome);
    else if (outcome->class == GENESYS_REFUSED && outcome->status == 404)
        s_let_go (self);
    else
        attempt_failed (self, outcome);
}

void
step_receipt (attempt_t *self)
{
    const app_genesys_t *section = attempt_section (self);
    if (!section)
        return;
    genesys_receipt_t receipt = { .message_id = genesys_item_text (&self->body, "id"),
                                  .to = self->body.external_id,
                                  .time_ms = self->body.time_ms,
                                  .status = genesys_item_text (&self->body, "status"),
                                  .code = genesys_item_text (&self->body, "code"),
                                  .reason = genesys_item_text (&self->body, "reason") };
    bool is_delivered = text_is (receipt.status, TEXT ("Delivered"));
    if (!is_delivered && !text_is (receipt.status, TEXT ("Failed"))) {
        attempt_dead (self, 0, "Genesys takes no such receipt");
        return;
    }
    if (is_delivered && !section->receipts) {
        attempt_done (self, "the app sends no such receipts");
        return;
    }
    char path[PATH_MOST];
    buffer_t body;
    buffer_init (&body, BODY_MOST);
    if (genesys_put_receipt (&body, &receipt) != 0)
        attempt_dead (self, 0, "the receipt is too long");
    else {
        snprintf (path, sizeof path,
                  "/api/v2/conversations/messages/%.*s/inbound/open/receipt",
                  TEXT_ARGS (section->integration_id));
        attempt_call (self, CALL_RECEIPT, "POST", text_of (path), buffer_text (&body), s_told);
    }
    buffer_free (&body);
}
