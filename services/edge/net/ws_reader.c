#include "net/ws_reader.h"

#include "base/utf8.h"

enum { CONTINUATION = 0, TEXT_FRAME = 1, BINARY_FRAME = 2, CLOSE = 8, PING = 9, PONG = 10 };
enum { PROTOCOL_ERROR = 1002, NOT_TAKEN = 1003, NOT_UTF8 = 1007, TOO_LARGE = 1009 };

#define FINAL 0x80
#define RESERVED 0x70
#define MASKED 0x80
#define LENGTH_16 126
#define LENGTH_64 127

typedef struct {
    bool is_final;
    unsigned opcode;
    uint64_t length;
    size_t size; //  of the head
    uint8_t mask[4];
} frame_head_t;

void
ws_reader_init (ws_reader_t *self, uint32_t limit)
{
    *self = (ws_reader_t){ .limit = limit };
}

static size_t
s_fault (ws_reader_t *self, ws_event_t *event, uint16_t code)
{
    self->is_over = true;
    event->what = WS_HEARD_FAULT;
    event->code = code;
    return 0;
}

//  Eight bytes at a time; the mask is turned so that it fits the byte behind.
static void
s_unmask (char *data, size_t size, uint8_t mask[4])
{
    uint64_t eight;
    memcpy (&eight, mask, 4);
    memcpy ((char *) &eight + 4, mask, 4);
    size_t at = 0;
    for (; size - at >= sizeof eight; at += sizeof eight) {
        uint64_t bytes;
        memcpy (&bytes, data + at, sizeof bytes);
        bytes ^= eight;
        memcpy (data + at, &bytes, sizeof bytes);
    }
    for (size_t rest = at; rest < size; rest++)
        data[rest] = (char) ((uint8_t) data[rest] ^ mask[rest % 4]);
    uint8_t old[4];
    memcpy (old, mask, 4);
    for (size_t byte = 0; byte < 4; byte++)
        mask[byte] = old[(byte + size) % 4];
}

//  What the first byte says must be possible here: 0, or the code of the fault.
static uint16_t
s_check_opcode (const ws_reader_t *self, const frame_head_t *head, uint8_t first)
{
    if (first & RESERVED)
        return PROTOCOL_ERROR;
    switch (head->opcode) {
    case CONTINUATION:
        return self->is_open ? 0 : PROTOCOL_ERROR;
    case TEXT_FRAME:
        return self->is_open ? PROTOCOL_ERROR : 0;
    case BINARY_FRAME:
        return self->is_open ? PROTOCOL_ERROR : NOT_TAKEN;
    case CLOSE:
    case PING:
    case PONG:
        return head->is_final ? 0 : PROTOCOL_ERROR;
    default:
        return PROTOCOL_ERROR;
    }
}

static uint64_t
s_number (const uint8_t *data, size_t size)
{
    uint64_t number = 0;
    for (size_t at = 0; at < size; at++)
        number = number << 8 | data[at];
    return number;
}

//  Returns 0: the head is there, or `size` in it is 0 and more must come; else the fault's code.
static uint16_t
s_read_head (const ws_reader_t *self, const uint8_t *data, size_t size, frame_head_t *head)
{
    *head = (frame_head_t){ .is_final = data[0] & FINAL, .opcode = data[0] & 0x0f };
    uint16_t fault = s_check_opcode (self, head, data[0]);
    if (fault || size < 2)
        return fault;
    unsigned length = data[1] & 0x7f;
    if (!(data[1] & MASKED) || (head->opcode >= CLOSE && length > WS_CONTROL_MAX))
        return PROTOCOL_ERROR;
    size_t bytes = length == LENGTH_16 ? 2 : length == LENGTH_64 ? 8 : 0;
    if (size < 2 + bytes)
        return 0;
    head->length = bytes ? s_number (data + 2, bytes) : length;
    //  Each length in its shortest form, and none of 2^63 or more.
    if ((bytes == 2 && head->length < LENGTH_16)
        || (bytes == 8 && (head->length <= UINT16_MAX || head->length > INT64_MAX)))
        return PROTOCOL_ERROR;
    if (head->opcode < CLOSE && head->length > self->limit - self->message)
        return TOO_LARGE;
    if (size < 2 + bytes + 4)
        return 0;
    memcpy (head->mask, data + 2 + bytes, 4);
    head->size = 2 + bytes + 4;
    return 0;
}

static size_t
s_take_close (ws_reader_t *self, text_t payload, size_t size, ws_event_t *event)
{
    if (payload.size == 1)
        return s_fault (self, event, PROTOCOL_ERROR);
    event->code = payload.size == 0 ? WS_NO_CODE
                                    : (uint16_t) s_number ((const uint8_t *) payload.data, 2);
    //  Those that IANA has for a client to send (RFC 6455, 7.4), and the free ones.
    unsigned code = event->code;
    bool is_known = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014)
                    || (code >= 3000 && code <= 4999);
    if (payload.size > 0 && !is_known)
        return s_fault (self, event, PROTOCOL_ERROR);
    if (payload.size > 2
        && !utf8_is_valid ((text_t){ payload.data + 2, payload.size - 2 }))
        return s_fault (self, event, NOT_UTF8);
    self->is_over = true;
    event->what = WS_HEARD_CLOSE;
    return size;
}

static size_t
s_take_control (ws_reader_t *self, frame_head_t *head, char *data, size_t size,
                ws_event_t *event)
{
    size_t whole = head->size + (size_t) head->length;
    if (size < whole)
        return 0;
    s_unmask (data + head->size, (size_t) head->length, head->mask);
    event->bytes = (text_t){ data + head->size, (size_t) head->length };
    event->is_fresh = true;
    if (head->opcode == CLOSE)
        return s_take_close (self, event->bytes, whole, event);
    event->what = head->opcode == PING ? WS_HEARD_PING : WS_HEARD_PONG;
    return whole;
}

static size_t
s_take_payload (ws_reader_t *self, char *data, size_t size, ws_event_t *event)
{
    size_t taken = size < self->left ? size : (size_t) self->left;
    s_unmask (data, taken, self->mask);
    self->left -= taken;
    event->what = WS_HEARD_TEXT;
    event->bytes = (text_t){ data, taken };
    if (self->left == 0 && self->is_final) {
        event->is_whole = true;
        self->is_open = self->is_final = false;
        self->message = 0;
    }
    return taken;
}

size_t
ws_reader_next (ws_reader_t *self, char *data, size_t size, ws_event_t *event)
{
    *event = (ws_event_t){ .what = WS_HEARD_LESS, .bytes = TEXT_EMPTY };
    if (self->is_over || size == 0)
        return 0;
    if (self->left > 0)
        return s_take_payload (self, data, size, event);
    frame_head_t head;
    uint16_t fault = s_read_head (self, (const uint8_t *) data, size, &head);
    if (fault)
        return s_fault (self, event, fault);
    if (head.size == 0)
        return 0;
    if (head.opcode >= CLOSE)
        return s_take_control (self, &head, data, size, event);
    self->is_open = true;
    self->is_final = head.is_final;
    self->left = head.length;
    self->message += head.length;
    memcpy (self->mask, head.mask, sizeof self->mask);
    event->is_fresh = true;
    return head.size + s_take_payload (self, data + head.size, size - head.size, event);
}
