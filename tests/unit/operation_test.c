//  operation — that it keeps copies of all texts that were said in asking.

#include "rules/operation.h"

#include <criterion/criterion.h>

#define MOST_FIELDS 6

//  The texts of each kind, in a memory that is overwritten when the operation was made.
static char s_memory[MOST_FIELDS][8];

static text_t
s_text (unsigned number)
{
    memcpy (s_memory[number], "text 0", 7);
    s_memory[number][5] = (char) ('0' + number);
    return (text_t){ s_memory[number], 6 };
}

static void
s_check (const operation_t *operation, const text_t *texts, unsigned count)
{
    memset (s_memory, 'x', sizeof s_memory);
    char expected[] = "text 0";
    for (unsigned at = 0; at < count; at++) {
        expected[5] = (char) ('0' + at);
        cr_assert (text_is (texts[at], text_of (expected)), "text %u", at);
    }
    cr_assert (text_is (operation_session (operation), TEXT ("text 0")));
    //  Those that are not set are empty, and end with a NUL, too.
    bus_record_t record = operation->record;
    text_t *all[BUS_TEXTS_MAX];
    cr_assert_eq (operation->weight,
                  sizeof *operation + 6 * count + bus_record_texts (&record, all));
    cr_assert_eq (operation->peer, 3);
}

Test (operation, attach)
{
    operation_t *self =
        operation_of_record (3, &(bus_record_t){ .kind = BUS_ATTACH,
                                                 .attach = { .endpoint = 5,
                                                             .session = s_text (0),
                                                             .app = s_text (1),
                                                             .user = s_text (2),
                                                             .sender = s_text (3),
                                                             .seq = 8 } });
    const bus_attach_t *attach = &self->record.attach;
    s_check (self, (text_t[]){ attach->session, attach->app, attach->user, attach->sender }, 4);
    cr_assert (self->kind == OPERATION_ATTACH && attach->endpoint == 5 && attach->seq == 8);
    operation_destroy (&self);
}

Test (operation, detach)
{
    operation_t *self = operation_of_record (
        3, &(bus_record_t){ .kind = BUS_DETACH,
                            .detach = { .session = s_text (0), .received_seq = 4 } });
    s_check (self, &self->record.detach.session, 1);
    cr_assert (self->kind == OPERATION_DETACH && self->record.detach.received_seq == 4);
    operation_destroy (&self);
}

Test (operation, post)
{
    operation_t *self =
        operation_of_record (3, &(bus_record_t){ .kind = BUS_POST,
                                                 .post = { .session = s_text (0),
                                                           .message_id = s_text (1),
                                                           .sender = s_text (2),
                                                           .data = s_text (3),
                                                           .secret = s_text (4),
                                                           .request_id = 77 } });
    const bus_post_t *post = &self->record.post;
    s_check (self,
             (text_t[]){ post->session, post->message_id, post->sender, post->data, post->secret },
             5);
    cr_assert (self->kind == OPERATION_POST && post->request_id == 77);
    operation_destroy (&self);
}

Test (operation, taken)
{
    operation_t *self = operation_of_record (
        3, &(bus_record_t){ .kind = BUS_ACCEPTED,
                            .accepted = { .session = s_text (0), .item = s_text (1) } });
    s_check (self, (text_t[]){ self->record.accepted.session, self->record.accepted.item }, 2);
    cr_assert_eq (self->kind, OPERATION_ACCEPTED);
    operation_destroy (&self);
}

Test (operation, done)
{
    operation_t *self = operation_of_record (
        3, &(bus_record_t){ .kind = BUS_DONE,
                            .done = { .session = s_text (0), .item = s_text (1), .data = s_text (2),
                                      .target = s_text (3), .detail = s_text (4) } });
    const bus_done_t *done = &self->record.done;
    s_check (self, (text_t[]){ done->session, done->item, done->data, done->target, done->detail },
             5);
    cr_assert_eq (self->kind, OPERATION_DONE);
    operation_destroy (&self);
    cr_assert_null (self);
    operation_destroy (&self);
}

Test (operation, absent)
{
    operation_t *self = operation_absent (ROLE_AGENT, s_text (0));
    memset (s_memory, 'x', sizeof s_memory);
    cr_assert (self->kind == OPERATION_ABSENT && self->role == ROLE_AGENT && self->peer == 0);
    cr_assert (text_is (self->user, TEXT ("text 0")));
    cr_assert_eq (operation_session (self).size, 0);
    operation_destroy (&self);
}

//  A NUL is no text for PostgreSQL, wherever it stands.
Test (operation, what_can_be_stored)
{
    const struct {
        text_t id, data, secret;
        bool storable;
    } rows[] = {
        { TEXT ("m1"), TEXT ("{\"a\":\"\\u0000 \xe2\x82\xac\"}"), TEXT_EMPTY, true },
        { TEXT ("m1"), TEXT_EMPTY, TEXT ("t\0k"), false },
        { TEXT ("m\0"), TEXT ("{}"), TEXT_EMPTY, false },
        { TEXT ("m1"), TEXT ("\0"), TEXT_EMPTY, false },
        { TEXT ("m1"), TEXT ("{}\xf4\x90\x80\x80"), TEXT_EMPTY, false },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        operation_t *operation = operation_of_record (
            1, &(bus_record_t){ .kind = BUS_POST,
                                .post = { .session = TEXT ("demo/s"), .message_id = rows[at].id,
                                          .sender = TEXT ("{}"), .data = rows[at].data,
                                          .secret = rows[at].secret } });
        cr_assert_eq (operation_make_storable (operation), rows[at].storable, "row %zu", at);
        operation_destroy (&operation);
    }
    operation_t *absent = operation_absent (ROLE_VISITOR, TEXT ("vic"));
    cr_assert (operation_make_storable (absent));
    operation_destroy (&absent);
}
