//  alert_url — bytes that somebody sends as the link of an alert are none; what is made of parts is
//  read as these parts, or not made.

#include "auth/alert_url.h"

#include <stdlib.h>

#define KEY TEXT ("0123456789abcdef0123456789abcdef")
#define BEFORE (sizeof "http://h" ALERT_PATH - 1)

int LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size);

//  Three parts of the bytes.
static void
s_make (const char *bytes, size_t size)
{
    char room[SIGNED_CLAIM_MAX];
    size_t third = size / 3;
    alert_claim_t claim = { .expires_s = 5,
                            .app = { bytes, third },
                            .person = { bytes + third, third },
                            .alert = { bytes + 2 * third, size - 2 * third } };
    alert_claim_t read;
    buffer_t url;
    buffer_init (&url, SIGNED_URL_MAX);
    if (!memchr (bytes, 0, size) && alert_url_write (KEY, "http://h", &claim, &url) == 0) {
        text_t token = { url.data + BEFORE, url.size - BEFORE };
        if (alert_url_read (KEY, token, 4, &read, room) != SIGNED_GOOD
            || !text_is (read.app, claim.app) || !text_is (read.person, claim.person)
            || !text_is (read.alert, claim.alert))
            abort ();
    }
    buffer_free (&url);
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    char room[SIGNED_CLAIM_MAX];
    alert_claim_t claim;
    text_t text = { (const char *) bytes, size };
    if (alert_url_read (KEY, text, 0, &claim, room) != SIGNED_BAD)
        abort (); //  nobody guesses a signature
    if (size > 0)
        s_make ((const char *) bytes, size);
    return 0;
}
