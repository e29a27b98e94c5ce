#include <criterion/criterion.h>
Test (settings, waits_to_be_written) {}
