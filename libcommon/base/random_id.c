#include "base/random_id.h"

#include <assert.h>
#include <stddef.h>
#include <sys/random.h>

//  The kernel gives up to 256 bytes at once and is not interrupted: less than asked for would be
//  a broken promise of its.
static void
s_random (void *to, size_t size)
{
    assert (size <= 256);
    ssize_t got = getrandom (to, size, 0);
    assert (got == (ssize_t) size);
}

random_id_t
random_id_new (void)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[16];
    s_random (bytes, sizeof bytes);
    random_id_t identity;
    for (size_t at = 0; at < sizeof bytes; at++) {
        identity.text[2 * at] = digits[bytes[at] >> 4];
        identity.text[2 * at + 1] = digits[bytes[at] & 15];
    }
    identity.text[2 * sizeof bytes] = '\0';
    return identity;
}

uint64_t
random_id_number (void)
{
    uint64_t number;
    s_random (&number, sizeof number);
    return number;
}
