//  An apps.json of any bytes: read, or refused with a complaint that names a line.

#include "config/apps_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    buffer_t complaint;
    buffer_init (&complaint, 1000);
    text_t bytes = { size ? (const char *) data : "", size };
    apps_file_t *file = apps_file_new (bytes, &complaint);
    bool names_line = complaint.size > 5 && memcmp (complaint.data, "line ", 5) == 0;
    if ((file != NULL) == names_line)
        abort ();
    apps_file_destroy (&file);
    buffer_free (&complaint);
    return 0;
}
