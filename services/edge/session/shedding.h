//  shedding — how many clients an edge sends to others, so that an edge which was started later
//  gets some of those that were there before. Only numbers: who goes is for departures.h.
//
//  Postoffices tell how many edges there are, and how many clients these have. An edge that has
//  more than the mean sends a small part of what is above it away in each second. Where they go is
//  for the balancer, which knows nothing of this: one in so many comes back, and is counted again.
//
//  The rules, and what each is for:
//    - It begins at the mean and EDGE_SHED_ABOVE percent, or two standard deviations of a balancer
//      that chooses by chance if that is more, and ends at a quarter of that: a balancer's noise
//      moves nobody, and no edge falls below the mean.
//    - Not before the same edges have been there for EDGE_SHED_AFTER: in a rollout everybody is
//      moved anyhow. An edge that has just started is new to the others, too.
//    - Not while an edge does not say what it has (an older one), or postoffices say nothing.
//    - A share of what is above, so that it slows down as it comes near: edges that shed at once,
//      each knowing the others' numbers of a second ago, do not overshoot.
//    - A bound. Where the balancer sends everybody back (by address, or by weights of its own),
//      an edge would shed for ever: when as many went as were above the mean, and three quarters of
//      these are there still, it rests for ten minutes, each time twice as long
//      until it has come down to the mean once. Edges or postoffices that come and go end a rest:
//      the balancer may be another one.

#ifndef SHEDDING_H
#define SHEDDING_H

#include "bus/bus_client.h"
#include "tables/shedding_config.h"

#include <stdbool.h>

//  What a postoffice said counts for so long.
#define SHEDDING_NEWS_MS 5000
#define SHEDDING_REST_MS 600000

typedef struct shedding shedding_t;

shedding_t *shedding_new (const shedding_config_t *config);
void shedding_destroy (shedding_t **self_p);

//  What a postoffice says.
void shedding_told (shedding_t *self, unsigned postoffice, const bus_loads_t *loads,
                    uint64_t now_ms);
void shedding_postoffice_down (shedding_t *self, unsigned postoffice);

//  How many of so many clients are to go now. To be called every second at least, and more often
//  for a more even flow.
uint64_t shedding_step (shedding_t *self, uint64_t connections, uint64_t now_ms);
//  So many of them were sent away.
void shedding_sent (shedding_t *self, uint64_t count);

//  0: not known.
uint64_t shedding_mean (const shedding_t *self);

#endif
