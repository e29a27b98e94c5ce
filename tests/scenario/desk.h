//  desk — agents and waiting visitors over the HTTP API, for stories about the switchboard. A
//  server asks, with its key; what must come true is waited for.
//
//  One app, "demo", without a bot unless the plan names one, and one stack at a time.

#ifndef DESK_H
#define DESK_H

#include "stack.h"

#include <stdbool.h>

//  `section`: members of the app's switchboard. What of the plan is not zero counts.
router_stack_t *desk_begins (const char *section, const stack_plan_t *plan);
void desk_ends (router_stack_t **stack_p);

//  An API request by a server at the edge; "POST sessions/s-1/offer" and its body. Returns the
//  status, 0 without an answer.
int desk_asks (router_stack_t *stack, const char *request, const char *body_form, ...)
    __attribute__ ((format (printf, 3, 4)));

//  Sets an agent's state, capacity and group.
void desk_agent (router_stack_t *stack, const char *user, const char *state, unsigned capacity,
                 const char *group);
//  A session of this visitor begins; and is offered to these, as a JSON array.
void desk_visitor (router_stack_t *stack, const char *session);
void desk_offers (router_stack_t *stack, const char *session, const char *targets);
//  Does the agent's own part: "accept", "decline", "release", "take". Returns the status.
int desk_acts (router_stack_t *stack, const char *session, const char *agent, const char *what);

//  What the database says, as one text; "" for nothing. Borrowed until the next call. @V@ stands
//  for the schema's number.
const char *desk_sql (router_stack_t *stack, const char *sql);
//  To whom the session is offered: "ann"; "" nobody.
const char *desk_offered (router_stack_t *stack, const char *session);
//  Waits until the session is offered to this agent.
#define DESK_OFFERED(stack, session, agent)                                                      \
    EVENTUALLY (20000, strcmp (desk_offered (stack, session), agent) == 0)

#endif
