#include "base/rendezvous.h"

//  Every bit of the result depends on every bit of the number, so that weights compare evenly.
static uint64_t
s_mix (uint64_t number)
{
    number = (number ^ (number >> 33)) * UINT64_C (0xff51afd7ed558ccd);
    number = (number ^ (number >> 33)) * UINT64_C (0xc4ceb9fe1a85ec53);
    return number ^ (number >> 33);
}

//  Nodes may have one hash key in common: the hash of the node keeps their weights apart, and the
//  mixing their order from being the same for all keys.
uint64_t
rendezvous_weight (const hash_key_t *hash_key, text_t key, text_t node)
{
    return s_mix (keyed_hash (hash_key, key) + s_mix (keyed_hash (hash_key, node)));
}
