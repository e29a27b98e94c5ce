#include "rules/bot_failure.h"

#include "base/clock.h"
#include "base/random_id.h"
#include "json/json_write.h"
#include "rules/control.h"
#include "rules/handover.h"

#include <assert.h>

bool
bot_failure_is_of_bot (const bus_done_t *done)
{
    uint64_t status = done->status;
    if (done->outcome != OUTCOME_FAILED || done->fault != FAULT_UNKNOWN)
        return done->outcome == OUTCOME_FAILED && done->fault == FAULT_BOT;
    bool is_passing = status == 408 || status == 425 || status == 429;
    return status < 300 || status >= 500 || is_passing;
}

//  The app's text, as what a bot says.
static text_t
s_text (switchboard_t *self)
{
    buffer_t data;
    json_writer_t json;
    buffer_init (&data, 8 * APP_FAILURE_TEXT_MOST + 100);
    json_write_begin (&json, &data);
    json_open_object (&json, NULL);
    json_open_object (&json, "outputSpeech");
    json_put_text (&json, "displayText", self->failure->text);
    json_close_object (&json);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0); //  a text's length is checked, and an escape is six bytes at most
    return entries_keep_buffer (self, &data);
}

//  What ends the turn. While the question is put again, it is no answer.
static void
s_tell (switchboard_t *self, operation_t *operation, bool is_kept, bool is_hidden)
{
    const bus_done_t *done = &operation->record.done;
    bool has_text = app_failure_has (self->failure, FAILURE_TEXT);
    entries_append (self, operation,
                    &(said_t){ .event = has_text ? EVENT_NEW_MESSAGE : EVENT_FAILURE,
                               .message_id = entries_derived_id (self, done->item, "answer"),
                               .role = ROLE_BOT,
                               .user = is_kept ? NOTICE_USER : TEXT ("bot"),
                               .sender = entries_keep (self, self->bot_sender),
                               .data = has_text ? s_text (self) : done->data,
                               .hidden = is_hidden });
}

static void
s_end_turn (switchboard_t *self, const operation_t *operation, turn_t *turn)
{
    const bus_done_t *done = &operation->record.done;
    uint64_t tries = work_number (done->tries, WORK_TRIES_MOST);
    fold_end_turn (self->fold, turn);
    changeset_finish (self->changeset, &turn,
                      &(store_finish_t){ .state = operation->is_refused ? WORK_CANCELLED
                                                                        : WORK_DEAD,
                                         .attempt = tries > 0 ? tries : 1,
                                         .status = work_number (done->status, WORK_STATUS_MOST),
                                         .took_ms = work_number (done->took_ms, WORK_TOOK_MOST_MS),
                                         .detail = done->detail });
}

//  So long at least, doubling from open_s on with each failure in a row that this postoffice knows
//  of. A quarter more by chance, so that two that have the question rarely ask it together.
static uint64_t
s_pause_ms (const app_failure_t *policy, const fold_t *fold, uint64_t least_ms)
{
    uint64_t pause_ms = 1000 * policy->open_s, most_ms = 1000 * policy->open_most_s;
    for (uint64_t at = 1; at < fold->failures && pause_ms < most_ms; at++)
        pause_ms *= 2;
    if (pause_ms < least_ms)
        pause_ms = least_ms;
    if (pause_ms > most_ms)
        pause_ms = most_ms;
    return pause_ms + random_id_number () % (pause_ms / 4 + 1);
}

//  For as long again as the visitor has waited: so the pauses double, whichever postoffice has the
//  question, as the log says since when. Its clock may be ahead of ours; then failures count.
void
bot_failure_put_off (const app_failure_t *policy, const fold_t *fold, turn_t *turn)
{
    uint64_t now_ms = clock_wall_ms ();
    uint64_t since_ms = fold->unanswered ? fold->unanswered->since_ms : now_ms;
    uint64_t waited_ms = since_ms < now_ms ? now_ms - since_ms : 0;
    turn->held_until_ms = clock_mono_ms () + s_pause_ms (policy, fold, waited_ms);
}

//  When the question was put first that is put again now.
static uint64_t
s_asked_ms (const fold_t *fold)
{
    uint64_t asked_ms = clock_wall_ms ();
    for (const list_t *link = fold->turns.next; link != &fold->turns; link = link->next) {
        const turn_t *turn = LIST_THING (link, turn_t, in_fold);
        if (fold->unanswered && turn->seq == fold->unanswered->seq && turn->asked_ms < asked_ms)
            asked_ms = turn->asked_ms;
    }
    return asked_ms;
}

//  What the failure comes to.
typedef struct {
    bool is_of_bot;
    bool is_told;     //  the visitor was, not long ago, or has said nothing since
    bool is_private;  //  the visitor asked for nothing that this answers: the bot was told of its
                      //  return, and no question waits, or it will be asked that in its place
    bool asks_instead; //  the latter
    bool asks_person;
    bool asks_again;
    bool is_put_off;  //  the same turn goes on: nothing is said, nor stored
} failing_t;

//  Is it put to the bot again without a new word of the visitor?
static bool
s_is_old (const fold_t *fold, const turn_t *turn)
{
    bool is_last = fold->unanswered && turn->seq == fold->unanswered->seq;
    return turn_is_again (turn) && (is_last || control_is_return (turn));
}

static failing_t
s_failing (const switchboard_t *self, const operation_t *operation, const turn_t *turn)
{
    const app_failure_t *policy = self->failure;
    const fold_t *fold = self->fold;
    uint64_t until_ms = fold->told_ms + policy->tell_s * 1000;
    bool is_over = operation->gives_up || !fold->unanswered;
    bool is_of_bot = bot_failure_is_of_bot (&operation->record.done);
    bool is_old = s_is_old (fold, turn);
    bool is_told = fold->told_ms > 0
                   && (operation->gives_up || is_old || clock_wall_ms () < until_ms);
    bool asks_again = is_of_bot && !is_over && policy->ask_again_s > 0;
    bool has_person =
        app_failure_has (policy, FAILURE_PERSON) && self->handover.handoff_count > 0
        && (is_over || fold->person_seq != fold->unanswered->seq);
    bool asks_instead = control_is_return (turn) && fold->unanswered && !is_of_bot && !has_person
                        && fold->control_role == ROLE_BOT;
    return (failing_t){ .is_of_bot = is_of_bot,
                        .is_told = is_told,
                        .is_private = asks_instead
                                      || (!fold->unanswered && control_is_return (turn)),
                        .asks_instead = asks_instead,
                        .asks_person = has_person && !is_over && !is_told,
                        .asks_again = asks_again,
                        .is_put_off = asks_again && is_old && is_told && !operation->of_request
                                      && !control_is_return (turn)
                                      && fold->control_role == ROLE_BOT };
}

//  The bot has no use for being told: what waits is put to it as it is, unless it is already.
static void
s_ask_instead (switchboard_t *self)
{
    const fold_t *fold = self->fold;
    const question_t *question = fold->unanswered;
    for (const list_t *link = fold->turns.next; link != &fold->turns; link = link->next)
        if (LIST_THING (link, turn_t, in_fold)->seq == question->seq)
            return;
    control_ask_bot (self, &(question_t){ .seq = question->seq,
                                          .user = entries_keep (self, question->user),
                                          .body = entries_keep (self, question->body),
                                          .secret = entries_keep (self, question->secret) });
}

void
bot_failure_done (switchboard_t *self, operation_t *operation, turn_t *turn)
{
    fold_t *fold = self->fold;
    failing_t failing = s_failing (self, operation, turn);
    if (failing.is_put_off) {
        fold->failures++;
        bot_failure_put_off (self->failure, fold, turn);
        operation->is_put_off = true;
        return;
    }
    uint64_t failures = fold->failures, told_ms = fold->told_ms, asked_ms = s_asked_ms (fold);
    bool is_kept = failing.asks_again || failing.asks_person || failing.asks_instead
                   || (failing.is_of_bot && operation->gives_up);
    bool is_hidden = failing.is_private || (failing.is_of_bot && failing.is_told);
    //  What the visitor has said meanwhile was not put to the bot yet, and waits for nothing.
    bool has_more = turn_is_again (turn) && fold->unanswered && turn->seq != fold->unanswered->seq;
    s_tell (self, operation, is_kept, is_hidden);
    s_end_turn (self, operation, turn);
    if (failing.asks_instead)
        s_ask_instead (self);
    if (!failing.is_of_bot && !failing.asks_person)
        return;
    fold->failures = failures + 1;
    fold->told_ms = failing.is_told || failing.is_private ? told_ms : clock_wall_ms ();
    if (failing.asks_person) {
        fold->person_seq = fold->unanswered->seq;
        control_ask_person (self, operation, TEXT (WHY_BOT_FAILED));
    }
    if (!failing.asks_again || fold->control_role != ROLE_BOT)
        return;
    control_end_turns (self, TEXT ("the bot failed at the question before"));
    control_ask_again (self, asked_ms, has_more ? 0 : s_pause_ms (self->failure, fold, 0));
}
