#include <criterion/criterion.h>
Test (operations, waits_to_be_written) {}
