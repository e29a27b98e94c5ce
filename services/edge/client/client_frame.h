//  client_frame — what a client said: the bytes of one frame become a checked struct. This is the
//  door: nothing behind it reads a client's JSON.
//
//  A frame of many values costs more to read than one of many bytes: their number has a limit, and
//  both count at the pace.
//
//  What is checked is written in docs/client-protocol.md, sections 2, 3 and 6, and in json_read.h.
//  What the edge need not read is passed on as it is.

#ifndef CLIENT_FRAME_H
#define CLIENT_FRAME_H

#include "client/visitor.h"
#include "model/log_position.h"
#include "model/model.h"
#include "tables/reasons.h"

struct json_object;

//  What a client can say.
typedef enum {
    SAYS_NOTHING, //  its event could not be read
    SAYS_JOINED,
    SAYS_RESUME,
    SAYS_MESSAGE,
    SAYS_TYPING,
    SAYS_STOP_TYPING,
    SAYS_BARGE_IN,
    SAYS_BARGE_OUT,
    SAYS_READ,
    SAYS_WHISPER,
} client_says_t;

//  Texts borrow from the frame itself (see client_frame_free); absent ones are empty. They are
//  valid UTF-8.
typedef struct {
    client_says_t says;
    text_t session_id;
    text_t message_id;
    uint64_t time_ms;    //  0: said none
    log_position_t last; //  of the log; SEQ_UNKNOWN: said none
    uint64_t seq;        //  that it has read up to
    bool joins;          //  RESUME: it means to come in, and is not only connected again
    uint64_t version;    //  of control, that it saw; SEQ_UNKNOWN: said none
    visitor_t visitor;   //  what it says of itself
    text_t data;         //  JSON object: with the connection's own sessionId and userId in it
    text_t secret;       //  data.accessToken, which is not in data any more
    size_t text_size;    //  bytes of the longest text that is passed on
    unsigned cost;       //  at the client's pace, in frames: at least 1
    bool hidden;         //  nothing in it to show to people
    struct json_object *json;
} client_frame_t;

//  Reads the frame of this user's connection. On a fault `says`, session_id and message_id are set
//  as far as they can be told from the bytes, so that a refusal can name what it refuses. Either
//  way the frame is given back with client_frame_free.
__attribute__ ((warn_unused_result)) frame_fault_t client_frame_read (client_frame_t *self,
                                                                      text_t bytes, text_t user);
void client_frame_free (client_frame_t *self);

#endif
