#include "conversation/attempt.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random_id.h"
#include "json/json_body.h"

#include <stdio.h>

#define ASK_WITHIN_MS 8000
#define ASK_AGAIN_MS 1000
#define SECTION_AGAIN_MS 2000
#define SECTION_TRIES 5
//  An hour in all. An offer is over long before that, and so is what a visitor says when the
//  platform stays out of reach: the watcher gives the visitor back.
#define FAILS_MOST 70
#define DETAIL_ROOM 500

bool
attempt_begin (attempt_t *self, conversations_t *owner, worker_item_t *item)
{
    const bus_work_t *work = &worker_item_view (item)->work;
    self->owner = owner;
    self->item = item;
    self->began_ms = clock_mono_ms ();
    item_memory_read (&self->memory, work->memory);
    lane_memory_read (&self->lane, work->lane_memory);
    if (genesys_item_read (&self->body, work->body) == 0)
        return true;
    attempt_dead (self, 0, "the body of the item cannot be read");
    return false;
}

//  What is under way may be carried out.
void
attempt_remember (attempt_t *self, worker_report_t *report)
{
    self->memory.is_unsure = self->memory.is_unsure || self->call;
    self->memory.fails++;
    if (!self->is_watcher)
        report->remember = item_memory_write (&self->memory, self->left_behind);
    if (self->lane_is_new)
        report->remember_lane = lane_memory_write (&self->lane, self->left_behind_in_lane);
}

void
attempt_free (attempt_t *self)
{
    genesys_call_cancel (&self->call);
    worker_request_cancel (&self->request);
    genesys_person_ask_cancel (&self->person);
    said_free (&self->said);
    buffer_free (&self->attributes);
    transcript_free (&self->transcript);
    genesys_item_free (&self->body);
}

const app_genesys_t *
attempt_find_section (const attempt_t *self)
{
    const app_t *app = apps_find (self->owner->means.apps, self->body.app);
    return app && app->genesys.is_there ? &app->genesys : NULL;
}

//  The postoffice's file may be newer than ours.
const app_genesys_t *
attempt_section (attempt_t *self)
{
    const app_genesys_t *section = attempt_find_section (self);
    if (section)
        return section;
    if (++self->memory.fails < SECTION_TRIES)
        attempt_again (self, SECTION_AGAIN_MS, "the app has no section \"genesys\" here");
    else
        attempt_dead (self, 0, "the app has no section \"genesys\"");
    return NULL;
}

// ------------------------------------------------------------------------------------------------
//  Calls and requests

static void
s_called (void *owner, const genesys_outcome_t *outcome)
{
    attempt_t *self = owner;
    self->call = NULL;
    self->on_outcome (self, outcome);
}

void
attempt_call (attempt_t *self, genesys_use_t use, const char *method, text_t path, text_t body,
              attempt_outcome_fn *then)
{
    genesys_ask_t ask = {
        .app = self->body.app, .use = use, .method = method, .path = path, .body = body
    };
    self->on_outcome = then;
    self->call = genesys_call (self->owner->means.calls, &ask, s_called, self);
}

static void
s_answered (void *owner, unsigned status, text_t body, uint64_t last_seq)
{
    attempt_t *self = owner;
    (void) last_seq;
    self->request = NULL;
    self->on_answer (self, status, body);
}

static text_t
s_or_empty (text_t text)
{
    return text.data ? text : TEXT_EMPTY;
}

void
attempt_ask (attempt_t *self, const attempt_ask_t *ask, attempt_answer_fn *then)
{
    self->on_answer = then;
    self->request = worker_ask (
        self->owner->worker,
        &(worker_ask_t){ .app = self->body.app,
                         .session = self->body.session,
                         .platform = TEXT (CONVERSATION_TOPIC),
                         .operation = ask->operation,
                         .query = s_or_empty (ask->query),
                         .body = s_or_empty (ask->body),
                         .key = s_or_empty (ask->key),
                         .if_match = ask->if_match > 0 ? ask->if_match : SEQ_UNKNOWN,
                         .deadline_ms = ASK_WITHIN_MS },
        s_answered, self);
}

static int
s_read_look (look_t *look, text_t body)
{
    struct json_object *tree = json_body_read (body);
    if (!tree)
        return -1;
    text_t id = conversation_id_of (
        json_body_text (json_body_member (tree, "memory"), "conversation"));
    *look = (look_t){ .controls = json_body_flag (tree, "controls"),
                      .tenancy = json_body_number (tree, "tenancy"),
                      .last_seq = json_body_number (tree, "lastSeq"),
                      .open = json_body_number (tree, "open"),
                      .visitor_present = json_body_flag (tree, "visitorPresent") };
    memcpy (look->conversation, id.data, id.size);
    json_body_free (&tree);
    return 0;
}

static void
s_looked (attempt_t *self, unsigned status, text_t body)
{
    if (status == 404)
        attempt_done (self, "the session is not there any more");
    else if (status != 200 || s_read_look (&self->look, body) != 0)
        attempt_unanswered (self, status);
    else
        self->then (self);
}

void
attempt_look (attempt_t *self, void (*looked) (attempt_t *self))
{
    self->then = looked;
    self->looks++;
    attempt_ask (self,
                 &(attempt_ask_t){ .operation = API_PLATFORM,
                                   .body = TEXT ("{\"what\":\"look\"}") },
                 s_looked);
}

// ------------------------------------------------------------------------------------------------
//  Ends

void
attempt_end (attempt_t *self, worker_report_t *report)
{
    char memory[STEP_MEMORY_SIZE], lane[STEP_MEMORY_SIZE];
    worker_item_t *item = self->item;
    if (report->remember.size == 0 && !self->is_watcher)
        report->remember = item_memory_write (&self->memory, memory);
    if (self->lane_is_new)
        report->remember_lane = lane_memory_write (&self->lane, lane);
    attempt_free (self);
    worker_item_done (item, report);
}

void
attempt_done (attempt_t *self, const char *detail)
{
    attempt_end (self, &(worker_report_t){ .outcome = WORKER_ANSWERED,
                                           .detail = text_of (detail) });
}

static void
s_log_dead (const attempt_t *self, unsigned status, const char *detail)
{
    static log_limit_t limit = LOG_LIMIT (LOG_ERROR, "given up");
    const bus_work_t *work = &worker_item_view (self->item)->work;
    if (log_limit_allows (&limit))
        log_error ("given up", log_text ("item", work->item), log_text ("app", work->app),
                   log_text ("step", self->body.event), log_number ("status", status),
                   log_string ("why", detail));
}

//  Whoever has it tried anew begins to count anew.
void
attempt_dead (attempt_t *self, unsigned status, const char *detail)
{
    s_log_dead (self, status, detail);
    self->memory.fails = 0;
    attempt_end (self, &(worker_report_t){ .outcome = WORKER_DEAD,
                                           .status = status,
                                           .detail = text_of (detail) });
}

void
attempt_again (attempt_t *self, uint64_t after_ms, const char *detail)
{
    attempt_end (self, &(worker_report_t){ .outcome = WORKER_RETRY,
                                           .after_ms = after_ms,
                                           .detail = text_of (detail) });
}

//  One, two, five seconds …: the visitor waits. A fifth of it is chance.
static uint64_t
s_pause_ms (uint64_t fails)
{
    static const uint64_t pauses_ms[] = { 500, 1000, 2000, 5000, 10000, 20000, 30000, 60000 };
    size_t count = sizeof pauses_ms / sizeof *pauses_ms;
    uint64_t pause_ms = pauses_ms[fails > 0 && fails <= count ? fails - 1 : count - 1];
    return pause_ms + random_id_number () % (pause_ms / 5);
}

static void
s_failed (attempt_t *self, const genesys_outcome_t *outcome, bool is_dead)
{
    char detail[DETAIL_ROOM];
    self->memory.is_unsure = self->memory.is_unsure || outcome->is_unsure;
    self->memory.fails += outcome->class != GENESYS_LATER;
    text_t correlation = outcome->correlation;
    snprintf (detail, sizeof detail, "%s%s%.*s", outcome->words,
              correlation.size > 0 ? "; correlation " : "",
              correlation.size < 100 ? (int) correlation.size : 100, correlation.data);
    if (is_dead || self->memory.fails >= FAILS_MOST) {
        attempt_dead (self, outcome->status, detail);
        return;
    }
    uint64_t after_ms = outcome->class == GENESYS_LATER ? outcome->retry_after_ms + 1
                                                        : s_pause_ms (self->memory.fails);
    if (after_ms < outcome->retry_after_ms)
        after_ms = outcome->retry_after_ms;
    attempt_end (self, &(worker_report_t){ .outcome = WORKER_RETRY,
                                           .after_ms = after_ms,
                                           .status = outcome->status,
                                           .detail = text_of (detail) });
}

void
attempt_failed (attempt_t *self, const genesys_outcome_t *outcome)
{
    s_failed (self, outcome,
              outcome->class == GENESYS_REFUSED || outcome->class == GENESYS_FORBIDDEN);
}

void
attempt_failed_for_now (attempt_t *self, const genesys_outcome_t *outcome)
{
    s_failed (self, outcome, false);
}

void
attempt_unanswered (attempt_t *self, unsigned status)
{
    char detail[80];
    if (status == 0)
        snprintf (detail, sizeof detail, "the session's postoffice did not answer in time");
    else
        snprintf (detail, sizeof detail, "the session's postoffice says %u", status);
    attempt_again (self, ASK_AGAIN_MS, detail);
}
