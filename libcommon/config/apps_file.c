#include "config/apps_file.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "config/app_checks.h"
#include "config/app_idle.h"
#include "json/json_locate.h"
#include "json/json_read.h"
#include "json/json_write.h"
#include "model/model.h"
#include "model/principal.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct apps_file {
    app_rows_t rows;
    const app_t **sorted; //  by id
};

//  Says how the bot looks in a frame. The deviceId and userId are the same for every bot: by them a
//  widget links typing, failures and messages.
static void
s_show_bot (app_bot_t *bot)
{
    buffer_t sender;
    buffer_init (&sender, 16 * DISPLAY_NAME_MAX);
    json_writer_t json;
    json_write_begin (&json, &sender);
    json_open_object (&json, NULL);
    json_put_string (&json, "deviceId", "Bot");
    json_put_string (&json, "userId", "bot");
    json_put_text (&json, "displayName", bot->name);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0); //  a name's length is checked, and an escape is six bytes at most
    bot->sender = (text_t){ alloc_text (buffer_text (&sender)), sender.size };
    buffer_free (&sender);
}

static app_t *
s_row (const apps_file_t *self, size_t at)
{
    return (app_t *) self->rows.apps.rows + at;
}

//  By id, and rows of one id in the order of the file.
static int
s_compare (const void *left, const void *right)
{
    const app_t *one = *(const app_t *const *) left, *other = *(const app_t *const *) right;
    int order = text_compare (one->id, other->id);
    return order ? order : (one > other) - (one < other);
}

//  The keys of all that the app says of them. −1 with a complaint that names the place.
static int
s_make_keys (app_tokens_t *tokens, size_t row, text_t json, buffer_t *complaint)
{
    char line[300], place[80];
    const char *words = NULL;
    const app_token_key_t *keys = tokens->rows.rows;
    if (!tokens->is_there)
        return 0;
    tokens->keys = token_keys_new ();
    snprintf (place, sizeof place, "/apps/%zu/tokens", row);
    //  Without a key its visitors' names would be anybody's.
    if (tokens->rows.count == 0 && !tokens->has_jwks)
        words = "\"tokens\" needs \"keys\" or \"jwks\"";
    for (size_t at = 0; at < tokens->rows.count && !words; at++) {
        snprintf (place, sizeof place, "/apps/%zu/tokens/keys/%zu", row, at);
        if (keys[at].has_key && keys[at].key.size == 0)
            continue; //  it stands in a file that was not read
        words = token_keys_add (tokens->keys, keys[at].kid,
                                token_algorithm_of (keys[at].algorithm), keys[at].key);
    }
    if (!words && tokens->jwks.size > 0) {
        snprintf (place, sizeof place, "/apps/%zu/tokens", row);
        words = token_keys_add_set (tokens->keys, tokens->jwks);
    }
    if (!words)
        return 0;
    snprintf (line, sizeof line, "line %u: %s", json_locate_line (json, place), words);
    (void) !buffer_put_string (complaint, line);
    return -1;
}

static int
s_make_api_keys (app_api_keys_t *api_keys, size_t row, text_t json, buffer_t *complaint)
{
    const app_api_key_t *keys = api_keys->rows.rows;
    if (api_keys->rows.count > 0)
        api_keys->keys = api_keys_new ();
    for (size_t at = 0; at < api_keys->rows.count; at++) {
        const json_texts_t *scopes = &keys[at].scopes;
        uint64_t may = scopes->items ? 0 : PERMISSIONS_ALL;
        for (size_t scope = 0; scope < scopes->count; scope++)
            may |= PERMISSION_BIT (permission_named (scopes->items[scope]));
        const char *words = api_keys_add (api_keys->keys, keys[at].name, keys[at].hash, may);
        if (!words)
            continue;
        char line[200];
        snprintf (line, sizeof line, "/apps/%zu/apiKeys/keys/%zu", row, at);
        snprintf (line, sizeof line, "line %u: %s", json_locate_line (json, line), words);
        (void) !buffer_put_string (complaint, line);
        return -1;
    }
    return 0;
}

static apps_file_t *
s_new (const app_rows_t *rows)
{
    apps_file_t *self = alloc_zeroed (sizeof *self);
    self->rows = *rows;
    self->sorted = alloc_array (rows->apps.count, sizeof *self->sorted);
    for (size_t at = 0; at < rows->apps.count; at++) {
        app_bot_t *bot = &s_row (self, at)->bot;
        bot->is_there = bot->is_there || bot->url.size > 0;
        s_show_bot (bot);
        self->sorted[at] = s_row (self, at);
    }
    qsort (self->sorted, rows->apps.count, sizeof *self->sorted, s_compare);
    return self;
}

static int
s_compare_integrations (const void *left, const void *right)
{
    const app_t *one = *(const app_t *const *) left, *other = *(const app_t *const *) right;
    int order = strcasecmp (one->genesys.integration_id.data, other->genesys.integration_id.data);
    return order ? order : (one > other) - (one < other);
}

//  Its webhooks lead to one app: another one would never hear an agent. −1 with a complaint.
static int
s_check_integrations (const apps_file_t *self, text_t json, buffer_t *complaint)
{
    const app_t **with = alloc_array (self->rows.apps.count, sizeof *with), *again = NULL;
    size_t count = 0;
    for (size_t at = 0; at < self->rows.apps.count; at++)
        if (s_row (self, at)->genesys.integration_id.size > 0)
            with[count++] = s_row (self, at);
    qsort (with, count, sizeof *with, s_compare_integrations);
    for (size_t at = 1; at < count && !again; at++)
        if (strcasecmp (with[at - 1]->genesys.integration_id.data,
                        with[at]->genesys.integration_id.data)
            == 0)
            again = with[at];
    free (with);
    if (!again)
        return 0;
    char line[200];
    snprintf (line, sizeof line, "/apps/%zu/genesys/integrationId",
              (size_t) (again - s_row (self, 0)));
    snprintf (line, sizeof line, "line %u: an app above has this integration already",
              json_locate_line (json, line));
    (void) !buffer_put_string (complaint, line);
    return -1;
}

//  What json_table_values says of each row.
static void
s_note_values (apps_file_t *self, text_t json)
{
    json_reading_t reading;
    json_object *root = json_read (
        json, &(json_limits_t){ .depth_most = 16, .values_most = SIZE_MAX }, &reading);
    json_object *rows = json_object_object_get (root, "apps");
    buffer_t values;
    buffer_init (&values, APPS_FILE_LIMIT * 2);
    for (size_t at = 0; at < self->rows.apps.count; at++) {
        buffer_clear (&values);
        json_object *row = json_object_array_get_idx (rows, at);
        if (json_table_values (&app_table, row, &values) == 0)
            s_row (self, at)->values = alloc_copy (buffer_text (&values));
    }
    buffer_free (&values);
    json_object_put (root);
}

//  Of the one app a postoffice knows no more.
static void
s_note_settings (app_t *app)
{
    buffer_t values;
    json_writer_t json;
    buffer_init (&values, 6 * (APP_ID_MAX + DISPLAY_NAME_MAX) + 300);
    json_write_begin (&json, &values);
    json_open_array (&json, NULL);
    for (int at = 0; at < 2; at++) {
        json_open_object (&json, NULL);
        json_put_string (&json, "path", at ? "bot.name" : "appId");
        json_put_text (&json, "value", at ? app->bot.name : app->id);
        json_put_string (&json, "source", "settings");
        json_put_bool (&json, "secret", false);
        json_close_object (&json);
    }
    json_close_array (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    app->values = alloc_copy (buffer_text (&values));
    buffer_free (&values);
}

apps_file_t *
apps_file_new (text_t json, const apps_reading_t *reading)
{
    char line[200];
    app_rows_t rows = { 0 };
    if (json.size > APPS_FILE_LIMIT) {
        snprintf (line, sizeof line, "line 1: the file is larger than %u bytes", APPS_FILE_LIMIT);
        (void) !buffer_put_string (reading->complaint, line);
        return NULL;
    }
    json_table_reading_t asked = { .table = &app_rows_table,
                                   .reader = reading->reader,
                                   .read_secret = reading->read_secret,
                                   .owner = reading->owner,
                                   .complaint = reading->complaint,
                                   .warnings = reading->warnings };
    if (json_table_read (&asked, json, &rows) != 0)
        return NULL;
    apps_file_t *self = s_new (&rows);
    if (reading->reader & APP_READER_POSTOFFICE)
        s_note_values (self, json);
    for (size_t at = 0; at < rows.apps.count; at++)
        if (app_checks_run (s_row (self, at), at, json, reading->reader, &reading->out,
                            reading->complaint)
            != 0) {
            apps_file_destroy (&self);
            return NULL;
        }
    for (size_t at = 0; at < rows.apps.count; at++)
        if (reading->reader == APP_READER_EDGE
            && (s_make_keys (&s_row (self, at)->tokens, at, json, reading->complaint) != 0
                || s_make_api_keys (&s_row (self, at)->api_keys, at, json, reading->complaint)
                       != 0)) {
            apps_file_destroy (&self);
            return NULL;
        }
    if (s_check_integrations (self, json, reading->complaint) != 0) {
        apps_file_destroy (&self);
        return NULL;
    }
    for (size_t at = 1; at < rows.apps.count; at++) {
        const app_t *app = self->sorted[at];
        if (!text_is (self->sorted[at - 1]->id, app->id))
            continue;
        snprintf (line, sizeof line, "/apps/%zu/appId", (size_t) (app - s_row (self, 0)));
        snprintf (line, sizeof line, "line %u: there is an app \"%s\" above already",
                  json_locate_line (json, line), app->id.data);
        (void) !buffer_put_string (reading->complaint, line);
        apps_file_destroy (&self);
        return NULL;
    }
    for (size_t at = 0; at < rows.apps.count; at++)
        app_idle_warn (s_row (self, at), at, json, reading->reader, reading->warnings);
    return self;
}

//  The settings that make the one app; NULL, or what is wrong with them.
static const char *
s_one_mistake (const app_t *app)
{
    if (app->id.size > APP_ID_MAX || !app_id_format.is_valid (app->id))
        return "STUDIO_APP_ID must be letters, digits, '.', '_' and '-'";
    if (app->bot.key.size > APP_SECRET_MOST || !utf8_is_printable (app->bot.key))
        return "BOT_KEY must be at most 4000 bytes without control characters";
    if (app->bot.name.size > DISPLAY_NAME_MAX || !utf8_is_printable (app->bot.name))
        return "BOT_NAME must be a short name without control characters";
    if (app->bot.url.size == 0)
        return NULL;
    return app->bot.url.size <= APP_URL_MOST && utf8_is_printable (app->bot.url)
                   && app_url_format.is_valid (app->bot.url)
               ? NULL
               : "BOT_URL must be a URL that begins with http:// or https://";
}

apps_file_t *
apps_file_of_one (const app_t *app, buffer_t *complaint)
{
    const char *mistake = s_one_mistake (app);
    if (mistake) {
        (void) !buffer_put_string (complaint, mistake);
        return NULL;
    }
    app_t *row = alloc_zeroed (sizeof *row);
    text_t name = app->bot.name.size ? app->bot.name : TEXT ("Bot");
    row->id = alloc_copy (app->id);
    row->bot.url = alloc_copy (app->bot.url);
    row->bot.key = alloc_copy (app->bot.key);
    row->bot.name = alloc_copy (name);
    row->tokens.anonymous = true;
    row->bot.is_there = true; //  only the connector's settings say more
    row->text_limit = app->text_limit ? app->text_limit : APP_TEXT_LIMIT;
    app_failure_t *failure = &row->switchboard.failure;
    *failure = app_failure_usual;
    failure->text = alloc_copy (failure->text);
    failure->health_url = alloc_copy (failure->health_url);
    s_note_settings (row);
    return s_new (&(app_rows_t){ .apps = { .rows = row, .count = 1 } });
}

void
apps_file_destroy (apps_file_t **self_p)
{
    apps_file_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (size_t at = 0; at < self->rows.apps.count; at++) {
        free ((char *) (uintptr_t) s_row (self, at)->bot.sender.data);
        free ((char *) (uintptr_t) s_row (self, at)->values.data);
        app_checks_free (s_row (self, at));
        token_keys_destroy (&s_row (self, at)->tokens.keys);
        api_keys_destroy (&s_row (self, at)->api_keys.keys);
    }
    json_table_free (&app_rows_table, &self->rows);
    free (self->sorted);
    free (self);
}

size_t
apps_file_size (const apps_file_t *self)
{
    return self->rows.apps.count;
}

const app_t *
apps_file_at (const apps_file_t *self, size_t at)
{
    return self->sorted[at];
}

const app_t *
apps_file_first (const apps_file_t *self)
{
    return s_row (self, 0);
}

static int
s_compare_to_id (const void *id, const void *app)
{
    return text_compare (*(const text_t *) id, (*(const app_t *const *) app)->id);
}

const app_t *
apps_file_find (const apps_file_t *self, text_t id)
{
    const app_t **app =
        bsearch (&id, self->sorted, self->rows.apps.count, sizeof *self->sorted, s_compare_to_id);
    return app ? *app : NULL;
}
