//  lost_database — one of three postoffices is cut off from PostgreSQL: its sessions go on at the
//  others, and it takes part again when PostgreSQL can be reached again.

#include "chat.h"
#include "counting.h"
#include "eventually.h"
#include "fault_proxy.h"
#include "ports.h"

#include <criterion/criterion.h>
#include <stdio.h>

//  The postoffice notices in LOST_MS; everybody is to have gone on within PAUSE_MS, which is what a
//  killed postoffice may cost.
#define LOST_SETTING "POSTGRES_LOST_AFTER=1s"
#define PAUSE_MS 10000
#define CUT_OFF "postoffice-2"

typedef struct {
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
    return strcmp (name, CUT_OFF) == 0 ? settings : NULL;
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
    static const char *const settings[] = { "SESSION_GRACE=2s", LOST_SETTING, NULL };
    wire_t wire = { .proxy = fault_proxy_new (), .port = ports_free () };
    router_stack_t *stack = stack_new (&(stack_plan_t){ .edges = 2,
                                                        .postoffices = 3,
                                                        .connectors = 2,
                                                        .settings = settings,
                                                        .settings_of = s_settings_of,
                                                        .before_start = s_lay,
                                                        .owner = &wire });
    cr_assert (stack);
    the_bot_answers (stack, "nobody says this", &(bot_reply_t){ .body = "{}" });
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
