#include "control_rig.h"

#include "model/principal.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const switchboard_rules_t s_rules = { .writer = 7 };
const text_t rig_chain[RIG_CHAIN] = { { "group:sales", 11 }, { "platform:x", 10 }, { "bot", 3 } };
fold_t rig_fold;
changeset_t *rig_draft;
switchboard_t rig_board;
static unsigned s_number;
static char s_id[40];

text_t
rig_new_id (void)
{
    snprintf (s_id, sizeof s_id, "id-%u", ++s_number);
    return text_of (s_id);
}

void
rig_next_changeset (void)
{
    if (rig_draft)
        changeset_destroy (&rig_draft);
    rig_draft = changeset_new (TEXT ("demo/s"));
    rig_board.changeset = rig_draft;
}

void
rig_begin (void)
{
    fold_init (&rig_fold, TEXT ("demo/s"), NULL);
    fold_open (&rig_fold, TEXT ("demo"), TEXT ("vic"), 86400000);
    rig_fold.last_seq = 10;
    rig_fold.last_time_ms = 1000;
    fold_admit (&rig_fold, ROLE_VISITOR, TEXT ("vic"), TEXT ("{}"));
    fold_admit (&rig_fold, ROLE_AGENT, TEXT ("anna"), TEXT ("{}"));
    fold_admit (&rig_fold, ROLE_AGENT, TEXT ("otto"), TEXT ("{}"));
    rig_board = (switchboard_t){ .has_bot = true,
                               .rules = &s_rules,
                               .fold = &rig_fold,
                               .bot_sender = TEXT ("{}"),
                               .failure = &app_failure_usual,
                               .handover = { .handoff = rig_chain,
                                             .handoff_count = 3,
                                             .wait_ms = 60000,
                                             .silence_ms = 60000,
                                             .nobody_text = TEXT ("nobody is here") } };
    rig_next_changeset ();
}

void
rig_end (void)
{
    changeset_destroy (&rig_draft);
    fold_free (&rig_fold);
}

static operation_t *
s_operation (void)
{
    return operation_absent (ROLE_AGENT, TEXT ("nobody"));
}

//  What happens, by this one; the operation goes into the changeset.
verdict_t
rig_happens (control_event_t event, uint64_t role, const char *user, const text_t *targets,
           size_t count)
{
    operation_t *operation = s_operation ();
    text_t id = changeset_keep (rig_draft, rig_new_id ());
    verdict_t verdict =
        control_happens (&rig_board, operation,
                         &(happening_t){ .event = event,
                                         .message_id = id,
                                         .role = role,
                                         .user = text_of (user),
                                         .sender = TEXT ("{}"),
                                         .why = TEXT ("why"),
                                         .agent = TEXT ("otto"),
                                         .targets = targets,
                                         .target_count = count });
    changeset_take (rig_draft, &operation);
    return verdict;
}

void
rig_visitor_says (bool is_hidden, const char *data)
{
    operation_t *operation =
        operation_of_record (1, &(bus_record_t){ .kind = BUS_POST,
                                                 .post = { .endpoint = 5,
                                                           .session = TEXT ("demo/s"),
                                                           .event = EVENT_NEW_MESSAGE,
                                                           .message_id = rig_new_id (),
                                                           .sender = TEXT ("{}"),
                                                           .data = text_of (data),
                                                           .hidden = is_hidden,
                                                           .secret = TEXT_EMPTY } });
    switchboard_post (&rig_board, operation, ROLE_VISITOR, TEXT ("vic"), DIALECT_RICH,
                      PERMISSIONS_ALL);
    changeset_take (rig_draft, &operation);
}

void
rig_visitor_asks (void)
{
    rig_visitor_says (false, "{}");
}

void
rig_make (control_state_t state)
{
    static const text_t platform[] = { { "platform:x", 10 } };
    bool is_held = state == CONTROL_AGENT || state == CONTROL_SEEKING || state == CONTROL_PASSING;
    rig_visitor_asks ();
    if (is_held)
        rig_happens (HAPPENS_TAKE, ROLE_AGENT, "anna", NULL, 0);
    if (state == CONTROL_WAITING || state == CONTROL_OFFERED || state == CONTROL_SEEKING
        || state == CONTROL_PASSING)
        rig_happens (HAPPENS_OFFER, ROLE_AGENT, "anna", rig_chain, 3);
    if (state == CONTROL_OFFERED || state == CONTROL_PASSING)
        rig_happens (HAPPENS_FOUND, 0, "", NULL, 0);
    if (state == CONTROL_PLATFORM) {
        rig_happens (HAPPENS_OFFER, ROLE_AGENT, "anna", platform, 1);
        rig_happens (HAPPENS_ACCEPT, ROLE_PLATFORM, "platform.x", NULL, 0);
    }
    rig_fold.is_closed = state == CONTROL_CLOSED;
    rig_next_changeset ();
    cr_assert_eq (control_state (&rig_fold), state, "%s", control_state_name (state));
}

//  A question that nobody has answered is in somebody's hands: asked of the bot, or of a person, or
//  somebody is sought, with a deadline.
void
rig_expect_no_silence (const char *after)
{
    control_state_t state = control_state (&rig_fold);
    bool is_asked = rig_fold.turn_count > 0 || state == CONTROL_AGENT || state == CONTROL_SEEKING
                    || state == CONTROL_PASSING || state == CONTROL_PLATFORM;
    bool is_sought = rig_fold.offer.waits
                     && (state == CONTROL_WAITING || state == CONTROL_OFFERED);
    cr_assert (!rig_fold.unanswered || is_asked || is_sought || state == CONTROL_CLOSED,
               "silence in state %s after %s", control_state_name (state), after);
    cr_assert (state == CONTROL_BOT || state == CONTROL_CLOSED || rig_fold.turn_count == 0,
               "the bot is asked in state %s", control_state_name (state));
}
