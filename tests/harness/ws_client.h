//  ws_client — a WebSocket client in the test's own hands: blocking, every wait with a deadline,
//  and able to do everything that a good client never does (raw bytes, invalid UTF-8, fragments as
//  one likes, no pongs, not reading, resetting).
//
//  It knows RFC 6455's framing and nothing of the chat protocol but that a text frame may be a JSON
//  object with an `event`. Only 127.0.0.1; no extensions are offered. Over TLS where the port is
//  known for it (tls_wire_at).
//
//  What was said both ways is kept (the last lines of it) and printed to standard error when an
//  expectation is not met. Expectations return false then: the test asserts, so that its own line
//  is in the report.

#ifndef WS_CLIENT_H
#define WS_CLIENT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ws_client ws_client_t;

typedef enum {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10,
} ws_opcode_t;

typedef struct {
    const char *name;    //  for the transcript; NULL: "client"
    uint16_t port;
    const char *target;  //  path and query: "/chat?userId=u-1"
    const char *origin;  //  NULL: no Origin header
    const char *headers; //  further header lines, each with its "\r\n"; NULL: none
    int receive_buffer;  //  SO_RCVBUF in bytes, for readers that are slow; 0: the system's
} ws_options_t;

//  Connects and asks for the upgrade. NULL when nobody listens or answers within 5 s; otherwise
//  ws_client_status says what the answer was, and only with 101 is there a WebSocket.
ws_client_t *ws_client_open (const ws_options_t *options);
//  The same with a name and no headers, and NULL for everything but 101.
ws_client_t *ws_client_connect (const char *name, uint16_t port, const char *target);
//  Closes the TCP connection in order, without a WebSocket close.
void ws_client_destroy (ws_client_t **self_p);

int ws_client_status (const ws_client_t *self);
const char *ws_client_name (const ws_client_t *self);
//  The socket, for poll() over many clients; still the client's.
int ws_client_handle (const ws_client_t *self);

// ---------------------------------------------------------------------------------------------
//  Speaking. All return false when the connection is gone or cannot take it within 10 s.

bool ws_client_send_text (ws_client_t *self, const char *text);
bool ws_client_send_format (ws_client_t *self, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));
//  One frame, masked; not final: a fragment, whose rest is sent as WS_CONTINUATION.
bool ws_client_send_frame (ws_client_t *self, ws_opcode_t opcode, bool final, const void *data,
                           size_t size);
//  One message in fragments of `piece` bytes.
bool ws_client_send_fragmented (ws_client_t *self, ws_opcode_t opcode, const void *data,
                                size_t size, size_t piece);
//  Bytes as they are, no frame around them.
bool ws_client_send_raw (ws_client_t *self, const void *data, size_t size);
bool ws_client_send_close (ws_client_t *self, uint16_t code);

//  Switches the answers to pings off (and on). They are sent only while something is being read.
void ws_client_answer_pings (ws_client_t *self, bool answer);
//  The TCP connection ends at once with a reset.
void ws_client_reset (ws_client_t *self);

// ---------------------------------------------------------------------------------------------
//  Listening

typedef struct {
    ws_opcode_t opcode; //  WS_TEXT, WS_BINARY, WS_PING, WS_PONG or WS_CLOSE; fragments are joined
    const char *data;   //  followed by a NUL; valid until the next call that listens
    size_t size;
    unsigned fragments; //  how many frames it came in
} ws_message_t;

typedef enum {
    WS_MESSAGE, //  there is one
    WS_NOTHING, //  none before the deadline
    WS_GONE,    //  the connection has ended (after a close message, or without one)
} ws_outcome_t;

//  The next message of any kind; pings were answered already.
ws_outcome_t ws_client_next (ws_client_t *self, ws_message_t *message, uint64_t milliseconds);

//  The next text message as JSON, skipping pings and pongs. NULL when there is none in time.
//  Borrowed until the next call that listens.
json_object *ws_client_next_json (ws_client_t *self, uint64_t milliseconds);
//  Skips everything until a frame with this `event` comes. NULL when none did.
json_object *ws_client_wait_event (ws_client_t *self, const char *event, uint64_t milliseconds);
//  As wait_event, and `path` (such as "data.rawQuery" or "sender.userId") must have this text.
json_object *ws_client_wait_where (ws_client_t *self, const char *event, const char *path,
                                   const char *value, uint64_t milliseconds);
//  Skips messages until the connection ends; true when it ended with this close code. 1006: it
//  ended without a close message; 0: with one that has no code.
bool ws_client_expect_close (ws_client_t *self, int code, uint64_t milliseconds);
//  Listens all that time: true when no text or binary message came and the connection stands.
bool ws_client_expect_silence (ws_client_t *self, uint64_t milliseconds);
//  As expect_silence, for messages with this event only; others are skipped.
bool ws_client_expect_no (ws_client_t *self, const char *event, uint64_t milliseconds);

//  The transcript so far, to standard error.
void ws_client_print (const ws_client_t *self);

// ---------------------------------------------------------------------------------------------
//  Reading JSON by path: "data.outputSpeech.displayText", "data.suggestions.0". The texts are
//  borrowed from the object; "" and 0 when there is no such thing.

json_object *ws_json_at (json_object *object, const char *path);
const char *ws_json_text (json_object *object, const char *path);
int64_t ws_json_number (json_object *object, const char *path);
bool ws_json_true (json_object *object, const char *path);

#endif
