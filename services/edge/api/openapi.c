#include "api/openapi.h"

#include "api/openapi_parts.h"
#include "json/json_read.h"
#include "model/problem.h"

#include <assert.h>
#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define STATUSES 600
#define SCHEMAS "#/components/schemas/"
#define REFUSALS "#/components/responses/Refusal"

typedef struct json_object json_t;

// ---------------------------------------------------------------------------------------------
//  Building

static json_t *
s_parse (const char *text)
{
    json_reading_t reading;
    json_t *tree = json_read (
        text_of (text), &(json_limits_t){ .depth_most = 64, .values_most = 20000 }, &reading);
    assert (tree); //  the build has looked at it
    return tree;
}

//  Gives the child to the parent.
static json_t *
s_add (json_t *parent, const char *name, json_t *child)
{
    json_object_object_add (parent, name, child);
    return child;
}

static json_t *
s_add_object (json_t *parent, const char *name)
{
    return s_add (parent, name, json_object_new_object ());
}

static void
s_add_text (json_t *parent, const char *name, const char *text)
{
    s_add (parent, name, json_object_new_string (text));
}

static json_t *
s_reference (const char *where, const char *name)
{
    char target[120];
    json_t *self = json_object_new_object ();
    snprintf (target, sizeof target, "%s%s", where, name);
    s_add_text (self, "$ref", target);
    return self;
}

static json_t *
s_member (json_t *object, const char *name)
{
    json_t *value = NULL;
    json_object_object_get_ex (object, name, &value);
    return value;
}

//  The member, there or new.
static json_t *
s_child (json_t *object, const char *name)
{
    json_t *value = s_member (object, name);
    return value ? value : s_add_object (object, name);
}

// ---------------------------------------------------------------------------------------------
//  Refusals: one response for each status

static json_t *
s_problem_schema (unsigned status)
{
    json_t *self = json_object_new_object ();
    json_t *both = s_add (self, "allOf", json_object_new_array ());
    json_object_array_add (both, s_reference (SCHEMAS, "Problem"));
    json_t *narrower = json_object_new_object ();
    json_object_array_add (both, narrower);
    json_t *members = s_add_object (narrower, "properties");
    json_t *types = s_add (s_add_object (members, "type"), "enum", json_object_new_array ());
    for (problem_t problem = 0; problem < PROBLEMS; problem++) {
        char type[80];
        if (problem_status (problem) != status)
            continue;
        snprintf (type, sizeof type, "urn:stentor:problem:%s", problem_type (problem));
        json_object_array_add (types, json_object_new_string (type));
    }
    s_add (s_add_object (members, "status"), "const", json_object_new_int ((int) status));
    return self;
}

//  What its rows say, one sentence after the other.
static void
s_add_words (json_t *response, const char *words)
{
    char all[2000] = "";
    json_t *before = s_member (response, "description");
    snprintf (all, sizeof all, "%s%s%c%s", before ? json_object_get_string (before) : "",
              before ? "; " : "", before ? *words : toupper ((unsigned char) *words), words + 1);
    s_add_text (response, "description", all);
}

static void
s_add_headers (json_t *response, unsigned status)
{
    const char *name = status == 401                      ? "WWW-Authenticate"
                       : status == 429 || status == 503 ? "Retry-After"
                                                          : NULL;
    if (name)
        s_add (s_add_object (response, "headers"), name,
               s_reference ("#/components/headers/", name));
}

static json_t *
s_refusal (json_t *responses, unsigned status)
{
    char name[40];
    snprintf (name, sizeof name, "Refusal%u", status);
    return s_child (responses, name);
}

static void
s_add_refusals (json_t *components)
{
    json_t *responses = s_add_object (components, "responses");
    for (problem_t problem = 0; problem < PROBLEMS; problem++) {
        unsigned status = problem_status (problem);
        json_t *response = s_refusal (responses, status);
        s_add_words (response, problem_title (problem));
        if (s_member (response, "content"))
            continue;
        s_add_headers (response, status);
        json_t *content = s_add_object (response, "content");
        s_add (s_add_object (content, PROBLEM_TYPE), "schema", s_problem_schema (status));
    }
}

//  Does the operation take this header?
static bool
s_takes (json_t *part, const char *name)
{
    json_t *headers = s_member (part, "headers");
    for (size_t at = 0; headers && at < json_object_array_length (headers); at++)
        if (strcmp (json_object_get_string (json_object_array_get_idx (headers, at)), name) == 0)
            return true;
    return false;
}

//  Can every operation like this be refused so? A path's method is known when the operation is; a
//  conflict, or what may be switched off, is for the operation's file to say.
static bool
s_is_usual (unsigned status, const api_row_t *row, json_t *part)
{
    switch (status) {
    case 401:
    case 403:
    case 404:
        return row->permission != PERMIT_ANYBODY;
    case 405:
    case 409:
    case 501:
        return false;
    case 412:
        return s_takes (part, "ifMatch");
    case 422:
        return s_takes (part, "idempotencyKey");
    case 413:
        return row->body_most > 0;
    case 504:
        return row->place != API_AT_EDGE;
    default:
        return true;
    }
}

static void
s_mark (bool statuses[STATUSES], const api_row_t *row, json_t *part)
{
    for (problem_t problem = 0; problem < PROBLEMS; problem++)
        if (s_is_usual (problem_status (problem), row, part))
            statuses[problem_status (problem)] = true;
    json_t *more = s_member (part, "refusals");
    for (size_t at = 0; more && at < json_object_array_length (more); at++) {
        const char *type = json_object_get_string (json_object_array_get_idx (more, at));
        problem_t problem = 0;
        while (problem < PROBLEMS && strcmp (problem_type (problem), type) != 0)
            problem++;
        assert (problem < PROBLEMS); //  an operation's file names a problem that is none
        statuses[problem_status (problem)] = true;
    }
}

// ---------------------------------------------------------------------------------------------
//  Operations

//  SESSION_GET is "sessionGet".
static void
s_add_id (json_t *operation, const char *name)
{
    char id[60];
    size_t size = 0;
    for (const char *at = name; *at && size < sizeof id - 1; at++)
        if (*at == '_')
            id[size++] = *++at;
        else
            id[size++] = (char) tolower ((unsigned char) *at);
    id[size] = '\0';
    s_add_text (operation, "operationId", id);
}

//  Whom the table gives the permission.
static void
s_add_who (json_t *operation, permission_t permission)
{
    static const struct {
        const char *name;
        role_t kind;
    } kinds[] = { { "visitor", ROLE_VISITOR }, { "agent", ROLE_AGENT }, { "api", ROLE_API } };
    static const char *const scopes[] = { [SCOPE_NEVER] = "no",
                                          [SCOPE_OWN] = "own sessions",
                                          [SCOPE_APP] = "all of its app" };
    json_t *who = s_add_object (operation, "x-who");
    s_add_text (operation, "x-permission", permission_name (permission));
    for (size_t at = 0; at < sizeof kinds / sizeof *kinds; at++)
        s_add_text (who, kinds[at].name, scopes[permission_scope (permission, kinds[at].kind)]);
}

//  A token; or, where visitors may, nothing.
static void
s_add_security (json_t *operation, permission_t permission)
{
    json_t *ways = s_add (operation, "security", json_object_new_array ());
    if (permission == PERMIT_ANYBODY)
        return;
    json_t *token = json_object_new_object ();
    s_add (token, "token", json_object_new_array ());
    json_object_array_add (ways, token);
    if (permission_scope (permission, ROLE_VISITOR) != SCOPE_NEVER)
        json_object_array_add (ways, json_object_new_object ());
}

static void
s_add_parameter (json_t *parameters, const char *name)
{
    json_object_array_add (parameters, s_reference ("#/components/parameters/", name));
}

//  The values that a row of api_queries.def allows.
static void
s_add_values (json_t *schema, const api_query_row_t *row)
{
    bool is_number = row->kind == API_QUERY_NUMBER;
    s_add_text (schema, "type", is_number ? "integer" : "string");
    if (is_number || row->kind == API_QUERY_TEXT) {
        s_add (schema, is_number ? "minimum" : "minLength", json_object_new_uint64 (row->least));
        s_add (schema, is_number ? "maximum" : "maxLength", json_object_new_uint64 (row->most));
    }
    if (row->kind == API_QUERY_TEXT)
        s_add_text (schema, "pattern", "^[^\\u0000-\\u001f\\u007f-\\u009f]*$");
    if (row->kind == API_QUERY_TIME)
        s_add_text (schema, "format", "date-time");
    if (row->kind != API_QUERY_CHOICE)
        return;
    json_t *choices = s_add (schema, "enum", json_object_new_array ());
    const char *at = NULL;
    for (text_t choice; (choice = api_query_choice (row, &at)).size > 0;)
        json_object_array_add (choices,
                               json_object_new_string_len (choice.data, (int) choice.size));
}

static void
s_add_queries (json_t *parameters, api_operation_t operation)
{
    const api_query_row_t *row;
    for (size_t at = 0; (row = api_query_row_at (at)); at++) {
        if (row->operation != operation)
            continue;
        json_t *parameter = json_object_new_object ();
        s_add_text (parameter, "name", row->name);
        s_add_text (parameter, "in", "query");
        s_add_text (parameter, "description", row->words);
        if (row->is_needed)
            s_add (parameter, "required", json_object_new_boolean (true));
        s_add_values (s_add_object (parameter, "schema"), row);
        json_object_array_add (parameters, parameter);
    }
}

static void
s_add_parameters (json_t *operation, const api_row_t *row, json_t *part)
{
    json_t *parameters = s_add (operation, "parameters", json_object_new_array ());
    for (const char *at = strchr (row->path, '{'); at; at = strchr (at, '{')) {
        char name[40];
        size_t size = strcspn (++at, "}");
        snprintf (name, sizeof name, "%.*s", (int) size, at);
        s_add_parameter (parameters, name);
    }
    static const char *const who_asks[] = { "userId", "appId", "isAdmin" };
    size_t count = row->permission == PERMIT_ANYBODY ? 0 : sizeof who_asks / sizeof *who_asks;
    for (size_t at = 0; at < count; at++)
        s_add_parameter (parameters, who_asks[at]);
    s_add_queries (parameters, row->operation);
    json_t *headers = s_member (part, "headers");
    for (size_t at = 0; headers && at < json_object_array_length (headers); at++)
        s_add_parameter (parameters,
                         json_object_get_string (json_object_array_get_idx (headers, at)));
}

static void
s_add_body (json_t *operation, const api_row_t *row, json_t *part)
{
    json_t *schema = s_member (part, "body");
    if (!schema)
        return;
    json_t *body = s_add_object (operation, "requestBody");
    bool is_optional = json_object_get_boolean (s_member (part, "bodyIsOptional"));
    s_add (body, "required", json_object_new_boolean (!is_optional));
    s_add (s_add_object (s_add_object (body, "content"), "application/json"), "schema",
           json_object_get (schema));
    s_add (operation, "x-body-most", json_object_new_uint64 (row->body_most));
}

//  Of an answer's file: "schema" is that of JSON, "content" says all types itself.
static json_t *
s_answer (json_t *said)
{
    json_t *self = NULL, *schema = s_member (said, "schema");
    int rc = json_object_deep_copy (said, &self, NULL);
    assert (rc == 0);
    json_object_object_del (self, "schema");
    if (schema)
        s_add (s_add_object (s_add_object (self, "content"), "application/json"), "schema",
               json_object_get (schema));
    return self;
}

static void
s_add_answers (json_t *operation, const api_row_t *row, json_t *part)
{
    bool statuses[STATUSES] = { false };
    json_t *responses = s_add_object (operation, "responses");
    json_object_object_foreach (s_member (part, "answers"), said, answer)
    {
        s_add (responses, said, s_answer (answer));
    }
    s_mark (statuses, row, part);
    for (unsigned status = 0; status < STATUSES; status++) {
        char name[20];
        snprintf (name, sizeof name, "%u", status);
        if (statuses[status])
            s_add (responses, name, s_reference (REFUSALS, name));
    }
}

static void
s_add_operation (json_t *paths, const api_row_t *row, const char *text)
{
    json_t *part = s_parse (text);
    char method[20];
    size_t size = 0;
    for (; row->method[size] && size < sizeof method - 1; size++)
        method[size] = (char) tolower ((unsigned char) row->method[size]);
    method[size] = '\0';
    json_t *self = s_add_object (s_child (paths, row->path), method);
    s_add_id (self, row->name);
    json_t *tags = s_add (self, "tags", json_object_new_array ());
    json_object_array_add (tags, json_object_get (s_member (part, "tag")));
    s_add_text (self, "summary", row->words);
    if (s_member (part, "description"))
        s_add (self, "description", json_object_get (s_member (part, "description")));
    if (row->permission != PERMIT_ANYBODY)
        s_add_who (self, row->permission);
    s_add (self, "x-deadline-ms", json_object_new_uint64 (row->deadline_ms));
    s_add_security (self, row->permission);
    s_add_parameters (self, row, part);
    s_add_body (self, row, part);
    s_add_answers (self, row, part);
    json_object_put (part);
}

// ---------------------------------------------------------------------------------------------

void
openapi_write (buffer_t *to)
{
    json_t *document = s_parse (openapi_document);
    json_t *components = s_child (document, "components");
    json_t *schemas = s_add_object (components, "schemas");
    json_t *paths = s_add_object (document, "paths");
    const api_row_t *row;
    for (size_t at = 0; (row = api_row_at (at)); at++)
        for (const openapi_part_t *part = openapi_operations; part->json; part++)
            if (part->operation == row->operation)
                s_add_operation (paths, row, part->json);
    for (const openapi_part_t *part = openapi_schemas; part->json; part++)
        s_add (schemas, part->name, s_parse (part->json));
    s_add_refusals (components);
    int rc = buffer_put_string (
        to, json_object_to_json_string_ext (document, JSON_C_TO_STRING_PLAIN
                                                          | JSON_C_TO_STRING_NOSLASHESCAPE));
    assert (rc == 0);
    json_object_put (document);
}
