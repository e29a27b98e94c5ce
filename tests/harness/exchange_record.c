#include "exchange_record.h"

#include <assert.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define API "/api/v1/"

//  The text without what stands behind the mark, up to one of the ends.
static void
s_leave_out (char *text, const char *mark, const char *ends)
{
    for (char *at = strcasestr (text, mark); at; at = strcasestr (at, mark)) {
        at += strlen (mark);
        size_t size = strcspn (at, ends);
        if (size > 0)
            memset (at, 'x', size);
    }
}

static void
s_put (json_object *object, const char *name, const char *text, size_t size)
{
    json_object_object_add (
        object, name, text ? json_object_new_string_len (text, (int) size) : NULL);
}

static void
s_put_without_tokens (json_object *object, const char *name, const char *text)
{
    char *copy = strdup (text ? text : "");
    assert (copy);
    s_leave_out (copy, "token=", "& ");
    s_leave_out (copy, "Authorization: Bearer ", "\r\n");
    s_leave_out (copy, "stentor.token.", ",\r\n");
    s_put (object, name, copy, strlen (copy));
    free (copy);
}

//  One write, so that lines of several processes stay whole.
static void
s_append (const char *folder, const char *line)
{
    char path[400];
    snprintf (path, sizeof path, "%s/%d.jsonl", folder, (int) getpid ());
    int file = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0 || dprintf (file, "%s\n", line) < 0)
        fprintf (stderr, "harness: cannot write %s\n", path);
    if (file >= 0)
        close (file);
}

void
exchange_record (const char *method, const char *target, const char *headers, const char *body,
                 size_t body_size, const http_answer_t *answer)
{
    const char *folder = getenv ("EXCHANGES");
    if (!folder || !*folder || answer->status == 0 || strncmp (target, API, strlen (API)) != 0)
        return;
    json_object *exchange = json_object_new_object ();
    s_put (exchange, "method", method, strlen (method));
    s_put_without_tokens (exchange, "target", target);
    s_put_without_tokens (exchange, "headers", headers);
    s_put (exchange, "body", body, body_size);
    json_object_object_add (exchange, "status", json_object_new_int (answer->status));
    s_put (exchange, "answerHeaders", answer->headers, strlen (answer->headers));
    s_put (exchange, "answerBody", answer->body, answer->body_size);
    s_append (folder, json_object_to_json_string_ext (exchange, JSON_C_TO_STRING_PLAIN));
    json_object_put (exchange);
}
