//  wait_report — what a test looked at last, and where everything stands when it waits in vain. No
//  time-out is without a word: it says which story it is in, what was seen last, what its clients
//  heard and said last, and of every process that it started, and of itself, the state, the stacks
//  and the end of the log (tools/whereabouts).
//
//  EVENTUALLY and the functions of the harness that wait tell it by themselves. A test that hangs
//  where nobody counts the time is told to speak with SIGUSR2, by tools/within, which ctest runs
//  every test under.

#ifndef WAIT_REPORT_H
#define WAIT_REPORT_H

#include <stdbool.h>

//  The test has looked at this and has seen that: wait_report_saw ("edge-1: ready", "%d", status).
//  What is looked at again and again is one line.
__attribute__ ((format (printf, 2, 3))) void wait_report_saw (const char *what,
                                                              const char *format, ...);

//  Something of a test, a client say, has a few lines to say of where it stands. Once for a kind.
void wait_report_ask (void (*speak) (void));

//  A deadline has passed: says all of the above on standard error. At most twice in a test.
void wait_report_tell (const char *why);
bool wait_report_has_told (void);

#endif
