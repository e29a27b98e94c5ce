#include "session/attachment.h"

#include "base/alloc.h"
#include "base/list.h"
#include "client/server_frame.h"
#include "model/session_key.h"
#include "session/endpoint.h"
#include "session/list_walk.h"
#include "tables/edge_metrics.h"

#include <stdlib.h>

//  A re-ATTACH that was refused for now is sent again after this.
#define AGAIN_MS 1000
#define WEIGHED_TURN 256 //  with 64 postoffices 2 ms

typedef enum {
    DEADLINE_NONE, DEADLINE_SILENCE, DEADLINE_ANSWER, DEADLINE_AGAIN, DEADLINES
} deadline_t;

struct attachments {
    uv_loop_t *loop;
    attachments_config_t config;
    endpoint_context_t context;
    list_t all;
    list_walk_t *weighing;
    list_t by_deadline[DEADLINES]; //  the longest running first
    uint64_t limits_ms[DEADLINES];
};

struct attachment {
    attachments_t *all;
    list_t of_all;
    list_t by_deadline;
    list_t unsent;          //  in the send queue
    uint64_t since_ms;      //  the deadline runs since then
    uint64_t reattached_ms; //  when its postoffice did not know it last
    endpoint_t endpoint;
    uint8_t state;
};

//  What comes with an event.
typedef union {
    struct {
        text_t session;
        attach_reason_t reason;
        log_position_t has;
        uint64_t time_ms;
    } enter;
    const bus_lookup_reply_t *reply;
    const bus_attached_t *attached;
} news_t;

//  True when nothing is left to send; only SEND asks.
typedef bool step_fn (attachment_t *self, const news_t *news);
//  Without the s_ of other static functions: they are the words of attachment_states.def.
static step_fn ignore, enter, look_up, send_lookup, be_silent, found, found_none;
static step_fn send_attach, send_posts, accepted, busy, refused, give_up;
static step_fn reattach, reattach_later, move_on, leave;

static step_fn *const s_steps[ATTACHMENT_EVENTS][ATTACHMENT_STATES] = {
#define EVENT(NAME, words, ...) [ATTACHMENT_EVENT_##NAME] = { __VA_ARGS__, ignore },
#include "session/attachment_states.def"
#undef EVENT
};

static const deadline_t s_deadlines[ATTACHMENT_STATES] = {
#define STATE(NAME, deadline, words) DEADLINE_##deadline,
#include "session/attachment_states.def"
#undef STATE
};

//  A client that was closed a moment ago, and has not left yet, has nothing more to do.
static bool
s_happens (attachment_t *self, attachment_event_t event, const news_t *news)
{
    if (client_is_closed (self->endpoint.client) && event != ATTACHMENT_EVENT_CLOSE)
        return true;
    return s_steps[event][self->state](self, news);
}

static void
s_restart_deadline (attachment_t *self)
{
    deadline_t deadline = s_deadlines[self->state];
    self->since_ms = uv_now (self->all->loop);
    if (deadline == DEADLINE_NONE)
        list_remove (&self->by_deadline);
    else
        list_append (&self->all->by_deadline[deadline], &self->by_deadline);
}

static void
s_move (attachment_t *self, attachment_state_t next)
{
    deadline_t before = s_deadlines[self->state];
    self->state = (uint8_t) next;
    if (s_deadlines[next] != before)
        s_restart_deadline (self);
}

static void
s_send_later (attachment_t *self)
{
    send_queue_add (self->all->context.send_queue, &self->unsent);
}

static void
s_tell_answered (attachment_t *self)
{
    self->all->config.answered (self->all->config.owner, self->endpoint.client);
}

//  Has the client said what it has, and is that not answered yet? Entries that come before the
//  answer are those of before; all that it misses comes behind the answer.
static bool
s_is_resuming (const attachment_t *self)
{
    bool is_open = self->state == ATTACHMENT_ATTACH_DUE || self->state == ATTACHMENT_ATTACH_SENT;
    return is_open && self->endpoint.reason == ATTACH_RESUME;
}

static bool
ignore (attachment_t *self, const news_t *news)
{
    (void) self;
    (void) news;
    return true;
}

// ---------------------------------------------------------------------------------------------
//  Entering and leaving

static bool
enter (attachment_t *self, const news_t *news)
{
    endpoint_t *endpoint = &self->endpoint;
    endpoint_enter (endpoint, news->enter.session);
    endpoint->attach_has = news->enter.has;
    endpoint->attach_time_ms = news->enter.time_ms;
    endpoint->reason = (uint8_t) news->enter.reason;
    endpoint->joins = news->enter.reason == ATTACH_JOIN;
    s_move (self, ATTACHMENT_ATTACH_DUE);
    s_restart_deadline (self);
    return true;
}

//  Out of its session, into a state without one.
static void
s_move_out (attachment_t *self, attachment_state_t next)
{
    endpoint_enter (&self->endpoint, TEXT_EMPTY);
    s_move (self, next);
}

static bool
leave (attachment_t *self, const news_t *news)
{
    (void) news;
    post_queue_destroy (&self->endpoint.posts);
    send_queue_remove (self->all->context.send_queue, &self->unsent);
    s_move_out (self, ATTACHMENT_CLOSED);
    return true;
}

// ---------------------------------------------------------------------------------------------
//  LOOKUP: the last session of a client that says nothing

static bool
look_up (attachment_t *self, const news_t *news)
{
    (void) news;
    s_move (self, ATTACHMENT_LOOKUP_DUE);
    s_send_later (self);
    return true;
}

static bool
send_lookup (attachment_t *self, const news_t *news)
{
    (void) news;
    if (!endpoint_send_lookup (&self->endpoint))
        return false;
    s_move (self, ATTACHMENT_LOOKUP_SENT);
    return true;
}

static bool
be_silent (attachment_t *self, const news_t *news)
{
    (void) news;
    s_move_out (self, ATTACHMENT_SILENT);
    return true;
}

static bool
found (attachment_t *self, const news_t *news)
{
    attachment_enter (self, news->reply->session, ATTACH_SILENT, LOG_POSITION_UNKNOWN, 0);
    attachment_send (self);
    return true;
}

static bool
found_none (attachment_t *self, const news_t *news)
{
    (void) news;
    s_move_out (self, ATTACHMENT_DETACHED);
    endpoint_tell_joined (&self->endpoint, TEXT_EMPTY, LOG_POSITION_UNKNOWN);
    return true;
}

// ---------------------------------------------------------------------------------------------
//  ATTACH

//  What travels in the session: the posts, and behind them the wish for the next part of the log.
//  Should that get lost, the stream is, too, and the ATTACH that follows asks for the rest.
static bool
send_posts (attachment_t *self, const news_t *news)
{
    (void) news;
    endpoint_t *endpoint = &self->endpoint;
    unsigned postoffice = (unsigned) endpoint->postoffice;
    if (!post_queue_send (endpoint->posts, postoffice))
        return false;
    if (endpoint->next_window_seq == 0)
        return true;
    bus_record_t record = { .kind = BUS_NEXT_WINDOW,
                            .next_window = { .endpoint = client_view (endpoint->client)->endpoint,
                                             .session = endpoint->session,
                                             .seq = endpoint->next_window_seq } };
    if (bus_client_send (self->all->context.bus, postoffice, &record) != 0)
        return false;
    endpoint->next_window_seq = 0;
    return true;
}

static bool
send_attach (attachment_t *self, const news_t *news)
{
    (void) news;
    bool again = self->state == ATTACHMENT_REATTACH_DUE;
    attach_reason_t reason = again ? ATTACH_REATTACH : (attach_reason_t) self->endpoint.reason;
    if (!endpoint_send_attach (&self->endpoint, reason))
        return false;
    s_move (self, again ? ATTACHMENT_REATTACH_SENT : ATTACHMENT_ATTACH_SENT);
    return send_posts (self, NULL);
}

//  Its posts are at the old owner until the ATTACH is sent (attachment.h). A client that waits
//  since it asked has the same deadline.
static bool
move_on (attachment_t *self, const news_t *news)
{
    (void) news;
    bool was_in = self->state >= ATTACHMENT_ATTACHED;
    s_move (self, was_in ? ATTACHMENT_REATTACH_DUE : ATTACHMENT_ATTACH_DUE);
    s_send_later (self);
    return true;
}

//  At the deadline, or with the next post.
static bool
reattach_later (attachment_t *self, const news_t *news)
{
    (void) news;
    s_move (self, ATTACHMENT_REATTACH_DUE);
    post_queue_unsend (self->endpoint.posts);
    return true;
}

static bool
reattach (attachment_t *self, const news_t *news)
{
    reattach_later (self, news);
    s_send_later (self);
    return true;
}

static bool
accepted (attachment_t *self, const news_t *news)
{
    const bus_attached_t *attached = news->attached;
    endpoint_t *endpoint = &self->endpoint;
    bool is_rich = client_is_rich (endpoint->client);
    bool is_join = attached->reason == ATTACH_JOIN;
    //  A client that says what it has is believed: it may have lost what was written to it.
    if (s_is_resuming (self))
        endpoint->has = endpoint->attach_has;
    s_move (self, ATTACHMENT_ATTACHED);
    endpoint->is_known = true;
    //  A widget agent that joins is given the history from its beginning: its page may have been
    //  loaded anew, and what it was given on this socket before does not count.
    if (is_join && !is_rich && client_view (endpoint->client)->principal.kind == ROLE_AGENT)
        endpoint->has = endpoint->attach_has = (log_position_t){ 0 };
    //  A client that has more than there is has it from another log (before a restore, say), and
    //  would be given nothing until this one is as long. TRUNCATED, which tells it, is behind this.
    log_position_t last = { attached->seq, attached->check };
    bool is_another_log = endpoint->has.seq > last.seq;
    if (is_another_log)
        endpoint->has = last;
    //  A client that joins now is given what comes behind this. Until it was given something, that
    //  is what another postoffice must know: it would begin at the end of its log, and leave out
    //  what came between.
    if (is_join && is_rich && endpoint->attach_has.seq == SEQ_UNKNOWN)
        endpoint->attach_has = last;
    keepalive_attached (endpoint->keepalive, attached->attended);
    bool is_awaited = attached->reason != ATTACH_FRAME && attached->reason != ATTACH_REATTACH;
    if (is_awaited || is_another_log)
        endpoint_tell_joined (&self->endpoint, session_key_id (attached->session), last);
    if (attached->reason != ATTACH_REATTACH)
        self->all->config.joined (self->all->config.owner, endpoint->client, endpoint->session);
    return true;
}

//  After a while it is looked up again, and the connection update that it is then given repairs
//  the stock widget.
static bool
busy (attachment_t *self, const news_t *news)
{
    const bus_attached_t *attached = news->attached;
    verdict_t verdict = (verdict_t) attached->verdict;
    if (attached->reason != ATTACH_SILENT && attached->reason != ATTACH_FRAME)
        endpoint_tell_not_joined (&self->endpoint, verdict);
    post_queue_refuse (self->endpoint.posts, verdict, uv_now (self->all->loop));
    endpoint_refused (&self->endpoint);
    s_move_out (self, ATTACHMENT_SILENT);
    return true;
}

static bool
refused (attachment_t *self, const news_t *news)
{
    endpoint_tell_refused (&self->endpoint, news->attached, uv_now (self->all->loop));
    post_queue_destroy (&self->endpoint.posts);
    endpoint_refused (&self->endpoint);
    s_move_out (self, ATTACHMENT_DETACHED);
    return true;
}

//  No postoffice has answered: the client is told before it gives up by itself.
static bool
give_up (attachment_t *self, const news_t *news)
{
    (void) news;
    edge_count (EDGE_ATTACHES_EXPIRED, 1);
    if (self->endpoint.reason == ATTACH_JOIN || self->endpoint.reason == ATTACH_RESUME)
        endpoint_tell_not_joined (&self->endpoint, VERDICT_STORE_DOWN);
    post_queue_refuse (self->endpoint.posts, VERDICT_STORE_DOWN, uv_now (self->all->loop));
    s_move_out (self, ATTACHMENT_SILENT);
    s_tell_answered (self);
    return true;
}

// ---------------------------------------------------------------------------------------------
//  What postoffices say

//  GOING_AWAY: a GOODBYE is behind it, and then another postoffice is asked.
void
attachment_attached (attachment_t *self, unsigned postoffice, const bus_attached_t *attached)
{
    bool is_due = self->state == ATTACHMENT_ATTACH_DUE || self->state == ATTACHMENT_REATTACH_DUE;
    if (is_due || !attachment_is_at (self, postoffice, attached->session))
        return;
    //  The answer to an ATTACH before the resume: the entries behind it are not what was asked for.
    if (s_is_resuming (self) && attached->reason != ATTACH_RESUME)
        return;
    edge_count_verdict (edge_attached, attached->verdict);
    bool again = verdict_again (attached->verdict);
    attachment_event_t event = again ? ATTACHMENT_EVENT_BUSY : ATTACHMENT_EVENT_REFUSED;
    if (attached->reason == ATTACH_REATTACH)
        event = again ? ATTACHMENT_EVENT_REATTACH_BUSY : ATTACHMENT_EVENT_REATTACH_REFUSED;
    if (attached->verdict == VERDICT_OK)
        event = ATTACHMENT_EVENT_ACCEPTED;
    if (attached->verdict != VERDICT_GOING_AWAY)
        (void) s_happens (self, event, &(news_t){ .attached = attached });
    s_tell_answered (self);
}

void
attachment_looked_up (attachment_t *self, unsigned postoffice, const bus_lookup_reply_t *reply)
{
    if (self->endpoint.postoffice != (int) postoffice)
        return;
    bool is_none = reply->session.size == 0 || reply->session.size > SESSION_KEY_MAX
                   || !client_may_be_in (self->endpoint.client, session_key_id (reply->session));
    attachment_event_t event = reply->verdict != VERDICT_OK ? ATTACHMENT_EVENT_LOOKUP_BUSY
                               : is_none                    ? ATTACHMENT_EVENT_FOUND_NONE
                                                            : ATTACHMENT_EVENT_FOUND;
    (void) s_happens (self, event, &(news_t){ .reply = reply });
}

static void
s_weigh (list_t *link)
{
    attachment_t *self = LIST_THING (link, attachment_t, of_all);
    if (endpoint_is_misplaced (&self->endpoint))
        (void) s_happens (self, ATTACHMENT_EVENT_POSTOFFICE_CHANGED, NULL);
}

void
attachments_postoffice_up (attachments_t *self)
{
    list_walk_start (self->weighing, WEIGHED_TURN);
    send_queue_retry (self->context.send_queue);
}

void
attachments_postoffice_down (attachments_t *self, unsigned postoffice)
{
    send_queue_forget (self->context.send_queue, postoffice);
    for (list_t *at = self->all.next; at != &self->all; at = at->next) {
        attachment_t *attachment = LIST_THING (at, attachment_t, of_all);
        if (attachment->endpoint.postoffice != (int) postoffice)
            continue;
        endpoint_forget_postoffice (&attachment->endpoint);
        (void) s_happens (attachment, ATTACHMENT_EVENT_POSTOFFICE_CHANGED, NULL);
    }
}

// ---------------------------------------------------------------------------------------------
//  Entries

bool
attachment_deliver (attachment_t *self, unsigned postoffice, const bus_deliver_t *entry,
                    outbox_item_t *item)
{
    endpoint_t *endpoint = &self->endpoint;
    *item = (outbox_item_t){ .seq = entry->seq,
                             .attach_generation = entry->end_of_window ? endpoint->generation : 0,
                             .of_session = true };
    if (!attachment_is_at (self, postoffice, entry->session) || s_is_resuming (self))
        return false;
    if (entry->seq <= endpoint->has.seq) {
        //  The postoffice waits for this before it sends what comes behind.
        attachment_written (self, item);
        return false;
    }
    endpoint_given (endpoint, entry);
    endpoint_tell_posts (endpoint, entry, uv_now (self->all->loop));
    return true;
}

//  A client that resumes is compared when that is answered: this is about what it had before.
bool
attachment_truncate (attachment_t *self, unsigned postoffice, const bus_truncated_t *truncated)
{
    if (!attachment_is_at (self, postoffice, truncated->session) || s_is_resuming (self))
        return false;
    endpoint_truncate (&self->endpoint, (log_position_t){ truncated->seq, truncated->check });
    if (truncated->gone)
        (void) s_happens (self, ATTACHMENT_EVENT_UNKNOWN, NULL);
    return true;
}

//  What was put in before another ATTACH was sent must not answer that one.
void
attachment_written (attachment_t *self, const outbox_item_t *item)
{
    endpoint_t *endpoint = &self->endpoint;
    if (item->attach_generation == 0 || item->attach_generation != endpoint->generation
        || endpoint->session.size == 0 || client_is_closed (endpoint->client))
        return;
    endpoint->next_window_seq = item->seq;
    s_send_later (self);
}

// ---------------------------------------------------------------------------------------------
//  Answers to posts

//  A post was answered: the next ones go on.
static void
s_go_on (attachment_t *self)
{
    if (post_queue_is_idle (self->endpoint.posts))
        post_queue_destroy (&self->endpoint.posts);
    attachment_send (self);
    s_tell_answered (self);
}

//  Does its postoffice not know the endpoint, though it is attached? Then it is attached again, and
//  its posts are sent again; once a second, so that this ends. They are sent again in any case when
//  it is about to be attached.
static bool
s_is_unknown (attachment_t *self, const bus_posted_t *posted)
{
    uint64_t now = uv_now (self->all->loop);
    if (posted->verdict == VERDICT_NOT_JOINED && self->state == ATTACHMENT_REATTACH_DUE)
        return true;
    if (posted->verdict != VERDICT_NOT_JOINED || self->state != ATTACHMENT_ATTACHED
        || !attachment_is_in (self, posted->session)
        || (self->reattached_ms && now - self->reattached_ms < AGAIN_MS))
        return false;
    self->reattached_ms = now;
    endpoint_warn_unknown (&self->endpoint);
    (void) s_happens (self, ATTACHMENT_EVENT_UNKNOWN, NULL);
    return true;
}

void
attachments_posted (attachments_t *self, unsigned postoffice, const bus_posted_t *posted)
{
    post_t *post = posts_find (self->context.posts, postoffice, posted->request_id);
    if (!post || posted->verdict == VERDICT_GOING_AWAY)
        return;
    attachment_t *attachment = post_owner (post);
    endpoint_t *endpoint = &attachment->endpoint;
    if (s_is_unknown (attachment, posted))
        return;
    //  While the client catches up, older entries are still to come.
    bool is_stored = posted->verdict == VERDICT_OK || posted->verdict == VERDICT_DUPLICATE;
    if (is_stored && !endpoint->catching_up && posted->seq > endpoint->has.seq
        && attachment_is_in (attachment, posted->session))
        endpoint->has = (log_position_t){ posted->seq, posted->check };
    post_answer (&post, posted, uv_now (self->loop));
    s_go_on (attachment);
}

// ---------------------------------------------------------------------------------------------
//  All attachments

void
attachments_tick (attachments_t *self)
{
    uint64_t now = uv_now (self->loop);
    for (int deadline = DEADLINE_NONE + 1; deadline < DEADLINES; deadline++) {
        list_t *all = &self->by_deadline[deadline], *next;
        for (list_t *at = all->next; at != all; at = next) {
            next = at->next;
            attachment_t *attachment = LIST_THING (at, attachment_t, by_deadline);
            if (now - attachment->since_ms < self->limits_ms[deadline])
                break;
            (void) s_happens (attachment, ATTACHMENT_EVENT_TIMEOUT, NULL);
        }
    }
    for (post_t *post; (post = posts_late (self->context.posts, now));) {
        attachment_t *attachment = post_owner (post);
        post_give_up (&post, now);
        s_go_on (attachment);
    }
}

void
attachments_flush (attachments_t *self)
{
    (void) send_queue_send_all_detaches (self->context.send_queue);
}

static bool
s_on_send (list_t *link)
{
    return s_happens (LIST_THING (link, attachment_t, unsent), ATTACHMENT_EVENT_SEND, NULL);
}

attachments_t *
attachments_new (uv_loop_t *loop, const attachments_config_t *config)
{
    attachments_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    self->config = *config;
    list_init (&self->all);
    for (int deadline = 0; deadline < DEADLINES; deadline++)
        list_init (&self->by_deadline[deadline]);
    self->limits_ms[DEADLINE_SILENCE] = config->silence_ms;
    self->limits_ms[DEADLINE_ANSWER] = ANSWER_LIMIT_MS;
    self->limits_ms[DEADLINE_AGAIN] = AGAIN_MS;
    self->context.bus = config->bus;
    self->context.posts = config->posts;
    self->context.send_queue = send_queue_new (loop, config->bus, s_on_send);
    self->weighing = list_walk_new (loop, &self->all, s_weigh);
    return self;
}

void
attachments_destroy (attachments_t **self_p)
{
    attachments_t *self = *self_p;
    *self_p = NULL;
    send_queue_destroy (&self->context.send_queue);
    list_walk_destroy (&self->weighing);
    free (self);
}

// ---------------------------------------------------------------------------------------------
//  One attachment

attachment_t *
attachment_new (attachments_t *all, client_t *client, keepalive_t *keepalive)
{
    attachment_t *self = alloc_zeroed (sizeof *self);
    self->all = all;
    list_init (&self->by_deadline);
    list_init (&self->unsent);
    list_init (&self->of_all);
    list_append (&all->all, &self->of_all);
    self->endpoint = (endpoint_t){ .context = &all->context,
                                   .client = client,
                                   .keepalive = keepalive,
                                   .session = TEXT_EMPTY,
                                   .postoffice = NO_POSTOFFICE };
    s_restart_deadline (self);
    return self;
}

void
attachment_destroy (attachment_t **self_p)
{
    attachment_close (*self_p);
    list_remove (&(*self_p)->of_all);
    free (*self_p);
    *self_p = NULL;
}

attachment_state_t
attachment_state (const attachment_t *self)
{
    return (attachment_state_t) self->state;
}

bool
attachment_is_in (const attachment_t *self, text_t session)
{
    return self->endpoint.session.size > 0 && text_is (session, self->endpoint.session);
}

bool
attachment_is_at (const attachment_t *self, unsigned postoffice, text_t session)
{
    return self->endpoint.postoffice == (int) postoffice && attachment_is_in (self, session);
}

bool
attachment_awaits_answer (const attachment_t *self)
{
    return self->state == ATTACHMENT_ATTACH_SENT || post_queue_is_waiting (self->endpoint.posts);
}

bool
attachment_is_full (const attachment_t *self)
{
    return post_queue_is_full (self->endpoint.posts);
}

void
attachment_enter (attachment_t *self, text_t session, attach_reason_t reason, log_position_t has,
                  uint64_t time_ms)
{
    (void) s_happens (self, ATTACHMENT_EVENT_ENTER,
                     &(news_t){ .enter = { session, reason, has, time_ms } });
}

void
attachment_comes_in (attachment_t *self) { self->endpoint.joins = true; }

bool
attachment_post (attachment_t *self, const bus_post_t *post, bool is_named, uint64_t wait_ms)
{
    endpoint_t *endpoint = &self->endpoint;
    bus_post_t record = *post;
    record.session = endpoint->session;
    if (!endpoint->posts)
        endpoint->posts = post_queue_new (self->all->context.posts, endpoint->client, self);
    return post_queue_add (endpoint->posts, &record, is_named, wait_ms, uv_now (self->all->loop));
}

void
attachment_send (attachment_t *self)
{
    if (!s_happens (self, ATTACHMENT_EVENT_SEND, NULL))
        s_send_later (self);
}

void
attachment_signal (attachment_t *self, event_t event)
{
    bool sent = s_happens (self, ATTACHMENT_EVENT_SEND, NULL);
    if (!sent)
        s_send_later (self);
    if (!sent || !endpoint_send_signal (&self->endpoint, event))
        edge_count (EDGE_SIGNALS_DROPPED, 1);
}

void
attachment_read (attachment_t *self, uint64_t seq) { endpoint_read (&self->endpoint, seq); }

//  One on its way to a new postoffice tells that when it is there, or with its DETACH.
bool
attachment_send_receipt (attachment_t *self)
{
    const endpoint_t *endpoint = &self->endpoint;
    post_queue_received (endpoint->posts, keepalive_received_seq (endpoint->keepalive));
    return self->state != ATTACHMENT_ATTACHED
           || endpoint_send_receipt (endpoint, keepalive_received_seq (endpoint->keepalive));
}

void
attachment_close (attachment_t *self)
{
    (void) s_happens (self, ATTACHMENT_EVENT_CLOSE, NULL);
}
