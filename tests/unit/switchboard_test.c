//  switchboard — the rules: every operation by every role in every state of control, with what it
//  comes to written as words: the verdict, the entries, who is in control then, and the open turns.

#include "rules/channel_items.h"
#include "rules/switchboard.h"
#include "tables/postoffice_metrics.h"

#include "model/principal.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>

#define VISITOR ROLE_VISITOR
#define AGENT ROLE_AGENT
#define RICH DIALECT_RICH
#define WIDGET DIALECT_WIDGET
#define ALL PERMISSIONS_ALL

static const switchboard_rules_t s_rules = { .writer = 7 };
static fold_t s_fold;
static changeset_t *s_draft;
static switchboard_t s_switchboard;
static char s_words[400];

static void __attribute__ ((format (printf, 1, 2)))
s_note (const char *format, ...)
{
    size_t size = strlen (s_words);
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (s_words + size, sizeof s_words - size, format, arguments);
    va_end (arguments);
}

//  In control: "bot", "anna" (an agent) or "none" (the session does not exist).
static void
s_begin (const char *control)
{
    fold_init (&s_fold, TEXT ("demo/s"), NULL);
    if (strcmp (control, "none") != 0) {
        fold_open (&s_fold, TEXT ("demo"), TEXT ("vic"), 86400000);
        s_fold.last_seq = 10;
        s_fold.last_time_ms = 1000;
        fold_admit (&s_fold, ROLE_VISITOR, TEXT ("vic"), TEXT ("{}"));
        fold_admit (&s_fold, ROLE_AGENT, TEXT ("anna"), TEXT ("{}"));
        fold_admit (&s_fold, ROLE_AGENT, TEXT ("otto"), TEXT ("{}"));
        fold_participant (&s_fold, ROLE_AGENT, TEXT ("otto"))->present = false;
        if (strcmp (control, "anna") == 0)
            fold_control (&s_fold, ROLE_AGENT, TEXT ("anna"));
    }
    s_draft = changeset_new (TEXT ("demo/s"));
    s_switchboard = (switchboard_t){ .has_bot = true,
                                     .rules = &s_rules,
                                     .fold = &s_fold,
                                     .changeset = s_draft,
                                     .bot_sender = TEXT ("{}"),
                                     .failure = &app_failure_usual };
    s_words[0] = 0;
}

static void
s_end (void)
{
    changeset_destroy (&s_draft);
    fold_free (&s_fold);
}

static void
s_open_turn (const char *item)
{
    fold_add_turn (&s_fold, turn_new (&(turn_t){ .item = text_of (item),
                                                 .topic = TEXT ("bot.stentor"),
                                                 .user = TEXT ("vic"),
                                                 .body = TEXT ("{}"),
                                                 .secret = TEXT_EMPTY }));
}

//  "ok: barge in, new message; anna; 1 turn"
static const char *
s_outcome (operation_t *operation)
{
    s_note ("%s:", verdict_code (operation->verdict));
    for (size_t at = 0; at < operation->entry_count; at++) {
        const store_entry_t *entry = &s_draft->entries[operation->first_entry + at];
        s_note ("%s %s%s", at ? "," : "", event_wire_name (entry->event),
                entry->hidden ? " (hidden)" : "");
    }
    s_note ("; %s; %zu", s_fold.control_role == ROLE_BOT ? "bot" : s_fold.control_user.data,
            s_fold.turn_count);
    changeset_take (s_draft, &operation);
    return s_words;
}

static operation_t *
s_post (event_t event, const char *id)
{
    return operation_of_record (1, &(bus_record_t){ .kind = BUS_POST,
                                                    .post = { .endpoint = 5,
                                                              .session = TEXT ("demo/s"),
                                                              .event = event,
                                                              .message_id = text_of (id),
                                                              .sender = TEXT ("{}"),
                                                              .data = TEXT ("{}"),
                                                              .secret = TEXT ("token") } });
}

static operation_t *
s_attach (role_t role, const char *user, dialect_t dialect, attach_reason_t reason)
{
    return operation_of_record (1, &(bus_record_t){ .kind = BUS_ATTACH,
                                                    .attach = { .endpoint = 5,
                                                                .reason = reason,
                                                                .session = TEXT ("demo/s"),
                                                                .app = TEXT ("demo"),
                                                                .user = text_of (user),
                                                                .role = role,
                                                                .dialect = dialect,
                                                                .sender = TEXT ("{}") } });
}

static operation_t *
s_done (const char *item, outcome_t outcome, const char *data, ask_t ask)
{
    return operation_of_record (1, &(bus_record_t){ .kind = BUS_DONE,
                                                    .done = { .session = TEXT ("demo/s"),
                                                              .item = text_of (item),
                                                              .outcome = outcome,
                                                              .data = text_of (data),
                                                              .ask = ask,
                                                              .target = TEXT ("store_link \"1\""),
                                                              .detail = TEXT_EMPTY,
                                                              .tries = 2,
                                                              .status = 503,
                                                              .took_ms = 80 } });
}

Test (switchboard, post)
{
    const struct {
        const char *control;
        event_t event;
        role_t role;
        const char *user;
        dialect_t dialect;
        const char *outcome; //  with one turn open before
    } rows[] = {
        { "bot", EVENT_NEW_MESSAGE, VISITOR, "vic", RICH, "ok: new message; bot; 2" },
        { "anna", EVENT_NEW_MESSAGE, VISITOR, "vic", RICH, "ok: new message; anna; 1" },
        //  Words never take a visitor from another agent; a widget's take it from the bot.
        { "anna", EVENT_NEW_MESSAGE, AGENT, "anna", RICH, "ok: new message; anna; 1" },
        { "anna", EVENT_NEW_MESSAGE, AGENT, "anna", WIDGET, "ok: new message; anna; 1" },
        { "anna", EVENT_NEW_MESSAGE, AGENT, "otto", RICH, "not_in_control:; anna; 1" },
        { "anna", EVENT_NEW_MESSAGE, AGENT, "otto", WIDGET, "not_in_control:; anna; 1" },
        { "bot", EVENT_NEW_MESSAGE, AGENT, "anna", RICH, "not_in_control:; bot; 1" },
        { "bot", EVENT_NEW_MESSAGE, AGENT, "anna", WIDGET, "ok: barge in, new message; anna; 0" },
        { "bot", EVENT_BARGE_IN, AGENT, "anna", WIDGET, "ok: barge in; anna; 0" },
        { "anna", EVENT_BARGE_IN, AGENT, "otto", WIDGET, "ok: barge out, barge in; otto; 0" },
        { "bot", EVENT_BARGE_IN, VISITOR, "vic", RICH, "not_allowed:; bot; 1" },
        { "anna", EVENT_BARGE_IN, VISITOR, "vic", RICH, "not_allowed:; anna; 1" },
        { "bot", EVENT_BARGE_IN, AGENT, "anna", RICH, "ok: barge in; anna; 0" },
        { "anna", EVENT_BARGE_IN, AGENT, "anna", RICH, "ok:; anna; 1" },
        { "anna", EVENT_BARGE_IN, AGENT, "otto", RICH, "ok: barge out, barge in; otto; 0" },
        { "bot", EVENT_BARGE_OUT, VISITOR, "vic", RICH, "not_allowed:; bot; 1" },
        { "anna", EVENT_BARGE_OUT, VISITOR, "vic", RICH, "not_allowed:; anna; 1" },
        { "bot", EVENT_BARGE_OUT, AGENT, "anna", RICH, "ok:; bot; 1" },
        { "anna", EVENT_BARGE_OUT, AGENT, "anna", RICH, "ok: barge out; bot; 1" },
        { "anna", EVENT_BARGE_OUT, AGENT, "otto", RICH, "ok:; anna; 1" },
        //  Whoever is in control: it is no answer, and takes nothing.
        { "bot", EVENT_WHISPER, AGENT, "anna", RICH, "ok: whisper; bot; 1" },
        { "anna", EVENT_WHISPER, AGENT, "anna", RICH, "ok: whisper; anna; 1" },
        { "anna", EVENT_WHISPER, AGENT, "otto", RICH, "ok: whisper; anna; 1" },
        { "bot", EVENT_WHISPER, VISITOR, "vic", RICH, "not_allowed:; bot; 1" },
        { "anna", EVENT_WHISPER, VISITOR, "vic", RICH, "not_allowed:; anna; 1" },
        { "bot", EVENT_WHISPER, ROLE_API, "key", RICH, "not_allowed:; bot; 1" },
        { "bot", EVENT_WHISPER, ROLE_BOT, "bot", RICH, "not_allowed:; bot; 1" },
        { "bot", EVENT_WHISPER, ROLE_PLATFORM, "p", RICH, "not_allowed:; bot; 1" },
        { "bot", EVENT_WHISPER, ROLE_ROUTER, "r", RICH, "not_allowed:; bot; 1" },
        { "bot", EVENT_USER_JOINED, VISITOR, "vic", RICH, "not_allowed:; bot; 1" },
        { "bot", EVENT_USER_LEFT, AGENT, "anna", RICH, "not_allowed:; bot; 1" },
        { "bot", EVENT_HANDOFF, AGENT, "anna", RICH, "not_allowed:; bot; 1" },
        { "bot", EVENT_FAILURE, VISITOR, "vic", RICH, "not_allowed:; bot; 1" },
        { "bot", EVENT_TYPING, VISITOR, "vic", RICH, "not_allowed:; bot; 1" },
        { "bot", EVENT_NEW_MESSAGE, ROLE_BOT, "bot", RICH, "not_allowed:; bot; 1" },
        { "bot", EVENT_NEW_MESSAGE, ROLE_PLATFORM, "p", RICH, "not_allowed:; bot; 1" },
        { "bot", EVENT_BARGE_IN, ROLE_ROUTER, "r", RICH, "not_allowed:; bot; 1" },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        s_begin (rows[at].control);
        s_open_turn ("item");
        operation_t *operation = s_post (rows[at].event, "m1");
        switchboard_post (&s_switchboard, operation, rows[at].role, text_of (rows[at].user),
                          rows[at].dialect, ALL);
        const char *outcome = s_outcome (operation);
        cr_assert_str_eq (outcome, rows[at].outcome, "row %zu: %s, not %s", at, outcome,
                          rows[at].outcome);
        cr_assert_eq (s_draft->control_changes, strstr (outcome, "barge") != NULL);
        cr_assert_eq (s_draft->finish_count, strstr (outcome, "; 0") ? 1 : 0);
        s_end ();
    }
}

Test (switchboard, attach)
{
    const struct {
        const char *control;
        role_t role;
        const char *user;
        dialect_t dialect;
        attach_reason_t reason;
        bool accompanied;
        const char *outcome;
    } rows[] = {
        { "none", VISITOR, "vic", DIALECT_RICH, ATTACH_JOIN, false, "ok: user joined; bot; 0" },
        { "none", VISITOR, "vic", DIALECT_WIDGET, ATTACH_FRAME, false,
          "ok: user joined; bot; 0" },
        { "none", VISITOR, "vic", DIALECT_RICH, ATTACH_RESUME, false, "ok: user joined; bot; 0" },
        { "none", VISITOR, "vic", DIALECT_WIDGET, ATTACH_SILENT, false, "not_joined:; bot; 0" },
        { "none", AGENT, "anna", DIALECT_RICH, ATTACH_JOIN, false, "not_joined:; bot; 0" },
        { "none", ROLE_BOT, "bot", DIALECT_RICH, ATTACH_JOIN, false, "bad_request:; bot; 0" },
        { "bot", ROLE_ROUTER, "r", DIALECT_RICH, ATTACH_JOIN, false, "bad_request:; bot; 0" },
        { "bot", 0, "r", DIALECT_RICH, ATTACH_JOIN, false, "bad_request:; bot; 0" },
        { "bot", VISITOR, "mallory", DIALECT_RICH, ATTACH_JOIN, false, "not_yours:; bot; 0" },
        { "bot", VISITOR, "mallory", DIALECT_WIDGET, ATTACH_SILENT, false, "not_yours:; bot; 0" },
        { "bot", VISITOR, "anna", DIALECT_RICH, ATTACH_REATTACH, false, "not_yours:; bot; 0" },
        { "bot", VISITOR, "vic", DIALECT_RICH, ATTACH_JOIN, false, "ok:; bot; 0" },
        { "bot", VISITOR, "vic", DIALECT_WIDGET, ATTACH_JOIN, false,
          "ok: user joined (hidden); bot; 0" },
        { "bot", VISITOR, "vic", DIALECT_WIDGET, ATTACH_JOIN, true, "ok:; bot; 0" },
        { "bot", VISITOR, "vic", DIALECT_WIDGET, ATTACH_SILENT, false, "ok:; bot; 0" },
        { "bot", VISITOR, "vic", DIALECT_WIDGET, ATTACH_REATTACH, false, "ok:; bot; 0" },
        { "anna", AGENT, "otto", DIALECT_RICH, ATTACH_JOIN, false, "ok: user joined; anna; 0" },
        { "anna", AGENT, "new", DIALECT_RICH, ATTACH_JOIN, false, "ok: user joined; anna; 0" },
        { "anna", AGENT, "otto", DIALECT_WIDGET, ATTACH_REATTACH, false,
          "ok: user joined; anna; 0" },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        s_begin (rows[at].control);
        operation_t *operation =
            s_attach (rows[at].role, rows[at].user, rows[at].dialect, rows[at].reason);
        switchboard_attach (&s_switchboard, operation, rows[at].accompanied);
        bool opened = operation->opened;
        const char *outcome = s_outcome (operation);
        cr_assert_str_eq (outcome, rows[at].outcome, "row %zu: %s, not %s", at, outcome,
                          rows[at].outcome);
        cr_assert_eq (opened, strcmp (rows[at].control, "none") == 0 && outcome[0] == 'o');
        cr_assert_eq (opened, s_draft->opens);
        s_end ();
    }
}

Test (switchboard, done)
{
    const struct {
        const char *item;
        outcome_t outcome;
        const char *data;
        ask_t ask;
        work_state_t state;
        const char *words;
    } rows[] = {
        { "item", OUTCOME_ANSWERED, "{}", ASK_NOTHING, WORK_DONE, "ok: new message; bot; 0" },
        { "item", OUTCOME_ANSWERED, "", ASK_NOTHING, WORK_DONE,
          "ok: new message (hidden); bot; 0" },
        { "item", OUTCOME_BOT_ERROR, "{}", ASK_NOTHING, WORK_DEAD, "ok: new message; bot; 0" },
        { "item", OUTCOME_FAILED, "{}", ASK_NOTHING, WORK_DEAD, "ok: failure; bot; 0" },
        { "item", OUTCOME_ANSWERED, "{}", ASK_HANDOFF, WORK_DONE,
          "ok: new message, handoff; bot; 0" },
        { "item", OUTCOME_ANSWERED, "", ASK_TRANSFER_CALL, WORK_DONE,
          "ok: new message (hidden), handoff; bot; 0" },
        { "other", OUTCOME_ANSWERED, "{}", ASK_HANDOFF, WORK_READY, "duplicate:; bot; 1" },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        s_begin ("bot");
        s_open_turn ("item");
        operation_t *operation
            = s_done (rows[at].item, rows[at].outcome, rows[at].data, rows[at].ask);
        switchboard_done (&s_switchboard, operation);
        const char *words = s_outcome (operation);
        cr_assert_str_eq (words, rows[at].words, "row %zu: %s, not %s", at, words, rows[at].words);
        if (rows[at].state != WORK_READY) {
            cr_assert_eq (s_draft->finishes[0].state, rows[at].state);
            cr_assert_eq (s_draft->finishes[0].attempt, 2);
            cr_assert_eq (s_draft->finishes[0].status, 503);
            cr_assert_eq (s_draft->finishes[0].took_ms, 80);
        }
        if (rows[at].ask == ASK_HANDOFF && s_draft->entry_count == 2)
            cr_assert (
                text_is (s_draft->entries[1].data,
                         TEXT ("{\"kind\":\"HANDOFF\",\"target\":\"store_link \\\"1\\\"\"}")));
        s_end ();
    }
}

Test (switchboard, absent)
{
    const struct {
        const char *control;
        role_t role;
        const char *user;
        const char *outcome;
    } rows[] = {
        { "bot", VISITOR, "vic", "ok: user left; bot; 0" },
        { "anna", VISITOR, "vic", "ok: user left; anna; 0" },
        { "bot", AGENT, "anna", "ok: user left; bot; 0" },
        { "anna", AGENT, "anna", "ok: barge out, user left; bot; 0" },
        { "anna", AGENT, "otto", "ok:; anna; 0" },
        { "anna", VISITOR, "anna", "ok:; anna; 0" },
        { "none", VISITOR, "vic", "ok:; bot; 0" },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        s_begin (rows[at].control);
        operation_t *operation = operation_absent (rows[at].role, text_of (rows[at].user));
        switchboard_absent (&s_switchboard, operation);
        const char *outcome = s_outcome (operation);
        cr_assert_str_eq (outcome, rows[at].outcome, "row %zu: %s, not %s", at, outcome,
                          rows[at].outcome);
        s_end ();
    }
}

Test (switchboard, a_turn_is_what_the_visitor_said)
{
    s_begin ("bot");
    operation_t *operation = s_post (EVENT_NEW_MESSAGE, "m1");
    switchboard_post (&s_switchboard, operation, ROLE_VISITOR, TEXT ("vic"), RICH, ALL);
    s_outcome (operation);
    const store_work_t *work = &s_draft->works[0];
    cr_assert (s_draft->work_count == 1 && work->seq == 11 && work->item.size > 10);
    cr_assert (text_is (work->topic, TEXT ("bot.stentor")));
    cr_assert (text_is (work->secret, TEXT ("token")));
    cr_assert_eq (s_draft->entries[0].data.size, 2, "the secret is not in the log");
    cr_assert_eq (fold_turn (&s_fold, work->item)->state, TURN_QUEUED);
    s_end ();
}

Test (switchboard, repeated_post_repeats_the_answer)
{
    s_begin ("bot");
    for (int at = 0; at < 2; at++) {
        operation_t *operation = s_post (EVENT_NEW_MESSAGE, "m1");
        switchboard_post (&s_switchboard, operation, ROLE_VISITOR, TEXT ("vic"), RICH, ALL);
        cr_assert_eq (operation->seq, 11);
        cr_assert_eq (operation->time_ms, s_draft->entries[0].time_ms);
        s_outcome (operation);
    }
    cr_assert (s_draft->entry_count == 1 && s_fold.turn_count == 1);
    s_end ();
}

Test (switchboard, turn_limit)
{
    s_begin ("bot");
    char item[20];
    for (int at = 0; at < TURN_LIMIT; at++) {
        snprintf (item, sizeof item, "i%d", at);
        s_open_turn (item);
    }
    operation_t *operation = s_post (EVENT_NEW_MESSAGE, "m1");
    switchboard_post (&s_switchboard, operation, ROLE_VISITOR, TEXT ("vic"), RICH, ALL);
    cr_assert_str_eq (s_outcome (operation), "busy:; bot; 32");
    cr_assert_eq (postoffice_counts[POSTOFFICE_FULL_TURNS], 1);
    s_end ();
}

//  Nobody is asked what nobody would answer: what is said is stored, for agents.
Test (switchboard, an_app_without_a_bot)
{
    s_begin ("bot");
    s_switchboard.has_bot = false;
    for (int at = 0; at < 2 * TURN_LIMIT; at++) {
        char id[20];
        snprintf (id, sizeof id, "m%d", at);
        operation_t *operation = s_post (EVENT_NEW_MESSAGE, id);
        switchboard_post (&s_switchboard, operation, ROLE_VISITOR, TEXT ("vic"), RICH, ALL);
        cr_assert_eq (operation->verdict, VERDICT_OK);
        operation_destroy (&operation);
    }
    cr_assert (s_fold.turn_count == 0 && s_draft->work_count == 0);
    s_end ();
}

Test (switchboard, longest_ids)
{
    char id[MESSAGE_ID_MAX + 1];
    memset (id, 'm', MESSAGE_ID_MAX);
    id[MESSAGE_ID_MAX] = 0;
    s_begin ("anna");
    operation_t *operation = s_post (EVENT_BARGE_IN, id);
    switchboard_post (&s_switchboard, operation, ROLE_AGENT, TEXT ("otto"), RICH, ALL);
    s_outcome (operation);
    cr_assert_eq (s_draft->entry_count, 2);
    for (size_t at = 0; at < 2; at++)
        for (size_t other = 0; other < at; other++)
            cr_assert_not (text_is (s_draft->entries[at].message_id,
                                    s_draft->entries[other].message_id));
    s_end ();
}

//  The widget's way: the message's own id is derived from, too.
Test (switchboard, longest_id_of_a_widget)
{
    char id[MESSAGE_ID_MAX + 1];
    memset (id, 'm', MESSAGE_ID_MAX);
    id[MESSAGE_ID_MAX] = 0;
    s_begin ("bot");
    operation_t *operation = s_post (EVENT_NEW_MESSAGE, id);
    switchboard_post (&s_switchboard, operation, ROLE_AGENT, TEXT ("otto"), WIDGET, ALL);
    s_outcome (operation);
    cr_assert_eq (s_draft->entry_count, 2);
    cr_assert_not (text_is (s_draft->entries[0].message_id, s_draft->entries[1].message_id));
    s_end ();
}

//  Words are no way around what was taken from the connection.
Test (switchboard, a_widget_that_may_not_take_control_does_not_by_speaking)
{
    s_begin ("bot");
    operation_t *operation = s_post (EVENT_NEW_MESSAGE, "m");
    switchboard_post (&s_switchboard, operation, ROLE_AGENT, TEXT ("otto"), WIDGET,
                      ALL & ~PERMISSION_BIT (PERMIT_CONTROL_TAKE));
    cr_assert_eq (operation->verdict, VERDICT_NOT_IN_CONTROL);
    cr_assert_eq (s_draft->entry_count, 0);
    s_outcome (operation);
    s_end ();
}

//  Each entry that ends control says why, and names the one who had it.
Test (switchboard, why_control_was_lost)
{
    const struct {
        const char *user;   //  who does it; NULL: anna's grace period is over
        event_t event;
        const char *why;
    } rows[] = {
        { "otto", EVENT_BARGE_IN, "{\"why\":\"replaced\"}" },
        { "anna", EVENT_BARGE_OUT, "{\"why\":\"asked\"}" },
        { NULL, 0, "{\"why\":\"absent\"}" },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        s_begin ("anna");
        operation_t *operation = rows[at].user ? s_post (rows[at].event, "m1")
                                               : operation_absent (AGENT, TEXT ("anna"));
        if (rows[at].user)
            switchboard_post (&s_switchboard, operation, AGENT, text_of (rows[at].user), RICH, ALL);
        else
            switchboard_absent (&s_switchboard, operation);
        const store_entry_t *lost = &s_draft->entries[0];
        cr_assert (lost->event == EVENT_BARGE_OUT && text_is (lost->user, TEXT ("anna")));
        cr_assert (text_is (lost->data, text_of (rows[at].why)), "row %zu", at);
        s_outcome (operation);
        s_end ();
    }
}

//  A participant that is reached by a channel comes in; a visitor opens the session.
Test (switchboard, admit)
{
    const struct {
        const char *control;
        admission_t admission;
        const char *outcome;
        size_t refs;
    } rows[] = {
        { "none", { VISITOR, TEXT ("+49"), TEXT ("{}"), TEXT ("sms.out"), TEXT ("+49") },
          "ok: user joined; bot; 0", 1 },
        { "none", { ROLE_PLATFORM, TEXT ("p"), TEXT ("{}"), TEXT ("platform.x"), TEXT ("c") },
          "not_joined:; bot; 0", 0 },
        { "bot", { ROLE_PLATFORM, TEXT ("p"), TEXT ("{}"), TEXT ("platform.x"), TEXT_EMPTY },
          "ok: user joined; bot; 0", 0 },
        { "bot", { VISITOR, TEXT ("vic"), TEXT ("{}"), TEXT ("sms.out"), TEXT ("+49") },
          "ok: user joined (hidden); bot; 0", 1 },
        { "bot", { VISITOR, TEXT ("+49"), TEXT ("{}"), TEXT_EMPTY, TEXT ("+49") },
          "bad_request:; bot; 0", 0 },
        { "bot", { VISITOR, TEXT ("+49"), TEXT ("{}"), TEXT ("bot.x"), TEXT ("+49") },
          "bad_request:; bot; 0", 0 },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        s_begin (rows[at].control);
        operation_t *operation = s_post (EVENT_NEW_MESSAGE, "m1");
        switchboard_admit (&s_switchboard, operation, &rows[at].admission);
        const char *outcome = s_outcome (operation);
        cr_assert_str_eq (outcome, rows[at].outcome, "row %zu: %s, not %s", at, outcome,
                          rows[at].outcome);
        cr_assert_eq (s_draft->external_ref_count, rows[at].refs);
        if (strstr (outcome, "ok")) {
            const participant_t *participant =
                fold_participant (&s_fold, rows[at].admission.role, rows[at].admission.user);
            cr_assert (text_is (participant->channel, rows[at].admission.channel));
            cr_assert (text_is (participant->external_id, rows[at].admission.external_id));
            //  The same again changes nothing.
            size_t entries = s_draft->entry_count;
            operation = s_post (EVENT_NEW_MESSAGE, "m2");
            switchboard_admit (&s_switchboard, operation, &rows[at].admission);
            cr_assert_eq (operation->verdict, VERDICT_OK);
            cr_assert_eq (s_draft->entry_count, entries);
            operation_destroy (&operation);
        }
        s_end ();
    }
}

static operation_t *
s_visit (const char *user, const char *id, event_t event, bool is_quiet)
{
    operation_t *operation = operation_of_request (
        VISITOR, text_of (user),
        &(bus_record_t){ .kind = BUS_POST,
                         .post = { .session = TEXT ("demo/s"),
                                   .event = event,
                                   .message_id = text_of (id),
                                   .sender = TEXT ("{\"displayName\":\"Ann\"}"),
                                   .data = TEXT ("{}"),
                                   .secret = TEXT_EMPTY } });
    operation->channel = TEXT ("sms.out");
    operation->is_quiet = is_quiet;
    operation->first_entry = s_draft->entry_count;
    return operation;
}

//  A visitor who writes from outside comes in with what is said, and says it once.
Test (switchboard, visit)
{
    static const struct {
        const char *user, *id;
        event_t event;
        bool is_quiet, closes;
        const char *outcome;
    } rows[] = {
        { "@sms:+49", ":key:w1", EVENT_NEW_MESSAGE, false, false,
          "ok: user joined, new message; bot; 1" },
        { "@sms:+49", ":key:w1", EVENT_NEW_MESSAGE, false, false, "duplicate:; bot; 1" },
        { "@sms:+49", ":key:w2", EVENT_NEW_MESSAGE, false, false, "ok: new message; bot; 2" },
        //  Answered by the sender already.
        { "@sms:+49", ":key:w3", EVENT_NEW_MESSAGE, true, false, "ok: new message; bot; 2" },
        { "@sms:+49", ":key:w4", EVENT_HANDOFF, false, false, "ok: handoff; bot; 2" },
        { "@sms:+49", ":key:w4", EVENT_HANDOFF, false, false, "duplicate:; bot; 2" },
        { "@sms:+49", ":key:w4", EVENT_NEW_MESSAGE, false, false, "key_reused:; bot; 2" },
        { "@sms:+48", ":key:w5", EVENT_NEW_MESSAGE, false, false, "not_yours:; bot; 2" },
        //  What was said is known when it is closed; nothing more is said then.
        { "@sms:+49", ":key:w2", EVENT_NEW_MESSAGE, false, true, "duplicate:; bot; 2" },
        { "@sms:+49", ":key:w6", EVENT_NEW_MESSAGE, false, true, "closed:; bot; 2" },
    };
    s_begin ("none");
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        s_words[0] = 0;
        s_fold.is_closed = rows[at].closes;
        operation_t *operation =
            s_visit (rows[at].user, rows[at].id, rows[at].event, rows[at].is_quiet);
        switchboard_visit (&s_switchboard, operation);
        const char *outcome = s_outcome (operation);
        cr_assert_str_eq (outcome, rows[at].outcome, "row %zu: %s, not %s", at, outcome,
                          rows[at].outcome);
    }
    const participant_t *visitor = fold_participant (&s_fold, VISITOR, TEXT ("@sms:+49"));
    cr_assert (text_is (visitor->channel, TEXT ("sms.out")));
    cr_assert (text_is (visitor->external_id, TEXT ("sms:+49")));
    cr_assert_eq (s_draft->external_ref_count, 1);
    s_end ();
}

//  Nor does it leave by being away; and only so many have a channel.
Test (switchboard, channels_are_few_and_stay)
{
    s_begin ("bot");
    for (unsigned at = 0; at < CHANNELS_MOST + 1; at++) {
        char user[20];
        snprintf (user, sizeof user, "p%u", at);
        operation_t *operation = s_post (EVENT_NEW_MESSAGE, "m1");
        switchboard_admit (&s_switchboard, operation,
                           &(admission_t){ ROLE_PLATFORM, changeset_keep (s_draft, text_of (user)),
                                           TEXT ("{}"), TEXT ("platform.x"), TEXT_EMPTY });
        cr_assert_eq (operation->verdict, at < CHANNELS_MOST ? VERDICT_OK : VERDICT_BUSY);
        operation_destroy (&operation);
    }
    operation_t *absent = operation_absent (ROLE_PLATFORM, TEXT ("p0"));
    switchboard_absent (&s_switchboard, absent);
    cr_assert_eq (absent->entry_count, 0);
    operation_destroy (&absent);
    s_end ();
}
