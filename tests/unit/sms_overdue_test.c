//  What an SMS of several messages leaves behind when its attempt never ends: those that Twilio has
//  accepted; and what a message of Slack does. The bus, Twilio and Slack are stand-ins here.

#include "base/clock.h"
#include "texting/slack.h"
#include "texting/sms.h"
#include "worker/worker_item.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char s_apps_json[] =
    "{\"apps\":[{\"appId\":\"a\",\"sms\":{\"accountSid\":\"AC00000000000000000000000000000000\","
    "\"token\":\"t\",\"from\":\"+15555550111\",\"perSecond\":1},"
    "\"slack\":{\"token\":\"xoxb-1\",\"channel\":\"C01\"}}]}";

static unsigned s_asked;
static http_answer_fn *s_answered;
static void *s_owner;
static char s_remembered[200], s_lane[100];
static bool s_is_done;

int
bus_client_postoffice_of (const bus_client_t *self, text_t key)
{
    (void) self, (void) key;
    return 1;
}

uint64_t
bus_client_incarnation (const bus_client_t *self, unsigned postoffice)
{
    (void) self, (void) postoffice;
    return 1;
}

int
bus_client_send (bus_client_t *self, unsigned postoffice, const bus_record_t *record)
{
    (void) self, (void) postoffice;
    if (record->kind != BUS_DONE)
        return 0;
    cr_expect_eq (record->done.outcome, OUTCOME_DEAD);
    snprintf (s_remembered, sizeof s_remembered, "%.*s", TEXT_ARGS (record->done.remember));
    snprintf (s_lane, sizeof s_lane, "%.*s", TEXT_ARGS (record->done.remember_lane));
    s_is_done = true;
    return 0;
}

http_call_t
http_client_send (http_client_t *self, const http_request_t *request, http_answer_fn *answered,
                  void *owner)
{
    (void) self, (void) request;
    s_answered = answered;
    s_owner = owner;
    return ++s_asked;
}

void
http_client_cancel (http_client_t *self, http_call_t call)
{
    (void) self, (void) call;
}

static void
s_moved (void *owner, worker_item_t *item, worker_item_state_t from, worker_item_state_t to)
{
    (void) owner, (void) item, (void) from, (void) to;
}

static apps_t *
s_apps (uv_loop_t *loop)
{
    char path[] = "/tmp/stentor-sms-XXXXXX";
    buffer_t complaint;
    int descriptor = mkstemp (path);
    cr_assert_geq (descriptor, 0);
    cr_assert_eq (write (descriptor, s_apps_json, sizeof s_apps_json - 1),
                  (ssize_t) sizeof s_apps_json - 1);
    close (descriptor);
    buffer_init (&complaint, 1000);
    apps_t *apps = apps_new (loop,
                             &(apps_config_t){ .reader = APP_READER_NOTIFIER,
                                               .file = path,
                                               .app_id = "" },
                             &complaint);
    cr_assert (apps, "%.*s", TEXT_ARGS (buffer_text (&complaint)));
    buffer_free (&complaint);
    unlink (path);
    return apps;
}

static void
s_answer (unsigned answers)
{
    static const char sent[] = "{\"sid\":\"SM00000000000000000000000000000001\","
                               "\"status\":\"queued\",\"num_segments\":\"11\"}";
    if (s_asked == 0 || s_asked > answers || !s_answered)
        return;
    http_answer_fn *answered = s_answered;
    s_answered = NULL;
    answered (s_owner, s_asked,
              &(http_answer_t){ .outcome = HTTP_ANSWERED,
                                .status = 201,
                                .was_sent = true,
                                .body = text_of (sent),
                                .error = "" });
}

//  What is remembered of an item when its attempt is overdue.
static void
s_run_of (const channel_t *channel, const char *body, unsigned answers)
{
    uv_loop_t *loop = uv_default_loop ();
    apps_t *apps = s_apps (loop);
    channel_means_t means = { .loop = loop,
                              .apps = apps,
                              .twilio_url = "https://api.twilio.com",
                              .slack_url = "https://slack.com/api",
                              .public_url = "",
                              .try_ms = 60000 };
    cr_assert_eq (schedule_read (&means.alerts, "1m"), 0);
    void *state = channel->open (&means);
    worker_item_context_t context = { .loop = loop,
                                      .attempt_size = channel->attempt_size,
                                      .attempt_ms = 200,
                                      .overdue = { .outcome = WORKER_DEAD },
                                      .start = channel->start,
                                      .cancel = channel->cancel,
                                      .remember = channel->remember,
                                      .service = state,
                                      .moved = s_moved };
    worker_topics_start (channel->topic);
    s_asked = 0;
    s_is_done = false;
    worker_item_t *item =
        worker_item_new (&context, worker_topic_find (text_of (channel->topic)), 1,
                         &(bus_work_t){ .item = TEXT ("i"),
                                        .topic = text_of (channel->topic),
                                        .app = TEXT ("a"),
                                        .body = text_of (body),
                                        .attempt = 3 });
    while (!s_is_done) {
        s_answer (answers);
        uv_run (loop, UV_RUN_ONCE);
    }
    worker_item_destroy (&item);
    channel->close (&state);
    apps_destroy (&apps);
    uv_run (loop, UV_RUN_DEFAULT);
}

//  A text of two messages.
static void
s_run (unsigned answers)
{
    static char text[3001], body[4000];
    memset (text, 'x', 3000);
    snprintf (body, sizeof body,
              "{\"event\":\"new message\",\"timeMs\":%" PRIu64 ",\"text\":\"%s\","
              "\"participant\":{\"externalId\":\"+49301234567\"}}",
              clock_wall_ms (), text);
    s_run_of (&sms_out_channel, body, answers);
}

//  The second message waits for its turn, for a second.
Test (sms_overdue, remembers_what_was_accepted, .timeout = 60)
{
    s_run (1);
    cr_expect (strstr (s_remembered, "\"parts\":1"), "%s", s_remembered);
    cr_expect (strstr (s_remembered, "\"unsure\":0"), "%s", s_remembered);
    cr_expect (strstr (s_lane, "SM00000000000000000000000000000001"), "%s", s_lane);
}

//  Twilio has not said what became of the first one: whoever replays it looks for it.
Test (sms_overdue, remembers_what_is_under_way, .timeout = 60)
{
    s_run (0);
    cr_expect (strstr (s_remembered, "\"unsure\":1"), "%s", s_remembered);
    cr_expect (strstr (s_remembered, "\"parts\":0"), "%s", s_remembered);
    cr_expect_str_eq (s_lane, "");
}

//  It may have been posted: whoever replays it has one more try, and not two.
Test (sms_overdue, slack_remembers_what_is_under_way, .timeout = 60)
{
    s_run_of (&slack_channel, "{\"address\":\"C01\",\"text\":\"Bob waits\"}", 0);
    cr_expect_eq (s_asked, 1);
    cr_expect (strstr (s_remembered, "\"unsure\":1"), "%s", s_remembered);
}
