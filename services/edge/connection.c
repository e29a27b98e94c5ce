#include "connection.h"

#include "parts/buffer.h"

#include <assert.h>
#include <stdlib.h>

#define SENDER_MAX 8192

const char *
connection_place_name (connection_place_t place)
{
    static const char *const names[PLACE_COUNT]
        = { "silent", "locating", "nowhere", "joining", "in", "relinking", "closing" };
    assert (place < PLACE_COUNT);
    return names[place];
}

bool
connection_is_placed (const connection_t *self)
{
    return self->place == PLACE_JOINING || self->place == PLACE_IN
           || self->place == PLACE_RELINKING;
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

//  The parts of a sender, in turn; the buffer says when one does not fit.
static int
s_write_sender (const connection_t *self, text_t display_name, text_t path, buffer_t *to)
{
    bool is_agent = self->role == ROLE_AGENT;
    if (display_name.size == 0)
        display_name = is_agent ? TEXT ("Agent") : TEXT ("Visitor");
    if (buffer_put_string (to, "{\"deviceId\":\"Widget\",\"userId\":") != 0
        || buffer_put_json (to, connection_user (self)) != 0
        || buffer_put_string (to, ",\"displayName\":") != 0
        || buffer_put_json (to, display_name) != 0
        || buffer_put_string (to, is_agent ? ",\"isAdmin\":true" : ",\"isAdmin\":false") != 0)
        return -1;
    if (path.size > 0
        && (buffer_put_string (to, ",\"urlAttributes\":{\"path\":") != 0
            || buffer_put_text (to, path) != 0 || buffer_put_string (to, "}") != 0))
        return -1;
    return buffer_put_string (to, "}");
}

int
connection_stamp (connection_t *self, text_t display_name, text_t path)
{
    buffer_t buffer;
    buffer_init (&buffer, SENDER_MAX);
    if (s_write_sender (self, display_name, path, &buffer) != 0) {
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
