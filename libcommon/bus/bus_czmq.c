#include "bus/bus_czmq.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <unistd.h>

#define OF_CZMQ "ZSYS_"

//  czmq takes limits, threads, interfaces and a log socket from variables such as ZSYS_SNDHWM. Ours
//  are set in the service's settings only.
static void
s_clear_environment (void)
{
    for (char **at = environ; at && *at;) {
        if (strncmp (*at, OF_CZMQ, strlen (OF_CZMQ)) != 0) {
            at++;
            continue;
        }
        char *name = alloc_text ((text_t){ *at, strcspn (*at, "=") });
        unsetenv (name); //  closes the gap: the next one stands here now
        free (name);
    }
}

void
bus_czmq_start (void)
{
    s_clear_environment ();
    zsys_handler_set (NULL);
    zsys_set_logstream (NULL);
}
