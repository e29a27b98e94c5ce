//  inquiry — something that is asked of postoffices: a REQUEST to whoever has its session, sent
//  again when that postoffice is lost, until it is answered or its deadline has passed.
//
//  An inquiry is its owner's for as long as the owner likes, and asks one thing at a time. It may
//  ask several one after the other, within its one deadline. Each REQUEST has a number of its own:
//  whoever was asked before, and answers yet, is not heard. What changes something may be carried
//  out twice, unless it has a key (docs/bus.md).

#ifndef INQUIRY_H
#define INQUIRY_H

#include "bus/bus_client.h"

typedef struct inquiries inquiries_t;
typedef struct inquiry inquiry_t;

typedef struct {
    text_t place; //  the key that chooses the postoffice: a session's
    uint64_t operation;
    text_t principal, body; //  JSON
} inquiry_question_t;

//  `reply`: with a status of HTTP, borrowed; NULL when none came before the deadline. `was_sent`:
//  somebody has had it, and may have carried it out. The inquiry may be destroyed here, or ask the
//  next thing.
typedef void inquiry_answered_fn (void *owner, const bus_reply_t *reply, bool was_sent);

typedef struct {
    bus_client_t *bus;
    uint64_t numbers; //  this bit stands in all numbers, so that replies are told apart; 0: none
    uint64_t feature; //  nobody is asked who does not have it, but any other postoffice; 0: none
} inquiries_config_t;

inquiries_t *inquiries_new (uv_loop_t *loop, const inquiries_config_t *config);
//  No inquiry is there any more.
void inquiries_destroy (inquiries_t **self_p);

inquiry_t *inquiry_new (inquiries_t *all, uint64_t within_ms, inquiry_answered_fn *answered,
                        void *owner);
//  It may be carried out all the same. NULL is none.
void inquiry_destroy (inquiry_t **self_p);

//  Copies the question. Answered later, from the loop.
void inquiry_ask (inquiry_t *self, const inquiry_question_t *question);
//  The same once more, after so long. Not before it was asked.
void inquiry_ask_again (inquiry_t *self, uint64_t after_ms);

//  What the bus says. False: nobody waits for it (any more), or its status is none.
bool inquiries_reply (inquiries_t *self, const bus_reply_t *reply);
void inquiries_postoffice_up (inquiries_t *self);
void inquiries_postoffice_down (inquiries_t *self, unsigned postoffice);

#endif
