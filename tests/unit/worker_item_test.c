//  worker_item — the table of states and events, every pair of it. The bus and the service are
//  stand-ins in this file: what the item says to them is written down as a line of words.

#include "worker/worker_item.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static char s_story[500];
static int s_office = 1;
static uint64_t s_incarnation = 1; //  of every postoffice
static bool s_is_refused; //  the bus takes nothing
static bus_done_t s_done; //  the last one; its texts are the item's
static worker_item_t *s_item;
static worker_item_state_t s_state = WORKER_ITEM_OVER;
static bool s_ends_at_once; //  within `start`
static bool s_is_silent;    //  shows nothing

static void
s_note (const char *words)
{
    size_t size = strlen (s_story);
    snprintf (s_story + size, sizeof s_story - size, "%s%s", size ? " " : "", words);
}

int
bus_client_postoffice_of (const bus_client_t *self, text_t key)
{
    (void) self, (void) key;
    return s_office;
}

uint64_t
bus_client_incarnation (const bus_client_t *self, unsigned postoffice)
{
    (void) self, (void) postoffice;
    return s_incarnation;
}

int
bus_client_send (bus_client_t *self, unsigned postoffice, const bus_record_t *record)
{
    (void) self, (void) postoffice;
    if (s_is_refused)
        return -1;
    if (record->kind == BUS_PROGRESS)
        cr_assert (text_is (record->progress.trace, TEXT (TRACE)));
    if (record->kind == BUS_DONE)
        s_done = record->done;
    s_note (record->kind == BUS_ACCEPTED             ? "accepted"
            : record->kind == BUS_DONE               ? "done"
            : record->progress.event == EVENT_TYPING ? "typing"
                                                     : "notice");
    return 0;
}

static void
s_moved (void *owner, worker_item_t *item, worker_item_state_t from, worker_item_state_t to)
{
    (void) owner, (void) item;
    cr_assert_eq (from, s_state);
    s_state = to;
    if (to == WORKER_ITEM_OVER)
        s_note ("over");
}

static void
s_start (void *service, worker_item_t *item)
{
    char *attempt = worker_item_view (item)->attempt;
    cr_assert_str_eq (attempt, "", "nothing is kept from one attempt to the next");
    strcpy (attempt, "kept");
    cr_assert (text_is (worker_item_view (item)->work.secret, TEXT ("secret")));
    cr_assert_eq (service, &s_story);
    s_note ("start");
    if (s_ends_at_once)
        worker_item_done (item, &(worker_report_t){ .outcome = WORKER_ANSWERED });
    else if (!s_is_silent)
        worker_item_show (item, EVENT_TYPING);
}

static void
s_cancel (void *service, worker_item_t *item)
{
    cr_assert (service == &s_story && item == s_item);
    cr_assert_str_eq (worker_item_view (item)->attempt, "kept");
    s_note ("cancel");
}

static void
s_remember (void *service, worker_item_t *item, worker_report_t *report)
{
    cr_assert (service == &s_story && item == s_item);
    s_note ("remember");
    report->remember = TEXT ("{\"a\":1}");
}

static text_t s_topic_name = TEXT ("bot.toy"); //  a turn's

static worker_topic_t *
s_topic (void)
{
    worker_topics_start ("bot.toy toy bot.toy");
    return worker_topic_find (s_topic_name);
}

static worker_item_context_t s_context = { .attempt_size = 8,
                                           .attempt_ms = 60000,
                                           .overdue = { .outcome = WORKER_DEAD,
                                                        .data = TEXT ("{\"late\":1}") },
                                           .start = s_start,
                                           .cancel = s_cancel,
                                           .remember = s_remember,
                                           .service = s_story,
                                           .moved = s_moved };

static void
s_end_attempt (worker_outcome_t outcome)
{
    char detail[] = "because";
    worker_item_done (s_item, &(worker_report_t){ .outcome = outcome,
                                                  .after_ms = 60000,
                                                  .data = TEXT ("{}"),
                                                  .detail = text_of (detail) });
    memset (detail, 'x', sizeof detail - 1);
}

//  An item in that state, and nothing written down yet.
static void
s_item_in (worker_item_state_t state)
{
    s_context.loop = uv_default_loop ();
    bus_work_t work = { .item = TEXT ("i"),
                        .session = TEXT ("demo/s"),
                        .topic = s_topic_name,
                        .app = TEXT ("demo"),
                        .user = TEXT ("u"),
                        .body = TEXT ("{}"),
                        .secret = TEXT ("secret"),
                        .trace = TEXT (TRACE),
                        .attempt = 7 };
    s_item = worker_item_new (&s_context, s_topic (), 1, &work);
    if (state == WORKER_ITEM_PAUSING)
        s_end_attempt (WORKER_RETRY);
    else if (state == WORKER_ITEM_REPORTING)
        s_end_attempt (WORKER_ANSWERED);
    cr_assert_eq (s_state, state);
    s_story[0] = '\0';
}

static void
s_end (void)
{
    worker_item_t *item = s_item;
    if (s_state != WORKER_ITEM_OVER)
        worker_item_destroy (&item);
    s_state = WORKER_ITEM_OVER;
    uv_run (uv_default_loop (), UV_RUN_DEFAULT);
}

Test (worker_item, every_event_in_every_state)
{
    static const struct {
        worker_item_event_t event;
        const char *stories[3]; //  working, pausing, reporting
    } cases[] = {
        { WORKER_ITEM_EVENT_REPEATED, { "accepted", "accepted", "accepted done" } },
        { WORKER_ITEM_EVENT_MOVED, { "accepted typing", "accepted", "done" } },
        { WORKER_ITEM_EVENT_TIMER, { "typing", "start typing", "done" } },
        { WORKER_ITEM_EVENT_OVERDUE, { "remember cancel done", "", "" } },
        { WORKER_ITEM_EVENT_RETRY, { NULL, "", "" } }, //  by worker_item_done, see below
        { WORKER_ITEM_EVENT_ENDED, { NULL, "", "" } },
        { WORKER_ITEM_EVENT_SETTLED, { "over cancel", "over", "over" } },
        { WORKER_ITEM_EVENT_CANCELLED, { "over cancel", "over", "over" } },
    };
    cr_assert_eq (sizeof cases / sizeof *cases, WORKER_ITEM_EVENTS);
    for (unsigned row = 0; row < WORKER_ITEM_EVENTS; row++)
        for (worker_item_state_t state = WORKER_ITEM_WORKING; state < WORKER_ITEM_OVER; state++) {
            cr_assert_eq (cases[row].event, row);
            if (!cases[row].stories[state])
                continue;
            s_item_in (state);
            worker_item_happens (s_item, cases[row].event);
            cr_assert_str_eq (s_story, cases[row].stories[state], "event %u in state %u: %s", row,
                              state, s_story);
            s_end ();
        }
}

Test (worker_item, outcomes_end_an_attempt)
{
    static const struct {
        worker_outcome_t outcome;
        worker_item_state_t state;
        const char *story;
        outcome_t reported;
    } cases[] = { { WORKER_ANSWERED, WORKER_ITEM_REPORTING, "done", OUTCOME_ANSWERED },
                  { WORKER_RETRY, WORKER_ITEM_PAUSING, "", 0 },
                  { WORKER_DEAD, WORKER_ITEM_REPORTING, "done", OUTCOME_FAILED } };
    cr_assert_eq (sizeof cases / sizeof *cases, WORKER_OUTCOMES);
    for (size_t row = 0; row < WORKER_OUTCOMES; row++) {
        s_item_in (WORKER_ITEM_WORKING);
        s_end_attempt (cases[row].outcome);
        cr_assert_eq (s_state, cases[row].state);
        cr_assert_str_eq (s_story, cases[row].story);
        if (s_state == WORKER_ITEM_REPORTING) {
            cr_assert_eq (s_done.outcome, cases[row].reported);
            cr_assert (text_is (s_done.detail, TEXT ("because")), "it is a copy");
            cr_assert (text_is (s_done.trace, TEXT (TRACE)) && s_done.attempt == 7);
            cr_assert (text_is (s_done.topic, s_topic_name));
            cr_assert_eq (worker_item_view (s_item)->work.secret.size, 0u, "no longer kept");
        }
        s_end ();
    }
    const int64_t *counts = s_topic ()->counts;
    cr_assert_eq (counts[WORKER_TAKEN], 3);
    cr_assert_eq (counts[WORKER_ENDED_ANSWERED], 1);
    cr_assert_eq (counts[WORKER_ENDED_RETRY], 1);
    cr_assert_eq (counts[WORKER_ENDED_DEAD], 1);
    cr_assert_eq (counts[WORKER_REPORTS], 2);
    cr_assert_eq (worker_topic_find (TEXT ("toy"))->counts[WORKER_TAKEN], 0);
    cr_assert_null (worker_topic_find (TEXT ("bot.to")));
}

Test (worker_item, an_attempt_may_end_where_it_begins)
{
    s_ends_at_once = true;
    s_context.loop = uv_default_loop ();
    bus_work_t work = { .item = TEXT ("i"),
                        .session = TEXT ("demo/s"),
                        .topic = s_topic_name,
                        .secret = TEXT ("secret"),
                        .trace = TEXT (TRACE) };
    s_item = worker_item_new (&s_context, s_topic (), 1, &work);
    cr_assert_str_eq (s_story, "accepted start done");
    cr_assert_eq (s_state, WORKER_ITEM_REPORTING);
    s_end ();
}

Test (worker_item, attempts_are_counted)
{
    s_item_in (WORKER_ITEM_WORKING);
    for (unsigned tries = 1; tries <= 3; tries++) {
        cr_assert_eq (worker_item_view (s_item)->tries, tries);
        s_end_attempt (WORKER_RETRY);
        worker_item_happens (s_item, WORKER_ITEM_EVENT_TIMER);
    }
    cr_assert_str_eq (s_story, "start typing start typing start typing");
    s_end ();
}

Test (worker_item, what_is_shown_ends_with_its_attempt)
{
    s_item_in (WORKER_ITEM_PAUSING);
    s_is_silent = true;
    worker_item_happens (s_item, WORKER_ITEM_EVENT_TIMER);
    worker_item_happens (s_item, WORKER_ITEM_EVENT_MOVED);
    worker_item_happens (s_item, WORKER_ITEM_EVENT_TIMER);
    cr_assert_str_eq (s_story, "start accepted");
    s_end ();
}

//  The bus was full: that passes, and is not waited for as an answer is.
Test (worker_item, an_outcome_that_is_refused_is_sent_again_soon)
{
    s_item_in (WORKER_ITEM_WORKING);
    s_is_refused = true;
    s_end_attempt (WORKER_ANSWERED);
    s_is_refused = false;
    uint64_t began_ms = clock_mono_ms ();
    while (!*s_story)
        uv_run (uv_default_loop (), UV_RUN_ONCE);
    cr_assert_str_eq (s_story, "done");
    cr_assert_lt (clock_mono_ms () - began_ms, 5000u);
    cr_assert_eq (s_topic ()->counts[WORKER_REPORTS], 1);
    s_end ();
}

//  The time limit of an attempt is its own, whatever is shown meanwhile.
Test (worker_item, overdue_by_the_clock)
{
    s_context.attempt_ms = 30;
    s_item_in (WORKER_ITEM_WORKING);
    while (s_state == WORKER_ITEM_WORKING)
        uv_run (uv_default_loop (), UV_RUN_ONCE);
    cr_assert_str_eq (s_story, "remember cancel done");
    cr_assert (text_is (s_done.remember, TEXT ("{\"a\":1}")));
    cr_assert_eq (s_done.outcome, OUTCOME_FAILED);
    cr_assert (text_is (s_done.data, TEXT ("{\"late\":1}")));
    s_end ();
}

Test (worker_item, follows_its_session)
{
    s_item_in (WORKER_ITEM_REPORTING);
    worker_item_postoffice_changed (s_item, 3, false);
    worker_item_postoffice_changed (s_item, 2, true);
    cr_assert_str_eq (s_story, "", "neither is this session's");
    s_office = -1;
    s_is_refused = true;
    worker_item_postoffice_changed (s_item, 1, false);
    s_office = 2;
    s_is_refused = false;
    worker_item_postoffice_changed (s_item, 2, true);
    cr_assert_str_eq (s_story, "done");
    //  And when a third one comes up before it is known that the second one has.
    s_office = -1;
    worker_item_postoffice_changed (s_item, 2, false);
    s_office = 1;
    worker_item_postoffice_changed (s_item, 3, true);
    cr_assert_str_eq (s_story, "done done");
    s_end ();
}

//  Whoever has it now is heard, and who handed it over; anybody else would take the answer away.
Test (worker_item, is_ended_only_by_its_postoffices)
{
    static const struct {
        int owner; //  of the session, since the item was handed over by 1
        unsigned says;
        bool ends;
    } cases[] = {
        { 1, 1, true }, { 1, 2, false }, { 2, 2, true }, { 2, 1, true }, { 2, 3, false }
    };
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        s_office = 1;
        s_item_in (WORKER_ITEM_REPORTING);
        s_office = cases[at].owner;
        worker_item_postoffice_changed (s_item, 2, true);
        worker_item_hears (s_item, cases[at].says, WORKER_ITEM_EVENT_SETTLED);
        cr_assert_eq (s_state == WORKER_ITEM_OVER, cases[at].ends, "case %zu", at);
        s_end ();
    }
}

//  Its number may be another's by now.
Test (worker_item, is_not_ended_by_one_that_was_lost)
{
    s_item_in (WORKER_ITEM_WORKING);
    s_office = 2;
    worker_item_postoffice_changed (s_item, 1, false);
    worker_item_hears (s_item, 1, WORKER_ITEM_EVENT_CANCELLED);
    cr_assert_neq (s_state, WORKER_ITEM_OVER);
    worker_item_handed_over (s_item, 1, 8);
    worker_item_hears (s_item, 1, WORKER_ITEM_EVENT_CANCELLED);
    cr_assert_eq (s_state, WORKER_ITEM_OVER);
    s_end ();
}

//  The postoffices own the schedule of what is no turn.
Test (worker_item, outcomes_of_a_delivery)
{
    static const outcome_t reported[] = { OUTCOME_ANSWERED, OUTCOME_RETRY, OUTCOME_DEAD };
    s_topic_name = TEXT ("toy");
    for (worker_outcome_t outcome = 0; outcome < WORKER_OUTCOMES; outcome++) {
        s_item_in (WORKER_ITEM_WORKING);
        cr_assert_eq (worker_item_view (s_item)->tries, 7u, "all attempts count");
        s_end_attempt (outcome);
        cr_assert_eq (s_state, WORKER_ITEM_REPORTING);
        cr_assert_str_eq (s_story, "done");
        cr_assert_eq (s_done.outcome, reported[outcome]);
        if (outcome == WORKER_RETRY)
            cr_assert_eq (s_done.after_ms, 60000u);
        worker_item_handed_over (s_item, 1, 9);
        cr_assert_eq (s_done.attempt, 9u, "the one before would have no effect");
        s_end ();
    }
}

Test (worker_item, the_lease_of_a_delivery_is_renewed)
{
    s_topic_name = TEXT ("toy");
    s_is_silent = true;
    s_item_in (WORKER_ITEM_WORKING);
    worker_item_happens (s_item, WORKER_ITEM_EVENT_TIMER);
    cr_assert_str_eq (s_story, "accepted");
    s_end ();
}

//  It does not go where a session goes, and only the one that has it is told ACCEPTED: any other
//  would cancel it.
Test (worker_item, a_delivery_stays_with_its_lease)
{
    s_topic_name = TEXT ("toy");
    s_is_silent = true;
    s_item_in (WORKER_ITEM_WORKING);
    s_office = 2;
    worker_item_postoffice_changed (s_item, 2, true);
    cr_assert_str_eq (s_story, "");
    worker_item_happens (s_item, WORKER_ITEM_EVENT_TIMER);
    cr_assert_str_eq (s_story, "accepted", "its lease is where it was");
    s_story[0] = '\0';
    worker_item_postoffice_changed (s_item, 1, false);
    worker_item_happens (s_item, WORKER_ITEM_EVENT_TIMER);
    cr_assert_str_eq (s_story, "", "nobody has it");
    worker_item_postoffice_changed (s_item, 1, true);
    cr_assert_str_eq (s_story, "accepted", "it is back, and knows the item");
    worker_item_postoffice_changed (s_item, 1, false);
    s_incarnation = 2;
    worker_item_postoffice_changed (s_item, 1, true);
    worker_item_happens (s_item, WORKER_ITEM_EVENT_TIMER);
    cr_assert_str_eq (s_story, "accepted", "another process is there, and does not");
    s_end_attempt (WORKER_ANSWERED);
    cr_assert_str_eq (s_story, "accepted done", "anybody takes an outcome");
    worker_item_hears (s_item, 2, WORKER_ITEM_EVENT_SETTLED);
    cr_assert_eq (s_state, WORKER_ITEM_OVER);
    s_end ();
}
