//  retry_policy — whether a call is made again, and when: data of whoever calls, and one pure
//  function over it.
//
//  First the answer is put into a class (or the caller does, who has read the body); then the
//  policy says whether that class may be tried again.
//
//      class    what happened                                          tried again
//      DONE     2xx                                                    never
//      UNSENT   not a byte was sent                                    if the policy has UNSENT
//      LOST     sent, and no whole answer came                         if it has LOST, or the call
//                                                                      may be made twice
//      BUSY     408, 425, 429: not acted upon                          if it has BUSY
//      SERVER   5xx: the far side failed, perhaps half way             if it has SERVER
//      FINAL    everything else                                        never

#ifndef RETRY_POLICY_H
#define RETRY_POLICY_H

#include "http/http_outcome.h"

typedef enum {
    RETRY_DONE,
    RETRY_UNSENT,
    RETRY_LOST,
    RETRY_BUSY,
    RETRY_SERVER,
    RETRY_FINAL,
    RETRY_CLASSES
} retry_class_t;

#define RETRY_IF(class) (1u << RETRY_##class)
#define RETRY_IF_PASSING (RETRY_IF (UNSENT) | RETRY_IF (LOST) | RETRY_IF (BUSY) | RETRY_IF (SERVER))

typedef struct {
    unsigned classes;            //  RETRY_IF (UNSENT) | …: what may be tried again
    unsigned tries;              //  at most, with the first one
    unsigned lost_tries;         //  at most that end in LOST; 0: as many as `tries`
    const uint64_t *delays_ms;   //  after the first try, the second …; the last one for all others
    unsigned delays;             //  0: they double instead
    uint64_t first_ms, most_ms;  //  of delays that double
    uint64_t step_ms;            //  a delay is one such step at least, and whole steps; 0: any
    unsigned jitter_percent;     //  of the delay, at most, on top of it
    uint64_t jitter_most_ms;
    uint64_t retry_after_most_ms; //  the far side is believed up to here
    uint64_t total_ms;           //  no try begins later than this after the first; 0: no limit
} retry_policy_t;

//  The tries up to now, with the one that is judged.
typedef struct {
    unsigned tries;
    unsigned lost;         //  of them, those of class LOST
    uint64_t elapsed_ms;   //  since the first one began
    bool may_be_made_twice; //  GET, PUT, DELETE, or the far side drops what it has already
} retry_so_far_t;

typedef enum {
    RETRY_NO_NEED,   //  done
    RETRY_LATER,     //  try again after `delay_ms` and `jitter_ms`
    RETRY_NEVER,     //  dead: the class is final, by itself or for this policy
    RETRY_USED_UP,   //  dead: no try is left
    RETRY_TOO_LATE,  //  dead: the next one would begin beyond total_ms
    RETRY_VERDICTS
} retry_verdict_t;

typedef struct {
    retry_verdict_t verdict;
    uint64_t delay_ms;  //  of RETRY_LATER
    uint64_t jitter_ms; //  on top of it
} retry_decision_t;

retry_class_t retry_class_of (const http_answer_t *answer);
const char *retry_class_label (retry_class_t class);
//  For the log and the dead letter.
const char *retry_verdict_words (retry_verdict_t verdict);
//  By RFC 9110, 9.2.2.
bool retry_is_idempotent (const char *method);

//  `chance` is any number: it chooses the jitter.
retry_decision_t retry_decide (const retry_policy_t *policy, const retry_so_far_t *so_far,
                               retry_class_t class, uint64_t retry_after_ms, uint64_t chance);

#endif
