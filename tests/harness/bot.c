//  bot — see bot.h.

#include "bot.h"
#include "bot_chunks.h"

#include "wait_report.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define REQUEST_MOST (4u << 20)
#define REQUESTS_KEPT 4096
#define DRIBBLE_MS 20

typedef struct rule {
    char *text;
    unsigned times; //  left; 0: for ever
    bool is_used_up;
    bot_reply_t reply;
    struct rule *next;
} rule_t;

struct bot {
    pthread_t thread;
    pthread_mutex_t mutex; //  rules, requests, connections
    uv_loop_t loop;
    uv_tcp_t listener;
    uv_async_t stop;
    char url[64];
    uint16_t port;
    rule_t *rules;
    char *requests[REQUESTS_KEPT];
    unsigned request_count;
    bool keeps_none;
    uint64_t closes_idle_ms;
    bool resets_kept;
    char *unasked; //  NULL: nothing
    uint64_t unasked_ms;
    bool unasked_closes;
    unsigned connections;
    unsigned accepted;
};

typedef struct {
    uv_tcp_t socket;
    uv_timer_t timer;
    unsigned open_handles;
    bot_t *bot;
    char *request;
    size_t size;
    char *answer;
    size_t answer_size;
    size_t written;
    size_t head_size; //  of BOT_PARTS
    uint64_t every_ms;
    bot_manner_t manner;
    bool is_busy; //  with a request
    bool is_kept; //  after an answer
} connection_t;

typedef struct {
    uv_write_t write;
    char bytes[];
} write_t;

static void
s_handle_closed (uv_handle_t *handle)
{
    connection_t *self = handle->data;
    if (--self->open_handles > 0)
        return;
    pthread_mutex_lock (&self->bot->mutex);
    self->bot->connections--;
    pthread_mutex_unlock (&self->bot->mutex);
    free (self->request);
    free (self->answer);
    free (self);
}

static void
s_close (connection_t *self)
{
    if (!uv_is_closing ((uv_handle_t *) &self->socket)) {
        uv_close ((uv_handle_t *) &self->socket, s_handle_closed);
        uv_close ((uv_handle_t *) &self->timer, s_handle_closed);
    }
}

static void
s_reset (connection_t *self)
{
    if (!uv_is_closing ((uv_handle_t *) &self->socket)) {
        uv_close ((uv_handle_t *) &self->timer, s_handle_closed);
        if (uv_tcp_close_reset (&self->socket, s_handle_closed) != 0)
            uv_close ((uv_handle_t *) &self->socket, s_handle_closed);
    }
}

static void s_next_request (connection_t *self);

static void
s_written (uv_write_t *write, int status)
{
    connection_t *self = write->data;
    free (write);
    bool closes = self->manner == BOT_CUTS || self->manner == BOT_SAYS_RAW
                  || self->manner == BOT_PARTS_CUT;
    bool stops = self->manner == BOT_STOPS || self->manner == BOT_PARTS_STOP;
    if (status != 0 || (self->written == self->answer_size && closes))
        s_close (self);
    else if (self->written == self->answer_size && !stops)
        s_next_request (self);
}

static void
s_write (connection_t *self, size_t size)
{
    write_t *write = malloc (sizeof *write + size);
    assert (write);
    memcpy (write->bytes, self->answer + self->written, size);
    self->written += size;
    write->write.data = self;
    uv_buf_t buffer = uv_buf_init (write->bytes, (unsigned) size);
    uv_write (&write->write, (uv_stream_t *) &self->socket, &buffer, 1, s_written);
}

static void
s_dribble (uv_timer_t *timer)
{
    connection_t *self = timer->data;
    if (self->written < self->answer_size)
        s_write (self, 1);
    else
        uv_timer_stop (timer);
}

//  The head, then piece by piece.
static void
s_say_part (uv_timer_t *timer)
{
    connection_t *self = timer->data;
    if (self->written < self->head_size) {
        s_write (self, self->head_size);
        return;
    }
    const char *piece = self->answer + self->written;
    const char *mark = memchr (piece, '\x1e', self->answer_size - self->written);
    if (mark) {
        size_t size = (size_t) (mark - piece);
        self->written++; //  the mark itself is not said
        memmove (self->answer + self->written, piece, size);
        s_write (self, size);
    } else {
        uv_timer_stop (timer);
        s_write (self, self->answer_size - self->written);
    }
}

static bool
s_is_in_parts (bot_manner_t manner)
{
    return manner == BOT_PARTS || manner == BOT_PARTS_CUT || manner == BOT_PARTS_STOP;
}

static void
s_answer (uv_timer_t *timer)
{
    connection_t *self = timer->data;
    switch (self->manner) {
    case BOT_HANGS:
        return;
    case BOT_CLOSES:
        s_close (self);
        return;
    case BOT_RESETS:
        s_reset (self);
        return;
    case BOT_DRIBBLES:
        uv_timer_start (&self->timer, s_dribble, 0, DRIBBLE_MS);
        return;
    case BOT_PARTS:
    case BOT_PARTS_CUT:
    case BOT_PARTS_STOP:
        uv_timer_start (&self->timer, s_say_part, 0, self->every_ms);
        return;
    default:
        s_write (self, self->answer_size);
    }
}

//  The visitor's words as they stand in the request's JSON, with their escapes; "" when it has
//  none.
static char *
s_raw_query (const char *request)
{
    const char *at = strstr (request, "\"rawQuery\"");
    at = at ? strchr (at + strlen ("\"rawQuery\""), '"') : NULL;
    size_t size = 0;
    while (at && at[1 + size] && at[1 + size] != '"')
        size += at[1 + size] == '\\' && at[2 + size] ? 2 : 1;
    char *words = strndup (at ? at + 1 : "", size);
    assert (words);
    return words;
}

//  The reply's body with the visitor's words in the place of "$rawQuery".
static char *
s_filled_in (const bot_reply_t *reply, const char *request, size_t *size)
{
    static const char s_place[] = "$rawQuery";
    const char *from = reply->body ? reply->body : "";
    const char *place = strstr (from, s_place);
    size_t before = place ? (size_t) (place - from) : strlen (from);
    char *words = place ? s_raw_query (request) : strdup ("");
    char *body;
    if (reply->body_size) {
        free (words);
        body = malloc (reply->body_size);
        assert (body);
        *size = reply->body_size;
        return memcpy (body, reply->body, reply->body_size);
    }
    int said = asprintf (&body, "%.*s%s%s%*s", (int) before, from, words,
                         place ? place + strlen (s_place) : "", (int) reply->filler, "");
    assert (said >= 0);
    free (words);
    *size = (size_t) said;
    return body;
}

static void
s_compose (connection_t *self, const bot_reply_t *reply, const char *request)
{
    char head[1000];
    size_t size;
    char *body = s_filled_in (reply, request, &size);
    size_t sent = size;
    char length[60] = "Transfer-Encoding: chunked\r\n";
    if (reply->manner == BOT_CHUNKS) {
        char *chunks = bot_chunked (body, size, &sent);
        free (body);
        body = chunks;
    } else if (s_is_in_parts (reply->manner)) {
        char *parts = bot_in_parts (body, size, reply->manner == BOT_PARTS, &sent);
        free (body);
        body = parts;
    } else
        snprintf (length, sizeof length, "Content-Length: %zu\r\n", size);
    self->manner = reply->manner;
    self->every_ms = reply->every_ms ? reply->every_ms : DRIBBLE_MS;
    if (reply->manner == BOT_SAYS_RAW) {
        self->answer = body;
        self->answer_size = size;
        return;
    }
    if (reply->manner == BOT_CUTS || reply->manner == BOT_STOPS)
        sent /= 2;
    int head_size =
        snprintf (head, sizeof head, "HTTP/1.1 %d Scripted\r\nContent-Type: %s\r\n%s%s\r\n",
                  reply->status ? reply->status : 200,
                  reply->type ? reply->type : "application/json",
                  length, reply->headers ? reply->headers : "");
    assert (head_size > 0 && (size_t) head_size < sizeof head);
    self->answer = malloc ((size_t) head_size + sent + 1);
    assert (self->answer);
    memcpy (self->answer, head, (size_t) head_size);
    memcpy (self->answer + head_size, body, sent);
    self->head_size = (size_t) head_size;
    self->answer_size = (size_t) head_size + sent;
    free (body);
}

//  The rule for this request; its times are counted. With the mutex held.
static const bot_reply_t *
s_find_reply (bot_t *self, const char *request)
{
    static const bot_reply_t usual = { .body = "{\"outputSpeech\":\"ok\"}" };
    for (rule_t *rule = self->rules; rule; rule = rule->next) {
        if (rule->is_used_up || !strstr (request, rule->text))
            continue;
        if (rule->times > 0 && --rule->times == 0)
            rule->is_used_up = true;
        return &rule->reply;
    }
    return &usual;
}

static void
s_take_request (connection_t *self, size_t size)
{
    bot_t *bot = self->bot;
    char *request = strndup (self->request, size);
    assert (request);
    memmove (self->request, self->request + size, self->size - size + 1);
    self->size -= size;
    self->is_busy = true;
    pthread_mutex_lock (&bot->mutex);
    assert (bot->keeps_none || bot->request_count < REQUESTS_KEPT);
    if (!bot->keeps_none)
        bot->requests[bot->request_count++] = request;
    const bot_reply_t *reply = s_find_reply (bot, request);
    uint64_t after_ms = reply->after_ms;
    s_compose (self, reply, request);
    if (bot->keeps_none)
        free (request);
    pthread_mutex_unlock (&bot->mutex);
    uv_timer_start (&self->timer, s_answer, after_ms, 0);
}

//  How long the request at the beginning is; 0 when it is not all there.
static size_t
s_request_size (const connection_t *self)
{
    const char *end = self->size ? strstr (self->request, "\r\n\r\n") : NULL;
    if (!end)
        return 0;
    const char *length = strcasestr (self->request, "content-length:");
    size_t size = (size_t) (end + 4 - self->request)
                  + (length && length < end ? strtoul (length + 15, NULL, 10) : 0);
    return size <= self->size ? size : 0;
}

static void
s_idle_too_long (uv_timer_t *timer)
{
    s_close (timer->data);
}

static uint64_t
s_closes_idle_ms (bot_t *self)
{
    pthread_mutex_lock (&self->mutex);
    uint64_t after_ms = self->closes_idle_ms;
    pthread_mutex_unlock (&self->mutex);
    return after_ms;
}

static bool
s_resets_kept (bot_t *self)
{
    pthread_mutex_lock (&self->mutex);
    bool resets = self->resets_kept;
    pthread_mutex_unlock (&self->mutex);
    return resets;
}

static void
s_speak_unasked (uv_timer_t *timer)
{
    connection_t *self = timer->data;
    bot_t *bot = self->bot;
    pthread_mutex_lock (&bot->mutex);
    char *bytes = bot->unasked;
    bot->unasked = NULL;
    bool closes = bot->unasked_closes;
    pthread_mutex_unlock (&bot->mutex);
    if (bytes) {
        uv_buf_t buffer = uv_buf_init (bytes, (unsigned) strlen (bytes));
        (void) uv_try_write ((uv_stream_t *) &self->socket, &buffer, 1);
        free (bytes);
    }
    if (closes)
        s_close (self);
}

//  0: it says nothing unasked.
static uint64_t
s_unasked_ms (bot_t *self)
{
    pthread_mutex_lock (&self->mutex);
    uint64_t after_ms = self->unasked ? self->unasked_ms : 0;
    pthread_mutex_unlock (&self->mutex);
    return after_ms;
}

static void
s_next_request (connection_t *self)
{
    self->is_kept = self->is_kept || self->answer;
    free (self->answer);
    self->answer = NULL;
    self->answer_size = self->written = 0;
    self->is_busy = false;
    size_t size = s_request_size (self);
    uint64_t idle_ms = self->is_kept && self->size == 0 ? s_closes_idle_ms (self->bot) : 0;
    uint64_t unasked_ms = self->is_kept && self->size == 0 ? s_unasked_ms (self->bot) : 0;
    if (size > 0)
        s_take_request (self, size);
    else if (unasked_ms > 0)
        uv_timer_start (&self->timer, s_speak_unasked, unasked_ms, 0);
    else if (idle_ms > 0)
        uv_timer_start (&self->timer, s_idle_too_long, idle_ms, 0);
}

static void
s_room (uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    (void) wanted;
    connection_t *self = handle->data;
    self->request = realloc (self->request, self->size + 4097);
    assert (self->request && self->size < REQUEST_MOST);
    *buffer = uv_buf_init (self->request + self->size, 4096);
}

static void
s_read (uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    (void) buffer;
    connection_t *self = stream->data;
    if (size < 0) {
        s_close (self);
        return;
    }
    if (self->is_kept && !self->is_busy && s_resets_kept (self->bot)) {
        s_reset (self);
        return;
    }
    self->size += (size_t) size;
    self->request[self->size] = '\0';
    if (!self->is_busy)
        s_next_request (self);
}

static void
s_accept (uv_stream_t *listener, int status)
{
    bot_t *bot = listener->data;
    if (status != 0)
        return;
    connection_t *self = calloc (1, sizeof *self);
    assert (self);
    self->bot = bot;
    self->open_handles = 2;
    uv_tcp_init (&bot->loop, &self->socket);
    uv_timer_init (&bot->loop, &self->timer);
    self->socket.data = self->timer.data = self;
    pthread_mutex_lock (&bot->mutex);
    bot->connections++;
    bot->accepted++;
    pthread_mutex_unlock (&bot->mutex);
    if (uv_accept (listener, (uv_stream_t *) &self->socket) != 0)
        s_close (self);
    else
        uv_read_start ((uv_stream_t *) &self->socket, s_room, s_read);
}

static void
s_close_any (uv_handle_t *handle, void *owner)
{
    bot_t *bot = owner;
    if (uv_is_closing (handle))
        return;
    bool is_own = handle == (uv_handle_t *) &bot->listener || handle == (uv_handle_t *) &bot->stop;
    uv_close (handle, is_own ? NULL : s_handle_closed);
}

static void
s_stop (uv_async_t *async)
{
    bot_t *self = async->data;
    uv_walk (&self->loop, s_close_any, self);
}

static void *
s_run (void *arg)
{
    bot_t *self = arg;
    uv_run (&self->loop, UV_RUN_DEFAULT);
    return NULL;
}

bot_t *
bot_new (void)
{
    bot_t *self = calloc (1, sizeof *self);
    assert (self);
    struct sockaddr_in address;
    int size = sizeof address;
    pthread_mutex_init (&self->mutex, NULL);
    uv_loop_init (&self->loop);
    uv_tcp_init (&self->loop, &self->listener);
    uv_async_init (&self->loop, &self->stop, s_stop);
    self->listener.data = self->stop.data = self;
    uv_ip4_addr ("127.0.0.1", 0, &address);
    int rc = uv_tcp_bind (&self->listener, (struct sockaddr *) &address, 0);
    assert (rc == 0);
    rc = uv_listen ((uv_stream_t *) &self->listener, 2048, s_accept);
    assert (rc == 0);
    uv_tcp_getsockname (&self->listener, (struct sockaddr *) &address, &size);
    self->port = ntohs (address.sin_port);
    snprintf (self->url, sizeof self->url, "http://127.0.0.1:%u/bot", self->port);
    rc = pthread_create (&self->thread, NULL, s_run, self);
    assert (rc == 0);
    return self;
}

void
bot_destroy (bot_t **self_p)
{
    bot_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    uv_async_send (&self->stop);
    pthread_join (self->thread, NULL);
    uv_loop_close (&self->loop);
    bot_forget_rules (self);
    for (unsigned index = 0; index < self->request_count; index++)
        free (self->requests[index]);
    pthread_mutex_destroy (&self->mutex);
    free (self);
}

uint16_t
bot_port (const bot_t *self)
{
    return self->port;
}

const char *
bot_url (const bot_t *self)
{
    return self->url;
}

static char *
s_copy (const char *text)
{
    return text ? strdup (text) : NULL;
}

static char *
s_copy_body (const bot_reply_t *reply)
{
    if (reply->body_size == 0)
        return s_copy (reply->body);
    char *copy = malloc (reply->body_size);
    assert (copy);
    return memcpy (copy, reply->body, reply->body_size);
}

void
bot_rule (bot_t *self, const char *text, unsigned times, const bot_reply_t *reply)
{
    rule_t *rule = calloc (1, sizeof *rule);
    assert (rule);
    rule->text = s_copy (text);
    rule->times = times;
    rule->reply = *reply;
    rule->reply.type = s_copy (reply->type);
    rule->reply.headers = s_copy (reply->headers);
    rule->reply.body = s_copy_body (reply);
    pthread_mutex_lock (&self->mutex);
    rule_t **last = &self->rules;
    while (*last)
        last = &(*last)->next;
    *last = rule;
    pthread_mutex_unlock (&self->mutex);
}

void
bot_says (bot_t *self, const char *text, const char *json)
{
    bot_rule (self, text, 0, &(bot_reply_t){ .body = json });
}

void
bot_closes_idle (bot_t *self, uint64_t after_ms)
{
    pthread_mutex_lock (&self->mutex);
    self->closes_idle_ms = after_ms;
    pthread_mutex_unlock (&self->mutex);
}

void
bot_speaks_unasked (bot_t *self, uint64_t after_ms, const char *bytes, bool closes)
{
    pthread_mutex_lock (&self->mutex);
    free (self->unasked);
    self->unasked = s_copy (bytes);
    self->unasked_ms = after_ms;
    self->unasked_closes = closes;
    pthread_mutex_unlock (&self->mutex);
}

void
bot_resets_kept (bot_t *self)
{
    pthread_mutex_lock (&self->mutex);
    self->resets_kept = true;
    pthread_mutex_unlock (&self->mutex);
}

void
bot_keep_no_requests (bot_t *self)
{
    pthread_mutex_lock (&self->mutex);
    self->keeps_none = true;
    pthread_mutex_unlock (&self->mutex);
}

void
bot_forget_rules (bot_t *self)
{
    pthread_mutex_lock (&self->mutex);
    while (self->rules) {
        rule_t *rule = self->rules;
        self->rules = rule->next;
        free (rule->text);
        free ((char *) rule->reply.type);
        free ((char *) rule->reply.headers);
        free ((char *) rule->reply.body);
        free (rule);
    }
    pthread_mutex_unlock (&self->mutex);
}

unsigned
bot_asked (bot_t *self, const char *text)
{
    unsigned count = 0;
    pthread_mutex_lock (&self->mutex);
    for (unsigned index = 0; index < self->request_count; index++)
        count += strstr (self->requests[index], text) != NULL;
    pthread_mutex_unlock (&self->mutex);
    wait_report_saw (text, "asked of the bot %u times", count);
    return count;
}

char *
bot_request (bot_t *self, const char *text)
{
    char *request = NULL;
    pthread_mutex_lock (&self->mutex);
    for (unsigned index = self->request_count; index-- > 0 && !request;)
        if (strstr (self->requests[index], text))
            request = strdup (self->requests[index]);
    pthread_mutex_unlock (&self->mutex);
    return request;
}

unsigned
bot_accepted (bot_t *self)
{
    pthread_mutex_lock (&self->mutex);
    unsigned accepted = self->accepted;
    pthread_mutex_unlock (&self->mutex);
    return accepted;
}

unsigned
bot_connections (bot_t *self)
{
    pthread_mutex_lock (&self->mutex);
    unsigned connections = self->connections;
    pthread_mutex_unlock (&self->mutex);
    return connections;
}
