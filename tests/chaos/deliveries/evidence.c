//  evidence — see evidence.h.

#include "evidence.h"

#include "base/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct evidence {
    delivery_evidence_t view;
    delivery_arrival_t *arrivals;
    delivery_change_t *changes;
    delivery_cause_t *causes;
};

static void *
s_grown (void *array, size_t count, size_t size)
{
    //  Twice as large whenever it is full: at 0 and at each power of two.
    if (count & (count - 1))
        return array;
    void *grown = realloc (array, (count ? 2 * count : 1) * size);
    assert (grown);
    return grown;
}

static bool
s_read_receiver (evidence_t *self, const char *path)
{
    char text[300];
    FILE *file = fopen (path, "re");
    bool is_good = file != NULL;
    while (is_good && fgets (text, sizeof text, file)) {
        unsigned answer;
        size_t count = self->view.arrival_count;
        self->arrivals = s_grown (self->arrivals, count, sizeof *self->arrivals);
        delivery_arrival_t *arrival = &self->arrivals[count];
        is_good = sscanf (text, DELIVERY_LINE_SCAN, &arrival->at_us, &arrival->worker,
                          &arrival->item, &arrival->attempt, &answer, &arrival->lane,
                          &arrival->number)
                      == 7
                  && arrival->worker > 0;
        arrival->worker--;
        arrival->answer = (delivery_answer_t) answer;
        self->view.arrival_count++;
    }
    if (!is_good)
        fprintf (stderr, "chaos: the receiver's file cannot be read\n");
    if (file)
        fclose (file);
    self->view.arrivals = self->arrivals;
    return is_good;
}

//  The database's clock is the wall's, on this machine.
static bool
s_read_changes (evidence_t *self, const char *url)
{
    static const char s_sql[] =
        "SELECT substr (c.item, 7)::bigint, c.attempts, c.was, c.state,"
        " (extract (epoch FROM c.at) * 1000000)::bigint, coalesce (n.name, '')"
        " FROM chaos_step c LEFT JOIN node n ON n.writer = c.holder"
        " WHERE c.item LIKE '" DELIVERY_ITEM "%' ORDER BY c.number";
    uint64_t behind_us = clock_read (CLOCK_REALTIME, 1000000) - clock_mono_us ();
    PGconn *connection = PQconnectdb (url);
    PGresult *result = PQexec (connection, s_sql);
    bool is_good = PQresultStatus (result) == PGRES_TUPLES_OK;
    int rows = is_good ? PQntuples (result) : 0;
    self->changes = calloc ((size_t) rows + 1, sizeof *self->changes);
    assert (self->changes);
    for (int row = 0; row < rows; row++) {
        uint64_t numbers[5];
        for (int column = 0; column < 5; column++)
            numbers[column] = strtoull (PQgetvalue (result, row, column), NULL, 10);
        const char *dash = strrchr (PQgetvalue (result, row, 5), '-');
        self->changes[row] = (delivery_change_t){
            .at_us = numbers[4] - behind_us,
            .item = (unsigned) numbers[0],
            .attempt = numbers[1],
            .was = (unsigned) numbers[2],
            .state = (unsigned) numbers[3],
            .postoffice =
                dash ? (unsigned) strtoul (dash + 1, NULL, 10) - 1 : DELIVERY_NOBODY,
        };
    }
    if (!is_good)
        fprintf (stderr, "chaos: the deliveries cannot be read: %s", PQerrorMessage (connection));
    PQclear (result);
    PQfinish (connection);
    self->view.changes = self->changes;
    self->view.change_count = (size_t) rows;
    return is_good;
}

static void
s_read_causes (evidence_t *self, const deployment_t *site, const nemesis_t *nemesis)
{
    size_t count;
    const fault_record_t *records = nemesis_records (nemesis, &count);
    self->causes = calloc (count + 1, sizeof *self->causes);
    assert (self->causes);
    for (size_t at = 0; at < count; at++) {
        delivery_cause_t *cause = &self->causes[at];
        *cause = (delivery_cause_t){ .kind = (unsigned) records[at].drawn.fault,
                                     .from_us = records[at].from_us,
                                     .to_us = records[at].to_us };
        fault_paths (&records[at].drawn, site, &cause->paths);
    }
    self->view.causes = self->causes;
    self->view.cause_count = count;
}

evidence_t *
evidence_new (deployment_t *site, const nemesis_t *nemesis, const orders_t *orders)
{
    static_assert (FAULTS <= DELIVERY_CAUSES_MOST, "a count for each fault");
    evidence_t *self = calloc (1, sizeof *self);
    assert (self);
    self->view.orders = orders_list (orders, &self->view.order_count);
    s_read_causes (self, site, nemesis);
    if (!s_read_receiver (self, deployment_receiver (site))
        || !s_read_changes (self, postgres_url (stack_postgres (deployment_stack (site)))))
        evidence_destroy (&self);
    return self;
}

void
evidence_destroy (evidence_t **self_p)
{
    evidence_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    free (self->arrivals);
    free (self->changes);
    free (self->causes);
    free (self);
}

const delivery_evidence_t *
evidence_view (const evidence_t *self)
{
    return &self->view;
}
