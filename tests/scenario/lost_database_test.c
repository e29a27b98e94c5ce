//  lost_database — one of three postoffices is cut off from PostgreSQL: its sessions go on at the
//  others, and it takes part again when PostgreSQL can be reached again. And all of them are: the
//  edges keep their clients, answer them in time, and go on by themselves.

#include "chat.h"
#include "counting.h"
#include "eventually.h"
#include "fault_proxy.h"
#include "ports.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

//  The postoffice notices in LOST_MS; everybody is to have gone on within PAUSE_MS, which is what a
//  killed postoffice may cost.
#define LOST_SETTING "POSTGRES_LOST_AFTER=1s"
#define PAUSE_MS 10000
#define CUT_OFF "postoffice-2"
#define ALL_OF_THEM "postoffice-"
//  The widget gives up after 10 s by itself.
#define ANSWER_MS 10000
#define OUTAGE_MS 10000

typedef struct {
    const char *names; //  the beginning of the names of those who are cut off
    fault_proxy_t *proxy;
    uint16_t port;
    int cable;
} wire_t;

static bool
s_lay (void *owner, router_stack_t *stack)
{
    wire_t *wire = owner;
    wire->cable = fault_proxy_lay (wire->proxy, "127.0.0.1", wire->port,
                                   postgres_port (stack_postgres (stack)));
    return wire->cable >= 0;
}

static const char *const *
s_settings_of (void *owner, const char *name)
{
    static char url[100];
    static const char *const settings[] = { url, NULL };
    const wire_t *wire = owner;
    snprintf (url, sizeof url, "POSTGRES_URL=postgresql://stentor@127.0.0.1:%u/postgres",
              wire->port);
    return strncmp (name, wire->names, strlen (wire->names)) == 0 ? settings : NULL;
}

//  Three postoffices; some of them, or all, reach PostgreSQL by the wire only.
static router_stack_t *
s_start (wire_t *wire, const char *names)
{
    static const char *const settings[] = { "SESSION_GRACE=2s", LOST_SETTING, NULL };
    *wire = (wire_t){ .names = names, .proxy = fault_proxy_new (), .port = ports_free () };
    router_stack_t *stack = stack_new (&(stack_plan_t){ .edges = 2,
                                                        .postoffices = 3,
                                                        .connectors = 2,
                                                        .settings = settings,
                                                        .settings_of = s_settings_of,
                                                        .before_start = s_lay,
                                                        .owner = wire });
    cr_assert (stack);
    the_bot_answers (stack, "nobody says this", &(bot_reply_t){ .body = "{}" });
    return stack;
}

//  With the end of the connections, or as a firewall does that drops everything: in silence.
static void
s_cut (const wire_t *wire, bool in_silence)
{
    fault_proxy_set (wire->proxy, wire->cable, &(cable_state_t){ .manner = CABLE_SILENT });
    if (!in_silence)
        fault_proxy_reset (wire->proxy, wire->cable);
}

static void
s_mend (const wire_t *wire)
{
    fault_proxy_set (wire->proxy, wire->cable, &(cable_state_t){ .manner = CABLE_GOOD });
    fault_proxy_reset (wire->proxy, wire->cable);
}

static double
s_at_the_cut_off (router_stack_t *stack, const char *metric)
{
    return stack_metric (stack, CUT_OFF, metric);
}

static void
s_story (bool in_silence)
{
    wire_t wire;
    router_stack_t *stack = s_start (&wire, CUT_OFF);
    crowd_t *crowd = crowd_new (stack, 12, 2);
    crowd_talks (crowd, 20);
    cr_assert_gt (s_at_the_cut_off (stack, "stentor_postoffice_endpoints"), 0);

    s_cut (&wire, in_silence);
    uint64_t since = clock_mono_ms ();
    crowd_talks (crowd, 20);
    cr_assert_lt (clock_mono_ms () - since, PAUSE_MS, "it took %u ms",
                  (unsigned) (clock_mono_ms () - since));
    EVENTUALLY (10000, s_at_the_cut_off (stack, "stentor_postoffice_suspended") == 1);
    EVENTUALLY (10000, s_at_the_cut_off (stack, "stentor_bus_links_up") == 0);
    EVENTUALLY (10000, s_at_the_cut_off (stack, "stentor_bus_rejects_total") > 0);
    cr_assert_eq (process_log_count (stack_process (stack, CUT_OFF), "peer refused"), 0,
                  "that it is away was said once");
    cr_assert_eq (s_at_the_cut_off (stack, "stentor_postoffice_endpoints"), 0);
    crowd_talks (crowd, 20);

    s_mend (&wire);
    EVENTUALLY (20000, s_at_the_cut_off (stack, "stentor_postoffice_suspended") == 0);
    EVENTUALLY (20000, s_at_the_cut_off (stack, "stentor_postoffice_endpoints") > 0);
    crowd_talks (crowd, 20);
    cr_assert_eq (crowd_reconnects (crowd), 0, "the clients are to notice nothing");
    crowd_has_everything_once (crowd);
    crowd_destroy (&crowd);
    stack_destroy (&stack);
    fault_proxy_destroy (&wire.proxy);
}

Test (lost_database, sessions_go_on_at_the_others)
{
    s_story (false);
}

//  Nothing tells of such a cut but answers that do not come. POSTGRES_TIMEOUT is 10 s.
Test (lost_database, a_silent_cut)
{
    s_story (true);
}

// ---------------------------------------------------------------------------------------------
//  No postoffice is left

//  Both kinds of clients are let in at the socket, and told in time that they must wait.
static void
s_newcomers_are_answered (router_stack_t *stack)
{
    ws_client_t *clients[2];
    for (unsigned at = 0; at < 2; at++) {
        clients[at] = ws_client_open (
            &(ws_options_t){ .name = "newcomer",
                             .port = stack_edge_port (stack, 1 + at),
                             .target = at == 0 ? "/?userId=new" : "/?userId=newer&protocol=2" });
        cr_assert (clients[at]);
        cr_assert_eq (ws_client_status (clients[at]), 101);
        cr_assert (ws_client_send_text (clients[at],
                                        "{\"event\":\"user joined\",\"sessionId\":\"s-new\"}"));
        cr_assert (ws_client_send_text (
            clients[at],
            "{\"event\":\"new message\",\"sessionId\":\"s-new\",\"messageId\":\"m-1\","
            "\"data\":{\"type\":\"INTENT_REQUEST\",\"rawQuery\":\"hello\"}}"));
    }
    for (unsigned at = 0; at < 2; at++) {
        json_object *update = ws_client_wait_event (clients[at], "connection update", ANSWER_MS);
        cr_assert (update && !ws_json_true (update, "data.sessionCreated"));
        cr_assert (ws_client_wait_event (clients[at], at == 0 ? "failure" : "busy", 1000));
        ws_client_destroy (&clients[at]);
    }
}

Test (lost_database, of_all_postoffices)
{
    wire_t wire;
    router_stack_t *stack = s_start (&wire, ALL_OF_THEM);
    crowd_t *crowd = crowd_new (stack, 12, 2);
    crowd_talks (crowd, 20);
    crowd_sends (crowd, 20); //  some of it is under way now

    s_cut (&wire, false);
    uint64_t since = clock_mono_ms ();
    EVENTUALLY (10000, stack_metric (stack, ALL_OF_THEM, "stentor_postoffice_suspended") == 3);
    EVENTUALLY (10000, stack_metric (stack, "edge-", "stentor_edge_postoffices") == 0);
    s_newcomers_are_answered (stack);
    while (clock_mono_ms () - since < OUTAGE_MS)
        crowd_listens (crowd);
    //  A load balancer that took them all out would have the next visitors' connections refused.
    cr_assert_eq (stack_metric (stack, "edge-", "stentor_ready"), 2);
    cr_assert_eq (stack_metric (stack, "edge-", "stentor_edge_postoffices"), 0);

    s_mend (&wire);
    since = clock_mono_ms ();
    crowd_talks (crowd, 20);
    cr_assert_lt (clock_mono_ms () - since, PAUSE_MS, "it took %u ms",
                  (unsigned) (clock_mono_ms () - since));
    cr_assert_eq (crowd_reconnects (crowd), 0, "nobody is to lose a connection");
    crowd_has_everything_once (crowd);
    crowd_destroy (&crowd);
    stack_destroy (&stack);
    fault_proxy_destroy (&wire.proxy);
}
