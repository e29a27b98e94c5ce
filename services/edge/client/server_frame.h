//  server_frame — what clients are told, as the JSON of docs/client-protocol.md, section 4.
//
//  Each function makes one frame, which is the caller's.
//  Senders and data that come from a postoffice are JSON already and stand in it as they are.

#ifndef SERVER_FRAME_H
#define SERVER_FRAME_H

#include "bus/bus_record.h"
#include "model/log_position.h"
#include "net/frame.h"

//  An entry as clients of this dialect are given it. NULL: they are not shown it.
frame_t *server_frame_deliver (const bus_deliver_t *entry, dialect_t dialect);
frame_t *server_frame_broadcast (const bus_broadcast_t *event);

//  history changed: the log has lost what stood above a seq.
frame_t *server_frame_truncated (const bus_truncated_t *truncated);

//  connection update: in, with the last entry of the session (or SEQ_UNKNOWN); or not, and why.
//  `user` is whom the edge knows a rich client as; empty: of a widget.
frame_t *server_frame_joined (text_t session_id, log_position_t last, text_t user);
frame_t *server_frame_not_joined (text_t session_id, const char *code, const char *words);

frame_t *server_frame_ack (text_t session_id, text_t message_id, const bus_posted_t *posted);
frame_t *server_frame_busy (text_t session_id, text_t message_id, verdict_t verdict,
                            uint64_t retry_after_ms);
frame_t *server_frame_error (text_t session_id, text_t message_id, const char *code,
                             const char *words);
//  Control was not as the client saw it: who has it, and since when.
frame_t *server_frame_overtaken (text_t session_id, text_t message_id,
                                 const bus_posted_t *posted);
//  What the widget shows as its apology, said as the bot of this name.
frame_t *server_frame_failure (text_t session_id, text_t bot_sender, const char *words);
frame_t *server_frame_going_away (uint64_t delay_ms);

#endif
