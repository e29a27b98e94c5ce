//  lost_tail — the primary of PostgreSQL dies and a standby is promoted that lagged: what people
//  had seen is gone. Everybody sees what is written then, and who had seen more is told. When the
//  standby had everything, nobody is told anything.

#include "chat.h"
#include "eventually.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    router_stack_t *stack;
    postgres_t *standby;
} place_t;

static bool
s_before_start (void *owner, router_stack_t *stack)
{
    place_t *place = owner;
    place->stack = stack;
    place->standby = postgres_standby_new (stack_postgres (stack));
    return place->standby != NULL;
}

//  Both servers stand in the string, and the one that can write is taken.
static const char *const *
s_settings_of (void *owner, const char *name)
{
    static char url[200];
    static const char *const settings[] = { url, NULL };
    const place_t *place = owner;
    if (strncmp (name, "postoffice-", 11) != 0)
        return NULL;
    snprintf (url, sizeof url,
              "POSTGRES_URL=postgresql://stentor@127.0.0.1:%u,127.0.0.1:%u/postgres",
              postgres_port (stack_postgres (place->stack)), postgres_port (place->standby));
    return settings;
}

//  `lost_after`: how long postoffices hold their sessions without a database.
static void
s_begin (place_t *place, const char *lost_after)
{
    const char *settings[] = { "SESSION_GRACE=20s", lost_after, NULL };
    router_stack_t *stack = stack_new (&(stack_plan_t){ .edges = 2,
                                                        .postoffices = 2,
                                                        .connectors = 1,
                                                        .settings = settings,
                                                        .settings_of = s_settings_of,
                                                        .before_start = s_before_start,
                                                        .owner = place });
    cr_assert (stack);
    the_bot_answers (stack, "nobody says this", &(bot_reply_t){ .body = "{}" });
}

static void
s_end (place_t *place)
{
    stack_destroy (&place->stack);
    postgres_destroy (&place->standby);
}

//  From here on the standby gets nothing any more.
static void
s_standby_lags (place_t *place)
{
    EVENTUALLY (20000, postgres_is_level (place->standby, stack_postgres (place->stack)));
    cr_assert (postgres_stop (place->standby));
}

static void
s_fail_over (place_t *place)
{
    postgres_kill (stack_postgres (place->stack));
    cr_assert (postgres_start (place->standby));
    cr_assert (postgres_promote (place->standby));
    EVENTUALLY (30000, stack_wait_ready (place->stack, "postoffice-1")
                           && stack_wait_ready (place->stack, "postoffice-2"));
}

static double
s_truncated (const place_t *place, const char *what)
{
    char sample[80];
    snprintf (sample, sizeof sample, "stentor_postoffice_%s_truncated_total", what);
    return stack_metric (place->stack, "postoffice-", sample);
}

//  A visitor with the widget, and an agent with a rich client who has control. Both have heard what
//  the other said.
typedef struct {
    person_t *ann, *bea;
} talk_t;

static talk_t
s_talk (place_t *place)
{
    talk_t talk = { .ann = visitor_opens (place->stack, 1, "ann", "s-1") };
    says (talk.ann, "one");
    hears (talk.ann, "bot", "You said: one");
    talk.bea = rich_agent_opens (place->stack, 2, "bea", "s-1");
    hears_at_last (talk.bea, "bot", "You said: one");
    barges_in (talk.bea, "Bea");
    sees (talk.ann, "user joined", "bea");
    says (talk.bea, "hello");
    hears (talk.ann, "bea", "hello");
    return talk;
}

//  What is said while the standby lags.
static void
s_say_what_is_lost (talk_t *talk)
{
    says (talk->bea, "lost 1");
    hears (talk->ann, "bea", "lost 1");
    says (talk->ann, "lost 2");
    hears_at_last (talk->bea, "ann", "lost 2"); //  on a busy machine behind her own, caught up
}

static void
s_go_on (talk_t *talk)
{
    says (talk->bea, "after");
    hears_at_last (talk->ann, "bea", "after");
    says (talk->ann, "reply");
    hears_at_last (talk->bea, "ann", "reply");
    says (talk->bea, "more");
    hears (talk->ann, "bea", "more");
}

//  The log as one who comes now reads it.
static void
s_expect_log (place_t *place)
{
    person_t *kim = rich_agent_opens (place->stack, 1, "kim", "s-1");
    hears (kim, "ann", "one");
    hears (kim, "bot", "You said: one");
    hears (kim, "bea", "hello");
    hears (kim, "bea", "after");
    hears (kim, "ann", "reply");
    hears (kim, "bea", "more");
    leaves (&kim);
}

static void
s_live_clients (const char *lost_after)
{
    place_t place = { 0 };
    s_begin (&place, lost_after);
    talk_t talk = s_talk (&place);
    person_t *cid = rich_visitor_opens (place.stack, 1, "cid", "s-2");
    says (cid, "kept");
    hears (cid, "bot", "You said: kept");
    s_standby_lags (&place);
    s_say_what_is_lost (&talk);
    may_be_told_again (talk.ann);
    s_fail_over (&place);

    //  Nobody has written anything yet.
    sees (talk.bea, "history changed", NULL);
    s_go_on (&talk);
    says (cid, "still here");
    hears (cid, "bot", "You said: still here");
    sees_no (cid, "history changed", 200);
    cr_assert_geq (s_truncated (&place, "endpoints"), 2);
    s_expect_log (&place);

    leaves (&cid);
    leaves (&talk.ann);
    leaves (&talk.bea);
    s_end (&place);
}

//  The sessions stay where they are.
Test (lost_tail, nobody_is_deaf, .timeout = 180)
{
    s_live_clients ("POSTGRES_LOST_AFTER=60s");
}

//  The edges bring their clients back, to a postoffice that has the database again.
Test (lost_tail, nobody_is_deaf_after_a_long_outage, .timeout = 180)
{
    s_live_clients ("POSTGRES_LOST_AFTER=500ms");
}

//  The edge that knew what its clients have is gone, too, and the log is longer by now than what
//  they had: only the check tells.
Test (lost_tail, those_who_come_back_later_are_told, .timeout = 180)
{
    place_t place = { 0 };
    s_begin (&place, "POSTGRES_LOST_AFTER=2s");
    talk_t talk = s_talk (&place);
    s_standby_lags (&place);
    s_say_what_is_lost (&talk);
    is_cut_off (talk.bea);
    is_cut_off (talk.ann);
    stack_kill (place.stack, "edge-1");
    stack_kill (place.stack, "edge-2");
    s_fail_over (&place);
    cr_assert (stack_start (place.stack, "edge-1"));
    cr_assert (stack_start (place.stack, "edge-2"));

    person_t *dan = rich_agent_opens (place.stack, 1, "dan", "s-1");
    hears_at_last (dan, "bea", "hello");
    barges_in (dan, "Dan");
    for (int at = 0; at < 6; at++)
        says (dan, "instead");
    is_told_stored (dan, "dan-6", false);

    comes_back (talk.bea, 2);
    //  From the last common entry on, where a postoffice remembers it; else from the first.
    json_object *change = sees (talk.bea, "history changed", NULL);
    if (ws_json_number (change, "seq") == 0)
        hears_at_last (talk.bea, "bea", "hello");
    for (int at = 0; at < 6; at++)
        hears (talk.bea, "dan", "instead");
    comes_back (talk.ann, 1);
    hears_at_last (talk.ann, "dan", "instead");
    for (int at = 1; at < 6; at++)
        hears (talk.ann, "dan", "instead");
    says (dan, "live");
    hears (talk.ann, "dan", "live");
    hears (talk.bea, "dan", "live");

    leaves (&dan);
    leaves (&talk.ann);
    leaves (&talk.bea);
    s_end (&place);
}

//  A planned change of the server: it costs a pause.
Test (lost_tail, where_nothing_is_lost_nobody_is_told, .timeout = 180)
{
    place_t place = { 0 };
    s_begin (&place, "POSTGRES_LOST_AFTER=2s");
    talk_t talk = s_talk (&place);
    EVENTUALLY (20000, postgres_is_level (place.standby, stack_postgres (place.stack)));
    s_fail_over (&place);
    s_go_on (&talk);
    is_cut_off (talk.bea);
    comes_back (talk.bea, 1);
    sees_no (talk.bea, "history changed", 500);
    cr_assert_eq (told_again (talk.ann), 0);
    cr_assert_eq (s_truncated (&place, "sessions") + s_truncated (&place, "endpoints"), 0);
    s_expect_log (&place);

    leaves (&talk.ann);
    leaves (&talk.bea);
    s_end (&place);
}
