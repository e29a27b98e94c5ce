#include "bus/bus_server.h"

#include "bus/bus_address.h"
#include "bus/bus_stream.h"
#include "base/alloc.h"
#include "base/hash_table.h"
#include "base/list.h"
#include "base/log.h"
#include "base/loop_timer.h"
#include "base/random_id.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

//  How soon to offer a peer again what ZeroMQ did not take.
#define RETRY_MS 5
#define NODE_MAX 64

typedef struct {
    peer_t number;
    bus_server_t *server;
    node_role_t role;
    char node[NODE_MAX]; //  for the log
    char key[BUS_KEY_SIZE + 1]; //  the public key of its connection; "" on a plain bus
    uint64_t connection; //  of the monitor
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
    uint64_t incarnation;
    peer_row_t *peers_by_id;
    peer_row_t *peers_by_number;
    peer_t last_number;
    list_t busy;
    list_t ending;
    bool is_draining;
    bool is_suspended;
    uint64_t looked_ms; //  when we last looked who is silent
    loop_timer_t *tick;
    loop_timer_t *retry; //  only makes the loop turn
};

static text_t
s_id (const peer_row_t *peer)
{
    return (text_t){ peer->id, peer->id_size };
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
    peer->connection = bus_socket_sender_connection (self->socket);
    bus_monitor_stream (bus_socket_monitor (self->socket), peer->connection, true);
    peer->id_size = id.size;
    memcpy (peer->id, id.data, id.size);
    list_init (&peer->busy);
    list_init (&peer->ending);
    peer->stream = bus_stream_new (peer->role, stream, self->config.queue_limit,
                                   self->config.heartbeat_ms, uv_now (self->loop));
    HASH_ADD (by_id, self->peers_by_id, id, id.size, peer);
    HASH_ADD_NUMBER (by_number, self->peers_by_number, number, peer);
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
    bus_monitor_stream (bus_socket_monitor (self->socket), peer->connection, false);
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
    static log_limit_t s_limit = LOG_LIMIT (LOG_INFO, "peer gone");
    list_t *link;
    while ((link = list_first (&self->ending))) {
        peer_row_t *peer = LIST_THING (link, peer_row_t, ending);
        peer_t number = peer->number;
        if (log_limit_allows (&s_limit))
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

//  By our own list: metadata of a connection may be the peer's own words.
static const char *
s_role_of_key (const bus_server_t *self)
{
    return self->keys ? bus_keys_role_of (self->keys, bus_socket_sender (self->socket, "User-Id"))
                      : NULL;
}

//  A node comes back every two seconds: one line for each node and reason in a period. That we are
//  away was said when it began.
static bool
s_may_say_refused (stream_end_t why, const bus_hello_t *hello)
{
    static bus_said_t s_said = { .limit = LOG_LIMIT (LOG_WARN, "peer refused") };
    if (why == STREAM_END_DRAINING || why == STREAM_END_UNAVAILABLE)
        return false;
    char about[2 * NODE_MAX];
    snprintf (about, sizeof about, "%s %.*s", stream_end_word (why), TEXT_ARGS (hello->node));
    return bus_may_say (&s_said, about);
}

static void
s_refuse (bus_server_t *self, text_t from, uint64_t stream, stream_end_t why,
          const bus_hello_t *hello)
{
    bus_counts[BUS_COUNT_REJECTS]++;
    if (s_may_say_refused (why, hello))
        log_warn ("peer refused", log_text ("from", from), log_text ("peer_node", hello->node),
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

static void
s_welcome (bus_server_t *self, text_t from, const bus_batch_t *batch, const bus_hello_t *hello)
{
    static log_limit_t s_limit = LOG_LIMIT (LOG_INFO, "peer up");
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
    welcome->set_heartbeat_ms = ours_ms;
    bus_stream_agree (peer->stream, peer->node, welcome->protocol, welcome->heartbeat_ms,
                      hello->heartbeat_ms);
    if (s_put (peer, &record) != 0) {
        s_peer_end (peer, STREAM_END_FULL);
        return;
    }
    if (log_limit_allows (&s_limit))
        log_info ("peer up", log_number ("peer", (int64_t) peer->number),
                  log_string ("peer_node", peer->node),
                  log_string ("role", bus_role_word (hello->role)),
                  log_text ("topics", hello->topics),
                  log_number ("protocol", (int64_t) welcome->protocol));
    self->events.peer_up (self->owner, peer->number, hello);
}

//  Why a HELLO is refused; STREAM_END_COUNT when it is not. `is_alone`: nothing stands behind it.
static stream_end_t
s_objection (const bus_server_t *self, const bus_hello_t *hello, bool is_alone)
{
    if (hello->lowest > BUS_PROTOCOL_HIGHEST || hello->highest < BUS_PROTOCOL_LOWEST)
        return STREAM_END_PROTOCOL;
    if (!is_alone)
        return STREAM_END_MALFORMED;
    //  A node is an edge or a worker; with keys it is what our list says of its key.
    const char *of_key = s_role_of_key (self);
    if ((hello->role != NODE_EDGE && hello->role != NODE_WORKER)
        || (self->keys && (!of_key || strcmp (of_key, bus_role_word (hello->role)) != 0)))
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
        bus_socket_complain (self->socket, from, "a first batch that is no HELLO");
        return;
    }
    bus_counts[BUS_COUNT_HELLOS]++;
    if (!is_hello)
        record = (bus_record_t){
            .kind = BUS_HELLO,
            .hello = { .lowest = batch->protocol, .highest = batch->protocol, .node = TEXT_EMPTY }
        };
    bool is_alone = !is_hello || batch->from == batch->end;
    stream_end_t objection = s_objection (self, &record.hello, is_alone);
    if (objection == STREAM_END_COUNT)
        s_welcome (self, from, batch, &record.hello);
    else
        s_refuse (self, from, batch->stream, objection, &record.hello);
}

//  The batch is against the rules; what exactly is in the log.
static void
s_peer_end_broken (peer_row_t *peer, stream_end_t end, const bus_batch_t *batch, const char *why)
{
    bus_stream_complain (peer->stream, peer->node, batch, why);
    s_peer_end (peer, end);
}

static void
s_records (peer_row_t *peer, bus_batch_t *batch)
{
    bus_server_t *self = peer->server;
    bus_record_t record;
    int rc = 0;
    while (!peer->is_ending && (rc = bus_batch_next (batch, &record)) == 1) {
        bus_counts[BUS_COUNT_RECORDS_IN]++;
        if (record.kind == BUS_HEARTBEAT)
            continue;
        if (record.kind == BUS_GOODBYE)
            s_peer_end (peer, STREAM_END_GOODBYE);
        else if (record.kind == BUS_HELLO || !bus_kind_is_from (record.kind, peer->role))
            s_peer_end_broken (peer, STREAM_END_MALFORMED, batch, "not this role's to send");
        else
            self->events.record (self->owner, peer->number, &record);
    }
    if (rc == -1)
        s_peer_end_broken (peer, STREAM_END_MALFORMED, batch, "cannot be read");
}

static void
s_batch (bus_server_t *self, text_t from, bus_batch_t *batch)
{
    peer_row_t *peer;
    bus_record_t record;
    HASH_FIND (by_id, self->peers_by_id, from.data, from.size, peer);
    bool is_same = peer && bus_stream_id (peer->stream) == batch->stream;
    if (!is_same && batch->protocol < BUS_PROTOCOL_EXTENSIBLE && batch->number != 1)
        bus_socket_complain (self->socket, from, "a batch of an old protocol");
    else if (batch->number == BUS_OUTSIDE) {
        //  Only a GOODBYE to a stream that lives means something.
        if (is_same && bus_batch_next (batch, &record) == 1 && record.kind == BUS_GOODBYE)
            s_peer_end (peer, STREAM_END_GOODBYE);
    } else if (is_same && !peer->is_ending
               && batch->protocol != bus_stream_protocol (peer->stream))
        s_peer_end_broken (peer, STREAM_END_MALFORMED, batch, "not the protocol of the stream");
    else if (is_same && bus_stream_take (peer->stream, batch, uv_now (self->loop)))
        s_records (peer, batch);
    else if (is_same && !peer->is_ending)
        s_peer_end_broken (peer, STREAM_END_GAP, batch, "a gap in the stream");
    else if (!is_same && batch->number == 1) {
        if (peer)
            s_peer_end (peer, STREAM_END_REPLACED);
        s_sweep (self);
        s_hello (self, from, batch);
    } else if (!is_same) {
        bus_socket_complain (self->socket, from, "a batch of an unknown stream");
        bus_send_goodbye (self->socket, from, batch->stream, STREAM_END_UNKNOWN_STREAM);
    }
}

static void
s_on_message (void *owner, text_t from, text_t body)
{
    bus_server_t *self = owner;
    bus_batch_t batch;
    if (bus_batch_open (&batch, body) != 0)
        bus_socket_complain (self->socket, from, "a message that is no batch");
    else
        s_batch (self, from, &batch);
    s_sweep (self);
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
s_on_keys_changed (void *owner)
{
    bus_server_t *self = owner;
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
s_look (void *server)
{
    bus_server_t *self = server;
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
    bus_monitor_look (bus_socket_monitor (self->socket));
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
        loop_timer_start_ms (self->retry, RETRY_MS, 0);
    s_sweep (self);
}

//  The keys, and what edges weigh sessions at this postoffice with.
static int
s_take_keys (bus_server_t *self)
{
    const bus_server_config_t *config = &self->config;
    bool has_keys = config->keys && *config->keys;
    if (has_keys
        && !(self->keys = bus_keys_new (self->loop, config->keys, NODE_POSTOFFICE,
                                        s_on_keys_changed, self)))
        return -1;
    if (config->hash_secret && *config->hash_secret)
        self->hash_key = hash_key_derived (text_of (config->hash_secret));
    else
        self->hash_key = has_keys ? bus_keys_hash_key (self->keys) : hash_key_of (TEXT_EMPTY);
    return 0;
}

//  Returns 0; −1 and errno, 0 for a wrong setting, after having said why.
static int
s_listen (bus_server_t *self)
{
    static const bus_socket_events_t s_socket_events = {
        .woken = s_on_woken, .message = s_on_message, .turn = s_on_turn, .refused = s_on_refused
    };
    const char *address = self->config.address;
    if (!bus_address_is_good (address)) {
        log_fatal ("wrong settings", log_string ("value", address),
                   log_string ("complaint",
                               "POSTOFFICE_BUS_ADDRESS must be tcp://address:port, such as"
                               " tcp://127.0.0.1:7001; the address is a number or an interface"
                               " of this machine, and * is all of them"));
        errno = 0;
        return -1;
    }
    if (s_take_keys (self) != 0) {
        errno = 0;
        return -1;
    }
    self->socket =
        bus_socket_new_router (self->loop, address, self->keys, &s_socket_events, self);
    if (self->socket)
        return 0;
    int why = errno;
    log_fatal ("cannot listen on the bus", log_string ("address", address),
               log_string ("why", strerror (why)));
    errno = why;
    return -1;
}

static void
s_free (bus_server_t *self)
{
    loop_timer_destroy (&self->tick);
    loop_timer_destroy (&self->retry);
    bus_keys_destroy (&self->keys);
    free (self->node);
    free (self);
}

bus_server_t *
bus_server_new (uv_loop_t *loop, const bus_server_config_t *config,
                const bus_server_events_t *events, void *owner)
{
    bus_server_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    self->config = *config;
    self->node = alloc_string (config->node);
    self->events = *events;
    self->owner = owner;
    self->incarnation = random_id_number ();
    self->looked_ms = uv_now (loop);
    list_init (&self->busy);
    list_init (&self->ending);
    if (s_listen (self) != 0) {
        int why = errno;
        s_free (self);
        errno = why;
        return NULL;
    }
    bus_metrics_start ();
    bus_counts[BUS_COUNT_QUEUE_LIMIT] = (int64_t) config->queue_limit;
    self->retry = loop_timer_new (loop, NULL, NULL);
    self->tick = loop_timer_new (loop, s_look, self);
    loop_timer_start_ms (self->tick, config->heartbeat_ms, config->heartbeat_ms);
    return self;
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
            bus_stream_say_goodbye (peer->stream, self->socket, s_id (peer), STREAM_END_GOODBYE);
        s_peer_destroy (peer);
    }
    bus_socket_destroy (&self->socket);
    s_free (self);
}

const char *
bus_server_endpoint (const bus_server_t *self)
{
    return bus_socket_endpoint (self->socket);
}

int
bus_server_send (bus_server_t *self, peer_t number, const bus_record_t *record)
{
    peer_row_t *peer;
    HASH_FIND_NUMBER (by_number, self->peers_by_number, number, peer);
    if (!peer || peer->is_ending)
        return -1;
    if (s_put (peer, record) != 0) {
        s_peer_end (peer, STREAM_END_FULL);
        return -1;
    }
    if (bus_stream_queued (peer->stream) >= BUS_BATCH_SIZE)
        s_flush (peer);
    return peer->is_ending ? -1 : 0;
}

size_t
bus_server_queued (const bus_server_t *self, peer_t number)
{
    peer_row_t *peer;
    HASH_FIND_NUMBER (by_number, self->peers_by_number, number, peer);
    return peer && !peer->is_ending ? bus_stream_queued (peer->stream) : SIZE_MAX;
}

void
bus_server_drain (bus_server_t *self)
{
    self->is_draining = true;
    peer_row_t *peer, *next;
    HASH_ITER (by_id, self->peers_by_id, peer, next)
        if (!peer->is_ending)
            bus_stream_say_goodbye (peer->stream, self->socket, s_id (peer), STREAM_END_DRAINING);
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
