#include "store/receipts.h"

#include "base/alloc.h"
#include <stdlib.h>
#include "base/hash_table.h"

typedef struct note {
    UT_hash_handle hh;
    uint64_t role;
    store_receipt_t receipt;
    text_t session;
    text_t user;
    size_t key_size;
    char key[];     //  session, NUL, role, user
} note_t;

void
receipts_clear (receipts_t *self)
{
    note_t *note, *next;
    HASH_ITER (hh, self->notes, note, next) {
        HASH_DEL (self->notes, note);
        free (note);
    }
}

static note_t *
s_note_new (text_t session, uint64_t role, text_t user)
{
    size_t size = session.size + 2 + user.size;
    note_t *note = alloc_zeroed (sizeof *note + size);
    memcpy (note->key, session.data, session.size);
    note->key[session.size + 1] = (char) ('0' + role);
    memcpy (note->key + session.size + 2, user.data, user.size);
    note->key_size = size;
    note->session = (text_t){ note->key, session.size };
    note->user = (text_t){ note->key + session.size + 2, user.size };
    note->role = role;
    return note;
}

static uint64_t
s_most (uint64_t left, uint64_t right)
{
    return left > right ? left : right;
}

static void
s_rise (store_receipt_t *self, const store_receipt_t *with)
{
    if (self->received_seq == SEQ_UNKNOWN)
        self->received_seq = with->received_seq;
    else if (with->received_seq != SEQ_UNKNOWN)
        self->received_seq = s_most (self->received_seq, with->received_seq);
    self->delivered_seq = s_most (self->delivered_seq, with->delivered_seq);
    self->read_seq = s_most (self->read_seq, with->read_seq);
}

int
receipts_note (receipts_t *self, text_t session, uint64_t role, text_t user,
               const store_receipt_t *receipt)
{
    note_t *note = s_note_new (session, role, user);
    note_t *old;
    HASH_FIND (hh, self->notes, note->key, note->key_size, old);
    if (old) {
        free (note);
        s_rise (&old->receipt, receipt);
        return 0;
    }
    if (HASH_COUNT (self->notes) >= self->most) {
        free (note);
        return -1;
    }
    note->receipt = *receipt;
    HASH_ADD_KEYPTR (hh, self->notes, note->key, note->key_size, note);
    return 0;
}

static int
s_compare (const note_t *left, const note_t *right)
{
    return text_compare ((text_t){ left->key, left->key_size },
                         (text_t){ right->key, right->key_size });
}

void
receipts_write (receipts_t *self, pg_values_t *values)
{
    HASH_SORT (self->notes, s_compare);
    pg_value_t *sessions = pg_values_array (values, PG_TEXT);
    pg_value_t *roles = pg_values_array (values, PG_SMALL);
    pg_value_t *users = pg_values_array (values, PG_TEXT);
    pg_value_t *seqs = pg_values_array (values, PG_NUMBER);
    pg_value_t *delivered = pg_values_array (values, PG_NUMBER);
    pg_value_t *read = pg_values_array (values, PG_NUMBER);
    for (const note_t *note = self->notes; note; note = note->hh.next) {
        pg_array_text (sessions, note->session);
        pg_array_number (roles, (int64_t) note->role);
        pg_array_text (users, note->user);
        //  What is not known is -1.
        pg_array_number (seqs, (int64_t) note->receipt.received_seq);
        pg_array_number (delivered, (int64_t) note->receipt.delivered_seq);
        pg_array_number (read, (int64_t) note->receipt.read_seq);
    }
    receipts_clear (self);
}
