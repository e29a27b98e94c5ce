#include "http/retry_after.h"

#include <time.h>

#define DATE_MAX 40 //  bytes, with the NUL: the longest is "Wednesday, 09-Nov-94 08:49:37 GMT"

//  No more digits than any wait needs: more seconds than `most` are `most`.
static uint64_t
s_seconds (text_t digits, uint64_t most)
{
    uint64_t seconds = 0;
    for (size_t at = 0; at < digits.size; at++)
        if (seconds <= most / 10)
            seconds = seconds * 10 + (uint64_t) (digits.data[at] - '0');
        else
            return most;
    return seconds < most ? seconds : most;
}

//  Seconds since 1970; −1 when it is no date.
static int64_t
s_date (text_t value)
{
    static const char *const forms[] = {
        "%a, %d %b %Y %H:%M:%S GMT", //  the one that is in use
        "%A, %d-%b-%y %H:%M:%S GMT", //  RFC 850
        "%a %b %d %H:%M:%S %Y",      //  asctime
    };
    char text[DATE_MAX];
    if (value.size >= sizeof text)
        return -1;
    memcpy (text, value.data, value.size);
    text[value.size] = '\0';
    for (size_t form = 0; form < sizeof forms / sizeof *forms; form++) {
        struct tm when = { 0 };
        const char *end = strptime (text, forms[form], &when);
        if (end == text + value.size)
            return timegm (&when);
    }
    return -1;
}

uint64_t
retry_after_read (text_t value, uint64_t now_s, uint64_t most_ms)
{
    size_t digits = 0;
    while (digits < value.size && value.data[digits] >= '0' && value.data[digits] <= '9')
        digits++;
    if (digits > 0 && digits == value.size)
        return s_seconds (value, most_ms / 1000) * 1000;
    int64_t date_s = s_date (value);
    if (date_s < 0 || (uint64_t) date_s <= now_s)
        return 0;
    uint64_t wait_s = (uint64_t) date_s - now_s;
    return wait_s < most_ms / 1000 ? wait_s * 1000 : most_ms / 1000 * 1000;
}
