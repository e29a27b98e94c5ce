//  sampler — see sampler.h.

#include "sampler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHILDREN_MOST 256

bool
sampler_parse (sampler_t *self, const char *text)
{
    const char *equals = strchr (text, '=');
    *self = (sampler_t){ 0 };
    if (!equals || equals == text || (size_t) (equals - text) >= sizeof self->name)
        return false;
    memcpy (self->name, text, (size_t) (equals - text));
    for (const char *at = equals; *at && self->pid_count < GAUGE_PIDS_MOST;) {
        char *end;
        long pid = strtol (at + 1, &end, 10);
        if (pid <= 0 || (*end && *end != ','))
            return false;
        self->pids[self->pid_count++] = (pid_t) pid;
        at = end;
    }
    return self->pid_count > 0;
}

//  Fills in the children of a process; returns how many.
static unsigned
s_children (pid_t pid, pid_t *children)
{
    char path[64];
    snprintf (path, sizeof path, "/proc/%d/task/%d/children", (int) pid, (int) pid);
    FILE *file = fopen (path, "r");
    unsigned count = 0;
    int child;
    while (file && count < CHILDREN_MOST && fscanf (file, "%d", &child) == 1)
        children[count++] = (pid_t) child;
    if (file)
        fclose (file);
    return count;
}

//  In clock ticks; those of children that have ended are in their parent's account.
static uint64_t
s_ticks (pid_t pid)
{
    char path[64];
    char line[1024] = "";
    snprintf (path, sizeof path, "/proc/%d/stat", (int) pid);
    FILE *file = fopen (path, "r");
    if (!file)
        return 0;
    size_t size = fread (line, 1, sizeof line - 1, file);
    fclose (file);
    line[size] = 0;
    //  The name stands in parentheses and may hold anything; the fields after it are counted.
    const char *rest = strrchr (line, ')');
    unsigned long times[4] = { 0 };
    if (!rest
        || sscanf (rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu",
                   &times[0], &times[1], &times[2], &times[3])
               != 4)
        return 0;
    return (uint64_t) times[0] + times[1] + times[2] + times[3];
}

static uint64_t
s_pss_kilobytes (pid_t pid)
{
    char path[64];
    char line[256];
    unsigned long kilobytes = 0;
    snprintf (path, sizeof path, "/proc/%d/smaps_rollup", (int) pid);
    FILE *file = fopen (path, "r");
    while (file && fgets (line, sizeof line, file))
        if (sscanf (line, "Pss: %lu kB", &kilobytes) == 1)
            break;
    if (file)
        fclose (file);
    return kilobytes;
}

static uint64_t
s_sum (const sampler_t *self, uint64_t (*of) (pid_t pid))
{
    uint64_t sum = 0;
    for (unsigned index = 0; index < self->pid_count; index++) {
        pid_t children[CHILDREN_MOST];
        unsigned count = s_children (self->pids[index], children);
        sum += of (self->pids[index]);
        while (count > 0)
            sum += of (children[--count]);
    }
    return sum;
}

static uint64_t
s_tick_us (void)
{
    return 1000000 / (uint64_t) sysconf (_SC_CLK_TCK);
}

uint64_t
sampler_cpu_us (const sampler_t *self)
{
    return s_sum (self, s_ticks) * s_tick_us ();
}

uint64_t
sampler_machine_cpu_us (void)
{
    //  user, nice, system, idle, waiting for disks, irq, softirq, steal
    unsigned long times[8] = { 0 };
    FILE *file = fopen ("/proc/stat", "r");
    if (!file)
        return 0;
    int count = fscanf (file, "cpu %lu %lu %lu %lu %lu %lu %lu %lu", &times[0], &times[1],
                        &times[2], &times[3], &times[4], &times[5], &times[6], &times[7]);
    fclose (file);
    if (count != 8)
        return 0;
    return (times[0] + times[1] + times[2] + times[5] + times[6] + times[7]) * s_tick_us ();
}

uint64_t
sampler_pss_bytes (const sampler_t *self)
{
    return s_sum (self, s_pss_kilobytes) * 1024;
}
