#include "tls/tls_records.h"

#define HEAD 5u
//  The types of records.
#define TYPE_LEAST 20 //  change_cipher_spec
#define TYPE_HANDSHAKE 22
#define TYPE_MOST 23 //  application_data
//  The first byte of every version since SSL 3.0, however it is called.
#define MAJOR 3

static bool
s_is_head (const unsigned char *head, size_t size)
{
    return head[0] >= TYPE_LEAST && head[0] <= TYPE_MOST && (size < 2 || head[1] == MAJOR)
           && (size < HEAD || HEAD + (head[3] << 8 | head[4]) <= TLS_RECORD_MOST);
}

//  A method is written in capitals.
static tls_bytes_t
s_look_at_first (unsigned char byte)
{
    return byte == TYPE_HANDSHAKE       ? TLS_BYTES_RECORDS
           : byte >= 'A' && byte <= 'Z' ? TLS_BYTES_HTTP
                                        : TLS_BYTES_OTHER;
}

tls_bytes_t
tls_records_look (text_t bytes, bool is_first, size_t *whole)
{
    const unsigned char *at = (const unsigned char *) bytes.data;
    size_t left = bytes.size;
    *whole = 0;
    if (is_first && left > 0 && s_look_at_first (*at) != TLS_BYTES_RECORDS)
        return s_look_at_first (*at);
    while (left > 0) {
        if (!s_is_head (at, left))
            return TLS_BYTES_OTHER;
        size_t size = left < HEAD ? HEAD : HEAD + (size_t) (at[3] << 8 | at[4]);
        if (left < size || left < HEAD)
            break;
        at += size;
        left -= size;
    }
    *whole = bytes.size - left;
    return TLS_BYTES_RECORDS;
}
