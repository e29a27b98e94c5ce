//  session_key — "<appId>/<sessionId>": how a session is called everywhere behind the edge. The id
//  of an app has no slash in it; the id of a session may have one.

#ifndef SESSION_KEY_H
#define SESSION_KEY_H

#include "model/model.h"

#include <stdio.h>

//  Room for any key, with a NUL.
typedef char session_key_room_t[SESSION_KEY_MAX + 1];

//  The key, in the given room. Both ids must be within their limits (model.h).
static inline text_t
session_key_of (session_key_room_t room, text_t app, text_t id)
{
    int size = snprintf (room, SESSION_KEY_MAX + 1, "%.*s/%.*s", TEXT_ARGS (app), TEXT_ARGS (id));
    return (text_t){ room, (size_t) size < SESSION_KEY_MAX ? (size_t) size : SESSION_KEY_MAX };
}

//  The app's id: what stands before the first slash. Without a slash: empty.
static inline text_t
session_key_app (text_t key)
{
    const char *slash = memchr (key.data, '/', key.size);
    return slash ? (text_t){ key.data, (size_t) (slash - key.data) } : TEXT_EMPTY;
}

//  The session's id: what stands behind the first slash. Without a slash: all of it.
static inline text_t
session_key_id (text_t key)
{
    const char *slash = memchr (key.data, '/', key.size);
    return slash ? (text_t){ slash + 1, key.size - (size_t) (slash + 1 - key.data) } : key;
}

#endif
