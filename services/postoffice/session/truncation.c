#include "session/truncation.h"

#include "base/clock.h"
#include "base/log.h"
#include "session/outbound.h"
#include "session/presence.h"
#include "tables/postoffice_metrics.h"

//  Retention leaves alone what was active within this.
#define ACTIVE_MS (24 * 3600 * 1000)

//  Posts that are, or may be, in the part that is lost, and were not answered: the edge attaches
//  the endpoint again and sends them again. One that is in the log is found there.
static void
s_refuse_held (session_t *self, endpoint_t *endpoint, uint64_t seq)
{
    for (list_t *link = endpoint->held.next; link != &endpoint->held;) {
        operation_t *operation = LIST_THING (link, operation_t, place);
        link = link->next;
        if (operation->seq <= seq)
            continue;
        operation->verdict = VERDICT_NOT_JOINED;
        operation->seq = operation->time_ms = operation->check = 0;
        reply_post (self->office, operation);
        operation_destroy (&operation);
    }
}

void
truncation_tell (session_t *self, endpoint_t *endpoint, uint64_t seq)
{
    metric_add (POSTOFFICE_TRUNCATED_ENDPOINTS, 1);
    endpoint_renew (endpoint); //  what is being read for it is not what it needs
    endpoint->cursor = (log_position_t){ seq, recent_ids_check (&self->fold.recent, seq) };
    endpoint->is_compared = true;
    endpoint->state = ENDPOINT_LAGGING;
    endpoint->shown_seq = seq < endpoint->shown_seq ? seq : endpoint->shown_seq;
    endpoint->awaits_receipt = true;
    if (endpoint->received_seq != SEQ_UNKNOWN && endpoint->received_seq > seq)
        endpoint->received_seq = seq;
    outbound_truncated (self->office, endpoint, self->key, self->published.seq,
                        !self->fold.exists);
}

//  The session is not there any more: what endpoints were told of it counts no more. They come
//  again and open it anew, when it was lost with the tail. When it was dropped because nobody had
//  said anything for long, their edges hear of it with the next thing that they say.
static void
s_end_endpoints (session_t *self, const fold_t *old)
{
    bool is_old = old->last_time_ms + ACTIVE_MS < clock_wall_ms ();
    for (list_t *first; (first = list_first (&self->endpoints));) {
        endpoint_t *endpoint = LIST_THING (first, endpoint_t, in_session);
        if (!is_old && endpoint->state != ENDPOINT_ATTACHING)
            truncation_tell (self, endpoint, 0);
        presence_lose (self, endpoint);
    }
}

//  Where is the endpoint, now that the log is loaded? What both folds have in common it has; what
//  is in the log but not in either fold is compared when it reads on.
static void
s_look (session_t *self, endpoint_t *endpoint, uint64_t common)
{
    log_position_t cursor = endpoint->cursor;
    uint64_t check = recent_ids_check (&self->fold.recent, cursor.seq);
    s_refuse_held (self, endpoint, common);
    if (cursor.seq <= common)
        return;
    if (cursor.seq > self->fold.last_seq || log_check_differs (cursor.check, check)) {
        truncation_tell (self, endpoint, common);
        return;
    }
    endpoint->is_compared = check == cursor.check;
    if (endpoint->is_compared
        || (endpoint->state != ENDPOINT_LIVE && endpoint->state != ENDPOINT_READING))
        return;
    endpoint_renew (endpoint); //  what is being read is behind something that may not be there
    endpoint->state = ENDPOINT_LAGGING;
}

static void
s_note (const session_t *self, uint64_t told_seq, uint64_t common)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "entries lost that people had seen");
    metric_add (POSTOFFICE_TRUNCATED_SESSIONS, 1);
    if (log_limit_allows (&limit))
        log_warn ("entries lost that people had seen", log_text ("session", self->key),
                  log_number ("told", (int64_t) told_seq),
                  log_number ("common", (int64_t) common),
                  log_number ("last", (int64_t) self->fold.last_seq));
}

//  The log of before is remembered for those who come back with a part of it. What was remembered
//  of an earlier one may not be true of this one.
static void
s_remember (session_t *self, fold_t *old, uint64_t common)
{
    recent_ids_free (&self->former);
    self->former = old->recent;
    self->former_seq = common;
    old->recent = (recent_ids_t){ 0 };
}

uint64_t
truncation_common_seq (const session_t *self, log_position_t has)
{
    bool is_former = has.check && recent_ids_check (&self->former, has.seq) == has.check;
    return is_former ? self->former_seq : 0;
}

bool
truncation_look (session_t *self, fold_t *old, log_position_t told)
{
    if (!self->fold.exists) {
        recent_ids_free (&self->former);
        s_end_endpoints (self, old);
        return false;
    }
    uint64_t common = recent_ids_common_seq (&old->recent, &self->fold.recent);
    if (told.seq > self->fold.last_seq
        || log_check_differs (told.check, recent_ids_check (&self->fold.recent, told.seq)))
        s_note (self, told.seq, common);
    for (list_t *link = self->endpoints.next; link != &self->endpoints; link = link->next)
        s_look (self, LIST_THING (link, endpoint_t, in_session), common);
    if (told.seq > common)
        s_remember (self, old, common);
    return told.seq <= common;
}
