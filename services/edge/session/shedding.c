#include "session/shedding.h"

#include "base/alloc.h"
#include "base/log.h"
#include "tables/edge_metrics.h"

#include <stdlib.h>

//  At most so many at a time: what is spread over seconds otherwise is not made up for in one.
#define STEP_CLIENTS 100
#define STEP_MS 1000
#define RESTS_MOST 4 //  doublings
//  A percent in a millisecond, of one client.
#define PARTS 100000

typedef struct {
    bus_loads_t loads;
    uint64_t heard_ms; //  0: nothing
} report_t;

struct shedding {
    shedding_config_t config;
    report_t reports[BUS_LINKS_MAX];
    uint64_t mean;       //  0: not known
    bool is_settled;     //  and all edges say what they have
    bool is_on;
    uint64_t stepped_ms; //  0: never
    uint64_t parts;      //  of a client that is due
    uint64_t began_above; //  the mean, when the budget was set
    uint64_t budget;      //  clients that may still be sent away before that is looked at
    uint64_t rests_until_ms;
    unsigned rests;      //  one after the other
};

shedding_t *
shedding_new (const shedding_config_t *config)
{
    shedding_t *self = alloc_zeroed (sizeof *self);
    self->config = *config;
    return self;
}

void
shedding_destroy (shedding_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

void
shedding_told (shedding_t *self, unsigned postoffice, const bus_loads_t *loads, uint64_t now_ms)
{
    if (postoffice < BUS_LINKS_MAX)
        self->reports[postoffice] = (report_t){ *loads, now_ms };
}

void
shedding_postoffice_down (shedding_t *self, unsigned postoffice)
{
    if (postoffice < BUS_LINKS_MAX)
        self->reports[postoffice].heard_ms = 0;
}

uint64_t
shedding_mean (const shedding_t *self)
{
    return self->mean;
}

//  Postoffices may see different edges, and say it at different moments: the highest mean counts,
//  and each must find that edges have settled.
static void
s_weigh (shedding_t *self, uint64_t now_ms)
{
    bool is_settled = true;
    self->mean = 0;
    for (unsigned at = 0; at < BUS_LINKS_MAX; at++) {
        const report_t *report = &self->reports[at];
        const bus_loads_t *loads = &report->loads;
        if (report->heard_ms == 0 || now_ms - report->heard_ms > SHEDDING_NEWS_MS
            || loads->edges == 0)
            continue;
        uint64_t mean =
            loads->connections / loads->edges + (loads->connections % loads->edges > 0);
        self->mean = mean > self->mean ? mean : self->mean;
        is_settled = is_settled && loads->edges > 1 && loads->silent == 0
                     && loads->settled_ms >= self->config.after_ms;
    }
    self->is_settled = is_settled && self->mean > 0;
    edge_metrics[EDGE_CONNECTIONS_MEAN] = (int64_t) self->mean;
}

static uint64_t
s_root (uint64_t number)
{
    uint64_t root = 0;
    while ((root + 1) * (root + 1) <= number && root < 100000)
        root++;
    return root;
}

//  So far above the mean it begins.
static uint64_t
s_margin (const shedding_t *self)
{
    uint64_t set = self->mean * self->config.above / 100, noise = 2 * s_root (self->mean);
    return (set > noise ? set : noise) + 1;
}

static void
s_set_budget (shedding_t *self, uint64_t above)
{
    self->began_above = self->budget = above;
}

static void
s_begin (shedding_t *self, uint64_t connections)
{
    static log_limit_t limit = LOG_LIMIT (LOG_INFO, "shedding connections");
    self->is_on = true;
    self->parts = 0;
    s_set_budget (self, connections - self->mean);
    if (log_limit_allows (&limit))
        log_info ("shedding connections", log_number ("connections", (int64_t) connections),
                  log_number ("mean", (int64_t) self->mean));
}

static void
s_end (shedding_t *self, uint64_t connections)
{
    static log_limit_t limit = LOG_LIMIT (LOG_INFO, "shedding has ended");
    self->is_on = false;
    if (log_limit_allows (&limit))
        log_info ("shedding has ended", log_number ("connections", (int64_t) connections),
                  log_number ("mean", (int64_t) self->mean));
}

static void
s_rest (shedding_t *self, uint64_t connections, uint64_t now_ms)
{
    uint64_t rest_ms = (uint64_t) SHEDDING_REST_MS
                       << (self->rests < RESTS_MOST ? self->rests : RESTS_MOST);
    self->is_on = false;
    self->rests++;
    self->rests_until_ms = now_ms + rest_ms;
    edge_count (EDGE_SHED_IN_VAIN, 1);
    log_warn ("shedding in vain: the balancer sends clients back here",
              log_number ("connections", (int64_t) connections),
              log_number ("mean", (int64_t) self->mean),
              log_number ("rest_s", (int64_t) rest_ms / 1000));
}

//  As many went as were above the mean. With two edges half of them come back; when three quarters
//  are still there, or again, that leads nowhere.
static void
s_look_back (shedding_t *self, uint64_t connections, uint64_t now_ms)
{
    uint64_t above = connections - self->mean;
    if (above * 4 > self->began_above * 3)
        s_rest (self, connections, now_ms);
    else
        s_set_budget (self, above);
}

//  Whether any are to go now.
static bool
s_is_on (shedding_t *self, uint64_t connections, uint64_t now_ms)
{
    if (self->config.share == 0)
        return false;
    if (!self->is_settled) {
        self->is_on = false;
        self->rests_until_ms = 0;
        return false;
    }
    uint64_t margin = s_margin (self);
    if (!self->is_on && connections > self->mean + margin && now_ms >= self->rests_until_ms)
        s_begin (self, connections);
    else if (self->is_on && connections <= self->mean + margin / 4) {
        s_end (self, connections);
        self->rests = 0;
    } else if (self->is_on && self->budget == 0)
        s_look_back (self, connections, now_ms);
    return self->is_on;
}

uint64_t
shedding_step (shedding_t *self, uint64_t connections, uint64_t now_ms)
{
    uint64_t passed_ms = self->stepped_ms ? now_ms - self->stepped_ms : 0;
    self->stepped_ms = now_ms;
    s_weigh (self, now_ms);
    if (!s_is_on (self, connections, now_ms))
        return 0;
    uint64_t above = connections - self->mean;
    self->parts += above * self->config.share * (passed_ms < STEP_MS ? passed_ms : STEP_MS);
    uint64_t due = self->parts / PARTS, most = above < STEP_CLIENTS ? above : STEP_CLIENTS;
    self->parts %= PARTS;
    most = self->budget < most ? self->budget : most;
    return due < most ? due : most;
}

void
shedding_sent (shedding_t *self, uint64_t count)
{
    self->budget -= count < self->budget ? count : self->budget;
}
