#include "net/ws_handshake.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define UPGRADE "Upgrade: websocket\r\n"
#define CONNECTION "Connection: Upgrade\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define THE_KEY "Sec-WebSocket-Key: " KEY "\r\n"
#define ALL UPGRADE CONNECTION VERSION THE_KEY

static void
s_read (const char *line, const char *fields, http_head_t *head)
{
    static char bytes[1000];
    size_t size;
    snprintf (bytes, sizeof bytes, "%s\r\nHost: h\r\n%s\r\n", line, fields);
    cr_assert_eq (http_head_read (head, text_of (bytes), &size), HTTP_NO_FAULT, "%s", bytes);
}

Test (ws_handshake, is_made_as_in_the_rfc)
{
    http_head_t head;
    text_t key;
    char accept[WS_ACCEPT_SIZE + 1];
    s_read ("GET /chat HTTP/1.1", ALL "Origin: http://example.com\r\n", &head);
    cr_assert (ws_handshake_is_asked (&head));
    cr_assert_eq (ws_handshake_check (&head, &key), HTTP_NO_FAULT);
    cr_assert (text_is (key, TEXT (KEY)));
    ws_handshake_accept (key, accept);
    cr_assert_str_eq (accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

Test (ws_handshake, is_only_what_asks_for_one)
{
    static const struct {
        const char *line, *fields;
        bool is_asked;
    } rows[] = {
        { "GET / HTTP/1.1", ALL, true },
        { "GET / HTTP/1.1", "upgrade: h2c, WebSocket\r\n", true },
        { "GET / HTTP/1.1", "", false },
        { "GET / HTTP/1.1", "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n", false },
        { "GET / HTTP/1.1", "Upgrade: websocket/13\r\n", false },
        { "GET / HTTP/1.0", ALL, false },
        { "POST / HTTP/1.1", ALL, false },
        { "get / HTTP/1.1", ALL, false },
        { "HEAD / HTTP/1.1", ALL, false },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        http_head_t head;
        s_read (rows[at].line, rows[at].fields, &head);
        cr_expect_eq (ws_handshake_is_asked (&head), rows[at].is_asked, "%s %s", rows[at].line,
                      rows[at].fields);
    }
}

Test (ws_handshake, is_checked)
{
    static const struct {
        const char *fields;
        http_fault_t fault;
    } rows[] = {
        { ALL, HTTP_NO_FAULT },
        { UPGRADE "connection: keep-alive, UPGRADE\r\n" VERSION THE_KEY, HTTP_NO_FAULT },
        { ALL "Sec-WebSocket-Protocol: chat, superchat\r\n", HTTP_NO_FAULT },
        { ALL "Sec-WebSocket-Extensions: permessage-deflate\r\n", HTTP_NO_FAULT },
        { ALL "Content-Length: 0\r\n", HTTP_NO_FAULT },
        { UPGRADE VERSION THE_KEY, HTTP_HANDSHAKE },
        { UPGRADE "Connection: close\r\n" VERSION THE_KEY, HTTP_HANDSHAKE },
        { ALL "Content-Length: 5\r\n", HTTP_HANDSHAKE },
        { ALL "Transfer-Encoding: chunked\r\n", HTTP_HANDSHAKE },
        { UPGRADE CONNECTION THE_KEY, HTTP_WS_VERSION },
        { UPGRADE CONNECTION THE_KEY "Sec-WebSocket-Version: 8\r\n", HTTP_WS_VERSION },
        { UPGRADE CONNECTION THE_KEY "Sec-WebSocket-Version: 013\r\n", HTTP_WS_VERSION },
        { UPGRADE CONNECTION THE_KEY "Sec-WebSocket-Version: 13, 8\r\n", HTTP_WS_VERSION },
        { ALL VERSION, HTTP_WS_VERSION },
        { UPGRADE CONNECTION VERSION, HTTP_HANDSHAKE },
        { ALL THE_KEY, HTTP_HANDSHAKE },
        { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key:\r\n", HTTP_HANDSHAKE },
        { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: short\r\n", HTTP_HANDSHAKE },
        { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n",
          HTTP_HANDSHAKE },
        { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZTEy\r\n",
          HTTP_HANDSHAKE },
        { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZTE=\r\n",
          HTTP_HANDSHAKE },
        { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25!ZQ==\r\n",
          HTTP_HANDSHAKE },
        { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: dGhlIHNhbX sZSBub25jZQ==\r\n",
          HTTP_HANDSHAKE },
        { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: =GhlIHNhbXBsZSBub25jZQ==\r\n",
          HTTP_HANDSHAKE },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        http_head_t head;
        text_t key;
        s_read ("GET / HTTP/1.1", rows[at].fields, &head);
        cr_expect_eq (ws_handshake_check (&head, &key), rows[at].fault, "%s", rows[at].fields);
    }
}
