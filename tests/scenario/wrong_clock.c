//  wrong_clock — preloaded into a process (LD_PRELOAD), it makes the wall clock wrong by
//  WRONG_CLOCK_SECONDS; the monotonic one is as it is.

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long
s_wrong (void)
{
    const char *seconds = getenv ("WRONG_CLOCK_SECONDS");
    return seconds ? strtol (seconds, NULL, 10) : 0;
}

__attribute__ ((visibility ("default"))) int
clock_gettime (clockid_t clock, struct timespec *to)
{
    static int (*real) (clockid_t, struct timespec *);
    if (!real)
        *(void **) &real = dlsym (RTLD_NEXT, "clock_gettime");
    int rc = real (clock, to);
    if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        to->tv_sec += s_wrong ();
    return rc;
}

__attribute__ ((visibility ("default"))) int
gettimeofday (struct timeval *to, void *zone)
{
    static int (*real) (struct timeval *, void *);
    if (!real)
        *(void **) &real = dlsym (RTLD_NEXT, "gettimeofday");
    int rc = real (to, zone);
    if (rc == 0)
        to->tv_sec += s_wrong ();
    return rc;
}

__attribute__ ((visibility ("default"))) time_t
time (time_t *to)
{
    struct timespec now;
    clock_gettime (CLOCK_REALTIME, &now);
    if (to)
        *to = now.tv_sec;
    return now.tv_sec;
}
