//  web_path — from the path of a URL to the file that is meant, and never to one outside the root.

#ifndef WEB_PATH_H
#define WEB_PATH_H

#include "base/text.h"

typedef enum {
    WEB_PATH_FOUND,
    WEB_PATH_BAD,    //  not well-formed: badly encoded
    WEB_PATH_NOWHERE //  there can be no such file
} web_path_t;

//  Writes root and path to `to`, with index.html behind a slash at the end.
//
//  There is no file whose name begins with a dot (but .well-known), so no way up and nothing that
//  was not meant to be shown; nor one with a slash or a control character in its name.
web_path_t web_path_read (text_t root, text_t path, char *to, size_t room);

//  The Content-Type of a file of this name.
const char *web_type (const char *path);

#endif
