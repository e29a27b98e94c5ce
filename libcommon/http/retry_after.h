//  retry_after — the header Retry-After (RFC 9110, 10.2.3): seconds, or a date in any of HTTP's
//  three forms.

#ifndef RETRY_AFTER_H
#define RETRY_AFTER_H

#include "base/text.h"

#include <stdint.h>

//  How long to wait, `most_ms` at most; 0 when the value is neither, or a date that has passed.
//  `now_s` is the wall clock.
uint64_t retry_after_read (text_t value, uint64_t now_s, uint64_t most_ms);

#endif
