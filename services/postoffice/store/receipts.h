//  receipts — what participants' clients are known to have received and read, gathered until it is
//  written: one row for each participant, the highest seq wins. Bounded; when it is full it is
//  time to write.

#ifndef RECEIPTS_H
#define RECEIPTS_H

#include "pg/pg_values.h"
#include "store/store_model.h"

#include <stdint.h>

//  Zeroed, but for `most`. Stands inside its owner, who looks whether there are notes.
typedef struct {
    struct note *notes; //  NULL: none
    size_t most;
} receipts_t;

//  Returns 0; −1 when there is no room for another participant (nothing was noted).
__attribute__ ((warn_unused_result)) int receipts_note (receipts_t *self, text_t session,
                                                        uint64_t role, text_t user,
                                                        const store_receipt_t *receipt);
//  Writes the parameters of note_received, sorted as all writers sort, and forgets the notes.
void receipts_write (receipts_t *self, pg_values_t *values);
//  Forgets the notes.
void receipts_clear (receipts_t *self);

#endif
