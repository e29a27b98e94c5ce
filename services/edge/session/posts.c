#include "session/posts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/random_id.h"
#include "tables/edge_metrics.h"

#include <assert.h>
#include <stdlib.h>

//  So long a refused message is awaited.
#define HOLD_BACK_MS 10000

struct posts {
    post_t *by_request_id; //  hash table
    list_t unsent;         //  never sent, the oldest first
    list_t sent;           //  by when they were sent first
    flow_control_t *flow;
    uint64_t next_request_id;
};

//  A message that was refused for now.
typedef struct {
    char *id; //  NULL: none
    uint64_t request_id;
} refused_t;

struct post_queue {
    posts_t *all;
    void *owner;
    uint64_t endpoint;
    list_t posts;
    uint32_t count;
    size_t bytes;
    refused_t awaited;  //  is to come again before any other
    refused_t follower; //  the first one that was refused because of it
    uint64_t awaited_ms;
};

// ---------------------------------------------------------------------------------------------
//  All posts

posts_t *
posts_new (flow_control_t *flow)
{
    posts_t *self = alloc_zeroed (sizeof *self);
    self->flow = flow;
    list_init (&self->unsent);
    list_init (&self->sent);
    self->next_request_id = (random_id_number () >> 2) + 1;
    return self;
}

void
posts_destroy (posts_t **self_p)
{
    assert (!(*self_p)->by_request_id);
    free (*self_p);
    *self_p = NULL;
}

post_t *
posts_find (const posts_t *self, uint64_t request_id)
{
    post_t *post;
    HASH_FIND (hh, self->by_request_id, &request_id, sizeof request_id, post);
    return post;
}

post_t *
posts_oldest (const posts_t *self, bool ever_sent)
{
    list_t *first = list_first (ever_sent ? &self->sent : &self->unsent);
    return first ? LIST_THING (first, post_t, by_age) : NULL;
}

// ---------------------------------------------------------------------------------------------
//  One client's posts

post_queue_t *
post_queue_new (posts_t *all, uint64_t endpoint, void *owner)
{
    post_queue_t *self = alloc_zeroed (sizeof *self);
    self->all = all;
    self->endpoint = endpoint;
    self->owner = owner;
    list_init (&self->posts);
    return self;
}

void
post_queue_destroy (post_queue_t **self_p)
{
    post_queue_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    post_queue_clear (self);
    post_queue_hold_nothing (self);
    free (self);
}

void *
post_queue_owner (const post_queue_t *self)
{
    return self->owner;
}

uint32_t
post_queue_count (const post_queue_t *self)
{
    return self->count;
}

size_t
post_queue_bytes (const post_queue_t *self)
{
    return self->bytes;
}

bool
post_queue_is_idle (const post_queue_t *self)
{
    return self->count == 0 && !self->awaited.id;
}

static void
s_count (post_queue_t *self, int posts, int64_t bytes)
{
    self->count += (uint32_t) posts;
    self->bytes += (size_t) bytes;
    edge_count (EDGE_POSTS_PENDING, posts);
    flow_control_add (self->all->flow, FLOW_POSTS, bytes);
}

//  Copies the record with all its texts.
static post_t *
s_copy (const bus_post_t *record)
{
    bus_record_t copy = { .kind = BUS_POST, .post = *record };
    text_t *places[BUS_TEXTS_MAX];
    text_t texts[BUS_TEXTS_MAX];
    size_t count = bus_record_texts (&copy, places);
    size_t bytes = sizeof (post_t);
    for (size_t at = 0; at < count; at++) {
        texts[at] = *places[at];
        bytes += texts[at].size + 1;
    }
    post_t *post = alloc_packed (sizeof *post, texts, count);
    for (size_t at = 0; at < count; at++)
        *places[at] = texts[at];
    post->record = copy.post;
    post->bytes = bytes;
    return post;
}

post_t *
post_queue_add (post_queue_t *self, const bus_post_t *record, bool is_named, uint64_t now_ms)
{
    posts_t *all = self->all;
    post_t *post = s_copy (record);
    post->request_id = all->next_request_id++;
    post->queue = self;
    post->since_ms = now_ms;
    post->since_us = clock_mono_us ();
    post->postoffice = -1;
    post->is_named = is_named;
    post->record.request_id = post->request_id;
    post->record.endpoint = self->endpoint;
    HASH_ADD (hh, all->by_request_id, request_id, sizeof post->request_id, post);
    list_init (&post->of_queue);
    list_init (&post->by_age);
    list_append (&self->posts, &post->of_queue);
    list_append (&all->unsent, &post->by_age);
    s_count (self, 1, (int64_t) post->bytes);
    return post;
}

void
post_remove (post_t **self_p)
{
    post_t *self = *self_p;
    *self_p = NULL;
    HASH_DELETE (hh, self->queue->all->by_request_id, self);
    list_remove (&self->of_queue);
    list_remove (&self->by_age);
    s_count (self->queue, -1, -(int64_t) self->bytes);
    free (self);
}

void
post_queue_clear (post_queue_t *self)
{
    post_t *post;
    while ((post = post_queue_next (self, NULL)))
        post_remove (&post);
}

post_t *
post_queue_next (const post_queue_t *self, const post_t *post)
{
    const list_t *next = post ? post->of_queue.next : self->posts.next;
    return next == &self->posts ? NULL : LIST_THING (next, post_t, of_queue);
}

void
post_sent (post_t *self, int postoffice)
{
    self->postoffice = postoffice;
    if (self->ever_sent)
        return;
    self->ever_sent = true;
    list_append (&self->queue->all->sent, &self->by_age);
}

void
post_queue_unsend (post_queue_t *self)
{
    for (post_t *post = NULL; (post = post_queue_next (self, post));)
        post->postoffice = -1;
}

//  Sent posts stand before unsent ones: from the end it is a short way.
post_t *
post_queue_next_unsent (const post_queue_t *self)
{
    const list_t *at = &self->posts;
    while (at->previous != &self->posts
           && LIST_THING (at->previous, post_t, of_queue)->postoffice < 0)
        at = at->previous;
    return at == &self->posts ? NULL : LIST_THING (at, post_t, of_queue);
}

uint64_t
post_before (const post_t *self)
{
    if (!self->is_named)
        return self->request_id;
    const list_t *all = &self->queue->posts, *at = self->of_queue.previous;
    while (at != all && !LIST_THING (at, post_t, of_queue)->is_named)
        at = at->previous;
    return at == all ? 0 : LIST_THING (at, post_t, of_queue)->request_id;
}

// ---------------------------------------------------------------------------------------------
//  What must not be overtaken

static void
s_remember (refused_t *refused, text_t id, uint64_t request_id)
{
    free (refused->id);
    refused->id = alloc_text (id);
    refused->request_id = request_id;
}

//  Answers may come in any order: the follower is the one that was sent first.
static void
s_remember_follower (post_queue_t *self, text_t id, uint64_t request_id)
{
    if (!self->follower.id || request_id < self->follower.request_id)
        s_remember (&self->follower, id, request_id);
}

//  The awaited message will not come again: the follower is awaited now.
static void
s_await_follower (post_queue_t *self, uint64_t now_ms)
{
    free (self->awaited.id);
    self->awaited = self->follower;
    self->follower = (refused_t){ NULL, 0 };
    self->awaited_ms = now_ms;
}

static bool
s_is_awaited (const post_queue_t *self, text_t message_id)
{
    return self->awaited.id && text_is (message_id, text_of (self->awaited.id));
}

void
post_queue_hold_nothing (post_queue_t *self)
{
    free (self->awaited.id);
    free (self->follower.id);
    self->awaited = self->follower = (refused_t){ NULL, 0 };
}

void
post_hold_back (const post_t *self, uint64_t now_ms)
{
    post_queue_t *queue = self->queue;
    refused_t *awaited = &queue->awaited;
    text_t id = self->record.message_id;
    if (!self->is_named)
        return;
    if (awaited->id && self->request_id > awaited->request_id) {
        s_remember_follower (queue, id, self->request_id);
        return;
    }
    if (awaited->id)
        s_remember_follower (queue, text_of (awaited->id), awaited->request_id);
    else
        queue->awaited_ms = now_ms;
    s_remember (awaited, id, self->request_id);
}

bool
post_queue_is_held_back (post_queue_t *self, text_t message_id, uint64_t now_ms)
{
    if (self->awaited.id && !s_is_awaited (self, message_id)
        && now_ms - self->awaited_ms >= HOLD_BACK_MS)
        s_await_follower (self, now_ms);
    if (!self->awaited.id)
        return false;
    if (!s_is_awaited (self, message_id)) {
        //  It has no request id yet: it comes behind all that have one.
        s_remember_follower (self, message_id, UINT64_MAX);
        return true;
    }
    post_queue_hold_nothing (self);
    return false;
}

bool
post_queue_holds_back (const post_queue_t *self, uint64_t *from)
{
    *from = self->awaited.request_id;
    return self->awaited.id != NULL;
}

void
post_queue_told (post_queue_t *self, text_t message_id, uint64_t now_ms)
{
    if (s_is_awaited (self, message_id))
        s_await_follower (self, now_ms);
}
