#include "auth/alert_url.h"

#include <stdio.h>

//  Short: it stands in SMS.
static const signed_url_kind_t s_kind = { "stentor alert 1\n", ALERT_PATH, true };

static bool
s_is_word (text_t text)
{
    return text.size > 0 && !memchr (text.data, ' ', text.size);
}

int
alert_url_write (text_t key, const char *base, const alert_claim_t *claim, buffer_t *to)
{
    char room[SIGNED_CLAIM_MAX];
    int size = snprintf (room, sizeof room, "%.*s %.*s %.*s", TEXT_ARGS (claim->app),
                         TEXT_ARGS (claim->person), TEXT_ARGS (claim->alert));
    if (size <= 0 || (size_t) size >= sizeof room || !s_is_word (claim->app)
        || !s_is_word (claim->person) || claim->alert.size == 0)
        return -1;
    return signed_url_write (&s_kind, key, base,
                             &(signed_claim_t){ claim->expires_s, { room, (size_t) size } }, to);
}

//  Up to the next blank, which is passed over. Empty: there is none.
static text_t
s_word (text_t *rest)
{
    const char *blank = rest->size > 0 ? memchr (rest->data, ' ', rest->size) : NULL;
    text_t word = { rest->data, blank ? (size_t) (blank - rest->data) : 0 };
    if (blank)
        *rest = (text_t){ blank + 1, rest->size - word.size - 1 };
    return word;
}

signed_verdict_t
alert_url_read (text_t key, text_t token, uint64_t now_s, alert_claim_t *claim,
                char room[SIGNED_CLAIM_MAX])
{
    signed_claim_t said;
    signed_verdict_t verdict = signed_url_read (&s_kind, key, token, now_s, &said, room);
    if (verdict == SIGNED_BAD)
        return SIGNED_BAD;
    *claim = (alert_claim_t){ .expires_s = said.expires_s };
    claim->app = s_word (&said.words);
    claim->person = s_word (&said.words);
    claim->alert = said.words;
    bool is_whole = claim->app.size > 0 && claim->person.size > 0 && claim->alert.size > 0;
    return is_whole ? verdict : SIGNED_BAD;
}
