//  api_bodies — bodies of the API's POSTs, read strictly: an edge refuses early by them, a
//  postoffice reads them once more. What is wrong is said for a person, with the member; nothing of
//  a body that is refused is done.
//
//  Texts are borrowed from the object, which a reader changes: each body is read once.

#ifndef API_BODIES_H
#define API_BODIES_H

#include "model/api_operation.h"
#include "model/message.h"

//  Who asks, and what stands beside the body.
typedef struct {
    role_t kind;
    text_t user;
    text_t session; //  its id; of SESSION_CREATE the one that it has when the body names none
    text_t key;     //  Idempotency-Key; empty: none
} api_asker_t;

//  In whose name: {"kind": "visitor" | "agent" | "system", "userId": "…", "name": "…"}.
typedef struct {
    role_t kind; //  ROLE_VISITOR: the session's; ROLE_AGENT; ROLE_API: the app's own
    text_t user; //  of an agent
    text_t name; //  of an agent; empty: as before
} api_as_t;

//  What any of the bodies says; what does not stand in it is empty.
typedef struct {
    api_as_t as; //  MESSAGE_POST, SESSION_ENTER, SESSION_EXIT: the asker, when it is no server
    bool takes_control;     //  SESSION_ENTER
    text_t session;         //  SESSION_CREATE: the asker's when the body names none
    text_t visitor, name;   //  SESSION_CREATE
    text_t info;            //  SESSION_CREATE: JSON object
    bool has_message;       //  MESSAGE_POST, and perhaps SESSION_CREATE
    message_t message;      //  its id is empty when the body has none
    bool is_of_visitor;     //  the message is one of the visitor's, however it is posted
} api_body_t;

//  NULL when it is good, else the complaint, in the room or a literal. An operation that takes no
//  members takes no body, or an empty object.
const char *api_body_read (api_body_t *self, api_operation_t operation, struct json_object *body,
                           const api_asker_t *asker, char room[MESSAGE_COMPLAINT]);

#endif
