#include "config/apps_file.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "json/json_locate.h"
#include "json/json_read.h"
#include "json/json_write.h"
#include "model/model.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define PATH_MAX_SIZE 200
#define URL_MAX 2000
#define SECRET_MAX 4000
#define ORIGINS_MAX 1000

static const json_limits_t s_limits = { .depth_most = 16, .values_most = SIZE_MAX };

typedef struct {
    app_t app; //  first: a row's app is its row
    text_t *origins;
    size_t origin_count;
    size_t order; //  place in the file
} row_t;

struct apps_file {
    row_t *rows; //  sorted by id
    size_t count;
    const row_t *first; //  of the file
};

//  One reading of one file: where the reader is, for the line in the complaint.
typedef struct {
    text_t json;
    buffer_t *complaint;
    char path[PATH_MAX_SIZE];
} reading_t;

//  Always −1, for `return s_mistake (…)`.
__attribute__ ((format (printf, 2, 3))) static int
s_mistake (reading_t *self, const char *format, ...)
{
    char words[300], line[400];
    va_list values;
    va_start (values, format);
    vsnprintf (words, sizeof words, format, values);
    va_end (values);
    snprintf (line, sizeof line, "line %u: %s", json_locate_line (self->json, self->path), words);
    if (buffer_put_string (self->complaint, line) != 0)
        buffer_clear (self->complaint); //  no room for words: the failure itself still counts
    return -1;
}

//  Where the reader is; the format begins with the container's own path.
__attribute__ ((format (printf, 2, 3))) static void
s_at (reading_t *self, const char *format, ...)
{
    va_list values;
    va_start (values, format);
    vsnprintf (self->path, sizeof self->path, format, values);
    va_end (values);
}

static text_t
s_copy (text_t text)
{
    return (text_t){ alloc_text (text), text.size };
}

static void
s_free (text_t text)
{
    free ((char *) text.data);
}

//  Only members of these names (ended by NULL) may be there.
static int
s_members (reading_t *self, json_object *object, const char *base, const char *const *names)
{
    json_object_object_foreach (object, key, value)
    {
        (void) value;
        const char *const *name = names;
        while (*name && strcmp (*name, key) != 0)
            name++;
        if (!*name && strncmp (key, "//", 2) != 0) {
            s_at (self, "%s/%.100s", base, key);
            return s_mistake (self, "\"%.100s\" is no member that is known here", key);
        }
    }
    return 0;
}

//  A string member, copied; empty when it is not there.
static int
s_text (reading_t *self, json_object *object, const char *base, const char *name, size_t most,
        text_t *to)
{
    json_object *value = NULL;
    *to = TEXT_EMPTY;
    if (object && json_object_object_get_ex (object, name, &value)) {
        s_at (self, "%s/%s", base, name);
        if (!json_object_is_type (value, json_type_string))
            return s_mistake (self, "\"%s\" must be a string", name);
        *to = (text_t){ json_object_get_string (value),
                        (size_t) json_object_get_string_len (value) };
        if (to->size > most)
            return s_mistake (self, "\"%s\" is longer than %zu bytes", name, most);
        if (!utf8_is_printable (*to))
            return s_mistake (self, "\"%s\" has a control character in it", name);
    }
    return 0;
}

static bool
s_is_id (text_t id)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return id.size > 0 && strspn (id.data, allowed) == id.size;
}

//  "http://host…" or "https://host…"; nothing that could end an HTTP header or request line.
static bool
s_is_url (text_t url)
{
    size_t scheme = strncasecmp (url.data, "http://", 7) == 0    ? 7
                    : strncasecmp (url.data, "https://", 8) == 0 ? 8
                                                                 : 0;
    return scheme != 0 && url.size > scheme && !strchr ("/?#:@", url.data[scheme])
           && !strpbrk (url.data, " \"<>\\");
}

//  What a browser says in its Origin header: scheme, host and port, nothing behind it; or that it
//  has none to name (a web view, a sandboxed frame, a page from a disk).
static bool
s_is_origin (text_t origin)
{
    if (text_is (origin, TEXT ("null")) || text_is (origin, TEXT ("file://")))
        return true;
    const char *host = strstr (origin.data, "://");
    return host && host != origin.data && host[3] != '\0' && !strpbrk (host + 3, "/?#@ *");
}

//  Names the bot, and says how it looks in a frame. The deviceId and userId are the same for every
//  bot: by them a widget links typing, failures and messages.
static void
s_name_bot (app_t *app, text_t name)
{
    if (name.size == 0)
        name = TEXT ("Bot");
    buffer_t sender;
    buffer_init (&sender, 16 * DISPLAY_NAME_MAX);
    json_writer_t json;
    json_write_begin (&json, &sender);
    json_open_object (&json, NULL);
    json_put_string (&json, "deviceId", "Bot");
    json_put_string (&json, "userId", "bot");
    json_put_text (&json, "displayName", name);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0); //  a name's length is checked, and an escape is six bytes at most
    app->bot_name = s_copy (name);
    app->bot_sender = s_copy (buffer_text (&sender));
    buffer_free (&sender);
}

static int
s_bot (reading_t *self, json_object *app, const char *base, app_t *to)
{
    static const char *const names[] = { "url", "key", "name", NULL };
    json_object *bot = NULL;
    char path[PATH_MAX_SIZE];
    snprintf (path, sizeof path, "%s/bot", base);
    if (json_object_object_get_ex (app, "bot", &bot)) {
        s_at (self, "%s", path);
        if (!json_object_is_type (bot, json_type_object))
            return s_mistake (self, "\"bot\" must be an object");
        if (s_members (self, bot, path, names) != 0)
            return -1;
    }
    text_t url, key, name;
    if (s_text (self, bot, path, "key", SECRET_MAX, &key) != 0
        || s_text (self, bot, path, "name", DISPLAY_NAME_MAX, &name) != 0
        || s_text (self, bot, path, "url", URL_MAX, &url) != 0)
        return -1;
    if (bot && !s_is_url (url))
        return s_mistake (self, "a bot needs a \"url\" that begins with http:// or https://");
    to->bot_url = s_copy (url);
    to->bot_key = s_copy (key);
    s_name_bot (to, name);
    return 0;
}

static int
s_origins (reading_t *self, json_object *app, const char *base, row_t *to)
{
    json_object *origins = NULL;
    if (!json_object_object_get_ex (app, "origins", &origins))
        return 0;
    s_at (self, "%s/origins", base);
    if (!json_object_is_type (origins, json_type_array))
        return s_mistake (self, "\"origins\" must be an array of strings");
    size_t count = json_object_array_length (origins);
    if (count > ORIGINS_MAX)
        return s_mistake (self, "more than %u origins", ORIGINS_MAX);
    to->origins = alloc_array (count + 1, sizeof (text_t));
    for (size_t index = 0; index < count; index++) {
        json_object *value = json_object_array_get_idx (origins, index);
        s_at (self, "%s/origins/%zu", base, index);
        if (!json_object_is_type (value, json_type_string))
            return s_mistake (self, "an origin must be a string");
        text_t origin = { json_object_get_string (value),
                          (size_t) json_object_get_string_len (value) };
        if (origin.size > URL_MAX || !utf8_is_printable (origin) || !s_is_origin (origin))
            return s_mistake (self, "an origin is like \"https://www.example.com\" without a path, "
                                    "or \"null\" or \"file://\"");
        to->origins[to->origin_count++] = s_copy (origin);
    }
    return 0;
}

//  A whole number; what is given for none when it is not there.
static int
s_number (reading_t *self, json_object *object, const char *base, const char *name, uint64_t least,
          uint64_t most, uint64_t none, uint64_t *to)
{
    json_object *value = NULL;
    *to = none;
    if (!json_object_object_get_ex (object, name, &value))
        return 0;
    s_at (self, "%s/%s", base, name);
    int64_t number = json_object_get_int64 (value);
    if (!json_object_is_type (value, json_type_int) || number < (int64_t) least
        || number > (int64_t) most)
        return s_mistake (self, "\"%s\" must be a whole number from %llu to %llu", name,
                          (unsigned long long) least, (unsigned long long) most);
    *to = (uint64_t) number;
    return 0;
}

static int
s_row (reading_t *self, json_object *app, size_t index, row_t *to)
{
    static const char *const names[] = { "appId", "bot", "origins", "textLimit", NULL };
    char base[40];
    snprintf (base, sizeof base, "/apps/%zu", index);
    s_at (self, "%s", base);
    to->order = index;
    if (!json_object_is_type (app, json_type_object))
        return s_mistake (self, "an app must be an object");
    text_t id;
    if (s_members (self, app, base, names) != 0
        || s_text (self, app, base, "appId", APP_ID_MAX, &id) != 0)
        return -1;
    if (!s_is_id (id))
        return s_mistake (self, "an app needs an \"appId\" of letters, digits, '.', '_' and '-'");
    to->app.id = s_copy (id);
    if (s_number (self, app, base, "textLimit", 1, APP_TEXT_LIMIT_MOST, APP_TEXT_LIMIT,
                  &to->app.text_limit)
        != 0)
        return -1;
    return s_bot (self, app, base, &to->app) == 0 ? s_origins (self, app, base, to) : -1;
}

static int
s_compare (const void *left, const void *right)
{
    const row_t *one = left, *other = right;
    int order = text_compare (one->app.id, other->app.id);
    return order ? order : (one->order > other->order) - (one->order < other->order);
}

//  Into the order that apps_file_find searches; two apps of one id are a mistake.
static int
s_sort (apps_file_t *self, reading_t *reading)
{
    qsort (self->rows, self->count, sizeof (row_t), s_compare);
    for (size_t index = 0; index < self->count; index++) {
        const row_t *row = &self->rows[index];
        if (row->order == 0)
            self->first = row;
        if (index > 0 && text_is (row[-1].app.id, row->app.id)) {
            s_at (reading, "/apps/%zu/appId", row->order);
            return s_mistake (reading, "there is an app \"%s\" above already", row->app.id.data);
        }
    }
    return 0;
}

static int
s_read (apps_file_t *self, reading_t *reading, json_object *file)
{
    static const char *const names[] = { "apps", NULL };
    json_object *apps = NULL;
    if (!json_object_is_type (file, json_type_object))
        return s_mistake (reading, "the file must be an object with an array \"apps\"");
    if (s_members (reading, file, "", names) != 0)
        return -1;
    s_at (reading, "/apps");
    json_object_object_get_ex (file, "apps", &apps);
    bool is_array = json_object_is_type (apps, json_type_array);
    size_t count = is_array ? json_object_array_length (apps) : 0;
    if (count == 0 || count > APPS_LIMIT)
        return s_mistake (reading, "\"apps\" must be an array of 1 to %u apps", APPS_LIMIT);
    self->rows = alloc_array (count, sizeof (row_t));
    while (self->count < count) {
        size_t index = self->count++; //  counted first: a row that is half read is freed, too
        json_object *app = json_object_array_get_idx (apps, index);
        if (s_row (reading, app, index, &self->rows[index]) != 0)
            return -1;
    }
    return s_sort (self, reading);
}

//  −1 after having complained. JSON's null is no file either: NULL.
static int
s_parse (reading_t *self, json_object **file)
{
    if (self->json.size > APPS_FILE_LIMIT)
        return s_mistake (self, "the file is larger than %u bytes", APPS_FILE_LIMIT);
    json_reading_t reading;
    *file = json_read (self->json, &s_limits, &reading);
    if (reading.fault == JSON_READ_OK)
        return 0;
    char line[200];
    snprintf (line, sizeof line, "line %u: %s", json_locate_line_at (self->json, reading.at),
              json_read_words (&reading, self->json));
    if (buffer_put_string (self->complaint, line) != 0)
        buffer_clear (self->complaint);
    return -1;
}

apps_file_t *
apps_file_new (text_t json, buffer_t *complaint)
{
    reading_t reading = { .json = json, .complaint = complaint };
    json_object *file = NULL;
    if (s_parse (&reading, &file) != 0)
        return NULL;
    apps_file_t *self = alloc_zeroed (sizeof *self);
    if (s_read (self, &reading, file) != 0)
        apps_file_destroy (&self);
    json_object_put (file);
    return self;
}

//  The settings that make the one app; NULL, or what is wrong with them.
static const char *
s_one_mistake (const app_t *app)
{
    if (app->id.size > APP_ID_MAX || !s_is_id (app->id))
        return "STUDIO_APP_ID must be letters, digits, '.', '_' and '-'";
    if (app->bot_key.size > SECRET_MAX || !utf8_is_printable (app->bot_key))
        return "BOT_KEY must be at most 4000 bytes without control characters";
    if (app->bot_name.size > DISPLAY_NAME_MAX || !utf8_is_printable (app->bot_name))
        return "BOT_NAME must be a short name without control characters";
    if (app->bot_url.size == 0)
        return NULL;
    return app->bot_url.size <= URL_MAX && utf8_is_printable (app->bot_url)
                   && s_is_url (app->bot_url)
               ? NULL
               : "BOT_URL must be a URL that begins with http:// or https://";
}

apps_file_t *
apps_file_of_one (const app_t *app, buffer_t *complaint)
{
    const char *mistake = s_one_mistake (app);
    if (mistake) {
        if (buffer_put_string (complaint, mistake) != 0)
            buffer_clear (complaint);
        return NULL;
    }
    apps_file_t *self = alloc_zeroed (sizeof *self);
    self->rows = alloc_zeroed (sizeof (row_t));
    self->rows->app = (app_t){ .id = s_copy (app->id),
                               .bot_url = s_copy (app->bot_url),
                               .bot_key = s_copy (app->bot_key),
                               .text_limit = app->text_limit ? app->text_limit : APP_TEXT_LIMIT };
    s_name_bot (&self->rows->app, app->bot_name);
    self->first = self->rows;
    self->count = 1;
    return self;
}

void
apps_file_destroy (apps_file_t **self_p)
{
    apps_file_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (size_t index = 0; index < self->count; index++) {
        row_t *row = &self->rows[index];
        s_free (row->app.id);
        s_free (row->app.bot_url);
        s_free (row->app.bot_key);
        s_free (row->app.bot_name);
        s_free (row->app.bot_sender);
        for (size_t origin = 0; origin < row->origin_count; origin++)
            s_free (row->origins[origin]);
        free (row->origins);
    }
    free (self->rows);
    free (self);
}

size_t
apps_file_size (const apps_file_t *self)
{
    return self->count;
}

const app_t *
apps_file_first (const apps_file_t *self)
{
    return &self->first->app;
}

static int
s_compare_to_id (const void *id, const void *row)
{
    return text_compare (*(const text_t *) id, ((const row_t *) row)->app.id);
}

const app_t *
apps_file_find (const apps_file_t *self, text_t id)
{
    const row_t *row = bsearch (&id, self->rows, self->count, sizeof (row_t), s_compare_to_id);
    return row ? &row->app : NULL;
}

bool
apps_file_allows (const apps_file_t *self, const app_t *app, text_t origin)
{
    (void) self;
    const row_t *row = (const row_t *) (const void *) app;
    for (size_t index = 0; index < row->origin_count; index++)
        if (row->origins[index].size == origin.size
            && strncasecmp (row->origins[index].data, origin.data, origin.size) == 0)
            return true;
    return row->origin_count == 0;
}
