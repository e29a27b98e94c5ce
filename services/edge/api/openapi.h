//  openapi — the HTTP API as a document of OpenAPI 3.1, which the edge serves.
//
//  Each thing is said in one place. Paths, permissions, deadlines and sizes are rows of
//  api_operations.def and permissions.def, refusals of problems.def; what
//  bodies and answers look like stands in api/openapi, one file for each operation. An operation
//  without a file is not in the document, and a test fails.

#ifndef OPENAPI_H
#define OPENAPI_H

#include "base/buffer.h"

#define OPENAPI_MAX (1u << 20) //  bytes

//  Writes the document as compact JSON, the same one each time. The buffer's ceiling is OPENAPI_MAX
//  at least.
void openapi_write (buffer_t *to);

#endif
