//  tail_loss — see tail_loss.h.

#include "tail_loss.h"

#include "base/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAG_US 3000000u

typedef enum { LEVEL, LAGGING, OVER } stage_t;

struct tail_loss {
    deployment_t *site;
    postgres_t *standby;
    postgres_t *old; //  the primary that was
    stage_t stage;
    uint64_t due_us;
    uint64_t entries;
    uint64_t gone;
    lost_message_t *messages; //  sorted
    size_t count;
};

static int
s_compare (const void *left, const void *right)
{
    const lost_message_t *a = left, *b = right;
    if (a->talk != b->talk)
        return a->talk < b->talk ? -1 : 1;
    if (a->is_agent != b->is_agent)
        return a->is_agent ? 1 : -1;
    return a->number < b->number ? -1 : a->number > b->number;
}

static void
s_sort (tail_loss_t *self)
{
    qsort (self->messages, self->count, sizeof *self->messages, s_compare);
    for (size_t at = 0; at < self->count; at++)
        self->gone += !self->messages[at].is_stored_again;
}

static const lost_message_t *
s_find (const tail_loss_t *self, uint32_t talk, bool is_agent, uint32_t number)
{
    lost_message_t wanted = { .talk = talk, .is_agent = is_agent, .number = number };
    return self->count ? bsearch (&wanted, self->messages, self->count, sizeof wanted, s_compare)
                       : NULL;
}

bool
tail_loss_has (const tail_loss_t *self, uint32_t talk, bool is_agent, uint32_t number)
{
    return s_find (self, talk, is_agent, number) != NULL;
}

bool
tail_loss_is_gone (const tail_loss_t *self, uint32_t talk, bool is_agent, uint32_t number)
{
    const lost_message_t *message = s_find (self, talk, is_agent, number);
    return message && !message->is_stored_again;
}

bool
tail_loss_explains (const tail_loss_t *self, uint32_t talk, bool is_agent, uint32_t from,
                    uint32_t to)
{
    while (from < to && tail_loss_has (self, talk, is_agent, from))
        from++;
    return from >= to;
}

uint64_t
tail_loss_entries (const tail_loss_t *self)
{
    return self->entries;
}

uint64_t
tail_loss_messages (const tail_loss_t *self)
{
    return self->gone;
}

tail_loss_t *
tail_loss_of (const lost_message_t *messages, size_t count)
{
    tail_loss_t *self = calloc (1, sizeof *self);
    assert (self);
    self->messages = calloc (count + 1, sizeof *messages);
    assert (self->messages);
    for (size_t at = 0; at < count; at++)
        self->messages[at] = messages[at];
    self->entries = self->count = count;
    s_sort (self);
    return self;
}

// ---------------------------------------------------------------------------------------------
//  The fail-over

static void
s_complain (tail_loss_t *self, const char *what)
{
    findings_note (deployment_trouble (self->site), TROUBLE_BROKEN, WHO_SERVICE, NULL,
                   "the fail-over: %s", what);
}

//  Everybody's way to PostgreSQL leads to the other server from now on.
static void
s_point_cables (tail_loss_t *self)
{
    fault_proxy_t *cables = deployment_cables (self->site);
    for (unsigned at = 0; at < deployment_cable_count (self->site, SITE_POSTGRES); at++) {
        int cable = deployment_cable (self->site, SITE_POSTGRES, at);
        fault_proxy_point (cables, cable, postgres_port (self->standby));
        fault_proxy_reset (cables, cable);
    }
}

static void
s_fail_over (tail_loss_t *self)
{
    router_stack_t *stack = deployment_stack (self->site);
    fprintf (stderr, "chaos: the primary is killed, and the standby promoted\n");
    postgres_kill (stack_postgres (stack));
    if (!postgres_start (self->standby) || !postgres_promote (self->standby))
        s_complain (self, "the standby cannot be promoted");
    s_point_cables (self);
    self->old = stack_change_postgres (stack, self->standby);
    self->standby = NULL;
}

void
tail_loss_turn (tail_loss_t *self)
{
    uint64_t now = clock_mono_us ();
    if (self->stage == OVER || now < self->due_us)
        return;
    postgres_t *primary = stack_postgres (deployment_stack (self->site));
    if (self->stage == LAGGING) {
        s_fail_over (self);
        self->stage = OVER;
    } else if (postgres_is_level (self->standby, primary)) {
        fprintf (stderr, "chaos: the standby lags from now on\n");
        if (!postgres_stop (self->standby))
            s_complain (self, "the standby did not stop well");
        self->stage = LAGGING;
        self->due_us = now + LAG_US;
    }
}

bool
tail_loss_has_come (const tail_loss_t *self)
{
    return self->stage == OVER;
}

tail_loss_t *
tail_loss_new (deployment_t *site, uint64_t seconds)
{
    tail_loss_t *self = calloc (1, sizeof *self);
    assert (self);
    self->site = site;
    self->due_us = clock_mono_us () + seconds * 1000000;
    self->standby = postgres_standby_new (stack_postgres (deployment_stack (site)));
    if (!self->standby)
        tail_loss_destroy (&self);
    return self;
}

void
tail_loss_destroy (tail_loss_t **self_p)
{
    tail_loss_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    postgres_destroy (&self->standby);
    postgres_destroy (&self->old);
    free (self->messages);
    free (self);
}

// ---------------------------------------------------------------------------------------------
//  What was lost

//  The new log's entries go into a table of the old server.
static bool
s_copy (PGconn *new_log, PGconn *old_log)
{
    char *line;
    int size;
    PQclear (PQexec (old_log,
                     "CREATE TABLE chaos_new (session text, seq bigint, message_id text)"));
    PGresult *from =
        PQexec (new_log, "COPY (SELECT session, seq, message_id FROM log) TO STDOUT");
    PGresult *to = PQexec (old_log, "COPY chaos_new FROM STDIN");
    bool is_good = PQresultStatus (from) == PGRES_COPY_OUT && PQresultStatus (to) == PGRES_COPY_IN;
    PQclear (from);
    PQclear (to);
    while (is_good && (size = PQgetCopyData (new_log, &line, 0)) > 0) {
        is_good = PQputCopyData (old_log, line, size) == 1;
        PQfreemem (line);
    }
    is_good = is_good && PQputCopyEnd (old_log, NULL) == 1;
    to = PQgetResult (old_log);
    is_good = is_good && PQresultStatus (to) == PGRES_COMMAND_OK;
    PQclear (to);
    while ((to = PQgetResult (old_log)))
        PQclear (to);
    return is_good;
}

//  "app/s12-run", "m-7" or "a-7"; others have no number.
static void
s_add (tail_loss_t *self, const char *session, const char *id, bool is_stored_again)
{
    const char *slash = strchr (session, '/');
    bool is_agent = id[0] == 'a';
    self->entries++;
    if (!slash || slash[1] != 's' || (id[0] != 'm' && !is_agent) || id[1] != '-')
        return;
    self->messages[self->count++] =
        (lost_message_t){ .talk = (uint32_t) strtoul (slash + 2, NULL, 10),
                          .is_agent = is_agent,
                          .number = (uint32_t) strtoul (id + 2, NULL, 10),
                          .is_stored_again = is_stored_again };
}

static bool
s_read_lost (tail_loss_t *self, PGconn *old_log)
{
    PGresult *result = PQexec (
        old_log, "CREATE INDEX ON chaos_new (session, message_id); ANALYZE chaos_new;"
                 "SELECT o.session, o.message_id, coalesce (bool_or (n.seq IS NOT NULL), false)"
                 " FROM log o LEFT JOIN chaos_new n"
                 " ON n.session = o.session AND n.message_id = o.message_id"
                 " GROUP BY o.session, o.seq, o.message_id"
                 " HAVING NOT coalesce (bool_or (n.seq = o.seq), false)");
    bool is_good = PQresultStatus (result) == PGRES_TUPLES_OK;
    int rows = is_good ? PQntuples (result) : 0;
    self->messages = calloc ((size_t) rows + 1, sizeof *self->messages);
    assert (self->messages);
    for (int row = 0; row < rows; row++)
        s_add (self, PQgetvalue (result, row, 0), PQgetvalue (result, row, 1),
               *PQgetvalue (result, row, 2) == 't');
    PQclear (result);
    s_sort (self);
    return is_good;
}

bool
tail_loss_read (tail_loss_t *self)
{
    if (!self->old || !postgres_start (self->old)) {
        fprintf (stderr, "chaos: there was no fail-over, or the old primary does not start\n");
        return false;
    }
    PGconn *new_log = PQconnectdb (postgres_url (stack_postgres (deployment_stack (self->site))));
    PGconn *old_log = PQconnectdb (postgres_url (self->old));
    bool is_good = PQstatus (new_log) == CONNECTION_OK && PQstatus (old_log) == CONNECTION_OK
                   && s_copy (new_log, old_log) && s_read_lost (self, old_log);
    if (!is_good)
        fprintf (stderr, "chaos: the lost tail cannot be read: %s", PQerrorMessage (old_log));
    PQfinish (new_log);
    PQfinish (old_log);
    return is_good;
}
