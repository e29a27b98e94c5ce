#include "session/post_answer.h"

#include "base/random_id.h"
#include "client/server_frame.h"
#include "model/session_key.h"
#include "tables/edge_metrics.h"

//  A client that is told `busy` waits from once to twice this.
#define RETRY_MS 1000

void
post_answer_stored (client_t *client, const post_t *post, const bus_posted_t *posted)
{
    if (client_dialect (client) != DIALECT_RICH)
        return;
    frame_t *ack =
        server_frame_ack (session_key_id (post->record.session), post->record.message_id, posted);
    client_write (client, &ack);
}

void
post_answer_busy (client_t *client, text_t session, text_t message_id, verdict_t verdict)
{
    frame_t *busy = server_frame_busy (session_key_id (session), message_id, verdict,
                                       RETRY_MS + random_id_number () % RETRY_MS);
    client_write (client, &busy);
}

void
post_answer_refused (client_t *client, const post_t *post, verdict_t verdict, uint64_t now_ms)
{
    bool is_rich = client_dialect (client) == DIALECT_RICH;
    text_t session_id = session_key_id (post->record.session);
    const char *words = verdict_words (verdict);
    frame_t *answer;
    if (verdict == VERDICT_NOT_YOURS)
        answer = server_frame_not_joined (session_id, verdict_code (verdict), words);
    else if (!is_rich && post->record.event == EVENT_NEW_MESSAGE)
        answer = server_frame_failure (session_id, client_bot_sender (client), words);
    else if (is_rich && verdict_again (verdict)) {
        post_hold_back (post, now_ms);
        post_answer_busy (client, post->record.session, post->record.message_id, verdict);
        return;
    } else
        answer = server_frame_error (session_id, post->record.message_id, verdict_code (verdict),
                                     words);
    client_write (client, &answer);
}

void
post_answer_refuse_all (client_t *client, post_queue_t *queue, verdict_t verdict, uint64_t now_ms)
{
    post_t *post;
    while ((post = post_queue_next (queue, NULL))) {
        post_answer_refused (client, post, verdict, now_ms);
        post_remove (&post);
    }
}

void
post_answer_refuse_held_back (client_t *client, post_queue_t *queue, uint64_t now_ms)
{
    uint64_t from;
    post_t *next;
    for (post_t *post = post_queue_next (queue, NULL); post; post = next) {
        next = post_queue_next (queue, post);
        if (!post->is_named || !post_queue_holds_back (queue, &from) || post->request_id < from)
            continue;
        edge_count (EDGE_POSTS_HELD_BACK, 1);
        post_hold_back (post, now_ms);
        post_answer_busy (client, post->record.session, post->record.message_id, VERDICT_BUSY);
        post_remove (&post);
    }
}
