#include <criterion/criterion.h>
Test (service, waits_to_be_written) {}
