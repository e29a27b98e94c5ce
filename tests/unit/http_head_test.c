#include "net/http_head.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE "GET / HTTP/1.1\r\n"
#define HOST "Host: h\r\n"
#define END "\r\n"
#define WELL LINE HOST

typedef struct {
    const char *bytes;
    http_fault_t fault;
} row_t;

//  Read at once, and byte by byte, when the fault must be seen by its last byte.
static http_fault_t
s_read (text_t bytes, http_head_t *head, size_t *size)
{
    for (size_t at = 0; at < bytes.size; at++) {
        http_fault_t fault = http_head_read (head, (text_t){ bytes.data, at }, size);
        if (fault || *size > 0) {
            http_fault_t whole = http_head_read (head, bytes, size);
            cr_assert_eq (fault, whole, "%.*s", TEXT_ARGS (bytes));
            return whole;
        }
    }
    return http_head_read (head, bytes, size);
}

Test (http_head, reads_a_request)
{
    http_head_t head;
    size_t size;
    text_t bytes = TEXT ("GET /a%20b/?x=1&y HTTP/1.1\r\nHost: chat.example:8080\r\n"
                         "X-Empty:\r\naccept: \t a, b \t\r\nAccept:\xc3\xa4\r\n\r\nGET /next");
    cr_assert_eq (s_read (bytes, &head, &size), HTTP_NO_FAULT);
    cr_assert_eq (size, bytes.size - (sizeof "GET /next" - 1));
    cr_assert (http_head_is (&head, "GET") && !http_head_is (&head, "get"));
    cr_assert (text_is (head.path, TEXT ("/a%20b/")) && text_is (head.query, TEXT ("x=1&y")));
    cr_assert_eq (head.minor, 1);
    cr_assert (head.keep_alive);
    cr_assert_eq (head.body, HTTP_BODY_NONE);
    unsigned at = 0;
    text_t value;
    cr_assert (http_head_field (&head, "ACCEPT", &at, &value));
    cr_assert (text_is (value, TEXT ("a, b")));
    cr_assert (http_head_has_token (&head, "accept", "B"));
    cr_assert_not (http_head_has_token (&head, "accept", "a, b"));
    cr_assert (http_head_field (&head, "ACCEPT", &at, &value));
    cr_assert (text_is (value, TEXT ("\xc3\xa4")));
    cr_assert_not (http_head_field (&head, "ACCEPT", &at, &value));
    cr_assert_eq (http_head_only (&head, "x-empty", &value), 0);
    cr_assert_eq (value.size, 0);
    cr_assert_eq (http_head_only (&head, "accept", &value), -1);
}

Test (http_head, refuses_what_is_not_well_formed)
{
    static const row_t rows[] = {
        { WELL END, HTTP_NO_FAULT },
        { "\r\n" WELL END, HTTP_NO_FAULT },
        { "\r\n\r\n" WELL END, HTTP_MALFORMED },
        //  Line ends.
        { "GET / HTTP/1.1\n" HOST END, HTTP_MALFORMED },
        { LINE "Host: h\n\r\n", HTTP_MALFORMED },
        { WELL "\n", HTTP_MALFORMED },
        { LINE "Host: h\r\r\n\r\n", HTTP_MALFORMED },
        { LINE "Host: h\rX: y\r\n\r\n", HTTP_MALFORMED },
        { WELL "X: a\rb\r\n\r\n", HTTP_MALFORMED },
        //  The request line.
        { "GET  / HTTP/1.1\r\n" HOST END, HTTP_MALFORMED },
        { "GET / HTTP/1.1 \r\n" HOST END, HTTP_MALFORMED },
        { " GET / HTTP/1.1\r\n" HOST END, HTTP_MALFORMED },
        { "GET\t/ HTTP/1.1\r\n" HOST END, HTTP_MALFORMED },
        { "GET /a b HTTP/1.1\r\n" HOST END, HTTP_MALFORMED },
        { "GET /\r\n" HOST END, HTTP_MALFORMED },
        { "GET / http/1.1\r\n" HOST END, HTTP_MALFORMED },
        { "GET / HTTP/1.1x\r\n" HOST END, HTTP_MALFORMED },
        { "GET / HTTP/01.1\r\n" HOST END, HTTP_MALFORMED },
        { "GET / HTTP/x.1\r\n" HOST END, HTTP_MALFORMED },
        { "GET / HTTP/1.9\r\n" HOST END, HTTP_NO_FAULT },
        { "GET / HTTP/0.9\r\n" HOST END, HTTP_VERSION },
        { "GET / HTTP/2.0\r\n" HOST END, HTTP_VERSION },
        { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HTTP_VERSION },
        { "G(T / HTTP/1.1\r\n" HOST END, HTTP_MALFORMED },
        { "G\xc3\xa4T / HTTP/1.1\r\n" HOST END, HTTP_MALFORMED },
        { "\x16\x03\x01\x02", HTTP_MALFORMED },
        { "GET index.html HTTP/1.1\r\n" HOST END, HTTP_MALFORMED },
        { "GET * HTTP/1.1\r\n" HOST END, HTTP_MALFORMED },
        { "GET /#a HTTP/1.1\r\n" HOST END, HTTP_MALFORMED },
        { "GET /<a> HTTP/1.1\r\n" HOST END, HTTP_MALFORMED },
        { "GET /\xc3\xa4 HTTP/1.1\r\n" HOST END, HTTP_MALFORMED },
        { "GET /?a=|{} HTTP/1.1\r\n" HOST END, HTTP_NO_FAULT },
        { "GET ftp://h/ HTTP/1.1\r\n" HOST END, HTTP_MALFORMED },
        { "GET http:/// HTTP/1.1\r\n" HOST END, HTTP_MALFORMED },
        { "GET http://u@h/ HTTP/1.1\r\n" HOST END, HTTP_MALFORMED },
        { "GET http://h:8o/ HTTP/1.1\r\n" HOST END, HTTP_MALFORMED },
        { "OPTIONS * HTTP/1.1\r\n" HOST END, HTTP_NO_FAULT },
        { "CONNECT h:443 HTTP/1.1\r\n" HOST END, HTTP_NO_FAULT },
        { "CONNECT / HTTP/1.1\r\n" HOST END, HTTP_MALFORMED },
        { "CONNECT h HTTP/1.1\r\n" HOST END, HTTP_MALFORMED },
        //  Fields.
        { WELL " folded\r\n\r\n", HTTP_MALFORMED },
        { WELL "X: a\r\n\tfolded\r\n\r\n", HTTP_MALFORMED },
        { WELL "X : a\r\n\r\n", HTTP_MALFORMED },
        { WELL "X\t: a\r\n\r\n", HTTP_MALFORMED },
        { WELL ": a\r\n\r\n", HTTP_MALFORMED },
        { WELL "X\r\n\r\n", HTTP_MALFORMED },
        { WELL "X(: a\r\n\r\n", HTTP_MALFORMED },
        { WELL "X: \x01\r\n\r\n", HTTP_MALFORMED },
        { WELL "X: \x7f\r\n\r\n", HTTP_MALFORMED },
        //  Host.
        { LINE END, HTTP_HOST },
        { "GET / HTTP/1.0\r\n\r\n", HTTP_NO_FAULT },
        { "GET / HTTP/1.0\r\n" HOST HOST END, HTTP_HOST },
        { WELL HOST END, HTTP_HOST },
        { WELL "hOST: h\r\n\r\n", HTTP_HOST },
        { LINE "Host:\r\n\r\n", HTTP_HOST },
        { LINE "Host: a b\r\n\r\n", HTTP_HOST },
        { LINE "Host: a,b\r\n\r\n", HTTP_NO_FAULT },
        { LINE "Host: a/b\r\n\r\n", HTTP_HOST },
        { LINE "Host: u@a\r\n\r\n", HTTP_HOST },
        { LINE "Host: a:b\r\n\r\n", HTTP_HOST },
        { LINE "Host: a:123456\r\n\r\n", HTTP_HOST },
        { LINE "Host: [::1]:80\r\n\r\n", HTTP_NO_FAULT },
        { LINE "Host: [::1\r\n\r\n", HTTP_HOST },
        { LINE "Host: [x]\r\n\r\n", HTTP_HOST },
        { "GET http://h/ HTTP/1.1\r\n\r\n", HTTP_HOST },
        //  The body's length.
        { WELL "Content-Length: 5\r\n\r\nhello", HTTP_NO_FAULT },
        { WELL "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", HTTP_LENGTH },
        { WELL "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", HTTP_LENGTH },
        { WELL "Content-Length: 5, 5\r\n\r\n", HTTP_LENGTH },
        { WELL "Content-Length: +5\r\n\r\n", HTTP_LENGTH },
        { WELL "Content-Length: -5\r\n\r\n", HTTP_LENGTH },
        { WELL "Content-Length: 0x5\r\n\r\n", HTTP_LENGTH },
        { WELL "Content-Length: 5 5\r\n\r\n", HTTP_LENGTH },
        { WELL "Content-Length: 5a\r\n\r\n", HTTP_LENGTH },
        { WELL "Content-Length:\r\n\r\n", HTTP_LENGTH },
        { WELL "Content-Length: 99999999999999999999\r\n\r\n", HTTP_LENGTH },
        { WELL "Content-Length: 18446744073709551621\r\n\r\n", HTTP_LENGTH },
        { WELL "Transfer-Encoding: chunked\r\n\r\n", HTTP_NO_FAULT },
        { WELL "Transfer-Encoding: CHUNKED\r\n\r\n", HTTP_NO_FAULT },
        { WELL "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", HTTP_LENGTH },
        { WELL "Content-Length: 0\r\ntransfer-encoding: chunked\r\n\r\n", HTTP_LENGTH },
        { WELL "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n", HTTP_LENGTH },
        { WELL "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_LENGTH },
        { WELL "Transfer-Encoding: chunked, chunked\r\n\r\n", HTTP_LENGTH },
        { WELL "Transfer-Encoding: chunked, x\r\n\r\n", HTTP_LENGTH },
        { WELL "Transfer-Encoding: identity\r\n\r\n", HTTP_LENGTH },
        { WELL "Transfer-Encoding: xchunked\r\n\r\n", HTTP_LENGTH },
        { WELL "Transfer-Encoding: \"chunked\"\r\n\r\n", HTTP_LENGTH },
        { WELL "Transfer-Encoding:\r\n\r\n", HTTP_LENGTH },
        { WELL "Transfer-Encoding: gzip, chunked\r\n\r\n", HTTP_CODING },
        { WELL "Transfer-Encoding : chunked\r\n\r\n", HTTP_MALFORMED },
        { WELL "Transfer-Encoding\x0b: chunked\r\n\r\n", HTTP_MALFORMED },
        { WELL "Transfer-Encoding: \x0b" "chunked\r\n\r\n", HTTP_MALFORMED },
        { "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_LENGTH },
        { WELL "Expect: 100-Continue\r\n\r\n", HTTP_NO_FAULT },
        { WELL "Expect: more\r\n\r\n", HTTP_EXPECTATION },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        http_head_t head;
        size_t size;
        http_fault_t fault = s_read (text_of (rows[at].bytes), &head, &size);
        cr_expect_eq (fault, rows[at].fault, "%s: %u", rows[at].bytes, (unsigned) fault);
        cr_expect_eq (size > 0, fault == HTTP_NO_FAULT, "%s", rows[at].bytes);
    }
}

Test (http_head, refuses_a_nul)
{
    http_head_t head;
    size_t size;
    cr_expect_eq (s_read (TEXT ("GET /\0 HTTP/1.1\r\n" HOST END), &head, &size), HTTP_MALFORMED);
    cr_expect_eq (s_read (TEXT ("G\0T / HTTP/1.1\r\n" HOST END), &head, &size), HTTP_MALFORMED);
    cr_expect_eq (s_read (TEXT (WELL "X: \0\r\n\r\n"), &head, &size), HTTP_MALFORMED);
    cr_expect_eq (s_read (TEXT (WELL "X\0: \r\n\r\n"), &head, &size), HTTP_MALFORMED);
    cr_expect_eq (s_read (TEXT (LINE "Host: a\0b\r\n\r\n"), &head, &size), HTTP_MALFORMED);
}

Test (http_head, knows_the_forms_of_a_target)
{
    static const struct {
        const char *line, *path, *query;
    } rows[] = {
        { "GET http://h/a?b", "/a", "b" },    { "GET HTTPS://h:1/a", "/a", "" },
        { "GET http://h", "/", "" },          { "GET http://h?b=/", "/", "b=/" },
        { "OPTIONS http://h", "*", "" },      { "OPTIONS http://h/", "/", "" },
        { "GET //a?b?c", "//a", "b?c" },      { "GET /http://h/", "/http://h/", "" },
        { "CONNECT h:1", "", "" },            { "OPTIONS *", "*", "" },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        char bytes[200];
        http_head_t head;
        size_t size;
        snprintf (bytes, sizeof bytes, "%s HTTP/1.1\r\n" HOST END, rows[at].line);
        cr_assert_eq (http_head_read (&head, text_of (bytes), &size), HTTP_NO_FAULT);
        cr_expect (text_is (head.path, text_of (rows[at].path)), "%s", bytes);
        cr_expect (text_is (head.query, text_of (rows[at].query)), "%s", bytes);
    }
}

Test (http_head, knows_what_follows)
{
    static const struct {
        const char *bytes;
        bool keep_alive;
        http_body_t body;
    } rows[] = {
        { WELL END, true, HTTP_BODY_NONE },
        { WELL "Connection: close\r\n\r\n", false, HTTP_BODY_NONE },
        { WELL "Connection: x, Close\r\n\r\n", false, HTTP_BODY_NONE },
        { "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false, HTTP_BODY_NONE },
        { WELL "Content-Length: 0\r\n\r\n", true, HTTP_BODY_NONE },
        { WELL "Content-Length: 00012\r\n\r\n", true, HTTP_BODY_SIZED },
        { WELL "Transfer-Encoding: chunked\r\n\r\n", true, HTTP_BODY_CHUNKED },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        http_head_t head;
        size_t size;
        cr_assert_eq (http_head_read (&head, text_of (rows[at].bytes), &size), HTTP_NO_FAULT);
        cr_expect_eq (head.keep_alive, rows[at].keep_alive, "%s", rows[at].bytes);
        cr_expect_eq (head.body, rows[at].body, "%s", rows[at].bytes);
        cr_expect_eq (head.body_size, rows[at].body == HTTP_BODY_SIZED ? 12 : 0);
    }
}

//  A head of this size in one long field, and whole or not.
static http_fault_t
s_read_large (size_t head_size, const char *begin, const char *end)
{
    char *bytes = malloc (head_size);
    memset (bytes, 'x', head_size);
    memcpy (bytes, begin, strlen (begin));
    memcpy (bytes + head_size - strlen (end), end, strlen (end));
    http_head_t head;
    size_t size;
    http_fault_t fault = http_head_read (&head, (text_t){ bytes, head_size }, &size);
    cr_assert_eq (size, fault || !*end ? 0 : head_size);
    free (bytes);
    return fault;
}

Test (http_head, takes_16_kib_and_100_fields)
{
    cr_expect_eq (s_read_large (HTTP_HEAD_MAX, WELL "Cookie: ", "\r\n\r\n"), HTTP_NO_FAULT);
    cr_expect_eq (s_read_large (HTTP_HEAD_MAX + 1, WELL "Cookie: ", "\r\n\r\n"), HTTP_LARGE_HEAD);
    cr_expect_eq (s_read_large (HTTP_HEAD_MAX - 1, WELL "Cookie: ", ""), HTTP_NO_FAULT);
    cr_expect_eq (s_read_large (HTTP_HEAD_MAX, WELL "Cookie: ", ""), HTTP_LARGE_HEAD);
    cr_expect_eq (s_read_large (HTTP_HEAD_MAX, "GET /", ""), HTTP_LONG_TARGET);
    char bytes[4096] = LINE;
    for (int fields = 1; fields <= HTTP_FIELDS_MAX; fields++)
        strcat (bytes, fields == 1 ? HOST : "a: b\r\n");
    http_head_t head;
    size_t size, end = strlen (bytes);
    strcpy (bytes + end, END);
    cr_expect_eq (http_head_read (&head, text_of (bytes), &size), HTTP_NO_FAULT);
    cr_expect_eq (head.field_count, HTTP_FIELDS_MAX);
    strcpy (bytes + end, "a: b\r\n\r\n");
    cr_expect_eq (http_head_read (&head, text_of (bytes), &size), HTTP_LARGE_HEAD);
}
