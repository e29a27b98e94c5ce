#include "model/log_position.h"

#include "base/keyed_hash.h"

static const char s_digits[] = "0123456789abcdef";

//  Under the key that everybody knows: every process must come to the same check, and nobody gains
//  by finding another entry with it.
uint64_t
log_check_of (const log_mark_t *mark)
{
    const text_t texts[] = { { (const char *) &mark->role, sizeof mark->role },
                             mark->user,
                             mark->message_id,
                             { (const char *) &mark->time_ms, sizeof mark->time_ms } };
    hash_key_t key = hash_key_of (TEXT_EMPTY);
    keyed_digest_t digest = keyed_digest (&key, texts, sizeof texts / sizeof *texts);
    uint64_t check;
    memcpy (&check, digest.bytes, sizeof check);
    return check ? check : 1;
}

log_check_text_t
log_check_write (uint64_t check)
{
    log_check_text_t to = { "" };
    for (size_t at = LOG_CHECK_DIGITS; check && at > 0; at--)
        to.text[at - 1] = s_digits[check >> (4 * (LOG_CHECK_DIGITS - at)) & 15];
    return to;
}

int
log_check_read (text_t text, uint64_t *check)
{
    *check = 0;
    if (text.size != 0 && text.size != LOG_CHECK_DIGITS)
        return -1;
    for (size_t at = 0; at < text.size; at++) {
        const char *digit = memchr (s_digits, text.data[at], sizeof s_digits - 1);
        if (!digit)
            return -1;
        *check = *check << 4 | (uint64_t) (digit - s_digits);
    }
    return 0;
}
