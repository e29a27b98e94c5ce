//  ledger — see ledger.h.

#include "ledger.h"

#include <stdlib.h>

#define FIRST_ROOM 64u
#define MOST (1u << 24)

//  The low bits of an entry; the time is above them.
#define ACKED 1u
#define DELIVERED 2u
#define REFUSED 4u
#define FLAG_BITS 3

void
ledger_free (ledger_t *self)
{
    free (self->entries);
    *self = (ledger_t){ 0 };
}

bool
ledger_sent (ledger_t *self, uint64_t at_us)
{
    if (self->sent == self->room) {
        uint32_t room = self->room ? self->room * 2 : FIRST_ROOM;
        uint64_t *entries = room <= MOST ? realloc (self->entries, room * sizeof *entries) : NULL;
        if (!entries)
            return false;
        self->entries = entries;
        self->room = room;
    }
    self->entries[self->sent++] = at_us << FLAG_BITS;
    return true;
}

//  True when this is the first time for this number.
static bool
s_mark (ledger_t *self, uint32_t number, unsigned flag, uint64_t *again)
{
    if (self->entries[number] & flag) {
        (*again)++;
        return false;
    }
    self->entries[number] |= flag;
    return true;
}

bool
ledger_acked (ledger_t *self, uint32_t number, uint64_t *sent_us, faults_t *faults)
{
    if (number >= self->sent) {
        faults->strange++;
        return false;
    }
    *sent_us = self->entries[number] >> FLAG_BITS;
    if (!s_mark (self, number, ACKED, &faults->strange))
        return false;
    self->acked++;
    return true;
}

bool
ledger_delivered (ledger_t *self, uint32_t number, uint64_t *sent_us, faults_t *faults)
{
    if (number >= self->sent) {
        faults->strange++;
        return false;
    }
    *sent_us = self->entries[number] >> FLAG_BITS;
    if (!s_mark (self, number, DELIVERED, &faults->doubled))
        return false;
    self->delivered++;
    if (number < self->next)
        faults->disordered++;
    else
        self->next = number + 1;
    return true;
}

void
ledger_refused (ledger_t *self, uint32_t number, faults_t *faults)
{
    faults->refused++;
    if (number >= self->sent)
        faults->strange++;
    else if (s_mark (self, number, REFUSED, &faults->strange))
        self->refused++;
}

uint32_t
ledger_in_flight (const ledger_t *self)
{
    uint32_t least = self->acked < self->delivered ? self->acked : self->delivered;
    uint32_t done = least + self->refused;
    return done < self->sent ? self->sent - done : 0;
}

void
ledger_close (const ledger_t *self, faults_t *faults)
{
    for (uint32_t number = 0; number < self->sent; number++) {
        uint64_t entry = self->entries[number];
        if ((entry & ACKED) && !(entry & DELIVERED))
            faults->lost++;
        if (!(entry & (ACKED | REFUSED)))
            faults->unanswered++;
    }
}
