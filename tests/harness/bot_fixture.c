//  bot_fixture — see bot_fixture.h.

#include "bot_fixture.h"

#include "bus/bus_limits.h"
#include "eventually.h"
#include "ports.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define HEARTBEAT_MS 500
#define SETTINGS_MOST 24

static bot_fixture_t s_stage;

static char *
s_copy (text_t text)
{
    return strndup (text.data, text.size);
}

static void
s_peer_up (void *owner, peer_t peer, const bus_hello_t *hello)
{
    bot_fixture_t *self = owner;
    self->peer = peer;
    self->credit = hello->credit;
    snprintf (self->topics, sizeof self->topics, "%.*s", TEXT_ARGS (hello->topics));
}

static void
s_peer_down (void *owner, peer_t peer)
{
    bot_fixture_t *self = owner;
    if (self->peer == peer)
        self->peer = 0;
}

static void
s_record (void *owner, peer_t peer, const bus_record_t *record)
{
    (void) peer;
    bot_fixture_t *self = owner;
    cr_assert (self->count < HEARD_MOST);
    bot_heard_t *heard = &self->heard[self->count++];
    *heard = (bot_heard_t){ .kind = record->kind, .at_ms = clock_mono_ms () };
    if (record->kind == BUS_ACCEPTED)
        heard->item = s_copy (record->accepted.item);
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
        heard->fault = record->done.fault;
        heard->tries = record->done.tries;
        heard->status = record->done.status;
        heard->data = s_copy (record->done.data);
        heard->target = s_copy (record->done.target);
        heard->detail = s_copy (record->done.detail);
    }
}

void
bot_fixture_open_postoffice (bot_fixture_t *self)
{
    static const bus_server_events_t s_events = { s_peer_up, s_peer_down, s_record };
    self->bus = rig_postoffice_new (&self->rig, self->address,
                                    &(bus_server_config_t){ .node = "postoffice-test",
                                                            .heartbeat_ms = HEARTBEAT_MS,
                                                            .queue_limit = 16u << 20,
                                                            .peer_limit = 10 },
                                    &s_events, self);
}

bot_fixture_t *
bot_fixture_start (const char *const *more)
{
    bot_fixture_t *self = &s_stage;
    rig_start (&self->rig);
    bot_fixture_open_postoffice (self);
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
    const char *settings[SETTINGS_MOST];
    process_settings (settings, SETTINGS_MOST, more, usual);
    self->connector = process_new ("connector", "stentor-connector", NULL, settings);
    cr_assert (self->connector);
    process_set_operations_port (self->connector, port);
    RIG_UNTIL (&self->rig, 10000, self->peer != 0);
    cr_assert_str_eq (self->topics, "bot.stentor health.stentor");
    return self;
}

void
bot_fixture_end (bot_fixture_t *self)
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

static void
s_hand (bot_fixture_t *self, const char *item, const char *app, const char *body, text_t topic,
        uint64_t tries)
{
    char session[100];
    snprintf (session, sizeof session, "demo/%s", item);
    bus_record_t record = { .kind = BUS_WORK };
    record.work.item = text_of (item);
    record.work.session = text_of (session);
    record.work.topic = topic;
    record.work.tries = tries;
    record.work.app = text_of (app);
    record.work.user = TEXT ("u-1");
    record.work.body = text_of (body);
    record.work.secret = TEXT ("visitor-token");
    record.work.attempt = 1;
    cr_assert_eq (bus_server_send (self->bus, self->peer, &record), 0);
}

void
bot_fixture_hand_body (bot_fixture_t *self, const char *item, const char *app, const char *body)
{
    s_hand (self, item, app, body, TEXT ("bot.stentor"), 0);
}

void
bot_fixture_hand_once (bot_fixture_t *self, const char *item, uint64_t tries)
{
    char body[200];
    snprintf (body, sizeof body, "{\"type\":\"INTENT_REQUEST\",\"rawQuery\":\"<%s>\"}", item);
    s_hand (self, item, "demo", body, TEXT ("bot.stentor"), tries);
}

void
bot_fixture_hand (bot_fixture_t *self, const char *item)
{
    bot_fixture_hand_once (self, item, 0);
}

void
bot_fixture_ask_health (bot_fixture_t *self, const char *item, const char *app)
{
    s_hand (self, item, app, "{}", TOPIC_BOT_HEALTH, 0);
}

void
bot_fixture_settle (bot_fixture_t *self, const char *item)
{
    bus_record_t record = { .kind = BUS_SETTLED };
    record.settled.item = text_of (item);
    record.settled.session = TEXT ("demo/any");
    cr_assert_eq (bus_server_send (self->bus, self->peer, &record), 0);
}

void
bot_fixture_cancel (bot_fixture_t *self, const char *item)
{
    bus_record_t record = { .kind = BUS_CANCEL };
    record.cancel.item = text_of (item);
    record.cancel.session = TEXT ("demo/any");
    cr_assert_eq (bus_server_send (self->bus, self->peer, &record), 0);
}

unsigned
bot_fixture_count (const bot_fixture_t *self, const char *item, bus_kind_t kind)
{
    unsigned count = 0;
    for (unsigned index = 0; index < self->count; index++)
        count += self->heard[index].kind == kind && strcmp (self->heard[index].item, item) == 0;
    return count;
}

const bot_heard_t *
bot_fixture_done (bot_fixture_t *self, const char *item, uint64_t within_ms)
{
    RIG_UNTIL (&self->rig, within_ms, bot_fixture_count (self, item, BUS_DONE) > 0);
    for (unsigned index = 0; index < self->count; index++)
        if (self->heard[index].kind == BUS_DONE && strcmp (self->heard[index].item, item) == 0)
            return &self->heard[index];
    return NULL;
}

const char *
bot_fixture_story (const bot_fixture_t *self, const char *item)
{
    static char story[1000];
    char *at = story;
    *at = '\0';
    static const char *const outcomes[] = { "", "answered", "trouble", "failed" };
    for (unsigned index = 0; index < self->count; index++) {
        const bot_heard_t *heard = &self->heard[index];
        if (strcmp (heard->item, item) != 0)
            continue;
        const char *word = heard->kind == BUS_ACCEPTED     ? "taken"
                           : heard->kind == BUS_DECLINED   ? heard->number ? "ending" : "declined"
                           : heard->kind == BUS_DONE       ? outcomes[heard->number]
                           : heard->number == EVENT_TYPING ? "typing"
                           : heard->number == EVENT_PART ? "part"
                           : heard->number == EVENT_RETRY_NOTICE ? heard->data
                                                                 : "?";
        at += sprintf (at, "%s%s", at == story ? "" : " ", word);
    }
    return story;
}

long
bot_fixture_resident_kb (const process_t *process)
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

char *
bot_fixture_object_of (const char *name, size_t size)
{
    char *json = malloc (size + 1);
    cr_assert (json);
    int head = sprintf (json, "{\"%s\":\"", name);
    memset (json + head, '/', size - (size_t) head);
    strcpy (json + size - 2, "\"}");
    return json;
}
