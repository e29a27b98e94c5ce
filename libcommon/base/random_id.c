#include "base/random_id.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

uint64_t
random_id_number (void)
{
    uint64_t number;
    //  The kernel gives up to 256 bytes at once and is not interrupted: less than asked for would
    //  be a broken promise of its.
    ssize_t got = getrandom (&number, sizeof number, 0);
    assert (got == (ssize_t) sizeof number);
    return number;
}

random_id_t
random_id_new (void)
{
    random_id_t identity;
    snprintf (identity.text, sizeof identity.text, "%016" PRIx64 "%016" PRIx64,
              random_id_number (), random_id_number ());
    return identity;
}
