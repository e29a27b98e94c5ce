//  The head of a request: in pieces it is what it is at once, and its texts stand within it.

#include "net/http_head.h"
#include "net/ws_handshake.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
s_check_text (text_t text, const char *bytes, size_t size)
{
    assert (text.size == 0 || text_is (text, TEXT ("*")) || text_is (text, TEXT ("/"))
            || (text.data >= bytes && text.data + text.size <= bytes + size));
    assert (!memchr (text.data, '\n', text.size) && !memchr (text.data, 0, text.size));
}

static void
s_check_head (const http_head_t *head, const char *bytes, size_t size)
{
    assert (size >= 4 && memcmp (bytes + size - 4, "\r\n\r\n", 4) == 0);
    s_check_text (head->method, bytes, size);
    s_check_text (head->path, bytes, size);
    s_check_text (head->query, bytes, size);
    for (unsigned at = 0; at < head->field_count; at++) {
        s_check_text (head->fields[at].name, bytes, size);
        s_check_text (head->fields[at].value, bytes, size);
    }
    text_t key;
    if (ws_handshake_is_asked (head) && ws_handshake_check (head, &key) == HTTP_NO_FAULT) {
        char accept[WS_ACCEPT_SIZE + 1];
        ws_handshake_accept (key, accept);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    char *bytes = malloc (size + 1);
    assert (bytes);
    if (size)
        memcpy (bytes, data, size);
    static http_head_t head;
    size_t whole, taken = 0;
    http_fault_t fault = http_head_read (&head, (text_t){ bytes, size }, &whole);
    if (whole)
        s_check_head (&head, bytes, whole);
    //  Another way to cut it, line by line, comes to the same.
    for (size_t at = 0; at <= size && !taken; at++) {
        if (at < size && at > 0 && bytes[at - 1] != '\n')
            continue;
        http_fault_t before = http_head_read (&head, (text_t){ bytes, at }, &taken);
        assert (!before || before == fault);
        if (before)
            break;
    }
    assert (taken == whole);
    free (bytes);
    return 0;
}
