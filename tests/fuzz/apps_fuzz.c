//  An apps.json of any bytes: read, or refused with a complaint that names a line.

#include "config/apps_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

//  The path stands for its own contents.
static const char *
s_read_secret (void *unused, text_t path, buffer_t *to)
{
    (void) unused;
    return buffer_put_text (to, path) == 0 ? NULL : "too large";
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    buffer_t complaint, warnings;
    buffer_init (&complaint, 1000);
    buffer_init (&warnings, 1000);
    text_t bytes = { size ? (const char *) data : "", size };
    apps_file_t *file = apps_file_new (bytes, &(apps_reading_t){ .reader = APP_READERS_ALL,
                                                                 .read_secret = s_read_secret,
                                                                 .complaint = &complaint,
                                                                 .warnings = &warnings });
    bool names_line = complaint.size > 5 && memcmp (complaint.data, "line ", 5) == 0;
    if ((file != NULL) == names_line)
        abort ();
    apps_file_destroy (&file);
    buffer_free (&complaint);
    buffer_free (&warnings);
    return 0;
}
