//  notifier: notifier.h says what it is, --help what can be set.

#include "notifier.h"

int
main (int argc, char **argv)
{
    return service_main (argc, argv, &notifier_service);
}
