//  posts — what clients posted and no office has answered yet. Each is kept whole, so that it can
//  be said again to another office; how many, is bounded for each connection (EDGE_POSTS).

#ifndef POSTS_H
#define POSTS_H

#include "bus/bus_record.h"
#include "client/connection.h"

typedef struct {
    uint64_t request_id; //  what the bus calls it
    UT_hash_handle hh;
    list_t of_connection;
    list_t by_age;
    uint64_t endpoint;
    uint64_t since_ms;
    uint64_t since_us;
    int office;  //  that it was sent to and that has it still; −1: it is to be sent
    bool ever_sent;
    bool named;  //  by its client, who can say it again
    size_t bytes;
    bus_post_t record; //  its texts stand behind the struct
    char texts[];
} post_t;

typedef struct {
    post_t *by_request_id; //  hash table
    list_t by_age;
    uint64_t next_request_id;
} posts_t;

void posts_init (posts_t *self);

//  Copies the record, gives it a request_id and puts it behind the others of its connection. NULL
//  when there is no memory.
post_t *posts_add (posts_t *self, connection_t *connection, const bus_post_t *record,
                   uint64_t now_ms);
void posts_remove (posts_t *self, connection_t *connection, post_t **post_p);
void posts_remove_all (posts_t *self, connection_t *connection);

//  NULL when it is not (any more) ours.
post_t *posts_find (const posts_t *self, uint64_t request_id);

//  All of the connection's posts are to be sent (again).
void posts_unsend (connection_t *connection);

//  The oldest of the connection that is not sent; NULL when all are.
post_t *posts_next (const connection_t *connection);

//  The request_id of the post that its client sent before and would send again, too: it must not
//  be overtaken. 0: there is none under way; its own request_id: its client would not say it again.
uint64_t posts_before (const connection_t *connection, const post_t *post);

//  A client with acknowledgements has several messages on their way. When one is refused for now,
//  those behind it are refused as well until it comes again, so that none overtakes it. When a
//  while has passed (its client may have given it up), or when it turns out to be stored, the first
//  one that was refused because of it takes its place: those behind that one may be on their way.
void posts_hold_back (connection_t *connection, const post_t *refused, uint64_t now_ms);
//  Must a message with this id, that has just come or waits, be refused?
bool posts_is_held_back (connection_t *connection, text_t message_id, uint64_t now_ms);
//  The connection leaves its session: nothing is held back any more.
void posts_hold_nothing (connection_t *connection);
//  The client is told that this message is in the log.
void posts_is_told (connection_t *connection, text_t message_id, uint64_t now_ms);

#endif
