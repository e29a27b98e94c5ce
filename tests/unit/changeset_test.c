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

Test (changeset, takes_ended_turns)
{
    turn_t *turn = turn_new (&(turn_t){ .item = TEXT ("i1"),
                                        .topic = TEXT ("t"),
                                        .user = TEXT ("u"),
                                        .body = TEXT ("{}"),
                                        .secret = TEXT_EMPTY });
    changeset_finish (s_draft, &turn, WORK_CANCELLED, TEXT ("why"));
    cr_assert_null (turn);
    cr_assert_eq (s_draft->finish_count, 1);
    cr_assert (text_is (s_draft->finishes[0].item, TEXT ("i1")));
    cr_assert_eq (s_draft->finishes[0].state, WORK_CANCELLED);
}
