//  seen — what participants' clients are known to have received, gathered until it is written: one
//  note for each participant, the highest seq wins. Bounded; when it is full it is time to write.

#ifndef SEEN_H
#define SEEN_H

#include "pg/pg_values.h"

#include <stdint.h>

typedef struct seen seen_t;

seen_t *seen_new (size_t most);
void seen_destroy (seen_t **self_p);

//  Returns 0; −1 when there is no room for another participant (nothing was noted).
__attribute__ ((warn_unused_result)) int seen_note (seen_t *self, text_t session, uint64_t role,
                                                    text_t user, uint64_t seq);
size_t seen_count (const seen_t *self);
//  Writes the parameters of note_seen, sorted as all writers sort, and forgets the notes.
void seen_write (seen_t *self, pg_values_t *values);

#endif
