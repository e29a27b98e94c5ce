//  posts — what clients posted and no postoffice has answered yet; it is sent, answered, refused or
//  given up here, and its client is told so. Each post is kept whole, so that it can be sent again
//  to another postoffice.
//
//  A client is told in the words of its dialect. A widget knows no `ack`, `busy` or `error`: it is
//  told nothing of a stored message, and shown a failure for one that was refused.
//
//  The posts of one client stand in a queue, in the order in which they were sent. When a post is
//  refused for now, its client is to send it again, and all posts behind it are refused until then
//  (they are held back), so that none overtakes it. The scenarios that made it so:
//
//      b is refused, c is on its way        c is refused too; b, then c are sent again
//      b is refused, its client gives b up  what comes after HOLD_BACK_MS closes the connection
//      b is refused, which a slow client    likewise: it may have sent c before it hears of b, and
//      hears late                           sends both again on the next connection
//      b was refused, but is in the log     its client is told so: c is awaited
//      answers come in any order            the awaited post is the one that was sent first
//      an agent's words lack control        so do all behind them until it takes control here: it
//                                           may say the same on a new connection

#ifndef POSTS_H
#define POSTS_H

#include "bus/bus_client.h"
#include "client/client.h"

typedef struct posts posts_t;
typedef struct post_queue post_queue_t;
typedef struct post post_t;

//  So long a client waits for an answer at most: the widget gives up after 10 s by itself. A post
//  that reached a postoffice may be stored, and is given longer.
#define ANSWER_LIMIT_MS 8000
#define SENT_POST_LIMIT_MS 30000

//  Borrows both. A client may have `limit` posts.
posts_t *posts_new (flow_control_t *flow, bus_client_t *bus, uint64_t limit);
//  All queues are gone.
void posts_destroy (posts_t **self_p);
//  After what time a client that is refused for so long is to come again: not all at one moment.
uint64_t posts_retry_ms (uint64_t wait_ms);
//  The post that this postoffice was given by this number. NULL: there is none (any more).
post_t *posts_find (const posts_t *self, unsigned postoffice, uint64_t request_id);
//  A post that has waited for too long; NULL: there is none.
post_t *posts_late (const posts_t *self, uint64_t now_ms);

//  Borrows the client. The owner is whom answers concern.
post_queue_t *post_queue_new (posts_t *all, client_t *client, void *owner);
//  With its posts, without a word to the client. The functions below that say so take NULL for a
//  queue without posts, as this one does.
void post_queue_destroy (post_queue_t **self_p);
//  Has it any posts? NULL: none.
bool post_queue_is_waiting (const post_queue_t *self);
//  Are its posts so many that its client may not send more? NULL: no.
bool post_queue_is_full (const post_queue_t *self);
//  Has it neither posts nor anything to hold back?
bool post_queue_is_idle (const post_queue_t *self);

//  Copies the record and gives it a request id. `is_named`: its client gave it its id, and can send
//  it again. False: it is refused, for so long, when `wait_ms` is not 0; or because it would
//  overtake a message that was refused.
bool post_queue_add (post_queue_t *self, const bus_post_t *record, bool is_named,
                     uint64_t wait_ms, uint64_t now_ms);
//  Sends the posts that are not sent yet, in order, to the postoffice. False when the bus is full.
//  NULL: nothing is left.
bool post_queue_send (post_queue_t *self, unsigned postoffice);
//  All posts are to be sent (again). NULL: none.
void post_queue_unsend (post_queue_t *self);
//  Somebody has taken control, by the entry with this seq: its client perhaps, on another way (the
//  API). True: that matters here; its words count again once its client has this entry, so that
//  nothing of before it comes behind it. NULL: false.
bool post_queue_may_regain (post_queue_t *self, uint64_t seq);
//  The client has received up to this. NULL: nothing was waiting for it.
void post_queue_received (post_queue_t *self, uint64_t seq);
//  The client leaves its session: nothing is held back any more. NULL: nothing was.
void post_queue_hold_nothing (post_queue_t *self);
//  The client is given this message from the log.
void post_queue_told (post_queue_t *self, text_t message_id, uint64_t now_ms);
//  Refuses all posts and removes them. NULL: there are none.
void post_queue_refuse (post_queue_t *self, verdict_t verdict, uint64_t now_ms);

void *post_owner (const post_t *self);
//  These tell the client what became of the post and remove it, and with a post that is to come
//  again all posts behind it, sent or not: their postoffice refuses those that it has, but another
//  one, should it be lost, would not; and what the client sends again now must not stand behind
//  them.
void post_answer (post_t **self_p, const bus_posted_t *posted, uint64_t now_ms);
void post_give_up (post_t **self_p, uint64_t now_ms);

#endif
