#include "config/settings.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

//  Of a value that stands in a file: a key or a URL, not a document.
#define FILE_CEILING 65536
#define NAME_CEILING 128

static const char *const s_forms[] = {
    [SETTING_TEXT] = "a text",
    [SETTING_SECRET] = "a text",
    [SETTING_NUMBER] = "a whole number",
    [SETTING_SIZE] = "a size such as 256k or 4m",
    [SETTING_DURATION] = "a duration such as 250ms, 20s or 5m",
    [SETTING_SWITCH] = "on or off",
};

typedef struct {
    const char *suffix;
    uint64_t factor;
} unit_t;

static const unit_t s_number_units[] = { { "", 1 }, { NULL, 0 } };
static const unit_t s_size_units[] = {
    { "", 1 }, { "k", 1 << 10 }, { "m", 1 << 20 }, { "g", 1 << 30 }, { NULL, 0 },
};
static const unit_t s_duration_units[] = {
    { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { NULL, 0 },
};

static void
s_complain (buffer_t *complaint, const char *name, const char *what)
{
    //  A complaint that is too long for its buffer is cut, and still better than none.
    if (buffer_put_string (complaint, name) == 0 && buffer_put_string (complaint, " ") == 0)
        (void) !buffer_put_string (complaint, what);
}

static const unit_t *
s_units (setting_type_t type)
{
    return type == SETTING_SIZE       ? s_size_units
           : type == SETTING_DURATION ? s_duration_units
                                      : s_number_units;
}

//  Digits and a unit. Zero needs none.
static int
s_parse_amount (const char *word, setting_type_t type, uint64_t *amount)
{
    uint64_t number = 0;
    const char *at = word;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow (number, (uint64_t) 10, &number)
            || __builtin_add_overflow (number, (uint64_t) (*at - '0'), &number))
            return -1;
    if (at == word)
        return -1;
    *amount = 0;
    if (number == 0 && !*at)
        return 0;
    for (const unit_t *unit = s_units (type); unit->suffix; unit++)
        if (strcmp (at, unit->suffix) == 0)
            return __builtin_mul_overflow (number, unit->factor, amount) ? -1 : 0;
    return -1;
}

int
settings_read_duration (const char *word, uint64_t *milliseconds)
{
    return s_parse_amount (word, SETTING_DURATION, milliseconds);
}

static int
s_parse_switch (const char *word, bool *on)
{
    *on = strcmp (word, "on") == 0;
    return *on || strcmp (word, "off") == 0 ? 0 : -1;
}

//  As it would be written, in the largest unit that leaves no rest.
static const char *
s_amount (const setting_t *row, uint64_t amount, char room[32])
{
    const unit_t *best = NULL;
    for (const unit_t *unit = s_units (row->type); unit->suffix; unit++)
        if (amount % unit->factor == 0 && (!best || unit->factor > best->factor))
            best = unit;
    snprintf (room, 32, "%llu%s", (unsigned long long) (amount / best->factor),
              amount ? best->suffix : "");
    return room;
}

//  What would be right, with the limits.
static void
s_describe (const setting_t *row, char *to, size_t room)
{
    char least[32], most[32];
    const char *form = s_forms[row->type];
    bool has_limits = row->type != SETTING_TEXT && row->type != SETTING_SECRET
                      && row->type != SETTING_SWITCH && (row->least || row->most);
    if (!has_limits)
        snprintf (to, room, "%s", form);
    else if (row->most)
        snprintf (to, room, "%s, from %s to %s", form, s_amount (row, row->least, least),
                  s_amount (row, row->most, most));
    else
        snprintf (to, room, "%s, at least %s", form, s_amount (row, row->least, least));
}

static int
s_refuse (const setting_t *row, const char *word, buffer_t *complaint)
{
    char right[128];
    s_describe (row, right, sizeof right);
    s_complain (complaint, row->name, "must be ");
    int rc = buffer_put_string (complaint, right);
    if (rc == 0)
        rc = buffer_put_string (complaint, "; it is ");
    if (rc == 0)
        (void) !buffer_put_json (complaint, text_of (word));
    return -1;
}

//  Whatever a text becomes (a part of a header, a file's name, a column), a line end or another
//  control character in it is a mistake, and a dangerous one in a header.
static int
s_store_text (const setting_t *row, const char *word, char **place, buffer_t *complaint)
{
    if (row->type == SETTING_TEXT && !utf8_is_printable (text_of (word))) {
        s_complain (complaint, row->name, "has a control character in it, a line end say");
        return -1;
    }
    *place = alloc_string (word);
    return 0;
}

//  Puts the word into its place in the config.
static int
s_store (const setting_t *row, const char *word, void *place, buffer_t *complaint)
{
    switch (row->type) {
    case SETTING_TEXT:
    case SETTING_SECRET: //  may be of several lines; whoever uses it knows its form
        return s_store_text (row, word, place, complaint);
    case SETTING_SWITCH:
        return s_parse_switch (word, place) == 0 ? 0 : s_refuse (row, word, complaint);
    default: {
        uint64_t amount;
        if (s_parse_amount (word, row->type, &amount) != 0 || amount < row->least
            || (row->most && amount > row->most))
            return s_refuse (row, word, complaint);
        *(uint64_t *) place = amount;
        return 0;
    }
    }
}

//  Reads at most `room` bytes. Returns how many; −1 with errno.
static ssize_t
s_read_all (const char *path, char *to, size_t room)
{
    int file = open (path, O_RDONLY | O_CLOEXEC);
    if (file == -1)
        return -1;
    size_t size = 0;
    ssize_t got;
    while ((got = read (file, to + size, room - size)) > 0)
        size += (size_t) got;
    int why = errno;
    close (file);
    errno = why;
    return got == 0 ? (ssize_t) size : -1;
}

//  The file's contents without the last line end, to be freed by the caller.
static char *
s_read_file (const setting_t *row, const char *path, buffer_t *complaint)
{
    char what[512];
    char *word = alloc_zeroed (FILE_CEILING + 1);
    ssize_t size = s_read_all (path, word, FILE_CEILING);
    if (size == -1)
        snprintf (what, sizeof what, "cannot be read from the file of %s_FILE, %.300s: %s",
                  row->name, path, strerror (errno));
    else if (size == FILE_CEILING)
        snprintf (what, sizeof what, "has a file of %d bytes or more: too large", FILE_CEILING);
    else if (memchr (word, '\0', (size_t) size))
        snprintf (what, sizeof what, "has a file with a NUL byte in it");
    else {
        if (size > 0 && word[size - 1] == '\n')
            size--;
        if (size > 0 && word[size - 1] == '\r')
            size--;
        word[size] = '\0';
        if (*word || row->fallback)
            return word;
        snprintf (what, sizeof what, "must be set, but its file %.300s is empty", path);
    }
    s_complain (complaint, row->name, what);
    free (word);
    return NULL;
}

static int
s_read_one (const setting_t *row, void *place, buffer_t *complaint)
{
    char file_name[NAME_CEILING];
    snprintf (file_name, sizeof file_name, "%s_FILE", row->name);
    const char *word = getenv (row->name);
    const char *path = getenv (file_name);
    bool is_text = row->type == SETTING_TEXT || row->type == SETTING_SECRET;
    //  A compose file hands on what is not set as an empty string.
    if (word && !*word && (!is_text || !row->fallback || (path && *path)))
        word = NULL;
    if (path && *path && word) {
        s_complain (complaint, row->name, "is set twice: remove it or the one with _FILE");
        return -1;
    }
    if (path && *path) {
        char *read = s_read_file (row, path, complaint);
        if (!read)
            return -1;
        int rc = s_store (row, read, place, complaint);
        free (read);
        return rc;
    }
    if (!word && !row->fallback) {
        s_complain (complaint, row->name, "must be set: ");
        (void) !buffer_put_string (complaint, row->help);
        return -1;
    }
    return s_store (row, word ? word : row->fallback, place, complaint);
}

int
settings_read (const setting_t *table, void *config, buffer_t *complaint)
{
    for (const setting_t *row = table; row->name; row++)
        if (s_read_one (row, (char *) config + row->offset, complaint) != 0)
            return -1;
    return 0;
}

void
settings_free (const setting_t *table, void *config)
{
    for (const setting_t *row = table; row->name; row++)
        if (row->type == SETTING_TEXT || row->type == SETTING_SECRET) {
            char **place = (char **) (void *) ((char *) config + row->offset);
            free (*place);
            *place = NULL;
        }
}

static const char *
s_fallback (const setting_t *row)
{
    return !row->fallback ? "required" : *row->fallback ? row->fallback : "empty";
}

int
settings_print_help (const setting_t *table, buffer_t *to)
{
    int rc = 0;
    for (const setting_t *row = table; row->name && rc == 0; row++) {
        char right[128], line[1024];
        s_describe (row, right, sizeof right);
        snprintf (line, sizeof line, "  %-22s  %s\n  %-22s  (%s; %s%s)\n", row->name, row->help, "",
                  right, row->fallback ? "default: " : "", s_fallback (row));
        rc = buffer_put_string (to, line);
    }
    return rc;
}

int
settings_print_markdown (const setting_t *table, buffer_t *to)
{
    int rc = buffer_put_string (to, "| setting | form | default | what it is for |\n"
                                    "| --- | --- | --- | --- |\n");
    for (const setting_t *row = table; row->name && rc == 0; row++) {
        char right[128], line[1024];
        s_describe (row, right, sizeof right);
        const char *tick = row->fallback && *row->fallback ? "`" : "";
        snprintf (line, sizeof line, "| `%s` | %s%s | %s%s%s | %s |\n", row->name, right,
                  row->type == SETTING_SECRET ? " (secret)" : "", tick, s_fallback (row), tick,
                  row->help);
        rc = buffer_put_string (to, line);
    }
    return rc;
}
