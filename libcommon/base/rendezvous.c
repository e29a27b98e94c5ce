#include "base/rendezvous.h"

//  FNV-1a: one multiplication per byte is enough here, since s_mix makes up for its weak high bits.
static uint64_t
s_hash (uint64_t hash, text_t text)
{
    for (size_t at = 0; at < text.size; at++)
        hash = (hash ^ (unsigned char) text.data[at]) * UINT64_C (0x100000001b3);
    return hash;
}

//  Every bit of the result depends on every bit of the number, so that weights compare evenly.
static uint64_t
s_mix (uint64_t number)
{
    number = (number ^ (number >> 33)) * UINT64_C (0xff51afd7ed558ccd);
    number = (number ^ (number >> 33)) * UINT64_C (0xc4ceb9fe1a85ec53);
    return number ^ (number >> 33);
}

uint64_t
rendezvous_weight (text_t key, text_t node)
{
    uint64_t of_key = s_hash (UINT64_C (0xcbf29ce484222325), key);
    return s_mix (s_hash (s_mix (of_key), node));
}
