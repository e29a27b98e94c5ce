//  What becomes of a delivery that is replayed or dropped, in the table and in its lane, against a
//  real PostgreSQL.

#include "base/clock.h"
#include "store_box.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS 86400000u

#define REPLAY "SELECT status FROM change_work_@V@ ('a', 'one', 'replay', '')"
#define TAKE                                                                                       \
    "SELECT coalesce (string_agg (item || ' ' || attempts, ', '), 'nothing')"                      \
    " FROM take_work_@V@ (31, '{t}', '{9}', '{}', '{}', '{}')"
#define DONE(item, attempt)                                                                        \
    "SELECT count (*) FROM finish_work_@V@ ('{" item "}', '{t}', '{" attempt "}', '{2}', '{0}',"   \
    " '{0}', '{0}', '{\"\"}', '{0}', '{\"\"}', '{\"\"}', '{0}', '{0}', '{f}')"

//  One is dead, two is at a worker, three waits: one comes behind three, however early it was made,
//  and nothing of the lane is under way beside two.
Test (work_changes, what_is_replayed_takes_its_turn_in_its_lane)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *box = box_that_keeps (postgres, 31, 0);
    sql_exec (postgres, "INSERT INTO work_item (item, app, topic, lane, body, state, attempts,"
                        " finished_at, holder)"
                        " VALUES ('one', 'a', 't', 'l', '{}', 3, 5, now (), NULL),"
                        " ('two', 'a', 't', 'l', '{}', 1, 1, NULL, 31),"
                        " ('three', 'a', 't', 'l', '{}', 0, 0, NULL, NULL)");
    sql_expect (postgres, REPLAY, "200");
    sql_expect (postgres, TAKE, "nothing");
    sql_exec (postgres, "UPDATE work_item SET next_at = now ()");
    sql_expect (postgres, TAKE, "nothing");
    sql_expect (postgres, DONE ("two", "1"), "1");
    sql_expect (postgres, TAKE, "three 1");
    sql_expect (postgres, TAKE, "nothing");
    sql_expect (postgres, DONE ("three", "1"), "1");
    sql_expect (postgres, TAKE, "one 6");
    sql_expect (postgres, DONE ("one", "6"), "1");
    sql_expect (postgres, "SELECT string_agg (item || ' ' || state || ' ' || replays, ', ' ORDER BY"
                          " item) FROM work_item ", "one 2 1, three 2 0, two 2 0");
    box_end (box);
    postgres_destroy (&postgres);
}

//  An append did not know of what came back, and leased a later item of the lane: what came back is
//  first by its number, and waits all the same.
Test (work_changes, nothing_of_a_lane_is_under_way_twice)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *box = box_that_keeps (postgres, 31, 0);
    sql_exec (postgres, "INSERT INTO work_item (item, app, topic, lane, body, state, finished_at)"
                        " VALUES ('one', 'a', 't', 'l', '{}', 4, now ())");
    sql_expect (postgres, REPLAY, "200");
    sql_exec (postgres, "UPDATE work_item SET next_at = now ();"
                        "INSERT INTO work_item (item, app, topic, lane, body, state, attempts,"
                        " holder) VALUES ('two', 'a', 't', 'l', '{}', 1, 1, 31)");
    sql_expect (postgres, TAKE, "nothing");
    sql_expect (postgres, DONE ("two", "1"), "1");
    sql_expect (postgres, TAKE, "one 1");
    box_end (box);
    postgres_destroy (&postgres);
}

//  The session has gone on for 1,500 entries: its participant is not behind because of what was
//  replayed, and what is made now is no dead letter.
Test (work_changes, what_is_replayed_does_not_fill_its_lane)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *box = box_that_keeps (postgres, 31, 0);
    sql_exec (postgres,
            "INSERT INTO session (session, app, visitor, day) VALUES ('a/s', 'a', 'v',"
            " (now () AT TIME ZONE 'UTC')::date);"
            "INSERT INTO log (seq, time_ms, writer, day, event, role, hidden, session, message_id,"
            " user_id, sender) SELECT 1500, 1, 1, day, 3, 1, false, session, 'm', 'v', '{}'"
            " FROM session;"
            "INSERT INTO work_item (item, app, session, topic, lane, seq, body, state, finished_at)"
            " VALUES ('one', 'a', 'a/s', 't', 'l', 2, '{}', 3, now ())");
    sql_expect (postgres, REPLAY, "200");
    store_entry_t entry = { .message_id = TEXT ("m2"), .event = EVENT_NEW_MESSAGE, .time_ms = 2,
                            .role = ROLE_VISITOR, .user = TEXT ("v"), .sender = TEXT ("{}"),
                            .data = TEXT ("{}") };
    store_work_t work = { .item = TEXT ("new"), .kind = WORK_DELIVERY, .topic = TEXT ("t"),
                          .lane = TEXT ("l"), .seq = 1501, .user = TEXT_EMPTY,
                          .body = TEXT ("{}"), .secret = TEXT_EMPTY };
    store_append_t append = { .session = TEXT ("a/s"), .day = clock_wall_ms () / DAY_MS,
                              .first_seq = 1501, .entries = &entry, .entry_count = 1,
                              .works = &work, .work_count = 1 };
    cr_assert_eq (box_appended (box, &append), STORED);
    sql_expect (postgres, "SELECT state FROM work_item WHERE item = 'new'", "0");
    box_end (box);
    postgres_destroy (&postgres);
}

//  JSON has texts that jsonb does not take, and a visitor may say such a thing.
Test (work_changes, an_item_is_shown_whatever_its_body_says)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *box = box_that_keeps (postgres, 31, 0);
    sql_exec (postgres, "INSERT INTO work_item (item, app, topic, body, detail) VALUES"
                        " ('one', 'a', 't', '{\"text\":\"\\u0000}\"}', '}'),"
                        " ('two', 'a', 't', 'no object', '')");
    sql_expect (postgres, "SELECT json_typeof (g::json) || ' ' || substr (g, position ('\"body'"
                          " IN g)) FROM get_work_@V@ ('a', 'one') g",
              "object \"body\": {\"text\":\"\\u0000}\"}, \"tries\": []}");
    sql_expect (postgres, "SELECT g::json ->> 'itemId' || coalesce (g::json ->> 'body', ' none')"
                          " FROM get_work_@V@ ('a', 'two') g",
              "two none");
    box_end (box);
    postgres_destroy (&postgres);
}

//  A dead letter of a visitor whose data are being erased would be told to the outside once more,
//  and be missed by who looks through finished work.
Test (work_changes, nothing_is_replayed_of_who_is_erased)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *box = box_that_keeps (postgres, 31, 0);
    sql_exec (postgres,
            "INSERT INTO work_item (item, app, session, topic, body, state, finished_at) VALUES"
            " ('one', 'a', 'a/1', 't', '{}', 3, now ()), ('two', 'a', 'a/2', 't', '{}', 3, now ());"
            "INSERT INTO erasure_session (app, user_id, session_key, day, is_own, closed_at)"
            " VALUES ('a', 'vera', 'a/1', current_date, true, 'infinity'),"
            " ('a', 'vera', 'a/2', current_date, false, 'infinity')");
    sql_expect (postgres, REPLAY, "409");
    sql_expect (postgres, "SELECT state FROM work_item WHERE item = 'one'", "3");
    sql_expect (postgres, "SELECT status FROM change_work_@V@ ('a', 'two', 'replay', '')", "200");
    sql_expect (postgres, "SELECT status FROM change_work_@V@ ('a', 'one', 'drop', '')", "200");
    box_end (box);
    postgres_destroy (&postgres);
}
