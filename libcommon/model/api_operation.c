#include "model/api_operation.h"

#include <stdio.h>

#define PARAMETER "{session}"

static const api_row_t s_rows[] = {
#define API_OPERATION(number, NAME, method, path, permission, deadline, body, words)             \
    { API_##NAME, method, path, PERMIT_##permission, deadline, body, words },
#include "model/api_operations.def"
#undef API_OPERATION
};

#define ROWS (sizeof s_rows / sizeof *s_rows)

const api_row_t *
api_row (uint64_t operation)
{
    for (size_t at = 0; at < ROWS; at++)
        if (s_rows[at].operation == operation)
            return &s_rows[at];
    return NULL;
}

//  A parameter is one segment of the path, and not empty.
static bool
s_is_path (const char *pattern, text_t path, text_t *session)
{
    const char *parameter = strstr (pattern, PARAMETER);
    *session = TEXT_EMPTY;
    if (!parameter)
        return text_is (path, text_of (pattern));
    size_t before = (size_t) (parameter - pattern);
    text_t behind = text_of (parameter + strlen (PARAMETER));
    if (path.size <= before + behind.size || memcmp (path.data, pattern, before) != 0)
        return false;
    *session = (text_t){ path.data + before, path.size - before - behind.size };
    text_t end = { session->data + session->size, behind.size };
    return text_is (end, behind) && !memchr (session->data, '/', session->size);
}

void
api_match (api_match_t *self, text_t method, text_t path)
{
    *self = (api_match_t){ .session = TEXT_EMPTY };
    if (text_is (method, TEXT ("HEAD")))
        method = TEXT ("GET");
    size_t size = 0;
    for (size_t at = 0; at < ROWS; at++) {
        const api_row_t *row = &s_rows[at];
        text_t session;
        if (!s_is_path (row->path, path, &session))
            continue;
        size += (size_t) snprintf (self->allow + size, sizeof self->allow - size, "%s%s, ",
                                   row->method, strcmp (row->method, "GET") == 0 ? ", HEAD" : "");
        if (!text_is (method, text_of (row->method)))
            continue;
        self->row = row;
        self->session = session;
    }
    if (size > 0)
        snprintf (self->allow + size, sizeof self->allow - size, "OPTIONS");
}

int
api_operations_markdown (buffer_t *to)
{
    int rc = buffer_put_string (to, "| request | permission | deadline | body | what it is |\n"
                                    "| --- | --- | --- | --- | --- |\n");
    for (size_t at = 0; at < ROWS && rc == 0; at++) {
        const api_row_t *row = &s_rows[at];
        char line[400], body[40] = "none";
        if (row->body_most > 0)
            snprintf (body, sizeof body, "%llu bytes", (unsigned long long) row->body_most);
        int size = snprintf (line, sizeof line, "| `%s %s` | `%s` | %llu s | %s | %s |\n",
                             row->method, row->path, permission_name (row->permission),
                             (unsigned long long) row->deadline_ms / 1000, body, row->words);
        rc = size > 0 && (size_t) size < sizeof line ? buffer_put (to, line, (size_t) size) : -1;
    }
    return rc;
}
