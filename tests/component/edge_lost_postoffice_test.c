//  An edge whose postoffice goes away in the middle of something: what a client was about to be
//  told, or was being brought, comes from the next one.

#include "edge_fixture.h"
#include "eventually.h"

#include <criterion/criterion.h>

static void
s_joins (ws_client_t *client)
{
    ws_client_send_text (client, "{\"event\":\"user joined\",\"sessionId\":\"s-1\"}");
}

//  The new office knows nothing of what the endpoint has, begins at the first entry, and waits at
//  the end of the first part.
Test (edge_lost_office, asks_for_more_of_what_it_has_already)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    uint64_t endpoint = stage_join (self, client);
    stage_deliver (self, endpoint, 150, "{\"outputSpeech\":\"x\"}", false);
    cr_assert (ws_client_wait_event (client, "new message", 5000));
    stage_lose_postoffice (self);
    s_joins (client);
    stage_open_postoffice (self);
    const bus_record_t *attach = stage_hear (self, BUS_ATTACH);
    stage_attached (self, attach, VERDICT_OK, 200);
    stage_deliver (self, endpoint, 99, "{\"outputSpeech\":\"x\"}", false);
    stage_deliver (self, endpoint, 100, "{\"outputSpeech\":\"x\"}", true);
    cr_expect_eq (stage_hear (self, BUS_NEXT_WINDOW)->next_window.seq, 100);
    ws_client_destroy (&client);
    stage_end (self);
}

//  An agent is told the history from its beginning: that its office was lost before the first part
//  of it came must not make it begin at the end.
Test (edge_lost_office, an_agent_begins_at_the_beginning_again)
{
    stage_t *self = START ("EDGE_DEMO_MODE=on");
    ws_client_t *client = stage_connect (self, "/?userId=a-1&isAdmin=true");
    s_joins (client);
    stage_attached (self, stage_hear (self, BUS_ATTACH), VERDICT_OK, 5);
    cr_assert (ws_client_wait_event (client, "connection update", 5000));
    stage_lose_postoffice (self);
    stage_open_postoffice (self);
    const bus_record_t *attach = stage_hear (self, BUS_ATTACH);
    cr_expect_eq (attach->attach.reason, ATTACH_REATTACH);
    cr_expect_eq (attach->attach.seq, 0);
    ws_client_destroy (&client);
    stage_end (self);
}

//  The client says that it joins while its connection is being brought in again.
Test (edge_lost_office, a_refused_reattach_does_not_swallow_the_join)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    stage_join (self, client);
    stage_lose_postoffice (self);
    stage_open_postoffice (self);
    bus_record_t reattach = *stage_hear (self, BUS_ATTACH);
    cr_assert_eq (reattach.attach.reason, ATTACH_REATTACH);
    s_joins (client);
    bus_record_t join = *stage_hear (self, BUS_ATTACH);
    cr_assert_eq (join.attach.reason, ATTACH_JOIN);
    stage_attached (self, &reattach, VERDICT_STORE_DOWN, 0);
    stage_attached (self, &join, VERDICT_OK, 3);
    cr_expect (ws_client_wait_event (client, "connection update", 5000));
    ws_client_destroy (&client);
    stage_end (self);
}
