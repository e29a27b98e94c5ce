#include "triggers/webhook_items.h"

#include "base/utf8.h"
#include "json/json_body.h"
#include "json/json_write.h"
#include "model/degrade.h"
#include "model/offer.h"
#include "model/principal.h"
#include "model/session_key.h"
#include "model/webhook_user.h"

#include <assert.h>
#include <stdio.h>

//  Of a message's text, as JSON; ids and a sender stand beside it.
#define TEXT_MOST 14000
#define ALERT_MOST 4000
#define BODY_MOST (WEBHOOK_DATA_MOST + 500)
#define DESTINATION_MAX (APP_ID_MAX + 64 + 20)

//  One changeset.
typedef struct {
    switchboard_t *board;
    const app_t *app;
    unsigned chosen; //  events that any endpoint wants, as bits
    bool is_asked;   //  a person was asked for in it
} look_t;

//  Something that is told of.
typedef struct {
    webhook_event_t event;
    uint64_t seq, time_ms;
    buffer_t data;
    json_writer_t json; //  into it
} news_t;

// ---------------------------------------------------------------------------------------------
//  Items

static text_t
s_destination (look_t *self, text_t endpoint)
{
    char text[DESTINATION_MAX];
    int size = snprintf (text, sizeof text, "webhook:%.*s/%.*s", TEXT_ARGS (self->app->id),
                         TEXT_ARGS (endpoint));
    assert (size > 0 && (size_t) size < sizeof text);
    return entries_keep (self->board, (text_t){ text, (size_t) size });
}

static text_t
s_item (look_t *self, const news_t *news, text_t endpoint)
{
    char item[WEBHOOK_ITEM_MAX];
    int size = snprintf (item, sizeof item, WEBHOOK_PREFIX "%.*s:%s:%.*s:%llu:%llu",
                         TEXT_ARGS (endpoint), webhook_event_names[news->event],
                         TEXT_ARGS (self->board->fold->session), (unsigned long long) news->seq,
                         (unsigned long long) news->time_ms);
    assert (size > 0 && (size_t) size < sizeof item);
    return entries_keep (self->board, (text_t){ item, (size_t) size });
}

static text_t
s_body (look_t *self, const news_t *news, const app_webhook_out_t *endpoint)
{
    buffer_t body;
    json_writer_t json;
    buffer_init (&body, BODY_MOST);
    json_write_begin (&json, &body);
    json_open_object (&json, NULL);
    json_put_string (&json, "kind", "event");
    json_put_text (&json, "endpoint", endpoint->name);
    json_put_number (&json, "payload", endpoint->payload);
    json_put_string (&json, "type", webhook_event_names[news->event]);
    json_put_time (&json, "time", news->time_ms);
    json_put_json (&json, "data", buffer_text (&news->data));
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    return entries_keep_buffer (self->board, &body);
}

static bool
s_wants (const app_webhook_out_t *endpoint, webhook_event_t event)
{
    for (size_t at = 0; at < endpoint->events.count; at++)
        if (text_is (endpoint->events.items[at], text_of (webhook_event_names[event])))
            return true;
    return false;
}

size_t
webhook_endpoints (const app_t *app, webhook_event_t event, text_t *names)
{
    size_t count = 0;
    const app_webhook_out_t *endpoints = app->webhooks_out.rows;
    for (size_t at = 0; at < app->webhooks_out.count; at++)
        if (s_wants (&endpoints[at], event))
            names[count++] = endpoints[at].name;
    return count;
}

static unsigned
s_chosen (const app_t *app)
{
    unsigned chosen = 0;
    const app_webhook_out_t *endpoints = app->webhooks_out.rows;
    for (size_t at = 0; at < app->webhooks_out.count; at++)
        for (size_t event = 0; event < endpoints[at].events.count; event++)
            chosen |= 1u << webhook_event_named (endpoints[at].events.items[event]);
    return chosen;
}

//  False: nobody wants to know.
static bool
s_begin (const look_t *self, webhook_event_t event, size_t at, news_t *news)
{
    const changeset_t *changeset = self->board->changeset;
    if (!(self->chosen & 1u << event))
        return false;
    *news = (news_t){ .event = event,
                      .seq = changeset->first_seq + at,
                      .time_ms = changeset->entries[at].time_ms };
    buffer_init (&news->data, WEBHOOK_DATA_MOST);
    json_write_begin (&news->json, &news->data);
    json_open_object (&news->json, NULL);
    json_put_text (&news->json, "sessionId", session_key_id (self->board->fold->session));
    json_put_number (&news->json, "seq", news->seq);
    return true;
}

static void
s_tell (look_t *self, news_t *news)
{
    const app_webhook_out_t *endpoints = self->app->webhooks_out.rows;
    json_close_object (&news->json);
    int rc = json_write_end (&news->json);
    assert (rc == 0); //  each member has its limit
    for (size_t at = 0; at < self->app->webhooks_out.count; at++) {
        if (!s_wants (&endpoints[at], news->event))
            continue;
        changeset_work (self->board->changeset,
                        &(store_work_t){ .item = s_item (self, news, endpoints[at].name),
                                         .kind = WORK_DELIVERY,
                                         .topic = TOPIC_WEBHOOK,
                                         .lane = TEXT_EMPTY,
                                         .seq = news->seq,
                                         .user = TEXT_EMPTY,
                                         .body = s_body (self, news, &endpoints[at]),
                                         .secret = TEXT_EMPTY,
                                         .destination =
                                             s_destination (self, endpoints[at].name),
                                         .address = TEXT_EMPTY });
    }
    buffer_free (&news->data);
}

// ---------------------------------------------------------------------------------------------
//  What is told

static void
s_put_who (news_t *news, const char *name, uint64_t role, text_t user, text_t of_sender)
{
    struct json_object *sender = json_body_read (of_sender);
    json_open_object (&news->json, name);
    json_put_string (&news->json, "role", role_name (role));
    json_put_text_if (&news->json, "userId", user);
    json_put_text_if (&news->json, "displayName",
                      utf8_cut (json_body_text (sender, "displayName"), DISPLAY_NAME_MAX));
    json_close_object (&news->json);
    json_body_free (&sender);
}

//  A member of the entry's data, for people.
static void
s_put_why (news_t *news, const store_entry_t *entry, const char *name)
{
    struct json_object *data = json_body_read (entry->data);
    json_put_text_if (&news->json, "why",
                      utf8_cut (json_body_text (data, name), OFFER_WHY_MOST));
    json_body_free (&data);
}

static void
s_created (look_t *self)
{
    const fold_t *fold = self->board->fold;
    const participant_t *visitor = fold_participant (fold, ROLE_VISITOR, fold->visitor);
    news_t news;
    if (!s_begin (self, WEBHOOK_SESSION_CREATED, 0, &news))
        return;
    s_put_who (&news, "visitor", ROLE_VISITOR, fold->visitor,
               visitor ? visitor->sender : TEXT_EMPTY);
    if (visitor)
        json_put_json (&news.json, "info", visitor->info);
    s_tell (self, &news);
}

static void
s_said (look_t *self, size_t at)
{
    const store_entry_t *entry = &self->board->changeset->entries[at];
    news_t news;
    if (entry->hidden || !s_begin (self, WEBHOOK_MESSAGE_CREATED, at, &news))
        return;
    buffer_t text;
    buffer_init (&text, DEGRADE_TEXT_MOST);
    if (degrade_text (entry->data, &text) != 0)
        buffer_clear (&text); //  there is nothing to show
    json_put_text (&news.json, "messageId", entry->message_id);
    if (json_put_cut (&news.json, "text", buffer_text (&text), TEXT_MOST))
        json_put_bool (&news.json, "cut", true);
    s_put_who (&news, "sender", entry->role, entry->user, entry->sender);
    buffer_free (&text);
    s_tell (self, &news);
}

static void
s_came_or_went (look_t *self, size_t at, webhook_event_t event)
{
    const store_entry_t *entry = &self->board->changeset->entries[at];
    news_t news;
    if (entry->hidden || !s_begin (self, event, at, &news))
        return;
    s_put_who (&news, "participant", entry->role, entry->user, entry->sender);
    s_tell (self, &news);
}

static void
s_opened_or_closed (look_t *self, size_t at, webhook_event_t event)
{
    const store_entry_t *entry = &self->board->changeset->entries[at];
    news_t news;
    if (!s_begin (self, event, at, &news))
        return;
    s_put_who (&news, "by", entry->role, entry->user, entry->sender);
    s_put_why (&news, entry, "why");
    s_tell (self, &news);
}

//  Once, also when the bot's wish and the offer that follows from it are two entries.
static void
s_asked (look_t *self, size_t at, const char *why)
{
    const store_entry_t *entry = &self->board->changeset->entries[at];
    news_t news;
    if (self->is_asked || !s_begin (self, WEBHOOK_HANDOFF_REQUESTED, at, &news))
        return;
    self->is_asked = true;
    s_put_who (&news, "by", entry->role, entry->user, entry->sender);
    s_put_why (&news, entry, why);
    s_tell (self, &news);
}

//  Of an alert without a session nothing is in any log.
static void
s_acknowledged (look_t *self, size_t at)
{
    const store_entry_t *entry = &self->board->changeset->entries[at];
    news_t news;
    if (!s_begin (self, WEBHOOK_ALERT_ACKNOWLEDGED, at, &news))
        return;
    struct json_object *data = json_body_read (entry->data);
    json_put_cut (&news.json, "alertId", json_body_text (data, "alertId"), ALERT_MOST);
    json_body_free (&data);
    s_put_who (&news, "by", entry->role, entry->user, entry->sender);
    s_tell (self, &news);
}

static void
s_look_at (look_t *self, size_t at)
{
    const store_entry_t *entry = &self->board->changeset->entries[at];
    switch (entry->event) {
    case EVENT_NEW_MESSAGE:
        s_said (self, at);
        break;
    case EVENT_USER_JOINED:
        s_came_or_went (self, at, WEBHOOK_PARTICIPANT_JOINED);
        break;
    case EVENT_USER_LEFT:
        s_came_or_went (self, at, WEBHOOK_PARTICIPANT_LEFT);
        break;
    case EVENT_SESSION_CLOSED:
        s_opened_or_closed (self, at, WEBHOOK_SESSION_CLOSED);
        break;
    case EVENT_SESSION_REOPENED:
        s_opened_or_closed (self, at, WEBHOOK_SESSION_REOPENED);
        break;
    case EVENT_HANDOFF:
        s_asked (self, at, "target");
        break;
    case EVENT_OFFER:
        if (entry->role != ROLE_ROUTER) //  else it goes on
            s_asked (self, at, "why");
        break;
    case EVENT_ALERT_ACKNOWLEDGED:
        s_acknowledged (self, at);
        break;
    default:
        break; //  a whisper, and what is for agents only
    }
}

static void
s_look_at_control (look_t *self)
{
    const fold_t *fold = self->board->fold;
    const changeset_t *changeset = self->board->changeset;
    news_t news;
    if (!changeset->holder_changes || fold->control_seq < changeset->first_seq)
        return;
    size_t at = (size_t) (fold->control_seq - changeset->first_seq);
    if (!s_begin (self, WEBHOOK_CONTROL_CHANGED, at, &news))
        return;
    bool is_nobody = fold->control_role == ROLE_ROUTER;
    json_open_object (&news.json, "control");
    json_put_string (&news.json, "role", is_nobody ? "nobody" : role_name (fold->control_role));
    json_put_text_if (&news.json, "userId", is_nobody ? TEXT_EMPTY : fold->control_user);
    json_close_object (&news.json);
    s_tell (self, &news);
}

//  The endpoint that answers of the channel go to; empty: none.
static text_t
s_reply_of (const app_t *app, text_t user)
{
    text_t channel, person;
    const app_webhook_in_t *rows = app->webhooks_in.rows;
    bool is_of_channel = webhook_user_split (user, &channel, &person);
    for (size_t at = 0; at < app->webhooks_in.count && is_of_channel; at++)
        if (text_is (rows[at].channel, channel))
            return rows[at].reply;
    return TEXT_EMPTY;
}

static void
s_place_answers (look_t *self)
{
    changeset_t *changeset = self->board->changeset;
    for (size_t at = 0; at < changeset->work_count; at++) {
        store_work_t *work = &changeset->works[at];
        bool is_answer = work->kind == WORK_DELIVERY && work->destination.size == 0
                         && text_is (work->topic, TOPIC_WEBHOOK);
        text_t endpoint = is_answer ? s_reply_of (self->app, work->user) : TEXT_EMPTY;
        if (endpoint.size > 0)
            work->destination = s_destination (self, endpoint);
    }
}

void
webhook_items_end (switchboard_t *self)
{
    const app_t *app = self->app;
    if (!app || app->webhooks_out.count == 0 || self->changeset->entry_count == 0)
        return;
    look_t look = { .board = self, .app = app, .chosen = s_chosen (app) };
    s_place_answers (&look);
    if (look.chosen == 0)
        return;
    if (self->changeset->opens)
        s_created (&look);
    for (size_t at = 0; at < self->changeset->entry_count; at++)
        s_look_at (&look, at);
    s_look_at_control (&look);
}
