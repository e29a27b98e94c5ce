#include "session/apply.h"

#include "base/clock.h"
#include "session/presence.h"
#include "session/edges.h"
#include "session/schedule.h"

//  Finds or makes the endpoint of an ATTACH that was granted.
static void
s_admit_endpoint (session_t *self, operation_t *operation)
{
    const bus_attach_t *attach = &operation->record.attach;
    if (!session_endpoint (self, operation->peer, attach->endpoint)) {
        endpoint_t *endpoint = endpoint_new (self, operation->peer, attach);
        list_append (&self->endpoints, &endpoint->in_session);
        self->endpoint_count++;
        if (!edges_file (self->office->edges, endpoint)) {
            //  Its edge is gone meanwhile. When it was sent away, it is at another postoffice.
            if (operation->arrived_us <= self->office->suspended_us)
                presence_hand_over (self, endpoint);
            else
                presence_lose (self, endpoint);
            operation->verdict = VERDICT_NOT_JOINED;
            return;
        }
    }
    participant_t *participant = fold_participant (&self->fold, attach->role, attach->user);
    if (participant)
        list_remove (&participant->absent);
}

static void
s_decide_attach (switchboard_t *switchboard, session_t *self, operation_t *operation)
{
    const bus_attach_t *attach = &operation->record.attach;
    endpoint_t *endpoint = session_endpoint (self, operation->peer, attach->endpoint);
    //  Before anything is drafted: who is not let in must not be in the log as joined.
    if (!endpoint && self->endpoint_count >= self->office->endpoint_limit) {
        operation->verdict = VERDICT_BUSY;
        return;
    }
    switchboard_attach (switchboard, operation,
                        session_has_other_endpoint (self, attach->role, attach->user, endpoint));
    if (operation->verdict == VERDICT_OK)
        s_admit_endpoint (self, operation);
}

static void
s_decide_post (switchboard_t *switchboard, session_t *self, operation_t *operation)
{
    const bus_post_t *post = &operation->record.post;
    endpoint_t *endpoint = session_endpoint (self, operation->peer, post->endpoint);
    if (!endpoint) {
        operation->verdict = VERDICT_NOT_JOINED;
        return;
    }
    if (!endpoint_takes (endpoint, operation))
        operation->verdict = VERDICT_BUSY;
    //  A session may be gone under its endpoints: its day was dropped.
    else if (!self->fold.exists)
        operation->verdict = VERDICT_NOT_JOINED;
    else
        switchboard_post (switchboard, operation, endpoint->role,
                          changeset_keep (self->changeset, endpoint->user), endpoint->dialect);
    //  At once: what stands behind it is decided on before it is answered.
    endpoint_note_post (endpoint, operation);
}

//  A worker answers only for topics that it subscribed to.
static bool
s_is_of_its_topics (const turn_t *turn, const operation_t *operation)
{
    return turn_is_of (turn, operation->topics ? operation->topics : "");
}

static void
s_decide_done (switchboard_t *switchboard, session_t *self, operation_t *operation)
{
    const turn_t *turn = fold_turn (&self->fold, operation->record.done.item);
    if (turn && !s_is_of_its_topics (turn, operation))
        operation->verdict = VERDICT_NOT_ALLOWED;
    else
        switchboard_done (switchboard, operation);
}

//  The log has nothing of it, so it counts at once: the turn may be over when the changeset is
//  stored.
static void
s_decide_accepted (session_t *self, operation_t *operation)
{
    turn_t *turn = fold_turn (&self->fold, operation->record.accepted.item);
    if (turn && !s_is_of_its_topics (turn, operation))
        operation->verdict = VERDICT_NOT_ALLOWED;
    else if (turn)
        workers_accepted (self->office->workers, turn, operation->peer);
    else
        operation->verdict = VERDICT_DUPLICATE;
}

//  Is the participant's absence for this postoffice to tell? Not when it lost against another one
//  and nobody is here: the session has moved, and the participant may be there.
static bool
s_is_to_say (const session_t *self, const operation_t *absent)
{
    return !session_has_other_endpoint (self, absent->role, absent->user, NULL)
           && (absent->tries == 0 || self->endpoint_count > 0);
}

//  Another postoffice has endpoints of the session: the participant's may be among them. It gets
//  another grace period, and the others are told something, which they have to answer.
static bool
s_may_be_elsewhere (session_t *self, const operation_t *absent)
{
    uint64_t now = clock_mono_ms ();
    if (!split_hosting_is_on (&self->split_hosting, now))
        return false;
    participant_t *participant = fold_participant (&self->fold, absent->role, absent->user);
    if (participant && participant->present && list_is_empty (&participant->absent)) {
        schedule_await (self->office->schedule, participant);
        (void) store_notify (self->office->store, NOTIFY_MOVED, self->key);
    }
    return true;
}

void
apply_operation (session_t *self, operation_t *operation)
{
    switchboard_t switchboard = { .rules = &self->office->rules,
                                  .fold = &self->fold,
                                  .changeset = self->changeset,
                                  .bot_sender = session_bot_sender (self) };
    operation->verdict = VERDICT_OK;
    operation->seq = operation->time_ms = 0;
    operation->opened = false;
    operation->first_entry = self->changeset->entry_count;
    operation->entry_count = 0;
    switch (operation->kind) {
    case OPERATION_ATTACH:
        s_decide_attach (&switchboard, self, operation);
        break;
    case OPERATION_POST:
        s_decide_post (&switchboard, self, operation);
        break;
    case OPERATION_DONE:
        s_decide_done (&switchboard, self, operation);
        break;
    case OPERATION_ABSENT:
        if (s_is_to_say (self, operation) && !s_may_be_elsewhere (self, operation))
            switchboard_absent (&switchboard, operation);
        break;
    case OPERATION_ACCEPTED:
        s_decide_accepted (self, operation);
        break;
    case OPERATION_DETACH:
        break; //  changes nothing in the log: done when its turn has come
    }
}
