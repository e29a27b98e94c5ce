#include "session/presence.h"

#include "session/company.h"
#include "session/outbound.h"
#include "base/clock.h"
#include "model/session_key.h"
#include "session/schedule.h"
#include "tables/postoffice_metrics.h"

//  A participant without an endpoint has the grace period to come back. One with a channel is there
//  all the same.
static void
s_begin_grace (session_t *self, participant_t *participant)
{
    if (!participant->present || participant->channel.size > 0
        || !list_is_empty (&participant->absent)
        || session_has_other_endpoint (self, participant->role, participant->user, NULL))
        return;
    schedule_await (self->office->schedule, participant);
}

bool
presence_needs_host (const session_t *self)
{
    const list_t *queue = &self->queue;
    bool needs_host = self->endpoint_count > 0;
    for (const list_t *link = queue->next; !needs_host && link != queue; link = link->next)
        needs_host = LIST_THING (link, operation_t, place)->kind == OPERATION_ATTACH;
    return needs_host;
}

bool
presence_is_left (const session_t *self)
{
    bool is_left = self->endpoint_count == 0;
    const list_t *participants = &self->fold.participants;
    for (const list_t *link = participants->next; is_left && link != participants;
         link = link->next) {
        const participant_t *participant = LIST_THING (link, participant_t, in_fold);
        is_left = !participant->present || participant->channel.size > 0;
    }
    return is_left;
}

//  Is it asked already that this participant be said to have left?
static bool
s_is_given_up (const session_t *self, const participant_t *participant)
{
    const list_t *queue = &self->queue;
    for (const list_t *link = queue->next; link != queue; link = link->next) {
        const operation_t *operation = LIST_THING (link, operation_t, place);
        if (operation->kind == OPERATION_ABSENT && operation->role == participant->role
            && text_is (operation->user, participant->user))
            return true;
    }
    return false;
}

void
presence_loaded (session_t *self, uint64_t host)
{
    bool is_ours = host == self->office->rules.writer;
    if (!self->fold.exists || (!is_ours && !self->load_hosts)) {
        presence_resign (self);
        return;
    }
    bool is_new = !is_ours || !self->host_since_us;
    if (is_new)
        session_set_host (self, false); //  what was found out before counts no more
    session_set_host (self, true);
    company_loaded (self, is_new);
    list_t *participants = &self->fold.participants;
    for (list_t *link = participants->next; link != participants; link = link->next) {
        participant_t *participant = LIST_THING (link, participant_t, in_fold);
        if (is_new)
            list_remove (&participant->absent);
        if (is_new || !s_is_given_up (self, participant))
            s_begin_grace (self, participant);
    }
    //  Nobody is here. A postoffice that has endpoints all the same, and does not know that it is
    //  the host no more, loads the session when it hears of this, and is the host again.
    if (is_new && !presence_needs_host (self) && !presence_is_left (self)
        && store_notify (self->office->store, NOTIFY_MOVED, self->key) != 0) {
        presence_resign (self);
        self->wanted = true; //  when the store is ready again, or the maintenance names it again
    }
}

void
presence_resign (session_t *self)
{
    session_set_host (self, false);
    company_resign (self);
    list_t *participants = &self->fold.participants;
    for (list_t *link = participants->next; link != participants; link = link->next)
        list_remove (&LIST_THING (link, participant_t, in_fold)->absent);
}

static void
s_broadcast_typing (session_t *self, participant_t *participant, bool typing)
{
    participant->typing = typing;
    outbound_broadcast (self->office, &self->endpoints, self->key,
                        &(ephemeral_t){ .event = typing ? EVENT_TYPING : EVENT_STOP_TYPING,
                                        .sender = participant->sender,
                                        .data = TEXT_EMPTY,
                                        .to_visitors = participant->role == ROLE_AGENT
                                                       || participant->role == ROLE_PLATFORM,
                                        .except_role = participant->role,
                                        .except_user = participant->user });
}

//  The visitor writes, and a platform has control: its worker is told, now and then.
#define NOTICE_EVERY_MS 4000

static void
s_tell_platform (session_t *self, const participant_t *participant)
{
    const fold_t *fold = &self->fold;
    uint64_t now = clock_mono_ms ();
    const participant_t *platform = fold_participant (fold, ROLE_PLATFORM, fold->control_user);
    if (participant->role != ROLE_VISITOR || fold->control_role != ROLE_PLATFORM || !platform
        || (self->noticed_ms > 0 && now - self->noticed_ms < NOTICE_EVERY_MS))
        return;
    self->noticed_ms = now;
    workers_notice (self->office->workers, &(bus_notice_t){ .topic = platform->channel,
                                                            .app = fold->app,
                                                            .session = session_key_id (self->key),
                                                            .external_id = platform->external_id,
                                                            .event = EVENT_TYPING });
}

//  Destroys the endpoint. What its client is known to have is remembered for when it comes back.
static participant_t *
s_part (session_t *self, endpoint_t *endpoint, bool moved)
{
    participant_t *participant = fold_participant (&self->fold, endpoint->role, endpoint->user);
    uint64_t received_seq =
        endpoint->dialect == DIALECT_WIDGET ? endpoint->received_seq : SEQ_UNKNOWN;
    endpoint_destroy (&endpoint);
    self->endpoint_count--;
    if (!participant)
        return NULL;
    if (received_seq != SEQ_UNKNOWN
        && (participant->received_seq == SEQ_UNKNOWN || participant->received_seq > received_seq)) {
        participant->received_seq = received_seq;
        participant->is_unstored = true;
    }
    company_departed (self, participant, moved);
    return participant;
}

void
presence_lose (session_t *self, endpoint_t *endpoint)
{
    participant_t *participant = s_part (self, endpoint, false);
    if (participant) {
        s_begin_grace (self, participant);
        if (participant->typing && !list_is_empty (&participant->absent))
            s_broadcast_typing (self, participant, false);
    }
    schedule_consider_idle (self->office->schedule, self);
}

void
presence_hand_over (session_t *self, endpoint_t *endpoint)
{
    (void) s_part (self, endpoint, true);
    if (self->endpoint_count == 0) {
        presence_resign (self);
        self->stale = true; //  what is written there is not told here
    }
    schedule_consider_idle (self->office->schedule, self);
}

void
presence_put_out (session_t *self, const participant_t *participant)
{
    for (list_t *link = self->endpoints.next, *next; link != &self->endpoints; link = next) {
        endpoint_t *endpoint = LIST_THING (link, endpoint_t, in_session);
        next = link->next;
        if (!endpoint_is_of (endpoint, participant->role, participant->user))
            continue;
        outbound_put_out (self->office, endpoint, self->published);
        presence_lose (self, endpoint);
    }
}

void
presence_put_all_out (session_t *self)
{
    const list_t *participants = &self->fold.participants;
    for (const list_t *link = participants->next; link != participants; link = link->next) {
        const participant_t *participant = LIST_THING (link, participant_t, in_fold);
        if (participant->is_out)
            presence_put_out (self, participant);
    }
}

void
presence_receipt (endpoint_t *endpoint, uint64_t seq, uint64_t read_seq)
{
    if (seq == 0)
        endpoint->awaits_receipt = false;
    if (seq == 0 || endpoint->awaits_receipt)
        return;
    if (seq <= endpoint->session->published.seq
        && (endpoint->received_seq == SEQ_UNKNOWN || endpoint->received_seq < seq))
        endpoint->received_seq = seq;
    company_received (endpoint, seq, read_seq);
}

void
presence_signal (endpoint_t *endpoint, const bus_signal_t *signal)
{
    session_t *self = endpoint->session;
    participant_t *participant = fold_participant (&self->fold, endpoint->role, endpoint->user);
    if (!participant || endpoint->state == ENDPOINT_ATTACHING
        || !endpoint_may (endpoint, PERMIT_MESSAGE_POST)
        || (signal->event != EVENT_TYPING && signal->event != EVENT_STOP_TYPING))
        return;
    if (endpoint->role == ROLE_AGENT && !fold_controls (&self->fold, ROLE_AGENT, endpoint->user))
        return;
    s_broadcast_typing (self, participant, signal->event == EVENT_TYPING);
    if (signal->event == EVENT_TYPING)
        s_tell_platform (self, participant);
}

void
presence_type (session_t *self, uint64_t role, text_t user, bool is_on)
{
    participant_t *participant = fold_participant (&self->fold, role, user);
    bool is_heard = role != ROLE_PLATFORM || fold_controls (&self->fold, role, user) || !is_on;
    if (!participant || !participant->present || !is_heard)
        return;
    s_broadcast_typing (self, participant, is_on);
    if (is_on)
        s_tell_platform (self, participant);
}

// ---------------------------------------------------------------------------------------------
//  The bot's signs of life

static void
s_broadcast_bot (session_t *self, event_t event, text_t data)
{
    outbound_broadcast (self->office, &self->endpoints, self->key,
                        &(ephemeral_t){ .event = event,
                                        .sender = session_bot_sender (self),
                                        .data = data,
                                        .to_visitors = true,
                                        .only_rich = event == EVENT_PART,
                                        .except_user = TEXT_EMPTY });
}

void
presence_end_bot_typing (session_t *self)
{
    if (self->bot_typing)
        s_broadcast_bot (self, EVENT_STOP_TYPING, TEXT_EMPTY);
    self->bot_typing = false;
}

bool
presence_may_show (const session_t *self, const turn_t *turn, event_t event)
{
    bool is_known = self->state == SESSION_READY || self->state == SESSION_COMMITTING;
    //  A take-over ends the turns of the one before; should one be left open, it has no say.
    if (!is_known || !turn || self->fold.control_role != ROLE_BOT)
        return false;
    if (event == EVENT_TYPING || event == EVENT_STOP_TYPING)
        return true;
    return !self->stale && !self->split_hosting.is_shared && !self->office->is_deaf;
}

//  Two workers may be at one turn for a moment: each has its own half of an answer.
static bool
s_has_turn (const turn_t *turn, peer_t worker)
{
    return turn->state == TURN_ACCEPTED && turn->worker == worker;
}

void
presence_progress (session_t *self, peer_t worker, const bus_progress_t *progress,
                   const char *topics)
{
    const turn_t *turn = fold_turn (&self->fold, progress->item);
    bool is_part = progress->event == EVENT_PART;
    if (!presence_may_show (self, turn, (event_t) progress->event) || !turn_is_of (turn, topics)
        || (is_part && !s_has_turn (turn, worker))) {
        metric_add (POSTOFFICE_PARTS_REFUSED, is_part);
        return;
    }
    if (progress->event == EVENT_STOP_TYPING) {
        presence_end_bot_typing (self);
        return;
    }
    if (!is_part && progress->event != EVENT_TYPING && progress->event != EVENT_RETRY_NOTICE)
        return;
    if (!is_part)
        self->bot_typing = progress->event == EVENT_TYPING; //  a failure ends it by itself
    metric_add (POSTOFFICE_PARTS_SHOWN, is_part);
    s_broadcast_bot (self, (event_t) progress->event, progress->data);
}
