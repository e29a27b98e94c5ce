//  rendezvous — keys spread evenly, and a node that comes or goes moves only its own.

#include "base/rendezvous.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define KEYS 12000
#define NODES 4

static const char *const s_names[NODES] = { "office-1", "office-2", "office-3", "office-4" };

static unsigned
s_node_of (unsigned key, unsigned nodes)
{
    char text[32];
    snprintf (text, sizeof text, "demo/session-%u", key);
    unsigned best = 0;
    uint64_t heaviest = 0;
    for (unsigned node = 0; node < nodes; node++) {
        uint64_t weight = rendezvous_weight (text_of (text), text_of (s_names[node]));
        if (weight >= heaviest) {
            heaviest = weight;
            best = node;
        }
    }
    return best;
}

Test (rendezvous, spreads_evenly)
{
    unsigned share[NODES] = { 0 };
    for (unsigned key = 0; key < KEYS; key++)
        share[s_node_of (key, NODES)]++;
    for (unsigned node = 0; node < NODES; node++)
        cr_assert (share[node] > KEYS / NODES * 9 / 10 && share[node] < KEYS / NODES * 11 / 10,
                   "node %u has %u of %u keys", node, share[node], KEYS);
}

Test (rendezvous, a_new_node_takes_keys_but_moves_no_others)
{
    for (unsigned key = 0; key < KEYS; key++) {
        unsigned before = s_node_of (key, NODES - 1);
        unsigned after = s_node_of (key, NODES);
        cr_assert (after == before || after == NODES - 1);
    }
}

//  An edge of one release and an edge of the next one must send a session to the same postoffice.
Test (rendezvous, weights_never_change)
{
    cr_assert_eq (rendezvous_weight (TEXT ("demo/s-1"), TEXT ("office-1")),
                  UINT64_C (0xb03864b7956f612f));
    cr_assert_eq (rendezvous_weight (TEXT (""), TEXT ("")), UINT64_C (0xc70b7d317e33bf45));
}
