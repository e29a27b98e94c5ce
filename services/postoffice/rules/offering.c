#include "rules/offering.h"

#include "rules/channel_items.h"
#include "rules/control.h"

#include <assert.h>

//  How long an offer stands when the app does not say.
#define OFFER_USUAL_MS 30000

static uint64_t
s_offer_ms (const switchboard_t *self)
{
    return self->handover.offer_ms > 0 ? self->handover.offer_ms : OFFER_USUAL_MS;
}

//  What the entry says: the chain, and who is asked until when.
static text_t
s_data (switchboard_t *self, const offer_t *offer, text_t to, bool for_platform)
{
    const question_t *question = self->fold->unanswered;
    buffer_t data;
    json_writer_t json;
    buffer_init (&data, OFFER_TEXT_MAX + CONTROL_ASKED_MAX + (question ? question->body.size : 0));
    json_write_begin (&json, &data);
    json_open_object (&json, NULL);
    offer_put (offer, &json);
    json_put_text_if (&json, "to", to);
    if (to.size > 0)
        json_put_time (&json, "until", entries_now_ms (self) + s_offer_ms (self));
    if (for_platform)
        control_put_asked (self->fold, &json);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    return entries_keep_buffer (self, &data);
}

//  By whom an entry is: whoever named its id, else the router.
typedef struct {
    text_t message_id;
    uint64_t role;
    text_t user;
} author_t;

static void
s_append (switchboard_t *self, operation_t *operation, author_t *author, event_t event, text_t data)
{
    if (author->message_id.size == 0) {
        entries_note (self, operation, event, data);
        return;
    }
    const participant_t *by = fold_participant (self->fold, author->role, author->user);
    entries_append (self, operation,
                    &(said_t){ .event = event,
                               .message_id = author->message_id,
                               .role = author->role,
                               .user = author->user,
                               .sender = by ? entries_keep (self, by->sender) : TEXT ("{}"),
                               .data = data });
    *author = (author_t){ .message_id = TEXT_EMPTY, .user = TEXT_EMPTY }; //  the first one only
}

//  The offer as it is from the last entry on. Its texts may be the fold's own until then.
static void
s_set (switchboard_t *self, const offer_t *offer, text_t sought, text_t offered_to)
{
    buffer_t text;
    buffer_init (&text, OFFER_TEXT_MAX);
    offer_write (offer, &text);
    store_offer_t set = { .waits = true,
                          .sought = entries_keep (self, sought),
                          .offered_to = offered_to,
                          .for_ms = s_offer_ms (self),
                          .text = entries_keep_buffer (self, &text) };
    entries_offer (self, &set);
}

// ---------------------------------------------------------------------------------------------
//  The end

static text_t
s_ended_data (switchboard_t *self, const char *why)
{
    buffer_t data;
    json_writer_t json;
    buffer_init (&data, 200 + 6 * self->fold->offer.offered_to.size);
    json_write_begin (&json, &data);
    json_open_object (&json, NULL);
    json_put_string (&json, "why", why);
    json_put_text_if (&json, "to", self->fold->offer.offered_to);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    return entries_keep_buffer (self, &data);
}

//  A platform that was asked, and has not got it, hears no more. It is not to find the offer later,
//  either, when its worker was away: the item is cancelled, unless it has just been answered.
static void
s_dismiss_asked (switchboard_t *self, const operation_t *operation, const char *why)
{
    text_t name;
    offer_t offer;
    fold_t *fold = self->fold;
    if (target_of (fold->offer.offered_to, &name) != TARGET_PLATFORM)
        return;
    text_t topic = control_platform (self, name);
    bool is_answered = operation->kind == OPERATION_ANSWERED;
    if (!is_answered && offer_read (&offer, fold->offer.text)) {
        channel_items_withdraw (self->changeset, topic, offer.seq, offer.time_ms);
        offer_free (&offer);
    }
    if (strcmp (why, "accepted") != 0 && !fold_controls (fold, ROLE_PLATFORM, topic))
        control_ask_no_more (self, topic, why, !is_answered);
}

static void
s_end_entry (switchboard_t *self, operation_t *operation, const failing_t *failing)
{
    author_t author = { failing->message_id, failing->role, failing->user };
    s_append (self, operation, &author, EVENT_OFFER_ENDED, s_ended_data (self, failing->why));
}

void
offering_end (switchboard_t *self, operation_t *operation, const failing_t *failing)
{
    static const store_offer_t none = { .sought = { "", 0 }, .offered_to = { "", 0 },
                                        .text = { "", 0 } };
    if (!self->fold->offer.waits)
        return;
    s_end_entry (self, operation, failing);
    s_dismiss_asked (self, operation, failing->why);
    entries_offer (self, &none);
}

//  An app without a bot has nobody to whom a visitor could go back: what was said last waits behind
//  the last target, in the queue, until the chain begins anew (offering_fails).
static void
s_wait_again (switchboard_t *self, operation_t *operation, offer_t *offer)
{
    const failing_t ended = failing_by_router ("nobody");
    if (offer->round == 0 && self->handover.nobody_text.size > 0)
        control_tell (self, operation, self->handover.nobody_text);
    if (offer->count > 0) //  else nobody was asked
        s_end_entry (self, operation, &ended);
    offer->step = offer->count;
    offer->seq = self->fold->last_seq;
    s_set (self, offer, TEXT_EMPTY, TEXT_EMPTY);
}

//  Nobody is left, or it is the bot's turn: whoever waits goes back to the bot.
static void
s_run_out (switchboard_t *self, operation_t *operation, offer_t *offer, bool is_bots)
{
    const failing_t ended = failing_by_router (is_bots ? "bot" : "nobody");
    bool is_agents = self->fold->control_role == ROLE_AGENT;
    if (!self->has_bot && !is_agents && self->fold->unanswered) {
        s_wait_again (self, operation, offer);
        return;
    }
    offering_end (self, operation, &ended);
    if (is_agents && !is_bots)
        return; //  and keeps it
    if (is_agents)
        control_step_back (self, operation, TEXT_EMPTY, "passed");
    else if (!is_bots && self->handover.nobody_text.size > 0)
        control_tell (self, operation, self->handover.nobody_text);
    control_to_bot (self, operation, ended.why);
}

// ---------------------------------------------------------------------------------------------
//  The steps

//  The platform is told by an item of its own, which it answers (channel_items.h).
static bool
s_ask_platform (switchboard_t *self, operation_t *operation, author_t *author, offer_t *offer)
{
    text_t name, to = entries_keep (self, offer_target (offer));
    (void) target_of (to, &name);
    text_t topic = control_platform (self, name);
    if (!fold_participant (self->fold, ROLE_PLATFORM, topic)
        || !fold_participant (self->fold, ROLE_PLATFORM, topic)->present) {
        if (channel_items_readers (self->fold) >= CHANNELS_MOST)
            return false;
    }
    s_append (self, operation, author, EVENT_OFFER, s_data (self, offer, to, false));
    if (!control_admit_platform (self, topic))
        return false;
    offer->seq = self->fold->last_seq;
    offer->time_ms = self->fold->last_time_ms;
    channel_items_offer (self->changeset, self->fold, topic,
                         s_data (self, offer, to, true));
    s_set (self, offer, TEXT_EMPTY, to);
    return true;
}

static void
s_seek (switchboard_t *self, operation_t *operation, author_t *author, offer_t *offer, bool begins)
{
    s_append (self, operation, author, EVENT_OFFER, s_data (self, offer, TEXT_EMPTY, false));
    if (begins)
        offer->seq = self->fold->last_seq;
    s_set (self, offer, offer_target (offer), TEXT_EMPTY);
}

//  The present step, or the first one behind it that can be. `begins`: its time has not begun.
static void
s_step (switchboard_t *self, operation_t *operation, author_t *author, offer_t *offer, bool begins)
{
    text_t name;
    for (; offer->step < offer->count; offer->step++, begins = true) {
        target_kind_t kind = target_of (offer_target (offer), &name);
        if (kind == TARGET_GROUP || kind == TARGET_AGENT) {
            s_seek (self, operation, author, offer, begins);
            return;
        }
        if (kind == TARGET_PLATFORM && s_ask_platform (self, operation, author, offer))
            return;
        if (kind == TARGET_BOT)
            break;
    }
    bool is_bots = offer->step < offer->count && self->has_bot;
    //  That it was asked for is in the log in any case.
    if (author->message_id.size > 0) {
        s_append (self, operation, author, EVENT_OFFER, s_data (self, offer, TEXT_EMPTY, false));
        s_set (self, offer, TEXT_EMPTY, TEXT_EMPTY);
    }
    s_run_out (self, operation, offer, is_bots);
}

void
offering_begin (switchboard_t *self, operation_t *operation, text_t message_id,
                  const offer_t *offer)
{
    assert (!self->fold->offer.waits && offer->count > 0);
    author_t author = { message_id.size > 0 ? message_id : entries_new_id (self), offer->by_role,
                        offer->by_user };
    offer_t begun = *offer;
    begun.step = 0;
    self->changeset->offer_begins = true;
    if (self->fold->control_role == ROLE_BOT)
        control_end_turns (self, TEXT ("a person was asked"));
    if (self->fold->control_role != ROLE_AGENT)
        control_nobody (self);
    s_step (self, operation, &author, &begun, true);
}

void
offering_ask (switchboard_t *self, operation_t *operation, text_t agent)
{
    offer_t offer;
    author_t router = { .message_id = TEXT_EMPTY, .user = TEXT_EMPTY };
    buffer_t to;
    if (!offer_read (&offer, self->fold->offer.text))
        return;
    buffer_init (&to, agent.size + 20);
    int rc = buffer_put_string (&to, "agent:") | buffer_put_text (&to, agent);
    assert (rc == 0);
    text_t asked = entries_keep_buffer (self, &to);
    s_append (self, operation, &router, EVENT_OFFER, s_data (self, &offer, asked, false));
    s_set (self, &offer, TEXT_EMPTY, asked);
    offer_free (&offer);
}

void
offering_fails (switchboard_t *self, operation_t *operation, const failing_t *failing)
{
    offer_t offer;
    author_t router = { .message_id = TEXT_EMPTY, .user = TEXT_EMPTY };
    if (!offer_read (&offer, self->fold->offer.text))
        return;
    if (self->fold->offer.offered_to.size > 0) {
        s_end_entry (self, operation, failing);
        s_dismiss_asked (self, operation, failing->why);
    }
    bool is_behind = offer.step >= offer.count;
    offer.step = is_behind ? 0 : offer.step + failing->goes_on;
    offer.round += is_behind;
    if (is_behind) //  a round anew: whoever was asked may be asked again
        self->changeset->offer_begins = true;
    s_step (self, operation, &router, &offer, failing->goes_on || is_behind);
    offer_free (&offer);
}

void
offering_stands (switchboard_t *self)
{
    offer_t offer;
    control_nobody (self);
    if (!offer_read (&offer, self->fold->offer.text))
        return;
    text_t to = entries_keep (self, self->fold->offer.offered_to);
    s_set (self, &offer, to.size > 0 ? TEXT_EMPTY : offer_target (&offer), to);
    offer_free (&offer);
}

// ---------------------------------------------------------------------------------------------
//  Behind a platform

//  The app's targets behind a platform, and never the platform itself; all of them when it is none
//  of them. Returns how many.
static size_t
s_behind (const switchboard_t *self, text_t topic, text_t targets[OFFER_TARGETS_MOST])
{
    const handover_rules_t *rules = &self->handover;
    text_t name, platform = platform_of_topic (topic);
    size_t count = 0;
    for (size_t at = 0; at < rules->handoff_count; at++)
        if (target_of (rules->handoff[at], &name) != TARGET_PLATFORM || !text_is (name, platform))
            targets[count++] = rules->handoff[at];
        else
            count = 0; //  they stand before it
    return count;
}

void
offering_goes_behind (switchboard_t *self, operation_t *operation, text_t topic, const char *why)
{
    offer_t offer = { .why = text_of (why), .by_role = ROLE_ROUTER, .by_user = TEXT_EMPTY };
    offer.count = s_behind (self, topic, offer.targets);
    if (offer.count > 0) {
        offering_begin (self, operation, TEXT_EMPTY, &offer);
        return;
    }
    if (!self->has_bot)
        control_nobody (self);
    s_run_out (self, operation, &offer, false);
}

uint64_t
offering_rounds (const switchboard_t *self)
{
    offer_t offer;
    const fold_t *fold = self->fold;
    bool is_asked = fold->offer.offered_to.size > 0;
    if (fold->control_role != ROLE_ROUTER || is_asked
        || !offer_read (&offer, fold->offer.text))
        return 0;
    uint64_t rounds = offer.step >= offer.count ? offer.round + 1 : 0;
    offer_free (&offer);
    return rounds;
}
