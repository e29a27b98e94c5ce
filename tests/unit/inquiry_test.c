//  inquiry — what is asked of postoffices, which are scripted here, bus and all: who is asked,
//  when once more, and whose answer counts.

#include "asking/inquiry.h"

#include "eventually.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define OFFICES 3
#define SENT_MOST 20
#define NUMBERS (1ull << 40)

typedef struct {
    unsigned postoffice;
    uint64_t number, operation, deadline_ms;
    char body[40];
} sent_t;

static bool s_is_up[OFFICES], s_is_new[OFFICES], s_is_full;
static int s_owner; //  of every place
static sent_t s_sent[SENT_MOST];
static unsigned s_count;
static uv_loop_t s_loop;
static inquiries_t *s_inquiries;

int
bus_client_postoffice_of (const bus_client_t *self, text_t key)
{
    (void) self;
    cr_assert (text_is (key, TEXT ("shop/s-1")), "%.*s", TEXT_ARGS (key));
    if (s_is_up[s_owner])
        return s_owner;
    for (int at = 0; at < OFFICES; at++)
        if (s_is_up[at])
            return at;
    return -1;
}

bool
bus_client_has (const bus_client_t *self, unsigned postoffice, uint64_t feature)
{
    (void) self;
    cr_assert_eq (feature, 4);
    return postoffice < OFFICES && s_is_up[postoffice] && s_is_new[postoffice];
}

int
bus_client_send (bus_client_t *self, unsigned postoffice, const bus_record_t *record)
{
    (void) self;
    if (s_is_full)
        return -1;
    cr_assert (record->kind == BUS_REQUEST && s_count < SENT_MOST && s_is_up[postoffice]);
    sent_t *sent = &s_sent[s_count++];
    *sent = (sent_t){ .postoffice = postoffice,
                      .number = record->request.request_id,
                      .operation = record->request.operation,
                      .deadline_ms = record->request.deadline_ms };
    snprintf (sent->body, sizeof sent->body, "%.*s %.*s", TEXT_ARGS (record->request.principal),
              TEXT_ARGS (record->request.body));
    return 0;
}

// ---------------------------------------------------------------------------------------------

typedef struct {
    unsigned count, status;
    bool was_sent;
    inquiry_t *inquiry;
    inquiry_t **destroys; //  within the answer
    bool asks_on;             //  the next thing, within the answer
} answer_t;

static const inquiry_question_t s_question = { .place = { "shop/s-1", 8 },
                                           .operation = 7,
                                           .principal = { "me", 2 },
                                           .body = { "{}", 2 } };

static void
s_on_answered (void *owner, const bus_reply_t *reply, bool was_sent)
{
    answer_t *answer = owner;
    answer->count++;
    answer->status = reply ? (unsigned) reply->status : 0;
    answer->was_sent = was_sent;
    if (answer->destroys)
        inquiry_destroy (answer->destroys);
    if (answer->asks_on)
        inquiry_ask (answer->inquiry, &s_question);
}

static void
s_open (uint64_t feature)
{
    s_inquiries = inquiries_new (
        &s_loop, &(inquiries_config_t){ .numbers = NUMBERS, .feature = feature });
}

static void
s_begin (void)
{
    cr_assert_eq (uv_loop_init (&s_loop), 0);
    for (unsigned at = 0; at < OFFICES; at++)
        s_is_up[at] = s_is_new[at] = true;
    s_owner = 1;
}

static void
s_end (void)
{
    inquiries_destroy (&s_inquiries);
    uv_run (&s_loop, UV_RUN_DEFAULT);
    cr_assert_eq (uv_loop_close (&s_loop), 0);
}

TestSuite (inquiry, .init = s_begin, .fini = s_end, .timeout = 60);

static inquiry_t *
s_ask (answer_t *answer, uint64_t within_ms)
{
    answer->inquiry = inquiry_new (s_inquiries, within_ms, s_on_answered, answer);
    inquiry_ask (answer->inquiry, &s_question);
    return answer->inquiry;
}

static bool
s_reply (uint64_t number, uint64_t status)
{
    return inquiries_reply (s_inquiries,
                            &(bus_reply_t){ .request_id = number, .status = status });
}

Test (inquiry, the_places_postoffice_is_asked_and_heard_once)
{
    answer_t answer = { 0 };
    s_open (0);
    inquiry_t *inquiry = s_ask (&answer, 60000);
    cr_assert (s_count == 1 && s_sent[0].postoffice == 1 && s_sent[0].operation == 7);
    cr_assert (s_sent[0].number & NUMBERS);
    cr_assert (s_sent[0].deadline_ms > 50000 && s_sent[0].deadline_ms <= 60000);
    cr_assert_str_eq (s_sent[0].body, "me {}");
    cr_assert_not (s_reply (s_sent[0].number + 1, 200), "nobody's");
    cr_assert_not (s_reply (s_sent[0].number, 199), "no status");
    cr_assert_not (s_reply (s_sent[0].number, 600), "no status");
    cr_assert_eq (answer.count, 0);
    cr_assert (s_reply (s_sent[0].number, 409));
    cr_assert_not (s_reply (s_sent[0].number, 200), "once");
    cr_assert (answer.count == 1 && answer.status == 409 && answer.was_sent);
    inquiry_destroy (&inquiry);
    cr_assert_null (inquiry);
    inquiry_destroy (&inquiry);
}

//  Its postoffice is lost: the next one is asked, under another number, and who answers late is not
//  heard.
Test (inquiry, is_sent_again_when_its_postoffice_is_lost)
{
    answer_t answer = { 0 };
    s_open (0);
    inquiry_t *inquiry = s_ask (&answer, 60000);
    s_is_up[2] = false;
    inquiries_postoffice_down (s_inquiries, 2);
    cr_assert_eq (s_count, 1, "another one's end is nothing to it");
    s_is_up[1] = false;
    inquiries_postoffice_down (s_inquiries, 1);
    cr_assert (s_count == 2 && s_sent[1].postoffice == 0);
    cr_assert_not (s_reply (s_sent[0].number, 200));
    s_is_up[0] = false;
    inquiries_postoffice_down (s_inquiries, 0);
    cr_assert_eq (s_count, 2, "nobody is left");
    s_is_up[2] = true;
    inquiries_postoffice_up (s_inquiries);
    cr_assert (s_count == 3 && s_sent[2].postoffice == 2);
    cr_assert (s_reply (s_sent[2].number, 200));
    cr_assert_eq (answer.count, 1);
    inquiries_postoffice_down (s_inquiries, 2);
    cr_assert_eq (s_count, 3, "it is answered");
    inquiry_destroy (&inquiry);
}

Test (inquiry, who_lacks_the_feature_is_not_asked)
{
    answer_t answer = { 0 };
    s_open (4);
    s_is_new[0] = s_is_new[1] = false;
    inquiry_t *inquiry = s_ask (&answer, 60000);
    cr_assert (s_count == 1 && s_sent[0].postoffice == 2);
    s_is_up[2] = false;
    inquiries_postoffice_down (s_inquiries, 2);
    cr_assert_eq (s_count, 1);
    inquiry_destroy (&inquiry);
}

Test (inquiry, what_cannot_be_sent_now_waits)
{
    answer_t answer = { 0 };
    s_open (0);
    s_is_full = true;
    inquiry_t *inquiry = s_ask (&answer, 60000);
    cr_assert_eq (s_count, 0);
    s_is_full = false;
    EVENTUALLY (5000, (uv_run (&s_loop, UV_RUN_NOWAIT), s_count == 1));
    inquiry_destroy (&inquiry);
}

//  Several things within one deadline, and the same after a while.
Test (inquiry, asks_one_thing_after_the_other)
{
    answer_t answer = { .asks_on = true };
    s_open (0);
    inquiry_t *inquiry = s_ask (&answer, 60000);
    cr_assert (s_reply (s_sent[0].number, 200));
    cr_assert (s_count == 2 && s_sent[1].number != s_sent[0].number);
    answer.asks_on = false;
    cr_assert_not (s_reply (s_sent[0].number, 200), "of the thing before");
    cr_assert (s_reply (s_sent[1].number, 503));
    cr_assert_eq (answer.count, 2);
    inquiry_ask_again (inquiry, 150);
    cr_assert_not (s_reply (s_sent[1].number, 200), "not asked yet");
    inquiries_postoffice_up (s_inquiries);
    cr_assert_eq (s_count, 2, "not before its time");
    EVENTUALLY (5000, (uv_run (&s_loop, UV_RUN_NOWAIT), s_count == 3));
    cr_assert_str_eq (s_sent[2].body, "me {}");
    cr_assert_lt (s_sent[2].deadline_ms, s_sent[0].deadline_ms);
    inquiry_destroy (&inquiry);
}

//  The postoffice that had it is gone, and may have carried it out before.
Test (inquiry, what_was_sent_may_have_been_carried_out)
{
    answer_t answer = { 0 };
    s_open (0);
    inquiry_t *inquiry = s_ask (&answer, 100);
    cr_assert_eq (s_count, 1);
    for (unsigned at = 0; at < OFFICES; at++)
        s_is_up[at] = false;
    inquiries_postoffice_down (s_inquiries, 1);
    EVENTUALLY (5000, (uv_run (&s_loop, UV_RUN_NOWAIT), answer.count == 1));
    cr_assert (answer.status == 0 && answer.was_sent);
    inquiry_destroy (&inquiry);
}

//  Whoever is told may destroy the others, or go on asking although the time is up.
Test (inquiry, nobody_answers_in_time)
{
    answer_t first = { 0 }, second = { 0 }, third = { 0 };
    s_open (0);
    inquiry_t *lost = s_ask (&first, 100), *other = s_ask (&second, 100);
    s_is_full = true;
    inquiry_t *unsent = s_ask (&third, 100);
    first.destroys = &other;
    third.asks_on = true;
    EVENTUALLY (5000, (uv_run (&s_loop, UV_RUN_NOWAIT), third.count >= 2));
    cr_assert (first.count == 1 && first.status == 0 && first.was_sent);
    cr_assert (second.count == 0 && !other);
    cr_assert (third.status == 0 && !third.was_sent);
    cr_assert_not (s_reply (s_sent[0].number, 200), "too late");
    inquiry_destroy (&lost);
    inquiry_destroy (&unsent);
}
