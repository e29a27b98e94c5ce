#include "net/ws_handshake.h"

#include <assert.h>
#include <nettle/base64.h>
#include <nettle/sha1.h>

#define KEY_SIZE 24  //  in base64
#define KEY_BYTES 16 //  what it stands for

bool
ws_handshake_is_asked (const http_head_t *head)
{
    //  HTTP/1.0 has no upgrades; other methods than GET have none to this.
    return head->minor > 0 && http_head_is (head, "GET")
           && http_head_has_token (head, "Upgrade", "websocket");
}

static bool
s_is_key (text_t key)
{
    if (key.size != KEY_SIZE)
        return false;
    struct base64_decode_ctx context;
    uint8_t bytes[BASE64_DECODE_LENGTH (KEY_SIZE)];
    size_t size = sizeof bytes;
    base64_decode_init (&context);
    return memchr (key.data, ' ', key.size) == NULL && memchr (key.data, '\t', key.size) == NULL
           && base64_decode_update (&context, &size, bytes, key.size, key.data)
           && base64_decode_final (&context) && size == KEY_BYTES;
}

http_fault_t
ws_handshake_check (const http_head_t *head, text_t *key)
{
    text_t version;
    if (!http_head_has_token (head, "Connection", "Upgrade") || head->body != HTTP_BODY_NONE)
        return HTTP_HANDSHAKE;
    if (http_head_only (head, "Sec-WebSocket-Version", &version) != 0
        || !text_is (version, TEXT ("13")))
        return HTTP_WS_VERSION;
    if (http_head_only (head, "Sec-WebSocket-Key", key) != 0 || !s_is_key (*key))
        return HTTP_HANDSHAKE;
    return HTTP_NO_FAULT;
}

void
ws_handshake_accept (text_t key, char accept[WS_ACCEPT_SIZE + 1])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    struct sha1_ctx context;
    uint8_t digest[SHA1_DIGEST_SIZE];
    sha1_init (&context);
    sha1_update (&context, key.size, (const uint8_t *) key.data);
    sha1_update (&context, sizeof guid - 1, (const uint8_t *) guid);
    sha1_digest (&context, sizeof digest, digest);
    assert (BASE64_ENCODE_RAW_LENGTH (SHA1_DIGEST_SIZE) == WS_ACCEPT_SIZE);
    base64_encode_raw (accept, sizeof digest, digest);
    accept[WS_ACCEPT_SIZE] = 0;
}
