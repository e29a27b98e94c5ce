#include "session/catch_up.h"

#include "session/company.h"
#include "session/outbound.h"
#include "session/presence.h"
#include "session/schedule.h"
#include "session/truncation.h"

// ---------------------------------------------------------------------------------------------
//  What an endpoint missed

static void s_on_read (void *owner, uint64_t request_id, store_outcome_t outcome,
                       const stored_entry_t *entries, size_t count);

static bool
s_has_reached (const endpoint_t *endpoint, uint64_t seq)
{
    return endpoint->state == ENDPOINT_LIVE || endpoint->cursor.seq >= seq;
}

static void
s_answer_held (session_t *self, endpoint_t *endpoint)
{
    list_t *link;
    while ((link = list_first (&endpoint->held))) {
        operation_t *operation = LIST_THING (link, operation_t, place);
        if (!s_has_reached (endpoint, operation->seq))
            return;
        reply_post (self->office, operation);
        operation_destroy (&operation);
    }
}

void
catch_up_answer_post (session_t *self, const operation_t *operation)
{
    bus_record_t record = operation->record;
    endpoint_t *endpoint = session_endpoint (self, operation->peer, record.post.endpoint);
    if (!endpoint || s_has_reached (endpoint, operation->seq)) {
        reply_post (self->office, operation);
        return;
    }
    //  How many there can be, the edge's limit of posts in flight says.
    record.post.data = record.post.secret = record.post.sender = TEXT_EMPTY;
    operation_t *held = operation_of_record (operation->peer, &record);
    held->verdict = operation->verdict;
    held->seq = operation->seq;
    held->time_ms = operation->time_ms;
    held->check = operation->check;
    held->seen = operation->seen;
    list_append (&endpoint->held, &held->place);
}

static void
s_go_live (session_t *self, endpoint_t *endpoint)
{
    endpoint->state = ENDPOINT_LIVE;
    s_answer_held (self, endpoint);
    if (endpoint->settle_company)
        company_introduce (endpoint);
    if (!endpoint->settle_typing)
        return;
    endpoint->settle_typing = false;
    outbound_broadcast_one (
        self->office, endpoint, self->key,
        &(ephemeral_t){ .event = self->bot_typing ? EVENT_TYPING : EVENT_STOP_TYPING,
                        .sender = session_bot_sender (self),
                        .data = TEXT_EMPTY,
                        .to_visitors = true,
                        .except_user = TEXT_EMPTY });
}

//  Compares what the endpoint has with what the fold knows: another entry there, or an end before
//  it, and what is not common is sent again. What the fold does not know is read. One that was
//  compared may be ahead of what was published: a read brings what another postoffice has just
//  written.
static void
s_compare (session_t *self, endpoint_t *endpoint)
{
    log_position_t cursor = endpoint->cursor;
    uint64_t check = recent_ids_check (&self->fold.recent, cursor.seq);
    if (endpoint->is_compared)
        return;
    if (cursor.seq > self->published.seq || log_check_differs (cursor.check, check))
        truncation_tell (self, endpoint, truncation_common_seq (self, cursor));
    endpoint->is_compared = !cursor.check || check == cursor.check || endpoint->is_compared;
}

//  Live when there is nothing between the endpoint and the end of the log, else reads on. An entry
//  that is to be compared is the first that is read.
static void
s_catch_up (session_t *self, endpoint_t *endpoint)
{
    s_compare (self, endpoint);
    uint64_t seq = endpoint->cursor.seq;
    if (seq >= self->published.seq) {
        s_go_live (self, endpoint);
        return;
    }
    endpoint->state = ENDPOINT_READING;
    if (store_read (self->office->store, self->key, self->fold.day,
                    endpoint->is_compared ? seq : seq - 1, CATCH_UP_ENTRIES, CATCH_UP_BYTES,
                    endpoint->serial, s_on_read, self)
        == 0)
        self->reads++;
    else {
        //  The store cannot be asked now: another turn of the session will.
        endpoint->state = ENDPOINT_LAGGING;
        schedule_retry (self->office->schedule, self);
    }
}

static void
s_on_read (void *owner, uint64_t request_id, store_outcome_t outcome,
           const stored_entry_t *entries, size_t count)
{
    session_t *self = owner;
    self->reads--;
    endpoint_t *endpoint = NULL; //  gone, or its serial is another by now
    for (list_t *link = self->endpoints.next; link != &self->endpoints && !endpoint;
         link = link->next)
        if (LIST_THING (link, endpoint_t, in_session)->serial == request_id)
            endpoint = LIST_THING (link, endpoint_t, in_session);
    if (!endpoint || endpoint->state != ENDPOINT_READING) {
        schedule_consider_idle (self->office->schedule, self);
        return;
    }
    if (outcome != STORED) {
        endpoint->state = ENDPOINT_LAGGING;
        schedule_retry (self->office->schedule, self);
        return;
    }
    bool is_there = endpoint->is_compared
                    || (count > 0 && entries[0].seq == endpoint->cursor.seq
                        && outbound_check (&entries[0]) == endpoint->cursor.check);
    if (!is_there) {
        truncation_tell (self, endpoint, truncation_common_seq (self, endpoint->cursor));
        s_catch_up (self, endpoint);
        return;
    }
    endpoint->is_compared = true;
    bool last = count == 0 || entries[count - 1].seq >= self->published.seq;
    if (count == 0) //  the rest is not there any more: retention took it
        endpoint->cursor = self->published;
    bool paused = outbound_catch_up (self->office, endpoint, self->key, entries, count, last);
    s_answer_held (self, endpoint);
    if (paused)
        endpoint->state = ENDPOINT_PAUSED;
    else
        s_catch_up (self, endpoint);
}

void
catch_up_next_window (endpoint_t *endpoint)
{
    if (endpoint->state == ENDPOINT_PAUSED)
        s_catch_up (endpoint->session, endpoint);
}

//  Those whom somebody else's entries have passed by, and those whose read has failed.
void
catch_up_all (session_t *self)
{
    for (list_t *link = self->endpoints.next; link != &self->endpoints; link = link->next) {
        endpoint_t *endpoint = LIST_THING (link, endpoint_t, in_session);
        bool passed_by =
            endpoint->state == ENDPOINT_LIVE && endpoint->cursor.seq < self->published.seq;
        if (passed_by || endpoint->state == ENDPOINT_LAGGING)
            s_catch_up (self, endpoint);
    }
}

// ---------------------------------------------------------------------------------------------
//  Coming in

//  What the postoffice knows of what the participant's clients have: the least of what those that
//  are here, and those that went, are known to have received. Too much is harmless (the widget
//  knows an entry by its time), too little is a loss.
static uint64_t
s_known_to_have (session_t *self, endpoint_t *but)
{
    participant_t *participant = fold_participant (&self->fold, but->role, but->user);
    uint64_t least = participant ? participant->received_seq : SEQ_UNKNOWN;
    if (participant)
        participant->received_seq = SEQ_UNKNOWN; //  from here on the endpoint itself carries it
    for (list_t *link = self->endpoints.next; link != &self->endpoints; link = link->next) {
        const endpoint_t *endpoint = LIST_THING (link, endpoint_t, in_session);
        if (endpoint != but && endpoint_is_of (endpoint, but->role, but->user)
            && endpoint->received_seq < least)
            least = endpoint->received_seq;
    }
    return least;
}

static uint64_t
s_at_most (uint64_t seq, uint64_t most)
{
    return seq < most ? seq : most;
}

//  What it has of the log, by our own word.
static uint64_t
s_first_seq (session_t *self, endpoint_t *endpoint, const operation_t *operation)
{
    const bus_attach_t *attach = &operation->record.attach;
    if (attach->reason == ATTACH_JOIN && attach->dialect == DIALECT_WIDGET
        && attach->role == ROLE_AGENT)
        return 0;
    if (operation->opened || (attach->reason == ATTACH_JOIN && attach->dialect == DIALECT_RICH))
        return self->published.seq;
    uint64_t known = s_known_to_have (self, endpoint);
    //  Forgotten in a crash: all of it again is harmless to a widget, none of it is a loss.
    bool was_here = attach->role == ROLE_VISITOR || attach->reason == ATTACH_SILENT;
    if (known == SEQ_UNKNOWN && attach->dialect == DIALECT_WIDGET && was_here)
        return 0;
    return s_at_most (known, self->published.seq);
}

//  By the word of its edge or client, if it says so, and that is to be compared with the log.
static void
s_begin (session_t *self, endpoint_t *endpoint, const operation_t *operation)
{
    const bus_attach_t *attach = &operation->record.attach;
    bool is_told = (attach->reason == ATTACH_REATTACH || attach->reason == ATTACH_RESUME)
                   && attach->seq != SEQ_UNKNOWN && (attach->seq > 0 || !operation->opened);
    uint64_t seq = is_told ? attach->seq : s_first_seq (self, endpoint, operation);
    uint64_t check = is_told ? attach->check : recent_ids_check (&self->fold.recent, seq);
    endpoint->cursor = (log_position_t){ seq, seq > 0 ? check : 0 };
    endpoint->shown_seq = seq;
    endpoint->is_compared = !is_told;
}

//  The ATTACH is committed: the endpoint is in.
void
catch_up_attached (session_t *self, const operation_t *operation)
{
    const bus_attach_t *attach = &operation->record.attach;
    endpoint_t *endpoint = session_endpoint (self, operation->peer, attach->endpoint);
    if (!endpoint)
        return;
    bool again = endpoint->state != ENDPOINT_ATTACHING;
    reply_attach (self->office, operation, self->published, fold_is_attended (&self->fold));
    //  A visitor's page that says `user joined` twice on one connection has missed nothing. An edge
    //  that attaches again answers no part of the log that was sent before.
    bool is_lagging = attach->reason == ATTACH_REATTACH && endpoint->state != ENDPOINT_LIVE;
    if (again && !(attach->role == ROLE_AGENT && attach->reason == ATTACH_JOIN)
        && attach->reason != ATTACH_RESUME && !is_lagging)
        return;
    //  A part that is being read for it continues from where it was, not from where it begins now.
    endpoint_renew (endpoint);
    s_begin (self, endpoint, operation);
    //  What the client is known to have. That its edge has written something to it says nothing:
    //  after a reattach it is what was known before, or nothing until a RECEIPT or the DETACH
    //  tells.
    if (endpoint->dialect == DIALECT_WIDGET) {
        uint64_t known = endpoint->cursor.seq;
        if (attach->reason == ATTACH_REATTACH)
            known = s_known_to_have (self, endpoint);
        endpoint->received_seq =
            known == SEQ_UNKNOWN ? 0 : s_at_most (known, endpoint->cursor.seq);
    }
    endpoint->settle_typing = !operation->opened && attach->reason != ATTACH_REATTACH;
    endpoint->settle_company = true;
    s_catch_up (self, endpoint);
    //  What a rich client says that it has; it may have to be told that the log has less.
    if (attach->reason == ATTACH_RESUME && endpoint->dialect == DIALECT_RICH)
        company_received (endpoint, s_at_most (attach->seq, endpoint->cursor.seq), 0);
}
