#include "base/clock.h"
#include "base/log.h"
#include "base/random_id.h"
#include "conversation/steps.h"
#include "json/json_write.h"
#include "platform/genesys_metrics.h"

#include <assert.h>
#include <stdio.h>

#define PATH_MOST 300
#define BODY_MOST 4000
#define KEY_MOST 80
//  What is on its way is to be there before the visitor is given back.
#define OPEN_AGAIN_MS 500
//  Watchers that had to wait for the rate come again one after the other.
#define LATER_SPREAD_MS 1000
//  Of an app that has no section any more: the calls will say so.
#define POLL_MS 5000
#define QUEUE_MS 300000
#define UNREACHABLE_MS 120000

// ------------------------------------------------------------------------------------------------
//  Ends of a look

static void
s_remember (attempt_t *self, const watch_memory_t *memory, uint64_t after_ms, const char *detail)
{
    char room[WATCH_MEMORY_SIZE];
    attempt_end (self, &(worker_report_t){ .outcome = WORKER_RETRY,
                                           .after_ms = after_ms,
                                           .detail = text_of (detail),
                                           .remember = watch_memory_write (memory, room) });
}

static void
s_over (attempt_t *self, const char *detail)
{
    open_conversations_forget (self->owner->open, self->body.app, self->body.session);
    attempt_done (self, detail);
}

//  The conversation is still looked after.
static void
s_remember_open (attempt_t *self, const watch_memory_t *memory, uint64_t after_ms,
                 const char *detail)
{
    open_conversations_note (self->owner->open, self->body.app, self->body.session,
                             memory->state != WATCH_WITH, clock_wall_ms (), after_ms);
    s_remember (self, memory, after_ms, detail);
}

static uint64_t
s_pause_ms (const attempt_t *self, const watch_memory_t *memory)
{
    const app_genesys_t *section = attempt_find_section (self);
    uint64_t period_ms = section ? section->poll_s * 1000 : POLL_MS;
    uint64_t least_ms =
        genesys_poll_least_ms (self->owner->means.calls, self->body.app,
                               open_conversations_count (self->owner->open, self->body.app));
    uint64_t pause_ms = watch_pause_ms (memory, period_ms, least_ms, clock_wall_ms ());
    pause_ms += random_id_number () % (pause_ms / 10 + 1);
    return pause_ms > self->after_ms ? pause_ms : self->after_ms;
}

static void
s_go_on (attempt_t *self)
{
    const watch_memory_t *next = &self->decision.next;
    s_remember_open (self, next, s_pause_ms (self, next), presence_words (self->facts.presence));
}

//  What was to be done was not: the next look begins where this one did.
static void
s_not_done (attempt_t *self)
{
    s_remember_open (self, &self->watch, s_pause_ms (self, &self->watch),
                     "the session's postoffice did not do it");
}

//  There was no look, as others had their turn: it says nothing of the conversation.
static void
s_look_later (attempt_t *self, const genesys_outcome_t *outcome)
{
    uint64_t after_ms = outcome->retry_after_ms > 0 ? outcome->retry_after_ms
                                                    : s_pause_ms (self, &self->watch);
    s_remember_open (self, &self->watch, after_ms + random_id_number () % LATER_SPREAD_MS,
                     outcome->words);
}

// ------------------------------------------------------------------------------------------------
//  What is done about it

//  The same at each try at this change, and another one at the next change.
static void
s_ask (attempt_t *self, api_operation_t operation, text_t body, attempt_answer_fn *then)
{
    char key[KEY_MOST];
    snprintf (key, sizeof key, "genesys-%llu-%llu", (unsigned long long) self->body.seq,
              (unsigned long long) self->decision.next.turn);
    attempt_ask (self,
                 &(attempt_ask_t){ .operation = operation, .body = body, .key = text_of (key) },
                 then);
}

static void
s_log_passed_over (const attempt_t *self, unsigned status)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "not taken by the postoffice");
    if (log_limit_allows (&limit))
        log_warn ("not taken by the postoffice", log_text ("app", self->body.app),
                  log_text ("session", self->body.session), log_number ("status", status));
}

//  True: it was done, or cannot be said like that, now or later, and is passed over. Else the
//  attempt is at its end.
static bool
s_is_done (attempt_t *self, unsigned status)
{
    if (status >= 200 && status < 300)
        return true;
    if (status == 400 || status == 422) {
        s_log_passed_over (self, status);
        return true;
    }
    if (status == 404)
        s_over (self, "the session is not there any more");
    else
        s_not_done (self);
    return false;
}

static void
s_entered (attempt_t *self, unsigned status, text_t body)
{
    (void) body;
    if (!s_is_done (self, status))
        return;
    uint64_t now_ms = clock_wall_ms ();
    genesys_metrics_t *metrics = genesys_metrics_of (self->body.app);
    if (!self->watch.was_attended)
        histogram_add (&metrics->histograms[GENESYS_TIME_TO_AGENT],
                       now_ms > self->body.time_ms ? (now_ms - self->body.time_ms) * 1000 : 0);
    s_go_on (self);
}

static void
s_exited (attempt_t *self, unsigned status, text_t body)
{
    (void) body;
    if (s_is_done (self, status))
        s_remember (self, &self->decision.next, 0, self->decision.why);
}

//  As `as` of the API. Who goes out is whoever is there.
static void
s_put_person (buffer_t *body, const char *name, text_t picture)
{
    json_writer_t json;
    json_write_begin (&json, body);
    json_open_object (&json, NULL);
    json_open_object (&json, "as");
    json_put_string (&json, "kind", "platform");
    json_put_string (&json, "userId", CONVERSATION_TOPIC);
    json_put_text_if (&json, "name", text_of (name));
    json_put_text_if (&json, "avatarPath", picture);
    json_close_object (&json);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0); //  a name and a URL, both with limits
}

static void
s_ask_person (attempt_t *self, api_operation_t operation, const char *name, text_t picture,
              attempt_answer_fn *then)
{
    buffer_t body;
    buffer_init (&body, BODY_MOST);
    s_put_person (&body, name, picture);
    s_ask (self, operation, buffer_text (&body), then);
    buffer_free (&body);
}

//  The participant's name, else what the person prefers, else the app's.
static void
s_enter_as (attempt_t *self, const genesys_person_t *person)
{
    watch_memory_t *next = &self->decision.next;
    const app_genesys_t *section = attempt_find_section (self);
    text_t name = *next->name ? text_of (next->name)
                  : person->name.size > 0 ? person->name
                  : section ? section->name
                            : TEXT ("Agent");
    char shown[CONVERSATION_NAME_SIZE];
    snprintf (shown, sizeof shown, "%.*s", TEXT_ARGS (name));
    snprintf (next->name, sizeof next->name, "%s", shown);
    s_ask_person (self, API_SESSION_ENTER, next->name, person->picture, s_entered);
}

static void
s_knows_person (void *owner, const genesys_person_t *person)
{
    attempt_t *self = owner;
    self->person = NULL;
    s_enter_as (self, person);
}

static void
s_enter (attempt_t *self)
{
    genesys_person_t person = { .name = TEXT_EMPTY, .picture = TEXT_EMPTY };
    if (*self->facts.user)
        self->person =
            genesys_people_ask (self->owner->means.people, self->body.app,
                                text_of (self->facts.user), &person, s_knows_person, self);
    if (!self->person)
        s_enter_as (self, &person);
}

static void
s_exit (attempt_t *self)
{
    s_ask_person (self, API_SESSION_EXIT, "", TEXT_EMPTY, s_exited);
}

static void
s_released (attempt_t *self, unsigned status, text_t body)
{
    (void) body;
    if (status == 412)
        s_remember (self, &self->decision.next, 0, "something was said meanwhile");
    else if (status == 400 || status == 422)
        s_not_done (self); //  somebody must answer the visitor
    else if (s_is_done (self, status))
        s_over (self, self->decision.why);
}

//  What the visitor said goes there, or to whoever is next, and never to both: while something is
//  on its way, the conversation may go on by it.
static void
s_give_back (attempt_t *self, uint64_t now_ms, const watch_limits_t *limits)
{
    const watch_memory_t *next = &self->decision.next;
    const char *reason = self->decision.reason;
    char body[40] = "";
    if (reason)
        snprintf (body, sizeof body, "{\"why\":\"%s\"}", reason);
    bool waits = self->look.open > 0 && !self->decision.is_dark
                 && now_ms < next->ended_ms + limits->unreachable_ms;
    if (waits)
        s_remember (self, next, OPEN_AGAIN_MS, "something is on its way there");
    else
        attempt_ask (self,
                     &(attempt_ask_t){ .operation = API_CONTROL_RELEASE,
                                       .body = text_of (body),
                                       .if_match = self->look.last_seq },
                     s_released);
}

// ------------------------------------------------------------------------------------------------
//  The look

static void
s_act (attempt_t *self)
{
    const app_genesys_t *section = attempt_find_section (self);
    uint64_t now_ms = clock_wall_ms ();
    watch_limits_t limits = { .queue_ms = section ? section->queue_s * 1000 : QUEUE_MS,
                              .unreachable_ms =
                                  section ? section->unreachable_s * 1000 : UNREACHABLE_MS };
    self->decision = watch_decide (&self->watch, &self->facts, &limits, now_ms);
    switch (self->decision.act) {
    case WATCH_NOTHING:
        s_go_on (self);
        break;
    case WATCH_ENTER:
        s_enter (self);
        break;
    case WATCH_EXIT:
        s_exit (self);
        break;
    case WATCH_GIVE_BACK:
        s_give_back (self, now_ms, &limits);
        break;
    }
}

static presence_t
s_presence_of (const genesys_outcome_t *outcome)
{
    switch (outcome->class) {
    case GENESYS_REFUSED:
        return outcome->status == 404 ? PRESENCE_GONE : PRESENCE_UNCLEAR;
    case GENESYS_FORBIDDEN:
        return PRESENCE_BARRED;
    default:
        return PRESENCE_UNREACHABLE;
    }
}

static void
s_seen (attempt_t *self, const genesys_outcome_t *outcome)
{
    if (outcome->class == GENESYS_LATER && !outcome->is_barred) {
        s_look_later (self, outcome);
        return;
    }
    self->facts = (conversation_facts_t){ .presence = s_presence_of (outcome) };
    if (outcome->class == GENESYS_OK)
        conversation_facts_read (&self->facts, outcome->body);
    self->after_ms = outcome->retry_after_ms;
    s_act (self);
}

//  An entry that was posted since may have learnt of another conversation.
static text_t
s_conversation (const attempt_t *self)
{
    if (*self->look.conversation)
        return text_of (self->look.conversation);
    return conversation_id_of (genesys_item_data_text (&self->body, "conversation"));
}

static void
s_see (attempt_t *self)
{
    text_t conversation = s_conversation (self);
    bool is_of_before = self->look.tenancy > 0 && self->look.tenancy != self->body.seq;
    if (!self->look.controls || is_of_before) {
        s_over (self, "the platform is out");
        return;
    }
    if (conversation.size == 0) {
        self->facts.presence = PRESENCE_UNCLEAR;
        s_act (self);
        return;
    }
    char path[PATH_MOST];
    snprintf (path, sizeof path, "/api/v2/conversations/messages/%.*s", TEXT_ARGS (conversation));
    attempt_call (self, CALL_POLL, "GET", text_of (path), TEXT_EMPTY, s_seen);
}

void
step_watch (attempt_t *self)
{
    self->is_watcher = true;
    watch_memory_read (&self->watch, worker_item_view (self->item)->work.memory);
    attempt_look (self, s_see);
}
