//  http_body — every way in which a body can be right or wrong, whole or byte by byte.

#include "net/http_body.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define MOST 20

typedef struct {
    char bytes[120];
    char body[40];
    http_fault_t fault;
    int behind; //  bytes that are not of it; −1: it is not whole
} chunk_case_t;

ParameterizedTestParameters (http_body, chunks)
{
    static chunk_case_t cases[] = {
        { "0\r\n\r\n", "", HTTP_NO_FAULT, 0 },
        { "3\r\nabc\r\n0\r\n\r\n", "abc", HTTP_NO_FAULT, 0 },
        { "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET", "abcde", HTTP_NO_FAULT, 3 },
        { "00000003\r\nabc\r\n0\r\n\r\n", "abc", HTTP_NO_FAULT, 0 },
        { "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789",
          HTTP_NO_FAULT, 0 },
        { "3;x=y;z=\"q\"\r\nabc\r\n0;last\r\n\r\n", "abc", HTTP_NO_FAULT, 0 },
        { "3\r\nabc\r\n0\r\nx: y\r\nz:\r\n\r\n", "abc", HTTP_NO_FAULT, 0 },
        { "3\r\n\r\n\r\r\n0\r\n\r\n", "\r\n\r", HTTP_NO_FAULT, 0 },
        { "3\r\nab", "ab", HTTP_NO_FAULT, -1 },
        { "3\r\nabc\r\n0\r\n", "abc", HTTP_NO_FAULT, -1 },
        { "", "", HTTP_NO_FAULT, -1 },
        //  What somebody else might read otherwise.
        { "\r\n", "", HTTP_CHUNK, -1 },
        { "3\nabc\r\n0\r\n\r\n", "", HTTP_CHUNK, -1 },
        { "3\r\nabc\n0\r\n\r\n", "abc", HTTP_CHUNK, -1 },
        { "3\r\nabcd\r\n0\r\n\r\n", "abc", HTTP_CHUNK, -1 },
        { "3\r\nab\r\n0\r\n\r\n", "ab\r", HTTP_CHUNK, -1 },
        { " 3\r\nabc\r\n0\r\n\r\n", "", HTTP_CHUNK, -1 },
        { "3 \r\nabc\r\n0\r\n\r\n", "", HTTP_CHUNK, -1 },
        { "0x3\r\nabc\r\n0\r\n\r\n", "", HTTP_CHUNK, -1 },
        { "+3\r\nabc\r\n0\r\n\r\n", "", HTTP_CHUNK, -1 },
        { "-1\r\nabc\r\n0\r\n\r\n", "", HTTP_CHUNK, -1 },
        { "g\r\nabc\r\n0\r\n\r\n", "", HTTP_CHUNK, -1 },
        { ";x\r\n", "", HTTP_CHUNK, -1 },
        { "3\r\rabc\r\n0\r\n\r\n", "", HTTP_CHUNK, -1 },
        { "3;a\x01\r\nabc", "", HTTP_CHUNK, -1 },
        { "3;a\nabc", "", HTTP_CHUNK, -1 },
        { "0\r\n x: folded\r\n\r\n", "", HTTP_CHUNK, -1 },
        { "0\r\nx: y\n\r\n", "", HTTP_CHUNK, -1 },
        { "0\r\nx: \x7f\r\n\r\n", "", HTTP_CHUNK, -1 },
        { "0\r\n\rX", "", HTTP_CHUNK, -1 },
        { "00000000000000003\r\nabc", "", HTTP_CHUNK, -1 },
        //  The limit is 20.
        { "15\r\n", "", HTTP_LARGE_BODY, -1 },
        { "ffffffffffffffff\r\n", "", HTTP_LARGE_BODY, -1 },
        { "14\r\n01234567890123456789\r\n1\r\n", "01234567890123456789", HTTP_LARGE_BODY, -1 },
    };
    return cr_make_param_array (chunk_case_t, cases, sizeof cases / sizeof *cases);
}

//  Reads the case's bytes in pieces of this size.
static void
s_check (const chunk_case_t *param, size_t piece)
{
    static const http_head_t head = { .body = HTTP_BODY_CHUNKED };
    http_body_reader_t reader;
    buffer_t body;
    buffer_init (&body, MOST);
    http_fault_t fault = http_body_begin (&reader, &head, MOST);
    size_t size = strlen (param->bytes), at = 0;
    while (at < size && !fault && !http_body_is_whole (&reader)) {
        size_t rest = size - at, taken;
        fault = http_body_read (
            &reader, (text_t){ param->bytes + at, rest < piece ? rest : piece }, &body, &taken);
        cr_assert (taken > 0);
        at += taken;
    }
    cr_expect_eq (fault, param->fault, "%s by %zu: %d", param->bytes, piece, fault);
    cr_expect (text_is (buffer_text (&body), text_of (param->body)), "%s by %zu: %.*s",
               param->bytes, piece, TEXT_ARGS (buffer_text (&body)));
    int behind = http_body_is_whole (&reader) ? (int) (size - at) : -1;
    cr_expect_eq (behind, param->behind, "%s by %zu: %d", param->bytes, piece, behind);
    buffer_free (&body);
}

ParameterizedTest (chunk_case_t *param, http_body, chunks)
{
    for (size_t piece = 1; piece < 8; piece++)
        s_check (param, piece);
    s_check (param, sizeof param->bytes);
}

Test (http_body, a_length_and_what_stands_behind_it)
{
    http_body_reader_t reader;
    buffer_t body;
    size_t taken;
    buffer_init (&body, MOST);
    http_head_t head = { .body = HTTP_BODY_SIZED, .body_size = 5 };
    cr_assert_eq (http_body_begin (&reader, &head, MOST), HTTP_NO_FAULT);
    cr_assert_eq (http_body_read (&reader, TEXT ("ab"), &body, &taken), HTTP_NO_FAULT);
    cr_assert (!http_body_is_whole (&reader) && taken == 2);
    cr_assert_eq (http_body_read (&reader, TEXT ("cdeGET"), &body, &taken), HTTP_NO_FAULT);
    cr_assert (http_body_is_whole (&reader) && taken == 3);
    cr_assert (text_is (buffer_text (&body), TEXT ("abcde")));
    head.body_size = MOST + 1;
    cr_assert_eq (http_body_begin (&reader, &head, MOST), HTTP_LARGE_BODY);
    head.body_size = 0;
    cr_assert_eq (http_body_begin (&reader, &head, MOST), HTTP_NO_FAULT);
    cr_assert (http_body_is_whole (&reader));
    head.body = HTTP_BODY_NONE;
    cr_assert_eq (http_body_begin (&reader, &head, 0), HTTP_NO_FAULT);
    cr_assert (http_body_is_whole (&reader));
    buffer_free (&body);
}

//  Extensions and trailers are bounded over the whole body.
Test (http_body, what_is_thrown_away_is_bounded)
{
    static const char *const beginnings[] = { "1;", "0\r\nt: " };
    for (size_t at = 0; at < 2; at++) {
        static const http_head_t head = { .body = HTTP_BODY_CHUNKED };
        http_body_reader_t reader;
        buffer_t body;
        size_t taken, sent = 0;
        buffer_init (&body, MOST);
        cr_assert_eq (http_body_begin (&reader, &head, MOST), HTTP_NO_FAULT);
        http_fault_t fault = http_body_read (&reader, text_of (beginnings[at]), &body, &taken);
        while (!fault && sent++ < 2 * HTTP_TRAILERS_MAX)
            fault = http_body_read (&reader, TEXT ("x"), &body, &taken);
        cr_expect_eq (fault, HTTP_CHUNK);
        cr_expect (sent <= HTTP_TRAILERS_MAX);
        buffer_free (&body);
    }
}
