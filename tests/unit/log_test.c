//  log — one JSON object per line whatever a peer puts into it, and never a stop for a full pipe.

#include "base/buffer.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/log.h"
#include "json/json_read.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static int s_pipe[2];
static int s_stderr;

//  From here to s_caught standard error is a pipe that nobody reads.
static void
s_catch (void)
{
    cr_assert_eq (pipe2 (s_pipe, O_CLOEXEC), 0);
    cr_assert_neq (fcntl (s_pipe[0], F_SETFL, O_NONBLOCK), -1);
    s_stderr = fcntl (STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    dup2 (s_pipe[1], STDERR_FILENO);
}

static const char *
s_read (void)
{
    static char lines[200000];
    ssize_t size = read (s_pipe[0], lines, sizeof lines - 1);
    lines[size > 0 ? size : 0] = '\0';
    return lines;
}

static const char *
s_caught (void)
{
    const char *lines = s_read ();
    dup2 (s_stderr, STDERR_FILENO);
    close (s_stderr);
    close (s_pipe[0]);
    close (s_pipe[1]);
    return lines;
}

static struct json_object *
s_json (const char *line)
{
    size_t size = strlen (line);
    cr_assert (size > 0 && strchr (line, '\n') == line + size - 1, "not one line: %s", line);
    const json_limits_t limits = { .depth_most = 8, .values_most = 1000 };
    json_reading_t reading;
    struct json_object *object = json_read (text_of (line), &limits, &reading);
    cr_assert_not_null (object, "no JSON: %s", line);
    return object;
}

static const char *
s_member (struct json_object *object, const char *key)
{
    return json_object_get_string (json_object_object_get (object, key));
}

Test (log, a_line_is_a_json_object)
{
    log_start ("edge", "edge-1", LOG_INFO);
    s_catch ();
    log_info ("session opened", log_string ("session", "demo/s-1"), log_number ("seq", -5));
    struct json_object *line = s_json (s_caught ());
    cr_assert_str_eq (s_member (line, "level"), "info");
    cr_assert_str_eq (s_member (line, "service"), "edge");
    cr_assert_str_eq (s_member (line, "node"), "edge-1");
    cr_assert_str_eq (s_member (line, "event"), "session opened");
    cr_assert_str_eq (s_member (line, "session"), "demo/s-1");
    cr_assert_eq (json_object_get_int64 (json_object_object_get (line, "seq")), -5);
    const char *time = s_member (line, "time");
    cr_assert (strlen (time) == 24 && time[4] == '-' && time[10] == 'T' && time[19] == '.'
               && time[23] == 'Z');
    json_object_put (line);
}

Test (log, lines_below_the_level_are_not_written)
{
    log_start ("edge", "edge-1", LOG_WARN);
    s_catch ();
    log_info ("not this one", log_number ("number", 1));
    log_debug ("nor this one", log_number ("number", 2));
    cr_assert_str_eq (s_caught (), "");
}

Test (log, levels_have_names)
{
    cr_assert_eq (log_level_of ("debug"), LOG_DEBUG);
    cr_assert_eq (log_level_of ("fatal"), LOG_FATAL);
    cr_assert_eq (log_level_of ("INFO"), -1);
    cr_assert_eq (log_level_of (""), -1);
}

Test (log, errno_stays_as_it_was)
{
    log_start ("edge", "edge-1", LOG_INFO);
    s_catch ();
    errno = ENOENT;
    log_warn ("failed", log_string ("error", "x"));
    cr_assert_eq (errno, ENOENT);
    (void) s_caught ();
}

typedef struct {
    char bytes[24];
    size_t size;
    char shown[64];
} text_case_t;

ParameterizedTestParameters (log, texts_of_peers)
{
    static text_case_t cases[] = {
        { "", 0, "" },
        { "\"\\\n", 3, "\"\\\n" },
        { "gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f" },
        { "\xe2\x82\xac\xf0\x9f\x98\x80", 7, "\xe2\x82\xac\xf0\x9f\x98\x80" },
        { "a\xff" "b", 3, "a?b" },
        { "\xc3", 1, "?" },                  //  cut in the middle
        { "\xe2\x82", 2, "??" },
        { "\xc0\xaf", 2, "??" },             //  overlong
        { "\xe0\x9f\xbf", 3, "???" },
        { "\xf0\x8f\xbf\xbf", 4, "????" },
        { "\xed\xa0\x80", 3, "???" },        //  a surrogate
        { "\xf4\x90\x80\x80", 4, "????" },   //  beyond the last one
        { "\xf5\x80\x80\x80", 4, "????" },
        { "\x80", 1, "?" },
        { "\xe2\x28\xa1", 3, "?(?" },
    };
    return cr_make_param_array (text_case_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (text_case_t *with, log, texts_of_peers)
{
    log_start ("edge", "edge-1", LOG_INFO);
    s_catch ();
    log_info ("said", log_text ("what", (text_t){ with->bytes, with->size }));
    struct json_object *line = s_json (s_caught ());
    cr_assert_str_eq (s_member (line, "what"), with->shown);
    json_object_put (line);
}

Test (log, long_texts_are_cut_between_characters)
{
    char text[1001];
    memset (text, 'x', 299);
    for (size_t at = 299; at + 1 < sizeof text; at += 2)
        memcpy (text + at, "\xc3\xbc", 2);
    log_start ("edge", "edge-1", LOG_INFO);
    s_catch ();
    log_info ("said", log_text ("what", (text_t){ text, sizeof text }));
    struct json_object *line = s_json (s_caught ());
    cr_assert_eq (strlen (s_member (line, "what")), 299);
    json_object_put (line);
}

Test (log, what_does_not_fit_is_left_out_and_said)
{
    char text[300];
    memset (text, '\1', sizeof text); //  six times as long in JSON
    text_t long_text = { text, sizeof text };
    log_start ("edge", "edge-1", LOG_INFO);
    s_catch ();
    log_info ("said", log_text ("a", long_text), log_text ("b", long_text),
              log_text ("c", long_text), log_number ("d", 4));
    const char *caught = s_caught ();
    cr_assert_leq (strlen (caught), 4096);
    struct json_object *line = s_json (caught);
    cr_assert (json_object_object_get_ex (line, "b", NULL));
    cr_assert_not (json_object_object_get_ex (line, "c", NULL));
    cr_assert_eq (json_object_get_int64 (json_object_object_get (line, "d")), 4);
    cr_assert (json_object_get_boolean (json_object_object_get (line, "cut")));
    json_object_put (line);
}

static unsigned
s_times (const char *lines, const char *what)
{
    unsigned times = 0;
    for (const char *at = strstr (lines, what); at; at = strstr (at + 1, what))
        times++;
    return times;
}

Test (log, a_full_pipe_stops_nothing_and_is_told_afterwards, .timeout = 30)
{
    enum { LINES = 2000 };
    log_start ("edge", "edge-1", LOG_INFO);
    s_catch ();
    for (int line = 0; line < LINES; line++)
        log_info ("many", log_number ("line", line), log_string ("filler", "some more bytes"));
    unsigned written = s_times (s_read (), "\"event\":\"many\"");
    log_info ("after", log_number ("line", LINES));
    const char *lines = s_caught ();
    cr_assert (written > 100 && written < LINES, "%u lines", written);
    char told[80];
    snprintf (told, sizeof told, "\"event\":\"log lines were dropped\",\"lines\":%u}",
              LINES - written);
    cr_assert_eq (s_times (lines, told), 1, "%s", lines);
    cr_assert_eq (s_times (lines, "\"event\":\"after\""), 1);

    buffer_t page;
    buffer_init (&page, 10000);
    cr_assert_eq (metrics_print (&page), 0);
    cr_assert_eq (buffer_put (&page, "", 1), 0);
    char sample[80];
    snprintf (sample, sizeof sample, "stentor_log_lines_dropped_total %u\n", LINES - written);
    cr_assert_eq (s_times (page.data, sample), 1, "%s", page.data);
    buffer_free (&page);
}

Test (log, nobody_at_the_other_end_is_no_reason_to_die, .timeout = 30)
{
    signal (SIGPIPE, SIG_IGN);
    log_start ("edge", "edge-1", LOG_INFO);
    s_catch ();
    close (s_pipe[0]);
    log_info ("into the void", log_number ("line", 1));
    log_fatal ("into the void", log_number ("line", 2));
    dup2 (s_stderr, STDERR_FILENO);
    close (s_stderr);
    close (s_pipe[1]);
}

static unsigned
s_count (const char *lines, const char *words)
{
    unsigned count = 0;
    for (const char *at = lines; (at = strstr (at, words)); at++)
        count++;
    return count;
}

Test (log, what_comes_too_often_is_left_out_and_said_to_be)
{
    static log_limit_t limit = { .level = LOG_INFO, .event = "refused", .about = "busy" };
    static log_limit_t other = LOG_LIMIT (LOG_INFO, "else");
    log_start ("edge", "edge-1", LOG_INFO);
    s_catch ();
    for (int at = 0; at < 1000; at++)
        if (log_limit_allows (&limit))
            log_info ("refused", log_string ("verdict", "busy"));
    if (log_limit_allows (&other))
        log_info ("else", log_number ("at", 1));
    log_limits_tick (); //  the period is not over
    const char *lines = s_read ();
    cr_assert_eq (s_count (lines, "\"refused\""), LOG_LIMIT_LINES);
    cr_assert_eq (s_count (lines, "\"else\""), 1);
    cr_assert_eq (s_count (lines, "left out"), 0);
    limit.until_ms = clock_mono_ms ();
    log_limits_tick ();
    log_limits_tick ();
    if (log_limit_allows (&limit))
        log_info ("refused", log_string ("verdict", "busy"));
    lines = s_caught ();
    cr_assert_eq (s_count (lines, "\"lines left out\",\"of\":\"refused\",\"lines\":980,"
                                  "\"about\":\"busy\""), 1, "%s", lines);
    cr_assert_eq (s_count (lines, "left out"), 1);
    cr_assert_eq (s_count (lines, "\"verdict\""), 1);
}

Test (log, a_limit_of_a_level_that_is_not_logged_counts_nothing)
{
    static log_limit_t limit = LOG_LIMIT (LOG_DEBUG, "noise");
    log_start ("edge", "edge-1", LOG_INFO);
    for (int at = 0; at < 100; at++)
        cr_assert_not (log_limit_allows (&limit));
    cr_assert_eq (limit.left_out, 0);
}
