//  rendezvous — keys spread evenly, and a node that comes or goes moves only its own.

#include "base/keyed_hash.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>

#define KEYS 12000
#define NODES 4

static const char *const s_names[NODES] = { "office-1", "office-2", "office-3", "office-4" };

//  The postoffices have one hash key in common, or each its own.
static hash_key_t s_keys[NODES];

static void
s_set_keys (bool in_common)
{
    for (unsigned node = 0; node < NODES; node++)
        s_keys[node] = hash_key_derived (text_of (in_common ? "one secret" : s_names[node]));
}

static unsigned
s_node_of (unsigned key, unsigned nodes)
{
    char text[32];
    snprintf (text, sizeof text, "demo/session-%u", key);
    unsigned best = 0;
    uint64_t heaviest = 0;
    for (unsigned node = 0; node < nodes; node++) {
        uint64_t weight =
            rendezvous_weight (&s_keys[node], text_of (text), text_of (s_names[node]));
        if (weight >= heaviest) {
            heaviest = weight;
            best = node;
        }
    }
    return best;
}

static void
s_expect_even_shares (void)
{
    unsigned share[NODES] = { 0 };
    for (unsigned key = 0; key < KEYS; key++)
        share[s_node_of (key, NODES)]++;
    for (unsigned node = 0; node < NODES; node++)
        cr_assert (share[node] > KEYS / NODES * 9 / 10 && share[node] < KEYS / NODES * 11 / 10,
                   "node %u has %u of %u keys", node, share[node], KEYS);
}

Test (rendezvous, spreads_evenly)
{
    s_set_keys (true);
    s_expect_even_shares ();
    s_set_keys (false);
    s_expect_even_shares ();
}

Test (rendezvous, a_new_node_takes_keys_but_moves_no_others)
{
    for (int in_common = 0; in_common < 2; in_common++) {
        s_set_keys (in_common);
        for (unsigned key = 0; key < KEYS; key++) {
            unsigned before = s_node_of (key, NODES - 1);
            unsigned after = s_node_of (key, NODES);
            cr_assert (after == before || after == NODES - 1);
        }
    }
}

//  An edge of one release and an edge of the next one must send a session to the same postoffice.
Test (rendezvous, weights_never_change)
{
    hash_key_t zeros = hash_key_of (TEXT_EMPTY);
    hash_key_t derived = hash_key_derived (TEXT ("a secret"));
    cr_assert_eq (rendezvous_weight (&zeros, TEXT ("demo/s-1"), TEXT ("office-1")),
                  UINT64_C (0xeb08c90b514bcdc9));
    cr_assert_eq (rendezvous_weight (&derived, TEXT ("demo/s-1"), TEXT ("office-1")),
                  UINT64_C (0xdddc510db2130697));
    cr_assert_eq (rendezvous_weight (&zeros, TEXT (""), TEXT ("")),
                  UINT64_C (0xae379bbdf828800d));
}

//  What a client can do is to choose session ids; without the key it cannot tell where they land.
Test (rendezvous, ids_that_one_key_sends_to_one_place_are_spread_by_another)
{
    unsigned share[NODES] = { 0 }, chosen = 0;
    for (unsigned key = 0; chosen < KEYS / NODES; key++) {
        s_set_keys (true);
        if (s_node_of (key, NODES) != 0)
            continue;
        chosen++;
        s_set_keys (false);
        share[s_node_of (key, NODES)]++;
    }
    for (unsigned node = 0; node < NODES; node++)
        cr_assert_gt (share[node], chosen / NODES * 8 / 10, "node %u has %u of %u", node,
                      share[node], chosen);
}

//  Where one text ends and the next begins counts, and so does the key; nothing is left out.
Test (keyed_hash, digest)
{
    static const char *const lists[][3] = {
        { "a", "b", "" }, { "ab", "", "" }, { "", "ab", "" }, { "", "", "ab" }, { "b", "a", "" },
    };
    hash_key_t keys[] = { hash_key_derived (TEXT ("one")), hash_key_derived (TEXT ("two")) };
    keyed_digest_t digests[11];
    size_t count = 0;
    for (size_t list = 0; list < 5; list++)
        for (size_t key = 0; key < 2; key++) {
            text_t texts[] = { text_of (lists[list][0]), text_of (lists[list][1]),
                               text_of (lists[list][2]) };
            keyed_digest_t again = keyed_digest (&keys[key], texts, 3);
            digests[count] = keyed_digest (&keys[key], texts, 3);
            cr_assert (keyed_digest_is (&digests[count], &again));
            for (size_t at = 0; at < count; at++)
                cr_assert_not (keyed_digest_is (&digests[at], &digests[count]));
            count++;
        }
}

//  Texts of every length around the one from which on they are digested one by one.
Test (keyed_hash, digests_of_long_texts)
{
    char bytes[600];
    hash_key_t key = hash_key_derived (TEXT ("one"));
    keyed_digest_t before = { { 0 } };
    memset (bytes, 'x', sizeof bytes);
    for (size_t size = 450; size < sizeof bytes; size++) {
        text_t texts[] = { { bytes, size }, TEXT ("y") },
               moved[] = { { bytes, size - 1 }, TEXT ("xy") };
        keyed_digest_t digest = keyed_digest (&key, texts, 2),
                       other = keyed_digest (&key, moved, 2);
        cr_expect_not (keyed_digest_is (&digest, &other), "%zu", size);
        cr_expect_not (keyed_digest_is (&digest, &before), "%zu", size);
        before = digest;
    }
}

//  Eight bytes of one digest do not make another one the same.
Test (keyed_hash, a_digest_is_compared_as_a_whole)
{
    keyed_digest_t digest = { { 1, 2, 3 } };
    for (size_t at = 0; at < sizeof digest.bytes; at++) {
        keyed_digest_t other = digest;
        other.bytes[at] ^= 1;
        cr_assert_not (keyed_digest_is (&digest, &other));
    }
}

//  The vectors of SipHash's authors: 64 bits of the inputs "", 00, 00 01 with the key 00 01 … 0f.
Test (keyed_hash, is_siphash)
{
    unsigned char bytes[HASH_KEY_SIZE];
    for (unsigned at = 0; at < HASH_KEY_SIZE; at++)
        bytes[at] = (unsigned char) at;
    hash_key_t key = hash_key_of ((text_t){ (const char *) bytes, HASH_KEY_SIZE });
    cr_assert_eq (keyed_hash (&key, TEXT_EMPTY), UINT64_C (0x726fdb47dd0e0e31));
    cr_assert_eq (keyed_hash (&key, TEXT ("\0")), UINT64_C (0x74f839c593dc67fd));
    cr_assert_eq (keyed_hash (&key, TEXT ("\0\1")), UINT64_C (0x0d6c8009d9a94f5a));
    cr_assert (text_is (hash_key_text (&key), (text_t){ (const char *) bytes, HASH_KEY_SIZE }));
}
