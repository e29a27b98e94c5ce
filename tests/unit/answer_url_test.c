//  answer_url — the address at which a bot may answer later: what was signed is read, all else is
//  not.

#include "auth/answer_url.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define KEY TEXT ("0123456789abcdef0123456789abcdef")
#define OTHER TEXT ("0123456789abcdef0123456789abcdeF")
#define BASE "https://chat.example.com/a/"
#define BEFORE "https://chat.example.com/a/bot-answers/"

static const answer_claim_t s_claim = { .expires_s = 1000,
                                        .item = TEXT ("item-1"),
                                        .session = TEXT ("demo/a session") };

//  What stands behind the path.
static text_t
s_token (const answer_claim_t *claim, buffer_t *to)
{
    buffer_init (to, ANSWER_URL_MAX);
    cr_assert_eq (answer_url_write (KEY, BASE, claim, to), 0);
    cr_assert_eq (memcmp (to->data, BEFORE, sizeof BEFORE - 1), 0);
    return (text_t){ to->data + sizeof BEFORE - 1, to->size - (sizeof BEFORE - 1) };
}

Test (answer_url, what_was_signed_is_read_until_it_expires)
{
    char room[ANSWER_CLAIM_MAX];
    answer_claim_t claim;
    buffer_t url;
    text_t token = s_token (&s_claim, &url);
    cr_assert_eq (answer_url_read (KEY, token, 999, &claim, room), ANSWER_GOOD);
    cr_assert (text_is (claim.item, s_claim.item) && text_is (claim.session, s_claim.session));
    cr_assert_eq (claim.expires_s, 1000);
    cr_assert_eq (answer_url_read (KEY, token, 1000, &claim, room), ANSWER_EXPIRED);
    cr_assert_eq (answer_url_read (OTHER, token, 999, &claim, room), ANSWER_BAD);
    cr_assert_eq (answer_url_read (TEXT_EMPTY, token, 999, &claim, room), ANSWER_BAD);
    buffer_free (&url);
}

//  Each byte of it counts, and so does each that is missing or too much.
Test (answer_url, what_was_changed_is_not_read)
{
    char room[ANSWER_CLAIM_MAX];
    answer_claim_t claim;
    buffer_t url;
    text_t token = s_token (&s_claim, &url);
    for (size_t at = 0; at < token.size; at++) {
        char *copy = strndup (token.data, token.size);
        copy[at] = copy[at] == '0' ? '1' : '0';
        cr_expect_eq (answer_url_read (KEY, (text_t){ copy, token.size }, 1, &claim, room),
                      ANSWER_BAD, "%zu", at);
        copy[at] = token.data[at] >= 'a' ? (char) (token.data[at] - 32) : 'g';
        cr_expect_eq (answer_url_read (KEY, (text_t){ copy, token.size }, 1, &claim, room),
                      ANSWER_BAD, "%zu", at);
        cr_expect_eq (answer_url_read (KEY, (text_t){ token.data, at }, 1, &claim, room),
                      ANSWER_BAD, "%zu", at);
        free (copy);
    }
    static const char *const none[] = { "", ".", "a.b", "..", "/", "31.31" };
    for (size_t row = 0; row < sizeof none / sizeof *none; row++)
        cr_expect_eq (answer_url_read (KEY, text_of (none[row]), 1, &claim, room), ANSWER_BAD);
    buffer_free (&url);
}

Test (answer_url, what_cannot_be_signed)
{
    static char long_session[ANSWER_CLAIM_MAX];
    memset (long_session, 's', sizeof long_session - 1);
    const answer_claim_t none[] = {
        { .item = TEXT ("an item"), .session = TEXT ("s") },
        { .item = TEXT_EMPTY, .session = TEXT ("s") },
        { .item = TEXT ("i"), .session = text_of (long_session) },
    };
    for (size_t row = 0; row < sizeof none / sizeof *none; row++) {
        buffer_t url;
        buffer_init (&url, 2 * ANSWER_URL_MAX);
        cr_expect_eq (answer_url_write (KEY, BASE, &none[row], &url), -1, "%zu", row);
        buffer_free (&url);
    }
}

Test (answer_url, bases)
{
    static const char *const good[] = { "http://a", "https://chat.example.com:8443/x/" };
    static const char *const bad[] = { "",           "ftp://a",      "https://",    "https:///a",
                                       "http://a b", "http://a?b=c", "http://u@h", "chat.com" };
    for (size_t row = 0; row < sizeof good / sizeof *good; row++)
        cr_expect (answer_base_is_good (good[row]), "%s", good[row]);
    for (size_t row = 0; row < sizeof bad / sizeof *bad; row++)
        cr_expect_not (answer_base_is_good (bad[row]), "%s", bad[row]);
}
