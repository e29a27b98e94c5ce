//  http_body — the body of a request as it comes, with a length or in chunks, read strictly as
//  RFC 9112 (6 and 7.1) has it, or refused. Pure: bytes in, body out.
//
//  What a proxy in front may read otherwise is not guessed at: a line of a chunk ends in CRLF, a
//  size has 1 to 16 hexadecimal digits and nothing around them but an extension, and behind a
//  chunk's data stands CRLF. Extensions and trailers are read, bounded, and thrown away.
//
//      SIZED ────────────────────────────────────────────────────────► WHOLE
//      SIZE ─digits─► EXTENSION ─CR─► SIZE_LF ─┬─ size > 0 ► DATA ─► DATA_CR ─► DATA_LF ─► SIZE
//                                              └─ size = 0 ► TRAILER ─lines─► LAST_LF ─► WHOLE

#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "net/http_head.h"
#include "base/buffer.h"

#define HTTP_EXTENSIONS_MAX 1024u //  bytes of all chunk extensions of a body
#define HTTP_TRAILERS_MAX 4096u   //  bytes of all its trailers

typedef enum {
    HTTP_BODY_IN_SIZED,
    HTTP_BODY_IN_SIZE,
    HTTP_BODY_IN_EXTENSION,
    HTTP_BODY_IN_SIZE_LF,
    HTTP_BODY_IN_DATA,
    HTTP_BODY_IN_DATA_CR,
    HTTP_BODY_IN_DATA_LF,
    HTTP_BODY_IN_TRAILER,      //  at the beginning of a line
    HTTP_BODY_IN_TRAILER_LINE, //  behind its first byte
    HTTP_BODY_IN_TRAILER_LF,
    HTTP_BODY_IN_LAST_LF,
    HTTP_BODY_IS_WHOLE,
} http_body_state_t;

//  Lives in its owner. The body is gathered in the owner's buffer.
typedef struct {
    http_body_state_t state;
    uint64_t left;       //  bytes that are still to come, of the body or of the chunk
    uint64_t most;       //  the limit of the whole body
    uint64_t size;       //  bytes of the body so far
    uint32_t digits;     //  of the size that is being read
    uint32_t extensions; //  bytes so far
    uint32_t trailers;
} http_body_reader_t;

//  For the body that the head announces. HTTP_LARGE_BODY when its length is above the limit.
http_fault_t http_body_begin (http_body_reader_t *self, const http_head_t *head, uint64_t most);
//  Reads some of the bytes and appends what is of the body. `taken` is how many it read: all, but
//  for those that stand behind the body. The buffer's ceiling is at least the limit.
http_fault_t http_body_read (http_body_reader_t *self, text_t bytes, buffer_t *to, size_t *taken);
bool http_body_is_whole (const http_body_reader_t *self);

#endif
