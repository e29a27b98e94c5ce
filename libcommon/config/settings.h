//  settings — every setting of a service, as a table: name, type, default, limits and what it is
//  for. From the table come the values, --help, and the page in docs/operations.md.
//
//  A setting is read from the environment variable of its name; when NAME_FILE is set instead, from
//  that file without its last line end (for secrets). Setting both is an error. Nothing else in the
//  project calls getenv.

#ifndef SETTINGS_H
#define SETTINGS_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    SETTING_TEXT,     //  char *: never NULL, "" when unset
    SETTING_SECRET,   //  char *: as TEXT, never printed
    SETTING_NUMBER,   //  uint64_t
    SETTING_SIZE,     //  uint64_t bytes: "256k", "4m", or a plain number
    SETTING_DURATION, //  uint64_t milliseconds: "250ms", "20s", "5m", "2h"
    SETTING_SWITCH,   //  bool: "on" or "off", and no other word
} setting_type_t;

typedef struct {
    const char *name;
    setting_type_t type;
    size_t offset;           //  of the value in the service's config struct
    const char *fallback;    //  default, as it would be written; NULL: required
    uint64_t least, most;    //  of numbers, sizes and durations, inclusive; most 0: no limit
    const char *help;
} setting_t;

#define SETTING(name, type, config, member, fallback, least, most, help)                           \
    { name, type, offsetof (config, member), fallback, least, most, help }
//  Ends every table.
#define SETTINGS_END { NULL, SETTING_TEXT, 0, NULL, 0, 0, NULL }

//  A duration such as "20s", in milliseconds. Returns 0, or −1 when it is none.
__attribute__ ((warn_unused_result)) int settings_read_duration (const char *word,
                                                                 uint64_t *milliseconds);

//  Fills the config from the environment. Returns 0; −1 when something is missing or wrong: then
//  `complaint` says in one line what is wrong with which setting, and what would be right.
//  A config that was filled, even in part, is given back with settings_free.
__attribute__ ((warn_unused_result)) int settings_read (const setting_t *table, void *config,
                                                        buffer_t *complaint);
void settings_free (const setting_t *table, void *config);

//  The table for people (--help) and for docs/operations.md (a Markdown table).
int settings_print_help (const setting_t *table, buffer_t *to);
int settings_print_markdown (const setting_t *table, buffer_t *to);

#endif
