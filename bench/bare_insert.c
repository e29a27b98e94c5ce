//  bench-bare-insert — how many rows a second one link to PostgreSQL stores when nothing else is
//  done: batches of rows like the router's, each batch one statement and one transaction.
//
//      bench-bare-insert URL [rows per batch: 64] [seconds: 5] [bytes of data: 200]
//
//  Makes a table `bare` of its own and prints lines "name=value". Exit code 69 when PostgreSQL does
//  not do what it is asked.

#include "histogram.h"

#include "base/clock.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000u //  µs
#define SESSIONS 200u
#define ROWS_MOST 1024u
#define DATA_MOST 4096u

static const char s_table[]
    = "SET client_min_messages = warning; DROP TABLE IF EXISTS bare;"
      "CREATE TABLE bare (session text COLLATE \"C\", seq bigint, message_id text COLLATE \"C\","
      " time_ms bigint, user_id text, sender text, data text,"
      " PRIMARY KEY (session, seq), UNIQUE (session, message_id))";

//  Session and number are all that differs; the server makes the arrays into rows.
static const char s_insert[]
    = "INSERT INTO bare SELECT 's-' || s, n, 'm-' || n, n, 'visitor-' || s,"
      " '{\"deviceId\":\"d\",\"userId\":\"visitor-' || s || '\"}', $3"
      " FROM unnest ($1::int[], $2::int[]) AS row (s, n)";

typedef struct {
    char sessions[ROWS_MOST * 12];
    char numbers[ROWS_MOST * 12];
} batch_t;

static void
s_fill (batch_t *batch, uint64_t first, unsigned rows)
{
    size_t sessions = 0, numbers = 0;
    for (unsigned row = 0; row < rows; row++) {
        const char *before = row ? "," : "{";
        uint64_t number = first + row;
        sessions += (size_t) sprintf (batch->sessions + sessions, "%s%u", before,
                                      (unsigned) (number % SESSIONS));
        numbers += (size_t) sprintf (batch->numbers + numbers, "%s%u", before,
                                     (unsigned) (number / SESSIONS));
    }
    memcpy (batch->sessions + sessions, "}", 2);
    memcpy (batch->numbers + numbers, "}", 2);
}

static bool
s_went_well (PGconn *link, PGresult *result)
{
    ExecStatusType status = PQresultStatus (result);
    PQclear (result);
    if (status == PGRES_COMMAND_OK)
        return true;
    fprintf (stderr, "bench-bare-insert: %s", PQerrorMessage (link));
    return false;
}

static bool
s_store (PGconn *link, unsigned rows, unsigned seconds, const char *data)
{
    static batch_t s_batch;
    static histogram_t s_delay;
    const char *values[3] = { s_batch.sessions, s_batch.numbers, data };
    uint64_t stored = 0;
    uint64_t start = clock_mono_us (), now = start;
    while (now < start + (uint64_t) seconds * SECOND) {
        uint64_t before = now;
        s_fill (&s_batch, stored, rows);
        if (!s_went_well (link, PQexecPrepared (link, "insert", 3, values, NULL, NULL, 0)))
            return false;
        stored += rows;
        now = clock_mono_us ();
        histogram_add (&s_delay, now - before);
    }
    printf ("rows=%u\nper_second=%" PRIu64 "\n", rows, stored * SECOND / (now - start));
    histogram_print (&s_delay, "batch");
    return true;
}

static unsigned
s_argument (int argc, char **argv, int index, unsigned usual, unsigned most)
{
    unsigned long value = index < argc ? strtoul (argv[index], NULL, 10) : usual;
    return value < 1 ? 1 : value > most ? most : (unsigned) value;
}

int
main (int argc, char **argv)
{
    static char s_data[DATA_MOST + 1];
    unsigned rows = s_argument (argc, argv, 2, 64, ROWS_MOST);
    unsigned seconds = s_argument (argc, argv, 3, 5, 600);
    memset (s_data, 'x', s_argument (argc, argv, 4, 200, DATA_MOST));
    PGconn *link = PQconnectdb (argc > 1 ? argv[1] : "");
    bool is_good = PQstatus (link) == CONNECTION_OK;
    if (!is_good)
        fprintf (stderr, "bench-bare-insert: %s", PQerrorMessage (link));
    is_good = is_good && s_went_well (link, PQexec (link, s_table))
              && s_went_well (link, PQprepare (link, "insert", s_insert, 3, NULL))
              && s_store (link, rows, seconds, s_data)
              && s_went_well (link, PQexec (link, "DROP TABLE bare"));
    PQfinish (link);
    return is_good ? 0 : 69;
}
