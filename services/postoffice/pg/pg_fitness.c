#include "pg/pg_fitness.h"

#include "base/text.h"

#include <stdlib.h>

//  pg_current_xact_id is of version 13, DETACH … CONCURRENTLY (tools/drop-day.sql) of 14.
#define VERSION_LEAST 140000

enum { ENCODING, VERSION, MAY_CREATE, OWNS, PID, COLUMNS };

const char pg_fitness_sql[] =
    "SELECT current_setting ('server_encoding'), current_setting ('server_version_num'),"
    " EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public'"
    "         AND has_schema_privilege (oid, 'CREATE') AND has_schema_privilege (oid, 'USAGE')),"
    " NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    "             WHERE n.nspname = 'public' AND c.relname IN ('session', 'log', 'participant',"
    "                   'place', 'work', 'node', 'migration')"
    "             AND NOT pg_has_role (c.relowner, 'USAGE')),"
    " pg_backend_pid ()";

static const pg_fault_t s_no_answer = { "it does not say what it is",
                                        "see that POSTGRES_URL leads to PostgreSQL", false };

static const pg_fault_t s_faults[] = {
    [ENCODING] = { "its encoding is not UTF8, so that it cannot take what visitors say",
                   "make another database: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
                   true },
    [VERSION] = { "it is older than PostgreSQL 14", "use a newer server", true },
    [MAY_CREATE] = { "our role may not create tables in its schema public",
                     "make the role of POSTGRES_URL the owner of the database", false },
    [OWNS] = { "our tables in it belong to another role",
               "let the role of POSTGRES_URL own the tables, or be a member of the one that does",
               false },
};

const pg_fault_t *
pg_fitness_fault (const PGresult *result, int *pid)
{
    *pid = 0;
    if (PQresultStatus (result) != PGRES_TUPLES_OK || PQntuples (result) != 1
        || PQnfields (result) != COLUMNS)
        return &s_no_answer;
    *pid = (int) strtol (PQgetvalue (result, 0, PID), NULL, 10);
    if (!text_is (text_of (PQgetvalue (result, 0, ENCODING)), TEXT ("UTF8")))
        return &s_faults[ENCODING];
    if (strtol (PQgetvalue (result, 0, VERSION), NULL, 10) < VERSION_LEAST)
        return &s_faults[VERSION];
    if (*PQgetvalue (result, 0, MAY_CREATE) != 't')
        return &s_faults[MAY_CREATE];
    return *PQgetvalue (result, 0, OWNS) == 't' ? NULL : &s_faults[OWNS];
}
