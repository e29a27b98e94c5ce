//  gauge — CPU time and memory of the processes under load, from /proc.
//
//  Every gauge has a name ("edge") and some processes; a process's children count as part of it
//  (PostgreSQL has one for each link).

#ifndef GAUGE_H
#define GAUGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define GAUGE_PIDS_MOST 16

typedef struct {
    char name[32];
    pid_t pids[GAUGE_PIDS_MOST];
    unsigned pid_count;
} gauge_t;

//  From "edge=12,13". False when it is not of that form.
bool gauge_parse (gauge_t *self, const char *text);
//  CPU time used so far.
uint64_t gauge_cpu_us (const gauge_t *self);
//  CPU time that all processes of the machine have used so far, and what was stolen from it.
uint64_t gauge_machine_cpu_us (void);
//  Proportional set size: private memory, plus each one's part of what is shared.
uint64_t gauge_pss_bytes (const gauge_t *self);

#endif
