//  alert_url — the link by which an alert is acknowledged: what was signed for it is read, all else
//  is not, nor what the same key has signed for something else.

#include "auth/alert_url.h"
#include "auth/answer_url.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define KEY TEXT ("0123456789abcdef0123456789abcdef")
#define OTHER TEXT ("0123456789abcdef0123456789abcdeF")
#define BASE "https://chat.example.com/"
#define BEFORE "https://chat.example.com/alerts/"

static const alert_claim_t s_claim = { .expires_s = 1000,
                                       .app = TEXT ("demo"),
                                       .person = TEXT ("anna"),
                                       .alert = TEXT (":alert:r:demo/a session:3:1003") };

static text_t
s_token (const alert_claim_t *claim, buffer_t *to)
{
    buffer_init (to, SIGNED_URL_MAX);
    cr_assert_eq (alert_url_write (KEY, BASE, claim, to), 0);
    cr_assert_eq (memcmp (to->data, BEFORE, sizeof BEFORE - 1), 0);
    return (text_t){ to->data + sizeof BEFORE - 1, to->size - (sizeof BEFORE - 1) };
}

Test (alert_url, what_was_signed_is_read_until_it_expires)
{
    char room[SIGNED_CLAIM_MAX];
    alert_claim_t claim;
    buffer_t url;
    text_t token = s_token (&s_claim, &url);
    cr_assert_eq (alert_url_read (KEY, token, 999, &claim, room), SIGNED_GOOD);
    cr_expect (text_is (claim.app, s_claim.app) && text_is (claim.person, s_claim.person)
               && text_is (claim.alert, s_claim.alert));
    cr_expect_eq (alert_url_read (KEY, token, 1000, &claim, room), SIGNED_EXPIRED);
    cr_expect_eq (alert_url_read (OTHER, token, 999, &claim, room), SIGNED_BAD);
    cr_expect_eq (alert_url_read (TEXT_EMPTY, token, 999, &claim, room), SIGNED_BAD);
    buffer_free (&url);
}

Test (alert_url, what_was_changed_is_not_read)
{
    char room[SIGNED_CLAIM_MAX];
    alert_claim_t claim;
    buffer_t url;
    text_t token = s_token (&s_claim, &url);
    for (size_t at = 0; at < token.size; at++) {
        char *copy = strndup (token.data, token.size);
        copy[at] = copy[at] == 'A' ? 'B' : 'A';
        cr_expect_eq (alert_url_read (KEY, text_of (copy), 1, &claim, room), SIGNED_BAD, "%zu",
                      at);
        free (copy);
    }
    buffer_free (&url);
}

//  Who may answer a question may not acknowledge an alert, though the operator gave one key to
//  both.
Test (alert_url, is_no_address_of_another_purpose)
{
    char room[SIGNED_CLAIM_MAX];
    alert_claim_t claim;
    answer_claim_t answer = { .expires_s = 1000,
                              .item = TEXT ("demo"),
                              .session = TEXT ("anna :alert:r:demo/s:3:1003") };
    buffer_t url;
    buffer_init (&url, ANSWER_URL_MAX);
    cr_assert_eq (answer_url_write (KEY, BASE, &answer, &url), 0);
    size_t skip = sizeof BASE - 2 + sizeof ANSWER_PATH - 1;
    text_t token = { url.data + skip, url.size - skip };
    cr_assert_eq (answer_url_read (KEY, token, 1, &answer, room), ANSWER_GOOD);
    cr_expect_eq (alert_url_read (KEY, token, 1, &claim, room), SIGNED_BAD);
    buffer_free (&url);
}

//  Parts that could not be told from each other.
Test (alert_url, is_not_made_of_parts_with_blanks)
{
    buffer_t url;
    buffer_init (&url, SIGNED_URL_MAX);
    alert_claim_t claim = s_claim;
    claim.person = TEXT ("an na");
    cr_expect_eq (alert_url_write (KEY, BASE, &claim, &url), -1);
    claim = s_claim;
    claim.app = TEXT_EMPTY;
    cr_expect_eq (alert_url_write (KEY, BASE, &claim, &url), -1);
    buffer_free (&url);
}

//  Half of the signature and less is none, nor is one with more behind it.
Test (alert_url, a_signature_has_its_length)
{
    char room[SIGNED_CLAIM_MAX];
    alert_claim_t claim;
    buffer_t url;
    text_t token = s_token (&s_claim, &url);
    const char *dot = memchr (token.data, '.', token.size);
    size_t before = (size_t) (dot + 1 - token.data);
    cr_expect_eq (token.size - before, 22);
    for (size_t size = before; size < token.size; size++)
        cr_expect_eq (alert_url_read (KEY, (text_t){ token.data, size }, 1, &claim, room),
                      SIGNED_BAD);
    cr_assert_eq (buffer_put_string (&url, "AAAA"), 0);
    token = (text_t){ url.data + sizeof BEFORE - 1, url.size - (sizeof BEFORE - 1) };
    cr_expect_eq (alert_url_read (KEY, token, 1, &claim, room), SIGNED_BAD);
    buffer_free (&url);
}
