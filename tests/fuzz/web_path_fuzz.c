//  The path of a URL never leads out of the root, nor to what begins with a dot.

#include "pages/web_path.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#define ROOT "/srv/web"
#define ROOM 600

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    char *bytes = malloc (size + 1), *path = malloc (ROOM);
    assert (bytes && path);
    if (size)
        memcpy (bytes, data, size);
    if (web_path_read (TEXT (ROOT), (text_t){ bytes, size }, path, ROOM) == WEB_PATH_FOUND) {
        size_t length = strlen (path);
        assert (length < ROOM && length > sizeof ROOT);
        assert (memcmp (path, ROOT "/", sizeof ROOT) == 0);
        assert (!strstr (path, "/../") && !strstr (path, "//") && path[length - 1] != '/');
        const char *dot = strstr (path, "/.");
        assert (!dot || strncmp (dot, "/.well-known", 12) == 0);
        assert (web_type (path));
    }
    free (bytes);
    free (path);
    return 0;
}
