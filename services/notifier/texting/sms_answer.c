#include "texting/sms_answer.h"

#include "base/utf8.h"
#include "json/json_read.h"

#include <json-c/json.h>
#include <stdio.h>

#define DEPTH_MOST 16
#define VALUES_MOST 20000
#define CODE_MOST 999999

static bool
s_is_sid (text_t sid)
{
    return sid.size == SMS_SID_SIZE - 1 && (sid.data[0] == 'S' || sid.data[0] == 'M')
           && sid.data[1] == 'M' && strspn (sid.data + 2, "0123456789abcdefABCDEF") == 32;
}

static struct json_object *
s_read (text_t body)
{
    json_reading_t reading;
    json_limits_t limits = { .depth_most = DEPTH_MOST, .values_most = VALUES_MOST };
    struct json_object *tree = json_read (body, &limits, &reading);
    if (json_object_is_type (tree, json_type_object))
        return tree;
    json_object_put (tree);
    return NULL;
}

//  Only of an error.
static void
s_put_said (sms_answer_t *self, text_t words)
{
    text_t said = utf8_cut (words, SMS_SAID_SIZE - 12);
    if (self->code == 0)
        return;
    snprintf (self->said, sizeof self->said, "%u %.*s", self->code,
              TEXT_ARGS (utf8_is_showable (said) ? said : TEXT_EMPTY));
}

void
sms_answer_read (sms_answer_t *self, text_t body)
{
    *self = (sms_answer_t){ .code = 0 };
    struct json_object *tree = s_read (body), *code = NULL;
    text_t sid, segments, words;
    if (!tree)
        return;
    if (json_member_text (tree, "sid", &sid) == 1 && s_is_sid (sid))
        memcpy (self->sid, sid.data, sid.size);
    if (json_member_text (tree, "num_segments", &segments) == 1 && segments.size < 4
        && strspn (segments.data, "0123456789") == segments.size)
        for (size_t at = 0; at < segments.size; at++)
            self->segments = self->segments * 10 + (unsigned) (segments.data[at] - '0');
    if (json_object_object_get_ex (tree, "code", &code)
        && json_object_is_type (code, json_type_int)) {
        int64_t number = json_object_get_int64 (code);
        self->code = number > 0 && number <= CODE_MOST ? (unsigned) number : 0;
    }
    (void) json_member_text (tree, "message", &words);
    s_put_said (self, words);
    json_object_put (tree);
}

//  Days since 1970 of the proleptic Gregorian calendar.
static int64_t
s_days (int year, int month, int day)
{
    year -= month <= 2;
    int era = year / 400, of_era = year % 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return (int64_t) era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int64_t
sms_answer_time (text_t text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char copy[40], name[4] = "";
    int day = 0, year = 0, hour = 0, minute = 0, second = 0, end = 0;
    if (text.size >= sizeof copy)
        return 0;
    memcpy (copy, text.data, text.size);
    copy[text.size] = '\0';
    if (sscanf (copy, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d +0000%n", &day, name, &year,
                &hour, &minute, &second, &end)
            != 6
        || end == 0 || (size_t) end != text.size)
        return 0;
    const char *month = strlen (name) == 3 ? strstr (months, name) : NULL;
    if (!month || (month - months) % 3 != 0 || year < 1970 || day < 1 || hour < 0 || minute < 0
        || second < 0)
        return 0;
    return s_days (year, (int) (month - months) / 3 + 1, day) * 86400 + hour * 3600 + minute * 60
           + second;
}

static void
s_take (sms_list_t *self, struct json_object *of)
{
    sms_listed_t *message = &self->messages[self->count];
    text_t direction, created;
    if (!json_object_is_type (of, json_type_object)
        || json_member_text (of, "sid", &message->sid) != 1
        || json_member_text (of, "body", &message->body) != 1)
        return;
    (void) json_member_text (of, "direction", &direction);
    (void) json_member_text (of, "date_created", &created);
    if (strncmp (direction.data, "inbound", 7) == 0)
        return;
    message->created_s = sms_answer_time (created);
    self->count++;
}

int
sms_list_read (sms_list_t *self, text_t body)
{
    struct json_object *messages = NULL;
    self->count = 0;
    self->tree = s_read (body);
    if (!self->tree || !json_object_object_get_ex (self->tree, "messages", &messages)
        || !json_object_is_type (messages, json_type_array)) {
        sms_list_free (self);
        return -1;
    }
    size_t count = json_object_array_length (messages);
    for (size_t at = 0; at < count && self->count < SMS_LIST_MOST; at++)
        s_take (self, json_object_array_get_idx (messages, at));
    return 0;
}

void
sms_list_free (sms_list_t *self)
{
    json_object_put (self->tree);
    self->tree = NULL;
}
