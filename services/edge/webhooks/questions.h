//  questions — what an edge asks of postoffices while an outside system waits for an answer:
//  REQUESTs in the edge's own name (asking/inquiry.h), in the place of a session of the app.
//
//  A question may ask several things one after the other within its one deadline.

#ifndef QUESTIONS_H
#define QUESTIONS_H

#include "bus/bus_client.h"

typedef struct questions questions_t;
typedef struct question question_t;

//  `status` is of HTTP, and the body the postoffice's. Without an answer before the deadline it is
//  504, or 503 when nobody could be asked, and the body is empty. The question is there until its
//  owner destroys it, which it may do here.
typedef void question_answered_fn (void *owner, unsigned status, text_t body);

//  Numbers of its REQUESTs have this bit, so that replies are told from those of others.
questions_t *questions_new (uv_loop_t *loop, bus_client_t *bus, uint64_t numbers);
//  No question is there any more.
void questions_destroy (questions_t **self_p);

question_t *question_new (questions_t *all, text_t app, uint64_t within_ms,
                          question_answered_fn *answered, void *owner);
void question_destroy (question_t **self_p);

//  Asks the postoffice of this session or, when the id is none of a session, of what is called so.
//  The body is copied. Answered later, from the loop.
void question_ask (question_t *self, uint64_t operation, text_t id, text_t body);
//  The same again, after so long.
void question_ask_again (question_t *self, uint64_t after_ms);

//  What the bus says.
bool questions_reply (questions_t *self, const bus_reply_t *reply); //  false: none of its numbers
void questions_postoffice_up (questions_t *self);
void questions_postoffice_down (questions_t *self, unsigned postoffice);

#endif
