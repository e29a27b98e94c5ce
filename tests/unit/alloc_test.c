//  alloc — memory is there, or the process ends with a line that says why.

#include "base/alloc.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>

Test (alloc, memory_is_zeroed)
{
    char *bytes = alloc_zeroed (100);
    for (size_t at = 0; at < 100; at++)
        cr_assert_eq (bytes[at], 0);
    bytes = alloc_resized (bytes, 100000);
    cr_assert_eq (bytes[99], 0);
    free (bytes);
    free (alloc_zeroed (0));
    free (alloc_array (0, 8));
}

Test (alloc, copies)
{
    char *string = alloc_string ("one"), *empty = alloc_string (NULL);
    char *text = alloc_text ((text_t){ "two and more", 3 });
    cr_assert_str_eq (string, "one");
    cr_assert_str_eq (empty, "");
    cr_assert_str_eq (text, "two");
    free (string);
    free (empty);
    free (text);
}

Test (alloc, a_struct_and_its_texts_are_one_piece)
{
    typedef struct {
        uint64_t number;
        text_t name, none;
    } row_t;
    char name[] = "a name";
    text_t texts[] = { text_of (name), TEXT_EMPTY };
    row_t *row = alloc_packed (sizeof *row, texts, 2);
    cr_assert_eq (row->number, 0);
    row->name = texts[0];
    row->none = texts[1];
    name[0] = '!';
    cr_assert_str_eq (row->name.data, "a name");
    cr_assert_str_eq (row->none.data, "");
    free (row);
}

//  More than there can be: the hooks of sanitizers see it first, and end the process, too.
Test (alloc, the_end_of_memory_is_the_end, .signal = SIGABRT)
{
#if defined (__SANITIZE_ADDRESS__) || defined (__has_feature)
    alloc_failed ();
#else
    volatile size_t too_much = SIZE_MAX / 4;
    free (alloc_zeroed (too_much));
#endif
}
