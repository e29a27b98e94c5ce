//  list — order, removal from anywhere, and that nothing is ever in two lists.

#include "base/list.h"

#include <criterion/criterion.h>

typedef struct {
    int number;
    list_t place;
} thing_t;

static thing_t
s_thing (int number)
{
    return (thing_t){ .number = number };
}

static int
s_number_of (const list_t *link)
{
    return LIST_THING (link, thing_t, place)->number;
}

//  The numbers in the list as decimal digits: 123.
static int
s_digits (const list_t *list)
{
    int digits = 0;
    for (const list_t *link = list->next; link != list; link = link->next)
        digits = digits * 10 + s_number_of (link);
    return digits;
}

Test (list, keeps_the_order_of_arrival)
{
    list_t list;
    list_init (&list);
    cr_assert (list_is_empty (&list));
    cr_assert_null (list_first (&list));
    thing_t things[3] = { s_thing (1), s_thing (2), s_thing (3) };
    for (int at = 0; at < 3; at++) {
        list_init (&things[at].place);
        list_append (&list, &things[at].place);
    }
    cr_assert_not (list_is_empty (&list));
    cr_assert_eq (s_digits (&list), 123);
    cr_assert_eq (s_number_of (list_first (&list)), 1);
    list_remove (&things[1].place);
    cr_assert_eq (s_digits (&list), 13);
    list_remove (&things[1].place); //  twice is safe
    cr_assert_eq (s_digits (&list), 13);
}

Test (list, appending_moves_from_list_to_list)
{
    list_t left, right;
    list_init (&left);
    list_init (&right);
    thing_t one = s_thing (1), two = s_thing (2);
    list_init (&one.place);
    list_init (&two.place);
    list_append (&left, &one.place);
    list_append (&left, &two.place);
    list_append (&right, &one.place);
    cr_assert_eq (s_digits (&left), 2);
    cr_assert_eq (s_digits (&right), 1);
    list_append (&left, &two.place); //  to the end of its own list
    cr_assert_eq (s_digits (&left), 2);
    list_remove (&two.place);
    cr_assert (list_is_empty (&left));
}
