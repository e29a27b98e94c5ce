#include "rules/switchboard.h"

#include "base/clock.h"
#include "json/json_write.h"
#include "model/principal.h"
#include "model/session_key.h"
#include "model/visitor_info.h"
#include "rules/changes.h"
#include "rules/channel_items.h"
#include "rules/control.h"
#include "tables/postoffice_metrics.h"

//  What permissions.def says of a participant in this session. Only who comes in by a door is asked
//  about: what a bot or a platform says is the outcome of a work item.
static bool
s_may (const switchboard_t *self, permission_t permission, uint64_t role, text_t app, text_t user)
{
    const fold_t *fold = self->fold;
    bool is_client = role == ROLE_VISITOR || role == ROLE_AGENT || role == ROLE_API;
    principal_t principal = {
        .kind = (role_t) role, .app = app, .user = user, .session = TEXT_EMPTY
    };
    return is_client
           && principal_may (&principal, permission, session_key_app (fold->session),
                             session_key_id (fold->session),
                             fold->exists ? fold->visitor : TEXT_EMPTY);
}

//  An edge that does not say what an endpoint may do takes nothing from it.
static uint64_t
s_not_withheld (uint64_t may)
{
    return may ? may : PERMISSIONS_ALL;
}

uint64_t
switchboard_permissions (const switchboard_t *self, const bus_attach_t *attach)
{
    const fold_t *fold = self->fold;
    principal_t principal = { .kind = (role_t) attach->role,
                              .app = attach->app,
                              .user = attach->user,
                              .session = TEXT_EMPTY };
    return s_not_withheld (attach->may)
           & principal_permissions (&principal, session_key_app (fold->session),
                                    session_key_id (fold->session),
                                    fold->exists ? fold->visitor : TEXT_EMPTY);
}

// ---------------------------------------------------------------------------------------------
//  Coming in

static verdict_t
s_may_enter (const switchboard_t *self, const bus_attach_t *attach)
{
    bool exists = self->fold->exists;
    permission_t permission = exists ? PERMIT_SESSION_JOIN : PERMIT_SESSION_OPEN;
    if (permission_scope (PERMIT_SESSION_JOIN, (role_t) attach->role) == SCOPE_NEVER
        || attach->role == ROLE_ROUTER)
        return VERDICT_BAD_REQUEST; //  such a kind has no connections
    bool may = s_may (self, permission, attach->role, attach->app, attach->user);
    if (may && !(s_not_withheld (attach->may) & PERMISSION_BIT (permission)))
        return VERDICT_NOT_ALLOWED;
    if (exists)
        return may ? VERDICT_OK : VERDICT_NOT_YOURS;
    //  A client that says nothing is in no session yet.
    return may && attach->reason != ATTACH_SILENT ? VERDICT_OK : VERDICT_NOT_JOINED;
}

void
switchboard_attach (switchboard_t *self, operation_t *operation, bool has_other_endpoint)
{
    const bus_attach_t *attach = &operation->record.attach;
    operation->verdict = s_may_enter (self, attach);
    if (operation->verdict != VERDICT_OK)
        return;
    if (!self->fold->exists) {
        fold_open (self->fold, attach->app, attach->user, clock_wall_ms ());
        self->changeset->opens = true;
        operation->opened = true;
    }
    const participant_t *participant = fold_participant (self->fold, attach->role, attach->user);
    bool was_present = participant && participant->present;
    //  Only what the client itself does makes this the session that its user was last in.
    bool is_of_client = attach->dialect == DIALECT_WIDGET
                        && (attach->reason == ATTACH_JOIN || attach->reason == ATTACH_FRAME);
    if (was_present && (has_other_endpoint || !is_of_client))
        return;
    entries_append (self, operation,
                    &(said_t){ .event = EVENT_USER_JOINED,
                               .message_id = entries_new_id (self),
                               .role = attach->role,
                               .user = attach->user,
                               .sender = attach->sender,
                               .data = TEXT_EMPTY,
                               .client_ms = attach->time_ms,
                               .hidden = was_present });
    bool is_visitor = attach->role == ROLE_VISITOR;
    entries_admit (self, attach->role, attach->user, attach->sender,
                   is_visitor ? visitor_info_of (attach->info) : TEXT_EMPTY);
}

static verdict_t
s_may_admit (const switchboard_t *self, const admission_t *admission, bool is_there)
{
    if (admission->channel.size == 0 || topic_is_of_turns (admission->channel)
        || text_is (admission->channel, CHANNEL_API))
        return VERDICT_BAD_REQUEST;
    if (!self->fold->exists && admission->role != ROLE_VISITOR)
        return VERDICT_NOT_JOINED;
    return is_there || channel_items_readers (self->fold) < CHANNELS_MOST ? VERDICT_OK
                                                                          : VERDICT_BUSY;
}

void
switchboard_admit (switchboard_t *self, operation_t *operation, const admission_t *admission)
{
    uint64_t role = admission->role;
    const participant_t *before = fold_participant (self->fold, role, admission->user);
    bool was_present = before && before->present;
    bool is_there = was_present && text_is (before->channel, admission->channel);
    operation->verdict = s_may_admit (self, admission, is_there);
    if (operation->verdict != VERDICT_OK
        || (is_there && text_is (before->external_id, admission->external_id)))
        return;
    if (!self->fold->exists) {
        fold_open (self->fold, session_key_app (self->fold->session), admission->user,
                   clock_wall_ms ());
        self->changeset->opens = true;
    }
    entries_append (self, operation,
                    &(said_t){ .event = EVENT_USER_JOINED,
                               .message_id = entries_new_id (self),
                               .role = role,
                               .user = admission->user,
                               .sender = admission->sender,
                               .data = TEXT_EMPTY,
                               .hidden = was_present });
    entries_admit (self, role, admission->user, admission->sender, TEXT_EMPTY);
    fold_reach (fold_participant (self->fold, role, admission->user), admission->channel,
                admission->external_id);
    changeset_channel (self->changeset, role, admission->user, admission->channel);
    if (admission->external_id.size > 0)
        changeset_external_ref (self->changeset,
                                &(store_external_ref_t){ .channel = admission->channel,
                                                         .external_id = admission->external_id,
                                                         .role = role,
                                                         .user = admission->user });
}

// ---------------------------------------------------------------------------------------------
//  Saying something

static void
s_say (switchboard_t *self, operation_t *operation, uint64_t role, text_t user)
{
    const bus_post_t *post = &operation->record.post;
    entries_append (self, operation,
                    &(said_t){ .event = EVENT_NEW_MESSAGE,
                               .message_id = post->message_id,
                               .digest = &operation->digest,
                               .role = role,
                               .user = user,
                               .sender = post->sender,
                               .data = post->data,
                               .secret = post->secret,
                               .client_ms = post->time_ms,
                               .hidden = post->hidden != 0 });
}

static void
s_visitor_says (switchboard_t *self, operation_t *operation, text_t user)
{
    bool for_bot = self->has_bot && self->fold->control_role == ROLE_BOT;
    if (for_bot && self->fold->turn_count >= TURN_LIMIT) {
        metric_add (POSTOFFICE_FULL_TURNS, 1);
        operation->verdict = VERDICT_BUSY;
        return;
    }
    s_say (self, operation, ROLE_VISITOR, user);
    const bus_post_t *post = &operation->record.post;
    if (for_bot)
        control_ask_bot (self, &(question_t){ .seq = operation->seq,
                                              .user = user,
                                              .body = post->data,
                                              .secret = post->secret });
}

static void
s_take_control (switchboard_t *self, operation_t *operation, text_t user, text_t message_id)
{
    const bus_post_t *post = &operation->record.post;
    control_take (self, operation,
                  &(taking_t){ .message_id = message_id,
                               .user = user,
                               .sender = post->sender,
                               .client_ms = post->time_ms });
}

//  Only the agent in control speaks: words never take a visitor from somebody. One who has lost
//  control was told (audience.c), and takes over again when that is what is meant.
//
//  A widget cannot be told. One that was away for longer than the grace period still shows itself
//  as joined: when it speaks, and nobody but the bot answers, it takes part again, and everybody
//  sees it join.
static void
s_agent_says (switchboard_t *self, operation_t *operation, text_t user, uint64_t dialect,
              uint64_t may)
{
    bool controls = fold_controls (self->fold, ROLE_AGENT, user);
    text_t app = session_key_app (self->fold->session);
    bool may_take = dialect == DIALECT_WIDGET && self->fold->control_role == ROLE_BOT
                    && may & PERMISSION_BIT (PERMIT_CONTROL_TAKE)
                    && s_may (self, PERMIT_CONTROL_TAKE, ROLE_AGENT, app, user);
    if (!controls && !may_take) {
        operation->verdict = VERDICT_NOT_IN_CONTROL;
        return;
    }
    if (!controls)
        s_take_control (self, operation, user,
                        entries_derived_id (self, operation->record.post.message_id, "barge-in"));
    s_say (self, operation, ROLE_AGENT, user);
}

//  What may be posted, and what is needed for it.
static const struct {
    event_t event;
    permission_t permission;
} s_posts[] = {
    { EVENT_NEW_MESSAGE, PERMIT_MESSAGE_POST },
    { EVENT_BARGE_IN, PERMIT_CONTROL_TAKE },
    { EVENT_BARGE_OUT, PERMIT_CONTROL_RELEASE },
};

static verdict_t
s_may_post (const switchboard_t *self, uint64_t event, uint64_t role, text_t user, uint64_t may)
{
    text_t app = session_key_app (self->fold->session);
    for (size_t at = 0; at < sizeof s_posts / sizeof *s_posts; at++) {
        permission_t permission = s_posts[at].permission;
        if (s_posts[at].event != event)
            continue;
        if (role == ROLE_API && event == EVENT_NEW_MESSAGE)
            permission = PERMIT_MESSAGE_POST_AS; //  the app itself
        if (s_may (self, permission, role, app, user))
            return may & PERMISSION_BIT (permission) ? VERDICT_OK : VERDICT_NOT_ALLOWED;
        bool is_of_kind = permission_scope (permission, (role_t) role) != SCOPE_NEVER;
        return is_of_kind && role != ROLE_ROUTER ? VERDICT_NOT_YOURS : VERDICT_NOT_ALLOWED;
    }
    return VERDICT_NOT_ALLOWED;
}

void
switchboard_post (switchboard_t *self, operation_t *operation, uint64_t role, text_t user,
                  uint64_t dialect, uint64_t may)
{
    const bus_post_t *post = &operation->record.post;
    bool controls = fold_controls (self->fold, role, user);
    const recent_id_t *before = NULL;
    operation->verdict = s_may_post (self, post->event, role, user, may);
    if (operation->verdict != VERDICT_OK)
        return;
    bool is_of_key = operation->of_request && message_id_is_of_key (post->message_id);
    if (message_id_is_reserved (post->message_id) && !is_of_key) {
        operation->verdict = VERDICT_BAD_REQUEST;
        return;
    }
    if (is_of_key
        && changes_is_repeated (self->fold, operation, post->message_id, EVENT_BIT (NEW_MESSAGE),
                                role, user))
        return;
    operation->digest = recent_ids_digest (role, user, post->message_id);
    before = recent_ids_find (&self->fold->recent, operation->digest);
    //  The id was used for something else: it would be said to be stored, and is not.
    if (before && before->event && before->event != post->event)
        operation->verdict = VERDICT_BAD_REQUEST;
    else if (before) {
        operation->verdict = VERDICT_DUPLICATE;
        operation->seq = before->seq;
        operation->time_ms = before->time_ms;
        operation->check = before->check;
    } else if (!changes_is_expected (self->fold, operation))
        return;
    else if (post->event == EVENT_BARGE_IN && !controls)
        s_take_control (self, operation, user, post->message_id);
    else if (post->event == EVENT_BARGE_OUT && controls)
        control_return (self, operation, post->message_id, TEXT ("{\"why\":\"asked\"}"));
    else if (post->event == EVENT_NEW_MESSAGE && role == ROLE_VISITOR)
        s_visitor_says (self, operation, user);
    else if (post->event == EVENT_NEW_MESSAGE && role == ROLE_API)
        s_say (self, operation, ROLE_API, user);
    else if (post->event == EVENT_NEW_MESSAGE)
        s_agent_says (self, operation, user, dialect, may);
}

// ---------------------------------------------------------------------------------------------
//  What came of a turn

static void
s_bot_says (switchboard_t *self, operation_t *operation, event_t event, text_t data, bool hidden)
{
    text_t item = operation->record.done.item;
    entries_append (self, operation,
                    &(said_t){ .event = event,
                               .message_id = entries_derived_id (self, item, "answer"),
                               .role = ROLE_BOT,
                               .user = TEXT ("bot"),
                               .sender = entries_keep (self, self->bot_sender),
                               .data = data,
                               .hidden = hidden });
}

static void
s_bot_asks (switchboard_t *self, operation_t *operation)
{
    const bus_done_t *done = &operation->record.done;
    buffer_t data;
    buffer_init (&data, 64 * 1024);
    json_writer_t json;
    json_write_begin (&json, &data);
    json_open_object (&json, NULL);
    json_put_string (&json, "kind", done->ask == ASK_HANDOFF ? "HANDOFF" : "TRANSFER_CALL");
    json_put_text (&json, "target", done->target);
    json_close_object (&json);
    int rc = json_write_end (&json);
    entries_append (self, operation,
                    &(said_t){ .event = EVENT_HANDOFF,
                               .message_id = entries_derived_id (self, done->item, "handoff"),
                               .role = ROLE_BOT,
                               .user = TEXT ("bot"),
                               .sender = entries_keep (self, self->bot_sender),
                               .data = rc == 0 ? entries_keep (self, buffer_text (&data))
                                               : TEXT ("{}") });
    buffer_free (&data);
}

void
switchboard_done (switchboard_t *self, operation_t *operation)
{
    const bus_done_t *done = &operation->record.done;
    turn_t *turn = fold_turn (self->fold, done->item);
    if (!turn) {
        operation->verdict = VERDICT_DUPLICATE;
        return;
    }
    operation->verdict = VERDICT_OK;
    bool failed = done->outcome == OUTCOME_FAILED;
    bool silent = done->data.size == 0;
    //  An answer without words is an entry all the same: it is what ends the turn.
    s_bot_says (self, operation, failed ? EVENT_FAILURE : EVENT_NEW_MESSAGE, done->data, silent);
    if (done->ask == ASK_HANDOFF || done->ask == ASK_TRANSFER_CALL)
        s_bot_asks (self, operation);
    fold_end_turn (self->fold, turn);
    bool is_answered = done->outcome == OUTCOME_ANSWERED;
    uint64_t tries = work_number (done->tries, WORK_TRIES_MOST);
    changeset_finish (self->changeset, &turn,
                      &(store_finish_t){ .state = is_answered ? WORK_DONE : WORK_DEAD,
                                         .attempt = tries > 0 ? tries : 1,
                                         .status = work_number (done->status, WORK_STATUS_MOST),
                                         .took_ms = work_number (done->took_ms, WORK_TOOK_MOST_MS),
                                         .detail = done->detail });
}

void
switchboard_absent (switchboard_t *self, operation_t *operation)
{
    operation->verdict = VERDICT_OK;
    participant_t *participant = fold_participant (self->fold, operation->role, operation->user);
    if (!participant || !participant->present || participant->channel.size > 0)
        return; //  over a channel nobody is absent
    if (fold_controls (self->fold, operation->role, operation->user))
        control_return (self, operation, entries_new_id (self), TEXT ("{\"why\":\"absent\"}"));
    text_t sender = entries_keep (self, participant->sender);
    entries_append (self, operation,
                    &(said_t){ .event = EVENT_USER_LEFT,
                               .message_id = entries_new_id (self),
                               .role = operation->role,
                               .user = operation->user,
                               .sender = sender,
                               .data = TEXT ("{\"why\":\"absent\"}") });
    participant->present = false;
    changeset_participant (self->changeset, operation->role, operation->user, sender, TEXT_EMPTY,
                           false);
}

// ---------------------------------------------------------------------------------------------
//  Timers

//  Nobody is present, and nothing has happened since the timer was set.
static void
s_close (switchboard_t *self, operation_t *operation)
{
    if (self->fold->control_role != ROLE_BOT)
        control_give_back (self, operation, entries_new_id (self), TEXT ("{\"why\":\"closed\"}"));
    entries_note (self, operation, EVENT_SESSION_CLOSED, TEXT ("{\"why\":\"absent\"}"));
    self->fold->is_closed = true;
    self->fold->will_close = false;
    self->changeset->closing = SESSION_CLOSES;
}

static bool
s_is_stale (const switchboard_t *self, const timer_due_t *timer)
{
    const fold_t *fold = self->fold;
    return !fold->exists || fold->last_seq != timer->seq
           || (timer->kind == TIMER_CLOSE && (fold->is_closed || fold_has_company (fold)));
}

void
switchboard_timer (switchboard_t *self, operation_t *operation)
{
    static void (*const actions[TIMER_KINDS]) (switchboard_t *, operation_t *) = {
#define TIMER(NAME, name, action, words) [TIMER_##NAME] = s_##action,
#include "rules/timers.def"
#undef TIMER
    };
    const timer_due_t *timer = &operation->timer;
    if (s_is_stale (self, timer)) {
        operation->verdict = VERDICT_DUPLICATE;
        return;
    }
    operation->verdict = VERDICT_OK;
    actions[timer->kind](self, operation);
    changeset_finish_timer (self->changeset, timer->item, timer->attempt);
}

//  A session that is left is closed after a while, unless something happens in it.
void
switchboard_end (switchboard_t *self)
{
    fold_t *fold = self->fold;
    changeset_t *changeset = self->changeset;
    if (changeset->entry_count == 0)
        return;
    bool is_left = !fold_has_company (fold) && !fold->is_closed;
    if (is_left && self->rules->close_after_ms > 0) {
        changeset_set_timer (changeset, &(timer_set_t){ .kind = TIMER_CLOSE,
                                                        .seq = fold->last_seq,
                                                        .after_ms = self->rules->close_after_ms,
                                                        .body = TEXT ("{}") });
        fold->will_close = true;
    } else if (!is_left && fold->will_close) {
        changeset_cancel_timer (changeset, TIMER_CLOSE);
        fold->will_close = false;
    }
}
