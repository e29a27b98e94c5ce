//  alerts — which rules call people, by what happens in a session with the real rules of control.

#include "control_rig.h"

#include "config/apps_file.h"
#include "model/principal.h"
#include "triggers/alerts.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static apps_file_t *s_file;

#define STEPS "\"steps\":[{\"by\":[\"slack\"],\"to\":[\"person:anna\"]}]"
#define RULE(name, on, more) "{\"name\":\"" name "\",\"on\":\"" on "\"" more "," STEPS "}"

//  A session, in an app with these rules.
static void
s_begin (const char *rules)
{
    buffer_t json, said;
    buffer_init (&json, 100000);
    buffer_init (&said, 4000);
    int rc = buffer_put_string (&json, "{\"apps\":[{\"appId\":\"demo\",\"people\":[{\"id\":"
                                       "\"anna\"}],\"slack\":{\"webhook\":\"https://s/x\"},"
                                       "\"alerts\":[")
             + buffer_put_string (&json, rules) + buffer_put_string (&json, "]}]}");
    cr_assert_eq (rc, 0);
    s_file = apps_file_new (buffer_text (&json), &(apps_reading_t){ .reader = APP_READER_POSTOFFICE,
                                                                    .complaint = &said,
                                                                    .warnings = &said });
    cr_assert (s_file, "%.*s", TEXT_ARGS (buffer_text (&said)));
    buffer_free (&json);
    buffer_free (&said);
    rig_begin ();
    rig_board.app = apps_file_first (s_file);
}

static void
s_end (void)
{
    rig_end ();
    apps_file_destroy (&s_file);
}

//  Of all events a rule that has the event's name.
#define ALL                                                                                        \
    RULE ("started", "session-started", "")                                                        \
    "," RULE ("waits", "visitor-waits", ",\"afterSeconds\":60") ","                                \
        RULE ("asked", "handoff-asked", "") "," RULE ("expired", "offer-expired", "") ","          \
        RULE ("nobody", "nobody-there", "") "," RULE ("silent", "agent-silent",                    \
                                                      ",\"afterSeconds\":120") ","                 \
        RULE ("gone", "agent-gone", "") "," RULE ("bot", "bot-failing", "") ","                    \
        RULE ("word", "keyword", ",\"where\":{\"keywords\":[\"refund\"]}") ","                     \
        RULE ("ended", "session-ended", "") "," RULE ("dead", "dead-letter", "") ","               \
        RULE ("worker", "no-worker", "")

//  The names of the rules that the changeset has alerts of, in its order. The next one is empty.
static const char *
s_called (void)
{
    static char names[400];
    *names = '\0';
    alerts_end (&rig_board);
    for (size_t at = 0; at < rig_draft->work_count; at++) {
        const store_work_t *work = &rig_draft->works[at];
        if (!text_is (work->topic, TOPIC_ALERT))
            continue;
        cr_expect_eq (work->kind, WORK_TIMER);
        cr_expect_eq (memcmp (work->item.data, ALERT_PREFIX, strlen (ALERT_PREFIX)), 0);
        const char *name = work->item.data + strlen (ALERT_PREFIX);
        snprintf (names + strlen (names), sizeof names - strlen (names), "%s%.*s",
                  *names ? " " : "", (int) strcspn (name, ":"), name);
    }
    return names;
}

//  The alert of this rule; its texts live as long as the changeset.
static const store_work_t *
s_alert (const char *rule)
{
    char prefix[80];
    snprintf (prefix, sizeof prefix, ALERT_PREFIX "%s:", rule);
    for (size_t at = 0; at < rig_draft->work_count; at++)
        if (strncmp (rig_draft->works[at].item.data, prefix, strlen (prefix)) == 0)
            return &rig_draft->works[at];
    cr_assert (false, "no alert of %s", rule);
    return NULL;
}

static void
s_expect_body (const char *rule, const char *part)
{
    text_t body = s_alert (rule)->body;
    cr_expect (memmem (body.data, body.size, part, strlen (part)), "%s is not in %.*s", part,
               TEXT_ARGS (body));
}

static void
s_make (control_state_t state)
{
    rig_make (state);
    rig_next_changeset ();
}

#define SAYS(words) "{\"rawQuery\":\"" words "\"}"
static const text_t s_sales[] = { { "group:sales", 11 } };

//  A server of the app asks for a person, and nobody has said a word yet.
Test (alerts, a_person_is_asked_for_before_anything_was_said)
{
    s_begin (ALL);
    cr_assert_eq (rig_happens (HAPPENS_OFFER, ROLE_API, "crm", s_sales, 1), VERDICT_OK);
    cr_expect_str_eq (s_called (), "asked waits");
    cr_expect_eq (s_alert ("asked")->after_ms, 0);
    cr_expect_eq (s_alert ("waits")->after_ms, 60000);
    s_expect_body ("asked", "\"event\":\"handoff-asked\",\"seq\":11,");
    s_expect_body ("asked", "\"group\":\"sales\"");
    s_expect_body ("asked", "\"reason\":\"why\"");
    s_expect_body ("waits", "\"by\":{\"role\":5,\"userId\":\"\"}");
    s_expect_body ("waits", "\"visitor.id\":\"vic\"");
    s_end ();
}

Test (alerts, the_bot_asks_and_others_are_sought)
{
    s_begin (ALL);
    s_make (CONTROL_BOT);
    cr_assert_eq (rig_happens (HAPPENS_ASK, ROLE_BOT, "bot", rig_chain, RIG_CHAIN), VERDICT_OK);
    cr_expect_str_eq (s_called (), "asked waits");
    s_expect_body ("asked", "\"group\":\"sales\"");
    s_end ();

    //  Who waits already goes on waiting: the same wait.
    s_begin (ALL);
    s_make (CONTROL_WAITING);
    cr_assert_eq (rig_happens (HAPPENS_FOUND, ROLE_ROUTER, "", NULL, 0), VERDICT_OK);
    cr_expect_str_eq (s_called (), "");
    s_end ();
}

Test (alerts, offers_that_come_to_nothing)
{
    s_begin (ALL);
    s_make (CONTROL_OFFERED);
    cr_assert_eq (rig_happens (HAPPENS_EXPIRE, ROLE_ROUTER, "", NULL, 0), VERDICT_OK);
    cr_expect_str_eq (s_called (), "expired");
    s_expect_body ("expired", "\"reason\":\"expired\"");
    s_expect_body ("expired", "\"agent.name\":\"otto\"");
    s_end ();

    s_begin (ALL);
    s_make (CONTROL_OFFERED);
    cr_assert_eq (rig_happens (HAPPENS_DECLINE, ROLE_AGENT, "otto", NULL, 0), VERDICT_OK);
    cr_expect_str_eq (s_called (), "expired");
    s_end ();

    //  The offer is over by then, and was not the app's own.
    s_begin (ALL);
    rig_board.handover.handoff_count = 0;
    s_make (CONTROL_BOT);
    cr_assert_eq (rig_happens (HAPPENS_ASK, ROLE_BOT, "bot", s_sales, 1), VERDICT_OK);
    rig_next_changeset ();
    cr_assert_eq (rig_happens (HAPPENS_NOBODY, ROLE_ROUTER, "", NULL, 0), VERDICT_OK);
    cr_expect_str_eq (s_called (), "nobody");
    s_expect_body ("nobody", "\"group\":\"sales\"");
    s_end ();
}

Test (alerts, an_agent_is_gone_and_the_visitor_waits_for_others)
{
    s_begin (ALL);
    rig_board.has_bot = false;
    s_make (CONTROL_AGENT);
    cr_assert_eq (rig_happens (HAPPENS_LOSE, ROLE_ROUTER, "", NULL, 0), VERDICT_OK);
    cr_expect_str_eq (s_called (), "gone waits");
    s_expect_body ("gone", "\"by\":{\"role\":2,\"userId\":\"anna\"}");
    s_end ();

    //  Who gives a visitor back is not gone.
    s_begin (ALL);
    s_make (CONTROL_AGENT);
    cr_assert_eq (rig_happens (HAPPENS_RELEASE, ROLE_AGENT, "anna", NULL, 0), VERDICT_OK);
    cr_expect_str_eq (s_called (), "");
    s_end ();
}

Test (alerts, an_agent_is_silent_since_the_first_word_without_an_answer)
{
    s_begin (ALL);
    cr_assert_eq (rig_happens (HAPPENS_TAKE, ROLE_AGENT, "anna", NULL, 0), VERDICT_OK);
    rig_next_changeset ();
    rig_visitor_says (false, SAYS ("hello"));
    cr_expect_str_eq (s_called (), "silent");
    cr_expect_eq (s_alert ("silent")->after_ms, 120000);
    s_expect_body ("silent", "\"by\":{\"role\":2,\"userId\":\"anna\"}");
    s_expect_body ("silent", "\"message.text\":\"hello\"");
    s_expect_body ("silent", "\"agent.name\":\"anna\"");
    rig_next_changeset ();
    rig_visitor_says (false, SAYS ("hello?"));
    cr_expect_str_eq (s_called (), ""); //  the same silence
    rig_next_changeset ();
    cr_assert_eq (rig_happens (HAPPENS_TAKE, ROLE_AGENT, "otto", NULL, 0), VERDICT_OK);
    cr_expect_str_eq (s_called (), "silent"); //  another one's
    s_expect_body ("silent", "\"userId\":\"otto\"");
    s_end ();
}

Test (alerts, keywords_are_looked_for_in_each_message_of_a_visitor)
{
    s_begin (ALL);
    rig_visitor_says (false, SAYS ("I want a Refund!"));
    cr_expect_str_eq (s_called (), "word");
    s_expect_body ("word", "\"message.text\":\"I want a Refund!\"");
    rig_next_changeset ();
    rig_visitor_says (false, SAYS ("refunded"));
    cr_expect_str_eq (s_called (), "");
    rig_next_changeset ();
    rig_visitor_says (true, SAYS ("refund")); //  for the bot only
    cr_expect_str_eq (s_called (), "");
    rig_next_changeset ();
    rig_visitor_says (false, SAYS ("refund"));
    rig_visitor_says (false, SAYS ("refund refund"));
    cr_expect_str_eq (s_called (), "word"); //  once in a changeset, of the first
    s_expect_body ("word", "\"message.text\":\"refund\"");
    s_end ();
}

Test (alerts, a_session_begins_and_ends_and_begins_again)
{
    s_begin (ALL);
    rig_draft->opens = true;
    rig_visitor_says (false, SAYS ("hello"));
    cr_expect_str_eq (s_called (), "started");
    rig_next_changeset ();
    operation_t *operation = operation_timer (&(timer_due_t){ .kind = TIMER_CLOSE,
                                                              .item = TEXT ("timer"),
                                                              .seq = rig_fold.last_seq,
                                                              .attempt = 1,
                                                              .body = TEXT ("{}") });
    const char *users[] = { "anna", "otto" };
    for (int at = 0; at < 2; at++)
        fold_participant (&rig_fold, ROLE_AGENT, text_of (users[at]))->present = false;
    fold_participant (&rig_fold, ROLE_VISITOR, TEXT ("vic"))->present = false;
    deadlines_run (&rig_board, operation);
    cr_assert_eq (operation->verdict, VERDICT_OK);
    changeset_take (rig_draft, &operation);
    cr_expect_str_eq (s_called (), "ended");
    s_expect_body ("ended", "\"reason\":\"absent\"");
    rig_next_changeset ();
    rig_visitor_says (false, SAYS ("me again"));
    cr_expect_str_eq (s_called (), "started");
    s_end ();
}

//  An app that says nothing of whom to ask.
Test (alerts, a_handoff_that_is_only_shown_is_a_wait_as_well)
{
    s_begin (ALL);
    rig_board.handover.handoff_count = 0;
    operation_t *operation = operation_absent (ROLE_AGENT, TEXT ("nobody"));
    entries_append (&rig_board, operation,
                    &(said_t){ .event = EVENT_HANDOFF,
                               .message_id = TEXT ("h"),
                               .role = ROLE_BOT,
                               .user = TEXT ("bot"),
                               .sender = TEXT ("{}"),
                               .data = TEXT ("{\"kind\":\"HANDOFF\",\"target\":\"desk 7\"}") });
    changeset_take (rig_draft, &operation);
    cr_expect_str_eq (s_called (), "asked waits");
    s_expect_body ("waits", "\"by\":{\"role\":3,");
    s_expect_body ("asked", "\"reason\":\"desk 7\"");
    s_end ();
}

static void
s_inform (const char *info)
{
    fold_inform (fold_participant (&rig_fold, ROLE_VISITOR, TEXT ("vic")), text_of (info));
}

//  A rule with these conditions, about a visitor who says "a refund" on this page.
static bool
s_matches (const char *where, const char *info)
{
    char rules[600];
    snprintf (rules, sizeof rules, RULE ("r", "handoff-asked", ",\"where\":{%s}"), where);
    s_begin (rules);
    s_inform (info);
    rig_visitor_says (false, SAYS ("a refund"));
    rig_next_changeset ();
    cr_assert_eq (rig_happens (HAPPENS_OFFER, ROLE_API, "crm", rig_chain, RIG_CHAIN), VERDICT_OK);
    bool is_called = strcmp (s_called (), "r") == 0;
    if (is_called)
        s_expect_body ("r", "\"message.text\":\"a refund\"");
    s_end ();
    return is_called;
}

Test (alerts, conditions)
{
    static const char page[] =
        "{\"name\":\"Ada\",\"page\":\"https://shop.example/cart/1\",\"language\":\"de-AT\"}";
    cr_expect (s_matches ("", page));
    cr_expect (s_matches ("\"keywords\":[\"money\",\"refund\"]", page));
    cr_expect_not (s_matches ("\"keywords\":[\"money\"]", page));
    cr_expect (s_matches ("\"pages\":[\"/cart\"]", page));
    cr_expect (s_matches ("\"pages\":[\"/x\",\"https://shop.example/\"]", page));
    cr_expect_not (s_matches ("\"pages\":[\"/cart/2\"]", page));
    cr_expect_not (s_matches ("\"pages\":[\"http://shop.example\",\"https://shop.exa.\"]", page));
    cr_expect_not (s_matches ("\"pages\":[\"/\"]", "{}"));
    cr_expect (s_matches ("\"languages\":[\"de\"]", page));
    cr_expect (s_matches ("\"languages\":[\"DE-at\"]", page));
    cr_expect_not (s_matches ("\"languages\":[\"deu\",\"de-CH\",\"en\"]", page));
    cr_expect_not (s_matches ("\"languages\":[\"de\"]", "{}"));
    cr_expect (s_matches ("\"groups\":[\"x\",\"sales\"]", page));
    cr_expect_not (s_matches ("\"groups\":[\"support\"]", page));
    //  All of them together.
    cr_expect (s_matches ("\"languages\":[\"de\"],\"groups\":[\"sales\"],\"pages\":[\"/cart\"]",
                          page));
    cr_expect_not (s_matches ("\"languages\":[\"de\"],\"groups\":[\"support\"]", page));
}

//  The bot answers, and hands off: what it answered is what the visitor said last.
Test (alerts, words_that_the_bot_has_just_answered)
{
    s_begin (RULE ("asked", "handoff-asked", ",\"where\":{\"keywords\":[\"refund\"]}") ","
             RULE ("other", "handoff-asked", ",\"where\":{\"keywords\":[\"money\"]}"));
    rig_visitor_says (false, SAYS ("a refund, please"));
    rig_next_changeset ();
    turn_t *turn = LIST_THING (list_first (&rig_fold.turns), turn_t, in_fold);
    operation_t *operation =
        operation_of_record (1, &(bus_record_t){ .kind = BUS_DONE,
                                                 .done = { .item = turn->item,
                                                           .session = TEXT ("demo/s"),
                                                           .topic = TEXT ("bot.stentor"),
                                                           .outcome = OUTCOME_ANSWERED,
                                                           .ask = ASK_HANDOFF,
                                                           .data = TEXT ("{\"rawQuery\":\"no\"}"),
                                                           .target = TEXT ("billing"),
                                                           .detail = TEXT_EMPTY } });
    switchboard_done (&rig_board, operation);
    changeset_take (rig_draft, &operation);
    cr_expect_str_eq (s_called (), "asked");
    s_expect_body ("asked", "\"message.text\":\"a refund, please\"");
    s_expect_body ("asked", "\"reason\":\"billing\"");
    s_end ();
}

Test (alerts, what_is_kept_of_a_visitor)
{
    s_begin (RULE ("word", "keyword", ",\"where\":{\"keywords\":[\"x\"]}"));
    s_inform ("{\"name\":\"A\\\"da\",\"page\":\"https://shop.example/\",\"language\":\"en\"}");
    s_end ();
}

//  All that an e-mail has room for; a mark says that there was more.
Test (alerts, what_was_said_is_kept_whole)
{
    static char text[ALERT_MOST_MAIL + 3000], kept[ALERT_MOST_MAIL + 100];
    s_begin (RULE ("word", "keyword", ",\"where\":{\"keywords\":[\"x\"]}"));
    memset (text, 'y', sizeof text - 1);
    memcpy (text, "{\"rawQuery\":\"x ", 15);
    memcpy (text + 9000, "\"}", 3);
    rig_visitor_says (false, text);
    cr_expect_str_eq (s_called (), "word");
    snprintf (kept, sizeof kept, "\"message.text\":\"%.*s\"", 9000 - 13, text + 13);
    s_expect_body ("word", kept);
    rig_next_changeset ();
    text[9000] = text[9001] = text[9002] = 'y';
    memcpy (text + sizeof text - 3, "\"}", 3);
    rig_visitor_says (false, text);
    cr_expect_str_eq (s_called (), "word");
    snprintf (kept, sizeof kept, "\"message.text\":\"%.*s…\"", ALERT_MOST_MAIL - 3, text + 13);
    s_expect_body ("word", kept);
    s_end ();
}

Test (alerts, an_app_without_rules_or_that_is_gone_costs_nothing)
{
    s_begin ("");
    rig_visitor_says (false, SAYS ("refund"));
    cr_expect_str_eq (s_called (), "");
    rig_board.app = NULL;
    cr_expect_str_eq (s_called (), "");
    s_end ();
}
