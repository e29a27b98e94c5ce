//  webhook_user — the user id of a visitor who writes by a channel of webhooks (docs/webhooks.md):
//  "@<channel>:<id>", such as "@sms:+4930123". The id is what the outside system calls the person.
//  Nobody can come in at the door with such a name unless the app's own server vouches for it.

#ifndef WEBHOOK_USER_H
#define WEBHOOK_USER_H

#include "model/model.h"

#define WEBHOOK_USER_MARK '@'
#define WEBHOOK_CHANNEL_MOST 64
//  Bytes of the outside system's id.
#define WEBHOOK_EXTERNAL_MOST (USER_ID_MAX - WEBHOOK_CHANNEL_MOST - 2)

//  The channel of participants whom no answer can be sent to: nothing is delivered over it, and
//  agents read what they say. No worker can have this topic.
#define CHANNEL_NOWHERE TEXT ("nowhere")

static inline bool
webhook_user_is (text_t user)
{
    return user.size > 0 && user.data[0] == WEBHOOK_USER_MARK;
}

//  Takes it apart. False: it is the name of no such visitor.
static inline bool
webhook_user_split (text_t user, text_t *channel, text_t *external_id)
{
    const char *colon = webhook_user_is (user) ? memchr (user.data, ':', user.size) : NULL;
    if (!colon)
        return false;
    *channel = (text_t){ user.data + 1, (size_t) (colon - user.data) - 1 };
    *external_id = (text_t){ colon + 1, user.size - channel->size - 2 };
    return channel->size > 0 && external_id->size > 0;
}

#endif
