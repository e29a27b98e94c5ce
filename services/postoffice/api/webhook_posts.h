//  webhook_posts — what an edge makes of a webhook (API_WEBHOOK): whose sender it has checked. Its
//  body is a JSON object; `what` says which of these it is:
//
//      place    in which session does the person write, and was this stored before?
//      says     the person says something: the session is opened, the person comes in, all at once
//      person   the person asks for a person
//      typing   the person is writing, or not any more
//      read     the person has read up to a seq
//      suppress the person wants nothing more by this channel, or wants it again
//      status   what became of a message that went out
//
//  docs/bus.md has the members.

#ifndef WEBHOOK_POSTS_H
#define WEBHOOK_POSTS_H

#include "api/api_call.h"

void webhook_post (const api_call_t *call);
//  What was said is stored, or refused.
void webhook_posted (calls_t *calls, const operation_t *operation);

#endif
