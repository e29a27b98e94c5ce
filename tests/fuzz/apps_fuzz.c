//  An apps.json of any bytes: read, or refused with a complaint that names a line.

#include "config/apps.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    buffer_t complaint;
    buffer_init (&complaint, 1000);
    int rc = apps_check ((text_t){ size ? (const char *) data : "", size }, &complaint);
    bool names_line = complaint.size > 5 && memcmp (complaint.data, "line ", 5) == 0;
    if ((rc == 0) == names_line)
        abort ();
    buffer_free (&complaint);
    return 0;
}
