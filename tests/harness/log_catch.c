#include "log_catch.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int s_log = -1;

void
log_catch (void)
{
    s_log = memfd_create ("log", MFD_CLOEXEC);
    cr_assert_neq (s_log, -1);
    cr_assert_neq (dup2 (s_log, STDERR_FILENO), -1);
}

static bool
s_has_all (const char *line, const char *const *texts)
{
    while (*texts && strstr (line, *texts))
        texts++;
    return !*texts;
}

unsigned
log_caught (const char *const *texts)
{
    struct stat log;
    cr_assert_eq (fstat (s_log, &log), 0);
    char *lines = calloc (1, (size_t) log.st_size + 1), *rest = lines;
    cr_assert (lines && pread (s_log, lines, (size_t) log.st_size, 0) == log.st_size);
    unsigned count = 0;
    for (char *line = strsep (&rest, "\n"); line; line = strsep (&rest, "\n"))
        count += s_has_all (line, texts);
    free (lines);
    return count;
}
