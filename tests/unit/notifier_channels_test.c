//  What the notifier's channels share: the schedule of a setting, what an item remembers, and the
//  body of a notification.

#include "channels/alert_item.h"
#include "channels/delivery.h"
#include "channels/item_memory.h"
#include "channels/schedule.h"

#include <criterion/criterion.h>

Test (schedule, lists_of_pauses)
{
    static const char *const bad[] = { "", ",", "1m,", ",1m", "1m,,2m", "1", "x", "1m;2m", "-1m",
                                       "1000h", "1m, 2m",
                                       "111111111111111111111s" };
    schedule_t schedule;
    for (size_t at = 0; at < sizeof bad / sizeof *bad; at++)
        cr_expect_eq (schedule_read (&schedule, bad[at]), -1, "%s", bad[at]);
    char many[100] = "1s";
    for (unsigned count = 2; count <= SCHEDULE_MOST; count++)
        memcpy (many + strlen (many), ",1s", 4);
    cr_expect_eq (schedule_read (&schedule, many), 0);
    memcpy (many + strlen (many), ",1s", 4);
    cr_expect_eq (schedule_read (&schedule, many), -1);
    cr_assert_eq (schedule_read (&schedule, "250ms,1m,2h"), 0);
    cr_expect_eq (schedule.delays, 3);
    cr_expect_eq (schedule.delays_ms[0], 250);
    cr_expect_eq (schedule.delays_ms[2], 7200000);
    retry_policy_t policy = schedule_policy (&schedule, 2);
    for (unsigned tries = 1; tries <= 4; tries++) {
        retry_decision_t next =
            retry_decide (&policy, &(retry_so_far_t){ .tries = tries }, RETRY_BUSY, 0, 12345);
        cr_expect_eq (next.verdict, tries < 4 ? RETRY_LATER : RETRY_USED_UP);
        if (tries < 4)
            cr_expect_eq (next.delay_ms, schedule.delays_ms[tries - 1]);
    }
}

//  A process that stood still for longer than a try may take has no time without end.
Test (delivery, time_that_is_left)
{
    cr_expect_eq (delivery_left_ms (30000, 0), 30000u);
    cr_expect_eq (delivery_left_ms (30000, 29999), 1u);
    cr_expect_eq (delivery_left_ms (30000, 30000), 1u);
    cr_expect_eq (delivery_left_ms (30000, 90000), 1u);
}

Test (item_memory, comes_back)
{
    char room[ITEM_MEMORY_SIZE];
    item_memory_t memory = { .unsure = 1, .refused = 2, .waited = 999999, .lost = 3,
                             .missing = 4 };
    item_memory_t read;
    item_memory_read (&read, item_memory_write (&memory, room));
    cr_expect (memcmp (&memory, &read, sizeof read) == 0, "%s", room);
    static const char *const odd[] = { "", "[]", "{", "null", "{\"unsure\":-1}",
                                       "{\"unsure\":\"1\"}", "{\"unsure\":1.5}",
                                       "{\"unsure\":{}}" };
    for (size_t at = 0; at < sizeof odd / sizeof *odd; at++) {
        item_memory_read (&read, text_of (odd[at]));
        cr_expect_eq (read.unsure, 0, "%s", odd[at]);
    }
    item_memory_read (&read, TEXT ("{\"later\":[1],\"unsure\":2}"));
    cr_expect_eq (read.unsure, 2);
    memory = (item_memory_t){ (unsigned) -1, (unsigned) -1, (unsigned) -1, (unsigned) -1,
                              (unsigned) -1, (unsigned) -1 };
    cr_expect (item_memory_write (&memory, room).size < ITEM_MEMORY_SIZE);
}

//  For a day, ever more seldom, and none of it is a try.
Test (item_memory, waits_a_day_for_what_is_missing)
{
    item_memory_t memory = { .unsure = 0 };
    uint64_t all_ms = 0, before_ms = 0, after_ms = 0;
    unsigned times = 0;
    while (item_memory_waits (&memory, &after_ms)) {
        cr_assert_geq (after_ms, before_ms);
        before_ms = after_ms;
        all_ms += after_ms;
        cr_assert_lt (++times, 100);
    }
    cr_expect_geq (all_ms, 86400000u);
    cr_expect_leq (all_ms, 90000000u);
    cr_expect_eq (memory.waited, times);
    cr_expect_lt (times, 40);
}

Test (alert_item, bodies)
{
    alert_item_t item;
    cr_assert_eq (alert_item_read (&item, TEXT ("{\"appId\":\"a\",\"step\":2,\"text\":\"x\\ny\","
                                                "\"person\":{\"id\":\"p\",\"name\":\"P\"},"
                                                "\"suppressed\":7,\"new\":[1,{}],\"link\":null}")),
                  0);
    cr_expect (text_is (item.app, TEXT ("a")) && text_is (item.text, TEXT ("x\ny")));
    cr_expect (text_is (item.person, TEXT ("p")) && text_is (item.name, TEXT ("P")));
    cr_expect (item.step == 2 && item.suppressed == 7 && item.link.size == 0);
    alert_item_free (&item);
    static const char *const bad[] = { "", "[]", "\"x\"", "{", "{\"text\":1}", "{\"text\":[]}",
                                       "{\"step\":\"1\"}", "{\"step\":1.5}", "{\"person\":[]}",
                                       "{\"person\":{\"name\":1}}", "{} x", "{\"a\":\"\xff\"}" };
    for (size_t at = 0; at < sizeof bad / sizeof *bad; at++)
        cr_expect_eq (alert_item_read (&item, text_of (bad[at])), -1, "%s", bad[at]);
    alert_item_free (&item);
}
