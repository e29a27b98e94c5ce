//  message_posts — the operation of the API that says something in a session.

#ifndef MESSAGE_POSTS_H
#define MESSAGE_POSTS_H

#include "api/api_call.h"

api_operation_fn message_post;
//  What a post came to: postoffice_context_t.posted, with the calls_t as its owner.
void message_posted (void *owner, const operation_t *operation);

#endif
