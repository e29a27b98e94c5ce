//  apps — what an apps.json may say, which line a mistake is on, and what a change of it does.

#include "config/apps.h"
#include "config/apps_file.h"
#include "json/json_read.h"
#include "model/principal.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char json[400];
    char complaint[200]; //  how it begins; empty: none
} reading_t;

ParameterizedTestParameters (apps, reading)
{
    static reading_t cases[] = {
        { "{\"apps\":[{\"appId\":\"a\"}]}", "" },
        { "{\"apps\":[{\"appId\":\"a\",\"bot\":{\"url\":\"http://b/\",\"key\":\"k\","
          "\"name\":\"N\"},"
          "\"origins\":[\"https://x.example\"]}]}",
          "" },
        { "{\"//\":\"why\",\"apps\":[{\"appId\":\"a\",\"// x\":1}]}", "" },
        { "", "line 1: the text ends too early" },
        { "{\n\"apps\":\n[", "line 3: the text ends too early" },
        { "{\n\"apps\": [\n{\"appId\":\"a\",}]}", "line 3: " },
        { "{\"apps\":[{\"appId\":\"a\"}]}\n\n x", "line 3: " },
        { "null", "line 1: " },
        { "[]", "line 1: the file must be an object" },
        { "{}", "line 1: \"apps\" is missing" },
        { "{\n\"apps\":{}}", "line 2: \"apps\" must be an array" },
        { "{\n\"apps\":[\n1]}", "line 3: an element of \"apps\" must be an object" },
        { "{\n\"apps\":[\n{\n\"appId\":7}]}", "line 4: \"appId\" must be a string" },
        { "{\"apps\":[\n{\"appId\":\"a\"},\n{}]}", "line 3: \"appId\" is missing" },
        { "{\"apps\":[\n{\n\"appId\":\"a b\"}]}", "line 3: an app needs an \"appId\"" },
        { "{\"apps\":[{\"appId\":\"b\"},\n{\"appId\":\"a\"},\n{\"appId\":\"b\"}]}",
          "line 3: there is an app \"b\" above" },
        { "{\"apps\":[{\"appId\":\"a\",\"retention\":{\"days\":0}}]}", "" },
        { "{\"apps\":[{\"appId\":\"a\",\n\"retention\":{}}]}", "line 2: \"days\" is missing" },
        { "{\"apps\":[{\"appId\":\"a\",\"retention\":{\n\"days\":3651}}]}",
          "line 2: \"days\" must be a whole number from 0 to 3650" },
        { "{\"apps\":[{\"appId\":\"a\",\"switchboard\":{\"failure\":{\"steps\":[\"retry\","
          "\"text\",\"person\"],\"text\":\"Sorry\",\"healthUrl\":\"https://b/health\","
          "\"askAgainSeconds\":0}}}]}",
          "" },
        { "{\"apps\":[{\"appId\":\"a\",\"switchboard\":{\"failure\":{\n\"steps\":[\"retry\","
          "\"pray\"]}}}]}",
          "line 2: a step is \"retry\", \"text\" or \"person\"" },
        { "{\"apps\":[{\"appId\":\"a\",\"switchboard\":{\"failure\":{\"steps\":[],\n"
          "\"failures\":0}}}]}",
          "line 2: \"failures\" must be a whole number from 1 to 1000" },
        { "{\"apps\":[{\"appId\":\"a\",\"switchboard\":{\"failure\":{\n\"step\":1}}}]}",
          "line 2: \"step\" is no member" },
        { "{\"apps\":[{\"appId\":\"a\",\"switchboard\":{\"failure\":{\n\"healthUrl\":\"b\"}}}]}",
          "line 2: a \"healthUrl\" begins with http" },
        { "{\"apps\":[{\"appId\":\"a\",\n\"bto\":7}]}", "line 2: \"bto\" is no member" },
        { "{\"apps\":[{\"appId\":\"a\",\"bot\":{\"url\":\"http://b/\",\n\"kye\":{}}}]}",
          "line 2: \"kye\" is no member" },
        { "{\"apps\":[{\"appId\":\"a\",\"bto\":{}}],\"later\":{}}", "" },
        { "{\n\"app\":[]}", "line 2: \"app\" is no member" },
        { "{\"apps\":[{\"appId\":\"a\",\n\"bot\":\n[]}]}", "line 3: \"bot\" must be an object" },
        { "{\"apps\":[{\"appId\":\"a\",\n\"bot\":{}}]}", "line 2: \"url\" is missing" },
        { "{\"apps\":[{\"appId\":\"a\",\"bot\":{\n\"url\":\"ftp://b/\"}}]}",
          "line 2: a bot needs" },
        { "{\"apps\":[{\"appId\":\"a\",\"bot\":{\n\"url\":\"http:///x\"}}]}",
          "line 2: a bot needs" },
        { "{\"apps\":[{\"appId\":\"a\",\"bot\":{\"url\":\"http://b/\",\n\"key\":\"a\\r\\nb\"}}]}",
          "line 2: \"key\" has a control character" },
        { "{\"apps\":[{\"appId\":\"a\",\"bot\":{\"url\":\"http://b/"
          "\",\n\"key\":\"a\\u0000b\"}}]}",
          "line 2: \"key\" has a control character" },
        { "{\"apps\":[{\"appId\":\"a\",\n\"origins\":\"x\"}]}", "line 2: \"origins\" must be" },
        { "{\"apps\":[{\"appId\":\"a\",\"origins\":[\"http://ok\",\n\"www.example.com\"]}]}",
          "line 2: an origin is like" },
        { "{\"apps\":[{\"appId\":\"a\",\"origins\":[\n\"https://x.example/\"]}]}",
          "line 2: an origin is like" },
        { "{\"apps\":[{\"appId\":\"\xff\"}]}", "line 1: " },
        { "{\"apps\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}", "line 1: " },
    };
    return cr_make_param_array (reading_t, cases, sizeof cases / sizeof *cases);
}

static apps_file_t *
s_file (const char *json, app_reader_t reader, buffer_t *complaint)
{
    buffer_t warnings;
    buffer_init (&warnings, 1000);
    apps_file_t *file = apps_file_new (
        text_of (json),
        &(apps_reading_t){ .reader = reader, .complaint = complaint, .warnings = &warnings });
    buffer_free (&warnings);
    return file;
}

ParameterizedTest (reading_t *param, apps, reading)
{
    buffer_t complaint;
    buffer_init (&complaint, 1000);
    apps_file_t *file = s_file (param->json, APP_READERS_ALL, &complaint);
    int rc = file ? 0 : -1;
    apps_file_destroy (&file);
    if (*param->complaint == '\0')
        cr_assert (rc == 0 && complaint.size == 0, "%s: %.*s", param->json,
                   TEXT_ARGS (buffer_text (&complaint)));
    else {
        cr_assert (rc == -1, "%s", param->json);
        cr_assert (complaint.size >= strlen (param->complaint)
                       && memcmp (complaint.data, param->complaint, strlen (param->complaint)) == 0,
                   "%s: %.*s", param->json, TEXT_ARGS (buffer_text (&complaint)));
    }
    buffer_free (&complaint);
}

Test (apps, one_app_from_the_settings)
{
    buffer_t complaint;
    buffer_init (&complaint, 1000);
    uv_loop_t *loop = uv_default_loop ();
    apps_config_t config = {
        APP_READERS_ALL, "", "demo", "http://127.0.0.1:1/", "secret", "", 0, { NULL, NULL }
    };
    apps_t *apps = apps_new (loop, &config, &complaint);
    cr_assert (apps);
    const app_t *app = apps_find (apps, TEXT ("demo"));
    cr_assert (app && app == apps_find (apps, TEXT_EMPTY));
    cr_assert_str_eq (app->bot.url.data, "http://127.0.0.1:1/");
    cr_assert_str_eq (app->bot.key.data, "secret");
    cr_assert_str_eq (app->bot.name.data, "Bot");
    cr_assert_null (apps_find (apps, TEXT ("other")));
    cr_assert (apps_allows_origin (apps, TEXT ("demo"), TEXT ("https://any.example")));
    cr_assert_not (apps_allows_origin (apps, TEXT ("other"), TEXT_EMPTY));
    apps_destroy (&apps);
    cr_assert_null (apps);
    uv_run (loop, UV_RUN_DEFAULT);
}

Test (apps, settings_that_make_no_app)
{
    static const apps_config_t wrong[] = {
        { APP_READERS_ALL, "", "a b", "", "", "", 0, { NULL, NULL } },
        { APP_READERS_ALL, "", "demo", "localhost:3000", "", "", 0, { NULL, NULL } },
        { APP_READERS_ALL, "", "demo", "ftp://127.0.0.1/", "", "", 0, { NULL, NULL } },
        { APP_READERS_ALL, "", "demo", "http://", "", "", 0, { NULL, NULL } },
        { APP_READERS_ALL, "", "demo", "http://127.0.0.1/ x", "", "", 0, { NULL, NULL } }
    };
    for (size_t row = 0; row < sizeof wrong / sizeof *wrong; row++) {
        buffer_t complaint;
        buffer_init (&complaint, 1000);
        cr_assert_null (apps_new (uv_default_loop (), &wrong[row], &complaint), "row %zu", row);
        const char *name = row < 1 ? "STUDIO_APP_ID must" : "BOT_URL must";
        cr_expect (memmem (complaint.data, complaint.size, name, strlen (name)), "row %zu", row);
        buffer_free (&complaint);
    }
}

//  A directory with an apps.json that tests change.
typedef struct {
    char folder[64];
    char file[96];
    uv_loop_t *loop;
    apps_t *apps;
} place_t;

static void
s_write (const char *path, const char *json)
{
    FILE *file = fopen (path, "w");
    cr_assert (file);
    fputs (json, file);
    fclose (file);
}

static void
s_open (place_t *self, const char *app_id)
{
    buffer_t complaint;
    buffer_init (&complaint, 1000);
    self->loop = uv_default_loop ();
    apps_config_t config = {
        APP_READER_STENTOR | APP_READER_EDGE, self->file, app_id, "", "", "", 0,
        { NULL, NULL }
    };
    self->apps = apps_new (self->loop, &config, &complaint);
    cr_assert (self->apps, "%.*s", TEXT_ARGS (buffer_text (&complaint)));
}

static void
s_place (place_t *self)
{
    strcpy (self->folder, "/tmp/apps_test.XXXXXX");
    cr_assert (mkdtemp (self->folder));
    snprintf (self->file, sizeof self->file, "%s/apps.json", self->folder);
}

static void
s_leave (place_t *self)
{
    apps_destroy (&self->apps);
    uv_run (self->loop, UV_RUN_DEFAULT);
    cr_assert_eq (uv_loop_close (self->loop), 0);
}

static void
s_stop (uv_timer_t *timer)
{
    uv_stop (timer->loop);
}

//  Turns the loop until the app is (or is not) there; false after ten seconds.
static bool
s_eventually (place_t *self, text_t id, bool there)
{
    uv_timer_t tick;
    uv_timer_init (self->loop, &tick);
    bool holds = false;
    for (int turn = 0; turn < 200 && !holds; turn++) {
        uv_timer_start (&tick, s_stop, 50, 0);
        uv_run (self->loop, UV_RUN_DEFAULT);
        holds = (apps_find (self->apps, id) != NULL) == there;
    }
    uv_close ((uv_handle_t *) &tick, NULL);
    uv_run (self->loop, UV_RUN_NOWAIT);
    return holds;
}

static bool
s_never (place_t *self, text_t id, bool there)
{
    uv_timer_t tick;
    uv_timer_init (self->loop, &tick);
    uv_timer_start (&tick, s_stop, 2500, 0);
    uv_run (self->loop, UV_RUN_DEFAULT);
    uv_close ((uv_handle_t *) &tick, NULL);
    uv_run (self->loop, UV_RUN_NOWAIT);
    return (apps_find (self->apps, id) != NULL) != there;
}

Test (apps, a_file_and_its_default_app)
{
    place_t place;
    s_place (&place);
    s_write (place.file, "{\"apps\":[{\"appId\":\"z\"},{\"appId\":\"a\","
                         "\"origins\":[\"https://www.example.com\"]},{\"appId\":\"m\"}]}");
    s_open (&place, "");
    cr_assert_str_eq (apps_find (place.apps, TEXT_EMPTY)->id.data, "z");
    cr_assert_str_eq (apps_find (place.apps, TEXT ("m"))->id.data, "m");
    cr_assert_null (apps_find (place.apps, TEXT ("demo")));
    cr_assert (apps_allows_origin (place.apps, TEXT ("a"), TEXT ("HTTPS://www.example.com")));
    cr_assert (apps_allows_origin (place.apps, TEXT ("a"), TEXT_EMPTY));
    cr_assert_not (apps_allows_origin (place.apps, TEXT ("a"), TEXT ("https://evil.example")));
    cr_assert (apps_allows_origin (place.apps, TEXT ("m"), TEXT ("https://evil.example")));
    s_leave (&place);
    s_open (&place, "m");
    cr_assert_str_eq (apps_find (place.apps, TEXT_EMPTY)->id.data, "m");
    s_leave (&place);
}

Test (apps, a_file_that_is_wrong_at_the_start)
{
    place_t place;
    s_place (&place);
    buffer_t complaint;
    buffer_init (&complaint, 1000);
    apps_config_t config = { APP_READERS_ALL, place.file, "", "", "", "", 0, { NULL, NULL } };
    cr_assert_null (apps_new (uv_default_loop (), &config, &complaint));
    cr_assert (memmem (complaint.data, complaint.size, "apps.json: No such file", 23));
    buffer_clear (&complaint);
    s_write (place.file, "{\n\"apps\":[]\n}");
    cr_assert_null (apps_new (uv_default_loop (), &config, &complaint));
    cr_assert (memmem (complaint.data, complaint.size, "apps.json: line 2:", 18));
    buffer_free (&complaint);
}

Test (apps, a_file_without_the_default_app_is_refused, .timeout = 60)
{
    place_t place;
    s_place (&place);
    s_write (place.file, "{\"apps\":[{\"appId\":\"one\"}]}");
    buffer_t complaint;
    buffer_init (&complaint, 1000);
    apps_config_t config = {
        APP_READERS_ALL, place.file, "missing", "", "", "", 0, { NULL, NULL }
    };
    cr_assert_null (apps_new (uv_default_loop (), &config, &complaint));
    static const char said[] = "apps.json: it has no app \"missing\", which STUDIO_APP_ID names";
    cr_assert (memmem (complaint.data, complaint.size, said, sizeof said - 1), "%.*s",
               TEXT_ARGS (buffer_text (&complaint)));
    buffer_free (&complaint);
    s_open (&place, "one");
    s_write (place.file, "{\"apps\":[{\"appId\":\"two\"}]}");
    cr_assert (s_never (&place, TEXT ("two"), true), "the old one stays");
    cr_assert_str_eq (apps_find (place.apps, TEXT_EMPTY)->id.data, "one");
    s_write (place.file, "{\"apps\":[{\"appId\":\"two\"},{\"appId\":\"one\"}]}");
    cr_assert (s_eventually (&place, TEXT ("two"), true));
    cr_assert_str_eq (apps_find (place.apps, TEXT_EMPTY)->id.data, "one");
    s_leave (&place);
}

Test (apps, the_one_app_is_demo_when_nobody_names_it)
{
    buffer_t complaint;
    buffer_init (&complaint, 1000);
    uv_loop_t *loop = uv_default_loop ();
    apps_config_t config = { APP_READERS_ALL, "", "", "", "", "", 0, { NULL, NULL } };
    apps_t *apps = apps_new (loop, &config, &complaint);
    cr_assert (apps);
    cr_assert_str_eq (apps_find (apps, TEXT_EMPTY)->id.data, "demo");
    apps_destroy (&apps);
}

Test (apps, a_change_counts_and_a_bad_one_does_not, .timeout = 60)
{
    place_t place;
    s_place (&place);
    char next[128];
    snprintf (next, sizeof next, "%s/next", place.folder);
    s_write (place.file, "{\"apps\":[{\"appId\":\"one\"}]}");
    s_open (&place, "");
    s_write (place.file, "{\"apps\":[{\"appId\":\"two\"}]}");
    cr_assert (s_eventually (&place, TEXT ("two"), true), "written in place");
    cr_assert_null (apps_find (place.apps, TEXT ("one")));
    s_write (next, "{\"apps\":[{\"appId\":\"three\"}]}");
    cr_assert_eq (rename (next, place.file), 0);
    cr_assert (s_eventually (&place, TEXT ("three"), true), "replaced by rename");
    s_write (place.file, "{\"apps\":[{\"appId\":\"four\"},]}");
    cr_assert (s_never (&place, TEXT ("three"), false), "a mistake keeps the old one");
    unlink (place.file);
    cr_assert (s_never (&place, TEXT ("three"), false), "its loss keeps the old one");
    s_write (place.file, "{\"apps\":[{\"appId\":\"five\"}]}");
    cr_assert (s_eventually (&place, TEXT ("five"), true), "back again");
    s_leave (&place);
}

Test (apps, kubernetes_swaps_a_link_to_a_folder, .timeout = 30)
{
    place_t place;
    s_place (&place);
    char old[128], new[128], path[160], data[128], swap[128];
    snprintf (old, sizeof old, "%s/..2026_1", place.folder);
    snprintf (new, sizeof new, "%s/..2026_2", place.folder);
    snprintf (data, sizeof data, "%s/..data", place.folder);
    snprintf (swap, sizeof swap, "%s/..data_tmp", place.folder);
    mkdir (old, 0700);
    snprintf (path, sizeof path, "%s/apps.json", old);
    s_write (path, "{\"apps\":[{\"appId\":\"one\"}]}");
    cr_assert_eq (symlink ("..2026_1", data), 0);
    cr_assert_eq (symlink ("..data/apps.json", place.file), 0);
    s_open (&place, "");
    mkdir (new, 0700);
    snprintf (path, sizeof path, "%s/apps.json", new);
    s_write (path, "{\"apps\":[{\"appId\":\"two\"}]}");
    cr_assert_eq (symlink ("..2026_2", swap), 0);
    cr_assert_eq (rename (swap, data), 0);
    cr_assert (s_eventually (&place, TEXT ("two"), true));
    s_leave (&place);
}

// ---------------------------------------------------------------------------------------------
//  Who reads what, and secrets in files

Test (apps, each_process_keeps_only_what_it_reads)
{
    static const char json[] = "{\"apps\":[{\"appId\":\"a\",\"textLimit\":7,\"bot\":{\"url\":"
                               "\"http://b/\",\"key\":\"hidden\",\"name\":\"N\"},"
                               "\"origins\":[\"https://x.example\"]}]}";
    buffer_t complaint;
    buffer_init (&complaint, 1000);
    apps_file_t *edge = s_file (json, APP_READER_EDGE, &complaint);
    apps_file_t *connector = s_file (json, APP_READER_STENTOR, &complaint);
    const app_t *of_edge = apps_file_first (edge), *of_connector = apps_file_first (connector);
    cr_assert_str_eq (of_edge->bot.key.data, "");
    cr_assert_str_eq (of_edge->bot.url.data, "");
    cr_assert_str_eq (of_edge->bot.name.data, "N");
    cr_assert_eq (of_edge->origins.count, 1);
    cr_assert_str_eq (of_connector->bot.key.data, "hidden");
    cr_assert_str_eq (of_connector->bot.url.data, "http://b/");
    cr_assert_eq (of_connector->origins.count, 0);
    cr_assert (of_connector->bot.is_there);
    apps_file_destroy (&edge);
    apps_file_destroy (&connector);
}

Test (apps, what_is_in_force_is_said_without_secrets)
{
    static const char json[] =
        "{\"apps\":[{\"appId\":\"a\"},{\"appId\":\"b\",\"retention\":{\"days\":7},"
        "\"bot\":{\"url\":\"https://me:pass@b.example/x?token=hidden#y\",\"key\":\"hidden\"},"
        "\"tokens\":{\"keys\":[{\"kid\":\"k\",\"algorithm\":\"HS256\",\"keyFile\":\"f\"}]},"
        "\"origins\":[\"https://x.example\"],\"later\":{\"secret\":\"hidden\"}}]}";
    static const char *const shown[] = {
        "{\"path\":\"appId\",\"value\":\"b\",\"source\":\"file\",\"secret\":false}",
        "{\"path\":\"bot.url\",\"value\":\"https://b.example/x?…\",\"source\":\"file\",",
        "{\"path\":\"bot.key\",\"value\":null,\"source\":\"file\",\"secret\":true}",
        "{\"path\":\"bot.name\",\"value\":\"Bot\",\"source\":\"default\",\"secret\":false}",
        "{\"path\":\"tokens.keys[0].key\",\"value\":null,\"source\":\"file\",\"secret\":true}",
        "{\"path\":\"tokens.jwks\",\"value\":null,\"source\":\"unset\",\"secret\":true}",
        "{\"path\":\"tokens.anonymous\",\"value\":true,\"source\":\"default\",\"secret\":false}",
        "{\"path\":\"retention.days\",\"value\":7,\"source\":\"file\",\"secret\":false}",
        "{\"path\":\"origins\",\"value\":[\"https://x.example\"],\"source\":\"file\",",
        "{\"path\":\"textLimit\",\"value\":8192,\"source\":\"default\",\"secret\":false}",
    };
    buffer_t complaint;
    buffer_init (&complaint, 1000);
    apps_file_t *file = s_file (json, APP_READER_POSTOFFICE, &complaint);
    text_t values = apps_file_find (file, TEXT ("b"))->values;
    for (size_t at = 0; at < sizeof shown / sizeof *shown; at++)
        cr_expect (strstr (values.data, shown[at]), "%s\nis not in\n%s", shown[at], values.data);
    cr_expect_null (strstr (values.data, "hidden"));
    cr_expect_null (strstr (values.data, "pass@"));
    json_object *tree = json_tokener_parse (values.data);
    cr_assert (json_object_is_type (tree, json_type_array));
    json_object_put (tree);
    cr_expect (strstr (apps_file_find (file, TEXT ("a"))->values.data,
                       "{\"path\":\"bot.url\",\"value\":null,\"source\":\"unset\","));
    apps_file_destroy (&file);
    buffer_free (&complaint);
}

#define TOKEN_SECRET "0123456789abcdef0123456789abcdef"

static void
s_list_days (void *owner, const app_t *app)
{
    char *list = owner;
    size_t size = strlen (list);
    if (app->retention.is_there)
        snprintf (list + size, 100 - size, "%s%llu ", app->id.data,
                  (unsigned long long) app->retention.days);
    else
        snprintf (list + size, 100 - size, "%s- ", app->id.data);
}

Test (apps, each_app_has_a_time_of_its_own_or_none)
{
    place_t place;
    s_place (&place);
    s_write (place.file,
             "{\"apps\":[{\"appId\":\"c\",\"retention\":{\"days\":0}},"
             "{\"appId\":\"b\",\"retention\":{\"days\":30}},{\"appId\":\"a\"}]}");
    s_open (&place, "");
    char list[100] = "";
    apps_each (place.apps, s_list_days, list);
    cr_assert_str_eq (list, "a- b30 c0 ");
    s_leave (&place);
}

Test (apps, token_keys_are_read_by_the_edge_alone)
{
    static const char json[] =
        "{\"apps\":[{\"appId\":\"a\",\"tokens\":{\"keys\":[{\"kid\":\"k1\",\"algorithm\":"
        "\"HS256\",\"key\":\"" TOKEN_SECRET "\"},{\"kid\":\"k2\",\"algorithm\":\"HS256\","
        "\"key\":\"" TOKEN_SECRET "2\"}],\"audience\":\"chat\",\"anonymous\":false}},"
        "{\"appId\":\"b\"}]}";
    buffer_t complaint;
    buffer_init (&complaint, 1000);
    apps_file_t *edge = s_file (json, APP_READER_EDGE, &complaint);
    apps_file_t *other = s_file (json, APP_READER_POSTOFFICE, &complaint);
    cr_assert (edge && other, "%s", complaint.data);
    const app_t *a = apps_file_find (edge, TEXT ("a")), *b = apps_file_find (edge, TEXT ("b"));
    cr_assert_eq (token_keys_count (a->tokens.keys), 2);
    cr_assert_str_eq (a->tokens.audience.data, "chat");
    cr_assert (!a->tokens.anonymous && !a->tokens.ends_chats);
    cr_assert (!b->tokens.keys && b->tokens.anonymous);
    cr_assert_null (apps_file_first (other)->tokens.keys);
    apps_file_destroy (&edge);
    apps_file_destroy (&other);
}

#define KEY_HASH "sha256:a3db06f6aacc3af690cc929132b2d35aa59a13ba2a37e852a70a3ec824c48b3b"
#define KEY_ROW "{\"name\":\"crm\",\"hash\":\"" KEY_HASH "\""

Test (apps, api_keys_are_read_by_the_edge_alone)
{
    static const char json[] = "{\"apps\":[{\"appId\":\"a\",\"apiKeys\":{\"keys\":[" KEY_ROW
                               "}]}},{\"appId\":\"b\",\"apiKeys\":{\"keys\":[" KEY_ROW
                               ",\"scopes\":[\"session_read\",\"SESSION_OPEN\"]}]}},"
                               "{\"appId\":\"c\",\"apiKeys\":{\"keys\":[" KEY_ROW
                               ",\"scopes\":[]}]}},{\"appId\":\"d\",\"apiKeys\":{\"keys\":[]}},"
                               "{\"appId\":\"e\"}]}";
    static const text_t key =
        TEXT ("stk_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    static const struct {
        const char *app;
        uint64_t may;
    } rows[] = { { "a", UINT64_MAX },
                 { "b", PERMISSION_BIT (PERMIT_SESSION_READ)
                            | PERMISSION_BIT (PERMIT_SESSION_OPEN) },
                 { "c", 0 } };
    buffer_t complaint;
    buffer_init (&complaint, 1000);
    apps_file_t *edge = s_file (json, APP_READER_EDGE, &complaint);
    apps_file_t *other = s_file (json, APP_READER_POSTOFFICE, &complaint);
    cr_assert (edge && other, "%s", complaint.data);
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        const app_t *app = apps_file_find (edge, text_of (rows[at].app));
        cr_assert_eq (api_keys_find (app->api_keys.keys, key)->may, rows[at].may, "%zu", at);
    }
    cr_assert_null (apps_file_find (edge, TEXT ("d"))->api_keys.keys);
    cr_assert_null (apps_file_find (edge, TEXT ("e"))->api_keys.keys);
    cr_assert_null (apps_file_first (other)->api_keys.keys);
    apps_file_destroy (&edge);
    apps_file_destroy (&other);
}

Test (apps, an_api_key_that_is_none_is_refused_with_its_line)
{
    static const struct {
        const char *keys, *complaint;
    } rows[] = {
        { "{}", "line 2: \"keys\" is missing" },
        { "[]", "line 2: \"apiKeys\" must be an object" },
        { "{\"keys\":[{\"hash\":\"" KEY_HASH "\"}]}", "\"name\" is missing" },
        { "{\"keys\":[{\"name\":\"crm\"}]}", "\"hash\" is missing" },
        { "{\"keys\":[{\n\"name\":\"a b\",\"hash\":\"" KEY_HASH "\"}]}", "line 3: an API key" },
        { "{\"keys\":[{\"name\":\"theRouter\",\"hash\":\"" KEY_HASH "\"}]}", "\"router\"" },
        { "{\"keys\":[{\"name\":\"crm\",\n\"hash\":\"stk_00\"}]}", "line 3: an API key's" },
        { "{\"keys\":[" KEY_ROW ",\"scopes\":[\n\"session_raed\"]}]}",
          "line 3: a scope must be a permission" },
        { "{\"keys\":[" KEY_ROW ",\"key\":\"stk_00\"}]}", "\"key\" is no member" },
        { "{\"keys\":[" KEY_ROW "},\n" KEY_ROW "}]}", "line 3: two keys" },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        char json[600];
        buffer_t complaint;
        buffer_init (&complaint, 1000);
        snprintf (json, sizeof json, "{\"apps\":[{\"appId\":\"a\",\n\"apiKeys\":%s}]}",
                  rows[at].keys);
        cr_assert_null (s_file (json, APP_READER_EDGE, &complaint), "%s", json);
        (void) !buffer_put (&complaint, "", 1);
        cr_assert (strstr (complaint.data, rows[at].complaint), "%s", complaint.data);
        buffer_free (&complaint);
    }
}

Test (apps, a_key_that_is_none_is_refused_with_its_line)
{
    static const struct {
        const char *tokens, *complaint;
    } rows[] = {
        {"{\"keys\":[{\"kid\":\"k\",\"algorithm\":\"HS256\",\n\"key\":\"short\"}]}", "32 bytes"},
        {"{\"keys\":[{\"kid\":\"k\",\"algorithm\":\"RS256\",\n\"key\":\"" TOKEN_SECRET "\"}]}",
         "PEM"},
        {"{\"keys\":[{\"kid\":\"k\",\n\"algorithm\":\"none\",\"key\":\"" TOKEN_SECRET "\"}]}",
         "HS256, RS256 or ES256"},
        {"{\"keys\":[{\"kid\":\"k\",\"algorithm\":\"HS256\"}]}", "1 to 65536 bytes"},
        {"{\"jwks\":\"{}\"}", "JWK set"},
        {"{\"anonymous\":\"no\"}", "true or false"},
        {"{}", "needs"},
        {"{\"keys\":[]}", "needs"},
        {"{\"keys\":[{\"kid\":\"k\",\"algorithm\":\"HS256\",\"key\":\"" TOKEN_SECRET "\\u0007\"}]}",
         "control character"},
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        char json[600];
        buffer_t complaint;
        buffer_init (&complaint, 1000);
        snprintf (json, sizeof json, "{\"apps\":[{\"appId\":\"a\",\n\"tokens\":%s}]}",
                  rows[at].tokens);
        cr_assert_null (s_file (json, APP_READER_EDGE, &complaint), "%s", json);
        (void) !buffer_put (&complaint, "", 1);
        cr_assert (strstr (complaint.data, rows[at].complaint), "%s", complaint.data);
        cr_assert_eq (strncmp (complaint.data, "line ", 5), 0, "%s", complaint.data);
        buffer_free (&complaint);
    }
}

//  An apps.json that names a key file.
static void
s_place_with_key (place_t *self, const char *key_file)
{
    char json[200];
    s_place (self);
    snprintf (
        json, sizeof json,
        "{\"apps\":[{\"appId\":\"a\",\"bot\":{\"url\":\"http://b/\",\n\"keyFile\":\"%s\"}}]}",
        key_file);
    s_write (self->file, json);
}

static void
s_write_beside (place_t *self, const char *name, const char *contents)
{
    char path[128];
    snprintf (path, sizeof path, "%s/%s", self->folder, name);
    s_write (path, contents);
}

Test (apps, a_secret_is_read_from_its_file_and_again_when_it_changes, .timeout = 60)
{
    place_t place;
    s_place_with_key (&place, "bot.key");
    s_write_beside (&place, "bot.key", "first\r\n");
    s_open (&place, "");
    cr_assert_str_eq (apps_find (place.apps, TEXT ("a"))->bot.key.data, "first");
    s_write_beside (&place, "bot.key", "second");
    uv_timer_t tick;
    uv_timer_init (place.loop, &tick);
    for (int turn = 0;
         turn < 200 && !text_is (apps_find (place.apps, TEXT ("a"))->bot.key, TEXT ("second"));
         turn++) {
        uv_timer_start (&tick, s_stop, 50, 0);
        uv_run (place.loop, UV_RUN_DEFAULT);
    }
    uv_close ((uv_handle_t *) &tick, NULL);
    cr_assert_str_eq (apps_find (place.apps, TEXT ("a"))->bot.key.data, "second");
    s_leave (&place);
}

typedef struct {
    char contents[40];
    size_t size; //  0: there is no such file
    char complaint[100];
} secret_case_t;

ParameterizedTestParameters (apps, secret_files)
{
    static secret_case_t cases[] = {
        { "", 0, "line 2: bot.key: No such file or directory" },
        { "\n", 1, "line 2: bot.key: the file is empty" },
        { "a\nb", 3, "line 2: \"bot.key\" has a control character in it" },
        { "a\0b", 3, "line 2: \"bot.key\" has a control character in it" },
        { "\xff", 1, "line 2: bot.key: not UTF-8" },
        { "good", 4, "" },
    };
    return cr_make_param_array (secret_case_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (secret_case_t *param, apps, secret_files)
{
    place_t place;
    s_place_with_key (&place, "bot.key");
    if (param->size) {
        char path[128];
        snprintf (path, sizeof path, "%s/bot.key", place.folder);
        FILE *file = fopen (path, "w");
        fwrite (param->contents, 1, param->size, file);
        fclose (file);
    }
    buffer_t complaint, warnings;
    buffer_init (&complaint, 1000);
    buffer_init (&warnings, 1000);
    int count = apps_check (place.file, APP_READER_STENTOR, NULL, &complaint, &warnings);
    cr_expect_eq (count, *param->complaint ? -1 : 1);
    cr_expect (text_is (buffer_text (&complaint), text_of (param->complaint)), "%.*s",
               TEXT_ARGS (buffer_text (&complaint)));
    //  A process that does not need the secret does not ask for its file.
    buffer_clear (&complaint);
    cr_expect_eq (apps_check (place.file, APP_READER_EDGE, NULL, &complaint, &warnings), 1);
    buffer_free (&complaint);
    buffer_free (&warnings);
}

Test (apps, a_newer_section_is_a_warning_with_its_line)
{
    place_t place;
    s_place (&place);
    s_write (place.file,
             "{\"later\":{},\n\"apps\":[\n{\"appId\":\"a\",\n\"genesis\":{\"x\":1}}]}");
    buffer_t complaint, warnings;
    buffer_init (&complaint, 1000);
    buffer_init (&warnings, 1000);
    cr_assert_eq (apps_check (place.file, APP_READER_EDGE, NULL, &complaint, &warnings), 1);
    cr_assert (
        text_is (
            buffer_text (&warnings),
            TEXT ("line 1: section \"later\" is not known to this program, and ignored\n"
                  "line 4: section \"genesis\" is not known to this program, and ignored\n")),
        "%.*s", TEXT_ARGS (buffer_text (&warnings)));
    buffer_free (&complaint);
    buffer_free (&warnings);
}

Test (apps, the_schema_is_json_and_knows_every_member)
{
    buffer_t schema;
    buffer_init (&schema, 1 << 20);
    cr_assert_eq (json_table_schema (&app_rows_table, "apps", &schema), 0);
    json_reading_t reading;
    struct json_object *tree =
        json_read (buffer_text (&schema),
                   &(json_limits_t){ .depth_most = 32, .values_most = 10000 }, &reading);
    cr_assert (tree);
    text_t printed = json_print (tree);
    static const char *const names[] = { "appId", "keyFile", "origins", "textLimit",
                                         "\"^//\":true" };
    for (size_t at = 0; at < sizeof names / sizeof *names; at++)
        cr_expect (memmem (printed.data, printed.size, names[at], strlen (names[at])), "%s",
                   names[at]);
    json_object_put (tree);
    buffer_free (&schema);
}
