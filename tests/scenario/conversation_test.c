//  conversation — what a chat is when nothing goes wrong.

#include "chat.h"
#include "eventually.h"
#include "base/clock.h"
#include "teller.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TELL_WITHIN 60000 //  ms

Test (conversation, a_visitor_is_greeted_and_answered)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");

    greets (ann);
    sees (ann, "typing", "bot");
    hears (ann, "bot", "Welcome!");
    sees (ann, "stop typing", "bot");

    says (ann, "opening hours?");
    hears (ann, "bot", "You said: opening hours?");
    says (ann, "thank you");
    hears (ann, "bot", "You said: thank you");
    hears_nothing (ann, 300);

    leaves (&ann);
    stack_destroy (&stack);
}

Test (conversation, a_message_is_stored_once)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = rich_visitor_opens (stack, 1, "ann", "s-1");

    says_as (ann, "m-1", "hello");
    int64_t seq = is_told_stored (ann, "m-1", false);
    hears (ann, "bot", "You said: hello");

    says_as (ann, "m-1", "hello");
    cr_assert_eq (is_told_stored (ann, "m-1", true), seq);
    hears_nothing (ann, 500);

    says_as (ann, "m-2", "hello");
    cr_assert_gt (is_told_stored (ann, "m-2", false), seq);
    hears (ann, "bot", "You said: hello");
    cr_assert_eq (bot_asked (stack_bot (stack), "hello"), 2);

    leaves (&ann);
    stack_destroy (&stack);
}

Test (conversation, two_tabs_show_the_same)
{
    router_stack_t *stack = everything_starts (2, 1, 1);
    person_t *first = visitor_opens (stack, 1, "ann", "s-1");
    person_t *second = opens_another_tab (first, 2);

    says (first, "one");
    hears (first, "bot", "You said: one"); //  its own words do not come back
    hears (second, "ann", "one");
    hears (second, "bot", "You said: one");

    says (second, "two");
    hears (first, "ann", "two");
    hears (first, "bot", "You said: two");
    hears (second, "bot", "You said: two");

    leaves (&first);
    leaves (&second);
    stack_destroy (&stack);
}

Test (conversation, strangers_hear_nothing)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-ann");
    person_t *bob = visitor_opens (stack, 1, "bob", "s-bob");

    says (ann, "my secret");
    hears (ann, "bot", "You said: my secret");
    hears_nothing (bob, 500);

    //  Knowing the id of a session is not enough.
    cr_assert (ws_client_send_text (client_of (bob), "{\"event\":\"user joined\","
                                                     "\"sessionId\":\"s-ann\",\"timeMs\":1}"));
    json_object *refusal = sees (bob, "connection update", NULL);
    cr_assert_not (ws_json_true (refusal, "data.sessionCreated"));
    cr_assert_str_eq (ws_json_text (refusal, "data.code"), "not_yours");
    says (ann, "another secret");
    hears (ann, "bot", "You said: another secret");
    hears_nothing (bob, 500);

    leaves (&ann);
    leaves (&bob);
    stack_destroy (&stack);
}

//  What one client was told, as the order of message ids.
static void
s_collect (ws_client_t *client, unsigned count, char (*ids)[64])
{
    int64_t last_seq = 0;
    for (unsigned index = 0; index < count; index++) {
        json_object *frame = ws_client_wait_event (client, "new message", 10000);
        cr_assert (frame, "%u of %u have come", index, count);
        int64_t seq = ws_json_number (frame, "seq");
        cr_assert_gt (seq, last_seq);
        last_seq = seq;
        snprintf (ids[index], sizeof *ids, "%s", ws_json_text (frame, "messageId"));
    }
}

typedef struct {
    person_t *person;
    char letter;
    teller_t teller;
} storyteller_t;

//  Of a message's id, "a-17".
static unsigned
s_number (json_object *frame)
{
    return (unsigned) strtoul (ws_json_text (frame, "data.messageId") + 2, NULL, 10);
}

static void
s_hear_of (storyteller_t *self, json_object *frame)
{
    const char *event = ws_json_text (frame, "event");
    if (strcmp (event, "busy") == 0)
        teller_is_refused (&self->teller, s_number (frame), clock_mono_ms ());
    else if (strcmp (event, "ack") == 0)
        cr_assert (teller_is_acknowledged (&self->teller, s_number (frame),
                                           ws_json_true (frame, "data.duplicate")),
                   "in place of %c-%u comes %s", self->letter, self->teller.stored,
                   json_object_to_json_string (frame));
    else if (strcmp (event, "connection update") == 0 || strcmp (event, "error") == 0)
        cr_assert (false, "%c is put out: %s", self->letter, json_object_to_json_string (frame));
}

//  Tells so many in all, a few at a time.
static void
s_tell (storyteller_t *self, unsigned count)
{
    json_object *frame;
    char id[16];
    while (teller_may_speak (&self->teller, count, clock_mono_ms ())) {
        snprintf (id, sizeof id, "%c-%u", self->letter, teller_speaks (&self->teller));
        says_as (self->person, id, id);
    }
    while ((frame = ws_client_next_json (client_of (self->person), 1)))
        s_hear_of (self, frame);
}

//  Both tell at the same time, until all of it is stored.
static void
s_tell_all (storyteller_t *left, storyteller_t *right, unsigned count)
{
    uint64_t deadline = eventually_deadline (TELL_WITHIN);
    while (left->teller.stored < count || right->teller.stored < count) {
        s_tell (left, count);
        s_tell (right, count);
        cr_assert (clock_mono_ms () < deadline, "only %u and %u of %u are stored in time",
                   left->teller.stored, right->teller.stored, count);
    }
}

//  Two tabs on two edges talk at the same time; a third and a fourth one listen.
Test (conversation, everybody_sees_one_order)
{
    enum { EACH = 60, ALL = 4 * EACH }; //  each is answered
    static char left[ALL][64], right[ALL][64];
    router_stack_t *stack = everything_starts (2, 2, 1);
    person_t *talkers[2] = { rich_visitor_opens (stack, 1, "ann", "s-1"), NULL };
    talkers[1] = opens_another_tab (talkers[0], 2);
    person_t *listeners[2] = { opens_another_tab (talkers[0], 1),
                               opens_another_tab (talkers[0], 2) };

    s_tell_all (&(storyteller_t){ .person = talkers[0], .letter = 'a' },
                &(storyteller_t){ .person = talkers[1], .letter = 'b' }, EACH);
    s_collect (client_of (listeners[0]), ALL, left);
    s_collect (client_of (listeners[1]), ALL, right);
    for (unsigned index = 0; index < ALL; index++)
        cr_assert_str_eq (left[index], right[index]);

    for (unsigned who = 0; who < 2; who++) {
        leaves (&talkers[who]);
        leaves (&listeners[who]);
    }
    stack_destroy (&stack);
}

Test (conversation, a_failing_bot_is_asked_three_times)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    the_bot_answers (stack, "please fail", &(bot_reply_t){ .status = 500, .body = "no" });
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");

    says (ann, "please fail");
    for (int tries = 1; tries <= 3; tries++) {
        json_object *failure = sees (ann, "failure", "bot");
        cr_assert_eq (ws_json_number (failure, "data.tries"), tries);
        cr_assert_eq (ws_json_number (failure, "data.delay"), tries < 3 ? 1 : 0);
    }
    says (ann, "and now?");
    hears (ann, "bot", "You said: and now?");
    cr_assert_eq (bot_asked (stack_bot (stack), "please fail"), 3);

    leaves (&ann);
    stack_destroy (&stack);
}

Test (conversation, a_slow_bot_holds_up_nobody_else)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    the_bot_answers (stack, "slowly", &(bot_reply_t){ .after_ms = 3000,
                                                      .body = "{\"outputSpeech\":\"at last\"}" });
    person_t *ann = visitor_opens (stack, 1, "ann", "s-ann");
    person_t *bob = visitor_opens (stack, 1, "bob", "s-bob");

    says (ann, "slowly");
    says (ann, "and then?");
    says (bob, "quickly");
    hears (bob, "bot", "You said: quickly");
    hears_nothing (ann, 200);
    hears (ann, "bot", "at last"); //  one turn at a time, in order
    hears (ann, "bot", "You said: and then?");

    leaves (&ann);
    leaves (&bob);
    stack_destroy (&stack);
}
