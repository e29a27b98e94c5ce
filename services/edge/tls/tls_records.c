#include "tls/tls_records.h"

#include <assert.h>
#include <stdint.h>

#define HEAD 5u
#define MESSAGE_HEAD 4u
//  The types of records.
#define TYPE_LEAST 20 //  change_cipher_spec
#define TYPE_HANDSHAKE 22
#define TYPE_MOST 23 //  application_data
//  The first byte of every version since SSL 3.0, however it is called.
#define MAJOR 3

static size_t
s_size (const unsigned char *head)
{
    return HEAD + (size_t) (head[3] << 8 | head[4]);
}

static bool
s_is_head (const unsigned char *head, size_t size)
{
    return head[0] >= TYPE_LEAST && head[0] <= TYPE_MOST && (size < 2 || head[1] == MAJOR)
           && (size < HEAD || s_size (head) <= TLS_RECORD_MOST);
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
        size_t size = left < HEAD ? HEAD : s_size (at);
        if (left < size || left < HEAD)
            break;
        at += size;
        left -= size;
    }
    *whole = bytes.size - left;
    return TLS_BYTES_RECORDS;
}

size_t
tls_records_first (text_t records)
{
    assert (records.size >= HEAD);
    return s_size ((const unsigned char *) records.data);
}

bool
tls_records_are_of_handshake (text_t records)
{
    for (size_t size; records.size > 0; records.size -= size, records.data += size) {
        if (*records.data == TYPE_HANDSHAKE)
            return true;
        size = tls_records_first (records);
    }
    return false;
}

size_t
tls_records_message (text_t record)
{
    const unsigned char *message = (const unsigned char *) record.data + HEAD;
    if (*record.data != TYPE_HANDSHAKE)
        return 0;
    return record.size < HEAD + MESSAGE_HEAD
               ? SIZE_MAX
               : MESSAGE_HEAD + (size_t) (message[1] << 16 | message[2] << 8 | message[3]);
}
