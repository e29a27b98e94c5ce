#include "triggers/alerts.h"

#include "json/json_body.h"
#include "model/message.h"
#include "model/offer.h"
#include "triggers/alert_where.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

//  More than the body of an alert keeps, so that it says what it has cut.
#define SAID_MOST (ALERT_MOST_MAIL + 4)
#define GROUPS_MOST OFFER_TARGETS_MOST
#define RULE_WORDS ((APP_ALERTS_MOST + 63) / 64)

//  What has happened, as rules see it. Texts that it does not have are empty.
typedef struct {
    alert_event_t event;
    uint64_t seq, time_ms;
    uint64_t role; //  `by`
    text_t user;
    text_t reason;
    text_t agent; //  user id
    text_t data;  //  what the visitor said with it: JSON object
    text_t words; //  that, for people; data NULL: not read yet
    char *folded; //  of these words; NULL: not yet
} incident_t;

//  One changeset. What is read of the session is read when the first rule asks for it.
typedef struct {
    switchboard_t *board;
    const app_t *app;
    uint64_t called[RULE_WORDS]; //  bits of rules that have an alert already
    bool is_asked;               //  a person was asked for in it
    text_t offer;                //  data of its last entry of an offer; empty: there is none
    struct json_object *info;    //  of the visitor
    bool has_info;
    text_t words; //  what the visitor said last; data NULL: not read yet
    char *folded; //  of these words; NULL: not yet
} look_t;

// ---------------------------------------------------------------------------------------------
//  What is known of the session

static const participant_t *
s_visitor (const look_t *self)
{
    return fold_participant (self->board->fold, ROLE_VISITOR, self->board->fold->visitor);
}

static text_t
s_info (look_t *self, const char *name)
{
    const participant_t *visitor = s_visitor (self);
    if (!self->has_info && visitor)
        self->info = json_body_read (visitor->info);
    self->has_info = true;
    return json_body_text (self->info, name);
}

//  The data of what the visitor said last: in this changeset; or without an answer until it, or
//  answered in it; or while others had control. Of more the log would have to be asked.
static text_t
s_said_last (const look_t *self)
{
    const changeset_t *changeset = self->board->changeset;
    const fold_t *fold = self->board->fold;
    for (size_t at = changeset->entry_count; at-- > 0;) {
        const store_entry_t *entry = &changeset->entries[at];
        if (entry->event == EVENT_NEW_MESSAGE && entry->role == ROLE_VISITOR && !entry->hidden)
            return entry->data;
    }
    if (fold->unanswered)
        return fold->unanswered->body;
    const list_t *ended = &changeset->ended;
    for (const list_t *link = ended->previous; link != ended; link = link->previous) {
        const turn_t *turn = LIST_THING (link, turn_t, in_fold);
        if (!turn->hidden && topic_is_of_turns (turn->topic))
            return turn->body;
    }
    return TEXT_EMPTY;
}

static text_t
s_kept_words (look_t *self, text_t data)
{
    buffer_t words;
    buffer_init (&words, SAID_MOST);
    if (data.size > 0)
        (void) message_put_words (data, SAID_MOST, &words);
    return entries_keep_buffer (self->board, &words);
}

//  Of an incident that is about words, these; else the last ones.
static text_t
s_words (look_t *self, incident_t *incident)
{
    bool is_own = incident->data.size > 0;
    text_t *words = is_own ? &incident->words : &self->words;
    if (!words->data)
        *words = s_kept_words (self, is_own ? incident->data : s_said_last (self));
    return *words;
}

//  Goes through the groups that are asked for: the name at `at`; false: there are no more.
static bool
s_group_of (const offer_t *offer, const handover_rules_t *rules, size_t at, text_t *name)
{
    const text_t *targets = offer->count > 0 ? offer->targets : rules->handoff;
    size_t count = offer->count > 0 ? offer->count : rules->handoff_count;
    for (size_t target = 0; target < count; target++)
        if (target_of (targets[target], name) == TARGET_GROUP && at-- == 0)
            return true;
    return false;
}

//  The offer that it is about: that was told last, that stood when the changeset began, or that
//  stands.
static text_t
s_offer (const look_t *self)
{
    text_t before = self->board->changeset->offer_before;
    return self->offer.size > 0 ? self->offer
           : before.size > 0    ? before
                                : self->board->fold->offer.text;
}

//  The groups that are asked for, by the offer or, without one, by what the app would begin.
//  Returns how many of them were put into `groups`, where they are kept.
static size_t
s_asked_groups (const look_t *self, text_t groups[GROUPS_MOST])
{
    offer_t offer;
    text_t name;
    size_t count = 0;
    bool has_offer = offer_read (&offer, s_offer (self));
    while (count < GROUPS_MOST && s_group_of (&offer, &self->board->handover, count, &name))
        groups[count++] = entries_keep (self->board, name);
    if (has_offer)
        offer_free (&offer);
    return count;
}

// ---------------------------------------------------------------------------------------------
//  Conditions

//  The words are folded for the first rule that looks at them.
static const char *
s_folded (look_t *self, incident_t *incident)
{
    char **folded = incident->data.size > 0 ? &incident->folded : &self->folded;
    if (!*folded)
        *folded = alert_folded (s_words (self, incident));
    return *folded;
}

static bool
s_is_wanted (look_t *self, const app_alert_t *rule, incident_t *incident)
{
    text_t groups[GROUPS_MOST];
    alert_scene_t scene = { .page = s_info (self, "page"), .language = s_info (self, "language") };
    if (!alert_where_holds (rule, ALERT_WHERE_PAGES, &scene)
        || !alert_where_holds (rule, ALERT_WHERE_LANGUAGES, &scene))
        return false;
    if (rule->where.groups.count > 0) {
        scene.groups = groups;
        scene.group_count = s_asked_groups (self, groups);
    }
    if (!alert_where_holds (rule, ALERT_WHERE_GROUPS, &scene))
        return false;
    scene.words = rule->keywords ? s_folded (self, incident) : NULL;
    return alert_where_holds (rule, ALERT_WHERE_KEYWORDS, &scene);
}

// ---------------------------------------------------------------------------------------------
//  An alert

//  The name that people are shown; empty: it has none.
static text_t
s_name_of (look_t *self, const participant_t *participant)
{
    if (!participant)
        return TEXT_EMPTY;
    struct json_object *sender = json_body_read (participant->sender);
    text_t name = entries_keep (self->board, json_body_text (sender, "displayName"));
    json_body_free (&sender);
    return name;
}

static text_t
s_body (look_t *self, const app_alert_t *rule, incident_t *incident)
{
    text_t groups[GROUPS_MOST];
    const fold_t *fold = self->board->fold;
    alert_body_t body = { .rule = rule->name,
                          .event = incident->event,
                          .seq = incident->seq,
                          .time_ms = incident->time_ms,
                          .role = incident->role,
                          .user = incident->user };
    text_t *values = body.values;
    text_t name = s_info (self, "name");
    text_t agent = s_name_of (self, fold_participant (fold, ROLE_AGENT, incident->agent));
    values[ALERT_VALUE_VISITOR_NAME] = name.size > 0 ? name : s_name_of (self, s_visitor (self));
    values[ALERT_VALUE_VISITOR_ID] = fold->visitor;
    values[ALERT_VALUE_VISITOR_PAGE] = s_info (self, "page");
    values[ALERT_VALUE_VISITOR_LANGUAGE] = s_info (self, "language");
    values[ALERT_VALUE_MESSAGE_TEXT] = s_words (self, incident);
    values[ALERT_VALUE_AGENT_NAME] = agent.size > 0 ? agent : incident->agent;
    values[ALERT_VALUE_REASON] = incident->reason;
    if (alert_events[incident->event].has_groups)
        values[ALERT_VALUE_GROUP] =
            s_asked_groups (self, groups) > 0 ? groups[0] : TEXT_EMPTY;
    buffer_t text;
    buffer_init (&text, ALERT_BODY_MOST);
    alert_body_write (&body, &text);
    return entries_keep_buffer (self->board, &text);
}

static text_t
s_item (look_t *self, const app_alert_t *rule, const incident_t *incident)
{
    char item[ALERT_ITEM_MAX];
    int size = snprintf (item, sizeof item, ALERT_PREFIX "%s:%.*s:%llu:%llu", rule->name.data,
                         TEXT_ARGS (self->board->fold->session),
                         (unsigned long long) incident->seq,
                         (unsigned long long) incident->time_ms);
    assert (size > 0 && (size_t) size < sizeof item);
    return entries_keep (self->board, (text_t){ item, (size_t) size });
}

//  Each rule of the event whose conditions hold, once in a changeset.
static void
s_happens (look_t *self, incident_t *incident)
{
    const app_alert_t *rules = self->app->alerts.rows;
    for (size_t at = 0; at < self->app->alerts.count; at++) {
        const app_alert_t *rule = &rules[at];
        if (rule->event != incident->event || self->called[at / 64] & 1ull << at % 64
            || !s_is_wanted (self, rule, incident))
            continue;
        self->called[at / 64] |= 1ull << at % 64;
        changeset_work (self->board->changeset,
                        &(store_work_t){ .item = s_item (self, rule, incident),
                                         .kind = WORK_TIMER,
                                         .topic = TOPIC_ALERT,
                                         .lane = TEXT_EMPTY,
                                         .seq = incident->seq,
                                         .user = TEXT_EMPTY,
                                         .body = s_body (self, rule, incident),
                                         .secret = TEXT_EMPTY,
                                         .after_ms = rule->after_s * 1000 });
    }
}

// ---------------------------------------------------------------------------------------------
//  What entries come to

//  A member of the entry's data, kept.
static text_t
s_member (look_t *self, const store_entry_t *entry, const char *name)
{
    struct json_object *data = json_body_read (entry->data);
    text_t text = entries_keep (self->board, json_body_text (data, name));
    json_body_free (&data);
    return text;
}

static incident_t
s_incident (const look_t *self, size_t at, alert_event_t event)
{
    const changeset_t *changeset = self->board->changeset;
    const fold_t *fold = self->board->fold;
    return (incident_t){ .event = event,
                         .seq = changeset->first_seq + at,
                         .time_ms = changeset->entries[at].time_ms,
                         .role = fold->control_role,
                         .user = fold->control_user,
                         .reason = TEXT_EMPTY,
                         .agent = TEXT_EMPTY,
                         .data = TEXT_EMPTY };
}

//  Somebody has asked for a person: once, also when the bot's wish and the offer that follows from
//  it are two entries. An app that says nothing of whom only shows it: the bot goes on, and the
//  visitor waits all the same.
static void
s_asked (look_t *self, size_t at, const char *why)
{
    const store_entry_t *entry = &self->board->changeset->entries[at];
    incident_t incident = s_incident (self, at, ALERT_ON_HANDOFF_ASKED);
    incident.reason = s_member (self, entry, why);
    if (!self->is_asked)
        s_happens (self, &incident);
    self->is_asked = true;
    incident.event = ALERT_ON_VISITOR_WAITS;
    if (entry->event == EVENT_HANDOFF && self->board->fold->control_role == ROLE_BOT
        && self->board->handover.handoff_count == 0)
        s_happens (self, &incident);
}

static void
s_offer_ended (look_t *self, size_t at)
{
    const store_entry_t *entry = &self->board->changeset->entries[at];
    text_t why = s_member (self, entry, "why"), to = s_member (self, entry, "to");
    bool is_missed = text_is (why, TEXT ("expired")) || text_is (why, TEXT ("declined"));
    bool is_nobody = text_is (why, TEXT ("nobody"));
    if (!(is_missed && to.size > 0) && !is_nobody)
        return;
    incident_t incident =
        s_incident (self, at, is_nobody ? ALERT_ON_NOBODY_THERE : ALERT_ON_OFFER_EXPIRED);
    incident.reason = why;
    if (target_of (to, &incident.agent) != TARGET_AGENT)
        incident.agent = TEXT_EMPTY;
    s_happens (self, &incident);
}

static void
s_gave_up (look_t *self, size_t at)
{
    const store_entry_t *entry = &self->board->changeset->entries[at];
    incident_t incident = s_incident (self, at, ALERT_ON_AGENT_GONE);
    incident.reason = s_member (self, entry, "why");
    incident.role = entry->role;
    incident.user = incident.agent = entry->user;
    if (entry->role == ROLE_AGENT && text_is (incident.reason, TEXT ("absent")))
        s_happens (self, &incident);
}

static void
s_look_at (look_t *self, size_t at)
{
    const store_entry_t *entry = &self->board->changeset->entries[at];
    incident_t incident = s_incident (self, at, ALERT_EVENTS);
    switch (entry->event) {
    case EVENT_NEW_MESSAGE:
        incident.event = ALERT_ON_KEYWORD;
        incident.data = entry->data;
        if (entry->role == ROLE_VISITOR && !entry->hidden && entry->data.size > 0)
            s_happens (self, &incident);
        free (incident.folded);
        break;
    case EVENT_HANDOFF:
        s_asked (self, at, "target");
        break;
    case EVENT_OFFER:
        self->offer = entry->data;
        if (entry->role != ROLE_ROUTER) //  else it goes on, or somebody is gone
            s_asked (self, at, "why");
        break;
    case EVENT_OFFER_ENDED:
        s_offer_ended (self, at);
        break;
    case EVENT_BARGE_OUT:
        s_gave_up (self, at);
        break;
    case EVENT_SESSION_REOPENED:
        incident.event = ALERT_ON_SESSION_STARTED;
        s_happens (self, &incident);
        break;
    case EVENT_SESSION_CLOSED:
        incident.event = ALERT_ON_SESSION_ENDED;
        incident.reason = s_member (self, entry, "why");
        s_happens (self, &incident);
        break;
    default:
        break;
    }
}

//  Nobody has control from now on.
static void
s_look_at_waiting (look_t *self)
{
    const fold_t *fold = self->board->fold;
    const changeset_t *changeset = self->board->changeset;
    if (!changeset->holder_changes || fold->control_role != ROLE_ROUTER || fold->is_closed)
        return;
    assert (fold->control_seq >= changeset->first_seq);
    size_t at = (size_t) (fold->control_seq - changeset->first_seq);
    incident_t incident = s_incident (self, at, ALERT_ON_VISITOR_WAITS);
    offer_t offer;
    if (offer_read (&offer, fold->offer.text)) {
        incident.reason = entries_keep (self->board, offer.why);
        offer_free (&offer);
    }
    s_happens (self, &incident);
}

//  A visitor has spoken whom an agent or a platform has, and waits for its answer since now; or
//  somebody has got one who waits. What is said next does not begin it anew (deadlines.c).
static void
s_look_at_silence (look_t *self)
{
    const fold_t *fold = self->board->fold;
    const changeset_t *changeset = self->board->changeset;
    const question_t *question = fold->unanswered;
    bool is_held = fold->control_role == ROLE_AGENT || fold->control_role == ROLE_PLATFORM;
    if (!question || !is_held || fold->is_closed
        || (!changeset->holder_changes && question->since_ms < changeset->entries[0].time_ms))
        return;
    incident_t incident = s_incident (self, changeset->entry_count - 1, ALERT_ON_AGENT_SILENT);
    incident.time_ms = question->since_ms;
    incident.agent = fold->control_user;
    s_happens (self, &incident);
}

void
alerts_end (switchboard_t *self)
{
    const app_t *app = self->app;
    if (!app || app->alerts.count == 0 || self->changeset->entry_count == 0)
        return;
    look_t look = { .board = self, .app = app, .offer = TEXT_EMPTY };
    if (self->changeset->opens) {
        incident_t incident = s_incident (&look, 0, ALERT_ON_SESSION_STARTED);
        s_happens (&look, &incident);
    }
    for (size_t at = 0; at < self->changeset->entry_count; at++)
        s_look_at (&look, at);
    s_look_at_waiting (&look);
    s_look_at_silence (&look);
    json_body_free (&look.info);
    free (look.folded);
}
