//  twilio_in — SMS of Twilio: what comes in, and what became of what went out. The form's
//  parameters are signed with the public URL.

#ifndef TWILIO_IN_H
#define TWILIO_IN_H

#include "webhooks/visit.h"

//  Checks the signature and reads the form into the visit.
webhook_finding_t twilio_verify (visit_t *visit, const webhook_request_t *request,
                                 webhook_keys_t keys);
//  NULL, or what is wrong.
const char *twilio_read (visit_t *visit, const webhook_request_t *request);

#endif
