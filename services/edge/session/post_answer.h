//  post_answer — what a client is told of its posts, in the words of its dialect. A widget knows no
//  `ack`, `busy` or `error`: it is told nothing of a stored message, and shown a failure for one
//  that was refused.

#ifndef POST_ANSWER_H
#define POST_ANSWER_H

#include "client/client.h"
#include "session/posts.h"

void post_answer_stored (client_t *client, const post_t *post, const bus_posted_t *posted);
//  A refusal that may pass holds back the posts behind this one. The caller removes the post.
void post_answer_refused (client_t *client, const post_t *post, verdict_t verdict,
                          uint64_t now_ms);
//  `busy`: the client is to send this message again.
void post_answer_busy (client_t *client, text_t session, text_t message_id, verdict_t verdict);

//  Refuses all posts of the queue and removes them.
void post_answer_refuse_all (client_t *client, post_queue_t *queue, verdict_t verdict,
                             uint64_t now_ms);
//  Refuses the posts that stand behind the awaited one, sent or not, and removes them. Their
//  postoffice refuses those that it has, but another one, should it be lost, would not; and what
//  the client sends again now must not stand behind them.
void post_answer_refuse_held_back (client_t *client, post_queue_t *queue, uint64_t now_ms);

#endif
