#include "rules/control.h"

#include "base/clock.h"
#include "base/random_id.h"
#include "base/keyed_hash.h"
#include "json/json_body.h"
#include "json/json_write.h"
#include "model/session_key.h"
#include "model/visitor_info.h"
#include "rules/channel_items.h"

#include <assert.h>
#include <stdio.h>

#define TOPIC_BOT TEXT ("bot.stentor")
#define RETURN_TYPE "CONTROL_RETURN_REQUEST"
#define RETURN_FRAME (1000 + MEANWHILE_JSON) //  bytes of such a body beside texts of the session
#define ESCAPED 6

text_t
control_why (switchboard_t *self, const char *why)
{
    buffer_t data;
    json_writer_t json;
    buffer_init (&data, 200);
    json_write_begin (&json, &data);
    json_open_object (&json, NULL);
    json_put_string (&json, "why", why);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    return entries_keep_buffer (self, &data);
}

// ---------------------------------------------------------------------------------------------
//  The bot

//  Only the last question is put again, once the bot is back: what waits for that is replaced. One
//  that a worker may have goes on.
static void
s_replace_waiting (switchboard_t *self)
{
    list_t *turns = &self->fold->turns;
    for (list_t *link = turns->next; link != turns;) {
        turn_t *turn = LIST_THING (link, turn_t, in_fold);
        link = link->next;
        bool waits = turn->state == TURN_HELD || turn->state == TURN_QUEUED
                     || turn->state == TURN_WAITING;
        if (!waits || !turn_is_again (turn))
            continue;
        fold_end_turn (self->fold, turn);
        changeset_finish (self->changeset, &turn,
                          &(store_finish_t){ .state = WORK_CANCELLED,
                                             .detail = TEXT ("a later question replaced it") });
    }
}

//  Was the visitor told not long ago that the bot fails? Else who goes on asking is told again.
static bool
s_is_told (const switchboard_t *self)
{
    uint64_t told_ms = self->fold->told_ms;
    return told_ms > 0 && clock_wall_ms () < told_ms + self->failure->tell_s * 1000;
}

//  The visitor was told that the bot fails, and is not to be told once more: it was not long ago,
//  or nothing new was said since, and the question comes back from whoever was asked meanwhile.
static bool
s_is_again (const switchboard_t *self, const question_t *question, const turn_t *like)
{
    const fold_t *fold = self->fold;
    const question_t *last = fold->unanswered;
    bool is_new = last && question->seq == last->seq && question->seq == fold->last_seq;
    bool is_old = last && !is_new && !question->hidden;
    bool is_told = s_is_told (self) || (fold->told_ms > 0 && is_old);
    return fold->failures > 0 && (like->held_until_ms > 0 || is_told);
}

//  The bot may have failed in this session: then once, and not again and again.
static void
s_ask (switchboard_t *self, const question_t *question, const turn_t *like)
{
    fold_t *fold = self->fold;
    char room[sizeof TURN_AGAIN_PREFIX + sizeof (random_id_t)];
    bool has_failed = fold->failures > 0;
    bool is_again = s_is_again (self, question, like);
    bool tries_once = has_failed || !app_failure_has (self->failure, FAILURE_RETRY);
    int size = snprintf (room, sizeof room, "%s%s", is_again ? TURN_AGAIN_PREFIX : "",
                         random_id_new ().text);
    assert (size > 0 && (size_t) size < sizeof room);
    if (has_failed && fold->unanswered && fold->unanswered->seq == question->seq)
        s_replace_waiting (self);
    turn_t *turn = turn_new (&(turn_t){ .session = fold->session,
                                        .app = fold->app,
                                        .state = TURN_QUEUED,
                                        .seq = question->seq,
                                        .item = text_of (room),
                                        .topic = TOPIC_BOT,
                                        .user = question->user,
                                        .body = question->body,
                                        .secret = question->secret,
                                        .tries_most = tries_once ? 1 : 0,
                                        .hidden = question->hidden,
                                        .held_until_ms = like->held_until_ms,
                                        .asked_ms = like->asked_ms });
    fold_add_turn (fold, turn);
    changeset_work (self->changeset, &(store_work_t){ .item = entries_keep (self, turn->item),
                                                      .kind = WORK_TURN,
                                                      .is_leased = true,
                                                      .topic = TOPIC_BOT,
                                                      .lane = TEXT_EMPTY,
                                                      .seq = question->seq,
                                                      .user = question->user,
                                                      .body = question->body,
                                                      .secret = question->secret });
}

void
control_ask_bot (switchboard_t *self, const question_t *question)
{
    s_ask (self, question, &(turn_t){ .asked_ms = clock_wall_ms () });
}

//  What the visitor said last and nobody answered, if anything.
static void
s_ask_unanswered (switchboard_t *self, const turn_t *like)
{
    const question_t *question = self->fold->unanswered;
    if (question && self->has_bot)
        s_ask (self,
               &(question_t){ .seq = question->seq,
                              .user = entries_keep (self, question->user),
                              .body = entries_keep (self, question->body),
                              .secret = entries_keep (self, question->secret) },
               like);
}

void
control_ask_again (switchboard_t *self, uint64_t asked_ms, uint64_t after_ms)
{
    s_ask_unanswered (self, &(turn_t){ .asked_ms = asked_ms,
                                       .held_until_ms = clock_mono_ms () + after_ms });
}

//  What an event says to the bot: who had the visitor, why it is back, what was said meanwhile, and
//  what nobody answered. It stands in the item, so that each try is the same.
static text_t
s_event_body (switchboard_t *self, uint64_t role, text_t user, const char *why)
{
    const question_t *question = self->fold->unanswered;
    buffer_t body;
    json_writer_t json;
    buffer_init (&body, RETURN_FRAME + ESCAPED * user.size + (question ? question->body.size : 0));
    json_write_begin (&json, &body);
    json_open_object (&json, NULL);
    json_put_string (&json, "type", RETURN_TYPE);
    json_put_string (&json, "intentId", "ControlReturn");
    json_open_object (&json, "controlReturn");
    json_put_string (&json, "why", why);
    json_open_object (&json, "from");
    json_put_string (&json, "role", role_name (role));
    json_put_text_if (&json, "userId", user);
    json_close_object (&json);
    meanwhile_put (&self->fold->meanwhile, &json);
    json_open_array (&json, "unanswered");
    if (question)
        json_put_json (&json, NULL, question->body);
    json_close_array (&json);
    json_close_object (&json);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    return entries_keep_buffer (self, &body);
}

bool
control_is_return (const turn_t *turn)
{
    static const char mark[] = "{\"type\":\"" RETURN_TYPE "\"";
    size_t size = sizeof mark - 1;
    return turn->body.size >= size && memcmp (turn->body.data, mark, size) == 0;
}

void
control_to_bot (switchboard_t *self, operation_t *operation, const char *why)
{
    fold_t *fold = self->fold;
    const question_t *question = fold->unanswered;
    text_t event = self->handover.gives_event
                       ? s_event_body (self, fold->control_role, fold->control_user, why)
                       : TEXT_EMPTY;
    (void) operation;
    entries_control (self, ROLE_BOT, TEXT_EMPTY);
    if (!self->has_bot)
        return;
    text_t visitor = entries_keep (self, fold->visitor);
    text_t secret = question ? entries_keep (self, question->secret) : TEXT_EMPTY;
    if (event.size > 0)
        control_ask_bot (self, &(question_t){ .seq = fold->last_seq,
                                              .user = visitor,
                                              .body = event,
                                              .secret = secret });
    else if (question)
        control_ask_bot (self, &(question_t){ .seq = question->seq,
                                              .user = entries_keep (self, question->user),
                                              .body = entries_keep (self, question->body),
                                              .secret = secret });
}

//  The bot has answered an earlier question meanwhile, and this one would be nobody's. What was for
//  the bot only is shown to nobody else.
static void
s_keep_question (switchboard_t *self, const turn_t *turn)
{
    const question_t *now = self->fold->unanswered;
    if (turn->hidden || control_is_return (turn) || (now && now->seq >= turn->seq))
        return;
    fold_wait (self->fold, &(question_t){ .seq = turn->seq,
                                          .user = turn->user,
                                          .body = turn->body,
                                          .secret = turn->secret,
                                          .since_ms = self->fold->last_time_ms });
}

void
control_end_turns (switchboard_t *self, text_t why)
{
    for (list_t *link; (link = list_first (&self->fold->turns));) {
        turn_t *turn = LIST_THING (link, turn_t, in_fold);
        s_keep_question (self, turn);
        fold_end_turn (self->fold, turn);
        changeset_finish (self->changeset, &turn,
                          &(store_finish_t){ .state = WORK_CANCELLED, .detail = why });
    }
}

void
control_tell (switchboard_t *self, operation_t *operation, text_t words)
{
    buffer_t data;
    json_writer_t json;
    buffer_init (&data, 200 + ESCAPED * words.size);
    json_write_begin (&json, &data);
    json_open_object (&json, NULL);
    json_open_object (&json, "outputSpeech");
    json_put_text (&json, "displayText", words);
    json_close_object (&json);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    entries_append (self, operation,
                    &(said_t){ .event = EVENT_NEW_MESSAGE,
                               .message_id = entries_new_id (self),
                               .role = ROLE_BOT,
                               .user = NOTICE_USER,
                               .sender = entries_keep (self, self->bot_sender),
                               .data = entries_keep_buffer (self, &data) });
}

// ---------------------------------------------------------------------------------------------
//  Platforms

text_t
control_platform (switchboard_t *self, text_t name)
{
    buffer_t topic;
    buffer_init (&topic, 200);
    int rc = buffer_put_string (&topic, "platform.") | buffer_put_text (&topic, name);
    assert (rc == 0);
    return entries_keep_buffer (self, &topic);
}

static text_t
s_sender_of_platform (switchboard_t *self, text_t topic)
{
    buffer_t sender;
    json_writer_t json;
    buffer_init (&sender, 200 + 2 * ESCAPED * topic.size);
    json_write_begin (&json, &sender);
    json_open_object (&json, NULL);
    json_put_text (&json, "userId", topic);
    json_put_text (&json, "deviceId", topic);
    json_put_string (&json, "displayName", "Agent");
    json_put_bool (&json, "isAdmin", true);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    return entries_keep_buffer (self, &sender);
}

//  What its far side calls the session's visitor: of the session, so that two sessions of one
//  visitor are two conversations there; the same from the first moment on.
static text_t
s_external_id (switchboard_t *self)
{
    text_t session = self->fold->session;
    text_t texts[] = { TEXT ("platform"), session_key_app (session), session_key_id (session) };
    return entries_keep (self, text_of (open_digest (texts, 3).text));
}

//  What is to be known of its tenancy later, kept with the participant.
typedef struct {
    bool is_quiet, watches, has_person;
} tenancy_t;

static tenancy_t
s_tenancy (const participant_t *platform)
{
    struct json_object *info = json_body_read (platform->info);
    tenancy_t tenancy = { .is_quiet = json_body_flag (info, "isQuiet"),
                          .watches = json_body_flag (info, "watches"),
                          .has_person = json_body_flag (info, "hasPerson") };
    json_body_free (&info);
    return tenancy;
}

static text_t
s_tenancy_text (switchboard_t *self, const tenancy_t *tenancy)
{
    buffer_t info;
    json_writer_t json;
    buffer_init (&info, 200);
    json_write_begin (&json, &info);
    json_open_object (&json, NULL);
    json_put_bool (&json, "isQuiet", tenancy->is_quiet);
    json_put_bool (&json, "watches", tenancy->watches);
    json_put_bool (&json, "hasPerson", tenancy->has_person);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    return entries_keep_buffer (self, &info);
}

//  What is known of the visitor now. `info` has what its client told, or the app (visitor_info.h);
//  the other members are those of it that everybody may rely on.
static void
s_put_visitor (const fold_t *fold, json_writer_t *json)
{
    const participant_t *visitor = fold_participant (fold, ROLE_VISITOR, fold->visitor);
    struct json_object *sender = visitor ? json_body_read (visitor->sender) : NULL;
    struct json_object *info = visitor ? json_body_read (visitor->info) : NULL;
    json_open_object (json, "visitor");
    json_put_text (json, "userId", fold->visitor);
    json_put_text_if (json, "displayName", json_body_text (sender, "displayName"));
    json_put_text_if (json, "locale", json_body_text (info, "language"));
    json_put_text_if (json, "page", json_body_text (info, "page"));
    json_put_json (json, "info", visitor ? visitor_info_of (visitor->info) : TEXT_EMPTY);
    json_close_object (json);
    json_body_free (&sender);
    json_body_free (&info);
}

void
control_put_asked (const fold_t *fold, json_writer_t *json)
{
    json_open_array (json, "unanswered");
    json_put_json (json, NULL, fold->unanswered ? fold->unanswered->body : TEXT_EMPTY);
    json_close_array (json);
    s_put_visitor (fold, json);
}

bool
control_admit_platform (switchboard_t *self, text_t topic)
{
    const participant_t *before = fold_participant (self->fold, ROLE_PLATFORM, topic);
    bool is_there = before && before->present;
    if (!is_there && channel_items_readers (self->fold) >= CHANNELS_MOST)
        return false;
    text_t sender = is_there ? entries_keep (self, before->sender)
                             : s_sender_of_platform (self, topic);
    text_t external_id = s_external_id (self);
    entries_admit (self, ROLE_PLATFORM, topic, sender, s_tenancy_text (self, &(tenancy_t){ 0 }));
    fold_reach (fold_participant (self->fold, ROLE_PLATFORM, topic), topic, external_id);
    changeset_channel (self->changeset, ROLE_PLATFORM, topic, topic);
    changeset_external_ref (self->changeset,
                            &(store_external_ref_t){ .channel = topic,
                                                     .external_id = external_id,
                                                     .role = ROLE_PLATFORM,
                                                     .user = topic });
    return true;
}

//  A worker that is stopped may have sent something that is on its way yet: what ends the far
//  side's conversation is not to come before it.
#define STOPPED_MS 5000

void
control_ask_no_more (switchboard_t *self, text_t topic, const char *why, bool is_told)
{
    const participant_t *platform = fold_participant (self->fold, ROLE_PLATFORM, topic);
    if (!platform || !platform->present)
        return; //  it was dismissed already, and the whole offer ends behind that
    control_dismiss (self, ROLE_PLATFORM, topic);
    channel_items_over (self->changeset, self->fold,
                        &(tenancy_end_t){ .topic = topic,
                                          .why = why,
                                          .after_ms = is_told ? STOPPED_MS : 0 });
}

//  Control has left it, with the last entry.
static void
s_end_tenancy (switchboard_t *self, text_t topic, const char *why)
{
    const participant_t *platform = fold_participant (self->fold, ROLE_PLATFORM, topic);
    if (!platform)
        return;
    if (s_tenancy (platform).watches)
        channel_items_unwatch (self->changeset, self->fold, topic);
    control_dismiss (self, ROLE_PLATFORM, topic);
    channel_items_over (
        self->changeset, self->fold,
        &(tenancy_end_t){ .topic = topic, .why = why, .was_in_control = true });
}

// ---------------------------------------------------------------------------------------------
//  Their people

static void
s_note_person (switchboard_t *self, text_t topic, text_t sender, bool is_there)
{
    const participant_t *platform = fold_participant (self->fold, ROLE_PLATFORM, topic);
    tenancy_t tenancy = s_tenancy (platform);
    tenancy.has_person = is_there;
    entries_admit (self, ROLE_PLATFORM, topic, sender, s_tenancy_text (self, &tenancy));
}

bool
control_has_person (const fold_t *fold, text_t topic, text_t sender)
{
    const participant_t *platform = fold_participant (fold, ROLE_PLATFORM, topic);
    return platform && fold_controls (fold, ROLE_PLATFORM, topic)
           && s_tenancy (platform).has_person
           && (sender.size == 0 || text_is (platform->sender, sender));
}

void
control_person_goes (switchboard_t *self, operation_t *operation, text_t message_id)
{
    text_t topic = entries_keep (self, self->fold->control_user);
    if (!control_has_person (self->fold, topic, TEXT_EMPTY))
        return;
    const participant_t *platform = fold_participant (self->fold, ROLE_PLATFORM, topic);
    entries_append (self, operation,
                    &(said_t){ .event = EVENT_BARGE_OUT,
                               .message_id = message_id,
                               .role = ROLE_PLATFORM,
                               .user = topic,
                               .sender = entries_keep (self, platform->sender),
                               .data = control_why (self, "left") });
    s_note_person (self, topic, s_sender_of_platform (self, topic), false);
}

void
control_person_comes (switchboard_t *self, operation_t *operation,
                      const platform_person_t *person)
{
    control_person_goes (self, operation, entries_new_id (self));
    entries_append (self, operation,
                    &(said_t){ .event = EVENT_BARGE_IN,
                               .message_id = person->message_id,
                               .role = ROLE_PLATFORM,
                               .user = person->topic,
                               .sender = person->sender,
                               .data = control_why (self, "entered") });
    s_note_person (self, person->topic, person->sender, true);
}

void
control_dismiss (switchboard_t *self, uint64_t role, text_t user)
{
    participant_t *participant = fold_participant (self->fold, role, user);
    if (!participant || !participant->present)
        return;
    fold_leave (participant);
    changeset_participant (self->changeset, role, entries_keep (self, user),
                           entries_keep (self, participant->sender), TEXT_EMPTY, false);
}

// ---------------------------------------------------------------------------------------------
//  Control

//  It left by passing on: what its connections of before say does not bring it in again.
static void
s_put_out (switchboard_t *self, operation_t *operation, text_t user, const char *why)
{
    participant_t *participant = fold_participant (self->fold, ROLE_AGENT, user);
    if (!participant || !participant->present)
        return;
    entries_append (self, operation,
                    &(said_t){ .event = EVENT_USER_LEFT,
                               .message_id = entries_new_id (self),
                               .role = ROLE_AGENT,
                               .user = user,
                               .sender = entries_keep (self, participant->sender),
                               .data = control_why (self, why) });
    control_dismiss (self, ROLE_AGENT, user);
    list_remove (&participant->absent); //  nobody waits for it any more
    participant->is_out = true;
    changeset_out (self->changeset, ROLE_AGENT, user);
}

void
control_step_back (switchboard_t *self, operation_t *operation, text_t message_id,
                   const char *why)
{
    fold_t *fold = self->fold;
    uint64_t role = fold->control_role;
    text_t user = entries_keep (self, fold->control_user);
    if (role == ROLE_PLATFORM)
        control_person_goes (self, operation, entries_new_id (self));
    const participant_t *holder = fold_participant (fold, role, user);
    entries_append (self, operation,
                    &(said_t){ .event = EVENT_BARGE_OUT,
                               .message_id =
                                   message_id.size > 0 ? message_id : entries_new_id (self),
                               .role = role,
                               .user = user,
                               .sender = holder ? entries_keep (self, holder->sender)
                                                : TEXT ("{}"),
                               .data = control_why (self, why),
                               .hidden = role == ROLE_PLATFORM && holder
                                         && s_tenancy (holder).is_quiet });
    if (role == ROLE_PLATFORM)
        s_end_tenancy (self, user, why);
    else if (self->handover.sends_out && strcmp (why, "passed") == 0)
        s_put_out (self, operation, user, why);
}

void
control_nobody (switchboard_t *self)
{
    entries_control (self, ROLE_ROUTER, TEXT_EMPTY);
}

void
control_give (switchboard_t *self, operation_t *operation, const taking_t *taking)
{
    control_end_turns (self, TEXT ("an agent took control"));
    entries_append (self, operation,
                    &(said_t){ .event = EVENT_BARGE_IN,
                               .message_id = taking->message_id,
                               .role = taking->role,
                               .user = taking->user,
                               .sender = taking->sender,
                               .data = control_why (self, taking->why),
                               .client_ms = taking->client_ms,
                               .hidden = taking->is_quiet });
    const tenancy_t tenancy = { .is_quiet = taking->is_quiet,
                                .watches = taking->watch.size > 0 };
    bool is_platform = taking->role == ROLE_PLATFORM;
    entries_admit (self, taking->role, taking->user, taking->sender,
                   is_platform ? s_tenancy_text (self, &tenancy) : TEXT_EMPTY);
    entries_control (self, taking->role, taking->user);
    if (tenancy.watches)
        channel_items_watch (self->changeset, self->fold, taking->user, taking->watch);
}
