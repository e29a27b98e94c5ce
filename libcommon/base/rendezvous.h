//  rendezvous — which of several live nodes a key belongs to (highest random weight): everyone who
//  sees the same nodes comes to the same answer, and a node that comes or goes moves only its keys.

#ifndef RENDEZVOUS_H
#define RENDEZVOUS_H

#include "base/text.h"

#include <stdint.h>

//  The key's weight at the node; the node with the highest has the key.
uint64_t rendezvous_weight (text_t key, text_t node);

#endif
