//  store_box — see store_box.h.

#include "store_box.h"

#include "store/migrations.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
s_on_ready (void *owner, bool ready)
{
    ((box_t *) owner)->ready = ready;
}

static void
s_on_noticed (void *owner, store_notice_t what, text_t session)
{
    box_t *box = owner;
    if (what == NOTIFY_MOVED)
        snprintf (box->moved, sizeof box->moved, "%.*s", TEXT_ARGS (session));
}

bool
box_turn (box_t *box)
{
    uv_run (&box->loop, UV_RUN_NOWAIT);
    return true;
}

static box_t *
s_box (postgres_t *postgres, uint64_t writer, uint64_t kept_ms, uint64_t search_share)
{
    box_t *box = calloc (1, sizeof *box);
    uv_loop_init (&box->loop);
    box->store = store_new (&box->loop,
                            &(store_config_t){ .url = postgres_url (postgres),
                                               .migrate = true,
                                               .links = 1,
                                               .batch_appends = 100,
                                               .queue_limit = 64u << 20,
                                               .patience_ms = 5000,
                                               .answer_ms = 10000,
                                               .kept = { .sessions_ms = kept_ms },
                                               .search_share = search_share,
                                               .search_every_ms = 200,
                                               .writer = writer,
                                               .node = "tested" },
                            &(store_events_t){ .ready = s_on_ready, .noticed = s_on_noticed },
                            box);
    UNTIL (box, box->ready);
    return box;
}

box_t *
box_new (postgres_t *postgres, uint64_t writer)
{
    return s_box (postgres, writer, 0, 90);
}

box_t *
box_that_keeps (postgres_t *postgres, uint64_t writer, uint64_t kept_ms)
{
    return s_box (postgres, writer, kept_ms, 0);
}

void
box_end (box_t *box)
{
    store_destroy (&box->store);
    uv_run (&box->loop, UV_RUN_DEFAULT);
    cr_assert_eq (uv_loop_close (&box->loop), 0);
    free (box);
}

static void
s_on_appended (void *owner, uint64_t request_id, store_outcome_t outcome, const text_t *waits,
               size_t wait_count)
{
    (void) request_id, (void) waits, (void) wait_count;
    box_t *box = owner;
    box->outcome = outcome;
    box->answers++;
}

void
box_append (box_t *box, const store_append_t *append)
{
    cr_assert_eq (store_append (box->store, append, 1, s_on_appended, box), 0);
}

store_outcome_t
box_appended (box_t *box, const store_append_t *append)
{
    unsigned answers = box->answers;
    box_append (box, append);
    UNTIL (box, box->answers > answers);
    return box->outcome;
}

const char *
sql_of (const char *form)
{
    static char sql[8000];
    size_t size = 0;
    for (const char *at; (at = strstr (form, "@V@")); form = at + 3)
        size += (size_t) snprintf (sql + size, sizeof sql - size, "%.*s%zu", (int) (at - form),
                                   form, migrations_count);
    size += (size_t) snprintf (sql + size, sizeof sql - size, "%s", form);
    cr_assert_lt (size, sizeof sql);
    return sql;
}

void
sql_exec (postgres_t *postgres, const char *form)
{
    const char *sql = sql_of (form);
    cr_assert (postgres_exec (postgres, sql), "%s", sql);
}

void
sql_expect (postgres_t *postgres, const char *form, const char *value)
{
    const char *sql = sql_of (form);
    char *found = postgres_query (postgres, sql);
    cr_assert_str_eq (found ? found : "nothing", value, "%s: %s, not %s", sql,
                      found ? found : "nothing", value);
    free (found);
}

bool
sql_is (postgres_t *postgres, const char *form, const char *value)
{
    const char *sql = sql_of (form);
    char *found = postgres_query (postgres, sql);
    bool is = found && strcmp (found, value) == 0;
    free (found);
    return is;
}
