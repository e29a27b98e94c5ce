#include "rules/switchboard.h"

#include "base/clock.h"
#include "bus/bus_limits.h"
#include "json/json_members.h"
#include "json/json_read.h"
#include "json/json_write.h"
#include "model/offer.h"
#include "model/principal.h"
#include "model/session_key.h"
#include "model/visitor_info.h"
#include "rules/bot_failure.h"
#include "rules/changes.h"
#include "rules/channel_items.h"
#include "rules/control.h"
#include "rules/handover.h"
#include "tables/postoffice_metrics.h"

#include <stdio.h>

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

bool
switchboard_is_out (const fold_t *fold, const bus_attach_t *attach)
{
    const participant_t *participant = fold_participant (fold, attach->role, attach->user);
    bool joins = attach->joins || attach->reason == ATTACH_JOIN;
    return participant && participant->is_out && !joins;
}

void
switchboard_attach (switchboard_t *self, operation_t *operation, bool has_other_endpoint)
{
    const bus_attach_t *attach = &operation->record.attach;
    operation->verdict = s_may_enter (self, attach);
    if (operation->verdict == VERDICT_OK && switchboard_is_out (self->fold, attach))
        operation->verdict = VERDICT_PASSED_ON;
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
                    &(said_t){ .event = (event_t) post->event,
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
    bool for_bot =
        self->has_bot && self->fold->control_role == ROLE_BOT && !operation->is_quiet;
    if (for_bot && self->fold->turn_count >= TURN_LIMIT) {
        metric_add (POSTOFFICE_FULL_TURNS, 1);
        operation->verdict = VERDICT_BUSY;
        return;
    }
    s_say (self, operation, ROLE_VISITOR, user);
    const bus_post_t *post = &operation->record.post;
    if (!operation->is_quiet)
        control_hear (self, operation, &(question_t){ .seq = operation->seq,
                                                      .user = user,
                                                      .body = post->data,
                                                      .secret = post->secret,
                                                      .hidden = post->hidden != 0 });
}

static void
s_take_control (switchboard_t *self, operation_t *operation, text_t user, text_t message_id)
{
    const bus_post_t *post = &operation->record.post;
    //  Whoever joins a conversation that is closed opens it again, as with everything that is said.
    if (self->fold->is_closed)
        entries_reopen (self, operation);
    operation->verdict = control_happens (self, operation,
                                          &(happening_t){ .event = HAPPENS_TAKE,
                                                          .message_id = message_id,
                                                          .role = ROLE_AGENT,
                                                          .user = user,
                                                          .sender = post->sender,
                                                          .client_ms = post->time_ms });
}

static void
s_release_control (switchboard_t *self, operation_t *operation, uint64_t role, text_t user)
{
    operation->verdict =
        control_happens (self, operation,
                         &(happening_t){ .event = HAPPENS_RELEASE,
                                         .message_id = operation->record.post.message_id,
                                         .role = role,
                                         .user = user });
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
    { EVENT_WHISPER, PERMIT_SESSION_WHISPER },
};

static verdict_t
s_may_post (const switchboard_t *self, uint64_t event, uint64_t role, text_t user, uint64_t may,
            bool is_request)
{
    text_t app = session_key_app (self->fold->session);
    //  A platform's words come through the API, from a server of the app.
    if (role == ROLE_PLATFORM && event == EVENT_NEW_MESSAGE && is_request)
        return s_may (self, PERMIT_MESSAGE_POST_AS, ROLE_API, app, user) ? VERDICT_OK
                                                                         : VERDICT_NOT_YOURS;
    for (size_t at = 0; at < sizeof s_posts / sizeof *s_posts; at++) {
        permission_t permission = s_posts[at].permission;
        if (s_posts[at].event != event)
            continue;
        if (role == ROLE_API && event == EVENT_NEW_MESSAGE)
            permission = PERMIT_MESSAGE_POST_AS; //  the app itself
        if (role == ROLE_API && event == EVENT_WHISPER)
            return VERDICT_NOT_ALLOWED; //  only as an agent
        if (s_may (self, permission, role, app, user))
            return may & PERMISSION_BIT (permission) ? VERDICT_OK : VERDICT_NOT_ALLOWED;
        bool is_of_kind = permission_scope (permission, (role_t) role) != SCOPE_NEVER;
        return is_of_kind && role != ROLE_ROUTER ? VERDICT_NOT_YOURS : VERDICT_NOT_ALLOWED;
    }
    return VERDICT_NOT_ALLOWED;
}

//  Is control as the client saw it, if it said so? Else it is told who was faster.
static bool
s_is_version (const switchboard_t *self, operation_t *operation)
{
    const bus_post_t *post = &operation->record.post;
    const fold_t *fold = self->fold;
    bool is_order = post->event == EVENT_BARGE_IN || post->event == EVENT_BARGE_OUT;
    if (!is_order || post->version == 0 || post->version - 1 == fold->control_seq)
        return true;
    operation->verdict = VERDICT_PRECONDITION;
    control_seen_note (&operation->seen, fold);
    return false;
}

void
switchboard_post (switchboard_t *self, operation_t *operation, uint64_t role, text_t user,
                  uint64_t dialect, uint64_t may)
{
    const bus_post_t *post = &operation->record.post;
    bool controls = fold_controls (self->fold, role, user);
    const recent_id_t *before = NULL;
    operation->verdict = s_may_post (self, post->event, role, user, may, operation->of_request);
    if (operation->verdict != VERDICT_OK)
        return;
    bool is_of_key = operation->of_request && message_id_is_of_key (post->message_id);
    if (message_id_is_reserved (post->message_id) && !is_of_key) {
        operation->verdict = VERDICT_BAD_REQUEST;
        return;
    }
    if (is_of_key
        && changes_is_repeated (self->fold, operation, post->message_id, 1u << post->event, role,
                                user))
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
    } else if (!changes_is_expected (self->fold, operation) || !s_is_version (self, operation))
        return;
    else if (post->event == EVENT_BARGE_IN && !controls)
        s_take_control (self, operation, user, post->message_id);
    else if (post->event == EVENT_BARGE_OUT && controls)
        s_release_control (self, operation, role, user);
    else if (post->event == EVENT_NEW_MESSAGE && role == ROLE_VISITOR)
        s_visitor_says (self, operation, user);
    else if (role == ROLE_API || post->event == EVENT_WHISPER)
        s_say (self, operation, role, user); //  whoever is in control
    else if (role == ROLE_PLATFORM && !controls)
        operation->verdict = VERDICT_NOT_IN_CONTROL;
    else if (role == ROLE_PLATFORM)
        s_say (self, operation, ROLE_PLATFORM, user);
    else if (post->event == EVENT_NEW_MESSAGE)
        s_agent_says (self, operation, user, dialect, may);
}

// ---------------------------------------------------------------------------------------------
//  Writing from outside

//  The entry says so, whether or not anybody is to be asked.
static void
s_visitor_asks_for_person (switchboard_t *self, operation_t *operation)
{
    const bus_post_t *post = &operation->record.post;
    entries_append (self, operation,
                    &(said_t){ .event = EVENT_HANDOFF,
                               .message_id = post->message_id,
                               .digest = &operation->digest,
                               .role = ROLE_VISITOR,
                               .user = operation->user,
                               .sender = post->sender,
                               .data = TEXT ("{\"kind\":\"HANDOFF\",\"target\":\"\"}") });
    control_hear_call (self, operation);
}

void
switchboard_visit (switchboard_t *self, operation_t *operation)
{
    bus_post_t *post = &operation->record.post;
    text_t user = operation->user;
    const participant_t *before = fold_participant (self->fold, ROLE_VISITOR, user);
    if (changes_is_repeated (self->fold, operation, post->message_id, 1u << post->event,
                             ROLE_VISITOR, user))
        return;
    operation->verdict = self->fold->is_closed ? VERDICT_CLOSED
                         : self->fold->exists && !text_is (self->fold->visitor, user)
                             ? VERDICT_NOT_YOURS
                             : VERDICT_OK;
    if (operation->verdict != VERDICT_OK)
        return;
    post->sender = before && !operation->has_sender ? entries_keep (self, before->sender)
                                                    : operation->sender;
    //  What the channel calls the visitor stands in its name (webhook_user.h).
    switchboard_admit (self, operation,
                       &(admission_t){ .role = ROLE_VISITOR,
                                       .user = user,
                                       .sender = post->sender,
                                       .channel = operation->channel,
                                       .external_id = { user.data + 1, user.size - 1 } });
    if (operation->verdict != VERDICT_OK)
        return;
    operation->digest = recent_ids_digest (ROLE_VISITOR, user, post->message_id);
    if (post->event == EVENT_HANDOFF)
        s_visitor_asks_for_person (self, operation);
    else
        s_visitor_says (self, operation, user);
}

// ---------------------------------------------------------------------------------------------
//  What came of a turn

//  The id of the answer's entry. Of one that came later, over the API, it has a digest of what is
//  said, so that the same answer, when it comes again, is known to be the same.
static text_t
s_answer_id (switchboard_t *self, const operation_t *operation)
{
    const bus_done_t *done = &operation->record.done;
    char id[MESSAGE_ID_MAX];
    if (!operation->of_request)
        return entries_derived_id (self, done->item, "answer");
    text_t texts[] = { done->data, done->target };
    int size = snprintf (id, sizeof id, "%.*s:%s", TEXT_ARGS (done->item),
                         open_digest (texts, sizeof texts / sizeof *texts).text);
    size_t kept = (size_t) size < sizeof id ? (size_t) size : sizeof id - 1;
    return entries_derived_id (self, (text_t){ id, kept }, "later");
}

static const recent_id_t *
s_recent_of_bot (const switchboard_t *self, text_t user, text_t message_id)
{
    return recent_ids_find (&self->fold->recent, recent_ids_digest (ROLE_BOT, user, message_id));
}

//  The visitor was told that the question has no answer (bot_failure.c).
static bool
s_was_given_up (const switchboard_t *self, text_t answer_id)
{
    const recent_id_t *said = s_recent_of_bot (self, TEXT ("bot"), answer_id);
    return (said && said->event == EVENT_FAILURE) || s_recent_of_bot (self, NOTICE_USER, answer_id);
}

//  A bot answers a question that waits for no answer any more: the verdict says why.
static void
s_answered_too_late (switchboard_t *self, operation_t *operation)
{
    static const text_t bot = TEXT ("bot");
    text_t id = entries_derived_id (self, operation->record.done.item, "answer");
    const recent_id_t *same = s_recent_of_bot (self, bot, s_answer_id (self, operation));
    if (!self->fold->exists)
        operation->verdict = VERDICT_NOT_JOINED;
    else if (same) {
        operation->verdict = VERDICT_DUPLICATE;
        operation->seq = same->seq;
        operation->time_ms = same->time_ms;
    } else if (s_was_given_up (self, id))
        operation->verdict = VERDICT_PRECONDITION;
    else if (self->fold->control_role != ROLE_BOT && !s_recent_of_bot (self, bot, id))
        operation->verdict = VERDICT_NOT_IN_CONTROL;
    else
        operation->verdict = VERDICT_EXISTS;
}

static void
s_bot_says (switchboard_t *self, operation_t *operation, event_t event, text_t data, bool hidden)
{
    entries_append (self, operation,
                    &(said_t){ .event = event,
                               .message_id = s_answer_id (self, operation),
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
    if (!turn && operation->of_request) {
        s_answered_too_late (self, operation);
        return;
    }
    if (!turn) {
        operation->verdict = VERDICT_DUPLICATE;
        return;
    }
    turn->is_told_elsewhere = operation->of_request;
    operation->verdict = VERDICT_OK;
    if (done->outcome == OUTCOME_FAILED) {
        bot_failure_done (self, operation, turn);
        return;
    }
    bool silent = done->data.size == 0;
    //  An answer without words is an entry all the same: it is what ends the turn.
    s_bot_says (self, operation, EVENT_NEW_MESSAGE, done->data, silent);
    uint64_t seq = operation->seq, time_ms = operation->time_ms;
    //  Told that nobody was found, a bot that asks for a person again would do so for ever.
    bool asks = (done->ask == ASK_HANDOFF || done->ask == ASK_TRANSFER_CALL)
                && !control_is_return (turn);
    if (asks)
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
    if (asks)
        control_ask_person (self, operation, done->target);
    operation->seq = seq;
    operation->time_ms = time_ms;
}

void
switchboard_absent (switchboard_t *self, operation_t *operation)
{
    operation->verdict = VERDICT_OK;
    participant_t *participant = fold_participant (self->fold, operation->role, operation->user);
    if (!participant || !participant->present || participant->channel.size > 0)
        return; //  over a channel nobody is absent
    if (fold_controls (self->fold, operation->role, operation->user))
        (void) control_happens (self, operation, &(happening_t){ .event = HAPPENS_LOSE });
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
//  Offers

//  An agent is reserved for 10 s: what was found longer ago than this may not be committed in time,
//  and the agent is somebody else's then.
#define MATCH_GOOD_US 5000000

void
switchboard_match (switchboard_t *self, operation_t *operation)
{
    const match_t *match = &operation->match;
    const fold_t *fold = self->fold;
    bool is_late = clock_mono_us () - operation->arrived_us > MATCH_GOOD_US;
    //  Of one who is offered to somebody, the place is over.
    bool is_waiting = fold->exists && control_state (fold) == CONTROL_WAITING;
    operation->verdict = VERDICT_DUPLICATE;
    if (!fold->exists || match->version != fold->control_seq || is_late)
        return;
    if (match->what != MATCH_NOTICE)
        operation->verdict = control_happens (
            self, operation,
            &(happening_t){ .event = match->what == MATCH_FOUND ? HAPPENS_FOUND : HAPPENS_NOBODY,
                            .agent = match->agent });
    else if (is_waiting && match->words.size > 0) {
        control_tell (self, operation, match->words);
        operation->verdict = VERDICT_OK;
    }
}

//  How a platform accepts: {"isQuiet": true, "watch": {…}}, both as it likes.
static void
s_read_acceptance (text_t data, happening_t *what)
{
    static const json_limits_t limits = { .depth_most = 8, .values_most = 100 };
    json_members_t members = json_members_of (data);
    text_t name, value;
    while (json_members_next (&members, &name, &value)) {
        bool is_watch = text_is (name, TEXT ("watch")) && value.size <= BUS_MEMORY_MOST
                        && json_is_object (value, &limits);
        if (text_is (name, TEXT ("isQuiet")))
            what->is_quiet = text_is (value, TEXT ("true"));
        else if (is_watch)
            what->watch = value;
    }
}

void
switchboard_answered (switchboard_t *self, operation_t *operation)
{
    const bus_done_t *done = &operation->record.done;
    text_t topic = entries_keep (self, done->topic);
    bool accepts = done->outcome == OUTCOME_ANSWERED;
    const participant_t *platform = fold_participant (self->fold, ROLE_PLATFORM, topic);
    operation->verdict = VERDICT_DUPLICATE;
    if (!self->fold->exists || !platform || !handover_is_of_offer (self->fold, done->item))
        return;
    happening_t what = { .event = accepts ? HAPPENS_ACCEPT : HAPPENS_DECLINE,
                         .message_id = entries_new_id (self),
                         .role = ROLE_PLATFORM,
                         .user = topic,
                         .sender = entries_keep (self, platform->sender),
                         .watch = TEXT_EMPTY };
    s_read_acceptance (done->data, &what);
    verdict_t verdict = control_happens (self, operation, &what);
    operation->verdict = verdict == VERDICT_OK ? VERDICT_OK : VERDICT_DUPLICATE;
}
