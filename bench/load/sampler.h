//  sampler — CPU time and memory of the processes under load, from /proc.
//
//  Every gauge has a name ("edge") and some processes; a process's children count as part of it
//  (PostgreSQL has one for each link).

#ifndef SAMPLER_H
#define SAMPLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define GAUGE_PIDS_MOST 16

typedef struct {
    char name[32];
    pid_t pids[GAUGE_PIDS_MOST];
    unsigned pid_count;
} sampler_t;

//  From "edge=12,13". False when it is not of that form.
bool sampler_parse (sampler_t *self, const char *text);
//  CPU time used so far.
uint64_t sampler_cpu_us (const sampler_t *self);
//  CPU time that all processes of the machine have used so far, and what was stolen from it.
uint64_t sampler_machine_cpu_us (void);
//  Proportional set size: private memory, plus each one's part of what is shared.
uint64_t sampler_pss_bytes (const sampler_t *self);

#endif
