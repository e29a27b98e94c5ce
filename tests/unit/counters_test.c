#include <criterion/criterion.h>
Test (counters, waits_to_be_written) {}
