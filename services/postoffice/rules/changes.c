#include "rules/changes.h"

#include "base/clock.h"
#include "model/session_key.h"
#include "rules/control.h"
#include <assert.h>

static const unsigned s_events[CHANGES] = {
#define CHANGE(NAME, action, events, words) [CHANGE_##NAME] = events,
#include "rules/changes.def"
#undef CHANGE
};

static_assert (EVENT_SESSION_OPENED < 32, "events of entries are bits");

// ---------------------------------------------------------------------------------------------
//  Whether it is to be done

//  The entry's check has its participant in it (log_position.h): whoever it is of, without a
//  lookup.
bool
changes_is_repeated (const fold_t *fold, operation_t *operation, text_t message_id,
                     unsigned events, uint64_t role, text_t user)
{
    const recent_id_t *before =
        recent_ids_find (&fold->recent, recent_ids_digest (role, user, message_id));
    if (!before)
        return false;
    log_mark_t mark = { role, user, message_id, before->time_ms };
    bool is_same = before->event < 32 && 1u << before->event & events
                   && log_check_of (&mark) == before->check;
    operation->verdict = is_same ? VERDICT_DUPLICATE : VERDICT_KEY_REUSED;
    operation->seq = before->seq;
    operation->time_ms = before->time_ms;
    operation->check = before->check;
    return true;
}

bool
changes_is_expected (const fold_t *fold, operation_t *operation)
{
    if (operation->if_match == SEQ_UNKNOWN || operation->if_match == fold->last_seq)
        return true;
    operation->verdict = VERDICT_PRECONDITION;
    return false;
}

//  Whose entry the change makes: who comes or goes, or else who asks.
static void
s_owner (const change_t *change, uint64_t *role, text_t *user)
{
    bool is_of_other = change->kind == CHANGE_ENTER || change->kind == CHANGE_EXIT;
    *role = is_of_other ? change->role : change->by_role;
    *user = is_of_other ? change->user : change->by_user;
}

static bool
s_is_repeated (const fold_t *fold, operation_t *operation)
{
    const change_t *change = operation->change;
    uint64_t role;
    text_t user;
    s_owner (change, &role, &user);
    if (!changes_is_repeated (fold, operation, change->message_id, s_events[change->kind], role,
                              user))
        return false;
    //  The entry of an opening does not say whose session it is; the session does.
    if (change->kind == CHANGE_OPEN && fold->exists && !text_is (fold->visitor, change->user))
        operation->verdict = VERDICT_KEY_REUSED;
    return true;
}

static bool
s_is_there (const fold_t *fold, const change_t *change)
{
    const participant_t *participant = fold_participant (fold, change->role, change->user);
    return participant && participant->present && participant_is_of_api (participant);
}

//  Is it as it is asked for to be?
static bool
s_is_so (const fold_t *fold, const change_t *change)
{
    switch (change->kind) {
    case CHANGE_CLOSE:
        return fold->is_closed;
    case CHANGE_REOPEN:
        return !fold->is_closed;
    case CHANGE_ENTER:
        return s_is_there (fold, change)
               && (!change->takes_control || fold_controls (fold, change->role, change->user));
    case CHANGE_EXIT:
        return !s_is_there (fold, change);
    default:
        return false;
    }
}

//  Sets the verdict. False: nothing is to be done.
static bool
s_is_to_do (const fold_t *fold, operation_t *operation)
{
    const change_t *change = operation->change;
    bool opens = change->kind == CHANGE_OPEN;
    operation->verdict = VERDICT_OK;
    if (s_is_repeated (fold, operation))
        return false;
    if (opens == fold->exists) {
        operation->verdict = opens ? VERDICT_EXISTS : VERDICT_NOT_JOINED;
        return false;
    }
    return changes_is_expected (fold, operation) && !s_is_so (fold, change);
}

bool
changes_is_idle (const fold_t *fold, const operation_t *operation)
{
    operation_t tried = *operation;
    return !s_is_to_do (fold, &tried) && tried.verdict != VERDICT_DUPLICATE
           && tried.verdict != VERDICT_KEY_REUSED;
}

// ---------------------------------------------------------------------------------------------
//  The actions

#define ASKED TEXT ("{\"why\":\"asked\"}")

//  The entry that has the request's id.
static void
s_note (switchboard_t *self, operation_t *operation, event_t event, text_t data)
{
    const change_t *change = operation->change;
    const participant_t *by = fold_participant (self->fold, change->by_role, change->by_user);
    entries_append (self, operation,
                    &(said_t){ .event = event,
                               .message_id = change->message_id,
                               .role = change->by_role,
                               .user = change->by_user,
                               .sender = by ? entries_keep (self, by->sender) : change->by_sender,
                               .data = data });
}

//  What the visitor is to have said first, and what is asked of the bot.
static void
s_say_first (switchboard_t *self, operation_t *operation)
{
    const change_t *change = operation->change;
    entries_append (self, operation,
                    &(said_t){ .event = EVENT_NEW_MESSAGE,
                               .message_id = change->first_id,
                               .role = ROLE_VISITOR,
                               .user = change->user,
                               .sender = change->sender,
                               .data = change->data,
                               .secret = change->secret,
                               .hidden = change->hidden });
    if (self->has_bot)
        control_ask_bot (self, &(question_t){ .seq = operation->seq,
                                              .user = change->user,
                                              .body = change->data,
                                              .secret = change->secret });
}

//  The visitor takes part, and is not there.
static void
s_open (switchboard_t *self, operation_t *operation)
{
    const change_t *change = operation->change;
    fold_t *fold = self->fold;
    fold_open (fold, session_key_app (fold->session), change->user, clock_wall_ms ());
    self->changeset->opens = true;
    s_note (self, operation, EVENT_SESSION_OPENED, TEXT_EMPTY);
    participant_t *visitor = fold_admit (fold, ROLE_VISITOR, change->user, change->sender);
    fold_inform (visitor, change->info);
    visitor->present = false;
    changeset_participant (self->changeset, ROLE_VISITOR, change->user, change->sender,
                           change->info, false);
    uint64_t seq = operation->seq, time_ms = operation->time_ms, check = operation->check;
    if (change->first_id.size > 0)
        s_say_first (self, operation);
    operation->seq = seq; //  the answer is about the opening
    operation->time_ms = time_ms;
    operation->check = check;
}

//  Who takes part without a connection does not any more; the closing says so of all of them.
static void
s_send_home (switchboard_t *self)
{
    list_t *all = &self->fold->participants;
    for (list_t *link = all->next; link != all; link = link->next) {
        participant_t *participant = LIST_THING (link, participant_t, in_fold);
        if (!participant->present || !participant_is_of_api (participant))
            continue;
        fold_leave (participant);
        changeset_participant (self->changeset, participant->role,
                               entries_keep (self, participant->user),
                               entries_keep (self, participant->sender), TEXT_EMPTY, false);
    }
}

static void
s_close (switchboard_t *self, operation_t *operation)
{
    if (self->fold->control_role != ROLE_BOT)
        control_give_back (self, operation, entries_new_id (self), TEXT ("{\"why\":\"closed\"}"));
    control_end_turns (self, TEXT ("the session was closed"));
    s_send_home (self);
    s_note (self, operation, EVENT_SESSION_CLOSED, ASKED);
    self->fold->is_closed = true;
    self->changeset->closing = SESSION_CLOSES;
}

static void
s_reopen (switchboard_t *self, operation_t *operation)
{
    self->fold->is_closed = false;
    self->changeset->closing = SESSION_REOPENS;
    s_note (self, operation, EVENT_SESSION_REOPENED, ASKED);
}

static size_t
s_guests (const fold_t *fold)
{
    size_t count = 0;
    const list_t *all = &fold->participants;
    for (const list_t *link = all->next; link != all; link = link->next) {
        const participant_t *participant = LIST_THING (link, participant_t, in_fold);
        count += participant->present && participant_is_of_api (participant);
    }
    return count;
}

//  Comes in without a connection, or stays when the connection that it has goes.
static void
s_come_in (switchboard_t *self, operation_t *operation, text_t sender, text_t message_id)
{
    const change_t *change = operation->change;
    const participant_t *before = fold_participant (self->fold, change->role, change->user);
    entries_append (self, operation,
                    &(said_t){ .event = EVENT_USER_JOINED,
                               .message_id = message_id,
                               .role = change->role,
                               .user = change->user,
                               .sender = sender,
                               .data = TEXT_EMPTY,
                               .hidden = before && before->present });
    entries_admit (self, change->role, change->user, sender, TEXT_EMPTY);
    participant_t *participant = fold_participant (self->fold, change->role, change->user);
    fold_reach (participant, CHANNEL_API, TEXT_EMPTY);
    list_remove (&participant->absent); //  nobody waits for it any more
    changeset_channel (self->changeset, change->role, change->user, CHANNEL_API);
}

static void
s_enter (switchboard_t *self, operation_t *operation)
{
    const change_t *change = operation->change;
    const participant_t *before = fold_participant (self->fold, change->role, change->user);
    bool is_there = s_is_there (self->fold, change);
    bool takes = change->takes_control
                 && !fold_controls (self->fold, change->role, change->user);
    if (before && before->channel.size > 0 && !participant_is_of_api (before)) {
        operation->verdict = VERDICT_NOT_ALLOWED; //  it is reached in another way
        return;
    }
    if (!is_there && s_guests (self->fold) >= CHANNEL_API_MOST) {
        operation->verdict = VERDICT_BUSY;
        return;
    }
    text_t sender =
        before && !change->is_named ? entries_keep (self, before->sender) : change->sender;
    if (!is_there)
        s_come_in (self, operation, sender,
                   takes ? entries_new_id (self) : change->message_id);
    if (takes)
        control_take (self, operation,
                      &(taking_t){ .message_id = change->message_id,
                                   .user = change->user,
                                   .sender = sender });
}

static void
s_leave (switchboard_t *self, operation_t *operation)
{
    const change_t *change = operation->change;
    if (fold_controls (self->fold, change->role, change->user))
        control_return (self, operation, entries_new_id (self), ASKED);
    participant_t *participant = fold_participant (self->fold, change->role, change->user);
    text_t sender = entries_keep (self, participant->sender);
    entries_append (self, operation,
                    &(said_t){ .event = EVENT_USER_LEFT,
                               .message_id = change->message_id,
                               .role = change->role,
                               .user = change->user,
                               .sender = sender,
                               .data = ASKED });
    fold_leave (participant);
    changeset_participant (self->changeset, change->role, change->user, sender, TEXT_EMPTY, false);
}

void
changes_decide (switchboard_t *self, operation_t *operation)
{
    static void (*const actions[CHANGES]) (switchboard_t *, operation_t *) = {
#define CHANGE(NAME, name, events, words) [CHANGE_##NAME] = s_##name,
#include "rules/changes.def"
#undef CHANGE
    };
    if (s_is_to_do (self->fold, operation))
        actions[operation->change->kind](self, operation);
}
