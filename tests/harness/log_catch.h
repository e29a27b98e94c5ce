//  log_catch — what the test's own process logs, so that a test can count its lines.
//
//  From log_catch on standard error is memory; each test is a process of its own.

#ifndef LOG_CATCH_H
#define LOG_CATCH_H

void log_catch (void);
//  How many lines since then hold all of these (until NULL).
unsigned log_caught (const char *const *texts);
#define LOG_CAUGHT(...) log_caught ((const char *const[]){ __VA_ARGS__, NULL })

#endif
