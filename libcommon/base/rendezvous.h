//  rendezvous — which of several live nodes a key belongs to (highest random weight): everyone who
//  sees the same nodes comes to the same answer, and a node that comes or goes moves only its keys.

#ifndef RENDEZVOUS_H
#define RENDEZVOUS_H

#include "base/keyed_hash.h"

//  The weight of `key` at the node; the node with the highest has it. The hash key is the node's
//  own: weights compare all the same, as each is evenly spread.
uint64_t rendezvous_weight (const hash_key_t *hash_key, text_t key, text_t node);

#endif
