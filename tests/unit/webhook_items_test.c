//  webhook_items — what endpoints of an app are told of a changeset, made with the real rules.

#include "triggers/webhook_items.h"
#include "control_rig.h"

#include "config/apps_file.h"
#include "json/json_read.h"
#include "model/principal.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static apps_file_t *s_file;

#define SECRET "\"secret\":\"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\""
#define ENDPOINT(name, events)                                                                     \
    "{\"name\":\"" name "\",\"url\":\"https://x.example/\"," SECRET ",\"events\":[" events "]}"
#define ALL                                                                                        \
    ENDPOINT ("crm",                                                                               \
              "\"session.created\",\"session.closed\",\"session.reopened\",\"message.created\","   \
              "\"participant.joined\",\"participant.left\",\"control.changed\","                   \
              "\"handoff.requested\",\"alert.raised\",\"alert.acknowledged\",\"delivery.dead\"")

//  A session, in an app with these endpoints.
static void
s_begin (const char *endpoints)
{
    buffer_t json, said;
    buffer_init (&json, 100000);
    buffer_init (&said, 4000);
    int rc = buffer_put_string (&json, "{\"apps\":[{\"appId\":\"demo\",\"webhooksIn\":[{"
                                       "\"channel\":\"support\",\"kind\":\"standard\"," SECRET
                                       ",\"reply\":\"crm\"},{\"channel\":\"deaf\","
                                       "\"kind\":\"standard\"," SECRET "}],\"webhooksOut\":[")
             + buffer_put_string (&json, endpoints) + buffer_put_string (&json, "]}]}");
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

static bool
s_is_of_event (const store_work_t *work)
{
    size_t size = sizeof WEBHOOK_PREFIX - 1;
    return work->item.size > size && memcmp (work->item.data, WEBHOOK_PREFIX, size) == 0;
}

//  What is told, as "crm:message.created …", in its order.
static const char *
s_told (void)
{
    static char names[800];
    *names = '\0';
    webhook_items_end (&rig_board);
    for (size_t at = 0; at < rig_draft->work_count; at++) {
        const store_work_t *work = &rig_draft->works[at];
        if (!s_is_of_event (work))
            continue;
        cr_expect_eq (work->kind, WORK_DELIVERY);
        cr_expect (text_is (work->topic, TOPIC_WEBHOOK));
        cr_expect_eq (work->lane.size, 0);
        const char *name = work->item.data + sizeof WEBHOOK_PREFIX - 1;
        size_t size = strcspn (name, ":") + 1;
        size += strcspn (name + size, ":");
        snprintf (names + strlen (names), sizeof names - strlen (names), "%s%.*s",
                  *names ? " " : "", (int) size, name);
    }
    return names;
}

static const store_work_t *
s_work (const char *event)
{
    for (size_t at = 0; at < rig_draft->work_count; at++)
        if (s_is_of_event (&rig_draft->works[at]) && strstr (rig_draft->works[at].item.data, event))
            return &rig_draft->works[at];
    cr_assert (false, "nothing is told of %s", event);
    return NULL;
}

static void
s_expect_body (const char *event, const char *part)
{
    text_t body = s_work (event)->body;
    cr_expect (memmem (body.data, body.size, part, strlen (part)), "%s is not in %.*s", part,
               TEXT_ARGS (body));
}

//  Something that the rules do not come to by themselves here.
static void
s_happens (event_t event, uint64_t role, const char *user, const char *data, bool is_hidden)
{
    changeset_entry (rig_draft, ++rig_fold.last_seq,
                     &(store_entry_t){ .message_id = TEXT ("m-1"),
                                       .event = event,
                                       .time_ms = 1767000000123,
                                       .role = role,
                                       .user = text_of (user),
                                       .sender = TEXT ("{\"displayName\":\"A\\\"da\"}"),
                                       .data = text_of (data),
                                       .hidden = is_hidden },
                     (origin_t){ 0, 0 });
}

static void
s_next (void)
{
    rig_next_changeset ();
    rig_draft->first_seq = rig_fold.last_seq + 1;
}

// ------------------------------------------------------------------------------------------------

Test (webhook_items, what_is_said)
{
    s_begin (ALL);
    s_next ();
    s_happens (EVENT_NEW_MESSAGE, ROLE_VISITOR, "vic", "{\"rawQuery\":\"a \\\"b\\\"\"}", false);
    cr_expect_str_eq (s_told (), "crm:message.created");
    const store_work_t *work = s_work ("message.created");
    cr_expect (text_is (work->item,
                        TEXT (":webhook:crm:message.created:demo/s:11:1767000000123")));
    cr_expect (text_is (work->destination, TEXT ("webhook:demo/crm")));
    cr_expect_eq (work->seq, 11);
    cr_expect (
        text_is (work->body,
                 TEXT ("{\"kind\":\"event\",\"endpoint\":\"crm\",\"payload\":1,"
                       "\"type\":\"message.created\",\"time\":\"2025-12-29T09:20:00.123Z\","
                       "\"data\":{\"sessionId\":\"s\",\"seq\":11,\"messageId\":\"m-1\","
                       "\"text\":\"a \\\"b\\\"\",\"sender\":{\"role\":\"visitor\","
                       "\"userId\":\"vic\",\"displayName\":\"A\\\"da\"}}}")),
        "%.*s", TEXT_ARGS (work->body));
    s_end ();
}

Test (webhook_items, who_comes_and_goes)
{
    s_begin (ALL);
    s_next ();
    rig_draft->opens = true;
    s_happens (EVENT_USER_JOINED, ROLE_VISITOR, "vic", "{}", false);
    s_happens (EVENT_SESSION_CLOSED, ROLE_ROUTER, "router", "{\"why\":\"absent\"}", false);
    s_happens (EVENT_SESSION_REOPENED, ROLE_API, "crm", "", false);
    s_happens (EVENT_USER_LEFT, ROLE_AGENT, "anna", "{}", false);
    s_happens (EVENT_ALERT_ACKNOWLEDGED, ROLE_AGENT, "anna", "{\"alertId\":\":alert:x\"}", false);
    cr_expect_str_eq (s_told (), "crm:session.created crm:participant.joined crm:session.closed "
                                 "crm:session.reopened crm:participant.left "
                                 "crm:alert.acknowledged");
    s_expect_body ("alert.acknowledged", "\"alertId\":\":alert:x\",\"by\":{\"role\":\"agent\"");
    s_expect_body ("session.created", "\"visitor\":{\"role\":\"visitor\",\"userId\":\"vic\"}");
    s_expect_body ("session.closed", "\"by\":{\"role\":\"router\",\"userId\":\"router\"");
    s_expect_body ("session.closed", "\"why\":\"absent\"");
    s_expect_body ("participant.left", "\"participant\":{\"role\":\"agent\",\"userId\":\"anna\","
                                       "\"displayName\":\"A\\\"da\"}");
    s_end ();
}

//  The exits that nobody but agents may know of.
Test (webhook_items, a_whisper_and_what_is_hidden_are_told_to_nobody)
{
    s_begin (ALL);
    s_next ();
    s_happens (EVENT_WHISPER, ROLE_AGENT, "anna", "{\"rawQuery\":\"zanzibar\"}", false);
    s_happens (EVENT_NEW_MESSAGE, ROLE_VISITOR, "vic", "{\"rawQuery\":\"greet\"}", true);
    s_happens (EVENT_USER_JOINED, ROLE_AGENT, "anna", "{}", true);
    s_happens (EVENT_OFFER_ENDED, ROLE_ROUTER, "router", "{}", false);
    s_happens (EVENT_DEADLINE, ROLE_ROUTER, "router", "{}", false);
    cr_expect_str_eq (s_told (), "");
    cr_expect_eq (rig_draft->work_count, 0);
    s_end ();
}

Test (webhook_items, somebody_else_has_control)
{
    s_begin (ALL);
    rig_make (CONTROL_BOT);
    s_next ();
    rig_happens (HAPPENS_TAKE, ROLE_AGENT, "anna", NULL, 0);
    cr_expect_str_eq (s_told (), "crm:control.changed");
    s_expect_body ("control.changed", "\"control\":{\"role\":\"agent\",\"userId\":\"anna\"}");
    s_next ();
    rig_happens (HAPPENS_OFFER, ROLE_AGENT, "anna", rig_chain, RIG_CHAIN);
    cr_expect_str_eq (s_told (), "crm:handoff.requested");
    s_expect_body ("handoff.requested", "\"by\":{\"role\":\"agent\",\"userId\":\"anna\"}");
    s_end ();
}

//  The bot's wish and the offer that follows from it: one is told, and that nobody answers.
Test (webhook_items, a_person_is_asked_for_once)
{
    s_begin (ALL);
    rig_make (CONTROL_BOT);
    s_next ();
    rig_happens (HAPPENS_ASK, ROLE_BOT, "bot", rig_chain, RIG_CHAIN);
    const char *told = s_told ();
    cr_expect_str_eq (told, "crm:handoff.requested crm:control.changed");
    s_expect_body ("control.changed", "\"control\":{\"role\":\"nobody\"}");
    s_end ();
}

Test (webhook_items, each_endpoint_what_it_has_chosen)
{
    s_begin (ENDPOINT ("a", "\"message.created\"") "," ENDPOINT (
        "crm", "\"session.closed\"") "," ENDPOINT ("c", "\"message.created\",\"session.closed\""));
    s_next ();
    s_happens (EVENT_NEW_MESSAGE, ROLE_VISITOR, "vic", "{\"rawQuery\":\"x\"}", false);
    s_happens (EVENT_SESSION_CLOSED, ROLE_AGENT, "anna", "{}", false);
    cr_expect_str_eq (s_told (),
                      "a:message.created c:message.created crm:session.closed c:session.closed");
    s_end ();
}

Test (webhook_items, an_app_without_endpoints_costs_nothing)
{
    s_begin (ENDPOINT ("crm", ""));
    s_next ();
    s_happens (EVENT_NEW_MESSAGE, ROLE_VISITOR, "vic", "{\"rawQuery\":\"x\"}", false);
    cr_expect_str_eq (s_told (), "");
    rig_board.app = NULL;
    cr_expect_str_eq (s_told (), "");
    s_end ();
}

//  Below 20 kB whatever is in it, valid JSON, and with a mark.
Test (webhook_items, a_long_text_is_cut)
{
    static const char *const fillers[] = { "y", "\\\"", "\\u0001", "\xc3\xbc", "\xf0\x9f\x98\x80" };
    for (size_t row = 0; row < sizeof fillers / sizeof *fillers; row++) {
        char *data = calloc (1, 130000), *at = data + sprintf (data, "{\"rawQuery\":\"");
        while (at - data < 120000)
            at += sprintf (at, "%s", fillers[row]);
        sprintf (at, "\"}");
        s_begin (ALL);
        s_next ();
        s_happens (EVENT_NEW_MESSAGE, ROLE_VISITOR, "vic", data, false);
        cr_expect_str_eq (s_told (), "crm:message.created");
        text_t body = s_work ("message.created")->body;
        cr_expect_lt (body.size, 15000, "%zu", body.size);
        cr_expect (json_is_object (body, &(json_limits_t){ 8, 100 }));
        s_expect_body ("message.created", "\"cut\":true");
        s_end ();
        free (data);
    }
}

//  Who writes by a channel is answered by the endpoint that it names.
Test (webhook_items, answers_have_the_destination_of_their_endpoint)
{
    s_begin (ENDPOINT ("crm", ""));
    s_next ();
    s_happens (EVENT_NEW_MESSAGE, ROLE_BOT, "bot", "{}", false);
    const char *const users[] = { "@support:ann", "@deaf:ann", "@other:ann", "vic" };
    for (int at = 0; at < 4; at++)
        changeset_work (rig_draft, &(store_work_t){ .item = TEXT ("x"),
                                                    .kind = WORK_DELIVERY,
                                                    .topic = TOPIC_WEBHOOK,
                                                    .lane = TEXT ("l"),
                                                    .user = text_of (users[at]),
                                                    .body = TEXT ("{}"),
                                                    .secret = TEXT_EMPTY });
    cr_expect_str_eq (s_told (), "");
    cr_expect (text_is (rig_draft->works[0].destination, TEXT ("webhook:demo/crm")));
    for (int at = 1; at < 4; at++)
        cr_expect_eq (rig_draft->works[at].destination.size, 0, "%s", users[at]);
    s_end ();
}
