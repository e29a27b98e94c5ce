//  request_id — what a request that changes a session is known by, when it comes again: the id of
//  its entry, which follows from who asks and the Idempotency-Key; and what else such requests have
//  in common.

#ifndef REQUEST_ID_H
#define REQUEST_ID_H

#include "api/api_call.h"
#include "model/api_bodies.h"

typedef struct {
    char text[MESSAGE_ID_MAX + 1];
} request_id_t;

//  ":key:<digest>"; without a key ":api:<random>", which is this request's only.
request_id_t request_id_of (const api_call_t *call);
//  A session's id that follows from the same; without a key a random one.
request_id_t request_session_of (const api_call_t *call);

//  The Idempotency-Key of what changes something beside sessions: those of two servers of an app
//  are two keys. Empty: there is none.
typedef char request_key_room_t[USER_ID_MAX + API_HEADER_MAX + 2];
text_t request_key_of (const api_call_t *call, request_key_room_t room);

api_asker_t call_asker (const api_call_t *call);
//  The seq of If-Match; SEQ_UNKNOWN: there is none. One that no session has had: a seq that none
//  has.
uint64_t call_if_match (const api_call_t *call);

typedef struct {
    char text[24];
} api_etag_t;
api_etag_t api_etag (uint64_t last_seq);

//  Who an agent is shown to be that has no connection: JSON object.
#define SENDER_OF_AGENT_MAX (6 * (USER_ID_MAX + DISPLAY_NAME_MAX + AVATAR_MOST) + 160)
void write_agent (text_t user, text_t name, buffer_t *to);
//  A visitor.
void write_visitor (text_t user, text_t name, buffer_t *to);
//  A person of a platform.
void write_person (text_t topic, text_t name, text_t avatar, buffer_t *to);

#endif
