#include "base/log.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/utf8.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

//  A line is never longer than what a pipe takes in one piece, so that lines of several processes
//  on one pipe do not mix and a pipe that poll calls writable does not block.
#define LINE_CEILING PIPE_BUF
#define LINE_TAIL sizeof ",\"cut\":true}\n"
#define FIELD_CEILING 300
//  The last words of a process are worth a wait; anything else is not worth stopping the loop.
#define FATAL_WAIT_MS 1000

static struct {
    char service[32];
    char node[64];
    log_level_t least;
    buffer_t line;
    int64_t dropped_untold;
} s_log = { .least = LOG_INFO };

static const char *const s_levels[] = { "debug", "info", "warn", "error", "fatal" };

enum { LINES_DEBUG, LINES_INFO, LINES_WARN, LINES_ERROR, LINES_FATAL, DROPPED, LEFT_OUT, COUNTS };

static const metric_row_t s_rows[COUNTS] = {
    [LINES_DEBUG] = { "log_lines_total", "level=\"debug\"", COUNTER, "log lines by level" },
    [LINES_INFO] = { "log_lines_total", "level=\"info\"", COUNTER, "log lines by level" },
    [LINES_WARN] = { "log_lines_total", "level=\"warn\"", COUNTER, "log lines by level" },
    [LINES_ERROR] = { "log_lines_total", "level=\"error\"", COUNTER, "log lines by level" },
    [LINES_FATAL] = { "log_lines_total", "level=\"fatal\"", COUNTER, "log lines by level" },
    [DROPPED] = { "log_lines_dropped_total", NULL, COUNTER,
                  "log lines lost because standard error was not read" },
    [LEFT_OUT] = { "log_lines_left_out_total", NULL, COUNTER,
                   "log lines left out by the rate limit" },
};
static int64_t s_counts[COUNTS];

void
log_start (const char *service, const char *node, log_level_t least)
{
    snprintf (s_log.service, sizeof s_log.service, "%s", service);
    snprintf (s_log.node, sizeof s_log.node, "%s", node);
    s_log.least = least;
    metrics_register (s_rows, s_counts, COUNTS);
}

int
log_level_of (const char *word)
{
    for (int level = LOG_DEBUG; level <= LOG_FATAL; level++)
        if (strcmp (word, s_levels[level]) == 0)
            return level;
    return -1;
}

//  A text of a peer becomes a JSON string whatever it holds: a byte that is not UTF-8 becomes '?'.
static int
s_put_checked (buffer_t *line, text_t text)
{
    char clean[FIELD_CEILING];
    size_t size = 0;
    while (text.size > 0 && size < sizeof clean) {
        size_t run = utf8_valid_size (text);
        text_t piece =
            run ? utf8_cut ((text_t){ text.data, run }, sizeof clean - size) : TEXT ("?");
        memcpy (clean + size, piece.data, piece.size);
        size += piece.size;
        if (piece.size < run)
            break; //  the field is full
        size_t read = run ? run : 1;
        text = (text_t){ text.data + read, text.size - read };
    }
    return buffer_put_json (line, (text_t){ clean, size });
}

static int
s_put_pair (buffer_t *line, const char *key, text_t value)
{
    int rc = buffer_put_string (line, line->size ? ",\"" : "{\"");
    if (rc == 0)
        rc = buffer_put_string (line, key);
    if (rc == 0)
        rc = buffer_put_string (line, "\":");
    if (rc == 0)
        rc = s_put_checked (line, value);
    return rc;
}

static int
s_put_field (buffer_t *line, const log_field_t *field)
{
    if (field->type == LOG_FIELD_TEXT)
        return s_put_pair (line, field->key, field->text);
    char pair[128];
    int size = snprintf (pair, sizeof pair, ",\"%s\":%lld", field->key, (long long) field->number);
    if (size < 0 || (size_t) size >= sizeof pair)
        return -1;
    return buffer_put (line, pair, (size_t) size);
}

static int
s_put_time (buffer_t *line)
{
    struct timespec now;
    struct tm parts;
    clock_gettime (CLOCK_REALTIME, &now);
    gmtime_r (&now.tv_sec, &parts);
    char seconds[32], whole[48];
    strftime (seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf (whole, sizeof whole, "%s.%03uZ", seconds, (unsigned) (now.tv_nsec / 1000000));
    return s_put_pair (line, "time", text_of (whole));
}

//  Fields that do not fit are left out, and the line says so.
static void
s_compose (log_level_t level, const char *event, const log_field_t *fields, size_t count)
{
    buffer_t *line = &s_log.line;
    line->ceiling = LINE_CEILING - LINE_TAIL;
    buffer_clear (line);
    int rc = s_put_time (line);
    rc |= s_put_pair (line, "level", text_of (s_levels[level]));
    rc |= s_put_pair (line, "service", text_of (s_log.service));
    rc |= s_put_pair (line, "node", text_of (s_log.node));
    rc |= s_put_pair (line, "event", text_of (event));
    for (size_t at = 0; at < count; at++) {
        size_t before = line->size;
        if (s_put_field (line, &fields[at]) != 0) {
            line->size = before;
            rc = -1;
        }
    }
    line->ceiling = LINE_CEILING;
    if (buffer_put_string (line, rc == 0 ? "}\n" : ",\"cut\":true}\n") != 0)
        buffer_clear (line);
}

//  True when the line is out. Standard error belongs to others, too, so it is not made
//  non-blocking; it is asked before it is written to.
static bool
s_put_out (int wait_ms)
{
    struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
    if (poll (&out, 1, wait_ms) != 1 || !(out.revents & POLLOUT))
        return false;
    ssize_t written;
    do
        written = write (STDERR_FILENO, s_log.line.data, s_log.line.size);
    while (written == -1 && errno == EINTR);
    return written != -1;
}

//  False when the line is lost.
static bool
s_write (log_level_t level, const char *event, const log_field_t *fields, size_t count)
{
    s_compose (level, event, fields, count);
    if (!s_put_out (level == LOG_FATAL ? FATAL_WAIT_MS : 0))
        return false;
    s_counts[LINES_DEBUG + level]++;
    return true;
}

void
log_write (log_level_t level, const char *event, const log_field_t *fields, size_t count)
{
    if (level < s_log.least)
        return;
    int errno_before = errno; //  logging an error must not change it
    //  What was dropped is said as soon as somebody reads again.
    log_field_t lines = log_number ("lines", s_log.dropped_untold);
    if (s_log.dropped_untold > 0 && s_write (LOG_WARN, "log lines were dropped", &lines, 1))
        s_log.dropped_untold = 0;
    if (!s_write (level, event, fields, count)) {
        s_counts[DROPPED]++;
        s_log.dropped_untold++;
    }
    errno = errno_before;
}

// ---------------------------------------------------------------------------------------------
//  Limits

static log_limit_t *s_limits;

//  A period ends when the clock says so and something wants to know.
static void
s_end_period (log_limit_t *limit)
{
    uint64_t left_out = limit->left_out;
    limit->lines = limit->left_out = 0;
    limit->until_ms = 0;
    if (left_out == 0)
        return;
    const log_field_t fields[] = { log_string ("of", limit->event),
                                   log_number ("lines", (int64_t) left_out),
                                   log_string ("about", limit->about ? limit->about : "") };
    log_write (limit->level, "lines left out", fields, limit->about ? 3 : 2);
}

bool
log_limit_allows (log_limit_t *self)
{
    if (self->level < s_log.least)
        return false;
    uint64_t now = clock_mono_ms ();
    if (self->until_ms && now >= self->until_ms)
        s_end_period (self);
    if (!self->until_ms) {
        self->until_ms = now + LOG_LIMIT_MS;
        bool known = false;
        for (const log_limit_t *limit = s_limits; limit && !known; limit = limit->next)
            known = limit == self;
        if (!known) {
            self->next = s_limits;
            s_limits = self;
        }
    }
    if (self->lines < LOG_LIMIT_LINES) {
        self->lines++;
        return true;
    }
    self->left_out++;
    s_counts[LEFT_OUT]++;
    return false;
}

void
log_limits_tick (void)
{
    uint64_t now = clock_mono_ms ();
    for (log_limit_t *limit = s_limits; limit; limit = limit->next)
        if (limit->until_ms && now >= limit->until_ms)
            s_end_period (limit);
}
