//  tail_cache — the last seqs that one connection committed. An append that begins where we know
//  to have ended needs no look into the log for a gap: the same server has said on this connection
//  that the entry before is stored. Forgotten with the connection: a fail-over may lose a log's
//  tail.
//
//  Of fixed size: of more than four sessions that fall on one row, the one that was noted longest
//  ago is pushed out and looked up again.

#ifndef TAIL_CACHE_H
#define TAIL_CACHE_H

#include "base/text.h"

#include <stdint.h>

typedef struct tail_cache tail_cache_t;

//  Keeps 2^bits sessions; bits: 2 at least.
tail_cache_t *tail_cache_new (unsigned bits);
void tail_cache_destroy (tail_cache_t **self_p);

void tail_cache_note (tail_cache_t *self, text_t session, uint64_t last_seq);
//  True when this seq is the last that was noted for the session.
bool tail_cache_ends_at (const tail_cache_t *self, text_t session, uint64_t seq);
void tail_cache_forget (tail_cache_t *self);

#endif
