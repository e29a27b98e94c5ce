//  make_key — the command `make-key`: an API key for a server, and the row that makes an app know
//  it (docs/tokens.md). The key is printed this once and kept nowhere.

#ifndef MAKE_KEY_H
#define MAKE_KEY_H

#include "process/service.h"

//  Prints two lines, the key and the row, and returns the exit code.
int make_key (const service_kind_t *kind, const char *name);

#endif
