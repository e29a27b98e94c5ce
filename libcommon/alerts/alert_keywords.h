//  alert_keywords — does one of these words stand in a text? Whatever the case and the form of the
//  letters (Unicode's NFKC and case folding), and however they are spaced. As whole words: "refund"
//  is not in "refunded"; but in scripts without spaces between words (Chinese, Japanese, Thai …)
//  wherever they stand.
//
//  Made once, when the configuration is read; reading it later changes nothing.

#ifndef ALERT_KEYWORDS_H
#define ALERT_KEYWORDS_H

#include "base/text.h"

#include <stdbool.h>

//  Bytes of a text that are looked at: its beginning.
#define ALERT_SAID_MOST 8192

//  A text in the form in which it is compared; to be freed with free. Never NULL; empty when it is
//  no UTF-8.
char *alert_folded (text_t text);

typedef struct alert_keywords alert_keywords_t;

//  NULL: there are none.
alert_keywords_t *alert_keywords_new (const text_t *words, size_t count);
void alert_keywords_destroy (alert_keywords_t **self_p);

//  `said` is from alert_folded.
bool alert_keywords_match (const alert_keywords_t *self, const char *said);

#endif
