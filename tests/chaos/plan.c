//  plan — see plan.h.

#include "plan.h"

#include "faults.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
s_read_number (const char *name, uint64_t least, uint64_t most, uint64_t *value)
{
    const char *text = getenv (name);
    char *end;
    if (!text || !*text)
        return true;
    *value = strtoull (text, &end, 10);
    if (*end == '\0' && *text != '-' && *value >= least && *value <= most)
        return true;
    fprintf (stderr, "chaos: %s is '%s'; it must be a number from %" PRIu64 " to %" PRIu64 "\n",
             name, text, least, most);
    return false;
}

//  True when the word stands in the list, between blanks or commas.
static bool
s_lists (const char *list, const char *word)
{
    size_t size = strlen (word);
    for (const char *at = list; at && (at = strstr (at, word)); at += size)
        if ((at == list || strchr (" ,", at[-1])) && strchr (" ,", at[size]))
            return true;
    return false;
}

static bool
s_knows_all (const char *name, const char *list)
{
    char copy[1000], *rest;
    snprintf (copy, sizeof copy, "%s", list ? list : "");
    for (char *word = strtok_r (copy, " ,", &rest); word; word = strtok_r (NULL, " ,", &rest))
        if (fault_of (word) < 0) {
            fprintf (stderr, "chaos: %s: there is no fault '%s' (--help lists them)\n", name, word);
            return false;
        }
    return true;
}

bool
plan_read (plan_t *self)
{
    bool is_good = true;
    self->is_tail_lost = self->is_rollout = false;
#define PLAN_DEFAULT(member, name, value, least, most, about) self->member = value;
    PLAN_NUMBERS (PLAN_DEFAULT)
#define PLAN_GET(member, name, value, least, most, about)                                          \
    is_good = s_read_number (name, least, most, &self->member) && is_good;
    PLAN_NUMBERS (PLAN_GET)
    self->only = getenv ("ONLY");
    self->except = getenv ("EXCEPT");
    if (self->only && !*self->only)
        self->only = NULL;
    if (self->seed == 0)
        self->seed = (clock_wall_ms () * 31 + (uint64_t) getpid ()) % 999999999 + 1;
    //  With a time alone it is the time that ends it.
    if (self->seconds && !getenv ("CHAOS_MESSAGES"))
        self->messages = UINT64_MAX;
    if (self->gap_least > self->gap_most) {
        fprintf (stderr, "chaos: CHAOS_GAP_LEAST is above CHAOS_GAP_MOST\n");
        is_good = false;
    }
    return s_knows_all ("ONLY", self->only) && s_knows_all ("EXCEPT", self->except) && is_good;
}

//  Numbered messages between rich clients; PostgreSQL has its one fault.
void
plan_lose_tail (plan_t *self)
{
    self->is_tail_lost = true;
    self->askers = self->widgets = self->leavers = self->deliveries = 0;
    if (!self->seconds)
        self->seconds = 60;
    self->messages = UINT64_MAX;
    if (!self->only)
        self->only = "kill_edge kill_postoffice stop_edge stop_postoffice silent_bus slow_bus"
                     " reset_bus silent_clients slow_clients reset_clients one_more_edge";
}

//  Of ten clients six are visitor and agent, one asks the bot, one is a widget that does, and two
//  are a widget and its agent. What they say is a message in a minute each, about.
void
plan_roll_out (plan_t *self)
{
    self->is_rollout = true;
    self->askers = self->widgets = self->clients / 10;
    self->pairs = (self->clients - 4 * self->askers) / 2;
    self->clients = 2 * self->pairs + 4 * self->askers;
    self->leavers = self->deliveries = self->disk = 0;
    self->workers = 1;
    if (!getenv ("CHAOS_RATE"))
        self->rate = self->clients / 60 + 1;
}

void
plan_help (void)
{
    printf ("chaos --rollout: nothing fails, edges and postoffices are replaced\n");
    printf ("chaos --lost-tail: a standby that lags is promoted in the middle (60 s)\n\n");
    printf ("Settings, from the environment:\n");
#define PLAN_ABOUT(member, name, value, least, most, about)                                        \
    printf ("  %-20s %s (%d)\n", name, about, (int) value);
    PLAN_NUMBERS (PLAN_ABOUT)
    printf ("  %-20s %s\n  %-20s %s\n\nFaults:\n", "ONLY", "only these faults", "EXCEPT",
            "all but these");
    for (int fault = 0; fault < FAULTS; fault++)
        printf ("  %-20s %s\n", fault_word (fault), fault_about (fault));
}

//  The slowest delivery takes 21 s, and who leaves is closed sooner.
#define LATE 23

uint64_t
plan_late_us (const plan_t *self, uint64_t began_us)
{
    uint64_t seconds = self->seconds > LATE ? self->seconds - LATE : 0;
    return self->seconds ? began_us + seconds * 1000000 : UINT64_MAX;
}

bool
plan_wants (const plan_t *self, const char *word)
{
    return (!self->only || s_lists (self->only, word))
           && !(self->except && s_lists (self->except, word));
}
