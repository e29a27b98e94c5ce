#include "net/client_url.h"

#include "base/percent.h"
#include "base/utf8.h"

#include <strings.h>

//  Every byte of a value or a name may be encoded as three.
#define VALUE_RAW_MAX (3 * USER_ID_MAX)
#define NAME_RAW_MAX (3 * 8)

typedef enum {
    PARAMETER_APP,
    PARAMETER_USER,
    PARAMETER_ADMIN,
    PARAMETER_PROTOCOL,
    PARAMETER_TOKEN,
    OURS
} ours_t;

static const char *const s_names[OURS] = { "appId", "userId", "isAdmin", "protocol",
                                           "token" };

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

//  False: it is not a value that the parameter can have.
static bool
s_take_value (client_url_t *self, ours_t parameter, text_t value)
{
    switch (parameter) {
    case PARAMETER_APP:
        if (!s_is_app_id (value))
            return false;
        memcpy (self->app_room, value.data, value.size);
        self->app = (text_t){ self->app_room, value.size };
        return true;
    case PARAMETER_USER:
        if (value.size == 0 || value.size > USER_ID_MAX || !utf8_is_valid (value)
            || !utf8_is_printable (value))
            return false;
        memcpy (self->user_room, value.data, value.size);
        self->user = (text_t){ self->user_room, value.size };
        return true;
    case PARAMETER_ADMIN:
        self->admin = text_is (value, TEXT ("true"));
        return self->admin || text_is (value, TEXT ("false"));
    default:
        self->rich = text_is (value, TEXT ("2"));
        return self->rich;
    }
}

//  A token has no character that would have to be encoded. It is taken as it stands.
static void
s_take_token (client_url_t *self, const text_t *raw)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789-_.";
    bool is_good = raw && raw->size > 0 && self->token.size == 0;
    for (size_t at = 0; is_good && at < raw->size; at++)
        is_good = memchr (allowed, raw->data[at], sizeof allowed - 1);
    if (is_good)
        self->token = *raw;
    else
        self->other_is_bad = true;
}

//  `raw` is NULL: the parameter has no value, or its name is not quite ours.
static void
s_take (client_url_t *self, ours_t parameter, const text_t *raw)
{
    if (parameter == PARAMETER_TOKEN) {
        s_take_token (self, raw);
        return;
    }
    char bytes[VALUE_RAW_MAX];
    long size = raw && raw->size <= sizeof bytes ? percent_decode (*raw, true, bytes) : -1;
    bool is_second = self->seen & (1u << parameter);
    if (raw)
        self->seen |= 1u << parameter;
    if (size >= 0 && !is_second
        && s_take_value (self, parameter, (text_t){ bytes, (size_t) size }))
        return;
    if (parameter == PARAMETER_APP)
        self->app_is_bad = true;
    else
        self->other_is_bad = true;
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
        bool is_ours = equals && strcmp (bytes, s_names[parameter]) == 0;
        text_t raw = { is_ours ? equals + 1 : "", is_ours ? pair.size - raw_size - 1 : 0 };
        s_take (self, parameter, is_ours ? &raw : NULL);
    }
}

void
client_url_read (client_url_t *self, text_t query)
{
    *self = (client_url_t){ .app = TEXT_EMPTY, .user = TEXT_EMPTY, .token = TEXT_EMPTY };
    const char *at = query.data, *end = query.data + query.size;
    while (at < end) {
        const char *stop = memchr (at, '&', (size_t) (end - at));
        if (!stop)
            stop = end;
        s_read_pair (self, (text_t){ at, (size_t) (stop - at) });
        at = stop + 1;
    }
}

bool
client_url_has (text_t name)
{
    for (ours_t parameter = 0; parameter < OURS; parameter++)
        if (text_is (name, text_of (s_names[parameter])))
            return true;
    return false;
}

bool
client_user_is_hidden (text_t user)
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
    if (self->other_is_bad)
        return CLOSE_BAD_URL;
    return client_user_is_hidden (self->user) ? CLOSE_NOT_ALLOWED : CLOSE_CLIENT;
}
