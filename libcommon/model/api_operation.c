#include "model/api_operation.h"

#include <assert.h>
#include <stdio.h>

static const api_row_t s_rows[] = {
#define API_OPERATION(number, NAME, method, path, permission, place, deadline, body, words)      \
    { API_##NAME, #NAME, method, path, PERMIT_##permission, API_AT_##place, deadline, body, words },
#include "model/api_operations.def"
#undef API_OPERATION
};

#define API_OPERATION(number, NAME, method, path, permission, place, deadline, body, words)      \
    static_assert (number < API_OPERATIONS, "rows are in the order of their numbers");
#include "model/api_operations.def"
#undef API_OPERATION

#define ROWS (sizeof s_rows / sizeof *s_rows)

const api_row_t api_bot_answer = { API_BOT_ANSWER,
                                   "BOT_ANSWER",
                                   "POST",
                                   "/bot-answers/{item}",
                                   PERMIT_ANYBODY,
                                   API_AT_SESSION,
                                   10000,
                                   API_BOT_ANSWER_MOST,
                                   "a bot answers later" };

const api_row_t api_webhook = { API_WEBHOOK,
                                "WEBHOOK",
                                "POST",
                                "/webhooks/{user}/{item}",
                                PERMIT_ANYBODY,
                                API_AT_ANY,
                                5000,
                                API_WEBHOOK_MOST,
                                "a webhook comes in" };

const api_row_t api_platform = { API_PLATFORM,
                                 "PLATFORM",
                                 "POST",
                                 "/webhooks/{user}/{item}",
                                 PERMIT_ANYBODY,
                                 API_AT_ANY,
                                 5000,
                                 API_WEBHOOK_MOST,
                                 "a platform says something, or its worker asks" };

const api_row_t api_alert_page = { API_ALERT_PAGE,
                                   "ALERT_PAGE",
                                   "GET",
                                   "/alerts/{item}",
                                   PERMIT_ANYBODY,
                                   API_AT_ANY,
                                   5000,
                                   0,
                                   "what the page behind an alert's link shows" };

static const struct {
    const char *name;
    size_t most;
} s_parameters[API_PARAMETERS] = {
    [API_PARAMETER_SESSION] = { "session", SESSION_ID_MAX },
    [API_PARAMETER_USER] = { "user", USER_ID_MAX },
    [API_PARAMETER_ITEM] = { "item", API_PARAMETER_MAX },
};

static_assert (SESSION_ID_MAX <= API_PARAMETER_MAX && USER_ID_MAX <= API_PARAMETER_MAX,
               "API_PARAMETER_MAX is the room of each");

const char *
api_parameter_name (api_parameter_t parameter)
{
    return s_parameters[parameter].name;
}

size_t
api_parameter_most (api_parameter_t parameter)
{
    return s_parameters[parameter].most;
}

const api_row_t *
api_row (uint64_t operation)
{
    for (size_t at = 0; at < ROWS; at++)
        if (s_rows[at].operation == operation)
            return &s_rows[at];
    return operation == API_BOT_ANSWER   ? &api_bot_answer
           : operation == API_WEBHOOK    ? &api_webhook
           : operation == API_PLATFORM   ? &api_platform
           : operation == API_ALERT_PAGE ? &api_alert_page
                                         : NULL;
}

permission_t
api_permission (const api_row_t *row, role_t kind)
{
    if (kind != ROLE_API)
        return row->permission;
    switch (row->permission) {
    case PERMIT_MESSAGE_POST:
        return PERMIT_MESSAGE_POST_AS;
    case PERMIT_AGENT_SET:
        return PERMIT_AGENT_MANAGE;
    case PERMIT_CONTROL_TAKE:
        return PERMIT_SESSION_ATTEND;
    case PERMIT_CONTROL_RELEASE: //  in its own name; nobody is asked in that
        return row->operation == API_CONTROL_RELEASE ? PERMIT_CONTROL_RELEASE
                                                     : PERMIT_SESSION_ATTEND;
    default:
        return row->permission;
    }
}

uint64_t
api_door_permissions (const api_row_t *row, role_t kind)
{
    bool may_be_whisper = row->operation == API_MESSAGE_POST;
    bool may_be_of_other = row->operation == API_CONTROL_RELEASE && kind == ROLE_API;
    return PERMISSION_BIT (api_permission (row, kind))
           | (may_be_whisper ? PERMISSION_BIT (PERMIT_SESSION_WHISPER) : 0)
           | (may_be_of_other ? PERMISSION_BIT (PERMIT_SESSION_ATTEND) : 0);
}

const api_row_t *
api_row_at (size_t at)
{
    return at < ROWS ? &s_rows[at] : NULL;
}

//  The first segment, up to a slash, which goes, too. False: there is none.
static bool
s_next (text_t *path, text_t *segment)
{
    if (!path->data)
        return false;
    const char *slash = memchr (path->data, '/', path->size);
    size_t size = slash ? (size_t) (slash - path->data) : path->size;
    *segment = (text_t){ path->data, size };
    *path = slash ? (text_t){ slash + 1, path->size - size - 1 } : (text_t){ NULL, 0 };
    return true;
}

//  Takes the segment as the parameter that the pattern's segment names. False: it is none.
static bool
s_take (text_t pattern, text_t segment, text_t parameters[API_PARAMETERS])
{
    text_t name = { pattern.data + 1, pattern.size - 2 };
    for (api_parameter_t at = 0; at < API_PARAMETERS; at++)
        if (segment.size > 0 && text_is (name, text_of (s_parameters[at].name))) {
            parameters[at] = segment;
            return true;
        }
    return false;
}

//  A parameter is one segment of the path, and not empty.
static bool
s_is_path (const char *pattern, text_t path, text_t parameters[API_PARAMETERS])
{
    text_t left = text_of (pattern), wanted, segment;
    for (api_parameter_t at = 0; at < API_PARAMETERS; at++)
        parameters[at] = TEXT_EMPTY;
    while (s_next (&left, &wanted)) {
        if (!s_next (&path, &segment))
            return false;
        bool is_parameter = wanted.size > 2 && *wanted.data == '{';
        if (is_parameter ? !s_take (wanted, segment, parameters) : !text_is (wanted, segment))
            return false;
    }
    return !path.data;
}

//  Is a row's path this one, without parameters? Then it is no parameter of another row.
static bool
s_is_literal (text_t path)
{
    for (size_t at = 0; at < ROWS; at++)
        if (text_is (path, text_of (s_rows[at].path)))
            return true;
    return false;
}

void
api_match (api_match_t *self, text_t method, text_t path)
{
    bool is_literal = s_is_literal (path);
    *self = (api_match_t){ 0 };
    for (api_parameter_t at = 0; at < API_PARAMETERS; at++)
        self->parameters[at] = TEXT_EMPTY;
    if (text_is (method, TEXT ("HEAD")))
        method = TEXT ("GET");
    size_t size = 0;
    for (size_t at = 0; at < ROWS; at++) {
        const api_row_t *row = &s_rows[at];
        text_t parameters[API_PARAMETERS];
        if (!s_is_path (row->path, path, parameters)
            || (is_literal && !text_is (path, text_of (row->path))))
            continue;
        size += (size_t) snprintf (self->allow + size, sizeof self->allow - size, "%s%s, ",
                                   row->method, strcmp (row->method, "GET") == 0 ? ", HEAD" : "");
        if (!text_is (method, text_of (row->method)))
            continue;
        self->row = row;
        memcpy (self->parameters, parameters, sizeof parameters);
    }
    if (size > 0)
        snprintf (self->allow + size, sizeof self->allow - size, "OPTIONS");
}

// ---------------------------------------------------------------------------------------------
//  Queries

static const api_query_row_t s_queries[] = {
#define ROW(OPERATION, name, KIND, least, most, choices, words, is_needed)                       \
    { API_##OPERATION, name, API_QUERY_##KIND, least, most, choices, words, is_needed },
#define API_QUERY(...) ROW (__VA_ARGS__, false)
#define API_QUERY_NEEDED(...) ROW (__VA_ARGS__, true)
#include "model/api_queries.def"
#undef ROW
#undef API_QUERY
};

#define QUERIES (sizeof s_queries / sizeof *s_queries)

const api_query_row_t *
api_query_row (api_operation_t operation, text_t name)
{
    for (size_t at = 0; at < QUERIES; at++)
        if (s_queries[at].operation == operation && text_is (name, text_of (s_queries[at].name)))
            return &s_queries[at];
    return NULL;
}

const api_query_row_t *
api_query_row_at (size_t at)
{
    return at < QUERIES ? &s_queries[at] : NULL;
}

static bool
s_is_number (text_t value, uint64_t least, uint64_t most)
{
    uint64_t number = 0;
    for (size_t at = 0; at < value.size; at++) {
        if (value.data[at] < '0' || value.data[at] > '9' || number > INT64_MAX / 10)
            return false;
        number = number * 10 + (uint64_t) (value.data[at] - '0');
    }
    return value.size > 0 && number >= least && number <= most;
}

//  A number of two digits that is at most so large.
static bool
s_is_part (const char *digits, int most)
{
    return digits[0] >= '0' && digits[0] <= '9' && digits[1] >= '0' && digits[1] <= '9'
           && (digits[0] - '0') * 10 + digits[1] - '0' <= most;
}

//  What stands behind the seconds: a fraction, and the zone.
static bool
s_is_time_end (text_t end)
{
    size_t at = 0;
    if (end.size > 0 && end.data[0] == '.') {
        for (at = 1; at < end.size && end.data[at] >= '0' && end.data[at] <= '9';)
            at++;
        if (at == 1 || at > 10)
            return false;
    }
    const char *zone = end.data + at;
    size_t size = end.size - at;
    if (size == 1)
        return *zone == 'Z';
    return size == 6 && (*zone == '+' || *zone == '-') && s_is_part (zone + 1, 14)
           && zone[3] == ':' && s_is_part (zone + 4, 59);
}

//  RFC 3339 with a 'T', of the years from 1970 on. A day too many in a month is the database's to
//  refuse, which has the calendar: it is not let through, as PostgreSQL would fail the statement.
static bool
s_is_time (text_t value)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const char *at = value.data;
    if (value.size < 20 || !s_is_part (at, 99) || !s_is_part (at + 2, 99) || at[4] != '-'
        || !s_is_part (at + 5, 12) || at[7] != '-' || !s_is_part (at + 8, 31) || at[10] != 'T'
        || !s_is_part (at + 11, 23) || at[13] != ':' || !s_is_part (at + 14, 59) || at[16] != ':'
        || !s_is_part (at + 17, 59))
        return false;
    int year = (at[0] - '0') * 1000 + (at[1] - '0') * 100 + (at[2] - '0') * 10 + at[3] - '0';
    int month = (at[5] - '0') * 10 + at[6] - '0', day = (at[8] - '0') * 10 + at[9] - '0';
    if (year < 1970 || month < 1 || day < 1)
        return false;
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[month - 1] + (month == 2 && is_leap)
           && s_is_time_end ((text_t){ at + 19, value.size - 19 });
}

text_t
api_query_choice (const api_query_row_t *row, const char **at)
{
    const char *between = strchr (row->choices, ',') ? "," : " ";
    const char *choice = *at ? *at + strspn (*at, between) : row->choices;
    size_t size = strcspn (choice, between);
    *at = choice + size;
    return (text_t){ choice, size };
}

static bool
s_is_choice (const api_query_row_t *row, text_t value)
{
    const char *at = NULL;
    for (text_t choice; (choice = api_query_choice (row, &at)).size > 0;)
        if (text_is (value, choice))
            return true;
    return false;
}

const char *
api_query_complaint (const api_query_row_t *row, text_t value, char room[API_COMPLAINT])
{
    unsigned long long least = row->least, most = row->most;
    switch (row->kind) {
    case API_QUERY_TEXT:
        if (value.size >= row->least && value.size <= row->most)
            return NULL;
        snprintf (room, API_COMPLAINT, "%s must have %llu to %llu bytes", row->name, least, most);
        break;
    case API_QUERY_NUMBER:
        if (s_is_number (value, row->least, row->most))
            return NULL;
        snprintf (room, API_COMPLAINT, "%s must be a number from %llu to %llu", row->name, least,
                  most);
        break;
    case API_QUERY_TIME:
        if (s_is_time (value))
            return NULL;
        snprintf (room, API_COMPLAINT, "%s must be a time like 2026-01-31T23:59:59Z", row->name);
        break;
    case API_QUERY_CHOICE:
        if (s_is_choice (row, value))
            return NULL;
        snprintf (room, API_COMPLAINT, "%s must be one of: %s", row->name, row->choices);
        break;
    }
    return room;
}

// ---------------------------------------------------------------------------------------------
//  Documents

int
api_operations_markdown (buffer_t *to)
{
    int rc = buffer_put_string (to, "| request | permission | deadline | body | what it is |\n"
                                    "| --- | --- | --- | --- | --- |\n");
    for (size_t at = 0; at < ROWS && rc == 0; at++) {
        const api_row_t *row = &s_rows[at];
        char line[400], body[40] = "none", permission[60] = "anybody", deadline[40] = "none";
        if (row->body_most > 0)
            snprintf (body, sizeof body, "%llu bytes", (unsigned long long) row->body_most);
        if (row->permission != PERMIT_ANYBODY)
            snprintf (permission, sizeof permission, "`%s`", permission_name (row->permission));
        if (row->deadline_ms > 0)
            snprintf (deadline, sizeof deadline, "%llu s",
                      (unsigned long long) row->deadline_ms / 1000);
        int size = snprintf (line, sizeof line, "| `%s %s` | %s | %s | %s | %s |\n", row->method,
                             row->path, permission, deadline, body, row->words);
        rc = size > 0 && (size_t) size < sizeof line ? buffer_put (to, line, (size_t) size) : -1;
    }
    return rc;
}

static void
s_say_values (const api_query_row_t *row, char room[API_COMPLAINT])
{
    unsigned long long least = row->least, most = row->most;
    if (row->kind == API_QUERY_TIME)
        snprintf (room, API_COMPLAINT, "a time");
    else if (row->kind == API_QUERY_CHOICE)
        snprintf (room, API_COMPLAINT, "`%s`", row->choices);
    else if (row->kind == API_QUERY_NUMBER && row->most == INT64_MAX)
        snprintf (room, API_COMPLAINT, "a number");
    else
        snprintf (room, API_COMPLAINT, "%llu to %llu%s", least, most,
                  row->kind == API_QUERY_TEXT ? " bytes" : "");
}

int
api_queries_markdown (buffer_t *to)
{
    int rc = buffer_put_string (to, "| request | parameter | values | what it is |\n"
                                    "| --- | --- | --- | --- |\n");
    for (size_t at = 0; at < QUERIES && rc == 0; at++) {
        const api_query_row_t *row = &s_queries[at];
        const api_row_t *operation = api_row (row->operation);
        char line[500], values[API_COMPLAINT];
        s_say_values (row, values);
        int size = snprintf (line, sizeof line, "| `%s %s` | `%s` | %s | %s |\n", operation->method,
                             operation->path, row->name, values, row->words);
        rc = size > 0 && (size_t) size < sizeof line ? buffer_put (to, line, (size_t) size) : -1;
    }
    return rc;
}
