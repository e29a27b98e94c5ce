//  handover — control's table, walked: every state, every event, by everybody. And races: a session
//  in which visitor, bot, agents, a platform and the clock do what they like, in any order.
//  RACES=10000 handover_test --filter 'handover/races' runs so many of them.

#include "control_rig.h"
#include "rules/changes.h"
#include "rules/channel_items.h"
#include "session/settle.h"

#include "base/alloc.h"
#include "model/principal.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static void
s_walk (control_state_t state, control_event_t event, uint64_t role, const char *user)
{
    rig_begin ();
    rig_make (state);
    uint64_t last = rig_fold.last_seq, version = rig_fold.control_seq;
    verdict_t verdict = rig_happens (event, role, user, rig_chain, 3);
    control_state_t now = control_state (&rig_fold);
    unsigned ends = control_ends (state, event);
    const char *name = control_event_name (event);
    if (verdict != VERDICT_OK || rig_fold.last_seq == last) {
        cr_assert_eq (rig_fold.last_seq, last, "%s in %s", name, control_state_name (state));
        cr_assert_eq (rig_fold.control_seq, version);
        cr_assert_eq (now, state);
    } else
        cr_assert (ends & 1u << now && rig_fold.control_seq > version, "%s in %s leads to %s", name,
                   control_state_name (state), control_state_name (now));
    if (ends == 0)
        cr_assert_eq (verdict, control_refusal (state, event));
    if (event != HAPPENS_CLOSE)
        rig_expect_no_silence (name);
    rig_end ();
}

Test (handover, every_state_and_every_event_by_everybody)
{
    static const struct {
        uint64_t role;
        const char *user;
    } kinds[] = { { ROLE_AGENT, "anna" },    { ROLE_AGENT, "otto" },
                  { ROLE_AGENT, "new" },     { ROLE_PLATFORM, "platform.x" },
                  { ROLE_PLATFORM, "platform.y" }, { ROLE_BOT, "bot" } };
    for (unsigned state = 0; state < CONTROL_STATES; state++)
        for (unsigned event = 0; event < CONTROL_EVENTS; event++) {
            cr_assert (control_ends (state, event) || control_refusal (state, event),
                       "%s in %s is missing", control_event_name (event),
                       control_state_name (state));
            for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++)
                s_walk ((control_state_t) state, (control_event_t) event, kinds[kind].role,
                        kinds[kind].user);
        }
}

//  Who waited goes along the whole chain: agents who decline, a platform that does not answer, the
//  bot.
Test (handover, the_story_of_a_visitor_who_waits)
{
    rig_begin ();
    rig_make (CONTROL_WAITING);
    rig_happens (HAPPENS_FOUND, 0, "", NULL, 0);
    cr_assert (text_is (rig_fold.offer.offered_to, TEXT ("agent:otto")));
    rig_happens (HAPPENS_DECLINE, ROLE_AGENT, "otto", NULL, 0);
    cr_assert_eq (control_state (&rig_fold), CONTROL_WAITING, "another one of the group is sought");
    rig_happens (HAPPENS_NOBODY, 0, "", NULL, 0);
    cr_assert (text_is (rig_fold.offer.offered_to, TEXT ("platform:x")));
    rig_happens (HAPPENS_EXPIRE, 0, "", NULL, 0);
    cr_assert_eq (control_state (&rig_fold), CONTROL_BOT);
    cr_assert_eq (rig_fold.turn_count, 1, "and the bot is asked what nobody answered");
    rig_end ();
}

Test (handover, the_one_who_has_it_keeps_it_until_another_accepts)
{
    rig_begin ();
    rig_make (CONTROL_PASSING);
    cr_assert (fold_controls (&rig_fold, ROLE_AGENT, TEXT ("anna")));
    rig_happens (HAPPENS_ACCEPT, ROLE_AGENT, "otto", NULL, 0);
    cr_assert (fold_controls (&rig_fold, ROLE_AGENT, TEXT ("otto")));
    cr_assert (fold_participant (&rig_fold, ROLE_AGENT, TEXT ("anna"))->present, "as an observer");
    rig_end ();
}

//  Where the app has it so, whoever has passed the visitor on is out, and only of its own will in
//  again; who is replaced, or gives back, is not.
Test (handover, the_one_who_passed_it_on_is_out)
{
    const participant_t *anna;
    for (int is_replaced = 1; is_replaced >= 0; is_replaced--) {
        rig_begin ();
        rig_make (CONTROL_PASSING);
        rig_board.handover.sends_out = true;
        rig_happens (is_replaced ? HAPPENS_TAKE : HAPPENS_ACCEPT, ROLE_AGENT,
                     is_replaced ? "zoe" : "otto", NULL, 0);
        anna = fold_participant (&rig_fold, ROLE_AGENT, TEXT ("anna"));
        cr_assert_eq (anna->present, is_replaced);
        cr_assert_eq (anna->is_out, !is_replaced);
        cr_assert_eq (control_state (&rig_fold), CONTROL_AGENT);
        if (is_replaced)
            rig_end ();
        rig_board.handover.sends_out = false;
    }
    const store_entry_t *left = &rig_draft->entries[rig_draft->entry_count - 2];
    cr_assert_eq (left->event, EVENT_USER_LEFT, "before the other one has it");
    cr_assert (text_is (left->data, TEXT ("{\"why\":\"passed\"}")));
    cr_assert (switchboard_is_out (&rig_fold, &(bus_attach_t){ .role = ROLE_AGENT,
                                                               .user = TEXT ("anna"),
                                                               .reason = ATTACH_RESUME }));
    cr_assert_not (switchboard_is_out (&rig_fold, &(bus_attach_t){ .role = ROLE_AGENT,
                                                                   .user = TEXT ("anna"),
                                                                   .reason = ATTACH_RESUME,
                                                                   .joins = 1 }));
    rig_happens (HAPPENS_TAKE, ROLE_AGENT, "anna", NULL, 0);
    cr_assert (anna->present && !anna->is_out && fold_controls (&rig_fold, ROLE_AGENT,
                                                                TEXT ("anna")));
    rig_end ();
}

//  Whoever was asked before may be asked again: when it is offered anew, and at no step of it.
Test (handover, an_offer_begins_once)
{
    rig_begin ();
    rig_visitor_asks ();
    rig_happens (HAPPENS_OFFER, ROLE_AGENT, "anna", rig_chain, 3);
    cr_assert (rig_draft->offer_begins);
    rig_next_changeset ();
    rig_happens (HAPPENS_FOUND, 0, "", NULL, 0);
    rig_happens (HAPPENS_DECLINE, ROLE_AGENT, "otto", NULL, 0);
    rig_happens (HAPPENS_NOBODY, 0, "", NULL, 0);
    cr_assert (rig_fold.offer.waits && !rig_draft->offer_begins);
    rig_happens (HAPPENS_OFFER, ROLE_AGENT, "anna", rig_chain, 3);
    cr_assert (rig_draft->offer_begins);
    rig_end ();
}

//  A platform's worker has done the item of an offer, or given it up.
static verdict_t
s_answers (text_t item, outcome_t outcome)
{
    operation_t *operation = operation_answered (
        1, &(bus_record_t){ .kind = BUS_DONE,
                            .done = { .item = item,
                                      .session = TEXT ("demo/s"),
                                      .topic = TEXT ("platform.x"),
                                      .outcome = outcome,
                                      .data = TEXT_EMPTY,
                                      .target = TEXT_EMPTY,
                                      .detail = TEXT_EMPTY } });
    switchboard_answered (&rig_board, operation);
    verdict_t verdict = operation->verdict;
    changeset_take (rig_draft, &operation);
    return verdict;
}

//  The item with which a platform is told of the offer.
static text_t
s_offer_to_platform (char room[200])
{
    static const text_t platform[] = { { "platform:x", 10 } };
    rig_next_changeset ();
    rig_happens (HAPPENS_OFFER, ROLE_AGENT, "anna", platform, 1);
    const store_work_t *offer = NULL;
    for (size_t at = 0; at < rig_draft->work_count; at++)
        if (channel_items_is_offer (rig_draft->works[at].item))
            offer = &rig_draft->works[at];
    cr_assert (offer && text_is (offer->topic, TEXT ("platform.x")));
    cr_assert (memmem (offer->body.data, offer->body.size, "\"unanswered\":[{}]", 17), "%s",
               offer->body.data);
    snprintf (room, 200, "%.*s", TEXT_ARGS (offer->item));
    return text_of (room);
}

Test (handover, a_platform_answers_an_offer)
{
    char first[200], second[200];
    rig_begin ();
    rig_visitor_asks ();
    text_t old = s_offer_to_platform (first), now = s_offer_to_platform (second);
    cr_assert_eq (s_answers (old, OUTCOME_ANSWERED), VERDICT_DUPLICATE, "that one was withdrawn");
    cr_assert_eq (s_answers (now, OUTCOME_ANSWERED), VERDICT_OK);
    cr_assert (fold_controls (&rig_fold, ROLE_PLATFORM, TEXT ("platform.x")));
    cr_assert_eq (s_answers (now, OUTCOME_ANSWERED), VERDICT_DUPLICATE, "it says so again");
    cr_assert_eq (rig_happens (HAPPENS_RELEASE, ROLE_PLATFORM, "platform.x", NULL, 0), VERDICT_OK);
    cr_assert_not (fold_participant (&rig_fold, ROLE_PLATFORM, TEXT ("platform.x"))->present);
    cr_assert_eq (rig_fold.turn_count, 1, "the bot is asked");
    cr_assert_eq (s_answers (s_offer_to_platform (first), OUTCOME_DEAD), VERDICT_OK);
    cr_assert_eq (control_state (&rig_fold), CONTROL_BOT);
    cr_assert_not (fold_participant (&rig_fold, ROLE_PLATFORM, TEXT ("platform.x"))->present);
    rig_end ();
}

//  Who is not asked may be by now, as another postoffice says: the log is looked at before.
Test (handover, an_answer_to_another_offer_is_looked_up)
{
    static const change_kind_t kinds[] = { CHANGE_ACCEPT, CHANGE_DECLINE };
    static const char *const agents[] = { "otto", "anna" };
    rig_begin ();
    rig_make (CONTROL_OFFERED);
    for (size_t at = 0; at < 4; at++) {
        operation_t *operation = operation_change (&(change_t){ .kind = kinds[at / 2],
                                                                .session = TEXT ("demo/s"),
                                                                .message_id = TEXT ("new"),
                                                                .by_role = ROLE_AGENT,
                                                                .by_user = text_of (
                                                                    agents[at % 2]),
                                                                .by_sender = TEXT ("{}"),
                                                                .role = ROLE_AGENT,
                                                                .user = text_of (agents[at % 2]),
                                                                .sender = TEXT ("{}"),
                                                                .info = TEXT_EMPTY,
                                                                .first_id = TEXT_EMPTY,
                                                                .data = TEXT_EMPTY,
                                                                .secret = TEXT_EMPTY,
                                                                .version = SEQ_UNKNOWN,
                                                                .targets = TEXT_EMPTY,
                                                                .why = TEXT_EMPTY });
        cr_assert_eq (changes_is_idle (&rig_fold, operation), at % 2 == 1, "row %zu", at);
        operation_destroy (&operation);
    }
    rig_end ();
}

static bool
s_is_doubtful (text_t item)
{
    session_t session = { .queue_count = 0 };
    operation_t *operation = operation_answered (
        1, &(bus_record_t){ .kind = BUS_DONE,
                            .done = { .item = item, .session = TEXT ("demo/s") } });
    fold_move (&session.fold, &rig_fold);
    bool is_doubtful = settle_is_doubtful (&session, operation);
    fold_move (&rig_fold, &session.fold);
    operation_destroy (&operation);
    return is_doubtful;
}

Test (handover, a_platforms_answer_to_another_offer_is_looked_up)
{
    char first[200], second[200];
    rig_begin ();
    rig_visitor_asks ();
    text_t old = s_offer_to_platform (first), now = s_offer_to_platform (second);
    cr_assert (s_is_doubtful (old));
    cr_assert_not (s_is_doubtful (now));
    rig_end ();
}

//  What came of the first turn: an answer, or that there is none.
static void
s_turn_ends (outcome_t outcome, ask_t ask, fault_t fault)
{
    const turn_t *turn = LIST_THING (rig_fold.turns.next, turn_t, in_fold);
    cr_assert (rig_fold.turn_count > 0);
    operation_t *operation =
        operation_of_record (1, &(bus_record_t){ .kind = BUS_DONE,
                                                 .done = { .item = turn->item,
                                                           .session = TEXT ("demo/s"),
                                                           .topic = TEXT ("bot.stentor"),
                                                           .outcome = outcome,
                                                           .ask = ask,
                                                           .fault = fault,
                                                           .data = TEXT ("{}"),
                                                           .target = TEXT_EMPTY,
                                                           .detail = TEXT_EMPTY } });
    switchboard_done (&rig_board, operation);
    changeset_take (rig_draft, &operation);
}

//  A bot that asks for a person whatever it is told would do so for ever.
Test (handover, a_bot_that_is_told_of_its_return_asks_for_nobody)
{
    rig_begin ();
    rig_board.handover.gives_event = true;
    rig_board.handover.handoff_count = 1;
    rig_visitor_asks ();
    s_turn_ends (OUTCOME_ANSWERED, ASK_HANDOFF, FAULT_UNKNOWN);
    cr_assert_eq (control_state (&rig_fold), CONTROL_WAITING);
    rig_happens (HAPPENS_NOBODY, 0, "", NULL, 0);
    cr_assert_eq (control_state (&rig_fold), CONTROL_BOT);
    cr_assert_eq (rig_fold.turn_count, 1, "it is told so");
    s_turn_ends (OUTCOME_ANSWERED, ASK_HANDOFF, FAULT_UNKNOWN);
    cr_assert_eq (control_state (&rig_fold), CONTROL_BOT);
    cr_assert_eq (rig_fold.turn_count, 0);
    rig_visitor_asks ();
    s_turn_ends (OUTCOME_ANSWERED, ASK_HANDOFF, FAULT_UNKNOWN);
    cr_assert_eq (control_state (&rig_fold), CONTROL_WAITING, "for a question it may again");
    rig_end ();
}

//  Nobody waits for what it says to that.
Test (handover, a_return_that_the_bot_does_not_answer_is_not_shown)
{
    static const fault_t faults[] = { FAULT_BOT, FAULT_OTHER };
    for (size_t at = 0; at < 4; at++) {
        rig_begin ();
        rig_board.handover.gives_event = true;
        rig_make (CONTROL_AGENT);
        if (at < 2)
            fold_answered (&rig_fold); //  anna did
        rig_happens (HAPPENS_RELEASE, ROLE_AGENT, "anna", NULL, 0);
        rig_next_changeset ();
        s_turn_ends (OUTCOME_FAILED, ASK_NOTHING, faults[at % 2]);
        cr_assert_eq (rig_draft->entry_count, 1);
        cr_assert_eq (rig_draft->entries[0].event, EVENT_FAILURE);
        cr_assert_eq (rig_draft->entries[0].hidden, at != 2, "row %zu", at);
        cr_assert_eq (rig_fold.told_ms > 0, at == 2, "row %zu", at);
        //  A bot that has no use for being told is asked what waits as it is, once.
        if (at == 3) {
            cr_assert_eq (rig_fold.turn_count, 1);
            const turn_t *turn = LIST_THING (rig_fold.turns.next, turn_t, in_fold);
            cr_assert_eq (turn->seq, rig_fold.unanswered->seq);
            rig_next_changeset ();
            s_turn_ends (OUTCOME_FAILED, ASK_NOTHING, FAULT_OTHER);
            cr_assert_not (rig_draft->entries[0].hidden, "which the visitor is told of");
            cr_assert_eq (rig_fold.turn_count, 0);
        }
        rig_end ();
    }
}

//  A page greets the bot as it opens: no person or platform is asked to answer that.
Test (handover, a_greeting_is_of_the_bot_only)
{
    static const text_t platform[] = { { "platform:x", 10 } };
    rig_begin ();
    rig_visitor_says (true, "{\"greeting\":1}");
    cr_assert_eq (rig_fold.turn_count, 1);
    rig_next_changeset ();
    rig_happens (HAPPENS_OFFER, ROLE_AGENT, "anna", platform, 1);
    cr_assert_null (rig_fold.unanswered);
    for (size_t at = 0; at < rig_draft->work_count; at++) {
        text_t body = rig_draft->works[at].body;
        cr_assert_null (memmem (body.data, body.size, "greeting", 8));
    }
    rig_end ();
}

//  However often the visitor is told that the bot fails.
Test (handover, a_person_is_asked_once_for_a_question_at_which_the_bot_fails)
{
    static text_t steps[] = { { "person", 6 } };
    for (int gives_event = 0; gives_event < 2; gives_event++) {
        app_failure_t failure = app_failure_usual;
        failure.steps = (json_texts_t){ .items = steps, .count = 1 };
        failure.tell_s = 0;
        rig_begin ();
        rig_board.failure = &failure;
        rig_board.handover.gives_event = gives_event;
        rig_board.handover.handoff_count = 1;
        for (int asked = 0; asked < 2; asked++) {
            rig_visitor_asks ();
            s_turn_ends (OUTCOME_FAILED, ASK_NOTHING, FAULT_BOT);
            cr_assert_eq (control_state (&rig_fold), CONTROL_WAITING);
            rig_happens (HAPPENS_NOBODY, 0, "", NULL, 0);
            for (int tries = 0; tries < 3; tries++) {
                rig_next_changeset ();
                s_turn_ends (OUTCOME_FAILED, ASK_NOTHING, FAULT_BOT);
                cr_assert_eq (control_state (&rig_fold), CONTROL_BOT);
                cr_assert_eq (rig_fold.turn_count, 1, "it waits for the bot");
            }
        }
        rig_end ();
    }
}

//  However an offer to a platform ends: its worker does not find it when it is back. The one that
//  answers it has it in hand.
Test (handover, an_offer_that_is_over_is_asked_of_no_platform)
{
    static const struct {
        control_event_t event;
        uint64_t role;
        const char *user;
    } ends[] = { { HAPPENS_TAKE, ROLE_AGENT, "anna" },
                 { HAPPENS_ACCEPT, ROLE_PLATFORM, "platform.x" }, //  through the API
                 { HAPPENS_DECLINE, ROLE_PLATFORM, "platform.x" },
                 { HAPPENS_EXPIRE, 0, "" },
                 { HAPPENS_TIRE, 0, "" },
                 { HAPPENS_RELEASE, ROLE_AGENT, "anna" },
                 { HAPPENS_OFFER, ROLE_AGENT, "anna" },
                 { HAPPENS_CLOSE, 0, "" } };
    for (size_t at = 0; at < 2 * sizeof ends / sizeof *ends; at++) {
        char item[100] = "";
        bool is_at_once = at % 2; //  in the changeset of the offer
        rig_begin ();
        rig_visitor_asks ();
        rig_happens (HAPPENS_OFFER, ROLE_AGENT, "anna", rig_chain + 1, 1);
        for (size_t work = 0; work < rig_draft->work_count; work++)
            if (channel_items_is_offer (rig_draft->works[work].item))
                snprintf (item, sizeof item, "%.*s", TEXT_ARGS (rig_draft->works[work].item));
        cr_assert (*item && handover_is_of_offer (&rig_fold, text_of (item)));
        if (!is_at_once)
            rig_next_changeset ();
        verdict_t verdict = rig_happens (ends[at / 2].event, ends[at / 2].role, ends[at / 2].user,
                                         rig_chain, 1);
        cr_assert_eq (verdict, VERDICT_OK, "row %zu", at);
        size_t cancelled = 0;
        for (size_t finish = 0; finish < rig_draft->finish_count; finish++)
            cancelled += text_is (rig_draft->finishes[finish].item, text_of (item))
                         && rig_draft->finishes[finish].state == WORK_CANCELLED;
        cr_expect_eq (cancelled, 1, "row %zu", at);
        for (size_t work = 0; work < rig_draft->work_count; work++)
            cr_expect_not (text_is (rig_draft->works[work].item, text_of (item)), "row %zu", at);
        rig_end ();
    }
}

// ---------------------------------------------------------------------------------------------
//  Races

#define STEPS 40
#define ITEMS 64

static char s_items[ITEMS][80]; //  that were ever asked of the bot
static size_t s_item_count;

static void
s_note_items (void)
{
    for (list_t *link = rig_fold.turns.next; link != &rig_fold.turns; link = link->next) {
        const turn_t *turn = LIST_THING (link, turn_t, in_fold);
        snprintf (s_items[s_item_count++ % ITEMS], sizeof s_items[0], "%.*s",
                  TEXT_ARGS (turn->item));
    }
}

//  The bot answers something that it was ever asked: if it has lost control since, nobody is shown
//  a word of it.
static void
s_bot_answers (unsigned *seed)
{
    if (s_item_count == 0)
        return;
    size_t most = s_item_count < ITEMS ? s_item_count : ITEMS;
    text_t item = text_of (s_items[(size_t) rand_r (seed) % most]);
    bool has_control = control_state (&rig_fold) == CONTROL_BOT;
    size_t before = rig_draft->entry_count;
    operation_t *operation = operation_of_record (
        1, &(bus_record_t){ .kind = BUS_DONE,
                            .done = { .item = item,
                                      .session = TEXT ("demo/s"),
                                      .topic = TEXT ("bot.stentor"),
                                      .outcome = OUTCOME_ANSWERED,
                                      .data = TEXT ("{}"),
                                      .ask = rand_r (seed) % 8 ? ASK_NOTHING : ASK_HANDOFF,
                                      .target = TEXT_EMPTY,
                                      .detail = TEXT_EMPTY } });
    switchboard_done (&rig_board, operation);
    changeset_take (rig_draft, &operation);
    cr_assert (has_control || rig_draft->entry_count == before, "a late word of the bot");
}

static void
s_race (unsigned seed)
{
    static const char *const agents[] = { "anna", "otto", "new" };
    s_item_count = 0;
    rig_begin ();
    rig_board.handover.gives_event = rand_r (&seed) % 2;
    rig_board.has_bot = rand_r (&seed) % 4 > 0;
    for (int step = 0; step < STEPS; step++) {
        control_event_t event = (control_event_t) ((unsigned) rand_r (&seed) % CONTROL_EVENTS);
        unsigned what = (unsigned) rand_r (&seed) % 8;
        bool is_platform = rand_r (&seed) % 5 == 0;
        const char *agent = agents[rand_r (&seed) % 3];
        if (what < 2)
            rig_visitor_asks ();
        else if (what < 4)
            s_bot_answers (&seed);
        else if (event == HAPPENS_TAKE || !is_platform)
            rig_happens (event == HAPPENS_CLOSE || event == HAPPENS_ASK ? HAPPENS_TAKE : event,
                       ROLE_AGENT, agent, rig_chain + rand_r (&seed) % 3, 1);
        else if (event != HAPPENS_CLOSE && event != HAPPENS_ASK)
            rig_happens (event, ROLE_PLATFORM, "platform.x", rig_chain, 3);
        s_note_items ();
        rig_expect_no_silence (control_event_name (event));
        if (rand_r (&seed) % 2)
            rig_next_changeset ();
    }
    rig_end ();
}

Test (handover, races, .timeout = 600)
{
    const char *asked = getenv ("RACES");
    unsigned races = asked ? (unsigned) strtoul (asked, NULL, 10) : 2000;
    for (unsigned seed = 1; seed <= races; seed++)
        s_race (seed);
}
