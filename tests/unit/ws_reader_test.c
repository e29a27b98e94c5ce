#include "net/ws_reader.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define LIMIT 100000

//  What came out of some bytes, as one line: "text:hi ping:x close:1000", "…" for a message that
//  is not whole, "fault:1002".
typedef struct {
    char line[4096];
    size_t size;
    char *text;
    size_t text_size;
} heard_t;

static void
s_say (heard_t *self, const char *word, text_t bytes)
{
    int size = snprintf (self->line + self->size, sizeof self->line - self->size, "%s%s:%.*s",
                         self->size ? " " : "", word, TEXT_ARGS (bytes));
    self->size += (size_t) size;
    cr_assert_lt (self->size, sizeof self->line);
}

static void
s_say_code (heard_t *self, const char *word, unsigned code)
{
    char digits[8];
    snprintf (digits, sizeof digits, "%u", code);
    s_say (self, word, text_of (digits));
}

static void
s_take (heard_t *self, const ws_event_t *event)
{
    switch (event->what) {
    case WS_HEARD_TEXT:
        self->text = realloc (self->text, self->text_size + event->bytes.size + 1);
        memcpy (self->text + self->text_size, event->bytes.data, event->bytes.size);
        self->text_size += event->bytes.size;
        if (event->is_whole) {
            text_t text = { self->text, self->text_size };
            if (text.size > 100)
                s_say_code (self, "long", (unsigned) text.size);
            else
                s_say (self, "text", text);
            self->text_size = 0;
        }
        break;
    case WS_HEARD_PING:
        s_say (self, "ping", event->bytes);
        break;
    case WS_HEARD_PONG:
        s_say (self, "pong", event->bytes);
        break;
    case WS_HEARD_CLOSE:
        s_say_code (self, "close", event->code);
        break;
    default:
        s_say_code (self, "fault", event->code);
    }
}

//  The bytes come in pieces of this size; what is not taken is offered again.
static const char *
s_hear (heard_t *self, text_t bytes, size_t piece)
{
    *self = (heard_t){ .size = 0 };
    ws_reader_t reader;
    ws_reader_init (&reader, LIMIT);
    char *all = malloc (bytes.size + 1);
    memcpy (all, bytes.data, bytes.size);
    size_t from = 0;
    for (size_t to = 0; to < bytes.size;) {
        to = bytes.size - to < piece ? bytes.size : to + piece;
        for (;;) {
            ws_event_t event;
            size_t taken = ws_reader_next (&reader, all + from, to - from, &event);
            cr_assert_leq (taken, to - from);
            from += taken;
            if (event.what == WS_HEARD_LESS)
                break;
            s_take (self, &event);
        }
        cr_assert (reader.is_over || to - from < WS_RESTS_MOST);
    }
    if (ws_reader_is_within (&reader) && !reader.is_over)
        s_say (self, "open", TEXT_EMPTY);
    free (all);
    free (self->text);
    return self->line;
}

typedef struct {
    char *bytes;
    size_t size;
} frames_t;

static void
s_frame (frames_t *self, unsigned first, const char *payload, size_t size)
{
    static const uint8_t mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
    self->bytes = realloc (self->bytes, self->size + size + 14);
    uint8_t *head = (uint8_t *) self->bytes + self->size;
    size_t at = 2;
    head[0] = (uint8_t) first;
    head[1] = (uint8_t) (0x80 | (size < 126 ? size : size < 65536 ? 126 : 127));
    for (int byte = size < 126 ? 0 : size < 65536 ? 2 : 8; byte > 0; byte--)
        head[at++] = (uint8_t) ((uint64_t) size >> (8 * (byte - 1)));
    memcpy (head + at, mask, 4);
    for (size_t byte = 0; byte < size; byte++)
        head[at + 4 + byte] = (uint8_t) payload[byte] ^ mask[byte % 4];
    self->size += at + 4 + size;
}

typedef struct {
    unsigned first;
    const char *payload;
} part_t;

static frames_t
s_frames (const part_t *parts)
{
    frames_t frames = { NULL, 0 };
    for (; parts->payload; parts++)
        s_frame (&frames, parts->first, parts->payload, strlen (parts->payload));
    return frames;
}

static void
s_expect (const part_t *parts, const char *line)
{
    frames_t frames = s_frames (parts);
    for (size_t piece = 1; piece <= frames.size; piece++) {
        heard_t heard;
        cr_expect_str_eq (s_hear (&heard, (text_t){ frames.bytes, frames.size }, piece), line,
                          "in pieces of %zu", piece);
    }
    free (frames.bytes);
}

#define EXPECT(line, ...) s_expect ((const part_t[]){ __VA_ARGS__, { 0, NULL } }, line)

Test (ws_reader, hears_messages_however_they_come)
{
    EXPECT ("text:hello", { 0x81, "hello" });
    EXPECT ("text:", { 0x81, "" });
    EXPECT ("text:hello text:you", { 0x81, "hello" }, { 0x81, "you" });
    EXPECT ("text:hello", { 0x01, "he" }, { 0x00, "" }, { 0x00, "l" }, { 0x80, "lo" });
    EXPECT ("ping:p pong: text:hello ping:", { 0x01, "he" }, { 0x89, "p" }, { 0x8a, "" },
            { 0x80, "llo" }, { 0x89, "" });
    EXPECT ("open:", { 0x01, "he" }, { 0x00, "llo" });
    EXPECT ("text:a close:1005", { 0x81, "a" }, { 0x88, "" });
}

Test (ws_reader, refuses_what_rfc_6455_forbids)
{
    EXPECT ("fault:1003", { 0x82, "binary" });
    EXPECT ("fault:1002", { 0x80, "continues nothing" });
    EXPECT ("fault:1002", { 0x00, "continues nothing" });
    EXPECT ("fault:1002", { 0x01, "he" }, { 0x81, "begins anew" });
    EXPECT ("fault:1002", { 0x01, "he" }, { 0x82, "begins anew" });
    EXPECT ("text:hello fault:1002", { 0x01, "he" }, { 0x80, "llo" }, { 0x80, "more" });
    for (unsigned opcode = 3; opcode < 16; opcode++)
        if (opcode < 8 || opcode > 10)
            EXPECT ("fault:1002", { 0x80 | opcode, "?" });
    for (unsigned reserved = 0x10; reserved < 0x80; reserved += 0x10) {
        EXPECT ("fault:1002", { 0x81 | reserved, "?" });
        EXPECT ("fault:1002", { 0x89 | reserved, "?" });
    }
    EXPECT ("fault:1002", { 0x09, "a ping in parts" });
    EXPECT ("fault:1002", { 0x0a, "a pong in parts" });
    EXPECT ("fault:1002", { 0x08, "" });
}

//  After a close, and after a fault, nothing is heard.
Test (ws_reader, hears_nothing_behind_the_end)
{
    EXPECT ("close:1000", { 0x88, "\x03\xe8" }, { 0x81, "x" }, { 0x88, "\x03\xe8" });
    EXPECT ("fault:1002", { 0x83, "?" }, { 0x81, "x" });
    EXPECT ("fault:1002", { 0x88, "\x03\xe7" }, { 0x81, "x" });
    EXPECT ("close:1000", { 0x01, "x" }, { 0x88, "\x03\xe8" }, { 0x80, "y" });
}

static void
s_raw (text_t bytes, const char *line)
{
    for (size_t piece = 1; piece <= bytes.size; piece++) {
        heard_t heard;
        cr_expect_str_eq (s_hear (&heard, bytes, piece), line, "in pieces of %zu", piece);
    }
}

Test (ws_reader, wants_masks_and_the_shortest_lengths)
{
    s_raw (TEXT ("\x81\x05hello"), "fault:1002");
    s_raw (TEXT ("\x89\x01p"), "fault:1002");
    s_raw (TEXT ("\x88\x02\x03\xe8"), "fault:1002");
    s_raw (TEXT ("\x81\xfe\0\x05\0\0\0\0hello"), "fault:1002");
    s_raw (TEXT ("\x81\xfe\0\x7d\0\0\0\0"), "fault:1002");
    s_raw (TEXT ("\x81\xff\0\0\0\0\0\0\0\x05\0\0\0\0hello"), "fault:1002");
    s_raw (TEXT ("\x81\xff\0\0\0\0\0\0\xff\xff\0\0\0\0"), "fault:1002");
    s_raw (TEXT ("\x81\xff\x80\0\0\0\0\0\0\x01\0\0\0\0"), "fault:1002");
    s_raw (TEXT ("\x81\xff\0\0\0\x01\0\0\0\0\0\0\0\0"), "fault:1009");
    s_raw (TEXT ("\x89\xfe\0\x7e\0\0\0\0"), "fault:1002");
    s_raw (TEXT ("\x88\xff\0\0\0\0\0\x01\0\0\0\0\0\0"), "fault:1002");
}

Test (ws_reader, checks_how_a_client_closes)
{
    for (unsigned code = 0; code <= 5100; code++) {
        bool legal = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014)
                     || (code >= 3000 && code <= 4999);
        char payload[2] = { (char) (code >> 8), (char) code }, line[32];
        snprintf (line, sizeof line, legal ? "close:%u" : "fault:1002", code);
        frames_t frames = { NULL, 0 };
        heard_t heard;
        s_frame (&frames, 0x88, payload, 2);
        cr_expect_str_eq (s_hear (&heard, (text_t){ frames.bytes, frames.size }, 1000), line,
                          "%u", code);
        free (frames.bytes);
    }
    EXPECT ("fault:1002", { 0x88, "\x03" });
    EXPECT ("close:1000", { 0x88, "\x03\xe8" "bye \xc3\xa4" });
    EXPECT ("fault:1007", { 0x88, "\x03\xe8" "bye \xc3" });
    EXPECT ("fault:1007", { 0x88, "\x03\xe8" "\xed\xa0\x80" });
}

static const char *
s_long (heard_t *heard, const size_t *sizes, size_t piece)
{
    static char payload[LIMIT + 2];
    frames_t frames = { NULL, 0 };
    memset (payload, 'a', sizeof payload);
    for (size_t at = 0; sizes[at]; at++)
        s_frame (&frames, (at ? 0 : 1) | (sizes[at + 1] ? 0 : 0x80), payload, sizes[at]);
    s_hear (heard, (text_t){ frames.bytes, frames.size }, piece);
    free (frames.bytes);
    return heard->line;
}

#define SIZES(...) (const size_t[]) { __VA_ARGS__, 0 }

Test (ws_reader, keeps_to_the_limit)
{
    heard_t heard;
    static const size_t pieces[] = { 7, 1448, 65536, 1000000 };
    for (size_t at = 0; at < sizeof pieces / sizeof *pieces; at++) {
        size_t piece = pieces[at];
        cr_expect_str_eq (s_long (&heard, SIZES (126), piece), "long:126");
        cr_expect_str_eq (s_long (&heard, SIZES (65535), piece), "long:65535");
        cr_expect_str_eq (s_long (&heard, SIZES (65536), piece), "long:65536");
        cr_expect_str_eq (s_long (&heard, SIZES (LIMIT), piece), "long:100000");
        cr_expect_str_eq (s_long (&heard, SIZES (LIMIT + 1), piece), "fault:1009");
        cr_expect_str_eq (s_long (&heard, SIZES (60000, 1, 39999), piece), "long:100000");
        cr_expect_str_eq (s_long (&heard, SIZES (60000, 1, 40000), piece), "fault:1009");
    }
}

//  Every size and offset of the eight bytes that are unmasked at a time.
Test (ws_reader, unmasks_in_any_pieces)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (size_t size = 0; size < sizeof alphabet; size++) {
        char text[sizeof alphabet] = "", line[sizeof alphabet + 8];
        memcpy (text, alphabet, size);
        snprintf (line, sizeof line, "text:%s", text);
        EXPECT (line, { 0x81, text });
    }
}
