#include "process/process_stats.h"

#include "base/clock.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *s_service = "";
static uint64_t s_started_ms;

void
process_start (const char *service)
{
    s_service = service;
    s_started_ms = clock_wall_ms ();
}

const char *
process_version (void)
{
    return STENTOR_VERSION;
}

static double
s_cpu_seconds (void)
{
    return (double) clock_read (CLOCK_PROCESS_CPUTIME_ID, 1000000) / 1e6;
}

static double
s_resident_bytes (void)
{
    unsigned long long pages = 0;
    FILE *file = fopen ("/proc/self/statm", "re");
    if (!file)
        return 0;
    if (fscanf (file, "%*u %llu", &pages) != 1)
        pages = 0;
    fclose (file);
    return (double) pages * (double) sysconf (_SC_PAGESIZE);
}

//  Newer kernels tell the number as the directory's size; a walk over many thousands of entries
//  would hold up the loop.
static double
s_open_descriptors (void)
{
    struct stat status;
    if (stat ("/proc/self/fd", &status) == 0 && status.st_size > 0)
        return (double) status.st_size;
    double count = 0;
    DIR *directory = opendir ("/proc/self/fd");
    if (!directory)
        return 0;
    while (readdir (directory))
        count++;
    closedir (directory);
    return count - 3; //  ".", ".." and the walk's own
}

static int
s_put (buffer_t *to, const char *name, const char *type, const char *help, double value)
{
    char lines[512];
    snprintf (lines, sizeof lines,
              "# HELP stentor_%s %s\n# TYPE stentor_%s %s\nstentor_%s %.15g\n", name, help, name,
              type, name, value);
    return buffer_put_string (to, lines);
}

int
process_print (buffer_t *to)
{
    char info[256];
    snprintf (info, sizeof info,
              "# HELP stentor_build_info what is running\n# TYPE stentor_build_info gauge\n"
              "stentor_build_info{service=\"%s\",version=\"%s\"} 1\n",
              s_service, STENTOR_VERSION);
    int rc = buffer_put_string (to, info);
    if (rc == 0)
        rc = s_put (to, "process_start_time_seconds", "gauge", "when it was started (Unix time)",
                    (double) s_started_ms / 1000);
    if (rc == 0)
        rc = s_put (to, "process_cpu_seconds_total", "counter", "CPU time used", s_cpu_seconds ());
    if (rc == 0)
        rc = s_put (to, "process_resident_memory_bytes", "gauge", "memory in use",
                    s_resident_bytes ());
    if (rc == 0)
        rc = s_put (to, "open_file_descriptors", "gauge", "descriptors that are open",
                    s_open_descriptors ());
    return rc;
}
