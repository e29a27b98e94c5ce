//  trail — the last seqs that one connection committed. A chunk that begins where we know to have
//  ended needs no look into the log for a gap: the same server has said on this connection that
//  the entry before is stored. Forgotten with the connection: a fail-over may lose a log's tail.
//
//  Of fixed size: sessions that fall on one place push each other out and are looked up again.

#ifndef TRAIL_H
#define TRAIL_H

#include "words/text.h"

#include <stdint.h>

typedef struct trail trail_t;

//  Keeps 2^bits places.
trail_t *trail_new (unsigned bits);
void trail_destroy (trail_t **self_p);

void trail_note (trail_t *self, text_t session, uint64_t last_seq);
//  True when this seq is the last that was noted for the session.
bool trail_ends_at (const trail_t *self, text_t session, uint64_t seq);
void trail_forget (trail_t *self);

#endif
