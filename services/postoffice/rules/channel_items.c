#include "rules/channel_items.h"

#include "json/json_write.h"
#include "model/principal.h"
#include "model/session_key.h"
#include "rules/audience.h"

#include <assert.h>
#include <stdio.h>

//  Names, times and brackets of a body.
#define BODY_FRAME 1000
//  JSON's longest escape for one byte.
#define ESCAPED 6

//  "9:demo/s-1#1#vic": with the session's size before it, no two of them are the same, whatever
//  characters sessions and users have in their names.
static text_t
s_name (changeset_t *changeset, const char *numbers, text_t user)
{
    text_t session = changeset->session;
    buffer_t name;
    buffer_init (&name, session.size + strlen (numbers) + user.size + 30);
    int rc = buffer_put_number (&name, session.size) | buffer_put_string (&name, ":")
             | buffer_put_text (&name, session) | buffer_put_string (&name, numbers)
             | buffer_put_text (&name, user);
    assert (rc == 0);
    text_t kept = changeset_keep (changeset, buffer_text (&name));
    buffer_free (&name);
    return kept;
}

static text_t
s_lane (changeset_t *changeset, const participant_t *participant)
{
    char numbers[40];
    snprintf (numbers, sizeof numbers, "#%u#", (unsigned) participant->role);
    return s_name (changeset, numbers, participant->user);
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

static text_t
s_body (changeset_t *changeset, const participant_t *participant, event_t event,
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
                 BODY_FRAME + entry->sender.size + entry->data.size + ESCAPED * escaped);
    json_write_begin (&json, &body);
    json_open_object (&json, NULL);
    json_put_string (&json, "event", event_wire_name (event));
    json_put_number (&json, "seq", entry->seq);
    json_put_number (&json, "timeMs", entry->time_ms);
    json_put_text (&json, "appId", app);
    json_put_text (&json, "sessionId", session);
    json_put_text (&json, "messageId", entry->message_id);
    json_put_string (&json, "role", role_name ((role_t) entry->role));
    json_put_text (&json, "userId", entry->user);
    json_put_json (&json, "sender", entry->sender);
    json_put_json (&json, "data", entry->data);
    json_open_object (&json, "participant");
    json_put_string (&json, "role", role_name ((role_t) participant->role));
    json_put_text (&json, "userId", participant->user);
    json_put_text (&json, "channel", participant->channel);
    json_put_text_if (&json, "externalId", participant->external_id);
    json_close_object (&json);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    text_t kept = changeset_keep (changeset, buffer_text (&body));
    buffer_free (&body);
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
        if (!participant->present || participant->channel.size == 0
            || participant_is_of_api (participant))
            continue;
        listener_t listener = { .role = participant->role,
                                .may = PERMISSIONS_ALL,
                                .user = participant->user,
                                .channel = participant->channel };
        audience_t audience = audience_of (&entry, &listener);
        if (audience.way != AUDIENCE_ITEM)
            continue;
        changeset_work (changeset,
                        &(store_work_t){ .item = s_item (changeset, participant, &entry),
                                         .kind = WORK_DELIVERY,
                                         .topic = changeset_keep (changeset, participant->channel),
                                         .lane = s_lane (changeset, participant),
                                         .seq = seq,
                                         .user = changeset_keep (changeset, participant->user),
                                         .body = s_body (changeset, participant, audience.event,
                                                         &entry),
                                         .secret = TEXT_EMPTY });
    }
}

size_t
channel_items_readers (const fold_t *fold)
{
    size_t count = 0;
    const list_t *all = &fold->participants;
    for (const list_t *link = all->next; link != all; link = link->next) {
        const participant_t *participant = LIST_THING (link, participant_t, in_fold);
        count += participant->present && participant->channel.size > 0
                 && !participant_is_of_api (participant);
    }
    return count;
}
