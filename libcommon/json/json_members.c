#include "json/json_members.h"

#include <string.h>

#define BLANKS " \t\r\n"

//  Moves behind blanks, and behind the byte when it is the next one.
static bool
s_takes (json_members_t *self, char byte)
{
    while (self->at < self->json.size && memchr (BLANKS, self->json.data[self->at], 4))
        self->at++;
    bool is_it = self->at < self->json.size && self->json.data[self->at] == byte;
    self->at += is_it;
    return is_it;
}

//  Moves behind the string whose opening quote is behind us; false when it does not end.
static bool
s_skip_string (json_members_t *self)
{
    while (self->at < self->json.size) {
        char byte = self->json.data[self->at++];
        if (byte == '"')
            return true;
        self->at += byte == '\\';
    }
    return false;
}

//  Moves to the comma or bracket that ends the value.
static bool
s_skip_value (json_members_t *self)
{
    size_t depth = 0;
    while (self->at < self->json.size) {
        char byte = self->json.data[self->at];
        bool opens = byte == '{' || byte == '[', closes = byte == '}' || byte == ']';
        if (depth == 0 && (closes || byte == ','))
            return true;
        depth += opens;
        depth -= closes;
        self->at++;
        if (byte == '"' && !s_skip_string (self))
            return false;
    }
    return false;
}

//  The whole value that begins here, behind blanks; steps behind the comma that follows. False: the
//  text cannot be followed, or nothing stands here.
static bool
s_take_value (json_members_t *self, text_t *value)
{
    size_t begin = self->at;
    if (!s_skip_value (self))
        return false;
    size_t end = self->at;
    while (begin < end && memchr (BLANKS, self->json.data[begin], 4))
        begin++;
    while (end > begin && memchr (BLANKS, self->json.data[end - 1], 4))
        end--;
    *value = (text_t){ self->json.data + begin, end - begin };
    //  Behind the last one stands the bracket, which neither a name nor a value begins with.
    if (self->json.data[self->at] == ',')
        self->at++;
    return value->size > 0;
}

bool
json_members_next (json_members_t *self, text_t *name, text_t *value)
{
    if (self->at == 0 && !s_takes (self, '{'))
        self->at = self->json.size;
    if (!s_takes (self, '"'))
        return false;
    size_t begin = self->at;
    if (!s_skip_string (self))
        return false;
    *name = (text_t){ self->json.data + begin, self->at - 1 - begin };
    return s_takes (self, ':') && s_take_value (self, value);
}

bool
json_elements_next (json_members_t *self, text_t *value)
{
    if (self->at == 0 && !s_takes (self, '['))
        self->at = self->json.size;
    return s_take_value (self, value);
}
