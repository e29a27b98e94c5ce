//  random_id — the form of an id, and that two are never the same.

#include "base/random_id.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define MANY 2000

static int
s_compare (const void *left, const void *right)
{
    return strcmp (((const random_id_t *) left)->text, ((const random_id_t *) right)->text);
}

Test (identity, is_32_hexadecimal_digits)
{
    random_id_t identity = random_id_new ();
    cr_assert_eq (strlen (identity.text), 32);
    cr_assert_eq (strspn (identity.text, "0123456789abcdef"), 32);
}

Test (identity, is_never_made_twice)
{
    static random_id_t many[MANY];
    for (size_t at = 0; at < MANY; at++)
        many[at] = random_id_new ();
    qsort (many, MANY, sizeof *many, s_compare);
    for (size_t at = 1; at < MANY; at++)
        cr_assert_str_neq (many[at - 1].text, many[at].text);
}

Test (identity, numbers_use_all_64_bits)
{
    uint64_t ones = 0, zeros = 0;
    for (int draw = 0; draw < 200; draw++) {
        uint64_t number = random_id_number ();
        ones |= number;
        zeros |= ~number;
    }
    cr_assert_eq (ones, UINT64_MAX);
    cr_assert_eq (zeros, UINT64_MAX);
}
