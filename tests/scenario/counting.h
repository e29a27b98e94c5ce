//  counting — a crowd of visitors who talk, count, and never tire: each has a session and a rich
//  client that acts as client.js does (a few messages in flight, reconnects to whichever edge is
//  there, resumes, says again what was not acknowledged).
//
//      crowd_t *crowd = crowd_new (stack, 20, 2);
//      crowd_talks (crowd, 30);              //  everybody gets 30 messages acknowledged
//      stack_kill (stack, "postoffice-1");
//      crowd_talks (crowd, 30);
//      crowd_has_everything_once (crowd);
//
//  While they talk, every one of them checks that nothing comes twice or out of order. Everything
//  fails the running test when it does not come true in time.

#ifndef COUNTING_H
#define COUNTING_H

#include "stack.h"

typedef struct crowd crowd_t;

//  Person k begins at edge 1 + k % edges. Nobody has said anything yet.
crowd_t *crowd_new (router_stack_t *stack, unsigned people, unsigned edges);
void crowd_destroy (crowd_t **self_p);

//  Until everybody has got so many more messages acknowledged; at most 60 s.
void crowd_talks (crowd_t *self, unsigned messages);
//  Everybody says so many more messages; not waited for.
void crowd_sends (crowd_t *self, unsigned messages);
//  One look at what everybody is told, at most 20 ms: for as long as nothing is expected of them.
void crowd_listens (crowd_t *self);

//  Everybody has heard every answer of the bot once and in order, whatever connections it took. And
//  each opens their session anew, from the beginning: every message of theirs is there once, in the
//  order in which it was said, and every one was answered by the bot once.
void crowd_has_everything_once (crowd_t *self);

//  How often somebody had to connect again.
unsigned crowd_reconnects (const crowd_t *self);

#endif
