//  The deck that chaos draws its faults from.

#include "schedule.h"

#include <criterion/criterion.h>

Test (deck, every_kind_comes_once_before_any_comes_twice)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        chance_t chance = { .state = seed };
        schedule_t deck = { .weights = { 8, 0, 2, 1, 5 } };
        unsigned counts[5] = { 0 };
        for (unsigned card = 0; card < 4; card++)
            counts[schedule_draw (&deck, &chance)]++;
        for (unsigned kind = 0; kind < 5; kind++)
            cr_assert_eq (counts[kind], kind != 1, "kind %u comes %u times", kind, counts[kind]);
    }
}

Test (deck, each_comes_as_often_as_it_weighs)
{
    chance_t chance = { .state = 7 };
    schedule_t deck = { .weights = { 8, 0, 2, 1, 5 } };
    for (unsigned decks = 1; decks <= 3; decks++) {
        unsigned counts[5] = { 0 };
        for (unsigned card = 0; card < 16; card++)
            counts[schedule_draw (&deck, &chance)]++;
        for (unsigned kind = 0; kind < 5; kind++)
            cr_assert_eq (counts[kind], deck.weights[kind]);
    }
}

Test (deck, the_seed_gives_the_order)
{
    chance_t chances[] = { { .state = 3 }, { .state = 3 }, { .state = 4 } };
    schedule_t decks[3];
    unsigned others = 0;
    for (unsigned which = 0; which < 3; which++)
        decks[which] = (schedule_t){ .weights = { 3, 3, 3, 3, 3, 3, 3, 3 } };
    for (unsigned card = 0; card < 48; card++) {
        int kind = schedule_draw (&decks[0], &chances[0]);
        cr_assert_eq (schedule_draw (&decks[1], &chances[1]), kind);
        others += schedule_draw (&decks[2], &chances[2]) != kind;
    }
    cr_assert_gt (others, 20);
}

Test (deck, without_weights_there_are_no_cards)
{
    chance_t chance = { .state = 1 };
    schedule_t deck = { .count = 0 };
    cr_assert_eq (schedule_draw (&deck, &chance), -1);
    cr_assert_eq (schedule_draw (&deck, &chance), -1);
}
