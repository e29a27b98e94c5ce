#include "json/json_locate.h"

#include <stdlib.h>

typedef struct {
    const char *at;
    const char *end;
} walk_t;

static char
s_peek (walk_t *self)
{
    while (self->at < self->end && memchr (" \t\r\n", *self->at, 4))
        self->at++;
    return self->at < self->end ? *self->at : '\0';
}

//  The string that begins here, without its quotes and as it is written; steps behind it.
static text_t
s_string (walk_t *self)
{
    const char *from = ++self->at;
    while (self->at < self->end && *self->at != '"')
        self->at += *self->at == '\\' && self->at + 1 < self->end ? 2 : 1;
    text_t string = { from, (size_t) (self->at - from) };
    if (self->at < self->end)
        self->at++;
    return string;
}

//  Steps behind the value that begins here, whatever is in it.
static void
s_skip (walk_t *self)
{
    unsigned depth = 0;
    while (s_peek (self) != '\0') {
        char byte = *self->at;
        if (byte == '"') {
            s_string (self);
        } else if (depth == 0 && memchr (",]}", byte, 3)) {
            return;
        } else {
            self->at++;
            depth += byte == '{' || byte == '[';
            depth -= byte == '}' || byte == ']';
        }
        if (depth == 0 && memchr ("\"]}", byte, 3))
            return;
    }
}

//  From a container's bracket to the value of that name or number in it. On failure stays put.
static bool
s_enter (walk_t *self, text_t step)
{
    char opening = s_peek (self);
    if (opening != '{' && opening != '[')
        return false;
    size_t wanted = opening == '[' ? strtoul (step.data, NULL, 10) : 0;
    walk_t walk = { self->at + 1, self->end };
    for (size_t index = 0; s_peek (&walk) != '\0' && !memchr ("]}", *walk.at, 2); index++) {
        bool found = opening == '[' && index == wanted;
        if (opening == '{') {
            if (*walk.at != '"')
                return false;
            found = text_is (s_string (&walk), step);
            if (s_peek (&walk) == ':')
                walk.at++;
            s_peek (&walk);
        }
        if (found) {
            *self = walk;
            return true;
        }
        s_skip (&walk);
        if (s_peek (&walk) != ',')
            return false;
        walk.at++;
    }
    return false;
}

unsigned
json_locate_line_at (text_t json, size_t offset)
{
    unsigned line = 1;
    for (size_t index = 0; index < offset && index < json.size; index++)
        line += json.data[index] == '\n';
    return line;
}

unsigned
json_locate_line (text_t json, const char *path)
{
    walk_t walk = { json.data, json.data + json.size };
    s_peek (&walk);
    while (*path == '/') {
        size_t size = strcspn (++path, "/");
        if (!s_enter (&walk, (text_t){ path, size }))
            break;
        path += size;
    }
    return json_locate_line_at (json, (size_t) (walk.at - json.data));
}
