//  platform_posts — what a platform says through its webhook, and what its worker asks
//  (API_PLATFORM). Its body is a JSON object; `what` says which of these it is:
//
//      look     the worker: how does the session stand with the platform?
//      place    the edge: which session is that, and how does it stand with the platform?
//      says     the edge: somebody there says something
//      typing   the edge: somebody there is writing, for so long
//      receipt  the edge: what became of a message of theirs is to be told them
//      failed   the edge: a message of ours has not reached anybody there
//
//  docs/bus.md has the members.

#ifndef PLATFORM_POSTS_H
#define PLATFORM_POSTS_H

#include "api/api_call.h"

void platform_post (const api_call_t *call);

#endif
