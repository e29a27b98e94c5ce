//  platform_voice — what people of platforms say, in the order in which they said it, and their
//  typing, which ends by itself.
//
//  A platform's webhooks come over several edges, and some of them twice or late. What is said is
//  held for a moment, and then said in the order of the platform's clock; what comes later than
//  that is said all the same. Whoever waits for an answer gets it behind the commit. What is held
//  is lost with this postoffice: it was not answered, so it comes again.

#ifndef PLATFORM_VOICE_H
#define PLATFORM_VOICE_H

#include "session/postoffice_context.h"

//  Held in all, and of one session: what is beyond is said at once.
#define PLATFORM_VOICE_MOST 10000u
#define PLATFORM_VOICE_SESSION_MOST 40u

//  Borrows the context.
platform_voice_t *platform_voice_new (uv_loop_t *loop, postoffice_context_t *office);
//  Says nothing any more. The context has sessions still.
void platform_voice_destroy (platform_voice_t **self_p);

//  Of somebody of this platform, at time_ms of the platform's clock; after window_ms at the latest.
//  Takes the operation. Typing of the platform is over with it.
void platform_voice_say (platform_voice_t *self, text_t session, text_t topic, uint64_t time_ms,
                         uint64_t window_ms, operation_t **operation_p);
//  For so long, unless it is said again; 0: not any more. Nothing when the session is not here.
void platform_voice_type (platform_voice_t *self, text_t session, text_t topic,
                          uint64_t for_ms);

#endif
