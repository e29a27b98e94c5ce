//  A visitor without a WebSocket: what is said goes by POST, what comes comes on an event stream,
//  and all of it once and in order, whatever dies meanwhile.

#include "base/clock.h"
#include "chat.h"
#include "eventually.h"
#include "http_get.h"
#include "tcp_talk.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES 16

typedef struct {
    router_stack_t *stack;
    unsigned edge;
    tcp_talk_t talk;
    bool is_open;
    size_t read;  //  of what was heard
    char id[40];  //  of the last event that came whole
    uint64_t seq; //  in it
    unsigned said, answered; //  messages that came
} listener_t;

//  One whole event: "message 1." and so on, and "You said: message 1." and so on, each in order.
static void
s_take (listener_t *self, char *event)
{
    unsigned number;
    const char *id = strncmp (event, "id: ", 4) == 0 ? event + 4 : NULL;
    if (id) {
        unsigned long long seq = strtoull (id, NULL, 10);
        cr_assert (seq > self->seq, "%llu came behind %llu", seq, (unsigned long long) self->seq);
        self->seq = seq;
        snprintf (self->id, sizeof self->id, "%.*s", (int) strcspn (id, "\n"), id);
    }
    const char *text = strstr (event, "\"rawQuery\":\"message ");
    if (text && sscanf (text, "\"rawQuery\":\"message %u.", &number) == 1)
        cr_assert_eq (number, ++self->said, "%s", event);
    text = strstr (event, "You said: message ");
    if (text && sscanf (text, "You said: message %u.", &number) == 1)
        cr_assert_eq (number, ++self->answered, "%s", event);
}

//  Reads on for a moment, and comes again when the stream has ended.
static void
s_hear (listener_t *self)
{
    if (!self->is_open) {
        char request[300];
        snprintf (request, sizeof request,
                  "GET /api/v1/sessions/s-1/events?userId=ann&lastEventId=%s HTTP/1.1\r\n"
                  "Host: h\r\n\r\n",
                  *self->id ? self->id : "0");
        self->talk = tcp_talk_new (stack_edge_port (self->stack, self->edge), 0);
        self->is_open = tcp_talk_say (&self->talk, request, strlen (request));
        self->read = 0;
    }
    tcp_talk_hear (&self->talk, SIZE_MAX, 20);
    if (self->read == 0) {
        const char *body = strstr (self->talk.heard, "\r\n\r\n");
        self->read = body ? (size_t) (body + 4 - self->talk.heard) : 0;
    }
    for (char *end; self->read && (end = strstr (self->talk.heard + self->read, "\n\n"));) {
        *end = '\0';
        s_take (self, self->talk.heard + self->read);
        self->read = (size_t) (end + 2 - self->talk.heard);
    }
    if (!self->talk.has_ended)
        return;
    tcp_talk_free (&self->talk);
    self->is_open = false;
}

//  Sent again until it is stored.
static void
s_say (listener_t *self, unsigned number)
{
    char body[100];
    bool is_stored = false;
    snprintf (body, sizeof body, "{\"messageId\":\"%u\",\"text\":\"message %u.\"}", number,
              number);
    for (uint64_t deadline = eventually_deadline (20000); !is_stored;) {
        http_answer_t answer = http_request (
            stack_edge_port (self->stack, self->edge), "POST",
            "/api/v1/sessions/s-1/messages?userId=ann", NULL, body, strlen (body));
        is_stored = answer.status == 200 || answer.status == 201;
        cr_assert (is_stored || answer.status == 0 || answer.status == 404
                       || answer.status >= 500,
                   "%d: %s", answer.status, answer.body);
        http_answer_free (&answer);
        s_hear (self);
        cr_assert (is_stored || clock_mono_ms () < deadline, "not stored in 20 s");
    }
}

Test (events, all_comes_once_and_in_order_whatever_dies)
{
    router_stack_t *stack = everything_starts (2, 2, 1);
    listener_t ann = { .stack = stack, .edge = 1 };
    EVENTUALLY (10000, (s_hear (&ann), strstr (ann.talk.heard, "\"sessionCreated\":true")));
    for (unsigned number = 1; number <= MESSAGES; number++) {
        char name[32];
        snprintf (name, sizeof name, "postoffice-%u", number / 4 % 2 + 1);
        if (number % 8 == 4)
            stack_kill (stack, name);
        if (number == 8) {
            //  Its edge dies: it goes on at the other one, behind the last event that it has.
            stack_kill (stack, "edge-1");
            ann.edge = 2;
        }
        s_say (&ann, number);
        if (number % 8 == 4)
            cr_assert (stack_start (stack, name));
    }
    EVENTUALLY (20000,
                (s_hear (&ann), ann.said == MESSAGES && ann.answered == MESSAGES));
    char *count = postgres_query (
        stack_postgres (stack), "select count (*) || ' ' || count (distinct message_id) from log"
                                " where role = 1 and event = 3");
    cr_expect_str_eq (count, "16 16");
    free (count);
    tcp_talk_free (&ann.talk);
    stack_destroy (&stack);
}
