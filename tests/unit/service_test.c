//  service — the life of a process, seen from outside: service_example.c is started, asked, ended.

#include "eventually.h"
#include "http_get.h"
#include "ports.h"
#include "process.h"

#include <criterion/criterion.h>
#include <math.h>
#include <netinet/in.h>
#include <signal.h>
#include <stentor_version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static uint16_t s_port;

//  The example with its operations port in s_port, and up to two more settings.
static process_t *
s_start (const char *setting, const char *another)
{
    static char port[32];
    s_port = ports_free ();
    snprintf (port, sizeof port, "OPERATIONS_PORT=%u", s_port);
    const char *settings[] = { port, setting, setting ? another : NULL, NULL };
    process_t *process = process_new ("example", "service_example", NULL, settings);
    cr_assert_not_null (process);
    process_set_operations_port (process, s_port);
    return process;
}

static process_t *
s_start_ready (const char *setting, const char *another)
{
    process_t *process = s_start (setting, another);
    cr_assert (process_wait_ready (process, 10000));
    return process;
}

static int
s_status (const char *target)
{
    http_answer_t answer = http_get (s_port, target, NULL);
    int status = answer.status;
    http_answer_free (&answer);
    return status;
}

//  The place of the first line with this text in the log; it must be there.
static size_t
s_place (const process_t *process, const char *text)
{
    char *log = process_log (process);
    const char *at = strstr (log, text);
    cr_assert_not_null (at, "no \"%s\" in: %s", text, log);
    size_t place = (size_t) (at - log);
    free (log);
    return place;
}

Test (service, lives_and_answers, .timeout = 60)
{
    process_t *process = s_start_ready ("NODE_NAME=example-7", NULL);
    cr_assert_eq (s_status ("/healthz"), 200);
    cr_assert_eq (s_status ("/readyz"), 200);
    static const char build[] = "stentor_build_info{service=\"example\",version=\"" STENTOR_VERSION
                                "\",revision=\"" STENTOR_REVISION "\"}";
    cr_assert_eq (process_metric (process, build), 1);
    cr_assert_eq (process_metric (process, "stentor_ready"), 1);
    double started = process_metric (process, "process_start_time_seconds");
    double now = (double) clock_wall_ms () / 1000;
    cr_assert (started <= now && started > now - 60);
    cr_assert_geq (process_metric (process, "process_cpu_seconds_total"), 0);
    cr_assert_gt (process_metric (process, "process_resident_memory_bytes"), 100000);
    cr_assert_gt (process_metric (process, "process_open_fds"), 4);
    cr_assert_gt (process_metric (process, "stentor_loop_iterations_total"), 1);
    cr_assert_gt (process_metric (process, "stentor_loop_iteration_longest_seconds"), 0);
    cr_assert_eq (process_log_count (process, "\"node\":\"example-7\""),
                  process_log_count (process, "\"time\":"));
    cr_assert_eq (process_stop (process, 10000), 0);
    process_destroy (&process);
}

Test (service, is_named_after_its_host_when_it_has_no_name, .timeout = 60)
{
    char host[256] = "", member[300];
    cr_assert_eq (gethostname (host, sizeof host - 1), 0);
    snprintf (member, sizeof member, "\"node\":\"%s\"", host);
    process_t *process = s_start_ready ("NODE_NAME=", NULL);
    cr_assert_gt (process_log_count (process, member), 0);
    cr_assert_eq (process_stop (process, 10000), 0);
    process_destroy (&process);
}

static void
s_drains_in_order (int signal_number)
{
    process_t *process = s_start_ready (NULL, NULL);
    process_kill (process, signal_number);
    EVENTUALLY (5000, s_status ("/readyz") == 503);
    cr_assert_eq (s_status ("/healthz"), 200, "it lives while it drains");
    cr_assert_eq (process_wait_exit (process, 10000), 0);
    cr_assert_lt (s_place (process, "\"event\":\"draining\""), s_place (process, "example drains"));
    cr_assert_lt (s_place (process, "example drains"), s_place (process, "example stops"));
    cr_assert_lt (s_place (process, "example stops"), s_place (process, "\"event\":\"ended\""));
    process_destroy (&process);
}

Test (service, sigterm_drains_in_order, .timeout = 60)
{
    s_drains_in_order (SIGTERM);
}

Test (service, sigint_does_the_same, .timeout = 60)
{
    s_drains_in_order (SIGINT);
}

Test (service, a_second_signal_skips_the_drain, .timeout = 60)
{
    process_t *process = s_start_ready ("EXAMPLE_HANG=on", "SHUTDOWN_GRACE=10m");
    process_kill (process, SIGTERM);
    cr_assert (process_wait_log (process, "example drains", 5000));
    cr_assert_eq (process_wait_exit (process, 300), -1, "one signal is not enough");
    process_kill (process, SIGTERM);
    cr_assert_eq (process_wait_exit (process, 10000), 0);
    cr_assert_eq (process_log_count (process, "example stops"), 1);
    process_destroy (&process);
}

Test (service, the_grace_time_bounds_the_drain, .timeout = 60)
{
    process_t *process = s_start_ready ("EXAMPLE_HANG=on", "SHUTDOWN_GRACE=700ms");
    uint64_t began = clock_mono_ms ();
    cr_assert_eq (process_stop (process, 10000), 0);
    cr_assert_geq (clock_mono_ms () - began, 650);
    cr_assert_eq (process_log_count (process, "example stops"), 1);
    process_destroy (&process);
}

Test (service, a_failure_ends_it_with_its_exit_code, .timeout = 60)
{
    process_t *process = s_start ("EXAMPLE_FAIL=on", NULL);
    cr_assert_eq (process_wait_exit (process, 10000), 69);
    cr_assert_lt (s_place (process, "something is gone"), s_place (process, "example drains"));
    cr_assert_lt (s_place (process, "example drains"), s_place (process, "example stops"));
    process_destroy (&process);
}

Test (service, a_handle_that_is_never_closed_does_not_keep_it, .timeout = 60)
{
    process_t *process = s_start_ready ("EXAMPLE_FORGET=on", NULL);
    cr_assert_eq (process_stop (process, 20000), 70);
    cr_assert_eq (process_log_count (process, "handles are still open"), 1);
    process_destroy (&process);
}

//  Such as a host name whose resolver does not answer: that is no fault of this process.
Test (service, a_question_without_an_answer_does_not_keep_it, .timeout = 60)
{
    process_t *process = s_start_ready ("EXAMPLE_ASK=on", NULL);
    cr_assert_eq (process_stop (process, 20000), 0);
    cr_assert_eq (process_log_count (process, "requests are still open"), 1);
    cr_assert_eq (process_log_count (process, "handles are still open"), 0);
    process_destroy (&process);
}

//  A name would have to be resolved, which blocks.
Test (service, an_operations_address_that_is_no_number_is_a_wrong_setting, .timeout = 60)
{
    const char *settings[] = { "OPERATIONS_ADDRESS=localhost", NULL };
    process_t *process = process_new ("example", "service_example", NULL, settings);
    cr_assert_eq (process_wait_exit (process, 10000), 78);
    cr_assert_eq (process_log_count (process, "wrong settings"), 1);
    cr_assert_eq (process_log_count (process, "OPERATIONS_ADDRESS must be a numeric address"), 1);
    cr_assert_eq (process_log_count (process, "example started"), 0);
    process_destroy (&process);
}

Test (service, a_port_in_use_is_said, .timeout = 60)
{
    process_t *first = s_start_ready (NULL, NULL);
    char port[32];
    snprintf (port, sizeof port, "OPERATIONS_PORT=%u", s_port);
    const char *settings[] = { port, NULL };
    process_t *second = process_new ("second", "service_example", NULL, settings);
    cr_assert_eq (process_wait_exit (second, 10000), 69);
    cr_assert_eq (process_log_count (second, "cannot listen on the operations port"), 1);
    cr_assert_eq (process_log_count (second, "Address already in use"), 1);
    cr_assert_eq (process_log_count (second, "example started"), 0);
    process_destroy (&second);
    cr_assert_eq (process_stop (first, 10000), 0);
    process_destroy (&first);
}

//  Ends with the exit code and one line, in which the text stands.
static void
s_refuses (const char *setting, const char *another, int exit_code, const char *text)
{
    const char *settings[] = { setting, another, NULL };
    process_t *process = process_new ("example", "service_example", NULL, settings);
    cr_assert_eq (process_wait_exit (process, 10000), exit_code);
    char *log = process_log (process);
    cr_assert_not_null (strstr (log, text), "%s", log);
    cr_assert_eq (strchr (log, '\n'), log + strlen (log) - 1, "more than one line: %s", log);
    free (log);
    process_destroy (&process);
}

Test (service, wrong_settings_end_it_with_one_line, .timeout = 60)
{
    s_refuses ("SHUTDOWN_GRACE=soon", NULL, 78, "SHUTDOWN_GRACE must be a duration");
    s_refuses ("OPERATIONS_PORT=65536", NULL, 78, "from 0 to 65535; it is \\\"65536\\\"");
    s_refuses ("LOG_LEVEL=loud", NULL, 78, "LOG_LEVEL must be debug, info, warn");
    s_refuses ("EXAMPLE_KEY=s3cret", "EXAMPLE_KEY_FILE=/dev/null", 78, "EXAMPLE_KEY is set twice");
    s_refuses ("EXAMPLE_KEY_FILE=/no/such/file", NULL, 78, "No such file or directory");
}

//  What it prints for one argument; the caller frees it.
static char *
s_print (const char *argument, int exit_code)
{
    const char *arguments[] = { argument, NULL };
    static const char *const settings[] = { "EXAMPLE_KEY=s3cret", NULL };
    process_t *process = process_new ("example", "service_example", arguments, settings);
    cr_assert_eq (process_wait_exit (process, 10000), exit_code);
    char *log = process_log (process);
    process_destroy (&process);
    cr_assert_null (strstr (log, "s3cret"));
    return log;
}

Test (service, explains_itself, .timeout = 60)
{
    char *help = s_print ("--help", 0);
    cr_assert (strstr (help, "a service that does nothing") && strstr (help, "SHUTDOWN_GRACE"));
    free (help);
    char *version = s_print ("--version", 0);
    cr_assert_str_eq (version, "example " STENTOR_VERSION " (revision " STENTOR_REVISION ")\n");
    free (version);
    char *markdown = s_print ("--settings-markdown", 0);
    cr_assert_not_null (strstr (markdown, "\n| `SHUTDOWN_GRACE` | "));
    free (markdown);
    char *complaint = s_print ("--verbose", 64);
    cr_assert_not_null (strstr (complaint, "--help"));
    free (complaint);
}

//  What the service's own health check says and ends with, for this setting; the caller frees it.
static char *
s_health (const char *setting, const char *another, int exit_code)
{
    static const char *const arguments[] = { "healthy", NULL };
    const char *settings[] = { setting, another, NULL };
    process_t *process = process_new ("health", "service_example", arguments, settings);
    cr_assert_eq (process_wait_exit (process, 10000), exit_code);
    char *said = process_log (process);
    process_destroy (&process);
    return said;
}

static void
s_health_says (const char *setting, const char *another, int exit_code, const char *words)
{
    char *said = s_health (setting, another, exit_code);
    cr_assert (*words ? strstr (said, words) != NULL : !*said, "%s", said);
    free (said);
}

Test (service, asks_itself_whether_it_is_healthy, .timeout = 60)
{
    char port[32];
    process_t *process = s_start_ready ("EXAMPLE_HANG=on", "OPERATIONS_ADDRESS=0.0.0.0");
    snprintf (port, sizeof port, "OPERATIONS_PORT=%u", s_port);
    s_health_says (port, "OPERATIONS_ADDRESS=0.0.0.0", 0, "");
    s_health_says (port, NULL, 0, "");
    process_kill (process, SIGTERM);
    EVENTUALLY (5000, s_status ("/readyz") == 503);
    s_health_says (port, NULL, 1, "503");
    s_health_says (port, NULL, 1, "taking-work");
    process_kill (process, SIGKILL);
    s_health_says (port, NULL, 1, "nobody listens on port");
    process_destroy (&process);
    s_health_says ("OPERATIONS_PORT=0", NULL, 78, "OPERATIONS_PORT is 0");
    s_health_says ("OPERATIONS_PORT=high", NULL, 78, "OPERATIONS_PORT must be a whole number");
    s_health_says (port, "OPERATIONS_ADDRESS=localhost", 1, "localhost is no numeric address");
}

//  Whoever has the port and says nothing, or nonsense, is not healthy; and is not waited for.
Test (service, who_does_not_answer_is_not_healthy, .timeout = 60)
{
    char port[32];
    int mute = socket (AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    cr_assert_eq (bind (mute, (struct sockaddr *) &address, size), 0);
    cr_assert_eq (listen (mute, 1), 0);
    cr_assert_eq (getsockname (mute, (struct sockaddr *) &address, &size), 0);
    snprintf (port, sizeof port, "OPERATIONS_PORT=%u", ntohs (address.sin_port));
    s_health_says (port, NULL, 1, "no answer on port");
    close (mute);
}

//  Ten thousand turns of nothing would be a busy loop.
Test (service, sleeps_when_there_is_nothing_to_do, .timeout = 60)
{
    process_t *process = s_start_ready (NULL, NULL);
    double before = process_metric (process, "stentor_loop_iterations_total");
    cr_assert_eq (process_wait_exit (process, 1000), -1);
    cr_assert_lt (process_metric (process, "stentor_loop_iterations_total") - before, 20);
    cr_assert_eq (process_stop (process, 10000), 0);
    process_destroy (&process);
}

//  Started by a supervisor that has closed standard streams: their numbers are nobody else's.
static void
s_lives_without (const char *closed)
{
    char own[1024] = "", *command = NULL, port[32];
    cr_assert_gt (readlink ("/proc/self/exe", own, sizeof own - 1), 0);
    *strrchr (own, '/') = 0;
    cr_assert_gt (asprintf (&command, "exec '%s/service_example' %s", own, closed), 0);
    s_port = ports_free ();
    snprintf (port, sizeof port, "OPERATIONS_PORT=%u", s_port);
    const char *const arguments[] = { "-c", command, NULL };
    const char *const settings[] = { port, NULL };
    process_t *process = process_new ("example", "sh", arguments, settings);
    cr_assert_not_null (process);
    process_set_operations_port (process, s_port);
    cr_assert (process_wait_ready (process, 10000), "with %s", closed);
    cr_assert_eq (s_status ("/metrics"), 200);
    cr_assert_eq (process_stop (process, 10000), 0, "with %s", closed);
    process_destroy (&process);
    free (command);
}

Test (service, lives_with_standard_streams_closed, .timeout = 60)
{
    s_lives_without ("2>&-");
    s_lives_without ("0<&-");
    s_lives_without ("1>&- 2>&-");
    s_lives_without ("0<&- 1>&- 2>&-");
}
