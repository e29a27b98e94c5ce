#include "client/outbox.h"

#include <criterion/criterion.h>

static int
s_put (outbox_t *outbox, const char *text, uint64_t seq, bool of_session)
{
    frame_t *frame = frame_new (text_of (text));
    outbox_item_t item = { .frame = frame, .seq = seq, .of_session = of_session };
    int rc = outbox_put (outbox, 4096, &item);
    frame_destroy (&frame);
    return rc;
}

static uint64_t
s_take (outbox_t *outbox)
{
    outbox_item_t item;
    if (!outbox_take (outbox, &item))
        return 0;
    frame_destroy (&item.frame);
    return item.seq;
}

Test (outbox, gives_in_order_what_was_put)
{
    outbox_t outbox;
    outbox_init (&outbox);
    cr_assert (outbox.bytes == 0);
    for (uint64_t seq = 1; seq <= 3; seq++)
        cr_assert_eq (s_put (&outbox, "text", seq, true), 0);
    cr_assert_eq (s_take (&outbox), 1);
    cr_assert_eq (s_put (&outbox, "text", 4, true), 0);
    for (uint64_t seq = 2; seq <= 4; seq++)
        cr_assert_eq (s_take (&outbox), seq);
    cr_assert_eq (s_take (&outbox), 0);
    cr_assert_eq (outbox.bytes, 0);
}

Test (outbox, is_full_at_its_limit_but_takes_one_frame_of_any_size)
{
    outbox_t outbox;
    outbox_init (&outbox);
    char large[8000];
    memset (large, 'x', sizeof large);
    large[sizeof large - 1] = 0;
    cr_assert_eq (s_put (&outbox, large, 1, true), 0);
    cr_assert_eq (s_put (&outbox, "x", 2, true), -1);
    cr_assert_eq (s_take (&outbox), 1);
    cr_assert_eq (s_put (&outbox, "x", 2, true), 0);
    unsigned count = 1;
    while (s_put (&outbox, "x", 3, true) == 0)
        count++;
    cr_assert_leq (count, 4096 / sizeof (frame_t));
    outbox_clear (&outbox);
    cr_assert (outbox.bytes == 0);
    cr_assert_eq (outbox.bytes, 0);
}

Test (outbox, keeps_what_is_not_of_the_session)
{
    outbox_t outbox;
    outbox_init (&outbox);
    for (uint64_t seq = 1; seq <= 6; seq++)
        cr_assert_eq (s_put (&outbox, "x", seq, seq % 2), 0);
    outbox_leave_session (&outbox);
    for (uint64_t seq = 2; seq <= 6; seq += 2)
        cr_assert_eq (s_take (&outbox), seq);
    cr_assert (outbox.bytes == 0);
}

Test (outbox, shares_one_frame)
{
    outbox_t one, other;
    outbox_init (&one);
    outbox_init (&other);
    frame_t *frame = frame_new (TEXT ("for all"));
    cr_assert_eq (outbox_put (&one, 100, &(outbox_item_t){ .frame = frame }), 0);
    cr_assert_eq (outbox_put (&other, 100, &(outbox_item_t){ .frame = frame }), 0);
    cr_assert_eq (frame->references, 3);
    outbox_clear (&one);
    frame_destroy (&frame);
    outbox_item_t item;
    cr_assert (outbox_take (&other, &item));
    cr_assert_eq (item.frame->references, 1);
    cr_assert_eq (memcmp (item.frame->text, "for all", 7), 0);
    frame_destroy (&item.frame);
}
