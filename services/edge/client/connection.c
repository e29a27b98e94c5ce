#include "client/connection.h"

#include "base/buffer.h"

#include <stdlib.h>

//  Escapes make a text six times as long at most; the path and the query are JSON already.
#define SENDER_MAX 16384

bool
connection_is_placed (const connection_t *self)
{
    return self->place == PLACE_JOINING || self->place == PLACE_IN
           || self->place == PLACE_REATTACHING;
}

int
connection_set_session (connection_t *self, text_t session_key)
{
    char *session = NULL;
    if (session_key.size > 0) {
        session = malloc (session_key.size);
        if (!session)
            return -1;
        memcpy (session, session_key.data, session_key.size);
    }
    free (self->session);
    self->session = session;
    self->session_size = session_key.size;
    return 0;
}

static int
s_put_field (buffer_t *to, const char *name, text_t value)
{
    if (value.size == 0)
        return 0;
    return buffer_put_string (to, name) != 0 || buffer_put_json (to, value) != 0 ? -1 : 0;
}

//  What stands in `urlAttributes`: JSON already.
static int
s_put_url (buffer_t *to, const visitor_t *visitor)
{
    if (visitor->path.size + visitor->query.size == 0)
        return 0;
    bool both = visitor->path.size > 0 && visitor->query.size > 0;
    return buffer_put_string (to, ",\"urlAttributes\":{") != 0
                   || buffer_put_string (to, visitor->path.size ? "\"path\":" : "") != 0
                   || buffer_put_text (to, visitor->path) != 0
                   || buffer_put_string (to, both ? "," : "") != 0
                   || buffer_put_string (to, visitor->query.size ? "\"query\":" : "") != 0
                   || buffer_put_text (to, visitor->query) != 0 || buffer_put_string (to, "}") != 0
               ? -1
               : 0;
}

//  The parts of a sender, in turn; the buffer says when one does not fit.
static int
s_write_sender (const connection_t *self, const visitor_t *visitor, buffer_t *to)
{
    bool is_agent = self->role == ROLE_AGENT;
    text_t name = visitor->name;
    if (name.size == 0)
        name = is_agent ? TEXT ("Agent") : TEXT ("Visitor");
    if (buffer_put_string (to, "{\"deviceId\":\"Widget\",\"userId\":") != 0
        || buffer_put_json (to, connection_user (self)) != 0
        || s_put_field (to, ",\"displayName\":", name) != 0
        || buffer_put_string (to, is_agent ? ",\"isAdmin\":true" : ",\"isAdmin\":false") != 0
        || s_put_field (to, ",\"email\":", visitor->email) != 0
        || s_put_field (to, ",\"avatarPath\":", visitor->avatar) != 0
        || s_put_url (to, visitor) != 0)
        return -1;
    return buffer_put_string (to, "}");
}

int
connection_stamp (connection_t *self, const visitor_t *visitor)
{
    buffer_t buffer;
    buffer_init (&buffer, SENDER_MAX);
    if (s_write_sender (self, visitor, &buffer) != 0) {
        buffer_free (&buffer);
        return -1;
    }
    //  Nearly every frame says the same as the last one.
    if (!text_is (buffer_text (&buffer), connection_sender (self))) {
        char *sender = realloc (self->sender, buffer.size);
        if (!sender) {
            buffer_free (&buffer);
            return -1;
        }
        memcpy (sender, buffer.data, buffer.size);
        self->sender = sender;
        self->sender_size = buffer.size;
    }
    buffer_free (&buffer);
    return 0;
}
