#include "session/company.h"

#include "base/clock.h"
#include "json/json_write.h"
#include "session/feed.h"
#include "session/outbound.h"
#include "session/schedule.h"

#include <assert.h>

//  What one participant has received and read is stored this often at most while it is connected,
//  and when it goes.
#define STORE_EVERY_MS 10000

static uint64_t
s_at_most (uint64_t seq, uint64_t most)
{
    return seq < most ? seq : most;
}

// ---------------------------------------------------------------------------------------------
//  Telling

//  Is the endpoint told of this participant?
static bool
s_is_for (const endpoint_t *endpoint, const participant_t *participant)
{
    const fold_t *fold = &endpoint->session->fold;
    if (endpoint->dialect != DIALECT_RICH || !endpoint_may (endpoint, PERMIT_SESSION_READ)
        || endpoint_is_of (endpoint, participant->role, participant->user))
        return false;
    return endpoint->role == ROLE_AGENT
           || (participant->role == ROLE_AGENT
               && fold_controls (fold, ROLE_AGENT, participant->user));
}

//  As the endpoint may know it.
static uint64_t
s_seen_by (const endpoint_t *endpoint, uint64_t seq)
{
    return endpoint->role == ROLE_VISITOR ? s_at_most (seq, endpoint->shown_seq) : seq;
}

static void
s_put_receipt (json_writer_t *json, uint64_t delivered_seq, uint64_t read_seq)
{
    if (delivered_seq > 0)
        json_put_number (json, "deliveredSeq", delivered_seq);
    if (read_seq > 0)
        json_put_number (json, "readSeq", read_seq);
}

static void
s_put_who (json_writer_t *json, const participant_t *participant)
{
    json_put_string (json, "role", role_name (participant->role));
    json_put_text (json, "userId", participant->user);
}

static void
s_tell (const endpoint_t *endpoint, const participant_t *participant, event_t event)
{
    buffer_t data;
    json_writer_t json;
    buffer_init (&data, COMPANY_ITEM_MOST);
    json_write_begin (&json, &data);
    json_open_object (&json, NULL);
    s_put_who (&json, participant);
    if (event == EVENT_PRESENCE)
        json_put_bool (&json, "connected", participant->contact == CONTACT_CONNECTED);
    s_put_receipt (&json, s_seen_by (endpoint, participant->delivered_seq),
                   s_seen_by (endpoint, participant->read_seq));
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    outbound_broadcast_one (endpoint->session->office, endpoint, endpoint->session->key,
                            &(ephemeral_t){ .event = event,
                                            .sender = participant->sender,
                                            .data = buffer_text (&data),
                                            .to_visitors = true,
                                            .except_user = TEXT_EMPTY });
    buffer_free (&data);
}

void
company_introduce (endpoint_t *endpoint)
{
    endpoint->settle_company = false;
    const list_t *participants = &endpoint->session->fold.participants;
    for (list_t *link = participants->next; link != participants; link = link->next) {
        const participant_t *participant = LIST_THING (link, participant_t, in_fold);
        if (participant->present && participant->contact != CONTACT_UNKNOWN
            && s_is_for (endpoint, participant))
            s_tell (endpoint, participant, EVENT_PRESENCE);
    }
}

//  Those who catch up are told when they have.
static void
s_tell_presence (session_t *self, const participant_t *participant)
{
    feed_note (self);
    for (list_t *link = self->endpoints.next; link != &self->endpoints; link = link->next) {
        endpoint_t *endpoint = LIST_THING (link, endpoint_t, in_session);
        if (endpoint->state != ENDPOINT_LIVE)
            endpoint->settle_company = true;
        else if (s_is_for (endpoint, participant))
            s_tell (endpoint, participant, EVENT_PRESENCE);
    }
}

//  Of what it knew already an endpoint is told nothing: a visitor would know by it that something
//  was read that it was not shown.
static void
s_tell_receipt (session_t *self, const participant_t *participant, uint64_t was_delivered,
                uint64_t was_read)
{
    for (list_t *link = self->endpoints.next; link != &self->endpoints; link = link->next) {
        endpoint_t *endpoint = LIST_THING (link, endpoint_t, in_session);
        if (!s_is_for (endpoint, participant))
            continue;
        bool is_news = s_seen_by (endpoint, was_read) != s_seen_by (endpoint, participant->read_seq)
                       || s_seen_by (endpoint, was_delivered)
                              != s_seen_by (endpoint, participant->delivered_seq);
        if (endpoint->state != ENDPOINT_LIVE)
            endpoint->settle_company = true;
        else if (is_news)
            s_tell (endpoint, participant, EVENT_RECEIPT);
    }
}

// ---------------------------------------------------------------------------------------------
//  Who is connected

static void
s_set_contact (session_t *self, participant_t *participant, contact_t contact)
{
    list_remove (&participant->unsettled);
    if (participant->contact == contact)
        return;
    participant->contact = contact;
    if (participant->present || participant->is_out)
        s_tell_presence (self, participant);
}

void
company_arrived (endpoint_t *endpoint)
{
    session_t *self = endpoint->session;
    participant_t *participant = fold_participant (&self->fold, endpoint->role, endpoint->user);
    if (participant)
        s_set_contact (self, participant, CONTACT_CONNECTED);
}

static void
s_store (session_t *self, participant_t *participant)
{
    participant->stored_ms = clock_mono_ms ();
    participant->is_unstored = false;
    store_receipt (self->office->store, self->key, participant->role, participant->user,
                   &(store_receipt_t){ .received_seq = participant->received_seq,
                                       .delivered_seq = participant->delivered_seq,
                                       .read_seq = participant->read_seq });
}

void
company_departed (session_t *self, participant_t *participant, bool moved)
{
    if (participant->is_unstored)
        s_store (self, participant);
    if (session_has_other_endpoint (self, participant->role, participant->user, NULL))
        return;
    if (moved)
        participant->contact = CONTACT_UNKNOWN;
    else if (participant->contact == CONTACT_CONNECTED)
        s_set_contact (self, participant, CONTACT_AWAY);
}

void
company_loaded (session_t *self, bool is_new)
{
    list_t *participants = &self->fold.participants;
    for (list_t *link = participants->next; link != participants; link = link->next) {
        participant_t *participant = LIST_THING (link, participant_t, in_fold);
        if (session_has_other_endpoint (self, participant->role, participant->user, NULL)) {
            participant->contact = CONTACT_CONNECTED;
            list_remove (&participant->unsettled);
            continue;
        }
        if (is_new)
            participant->contact = CONTACT_UNKNOWN;
        if (participant->present && participant->channel.size == 0
            && participant->contact == CONTACT_UNKNOWN && list_is_empty (&participant->unsettled))
            schedule_settle (self->office->schedule, participant);
    }
}

void
company_inherit (participant_t *participant, participant_t *earlier, bool is_received)
{
    if (is_received) {
        participant->received_seq = earlier->received_seq;
        participant->delivered_seq = earlier->delivered_seq;
        participant->read_seq = earlier->read_seq;
        participant->is_unstored = earlier->is_unstored;
    }
    participant->stored_ms = earlier->stored_ms;
    participant->contact = earlier->contact;
    if (list_is_empty (&earlier->unsettled))
        return;
    participant->unsettled_since_ms = earlier->unsettled_since_ms;
    list_append (&earlier->unsettled, &participant->unsettled); //  at its place
}

void
company_resign (session_t *self)
{
    list_t *participants = &self->fold.participants;
    for (list_t *link = participants->next; link != participants; link = link->next) {
        participant_t *participant = LIST_THING (link, participant_t, in_fold);
        list_remove (&participant->unsettled);
        participant->contact = CONTACT_UNKNOWN;
    }
}

void
company_settled (participant_t *participant)
{
    if (participant->contact == CONTACT_UNKNOWN)
        s_set_contact (participant->owner, participant, CONTACT_AWAY);
}

// ---------------------------------------------------------------------------------------------
//  What was received and read

static void
s_rise (session_t *self, participant_t *participant, uint64_t delivered_seq, uint64_t read_seq)
{
    uint64_t most = self->published.seq;
    uint64_t was_delivered = participant->delivered_seq, was_read = participant->read_seq;
    read_seq = s_at_most (read_seq, most);
    delivered_seq = s_at_most (delivered_seq > read_seq ? delivered_seq : read_seq, most);
    if (delivered_seq <= was_delivered && read_seq <= was_read)
        return;
    if (delivered_seq > was_delivered)
        participant->delivered_seq = delivered_seq;
    if (read_seq > was_read)
        participant->read_seq = read_seq;
    participant->is_unstored = true;
    s_tell_receipt (self, participant, was_delivered, was_read);
    if (read_seq > was_read && clock_mono_ms () - participant->stored_ms >= STORE_EVERY_MS)
        s_store (self, participant);
}

void
company_received (endpoint_t *endpoint, uint64_t seq, uint64_t read_seq)
{
    session_t *self = endpoint->session;
    participant_t *participant = fold_participant (&self->fold, endpoint->role, endpoint->user);
    if (participant)
        s_rise (self, participant, seq == SEQ_UNKNOWN ? 0 : seq, read_seq);
}

uint64_t
company_read (session_t *self, participant_t *participant, uint64_t seq)
{
    s_rise (self, participant, 0, seq);
    if (participant->is_unstored)
        s_store (self, participant);
    return participant->read_seq;
}

// ---------------------------------------------------------------------------------------------
//  For the API

void
company_write (const session_t *self, buffer_t *to)
{
    size_t items = 0;
    json_writer_t json;
    json_write_begin (&json, to);
    json_open_array (&json, NULL);
    const list_t *participants = &self->fold.participants;
    for (list_t *link = participants->next; link != participants; link = link->next) {
        const participant_t *participant = LIST_THING (link, participant_t, in_fold);
        bool is_known = participant->contact == CONTACT_CONNECTED || participant->delivered_seq > 0;
        if (!is_known || ++items > COMPANY_ITEMS_MOST)
            continue;
        json_open_object (&json, NULL);
        s_put_who (&json, participant);
        json_put_bool (&json, "connected", participant->contact == CONTACT_CONNECTED);
        s_put_receipt (&json, participant->delivered_seq, participant->read_seq);
        json_close_object (&json);
    }
    json_close_array (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
}
