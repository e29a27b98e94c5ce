#include "rules/deadlines.h"

#include "json/json_body.h"
#include "json/json_write.h"
#include "rules/control.h"
#include "rules/handover.h"

#include <assert.h>

#define WARNING_MOST_MS 30000
#define WAIT_AGAIN_MS 60000 //  before a chain begins anew, when the app does not say
//  Of whoever has nothing that could break, so that nobody notices when it is gone.
#define UNSEEN_SILENCE_MS (5 * 60 * 1000)

static uint64_t
s_warning_ms (uint64_t length_ms)
{
    uint64_t warning = length_ms / 3;
    return warning < WARNING_MOST_MS ? warning : WARNING_MOST_MS;
}

static void
s_set (switchboard_t *self, timer_kind_t kind, uint64_t seq, uint64_t after_ms)
{
    changeset_set_timer (
        self->changeset,
        &(timer_set_t){ .kind = kind, .seq = seq, .after_ms = after_ms, .body = TEXT ("{}") });
}

//  How long a target is sought, before anybody is warned; behind the last target, how long nobody
//  is; of nobody who could be sought, the visitor's next word decides. An offer that was not begun
//  anew keeps its timer.
static void
s_set_wait (switchboard_t *self, const offer_t *offer)
{
    uint64_t wait_ms = self->handover.wait_ms;
    if (wait_ms == 0 && offer->step >= offer->count)
        wait_ms = WAIT_AGAIN_MS;
    if (offer->count > 0 && offer->seq >= self->changeset->first_seq && wait_ms > 0)
        s_set (self, TIMER_WAIT, offer->seq, wait_ms - s_warning_ms (wait_ms));
}

//  Control or the offer has changed: sets what is to be waited for now. What is not set any more is
//  stale by itself.
static void
s_set_all (switchboard_t *self)
{
    const fold_t *fold = self->fold;
    offer_t offer;
    if (fold->offer.offered_to.size > 0)
        s_set (self, TIMER_OFFER, fold->control_seq, fold->offer.for_ms);
    if (offer_read (&offer, fold->offer.text)) {
        s_set_wait (self, &offer);
        offer_free (&offer);
    }
}

//  Whose silence it is, and of which word: the time of the first one that has no answer, which is
//  compared with the times of other entries, and never with a clock.
static text_t
s_silence_body (switchboard_t *self, bool is_warned)
{
    buffer_t body;
    json_writer_t json;
    buffer_init (&body, 200 + 6 * self->fold->control_user.size);
    json_write_begin (&json, &body);
    json_open_object (&json, NULL);
    json_put_bool (&json, "warned", is_warned);
    json_put_number (&json, "since", self->fold->unanswered->since_ms);
    json_open_object (&json, "by");
    json_put_string (&json, "role", role_name ((role_t) self->fold->control_role));
    json_put_text (&json, "userId", self->fold->control_user);
    json_close_object (&json);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    return entries_keep_buffer (self, &body);
}

//  How long whoever has control may be silent; 0: as long as it likes.
static uint64_t
s_silence_ms (const switchboard_t *self)
{
    const fold_t *fold = self->fold;
    const participant_t *holder =
        fold_participant (fold, fold->control_role, fold->control_user);
    bool is_unseen = fold->control_role == ROLE_PLATFORM
                     || (holder && participant_is_of_api (holder));
    if (self->handover.silence_ms == 0 && is_unseen)
        return UNSEEN_SILENCE_MS;
    return self->handover.silence_ms;
}

//  The first word without an answer was said now, or somebody else has got the visitor. What the
//  visitor says next, or who else is sought, does not begin it anew.
static void
s_set_silence (switchboard_t *self)
{
    const fold_t *fold = self->fold;
    const changeset_t *changeset = self->changeset;
    const question_t *question = fold->unanswered;
    bool is_held = fold->control_role == ROLE_AGENT || fold->control_role == ROLE_PLATFORM;
    uint64_t length = s_silence_ms (self);
    if (!question || !is_held || length == 0)
        return;
    bool begins = changeset->holder_changes
                  || question->since_ms >= changeset->entries[0].time_ms;
    timer_set_t set = { .kind = TIMER_SILENCE,
                        .seq = fold->last_seq,
                        .after_ms = length - s_warning_ms (length),
                        .body = TEXT_EMPTY };
    if (!begins)
        return;
    set.body = s_silence_body (self, false);
    changeset_set_timer (self->changeset, &set);
}

//  How long nothing may happen before the session is closed; 0: it stays open. Who writes by SMS
//  has no connection that could end: silence is all that there is to tell.
static uint64_t
s_close_after_ms (const switchboard_t *self)
{
    switch (fold_company (self->fold)) {
    case COMPANY_NONE:
        return self->rules->close_after_ms;
    case COMPANY_OF_CHANNEL:
        return self->handover.quiet_ms;
    default:
        return 0;
    }
}

// ---------------------------------------------------------------------------------------------
//  Timers

static void
s_close_because (switchboard_t *self, operation_t *operation, text_t data)
{
    (void) control_happens (self, operation, &(happening_t){ .event = HAPPENS_CLOSE });
    entries_note (self, operation, EVENT_SESSION_CLOSED, data);
    self->fold->is_closed = true;
    self->changeset->closing = SESSION_CLOSES;
}

//  Nobody is present, or only who writes by a channel, and nothing has happened since the timer was
//  set.
static void
s_close (switchboard_t *self, operation_t *operation)
{
    s_close_because (self, operation, TEXT ("{\"why\":\"absent\"}"));
    self->fold->will_close = false;
}

//  The session goes when the platform that has the visitor was told that it is over.
static void
s_erase (switchboard_t *self, operation_t *operation)
{
    control_end_turns (self, TEXT ("the visitor's data are erased"));
    s_close_because (self, operation, TEXT ("{\"why\":\"erased\"}"));
}

//  The one who is asked has not answered.
static void
s_offer (switchboard_t *self, operation_t *operation)
{
    (void) control_happens (self, operation, &(happening_t){ .event = HAPPENS_EXPIRE });
}

//  Agents are told that a deadline is near; the timer is due once more when it has come, with this
//  body.
static void
s_warn (switchboard_t *self, operation_t *operation, const char *why, uint64_t length_ms,
        text_t body)
{
    const timer_due_t *timer = &operation->timer;
    uint64_t warning = s_warning_ms (length_ms);
    buffer_t text;
    json_writer_t json;
    buffer_init (&text, 200);
    json_write_begin (&json, &text);
    json_open_object (&json, NULL);
    json_put_string (&json, "why", why);
    json_put_time (&json, "until", entries_now_ms (self) + warning);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    entries_note (self, operation, EVENT_DEADLINE, entries_keep_buffer (self, &text));
    changeset_set_timer (self->changeset, &(timer_set_t){ .kind = timer->kind,
                                                          .seq = timer->seq,
                                                          .after_ms = warning,
                                                          .body = body });
}

static bool
s_is_warned (const timer_due_t *timer)
{
    struct json_object *body = json_body_read (timer->body);
    bool is_warned = json_body_flag (body, "warned");
    json_body_free (&body);
    return is_warned;
}

static void
s_wait (switchboard_t *self, operation_t *operation)
{
    if (s_is_warned (&operation->timer))
        (void) control_happens (self, operation, &(happening_t){ .event = HAPPENS_TIRE });
    else
        s_warn (self, operation, "waiting", self->handover.wait_ms, TEXT ("{\"warned\":true}"));
}

//  The visitor has waited for so long: the database has measured it, and nobody's clock here.
static void
s_silence (switchboard_t *self, operation_t *operation)
{
    uint64_t length = s_silence_ms (self);
    if (length == 0)
        operation->verdict = VERDICT_DUPLICATE; //  it is not in force any more
    else if (s_is_warned (&operation->timer))
        (void) control_happens (self, operation, &(happening_t){ .event = HAPPENS_SILENT });
    else
        s_warn (self, operation, "silent", length, s_silence_body (self, true));
}

//  With which entry the offer's present target was sought first; 0: there is no offer.
static uint64_t
s_step_seq (const fold_t *fold)
{
    offer_t offer;
    if (!offer_read (&offer, fold->offer.text))
        return 0;
    uint64_t seq = offer.seq;
    offer_free (&offer);
    return seq;
}

//  Is the same one still silent, about the same word? Who has answered it, and is silent about a
//  later one, has a timer for that.
static bool
s_is_silent_still (switchboard_t *self, const timer_due_t *timer)
{
    const fold_t *fold = self->fold;
    const question_t *question = fold->unanswered;
    struct json_object *body = json_body_read (timer->body);
    struct json_object *by = json_body_member (body, "by");
    const char *role = role_name ((role_t) fold->control_role);
    bool is_still = question && question->since_ms <= json_body_number (body, "since")
                    && text_is (json_body_text (by, "role"), text_of (role))
                    && text_is (json_body_text (by, "userId"), fold->control_user);
    json_body_free (&body);
    return is_still;
}

static bool
s_is_stale (switchboard_t *self, const timer_due_t *timer)
{
    const fold_t *fold = self->fold;
    if (!fold->exists || fold->is_closed)
        return true;
    switch (timer_depends (timer->kind)) {
    case DEPENDS_CONTROL:
        return fold->control_seq != timer->seq;
    case DEPENDS_STEP:
        return s_step_seq (fold) != timer->seq;
    case DEPENDS_OPEN:
        return false;
    case DEPENDS_SILENCE:
        return !s_is_silent_still (self, timer);
    case DEPENDS_LOG:
        break;
    }
    return fold->last_seq != timer->seq || fold_company (fold) == COMPANY_SEEN;
}

void
deadlines_run (switchboard_t *self, operation_t *operation)
{
    static void (*const actions[TIMER_KINDS]) (switchboard_t *, operation_t *) = {
#define TIMER(NAME, name, action, depends, words) [TIMER_##NAME] = s_##action,
#include "tables/timers.def"
#undef TIMER
    };
    const timer_due_t *timer = &operation->timer;
    if (s_is_stale (self, timer)) {
        operation->verdict = VERDICT_DUPLICATE;
        return;
    }
    operation->verdict = VERDICT_OK;
    actions[timer->kind](self, operation);
    //  One that was set again has another attempt, and stays.
    if (operation->verdict == VERDICT_OK)
        changeset_finish_timer (self->changeset, timer->item, timer->attempt);
}

//  A session that is left is closed after a while, unless something happens in it.
void
deadlines_end (switchboard_t *self)
{
    fold_t *fold = self->fold;
    changeset_t *changeset = self->changeset;
    if (changeset->entry_count == 0)
        return;
    if (changeset->control_changes)
        s_set_all (self);
    s_set_silence (self);
    uint64_t after_ms = fold->is_closed ? 0 : s_close_after_ms (self);
    if (after_ms > 0) {
        changeset_set_timer (changeset, &(timer_set_t){ .kind = TIMER_CLOSE,
                                                        .seq = fold->last_seq,
                                                        .after_ms = after_ms,
                                                        .body = TEXT ("{}") });
        fold->will_close = true;
    } else if (fold->will_close) {
        changeset_cancel_timer (changeset, TIMER_CLOSE);
        fold->will_close = false;
    }
}
