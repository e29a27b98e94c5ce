//  process — a program under test: started with an environment of its own, its output caught in a
//  file, and gone when the test is gone (the kernel kills it with its parent).
//
//  The environment is only what the program needs (PATH, HOME, the sanitizers' options) and the
//  settings given. Standard output and error go to one log file. When the test ends without
//  process_destroy (it failed), the end of the log is printed to standard error.
//
//  Functions that wait take milliseconds and say on standard error what did not come.

#ifndef HARNESS_PROCESS_H
#define HARNESS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct process process_t;

//  `name` is for people; `program` is a path, or a name that is looked up in BIN_DIR and then PATH.
//  The environment's BIN_DIR may be that of another build: programs that are a test's own, and not
//  tested, are named by path.
//  `arguments` (without the program itself) and `settings` ("NAME=value") end with NULL; either may
//  be NULL. Returns NULL when there is no such program.
process_t *process_new (const char *name, const char *program, const char *const *arguments,
                        const char *const *settings);
//  Puts the settings of `more` (may be NULL) into `to`, and those of `usual` that it does not name;
//  all of them end with NULL. Asserts that there is room for `most`, with the NULL.
void process_settings (const char **to, size_t most, const char *const *more,
                       const char *const *usual);
//  Ends it with SIGTERM, after 10 s with SIGKILL, and removes its log. The test process is aborted
//  when a sanitizer had something to say in the log: that must not pass unseen.
void process_destroy (process_t **self_p);

const char *process_name (const process_t *self);
pid_t process_pid (const process_t *self);
bool process_is_alive (process_t *self);

//  Sends the signal; after SIGKILL also waits until it is gone.
void process_kill (process_t *self, int signal);
//  Its exit code, or 128 + the signal that ended it; −1 when it is still alive at the deadline.
int process_wait_exit (process_t *self, uint64_t milliseconds);
//  SIGTERM, and the exit code as above.
int process_stop (process_t *self, uint64_t milliseconds);

//  The whole log so far; the caller frees it.
char *process_log (const process_t *self);
const char *process_log_path (const process_t *self);
//  From now on logs outlive their processes (they stand in TMPDIR) and are not printed at the end.
void process_keep_logs (void);
//  Waits until the log has a line with the text in it.
bool process_wait_log (process_t *self, const char *text, uint64_t milliseconds);
//  How many lines have the text in them now.
unsigned process_log_count (const process_t *self, const char *text);
//  Prints the end of the log to standard error.
void process_print_log (const process_t *self);

// ---------------------------------------------------------------------------------------------
//  The operations port

//  Tells where /readyz and /metrics of this process are.
void process_set_operations_port (process_t *self, uint16_t port);
//  Waits until /readyz answers 200. False at once when the process has ended.
bool process_wait_ready (process_t *self, uint64_t milliseconds);
//  True when /readyz answers 200 now.
bool process_is_ready (process_t *self);
//  The value of the sample with exactly this name and these labels, such as
//  "stentor_edge_closed_total{reason=\"slow_reader\"}"; NAN when there is none.
double process_metric (process_t *self, const char *sample);

//  Programs that are started from now on, by a test that compares their memory: a sanitizer keeps
//  what was freed for a while, and that is not what is measured.
void process_keep_little_of_what_is_freed (void);

#endif
