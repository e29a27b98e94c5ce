//  fold — participants, control, turns, the last message ids and the time of the next entry.

#include "rules/fold.h"

#include <criterion/criterion.h>
#include <stdio.h>

static fold_t s_fold;

static void
s_begin (void)
{
    fold_init (&s_fold, TEXT ("demo/s"), NULL);
}

static void
s_end (void)
{
    fold_free (&s_fold);
}

TestSuite (fold, .init = s_begin, .fini = s_end);

Test (fold, next_time)
{
    const struct {
        uint64_t last, wall, client, next;
    } rows[] = {
        { 0, 1000, 0, 1000 },       { 999, 1000, 0, 1000 },     { 1000, 1000, 0, 1001 },
        { 5000, 1000, 0, 5001 },    { 0, 1000, 900, 1000 },     { 0, 1000, 998, 1000 },
        { 0, 1000, 999, 1001 },     { 0, 1000, 1000, 1002 },    { 0, 1000, 7000, 7002 },
        { 9000, 1000, 7000, 9001 }, { 7001, 1000, 7000, 7002 }, { 0, 0, 1, 3 },
        //  As far ahead as it may be, and further: then ours counts, or where the session is.
        { 0, 1000, 1000 + CLIENT_AHEAD_MS, 1002 + CLIENT_AHEAD_MS },
        { 0, 1000, 1001 + CLIENT_AHEAD_MS, 1000 },
        { 0, 1000, 1ull << 52, 1000 },
        { 0, 1000, UINT64_MAX, 1000 },
        { 2000, 1000, 1ull << 52, 2001 },
        { 1ull << 52, 1000, 0, (1ull << 52) + 1 },
        { 1ull << 52, 1000, 1ull << 52, (1ull << 52) + 1 },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        s_fold.last_time_ms = rows[at].last;
        cr_assert_eq (fold_next_time (&s_fold, rows[at].wall, rows[at].client), rows[at].next,
                      "row %zu", at);
    }
}

static void
s_remember (uint64_t role, const char *user, const char *id, uint64_t seq, uint64_t time_ms)
{
    keyed_digest_t digest = recent_ids_digest (role, text_of (user), text_of (id));
    recent_ids_add (&s_fold.recent,
                    &(recent_id_t){ .digest = digest, .seq = seq, .time_ms = time_ms });
}

static const recent_id_t *
s_recall (uint64_t role, const char *user, const char *id)
{
    return recent_ids_find (&s_fold.recent, recent_ids_digest (role, text_of (user), text_of (id)));
}

Test (fold, last_ids)
{
    cr_assert_null (s_recall (ROLE_VISITOR, "vic", "m1"));
    char id[20];
    for (unsigned at = 1; at <= RECENT_IDS + 5; at++) {
        snprintf (id, sizeof id, "m%u", at);
        s_remember (ROLE_VISITOR, "vic", id, at, at * 10);
        //  A hundred thousand short sessions wait in a postoffice: each has room for its own.
        cr_assert_leq (s_fold.recent.room, at <= 8 ? 8 : 2 * at);
    }
    for (unsigned at = 1; at <= RECENT_IDS + 5; at++) {
        snprintf (id, sizeof id, "m%u", at);
        const recent_id_t *recent = s_recall (ROLE_VISITOR, "vic", id);
        cr_assert_eq (recent != NULL, at > 5);
        if (recent)
            cr_assert (recent->seq == at && recent->time_ms == at * 10);
    }
    cr_assert_null (s_recall (ROLE_VISITOR, "vic", ""));
}

//  Nobody can use up somebody else's id, whatever the names look like.
Test (fold, an_id_belongs_to_its_participant)
{
    s_remember (ROLE_VISITOR, "vi", "cm1", 7, 70);
    cr_assert_eq (s_recall (ROLE_VISITOR, "vi", "cm1")->seq, 7);
    cr_assert_null (s_recall (ROLE_AGENT, "vi", "cm1"));
    cr_assert_null (s_recall (ROLE_VISITOR, "v", "cm1"));
    cr_assert_null (s_recall (ROLE_VISITOR, "vic", "m1"));
    cr_assert_null (s_recall (ROLE_VISITOR, "v", "icm1"));
    cr_assert_null (s_recall (ROLE_VISITOR, "vicm1", ""));
}

//  All that many participants have said with the asked ids is there, and the entries of a whole
//  changeset push none of it out.
Test (fold, all_that_a_load_brings_is_remembered)
{
    enum { ASKED = 3 * RECENT_IDS };
    static stored_id_t known[ASKED];
    static char users[ASKED][8];
    for (unsigned at = 0; at < ASKED; at++) {
        snprintf (users[at], sizeof users[at], "u%u", at);
        known[at] = (stored_id_t){ TEXT ("m"), ROLE_AGENT, text_of (users[at]), at + 1, at + 1,
                                   EVENT_NEW_MESSAGE };
    }
    fold_load (&s_fold, &(stored_session_t){ .exists = true,
                                             .app = TEXT ("demo"),
                                             .visitor = TEXT ("vic"),
                                             .control_role = ROLE_BOT,
                                             .control_user = TEXT_EMPTY,
                                             .known = known,
                                             .known_count = ASKED });
    for (unsigned at = 0; at < RECENT_IDS; at++)
        s_remember (ROLE_BOT, "bot", users[at], 999, 999);
    for (unsigned at = 0; at < ASKED; at++)
        cr_assert_eq (s_recall (ROLE_AGENT, users[at], "m")->seq, at + 1);
}

Test (fold, participants)
{
    participant_t *vic = fold_admit (&s_fold, ROLE_VISITOR, TEXT ("a"), TEXT ("{}"));
    participant_t *agent = fold_admit (&s_fold, ROLE_AGENT, TEXT ("a"), TEXT ("{1}"));
    cr_assert (vic != agent && vic->present && vic->received_seq == SEQ_UNKNOWN);
    cr_assert_eq (fold_participant (&s_fold, ROLE_AGENT, TEXT ("a")), agent);
    cr_assert_null (fold_participant (&s_fold, ROLE_BOT, TEXT ("a")));
    vic->present = false;
    vic->received_seq = 7;
    cr_assert_eq (fold_admit (&s_fold, ROLE_VISITOR, TEXT ("a"), TEXT ("{new}")), vic);
    cr_assert (vic->present && vic->received_seq == 7 && text_is (vic->sender, TEXT ("{new}")));
    cr_assert_eq (vic->info.size, 0);
    fold_inform (vic, TEXT ("{\"a\":1}"));
    fold_inform (vic, TEXT_EMPTY);
    fold_inform (vic, TEXT ("{}"));
    cr_assert (text_is (vic->info, TEXT ("{\"a\":1}")));
    fold_inform (vic, TEXT ("{\"a\":2}"));
    cr_assert (text_is (vic->info, TEXT ("{\"a\":2}")));
}

Test (fold, control)
{
    cr_assert (fold_controls (&s_fold, ROLE_BOT, TEXT_EMPTY));
    fold_control (&s_fold, ROLE_AGENT, TEXT ("anna"));
    cr_assert (fold_controls (&s_fold, ROLE_AGENT, TEXT ("anna")));
    cr_assert_not (fold_controls (&s_fold, ROLE_AGENT, TEXT ("otto")));
    cr_assert_not (fold_controls (&s_fold, ROLE_VISITOR, TEXT ("anna")));
    //  Its own text may be given back to it.
    fold_control (&s_fold, ROLE_AGENT, s_fold.control_user);
    cr_assert (fold_controls (&s_fold, ROLE_AGENT, TEXT ("anna")));
}

static void
s_load (void)
{
    fold_load (&s_fold,
               &(stored_session_t){
                   .exists = true,
                   .app = TEXT ("demo"),
                   .visitor = TEXT ("vic"),
                   .day = 20000,
                   .last_seq = 9,
                   .last_time_ms = 99,
                   .last_writer = 5,
                   .control_role = ROLE_AGENT,
                   .control_user = TEXT ("anna"),
                   .participants =
                       (stored_participant_t[]){
                           { .role = ROLE_VISITOR,
                             .user = TEXT ("vic"),
                             .sender = TEXT ("{}"),
                             .present = true,
                             .received_seq = 4 },
                           { .role = ROLE_AGENT,
                             .user = TEXT ("anna"),
                             .sender = TEXT ("{}"),
                             .received_seq = SEQ_UNKNOWN } },
                   .participant_count = 2,
                   .works = (stored_work_t[]){ { TEXT ("i1"), TEXT ("bot.stentor"), 3,
                                                 TEXT ("vic"), TEXT ("{}"), TEXT ("s") },
                                               { TEXT ("i2"), TEXT ("bot.stentor"), 4,
                                                 TEXT ("vic"), TEXT ("{}"), TEXT_EMPTY } },
                   .work_count = 2,
                   .known = (stored_id_t[]){ { TEXT ("m1"), ROLE_VISITOR, TEXT ("vic"), 2, 20,
                                               EVENT_NEW_MESSAGE } },
                   .known_count = 1 });
}

Test (fold, load)
{
    s_load ();
    cr_assert (s_fold.exists && s_fold.day == 20000 && s_fold.last_seq == 9);
    cr_assert (text_is (s_fold.app, TEXT ("demo")) && text_is (s_fold.visitor, TEXT ("vic")));
    cr_assert (s_fold.last_time_ms == 99 && s_fold.last_writer == 5);
    cr_assert (fold_controls (&s_fold, ROLE_AGENT, TEXT ("anna")));
    const participant_t *vic = fold_participant (&s_fold, ROLE_VISITOR, TEXT ("vic"));
    cr_assert (vic->present && vic->received_seq == 4);
    cr_assert_not (fold_participant (&s_fold, ROLE_AGENT, TEXT ("anna"))->present);
    cr_assert_eq (s_fold.turn_count, 2);
    cr_assert_eq (fold_turn (&s_fold, TEXT ("i1"))->state, TURN_RECOVERED);
    cr_assert_eq (fold_turn (&s_fold, TEXT ("i2"))->state, TURN_QUEUED); //  nobody can have it
    cr_assert (text_is (fold_turn (&s_fold, TEXT ("i1"))->secret, TEXT ("s")));
    cr_assert_null (fold_turn (&s_fold, TEXT ("i3")));
    cr_assert (fold_turn (&s_fold, TEXT ("i1"))->hidden, "it may be a greeting");
    cr_assert_eq (s_recall (ROLE_VISITOR, "vic", "m1")->seq, 2);
}

//  What waits for an answer follows from the log, which has no secret: the open turn has it.
Test (fold, what_nobody_answered)
{
    stored_work_t turn = { TEXT ("i"),   TEXT ("bot.stentor"), 3,
                           TEXT ("vic"), TEXT ("{}"),          TEXT ("secret") };
    fold_load (&s_fold,
               &(stored_session_t){
                   .exists = true,
                   .app = TEXT ("demo"),
                   .visitor = TEXT ("vic"),
                   .control_role = ROLE_BOT,
                   .control_user = TEXT_EMPTY,
                   .works = &turn,
                   .work_count = 1,
                   .unanswered = { .seq = 3, .user = TEXT ("vic"), .body = TEXT ("{}") } });
    const question_t *question = s_fold.unanswered;
    cr_assert (question && question->seq == 3 && text_is (question->user, TEXT ("vic")));
    cr_assert (text_is (question->body, TEXT ("{}")));
    cr_assert (text_is (question->secret, TEXT ("secret")));
    cr_assert_not (fold_turn (&s_fold, TEXT ("i"))->hidden);
    fold_answered (&s_fold);
    cr_assert_null (s_fold.unanswered);
}

Test (fold, move)
{
    s_load ();
    fold_t other;
    fold_move (&other, &s_fold);
    cr_assert (!s_fold.exists && s_fold.turn_count == 0 && list_is_empty (&s_fold.turns));
    cr_assert_eq (s_fold.control_role, ROLE_BOT);
    cr_assert_null (s_recall (ROLE_VISITOR, "vic", "m1"));
    cr_assert_not_null (fold_turn (&other, TEXT ("i1")));
    cr_assert_not_null (fold_participant (&other, ROLE_VISITOR, TEXT ("vic")));
    s_load (); //  is as new
    fold_free (&other);
    cr_assert_not_null (fold_turn (&s_fold, TEXT ("i1")));
}

Test (fold, end_turn)
{
    s_load ();
    turn_t *turn = fold_turn (&s_fold, TEXT ("i1"));
    fold_end_turn (&s_fold, turn);
    cr_assert_null (fold_turn (&s_fold, TEXT ("i1")));
    cr_assert_eq (s_fold.turn_count, 1);
    turn_destroy (&turn);
}

Test (fold, load_of_nothing)
{
    fold_load (&s_fold, &(stored_session_t){ .exists = false });
    cr_assert_not (s_fold.exists);
    fold_open (&s_fold, TEXT ("demo"), TEXT ("vic"), 3 * 86400000ull + 5);
    cr_assert (s_fold.exists && s_fold.day == 3 && s_fold.last_seq == 0);
}
