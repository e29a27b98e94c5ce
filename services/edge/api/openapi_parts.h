//  openapi_parts — what people wrote of the API's document: the files of api/openapi, which the
//  build embeds (api/openapi/embed.cmake).

#ifndef OPENAPI_PARTS_H
#define OPENAPI_PARTS_H

#include "model/api_operation.h"

typedef struct {
    api_operation_t operation; //  of an operation's part
    const char *name;          //  of the file
    const char *json;          //  NULL ends a list
} openapi_part_t;

//  What is said once: title, tags, parameters, how to say who asks.
extern const char openapi_document[];
//  One for each operation: {"tag", "description", "body", "answers", "refusals"}.
extern const openapi_part_t openapi_operations[];
//  What they refer to.
extern const openapi_part_t openapi_schemas[];

#endif
