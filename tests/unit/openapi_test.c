//  openapi — every operation of the table is in the document with what goes in and out, and what
//  the document refers to is there and is used. What only a validator can see: tests/contract.

#include "api/openapi.h"
#include "api/openapi_parts.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>

typedef struct json_object json_t;

static const openapi_part_t *
s_part (api_operation_t operation)
{
    for (const openapi_part_t *part = openapi_operations; part->json; part++)
        if (part->operation == operation)
            return part;
    return NULL;
}

static json_t *
s_member (json_t *object, const char *name)
{
    json_t *value = NULL;
    json_object_object_get_ex (object, name, &value);
    return value;
}

static char *
s_text (void)
{
    buffer_t to;
    buffer_init (&to, OPENAPI_MAX);
    openapi_write (&to);
    char *text = strndup (to.data, to.size);
    buffer_free (&to);
    return text;
}

static json_t *
s_document (void)
{
    char *text = s_text ();
    json_t *document = json_tokener_parse (text);
    cr_assert (document);
    free (text);
    return document;
}

Test (openapi, every_operation_has_a_file)
{
    json_t *document = s_document (), *tags = s_member (document, "tags");
    const api_row_t *row;
    for (size_t each_row = 0; (row = api_row_at (each_row)); each_row++) {
        const openapi_part_t *part = s_part (row->operation);
        const char *name = row->name;
        cr_expect (part, "%s has no file in services/edge/api/openapi (docs/developers.md)", name);
        if (!part)
            continue;
        json_t *tree = json_tokener_parse (part->json);
        cr_expect_eq (s_member (tree, "body") != NULL, row->body_most > 0, "the body of %s", name);
        bool is_answered = false;
        json_object_object_foreach (s_member (tree, "answers"), status, answer)
        {
            is_answered |= status[0] == '2';
            cr_expect (s_member (answer, "description"), "%s, %s", name, status);
        }
        cr_expect (is_answered, "%s has no answer of 2xx", name);
        bool is_tag = false;
        const char *tag = json_object_get_string (s_member (tree, "tag"));
        for (size_t each = 0; each < json_object_array_length (tags); each++)
            is_tag |= strcmp (json_object_get_string (s_member (
                                  json_object_array_get_idx (tags, each), "name")),
                              tag ? tag : "") == 0;
        cr_expect (is_tag, "%s has a tag that document.json has not", name);
        json_object_put (tree);
    }
    json_object_put (document);
}

//  "#/components/schemas/Session" in the document; NULL: nothing is there.
static json_t *
s_target (json_t *document, const char *reference)
{
    char path[200];
    cr_assert_eq (strncmp (reference, "#/", 2), 0, "%s", reference);
    snprintf (path, sizeof path, "%s", reference + 2);
    for (char *rest = path, *name; document && (name = strsep (&rest, "/"));)
        document = s_member (document, name);
    return document;
}

//  Every {"$ref": "…"} below the tree.
static void
s_check_references (json_t *document, json_t *tree)
{
    if (json_object_is_type (tree, json_type_array))
        for (size_t at = 0; at < json_object_array_length (tree); at++)
            s_check_references (document, json_object_array_get_idx (tree, at));
    if (!json_object_is_type (tree, json_type_object))
        return;
    json_object_object_foreach (tree, name, value)
    {
        if (strcmp (name, "$ref") == 0)
            cr_expect (s_target (document, json_object_get_string (value)), "%s is not there",
                       json_object_get_string (value));
        else
            s_check_references (document, value);
    }
}

Test (openapi, what_it_refers_to_is_there)
{
    json_t *document = s_document ();
    s_check_references (document, document);
    json_object_put (document);
}

Test (openapi, every_schema_is_used)
{
    char *text = s_text (), reference[120];
    for (const openapi_part_t *part = openapi_schemas; part->json; part++) {
        snprintf (reference, sizeof reference, "\"#/components/schemas/%s\"", part->name);
        cr_expect (strstr (text, reference), "nothing refers to %s", part->name);
    }
    free (text);
}

//  What is said of a parameter of an operation: NULL, if the document does not have it.
static json_t *
s_parameter (json_t *document, const api_row_t *operation, const char *name)
{
    json_t *path = s_member (s_member (document, "paths"), operation->path);
    char method[20];
    snprintf (method, sizeof method, "%s", operation->method);
    for (char *at = method; *at; at++)
        *at = (char) tolower (*at);
    json_t *all = s_member (s_member (path, method), "parameters");
    for (size_t at = 0; all && at < json_object_array_length (all); at++) {
        json_t *one = json_object_array_get_idx (all, at);
        const char *its = json_object_get_string (s_member (one, "name"));
        if (its && strcmp (its, name) == 0)
            return one;
    }
    return NULL;
}

//  Each choice that the document offers is one that a request may have.
Test (openapi, choices_are_those_of_the_table)
{
    json_t *document = s_document ();
    const api_query_row_t *row;
    char room[API_COMPLAINT];
    size_t count = 0;
    for (size_t each = 0; (row = api_query_row_at (each)); each++) {
        json_t *parameter = s_parameter (document, api_row (row->operation), row->name);
        cr_assert (parameter, "%s is not in the document", row->name);
        json_t *choices = s_member (s_member (parameter, "schema"), "enum");
        cr_expect_eq (choices != NULL, row->kind == API_QUERY_CHOICE, "%s", row->name);
        for (size_t at = 0; choices && at < json_object_array_length (choices); at++, count++) {
            const char *choice = json_object_get_string (json_object_array_get_idx (choices, at));
            cr_expect_null (api_query_complaint (row, text_of (choice), room), "%s", room);
        }
    }
    cr_expect_gt (count, 50, "%zu", count);
    json_object_put (document);
}

//  Clients compare it by its ETag.
Test (openapi, it_is_the_same_each_time)
{
    char *one = s_text (), *other = s_text ();
    cr_expect_str_eq (one, other);
    free (one);
    free (other);
}
