//  log — one JSON object per line on standard error, for machines first.
//
//      log_info ("session opened", log_text ("session", key), log_number ("seq", 1));
//      {"time":"2026-11-22T16:20:01.123Z","level":"info","service":"postoffice",
//       "node":"postoffice-1","event":"session opened","session":"demo/s-1","seq":1}
//
//  Severity says whose fault it is: warn = a peer or the network, error = a request of ours failed
//  for good, fatal = the environment (the process ends), and a broken promise of our own code is an
//  assert. Each outcome is logged once, where it is handled. Never log a message's text, a token or
//  a secret: there is no level at which that is right.

#ifndef LOG_H
#define LOG_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_FATAL } log_level_t;

typedef struct {
    const char *key;
    enum { LOG_FIELD_TEXT, LOG_FIELD_NUMBER } type;
    text_t text; //  anything that is not valid UTF-8 is written as '?'; cut at 300 bytes
    int64_t number;
} log_field_t;

static inline log_field_t
log_text (const char *key, text_t text)
{
    return (log_field_t){ .key = key, .type = LOG_FIELD_TEXT, .text = text };
}

static inline log_field_t
log_string (const char *key, const char *string)
{
    return log_text (key, text_of (string));
}

static inline log_field_t
log_number (const char *key, int64_t number)
{
    return (log_field_t){
        .key = key, .type = LOG_FIELD_NUMBER, .text = TEXT_EMPTY, .number = number
    };
}

//  Names the process in every line; both strings are copied. Lines below `least` are not written.
void log_start (const char *service, const char *node, log_level_t least);

//  -1 when the word names no level.
int log_level_of (const char *word);

void log_write (log_level_t level, const char *event, const log_field_t *fields, size_t count);

#define LOG_WRITE(level, event, ...)                                                               \
    log_write (level, event, (const log_field_t[]){ __VA_ARGS__ },                                 \
               sizeof ((const log_field_t[]){ __VA_ARGS__ }) / sizeof (log_field_t))

//  How often an event may be logged that a peer can cause at its own pace: LOG_LIMIT_LINES lines in
//  LOG_LIMIT_MS. The others are counted, and one line, `lines left out`, says how many there were.
//  Static: it stays known to log_limits_tick.
//
//      static log_limit_t limit = LOG_LIMIT (LOG_INFO, "refused");
//      if (log_limit_allows (&limit))
//          log_info ("refused", …);
#define LOG_LIMIT_LINES 20
#define LOG_LIMIT_MS 10000

typedef struct log_limit {
    log_level_t level;
    const char *event;
    const char *about;          //  tells limits of one event apart; may be NULL
    uint64_t until_ms;          //  end of the period, 0 before the first line
    uint64_t lines;             //  in this period
    uint64_t left_out;
    struct log_limit *next;     //  of all that were used
} log_limit_t;

#define LOG_LIMIT(level_, event_) { .level = level_, .event = event_ }

//  May one more line be written now? The caller writes it then.
bool log_limit_allows (log_limit_t *self);
//  From time to time: says what was left out, also when nothing more is logged.
void log_limits_tick (void);

//  Each takes the event in words and at least one field.
#define log_debug(event, ...) LOG_WRITE (LOG_DEBUG, event, __VA_ARGS__)
#define log_info(event, ...) LOG_WRITE (LOG_INFO, event, __VA_ARGS__)
#define log_warn(event, ...) LOG_WRITE (LOG_WARN, event, __VA_ARGS__)
#define log_error(event, ...) LOG_WRITE (LOG_ERROR, event, __VA_ARGS__)
#define log_fatal(event, ...) LOG_WRITE (LOG_FATAL, event, __VA_ARGS__)

#endif
