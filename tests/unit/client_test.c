//  client — its outbox.

#include "edge_rig.h"

#include "tables/edge_metrics.h"

TestSuite (client, .init = rig_begin, .fini = rig_end);

static client_t *
s_new (void)
{
    return rig_connect (ROLE_VISITOR, DIALECT_RICH)->client;
}

static void
s_put (client_t *client, const char *text, uint64_t seq, bool of_session)
{
    frame_t *frame = frame_new (text_of (text));
    client_put (client, &(outbox_item_t){ .frame = frame, .seq = seq, .of_session = of_session });
    frame_destroy (&frame);
}

static uint64_t
s_take (client_t *client)
{
    outbox_item_t item;
    if (!client_take (client, &item))
        return 0;
    frame_destroy (&item.frame);
    return item.seq;
}

Test (client, gives_in_order_what_was_put)
{
    client_t *client = s_new ();
    for (uint64_t seq = 1; seq <= 3; seq++)
        s_put (client, "text", seq, true);
    cr_assert_eq (s_take (client), 1);
    s_put (client, "text", 4, true);
    for (uint64_t seq = 2; seq <= 4; seq++)
        cr_assert_eq (s_take (client), seq);
    cr_assert_eq (s_take (client), 0);
    cr_assert_eq (edge_metrics[EDGE_OUTBOX_BYTES], 0);
}

//  It is the socket's, where a proxy may have said it; it is kept once.
Test (client, knows_where_it_comes_from)
{
    char room[CLIENT_ADDRESS_ROOM];
    rig_address = (client_address_t){ .is_forwarded = true };
    cr_assert_eq (ip_address_read (&rig_address.ip, TEXT ("2001:db8:1:2:3::4")), 0);
    const client_address_t *address = client_address (s_new ());
    cr_expect (address->is_forwarded && !ip_address_is_ipv4 (&address->ip));
    cr_expect (text_is (client_address_text (address, room), TEXT ("2001:db8:1:2:3::4")));
    cr_expect (text_is (client_address_network (address, room), TEXT ("2001:db8:1:2::")));
}

static void
s_tells (const client_t *client, const char *expected)
{
    buffer_t json;
    buffer_init (&json, VISITOR_INFO_MAX);
    client_put_info (client, &json);
    cr_expect (text_is (buffer_text (&json), text_of (expected)), "%.*s, not %s",
               TEXT_ARGS (buffer_text (&json)), expected);
    buffer_free (&json);
}

//  What the request said, and the name of the last frame. Of agents nothing is kept.
Test (client, tells_what_is_known_of_a_visitor)
{
    for (role_t role = ROLE_VISITOR; role <= ROLE_AGENT; role++) {
        char page[] = "https://h/x";
        client_identity_t identity = {
            .principal = { .kind = role,
                           .app = TEXT ("demo"),
                           .user = TEXT ("u"),
                           .session = TEXT_EMPTY },
            .may = permissions_of (role),
            .name = TEXT_EMPTY,
            .dialect = DIALECT_RICH,
            .info = { TEXT_EMPTY, text_of (page), TEXT ("de"), TEXT ("private"), TEXT ("a/1") },
        };
        client_socket_t socket = { .websocket = NULL };
        client_t *client = client_new (rig_clients, &identity, socket, NULL);
        memset (page, 'z', sizeof page - 1); //  it was the head's
        bool is_visitor = role == ROLE_VISITOR;
        s_tells (client, !is_visitor ? ""
                                     : "{\"page\":\"https://h/x\",\"language\":\"de\","
                                       "\"addressClass\":\"private\",\"agent\":\"a/1\"}");
        visitor_t said = VISITOR_UNKNOWN;
        said.name = TEXT ("Ann \"A\"");
        client_stamp (client, &said);
        s_tells (client, !is_visitor ? ""
                                     : "{\"name\":\"Ann \\\"A\\\"\",\"page\":\"https://h/x\","
                                       "\"language\":\"de\",\"addressClass\":\"private\","
                                       "\"agent\":\"a/1\"}");
        client_destroy (&client);
    }
}

Test (client, is_full_at_its_limit_but_takes_one_frame_of_any_size)
{
    client_t *client = s_new (), *other = s_new ();
    char large[8000];
    memset (large, 'x', sizeof large);
    large[sizeof large - 1] = 0;
    s_put (client, large, 1, true);
    cr_assert_gt (edge_metrics[EDGE_OUTBOX_BYTES], 8000);
    cr_assert_eq (s_take (client), 1);
    s_put (client, large, 2, true);
    cr_assert_not (client_is_closed (client));
    s_put (client, "x", 3, true);
    cr_assert (client_is_closed (client));
    cr_assert_eq (s_take (client), 0);
    unsigned count = 0;
    for (; !client_is_closed (other); count++)
        s_put (other, "x", 3, true);
    cr_assert_gt (count, 2);
    cr_assert_leq (count, 4096 / sizeof (frame_t));
    cr_assert_eq (edge_metrics[EDGE_OUTBOX_BYTES], 0);
}

Test (client, keeps_what_is_not_of_the_session)
{
    client_t *client = s_new ();
    for (uint64_t seq = 1; seq <= 6; seq++)
        s_put (client, "x", seq, seq % 2);
    client_leave_session (client);
    for (uint64_t seq = 2; seq <= 6; seq += 2)
        cr_assert_eq (s_take (client), seq);
    cr_assert_eq (s_take (client), 0);
    s_put (client, "x", 7, true);
    cr_assert_eq (s_take (client), 7);
    cr_assert_eq (edge_metrics[EDGE_OUTBOX_BYTES], 0);
}

Test (client, shares_one_frame)
{
    client_t *one = s_new (), *other = s_new ();
    frame_t *frame = frame_new (TEXT ("for all"));
    client_put (one, &(outbox_item_t){ .frame = frame });
    client_offer (other, frame);
    cr_assert_eq (frame->references, 3);
    client_close (one, CLOSE_SLOW_READER);
    frame_destroy (&frame);
    outbox_item_t item;
    cr_assert (client_take (other, &item));
    cr_assert_eq (item.frame->references, 1);
    cr_assert_eq (memcmp (item.frame->text, "for all", 7), 0);
    frame_destroy (&item.frame);
}
