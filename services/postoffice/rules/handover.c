#include "rules/handover.h"

#include "rules/channel_items.h"
#include "rules/control.h"
#include "rules/offering.h"

#include <assert.h>
#include <stdio.h>

#define IS(NAME) (1u << CONTROL_##NAME)

static const char *const s_state_names[CONTROL_STATES] = {
#define CONTROL_STATE(NAME, name, words) [CONTROL_##NAME] = name,
#include "rules/control_states.def"
};

static const char *const s_event_names[CONTROL_EVENTS] = {
#define CONTROL_EVENT(NAME, name, words) [HAPPENS_##NAME] = name,
#include "rules/control_states.def"
};

const char *
control_state_name (control_state_t state)
{
    return s_state_names[state];
}

const char *
control_event_name (control_event_t event)
{
    return s_event_names[event];
}

control_state_t
control_state (const fold_t *fold)
{
    bool is_asked = fold->offer.offered_to.size > 0;
    if (fold->is_closed)
        return CONTROL_CLOSED;
    switch (fold->control_role) {
    case ROLE_AGENT:
        return !fold->offer.waits ? CONTROL_AGENT : is_asked ? CONTROL_PASSING : CONTROL_SEEKING;
    case ROLE_PLATFORM:
        return CONTROL_PLATFORM;
    case ROLE_ROUTER:
        return is_asked ? CONTROL_OFFERED : CONTROL_WAITING;
    default:
        return CONTROL_BOT;
    }
}

// ---------------------------------------------------------------------------------------------
//  What the actions have in common

//  The failing of somebody's doing.
static failing_t
s_by (const happening_t *what, const char *why)
{
    return (failing_t){
        .why = why, .message_id = what->message_id, .role = what->role, .user = what->user
    };
}

bool
handover_is_asked (const fold_t *fold, uint64_t role, text_t user)
{
    text_t name;
    target_kind_t kind = target_of (fold->offer.offered_to, &name);
    if (kind == TARGET_AGENT)
        return role == ROLE_AGENT && text_is (name, user);
    return kind == TARGET_PLATFORM && role == ROLE_PLATFORM
           && text_is (name, platform_of_topic (user));
}

//  An item has the seq of its entry in its name, which is where the platform's turn began.
bool
handover_is_of_offer (const fold_t *fold, text_t item)
{
    offer_t offer;
    char seq[40];
    if (fold->offer.offered_to.size == 0 || !offer_read (&offer, fold->offer.text))
        return false;
    int size = snprintf (seq, sizeof seq, "#%llu#", (unsigned long long) offer.seq);
    offer_free (&offer);
    assert (size > 0 && (size_t) size < sizeof seq);
    return channel_items_is_offer (item) && memmem (item.data, item.size, seq, (size_t) size);
}

//  Another one of the same group may be found; for all other targets the next one's turn comes.
static bool
s_goes_on (const fold_t *fold)
{
    offer_t offer;
    text_t name;
    if (!offer_read (&offer, fold->offer.text))
        return true;
    bool is_group = target_of (offer_target (&offer), &name) == TARGET_GROUP;
    offer_free (&offer);
    return !is_group;
}

static void
s_begin (switchboard_t *self, operation_t *operation, const happening_t *what)
{
    offer_t offer = { .count = what->target_count,
                      .round = what->round,
                      .why = what->why,
                      .by_role = what->role,
                      .by_user = what->user };
    memcpy (offer.targets, what->targets, what->target_count * sizeof *what->targets);
    offering_begin (self, operation, what->message_id, &offer);
}

//  Nobody has control any more: who is next?
static void
s_next (switchboard_t *self, operation_t *operation, const char *why)
{
    const handover_rules_t *rules = &self->handover;
    if (self->fold->offer.waits)
        offering_stands (self);
    else if (self->has_bot || rules->handoff_count == 0)
        control_to_bot (self, operation, why);
    else {
        control_nobody (self);
        s_begin (self, operation, &(happening_t){ .message_id = TEXT_EMPTY,
                                                  .role = ROLE_ROUTER,
                                                  .user = TEXT_EMPTY,
                                                  .why = text_of (why),
                                                  .targets = rules->handoff,
                                                  .target_count = rules->handoff_count });
    }
}

//  The agent who is asked has answered, or let it pass.
static void
s_note_asked (switchboard_t *self, bool is_missed)
{
    text_t name;
    if (target_of (self->fold->offer.offered_to, &name) == TARGET_AGENT)
        changeset_asked (self->changeset,
                         &(store_asked_t){ .agent = name,
                                           .is_missed = is_missed,
                                           .away_after = self->handover.away_after_missed });
}

//  The one who acts gets it, from whoever has it.
static void
s_give (switchboard_t *self, operation_t *operation, const happening_t *what, bool is_accepted)
{
    fold_t *fold = self->fold;
    bool is_held = fold->control_role == ROLE_AGENT || fold->control_role == ROLE_PLATFORM;
    const failing_t ended = failing_by_router (is_accepted ? "accepted" : "withdrawn");
    if (is_accepted)
        s_note_asked (self, false);
    offering_end (self, operation, &ended);
    //  It is an entry of the one who is replaced, whom two may replace with the same id.
    if (is_held)
        control_step_back (self, operation, TEXT_EMPTY, is_accepted ? "passed" : "replaced");
    control_give (self, operation,
                  &(taking_t){ .message_id = what->message_id.size > 0 ? what->message_id
                                                                       : entries_new_id (self),
                               .role = what->role,
                               .user = what->user,
                               .sender = what->sender,
                               .why = is_accepted ? "accepted" : "asked",
                               .client_ms = what->client_ms,
                               .is_quiet = what->is_quiet,
                               .watch = what->watch });
}

// ---------------------------------------------------------------------------------------------
//  The actions

//  Who is asked and takes it, accepts. Who has it already, and takes it, seeks no successor any
//  more.
static verdict_t
s_take (switchboard_t *self, operation_t *operation, const happening_t *what)
{
    if (what->role != ROLE_AGENT)
        return VERDICT_NOT_ALLOWED; //  all others are asked
    if (fold_controls (self->fold, what->role, what->user)) {
        const failing_t ended = s_by (what, "withdrawn");
        offering_end (self, operation, &ended);
    } else
        s_give (self, operation, what, handover_is_asked (self->fold, what->role, what->user));
    return VERDICT_OK;
}

static verdict_t
s_accept (switchboard_t *self, operation_t *operation, const happening_t *what)
{
    if (!handover_is_asked (self->fold, what->role, what->user))
        return VERDICT_NOT_OFFERED;
    s_give (self, operation, what, true);
    return VERDICT_OK;
}

static verdict_t
s_decline (switchboard_t *self, operation_t *operation, const happening_t *what)
{
    failing_t failing = s_by (what, "declined");
    failing.goes_on = s_goes_on (self->fold);
    if (!handover_is_asked (self->fold, what->role, what->user))
        return VERDICT_NOT_OFFERED;
    s_note_asked (self, false);
    offering_fails (self, operation, &failing);
    return VERDICT_OK;
}

static verdict_t
s_offer (switchboard_t *self, operation_t *operation, const happening_t *what)
{
    const failing_t ended = failing_by_router ("withdrawn");
    assert (what->target_count > 0 && what->target_count <= OFFER_TARGETS_MOST);
    offering_end (self, operation, &ended);
    if (self->fold->control_role == ROLE_PLATFORM)
        control_step_back (self, operation, TEXT_EMPTY, "passed");
    s_begin (self, operation, what);
    return VERDICT_OK;
}

static verdict_t
s_found (switchboard_t *self, operation_t *operation, const happening_t *what)
{
    if (what->agent.size == 0 || fold_controls (self->fold, ROLE_AGENT, what->agent))
        return VERDICT_DUPLICATE;
    offering_ask (self, operation, what->agent);
    return VERDICT_OK;
}

static verdict_t
s_fail (switchboard_t *self, operation_t *operation, const char *why, bool goes_on)
{
    failing_t failing = failing_by_router (why);
    failing.goes_on = goes_on;
    offering_fails (self, operation, &failing);
    return VERDICT_OK;
}

static verdict_t
s_nobody (switchboard_t *self, operation_t *operation, const happening_t *what)
{
    (void) what;
    return s_fail (self, operation, "nobody", true);
}

static verdict_t
s_expire (switchboard_t *self, operation_t *operation, const happening_t *what)
{
    (void) what;
    s_note_asked (self, true);
    return s_fail (self, operation, "expired", s_goes_on (self->fold));
}

static verdict_t
s_tire (switchboard_t *self, operation_t *operation, const happening_t *what)
{
    (void) what;
    return s_fail (self, operation, "expired", true);
}

//  Nobody has it, and nobody is sought any more, unless somebody must be: what was said is not left
//  to an app without a bot.
static verdict_t
s_withdraw (switchboard_t *self, operation_t *operation, const happening_t *what)
{
    const failing_t ended = s_by (what, "withdrawn");
    offering_end (self, operation, &ended);
    if (self->has_bot || !self->fold->unanswered)
        control_to_bot (self, operation, "withdrawn");
    else
        s_next (self, operation, "withdrawn");
    return VERDICT_OK;
}

//  Why a platform gives back whom nobody there can answer; NULL: its talk is over.
static const char *
s_gives_up (const happening_t *what)
{
    static const char *const words[] = { "nobody", "unreachable" };
    for (size_t at = 0; at < sizeof words / sizeof *words; at++)
        if (what->role == ROLE_PLATFORM && text_is (what->why, text_of (words[at])))
            return words[at];
    return NULL;
}

//  A platform is out. In an app without a bot nobody is asked behind a talk in which everything was
//  answered, and the platform itself only by what the visitor has said since it got control.
static void
s_platform_goes (switchboard_t *self, operation_t *operation, const happening_t *what,
                 const char *why)
{
    const fold_t *fold = self->fold;
    const question_t *question = fold->unanswered;
    const char *gives_up = s_gives_up (what);
    bool is_new = question && question->seq > fold->control_seq && what->event == HAPPENS_RELEASE;
    bool waits = question || gives_up;
    text_t topic = entries_keep (self, fold->control_user);
    control_step_back (self, operation, what->message_id, why);
    if (!self->has_bot && (!waits || self->handover.handoff_count == 0))
        control_to_bot (self, operation, why);
    else if (gives_up || (!self->has_bot && !is_new))
        offering_goes_behind (self, operation, topic, gives_up ? gives_up : why);
    else
        s_next (self, operation, why);
}

//  Whoever has control has it no more: who is next?
static void
s_goes (switchboard_t *self, operation_t *operation, const happening_t *what, const char *why)
{
    if (self->fold->control_role == ROLE_PLATFORM) {
        s_platform_goes (self, operation, what, why);
        return;
    }
    control_step_back (self, operation, what->message_id, why);
    s_next (self, operation, why);
}

//  The app may end it for whoever has it.
static verdict_t
s_release (switchboard_t *self, operation_t *operation, const happening_t *what)
{
    if (what->role != ROLE_API && !fold_controls (self->fold, what->role, what->user))
        return VERDICT_NOT_IN_CONTROL;
    s_goes (self, operation, what, "asked");
    return VERDICT_OK;
}

static verdict_t
s_lose (switchboard_t *self, operation_t *operation, const happening_t *what)
{
    s_goes (self, operation,
            &(happening_t){ .event = what->event, .message_id = TEXT_EMPTY, .why = TEXT_EMPTY },
            what->event == HAPPENS_SILENT ? "silent" : "absent");
    return VERDICT_OK;
}

//  The bot is not asked: nobody waits in a closed session.
static verdict_t
s_end (switchboard_t *self, operation_t *operation, const happening_t *what)
{
    const failing_t ended = failing_by_router ("closed");
    uint64_t role = self->fold->control_role;
    (void) what;
    offering_end (self, operation, &ended);
    if (role == ROLE_AGENT || role == ROLE_PLATFORM)
        control_step_back (self, operation, TEXT_EMPTY, "closed");
    entries_control (self, ROLE_BOT, TEXT_EMPTY);
    return VERDICT_OK;
}

// ---------------------------------------------------------------------------------------------
//  The table

typedef verdict_t action_fn (switchboard_t *self, operation_t *operation, const happening_t *what);

typedef struct {
    action_fn *action;
    unsigned ends;
    verdict_t verdict; //  without an action
} control_row_t;

static const control_row_t s_rows[CONTROL_STATES][CONTROL_EVENTS] = {
#define CONTROL(STATE, EVENT, name, states)                                                      \
    [CONTROL_##STATE][HAPPENS_##EVENT] = { .action = s_##name, .ends = states },
#define REFUSED(STATE, EVENT, VERDICT)                                                           \
    [CONTROL_##STATE][HAPPENS_##EVENT] = { .verdict = VERDICT_##VERDICT },
#define STALE(STATE, EVENT) [CONTROL_##STATE][HAPPENS_##EVENT] = { .verdict = VERDICT_DUPLICATE },
#include "rules/control_states.def"
};

verdict_t
control_happens (switchboard_t *self, operation_t *operation, const happening_t *what)
{
    control_state_t state = control_state (self->fold);
    const control_row_t *row = &s_rows[state][what->event];
    if (!row->action) {
        assert (row->verdict != VERDICT_OK);
        return row->verdict;
    }
    uint64_t before = operation->entry_count;
    verdict_t verdict = row->action (self, operation, what);
    assert (verdict == VERDICT_OK || operation->entry_count == before);
    assert (verdict != VERDICT_OK || row->ends & 1u << control_state (self->fold));
    return verdict;
}

unsigned
control_ends (control_state_t state, control_event_t event)
{
    return s_rows[state][event].ends;
}

verdict_t
control_refusal (control_state_t state, control_event_t event)
{
    return s_rows[state][event].verdict;
}

void
control_ask_person (switchboard_t *self, operation_t *operation, text_t why)
{
    const handover_rules_t *rules = &self->handover;
    uint64_t rounds = offering_rounds (self);
    if (rules->handoff_count > 0)
        (void) control_happens (self, operation,
                                &(happening_t){ .event = rounds ? HAPPENS_OFFER : HAPPENS_ASK,
                                                .message_id = TEXT_EMPTY,
                                                .role = ROLE_BOT,
                                                .user = TEXT ("bot"),
                                                .why = why,
                                                .targets = rules->handoff,
                                                .target_count = rules->handoff_count,
                                                .round = rounds });
}

// ---------------------------------------------------------------------------------------------
//  What the visitor says

static void
s_ask_aside (switchboard_t *self, operation_t *operation, text_t why)
{
    uint64_t seq = operation->seq, time_ms = operation->time_ms, check = operation->check;
    control_ask_person (self, operation, why);
    operation->seq = seq;
    operation->time_ms = time_ms;
    operation->check = check;
}

//  What is for a bot only is no question, and people are not asked it.
void
control_hear (switchboard_t *self, operation_t *operation, const question_t *question)
{
    bool is_bots = self->fold->control_role == ROLE_BOT;
    if (is_bots && self->has_bot)
        control_ask_bot (self, question);
    else if (self->fold->unanswered && (is_bots || offering_is_left (self)))
        s_ask_aside (self, operation, TEXT ("the app has no bot"));
}

void
control_hear_call (switchboard_t *self, operation_t *operation)
{
    if (self->fold->control_role == ROLE_BOT || offering_is_left (self))
        s_ask_aside (self, operation, TEXT ("the visitor asks for a person"));
}
