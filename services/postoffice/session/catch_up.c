#include "session/catch_up.h"

#include "session/outbound.h"
#include "session/presence.h"
#include "session/schedule.h"

// ---------------------------------------------------------------------------------------------
//  What an endpoint missed

static void s_on_read (void *owner, uint64_t request_id, store_outcome_t outcome,
                       const stored_entry_t *entries, size_t count);

static bool
s_has_reached (const endpoint_t *endpoint, uint64_t seq)
{
    return endpoint->state == ENDPOINT_LIVE || endpoint->cursor >= seq;
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
    list_append (&endpoint->held, &held->place);
}

static void
s_go_live (session_t *self, endpoint_t *endpoint)
{
    endpoint->state = ENDPOINT_LIVE;
    s_answer_held (self, endpoint);
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

//  Live when there is nothing between the endpoint and the end of the log, else reads on.
static void
s_catch_up (session_t *self, endpoint_t *endpoint)
{
    if (endpoint->cursor >= self->published_seq) {
        s_go_live (self, endpoint);
        return;
    }
    endpoint->state = ENDPOINT_READING;
    if (store_read (self->office->store, self->key, self->fold.day, endpoint->cursor,
                    CATCH_UP_ENTRIES, CATCH_UP_BYTES, endpoint->serial, s_on_read, self)
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
    bool last = count == 0 || entries[count - 1].seq >= self->published_seq;
    if (count == 0) //  the rest is not there any more: retention took it
        endpoint->cursor = self->published_seq;
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
            endpoint->state == ENDPOINT_LIVE && endpoint->cursor < self->published_seq;
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

static uint64_t
s_first_cursor (session_t *self, endpoint_t *endpoint, const operation_t *operation)
{
    const bus_attach_t *attach = &operation->record.attach;
    if (attach->reason == ATTACH_JOIN && attach->dialect == DIALECT_WIDGET
        && attach->role == ROLE_AGENT)
        return 0;
    if (operation->opened || (attach->reason == ATTACH_JOIN && attach->dialect == DIALECT_RICH))
        return self->published_seq;
    if ((attach->reason == ATTACH_REATTACH || attach->reason == ATTACH_RESUME)
        && attach->seq != SEQ_UNKNOWN)
        return s_at_most (attach->seq, self->published_seq);
    uint64_t known = s_known_to_have (self, endpoint);
    //  Forgotten in a crash: all of it again is harmless to a widget, none of it is a loss.
    bool was_here = attach->role == ROLE_VISITOR || attach->reason == ATTACH_SILENT;
    if (known == SEQ_UNKNOWN && attach->dialect == DIALECT_WIDGET && was_here)
        return 0;
    return s_at_most (known, self->published_seq);
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
    reply_attach (self->office, operation, self->published_seq);
    //  A visitor's page that says `user joined` twice on one connection has missed nothing.
    if (again && !(attach->role == ROLE_AGENT && attach->reason == ATTACH_JOIN)
        && attach->reason != ATTACH_RESUME)
        return;
    //  A part that is being read for it continues from where it was, not from where it begins now.
    endpoint_renew (endpoint);
    endpoint->cursor = s_first_cursor (self, endpoint, operation);
    //  What the client is known to have. That its edge has written something to it says nothing:
    //  after a reattach it is what was known before, or nothing until a RECEIPT or the DETACH
    //  tells.
    if (endpoint->dialect == DIALECT_WIDGET) {
        uint64_t known = endpoint->cursor;
        if (attach->reason == ATTACH_REATTACH)
            known = s_known_to_have (self, endpoint);
        endpoint->received_seq = known == SEQ_UNKNOWN ? 0 : s_at_most (known, endpoint->cursor);
    }
    endpoint->settle_typing = !operation->opened && attach->reason != ATTACH_REATTACH;
    s_catch_up (self, endpoint);
}
