//  platform_tenancy — from the offer to a platform to the end: who it is, how it accepts, what its
//  worker is made to watch, its people, and that whatever ends it ends what waits for it, too.

#include "control_rig.h"
#include "json/json_body.h"
#include "model/session_key.h"
#include "rules/changes.h"
#include "rules/channel_items.h"
#include "rules/control.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define X TEXT ("platform.x")
#define QUIETLY "{\"isQuiet\":true,\"watch\":{\"conversation\":\"c-1\",\"n\":[1, 2]}}"
#define LANE "6:demo/s#4#platform.x"

static const text_t s_to_platform[] = { { "platform:x", 10 } };
static char s_offer_item[200];

TestSuite (platform_tenancy, .init = rig_begin, .fini = rig_end);

//  The last item that the changeset makes whose body has this event; NULL: none.
static const store_work_t *
s_item (const char *event)
{
    const store_work_t *found = NULL;
    for (size_t at = 0; at < rig_draft->work_count; at++) {
        struct json_object *body = json_body_read (rig_draft->works[at].body);
        if (text_is (json_body_text (body, "event"), text_of (event)))
            found = &rig_draft->works[at];
        json_body_free (&body);
    }
    return found;
}

static bool
s_has (text_t text, const char *part)
{
    return memmem (text.data, text.size, part, strlen (part)) != NULL;
}

static const store_finish_t *
s_finish (const char *prefix, work_state_t state)
{
    for (size_t at = 0; at < rig_draft->finish_count; at++) {
        const store_finish_t *finish = &rig_draft->finishes[at];
        if (finish->state == state && finish->item.size >= strlen (prefix)
            && memcmp (finish->item.data, prefix, strlen (prefix)) == 0)
            return finish;
    }
    return NULL;
}

static void
s_offer (void)
{
    rig_visitor_asks ();
    rig_happens (HAPPENS_OFFER, ROLE_AGENT, "anna", s_to_platform, 1);
    const store_work_t *item = s_item ("offer");
    cr_assert (item && channel_items_is_offer (item->item));
    snprintf (s_offer_item, sizeof s_offer_item, "%.*s", TEXT_ARGS (item->item));
}

//  The worker reports of the offer.
static verdict_t
s_answer (outcome_t outcome, const char *data)
{
    rig_next_changeset ();
    operation_t *operation =
        operation_answered (1, &(bus_record_t){ .kind = BUS_DONE,
                                                .done = { .item = text_of (s_offer_item),
                                                          .session = TEXT ("demo/s"),
                                                          .topic = X,
                                                          .outcome = outcome,
                                                          .data = text_of (data),
                                                          .target = TEXT_EMPTY,
                                                          .detail = TEXT_EMPTY } });
    switchboard_answered (&rig_board, operation);
    verdict_t verdict = operation->verdict;
    changeset_take (rig_draft, &operation);
    return verdict;
}

static verdict_t
s_person (change_kind_t kind, const char *sender, const char *id)
{
    const change_t change = { .kind = kind,
                              .session = TEXT ("demo/s"),
                              .message_id = text_of (id),
                              .version = SEQ_UNKNOWN,
                              .targets = TEXT_EMPTY,
                              .why = TEXT_EMPTY,
                              .by_role = ROLE_API,
                              .by_user = TEXT ("key"),
                              .by_sender = TEXT ("{}"),
                              .role = ROLE_PLATFORM,
                              .user = X,
                              .sender = text_of (sender),
                              .is_named = true,
                              .info = TEXT_EMPTY,
                              .first_id = TEXT_EMPTY,
                              .data = TEXT_EMPTY,
                              .secret = TEXT_EMPTY };
    operation_t *operation = operation_change (&change);
    changes_decide (&rig_board, operation);
    verdict_t verdict = operation->verdict;
    changeset_take (rig_draft, &operation);
    return verdict;
}

static const participant_t *
s_platform (void)
{
    return fold_participant (&rig_fold, ROLE_PLATFORM, X);
}

// ---------------------------------------------------------------------------------------------
//  Who it is, and what it is told

//  The mapping stands in the transaction of the offer: before anybody calls the far side.
Test (platform_tenancy, is_known_by_its_session_before_the_first_call)
{
    s_offer ();
    cr_assert_eq (rig_draft->external_ref_count, 1);
    const store_external_ref_t *ref = &rig_draft->external_refs[0];
    cr_assert (text_is (ref->channel, X) && text_is (ref->user, X));
    cr_assert_eq (ref->role, ROLE_PLATFORM);
    cr_assert_eq (ref->external_id.size, 32);
    cr_assert_eq (strspn (ref->external_id.data, "0123456789abcdef"), 32);
    cr_assert (text_is (s_platform ()->external_id, ref->external_id));
    cr_assert (s_has (s_item ("offer")->body, ref->external_id.data), "its worker is told");

    char first[33];
    snprintf (first, sizeof first, "%s", ref->external_id.data);
    rig_happens (HAPPENS_EXPIRE, 0, "", NULL, 0);
    rig_next_changeset ();
    s_offer ();
    cr_assert_str_eq (rig_draft->external_refs[0].external_id.data, first, "and stays");
    rig_end ();
    rig_begin ();
    rig_fold.session = TEXT ("demo/s2");
    s_offer ();
    cr_assert_str_neq (rig_draft->external_refs[0].external_id.data, first, "of the session");
    rig_fold.session = TEXT ("demo/s");
}

Test (platform_tenancy, the_offer_says_who_the_visitor_is)
{
    participant_t *visitor = fold_admit (&rig_fold, ROLE_VISITOR, TEXT ("vic"),
                                         TEXT ("{\"displayName\":\"Vic \\\"V\\\"\"}"));
    fold_inform (visitor, TEXT ("{\"language\":\"de-CH\",\"page\":\"https://a/b\",\"plan\":"
                                "\"gold\"}"));
    s_offer ();
    cr_assert (s_has (s_item ("offer")->body,
                      "\"unanswered\":[{}],\"visitor\":{\"userId\":\"vic\",\"displayName\":"
                      "\"Vic \\\"V\\\"\",\"locale\":\"de-CH\",\"page\":\"https://a/b\",\"info\":"
                      "{\"language\":\"de-CH\",\"page\":\"https://a/b\",\"plan\":\"gold\"}}"),
               "%.*s", TEXT_ARGS (s_item ("offer")->body));
    for (size_t at = 0; at < rig_draft->entry_count; at++)
        cr_assert_not (s_has (rig_draft->entries[at].data, "\"visitor\""), "and not in the log");
}

// ---------------------------------------------------------------------------------------------
//  How it accepts

typedef struct {
    const char *data;
    bool is_quiet, watches;
} manner_t;

static const manner_t s_manners[] = {
    { "", false, false },
    { "{}", false, false },
    { QUIETLY, true, true },
    { "{\"isQuiet\":true}", true, false },
    { "{\"watch\":{}}", false, true },
    { "{\"watch\":[],\"isQuiet\":1}", false, false },
    { "{\"watch\":\"c-1\",\"isQuiet\":\"true\"}", false, false },
    { "[true]", false, false },
    { "{\"isQuiet\":true,\"watch\":", true, false },
};

static const store_entry_t *
s_entry (event_t event)
{
    for (size_t at = 0; at < rig_draft->entry_count; at++)
        if (rig_draft->entries[at].event == event)
            return &rig_draft->entries[at];
    return NULL;
}

Test (platform_tenancy, accepts_as_it_says)
{
    for (size_t at = 0; at < sizeof s_manners / sizeof *s_manners; at++) {
        const manner_t *manner = &s_manners[at];
        s_offer ();
        cr_assert_eq (s_answer (OUTCOME_ANSWERED, manner->data), VERDICT_OK);
        cr_assert (fold_controls (&rig_fold, ROLE_PLATFORM, X));
        cr_assert_eq (s_entry (EVENT_BARGE_IN)->hidden, manner->is_quiet, "%s", manner->data);
        const store_work_t *watch = s_item ("watch");
        cr_assert_eq (watch != NULL, manner->watches, "%s", manner->data);
        if (watch) {
            cr_assert (work_is_watch (watch->item) && text_is (watch->topic, X));
            cr_assert (text_is (watch->lane, TEXT ("watch" LANE)), "%.*s",
                       TEXT_ARGS (watch->lane));
            cr_assert_eq (watch->seq, rig_fold.control_seq);
        }
        rig_end ();
        rig_begin ();
    }
}

//  What the watch is told is what was said, byte for byte, and not longer than what is remembered.
Test (platform_tenancy, its_watch_has_its_words)
{
    static char longer[3000];
    s_offer ();
    s_answer (OUTCOME_ANSWERED, QUIETLY);
    cr_assert (s_has (s_item ("watch")->body,
                      "\"data\":{\"conversation\":\"c-1\",\"n\":[1, 2]},\"participant\":"
                      "{\"role\":\"platform\",\"userId\":\"platform.x\""),
               "%.*s", TEXT_ARGS (s_item ("watch")->body));
    rig_end ();
    rig_begin ();
    s_offer ();
    snprintf (longer, sizeof longer, "{\"watch\":{\"c\":\"%01100d\"}}", 0);
    s_answer (OUTCOME_ANSWERED, longer);
    cr_assert_null (s_item ("watch"));
}

// ---------------------------------------------------------------------------------------------
//  How it ends

typedef struct {
    control_event_t event;
    uint64_t role;
    const char *user, *why;
} leaving_t;

static const leaving_t s_leavings[] = {
    { HAPPENS_TAKE, ROLE_AGENT, "anna", "replaced" },
    { HAPPENS_RELEASE, ROLE_PLATFORM, "platform.x", "asked" },
    { HAPPENS_RELEASE, ROLE_API, "key", "asked" },
    { HAPPENS_SILENT, 0, "", "silent" },
    { HAPPENS_LOSE, 0, "", "absent" },
    { HAPPENS_OFFER, ROLE_AGENT, "anna", "passed" },
    { HAPPENS_CLOSE, 0, "", "closed" },
};

//  What the visitor says while it is there waits in its lane; it is not delivered any more, and
//  the end of it is the lane's last item.
static void
s_expect_end (const leaving_t *leaving, const manner_t *manner)
{
    s_offer ();
    s_answer (OUTCOME_ANSWERED, manner->data);
    rig_next_changeset ();
    rig_visitor_says (false, "{\"rawQuery\":\"too late\"}");
    const store_work_t *said = s_item ("new message");
    cr_assert (said && text_is (said->lane, TEXT (LANE)));
    rig_happens (leaving->event, leaving->role, leaving->user, rig_chain, 1);
    cr_assert_not (fold_controls (&rig_fold, ROLE_PLATFORM, X));
    cr_assert_null (s_item ("new message"), "%s", leaving->why);
    cr_assert_not_null (s_finish (LANE, WORK_CLEARED));
    cr_assert_eq (s_finish (":watch:", WORK_CANCELLED) != NULL, manner->watches);
    const store_work_t *over = s_item ("over");
    char data[100];
    snprintf (data, sizeof data, "\"data\":{\"why\":\"%s\",\"wasInControl\":true}", leaving->why);
    cr_assert (over && s_has (over->body, data), "%s", leaving->why);
    cr_assert (work_is_over (over->item) && over->after_ms == 0);
    cr_assert (text_is (over->lane, TEXT (LANE)));
    cr_assert_eq (s_entry (EVENT_BARGE_OUT)->hidden, manner->is_quiet);
    cr_assert_not (s_platform ()->present);
    if (leaving->event != HAPPENS_CLOSE)
        rig_expect_no_silence (leaving->why);
}

Test (platform_tenancy, ends_whatever_ends_it)
{
    for (size_t at = 0; at < sizeof s_leavings / sizeof *s_leavings; at++)
        for (size_t manner = 0; manner < 3; manner++) {
            s_expect_end (&s_leavings[at], &s_manners[manner]);
            rig_end ();
            rig_begin ();
        }
}

//  Never both: what it was not told, the bot is asked.
Test (platform_tenancy, what_it_was_not_told_the_bot_is_asked)
{
    s_offer ();
    s_answer (OUTCOME_ANSWERED, QUIETLY);
    rig_next_changeset ();
    rig_visitor_says (false, "{\"rawQuery\":\"too late\"}");
    rig_happens (HAPPENS_RELEASE, ROLE_PLATFORM, "platform.x", NULL, 0);
    cr_assert_null (s_item ("new message"));
    cr_assert_eq (rig_fold.turn_count, 1);
    turn_t *turn = LIST_THING (list_first (&rig_fold.turns), turn_t, in_fold);
    cr_assert (s_has (turn->body, "too late"));
}

//  An offer that comes to nothing: it may be being worked at, so its end comes a little later. One
//  that was declined was worked at, and is over at once.
Test (platform_tenancy, an_offer_that_comes_to_nothing_has_an_end)
{
    static const struct {
        control_event_t event;
        uint64_t role;
        const char *user, *why;
    } ends[] = { { HAPPENS_EXPIRE, 0, "", "expired" },
                 { HAPPENS_TAKE, ROLE_AGENT, "otto", "withdrawn" },
                 { HAPPENS_RELEASE, ROLE_API, "key", "withdrawn" },
                 { HAPPENS_CLOSE, 0, "", "closed" } };
    for (size_t at = 0; at < sizeof ends / sizeof *ends; at++) {
        s_offer ();
        rig_next_changeset ();
        rig_happens (ends[at].event, ends[at].role, ends[at].user, NULL, 0);
        const store_work_t *over = s_item ("over");
        cr_assert (over && s_has (over->body, ends[at].why)
                       && s_has (over->body, "\"wasInControl\":false"),
                   "%s: %s", ends[at].why, over ? over->body.data : "none");
        cr_assert (over->after_ms > 0 && s_finish (":offer:", WORK_CANCELLED));
        rig_end ();
        rig_begin ();
    }
    s_offer ();
    cr_assert_eq (s_answer (OUTCOME_DEAD, ""), VERDICT_OK);
    const store_work_t *over = s_item ("over");
    cr_assert (over && s_has (over->body, "declined") && over->after_ms == 0);
    cr_assert_null (s_finish (":offer:", WORK_CANCELLED), "its report is on its way");
    cr_assert_null (s_item ("offer ended"), "and it is told nothing else");
}

//  The same platform is asked anew in the changeset in which it has lost the visitor: its end
//  stands before, and nothing of the new offer is cleared with it.
Test (platform_tenancy, is_asked_again_at_once)
{
    s_offer ();
    s_answer (OUTCOME_ANSWERED, QUIETLY);
    rig_next_changeset ();
    for (int round = 0; round < 2; round++) {
        rig_happens (HAPPENS_OFFER, ROLE_AGENT, "anna", s_to_platform, 1);
        const store_work_t *over = s_item ("over"), *offer = s_item ("offer");
        cr_assert (over && offer && over < offer && over->seq < offer->seq);
        cr_assert (s_platform ()->present && text_is (offer->lane, over->lane));
    }
    size_t overs = 0;
    for (size_t at = 0; at < rig_draft->work_count; at++)
        overs += work_is_over (rig_draft->works[at].item);
    cr_assert_eq (overs, 2, "no end is cleared with another");
}

// ---------------------------------------------------------------------------------------------
//  Its people

#define ANN "{\"displayName\":\"Ann\",\"avatarPath\":\"https://x/a.png\"}"
#define BOB "{\"displayName\":\"Bob\"}"

static size_t
s_shown (void)
{
    return rig_draft->entry_count;
}

static const store_entry_t *
s_last (void)
{
    return &rig_draft->entries[rig_draft->entry_count - 1];
}

Test (platform_tenancy, its_people_come_and_go)
{
    s_offer ();
    cr_assert_eq (s_person (CHANGE_ENTER, ANN, ":key:0"), VERDICT_NOT_IN_CONTROL, "not yet");
    s_answer (OUTCOME_ANSWERED, QUIETLY);
    rig_next_changeset ();
    uint64_t version = rig_fold.control_seq;
    cr_assert_eq (s_person (CHANGE_EXIT, "{}", ":key:1"), VERDICT_OK, "nobody is there");
    cr_assert_eq (s_shown (), 0);
    cr_assert_eq (s_person (CHANGE_ENTER, ANN, ":key:2"), VERDICT_OK);
    cr_assert (s_shown () == 1 && s_last ()->event == EVENT_BARGE_IN && !s_last ()->hidden);
    cr_assert (text_is (s_last ()->sender, TEXT (ANN)));
    cr_assert (text_is (s_last ()->data, TEXT ("{\"why\":\"entered\"}")));
    cr_assert (text_is (s_platform ()->sender, TEXT (ANN)), "and speaks from now on");
    cr_assert_eq (s_person (CHANGE_ENTER, ANN, ":key:2"), VERDICT_DUPLICATE, "the same request");
    cr_assert_eq (s_person (CHANGE_ENTER, ANN, ":key:3"), VERDICT_OK, "she is there");
    cr_assert_eq (s_shown (), 1);

    cr_assert_eq (s_person (CHANGE_ENTER, BOB, ":key:4"), VERDICT_OK);
    cr_assert_eq (s_shown (), 3, "Ann goes, Bob comes");
    cr_assert_eq (rig_draft->entries[1].event, EVENT_BARGE_OUT);
    cr_assert (text_is (rig_draft->entries[1].sender, TEXT (ANN)));
    cr_assert (text_is (s_last ()->sender, TEXT (BOB)));
    cr_assert_eq (s_person (CHANGE_EXIT, "{}", ":key:5"), VERDICT_OK);
    cr_assert (s_last ()->event == EVENT_BARGE_OUT && text_is (s_last ()->sender, TEXT (BOB)));
    cr_assert (text_is (s_last ()->data, TEXT ("{\"why\":\"left\"}")));
    cr_assert_eq (s_person (CHANGE_EXIT, "{}", ":key:5"), VERDICT_DUPLICATE);
    cr_assert (s_has (s_platform ()->sender, "\"Agent\""), "as at first");
    cr_assert (fold_controls (&rig_fold, ROLE_PLATFORM, X) && rig_fold.control_seq == version);
}

//  Whoever ends the tenancy, the visitor sees the person go.
Test (platform_tenancy, whoever_is_there_goes_with_it)
{
    for (size_t at = 0; at < sizeof s_leavings / sizeof *s_leavings; at++) {
        s_offer ();
        s_answer (OUTCOME_ANSWERED, QUIETLY);
        s_person (CHANGE_ENTER, ANN, ":key:1");
        rig_next_changeset ();
        rig_happens (s_leavings[at].event, s_leavings[at].role, s_leavings[at].user, rig_chain, 1);
        const store_entry_t *left = s_entry (EVENT_BARGE_OUT);
        cr_assert (left && !left->hidden && text_is (left->sender, TEXT (ANN)));
        cr_assert (left[1].event == EVENT_BARGE_OUT && left[1].hidden, "and nobody goes twice");
        cr_assert (s_has (left[1].sender, "\"Agent\""));
        rig_next_changeset ();
        rig_happens (HAPPENS_TAKE, ROLE_AGENT, "anna", NULL, 0);
        rig_next_changeset ();
        rig_happens (HAPPENS_OFFER, ROLE_AGENT, "anna", s_to_platform, 1);
        cr_assert (s_has (s_platform ()->sender, "\"Agent\""), "the next one begins anew");
        rig_end ();
        rig_begin ();
    }
}
