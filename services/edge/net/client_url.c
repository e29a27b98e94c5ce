#include "net/client_url.h"

#include "net/percent.h"
#include "base/utf8.h"

#include <strings.h>

//  Every byte of a value or a name may be encoded as three.
#define VALUE_RAW_MAX (3 * USER_ID_MAX)
#define NAME_RAW_MAX (3 * 8)

typedef enum { PARAMETER_APP, PARAMETER_USER, PARAMETER_ADMIN, PARAMETER_PROTOCOL, OURS } ours_t;

static const char *const s_names[OURS] = { "appId", "userId", "isAdmin", "protocol" };

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
    return value.size > 0 && value.size <= APP_ID_MAX;
}

static bool
s_take_app (client_url_t *self, text_t value)
{
    if (!s_is_app_id (value))
        return false;
    memcpy (self->app, value.data, value.size);
    self->app_size = value.size;
    return true;
}

static bool
s_take_user (client_url_t *self, text_t value)
{
    if (value.size == 0 || value.size > USER_ID_MAX || !utf8_is_valid (value)
        || !utf8_is_printable (value))
        return false;
    memcpy (self->user, value.data, value.size);
    self->user_size = value.size;
    return true;
}

static bool
s_take_value (client_url_t *self, ours_t parameter, text_t value)
{
    switch (parameter) {
    case PARAMETER_APP:
        return s_take_app (self, value);
    case PARAMETER_USER:
        return s_take_user (self, value);
    case PARAMETER_ADMIN:
        self->admin = text_is (value, TEXT ("true"));
        return self->admin || text_is (value, TEXT ("false"));
    default:
        self->rich = text_is (value, TEXT ("2"));
        return self->rich;
    }
}

static void
s_spoil (client_url_t *self, ours_t parameter)
{
    if (parameter == PARAMETER_APP)
        self->app_is_bad = true;
    else
        self->other_is_bad = true;
}

static void
s_take (client_url_t *self, ours_t parameter, text_t raw)
{
    char bytes[VALUE_RAW_MAX];
    long size = raw.size <= sizeof bytes ? percent_decode (raw, true, bytes) : -1;
    bool is_second = self->seen & (1u << parameter);
    self->seen |= 1u << parameter;
    if (size < 0 || is_second || !s_take_value (self, parameter, (text_t){ bytes, (size_t) size }))
        s_spoil (self, parameter);
}

//  A name that is nearly one of ours (badly encoded, in another case) is a fault.
static void
s_read_pair (client_url_t *self, text_t pair)
{
    const char *equals = memchr (pair.data, '=', pair.size);
    size_t raw_size = equals ? (size_t) (equals - pair.data) : pair.size;
    if (raw_size > NAME_RAW_MAX)
        return;
    char bytes[NAME_RAW_MAX + 1];
    long size = percent_decode ((text_t){ pair.data, raw_size }, true, bytes);
    if (size < 0) {
        self->other_is_bad = true;
        return;
    }
    bytes[size] = 0;
    for (ours_t parameter = 0; parameter < OURS; parameter++) {
        if ((size_t) size != strlen (s_names[parameter])
            || strcasecmp (bytes, s_names[parameter]) != 0)
            continue;
        if (!equals || strcmp (bytes, s_names[parameter]) != 0)
            s_spoil (self, parameter);
        else
            s_take (self, parameter, (text_t){ equals + 1, pair.size - raw_size - 1 });
    }
}

void
client_url_read (client_url_t *self, text_t query)
{
    *self = (client_url_t){ .app = "" };
    const char *at = query.data, *end = query.data + query.size;
    while (at < end) {
        const char *stop = memchr (at, '&', (size_t) (end - at));
        if (!stop)
            stop = end;
        s_read_pair (self, (text_t){ at, (size_t) (stop - at) });
        at = stop + 1;
    }
}

//  The widget hides users whose id ends so: a client must not join unseen.
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
    if (self->other_is_bad || self->user_size == 0)
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
