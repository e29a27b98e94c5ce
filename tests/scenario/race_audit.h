//  race_audit — what a session's log and its work items say about two promises, once everything has
//  settled (docs/switchboard.md): one voice, and no silence.
//
//  It reads control from the entries alone, as an auditor would who knows nothing of the router,
//  and its end must be what the session's row says.

#ifndef RACE_AUDIT_H
#define RACE_AUDIT_H

#include "racers.h"

typedef struct {
    unsigned races;          //  control was taken from a bot that had not answered yet
    unsigned takes, returns; //  by people; to the bot
    unsigned by_platform;    //  of the takes
    unsigned told;           //  of the returns: by an event
    unsigned questions, answers;
    unsigned late_words;     //  answers and failures of the bot where it has no control, or to a
                             //  question that a change of control had ended
    unsigned late_parts;
    unsigned silent;         //  questions that nobody was asked, or that nobody answered
    unsigned contradictions; //  the row says something else than the log
} race_tally_t;

//  Adds one session's; says on standard error what is wrong.
void race_audit (race_tally_t *tally, router_stack_t *stack, const racers_t *racers,
                 unsigned session);

#endif
