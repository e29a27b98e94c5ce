#include <criterion/criterion.h>
Test (log, waits_to_be_written) {}
