//  What the store does before it speaks to PostgreSQL: values, lanes, batches, notes, migrations.

#include "pg/pg_error_class.h"
#include "store/lanes.h"
#include "store/migrations.h"
#include "store/receipts.h"
#include "store/tail_cache.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
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
    pg_values_begin (&values);
    pg_values_day (&values, 10958);
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

static chunk_t *
s_chunk (const char *session, uint64_t first, size_t count, uint64_t day)
{
    static store_entry_t entries[8];
    for (size_t at = 0; at < 8; at++)
        entries[at] = (store_entry_t){ .message_id = TEXT ("m"), .user = TEXT ("u"),
                                       .sender = TEXT ("{}"), .data = TEXT ("") };
    chunk_t *chunk = chunk_new (&(store_chunk_t){ .session = text_of (session), .day = day,
                                                  .first_seq = first, .entries = entries,
                                                  .entry_count = count });
    cr_assert_not_null (chunk);
    return chunk;
}

Test (chunk, owns_what_it_points_at)
{
    char session[] = "demo/s", id[] = "m-1";
    store_entry_t entry = { .message_id = text_of (id) };
    chunk_t *chunk = chunk_new (&(store_chunk_t){ .session = text_of (session), .opens = true,
                                                  .day_ms = 86400000u * 3 + 5, .first_seq = 1,
                                                  .entries = &entry, .entry_count = 1 });
    session[0] = id[0] = 'X';
    entry.message_id = TEXT ("gone");
    cr_assert (text_is (chunk->copy.session, TEXT ("demo/s")));
    cr_assert (text_is (chunk->copy.entries[0].message_id, TEXT ("m-1")));
    cr_assert_eq (chunk_day (chunk), 3);
    chunk_destroy (&chunk);
    chunk_destroy (&chunk);
}

typedef struct {
    lanes_t *lanes;
    list_t freed;
} waiting_t;

static batch_t *
s_fill (waiting_t *waiting, size_t most, bool alone)
{
    batch_t *batch = batch_new (most);
    list_init (&waiting->freed);
    lanes_fill (waiting->lanes, batch, most, alone, &waiting->freed);
    batch_sort (batch);
    return batch;
}

Test (lanes, one_group_for_each_session_in_a_fixed_order)
{
    waiting_t waiting = { .lanes = lanes_new () };
    lanes_put (waiting.lanes, s_chunk ("demo/b", 5, 2, 7));
    lanes_put (waiting.lanes, s_chunk ("demo/a", 2, 1, 7));
    lanes_put (waiting.lanes, s_chunk ("demo/c", 2, 1, 6));
    lanes_put (waiting.lanes, s_chunk ("demo/b", 7, 3, 7));
    batch_t *batch = s_fill (&waiting, 100, false);
    cr_assert_eq (batch->count, 3);
    cr_assert_eq (batch->chunks, 4);
    cr_assert (text_is (batch->groups[0].session, TEXT ("demo/c")), "days first");
    cr_assert (text_is (batch->groups[1].session, TEXT ("demo/a")));
    cr_assert_eq (batch_group_before (&batch->groups[2]), 4);
    cr_assert_eq (batch_group_last (&batch->groups[2]), 9);
    cr_assert_eq (batch->days[0], 6);
    batch_lose (batch, 1, TEXT ("demo/a"));
    batch_lose (batch, 0, TEXT ("demo/b"));
    cr_assert (batch->groups[1].lost && !batch->groups[2].lost);
    cr_assert (lanes_are_empty (waiting.lanes));
    batch_destroy (&batch);
    lanes_destroy (&waiting.lanes);
}

Test (lanes, what_does_not_continue_waits)
{
    waiting_t waiting = { .lanes = lanes_new () };
    lanes_put (waiting.lanes, s_chunk ("demo/a", 2, 1, 7));
    lanes_put (waiting.lanes, s_chunk ("demo/a", 9, 1, 7));
    query_t *query = query_new (QUERY_LOAD, TEXT ("demo/a"), TEXT_EMPTY, NULL, 0);
    cr_assert (lanes_follow (waiting.lanes, query));
    batch_t *first = s_fill (&waiting, 100, false);
    cr_assert_eq (first->chunks, 1);
    cr_assert (list_is_empty (&waiting.freed), "its session's chunks have not all been sent");
    batch_t *second = s_fill (&waiting, 100, false);
    cr_assert_eq (second->chunks, 1);
    cr_assert_not (list_is_empty (&waiting.freed));
    query_destroy (&query);
    batch_destroy (&first);
    batch_destroy (&second);
    lanes_destroy (&waiting.lanes);
}

Test (lanes, limits_of_a_batch)
{
    waiting_t waiting = { .lanes = lanes_new () };
    for (unsigned at = 0; at < 8; at++) {
        char name[20];
        snprintf (name, sizeof name, "demo/%u", at);
        lanes_put (waiting.lanes, s_chunk (name, 2, 1, at));
    }
    batch_t *days = s_fill (&waiting, 100, false);
    cr_assert_eq (days->count, BATCH_DAYS);
    batch_t *alone = s_fill (&waiting, 100, true);
    cr_assert_eq (alone->count, 1);
    batch_t *most = s_fill (&waiting, 2, false);
    cr_assert_eq (most->count, 2);
    batch_destroy (&days);
    batch_destroy (&alone);
    batch_destroy (&most);
    cr_assert_not (lanes_are_empty (waiting.lanes));
    lanes_destroy (&waiting.lanes);
}

Test (lanes, put_back_goes_first)
{
    waiting_t waiting = { .lanes = lanes_new () };
    lanes_put (waiting.lanes, s_chunk ("demo/a", 2, 1, 7));
    batch_t *batch = s_fill (&waiting, 100, false);
    lanes_put (waiting.lanes, s_chunk ("demo/b", 2, 1, 7));
    lanes_put (waiting.lanes, s_chunk ("demo/a", 3, 1, 7));
    lanes_put_back (waiting.lanes, &batch->groups[0].chunks);
    batch_destroy (&batch);
    batch = s_fill (&waiting, 100, true);
    cr_assert (text_is (batch->groups[0].session, TEXT ("demo/a")));
    cr_assert_eq (batch_group_before (&batch->groups[0]), 1);
    cr_assert_eq (batch_group_last (&batch->groups[0]), 3);
    batch_destroy (&batch);
    lanes_destroy (&waiting.lanes);
}

Test (receipts, keeps_the_highest_and_is_bounded)
{
    receipts_t *receipts = receipts_new (2);
    cr_assert_eq (receipts_note (receipts, TEXT ("b"), 1, TEXT ("u"), 5), 0);
    cr_assert_eq (receipts_note (receipts, TEXT ("b"), 1, TEXT ("u"), 3), 0);
    cr_assert_eq (receipts_note (receipts, TEXT ("a"), 1, TEXT ("u"), 1), 0);
    cr_assert_eq (receipts_note (receipts, TEXT ("c"), 1, TEXT ("u"), 1), -1);
    pg_values_t values = { .count = 0 };
    receipts_write (receipts, &values);
    cr_assert_eq (values.values[0].count, 2);
    cr_assert_eq (values.values[0].bytes.data[24], 'a', "sorted");
    cr_assert_eq (s_32 (&values.values[3].bytes, 20 + 12 + 8), 5);
    cr_assert_eq (receipts_count (receipts), 0);
    pg_values_free (&values);
    receipts_destroy (&receipts);
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

Test (migrations, only_what_is_missing)
{
    migrations_t migrations = { .found = 0 };
    migrations_begin (&migrations);
    cr_assert_eq (migrations.state, MIGRATIONS_ASK);
    migrations_answer (&migrations, 1);
    cr_assert_eq (migrations.state, MIGRATIONS_APPLY);
    cr_assert_null (strstr (migrations_sql (&migrations), "0001_tables"));
    cr_assert_not_null (strstr (migrations_sql (&migrations), "0002_functions"));
    migrations_answer (&migrations, 0);
    cr_assert_eq (migrations.state, MIGRATIONS_DONE);

    migrations_begin (&migrations);
    migrations_answer (&migrations, (int) migrations_count);
    cr_assert_str_eq (migrations_sql (&migrations), "COMMIT");
    migrations_begin (&migrations);
    migrations_answer (&migrations, (int) migrations_count + 1);
    cr_assert_eq (migrations.state, MIGRATIONS_REFUSED);
    migrations_free (&migrations);
}

Test (pg_error_class, each_class_has_one)
{
    cr_assert_eq (pg_error_class_of ("40P01"), JUDGED_AGAIN);
    cr_assert_eq (pg_error_class_of ("23514"), JUDGED_NO_PARTITION);
    cr_assert_eq (pg_error_class_of ("23505"), JUDGED_DOUBLE);
    cr_assert_eq (pg_error_class_of ("23502"), JUDGED_INDIGESTIBLE);
    cr_assert_eq (pg_error_class_of ("55P03"), JUDGED_LOCKED);
    cr_assert_eq (pg_error_class_of ("25006"), JUDGED_STRANGE);
    cr_assert_eq (pg_error_class_of ("53100"), JUDGED_SICK);
    cr_assert_eq (pg_error_class_of (""), JUDGED_SICK);
}

Test (pg_values, a_huge_one_gives_its_memory_back)
{
    pg_values_t values = { .count = 0 };
    static const char huge[1 << 20];
    pg_values_begin (&values);
    pg_values_text (&values, (text_t){ huge, sizeof huge });
    pg_values_text (&values, TEXT ("small"));
    cr_assert_eq (pg_values_send (&values, NULL, "nowhere"), 0);
    cr_assert_null (values.values[0].bytes.data);
    cr_assert_not_null (values.values[1].bytes.data);
    pg_values_begin (&values);
    pg_values_text (&values, TEXT ("again"));
    cr_assert (text_is (buffer_text (&values.values[0].bytes), TEXT ("again")));
    pg_values_free (&values);
}
