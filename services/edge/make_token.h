//  make_token — the command `make-token`: a token for trying out, signed with an HS256 key of the
//  apps file. A site's own server makes the tokens of its visitors and agents (docs/tokens.md).

#ifndef MAKE_TOKEN_H
#define MAKE_TOKEN_H

#include "process/service.h"

//  `claims` is a JSON object with app, kind and sub at least; without exp the token is good for an
//  hour. Prints it, and returns the exit code.
int make_token (const service_kind_t *kind, const char *claims);

#endif
