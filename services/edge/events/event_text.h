//  event_text — events of an event stream (Server-Sent Events) as text, and the ids by which a
//  client goes on behind the last one that it has. Pure: text in, text out.
//
//      id: 17-3f0c…        how far the client has the log now: seq, and the entry's check
//      data: {"event":…}   a frame; one line for each of its lines
//                          the empty line ends the event

#ifndef EVENT_TEXT_H
#define EVENT_TEXT_H

#include "base/buffer.h"
#include "model/log_position.h"

//  Each returns 0; −1 at the buffer's ceiling.

//  A position of SEQ_UNKNOWN: an event without an id, which leaves the client's as it is.
__attribute__ ((warn_unused_result)) int event_text_put (buffer_t *to, log_position_t position,
                                                         text_t data);
//  An event with a name, which only who asks for it hears. Before it: how long the client is to
//  wait until it comes again; 0: as long as it likes.
__attribute__ ((warn_unused_result)) int event_text_put_named (buffer_t *to, const char *name,
                                                               text_t data, uint64_t retry_ms);
//  What no client is told of: a sign of life.
__attribute__ ((warn_unused_result)) int event_text_put_comment (buffer_t *to);

//  What a client says that it has: SEQ, or SEQ-CHECK, as an event's id has it; empty: nothing
//  (SEQ_UNKNOWN). Returns 0; −1 when it is not of this form.
#define EVENT_ID_MAX (16 + 1 + LOG_CHECK_DIGITS)
__attribute__ ((warn_unused_result)) int event_id_read (text_t id, log_position_t *position);

#endif
