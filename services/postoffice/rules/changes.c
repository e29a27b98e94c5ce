#include "rules/changes.h"

#include "base/clock.h"
#include "model/session_key.h"
#include "rules/control.h"
#include "rules/handover.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

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

static bool
s_is_of_control (change_kind_t kind)
{
    return kind == CHANGE_TAKE || kind == CHANGE_RELEASE || kind == CHANGE_OFFER
           || kind == CHANGE_ACCEPT || kind == CHANGE_DECLINE;
}

//  Whose entry the change makes: who comes or goes, or else who asks.
static void
s_owner (const change_t *change, uint64_t *role, text_t *user)
{
    bool is_of_other = change->kind == CHANGE_ENTER || change->kind == CHANGE_EXIT
                       || s_is_of_control (change->kind);
    *role = is_of_other ? change->role : change->by_role;
    *user = is_of_other ? change->user : change->by_user;
}

//  When the app gives a visitor back, the entry with the request's id is of whoever had it.
static bool
s_is_released (const fold_t *fold, operation_t *operation)
{
    const list_t *all = &fold->participants;
    for (const list_t *link = all->next; link != all; link = link->next) {
        const participant_t *holder = LIST_THING (link, participant_t, in_fold);
        bool may_hold = holder->role == ROLE_AGENT || holder->role == ROLE_PLATFORM;
        if (may_hold
            && changes_is_repeated (fold, operation, operation->change->message_id,
                                    s_events[CHANGE_RELEASE], holder->role, holder->user)
            && operation->verdict == VERDICT_DUPLICATE)
            return true;
    }
    return false;
}

static bool
s_is_repeated (const fold_t *fold, operation_t *operation)
{
    const change_t *change = operation->change;
    uint64_t role;
    text_t user;
    s_owner (change, &role, &user);
    if (change->kind == CHANGE_RELEASE && role == ROLE_API && s_is_released (fold, operation))
        return true;
    operation->verdict = VERDICT_OK;
    if (!changes_is_repeated (fold, operation, change->message_id, s_events[change->kind], role,
                              user))
        return false;
    //  Whoever was first has said it for all.
    if (message_id_is_of_alert (change->message_id))
        operation->verdict = VERDICT_DUPLICATE;
    //  The entry of an opening does not say whose session it is; the session does.
    if (change->kind == CHANGE_OPEN && fold->exists && !text_is (fold->visitor, change->user))
        operation->verdict = VERDICT_KEY_REUSED;
    return true;
}

//  A platform takes part by its offer; who comes and goes is its people.
static bool
s_is_there (const fold_t *fold, const change_t *change)
{
    if (change->role == ROLE_PLATFORM)
        return control_has_person (fold, change->user, change->sender);
    const participant_t *participant = fold_participant (fold, change->role, change->user);
    return participant && participant->present && participant_is_of_api (participant);
}

//  It has control, and nobody of it is there.
static bool
s_is_empty (const fold_t *fold, const change_t *change)
{
    return fold_controls (fold, change->role, change->user)
           && !control_has_person (fold, change->user, TEXT_EMPTY);
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
        return change->role == ROLE_PLATFORM ? s_is_empty (fold, change)
                                             : !s_is_there (fold, change);
    default:
        return false;
    }
}

//  Is control as the asker saw it? Sets the verdict when not.
static bool
s_is_version (const fold_t *fold, operation_t *operation)
{
    uint64_t version = operation->change->version;
    bool is_of_control = s_is_of_control (operation->change->kind);
    if (!is_of_control || version == SEQ_UNKNOWN || version == fold->control_seq)
        return true;
    operation->verdict = VERDICT_PRECONDITION;
    return false;
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
    return changes_is_expected (fold, operation) && s_is_version (fold, operation)
           && !s_is_so (fold, change);
}

//  What of control is refused may not be, either, when the log has gone on elsewhere.
static bool
s_may_be_refused (const fold_t *fold, const change_t *change)
{
    bool holds = fold_controls (fold, change->role, change->user);
    switch (change->kind) {
    case CHANGE_TAKE:
        return holds || fold->is_closed;
    case CHANGE_ENTER:
    case CHANGE_EXIT:
        return change->role == ROLE_PLATFORM && !holds;
    case CHANGE_RELEASE:
        return !holds;
    case CHANGE_OFFER:
        return fold->is_closed;
    case CHANGE_ACCEPT:
    case CHANGE_DECLINE:
        return fold->is_closed || !handover_is_asked (fold, change->role, change->user)
               || fold->control_seq < fold->last_seq;
    default:
        return false;
    }
}

participant_t *
changes_reader (const fold_t *fold, const change_t *change)
{
    text_t user = change->user.size > 0 ? change->user : fold->visitor;
    return fold_participant (fold, change->role, user);
}

bool
changes_is_idle (const fold_t *fold, const operation_t *operation)
{
    operation_t tried = *operation;
    bool is_to_do = s_is_to_do (fold, &tried);
    if (is_to_do)
        return s_may_be_refused (fold, operation->change);
    return tried.verdict != VERDICT_DUPLICATE && tried.verdict != VERDICT_KEY_REUSED;
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

//  What the visitor is to have said first, and who is asked to answer it.
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
    control_hear (self, operation, &(question_t){ .seq = operation->seq,
                                                  .user = change->user,
                                                  .body = change->data,
                                                  .secret = change->secret,
                                                  .hidden = change->hidden });
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
    (void) control_happens (self, operation, &(happening_t){ .event = HAPPENS_CLOSE });
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

//  The people of a platform come and go while it has control. False: it is none.
static bool
s_moves_person (switchboard_t *self, operation_t *operation)
{
    const change_t *change = operation->change;
    const platform_person_t person = { .message_id = change->message_id,
                                       .topic = change->user,
                                       .sender = change->sender };
    if (change->role != ROLE_PLATFORM)
        return false;
    if (!fold_controls (self->fold, ROLE_PLATFORM, change->user))
        operation->verdict = VERDICT_NOT_IN_CONTROL;
    else if (change->kind == CHANGE_ENTER)
        control_person_comes (self, operation, &person);
    else
        control_person_goes (self, operation, change->message_id);
    return true;
}

static void
s_enter (switchboard_t *self, operation_t *operation)
{
    if (s_moves_person (self, operation))
        return;
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
        operation->verdict = control_happens (self, operation,
                                              &(happening_t){ .event = HAPPENS_TAKE,
                                                              .message_id = change->message_id,
                                                              .role = change->role,
                                                              .user = change->user,
                                                              .sender = sender });
}

//  Who the change is about does this to control.
static void
s_happen (switchboard_t *self, operation_t *operation, control_event_t event)
{
    const change_t *change = operation->change;
    const participant_t *before = fold_participant (self->fold, change->role, change->user);
    text_t targets[OFFER_TARGETS_MOST];
    size_t count = offer_split (change->targets, targets);
    operation->verdict = control_happens (
        self, operation,
        &(happening_t){ .event = event,
                        .message_id = change->message_id,
                        .role = change->role,
                        .user = change->user,
                        .sender = before && !change->is_named
                                      ? entries_keep (self, before->sender)
                                      : change->sender,
                        .why = change->why,
                        .targets = targets,
                        .target_count = count });
}

//  An agent that has control takes part: without a connection it does so until it leaves.
static void
s_seize (switchboard_t *self, operation_t *operation, control_event_t event)
{
    const change_t *change = operation->change;
    const participant_t *before = fold_participant (self->fold, change->role, change->user);
    bool is_there = before && before->present;
    if (!is_there && change->role == ROLE_AGENT && s_guests (self->fold) >= CHANNEL_API_MOST) {
        operation->verdict = VERDICT_BUSY;
        return;
    }
    s_happen (self, operation, event);
    if (is_there || change->role != ROLE_AGENT || operation->verdict != VERDICT_OK
        || !fold_controls (self->fold, change->role, change->user))
        return;
    participant_t *taker = fold_participant (self->fold, change->role, change->user);
    if (taker->channel.size > 0)
        return;
    fold_reach (taker, CHANNEL_API, TEXT_EMPTY);
    changeset_channel (self->changeset, change->role, change->user, CHANNEL_API);
}

static void
s_take (switchboard_t *self, operation_t *operation)
{
    s_seize (self, operation, HAPPENS_TAKE);
}

static void
s_accept (switchboard_t *self, operation_t *operation)
{
    s_seize (self, operation, HAPPENS_ACCEPT);
}

//  A waiting is ended by who has seen it, or by the app itself; not by who means to give back what
//  it has not.
static void
s_release (switchboard_t *self, operation_t *operation)
{
    const change_t *change = operation->change;
    bool is_answering = change->role == ROLE_AGENT || change->role == ROLE_PLATFORM;
    if (is_answering && change->version == SEQ_UNKNOWN && !self->fold->is_closed
        && !fold_controls (self->fold, change->role, change->user))
        operation->verdict = VERDICT_NOT_IN_CONTROL;
    else
        s_happen (self, operation, HAPPENS_RELEASE);
}

static void
s_offer (switchboard_t *self, operation_t *operation)
{
    s_happen (self, operation, HAPPENS_OFFER);
}

static void
s_decline (switchboard_t *self, operation_t *operation)
{
    s_happen (self, operation, HAPPENS_DECLINE);
}

static void
s_leave (switchboard_t *self, operation_t *operation)
{
    if (s_moves_person (self, operation))
        return;
    const change_t *change = operation->change;
    if (fold_controls (self->fold, change->role, change->user))
        (void) control_happens (self, operation,
                                &(happening_t){ .event = HAPPENS_RELEASE,
                                                .message_id = TEXT_EMPTY,
                                                .role = change->role,
                                                .user = change->user });
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

//  Kept with the participant, when the operation is settled.
static void
s_mark_read (switchboard_t *self, operation_t *operation)
{
    const change_t *change = operation->change;
    const fold_t *fold = self->fold;
    if (change->by_role == ROLE_VISITOR && !text_is (fold->visitor, change->by_user))
        operation->verdict = VERDICT_NOT_YOURS;
    else if (!changes_reader (fold, change))
        operation->verdict = VERDICT_NOT_ALLOWED;
}

//  The append sees to the alert (schema/functions.sql).
static void
s_acknowledge (switchboard_t *self, operation_t *operation)
{
    s_note (self, operation, EVENT_ALERT_ACKNOWLEDGED, operation->change->data);
}

//  Who has control now; of a take that comes again, what came of it then.
static void
s_note_control (const fold_t *fold, operation_t *operation)
{
    const change_t *change = operation->change;
    bool takes = change->kind == CHANGE_TAKE || change->kind == CHANGE_ACCEPT
                 || (change->kind == CHANGE_ENTER && change->takes_control);
    control_seen_note (&operation->seen, fold);
    if (operation->verdict != VERDICT_DUPLICATE || !takes)
        return;
    control_seen_t *seen = &operation->seen;
    *seen = (control_seen_t){ .role = change->role,
                              .seq = operation->seq,
                              .since_ms = operation->time_ms };
    if (change->user.size < sizeof seen->user && change->user.size > 0)
        memcpy (seen->user, change->user.data, change->user.size);
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
    s_note_control (self->fold, operation);
}

void
control_seen_note (control_seen_t *self, const fold_t *fold)
{
    text_t user = fold->control_user;
    *self = (control_seen_t){ .role = fold->control_role,
                              .seq = fold->control_seq,
                              .since_ms = fold->control_ms };
    if (user.size < sizeof self->user && user.size > 0)
        memcpy (self->user, user.data, user.size);
}

void
control_seen_put (const control_seen_t *self, json_writer_t *json, const char *name)
{
    json_open_object (json, name);
    json_put_string (json, "role", role_name (self->role));
    json_put_text_if (json, "userId", text_of (self->user));
    json_put_number (json, "version", self->seq);
    if (self->since_ms > 0)
        json_put_time (json, "since", self->since_ms);
    json_close_object (json);
}

text_t
control_seen_words (const control_seen_t *self, char room[CONTROL_SEEN_WORDS])
{
    char since[JSON_TIME_MAX];
    json_time (self->since_ms, since);
    snprintf (room, CONTROL_SEEN_WORDS, "%s%s%s has control%s%s, version %" PRIu64,
              role_name (self->role), self->user[0] ? " " : "", self->user,
              self->since_ms > 0 ? " since " : "", self->since_ms > 0 ? since : "", self->seq);
    return text_of (room);
}
