//  message_posts — the operation of the API that says something in a session.

#ifndef MESSAGE_POSTS_H
#define MESSAGE_POSTS_H

#include "api/api_call.h"

api_operation_fn message_post;
//  What a post came to.
void message_posted (calls_t *calls, const operation_t *operation);

#endif
