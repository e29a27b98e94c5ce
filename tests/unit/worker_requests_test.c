//  worker_requests — what a worker asks of postoffices, which are scripted here, bus and all: who
//  is asked what, once more when one is lost, and nothing of one that does not know that workers
//  ask.

#include "worker/worker_requests.h"

#include "base/alloc.h"
#include "eventually.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define OFFICES 3
#define SENT_MOST 20
#define TEXT_MOST 600

typedef struct {
    unsigned postoffice;
    uint64_t number, operation, deadline_ms;
    char principal[TEXT_MOST], body[TEXT_MOST];
} sent_t;

static bool s_is_up[OFFICES], s_answers_workers[OFFICES], s_is_full;
static int s_owner; //  of every session
static sent_t s_sent[SENT_MOST];
static unsigned s_count;
static uv_loop_t s_loop;
static worker_requests_t *s_requests;

int
bus_client_postoffice_of (const bus_client_t *self, text_t key)
{
    (void) self;
    cr_assert (text_is (key, TEXT ("shop/s-1")), "%.*s", TEXT_ARGS (key));
    if (s_owner >= 0 && s_is_up[s_owner])
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
    cr_assert_eq (feature, BUS_FEATURE_WORKERS_ASK);
    return postoffice < OFFICES && s_is_up[postoffice] && s_answers_workers[postoffice];
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
    snprintf (sent->principal, TEXT_MOST, "%.*s", TEXT_ARGS (record->request.principal));
    snprintf (sent->body, TEXT_MOST, "%.*s", TEXT_ARGS (record->request.body));
    return 0;
}

// ---------------------------------------------------------------------------------------------

typedef struct {
    unsigned count, status;
    uint64_t last_seq;
    char body[TEXT_MOST];
    worker_request_t **cancels; //  within the answer
} answer_t;

static void
s_on_answer (void *owner, unsigned status, text_t body, uint64_t last_seq)
{
    answer_t *answer = owner;
    answer->count++;
    answer->status = status;
    answer->last_seq = last_seq;
    snprintf (answer->body, sizeof answer->body, "%.*s", TEXT_ARGS (body));
    if (answer->cancels)
        worker_request_cancel (answer->cancels);
}

static const worker_ask_t s_look = { .app = { "shop", 4 },
                                     .session = { "s-1", 3 },
                                     .platform = { "platform.x", 10 },
                                     .operation = API_PLATFORM,
                                     .query = { "", 0 },
                                     .body = { "{\"what\":\"look\"}", 15 },
                                     .key = { "", 0 },
                                     .if_match = SEQ_UNKNOWN,
                                     .deadline_ms = 60000 };

static void
s_begin (void)
{
    cr_assert_eq (uv_loop_init (&s_loop), 0);
    for (unsigned at = 0; at < OFFICES; at++)
        s_is_up[at] = s_answers_workers[at] = true;
    s_owner = 1;
    s_requests = worker_requests_new (&s_loop, NULL);
}

static void
s_end (void)
{
    worker_requests_destroy (&s_requests);
    uv_run (&s_loop, UV_RUN_DEFAULT);
    cr_assert_eq (uv_loop_close (&s_loop), 0);
}

TestSuite (worker_requests, .init = s_begin, .fini = s_end, .timeout = 60);

static void
s_reply (uint64_t number, uint64_t status, const char *body, const char *etag)
{
    worker_requests_reply (s_requests, &(bus_reply_t){ .request_id = number,
                                                       .status = status,
                                                       .body = text_of (body),
                                                       .etag = text_of (etag) });
}

Test (worker_requests, the_sessions_postoffice_is_asked_as_the_platform)
{
    answer_t answer = { 0 };
    (void) worker_requests_ask (s_requests, &s_look, s_on_answer, &answer);
    cr_assert_eq (s_count, 1);
    cr_assert_eq (s_sent[0].postoffice, 1u);
    cr_assert_eq (s_sent[0].operation, API_PLATFORM);
    cr_assert (s_sent[0].deadline_ms > 50000 && s_sent[0].deadline_ms <= 60000);
    cr_assert_str_eq (s_sent[0].principal,
                      "{\"kind\":\"platform\",\"app\":\"shop\",\"user\":\"platform.x\"}");
    cr_assert_str_eq (s_sent[0].body, "{\"session\":\"s-1\",\"body\":{\"what\":\"look\"}}");
    cr_assert_eq (answer.count, 0, "later");
    s_reply (s_sent[0].number, 200, "{\"open\":0}", "17");
    s_reply (s_sent[0].number, 200, "{\"open\":1}", "18");
    cr_assert_eq (answer.count, 1, "once");
    cr_assert_eq (answer.status, 200u);
    cr_assert_eq (answer.last_seq, 17u);
    cr_assert_str_eq (answer.body, "{\"open\":0}");
}

//  As an edge would write them; a body that is empty is an empty object.
Test (worker_requests, query_key_and_tag_stand_in_the_request)
{
    answer_t answer = { 0 };
    worker_ask_t ask = s_look;
    ask.operation = API_MESSAGE_LIST;
    ask.query = TEXT ("limit=20&before=101&order=desc");
    ask.body = TEXT_EMPTY;
    ask.key = TEXT ("k\"1");
    ask.if_match = 12;
    (void) worker_requests_ask (s_requests, &ask, s_on_answer, &answer);
    cr_assert_str_eq (s_sent[0].body,
                      "{\"session\":\"s-1\",\"query\":{\"limit\":\"20\",\"before\":\"101\","
                      "\"order\":\"desc\"},\"key\":\"k\\\"1\",\"ifMatch\":\"12\",\"body\":{}}");
    s_reply (s_sent[0].number, 412, "{}", "");
    cr_assert (answer.status == 412 && answer.last_seq == 0);
}

//  Its postoffice is lost: the next one is asked, under another number, and who answers late is not
//  heard.
Test (worker_requests, asked_again_of_the_next_postoffice)
{
    answer_t answer = { 0 };
    (void) worker_requests_ask (s_requests, &s_look, s_on_answer, &answer);
    s_is_up[2] = false;
    worker_requests_postoffice_down (s_requests, 2);
    cr_assert_eq (s_count, 1, "another one's end is nothing to it");
    s_is_up[1] = false;
    worker_requests_postoffice_down (s_requests, 1);
    cr_assert_eq (s_count, 2);
    cr_assert_eq (s_sent[1].postoffice, 0u);
    cr_assert_str_eq (s_sent[1].body, s_sent[0].body);
    s_reply (s_sent[0].number, 409, "", "");
    cr_assert_eq (answer.count, 0);
    s_reply (s_sent[1].number, 200, "", "3");
    cr_assert (answer.count == 1 && answer.status == 200);
}

//  Beside old postoffices: one of them is asked nothing, and the session's if it is new.
Test (worker_requests, an_old_postoffice_is_asked_nothing)
{
    answer_t answer = { 0 };
    s_answers_workers[0] = s_answers_workers[1] = false;
    (void) worker_requests_ask (s_requests, &s_look, s_on_answer, &answer);
    cr_assert_eq (s_count, 1);
    cr_assert_eq (s_sent[0].postoffice, 2u, "any that answers workers can do it");
    s_is_up[2] = false;
    worker_requests_postoffice_down (s_requests, 2);
    cr_assert_eq (s_count, 1, "nobody is asked");
    s_is_up[2] = true;
    worker_requests_postoffice_up (s_requests);
    cr_assert_eq (s_count, 2);
    cr_assert_eq (s_sent[1].postoffice, 2u);
}

//  Nobody is up, or the queue is full: it waits, and is sent as soon as it can be.
Test (worker_requests, what_cannot_be_sent_now_waits)
{
    answer_t answer = { 0 };
    s_is_full = true;
    (void) worker_requests_ask (s_requests, &s_look, s_on_answer, &answer);
    cr_assert_eq (s_count, 0);
    s_is_full = false;
    EVENTUALLY (5000, (uv_run (&s_loop, UV_RUN_NOWAIT), s_count == 1));
    cr_assert_eq (answer.count, 0);
}

Test (worker_requests, nobody_answers_in_time)
{
    answer_t answers[2] = { { 0 } };
    worker_ask_t ask = s_look;
    worker_request_t *second;
    ask.deadline_ms = 100;
    (void) worker_requests_ask (s_requests, &ask, s_on_answer, &answers[0]);
    second = worker_requests_ask (s_requests, &ask, s_on_answer, &answers[1]);
    answers[0].cancels = &second; //  as both are late
    EVENTUALLY (5000, (uv_run (&s_loop, UV_RUN_NOWAIT), answers[0].count == 1));
    cr_assert (answers[0].status == 0 && answers[0].last_seq == 0);
    cr_assert (answers[1].count == 0 && !second);
    s_reply (s_sent[0].number, 200, "", "");
    cr_assert_eq (answers[0].count, 1, "what comes too late is for nobody");
}

Test (worker_requests, cancelled_it_is_answered_to_nobody)
{
    answer_t answer = { 0 };
    worker_request_t *request =
        worker_requests_ask (s_requests, &s_look, s_on_answer, &answer), *none = NULL;
    worker_request_cancel (&request);
    worker_request_cancel (&none);
    cr_assert_null (request);
    s_reply (s_sent[0].number, 200, "", "");
    worker_requests_postoffice_down (s_requests, 1);
    cr_assert (answer.count == 0 && s_count == 1);
}

//  A status that no HTTP has, and a tag that is no seq.
Test (worker_requests, what_a_postoffice_says_is_not_believed)
{
    answer_t answer = { 0 };
    (void) worker_requests_ask (s_requests, &s_look, s_on_answer, &answer);
    s_reply (s_sent[0].number, 0, "", "1");
    s_reply (s_sent[0].number, 7000, "", "1");
    s_reply (s_sent[0].number + 1, 200, "", "1");
    cr_assert_eq (answer.count, 0);
    s_reply (s_sent[0].number, 200, "x", "12345678901234567890");
    cr_assert (answer.count == 1 && answer.last_seq == 0);
}
