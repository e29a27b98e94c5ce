//  A minute and more of the connector's calls, as many as there can be: the platform, which counts
//  in fixed windows, refuses none of them, and polls have their third.

#include "genesys_calls_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define RATE 60
#define STORY_MS 75000

//  So many of this kind are always on their way.
static void
s_keep (calls_rig_t *rig, genesys_use_t use, unsigned least)
{
    unsigned waiting = 0;
    for (unsigned at = 0; at < rig->count; at++)
        waiting += rig->all[at].use == use && rig->all[at].done == 0;
    for (; waiting < least; waiting++)
        calls_rig_say (use);
}

Test (genesys_minute, no_window_has_too_many, .timeout = 150)
{
    calls_rig_t *rig =
        calls_rig_start ("{\"genesys\":{\"requestsPerMinute\":60}}",
                         &(genesys_means_t){ .wait_ms = 60000, .call_ms = 20000 });
    genesys_control ("set?rate=60");
    uint64_t until_ms = clock_mono_ms () + STORY_MS;
    while (clock_mono_ms () < until_ms) {
        s_keep (rig, CALL_MESSAGE, 4);
        s_keep (rig, CALL_POLL, 4);
        rig_turn_for (&rig->rig, 50);
    }
    unsigned messages = calls_rig_came_to (0, GENESYS_OK);
    unsigned polls = calls_rig_came_to (0, GENESYS_REFUSED); //  404: nobody has such a conversation
    unsigned most = 0;
    cr_assert_eq (sscanf (genesys_control ("most"), "{\"most\": %u", &most), 1);
    printf ("%u messages, %u polls, %u in one window\n", messages, polls, most);
    cr_assert_leq (most, RATE);
    cr_assert_geq (most, RATE * 3 / 4, "it is used: %u", most);
    cr_assert_eq (calls_rig_came_to (0, GENESYS_LATER), 0);
    cr_assert_eq (genesys_platform_count (" 429"), 0);
    cr_assert_geq (polls * 3 + 6, messages + polls, "polls have a third");
    cr_assert_leq (polls * 3, messages + polls + 6, "and no more");
    calls_rig_end ();
}
