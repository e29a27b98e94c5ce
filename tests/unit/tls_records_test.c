//  tls_records — where records end, and what is none.

#include "tls/tls_records.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>

#define SHAKE "\x16\x03\x01"
#define DATA "\x17\x03\x03"

static const struct {
    text_t bytes;
    bool is_first;
    tls_bytes_t found;
    size_t whole;
} s_cases[] = {
    { { "", 0 }, true, TLS_BYTES_RECORDS, 0 },
    { TEXT ("\x16"), true, TLS_BYTES_RECORDS, 0 },
    { TEXT (SHAKE "\x00"), true, TLS_BYTES_RECORDS, 0 },
    { TEXT (SHAKE "\x00\x02" "a"), true, TLS_BYTES_RECORDS, 0 },
    { TEXT (SHAKE "\x00\x02" "ab"), true, TLS_BYTES_RECORDS, 7 },
    { TEXT (SHAKE "\x00\x00"), true, TLS_BYTES_RECORDS, 5 },
    { TEXT (SHAKE "\x00\x01" "a" DATA "\x00\x03" "ab"), true, TLS_BYTES_RECORDS, 6 },
    { TEXT (SHAKE "\x00\x01" "a" DATA "\x00\x02" "ab"), true, TLS_BYTES_RECORDS, 13 },
    { TEXT (DATA "\x00\x02" "ab"), false, TLS_BYTES_RECORDS, 7 },
    { TEXT ("\x14\x03\x03\x00\x01\x01\x15"), false, TLS_BYTES_RECORDS, 6 },
    { TEXT (DATA "\x48\x00"), false, TLS_BYTES_RECORDS, 0 },
    //  The first must be of a handshake; HTTP is told apart.
    { TEXT (DATA "\x00\x02" "ab"), true, TLS_BYTES_OTHER, 0 },
    { TEXT ("GET / HTTP/1.1\r\n"), true, TLS_BYTES_HTTP, 0 },
    { TEXT ("P"), true, TLS_BYTES_HTTP, 0 },
    { TEXT ("\x80\x2e\x01\x03\x01"), true, TLS_BYTES_OTHER, 0 },
    { TEXT ("SSH"), false, TLS_BYTES_OTHER, 0 },
    { TEXT ("\x13\x03\x03\x00\x01"), false, TLS_BYTES_OTHER, 0 },
    { TEXT ("\x18\x03\x03\x00\x01"), false, TLS_BYTES_OTHER, 0 },
    { TEXT ("\x16\x02"), false, TLS_BYTES_OTHER, 0 },
    { TEXT (DATA "\x48\x01"), false, TLS_BYTES_OTHER, 0 },
    { TEXT (DATA "\x00\x01" "aX"), false, TLS_BYTES_OTHER, 0 },
};

Test (tls_records, tells_where_they_end)
{
    for (size_t at = 0; at < sizeof s_cases / sizeof *s_cases; at++) {
        size_t whole = 99;
        tls_bytes_t found = tls_records_look (s_cases[at].bytes, s_cases[at].is_first, &whole);
        cr_expect_eq (found, s_cases[at].found, "case %zu", at);
        cr_expect_eq (whole, s_cases[at].whole, "case %zu: %zu", at, whole);
    }
}

static const struct {
    text_t record;
    size_t size;
} s_messages[] = {
    { TEXT (SHAKE "\x00\x04" "\x01\x00\x00\x00"), 4 },
    { TEXT (SHAKE "\x00\x05" "\x01\x01\x02\x03" "a"), 4 + 0x010203 },
    { TEXT (SHAKE "\x00\x03" "\x01\x00\x00"), SIZE_MAX },
    { TEXT (SHAKE "\x00\x00"), SIZE_MAX },
    { TEXT ("\x14\x03\x03\x00\x01\x01"), 0 },
};

Test (tls_records, tells_how_large_a_message_will_be)
{
    for (size_t at = 0; at < sizeof s_messages / sizeof *s_messages; at++) {
        text_t record = s_messages[at].record;
        cr_expect_eq (tls_records_first (record), record.size, "message %zu", at);
        cr_expect_eq (tls_records_message (record), s_messages[at].size, "message %zu", at);
    }
}

Test (tls_records, tells_whether_any_is_of_a_handshake)
{
    cr_expect (tls_records_are_of_handshake (TEXT (DATA "\x00\x01" "a" SHAKE "\x00\x01" "a")));
    cr_expect_not (tls_records_are_of_handshake (TEXT (DATA "\x00\x01" "\x16" DATA "\x00\x00")));
    cr_expect_not (tls_records_are_of_handshake (TEXT_EMPTY));
}
