//  stack — the whole suite as processes on this machine: PostgreSQL, a scripted bot, and as many
//  postoffices, connectors and edges as a story needs, on free ports.
//
//  Every process has a name ("edge-1", "postoffice-2", "stentor-connector-1") by which it is
//  killed, stopped and started again, with the same ports and settings as before. All of them end
//  with the stack, and with the test.
//
//  Functions fail by returning false or NULL after having said why on standard error.

#ifndef STACK_H
#define STACK_H

#include "bot.h"
#include "postgres.h"
#include "process.h"

//  (signal.h has a stack_t of its own.)
typedef struct stack router_stack_t;

typedef struct {
    unsigned edges;               //  0 counts as 1, here and below
    unsigned postoffices;
    unsigned connectors;
    const char *worker;           //  a program that takes work, as process_new has it; NULL: none
    unsigned workers;             //  of those
    unsigned notifiers;           //  beside it; 0: none
    const char *const *settings;  //  "NAME=value" for every service, NULL at the end; may be NULL
    const char *bot_url;          //  NULL: the scripted bot
    bool split;                   //  edge k knows no postoffice but postoffice k
    unsigned spares;              //  of each, with the numbers that follow, and not started
    postgres_options_t postgres;
    //  Settings of one member, asked for at each of its starts: "NAME=value", NULL at the end,
    //  valid until the next call. They count before all others of the same name. May be NULL.
    const char *const *(*settings_of) (void *owner, const char *name);
    //  Everybody has a port, and nobody is started yet. May be NULL.
    bool (*before_start) (void *owner, router_stack_t *stack);
    void *owner;                  //  for these two
} stack_plan_t;

//  Starts everything and waits until it is ready.
router_stack_t *stack_new (const stack_plan_t *plan);
void stack_destroy (router_stack_t **self_p);

//  Where the edge with this number (from 1) listens for clients.
uint16_t stack_edge_port (const router_stack_t *self, unsigned number);
//  Where this one listens: an edge for clients, a postoffice for the bus.
uint16_t stack_port (const router_stack_t *self, const char *name);
//  NULL when it is not running, or there is none of that name.
process_t *stack_process (router_stack_t *self, const char *name);
bot_t *stack_bot (router_stack_t *self);
postgres_t *stack_postgres (router_stack_t *self);
//  Another server is the stack's from now on; the one before is the caller's. Services go on with
//  the settings that they were started with.
postgres_t *stack_change_postgres (router_stack_t *self, postgres_t *postgres);

//  SIGKILL, and gone when this returns.
void stack_kill (router_stack_t *self, const char *name);
//  SIGTERM; true when it ended with exit code 0 in time.
bool stack_stop (router_stack_t *self, const char *name);
//  Starts one that was killed or stopped, or is a spare; false when there is no such program.
bool stack_launch (router_stack_t *self, const char *name);
//  The same, and waits until it is ready.
bool stack_start (router_stack_t *self, const char *name);
bool stack_wait_ready (router_stack_t *self, const char *name);

//  The sum of one metric over all running processes whose name begins so: "edge-".
double stack_metric (router_stack_t *self, const char *names, const char *sample);

#endif
