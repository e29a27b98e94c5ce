//  healthy — the health check of containers whose program has none of its own: the demo bot, the
//  mail catcher, the door. A service has the command `healthy`.
//
//      healthy PORT PATH        healthy 8090 /healthz
//
//  Ends with 0 when the answer is 200; what does not hold is in `docker inspect`, State.Health.

#include "process/healthy.h"

#include <stdio.h>
#include <stdlib.h>

int
main (int argc, char **argv)
{
    char *end = NULL;
    unsigned long port = argc == 3 ? strtoul (argv[1], &end, 10) : 0;
    if (port == 0 || port > UINT16_MAX || *end || *argv[2] != '/') {
        fputs ("usage: healthy PORT PATH\n", stderr);
        return 64;
    }
    return healthy_ask ("127.0.0.1", (uint16_t) port, argv[2]);
}
