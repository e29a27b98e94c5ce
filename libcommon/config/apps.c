#include "config/apps.h"

#include "base/alloc.h"
#include "base/metrics.h"
#include "base/log.h"
#include "config/apps_file.h"
#include "files/file_watch.h"
#include "files/small_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define LOOK_EVERY_MS 1000
//  The one app when neither a file nor an id is set.
#define APP_ID_USUAL "demo"

enum { READ_AGAIN, REFUSED, APPS, COUNTS };
static int64_t s_counts[COUNTS];
static const metric_row_t s_rows[COUNTS] = {
    [READ_AGAIN] = { "apps_reloads_total", "result=\"ok\"", COUNTER,
                     "changed apps files that were read" },
    [REFUSED] = { "apps_reloads_total", "result=\"refused\"", COUNTER,
                  "changed apps files that were read" },
    [APPS] = { "apps", NULL, GAUGE, "apps in use" },
};

#define LINES_MOST 4096 //  bytes of complaints and of warnings

//  A file of a secret that the apps name, as it was when it was read.
typedef struct {
    char *path;
    struct stat seen;
    int error;
} secret_t;

//  One look at the files, in libuv's thread pool: a disk may be slow, the loop must not be.
typedef struct {
    const char *file;
    const char *app_id; //  that the file must have; "": none
    app_reader_t reader;
    app_out_urls_t out;
    bool is_others;   //  another process' reading: files of its secrets are not ours to read
    struct stat seen; //  the file that we have or had; zero at first
    int error;        //  errno, 0 when it was read
    secret_t *secrets;
    size_t secret_count;
    bool is_new;       //  something has changed, or cannot be had any more
    apps_file_t *rows; //  what it brought then; NULL: a complaint
    buffer_t complaint;
    buffer_t warnings;
} look_t;

struct apps {
    file_watch_t *watch; //  NULL without a file
    look_t look;
    char *file;
    char *app_id;
    apps_file_t *rows;
    uint64_t changes;
    apps_file_t *older; //  may still be borrowed from in the turn in which it was replaced
};

static void
s_look_init (look_t *self, const char *file, const char *app_id, app_reader_t reader,
             const app_out_urls_t *out)
{
    *self = (look_t){ .file = file, .app_id = app_id, .reader = reader };
    if (out)
        self->out = *out;
    buffer_init (&self->complaint, LINES_MOST);
    buffer_init (&self->warnings, LINES_MOST);
}

static void
s_forget_secrets (look_t *self)
{
    for (size_t at = 0; at < self->secret_count; at++)
        free (self->secrets[at].path);
    free (self->secrets);
    self->secrets = NULL;
    self->secret_count = 0;
}

static void
s_look_free (look_t *self)
{
    apps_file_destroy (&self->rows);
    s_forget_secrets (self);
    buffer_free (&self->complaint);
    buffer_free (&self->warnings);
}

//  The path begins at the folder of the apps file.
static char *
s_secret_path (const look_t *self, text_t path)
{
    const char *slash = strrchr (self->file, '/');
    size_t folder = *path.data == '/' || !slash ? 0 : (size_t) (slash - self->file) + 1;
    char *whole = alloc_zeroed (folder + path.size + 1);
    memcpy (whole, self->file, folder);
    memcpy (whole + folder, path.data, path.size);
    return whole;
}

static const char *
s_read_secret (void *owner, text_t path, buffer_t *to)
{
    look_t *self = owner;
    self->secrets =
        alloc_resized (self->secrets, (self->secret_count + 1) * sizeof *self->secrets);
    secret_t *secret = &self->secrets[self->secret_count++];
    *secret = (secret_t){ .path = s_secret_path (self, path) };
    secret->error = small_file_read (secret->path, to, &secret->seen);
    return secret->error ? small_file_words (secret->error) : NULL;
}

static bool
s_has_changed (const char *path, const struct stat *seen, int had_error)
{
    struct stat now;
    int error = stat (path, &now) == 0 ? 0 : errno;
    return error ? error != had_error : !small_file_is_same (&now, seen);
}

//  A default app that is none would quietly be another customer's.
static void
s_check_default (look_t *self)
{
    if (!self->rows || !*self->app_id || apps_file_find (self->rows, text_of (self->app_id)))
        return;
    char line[200];
    snprintf (line, sizeof line, "it has no app \"%.100s\", which STUDIO_APP_ID names",
              self->app_id);
    (void) !buffer_put_string (&self->complaint, line);
    apps_file_destroy (&self->rows);
}

//  Reads all that is there now.
static void
s_read (look_t *self)
{
    buffer_t bytes;
    buffer_init (&bytes, APPS_FILE_LIMIT);
    buffer_clear (&self->complaint);
    buffer_clear (&self->warnings);
    s_forget_secrets (self);
    self->error = small_file_read (self->file, &bytes, &self->seen);
    if (self->error == 0)
        self->rows = apps_file_new (buffer_text (&bytes),
                                    &(apps_reading_t){ .reader = self->reader,
                                                       .out = self->out,
                                                       .read_secret = self->is_others
                                                                          ? NULL
                                                                          : s_read_secret,
                                                       .owner = self,
                                                       .complaint = &self->complaint,
                                                       .warnings = &self->warnings });
    else
        (void) !buffer_put_string (&self->complaint, small_file_words (self->error));
    s_check_default (self);
    buffer_free (&bytes);
}

//  Follows links at each look, so the swap of a directory link (Kubernetes) is a change as well.
static void
s_look (void *apps)
{
    look_t *self = &((apps_t *) apps)->look;
    self->is_new = s_has_changed (self->file, &self->seen, self->error);
    for (size_t at = 0; at < self->secret_count && !self->is_new; at++) {
        const secret_t *secret = &self->secrets[at];
        self->is_new = s_has_changed (secret->path, &secret->seen, secret->error);
    }
    if (self->is_new)
        s_read (self);
}

static void
s_free (void *apps)
{
    apps_t *self = apps;
    apps_file_destroy (&self->rows);
    apps_file_destroy (&self->older);
    s_look_free (&self->look);
    free (self->file);
    free (self->app_id);
    free (self);
}

static void
s_log_warnings (apps_t *self)
{
    text_t rest = buffer_text (&self->look.warnings);
    const char *end;
    while (rest.size > 0 && (end = memchr (rest.data, '\n', rest.size))) {
        size_t size = (size_t) (end - rest.data);
        log_warn ("part of the apps file is ignored", log_string ("file", self->file),
                  log_text ("complaint", (text_t){ rest.data, size }));
        rest = (text_t){ end + 1, rest.size - size - 1 };
    }
}

static void
s_use (apps_t *self)
{
    apps_file_t *rows = self->look.rows;
    self->look.rows = NULL;
    if (rows) {
        apps_file_destroy (&self->older);
        self->older = self->rows;
        self->rows = rows;
        self->changes++;
        s_counts[APPS] = (int64_t) apps_file_size (rows);
        s_counts[READ_AGAIN]++;
        log_info ("apps file read again", log_string ("file", self->file),
                  log_number ("apps", s_counts[APPS]));
        s_log_warnings (self);
    } else {
        s_counts[REFUSED]++;
        log_error ("apps file refused, the old one stays", log_string ("file", self->file),
                   log_text ("complaint", buffer_text (&self->look.complaint)));
    }
}

static void
s_looked (void *apps)
{
    apps_t *self = apps;
    if (self->look.is_new)
        s_use (self);
}

//  Without rows, and with a complaint, when it fails. The first look is before the loop turns: it
//  may wait for the disk.
static void
s_watch (apps_t *self, uv_loop_t *loop, const apps_config_t *config, buffer_t *complaint)
{
    s_look_init (&self->look, self->file, self->app_id, config->reader, &config->out);
    s_read (&self->look);
    self->rows = self->look.rows;
    self->look.rows = NULL;
    if (!self->rows) {
        char line[1500];
        snprintf (line, sizeof line, "%.400s: %.*s", self->file,
                  TEXT_ARGS (buffer_text (&self->look.complaint)));
        (void) !buffer_put_string (complaint, line);
        return;
    }
    s_log_warnings (self);
    static const file_watch_events_t events = { .look = s_look,
                                                .looked = s_looked,
                                                .gone = s_free };
    self->watch = file_watch_new (loop, &events, LOOK_EVERY_MS, self);
}

apps_t *
apps_new (uv_loop_t *loop, const apps_config_t *config, buffer_t *complaint)
{
    static bool is_registered;
    if (!is_registered)
        metrics_register (s_rows, s_counts, COUNTS);
    is_registered = true;

    apps_t *self = alloc_zeroed (sizeof *self);
    self->file = alloc_string (config->file);
    bool is_usual = !*config->app_id && !*config->file;
    self->app_id = alloc_string (is_usual ? APP_ID_USUAL : config->app_id);
    if (*self->file != '\0')
        s_watch (self, loop, config, complaint);
    else
        self->rows = apps_file_of_one (&(app_t){ .id = text_of (self->app_id),
                                                 .bot = { .url = text_of (config->bot_url),
                                                          .key = text_of (config->bot_key),
                                                          .name = text_of (config->bot_name) },
                                                 .text_limit = config->text_limit },
                                       complaint);
    if (!self->rows) {
        s_free (self);
        return NULL;
    }
    s_counts[APPS] = (int64_t) apps_file_size (self->rows);
    return self;
}

void
apps_destroy (apps_t **self_p)
{
    apps_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    if (self->watch)
        file_watch_end (&self->watch);
    else
        s_free (self);
}

uint64_t
apps_changes (const apps_t *self)
{
    return self->changes;
}

const app_t *
apps_find (const apps_t *self, text_t id)
{
    const app_t *app = apps_file_find (self->rows, id.size ? id : text_of (self->app_id));
    return app || id.size ? app : apps_file_first (self->rows);
}

void
apps_each (const apps_t *self, void (*each) (void *owner, const app_t *app), void *owner)
{
    for (size_t at = 0; at < apps_file_size (self->rows); at++)
        each (owner, apps_file_at (self->rows, at));
}

bool
apps_allows_origin (const apps_t *self, text_t id, text_t origin)
{
    const app_t *app = apps_find (self, id);
    if (!app)
        return false;
    bool is_allowed = app->origins.count == 0 || origin.size == 0;
    for (size_t at = 0; at < app->origins.count && !is_allowed; at++)
        is_allowed = app->origins.items[at].size == origin.size
                     && strncasecmp (app->origins.items[at].data, origin.data, origin.size) == 0;
    return is_allowed;
}

//  All processes are given the same file.
static bool
s_is_refused_as (const char *file, app_reader_t reader, const char *name, buffer_t *complaint)
{
    look_t look;
    char words[60];
    s_look_init (&look, file, "", reader, NULL);
    look.is_others = true;
    s_read (&look);
    bool is_refused = !look.rows;
    snprintf (words, sizeof words, " (refused by %s)", name);
    if (is_refused)
        (void) !(buffer_put_text (complaint, buffer_text (&look.complaint)) == 0
                 && buffer_put_string (complaint, words) == 0);
    s_look_free (&look);
    return is_refused;
}

int
apps_check (const char *file, app_reader_t reader, const app_out_urls_t *out, buffer_t *complaint,
            buffer_t *warnings)
{
    look_t look;
    s_look_init (&look, file, "", reader, out);
    s_read (&look);
    for (unsigned at = 0; look.rows && app_reader_names[at]; at++)
        if (1u << at != reader
            && s_is_refused_as (file, (app_reader_t) (1u << at), app_reader_names[at],
                                &look.complaint))
            apps_file_destroy (&look.rows);
    (void) !buffer_put_text (complaint, buffer_text (&look.complaint));
    (void) !buffer_put_text (warnings, buffer_text (&look.warnings));
    int count = look.rows ? (int) apps_file_size (look.rows) : -1;
    s_look_free (&look);
    return count;
}
