#include "config/apps.h"

#include "base/alloc.h"
#include "base/metrics.h"
#include "base/log.h"
#include "config/apps_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_EVERY_MS 1000

enum { READ_AGAIN, REFUSED, APPS, COUNTS };
static int64_t s_counts[COUNTS];
static const metric_row_t s_rows[COUNTS] = {
    [READ_AGAIN] = { "apps_reloads_total", "result=\"ok\"", COUNTER,
                     "changed apps files that were read" },
    [REFUSED] = { "apps_reloads_total", "result=\"refused\"", COUNTER,
                  "changed apps files that were read" },
    [APPS] = { "apps", NULL, GAUGE, "apps in use" },
};

//  One look at the file, in libuv's thread pool: a disk may be slow, the loop must not be.
typedef struct {
    uv_work_t work;
    const char *file;
    struct stat seen; //  the file whose bytes we have or had; zero at first
    bool is_new;      //  it has changed, or cannot be had any more
    int error;        //  errno, 0 when the bytes are there
    buffer_t bytes;
} look_t;

struct apps {
    uv_timer_t timer;
    bool has_timer;
    bool is_looking;
    bool is_ending;
    look_t look;
    char *file;
    char *app_id;
    apps_file_t *rows;
    apps_file_t *older; //  may still be borrowed from in the turn in which it was replaced
};

static bool
s_is_same (const struct stat *left, const struct stat *right)
{
    return left->st_dev == right->st_dev && left->st_ino == right->st_ino
           && left->st_size == right->st_size && left->st_mtim.tv_sec == right->st_mtim.tv_sec
           && left->st_mtim.tv_nsec == right->st_mtim.tv_nsec
           && left->st_ctim.tv_sec == right->st_ctim.tv_sec
           && left->st_ctim.tv_nsec == right->st_ctim.tv_nsec;
}

//  Reads what is there now. The descriptor's own stat is what is remembered: a file that changes
//  while it is read, or between two looks, is another one at the next look.
static int
s_take (look_t *self, int file)
{
    buffer_clear (&self->bytes);
    if (fstat (file, &self->seen) != 0)
        return errno;
    if (!S_ISREG (self->seen.st_mode))
        return EINVAL;
    for (;;) {
        char part[16384];
        ssize_t size = read (file, part, sizeof part);
        if (size < 0)
            return errno;
        if (size == 0)
            return 0;
        if (buffer_put (&self->bytes, part, (size_t) size) != 0)
            return EFBIG;
    }
}

//  Follows links at each look, so the swap of a directory link (Kubernetes) is a change as well.
static void
s_look (uv_work_t *work)
{
    look_t *self = work->data;
    struct stat now;
    int had_error = self->error;
    self->error = stat (self->file, &now) == 0 ? 0 : errno;
    self->is_new = self->error != had_error || (self->error == 0 && !s_is_same (&now, &self->seen));
    if (!self->is_new || self->error != 0)
        return;
    int file = open (self->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    self->error = file == -1 ? errno : s_take (self, file);
    if (file == -1)
        self->seen = (struct stat){ 0 };
    else
        close (file);
    self->is_new = self->error == 0 || self->error != had_error;
}

static const char *
s_look_words (const look_t *self)
{
    return self->error == EFBIG    ? "the file is larger than its limit"
           : self->error == EINVAL ? "it is not a file"
                                   : strerror (self->error);
}

//  What the last look brought: NULL and a complaint, or the rows of the file.
static apps_file_t *
s_rows_of (look_t *self, buffer_t *complaint)
{
    apps_file_t *rows = NULL;
    if (self->error == 0)
        rows = apps_file_new (buffer_text (&self->bytes), complaint);
    else if (buffer_put_string (complaint, s_look_words (self)) != 0)
        buffer_clear (complaint);
    buffer_free (&self->bytes);
    return rows;
}

static void
s_free (apps_t *self)
{
    apps_file_destroy (&self->rows);
    apps_file_destroy (&self->older);
    buffer_free (&self->look.bytes);
    free (self->file);
    free (self->app_id);
    free (self);
}

static void
s_closed (uv_handle_t *handle)
{
    apps_t *self = handle->data;
    self->has_timer = false;
    if (!self->is_looking)
        s_free (self);
}

static void
s_replace (apps_t *self, apps_file_t *rows)
{
    apps_file_destroy (&self->older);
    self->older = self->rows;
    self->rows = rows;
    s_counts[APPS] = (int64_t) apps_file_size (rows);
}

static void
s_use (apps_t *self)
{
    buffer_t complaint;
    buffer_init (&complaint, 1000);
    apps_file_t *rows = s_rows_of (&self->look, &complaint);
    if (rows) {
        s_replace (self, rows);
        s_counts[READ_AGAIN]++;
        log_info ("apps file read again", log_string ("file", self->file),
                  log_number ("apps", s_counts[APPS]));
    } else {
        s_counts[REFUSED]++;
        log_error ("apps file refused, the old one stays", log_string ("file", self->file),
                   log_text ("complaint", buffer_text (&complaint)));
    }
    buffer_free (&complaint);
}

static void s_again (uv_timer_t *timer);

static void
s_looked (uv_work_t *work, int status)
{
    look_t *look = work->data;
    apps_t *self = (apps_t *) (void *) ((char *) look - offsetof (apps_t, look));
    self->is_looking = false;
    if (self->is_ending) {
        if (!self->has_timer)
            s_free (self);
        return;
    }
    if (status == 0 && look->is_new)
        s_use (self);
    uv_timer_start (&self->timer, s_again, LOOK_EVERY_MS, 0);
}

static void
s_again (uv_timer_t *timer)
{
    apps_t *self = timer->data;
    self->is_looking = true;
    int rc = uv_queue_work (timer->loop, &self->look.work, s_look, s_looked);
    assert (rc == 0);
}

//  Without rows, and with a complaint, when it fails.
static void
s_watch (apps_t *self, uv_loop_t *loop, buffer_t *complaint)
{
    buffer_t words;
    buffer_init (&words, 1000);
    self->look = (look_t){ .file = self->file };
    self->look.work.data = &self->look;
    buffer_init (&self->look.bytes, APPS_FILE_LIMIT);
    s_look (&self->look.work); //  the first look is before the loop turns: it may wait for the disk
    self->rows = s_rows_of (&self->look, &words);
    if (!self->rows) {
        char line[1500];
        snprintf (line, sizeof line, "%.400s: %.*s", self->file, TEXT_ARGS (buffer_text (&words)));
        if (buffer_put_string (complaint, line) != 0)
            buffer_clear (complaint);
        buffer_free (&words);
        return;
    }
    buffer_free (&words);
    uv_timer_init (loop, &self->timer);
    self->timer.data = self;
    self->has_timer = true;
    uv_timer_start (&self->timer, s_again, LOOK_EVERY_MS, 0);
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
    self->app_id = alloc_string (config->app_id);
    if (*self->file != '\0')
        s_watch (self, loop, complaint);
    else
        self->rows = apps_file_of_one (&(app_t){ .id = text_of (self->app_id),
                                                 .bot_url = text_of (config->bot_url),
                                                 .bot_key = text_of (config->bot_key),
                                                 .bot_name = text_of (config->bot_name),
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
    self->is_ending = true;
    if (self->has_timer)
        uv_close ((uv_handle_t *) &self->timer, s_closed);
    else
        s_free (self);
}

const app_t *
apps_find (const apps_t *self, text_t id)
{
    const app_t *app = apps_file_find (self->rows, id.size ? id : text_of (self->app_id));
    return app || id.size ? app : apps_file_first (self->rows);
}

bool
apps_allows_origin (const apps_t *self, text_t id, text_t origin)
{
    const app_t *app = apps_find (self, id);
    return app && (origin.size == 0 || apps_file_allows (self->rows, app, origin));
}
