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
    (void) owner, (void) what, (void) session;
}

bool
box_turn (box_t *box)
{
    uv_run (&box->loop, UV_RUN_NOWAIT);
    return true;
}

box_t *
box_new (postgres_t *postgres, uint64_t writer)
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
                                               .search_share = 90,
                                               .search_every_ms = 200,
                                               .writer = writer,
                                               .node = "tested" },
                            &(store_events_t){ .ready = s_on_ready, .noticed = s_on_noticed },
                            box);
    UNTIL (box, box->ready);
    return box;
}

void
box_end (box_t *box)
{
    store_destroy (&box->store);
    uv_run (&box->loop, UV_RUN_DEFAULT);
    cr_assert_eq (uv_loop_close (&box->loop), 0);
    free (box);
}

const char *
sql_of (const char *form)
{
    static char sql[4000];
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
