#include "conversation/steps.h"

#include <stdio.h>

#define PATH_MOST 300
#define LAST_WORDS TEXT ("The visitor is not here any more.")
#define LOOKS_MOST 5
#define RACE_AGAIN_MS 500

// ------------------------------------------------------------------------------------------------
//  The end of the conversation there

//  The next offer of this session begins anew.
static void
s_forget_lane (attempt_t *self)
{
    self->lane = (lane_memory_t){ .opening = 0 };
    self->lane_is_new = true;
    open_conversations_forget (self->owner->open, self->body.app, self->body.session);
}

static void s_see (attempt_t *self);

//  What could not be ended of an earlier offer follows.
static void
s_ended (attempt_t *self, const char *detail)
{
    char before[CONVERSATION_ID_SIZE];
    snprintf (before, sizeof before, "%s", self->lane.before);
    uint64_t opening = self->lane.opening;
    s_forget_lane (self);
    if (!*before) {
        attempt_done (self, detail);
        return;
    }
    self->lane.opening = opening;
    snprintf (self->lane.conversation, sizeof self->lane.conversation, "%s", before);
    s_see (self);
}

//  The login, the section or a right is missing, and may be there again: nothing is said of this
//  conversation.
static bool
s_is_for_now (const genesys_outcome_t *outcome)
{
    return outcome->class == GENESYS_FORBIDDEN && (outcome->is_barred || outcome->status != 403);
}

//  For good, or again by the schedule. The lane keeps the conversation: it is open, and whoever has
//  the item tried anew ends it.
static void
s_not_ended (attempt_t *self, const genesys_outcome_t *outcome)
{
    if (s_is_for_now (outcome))
        attempt_failed_for_now (self, outcome);
    else
        attempt_failed (self, outcome);
}

//  It is said of what was asked, and another way may go.
static bool
s_is_refused (const genesys_outcome_t *outcome)
{
    return outcome->class == GENESYS_REFUSED
           || (outcome->class == GENESYS_FORBIDDEN && !s_is_for_now (outcome));
}

static void
s_all_out (attempt_t *self, const genesys_outcome_t *outcome)
{
    if (outcome->class == GENESYS_OK)
        s_ended (self, "the conversation is ended");
    else if (outcome->class == GENESYS_REFUSED && outcome->status == 404)
        s_ended (self, "there is no such conversation any more");
    else
        s_not_ended (self, outcome);
}

static void
s_put_all_out (attempt_t *self)
{
    char path[PATH_MOST];
    snprintf (path, sizeof path, "/api/v2/conversations/messages/%s", self->lane.conversation);
    attempt_call (self, CALL_CONTROL, "PATCH", text_of (path), GENESYS_DISCONNECT, s_all_out);
}

static void
s_customer_out (attempt_t *self, const genesys_outcome_t *outcome)
{
    if (outcome->class == GENESYS_OK)
        s_ended (self, "the customer is disconnected");
    else if (s_is_refused (outcome))
        s_put_all_out (self);
    else
        s_not_ended (self, outcome);
}

static void
s_put_customer_out (attempt_t *self, const char *customer)
{
    char path[PATH_MOST];
    snprintf (path, sizeof path, "/api/v2/conversations/messages/%s/participants/%s",
              self->lane.conversation, customer);
    attempt_call (self, CALL_CONTROL, "PATCH", text_of (path), GENESYS_DISCONNECT,
                  s_customer_out);
}

static void
s_seen (attempt_t *self, const genesys_outcome_t *outcome)
{
    if (outcome->class == GENESYS_REFUSED && outcome->status == 404)
        s_ended (self, "there is no such conversation any more");
    else if (s_is_refused (outcome))
        s_put_all_out (self);
    else if (outcome->class != GENESYS_OK)
        s_not_ended (self, outcome);
    else {
        conversation_facts_read (&self->facts, outcome->body);
        if (self->facts.is_over)
            s_ended (self, "the conversation was over already");
        else if (*self->facts.customer)
            s_put_customer_out (self, self->facts.customer);
        else
            s_put_all_out (self);
    }
}

static void
s_see (attempt_t *self)
{
    char path[PATH_MOST];
    snprintf (path, sizeof path, "/api/v2/conversations/messages/%s", self->lane.conversation);
    attempt_call (self, CALL_CONTROL, "GET", text_of (path), TEXT_EMPTY, s_seen);
}

//  Now the conversation is known that a try before may have opened.
static void
s_found (attempt_t *self)
{
    if (*self->lane.conversation)
        s_see (self);
    else
        attempt_dead (self, 0, "Genesys did not say which conversation is to be ended");
}

//  One more message finds it. That it may not be sent says nothing of the end.
static void
s_not_found (attempt_t *self, const genesys_outcome_t *outcome)
{
    if (outcome->class == GENESYS_FORBIDDEN)
        attempt_failed_for_now (self, outcome);
    else
        attempt_failed (self, outcome);
}

static void
s_find (attempt_t *self)
{
    static const genesys_outcome_t none = { .class = GENESYS_FORBIDDEN,
                                            .words = "the app has no section \"genesys\"" };
    if (!attempt_find_section (self)) {
        attempt_failed_for_now (self, &none);
        return;
    }
    said_read_text (&self->said, LAST_WORDS);
    post_all (self, s_found, s_not_found);
}

void
step_end (attempt_t *self)
{
    //  Of a dead letter that is tried anew: by now there is a conversation with an end of its own.
    if (self->body.seq > 0 && self->lane.opening > self->body.seq)
        attempt_done (self, "the visitor was offered there again since");
    else if (*self->lane.conversation)
        s_see (self);
    else if (self->lane.opening == 0)
        s_ended (self, "no conversation was opened");
    else
        s_find (self);
}

// ------------------------------------------------------------------------------------------------
//  The visitor has gone

static void s_look_who_left (attempt_t *self);

static void
s_released (attempt_t *self, unsigned status, text_t body)
{
    (void) body;
    if (status == 412 && self->looks < LOOKS_MOST)
        s_look_who_left (self);
    else if (status == 412)
        attempt_again (self, RACE_AGAIN_MS, "the session goes on meanwhile");
    else if (status == 0 || status >= 500)
        attempt_unanswered (self, status);
    else
        attempt_done (self, status < 300 ? "the visitor has left, and is given back"
                                         : "somebody else answers the visitor by now");
}

static void
s_judge (attempt_t *self)
{
    if (!self->look.controls)
        attempt_done (self, "the platform is out already");
    else if (self->look.visitor_present)
        attempt_done (self, "the visitor is back");
    else
        attempt_ask (self,
                     &(attempt_ask_t){ .operation = API_CONTROL_RELEASE,
                                       .if_match = self->look.last_seq },
                     s_released);
}

static void
s_look_who_left (attempt_t *self)
{
    attempt_look (self, s_judge);
}

void
step_leave (attempt_t *self)
{
    if (text_is (self->body.role, TEXT ("visitor")))
        s_look_who_left (self);
    else
        step_nothing (self);
}
