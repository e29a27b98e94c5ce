//  genesys-connector: connector.h says what it is, --help what can be set.

#include "connector.h"

int
main (int argc, char **argv)
{
    return service_main (argc, argv, &connector_service);
}
