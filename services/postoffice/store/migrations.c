#include "store/migrations.h"

#include <assert.h>

#define SQL_MOST (4u << 20)

//  The number of the lock is any one that nobody else of this database uses. Who waits for it
//  longer than for any other statement asks again.
static const char s_lock[] =
    "BEGIN; SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock (7365746, 1);"
    " CREATE TABLE IF NOT EXISTS migration (number int PRIMARY KEY, name text NOT NULL,"
    " applied_at timestamptz NOT NULL DEFAULT now ());"
    " ALTER TABLE migration ADD COLUMN IF NOT EXISTS readable_from int NOT NULL DEFAULT 0;";
static const char s_ask[] =
    " SELECT coalesce (max (number), 0), coalesce (max (readable_from), 0)"
    " FROM migration";

//  Without the right to make the table: it, or a column of it, may not be there yet.
static const char s_look[] =
    "DO $$ DECLARE n int := 0; r int := 0; BEGIN"
    " IF to_regclass ('migration') IS NOT NULL THEN"
    " SELECT coalesce (max (number), 0),"
    " coalesce (max ((to_jsonb (m) ->> 'readable_from')::int), 0) INTO n, r FROM migration AS m;"
    " END IF;"
    " PERFORM set_config ('stentor.number', n::text, true);"
    " PERFORM set_config ('stentor.readable_from', r::text, true); END $$;"
    " SELECT current_setting ('stentor.number'), current_setting ('stentor.readable_from')";

static void
s_add (migrations_t *self, const char *sql)
{
    int rc = buffer_put_string (&self->sql, sql);
    assert (rc == 0);
}

static void
s_add_number (migrations_t *self, uint64_t number)
{
    int rc = buffer_put_number (&self->sql, number);
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
    if (self->apply)
        s_add (self, s_lock);
    s_add (self, self->apply ? s_ask : s_look);
    s_finish (self);
}

//  Everything that is missing, each with its row, then our functions, and the end of the
//  transaction.
static void
s_write_missing (migrations_t *self)
{
    buffer_clear (&self->sql);
    if ((size_t) self->found < migrations_count) {
        s_add (self, "SET LOCAL statement_timeout = '");
        s_add_number (self, self->limit_minutes);
        s_add (self, "min';\n");
    }
    for (size_t at = (size_t) self->found; at < migrations_count; at++) {
        const migration_t *migration = &migrations_table[at];
        s_add (self, migration->sql);
        s_add (self, ";\nINSERT INTO migration (number, readable_from, name) VALUES (");
        s_add_number (self, (uint64_t) migration->number);
        s_add (self, ", ");
        s_add_number (self, (uint64_t) migration->readable_from);
        s_add (self, ", '");
        s_add (self, migration->name);
        s_add (self, "');\n");
    }
    if ((size_t) self->found < migrations_count)
        s_add (self, migrations_functions);
    s_add (self, ";\nCOMMIT");
    s_finish (self);
}

void
migrations_answer (migrations_t *self, int number, int readable_from)
{
    if (self->state == MIGRATIONS_APPLY) {
        self->state = MIGRATIONS_DONE;
        return;
    }
    assert (self->state == MIGRATIONS_ASK);
    self->found = number;
    bool is_newer = number < 0 || (size_t) number > migrations_count;
    if (is_newer && (number < 0 || (size_t) readable_from > migrations_count))
        self->state = MIGRATIONS_NEWER;
    else if (!self->apply)
        self->state = (size_t) number < migrations_count ? MIGRATIONS_OLDER : MIGRATIONS_DONE;
    else {
        if (is_newer)
            self->found = (int) migrations_count; //  nothing is missing
        s_write_missing (self);
        self->state = MIGRATIONS_APPLY;
    }
}
