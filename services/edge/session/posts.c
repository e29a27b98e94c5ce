#include "session/posts.h"

#include "tables/edge_metrics.h"
#include "base/clock.h"
#include "base/random_id.h"

#include <assert.h>
#include <stdlib.h>

#define HOLD_BACK_MS 10000

void
posts_init (posts_t *self)
{
    self->by_request_id = NULL;
    list_init (&self->by_age);
    self->next_request_id = (random_id_number () >> 2) + 1;
}

static char *
s_keep (char *at, text_t *text)
{
    memcpy (at, text->data ? text->data : "", text->size);
    text->data = at;
    at[text->size] = 0;
    return at + text->size + 1;
}

post_t *
posts_add (posts_t *self, connection_t *connection, const bus_post_t *record, uint64_t now_ms)
{
    size_t texts = record->session.size + record->message_id.size + record->sender.size
                   + record->data.size + record->secret.size + 5;
    post_t *post = calloc (1, sizeof *post + texts);
    if (!post)
        return NULL;
    post->request_id = self->next_request_id++;
    post->endpoint = connection->endpoint;
    post->office = -1;
    post->since_ms = now_ms;
    post->since_us = clock_mono_us ();
    post->bytes = sizeof *post + texts;
    post->record = *record;
    post->record.request_id = post->request_id;
    post->record.endpoint = connection->endpoint;
    char *at = s_keep (post->texts, &post->record.session);
    at = s_keep (at, &post->record.message_id);
    at = s_keep (at, &post->record.sender);
    at = s_keep (at, &post->record.data);
    s_keep (at, &post->record.secret);

    HASH_ADD (hh, self->by_request_id, request_id, sizeof post->request_id, post);
    list_init (&post->of_connection);
    list_init (&post->by_age);
    list_append (&connection->posts, &post->of_connection);
    list_append (&self->by_age, &post->by_age);
    connection->post_count++;
    connection->post_bytes += post->bytes;
    edge_count (EDGE_POSTS_PENDING, 1);
    edge_count (EDGE_POST_BYTES_PENDING, (int64_t) post->bytes);
    return post;
}

void
posts_remove (posts_t *self, connection_t *connection, post_t **post_p)
{
    post_t *post = *post_p;
    *post_p = NULL;
    HASH_DELETE (hh, self->by_request_id, post);
    list_remove (&post->of_connection);
    list_remove (&post->by_age);
    connection->post_count--;
    connection->post_bytes -= post->bytes;
    edge_count (EDGE_POSTS_PENDING, -1);
    edge_count (EDGE_POST_BYTES_PENDING, -(int64_t) post->bytes);
    free (post);
}

void
posts_remove_all (posts_t *self, connection_t *connection)
{
    list_t *first;
    while ((first = list_first (&connection->posts))) {
        post_t *post = LIST_THING (first, post_t, of_connection);
        posts_remove (self, connection, &post);
    }
}

post_t *
posts_find (const posts_t *self, uint64_t request_id)
{
    post_t *post;
    HASH_FIND (hh, self->by_request_id, &request_id, sizeof request_id, post);
    return post;
}

void
posts_unsend (connection_t *connection)
{
    for (list_t *at = connection->posts.next; at != &connection->posts; at = at->next)
        LIST_THING (at, post_t, of_connection)->office = -1;
}

post_t *
posts_next (const connection_t *connection)
{
    //  Sent ones stand before unsent ones: from the end it is a short way.
    const list_t *at = &connection->posts;
    while (at->previous != &connection->posts
           && LIST_THING (at->previous, post_t, of_connection)->office < 0)
        at = at->previous;
    return at == &connection->posts ? NULL : LIST_THING (at, post_t, of_connection);
}

uint64_t
posts_before (const connection_t *connection, const post_t *post)
{
    if (!post->named)
        return post->request_id;
    const list_t *at = post->of_connection.previous;
    while (at != &connection->posts && !LIST_THING (at, post_t, of_connection)->named)
        at = at->previous;
    return at == &connection->posts ? 0 : LIST_THING (at, post_t, of_connection)->request_id;
}

static void
s_hold (hold_t *hold, text_t id, uint64_t request_id)
{
    free (hold->id);
    hold->id = strndup (id.data, id.size);
    assert (hold->id);
    hold->request_id = request_id;
}

//  The one that was said first of those that were refused because of another: answers may come in
//  any order.
static void
s_hold_behind (connection_t *connection, text_t id, uint64_t request_id)
{
    if (!connection->behind.id || request_id < connection->behind.request_id)
        s_hold (&connection->behind, id, request_id);
}

//  The one that was waited for will not come: the next one is.
static void
s_hold_next (connection_t *connection, uint64_t now_ms)
{
    free (connection->refused.id);
    connection->refused = connection->behind;
    connection->behind = (hold_t){ NULL, 0 };
    connection->refused_ms = now_ms;
}

void
posts_hold_nothing (connection_t *connection)
{
    free (connection->refused.id);
    free (connection->behind.id);
    connection->refused = connection->behind = (hold_t){ NULL, 0 };
}

void
posts_hold_back (connection_t *connection, const post_t *refused, uint64_t now_ms)
{
    text_t id = refused->record.message_id;
    hold_t *first = &connection->refused;
    if (!refused->named)
        return;
    if (first->id && refused->request_id > first->request_id) {
        s_hold_behind (connection, id, refused->request_id);
        return;
    }
    if (first->id)
        s_hold_behind (connection, text_of (first->id), first->request_id);
    else
        connection->refused_ms = now_ms;
    s_hold (first, id, refused->request_id);
}

bool
posts_is_held_back (connection_t *connection, text_t message_id, uint64_t now_ms)
{
    if (connection->refused.id && !text_is (message_id, text_of (connection->refused.id))
        && now_ms - connection->refused_ms >= HOLD_BACK_MS)
        s_hold_next (connection, now_ms);
    if (!connection->refused.id)
        return false;
    if (!text_is (message_id, text_of (connection->refused.id))) {
        //  It has no request_id yet: it comes behind all that have one.
        s_hold_behind (connection, message_id, UINT64_MAX);
        return true;
    }
    posts_hold_nothing (connection);
    return false;
}

void
posts_is_told (connection_t *connection, text_t message_id, uint64_t now_ms)
{
    if (connection->refused.id && text_is (message_id, text_of (connection->refused.id)))
        s_hold_next (connection, now_ms);
}
