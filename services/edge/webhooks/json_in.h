//  json_in — webhooks whose body is JSON: Standard Webhooks, our generic channel; RCS for Business;
//  and what Business Messages was. docs/webhooks.md has the shapes.

#ifndef JSON_IN_H
#define JSON_IN_H

#include "webhooks/visit.h"

webhook_finding_t standard_verify (visit_t *visit, const webhook_request_t *request,
                                   webhook_keys_t keys);
const char *standard_read (visit_t *visit, const webhook_request_t *request);

//  A handshake is not signed: it has the key in it, and the visit is one when it is right. The
//  signature is over what is in the envelope; over the body of Business Messages without one.
webhook_finding_t rcs_verify (visit_t *visit, const webhook_request_t *request,
                              webhook_keys_t keys);
const char *rcs_read (visit_t *visit, const webhook_request_t *request);
webhook_finding_t business_messages_verify (visit_t *visit, const webhook_request_t *request,
                                            webhook_keys_t keys);
const char *business_messages_read (visit_t *visit, const webhook_request_t *request);

#endif
