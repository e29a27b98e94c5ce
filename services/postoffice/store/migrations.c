#include "store/migrations.h"

#include <assert.h>

#define SQL_MOST (4u << 20)

//  The number of the lock is any one that nobody else of this database uses. Who waits for it
//  longer than for any other statement asks again.
static const char s_ask[] =
    "BEGIN; SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock (7365746, 1);"
    " CREATE TABLE IF NOT EXISTS migration (number int PRIMARY KEY, name text NOT NULL,"
    " applied_at timestamptz NOT NULL DEFAULT now ());"
    " SELECT coalesce (max (number), 0) FROM migration";

static void
s_add (migrations_t *self, const char *sql)
{
    int rc = buffer_put_string (&self->sql, sql);
    assert (rc == 0);
}

static void
s_finish (migrations_t *self)
{
    int rc = buffer_put (&self->sql, "", 1);
    assert (rc == 0);
}

void
migrations_begin (migrations_t *self)
{
    if (!self->sql.ceiling)
        buffer_init (&self->sql, SQL_MOST);
    self->state = MIGRATIONS_ASK;
    self->found = 0;
    buffer_clear (&self->sql);
    s_add (self, s_ask);
    s_finish (self);
}

//  Everything that is missing, each with its row, and the end of the transaction.
static void
s_write_missing (migrations_t *self)
{
    buffer_clear (&self->sql);
    if ((size_t) self->found < migrations_count)
        s_add (self, "SET LOCAL statement_timeout = '5min';\n");
    for (size_t at = (size_t) self->found; at < migrations_count; at++) {
        s_add (self, migrations_table[at].sql);
        s_add (self, ";\nINSERT INTO migration (number, name) VALUES (");
        int rc = buffer_put_number (&self->sql, (uint64_t) migrations_table[at].number);
        assert (rc == 0);
        s_add (self, ", '");
        s_add (self, migrations_table[at].name);
        s_add (self, "');\n");
    }
    s_add (self, "COMMIT");
    s_finish (self);
}

void
migrations_answer (migrations_t *self, int number)
{
    if (self->state == MIGRATIONS_APPLY) {
        self->state = MIGRATIONS_DONE;
        return;
    }
    assert (self->state == MIGRATIONS_ASK);
    self->found = number;
    if (number < 0 || (size_t) number > migrations_count) {
        self->state = MIGRATIONS_REFUSED;
        return;
    }
    s_write_missing (self);
    self->state = MIGRATIONS_APPLY;
}
