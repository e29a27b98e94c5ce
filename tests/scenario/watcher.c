//  watcher — see watcher.h.

#include "watcher.h"

#include "base/clock.h"
#include "http_get.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define AGENT "userId=watch&isAdmin=true"
#define ROOM (1 << 20)
#define AGAIN_MS 100

struct watcher {
    router_stack_t *stack;
    unsigned edge;
    const char *const *sessions;
    unsigned count;
    json_object **rows;
    int handle; //  −1: not connected
    uint64_t again_ms;
    char heard[ROOM];
    size_t size;
    bool has_head;
    bool is_subscribed;
    bool must_query;
    unsigned row_count, query_count;
};

static int64_t
s_seq (json_object *row)
{
    return row ? json_object_get_int64 (json_object_object_get (row, "lastSeq")) : -1;
}

static const char *
s_text (json_object *object, const char *name)
{
    const char *text = json_object_get_string (json_object_object_get (object, name));
    return text ? text : "";
}

//  The newer one counts.
static void
s_apply (watcher_t *self, unsigned session, json_object *row)
{
    if (s_seq (row) < s_seq (self->rows[session])) {
        json_object_put (row);
        return;
    }
    json_object_put (self->rows[session]);
    self->rows[session] = row;
}

static void
s_forget (watcher_t *self)
{
    for (unsigned at = 0; at < self->count; at++) {
        json_object_put (self->rows[at]);
        self->rows[at] = NULL;
    }
}

// ---------------------------------------------------------------------------------------------
//  The connection

static void
s_hang_up (watcher_t *self)
{
    if (self->handle != -1)
        close (self->handle);
    self->handle = -1;
    self->size = 0;
    self->has_head = self->is_subscribed = self->must_query = false;
    self->again_ms = clock_mono_ms () + AGAIN_MS;
    s_forget (self);
}

static void
s_connect (watcher_t *self)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons (stack_edge_port (self->stack, self->edge)),
                              .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    static const char request[] = "GET /api/v1/feed?" AGENT " HTTP/1.1\r\nHost: h\r\n\r\n";
    if (clock_mono_ms () < self->again_ms)
        return;
    self->handle = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_neq (self->handle, -1);
    if (connect (self->handle, (struct sockaddr *) &to, sizeof to) != 0
        || send (self->handle, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
        s_hang_up (self);
}

static unsigned
s_session (const watcher_t *self, const char *id)
{
    unsigned at = 0;
    while (at < self->count && strcmp (self->sessions[at], id) != 0)
        at++;
    return at;
}

static void
s_on_event (watcher_t *self, const char *name, const char *data)
{
    if (strcmp (name, "ready") == 0 || strcmp (name, "resync") == 0) {
        self->is_subscribed = self->must_query = true;
        s_forget (self);
    } else if (strcmp (name, "session") == 0) {
        json_object *row = json_tokener_parse (data);
        cr_assert (row, "no JSON: %s", data);
        unsigned session = s_session (self, s_text (row, "sessionId"));
        self->row_count++;
        if (session < self->count)
            s_apply (self, session, row);
        else
            json_object_put (row);
    } else
        cr_assert_str_eq (name, "end");
}

//  One event: its lines, without the empty one.
static void
s_read_event (watcher_t *self, char *event)
{
    char *name = strstr (event, "event: "), *data = strstr (event, "data: ");
    if (!name || !data)
        return; //  a comment
    name += strlen ("event: ");
    data += strlen ("data: ");
    name[strcspn (name, "\n")] = '\0';
    data[strcspn (data, "\n")] = '\0';
    s_on_event (self, name, data);
}

static void
s_read (watcher_t *self)
{
    self->heard[self->size] = '\0';
    char *from = self->heard, *end;
    if (!self->has_head) {
        if (!(end = strstr (from, "\r\n\r\n")))
            return;
        if (strncmp (from, "HTTP/1.1 200 ", 13) != 0) {
            s_hang_up (self); //  503: no postoffice, or the edge ends
            return;
        }
        self->has_head = true;
        from = end + 4;
    }
    while ((end = strstr (from, "\n\n"))) {
        end[1] = '\0';
        s_read_event (self, from);
        from = end + 2;
    }
    self->size -= (size_t) (from - self->heard);
    memmove (self->heard, from, self->size);
}

static void
s_hear (watcher_t *self)
{
    for (;;) {
        cr_assert_lt (self->size, ROOM - 1);
        ssize_t got = recv (self->handle, self->heard + self->size, ROOM - 1 - self->size,
                            MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            s_hang_up (self);
            return;
        }
        self->size += (size_t) got;
        s_read (self);
        if (self->handle == -1)
            return;
    }
}

// ---------------------------------------------------------------------------------------------
//  The rule

json_object *
watcher_ask (router_stack_t *stack, unsigned edge)
{
    http_answer_t answer = http_get (stack_edge_port (stack, edge),
                                     "/api/v1/sessions?limit=200&" AGENT, NULL);
    json_object *page = answer.status == 200 ? json_tokener_parse (answer.body) : NULL;
    json_object *items = json_object_get (json_object_object_get (page, "items"));
    json_object_put (page);
    http_answer_free (&answer);
    return items;
}

json_object *
watcher_find (json_object *rows, const char *session)
{
    for (size_t at = 0; at < json_object_array_length (rows); at++) {
        json_object *row = json_object_array_get_idx (rows, at);
        if (strcmp (s_text (row, "sessionId"), session) == 0)
            return row;
    }
    return NULL;
}

//  When it is not answered it is begun anew with the next look.
static void
s_query (watcher_t *self)
{
    json_object *rows = watcher_ask (self->stack, self->edge);
    self->query_count++;
    self->must_query = !rows;
    for (unsigned at = 0; rows && at < self->count; at++) {
        json_object *row = watcher_find (rows, self->sessions[at]);
        if (row)
            s_apply (self, at, json_object_get (row));
    }
    json_object_put (rows);
}

void
watcher_listen (watcher_t *self)
{
    if (self->handle == -1)
        s_connect (self);
    if (self->handle == -1)
        return;
    s_hear (self);
    if (self->must_query)
        s_query (self);
}

watcher_t *
watcher_new (router_stack_t *stack, unsigned edge, const char *const *sessions, unsigned count)
{
    watcher_t *self = calloc (1, sizeof *self);
    cr_assert (self);
    self->stack = stack;
    self->edge = edge;
    self->sessions = sessions;
    self->count = count;
    self->rows = calloc (count, sizeof *self->rows);
    cr_assert (self->rows);
    self->handle = -1;
    return self;
}

void
watcher_destroy (watcher_t **self_p)
{
    watcher_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    s_hang_up (self);
    free (self->rows);
    free (self);
}

bool
watcher_knows_all (const watcher_t *self)
{
    return self->is_subscribed && !self->must_query;
}

json_object *
watcher_row (const watcher_t *self, unsigned session)
{
    return self->rows[session];
}

unsigned
watcher_rows (const watcher_t *self)
{
    return self->row_count;
}

unsigned
watcher_queries (const watcher_t *self)
{
    return self->query_count;
}

// ---------------------------------------------------------------------------------------------
//  The truth

//  Those who are present, as "visitor/ann agent/carl": the same in any order.
static unsigned
s_present (json_object *row, json_object *other)
{
    json_object *list = json_object_object_get (row, "participants");
    json_object *others = json_object_object_get (other, "participants");
    unsigned missing = 0;
    for (size_t at = 0; at < json_object_array_length (list); at++) {
        json_object *one = json_object_array_get_idx (list, at);
        bool is_there = !json_object_get_boolean (json_object_object_get (one, "present"));
        for (size_t second = 0; second < json_object_array_length (others) && !is_there; second++) {
            json_object *two = json_object_array_get_idx (others, second);
            is_there = json_object_get_boolean (json_object_object_get (two, "present"))
                       && strcmp (s_text (one, "role"), s_text (two, "role")) == 0
                       && strcmp (s_text (one, "userId"), s_text (two, "userId")) == 0;
        }
        missing += !is_there;
    }
    return missing;
}

static bool
s_same (json_object *row, json_object *truth, const char *name)
{
    return strcmp (s_text (row, name), s_text (truth, name)) == 0;
}

//  Times are by two clocks; here they are of one machine.
static bool
s_is_near (json_object *row, json_object *truth, const char *name)
{
    struct tm one = { 0 }, two = { 0 };
    if (!strptime (s_text (row, name), "%Y-%m-%dT%H:%M:%S", &one)
        || !strptime (s_text (truth, name), "%Y-%m-%dT%H:%M:%S", &two))
        return false;
    return llabs ((long long) timegm (&one) - (long long) timegm (&two)) <= 5;
}

//  Since when is by two clocks, too; there is no such time in a session where nothing has changed.
static bool
s_same_control (json_object *row, json_object *truth)
{
    json_object *one = json_object_object_get (row, "control");
    json_object *two = json_object_object_get (truth, "control");
    bool has_time = *s_text (one, "since") || *s_text (two, "since");
    return s_same (one, two, "role") && s_same (one, two, "userId")
           && s_same (one, two, "version") && (!has_time || s_is_near (one, two, "since"));
}

const char *
watcher_compare (json_object *row, json_object *truth)
{
    static const char *const names[] = { "sessionId", "appId",   "visitor", "state",
                                         "lastSeq",   "waiting", "presentCount" };
    static const char *const times[] = { "createdAt", "lastAt", "lastActivity" };
    if (!row || !truth)
        return "no row";
    for (size_t at = 0; at < sizeof names / sizeof *names; at++)
        if (!s_same (row, truth, names[at]))
            return names[at];
    for (size_t at = 0; at < sizeof times / sizeof *times; at++)
        if (!s_is_near (row, truth, times[at]))
            return times[at];
    if (!s_same_control (row, truth))
        return "control";
    bool is_closed = json_object_object_get (truth, "closedAt") != NULL;
    if (is_closed ? !s_is_near (row, truth, "closedAt") : !s_same (row, truth, "closedAt"))
        return "closedAt";
    return s_present (row, truth) + s_present (truth, row) == 0 ? NULL : "participants";
}
