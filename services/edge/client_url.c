#include "client_url.h"

#include "parts/utf8.h"

#include <strings.h>

enum { SEEN_APP = 1, SEEN_USER = 2, SEEN_ADMIN = 4, SEEN_PROTOCOL = 8 };

void
client_url_init (client_url_t *self)
{
    *self = (client_url_t){ .app = "" };
}

static bool
s_is_app_id (text_t value)
{
    for (size_t at = 0; at < value.size; at++) {
        char byte = value.data[at];
        bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        bool is_digit = byte >= '0' && byte <= '9';
        if (!is_letter && !is_digit && byte != '.' && byte != '_' && byte != '-')
            return false;
    }
    return value.size <= APP_ID_MAX;
}

static void
s_take_app (client_url_t *self, text_t value)
{
    self->app_is_bad = !s_is_app_id (value);
    if (self->app_is_bad)
        return;
    memcpy (self->app, value.data, value.size);
    self->app_size = value.size;
}

static void
s_take_user (client_url_t *self, text_t value)
{
    self->user_is_bad = value.size == 0 || value.size > USER_ID_MAX || !utf8_is_valid (value)
                        || !utf8_is_printable (value);
    if (self->user_is_bad)
        return;
    memcpy (self->user, value.data, value.size);
    self->user_size = value.size;
}

//  Which of our parameters this is, once; 0 for any other.
static unsigned
s_parameter (client_url_t *self, text_t name)
{
    unsigned parameter = text_is (name, TEXT ("appId"))      ? SEEN_APP
                         : text_is (name, TEXT ("userId"))   ? SEEN_USER
                         : text_is (name, TEXT ("isAdmin"))  ? SEEN_ADMIN
                         : text_is (name, TEXT ("protocol")) ? SEEN_PROTOCOL
                                                             : 0;
    if (self->seen & parameter)
        return 0;
    self->seen |= parameter;
    return parameter;
}

void
client_url_take (client_url_t *self, text_t pair)
{
    const char *equals = memchr (pair.data, '=', pair.size);
    if (!equals)
        return;
    text_t name = { pair.data, (size_t) (equals - pair.data) };
    text_t value = { equals + 1, pair.size - name.size - 1 };
    switch (s_parameter (self, name)) {
    case SEEN_APP:
        s_take_app (self, value);
        break;
    case SEEN_USER:
        s_take_user (self, value);
        break;
    case SEEN_ADMIN:
        self->admin = text_is (value, TEXT ("true"));
        break;
    case SEEN_PROTOCOL:
        self->rich = text_is (value, TEXT ("2"));
        break;
    default:
        break;
    }
}

//  The widget hides whoever's id ends so: nobody may join unseen.
static bool
s_is_router (text_t user)
{
    text_t hidden = TEXT ("router");
    return user.size >= hidden.size
           && strncasecmp (user.data + user.size - hidden.size, hidden.data, hidden.size) == 0;
}

close_reason_t
client_url_check (const client_url_t *self)
{
    if (self->app_is_bad)
        return CLOSE_UNKNOWN_APP;
    if (self->user_is_bad || self->user_size == 0)
        return CLOSE_BAD_URL;
    if (s_is_router (client_url_user (self)))
        return CLOSE_NOT_ALLOWED;
    return CLOSE_CLIENT;
}

text_t
client_url_app (const client_url_t *self)
{
    return (text_t){ self->app, self->app_size };
}

text_t
client_url_user (const client_url_t *self)
{
    return (text_t){ self->user, self->user_size };
}
