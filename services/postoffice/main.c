//  postoffice — decides and stores: routes what participants say by session, kept in PostgreSQL.
//
//  Speaks the bus (docs/bus.md) as its server, and PostgreSQL. Settings: postoffice --help.

#include "postoffice.h"

int
main (int argc, char **argv)
{
    return service_main (argc, argv, &postoffice_service);
}
