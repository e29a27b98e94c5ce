#include "make_key.h"

#include "config/app_table.h"

#include <stdio.h>
#include <sysexits.h>

int
make_key (const service_kind_t *kind, const char *name)
{
    (void) kind;
    char key[API_KEY_SIZE + 1], hash[API_KEY_HASH_SIZE + 1];
    text_t text = text_of (name);
    if (text.size > API_KEY_NAME_MOST || !app_key_name_format.is_valid (text)) {
        fprintf (stderr, "edge make-key: %s, of at most %d bytes\n", app_key_name_format.words,
                 API_KEY_NAME_MOST);
        return EX_USAGE;
    }
    api_key_make (key, hash);
    //  The name has nothing that JSON would write in another way.
    printf ("%s\n{ \"name\": \"%s\", \"hash\": \"%s\" }\n", key, name, hash);
    return fflush (stdout) == 0 ? EX_OK : EX_IOERR;
}
