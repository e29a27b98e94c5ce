//  bench-feed — what the feed costs: a postoffice with many open sessions, of which some change all
//  the time, first with nobody watching, then with watchers at an edge, and so on in turns.
//
//      bench-feed [sessions: 10000] [watchers: 50] [changes per second: 500] [seconds: 20]
//                 [rounds: 4]
//
//  PostgreSQL, one postoffice and one edge are processes of its own. The changes come over the bus,
//  each in another session, so that no two of them are one row. Each round measures both, in the
//  other order than the round before. For each turn it prints a line:
//
//      watchers=50 changes/s=500 postoffice=6.1% edge=2.0% rows/s=25000 loads=0 api_queries=0
//
//  CPU is of one core. `loads` and `api_queries` are the queries that the postoffice has made for
//  anything but storing. Exit code 1 when a watcher missed a change; 69 when something does not
//  start.

#include "ports.h"
#include "postgres.h"
#include "process.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "bus/bus_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define TURN_MS 10
#define WITHIN_MS 60000
#define WATCHERS_MOST 1000
#define ATTACHING_MOST 500u

typedef struct {
    int handle;
    unsigned matched; //  of "event: session\n" at the end of what was read
    uint64_t rows;
    bool is_ready, was_told_again;
} watcher_t;

static uint64_t s_sessions = 10000, s_watchers = 50, s_rate = 500, s_seconds = 20, s_rounds = 4;
static uv_loop_t s_loop;
static uv_timer_t s_wake;
static bus_client_t *s_bus;
static int s_postoffice = -1;
static uint64_t s_attached, s_posted, s_refused, s_said;
static postgres_t *s_database;
static process_t *s_office, *s_edge;
static uint16_t s_edge_port;
static watcher_t s_all[WATCHERS_MOST];
static char s_apps[] = "/tmp/bench-feed.XXXXXX";

static void __attribute__ ((noreturn))
s_give_up (const char *why)
{
    fprintf (stderr, "bench-feed: %s\n", why);
    if (s_office)
        process_print_log (s_office);
    unlink (s_apps);
    exit (EX_UNAVAILABLE);
}

// ---------------------------------------------------------------------------------------------
//  Those who are measured

static process_t *
s_start (const char *name, const char *const *settings, const char *const *more)
{
    const char *all[20];
    char port_setting[40];
    uint16_t port = ports_free ();
    snprintf (port_setting, sizeof port_setting, "OPERATIONS_PORT=%u", port);
    process_settings (all, sizeof all / sizeof *all, more, settings);
    size_t count = 0;
    while (all[count])
        count++;
    all[count++] = port_setting;
    all[count] = NULL;
    process_t *process = process_new (name, name, NULL, all);
    if (!process)
        s_give_up ("a service is not there");
    process_set_operations_port (process, port);
    if (!process_wait_ready (process, WITHIN_MS))
        s_give_up ("a service does not start");
    return process;
}

//  An app without a bot: what is said causes nothing else.
static void
s_write_apps (void)
{
    int handle = mkstemp (s_apps);
    if (handle < 0 || dprintf (handle, "{\"apps\":[{\"appId\":\"demo\"}]}\n") < 0)
        s_give_up ("no file for the apps");
    close (handle);
}

static void
s_start_services (uint16_t bus_port)
{
    static char url[300], bus[80], apps[80], port[40], offices[80];
    s_edge_port = ports_free ();
    s_database = postgres_new (&(postgres_options_t){ .is_on_disk = true });
    if (!s_database)
        s_give_up ("no PostgreSQL");
    snprintf (url, sizeof url, "POSTGRES_URL=%s", postgres_url (s_database));
    snprintf (bus, sizeof bus, "POSTOFFICE_BUS_ADDRESS=tcp://127.0.0.1:%u", bus_port);
    snprintf (apps, sizeof apps, "APPS_FILE=%s", s_apps);
    snprintf (port, sizeof port, "EDGE_PORT=%u", s_edge_port);
    snprintf (offices, sizeof offices, "POSTOFFICE_ADDRESSES=127.0.0.1:%u", bus_port);
    s_office = s_start ("postoffice", (const char *const[]){ url, bus, apps, NULL }, NULL);
    s_edge = s_start ("edge",
                      (const char *const[]){ port, offices, apps, "EDGE_DEMO_MODE=on",
                                             "EDGE_WATCHERS=1000", NULL },
                      NULL);
}

//  CPU time so far, in seconds.
static double
s_cpu (const process_t *process)
{
    char path[40], line[600];
    snprintf (path, sizeof path, "/proc/%d/stat", (int) process_pid (process));
    FILE *file = fopen (path, "r");
    size_t size = file ? fread (line, 1, sizeof line - 1, file) : 0;
    if (file)
        fclose (file);
    line[size] = '\0';
    const char *at = strrchr (line, ')');
    unsigned long user = 0, kernel = 0;
    if (!at
        || sscanf (at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel)
               != 2)
        s_give_up ("no CPU time of a service");
    return (double) (user + kernel) / (double) sysconf (_SC_CLK_TCK);
}

// ---------------------------------------------------------------------------------------------
//  Watchers

static void
s_connect (watcher_t *self)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons (s_edge_port),
                              .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    static const char request[] = "GET /api/v1/feed?userId=watch&isAdmin=true HTTP/1.1\r\n"
                                  "Host: h\r\n\r\n";
    *self = (watcher_t){ .handle = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    if (connect (self->handle, (struct sockaddr *) &to, sizeof to) != 0
        || send (self->handle, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
        s_give_up ("a watcher cannot connect");
}

//  Counts the events: each has its name at the beginning of a line.
static void
s_count (watcher_t *self, const char *from, size_t size)
{
    static const char mark[] = "\nevent: ";
    for (size_t at = 0; at < size; at++) {
        if (self->matched == sizeof mark - 1) {
            self->rows += from[at] == 's';
            self->was_told_again = self->was_told_again || (from[at] == 'r' && self->is_ready);
            self->is_ready = self->is_ready || from[at] == 'r';
            self->matched = 0;
        }
        self->matched = from[at] == mark[self->matched] ? self->matched + 1 : from[at] == '\n';
    }
}

static void
s_hear (watcher_t *self)
{
    static char bytes[1 << 18];
    ssize_t got;
    while ((got = recv (self->handle, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        s_count (self, bytes, (size_t) got);
    if (got == 0 || errno != EAGAIN)
        s_give_up ("a watcher was cut off");
}

static void
s_hear_all (uint64_t watchers)
{
    for (uint64_t at = 0; at < watchers; at++)
        s_hear (&s_all[at]);
}

// ---------------------------------------------------------------------------------------------
//  The bus

static void
s_on_up (void *owner, unsigned postoffice)
{
    (void) owner;
    s_postoffice = (int) postoffice;
}

static void
s_on_down (void *owner, unsigned postoffice)
{
    (void) owner;
    (void) postoffice;
    s_give_up ("the postoffice is lost");
}

static void
s_on_record (void *owner, unsigned postoffice, const bus_record_t *record)
{
    (void) owner;
    (void) postoffice;
    if (record->kind == BUS_ATTACHED && record->attached.verdict == VERDICT_OK)
        s_attached++;
    else if (record->kind == BUS_POSTED && record->posted.verdict == VERDICT_OK)
        s_posted++;
    else if (record->kind == BUS_POSTED || record->kind == BUS_ATTACHED)
        s_refused++;
}

static void
s_on_wake (uv_timer_t *timer)
{
    (void) timer;
}

static void
s_turn (void)
{
    uv_run (&s_loop, UV_RUN_ONCE);
}

static void
s_say (const bus_record_t *record)
{
    if (bus_client_send (s_bus, (unsigned) s_postoffice, record) != 0)
        s_give_up ("the postoffice takes nothing");
}

static void
s_open_sessions (void)
{
    char session[40], user[40];
    for (uint64_t number = 0; number < s_sessions; number++) {
        snprintf (session, sizeof session, "demo/s-%llu", (unsigned long long) number);
        snprintf (user, sizeof user, "visitor-%llu", (unsigned long long) number);
        s_say (&(bus_record_t){ .kind = BUS_ATTACH,
                                .attach = { .endpoint = number + 1,
                                            .reason = ATTACH_JOIN,
                                            .session = text_of (session),
                                            .app = TEXT ("demo"),
                                            .user = text_of (user),
                                            .role = ROLE_VISITOR,
                                            .dialect = DIALECT_RICH,
                                            .seq = SEQ_UNKNOWN,
                                            .sender = TEXT ("{}"),
                                            .info = TEXT_EMPTY } });
        while (number + 1 - s_attached - s_refused >= ATTACHING_MOST)
            s_turn ();
    }
    while (s_attached + s_refused < s_sessions)
        s_turn ();
    if (s_refused)
        s_give_up ("a session cannot be opened");
}

static void
s_change (void)
{
    char session[40], id[40];
    uint64_t number = s_said++ % s_sessions;
    snprintf (session, sizeof session, "demo/s-%llu", (unsigned long long) number);
    snprintf (id, sizeof id, "m-%llu", (unsigned long long) s_said);
    s_say (&(bus_record_t){ .kind = BUS_POST,
                            .post = { .request_id = s_said,
                                      .endpoint = number + 1,
                                      .session = text_of (session),
                                      .event = EVENT_NEW_MESSAGE,
                                      .message_id = text_of (id),
                                      .sender = TEXT ("{}"),
                                      .data = TEXT ("{\"rawQuery\":\"how are you today?\"}"),
                                      .secret = TEXT_EMPTY,
                                      .trace = TEXT_EMPTY } });
}

// ---------------------------------------------------------------------------------------------
//  Turns

//  Changes for so many seconds, heard by so many; then until all are stored and told.
static uint64_t
s_run_for (uint64_t seconds, uint64_t watchers)
{
    uint64_t begin = clock_mono_ms (), said = 0, now;
    while ((now = clock_mono_ms ()) < begin + seconds * 1000) {
        for (; said < (now - begin) * s_rate / 1000; said++)
            s_change ();
        s_turn ();
        s_hear_all (watchers);
    }
    return said;
}

static void
s_wait_stored (uint64_t watchers)
{
    for (uint64_t until = clock_mono_ms () + WITHIN_MS; s_posted + s_refused < s_said;) {
        if (clock_mono_ms () > until)
            s_give_up ("changes are not stored");
        s_turn ();
        s_hear_all (watchers);
    }
    if (s_refused)
        s_give_up ("a change was refused");
}

static uint64_t
s_rows (uint64_t watchers)
{
    uint64_t rows = 0;
    for (uint64_t at = 0; at < watchers; at++)
        rows += s_all[at].rows;
    return rows;
}

static bool
s_are_ready (uint64_t watchers)
{
    uint64_t count = 0;
    for (uint64_t at = 0; at < watchers; at++)
        count += s_all[at].is_ready;
    return count == watchers;
}

//  Returns the postoffice's share of a core.
static double
s_measure (uint64_t watchers, bool *is_whole)
{
    for (uint64_t at = 0; at < watchers; at++)
        s_connect (&s_all[at]);
    while (!s_are_ready (watchers)) {
        s_turn ();
        s_hear_all (watchers);
    }
    s_run_for (2, watchers);
    s_wait_stored (watchers);
    uint64_t said = s_said, rows = s_rows (watchers), begin = clock_mono_ms ();
    double office = s_cpu (s_office), edge = s_cpu (s_edge);
    double loads = process_metric (s_office, "stentor_postoffice_session_loads_total");
    double queries = process_metric (s_office, "stentor_store_api_queries_total{result=\"ok\"}");
    s_run_for (s_seconds, watchers);
    double time = (double) (clock_mono_ms () - begin) / 1000;
    office = (s_cpu (s_office) - office) / time * 100;
    edge = (s_cpu (s_edge) - edge) / time * 100;
    rows = s_rows (watchers) - rows;
    s_wait_stored (watchers);
    printf ("watchers=%llu changes/s=%.0f postoffice=%.2f%% edge=%.2f%% rows/s=%.0f loads=%.0f "
            "api_queries=%.0f\n",
            (unsigned long long) watchers, (double) (s_said - said) / time, office, edge,
            (double) rows / time,
            process_metric (s_office, "stentor_postoffice_session_loads_total") - loads,
            process_metric (s_office, "stentor_store_api_queries_total{result=\"ok\"}") - queries);
    fflush (stdout);
    //  Every change of the two seconds before, of the turn, and nothing else.
    uint64_t wanted = watchers * (s_said - said + 2 * s_rate);
    for (uint64_t until = clock_mono_ms () + 5000;
         s_rows (watchers) < wanted && clock_mono_ms () < until;) {
        s_turn ();
        s_hear_all (watchers);
    }
    for (uint64_t at = 0; at < watchers; at++) {
        *is_whole = *is_whole && !s_all[at].was_told_again && s_all[at].rows >= s_said - said;
        close (s_all[at].handle);
    }
    return office;
}

static uint64_t
s_number (int count, char **arguments, int at, uint64_t usual)
{
    return count > at ? strtoull (arguments[at], NULL, 10) : usual;
}

int
main (int count, char **arguments)
{
    s_sessions = s_number (count, arguments, 1, s_sessions);
    s_watchers = s_number (count, arguments, 2, s_watchers);
    s_rate = s_number (count, arguments, 3, s_rate);
    s_seconds = s_number (count, arguments, 4, s_seconds);
    s_rounds = s_number (count, arguments, 5, s_rounds);
    if (s_watchers > WATCHERS_MOST || s_sessions == 0)
        return EX_USAGE;
    uint16_t port = ports_free ();
    char address[40];
    s_write_apps ();
    s_start_services (port);
    uv_loop_init (&s_loop);
    uv_timer_init (&s_loop, &s_wake);
    uv_timer_start (&s_wake, s_on_wake, TURN_MS, TURN_MS);
    snprintf (address, sizeof address, "127.0.0.1:%u", port);
    s_bus = bus_client_new (&s_loop,
                            &(bus_client_config_t){ .node = "bench",
                                                    .role = NODE_EDGE,
                                                    .topics = "",
                                                    .addresses = address,
                                                    .heartbeat_ms = 500,
                                                    .queue_limit = 64u << 20 },
                            &(bus_client_events_t){ .postoffice_up = s_on_up,
                                                    .postoffice_down = s_on_down,
                                                    .record = s_on_record },
                            NULL);
    while (s_bus && s_postoffice < 0)
        s_turn ();
    s_open_sessions ();
    bool is_whole = true;
    double without = 0, with = 0;
    for (uint64_t round = 0; round < s_rounds; round++) {
        double first = s_measure (round % 2 ? s_watchers : 0, &is_whole);
        double second = s_measure (round % 2 ? 0 : s_watchers, &is_whole);
        without += (round % 2 ? second : first) / (double) s_rounds;
        with += (round % 2 ? first : second) / (double) s_rounds;
    }
    printf ("sessions=%llu postoffice_without=%.2f%% postoffice_with=%.2f%% difference=%.2f%%\n",
            (unsigned long long) s_sessions, without, with, with - without);
    process_destroy (&s_edge);
    bus_client_destroy (&s_bus);
    process_destroy (&s_office);
    postgres_destroy (&s_database);
    unlink (s_apps);
    if (!is_whole)
        fprintf (stderr, "bench-feed: a watcher missed something\n");
    return is_whole ? 0 : 1;
}
