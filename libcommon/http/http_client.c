#include "http/http_client.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/loop_timer.h"
#include "http/bearer.h"
#include "http/http_metrics.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include "base/hash_table.h"

struct http_client {
    CURLM *multi;
    uv_loop_t *loop;
    http_means_t means;
    http_pace_t *pace;
    struct call *calls; //  by number
    list_t grown;       //  calls whose owners are to be told so
    http_call_t last;
};

//  It waits for its token, then for its turn, then for the answer; a 401 begins once more.
typedef struct call {
    http_call_t number;
    http_client_t *client;
    http_exchange_t *exchange;
    char *origin;
    bool is_running; //  curl has it
    bool is_renewed; //  its token, after a 401
    bool takes_401;
    bearer_t *bearer; //  NULL: none
    bearer_wait_t token;
    uint64_t serial; //  of the token that was sent
    http_turn_t turn;
    uint64_t began_us;
    uint64_t until_ms;
    uint64_t more_ms;        //  that it may be given on top; 0: curl's own time limit ends it
    loop_timer_t *timer;     //  while curl does not have it, or it may be given more time
    http_outcome_t ends_as;  //  when the timer fires
    http_answer_fn *answered;
    http_answer_fn *grows; //  or NULL
    list_t growth;         //  in the client's list when there is something to call it with
    void *owner;
    UT_hash_handle hh;
} call_t;

static void
s_stop (call_t *self)
{
    if (self->is_running)
        curl_multi_remove_handle (self->client->multi, http_exchange_easy (self->exchange));
    self->is_running = false;
}

//  It waits for nothing any more, and is known to nobody but whoever has it.
static void
s_forget (call_t *self)
{
    http_metrics_count (HTTP_IN_FLIGHT, -1);
    http_metrics_count (HTTP_QUEUED, -(self->turn.origin != NULL));
    http_pace_leave (&self->turn);
    bearer_leave (&self->token);
    loop_timer_stop (self->timer);
    list_remove (&self->growth);
    HASH_DEL (self->client->calls, self);
}

static void
s_free_call (call_t **self_p)
{
    call_t *self = *self_p;
    *self_p = NULL;
    s_stop (self);
    http_exchange_destroy (&self->exchange);
    free (self->origin);
    loop_timer_destroy (&self->timer);
    free (self);
}

//  The owner may begin and cancel calls; this one is finished to it.
static void
s_answer (call_t *self, http_answer_t *answer)
{
    s_forget (self);
    answer->took_us = clock_mono_us () - self->began_us;
    http_metrics_count (HTTP_ENDED_FIRST + answer->outcome, 1);
    self->answered (self->owner, self->number, answer);
    s_free_call (&self);
}

static void
s_timer_fired (void *owner)
{
    call_t *self = owner;
    http_answer_t answer = { .outcome = self->ends_as,
                             .head = TEXT_EMPTY,
                             .content_type = TEXT_EMPTY,
                             .body = TEXT_EMPTY,
                             .error = http_outcome_words (self->ends_as) };
    if (self->is_running) //  its time is over: it ends as by curl's own limit
        http_exchange_read (self->exchange, CURLE_OPERATION_TIMEDOUT, &answer);
    s_answer (self, &answer);
}

static uint64_t
s_left_ms (const call_t *self)
{
    uint64_t now_ms = clock_mono_ms ();
    return self->until_ms > now_ms ? self->until_ms - now_ms : 0;
}

//  Ends so unless something else happens within that time.
static void
s_ends_as (call_t *self, http_outcome_t outcome, uint64_t within_ms)
{
    self->ends_as = outcome;
    loop_timer_start_ms (self->timer, within_ms, 0);
}

static void s_take_token (call_t *self);

//  The token may have been refused to somebody else while this call waited for its turn.
static void
s_run (call_t *self)
{
    if (self->bearer && !*bearer_token (self->bearer)) {
        s_take_token (self);
        return;
    }
    uint64_t left_ms = s_left_ms (self);
    left_ms = left_ms > 0 ? left_ms : 1;
    loop_timer_stop (self->timer);
    http_exchange_begin (self->exchange, self->bearer ? bearer_token (self->bearer) : "",
                         left_ms, self->more_ms);
    self->serial = self->bearer ? bearer_serial (self->bearer) : 0;
    CURL *easy = http_exchange_easy (self->exchange);
    curl_easy_setopt (easy, CURLOPT_PRIVATE, self);
    self->is_running = curl_multi_add_handle (self->client->multi, easy) == CURLM_OK;
    if (!self->is_running)
        s_ends_as (self, HTTP_LIBRARY, 0);
    else if (self->more_ms > 0)
        s_ends_as (self, HTTP_TIMED_OUT, left_ms);
}

static void
s_turn_came (http_turn_t *turn)
{
    http_metrics_count (HTTP_QUEUED, -1);
    s_run (LIST_THING (turn, call_t, turn));
}

static void
s_take_turn (call_t *self)
{
    switch (http_pace_take (self->client->pace, self->origin, &self->turn)) {
    case HTTP_TURN_NOW:
        s_run (self);
        return;
    case HTTP_TURN_LATER:
        http_metrics_count (HTTP_QUEUED, 1);
        s_ends_as (self, HTTP_QUEUE_TIMED_OUT, s_left_ms (self));
        return;
    case HTTP_TURN_NEVER:
        s_ends_as (self, HTTP_QUEUE_FULL, 0);
    }
}

static void
s_take_token (call_t *self)
{
    switch (self->bearer ? bearer_want (self->bearer, &self->token) : BEARER_HERE) {
    case BEARER_HERE:
        s_take_turn (self);
        return;
    case BEARER_LATER:
        s_ends_as (self, HTTP_NO_TOKEN, s_left_ms (self));
        return;
    case BEARER_NEVER:
        s_ends_as (self, HTTP_NO_TOKEN, 0);
    }
}

static void
s_token_came (bearer_wait_t *wait)
{
    s_take_token (LIST_THING (wait, call_t, token));
}

//  A 429 is about the origin, not only about this call.
static void
s_hold (call_t *self, const http_answer_t *answer)
{
    if (answer->retry_after_ms > 0 && (answer->status == 429 || answer->status == 503))
        http_pace_hold (self->client->pace, self->origin, answer->retry_after_ms);
}

static void
s_ended (call_t *self, CURLcode result)
{
    http_answer_t answer;
    http_exchange_read (self->exchange, result, &answer);
    s_hold (self, &answer);
    bool is_refused = answer.status == 401 && self->bearer && !self->is_renewed;
    if (is_refused)
        bearer_refused (self->bearer, self->serial);
    if (is_refused && !self->takes_401) {
        self->is_renewed = true;
        s_stop (self);
        s_take_token (self);
    } else
        s_answer (self, &answer);
}

//  Within curl's own callbacks: the owner is told later.
static void
s_has_grown (void *owner)
{
    call_t *self = owner;
    list_append (&self->client->grown, &self->growth);
}

//  Tells the owners of all whose bodies have grown; each may cancel any call.
static void
s_tell_growth (http_client_t *self)
{
    list_t *link;
    while ((link = list_first (&self->grown))) {
        call_t *call = LIST_THING (link, call_t, growth);
        http_answer_t answer;
        list_remove (link);
        http_exchange_so_far (call->exchange, &answer);
        call->grows (call->owner, call->number, &answer);
    }
}

//  Tells the owners of all that has ended, and of what has grown. Outside of curl's own callbacks,
//  so that an owner may
//  begin and cancel calls from here.
static void
s_harvest (void *owner)
{
    http_client_t *self = owner;
    CURLMsg *message;
    int more;
    while ((message = curl_multi_info_read (self->multi, &more))) {
        CURLcode result = message->data.result;
        call_t *call = NULL;
        curl_easy_getinfo (message->easy_handle, CURLINFO_PRIVATE, (char **) &call);
        if (message->msg == CURLMSG_DONE)
            s_ended (call, result);
    }
    s_tell_growth (self);
}

static const char *
s_or_none (const char *text)
{
    return text ? text : "";
}

http_client_t *
http_client_new (uv_loop_t *loop, const http_client_config_t *config)
{
    static bool is_ready;
    if (!is_ready && curl_global_init (CURL_GLOBAL_DEFAULT) != 0)
        return NULL;
    is_ready = true;
    address_guard_t *guard = NULL;
    if (config->is_guarded && !(guard = address_guard_new (s_or_none (config->allowed))))
        return NULL;
    http_metrics_start (HTTP_METRICS_CLIENT);
    http_client_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    list_init (&self->grown);
    self->multi = curl_multi_init ();
    assert (self->multi);
    curl_multi_setopt (self->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                       (long) config->connections_per_host);
    self->means = (http_means_t){ .sockets = http_sockets_new (loop, self->multi, s_harvest, self),
                                  .guard = guard,
                                  .keeps_clear = config->keeps_clear,
                                  .proxy = alloc_string (config->proxy),
                                  .no_proxy = alloc_string (config->no_proxy),
                                  .ca_file = alloc_string (config->ca_file) };
    self->pace = http_pace_new (loop, &config->rate, s_turn_came);
    return self;
}

void
http_client_destroy (http_client_t **self_p)
{
    http_client_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    call_t *call, *next;
    HASH_ITER (hh, self->calls, call, next)
    {
        s_forget (call);
        s_free_call (&call);
    }
    http_pace_destroy (&self->pace);
    curl_multi_cleanup (self->multi);
    http_sockets_destroy (&self->means.sockets);
    address_guard_destroy (&self->means.guard);
    free (self->means.proxy);
    free (self->means.no_proxy);
    free (self->means.ca_file);
    free (self);
}

bool
http_client_is_token (const char *word)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return *word && word[strspn (word, allowed)] == '\0';
}

static call_t *
s_call_new (http_client_t *client, const http_request_t *request, const http_url_t *url)
{
    http_exchange_t *exchange = http_exchange_new (&client->means, request, url);
    if (!exchange)
        return NULL;
    call_t *self = alloc_zeroed (sizeof *self);
    self->number = ++client->last;
    self->client = client;
    self->exchange = exchange;
    self->origin = alloc_string (url->origin);
    self->bearer = request->bearer;
    self->takes_401 = request->takes_401;
    self->token.come = s_token_came;
    self->began_us = clock_mono_us ();
    self->until_ms = clock_mono_ms () + request->timeout_ms;
    if (request->longest_ms > request->timeout_ms)
        self->more_ms = request->longest_ms - request->timeout_ms;
    list_init (&self->growth);
    self->timer = loop_timer_new (client->loop, s_timer_fired, self);
    HASH_ADD (hh, client->calls, number, sizeof self->number, self);
    http_metrics_count (HTTP_IN_FLIGHT, 1);
    return self;
}

http_call_t
http_client_send (http_client_t *self, const http_request_t *request, http_answer_fn *answered,
                  void *owner)
{
    http_url_t url;
    if (http_url_read (&url, request->url) != 0) {
        errno = EINVAL;
        return 0;
    }
    call_t *call = s_call_new (self, request, &url);
    http_url_free (&url);
    if (!call)
        return 0;
    call->answered = answered;
    call->owner = owner;
    if (http_exchange_blocked (call->exchange))
        s_ends_as (call, HTTP_BLOCKED, 0);
    else
        s_take_token (call);
    return call->number;
}

static call_t *
s_find (http_client_t *self, http_call_t number)
{
    call_t *call;
    HASH_FIND (hh, self->calls, &number, sizeof number, call);
    return call;
}

void
http_client_follow (http_client_t *self, http_call_t number, http_answer_fn *grows)
{
    call_t *call = s_find (self, number);
    if (!call)
        return;
    call->grows = grows;
    http_exchange_follow (call->exchange, s_has_grown, call);
}

void
http_client_wait (http_client_t *self, http_call_t number, uint64_t within_ms)
{
    call_t *call = s_find (self, number);
    if (call && call->is_running && call->more_ms > 0)
        s_ends_as (call, HTTP_TIMED_OUT, within_ms);
}

void
http_client_cancel (http_client_t *self, http_call_t number)
{
    call_t *call = s_find (self, number);
    if (!call)
        return;
    s_forget (call);
    s_free_call (&call);
}
