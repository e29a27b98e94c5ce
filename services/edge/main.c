//  edge — see edge.h; its settings: edge --help.

#include "edge.h"

int
main (int argc, char **argv)
{
    return service_main (argc, argv, &edge_service);
}
