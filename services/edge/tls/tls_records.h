//  tls_records — where the records of a TLS connection end (RFC 8446, 5.1; RFC 5246 has the same).
//
//  OpenSSL is given whole records only. A half one waits with us, where it is counted like all that
//  waits; of what is in a record nothing is read here, but for how large a hello says that it is.

#ifndef TLS_RECORDS_H
#define TLS_RECORDS_H

#include "base/text.h"

#include <stdbool.h>

//  The largest, with its head: 16 KiB and what encryption may add in TLS 1.2.
#define TLS_RECORD_MOST (5u + (16u << 10) + 2048u)

typedef enum {
    TLS_BYTES_RECORDS, //  whole ones, and perhaps the beginning of one
    TLS_BYTES_HTTP,    //  somebody speaks HTTP in clear
    TLS_BYTES_OTHER,   //  anything else
} tls_bytes_t;

//  Says in `whole` how many of the bytes are whole records. The first one of a connection must be
//  of a handshake.
tls_bytes_t tls_records_look (text_t bytes, bool is_first, size_t *whole);

//  How large the first one of whole records is, with its head.
size_t tls_records_first (text_t records);
//  Is any of them, which are whole, of a handshake? Of TLS 1.3 that is said only while they are in
//  clear.
bool tls_records_are_of_handshake (text_t records);

//  How large the message of a handshake will be, with its head, that begins in this record, which
//  is whole and in clear. 0: the record is none of a handshake. SIZE_MAX: the message's head is in
//  pieces, as nobody has it.
size_t tls_records_message (text_t record);

#endif
