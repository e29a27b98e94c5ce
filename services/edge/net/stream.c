#include "net/stream.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/loop_timer.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE (16u << 10)
//  What a read may bring, in clear or opened.
#define TAKEN_MOST TLS_TAKEN_MOST
//  Behind a pause: what was kept already and what was read with it.
#define KEPT_MOST (STREAM_RESTS_MOST + TAKEN_MOST)
//  Of one that is finished so much is read and thrown away, then no more.
#define DROPPED_MOST (64u << 10)
#define TICK_MS 100

struct streams {
    uv_loop_t *loop;
    streams_config_t config;
    list_t all;
    list_t ready; //  something is to be done before the loop sleeps
    list_t limited[STREAM_LIMITS];
    uint64_t limited_count;
    uint64_t count;
    uv_prepare_t worker;
    uv_idle_t awake; //  runs while any are ready
    loop_timer_t *tick; //  runs while any have a limit
    unsigned handles;
    bool ending;
    char buffer[KEPT_MOST + TAKEN_MOST];
};

struct stream {
    uv_tcp_t tcp;
    streams_t *streams;
    const stream_events_t *events;
    void *owner;
    tls_session_t *tls; //  NULL: in clear
    list_t all;
    list_t ready;
    list_t limited;
    uint64_t since_ms;
    char *kept;
    uint32_t kept_size;
    uint32_t dropped;
    uint32_t waiting; //  bytes that libuv holds
    uint8_t limit;    //  stream_limit_t
    uint8_t limit_then; //  behind the handshake
    bool paused;
    bool reading;
    bool is_handed; //  to another owner, who has seen nothing yet
    bool end_waits; //  it was said, behind what is kept
    bool has_ended;
    bool finishing;
    bool closing;
    bool is_told; //  its owner knows that it is gone
    bool wants_write;
    bool wants_offer;
};

//  What the kernel did not take.
typedef struct {
    uv_write_t request;
    size_t size;
    char bytes[];
} unsent_t;

// ---------------------------------------------------------------------------------------------
//  Time limits

uint64_t
stream_now (const stream_t *self)
{
    return uv_now (self->streams->loop);
}

static void
s_limit (stream_t *self, stream_limit_t limit, uint64_t since_ms)
{
    streams_t *streams = self->streams;
    streams->limited_count -= self->limit != STREAM_FREE;
    list_remove (&self->limited);
    self->limit = (uint8_t) limit;
    self->since_ms = since_ms;
    if (limit != STREAM_FREE) {
        //  Nearly always behind the last one: its time began last.
        list_t *all = &streams->limited[limit], *behind = all->previous;
        while (behind != all && LIST_THING (behind, stream_t, limited)->since_ms > since_ms)
            behind = behind->previous;
        list_append (behind->next, &self->limited);
        if (streams->limited_count++ == 0 && !streams->ending)
            loop_timer_start_ms (streams->tick, TICK_MS, TICK_MS);
    }
    if (streams->limited_count == 0)
        loop_timer_stop (streams->tick);
}

static bool
s_is_shaking (const stream_t *self)
{
    return self->tls && !tls_session_is_ready (self->tls);
}

//  One that ends has limits of ours.
void
stream_limit (stream_t *self, stream_limit_t limit, uint64_t since_ms)
{
    if (self->closing || self->finishing)
        return;
    if (s_is_shaking (self))
        self->limit_then = (uint8_t) limit;
    else if (limit != STREAM_FREE || self->limit != STREAM_FREE)
        s_limit (self, limit, since_ms);
}

void
stream_confirm_within (stream_t *self, uint64_t milliseconds)
{
    uv_os_fd_t descriptor;
    unsigned limit = (unsigned) milliseconds;
    if (uv_fileno ((uv_handle_t *) &self->tcp, &descriptor) == 0)
        (void) setsockopt (descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit);
}

static void
s_late (stream_t *self)
{
    if (!self->finishing && s_is_shaking (self)) {
        tls_session_lost (self->tls, true);
        stream_close (self);
    } else if (self->finishing)
        stream_close (self);
    else
        self->events->late (self->owner);
}

static void
s_on_tick (void *owner)
{
    streams_t *self = owner;
    uint64_t now = uv_now (self->loop);
    for (unsigned limit = STREAM_FREE + 1; limit < STREAM_LIMITS; limit++)
        for (list_t *first; (first = list_first (&self->limited[limit]));) {
            stream_t *stream = LIST_THING (first, stream_t, limited);
            if (now < stream->since_ms + self->config.limits_ms[limit])
                break;
            s_limit (stream, STREAM_FREE, 0);
            s_late (stream);
        }
}

// ---------------------------------------------------------------------------------------------
//  Reading

static void
s_count (const stream_t *self, net_memory_t what, int64_t change)
{
    const streams_config_t *config = &self->streams->config;
    config->memory (config->owner, what, change);
}

static void
s_forget_kept (stream_t *self)
{
    if (!self->kept)
        return;
    s_count (self, NET_INBOX, -(int64_t) self->kept_size);
    free (self->kept);
    self->kept = NULL;
    self->kept_size = 0;
}

static void
s_forget_sealed (stream_t *self)
{
    s_count (self, NET_INBOX, -(int64_t) tls_session_kept (self->tls));
    tls_session_forget (self->tls);
}

static void
s_stop_reading (stream_t *self)
{
    self->reading = false;
    uv_read_stop ((uv_stream_t *) &self->tcp);
}

static void
s_drop (stream_t *self, size_t size)
{
    self->dropped += (uint32_t) size;
    if (self->dropped >= DROPPED_MOST)
        s_stop_reading (self);
}

//  A new owner goes on where the old one stopped.
static void
s_offer (stream_t *self, char *data, size_t size)
{
    size_t done = 0;
    do {
        self->is_handed = false;
        done += self->events->bytes (self->owner, data + done, size - done);
        assert (done <= size);
    } while (self->is_handed && done < size && !self->paused && !self->closing
             && !self->finishing);
    if (self->finishing)
        s_drop (self, size - done);
    else if (!self->closing && done < size) {
        size_t rest = size - done;
        assert (rest <= KEPT_MOST && !self->kept);
        self->kept = alloc_resized (NULL, rest);
        memcpy (self->kept, data + done, rest);
        self->kept_size = (uint32_t) rest;
        s_count (self, NET_INBOX, (int64_t) rest);
    }
}

static void
s_on_alloc (uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void) suggested;
    stream_t *self = handle->data;
    if (self->tls && !self->finishing) {
        size_t size;
        char *place = tls_session_place (self->tls, &size);
        *buffer = uv_buf_init (place, (unsigned) size);
    } else
        *buffer = uv_buf_init (self->streams->buffer + KEPT_MOST, READ_SIZE);
}

static void
s_on_end (stream_t *self)
{
    s_stop_reading (self);
    self->has_ended = true;
    if (!self->finishing)
        self->events->ended (self->owner);
    else if (!uv_is_writable ((uv_stream_t *) &self->tcp) && self->waiting == 0)
        stream_close (self);
}

//  They stand where s_on_alloc said.
static void
s_take (stream_t *self, size_t size)
{
    size_t kept = self->kept_size;
    char *data = self->streams->buffer + KEPT_MOST - kept;
    if (kept) {
        memcpy (data, self->kept, kept);
        s_forget_kept (self);
    }
    s_offer (self, data, kept + size);
}

static void s_send (stream_t *self, text_t bytes);

//  A handshake that fails ends as an answer does, so that its alert arrives.
static void
s_on_step (stream_t *self, tls_step_t step)
{
    if (step == TLS_FAILED && s_is_shaking (self))
        stream_finish (self);
    else if (step == TLS_FAILED)
        stream_close (self);
    else if (step == TLS_PEER_ENDED && self->paused)
        self->end_waits = true;
    else if (step == TLS_PEER_ENDED)
        s_on_end (self);
}

static void
s_open (stream_t *self, size_t size)
{
    bool was_shaking = s_is_shaking (self);
    size_t opened, kept = tls_session_kept (self->tls);
    tls_step_t step =
        tls_session_take (self->tls, size, self->streams->buffer + KEPT_MOST, &opened);
    s_count (self, NET_INBOX, (int64_t) tls_session_kept (self->tls) - (int64_t) kept);
    text_t said = tls_session_said (self->tls);
    s_send (self, said);
    //  What TLS says finds no room, so what is asked of our owner would find none either.
    if (said.size > 0 && self->waiting > 0 && !s_is_shaking (self))
        stream_close (self);
    if (was_shaking && !s_is_shaking (self) && !self->closing)
        s_limit (self, self->limit_then, stream_now (self));
    if (opened > 0 && !self->closing)
        s_take (self, opened);
    if (!self->closing && !self->finishing)
        s_on_step (self, step);
}

static void
s_on_read (uv_stream_t *tcp, ssize_t size, const uv_buf_t *buffer)
{
    (void) buffer;
    stream_t *self = tcp->data;
    if (self->closing || size == 0)
        return;
    if (size == UV_EOF && (self->finishing || !s_is_shaking (self)))
        s_on_end (self);
    else if (size < 0)
        stream_close (self);
    else if (self->finishing)
        s_drop (self, (size_t) size);
    else if (self->tls)
        s_open (self, (size_t) size);
    else
        s_take (self, (size_t) size);
}

static void
s_start_reading (stream_t *self)
{
    if (self->has_ended || self->reading)
        return;
    self->reading = true;
    if (uv_read_start ((uv_stream_t *) &self->tcp, s_on_alloc, s_on_read) != 0)
        stream_close (self);
}

static void
s_go_on_reading (stream_t *self)
{
    bool is_end = self->end_waits;
    self->end_waits = false;
    if (is_end)
        s_on_end (self);
    else
        s_start_reading (self);
}

static void
s_nothing (uv_idle_t *awake)
{
    (void) awake; //  it only keeps the loop from sleeping
}

static void
s_ready (stream_t *self)
{
    if (self->streams->ending)
        return;
    list_append (&self->streams->ready, &self->ready);
    uv_idle_start (&self->streams->awake, s_nothing);
}

void
stream_read (stream_t *self, bool on)
{
    if (self->closing || self->finishing || self->paused == !on)
        return;
    self->paused = !on;
    if (!on)
        s_stop_reading (self);
    else if (!self->kept && !self->end_waits)
        s_start_reading (self);
    else {
        self->wants_offer = true;
        s_ready (self);
    }
}

// ---------------------------------------------------------------------------------------------
//  Writing

//  At the end its owner is gone before libuv gives back what it holds.
static void
s_note_waiting (stream_t *self, int64_t change)
{
    if (!self->streams->ending)
        s_count (self, NET_UNSENT, change);
    self->waiting = (uint32_t) (self->waiting + change);
}

static void
s_on_written (uv_write_t *request, int status)
{
    stream_t *self = request->data;
    unsent_t *unsent = (unsent_t *) (void *) request;
    s_note_waiting (self, -(int64_t) unsent->size);
    free (unsent);
    if (self->closing)
        return;
    if (status != 0)
        stream_close (self);
    else if (!self->finishing && self->waiting == 0 && !s_is_shaking (self))
        self->events->write (self->owner);
}

static void
s_write_later (stream_t *self, text_t bytes)
{
    unsent_t *unsent = alloc_resized (NULL, sizeof *unsent + bytes.size);
    memcpy (unsent->bytes, bytes.data, bytes.size);
    unsent->size = bytes.size;
    unsent->request.data = self;
    uv_buf_t buffer = uv_buf_init (unsent->bytes, (unsigned) bytes.size);
    if (uv_write (&unsent->request, (uv_stream_t *) &self->tcp, &buffer, 1, s_on_written) != 0) {
        free (unsent);
        stream_close (self);
        return;
    }
    s_note_waiting (self, (int64_t) bytes.size);
}

//  Behind what waits already.
static void
s_send (stream_t *self, text_t bytes)
{
    if (self->closing || bytes.size == 0)
        return;
    uv_buf_t buffer = uv_buf_init ((char *) bytes.data, (unsigned) bytes.size);
    int taken = uv_try_write ((uv_stream_t *) &self->tcp, &buffer, 1);
    if (taken < 0 && taken != UV_EAGAIN) {
        stream_close (self);
        return;
    }
    size_t done = taken > 0 ? (size_t) taken : 0;
    if (done < bytes.size)
        s_write_later (self, (text_t){ bytes.data + done, bytes.size - done });
}

void
stream_write (stream_t *self, text_t bytes)
{
    assert (!self->finishing && self->waiting == 0 && !s_is_shaking (self));
    if (self->closing || bytes.size == 0)
        return;
    if (!self->tls) {
        s_send (self, bytes);
        return;
    }
    text_t sealed = tls_session_seal (self->tls, bytes);
    if (sealed.size == 0)
        stream_close (self);
    s_send (self, sealed);
}

bool
stream_is_full (const stream_t *self)
{
    return self->waiting > 0;
}

//  One that is full is looked at when there is room, one that has ended never.
void
stream_want_write (stream_t *self)
{
    if (self->closing || self->finishing || self->waiting > 0)
        return;
    self->wants_write = true;
    s_ready (self);
}

//  True when something was offered: whoever took it may have something to say elsewhere.
static bool
s_work (stream_t *self)
{
    bool offer = self->wants_offer, write = self->wants_write, has_offered = false;
    self->wants_offer = self->wants_write = false;
    list_remove (&self->ready);
    if (offer && !self->paused && !self->closing && !self->finishing) {
        char *end = self->streams->buffer + KEPT_MOST;
        size_t size = self->kept_size;
        if (size > 0) {
            memcpy (end - size, self->kept, size);
            s_forget_kept (self);
            s_offer (self, end - size, size);
            has_offered = true;
        }
        if (!self->paused && !self->closing && !self->finishing)
            s_go_on_reading (self);
    }
    if (write && self->waiting == 0 && !self->closing && !self->finishing)
        self->events->write (self->owner);
    return has_offered;
}

//  What is asked for meanwhile is done in the next turn, so that one cannot keep the others out.
//  Another turn follows when something was offered: what came of it for the bus leaves before the
//  loop sleeps, and the bus may have had its part of this turn already.
static void
s_before_sleep (uv_prepare_t *worker)
{
    streams_t *self = worker->data;
    list_t now;
    bool has_offered = false;
    list_init (&now);
    for (list_t *first; (first = list_first (&self->ready));)
        list_append (&now, first);
    for (list_t *first; (first = list_first (&now));)
        has_offered |= s_work (LIST_THING (first, stream_t, ready));
    if (list_is_empty (&self->ready) && !has_offered)
        uv_idle_stop (&self->awake);
}

// ---------------------------------------------------------------------------------------------
//  The end

static void s_on_handle_closed (uv_handle_t *handle);

static void
s_on_closed (uv_handle_t *handle)
{
    stream_t *self = handle->data;
    streams_t *streams = self->streams;
    if (!self->is_told)
        self->events->closed (self->owner);
    list_remove (&self->all);
    streams->count--;
    tls_session_destroy (&self->tls);
    free (self);
    s_on_handle_closed ((uv_handle_t *) &streams->worker);
}

void
stream_close (stream_t *self)
{
    if (self->closing)
        return;
    self->closing = true;
    s_limit (self, STREAM_FREE, 0);
    list_remove (&self->ready);
    s_forget_kept (self);
    if (self->tls) {
        s_forget_sealed (self);
        tls_session_lost (self->tls, false);
    }
    uv_close ((uv_handle_t *) &self->tcp, s_on_closed);
}

//  Our end is said; now it is the peer's turn.
static void
s_on_shut (uv_shutdown_t *request, int status)
{
    stream_t *self = request->data;
    free (request);
    if (self->closing)
        return;
    if (status != 0 || self->has_ended)
        stream_close (self);
    else
        s_limit (self, STREAM_LINGER, stream_now (self));
}

void
stream_finish (stream_t *self)
{
    if (self->closing || self->finishing)
        return;
    if (self->tls) {
        s_forget_sealed (self);
        s_send (self, tls_session_end (self->tls));
    }
    if (self->closing)
        return;
    uv_shutdown_t *request = alloc_zeroed (sizeof *request);
    self->finishing = true;
    request->data = self;
    s_forget_kept (self);
    list_remove (&self->ready);
    s_limit (self, self->waiting ? STREAM_TAKE : STREAM_LINGER, stream_now (self));
    if (uv_shutdown (request, (uv_stream_t *) &self->tcp, s_on_shut) != 0) {
        free (request);
        stream_close (self);
        return;
    }
    s_start_reading (self);
}

// ---------------------------------------------------------------------------------------------
//  Life

stream_t *
stream_new (streams_t *streams, int descriptor, const stream_events_t *events, void *owner)
{
    stream_t *self = alloc_zeroed (sizeof *self);
    if (streams->config.tls)
        self->tls = tls_server_session (streams->config.tls);
    if ((streams->config.tls && !self->tls) || uv_tcp_init (streams->loop, &self->tcp) != 0) {
        tls_session_destroy (&self->tls);
        free (self);
        close (descriptor);
        return NULL;
    }
    self->tcp.data = self;
    self->streams = streams;
    self->events = events;
    self->owner = owner;
    list_init (&self->ready);
    list_init (&self->limited);
    list_init (&self->all);
    list_append (&streams->all, &self->all);
    streams->count++;
    streams->handles++;
    if (uv_tcp_open (&self->tcp, descriptor) != 0) {
        close (descriptor);
        stream_close (self);
    } else
        s_start_reading (self);
    if (self->tls && !self->closing)
        s_limit (self, STREAM_SHAKE, stream_now (self));
    return self;
}

void
stream_hand_over (stream_t *self, const stream_events_t *events, void *owner)
{
    self->events = events;
    self->owner = owner;
    self->is_handed = true;
}

uint64_t
streams_count (const streams_t *self)
{
    return self->count;
}

streams_t *
streams_new (uv_loop_t *loop, const streams_config_t *config)
{
    streams_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    self->config = *config;
    self->limited_count = self->count = 0;
    self->ending = false;
    self->handles = 2;
    list_init (&self->all);
    list_init (&self->ready);
    for (unsigned limit = 0; limit < STREAM_LIMITS; limit++)
        list_init (&self->limited[limit]);
    uv_prepare_init (loop, &self->worker);
    uv_idle_init (loop, &self->awake);
    self->tick = loop_timer_new (loop, s_on_tick, self);
    self->worker.data = self->awake.data = self;
    uv_prepare_start (&self->worker, s_before_sleep);
    return self;
}

//  The last of its handles, those of the streams included, takes its memory along.
static void
s_on_handle_closed (uv_handle_t *handle)
{
    streams_t *self = handle->data;
    if (--self->handles == 0)
        free (self);
}

void
streams_destroy (streams_t **self_p)
{
    streams_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    self->ending = true;
    for (list_t *at = self->all.next; at != &self->all; at = at->next) {
        stream_t *stream = LIST_THING (at, stream_t, all);
        stream_close (stream);
        stream->is_told = true;
        stream->events->closed (stream->owner);
    }
    uv_close ((uv_handle_t *) &self->worker, s_on_handle_closed);
    uv_close ((uv_handle_t *) &self->awake, s_on_handle_closed);
    loop_timer_destroy (&self->tick);
}
