//  What Genesys Cloud answers, as any bytes: it is read without harm, and what comes out can stand
//  in a header, a log, a page.

#include "base/utf8.h"
#include "platform/genesys_answer.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
s_demand (bool holds)
{
    if (!holds)
        abort ();
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    //  A copy that ends where it ends; texts are followed by a NUL only by chance.
    char *copy = malloc (size + 1), words[ERROR_WORDS_ROOM];
    text_t body = TEXT_EMPTY;
    if (size > 0) {
        memcpy (copy, data, size);
        body = (text_t){ copy, size };
    }
    login_answer_t login;
    if (login_answer_read (&login, body) == 0) {
        s_demand (login.token.size > 0 && login.lifetime_s >= 1
                  && login.lifetime_s <= LOGIN_LIFETIME_MOST_S);
        login_answer_free (&login);
    }
    error_answer_read (body, words);
    s_demand (utf8_is_showable (text_of (words)) && strlen (words) < sizeof words);
    person_answer_t person;
    person_answer_read (&person, body);
    s_demand (utf8_is_showable (person.name) && person.name.size <= PERSON_NAME_MOST);
    s_demand (utf8_is_printable (person.picture) && person.picture.size <= PERSON_PICTURE_MOST);
    person_answer_free (&person);
    free (copy);
    return 0;
}
