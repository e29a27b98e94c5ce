#include "rules/control.h"

#define TOPIC_BOT TEXT ("bot.stentor")

void
control_give_back (switchboard_t *self, operation_t *operation, text_t message_id, text_t why)
{
    text_t user = entries_keep (self, self->fold->control_user);
    const participant_t *agent = fold_participant (self->fold, ROLE_AGENT, user);
    entries_append (self, operation,
                    &(said_t){ .event = EVENT_BARGE_OUT,
                               .message_id = message_id,
                               .role = ROLE_AGENT,
                               .user = user,
                               .sender = agent ? entries_keep (self, agent->sender) : TEXT ("{}"),
                               .data = why });
    entries_control (self, ROLE_BOT, TEXT_EMPTY);
}

void
control_ask_bot (switchboard_t *self, const question_t *question)
{
    turn_t *turn = turn_new (&(turn_t){ .session = self->fold->session,
                                        .app = self->fold->app,
                                        .state = TURN_QUEUED,
                                        .seq = question->seq,
                                        .item = entries_new_id (self),
                                        .topic = TOPIC_BOT,
                                        .user = question->user,
                                        .body = question->body,
                                        .secret = question->secret });
    fold_add_turn (self->fold, turn);
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
control_return (switchboard_t *self, operation_t *operation, text_t message_id, text_t why)
{
    control_give_back (self, operation, message_id, why);
    const question_t *question = self->fold->unanswered;
    if (question && self->has_bot)
        control_ask_bot (self, &(question_t){ .seq = question->seq,
                                              .user = entries_keep (self, question->user),
                                              .body = entries_keep (self, question->body),
                                              .secret = entries_keep (self, question->secret) });
}

void
control_end_turns (switchboard_t *self, text_t why)
{
    for (list_t *link; (link = list_first (&self->fold->turns));) {
        turn_t *turn = LIST_THING (link, turn_t, in_fold);
        fold_end_turn (self->fold, turn);
        changeset_finish (self->changeset, &turn,
                          &(store_finish_t){ .state = WORK_CANCELLED, .detail = why });
    }
}

void
control_take (switchboard_t *self, operation_t *operation, const taking_t *taking)
{
    if (self->fold->control_role == ROLE_AGENT)
        //  It is an entry of the one who is replaced, whom two may replace with the same id.
        control_give_back (self, operation, entries_new_id (self),
                           TEXT ("{\"why\":\"replaced\"}"));
    control_end_turns (self, TEXT ("an agent took control"));
    entries_append (self, operation,
                    &(said_t){ .event = EVENT_BARGE_IN,
                               .message_id = taking->message_id,
                               .role = ROLE_AGENT,
                               .user = taking->user,
                               .sender = taking->sender,
                               .data = TEXT ("{\"why\":\"asked\"}"),
                               .client_ms = taking->client_ms });
    entries_admit (self, ROLE_AGENT, taking->user, taking->sender, TEXT_EMPTY);
    entries_control (self, ROLE_AGENT, taking->user);
}
