#include "process/service.h"

#include "base/alloc.h"
#include "base/loop_timer.h"
#include "process/healthy.h"
#include "process/process_stats.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

//  Of what a command prints.
#define PAGE_CEILING (1u << 20)
#define COMPLAINT_CEILING 1024
//  How long handles may take to close after `stop` before the process ends without them.
#define CLOSING_MS 5000

typedef enum {
    RUNNING,
    DRAINING, //  finishing what is in hand
    STOPPED,  //  the parts are gone; handles are closing
} phase_t;

struct service {
    const service_kind_t *kind;
    const service_config_t *config;
    uv_loop_t loop;
    operations_t *operations;
    void *state;
    phase_t phase;
    int exit_code;
    uv_signal_t term, interrupt;
    loop_timer_t *next;   //  moves to the next phase: at a time limit, or in the loop's next turn
    uv_prepare_t turn;    //  measures the loop's turns
    loop_timer_t *limits; //  says which log lines were left out
    uint64_t turn_began_ns;
    uint64_t idle_before_ns;
};

enum { TURNS, LONGEST, COUNTS };

static const metric_row_t s_rows[COUNTS] = {
    [TURNS] = { "loop_iterations_total", NULL, COUNTER, "iterations of the event loop" },
    [LONGEST] = { "loop_iteration_longest_seconds", NULL, SECONDS,
                  "longest iteration of the event loop so far, without the time that it slept" },
};
static int64_t s_counts[COUNTS];

const service_kind_t *
service_kind (const service_t *self)
{
    return self->kind;
}

uv_loop_t *
service_loop (service_t *self)
{
    return &self->loop;
}

operations_t *
service_operations (service_t *self)
{
    return self->operations;
}

const char *
service_node_name (const service_t *self)
{
    return self->config->node_name;
}

//  Signals wait from here on. At the start until s_catch_signals: no thread that a part starts may
//  ever get one, and none is lost while the parts are being built. At the end for good: a second
//  one changes nothing.
static void
s_hold_signals (sigset_t *held)
{
    signal (SIGPIPE, SIG_IGN);
    sigemptyset (held);
    sigaddset (held, SIGTERM);
    sigaddset (held, SIGINT);
    pthread_sigmask (SIG_BLOCK, held, NULL);
}

static void
s_stop (service_t *self)
{
    sigset_t held;
    s_hold_signals (&held);
    self->phase = STOPPED;
    if (self->state)
        self->kind->stop (&self->state);
    operations_destroy (&self->operations);
    uv_close ((uv_handle_t *) &self->term, NULL);
    uv_close ((uv_handle_t *) &self->interrupt, NULL);
    uv_close ((uv_handle_t *) &self->turn, NULL);
    loop_timer_destroy (&self->limits);
}

static void
s_drain (service_t *self, const char *why)
{
    log_info ("draining", log_string ("reason", why),
              log_number ("grace_ms", (int64_t) self->config->shutdown_grace));
    self->phase = DRAINING;
    operations_ready (self->operations, "taking-work", false);
    loop_timer_start_ms (self->next, self->config->shutdown_grace, 0);
    self->kind->drain (self->state);
}

//  Notes what keeps the loop alive.
static void
s_note_open (uv_handle_t *handle, void *kind)
{
    if (uv_has_ref (handle) && (uv_is_active (handle) || uv_is_closing (handle)))
        *(const char **) kind = uv_handle_type_name (handle->type);
}

//  Parts that do not close what they opened must not keep the process from ending. A question to
//  DNS or to a file system that hangs is no fault of theirs: a thread of libuv's is in it, and
//  uv_cancel cannot stop one that has begun.
static void
s_give_up (service_t *self)
{
    const char *kind = NULL;
    uv_walk (&self->loop, s_note_open, &kind);
    uv_stop (&self->loop);
    if (!kind) {
        log_info ("requests are still open", log_string ("consequence", "ending without them"));
        return;
    }
    log_error ("handles are still open", log_string ("kind", kind),
               log_string ("consequence", "ending without them"));
    if (!self->exit_code)
        self->exit_code = EX_SOFTWARE;
}

static void
s_on_next (void *service)
{
    service_t *self = service;
    if (self->phase == RUNNING)
        s_drain (self, "failure");
    else if (self->phase == DRAINING) {
        s_stop (self);
        //  Not to wait for the timer itself: it only watches over the others.
        loop_timer_unref (self->next);
        loop_timer_start_ms (self->next, CLOSING_MS, 0);
    } else
        s_give_up (self);
}

//  In the loop's next turn, when no callback of the service's parts is under way.
static void
s_move_on (service_t *self)
{
    loop_timer_start_ms (self->next, 0, 0);
}

void
service_drained (service_t *self)
{
    if (self->phase == DRAINING)
        s_move_on (self);
}

void
service_fail (service_t *self, int exit_code)
{
    if (!self->exit_code)
        self->exit_code = exit_code;
    if (self->phase == RUNNING)
        s_move_on (self);
}

static void
s_on_signal (uv_signal_t *handle, int number)
{
    service_t *self = handle->data;
    const char *name = number == SIGTERM ? "SIGTERM" : "SIGINT";
    if (self->phase == RUNNING)
        s_drain (self, name);
    else if (self->phase == DRAINING) {
        log_warn ("the drain is cut short", log_string ("reason", name));
        s_move_on (self);
    }
}

//  Once a turn, before the loop sleeps.
static void
s_on_turn (uv_prepare_t *prepare)
{
    service_t *self = prepare->data;
    uint64_t now = uv_hrtime ();
    uint64_t idle = uv_metrics_idle_time (&self->loop);
    int64_t busy_us = (int64_t) (now - self->turn_began_ns - (idle - self->idle_before_ns)) / 1000;
    self->turn_began_ns = now;
    self->idle_before_ns = idle;
    s_counts[TURNS]++;
    if (busy_us > s_counts[LONGEST])
        s_counts[LONGEST] = busy_us;
}

static void
s_catch_signals (service_t *self, const sigset_t *held)
{
    uv_signal_start (&self->term, s_on_signal, SIGTERM);
    uv_signal_start (&self->interrupt, s_on_signal, SIGINT);
    pthread_sigmask (SIG_UNBLOCK, held, NULL);
}

static void
s_on_limits (void *service)
{
    (void) service;
    log_limits_tick ();
}

static void
s_open (service_t *self)
{
    int rc = uv_loop_init (&self->loop);
    assert (rc == 0);
    rc = uv_loop_configure (&self->loop, UV_METRICS_IDLE_TIME);
    assert (rc == 0);
    uv_signal_init (&self->loop, &self->term);
    uv_signal_init (&self->loop, &self->interrupt);
    self->next = loop_timer_new (&self->loop, s_on_next, self);
    uv_prepare_init (&self->loop, &self->turn);
    self->limits = loop_timer_new (&self->loop, s_on_limits, self);
    loop_timer_start_ms (self->limits, LOG_LIMIT_MS, LOG_LIMIT_MS);
    loop_timer_unref (self->limits);
    self->term.data = self->interrupt.data = self->turn.data = self;
    metrics_register (s_rows, s_counts, COUNTS);
    self->turn_began_ns = uv_hrtime ();
    uv_prepare_start (&self->turn, s_on_turn);
    uv_unref ((uv_handle_t *) &self->turn);
}

//  True when the parts stand.
static bool
s_build (service_t *self)
{
    const service_config_t *config = self->config;
    self->operations = operations_new (&self->loop, config->operations_address,
                                       (uint16_t) config->operations_port);
    if (!self->operations && errno == EINVAL) {
        log_fatal ("wrong settings", log_string ("value", config->operations_address),
                   log_string ("complaint", "OPERATIONS_ADDRESS must be a numeric address such as"
                                            " 127.0.0.1, 0.0.0.0 or ::"));
        self->exit_code = EX_CONFIG;
        return false;
    }
    if (!self->operations) {
        log_fatal ("cannot listen on the operations port",
                   log_string ("address", config->operations_address),
                   log_number ("port", (int64_t) config->operations_port),
                   log_string ("error", strerror (errno)));
        return false;
    }
    operations_ready (self->operations, "taking-work", true);
    self->state = self->kind->start (self, config);
    return self->state;
}

static int
s_live (service_t *self, const sigset_t *held)
{
    s_open (self);
    if (s_build (self)) {
        s_catch_signals (self, held);
        log_info ("started", log_string ("version", process_version ()),
                  log_string ("revision", process_revision ()),
                  log_number ("operations_port", operations_port (self->operations)));
    } else {
        self->exit_code = self->exit_code ? self->exit_code : EX_UNAVAILABLE;
        self->phase = DRAINING;
        s_move_on (self);
    }
    uv_run (&self->loop, UV_RUN_DEFAULT);
    loop_timer_destroy (&self->next);
    uv_run (&self->loop, UV_RUN_NOWAIT);
    //  Not when handles of parts that were given up are still in it.
    bool is_clean = uv_loop_close (&self->loop) == 0;
    log_info ("ended", log_number ("exit_code", self->exit_code));
    if (!is_clean)
        _exit (self->exit_code); //  exit would wait for libuv's threads, which may wait for a peer
    return self->exit_code;
}

//  Replicas in containers and pods differ in their host's name without being told one.
static void
s_name_after_host (service_config_t *config)
{
    char host[HOST_NAME_MAX + 1] = "";
    if (*config->node_name)
        return;
    if (gethostname (host, sizeof host) != 0)
        *host = 0;
    free (config->node_name);
    config->node_name = alloc_string (*host ? host : "localhost");
}

//  Says all that production lacks, a line each. Returns 0 when that is nothing.
static int
s_check_production (const service_kind_t *kind)
{
    const service_config_t *config = kind->config;
    const production_need_t *row = config->production ? kind->production : NULL;
    buffer_t complaint;
    buffer_init (&complaint, COMPLAINT_CEILING);
    int unmet = 0;
    for (; (row = production_unmet (row, config, &complaint)) != NULL; row++, unmet++) {
        log_fatal ("wrong settings", log_text ("complaint", buffer_text (&complaint)));
        buffer_clear (&complaint);
    }
    buffer_free (&complaint);
    return unmet;
}

int
service_read_settings (const service_kind_t *kind, buffer_t *complaint)
{
    const service_config_t *config = kind->config;
    if (settings_read (kind->settings, kind->config, complaint) != 0)
        return -1;
    return config->production && production_unmet (kind->production, config, complaint) ? -1 : 0;
}

//  Returns 0; else what to exit with, after having said why.
static int
s_read_settings (const service_kind_t *kind)
{
    const service_config_t *config = kind->config;
    buffer_t complaint;
    buffer_init (&complaint, COMPLAINT_CEILING);
    log_start (kind->name, kind->name, LOG_INFO);
    int level = LOG_INFO;
    int rc = settings_read (kind->settings, kind->config, &complaint);
    if (rc == 0 && (level = log_level_of (config->log_level)) == -1)
        rc = buffer_put_string (&complaint, "LOG_LEVEL must be debug, info, warn or error") - 1;
    if (rc == 0) {
        s_name_after_host (kind->config);
        log_start (kind->name, config->node_name, (log_level_t) level);
    }
    else
        log_fatal ("wrong settings", log_text ("complaint", buffer_text (&complaint)));
    buffer_free (&complaint);
    return rc == 0 && s_check_production (kind) == 0 ? 0 : EX_CONFIG;
}

//  A supervisor may start us with a standard stream closed. Its number would go to the next
//  descriptor that is opened, the loop's own say, and log lines would be written into that.
static int
s_open_standard_streams (void)
{
    int descriptor;
    do
        descriptor = open ("/dev/null", O_RDWR);
    while (descriptor >= 0 && descriptor <= STDERR_FILENO);
    if (descriptor < 0)
        return -1;
    close (descriptor);
    return 0;
}

static int
s_run (const service_kind_t *kind)
{
    if (s_open_standard_streams () != 0)
        return EX_OSERR;
    process_start (kind->name);
    sigset_t held;
    s_hold_signals (&held);
    service_t self = { .kind = kind, .config = kind->config };
    int rc = s_read_settings (kind);
    if (rc == 0)
        rc = s_live (&self, &held);
    settings_free (kind->settings, kind->config);
    return rc;
}

static int
s_print (const service_kind_t *kind, int (*write) (const service_kind_t *kind, buffer_t *to))
{
    buffer_t page;
    buffer_init (&page, PAGE_CEILING);
    int rc = write (kind, &page);
    assert (rc == 0);
    fwrite (page.data, 1, page.size, stdout);
    buffer_free (&page);
    return fflush (stdout) == 0 ? EX_OK : EX_IOERR;
}

static int
s_put_version (const service_kind_t *kind, buffer_t *to)
{
    char line[160];
    snprintf (line, sizeof line, "%s %s (revision %s)\n", kind->name, process_version (),
              process_revision ());
    return buffer_put_string (to, line);
}

static int
s_put_settings (const service_kind_t *kind, buffer_t *to)
{
    return settings_print_markdown (kind->settings, to);
}

static const setting_t *
s_row_of (const setting_t *table, const char *name)
{
    while (strcmp (table->name, name) != 0)
        table++;
    return table;
}

//  Its operations port, by the settings that it runs with; no other one is read.
static int
s_ask_healthy (const service_kind_t *kind, const char *argument)
{
    (void) argument;
    const setting_t table[] = { *s_row_of (kind->settings, "OPERATIONS_ADDRESS"),
                                *s_row_of (kind->settings, "OPERATIONS_PORT"), SETTINGS_END };
    service_config_t config = { .node_name = NULL };
    buffer_t complaint;
    buffer_init (&complaint, COMPLAINT_CEILING);
    int rc = settings_read (table, &config, &complaint);
    if (rc == 0 && config.operations_port == 0)
        rc = buffer_put_string (&complaint, "OPERATIONS_PORT is 0, which is any port") - 1;
    if (rc == 0)
        rc = healthy_ask (config.operations_address, (uint16_t) config.operations_port, "/readyz");
    else {
        printf ("%.*s\n", TEXT_ARGS (buffer_text (&complaint)));
        rc = EX_CONFIG;
    }
    buffer_free (&complaint);
    settings_free (table, &config);
    return rc;
}

static int s_put_help (const service_kind_t *kind, buffer_t *to);

static const service_command_t s_commands[] = {
    { "--help", NULL, "this page", s_put_help, NULL },
    { "--version", NULL, "the version, and the commit it was built from", s_put_version, NULL },
    { "--settings-markdown", NULL, "the settings as a Markdown table", s_put_settings, NULL },
    { "healthy", NULL, "asks the process that runs here with these settings: 0 when it is ready",
      NULL, s_ask_healthy },
    { .name = NULL },
};

static int
s_put_command (const char *name, const char *form, const char *help, buffer_t *to)
{
    char whole[80], line[200];
    snprintf (whole, sizeof whole, "%s%s%s", name, form ? " " : "", form ? form : "");
    //  A long one has its help on the next line.
    const char *gap = strlen (whole) > 24 ? "\n                            " : "  ";
    snprintf (line, sizeof line, "  %-24s%s%s\n", whole, gap, help);
    return buffer_put_string (to, line);
}

static int
s_put_commands (const service_command_t *table, buffer_t *to)
{
    int rc = 0;
    for (const service_command_t *row = table; row && row->name && rc == 0; row++)
        rc = s_put_command (row->name, row->argument, row->help, to);
    return rc;
}

static int
s_put_long_commands (const service_long_command_t *table, buffer_t *to)
{
    int rc = 0;
    for (const service_long_command_t *row = table; row && row->name && rc == 0; row++)
        rc = s_put_command (row->name, row->form, row->help, to);
    return rc;
}

static int
s_put_help (const service_kind_t *kind, buffer_t *to)
{
    char head[400];
    snprintf (head, sizeof head,
              "%s - %s\n\nusage: %s           serves, until SIGTERM\n       %s COMMAND\n\n"
              "Commands:\n",
              kind->name, kind->about, kind->name, kind->name);
    if (buffer_put_string (to, head) != 0 || s_put_commands (s_commands, to) != 0
        || s_put_commands (kind->commands, to) != 0
        || s_put_long_commands (kind->long_commands, to) != 0
        || buffer_put_string (to,
                              "\nEverything is set in the environment; NAME_FILE names a file "
                              "that holds the value of\nNAME, for secrets.\n\n")
               != 0)
        return -1;
    return settings_print_help (kind->settings, to);
}

//  The row of this name; NULL when there is none.
static const service_command_t *
s_find (const service_command_t *table, const char *name)
{
    for (const service_command_t *row = table; row && row->name; row++)
        if (strcmp (row->name, name) == 0)
            return row;
    return NULL;
}

int
service_main (int argc, char **argv, const service_kind_t *kind)
{
    if (argc <= 1)
        return s_run (kind);
    for (const service_long_command_t *row = kind->long_commands; row && row->name; row++)
        if (strcmp (row->name, argv[1]) == 0)
            return row->run (kind, argc - 2, argv + 2);
    const service_command_t *command = s_find (s_commands, argv[1]);
    if (!command)
        command = s_find (kind->commands, argv[1]);
    if (command && argc == (command->argument ? 3 : 2))
        return command->page ? s_print (kind, command->page) : command->run (kind, argv[2]);
    if (!command)
        fprintf (stderr, "%s: no such command; try %s --help\n", kind->name, kind->name);
    else if (command->argument && argc == 2)
        fprintf (stderr, "%s: an argument is missing: %s %s\n", kind->name, command->name,
                 command->argument);
    else
        fprintf (stderr, "%s: too many arguments for %s; try %s --help\n", kind->name,
                 command->name, kind->name);
    return EX_USAGE;
}
