//  stentor-connector as a real process between a scripted postoffice (bus_server on the test's own
//  loop) and a scripted bot.

#include "bot.h"
#include "bus/bus_limits.h"
#include "bus_rig.h"
#include "eventually.h"
#include "ports.h"
#include "process.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HEARTBEAT_MS 500
#define HEARD_MOST 20000
#define SETTINGS_MOST 24

//  One record that the connector said.
typedef struct {
    bus_kind_t kind;
    uint64_t at_ms;
    uint64_t number; //  event or outcome
    uint64_t ask;
    char *item;
    char *data;
    char *target;
    char *detail;
} heard_t;

typedef struct {
    rig_t rig;
    bus_server_t *bus;
    char address[64]; //  of the bus
    peer_t peer;
    char topics[64];
    uint64_t credit;
    heard_t heard[HEARD_MOST];
    unsigned count;
    bot_t *bot;
    process_t *connector;
} stage_t;

static stage_t s_stage;

static char *
s_copy (text_t text)
{
    return strndup (text.data, text.size);
}

static void
s_peer_up (void *owner, peer_t peer, const bus_hello_t *hello)
{
    stage_t *self = owner;
    self->peer = peer;
    self->credit = hello->credit;
    snprintf (self->topics, sizeof self->topics, "%.*s", TEXT_ARGS (hello->topics));
}

static void
s_peer_down (void *owner, peer_t peer)
{
    stage_t *self = owner;
    if (self->peer == peer)
        self->peer = 0;
}

static void
s_record (void *owner, peer_t peer, const bus_record_t *record)
{
    (void) peer;
    stage_t *self = owner;
    cr_assert (self->count < HEARD_MOST);
    heard_t *heard = &self->heard[self->count++];
    *heard = (heard_t){ .kind = record->kind, .at_ms = clock_mono_ms () };
    if (record->kind == BUS_TAKEN)
        heard->item = s_copy (record->taken.item);
    else if (record->kind == BUS_DECLINED) {
        heard->item = s_copy (record->declined.item);
        heard->number = record->declined.ending;
    } else if (record->kind == BUS_PROGRESS) {
        heard->item = s_copy (record->progress.item);
        heard->number = record->progress.event;
        heard->data = s_copy (record->progress.data);
    } else {
        cr_assert_eq (record->kind, BUS_DONE);
        heard->item = s_copy (record->done.item);
        heard->number = record->done.outcome;
        heard->ask = record->done.ask;
        heard->data = s_copy (record->done.data);
        heard->target = s_copy (record->done.target);
        heard->detail = s_copy (record->done.detail);
    }
}

//  Binds anew to the same address after the first time.
static void
s_open_office (stage_t *self)
{
    char endpoint[100];
    static const bus_server_events_t events = { s_peer_up, s_peer_down, s_record };
    snprintf (endpoint, sizeof endpoint, "tcp://%.60s",
        *self->address ? self->address : "127.0.0.1:*");
    bus_server_config_t config = { .node = "postoffice-test",
                                   .address = endpoint,
                                   .heartbeat_ms = HEARTBEAT_MS,
                                   .queue_limit = 16u << 20,
                                   .peer_limit = 10 };
    uint64_t deadline = eventually_deadline (5000);
    while (!(self->bus = bus_server_new (&self->rig.loop, &config, &events, self))) {
        cr_assert (clock_mono_ms () < deadline);
        rig_turn (&self->rig);
    }
    snprintf (self->address, sizeof self->address, "%.60s", bus_server_endpoint (self->bus) + 6);
}

//  Whether a setting of this one's name is there already.
static bool
s_has (const char *const *settings, const char *setting)
{
    size_t name = strcspn (setting, "=") + 1;
    while (*settings && strncmp (*settings, setting, name) != 0)
        settings++;
    return *settings != NULL;
}

//  `more` are settings in place of the usual ones, ended by NULL.
static stage_t *
s_start (const char *const *more)
{
    stage_t *self = &s_stage;
    rig_start (&self->rig);
    s_open_office (self);
    self->bot = bot_new ();
    uint16_t port = ports_free ();
    char postoffice[100], bot[100], operations[60];
    snprintf (postoffice, sizeof postoffice, "POSTOFFICE_ADDRESSES=%.60s", self->address);
    snprintf (bot, sizeof bot, "BOT_URL=%s", bot_url (self->bot));
    snprintf (operations, sizeof operations, "OPERATIONS_PORT=%u", port);
    const char *const usual[] = { postoffice, bot, operations, "BUS_HEARTBEAT=500ms",
                                  "BOT_KEY=the-key", "BOT_TIMEOUT=1s", "BOT_TRY_DELAY_1=1s",
                                  "BOT_TRY_DELAY_2=1s", "BOT_ANSWER_LIMIT=64k", "SHUTDOWN_GRACE=5s",
                                  NULL };
    const char *settings[SETTINGS_MOST] = { NULL };
    unsigned count = 0;
    while (more && *more)
        settings[count++] = *more++;
    for (unsigned index = 0; usual[index]; index++)
        if (!s_has (settings, usual[index]))
            settings[count++] = usual[index];
    self->connector = process_new ("connector", "stentor-connector", NULL, settings);
    cr_assert (self->connector);
    process_set_operations_port (self->connector, port);
    RIG_UNTIL (&self->rig, 10000, self->peer != 0);
    cr_assert_str_eq (self->topics, "bot.stentor");
    return self;
}

//  What is still in hand is nobody's concern here: the connector need not drain.
static void
s_end (stage_t *self)
{
    if (process_is_alive (self->connector)) {
        process_kill (self->connector, SIGTERM);
        process_kill (self->connector, SIGTERM);
    }
    process_destroy (&self->connector);
    bot_destroy (&self->bot);
    if (self->bus)
        bus_server_destroy (&self->bus);
    rig_stop (&self->rig);
}

//  The session is demo/<item>, the question's text the item's name.
static void
s_hand_body (stage_t *self, const char *item, const char *app, const char *body)
{
    char session[100];
    snprintf (session, sizeof session, "demo/%s", item);
    bus_record_t record = { .kind = BUS_WORK };
    record.work.item = text_of (item);
    record.work.session = text_of (session);
    record.work.topic = TEXT ("bot.stentor");
    record.work.app = text_of (app);
    record.work.user = TEXT ("u-1");
    record.work.body = text_of (body);
    record.work.secret = TEXT ("visitor-token");
    record.work.handed = 1;
    cr_assert_eq (bus_server_send (self->bus, self->peer, &record), 0);
}

static void
s_hand (stage_t *self, const char *item)
{
    char body[200];
    snprintf (body, sizeof body, "{\"type\":\"INTENT_REQUEST\",\"rawQuery\":\"<%s>\"}", item);
    s_hand_body (self, item, "demo", body);
}

static void
s_settle (stage_t *self, const char *item)
{
    bus_record_t record = { .kind = BUS_SETTLED };
    record.settled.item = text_of (item);
    record.settled.session = TEXT ("demo/any");
    cr_assert_eq (bus_server_send (self->bus, self->peer, &record), 0);
}

static void
s_cancel (stage_t *self, const char *item)
{
    bus_record_t record = { .kind = BUS_CANCEL };
    record.cancel.item = text_of (item);
    record.cancel.session = TEXT ("demo/any");
    cr_assert_eq (bus_server_send (self->bus, self->peer, &record), 0);
}

static unsigned
s_count (const stage_t *self, const char *item, bus_kind_t kind)
{
    unsigned count = 0;
    for (unsigned index = 0; index < self->count; index++)
        count += self->heard[index].kind == kind && strcmp (self->heard[index].item, item) == 0;
    return count;
}

static const heard_t *
s_done (stage_t *self, const char *item, uint64_t within_ms)
{
    RIG_UNTIL (&self->rig, within_ms, s_count (self, item, BUS_DONE) > 0);
    for (unsigned index = 0; index < self->count; index++)
        if (self->heard[index].kind == BUS_DONE && strcmp (self->heard[index].item, item) == 0)
            return &self->heard[index];
    return NULL;
}

//  "taken typing trouble1 typing answered": what was said of an item, in order.
static const char *
s_story (const stage_t *self, const char *item)
{
    static char story[1000];
    char *at = story;
    *at = '\0';
    static const char *const outcomes[] = { "", "answered", "trouble", "failed" };
    for (unsigned index = 0; index < self->count; index++) {
        const heard_t *heard = &self->heard[index];
        if (strcmp (heard->item, item) != 0)
            continue;
        const char *word = heard->kind == BUS_TAKEN          ? "taken"
                           : heard->kind == BUS_DECLINED     ? heard->number ? "ending" : "declined"
                           : heard->kind == BUS_DONE         ? outcomes[heard->number]
                           : heard->number == EVENT_TYPING   ? "typing"
                           : heard->number == EVENT_TROUBLE  ? heard->data
                                                             : "?";
        at += sprintf (at, "%s%s", at == story ? "" : " ", word);
    }
    return story;
}

#define LAST(words) "{\"type\":\"BOT\",\"tries\":3,\"delay\":0,\"error\":\"" words "\"}"
#define TROUBLE(tries, delay, words)                                                               \
    "{\"type\":\"BOT\",\"tries\":" #tries ",\"delay\":" #delay ",\"error\":\"" words "\"}"

Test (connector, question_and_answer, .timeout = 60)
{
    stage_t *self = s_start (NULL);
    cr_assert_eq (self->credit, 2000);
    bot_says (self->bot, "<q>", "{\"outputSpeech\":{\"displayText\":\"A\"}}");
    s_hand (self, "q");
    const heard_t *done = s_done (self, "q", 5000);
    cr_assert_str_eq (s_story (self, "q"), "taken typing answered");
    cr_assert_str_eq (done->data, "{\"outputSpeech\":{\"displayText\":\"A\"}}");
    char *request = bot_request (self->bot, "<q>");
    cr_assert (strstr (request, "POST /bot HTTP/1.1\r\n"));
    cr_assert (strstr (request, "\r\nAuthorization: Bearer the-key\r\n"));
    cr_assert (strstr (request, "\r\nContent-Type: application/json\r\n"));
    cr_assert (strstr (request, "\"sessionId\":\"q\""));
    cr_assert (strstr (request, "\"userId\":\"u-1\""));
    cr_assert (strstr (request, "\"accessToken\":\"visitor-token\""));
    free (request);
    s_settle (self, "q");
    rig_turn_for (&self->rig, 300);
    cr_assert_eq (process_metric (self->connector, "stentor_connector_turns{state=\"told\"}"), 0);
    cr_assert_eq (process_metric (self->connector,
                                  "stentor_connector_turns_total{outcome=\"answered\"}"), 1);
    cr_assert_eq (process_log_count (self->connector, "visitor-token"), 0);
    cr_assert_eq (process_log_count (self->connector, "<q>"), 0);
    cr_assert_eq (process_log_count (self->connector, "the-key"), 0);
    s_end (self);
}

Test (connector, what_clients_are_shown, .timeout = 60)
{
    stage_t *self = s_start (NULL);
    bot_says (self->bot, "<handoff>",
        "{\"outputSpeech\":\"x\",\"system\":\"HANDOFF\",\"data\":{\"handoffTargetId\":\"sales\"}}");
    bot_says (self->bot, "<call>",
        "{\"outputSpeech\":\"x\",\"system\":\"TRANSFER_CALL\","
            "\"data\":{\"transferPhoneNumber\":\"+1\"}}");
    bot_says (self->bot, "<nothing>", "{}");
    bot_says (self->bot, "<trouble>",
        "{\"tag\":\"TROUBLE_WITH_REQUEST\",\"outputSpeech\":\"sorry\","
            "\"displays\":[{\"type\":\"CARD\",\"context\":\"stack\"}]}");
    bot_rule (self->bot, "<chunks>", 0, &(bot_reply_t){ .manner = BOT_CHUNKS,
        .body = "{\"outputSpeech\":\"in chunks\"}" });
    bot_rule (self->bot, "<bytes>", 0, &(bot_reply_t){ .manner = BOT_DRIBBLES,
        .body = "{\"outputSpeech\":\"b\"}" });
    static const char *const items[] = { "handoff", "call", "nothing", "trouble", "chunks" };
    for (unsigned index = 0; index < 5; index++)
        s_hand (self, items[index]);
    const heard_t *done = s_done (self, "handoff", 5000);
    cr_assert (done->ask == ASK_HANDOFF && strcmp (done->target, "sales") == 0);
    done = s_done (self, "call", 5000);
    cr_assert (done->ask == ASK_TRANSFER_CALL && strcmp (done->target, "+1") == 0);
    cr_assert (!strstr (done->data, "TRANSFER_CALL"), "it crashes the widget");
    cr_assert_str_eq (s_done (self, "nothing", 5000)->data, "");
    done = s_done (self, "trouble", 5000);
    cr_assert_eq (done->number, OUTCOME_TROUBLE);
    cr_assert_str_eq (done->data, "{\"tag\":\"TROUBLE_WITH_REQUEST\",\"outputSpeech\":\"sorry\"}");
    cr_assert_eq (bot_asked (self->bot, "<trouble>"), 1, "the bot may have acted on it");
    cr_assert_str_eq (s_done (self, "chunks", 5000)->data, "{\"outputSpeech\":\"in chunks\"}");
    s_end (self);
}

Test (connector, a_byte_at_a_time_is_in_time, .timeout = 60)
{
    stage_t *self = s_start ((const char *const[]){ "BOT_TIMEOUT=8s", NULL });
    bot_rule (self->bot, "<bytes>", 0, &(bot_reply_t){ .manner = BOT_DRIBBLES,
        .body = "{\"outputSpeech\":\"b\"}" });
    s_hand (self, "bytes");
    cr_assert_str_eq (s_done (self, "bytes", 8000)->data, "{\"outputSpeech\":\"b\"}");
    s_end (self);
}

Test (connector, failures_that_a_second_try_would_not_mend, .timeout = 60)
{
    static const struct {
        const char *item;
        bot_reply_t reply;
        const char *data;
        const char *detail;
    } cases[] = {
        { "html", { .type = "text/html", .body = "<html>Secret</html>" },
            LAST ("answer is not JSON"), "status 200, 19 bytes: <html>Secret</html>" },
        { "empty", { .body = "" }, LAST ("empty answer"), "status 200, 0 bytes" },
        { "array", { .body = "[]" }, LAST ("answer is no object"), "status 200, 2 bytes: []" },
        { "404", { .status = 404, .body = "Cannot POST\n/x" }, LAST ("status 404"),
            "status 404, 14 bytes: Cannot POST./x" },
        { "401", { .status = 401 }, LAST ("status 401"), "status 401, 0 bytes" },
        { "302", { .status = 302, .headers = "Location: http://127.0.0.1:1/\r\n" },
            LAST ("status 302"), "status 302, 0 bytes" },
        { "huge", { .body = "{}", .filler = 1000000 }, LAST ("answer too large"), "status 200" },
        { "hugechunks", { .manner = BOT_CHUNKS, .body = "{}", .filler = 200000 },
            LAST ("answer too large"), "status 200" },
    };
    stage_t *self = s_start (NULL);
    for (unsigned index = 0; index < sizeof cases / sizeof *cases; index++) {
        char text[40];
        snprintf (text, sizeof text, "<%s>", cases[index].item);
        bot_rule (self->bot, text, 0, &cases[index].reply);
        s_hand (self, cases[index].item);
    }
    for (unsigned index = 0; index < sizeof cases / sizeof *cases; index++) {
        const heard_t *done = s_done (self, cases[index].item, 5000);
        cr_assert_str_eq (s_story (self, cases[index].item), "taken typing failed");
        cr_assert_str_eq (done->data, cases[index].data);
        cr_assert (strncmp (done->detail, cases[index].detail, strlen (cases[index].detail)) == 0,
            "%s", done->detail);
    }
    s_hand_body (self, "nobody", "demo", "[1]");
    cr_assert_str_eq (s_done (self, "nobody", 5000)->data, LAST ("question is no object"));
    cr_assert_eq (process_log_count (self->connector, "Secret"), 0, "a bot's words are not logged");
    s_end (self);
}

Test (connector, failures_that_pass, .timeout = 60)
{
    stage_t *self = s_start (NULL);
    bot_rule (self->bot, "<twice>", 2, &(bot_reply_t){ .status = 500, .body = "stack trace" });
    bot_rule (self->bot, "<later>", 1, &(bot_reply_t){ .status = 429,
        .headers = "Retry-After: 2\r\n" });
    s_hand (self, "twice");
    s_hand (self, "later");
    uint64_t began_ms = clock_mono_ms ();
    const heard_t *done = s_done (self, "twice", 10000);
    cr_assert_str_eq (s_story (self, "twice"),
                      "taken typing " TROUBLE (1, 1, "status 500") " typing "
                      TROUBLE (2, 1, "status 500") " typing answered");
    cr_assert (done->at_ms - began_ms >= 1990, "%" PRIu64, done->at_ms - began_ms);
    done = s_done (self, "later", 10000);
    cr_assert_str_eq (s_story (self, "later"),
                      "taken typing " TROUBLE (1, 2, "status 429") " typing answered");
    cr_assert (done->at_ms - began_ms >= 1990);
    s_end (self);
}

Test (connector, tries_are_used_up, .timeout = 90)
{
    static const struct {
        const char *item;
        bot_reply_t reply;
        const char *words;
    } cases[] = {
        { "500", { .status = 500, .body = "<html>", .filler = 500000 }, "status 500" },
        { "503", { .status = 503 }, "status 503" },
        { "hangs", { .manner = BOT_HANGS }, "timeout" },
        { "stops", { .manner = BOT_STOPS, .body = "{\"outputSpeech\":\"x\"}" }, "timeout" },
        { "late", { .after_ms = 3000, .body = "{\"outputSpeech\":\"x\"}" }, "timeout" },
        { "closes", { .manner = BOT_CLOSES }, "unreachable" },
        { "cuts", { .manner = BOT_CUTS, .body = "{\"outputSpeech\":\"x\"}" }, "unreachable" },
        { "resets", { .manner = BOT_RESETS }, "unreachable" },
    };
    stage_t *self = s_start (NULL);
    for (unsigned index = 0; index < sizeof cases / sizeof *cases; index++) {
        char text[40];
        snprintf (text, sizeof text, "<%s>", cases[index].item);
        bot_rule (self->bot, text, 0, &cases[index].reply);
        s_hand (self, cases[index].item);
    }
    for (unsigned index = 0; index < sizeof cases / sizeof *cases; index++) {
        const char *words = cases[index].words;
        char story[600], text[40];
        const heard_t *done = s_done (self, cases[index].item, 20000);
        snprintf (story, sizeof story,
                  "taken typing {\"type\":\"BOT\",\"tries\":1,\"delay\":1,\"error\":\"%s\"} typing "
                  "{\"type\":\"BOT\",\"tries\":2,\"delay\":1,\"error\":\"%s\"} typing failed",
                      words, words);
        cr_assert_str_eq (s_story (self, cases[index].item), story);
        snprintf (story, sizeof story,
            "{\"type\":\"BOT\",\"tries\":3,\"delay\":0,\"error\":\"%s\"}", words);
        cr_assert_str_eq (done->data, story);
        snprintf (text, sizeof text, "<%s>", cases[index].item);
        cr_assert_geq (bot_asked (self->bot, text), 3);
    }
    s_end (self);
}

Test (connector, nobody_listens, .timeout = 60)
{
    char url[60];
    snprintf (url, sizeof url, "BOT_URL=http://127.0.0.1:%u/", ports_free ());
    stage_t *self = s_start ((const char *const[]){ url, "BOT_TRIES=2", NULL });
    s_hand (self, "refused");
    cr_assert_str_eq (s_done (self, "refused", 10000)->data, LAST ("unreachable"));
    cr_assert_str_eq (s_story (self, "refused"),
                      "taken typing " TROUBLE (1, 1, "unreachable") " typing failed");
    s_end (self);
}

//  The files of edge and connector are changed at different moments.
Test (connector, an_app_that_is_not_known_is_asked_for_again, .timeout = 60)
{
    stage_t *self = s_start (NULL);
    s_hand_body (self, "noapp", "other", "{}");
    cr_assert_str_eq (s_done (self, "noapp", 10000)->data, LAST ("no bot"));
    cr_assert_str_eq (s_story (self, "noapp"),
                      "taken " TROUBLE (1, 1, "no bot") " " TROUBLE (2, 1, "no bot") " failed");
    s_end (self);
}

Test (connector, a_url_that_is_none_is_not_tried_again, .timeout = 60)
{
    stage_t *self = s_start ((const char *const[]){ "BOT_URL=http://127.0.0.1:99999/", NULL });
    s_hand (self, "nourl");
    cr_assert_str_eq (s_done (self, "nourl", 5000)->data, LAST ("no bot"));
    cr_assert_str_eq (s_story (self, "nourl"), "taken failed");
    s_end (self);
}

Test (connector, cancelled_and_handed_again, .timeout = 60)
{
    stage_t *self = s_start ((const char *const[]){ "BOT_TIMEOUT=20s", NULL });
    bot_rule (self->bot, "<hangs>", 0, &(bot_reply_t){ .manner = BOT_HANGS });
    s_hand (self, "hangs");
    RIG_UNTIL (&self->rig, 5000, bot_asked (self->bot, "<hangs>") == 1);
    s_hand (self, "hangs");
    RIG_UNTIL (&self->rig, 5000, s_count (self, "hangs", BUS_TAKEN) == 2);
    cr_assert_str_eq (s_story (self, "hangs"), "taken typing taken");
    s_cancel (self, "hangs");
    RIG_UNTIL (&self->rig, 5000, bot_connections (self->bot) == 0);
    rig_turn_for (&self->rig, 300);
    cr_assert_eq (bot_asked (self->bot, "<hangs>"), 1);
    cr_assert_eq (s_count (self, "hangs", BUS_DONE), 0, "no outcome is wanted");
    cr_assert_eq (process_metric (self->connector, "stentor_connector_turns{state=\"asking\"}"), 0);
    cr_assert_eq (process_metric (self->connector,
                                  "stentor_connector_turns_total{outcome=\"cancelled\"}"), 1);
    s_cancel (self, "unknown");
    s_hand (self, "after");
    s_done (self, "after", 5000);
    s_end (self);
}

Test (connector, a_new_postoffice_is_told_everything, .timeout = 60)
{
    stage_t *self = s_start ((const char *const[]){ "BOT_TIMEOUT=30s", NULL });
    bot_rule (self->bot, "<slow>", 0, &(bot_reply_t){ .after_ms = 6000,
        .body = "{\"outputSpeech\":\"late\"}" });
    s_hand (self, "slow");
    s_hand (self, "quick");
    s_done (self, "quick", 5000);
    RIG_UNTIL (&self->rig, 5000, bot_asked (self->bot, "<slow>") == 1);
    unsigned before = self->count;
    bus_server_destroy (&self->bus);
    self->peer = 0;
    rig_turn_for (&self->rig, 500);
    s_open_office (self);
    RIG_UNTIL (&self->rig, 15000, self->peer != 0);
    RIG_UNTIL (&self->rig, 5000, s_count (self, "slow", BUS_TAKEN) == 2);
    RIG_UNTIL (&self->rig, 5000, s_count (self, "quick", BUS_DONE) == 2);
    cr_assert_gt (self->count, before);
    s_settle (self, "quick");
    cr_assert_str_eq (s_done (self, "slow", 15000)->data, "{\"outputSpeech\":\"late\"}");
    cr_assert_eq (bot_asked (self->bot, "<slow>"), 1, "the bot is not asked twice for it");
    s_settle (self, "slow");
    rig_turn_for (&self->rig, 300);
    cr_assert_eq (process_metric (self->connector, "stentor_connector_turns{state=\"told\"}"), 0);
    s_end (self);
}

Test (connector, more_than_the_credit_is_not_taken, .timeout = 60)
{
    stage_t *self = s_start ((const char *const[]){ "BOT_CREDIT=2", "BOT_TIMEOUT=20s", NULL });
    cr_assert_eq (self->credit, 2);
    cr_assert_eq (process_metric (self->connector, "stentor_connector_turns_limit"), 2);
    bot_rule (self->bot, "<hangs", 0, &(bot_reply_t){ .manner = BOT_HANGS });
    s_hand (self, "hangs1");
    s_hand (self, "hangs2");
    s_hand (self, "third");
    RIG_UNTIL (&self->rig, 5000, s_count (self, "hangs2", BUS_TAKEN) == 1);
    RIG_UNTIL (&self->rig, 5000, s_count (self, "third", BUS_DECLINED) == 1);
    cr_assert_str_eq (s_story (self, "third"), "declined");
    cr_assert_eq (process_metric (self->connector,
                                  "stentor_connector_not_taken_total{reason=\"over_credit\"}"), 1);
    s_cancel (self, "hangs1");
    s_hand (self, "third");
    s_done (self, "third", 5000);
    s_end (self);
}

Test (connector, sigterm_finishes_what_is_in_hand, .timeout = 60)
{
    stage_t *self = s_start ((const char *const[]){ "BOT_TIMEOUT=20s", NULL });
    bot_rule (self->bot, "<slow>", 0, &(bot_reply_t){ .after_ms = 2000,
        .body = "{\"outputSpeech\":\"late\"}" });
    s_hand (self, "slow");
    RIG_UNTIL (&self->rig, 5000, bot_asked (self->bot, "<slow>") == 1);
    process_kill (self->connector, SIGTERM);
    rig_turn_for (&self->rig, 300);
    s_hand (self, "toolate");
    RIG_UNTIL (&self->rig, 1000, s_count (self, "toolate", BUS_DECLINED) == 1);
    s_done (self, "slow", 10000);
    cr_assert_str_eq (s_story (self, "toolate"), "ending");
    rig_turn_for (&self->rig, 300);
    cr_assert (process_is_alive (self->connector), "the outcome is not settled yet");
    s_settle (self, "slow");
    RIG_UNTIL (&self->rig, 5000, self->peer == 0);
    RIG_UNTIL (&self->rig, 5000, !process_is_alive (self->connector));
    cr_assert_eq (process_wait_exit (self->connector, 5000), 0);
    s_end (self);
}

//  A JSON object with one string, of so many bytes in all.
static char *
s_object_of (const char *name, size_t size)
{
    char *json = malloc (size + 1);
    cr_assert (json);
    int head = sprintf (json, "{\"%s\":\"", name);
    memset (json + head, '/', size - (size_t) head);
    strcpy (json + size - 2, "\"}");
    return json;
}

//  Both ways: what the settings let in fits on the bus and into a request.
Test (connector, the_largest_that_is_let_in, .timeout = 60)
{
    stage_t *self = s_start ((const char *const[]){ "BOT_ANSWER_LIMIT=1m", "BUS_QUEUE_LIMIT=8m",
                                                    "BOT_TIMEOUT=10s", NULL });
    char *question = s_object_of ("rawQuery", BUS_WRITTEN_MAX);
    char *answer = s_object_of ("outputSpeech", BUS_DOOR_MAX);
    bot_says (self->bot, "/////", answer);
    s_hand_body (self, "large", "demo", question);
    const heard_t *done = s_done (self, "large", 20000);
    cr_assert_eq (done->number, OUTCOME_ANSWERED);
    cr_assert_str_eq (done->data, answer);
    free (question);
    free (answer);
    s_end (self);
}

Test (connector, wrong_settings_are_refused, .timeout = 60)
{
    static const char *const wrong[][2] = { { "BOT_ANSWER_LIMIT=1025k", NULL },
                                            { "BUS_QUEUE_LIMIT=7m", NULL },
                                            { "POSTOFFICE_ADDRESSES=nowhere", NULL } };
    for (size_t row = 0; row < sizeof wrong / sizeof *wrong; row++) {
        process_t *connector = process_new ("connector", "stentor-connector", NULL, wrong[row]);
        cr_assert (connector);
        cr_assert_eq (process_wait_exit (connector, 10000), 78, "%s", wrong[row][0]);
        process_destroy (&connector);
    }
}

static long
s_resident_kb (const process_t *process)
{
    char path[60], line[200];
    long kb = 0;
    snprintf (path, sizeof path, "/proc/%d/status", (int) process_pid (process));
    FILE *file = fopen (path, "r");
    while (file && fgets (line, sizeof line, file))
        sscanf (line, "VmRSS: %ld kB", &kb);
    if (file)
        fclose (file);
    return kb;
}

Test (connector, a_thousand_slow_ones_slow_nobody, .timeout = 120)
{
    enum { SLOW = 1000, QUICK = 100 };
    stage_t *self = s_start ((const char *const[]){ "BOT_TIMEOUT=60s", NULL });
    bot_rule (self->bot, "<slow", 0, &(bot_reply_t){ .manner = BOT_HANGS });
    s_hand (self, "first");
    s_done (self, "first", 5000);
    long before_kb = s_resident_kb (self->connector);
    char item[40];
    for (unsigned index = 0; index < SLOW; index++) {
        snprintf (item, sizeof item, "slow%u", index);
        s_hand (self, item);
    }
    RIG_UNTIL (&self->rig, 30000, bot_connections (self->bot) >= SLOW);
    rig_turn_for (&self->rig, 500);
    long each_kb = (s_resident_kb (self->connector) - before_kb) / SLOW;
    uint64_t worst_ms = 0;
    for (unsigned index = 0; index < QUICK; index++) {
        snprintf (item, sizeof item, "quick%u", index);
        uint64_t began_ms = clock_mono_ms ();
        s_hand (self, item);
        uint64_t took_ms = s_done (self, item, 5000)->at_ms - began_ms;
        worst_ms = took_ms > worst_ms ? took_ms : worst_ms;
    }
    fprintf (stderr, "with %d calls hanging: %d others answered, slowest %" PRIu64
             " ms; %ld kB per waiting turn\n", SLOW, QUICK, worst_ms, each_kb);
    cr_assert_lt (worst_ms, 1000u);
    cr_assert_lt (each_kb, 200);
    s_end (self);
}
