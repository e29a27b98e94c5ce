#include "process/process_stats.h"

#include "base/clock.h"

#include <dirent.h>
#include <stdio.h>
#include <stentor_version.h>
#include <sys/resource.h>
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

const char *
process_revision (void)
{
    return STENTOR_REVISION;
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

//  The names that Prometheus' client libraries give to these, so that dashboards know them.
static const struct {
    const char *name;
    const char *type;
    const char *help;
} s_rows[] = {
    { "process_start_time_seconds", "gauge", "start of the process (Unix time)" },
    { "process_cpu_seconds_total", "counter", "CPU time used" },
    { "process_resident_memory_bytes", "gauge", "memory in use" },
    { "process_open_fds", "gauge", "open file descriptors" },
    { "process_max_fds", "gauge", "limit of open file descriptors" },
};

int
process_print (buffer_t *to)
{
    char lines[512];
    struct rlimit files = { .rlim_cur = 0 };
    getrlimit (RLIMIT_NOFILE, &files);
    const double values[] = { (double) s_started_ms / 1000,
                              (double) clock_read (CLOCK_PROCESS_CPUTIME_ID, 1000000) / 1e6,
                              s_resident_bytes (), s_open_descriptors (),
                              (double) files.rlim_cur };
    _Static_assert(sizeof values / sizeof *values == sizeof s_rows / sizeof *s_rows,
                   "a value for every row");
    snprintf (lines, sizeof lines,
              "# HELP stentor_build_info version of the program, and the commit it was built from\n"
              "# TYPE stentor_build_info gauge\n"
              "stentor_build_info{service=\"%s\",version=\"%s\",revision=\"%s\"} 1\n",
              s_service, process_version (), process_revision ());
    int rc = buffer_put_string (to, lines);
    for (size_t row = 0; row < sizeof s_rows / sizeof *s_rows && rc == 0; row++) {
        const char *name = s_rows[row].name;
        snprintf (lines, sizeof lines, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", name,
                  s_rows[row].help, name, s_rows[row].type, name, values[row]);
        rc = buffer_put_string (to, lines);
    }
    return rc;
}
