//  log_position — a place in a session's log, and what stands there: how far somebody has it.
//
//  A seq alone does not say of which history it is: a fail-over, or a restore, may have put other
//  entries in the place of some that people had seen. The check is a digest of the entry itself,
//  the same in every process and every version. The log is replicated as a prefix, so who has the
//  same entry at one seq has all the same entries before it.

#ifndef LOG_POSITION_H
#define LOG_POSITION_H

#include "base/text.h"
#include "model/model.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t seq;   //  0: before the first entry
    uint64_t check; //  of the entry at seq; 0: not known
} log_position_t;
//  Nobody says how far.
#define LOG_POSITION_UNKNOWN ((log_position_t){ .seq = SEQ_UNKNOWN })

//  What the digest is of. The time tells a message from the same one that was sent again, after the
//  first was lost: it may stand behind other entries.
typedef struct {
    uint64_t role;
    text_t user;
    text_t message_id;
    uint64_t time_ms;
} log_mark_t;

//  Never 0.
uint64_t log_check_of (const log_mark_t *mark);

//  Are these two different entries? A check that is not known is no reason to say so.
static inline bool
log_check_differs (uint64_t left, uint64_t right)
{
    return left && right && left != right;
}

//  As clients have it: 16 hexadecimal digits, because a number of theirs has 53 bits.
#define LOG_CHECK_DIGITS 16
typedef struct {
    char text[LOG_CHECK_DIGITS + 1];
} log_check_text_t;

//  "" for 0.
log_check_text_t log_check_write (uint64_t check);
//  Returns 0; −1 when the text is neither empty nor 16 digits.
__attribute__ ((warn_unused_result)) int log_check_read (text_t text, uint64_t *check);

#endif
