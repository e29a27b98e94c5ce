//  waiting — what becomes of a visitor who waits: deadlines, an agent who is silent, and an app
//  without a bot in which nobody is left.

#include "control_rig.h"

#include "model/principal.h"
#include "rules/changes.h"
#include "rules/channel_items.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

//  A timer of an earlier version does nothing.
Test (handover, deadlines)
{
    static const struct {
        timer_kind_t kind;
        control_state_t state, ends;
        const char *body;
    } rows[] = { { TIMER_OFFER, CONTROL_OFFERED, CONTROL_WAITING, "{}" },
                 { TIMER_OFFER, CONTROL_PASSING, CONTROL_SEEKING, "{}" },
                 { TIMER_WAIT, CONTROL_WAITING, CONTROL_WAITING, "{}" }, //  a warning
                 { TIMER_WAIT, CONTROL_WAITING, CONTROL_OFFERED, "{\"warned\":true}" } };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++)
        for (int is_stale = 0; is_stale < 2; is_stale++) {
            offer_t offer = { .seq = 0 };
            rig_begin ();
            rig_make (rows[at].state);
            uint64_t seq = rig_fold.control_seq;
            if (rows[at].kind == TIMER_WAIT && offer_read (&offer, rig_fold.offer.text)) {
                seq = offer.seq;
                offer_free (&offer);
            }
            operation_t *operation = operation_timer (&(timer_due_t){ .kind = rows[at].kind,
                                                                      .item = TEXT ("timer"),
                                                                      .seq = seq - is_stale,
                                                                      .attempt = 1,
                                                                      .body = text_of (
                                                                          rows[at].body) });
            deadlines_run (&rig_board, operation);
            verdict_t verdict = operation->verdict;
            cr_assert_eq (verdict, is_stale ? VERDICT_DUPLICATE : VERDICT_OK);
            cr_assert_eq (control_state (&rig_fold), is_stale ? rows[at].state : rows[at].ends,
                          "row %zu: %s", at, control_state_name (control_state (&rig_fold)));
            changeset_take (rig_draft, &operation);
            rig_end ();
        }
}

// ---------------------------------------------------------------------------------------------
//  Silence

static char s_body[200];

//  The timer `silence` that the changeset sets: for how long; 0: it sets none. Its body is kept.
static uint64_t
s_silence_set (void)
{
    deadlines_end (&rig_board);
    for (size_t at = 0; at < rig_draft->work_count; at++)
        if (timer_kind_of (rig_draft->works[at].item) == TIMER_SILENCE) {
            snprintf (s_body, sizeof s_body, "%.*s", TEXT_ARGS (rig_draft->works[at].body));
            return rig_draft->works[at].after_ms;
        }
    return 0;
}

//  It is due, with this body, in a changeset of its own.
static verdict_t
s_silence_is_due (const char *body)
{
    rig_next_changeset ();
    operation_t *operation = operation_timer (&(timer_due_t){ .kind = TIMER_SILENCE,
                                                              .item = TEXT ("timer"),
                                                              .seq = 1,
                                                              .attempt = 1,
                                                              .body = text_of (body) });
    deadlines_run (&rig_board, operation);
    verdict_t verdict = operation->verdict;
    changeset_take (rig_draft, &operation);
    return verdict;
}

static void
s_agent_answers (void)
{
    operation_t *operation =
        operation_of_record (1, &(bus_record_t){ .kind = BUS_POST,
                                                 .post = { .endpoint = 6,
                                                           .session = TEXT ("demo/s"),
                                                           .event = EVENT_NEW_MESSAGE,
                                                           .message_id = rig_new_id (),
                                                           .sender = TEXT ("{}"),
                                                           .data = TEXT ("{}"),
                                                           .secret = TEXT_EMPTY } });
    switchboard_post (&rig_board, operation, ROLE_AGENT, TEXT ("anna"), DIALECT_RICH,
                      PERMISSIONS_ALL);
    cr_assert_eq (operation->verdict, VERDICT_OK);
    changeset_take (rig_draft, &operation);
}

//  60 s: a warning after 40, and control goes on after 20 more, whatever the visitor says meanwhile
//  and whoever is sought. Times of entries an hour ahead, as of another replica, change nothing.
Test (handover, a_silent_agent_is_warned_and_loses_control)
{
    rig_begin ();
    rig_fold.last_time_ms = 4102444800000;
    rig_make (CONTROL_AGENT);
    s_agent_answers ();
    cr_assert_eq (s_silence_set (), 0, "nobody waits");
    rig_next_changeset ();
    rig_visitor_asks ();
    cr_assert_eq (s_silence_set (), 40000);
    rig_next_changeset ();
    rig_visitor_asks ();
    rig_happens (HAPPENS_OFFER, ROLE_AGENT, "new", rig_chain, 1);
    cr_assert_eq (s_silence_set (), 0, "it is the same silence");
    cr_assert_eq (s_silence_is_due (s_body), VERDICT_OK);
    cr_assert_eq (rig_draft->entry_count, 1);
    cr_assert_eq (rig_draft->entries[0].event, EVENT_DEADLINE);
    cr_assert (memmem (rig_draft->entries[0].data.data, rig_draft->entries[0].data.size,
                       "\"why\":\"silent\"", 14));
    cr_assert_eq (control_state (&rig_fold), CONTROL_SEEKING);
    cr_assert_eq (s_silence_set (), 20000);
    cr_assert_eq (s_silence_is_due (s_body), VERDICT_OK);
    cr_assert_eq (control_state (&rig_fold), CONTROL_WAITING);
    cr_assert_eq (rig_draft->entries[0].event, EVENT_BARGE_OUT);
    cr_assert_eq (s_silence_is_due (s_body), VERDICT_DUPLICATE, "it has gone on");
    rig_end ();
}

//  In an app that sets no limit: of those who have no connection nobody would notice that they are
//  gone.
Test (handover, whoever_has_no_connection_is_not_silent_for_ever)
{
    rig_begin ();
    rig_board.handover.silence_ms = 0;
    rig_make (CONTROL_AGENT);
    fold_answered (&rig_fold);
    rig_next_changeset ();
    rig_visitor_asks ();
    cr_assert_eq (s_silence_set (), 0);
    rig_end ();

    rig_begin ();
    rig_board.handover.silence_ms = 0;
    rig_make (CONTROL_AGENT);
    fold_reach (fold_participant (&rig_fold, ROLE_AGENT, rig_fold.control_user), CHANNEL_API,
                TEXT_EMPTY);
    fold_answered (&rig_fold);
    rig_next_changeset ();
    rig_visitor_asks ();
    cr_assert_eq (s_silence_set (), 270000);
    cr_assert_eq (s_silence_is_due (s_body), VERDICT_OK);
    cr_assert_eq (s_silence_set (), 30000);
    cr_assert_eq (s_silence_is_due (s_body), VERDICT_OK);
    cr_assert_eq (control_state (&rig_fold), CONTROL_BOT);
    rig_end ();

    rig_begin ();
    rig_board.handover.silence_ms = 0;
    rig_make (CONTROL_PLATFORM);
    fold_answered (&rig_fold);
    rig_next_changeset ();
    rig_visitor_asks ();
    cr_assert_eq (s_silence_set (), 270000);
    rig_end ();
}

Test (handover, an_answer_ends_a_silence)
{
    char first[sizeof s_body];
    rig_begin ();
    rig_make (CONTROL_AGENT);
    rig_visitor_asks ();
    s_agent_answers ();
    rig_visitor_asks ();
    cr_assert_eq (s_silence_set (), 40000);
    strcpy (first, s_body);
    rig_next_changeset ();
    s_agent_answers ();
    cr_assert_eq (s_silence_is_due (first), VERDICT_DUPLICATE);
    rig_next_changeset ();
    rig_visitor_asks ();
    cr_assert_eq (s_silence_set (), 40000, "a later word");
    cr_assert_eq (s_silence_is_due (first), VERDICT_DUPLICATE, "which has a timer of its own");
    //  Another one gets the visitor, and the time that everybody has.
    rig_next_changeset ();
    strcpy (first, s_body);
    rig_happens (HAPPENS_TAKE, ROLE_AGENT, "otto", NULL, 0);
    cr_assert_eq (s_silence_set (), 40000);
    cr_assert_eq (s_silence_is_due (first), VERDICT_DUPLICATE);
    cr_assert_eq (s_silence_is_due ("{}"), VERDICT_DUPLICATE);
    cr_assert_eq (s_silence_is_due ("{\"since\":"), VERDICT_DUPLICATE);
    cr_assert (fold_controls (&rig_fold, ROLE_AGENT, TEXT ("otto")));
    rig_end ();
}

// ---------------------------------------------------------------------------------------------
//  An app without a bot

static unsigned
s_entries (event_t event)
{
    unsigned count = 0;
    for (size_t at = 0; at < rig_draft->entry_count; at++)
        count += rig_draft->entries[at].event == event;
    return count;
}

//  What was said is never in nobody's hands: behind the last target it waits, and the chain begins
//  anew.
Test (handover, without_a_bot_a_chain_that_has_run_out_begins_anew)
{
    rig_begin ();
    rig_board.has_bot = false;
    rig_visitor_asks ();
    cr_assert_eq (control_state (&rig_fold), CONTROL_WAITING, "the app's targets are asked");
    cr_assert (text_is (rig_fold.offer.sought, TEXT ("group:sales")));
    for (int round = 0; round < 3; round++) {
        rig_next_changeset ();
        rig_happens (HAPPENS_NOBODY, 0, "", NULL, 0);
        cr_assert (text_is (rig_fold.offer.offered_to, TEXT ("platform:x")));
        rig_happens (HAPPENS_DECLINE, ROLE_PLATFORM, "platform.x", NULL, 0);
        cr_assert_eq (control_state (&rig_fold), CONTROL_WAITING);
        cr_assert (rig_fold.offer.waits && rig_fold.offer.sought.size == 0
                   && rig_fold.waiting_ms > 0);
        cr_assert_eq (s_entries (EVENT_NEW_MESSAGE), round == 0, "it is told once");
        rig_expect_no_silence ("the end of the chain");
        rig_next_changeset ();
        rig_happens (HAPPENS_TIRE, 0, "", NULL, 0);
        cr_assert (text_is (rig_fold.offer.sought, TEXT ("group:sales")));
    }
    rig_happens (HAPPENS_TAKE, ROLE_AGENT, "anna", NULL, 0);
    cr_assert (fold_controls (&rig_fold, ROLE_AGENT, TEXT ("anna")) && rig_fold.unanswered);
    rig_end ();
}

//  However a visitor's word comes: who is to answer is asked at once. What is for a bot only asks
//  nobody, nor does what comes in quietly.
typedef enum { BY_EDGE, BY_REQUEST, BY_WEBHOOK, BY_CALL, BY_OPENING, WAYS } way_t;

static operation_t *
s_operation_of (way_t way, bool is_hidden)
{
    const change_t opening = { .kind = CHANGE_OPEN,
                               .session = TEXT ("demo/s"),
                               .message_id = TEXT ("open-1"),
                               .by_role = ROLE_API,
                               .sender = TEXT ("{}"),
                               .role = ROLE_VISITOR,
                               .user = TEXT ("vic"),
                               .version = SEQ_UNKNOWN,
                               .first_id = TEXT ("first-1"),
                               .data = TEXT ("{}"),
                               .hidden = is_hidden };
    const bus_record_t record = { .kind = BUS_POST,
                                  .post = { .session = TEXT ("demo/s"),
                                            .event = way == BY_CALL ? EVENT_HANDOFF
                                                                    : EVENT_NEW_MESSAGE,
                                            .message_id = TEXT ("word-1"),
                                            .sender = TEXT ("{}"),
                                            .data = TEXT ("{}"),
                                            .hidden = is_hidden } };
    operation_t *operation = way == BY_OPENING ? operation_change (&opening)
                             : way == BY_EDGE  ? operation_of_record (1, &record)
                                               : operation_of_request (ROLE_VISITOR, TEXT ("vic"),
                                                                       &record);
    operation->if_match = SEQ_UNKNOWN;
    if (way == BY_WEBHOOK || way == BY_CALL)
        operation->channel = TEXT ("platform.sms");
    return operation;
}

static void
s_hears (way_t way, bool is_hidden)
{
    operation_t *operation = s_operation_of (way, is_hidden);
    if (way == BY_OPENING) {
        fold_free (&rig_fold);
        fold_init (&rig_fold, TEXT ("demo/s"), NULL);
        changes_decide (&rig_board, operation);
    } else if (operation->channel.size > 0)
        switchboard_visit (&rig_board, operation);
    else
        switchboard_post (&rig_board, operation, ROLE_VISITOR, TEXT ("vic"), DIALECT_RICH,
                          PERMISSIONS_ALL);
    cr_assert_eq (operation->verdict, VERDICT_OK, "way %d", way);
    cr_assert_neq (operation->seq, rig_fold.last_seq * !is_hidden, "it is what was said");
    changeset_take (rig_draft, &operation);
}

Test (handover, without_a_bot_each_way_of_speaking_asks_a_person)
{
    for (way_t way = BY_EDGE; way < WAYS; way++)
        for (int is_hidden = 0; is_hidden < 2; is_hidden++) {
            if (way == BY_CALL && is_hidden)
                continue; //  a call is never that
            rig_begin ();
            rig_board.has_bot = false;
            s_hears (way, is_hidden);
            cr_assert_eq (control_state (&rig_fold), is_hidden ? CONTROL_BOT : CONTROL_WAITING,
                          "way %d", way);
            cr_assert (text_is (rig_fold.offer.sought,
                                is_hidden ? TEXT_EMPTY : TEXT ("group:sales")));
            cr_assert_eq (rig_fold.turn_count, 0);
            rig_end ();
        }
}

//  The next word asks from the first target on, and does not wait for the chain to begin anew by
//  itself; whoever began it. That nobody is there is told once.
Test (handover, without_a_bot_a_word_begins_a_chain_that_has_run_out)
{
    static const text_t platform[] = { { "platform:x", 10 } };
    for (int at = 0; at < 4; at++) {
        bool is_agents = at % 2, is_alone = at / 2; //  an agent offered; the platform alone
        rig_begin ();
        rig_board.has_bot = false;
        rig_board.handover.handoff = is_alone ? platform : rig_chain;
        rig_board.handover.handoff_count = is_alone ? 1 : 2;
        rig_visitor_asks ();
        if (is_agents)
            rig_happens (HAPPENS_OFFER, ROLE_AGENT, "anna", platform, 1);
        for (int round = 0; round < 3; round++) {
            if (control_state (&rig_fold) == CONTROL_WAITING)
                rig_happens (HAPPENS_NOBODY, 0, "", NULL, 0);
            rig_happens (HAPPENS_DECLINE, ROLE_PLATFORM, "platform.x", NULL, 0);
            cr_assert_eq (control_state (&rig_fold), CONTROL_WAITING);
            cr_assert_eq (rig_fold.offer.sought.size, 0, "nobody is left");
            cr_assert_eq (s_entries (EVENT_NEW_MESSAGE), round == 0 ? 2 : 1, "it is told once");
            rig_next_changeset ();
            rig_visitor_asks ();
            cr_assert (text_is (is_alone ? rig_fold.offer.offered_to : rig_fold.offer.sought,
                                rig_board.handover.handoff[0]),
                       "row %d, round %d", at, round);
        }
        rig_end ();
    }
}

//  Its deadline is set, also in an app that seeks for as long as it takes.
Test (handover, without_a_bot_the_end_of_the_chain_has_a_deadline)
{
    for (int waits = 0; waits < 2; waits++) {
        rig_begin ();
        rig_board.has_bot = false;
        rig_board.handover.wait_ms = waits ? 90000 : 0;
        rig_visitor_asks ();
        rig_next_changeset ();
        rig_happens (HAPPENS_NOBODY, 0, "", NULL, 0);
        rig_happens (HAPPENS_EXPIRE, 0, "", NULL, 0);
        deadlines_end (&rig_board);
        uint64_t after_ms = 0;
        for (size_t at = 0; at < rig_draft->work_count; at++)
            if (timer_kind_of (rig_draft->works[at].item) == TIMER_WAIT)
                after_ms = rig_draft->works[at].after_ms;
        cr_assert_eq (after_ms, waits ? 60000 : 40000);
        rig_end ();
    }
}

// ---------------------------------------------------------------------------------------------
//  Behind a platform

#define PLATFORM_CHAIN 3
static const text_t s_of_platforms[PLATFORM_CHAIN] = { { "group:early", 11 },
                                                       { "platform:x", 10 },
                                                       { "group:late", 10 } };

//  The platform has it: an app that hands off to these. What the visitor said has no answer, and
//  was said before.
static void
s_platform_has_it (bool has_bot, const text_t *handoff, size_t count)
{
    rig_begin ();
    rig_board.has_bot = has_bot;
    rig_make (CONTROL_PLATFORM);
    rig_board.handover.handoff = handoff;
    rig_board.handover.handoff_count = count;
}

static verdict_t
s_gives_up (const char *why)
{
    operation_t *operation = operation_absent (ROLE_AGENT, TEXT ("nobody"));
    rig_next_changeset ();
    verdict_t verdict =
        control_happens (&rig_board, operation,
                         &(happening_t){ .event = HAPPENS_RELEASE,
                                         .message_id = changeset_keep (rig_draft, rig_new_id ()),
                                         .role = ROLE_PLATFORM,
                                         .user = TEXT ("platform.x"),
                                         .why = text_of (why) });
    changeset_take (rig_draft, &operation);
    rig_expect_no_silence (*why ? why : "the end of a talk");
    return verdict;
}

static size_t
s_times_asked (void)
{
    size_t count = 0;
    for (size_t at = 0; at < rig_draft->work_count; at++)
        count += channel_items_is_offer (rig_draft->works[at].item);
    return count;
}

Test (handover, whoever_follows_a_platform_that_gives_up_is_asked)
{
    static const char *const reasons[] = { "nobody", "unreachable" };
    for (int at = 0; at < 4; at++) {
        s_platform_has_it (at % 2, s_of_platforms, PLATFORM_CHAIN);
        cr_assert_eq (s_gives_up (reasons[at / 2]), VERDICT_OK);
        cr_assert_eq (control_state (&rig_fold), CONTROL_WAITING);
        cr_assert (text_is (rig_fold.offer.sought, TEXT ("group:late")));
        cr_assert_eq (s_entries (EVENT_NEW_MESSAGE), 0, "somebody is left");
        rig_next_changeset ();
        rig_happens (HAPPENS_NOBODY, 0, "", NULL, 0);
        cr_assert_eq (s_entries (EVENT_NEW_MESSAGE), 1, "nobody is");
        cr_assert_eq (control_state (&rig_fold), at % 2 ? CONTROL_BOT : CONTROL_WAITING);
        rig_end ();
    }
}

//  As at the end of a chain: the visitor is told so, and the bot is asked.
Test (handover, behind_the_last_platform_the_bot_answers)
{
    s_platform_has_it (true, s_of_platforms, 2);
    cr_assert_eq (s_gives_up ("nobody"), VERDICT_OK);
    cr_assert_eq (control_state (&rig_fold), CONTROL_BOT);
    cr_assert_eq (rig_fold.turn_count, 1);
    cr_assert_eq (s_entries (EVENT_NEW_MESSAGE), 1);
    cr_assert_eq (s_entries (EVENT_OFFER) + s_entries (EVENT_OFFER_ENDED), 0);
    rig_end ();
    //  With the bot as the last target nothing is told.
    s_platform_has_it (true, rig_chain, RIG_CHAIN);
    cr_assert_eq (s_gives_up ("nobody"), VERDICT_OK);
    cr_assert_eq (control_state (&rig_fold), CONTROL_BOT);
    cr_assert_eq (s_entries (EVENT_NEW_MESSAGE), 0);
    rig_end ();
}

//  One that the app does not name was asked by somebody else: the app's targets are asked.
Test (handover, behind_a_platform_that_is_not_in_the_list_all_are_asked)
{
    static const text_t others[] = { { "group:early", 11 }, { "platform:y", 10 } };
    for (int has_bot = 0; has_bot < 2; has_bot++) {
        s_platform_has_it (has_bot, others, 2);
        cr_assert_eq (s_gives_up ("nobody"), VERDICT_OK);
        cr_assert (text_is (rig_fold.offer.sought, TEXT ("group:early")));
        rig_next_changeset ();
        rig_happens (HAPPENS_NOBODY, 0, "", NULL, 0);
        cr_assert (text_is (rig_fold.offer.offered_to, TEXT ("platform:y")));
        rig_end ();
    }
}

//  Nobody is asked without a word of the visitor; then all are.
static void
s_waits_for_a_word (const char *after)
{
    rig_expect_no_silence (after);
    cr_assert_eq (s_times_asked (), 0, "%s", after);
    deadlines_end (&rig_board);
    for (size_t at = 0; at < rig_draft->work_count; at++)
        cr_assert_neq (timer_kind_of (rig_draft->works[at].item), TIMER_WAIT, "%s", after);
    rig_next_changeset ();
    rig_visitor_asks ();
    cr_assert (text_is (rig_fold.offer.offered_to, TEXT ("platform:x")), "%s", after);
    cr_assert_eq (s_times_asked (), 1, "%s", after);
}

Test (handover, without_a_bot_a_platform_that_gives_up_is_not_asked_again)
{
    static const char *const reasons[] = { "nobody", "unreachable", "" };
    for (size_t at = 0; at < 3; at++) {
        s_platform_has_it (false, s_of_platforms + 1, 1);
        for (int round = 0; round < 3; round++) {
            cr_assert_eq (s_gives_up (reasons[at]), VERDICT_OK);
            cr_assert_eq (control_state (&rig_fold), CONTROL_WAITING);
            cr_assert_eq (rig_fold.offer.sought.size, 0);
            cr_assert_eq (s_entries (EVENT_NEW_MESSAGE), 1, "it is told");
            s_waits_for_a_word (reasons[at]);
            rig_happens (HAPPENS_ACCEPT, ROLE_PLATFORM, "platform.x", NULL, 0);
        }
        rig_end ();
    }
    //  Nor when it is silent.
    s_platform_has_it (false, s_of_platforms + 1, 1);
    rig_happens (HAPPENS_SILENT, 0, "", NULL, 0);
    cr_assert_eq (control_state (&rig_fold), CONTROL_WAITING);
    s_waits_for_a_word ("silence");
    rig_end ();
}

//  A round anew is of those behind it only, until the visitor speaks.
Test (handover, without_a_bot_a_round_anew_leaves_the_platform_out)
{
    s_platform_has_it (false, s_of_platforms + 1, 2);
    s_gives_up ("nobody");
    for (int round = 0; round < 3; round++) {
        cr_assert (text_is (rig_fold.offer.sought, TEXT ("group:late")));
        rig_next_changeset ();
        rig_visitor_asks ();
        cr_assert (text_is (rig_fold.offer.sought, TEXT ("group:late")), "it is being sought");
        rig_happens (HAPPENS_NOBODY, 0, "", NULL, 0);
        cr_assert_eq (rig_fold.offer.sought.size, 0);
        rig_happens (HAPPENS_TIRE, 0, "", NULL, 0);
        cr_assert_eq (s_times_asked (), 0);
    }
    rig_happens (HAPPENS_NOBODY, 0, "", NULL, 0);
    rig_next_changeset ();
    rig_visitor_asks ();
    cr_assert (text_is (rig_fold.offer.offered_to, TEXT ("platform:x")));
    rig_end ();
}

//  Nobody is asked behind a talk until the visitor speaks, or has spoken meanwhile.
Test (handover, without_a_bot_nobody_is_asked_behind_a_talk)
{
    for (int speaks = 0; speaks < 2; speaks++) {
        s_platform_has_it (false, s_of_platforms + 1, 2);
        fold_answered (&rig_fold); //  somebody there did
        if (speaks)
            rig_visitor_asks ();
        cr_assert_eq (s_gives_up (""), VERDICT_OK);
        cr_assert_eq (control_state (&rig_fold), speaks ? CONTROL_OFFERED : CONTROL_BOT);
        cr_assert_eq (s_times_asked (), speaks ? 1u : 0u);
        cr_assert_eq (s_entries (EVENT_NEW_MESSAGE), 0);
        if (!speaks)
            rig_visitor_asks ();
        cr_assert (text_is (rig_fold.offer.offered_to, TEXT ("platform:x")));
        rig_end ();
    }
}
