#include "make_token.h"

#include "auth/token.h"
#include "base/clock.h"
#include "client/door.h"
#include "config/apps.h"
#include "tables/edge_config.h"
#include "json/json_read.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <uv.h>

#define GOOD_FOR_S 3600
#define COMPLAINT_MOST 4096

//  Prints the token, and checks that this edge would take it. Returns what is wrong; NULL: nothing.
static const char *
s_make (const app_t *app, struct json_object *claims)
{
    static char complaint[200];
    const token_key_t *key = app->tokens.keys ? token_keys_signing (app->tokens.keys) : NULL;
    if (!key)
        return "the app has no HS256 key: see docs/tokens.md";
    if (!json_object_object_get_ex (claims, "exp", NULL))
        json_object_object_add (
            claims, "exp", json_object_new_uint64 (clock_wall_ms () / 1000 + GOOD_FOR_S));
    buffer_t made;
    buffer_init (&made, TOKEN_MOST);
    token_fault_t fault = TOKEN_FAULT_SIZE;
    token_expected_t expected = { app->id, app->tokens.audience, clock_wall_ms () / 1000 };
    token_t *token = token_sign (key, json_print (claims), &made) == 0
                         ? token_new (app->tokens.keys, buffer_text (&made), &expected, &fault)
                         : NULL;
    const char *words =
        token ? door_complaint (token_claims (token)) : token_fault_words (fault);
    if (words)
        snprintf (complaint, sizeof complaint, "no edge would take it as it is meant: %s", words);
    else
        printf ("%.*s\n", TEXT_ARGS (buffer_text (&made)));
    token_destroy (&token);
    buffer_free (&made);
    return words ? complaint : NULL;
}

static const char *
s_make_for (const apps_t *apps, const char *text)
{
    json_reading_t reading;
    text_t app_id = TEXT_EMPTY;
    struct json_object *claims =
        json_read (text_of (text), &(json_limits_t){ .depth_most = 8, .values_most = 200 },
                   &reading);
    const char *complaint = "the claims must be a JSON object with app, kind and sub";
    if (json_member_text (claims, "app", &app_id) == 1) {
        const app_t *app = apps_find (apps, app_id);
        complaint = app ? s_make (app, claims) : "APPS_FILE has no such app";
    }
    json_object_put (claims);
    return complaint;
}

int
make_token (const service_kind_t *kind, const char *claims)
{
    buffer_t complaint;
    buffer_init (&complaint, COMPLAINT_MOST);
    const edge_config_t *config = kind->config;
    const char *words = NULL;
    if (settings_read (kind->settings, kind->config, &complaint) == 0) {
        apps_t *apps = apps_new (uv_default_loop (),
                                 &(apps_config_t){ .reader = APP_READER_EDGE,
                                                   .file = config->apps.file,
                                                   .app_id = config->apps.app_id,
                                                   .bot_url = "",
                                                   .bot_key = "" },
                                 &complaint);
        words = apps ? s_make_for (apps, claims) : NULL;
        apps_destroy (&apps);
        uv_run (uv_default_loop (), UV_RUN_NOWAIT);
    }
    settings_free (kind->settings, kind->config);
    if (words)
        (void) !buffer_put_string (&complaint, words);
    bool is_good = complaint.size == 0;
    if (!is_good)
        fprintf (stderr, "edge make-token: %.*s\n", TEXT_ARGS (buffer_text (&complaint)));
    buffer_free (&complaint);
    return is_good && fflush (stdout) == 0 ? EX_OK : EX_CONFIG;
}
