#include "auth/answer_url.h"

#include <stdio.h>

static const signed_url_kind_t s_kind = { "stentor bot answer 1\n", ANSWER_PATH, false };

bool
answer_base_is_good (const char *base)
{
    return signed_base_is_good (base);
}

int
answer_url_write (text_t key, const char *base, const answer_claim_t *claim, buffer_t *to)
{
    char room[ANSWER_CLAIM_MAX];
    int size = snprintf (room, sizeof room, "%.*s %.*s", TEXT_ARGS (claim->item),
                         TEXT_ARGS (claim->session));
    if (size <= 0 || (size_t) size >= sizeof room || claim->item.size == 0
        || memchr (claim->item.data, ' ', claim->item.size))
        return -1;
    return signed_url_write (&s_kind, key, base,
                             &(signed_claim_t){ claim->expires_s, { room, (size_t) size } }, to);
}

answer_verdict_t
answer_url_read (text_t key, text_t token, uint64_t now_s, answer_claim_t *claim,
                 char room[ANSWER_CLAIM_MAX])
{
    signed_claim_t said;
    signed_verdict_t verdict = signed_url_read (&s_kind, key, token, now_s, &said, room);
    if (verdict == SIGNED_BAD)
        return ANSWER_BAD;
    const char *blank = memchr (said.words.data, ' ', said.words.size);
    size_t size = blank ? (size_t) (blank - said.words.data) : 0;
    *claim = (answer_claim_t){ .expires_s = said.expires_s,
                               .item = { said.words.data, size },
                               .session = { blank ? blank + 1 : "",
                                            blank ? said.words.size - size - 1 : 0 } };
    if (size == 0 || claim->session.size == 0)
        return ANSWER_BAD;
    return verdict == SIGNED_GOOD ? ANSWER_GOOD : ANSWER_EXPIRED;
}
