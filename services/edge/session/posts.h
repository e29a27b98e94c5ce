//  posts — what clients posted and no postoffice has answered yet. Each post is kept whole, so that
//  it can be sent again to another postoffice.
//
//  The posts of one client stand in a queue, in the order in which they were sent. When a post is
//  refused for now, its client is to send it again, and all posts behind it are refused until then
//  (they are held back), so that none overtakes it. The scenarios that made it so:
//
//      b is refused, c is on its way        c is refused too; b, then c are sent again
//      b is refused, its client gives b up  after HOLD_BACK_MS the first one held back is awaited
//      b was refused, but is in the log     its client is told so: c is awaited
//      answers come in any order            the awaited post is the one that was sent first

#ifndef POSTS_H
#define POSTS_H

#include "bus/bus_record.h"
#include "base/list.h"
#include "client/flow_control.h"

#include "base/hash_table.h"

typedef struct posts posts_t;
typedef struct post_queue post_queue_t;

//  The body is here because attachment.c and post_answer.c read nearly all of it.
typedef struct {
    uint64_t request_id; //  what the bus calls it; rises
    UT_hash_handle hh;
    list_t of_queue;
    list_t by_age; //  in one of the lists of all
    post_queue_t *queue;
    uint64_t since_ms;
    uint64_t since_us;
    int postoffice; //  that has it; −1: it is to be sent
    bool ever_sent;
    bool is_named; //  by its client, which can send it again
    size_t bytes;
    bus_post_t record; //  its texts stand behind the struct
    char texts[];
} post_t;

//  Borrows flow.
posts_t *posts_new (flow_control_t *flow);
//  All queues are gone.
void posts_destroy (posts_t **self_p);
//  NULL when there is no such post (any more).
post_t *posts_find (const posts_t *self, uint64_t request_id);
//  The oldest post of those that were ever sent, or of those that were not. NULL: there is none.
post_t *posts_oldest (const posts_t *self, bool ever_sent);

//  The owner is whom an answer concerns.
post_queue_t *post_queue_new (posts_t *all, uint64_t endpoint, void *owner);
//  With its posts.
void post_queue_destroy (post_queue_t **self_p);
void *post_queue_owner (const post_queue_t *self);
uint32_t post_queue_count (const post_queue_t *self);
size_t post_queue_bytes (const post_queue_t *self);
//  Has it neither posts nor anything to hold back?
bool post_queue_is_idle (const post_queue_t *self);

//  Copies the record and gives it a request id.
post_t *post_queue_add (post_queue_t *self, const bus_post_t *record, bool is_named,
                        uint64_t now_ms);
void post_remove (post_t **self_p);
void post_queue_clear (post_queue_t *self);
//  The post after this one in the queue; after NULL the first. NULL: no more.
post_t *post_queue_next (const post_queue_t *self, const post_t *post);

//  This postoffice has the post.
void post_sent (post_t *self, int postoffice);
//  All posts are to be sent (again).
void post_queue_unsend (post_queue_t *self);
//  The oldest post that is not sent; NULL when all are.
post_t *post_queue_next_unsent (const post_queue_t *self);
//  The request id of the post that this one must not overtake. 0: there is none; its own: its
//  client would not send it again, so it has no order.
uint64_t post_before (const post_t *self);

//  The post was refused for now.
void post_hold_back (const post_t *self, uint64_t now_ms);
//  Must a message with this id, that has just come or waits, be refused?
bool post_queue_is_held_back (post_queue_t *self, text_t message_id, uint64_t now_ms);
//  Does the queue hold posts back? Then `from` is the first request id that is.
bool post_queue_holds_back (const post_queue_t *self, uint64_t *from);
//  The client leaves its session: nothing is held back any more.
void post_queue_hold_nothing (post_queue_t *self);
//  The client is told that this message is in the log.
void post_queue_told (post_queue_t *self, text_t message_id, uint64_t now_ms);

#endif
