#include "session/outbound.h"

#include "rules/changes.h"
#include "model/problem.h"
#include "model/visitor_info.h"
#include "session/session.h"

#include "base/clock.h"
#include "tables/postoffice_metrics.h"
#include "base/log.h"
#include "json/json_write.h"

#include <assert.h>

//  A record to a peer that is gone, or too full and therefore dropped, needs no answer here: an
//  edge comes back on a new stream and asks for what its endpoints missed, and whoever asked for
//  something asks again.
static void
s_send (postoffice_context_t *office, peer_t peer, const bus_record_t *record)
{
    if (bus_server_send (office->bus, peer, record) != 0)
        log_debug ("not sent", log_string ("kind", bus_kind_name (record->kind)),
                   log_number ("peer", (int64_t) peer));
}

static void
s_deliver (postoffice_context_t *office, peer_t peer, ids_t endpoints, text_t session,
           uint64_t event, const stored_entry_t *entry, uint64_t check, text_t data,
           bool end_of_window, bool attended)
{
    bus_record_t record = { .kind = BUS_DELIVER,
                            .deliver = { .endpoints = endpoints,
                                         .session = session,
                                         .seq = entry->seq,
                                         .event = event,
                                         .time_ms = entry->time_ms,
                                         .message_id = entry->message_id,
                                         .sender = entry->sender,
                                         .data = data,
                                         .end_of_window = end_of_window,
                                         .check = check,
                                         .attended = attended } };
    s_send (office, peer, &record);
    metric_add (POSTOFFICE_DELIVERIES, (int64_t) endpoints.count);
}

static uint64_t
s_event_for (const endpoint_t *endpoint, const stored_entry_t *entry, bool replay)
{
    audience_t audience = audience_of (entry, &(listener_t){ .role = endpoint->role,
                                                             .dialect = endpoint->dialect,
                                                             .user = endpoint->user,
                                                             .may = endpoint->may,
                                                             .replay = replay });
    return audience.way == AUDIENCE_DELIVER ? audience.event : 0;
}

#define INFORMED_MAX (VISITOR_INFO_MAX + 20)

//  A visitor comes: agents whose client can show it are told what is known of the visitor. That is
//  not in the log, but with the participant, so that it is kept once.
static bool
s_is_informed (const endpoint_t *endpoint, const stored_entry_t *entry)
{
    return entry->event == EVENT_USER_JOINED && entry->role == ROLE_VISITOR
           && endpoint->role == ROLE_AGENT && endpoint->dialect == DIALECT_RICH;
}

//  The entry's data for such an endpoint; stands in `to`.
static text_t
s_informed (const endpoint_t *endpoint, const stored_entry_t *entry, buffer_t *to)
{
    const participant_t *visitor =
        fold_participant (&endpoint->session->fold, ROLE_VISITOR, entry->user);
    buffer_clear (to);
    if (!visitor || visitor->info.size == 0)
        return entry->data;
    json_writer_t json;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_json (&json, "visitor", visitor->info);
    json_close_object (&json);
    return json_write_end (&json) == 0 ? buffer_text (to) : entry->data;
}

//  Endpoints of one edge that are told the same go into one record.
#define GROUP 64
typedef struct {
    peer_t peer;
    uint64_t event;
    bool is_informed;
    bool attended;
    text_t data;
    uint64_t ids[GROUP];
    size_t count;
} group_t;

static void
s_flush (postoffice_context_t *office, group_t *group, text_t session,
         const stored_entry_t *entry, uint64_t check)
{
    if (group->count)
        s_deliver (office, group->peer, ids_of (group->ids, group->count), session, group->event,
                   entry, check, group->data, false, group->attended);
    group->count = 0;
}

void
outbound_tell (postoffice_context_t *office, list_t *endpoints, text_t session,
               log_position_t position, const store_entry_t *row, origin_t origin)
{
    stored_entry_t entry = { .seq = position.seq,
                             .message_id = row->message_id,
                             .event = row->event,
                             .time_ms = row->time_ms,
                             .role = row->role,
                             .user = row->user,
                             .sender = row->sender,
                             .data = row->data,
                             .hidden = row->hidden };
    group_t group = { .count = 0 };
    buffer_t room;
    buffer_init (&room, INFORMED_MAX);
    for (list_t *link = endpoints->next; link != endpoints; link = link->next) {
        endpoint_t *endpoint = LIST_THING (link, endpoint_t, in_session);
        if (endpoint->state != ENDPOINT_LIVE || endpoint->cursor.seq >= entry.seq)
            continue;
        endpoint->cursor = position;
        if (endpoint->peer == origin.peer && endpoint->id == origin.endpoint) {
            endpoint->shown_seq = entry.seq;
            continue;
        }
        uint64_t event = s_event_for (endpoint, &entry, false);
        if (!event)
            continue;
        endpoint->shown_seq = entry.seq;
        bool is_informed = s_is_informed (endpoint, &entry);
        if (group.count == GROUP || group.peer != endpoint->peer || group.event != event
            || group.is_informed != is_informed)
            s_flush (office, &group, session, &entry, position.check);
        if (group.count == 0)
            group.data = is_informed ? s_informed (endpoint, &entry, &room) : entry.data;
        group.peer = endpoint->peer;
        group.event = event;
        group.is_informed = is_informed;
        group.attended = fold_is_attended (&endpoint->session->fold);
        group.ids[group.count++] = endpoint->id;
    }
    s_flush (office, &group, session, &entry, position.check);
    buffer_free (&room);
}

void
outbound_broadcast_one (postoffice_context_t *office, const endpoint_t *endpoint, text_t session,
                        const ephemeral_t *showing)
{
    if (!endpoint_may (endpoint, PERMIT_SESSION_READ)
        || (endpoint->role == ROLE_VISITOR && !showing->to_visitors)
        || (showing->only_rich && endpoint->dialect != DIALECT_RICH)
        || endpoint_is_of (endpoint, showing->except_role, showing->except_user))
        return;
    bus_record_t record = { .kind = BUS_BROADCAST,
                            .broadcast = { .endpoints = ids_of (&endpoint->id, 1),
                                           .session = session,
                                           .event = showing->event,
                                           .time_ms = clock_wall_ms (),
                                           .sender = showing->sender,
                                           .data = showing->data } };
    s_send (office, endpoint->peer, &record);
    metric_add (POSTOFFICE_BROADCASTS, 1);
}

void
outbound_broadcast (postoffice_context_t *office, list_t *endpoints, text_t session,
                    const ephemeral_t *showing)
{
    for (list_t *link = endpoints->next; link != endpoints; link = link->next) {
        endpoint_t *endpoint = LIST_THING (link, endpoint_t, in_session);
        if (endpoint->state == ENDPOINT_LIVE)
            outbound_broadcast_one (office, endpoint, session, showing);
        else if (showing->event == EVENT_STOP_TYPING)
            endpoint->settle_typing = true; //  else it would show for ever what ended meanwhile
    }
}

bool
outbound_catch_up (postoffice_context_t *office, endpoint_t *endpoint, text_t session,
                   const stored_entry_t *entries, size_t count, bool last)
{
    metric_add (POSTOFFICE_CATCH_UPS, 1);
    buffer_t room;
    buffer_init (&room, INFORMED_MAX);
    size_t final = count; //  the last one that is for it
    for (size_t at = 0; at < count; at++)
        if (entries[at].seq > endpoint->cursor.seq && s_event_for (endpoint, &entries[at], true))
            final = at;
    for (size_t at = 0; at < count; at++) {
        if (entries[at].seq <= endpoint->cursor.seq)
            continue;
        uint64_t event = s_event_for (endpoint, &entries[at], true);
        endpoint->cursor = (log_position_t){ entries[at].seq, outbound_check (&entries[at]) };
        if (!event)
            continue;
        endpoint->shown_seq = entries[at].seq;
        bool is_informed = s_is_informed (endpoint, &entries[at]);
        text_t data =
            is_informed ? s_informed (endpoint, &entries[at], &room) : entries[at].data;
        s_deliver (office, endpoint->peer, ids_of (&endpoint->id, 1), session, event,
                   &entries[at], endpoint->cursor.check, data, !last && at == final,
                   fold_is_attended (&endpoint->session->fold));
    }
    buffer_free (&room);
    return !last && final < count;
}

uint64_t
outbound_check (const stored_entry_t *entry)
{
    return log_check_of (
        &(log_mark_t){ entry->role, entry->user, entry->message_id, entry->time_ms });
}

void
outbound_truncated (postoffice_context_t *office, const endpoint_t *endpoint, text_t session,
                    uint64_t last_seq, bool is_gone)
{
    bus_record_t record = { .kind = BUS_TRUNCATED,
                            .truncated = { .endpoint = endpoint->id,
                                           .session = session,
                                           .seq = endpoint->cursor.seq,
                                           .check = endpoint->cursor.check,
                                           .last_seq = last_seq,
                                           .gone = is_gone } };
    if (is_gone || endpoint_may (endpoint, PERMIT_SESSION_READ))
        s_send (office, endpoint->peer, &record);
}

// ---------------------------------------------------------------------------------------------
//  Replies

//  Each verdict has a limit of its own: a client that is told "busy" a thousand times a second must
//  not hide that another one asks for what is not its own.
#define VERDICT(number, NAME, code, again, words)                                                \
    [VERDICT_##NAME] = { .level = LOG_INFO, .event = "refused", .about = code },
static log_limit_t s_limits[VERDICT_COUNT] = {
#include "model/verdicts.def"
};
#undef VERDICT

//  Refusals are what an operator looks for when a client complains; the granted are counted only.
static void
s_note (const operation_t *operation, text_t session)
{
    verdict_t verdict = operation->verdict;
    postoffice_verdicts[verdict]++;
    if (verdict != VERDICT_OK && verdict != VERDICT_DUPLICATE
        && log_limit_allows (&s_limits[verdict]))
        log_info ("refused", log_text ("session", session),
                  log_string ("kind", operation->change
                                          ? "REQUEST"
                                          : bus_kind_name (operation->record.kind)),
                  log_string ("verdict", verdict_code (verdict)));
}

void
reply_attach (postoffice_context_t *office, const operation_t *operation, log_position_t last,
              bool attended)
{
    const bus_attach_t *attach = &operation->record.attach;
    s_note (operation, attach->session);
    bus_record_t record = { .kind = BUS_ATTACHED,
                            .attached = { .endpoint = attach->endpoint,
                                          .session = attach->session,
                                          .verdict = operation->verdict,
                                          .reason = attach->reason,
                                          .seq = last.seq,
                                          .check = last.check,
                                          .attended = attended } };
    s_send (office, operation->peer, &record);
}

void
outbound_put_out (postoffice_context_t *office, const endpoint_t *endpoint, log_position_t last)
{
    bus_record_t record = { .kind = BUS_ATTACHED,
                            .attached = { .endpoint = endpoint->id,
                                          .session = endpoint->session->key,
                                          .verdict = VERDICT_PASSED_ON,
                                          .reason = ATTACH_REATTACH,
                                          .seq = last.seq,
                                          .check = last.check } };
    s_send (office, endpoint->peer, &record);
}

static void
s_write_control (const control_seen_t *seen, buffer_t *to)
{
    json_writer_t json;
    json_write_begin (&json, to);
    control_seen_put (seen, &json, NULL);
    int rc = json_write_end (&json);
    assert (rc == 0);
}

void
reply_post (postoffice_context_t *office, const operation_t *operation)
{
    const bus_post_t *post = &operation->record.post;
    s_note (operation, operation_session (operation));
    if (operation->of_request) {
        office->posted (office->posted_owner, operation);
        return;
    }
    char room[CONTROL_SEEN_WORDS];
    buffer_t control;
    buffer_init (&control, PROBLEM_CONTROL_MAX);
    bool is_late = operation->verdict == VERDICT_PRECONDITION && operation->seen.role;
    if (is_late)
        s_write_control (&operation->seen, &control);
    bus_record_t record = { .kind = BUS_POSTED,
                            .posted = { .request_id = post->request_id,
                                        .endpoint = post->endpoint,
                                        .session = post->session,
                                        .verdict = operation->verdict,
                                        .seq = operation->seq,
                                        .time_ms = operation->time_ms,
                                        .check = operation->check,
                                        .control = buffer_text (&control),
                                        .words = is_late ? control_seen_words (&operation->seen,
                                                                               room)
                                                         : TEXT_EMPTY } };
    s_send (office, operation->peer, &record);
    buffer_free (&control);
}

//  A visitor asks as fast as it likes, and a bot that fails does so for each question.
static void
s_note_done (const operation_t *operation)
{
    static log_limit_t late = LOG_LIMIT (LOG_INFO, "late answer refused");
    static log_limit_t failed = LOG_LIMIT (LOG_WARN, "bot gave no answer");
    static log_limit_t foreign =
        LOG_LIMIT (LOG_WARN, "outcome of an item whose topic the worker does not subscribe to");
    const bus_done_t *done = &operation->record.done;
    if (operation->verdict == VERDICT_DUPLICATE || operation->verdict == VERDICT_EXISTS
        || operation->verdict == VERDICT_NOT_IN_CONTROL
        || operation->verdict == VERDICT_PRECONDITION) {
        metric_add (POSTOFFICE_LATE_ANSWERS, 1);
        if (log_limit_allows (&late))
            log_info ("late answer refused", log_text ("session", done->session),
                      log_text ("item", done->item),
                      log_number ("outcome", (int64_t) done->outcome));
    } else if (operation->verdict == VERDICT_NOT_ALLOWED) {
        if (log_limit_allows (&foreign))
            log_warn ("outcome of an item whose topic the worker does not subscribe to",
                      log_text ("session", done->session), log_text ("item", done->item),
                      log_string ("topics", operation->topics));
    } else {
        metric_add (POSTOFFICE_WORK_DONE, 1);
        if (done->outcome != OUTCOME_ANSWERED && log_limit_allows (&failed))
            log_warn ("bot gave no answer", log_text ("session", done->session),
                      log_text ("item", done->item),
                      log_number ("outcome", (int64_t) done->outcome));
    }
}

void
reply_work (postoffice_context_t *office, const operation_t *operation)
{
    const bus_done_t *done = &operation->record.done;
    const bus_accepted_t *accepted = &operation->record.accepted;
    if (operation->is_refused)
        return; //  nobody has said it
    if (operation->kind == OPERATION_DONE) {
        s_note_done (operation);
        if (operation->of_request) {
            office->posted (office->posted_owner, operation);
            return;
        }
        bus_record_t settled = { .kind = BUS_SETTLED,
                                 .settled = { .item = done->item, .session = done->session } };
        s_send (office, operation->peer, &settled);
    } else if (operation->verdict != VERDICT_OK) {
        bus_record_t cancel = {
            .kind = BUS_CANCEL, .cancel = { .item = accepted->item, .session = accepted->session }
        };
        s_send (office, operation->peer, &cancel);
    }
}

void
reply_refused (postoffice_context_t *office, operation_t *operation, verdict_t verdict)
{
    operation->verdict = verdict;
    if (operation->kind == OPERATION_ATTACH)
        reply_attach (office, operation, (log_position_t){ 0 }, false);
    else if (operation->kind == OPERATION_POST || operation->kind == OPERATION_CHANGE)
        reply_post (office, operation);
    else if (operation->kind == OPERATION_DONE && operation->of_request)
        office->posted (office->posted_owner, operation);
}
