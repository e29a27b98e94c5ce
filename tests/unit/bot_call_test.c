//  bot_call — the table of states and events, every pair of it. The bus, the bot and the apps are
//  stand-ins in this file: what the call says to them is written down as a line of words.

#include "bot_call.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static char s_story[500];
static http_answer_fn *s_answered;
static void *s_answered_owner;
static int s_office = 1;
static bool s_is_refused; //  the bus takes nothing
static int s_post_errno;  //  why no call can be made; 0: it can
static bool s_is_unknown; //  the app is in no file

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

int
bus_client_send (bus_client_t *self, unsigned postoffice, const bus_record_t *record)
{
    (void) self, (void) postoffice;
    if (s_is_refused)
        return -1;
    s_note (record->kind == BUS_ACCEPTED             ? "taken"
            : record->kind == BUS_DONE               ? "done"
            : record->progress.event == EVENT_TYPING ? "typing"
                                                     : "trouble");
    return 0;
}

http_call_t
http_client_send (http_client_t *self, const http_request_t *request, http_answer_fn *answered,
                  void *owner)
{
    (void) self, (void) request;
    if (s_post_errno) {
        s_note ("nopost");
        errno = s_post_errno;
        return 0;
    }
    s_answered = answered;
    s_answered_owner = owner;
    s_note ("post");
    return 7;
}

void
http_client_cancel (http_client_t *self, http_call_t call)
{
    (void) self;
    if (call)
        s_note ("hangup");
}

const app_t *
apps_find (const apps_t *self, text_t id)
{
    (void) self, (void) id;
    static const app_t app = {
        .id = TEXT ("demo"),
        .bot = { .url = TEXT ("http://bot/"), .key = TEXT ("key"), .name = TEXT ("Bot") }
    };
    return s_is_unknown ? NULL : &app;
}

static bot_call_state_t s_state; //  of the call

static void
s_moved (void *owner, bot_call_t *call, bot_call_state_t from, bot_call_state_t to)
{
    (void) owner, (void) call, (void) from;
    s_state = to;
    if (to == BOT_CALL_OVER)
        s_note ("over");
}

static void
s_tried (void *owner, bot_call_t *call, const bot_answer_t *answer, bool is_last,
         uint64_t took_us)
{
    (void) owner, (void) call, (void) answer, (void) is_last, (void) took_us;
}

static const uint64_t s_delays_ms[] = { 1000, 1000 };
static bot_call_context_t s_means = { .retry = { .classes = RETRY_IF_PASSING,
                                                 .tries = 3,
                                                 .delays_ms = s_delays_ms,
                                                 .delays = 2,
                                                 .step_ms = 1000 },
                                      .timeout_ms = 1000,
                                      .answer_limit = 10000,
                                      .auth_header = "Authorization",
                                      .auth_scheme = "Bearer",
                                      .moved = s_moved,
                                      .tried = s_tried };

static void
s_answer (long status, const char *body)
{
    http_answer_t answer = { .outcome = HTTP_ANSWERED, .status = status, .error = "",
                             .body = text_of (body) };
    s_answered (s_answered_owner, 7, &answer);
}

//  A call in that state, and nothing written down yet.
static bot_call_t *
s_turn_in (bot_call_state_t state)
{
    s_means.loop = uv_default_loop ();
    bus_work_t work = { .item = TEXT ("i"), .session = TEXT ("demo/s"), .app = TEXT ("demo"),
                        .user = TEXT ("u"), .body = TEXT ("{}"), .secret = TEXT_EMPTY };
    bot_call_t *call = bot_call_new (&s_means, 1, &work);
    if (state == BOT_CALL_PAUSING)
        s_answer (500, "");
    else if (state == BOT_CALL_REPORTING)
        s_answer (200, "{\"outputSpeech\":\"x\"}");
    cr_assert_eq (s_state, state);
    s_story[0] = '\0';
    return call;
}

static void
s_end (bot_call_t *call)
{
    if (s_state != BOT_CALL_OVER)
        bot_call_destroy (&call);
    uv_run (uv_default_loop (), UV_RUN_DEFAULT);
}

Test (call, every_event_in_every_state)
{
    static const struct {
        bot_call_event_t event;
        const char *stories[3]; //  asking, pausing, told
    } cases[] = {
        { BOT_CALL_EVENT_REPEATED, { "taken", "taken", "taken done" } },
        { BOT_CALL_EVENT_ANSWERED, { NULL, "", "" } }, //  while asking: by the call, see below
        { BOT_CALL_EVENT_TIMER, { "typing", "post typing", "done" } },
        { BOT_CALL_EVENT_MOVED, { "taken typing", "taken", "done" } },
        { BOT_CALL_EVENT_SETTLED, { "over hangup", "over", "over" } },
        { BOT_CALL_EVENT_CANCELLED, { "over hangup", "over", "over" } },
    };
    cr_assert_eq (sizeof cases / sizeof *cases, BOT_CALL_EVENTS);
    for (unsigned row = 0; row < BOT_CALL_EVENTS; row++)
        for (bot_call_state_t state = BOT_CALL_ASKING; state < BOT_CALL_OVER; state++) {
            if (!cases[row].stories[state])
                continue;
            bot_call_t *call = s_turn_in (state);
            bot_call_happens (call, cases[row].event);
            cr_assert_str_eq (s_story, cases[row].stories[state], "event %u in state %u: %s",
                              cases[row].event, state, s_story);
            s_end (call);
        }
}

Test (call, answers_decide)
{
    bot_call_t *call = s_turn_in (BOT_CALL_ASKING);
    s_answer (503, "");
    cr_assert_str_eq (s_story, "trouble");
    bot_call_happens (call, BOT_CALL_EVENT_TIMER);
    s_answer (200, "<html>");
    cr_assert_str_eq (s_story, "trouble post typing done");
    cr_assert_eq (s_state, BOT_CALL_REPORTING);
    s_end (call);
}

//  What may be otherwise in a moment is tried again; what a person must mend is not.
Test (call, calls_that_cannot_be_made)
{
    bot_call_t *call = s_turn_in (BOT_CALL_PAUSING);
    s_post_errno = EAGAIN;
    bot_call_happens (call, BOT_CALL_EVENT_TIMER);
    cr_assert_str_eq (s_story, "nopost trouble");
    cr_assert_eq (s_state, BOT_CALL_PAUSING);
    s_post_errno = EINVAL;
    bot_call_happens (call, BOT_CALL_EVENT_TIMER);
    cr_assert_str_eq (s_story, "nopost trouble nopost done");
    s_end (call);
}

Test (call, an_app_may_come_to_be_known)
{
    bot_call_t *call = s_turn_in (BOT_CALL_PAUSING);
    s_is_unknown = true;
    bot_call_happens (call, BOT_CALL_EVENT_TIMER);
    cr_assert_str_eq (s_story, "trouble");
    s_is_unknown = false;
    bot_call_happens (call, BOT_CALL_EVENT_TIMER);
    cr_assert_str_eq (s_story, "trouble post typing");
    s_end (call);
}

Test (call, tries_end)
{
    bot_call_t *call = s_turn_in (BOT_CALL_ASKING);
    for (unsigned tries = 1; tries <= 3; tries++) {
        s_answer (500, "");
        cr_assert_eq (bot_call_view (call)->failed, tries);
        if (tries < 3)
            bot_call_happens (call, BOT_CALL_EVENT_TIMER);
    }
    cr_assert_str_eq (s_story, "trouble post typing trouble post typing done");
    s_end (call);
}

Test (call, follows_its_session)
{
    bot_call_t *call = s_turn_in (BOT_CALL_REPORTING);
    bot_call_postoffice_changed (call, 3, false);
    bot_call_postoffice_changed (call, 2, true);
    cr_assert_str_eq (s_story, "", "neither is this session's");
    s_office = -1;
    s_is_refused = true;
    bot_call_postoffice_changed (call, 1, false);
    s_office = 2;
    s_is_refused = false;
    bot_call_postoffice_changed (call, 2, true);
    cr_assert_str_eq (s_story, "done");
    s_end (call);
}

//  Whoever has it now is heard, and who handed it over; anybody else would take the answer away.
Test (call, is_ended_only_by_its_postoffices)
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
        bot_call_t *call = s_turn_in (BOT_CALL_REPORTING);
        s_office = cases[at].owner;
        bot_call_postoffice_changed (call, 2, true);
        bot_call_hears (call, cases[at].says, BOT_CALL_EVENT_SETTLED);
        cr_assert_eq (s_state == BOT_CALL_OVER, cases[at].ends, "case %zu", at);
        s_end (call);
    }
}

//  Its number may be another's by now.
Test (call, is_not_ended_by_one_that_was_lost)
{
    bot_call_t *call = s_turn_in (BOT_CALL_ASKING);
    s_office = 2;
    bot_call_postoffice_changed (call, 1, false);
    bot_call_hears (call, 1, BOT_CALL_EVENT_CANCELLED);
    cr_assert_neq (s_state, BOT_CALL_OVER);
    bot_call_hears (call, 1, BOT_CALL_EVENT_REPEATED);
    bot_call_hears (call, 1, BOT_CALL_EVENT_CANCELLED);
    cr_assert_eq (s_state, BOT_CALL_OVER);
    s_end (call);
}
