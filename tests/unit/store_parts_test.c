//  What the store does before it speaks to PostgreSQL: values, batches, receipts, migrations.

#include "pg/pg_link.h"
#include "store/batch.h"
#include "store/migrations.h"
#include "store/receipts.h"
#include "store/tail_cache.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static uint32_t
s_32 (const buffer_t *bytes, size_t at)
{
    uint32_t wire;
    memcpy (&wire, bytes->data + at, sizeof wire);
    return ntohl (wire);
}

Test (pg_values, writes_arrays_in_binary)
{
    pg_values_t values = { .count = 0 };
    pg_values_number (&values, PG_DAY, 10958);
    pg_value_t *texts = pg_values_array (&values, PG_TEXT);
    pg_value_t *smalls = pg_values_array (&values, PG_SMALL);
    pg_array_text (texts, TEXT ("ab"));
    pg_array_number (smalls, -2);
    pg_array_null (texts);
    cr_assert_eq (s_32 (&values.values[0].bytes, 0), 1, "2000-01-02 is day 1");
    cr_assert_eq (s_32 (&texts->bytes, 4), 1, "has a NULL");
    cr_assert_eq (s_32 (&texts->bytes, 8), PG_TEXT);
    cr_assert_eq (s_32 (&texts->bytes, 20), 2);
    cr_assert_arr_eq (texts->bytes.data + 24, "ab", 2);
    cr_assert_eq (s_32 (&texts->bytes, 26), UINT32_MAX);
    cr_assert_eq (texts->count, 2);
    cr_assert_arr_eq (smalls->bytes.data + 24, "\xff\xfe", 2);
    pg_values_free (&values);
}

static append_t *
s_append (const char *session, uint64_t first, size_t count, uint64_t day)
{
    static store_entry_t entries[8];
    for (size_t at = 0; at < count; at++)
        entries[at].event = EVENT_NEW_MESSAGE;
    return append_new (&(store_append_t){ .session = text_of (session),
                                          .day = day,
                                          .first_seq = first,
                                          .entries = entries,
                                          .entry_count = count });
}

static void
s_wait (list_t *waiting, append_t *append)
{
    list_append (waiting, &append->link);
}

//  The sessions of what waits, and so of a batch, which is destroyed.
static const char *
s_sessions (list_t *waiting)
{
    static char names[200];
    names[0] = 0;
    list_t *link;
    while ((link = list_first (waiting))) {
        append_t *append = LIST_THING (link, append_t, link);
        strncat (names, append->request.session.data, append->request.session.size);
        append_destroy (&append);
    }
    return names;
}

static const char *
s_batched (batch_t **batch_p)
{
    static char names[200];
    names[0] = 0;
    for (size_t at = 0; at < (*batch_p)->count; at++)
        strcat (names, (*batch_p)->appends[at]->request.session.data);
    batch_destroy (batch_p);
    return names;
}

Test (append, borrows_and_measures)
{
    store_entry_t entry = { .message_id = TEXT ("m-1"),
                            .event = EVENT_NEW_MESSAGE,
                            .data = TEXT ("12345") };
    store_append_t request = { .session = TEXT ("demo/s"),
                               .opens = true,
                               .day_ms = 86400000u * 3 + 5,
                               .first_seq = 1,
                               .entries = &entry,
                               .entry_count = 1 };
    append_t *append = append_new (&request);
    cr_assert_eq (append->request.entries, &entry);
    cr_assert_eq (append->day, 3);
    cr_assert_eq (append->size, sizeof *append + sizeof entry + 6 + 3 + 5);
    append_destroy (&append);
    append_destroy (&append);
}

Test (batch, is_sorted_by_day_and_session)
{
    list_t waiting;
    list_init (&waiting);
    s_wait (&waiting, s_append ("b", 5, 2, 7));
    s_wait (&waiting, s_append ("a", 2, 1, 7));
    s_wait (&waiting, s_append ("c", 2, 1, 6));
    batch_t *batch = batch_new (&waiting, 100);
    cr_assert_eq (batch->day_count, 2);
    cr_assert_eq (batch->days[0], 6);
    batch_lose (batch, 1, TEXT ("a"));
    batch_lose (batch, 0, TEXT ("b")); //  of another day
    cr_assert (batch->appends[1]->lost && !batch->appends[2]->lost);
    cr_assert_str_eq (s_batched (&batch), "cab");
    cr_assert (list_is_empty (&waiting));
}

Test (batch, has_limits)
{
    static const char *const names[] = { "0", "1", "2", "3", "4", "5", "6", "7" };
    list_t waiting;
    list_init (&waiting);
    for (unsigned at = 0; at < 8; at++)
        s_wait (&waiting, s_append (names[at], 2, 1, at));
    batch_t *days = batch_new (&waiting, 100);
    cr_assert_eq (days->count, BATCH_DAYS);
    batch_t *most = batch_new (&waiting, 1);
    cr_assert_str_eq (s_batched (&days), "0123");
    cr_assert_str_eq (s_batched (&most), "4");
    LIST_THING (list_first (&waiting), append_t, link)->size = BATCH_BYTES;
    batch_t *bytes = batch_new (&waiting, 100);
    cr_assert_str_eq (s_batched (&bytes), "5");
    cr_assert_str_eq (s_sessions (&waiting), "67");
}

Test (batch, goes_back_oldest_first)
{
    list_t waiting;
    list_init (&waiting);
    s_wait (&waiting, s_append ("b", 2, 1, 7));
    s_wait (&waiting, s_append ("a", 2, 1, 7));
    LIST_THING (waiting.next, append_t, link)->since_ms = 1;
    LIST_THING (waiting.previous, append_t, link)->since_ms = 2;
    batch_t *batch = batch_new (&waiting, 100);
    cr_assert_eq (batch->since_ms, 1);
    s_wait (&waiting, s_append ("c", 2, 1, 7));
    batch_put_back (batch, &waiting);
    batch_destroy (&batch);
    cr_assert_str_eq (s_sessions (&waiting), "bac");
}

Test (batch, has_no_session_twice, .signal = SIGABRT)
{
    list_t waiting;
    list_init (&waiting);
    s_wait (&waiting, s_append ("a", 2, 1, 7));
    s_wait (&waiting, s_append ("a", 3, 1, 7));
    batch_new (&waiting, 100);
}

Test (batch, the_simplest_way_for_a_day)
{
    list_t waiting;
    list_init (&waiting);
    s_wait (&waiting, s_append ("a", 2, 1, 7));
    s_wait (&waiting, s_append ("b", 2, 2, 8));
    s_wait (&waiting, s_append ("c", 2, 1, 9));
    batch_t *batch = batch_new (&waiting, 100);
    batch->appends[0]->tail_known = batch->appends[1]->tail_known = true;
    cr_assert_eq (batch_way (batch, 0, false), BATCH_ENTRY);
    cr_assert_eq (batch_way (batch, 1, false), BATCH_ENTRIES);
    cr_assert_eq (batch_way (batch, 2, false), BATCH_ALL, "its predecessor is not known");
    cr_assert_eq (batch_way (batch, 0, true), BATCH_ALL);
    batch->appends[0]->request.notify_others = true;
    cr_assert_eq (batch_way (batch, 0, false), BATCH_ALL);
    batch->appends[0]->request.notify_others = false;
    cr_assert_eq (batch_way (batch, 0, false), BATCH_ENTRY);
    ((store_entry_t *) (uintptr_t) batch->appends[0]->request.entries)[0].event =
        EVENT_ALERT_ACKNOWLEDGED;
    cr_assert_eq (batch_way (batch, 0, false), BATCH_ALL, "its alert is seen to");
    batch_destroy (&batch);
}

static int
s_note_receipt (receipts_t *receipts, const char *session, uint64_t received, uint64_t read)
{
    return receipts_note (receipts, text_of (session), 1, TEXT ("u"),
                          &(store_receipt_t){ received, received, read });
}

Test (receipts, keeps_the_highest_and_is_bounded)
{
    receipts_t receipts = { .most = 2 };
    cr_assert_eq (s_note_receipt (&receipts, "b", 5, 0), 0);
    cr_assert_eq (s_note_receipt (&receipts, "b", 3, 2), 0);
    cr_assert_eq (s_note_receipt (&receipts, "a", 1, 0), 0);
    cr_assert_eq (s_note_receipt (&receipts, "c", 1, 0), -1);
    pg_values_t values = { .count = 0 };
    receipts_write (&receipts, &values);
    cr_assert_eq (values.values[0].count, 2);
    cr_assert_eq (values.values[0].bytes.data[24], 'a', "sorted");
    cr_assert_eq (s_32 (&values.values[3].bytes, 20 + 12 + 8), 5);
    cr_assert_eq (s_32 (&values.values[5].bytes, 20 + 12 + 8), 2);
    cr_assert_null (receipts.notes);
    pg_values_free (&values);
    receipts_clear (&receipts);
}

Test (tail_cache, knows_only_the_last)
{
    tail_cache_t *tail_cache = tail_cache_new (4);
    tail_cache_note (tail_cache, TEXT ("demo/s"), 5);
    cr_assert (tail_cache_ends_at (tail_cache, TEXT ("demo/s"), 5));
    cr_assert_not (tail_cache_ends_at (tail_cache, TEXT ("demo/s"), 4));
    cr_assert_not (tail_cache_ends_at (tail_cache, TEXT ("demo/t"), 5));
    cr_assert_not (tail_cache_ends_at (tail_cache, TEXT ("demo/t"), 0));
    tail_cache_forget (tail_cache);
    cr_assert_not (tail_cache_ends_at (tail_cache, TEXT ("demo/s"), 5));
    tail_cache_destroy (&tail_cache);
}

//  All four fall on the one row.
Test (tail_cache, sessions_of_one_row_leave_each_other_in_peace)
{
    static const char *const sessions[] = { "demo/a", "demo/b", "demo/c", "demo/d" };
    tail_cache_t *tail_cache = tail_cache_new (2);
    for (uint64_t seq = 1; seq <= 3; seq++)
        for (size_t at = 0; at < 4; at++)
            tail_cache_note (tail_cache, text_of (sessions[at]), seq * 10 + at);
    for (size_t at = 0; at < 4; at++) {
        cr_assert (tail_cache_ends_at (tail_cache, text_of (sessions[at]), 30 + at));
        cr_assert_not (tail_cache_ends_at (tail_cache, text_of (sessions[at]), 20 + at));
    }
    tail_cache_note (tail_cache, TEXT ("demo/a"), 40);
    tail_cache_note (tail_cache, TEXT ("demo/e"), 5);
    cr_assert (tail_cache_ends_at (tail_cache, TEXT ("demo/a"), 40));
    cr_assert (tail_cache_ends_at (tail_cache, TEXT ("demo/e"), 5));
    cr_assert_not (tail_cache_ends_at (tail_cache, TEXT ("demo/b"), 31), "noted longest ago");
    tail_cache_destroy (&tail_cache);
}

Test (migrations, only_what_is_missing)
{
    migrations_t migrations = { .apply = true, .limit_minutes = 5 };
    migrations_begin (&migrations);
    cr_assert_eq (migrations.state, MIGRATIONS_ASK);
    migrations_answer (&migrations, 1, 0);
    cr_assert_eq (migrations.state, MIGRATIONS_APPLY);
    cr_assert_null (strstr (migrations.sql.data, "0001_tables"));
    cr_assert_not_null (strstr (migrations.sql.data, "0002_functions"));
    cr_assert_not_null (strstr (migrations.sql.data, "statement_timeout = '5min'"));
    migrations_answer (&migrations, 0, 0);
    cr_assert_eq (migrations.state, MIGRATIONS_DONE);

    migrations_begin (&migrations);
    migrations_answer (&migrations, (int) migrations_count, (int) migrations_count);
    cr_assert_str_eq (migrations.sql.data, ";\nCOMMIT");
    buffer_free (&migrations.sql);
}

Test (migrations, a_newer_schema_says_who_may_use_it)
{
    int newer = (int) migrations_count + 1;
    migrations_t migrations = { .apply = true };
    migrations_begin (&migrations);
    migrations_answer (&migrations, newer, newer);
    cr_assert_eq (migrations.state, MIGRATIONS_NEWER);
    //  One that an older program may use beside a newer one is left as it is.
    migrations_begin (&migrations);
    migrations_answer (&migrations, newer, (int) migrations_count);
    cr_assert_eq (migrations.state, MIGRATIONS_APPLY);
    cr_assert_str_eq (migrations.sql.data, ";\nCOMMIT");
    migrations_answer (&migrations, 0, 0);
    cr_assert_eq (migrations.state, MIGRATIONS_DONE);
    buffer_free (&migrations.sql);
}

Test (migrations, one_that_only_looks)
{
    migrations_t migrations = { .apply = false };
    migrations_begin (&migrations);
    cr_assert_null (strstr (migrations.sql.data, "CREATE TABLE"));
    migrations_answer (&migrations, (int) migrations_count - 1, 1);
    cr_assert_eq (migrations.state, MIGRATIONS_OLDER);
    migrations_begin (&migrations);
    migrations_answer (&migrations, (int) migrations_count, 1);
    cr_assert_eq (migrations.state, MIGRATIONS_DONE);
    buffer_free (&migrations.sql);
}

Test (pg_error, each_class_has_one)
{
    cr_assert_eq (pg_error_of ("40P01"), PG_ERROR_RETRY);
    cr_assert_eq (pg_error_of ("23514"), PG_ERROR_NO_PARTITION);
    cr_assert_eq (pg_error_of ("23505"), PG_ERROR_DUPLICATE);
    cr_assert_eq (pg_error_of ("23502"), PG_ERROR_REJECTED);
    cr_assert_eq (pg_error_of ("55P03"), PG_ERROR_LOCKED);
    cr_assert_eq (pg_error_of ("25006"), PG_ERROR_RECONNECT);
    cr_assert_eq (pg_error_of ("53100"), PG_ERROR_UNAVAILABLE);
    cr_assert_eq (pg_error_of (""), PG_ERROR_UNAVAILABLE);
}

Test (pg_values, a_huge_one_gives_its_memory_back)
{
    pg_values_t values = { .count = 0 };
    static const char huge[1 << 20];
    pg_values_text (&values, (text_t){ huge, sizeof huge });
    pg_values_text (&values, TEXT ("small"));
    cr_assert_eq (pg_values_send (&values, NULL, "nowhere"), 0);
    cr_assert_null (values.values[0].bytes.data);
    cr_assert_not_null (values.values[1].bytes.data);
    pg_values_text (&values, TEXT ("again"));
    cr_assert (text_is (buffer_text (&values.values[0].bytes), TEXT ("again")));
    pg_values_free (&values);
}
