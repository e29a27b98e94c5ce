//  changeset — what it gathers, when it is full, and that it frees what was not taken out of it.

#include "rules/changeset.h"

#include <criterion/criterion.h>
#include <stdio.h>

static changeset_t *s_draft;

static void
s_begin (void)
{
    s_draft = changeset_new (TEXT ("demo/s"));
}

static void
s_end (void)
{
    changeset_destroy (&s_draft);
    cr_assert_null (s_draft);
    changeset_destroy (&s_draft);
}

TestSuite (changeset, .init = s_begin, .fini = s_end);

static operation_t *
s_post (text_t data)
{
    return operation_of_record (1, &(bus_record_t){ .kind = BUS_POST,
                                                    .post = { .session = TEXT ("demo/s"),
                                                              .message_id = TEXT ("m"),
                                                              .sender = TEXT ("{}"),
                                                              .data = data,
                                                              .secret = TEXT_EMPTY } });
}

Test (changeset, arrays_grow)
{
    for (uint64_t at = 0; at < 70; at++) {
        char id[20];
        snprintf (id, sizeof id, "m%u", (unsigned) at);
        changeset_entry (s_draft, 10 + at,
                         &(store_entry_t){ .message_id = changeset_keep (s_draft, text_of (id)),
                                           .time_ms = at },
                         (origin_t){ at, at + 1 });
        changeset_work (s_draft, &(store_work_t){ .seq = at });
    }
    cr_assert (s_draft->first_seq == 10 && s_draft->entry_count == 70 && s_draft->work_count == 70);
    for (uint64_t at = 0; at < 70; at++) {
        char id[20];
        snprintf (id, sizeof id, "m%u", (unsigned) at);
        cr_assert (text_is (s_draft->entries[at].message_id, text_of (id)));
        cr_assert (s_draft->entries[at].time_ms == at && s_draft->works[at].seq == at);
        cr_assert (s_draft->origins[at].peer == at && s_draft->origins[at].endpoint == at + 1);
    }
}

Test (changeset, one_row_for_each_participant)
{
    changeset_participant (s_draft, ROLE_VISITOR, TEXT ("a"), TEXT ("{1}"), TEXT ("{4}"), true);
    changeset_participant (s_draft, ROLE_AGENT, TEXT ("a"), TEXT ("{2}"), TEXT_EMPTY, true);
    changeset_participant (s_draft, ROLE_VISITOR, TEXT ("a"), TEXT ("{3}"), TEXT_EMPTY, false);
    cr_assert_eq (s_draft->participant_count, 2);
    cr_assert (text_is (s_draft->participants[0].sender, TEXT ("{3}")));
    //  One who goes tells nothing: what was told in coming stays.
    cr_assert (text_is (s_draft->participants[0].info, TEXT ("{4}")));
    cr_assert_not (s_draft->participants[0].present);
    cr_assert (s_draft->participants[1].present);
}

//  What is said later of a participant does not take its channel away.
Test (changeset, channels_and_external_references)
{
    changeset_participant (s_draft, ROLE_VISITOR, TEXT ("a"), TEXT ("{1}"), TEXT_EMPTY, true);
    changeset_channel (s_draft, ROLE_VISITOR, TEXT ("a"), TEXT ("sms.out"));
    changeset_participant (s_draft, ROLE_VISITOR, TEXT ("a"), TEXT ("{2}"), TEXT_EMPTY, true);
    cr_assert_eq (s_draft->participant_count, 1);
    cr_assert (text_is (s_draft->participants[0].channel, TEXT ("sms.out")));
    for (uint64_t at = 0; at < 5; at++)
        changeset_external_ref (s_draft, &(store_external_ref_t){ .channel = TEXT ("sms.out"),
                                                                  .external_id = TEXT ("+4930"),
                                                                  .role = at,
                                                                  .user = TEXT ("a") });
    cr_assert_eq (s_draft->external_ref_count, 5);
    for (uint64_t at = 0; at < 5; at++)
        cr_assert_eq (s_draft->external_refs[at].role, at);
}

Test (changeset, full_by_count)
{
    for (int at = 0; at < CHANGESET_OPERATIONS; at++) {
        operation_t *operation = s_post (TEXT ("{}"));
        bool has_room = changeset_take (s_draft, &operation);
        cr_assert_eq (has_room, at + 1 < CHANGESET_OPERATIONS);
        cr_assert_null (operation);
    }
}

Test (changeset, full_by_bytes)
{
    static char much[CHANGESET_BYTES / 2];
    memset (much, 'x', sizeof much);
    for (int at = 0; at < 2; at++) {
        operation_t *operation = s_post ((text_t){ much, sizeof much });
        cr_assert_eq (changeset_take (s_draft, &operation), at == 0);
    }
}

//  What is said of a timer last counts; how it has run is said beside that.
Test (changeset, sets_and_cancels_timers)
{
    timer_set_t set = { .kind = TIMER_CLOSE, .seq = 4, .after_ms = 1000, .body = TEXT ("{}") };
    changeset_set_timer (s_draft, &set);
    set.seq = 5;
    changeset_set_timer (s_draft, &set);
    cr_assert_eq (s_draft->work_count, 1);
    cr_assert_eq (s_draft->works[0].seq, 5);
    cr_assert_eq (s_draft->works[0].kind, WORK_TIMER);
    cr_assert_not (s_draft->works[0].is_leased);
    cr_assert (text_is (s_draft->works[0].topic, TEXT ("timer")));
    text_t item = s_draft->works[0].item;
    cr_assert (text_is (item, TEXT (":timer:close:demo/s")), "%s", item.data);
    cr_assert_eq (timer_kind_of (item), TIMER_CLOSE);

    changeset_cancel_timer (s_draft, TIMER_CLOSE);
    cr_assert_eq (s_draft->work_count, 0);
    cr_assert_eq (s_draft->finish_count, 1);
    cr_assert_eq (s_draft->finishes[0].state, WORK_CANCELLED);

    changeset_finish_timer (s_draft, TEXT (":timer:close:demo/s"), 3);
    changeset_set_timer (s_draft, &set);
    cr_assert_eq (s_draft->work_count, 1);
    cr_assert_eq (s_draft->finish_count, 1);
    cr_assert_eq (s_draft->finishes[0].state, WORK_DONE);
    cr_assert_eq (s_draft->finishes[0].attempt, 3);
}

Test (changeset, knows_the_kind_of_a_timer)
{
    const char *const others[] = { "", ":", ":timer:", ":timer:close", ":timer:clos:a/b",
                                   ":timer:closed:a/b", "timer:close:a/b", "0123456789abcdef" };
    for (size_t at = 0; at < sizeof others / sizeof *others; at++)
        cr_assert_eq (timer_kind_of (text_of (others[at])), TIMER_KINDS, "%s", others[at]);
}

Test (changeset, takes_ended_turns)
{
    turn_t *turn = turn_new (&(turn_t){ .item = TEXT ("i1"),
                                        .topic = TEXT ("t"),
                                        .user = TEXT ("u"),
                                        .body = TEXT ("{}"),
                                        .secret = TEXT_EMPTY });
    changeset_finish (s_draft, &turn,
                      &(store_finish_t){ .state = WORK_CANCELLED, .detail = TEXT ("why") });
    cr_assert_null (turn);
    cr_assert_eq (s_draft->finish_count, 1);
    cr_assert (text_is (s_draft->finishes[0].item, TEXT ("i1")));
    cr_assert_eq (s_draft->finishes[0].state, WORK_CANCELLED);
}
