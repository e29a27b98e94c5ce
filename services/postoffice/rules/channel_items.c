#include "rules/channel_items.h"

#include "json/json_write.h"
#include "model/degrade.h"
#include "model/principal.h"
#include "model/session_key.h"
#include "model/webhook_user.h"
#include "rules/audience.h"

#include <assert.h>
#include <stdio.h>

//  Names, times and brackets of a body.
#define BODY_FRAME 1000
//  JSON's longest escape for one byte.
#define ESCAPED 6

//  "9:demo/s-1#1#vic": with the session's size before it, no two of them are the same, whatever
//  characters sessions and users have in their names.
static void
s_put_name (text_t session, const char *numbers, text_t user, buffer_t *to)
{
    int rc = buffer_put_number (to, session.size) | buffer_put_string (to, ":")
             | buffer_put_text (to, session) | buffer_put_string (to, numbers)
             | buffer_put_text (to, user);
    assert (rc == 0);
}

static text_t
s_name (changeset_t *changeset, const char *numbers, text_t user)
{
    buffer_t name;
    buffer_init (&name, changeset->session.size + strlen (numbers) + user.size + 30);
    s_put_name (changeset->session, numbers, user, &name);
    text_t kept = changeset_keep (changeset, buffer_text (&name));
    buffer_free (&name);
    return kept;
}

void
channel_items_lane (text_t session, uint64_t role, text_t user, buffer_t *to)
{
    char numbers[40];
    snprintf (numbers, sizeof numbers, "#%u#", (unsigned) role);
    s_put_name (session, numbers, user, to);
}

static text_t
s_lane (changeset_t *changeset, const participant_t *participant)
{
    buffer_t lane;
    buffer_init (&lane, CHANNEL_LANE_MAX);
    channel_items_lane (changeset->session, participant->role, participant->user, &lane);
    text_t kept = changeset_keep (changeset, buffer_text (&lane));
    buffer_free (&lane);
    return kept;
}

//  Follows from the entry and the participant. The time is in it because a session that retention
//  has dropped may begin anew, with the same numbers of entries.
static text_t
s_item (changeset_t *changeset, const participant_t *participant, const stored_entry_t *entry)
{
    char numbers[80];
    snprintf (numbers, sizeof numbers, "#%llu#%llu#%u#", (unsigned long long) entry->seq,
              (unsigned long long) entry->time_ms, (unsigned) participant->role);
    return s_name (changeset, numbers, participant->user);
}

//  Who is reached over it gets nothing made: it reads by itself, or cannot be reached.
static bool
s_is_reached (const participant_t *participant)
{
    return participant->present && participant->channel.size > 0
           && !participant_is_of_api (participant)
           && !text_is (participant->channel, CHANNEL_NOWHERE);
}

//  What is said, for a channel that shows plain text only.
static void
s_put_plain_text (json_writer_t *json, event_t event, text_t data)
{
    buffer_t text;
    buffer_init (&text, DEGRADE_TEXT_MOST);
    if (event == EVENT_NEW_MESSAGE && degrade_text (data, &text) == 0)
        json_put_text (json, "text", buffer_text (&text));
    buffer_free (&text);
}

//  What the channel calls the participant. `via`: by which channel a visitor writes who does so by
//  a webhook. (The participant's own external id names the channel, too.)
static text_t
s_external_id (const participant_t *participant, text_t *via)
{
    text_t external_id = participant->external_id;
    *via = TEXT_EMPTY;
    if (participant->role == ROLE_VISITOR)
        (void) webhook_user_split (participant->user, via, &external_id);
    return external_id;
}

static void
s_put_participant (json_writer_t *json, const participant_t *participant)
{
    text_t via, external_id = s_external_id (participant, &via);
    json_open_object (json, "participant");
    json_put_string (json, "role", role_name ((role_t) participant->role));
    json_put_text (json, "userId", participant->user);
    json_put_text (json, "channel", participant->channel);
    json_put_text_if (json, "externalId", external_id);
    json_put_text_if (json, "via", via);
    json_close_object (json);
}

static text_t
s_body (changeset_t *changeset, const participant_t *participant, const char *event,
        const stored_entry_t *entry)
{
    text_t app = session_key_app (changeset->session);
    text_t session = session_key_id (changeset->session);
    size_t escaped = changeset->session.size + entry->message_id.size + entry->user.size
                     + participant->user.size + participant->channel.size
                     + participant->external_id.size;
    buffer_t body;
    json_writer_t json;
    buffer_init (&body,
                 BODY_FRAME + entry->sender.size + entry->data.size
                     + ESCAPED * (escaped + participant->user.size + DEGRADE_TEXT_MOST));
    json_write_begin (&json, &body);
    json_open_object (&json, NULL);
    json_put_string (&json, "event", event);
    json_put_number (&json, "seq", entry->seq);
    json_put_number (&json, "timeMs", entry->time_ms);
    json_put_text (&json, "appId", app);
    json_put_text (&json, "sessionId", session);
    json_put_text (&json, "messageId", entry->message_id);
    json_put_string (&json, "role", role_name ((role_t) entry->role));
    json_put_text (&json, "userId", entry->user);
    json_put_json (&json, "sender", entry->sender);
    json_put_json (&json, "data", entry->data);
    if (participant->role == ROLE_VISITOR)
        s_put_plain_text (&json, (event_t) entry->event, entry->data);
    s_put_participant (&json, participant);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    text_t kept = changeset_keep (changeset, buffer_text (&body));
    buffer_free (&body);
    return kept;
}

//  All SMS of an app go by one account. (Of a webhook the endpoint is known elsewhere:
//  triggers/webhook_items.h. Other workers have no destinations.)
static text_t
s_destination (changeset_t *changeset, const participant_t *participant)
{
    if (!text_is (participant->channel, TEXT ("sms.out")))
        return TEXT_EMPTY;
    text_t app = session_key_app (changeset->session);
    buffer_t name;
    buffer_init (&name, sizeof "sms:" + app.size);
    int rc = buffer_put_string (&name, "sms:") | buffer_put_text (&name, app);
    assert (rc == 0);
    text_t kept = changeset_keep (changeset, buffer_text (&name));
    buffer_free (&name);
    return kept;
}

void
channel_items_add (changeset_t *changeset, const fold_t *fold, uint64_t seq,
                   const store_entry_t *row)
{
    stored_entry_t entry = { .seq = seq,
                             .message_id = row->message_id,
                             .event = row->event,
                             .time_ms = row->time_ms,
                             .role = row->role,
                             .user = row->user,
                             .sender = row->sender,
                             .data = row->data,
                             .hidden = row->hidden };
    const list_t *all = &fold->participants;
    for (const list_t *link = all->next; link != all; link = link->next) {
        const participant_t *participant = LIST_THING (link, participant_t, in_fold);
        if (!s_is_reached (participant))
            continue;
        listener_t listener = { .role = participant->role,
                                .may = PERMISSIONS_ALL,
                                .user = participant->user,
                                .channel = participant->channel };
        audience_t audience = audience_of (&entry, &listener);
        if (audience.way != AUDIENCE_ITEM)
            continue;
        text_t via, address = s_external_id (participant, &via);
        changeset_work (changeset,
                        &(store_work_t){ .item = s_item (changeset, participant, &entry),
                                         .kind = WORK_DELIVERY,
                                         .topic = changeset_keep (changeset, participant->channel),
                                         .lane = s_lane (changeset, participant),
                                         .seq = seq,
                                         .user = changeset_keep (changeset, participant->user),
                                         .body = s_body (changeset, participant,
                                                         event_wire_name (audience.event), &entry),
                                         .secret = TEXT_EMPTY,
                                         .destination = s_destination (changeset, participant),
                                         .address = changeset_keep (changeset, address) });
    }
}

// ---------------------------------------------------------------------------------------------
//  Of platforms: what they are asked, and told of their tenancy

#define OFFER_PREFIX ":offer:"

static text_t
s_prefixed (changeset_t *changeset, const char *prefix, text_t name)
{
    buffer_t item;
    buffer_init (&item, strlen (prefix) + name.size);
    int rc = buffer_put_string (&item, prefix) | buffer_put_text (&item, name);
    assert (rc == 0);
    text_t kept = changeset_keep (changeset, buffer_text (&item));
    buffer_free (&item);
    return kept;
}

static text_t
s_offer_item (changeset_t *changeset, text_t topic, uint64_t seq, uint64_t time_ms)
{
    const participant_t platform = { .role = ROLE_PLATFORM, .user = topic };
    const stored_entry_t entry = { .seq = seq, .time_ms = time_ms };
    return s_prefixed (changeset, OFFER_PREFIX, s_item (changeset, &platform, &entry));
}

//  As if an entry of the router's said it, the last one of the log.
static stored_entry_t
s_now (const fold_t *fold, event_t event, text_t data)
{
    return (stored_entry_t){ .seq = fold->last_seq,
                             .message_id = TEXT_EMPTY,
                             .event = event,
                             .time_ms = fold->last_time_ms,
                             .role = ROLE_ROUTER,
                             .user = TEXT ("router"),
                             .sender = TEXT ("{}"),
                             .data = data };
}

static void
s_add (changeset_t *changeset, const participant_t *platform, const char *event,
       const stored_entry_t *entry, const store_work_t *like)
{
    store_work_t work = *like;
    work.kind = WORK_DELIVERY;
    work.topic = work.user = changeset_keep (changeset, platform->user);
    work.seq = entry->seq;
    work.body = s_body (changeset, platform, event, entry);
    work.secret = TEXT_EMPTY;
    changeset_work (changeset, &work);
}

void
channel_items_offer (changeset_t *changeset, const fold_t *fold, text_t topic, text_t data)
{
    const participant_t *platform = fold_participant (fold, ROLE_PLATFORM, topic);
    stored_entry_t entry = s_now (fold, EVENT_OFFER, data);
    s_add (changeset, platform, event_wire_name (EVENT_OFFER), &entry,
           &(store_work_t){ .item = s_offer_item (changeset, topic, entry.seq, entry.time_ms),
                            .lane = s_lane (changeset, platform) });
}

void
channel_items_withdraw (changeset_t *changeset, text_t topic, uint64_t seq, uint64_t time_ms)
{
    changeset_cancel (changeset, s_offer_item (changeset, topic, seq, time_ms),
                      TEXT ("the offer is over"));
}

bool
channel_items_is_offer (text_t item)
{
    return work_has_prefix (item, OFFER_PREFIX, sizeof OFFER_PREFIX - 1);
}

void
channel_items_over (changeset_t *changeset, const fold_t *fold, const tenancy_end_t *end)
{
    const participant_t *platform = fold_participant (fold, ROLE_PLATFORM, end->topic);
    const char *prefix = end->was_in_control ? WORK_OVER_PREFIX : WORK_OVER_ASKED_PREFIX;
    text_t lane = s_lane (changeset, platform);
    buffer_t data;
    json_writer_t json;
    buffer_init (&data, 200);
    json_write_begin (&json, &data);
    json_open_object (&json, NULL);
    json_put_string (&json, "why", end->why);
    json_put_bool (&json, "wasInControl", end->was_in_control);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    stored_entry_t entry = s_now (fold, 0, buffer_text (&data));
    changeset_clear (changeset, lane, TEXT ("the platform has the visitor no more"));
    s_add (changeset, platform, "over", &entry,
           &(store_work_t){ .item = s_prefixed (changeset, prefix,
                                                s_item (changeset, platform, &entry)),
                            .lane = lane,
                            .after_ms = end->after_ms });
    buffer_free (&data);
}

//  Of one tenancy: it begins with this version of control.
static text_t
s_watch_item (changeset_t *changeset, text_t topic, uint64_t version)
{
    char numbers[60];
    snprintf (numbers, sizeof numbers, "#%llu#%u#", (unsigned long long) version,
              (unsigned) ROLE_PLATFORM);
    return s_prefixed (changeset, WORK_WATCH_PREFIX, s_name (changeset, numbers, topic));
}

void
channel_items_watch (changeset_t *changeset, const fold_t *fold, text_t topic, text_t data)
{
    const participant_t *platform = fold_participant (fold, ROLE_PLATFORM, topic);
    stored_entry_t entry = s_now (fold, 0, data);
    s_add (changeset, platform, "watch", &entry,
           &(store_work_t){ .item = s_watch_item (changeset, topic, fold->control_seq),
                            .lane = s_prefixed (changeset, CHANNEL_WATCH_LANE,
                                                s_lane (changeset, platform)) });
}

void
channel_items_unwatch (changeset_t *changeset, const fold_t *fold, text_t topic)
{
    changeset_cancel (changeset, s_watch_item (changeset, topic, fold->control_seq),
                      TEXT ("the platform has the visitor no more"));
}

size_t
channel_items_readers (const fold_t *fold)
{
    size_t count = 0;
    const list_t *all = &fold->participants;
    for (const list_t *link = all->next; link != all; link = link->next) {
        const participant_t *participant = LIST_THING (link, participant_t, in_fold);
        count += s_is_reached (participant);
    }
    return count;
}
