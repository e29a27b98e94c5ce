#include "bus/bus_server.h"

#include "bus/bus_stream.h"
#include "base/alloc.h"
#include "base/hash_table.h"
#include "base/list.h"
#include "base/log.h"
#include "base/random_id.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

//  How soon to offer a peer again what ZeroMQ did not take.
#define RETRY_MS 5
#define NODE_MAX 64
#define KEY_MAX 41

typedef struct {
    peer_t number;
    bus_server_t *server;
    node_role_t role;
    char node[NODE_MAX]; //  for the log
    char key[KEY_MAX];   //  the public key of its connection; "" on a plain bus
    bus_stream_t *stream;
    list_t busy;       //  in server->busy while something waits
    list_t ending;     //  in server->ending when it is lost and its owner does not know yet
    bool is_ending;
    stream_end_t end;
    UT_hash_handle by_id;
    UT_hash_handle by_number;
    size_t id_size;
    char id[];
} peer_row_t;

struct bus_server {
    uv_loop_t *loop;
    bus_server_config_t config;
    char *node;
    bus_server_events_t events;
    void *owner;
    bus_socket_t *socket;
    bus_keys_t *keys; //  NULL: plain
    hash_key_t hash_key;
    uint64_t keys_ms; //  when they were last looked at
    uint64_t incarnation;
    peer_row_t *peers_by_id;
    peer_row_t *peers_by_number;
    peer_t last_number;
    list_t busy;
    list_t ending;
    bool is_draining;
    bool is_suspended;
    uint64_t looked_ms; //  when we last looked who is silent
    uv_timer_t tick;
    uv_timer_t retry;
    unsigned handles;
};

static text_t
s_id (const peer_row_t *peer)
{
    return (text_t){ peer->id, peer->id_size };
}

static peer_row_t *
s_find_id (bus_server_t *self, text_t id)
{
    peer_row_t *peer;
    HASH_FIND (by_id, self->peers_by_id, id.data, id.size, peer);
    return peer;
}

//  Not a peer that is ending.
static peer_row_t *
s_find (bus_server_t *self, peer_t number)
{
    peer_row_t *peer;
    HASH_FIND (by_number, self->peers_by_number, &number, sizeof number, peer);
    return peer && !peer->is_ending ? peer : NULL;
}

static peer_row_t *
s_peer_new (bus_server_t *self, text_t id, uint64_t stream, const bus_hello_t *hello)
{
    peer_row_t *peer = alloc_zeroed (sizeof *peer + id.size);
    peer->number = ++self->last_number;
    peer->server = self;
    peer->role = (node_role_t) hello->role;
    snprintf (peer->node, sizeof peer->node, "%s", hello->node.data);
    const char *key = self->keys ? bus_socket_sender (self->socket, "User-Id") : NULL;
    snprintf (peer->key, sizeof peer->key, "%s", key ? key : "");
    peer->id_size = id.size;
    memcpy (peer->id, id.data, id.size);
    list_init (&peer->busy);
    list_init (&peer->ending);
    peer->stream = bus_stream_new (peer->role, stream, self->config.queue_limit,
                                   self->config.heartbeat_ms, uv_now (self->loop));
    HASH_ADD (by_id, self->peers_by_id, id, id.size, peer);
    HASH_ADD (by_number, self->peers_by_number, number, sizeof peer->number, peer);
    bus_counts[BUS_COUNT_LINKS_UP]++;
    return peer;
}

static void
s_peer_destroy (peer_row_t *peer)
{
    bus_server_t *self = peer->server;
    HASH_DELETE (by_id, self->peers_by_id, peer);
    HASH_DELETE (by_number, self->peers_by_number, peer);
    list_remove (&peer->busy);
    list_remove (&peer->ending);
    bus_stream_destroy (&peer->stream);
    free (peer);
    bus_counts[BUS_COUNT_LINKS_UP]--;
}

//  From here on nothing goes to the peer or comes from it. Its owner is told from the loop.
static void
s_peer_end (peer_row_t *peer, stream_end_t end)
{
    if (peer->is_ending)
        return;
    bus_server_t *self = peer->server;
    peer->is_ending = true;
    peer->end = end;
    list_remove (&peer->busy);
    list_append (&self->ending, &peer->ending);
    bus_counts[BUS_COUNT_ENDS + end]++;
    if (end != STREAM_END_GOODBYE && end != STREAM_END_UNREACHABLE)
        bus_send_goodbye (self->socket, s_id (peer), bus_stream_id (peer->stream), end);
}

//  Tells the owner of those who are lost. Only from the loop.
static void
s_sweep (bus_server_t *self)
{
    list_t *link;
    while ((link = list_first (&self->ending))) {
        peer_row_t *peer = LIST_THING (link, peer_row_t, ending);
        peer_t number = peer->number;
        log_info ("peer gone", log_number ("peer", (int64_t) number),
                  log_string ("peer_node", peer->node),
                  log_string ("reason", stream_end_word (peer->end)));
        s_peer_destroy (peer);
        self->events.peer_down (self->owner, number);
    }
}

static void
s_flush (peer_row_t *peer)
{
    bus_sent_t sent = bus_stream_flush (peer->stream, peer->server->socket, s_id (peer));
    if (sent == BUS_SENT)
        list_remove (&peer->busy);
    else if (sent == BUS_UNREACHABLE)
        s_peer_end (peer, STREAM_END_UNREACHABLE);
    else
        bus_counts[BUS_COUNT_WAITS]++;
}

static int
s_put (peer_row_t *peer, const bus_record_t *record)
{
    if (bus_stream_put (peer->stream, record) != 0)
        return -1;
    list_append (&peer->server->busy, &peer->busy);
    return 0;
}

//  What costs nothing but a count, and a line now and then.
static void
s_complain (const char *what, text_t from)
{
    static log_limit_t s_limit = LOG_LIMIT (LOG_WARN, "garbage on the bus");
    bus_counts[BUS_COUNT_GARBAGE]++;
    if (log_limit_allows (&s_limit))
        log_warn ("garbage on the bus", log_text ("from", from), log_string ("what", what));
}

//  By our own list: metadata of a connection may be the peer's own words.
static const char *
s_role_of_key (const bus_server_t *self)
{
    return self->keys ? bus_keys_role_of (self->keys, bus_socket_sender (self->socket, "User-Id"))
                      : NULL;
}

static void
s_refuse (bus_server_t *self, text_t from, uint64_t stream, stream_end_t why,
          const bus_hello_t *hello)
{
    static log_limit_t s_limit = LOG_LIMIT (LOG_WARN, "peer refused");
    bus_counts[BUS_COUNT_REJECTS]++;
    //  That we are away was said when it began; each peer comes back every two seconds.
    bool is_own_state = why == STREAM_END_DRAINING || why == STREAM_END_UNAVAILABLE;
    if (!is_own_state && log_limit_allows (&s_limit))
        log_warn ("peer refused", log_text ("from", from),
                  log_string ("reason", stream_end_word (why)),
                  log_string ("address", bus_socket_sender (self->socket, "Peer-Address")),
                  log_string ("role", bus_role_word (hello->role)),
                  log_string ("role_of_key", s_role_of_key (self)),
                  log_number ("its_lowest", (int64_t) hello->lowest),
                  log_number ("its_highest", (int64_t) hello->highest),
                  log_number ("our_lowest", BUS_PROTOCOL_LOWEST),
                  log_number ("our_highest", BUS_PROTOCOL_HIGHEST));
    bus_record_t record = { .kind = BUS_REJECT };
    record.reject.lowest = BUS_PROTOCOL_LOWEST;
    record.reject.highest = BUS_PROTOCOL_HIGHEST;
    record.reject.reason = text_of (stream_end_word (why));
    bus_send_outside (self->socket, from, stream, &record);
}

//  Two nodes that are configured differently work by what WELCOME says; somebody should know.
static void
s_log_heartbeat (const peer_row_t *peer, uint64_t ours_ms, uint64_t theirs_ms, uint64_t agreed_ms)
{
    static log_limit_t s_limit = LOG_LIMIT (LOG_WARN, "heartbeats differ");
    if (ours_ms != theirs_ms && log_limit_allows (&s_limit))
        log_warn ("heartbeats differ", log_string ("peer_node", peer->node),
                  log_number ("ours_ms", (int64_t) ours_ms),
                  log_number ("theirs_ms", (int64_t) theirs_ms),
                  log_number ("agreed_ms", (int64_t) agreed_ms));
}

static void
s_welcome (bus_server_t *self, text_t from, const bus_batch_t *batch, const bus_hello_t *hello)
{
    peer_row_t *peer = s_peer_new (self, from, batch->stream, hello);
    bool is_first = bus_stream_take (peer->stream, batch, uv_now (self->loop));
    assert (is_first);
    uint64_t ours_ms = self->config.heartbeat_ms;
    bus_record_t record = { .kind = BUS_WELCOME };
    bus_welcome_t *welcome = &record.welcome;
    welcome->protocol =
        hello->highest < BUS_PROTOCOL_HIGHEST ? hello->highest : BUS_PROTOCOL_HIGHEST;
    welcome->node = text_of (self->node);
    welcome->incarnation = self->incarnation;
    welcome->heartbeat_ms = bus_heartbeat_of (ours_ms, hello->heartbeat_ms);
    welcome->features = hello->features & BUS_FEATURES;
    welcome->hash_key = hash_key_text (&self->hash_key);
    bus_stream_agree (peer->stream, welcome->protocol, welcome->heartbeat_ms);
    s_log_heartbeat (peer, ours_ms, hello->heartbeat_ms, welcome->heartbeat_ms);
    if (s_put (peer, &record) != 0) {
        s_peer_end (peer, STREAM_END_FULL);
        return;
    }
    log_info ("peer up", log_number ("peer", (int64_t) peer->number),
              log_string ("peer_node", peer->node), log_number ("role", (int64_t) hello->role),
              log_number ("protocol", (int64_t) welcome->protocol));
    self->events.peer_up (self->owner, peer->number, hello);
}

//  A node is an edge or a worker; with keys it is what our list says of its key.
static bool
s_may_have_role (const bus_server_t *self, uint64_t role)
{
    const char *of_key = s_role_of_key (self);
    return (role == NODE_EDGE || role == NODE_WORKER)
           && (!self->keys || (of_key && strcmp (of_key, bus_role_word (role)) == 0));
}

//  Why a HELLO is refused; STREAM_END_COUNT when it is not.
static stream_end_t
s_objection (const bus_server_t *self, const bus_hello_t *hello)
{
    if (hello->lowest > BUS_PROTOCOL_HIGHEST || hello->highest < BUS_PROTOCOL_LOWEST)
        return STREAM_END_PROTOCOL;
    if (!s_may_have_role (self, hello->role))
        return STREAM_END_ROLE;
    if (self->is_draining)
        return STREAM_END_DRAINING;
    if (self->is_suspended)
        return STREAM_END_UNAVAILABLE;
    if (HASH_CNT (by_id, self->peers_by_id) >= self->config.peer_limit)
        return STREAM_END_TOO_MANY;
    return STREAM_END_COUNT;
}

//  The first batch of a stream: nothing but HELLO. One that cannot be read is answered when its
//  header says that it is of a protocol which we do not speak.
static void
s_hello (bus_server_t *self, text_t from, bus_batch_t *batch)
{
    bus_record_t record = { .kind = BUS_HELLO };
    bool is_ours = batch->protocol >= BUS_PROTOCOL_EXTENSIBLE;
    bool is_hello = is_ours && bus_batch_next (batch, &record) == 1 && record.kind == BUS_HELLO;
    if (!is_hello && is_ours && batch->protocol <= BUS_PROTOCOL_HIGHEST) {
        s_complain ("a first batch that is no HELLO", from);
        return;
    }
    bus_counts[BUS_COUNT_HELLOS]++;
    if (!is_hello)
        record =
            (bus_record_t){ .kind = BUS_HELLO,
                            .hello = { .lowest = batch->protocol, .highest = batch->protocol } };
    stream_end_t objection = s_objection (self, &record.hello);
    if (objection == STREAM_END_COUNT)
        s_welcome (self, from, batch, &record.hello);
    else
        s_refuse (self, from, batch->stream, objection, &record.hello);
}

static void
s_record (peer_row_t *peer, const bus_record_t *record)
{
    bus_server_t *self = peer->server;
    bus_counts[BUS_COUNT_RECORDS_IN]++;
    if (record->kind == BUS_HEARTBEAT)
        return;
    if (record->kind == BUS_GOODBYE)
        s_peer_end (peer, STREAM_END_GOODBYE);
    else if (record->kind == BUS_HELLO || !bus_kind_is_from (record->kind, peer->role))
        s_peer_end (peer, STREAM_END_MALFORMED);
    else
        self->events.record (self->owner, peer->number, record);
}

static void
s_records (peer_row_t *peer, bus_batch_t *batch)
{
    bus_record_t record;
    int rc = 0;
    while (!peer->is_ending && (rc = bus_batch_next (batch, &record)) == 1)
        s_record (peer, &record);
    if (rc == -1)
        s_peer_end (peer, STREAM_END_MALFORMED);
}

//  A batch outside the order: only a GOODBYE to a stream that lives means something.
static void
s_outside (peer_row_t *peer, bus_batch_t *batch)
{
    bus_record_t record;
    if (peer && bus_stream_id (peer->stream) == batch->stream
        && bus_batch_next (batch, &record) == 1 && record.kind == BUS_GOODBYE)
        s_peer_end (peer, STREAM_END_GOODBYE);
}

static void
s_batch (bus_server_t *self, text_t from, bus_batch_t *batch)
{
    peer_row_t *peer = s_find_id (self, from);
    bool is_same = peer && bus_stream_id (peer->stream) == batch->stream;
    if (batch->number == BUS_OUTSIDE)
        s_outside (peer, batch);
    else if (is_same && bus_stream_take (peer->stream, batch, uv_now (self->loop)))
        s_records (peer, batch);
    else if (is_same)
        s_peer_end (peer, STREAM_END_GAP);
    else if (batch->number == 1) {
        if (peer)
            s_peer_end (peer, STREAM_END_REPLACED);
        s_sweep (self);
        s_hello (self, from, batch);
    } else {
        s_complain ("a batch of an unknown stream", from);
        bus_send_goodbye (self->socket, from, batch->stream, STREAM_END_UNKNOWN_STREAM);
    }
}

static void
s_on_message (void *owner, text_t from, text_t body)
{
    bus_server_t *self = owner;
    bus_batch_t batch;
    if (bus_batch_open (&batch, body) != 0)
        s_complain ("a message that is no batch", from);
    else if (batch.protocol >= BUS_PROTOCOL_EXTENSIBLE || batch.number == 1)
        s_batch (self, from, &batch);
    else
        s_complain ("a batch of an old protocol", from);
    s_sweep (self);
}

static void
s_on_garbage (void *owner)
{
    (void) owner;
    s_complain ("a message of many frames", TEXT_EMPTY);
}

//  Somebody without a key that is listed; the other side says so, too.
static void
s_on_refused (void *owner, const char *why, const char *address)
{
    (void) owner;
    static log_limit_t s_limit = LOG_LIMIT (LOG_WARN, "handshake refused");
    bus_counts[BUS_COUNT_HANDSHAKES_FAILED]++;
    if (log_limit_allows (&s_limit))
        log_warn ("handshake refused", log_string ("address", address), log_string ("why", why),
                  log_number ("so_far", bus_counts[BUS_COUNT_HANDSHAKES_FAILED]));
}

//  Ends the streams of keys that are not listed any more, or with another role.
static void
s_look_at_keys (bus_server_t *self)
{
    if (!bus_keys_look (self->keys))
        return;
    peer_row_t *peer, *next;
    HASH_ITER (by_id, self->peers_by_id, peer, next)
    {
        const char *role = bus_keys_role_of (self->keys, peer->key);
        if (!role || strcmp (role, bus_role_word (peer->role)) != 0)
            s_peer_end (peer, STREAM_END_KEY);
    }
    s_sweep (self);
}

//  Ends who is silent and lets the others know that we live.
static void
s_look (bus_server_t *self)
{
    uint64_t now = self->looked_ms = uv_now (self->loop);
    peer_row_t *peer, *next;
    HASH_ITER (by_id, self->peers_by_id, peer, next) {
        if (peer->is_ending)
            continue;
        if (bus_stream_is_silent (peer->stream, now))
            s_peer_end (peer, STREAM_END_TIMEOUT);
        else if (bus_stream_put_heartbeat (peer->stream, now) != 0)
            s_peer_end (peer, STREAM_END_FULL);
        else if (bus_stream_queued (peer->stream) > 0)
            list_append (&self->busy, &peer->busy);
    }
    s_sweep (self);
    if (self->keys && now >= self->keys_ms + BUS_KEYS_LOOK_EVERY_MS) {
        self->keys_ms = now;
        s_look_at_keys (self);
    }
}

static void
s_on_tick (uv_timer_t *timer)
{
    s_look (timer->data);
}

//  A process that stood still finds what its peers said meanwhile; but they have given it up, so
//  those streams end before any of that is believed.
static void
s_on_woken (void *owner)
{
    bus_server_t *self = owner;
    if (uv_now (self->loop) > self->looked_ms + 2 * self->config.heartbeat_ms)
        s_look (self);
}

static void
s_on_retry (uv_timer_t *timer)
{
    (void) timer; //  it only makes the loop turn
}

static void
s_on_turn (void *owner)
{
    bus_server_t *self = owner;
    list_t waiting;
    list_init (&waiting);
    list_t *link;
    while ((link = list_first (&self->busy))) {
        s_flush (LIST_THING (link, peer_row_t, busy));
        if (list_first (&self->busy) == link)
            list_append (&waiting, link);
    }
    while ((link = list_first (&waiting)))
        list_append (&self->busy, link);
    if (!list_is_empty (&self->busy))
        uv_timer_start (&self->retry, s_on_retry, RETRY_MS, 0);
    s_sweep (self);
}

//  The keys, and what edges weigh sessions at this postoffice with.
static int
s_take_keys (bus_server_t *self, const bus_server_config_t *config)
{
    bool has_keys = config->keys && *config->keys;
    if (has_keys && !(self->keys = bus_keys_new (config->keys, NODE_POSTOFFICE)))
        return -1;
    if (config->hash_secret && *config->hash_secret)
        self->hash_key = hash_key_derived (text_of (config->hash_secret));
    else
        self->hash_key = has_keys ? bus_keys_hash_key (self->keys) : hash_key_of (TEXT_EMPTY);
    return 0;
}

bus_server_t *
bus_server_new (uv_loop_t *loop, const bus_server_config_t *config,
                const bus_server_events_t *events, void *owner)
{
    static const bus_socket_events_t s_socket_events = { .woken = s_on_woken,
                                                         .message = s_on_message,
                                                         .garbage = s_on_garbage,
                                                         .turn = s_on_turn,
                                                         .refused = s_on_refused };
    bus_server_t *self = alloc_zeroed (sizeof *self);
    int why = 0;
    if (s_take_keys (self, config) == 0) {
        self->socket =
            bus_socket_new_router (loop, config->address, self->keys, &s_socket_events, self);
        why = errno;
        if (!self->socket)
            log_fatal ("cannot listen on the bus", log_string ("address", config->address),
                       log_string ("why", strerror (why)));
    }
    if (!self->socket) {
        bus_keys_destroy (&self->keys);
        free (self);
        errno = why;
        return NULL;
    }
    bus_metrics_start ();
    bus_counts[BUS_COUNT_QUEUE_LIMIT] = (int64_t) config->queue_limit;
    self->loop = loop;
    self->config = *config;
    self->node = alloc_string (config->node);
    self->events = *events;
    self->owner = owner;
    self->incarnation = random_id_number ();
    self->looked_ms = uv_now (loop);
    list_init (&self->busy);
    list_init (&self->ending);
    uv_timer_init (loop, &self->tick);
    uv_timer_init (loop, &self->retry);
    self->tick.data = self->retry.data = self;
    self->handles = 2;
    uv_timer_start (&self->tick, s_on_tick, config->heartbeat_ms, config->heartbeat_ms);
    return self;
}

static void
s_on_closed (uv_handle_t *handle)
{
    bus_server_t *self = handle->data;
    if (--self->handles > 0)
        return;
    bus_keys_destroy (&self->keys);
    free (self->node);
    free (self);
}

//  In order behind what waits, or out of order when that does not go out.
static void
s_say_goodbye (peer_row_t *peer, stream_end_t why)
{
    bus_record_t goodbye = { .kind = BUS_GOODBYE };
    goodbye.goodbye.reason = text_of (stream_end_word (why));
    if (s_put (peer, &goodbye) != 0
        || bus_stream_flush (peer->stream, peer->server->socket, s_id (peer)) != BUS_SENT)
        bus_send_goodbye (peer->server->socket, s_id (peer), bus_stream_id (peer->stream), why);
}

void
bus_server_destroy (bus_server_t **self_p)
{
    bus_server_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    peer_row_t *peer, *next;
    HASH_ITER (by_id, self->peers_by_id, peer, next) {
        if (!peer->is_ending)
            s_say_goodbye (peer, STREAM_END_GOODBYE);
        s_peer_destroy (peer);
    }
    bus_socket_destroy (&self->socket);
    uv_close ((uv_handle_t *) &self->tick, s_on_closed);
    uv_close ((uv_handle_t *) &self->retry, s_on_closed);
}

const char *
bus_server_endpoint (const bus_server_t *self)
{
    return bus_socket_endpoint (self->socket);
}

int
bus_server_send (bus_server_t *self, peer_t number, const bus_record_t *record)
{
    peer_row_t *peer = s_find (self, number);
    if (!peer)
        return -1;
    if (s_put (peer, record) != 0) {
        s_peer_end (peer, STREAM_END_FULL);
        return -1;
    }
    if (bus_stream_queued (peer->stream) >= BUS_BATCH_SIZE)
        s_flush (peer);
    return peer->is_ending ? -1 : 0;
}

void
bus_server_drain (bus_server_t *self)
{
    self->is_draining = true;
    peer_row_t *peer, *next;
    HASH_ITER (by_id, self->peers_by_id, peer, next)
        if (!peer->is_ending)
            s_say_goodbye (peer, STREAM_END_DRAINING);
}

void
bus_server_suspend (bus_server_t *self)
{
    self->is_suspended = true;
    peer_row_t *peer, *next;
    HASH_ITER (by_id, self->peers_by_id, peer, next)
    s_peer_end (peer, STREAM_END_UNAVAILABLE);
}

void
bus_server_resume (bus_server_t *self)
{
    self->is_suspended = false;
}
