#include "platform/genesys_answer.h"

#include "base/utf8.h"
#include "json/json_read.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <strings.h>

#define DEPTH_MOST 32
#define VALUES_MOST 20000
#define PICTURE_PIXELS 96 //  of what a widget shows
#define QUOTED_MOST 60    //  bytes of a name

static struct json_object *
s_read (text_t body)
{
    json_reading_t reading;
    json_limits_t limits = { .depth_most = DEPTH_MOST, .values_most = VALUES_MOST };
    struct json_object *tree = json_read (body, &limits, &reading);
    if (json_object_is_type (tree, json_type_object))
        return tree;
    json_object_put (tree);
    return NULL;
}

//  Empty when it has none, or one of another type.
static text_t
s_text (struct json_object *object, const char *name)
{
    text_t text = TEXT_EMPTY;
    return json_member_text (object, name, &text) == 1 ? text : TEXT_EMPTY;
}

static uint64_t
s_lifetime (struct json_object *tree)
{
    struct json_object *value = NULL;
    double seconds = json_object_object_get_ex (tree, "expires_in", &value)
                             && (json_object_is_type (value, json_type_int)
                                 || json_object_is_type (value, json_type_double))
                         ? json_object_get_double (value)
                         : LOGIN_LIFETIME_USUAL_S;
    if (!isfinite (seconds) || seconds < 1)
        return 1; //  it is used once, and renewed
    return seconds < LOGIN_LIFETIME_MOST_S ? (uint64_t) seconds : LOGIN_LIFETIME_MOST_S;
}

int
login_answer_read (login_answer_t *self, text_t body)
{
    *self = (login_answer_t){ .token = TEXT_EMPTY, .tree = s_read (body) };
    text_t type = s_text (self->tree, "token_type");
    self->token = s_text (self->tree, "access_token");
    if (self->token.size == 0 || (type.size > 0 && strcasecmp (type.data, "bearer") != 0)) {
        login_answer_free (self);
        return -1;
    }
    self->lifetime_s = s_lifetime (self->tree);
    return 0;
}

void
login_answer_free (login_answer_t *self)
{
    json_object_put (self->tree);
    *self = (login_answer_t){ .token = TEXT_EMPTY };
}

// ---------------------------------------------------------------------------------------------
//  Errors

static bool
s_is_name (text_t text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "._-[]";
    for (size_t at = 0; at < text.size; at++)
        if (!text.data[at] || !strchr (allowed, text.data[at]))
            return false;
    return text.size <= QUOTED_MOST;
}

//  Where the quoted run that begins at `at` ends: behind its closing mark, or with the text.
static size_t
s_quoted_end (text_t text, size_t at)
{
    const char *end = memchr (text.data + at + 1, text.data[at], text.size - at - 1);
    return end ? (size_t) (end - text.data) + 1 : text.size;
}

//  An apostrophe inside a word opens nothing.
static bool
s_opens (text_t text, size_t at)
{
    bool is_mark = text.data[at] == '"' || text.data[at] == '\'' || text.data[at] == '`';
    return is_mark && (at == 0 || !s_is_name ((text_t){ text.data + at - 1, 1 }));
}

//  What is shown of it, from `size` on; what does not fit is cut.
static size_t
s_put (char *room, size_t size, text_t part)
{
    text_t fits = utf8_cut (part, ERROR_WORDS_ROOM - 1 - size);
    if (fits.size > 0)
        memcpy (room + size, fits.data, fits.size);
    room[size + fits.size] = '\0';
    return size + fits.size;
}

static size_t
s_put_words (char *room, size_t size, text_t words)
{
    for (size_t at = 0; at < words.size;) {
        size_t from = at;
        while (at < words.size && !s_opens (words, at))
            at++;
        size = s_put (room, size, (text_t){ words.data + from, at - from });
        if (at == words.size)
            break;
        size_t end = s_quoted_end (words, at);
        bool is_closed = end - at >= 2 && words.data[end - 1] == words.data[at];
        text_t inside = { words.data + at + 1, end - at - 1 - (is_closed ? 1 : 0) };
        bool is_shown = is_closed && s_is_name (inside);
        size = s_put (room, size, is_shown ? (text_t){ words.data + at, end - at }
                                           : TEXT ("\"…\""));
        at = end;
    }
    return size;
}

static text_t
s_first (struct json_object *tree, const char *one, const char *other)
{
    text_t text = s_text (tree, one);
    return text.size > 0 ? text : s_text (tree, other);
}

void
error_answer_read (text_t body, char room[ERROR_WORDS_ROOM])
{
    struct json_object *tree = s_read (body);
    text_t code = s_first (tree, "code", "error");
    text_t words = s_first (tree, "message", "description");
    if (words.size == 0)
        words = s_text (tree, "error_description");
    size_t size = 0;
    room[0] = '\0';
    if (s_is_name (code))
        size = s_put (room, size, code);
    if (words.size > 0 && utf8_is_showable (words)) {
        size = s_put (room, size, size > 0 ? TEXT (": ") : TEXT_EMPTY);
        s_put_words (room, size, words);
    }
    json_object_put (tree);
}

// ---------------------------------------------------------------------------------------------
//  People

//  "x96" → 96; 0: it does not say.
static unsigned
s_pixels (text_t resolution)
{
    unsigned pixels = 0;
    if (resolution.size < 2 || resolution.size > 6 || resolution.data[0] != 'x')
        return 0;
    for (size_t at = 1; at < resolution.size; at++) {
        if (resolution.data[at] < '0' || resolution.data[at] > '9')
            return 0;
        pixels = pixels * 10 + (unsigned) (resolution.data[at] - '0');
    }
    return pixels;
}

static bool
s_is_picture (text_t url)
{
    static const char scheme[] = "https://";
    for (size_t at = 0; at < url.size; at++)
        if (url.data[at] <= ' ' || url.data[at] > '~' || strchr ("\"<>\\`", url.data[at]))
            return false;
    return url.size > sizeof scheme - 1 && url.size <= PERSON_PICTURE_MOST
           && memcmp (url.data, scheme, sizeof scheme - 1) == 0;
}

//  Enough goes before too small, and of those the nearer one.
static bool
s_is_better (unsigned one, unsigned than)
{
    if ((one >= PICTURE_PIXELS) != (than >= PICTURE_PIXELS))
        return one >= PICTURE_PIXELS;
    return one >= PICTURE_PIXELS ? one < than : one > than;
}

static text_t
s_picture (struct json_object *images)
{
    text_t best = TEXT_EMPTY;
    unsigned best_pixels = 0;
    size_t count = json_object_is_type (images, json_type_array) ? json_object_array_length (images)
                                                                 : 0;
    for (size_t at = 0; at < count; at++) {
        struct json_object *image = json_object_array_get_idx (images, at);
        text_t url = s_text (image, "imageUri");
        unsigned pixels = s_pixels (s_text (image, "resolution"));
        if (s_is_picture (url) && (best.size == 0 || s_is_better (pixels, best_pixels))) {
            best = url;
            best_pixels = pixels;
        }
    }
    return best;
}

void
person_answer_read (person_answer_t *self, text_t body)
{
    struct json_object *images = NULL;
    *self = (person_answer_t){ .name = TEXT_EMPTY, .picture = TEXT_EMPTY, .tree = s_read (body) };
    if (!self->tree)
        return;
    text_t name = s_first (self->tree, "preferredName", "name");
    if (utf8_is_showable (name))
        self->name = utf8_cut (name, PERSON_NAME_MOST);
    json_object_object_get_ex (self->tree, "images", &images);
    self->picture = s_picture (images);
}

void
person_answer_free (person_answer_t *self)
{
    json_object_put (self->tree);
    *self = (person_answer_t){ .name = TEXT_EMPTY, .picture = TEXT_EMPTY };
}

// ---------------------------------------------------------------------------------------------
//  The integration

static text_t
s_showable (struct json_object *object, const char *name)
{
    text_t text = s_text (object, name);
    return utf8_is_showable (text) ? text : TEXT_EMPTY;
}

void
integration_answer_read (integration_answer_t *self, text_t body)
{
    *self = (integration_answer_t){ .tree = s_read (body) };
    self->name = s_showable (self->tree, "name");
    self->webhook = s_showable (self->tree, "outboundNotificationWebhookUrl");
    self->status = s_showable (self->tree, "status");
}

void
integration_answer_free (integration_answer_t *self)
{
    json_object_put (self->tree);
    *self = (integration_answer_t){ .name = TEXT_EMPTY };
}
