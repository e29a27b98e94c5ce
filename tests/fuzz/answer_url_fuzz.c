//  The address of a later answer, as anybody may write it: it is read without harm, and no claim
//  comes out that was not signed; one that is signed comes out as it went in.

#include "auth/answer_url.h"

#include <stdlib.h>

#define KEY TEXT ("0123456789abcdef0123456789abcdef")

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
s_there_and_back (text_t session)
{
    char room[ANSWER_CLAIM_MAX];
    answer_claim_t claim = { .expires_s = 5, .item = TEXT ("i"), .session = session }, read;
    buffer_t url;
    buffer_init (&url, ANSWER_URL_MAX);
    if (answer_url_write (KEY, "http://h", &claim, &url) == 0 ) {
        size_t skip = sizeof "http://h" ANSWER_PATH - 1;
        text_t token = { url.data + skip, url.size - skip };
        if (answer_url_read (KEY, token, 4, &read, room) != ANSWER_GOOD
            || !text_is (read.session, session))
            abort ();
    }
    buffer_free (&url);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    char room[ANSWER_CLAIM_MAX];
    answer_claim_t claim;
    text_t text = { (const char *) data, size };
    if (answer_url_read (KEY, text, 0, &claim, room) != ANSWER_BAD)
        abort ();
    if (size > 0 && !memchr (data, 0, size)) //  a session's key has no NUL
        s_there_and_back (text);
    return 0;
}
