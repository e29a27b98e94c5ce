#include "model/problem.h"

#include "base/utf8.h"
#include "json/json_write.h"

#include <assert.h>
#include <stdio.h>

#define DETAIL_MAX 250
#define URN "urn:stentor:problem:"

typedef struct {
    unsigned status;
    const char *type;
    const char *title;
} row_t;

static const row_t s_rows[PROBLEMS] = {
#define PROBLEM(NAME, status, type, title) [PROBLEM_##NAME] = { status, type, title },
#include "model/problems.def"
#undef PROBLEM
};

unsigned
problem_status (problem_t problem)
{
    return s_rows[problem].status;
}

const char *
problem_type (problem_t problem)
{
    return s_rows[problem].type;
}

const char *
problem_title (problem_t problem)
{
    return s_rows[problem].title;
}

void
problem_write (problem_t problem, text_t detail, buffer_t *to)
{
    problem_write_control (problem, detail, TEXT_EMPTY, to);
}

void
problem_write_control (problem_t problem, text_t detail, text_t control, buffer_t *to)
{
    const row_t *row = &s_rows[problem];
    char type[80];
    snprintf (type, sizeof type, URN "%s", row->type);
    json_writer_t json;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_string (&json, "type", type);
    json_put_string (&json, "title", row->title);
    json_put_number (&json, "status", row->status);
    json_put_text_if (&json, "detail", utf8_cut (detail, DETAIL_MAX));
    json_put_json (&json, "control", control);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0); //  an escape is six bytes at most
}

int
problems_markdown (buffer_t *to)
{
    int rc = buffer_put_string (to, "| type (behind `" URN "`) | status | title |\n"
                                    "| --- | --- | --- |\n");
    for (size_t at = 0; at < PROBLEMS && rc == 0; at++) {
        char line[300];
        int size = snprintf (line, sizeof line, "| `%s` | %u | %s |\n", s_rows[at].type,
                             s_rows[at].status, s_rows[at].title);
        rc = size > 0 && (size_t) size < sizeof line ? buffer_put (to, line, (size_t) size) : -1;
    }
    return rc;
}
