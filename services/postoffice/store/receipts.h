//  receipts — what participants' clients are known to have received, gathered until it is
//  written: one row for each participant, the highest seq wins. Bounded; when it is full it is
//  time to write.

#ifndef RECEIPTS_H
#define RECEIPTS_H

#include "pg/pg_values.h"

#include <stdint.h>

typedef struct receipts receipts_t;

receipts_t *receipts_new (size_t most);
void receipts_destroy (receipts_t **self_p);

//  Returns 0; −1 when there is no room for another participant (nothing was noted).
__attribute__ ((warn_unused_result)) int receipts_note (receipts_t *self, text_t session,
                                                        uint64_t role, text_t user, uint64_t seq);
size_t receipts_count (const receipts_t *self);
//  Writes the parameters of note_seen, sorted as all writers sort, and forgets the notes.
void receipts_write (receipts_t *self, pg_values_t *values);

#endif
