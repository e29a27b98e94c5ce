#include "session/posts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash_table.h"
#include "base/list.h"
#include "base/random_id.h"
#include "client/server_frame.h"
#include "model/session_key.h"
#include "tables/edge_metrics.h"

#include <assert.h>
#include <stdlib.h>

//  The posts of one client may hold so many bytes.
#define POST_BYTES_MAX (512u << 10)
//  So long a refused message is awaited.
#define HOLD_BACK_MS 10000
//  A client that is told `busy` waits from once to twice this.
#define RETRY_MS 1000

struct posts {
    flow_control_t *flow;
    bus_client_t *bus;
    uint64_t limit;
    post_t *by_request_id; //  hash table
    list_t unsent;         //  never sent, the oldest first
    list_t sent;           //  by when they were sent first
    uint64_t next_request_id;
};

//  A message that was refused for now.
typedef struct {
    char *id; //  NULL: none
    uint64_t request_id;
} refused_t;

struct post_queue {
    posts_t *all;
    client_t *client;
    void *owner;
    list_t posts;
    uint32_t count;
    size_t bytes;
    refused_t awaited;  //  is to come again before any other
    refused_t follower; //  the first one that was refused because of it
    uint64_t awaited_ms;
    bool lacks_control; //  its words were refused for that, and it has not taken control since
    uint64_t regain_seq; //  of an entry by which it may have control again; 0: none
};

struct post {
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
};

// ---------------------------------------------------------------------------------------------
//  All posts

posts_t *
posts_new (flow_control_t *flow, bus_client_t *bus, uint64_t limit)
{
    posts_t *self = alloc_zeroed (sizeof *self);
    self->flow = flow;
    self->bus = bus;
    self->limit = limit;
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
posts_find (const posts_t *self, unsigned postoffice, uint64_t request_id)
{
    post_t *post;
    HASH_FIND_NUMBER (hh, self->by_request_id, request_id, post);
    return post && post->postoffice == (int) postoffice ? post : NULL;
}

//  Only the oldest ones are looked at: giving one up may take others of its client with it, and an
//  outage leaves thousands. One that waited for a postoffice stands behind younger ones in `sent`:
//  it gets as much more as it waited.
post_t *
posts_late (const posts_t *self, uint64_t now_ms)
{
    list_t *unsent = list_first (&self->unsent), *sent = list_first (&self->sent);
    post_t *post = unsent ? LIST_THING (unsent, post_t, by_age) : NULL;
    if (post && now_ms - post->since_ms >= ANSWER_LIMIT_MS)
        return post;
    post = sent ? LIST_THING (sent, post_t, by_age) : NULL;
    return post && now_ms - post->since_ms >= SENT_POST_LIMIT_MS ? post : NULL;
}

// ---------------------------------------------------------------------------------------------
//  One client's posts

post_queue_t *
post_queue_new (posts_t *all, client_t *client, void *owner)
{
    post_queue_t *self = alloc_zeroed (sizeof *self);
    self->all = all;
    self->client = client;
    self->owner = owner;
    list_init (&self->posts);
    return self;
}

//  The post after this one; after NULL the first. NULL: no more.
static post_t *
s_next (const post_queue_t *self, const post_t *post)
{
    const list_t *next = post ? post->of_queue.next : self->posts.next;
    return next == &self->posts ? NULL : LIST_THING (next, post_t, of_queue);
}

static void
s_count (post_queue_t *self, int posts, int64_t bytes)
{
    self->count += (uint32_t) posts;
    self->bytes += (size_t) bytes;
    edge_count (EDGE_POSTS_PENDING, posts);
    flow_control_add (self->all->flow, FLOW_POSTS, bytes);
}

static void
s_remove (post_t *self)
{
    HASH_DELETE (hh, self->queue->all->by_request_id, self);
    list_remove (&self->of_queue);
    list_remove (&self->by_age);
    s_count (self->queue, -1, -(int64_t) self->bytes);
    free (self);
}

void
post_queue_destroy (post_queue_t **self_p)
{
    post_queue_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (post_t *post; (post = s_next (self, NULL));)
        s_remove (post);
    post_queue_hold_nothing (self);
    free (self);
}

bool
post_queue_is_waiting (const post_queue_t *self)
{
    return self && self->count > 0;
}

bool
post_queue_is_full (const post_queue_t *self)
{
    return post_queue_is_waiting (self)
           && (self->count >= self->all->limit || self->bytes >= POST_BYTES_MAX
               || flow_control_is_overloaded (self->all->flow));
}

bool
post_queue_is_idle (const post_queue_t *self)
{
    return self->count == 0 && !self->awaited.id && !self->lacks_control;
}

void *
post_owner (const post_t *self)
{
    return self->queue->owner;
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

static void
s_stop_awaiting (post_queue_t *self)
{
    free (self->awaited.id);
    free (self->follower.id);
    self->awaited = self->follower = (refused_t){ NULL, 0 };
}

void
post_queue_hold_nothing (post_queue_t *self)
{
    if (!self)
        return;
    s_stop_awaiting (self);
    self->lacks_control = false;
}

//  The message was refused for now.
static void
s_hold_back (post_queue_t *self, text_t id, uint64_t request_id, uint64_t now_ms)
{
    refused_t *awaited = &self->awaited;
    if (awaited->id && request_id > awaited->request_id) {
        s_remember_follower (self, id, request_id);
        return;
    }
    if (awaited->id)
        s_remember_follower (self, text_of (awaited->id), awaited->request_id);
    self->awaited_ms = now_ms; //  its client has not heard of it before
    s_remember (awaited, id, request_id);
}

//  Must a message with this id, that has just come, be refused?
static bool
s_is_held_back (post_queue_t *self, text_t message_id)
{
    if (!self->awaited.id)
        return false;
    if (!s_is_awaited (self, message_id)) {
        //  It has no request id yet: it comes behind all that have one.
        s_remember_follower (self, message_id, UINT64_MAX);
        return true;
    }
    s_stop_awaiting (self);
    return false;
}

void
post_queue_told (post_queue_t *self, text_t message_id, uint64_t now_ms)
{
    if (s_is_awaited (self, message_id))
        s_await_follower (self, now_ms);
}

bool
post_queue_may_regain (post_queue_t *self, uint64_t seq)
{
    if (!self || !self->lacks_control)
        return false;
    self->regain_seq = seq;
    return true;
}

void
post_queue_received (post_queue_t *self, uint64_t seq)
{
    if (self && self->lacks_control && self->regain_seq > 0 && seq != SEQ_UNKNOWN
        && seq >= self->regain_seq)
        self->lacks_control = false;
}

// ---------------------------------------------------------------------------------------------
//  Telling the client

uint64_t
posts_retry_ms (uint64_t wait_ms)
{
    uint64_t usual = RETRY_MS + random_id_number () % RETRY_MS;
    return wait_ms > usual ? wait_ms : usual;
}

//  `busy`: the client is to send this message again.
static void
s_tell_busy (client_t *client, const bus_post_t *record, verdict_t verdict, uint64_t wait_ms)
{
    frame_t *busy = server_frame_busy (session_key_id (record->session), record->message_id,
                                       verdict, posts_retry_ms (wait_ms));
    client_write (client, &busy);
}

//  Is the client told to send it again?
static bool
s_may_come_again (const client_t *client, verdict_t verdict)
{
    return client_is_rich (client) && verdict_again (verdict) && verdict != VERDICT_NOT_YOURS;
}

static void
s_tell (client_t *client, const bus_post_t *record, verdict_t verdict, uint64_t wait_ms)
{
    text_t session_id = session_key_id (record->session);
    const char *code = verdict_code (verdict), *words = verdict_words (verdict);
    frame_t *answer;
    if (verdict == VERDICT_NOT_YOURS)
        answer = server_frame_not_joined (session_id, code, words);
    else if (!client_is_rich (client) && record->event == EVENT_NEW_MESSAGE)
        answer = server_frame_failure (session_id, client_bot_sender (client), words);
    else if (s_may_come_again (client, verdict)) {
        s_tell_busy (client, record, verdict, wait_ms);
        return;
    } else
        answer = server_frame_error (session_id, record->message_id, code, words);
    client_write (client, &answer);
}

//  A refusal that may pass holds back the posts behind this one.
static void
s_tell_refused (const post_t *self, verdict_t verdict, uint64_t now_ms)
{
    post_queue_t *queue = self->queue;
    const bus_post_t *record = &self->record;
    if (self->is_named && s_may_come_again (queue->client, verdict))
        s_hold_back (queue, record->message_id, self->request_id, now_ms);
    s_tell (queue->client, record, verdict, 0);
}

// ---------------------------------------------------------------------------------------------
//  A post's way: added, sent, answered

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

//  One that is named and would overtake another is refused. When the other one is overdue, its
//  client may have left it out, or may not have heard yet that it was refused: nobody knows, so the
//  connection ends, and a client sends all that is unanswered again on the next one, in order.
static bool
s_is_kept_back (post_queue_t *self, const bus_post_t *record, bool is_named, uint64_t now_ms)
{
    if (is_named && self->lacks_control && record->event == EVENT_NEW_MESSAGE) {
        s_tell (self->client, record, VERDICT_NOT_IN_CONTROL, 0);
        return true;
    }
    if (!is_named || !s_is_held_back (self, record->message_id))
        return false;
    edge_count (EDGE_POSTS_HELD_BACK, 1);
    if (now_ms - self->awaited_ms >= HOLD_BACK_MS)
        client_close (self->client, CLOSE_LEFT_OUT);
    else
        s_tell_busy (self->client, record, VERDICT_BUSY, 0);
    return true;
}

//  It stands behind all that were sent: one of those may be refused, too.
static void
s_refuse (post_queue_t *self, const bus_post_t *record, bool is_named, uint64_t wait_ms,
          uint64_t now_ms)
{
    uint64_t request_id = self->all->next_request_id++;
    if (is_named && s_may_come_again (self->client, VERDICT_BUSY))
        s_hold_back (self, record->message_id, request_id, now_ms);
    s_tell (self->client, record, VERDICT_BUSY, wait_ms);
}

bool
post_queue_add (post_queue_t *self, const bus_post_t *record, bool is_named, uint64_t wait_ms,
                uint64_t now_ms)
{
    posts_t *all = self->all;
    if (record->event == EVENT_BARGE_IN)
        self->lacks_control = false;
    if (s_is_kept_back (self, record, is_named, now_ms))
        return false;
    if (wait_ms > 0) {
        s_refuse (self, record, is_named, wait_ms, now_ms);
        return false;
    }
    post_t *post = s_copy (record);
    post->request_id = all->next_request_id++;
    post->queue = self;
    post->since_ms = now_ms;
    post->since_us = clock_mono_us ();
    post->postoffice = -1;
    post->is_named = is_named;
    post->record.request_id = post->request_id;
    post->record.endpoint = client_view (self->client)->endpoint;
    HASH_ADD_NUMBER (hh, all->by_request_id, request_id, post);
    list_init (&post->of_queue);
    list_init (&post->by_age);
    list_append (&self->posts, &post->of_queue);
    list_append (&all->unsent, &post->by_age);
    s_count (self, 1, (int64_t) post->bytes);
    return true;
}

//  The request id of the post that this one must not overtake. 0: there is none; its own: its
//  client would not send it again, so it has no order.
static uint64_t
s_before (const post_t *self)
{
    if (!self->is_named)
        return self->request_id;
    const list_t *all = &self->queue->posts, *at = self->of_queue.previous;
    while (at != all && !LIST_THING (at, post_t, of_queue)->is_named)
        at = at->previous;
    return at == all ? 0 : LIST_THING (at, post_t, of_queue)->request_id;
}

bool
post_queue_send (post_queue_t *self, unsigned postoffice)
{
    if (!self)
        return true;
    //  Sent posts stand before unsent ones: from the end it is a short way.
    const list_t *all = &self->posts, *at = all;
    while (at->previous != all && LIST_THING (at->previous, post_t, of_queue)->postoffice < 0)
        at = at->previous;
    for (; at != all; at = at->next) {
        post_t *post = LIST_THING (at, post_t, of_queue);
        bus_record_t record = { .kind = BUS_POST, .post = post->record };
        record.post.after = s_before (post);
        if (bus_client_send (self->all->bus, postoffice, &record) != 0)
            return false;
        edge_count (EDGE_POSTS_SENT_AGAIN, post->ever_sent);
        post->postoffice = (int) postoffice;
        if (!post->ever_sent)
            list_append (&self->all->sent, &post->by_age);
        post->ever_sent = true;
    }
    return true;
}

void
post_queue_unsend (post_queue_t *self)
{
    for (post_t *post = NULL; self && (post = s_next (self, post));)
        post->postoffice = -1;
}

//  Named words are refused from here on until its client takes control: those on their way as well.
static void
s_note_lack (post_t *self)
{
    post_queue_t *queue = self->queue;
    queue->lacks_control = true;
    queue->regain_seq = 0;
    for (post_t *post = s_next (queue, self), *next; post && queue->lacks_control; post = next) {
        next = s_next (queue, post);
        if (post->record.event == EVENT_BARGE_IN)
            queue->lacks_control = false;
        else if (post->is_named && post->record.event == EVENT_NEW_MESSAGE) {
            s_tell (queue->client, &post->record, VERDICT_NOT_IN_CONTROL, 0);
            s_remove (post);
        }
    }
}

static void
s_settle (post_t *self, uint64_t now_ms)
{
    post_queue_t *queue = self->queue;
    s_remove (self);
    for (post_t *post = s_next (queue, NULL), *next; queue->awaited.id && post; post = next) {
        next = s_next (queue, post);
        if (!post->is_named || post->request_id < queue->awaited.request_id)
            continue;
        edge_count (EDGE_POSTS_HELD_BACK, 1);
        s_hold_back (queue, post->record.message_id, post->request_id, now_ms);
        s_tell_busy (queue->client, &post->record, VERDICT_BUSY, 0);
        s_remove (post);
    }
}

void
post_answer (post_t **self_p, const bus_posted_t *posted, uint64_t now_ms)
{
    post_t *self = *self_p;
    *self_p = NULL;
    edge_count_verdict (edge_answered, posted->verdict);
    histogram_add (&edge_post_time, clock_mono_us () - self->since_us);
    client_t *client = self->queue->client;
    const bus_post_t *record = &self->record;
    bool is_stored = posted->verdict == VERDICT_OK || posted->verdict == VERDICT_DUPLICATE;
    if (posted->control.size > 0 && client_is_rich (client)) {
        frame_t *late = server_frame_overtaken (session_key_id (record->session),
                                                record->message_id, posted);
        client_write (client, &late);
    } else if (!is_stored)
        s_tell_refused (self, (verdict_t) posted->verdict, now_ms);
    else if (client_is_rich (client)) {
        frame_t *ack =
            server_frame_ack (session_key_id (record->session), record->message_id, posted);
        client_write (client, &ack);
    }
    if (self->is_named && posted->verdict == VERDICT_NOT_IN_CONTROL)
        s_note_lack (self);
    s_settle (self, now_ms);
}

void
post_give_up (post_t **self_p, uint64_t now_ms)
{
    post_t *self = *self_p;
    *self_p = NULL;
    edge_count (EDGE_POSTS_EXPIRED, 1);
    s_tell_refused (self, VERDICT_STORE_DOWN, now_ms);
    s_settle (self, now_ms);
}

void
post_queue_refuse (post_queue_t *self, verdict_t verdict, uint64_t now_ms)
{
    for (post_t *post; self && (post = s_next (self, NULL));) {
        s_tell_refused (post, verdict, now_ms);
        s_remove (post);
    }
}
