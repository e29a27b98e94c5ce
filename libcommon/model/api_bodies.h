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

//  In whose name: {"kind": "visitor" | "agent" | "platform" | "system", "userId": "…", …}.
typedef struct {
    role_t kind; //  ROLE_VISITOR: the session's; ROLE_AGENT, ROLE_PLATFORM; ROLE_API: the app
    text_t user; //  of an agent; of a platform its topic
    text_t name; //  of an agent; empty: as before. Of a platform's person, when it comes
    text_t avatar; //  of that person; may be empty
} api_as_t;

//  What is said of an agent (AGENT_SET); what is not said stays as it is.
typedef struct {
    text_t state; //  "available", "busy" or "away"; empty: it is not said
    bool has_capacity;
    uint64_t capacity; //  visitors that it answers at a time
    struct json_object *groups; //  names, PRINCIPAL_GROUPS_MOST at most; NULL: they are not said
} api_agent_t;

#define AGENT_CAPACITY_MOST 1000
#define AVATAR_MOST 500 //  bytes of a picture's URL

//  What any of the bodies says; what does not stand in it is empty.
typedef struct {
    api_as_t as; //  MESSAGE_POST, SESSION_ENTER, SESSION_EXIT: the asker, when it is no server
    bool takes_control;     //  SESSION_ENTER
    uint64_t seq;           //  SESSION_READ_MARK
    uint64_t version;       //  CONTROL_…: of control, that the asker saw; SEQ_UNKNOWN: any
    struct json_object *targets; //  CONTROL_OFFER: an array of targets (offer.h)
    text_t why;             //  CONTROL_OFFER; CONTROL_RELEASE of a platform
    text_t session;         //  SESSION_CREATE: the asker's when the body names none
    text_t visitor, name;   //  SESSION_CREATE; the name of AGENT_SET, too
    api_agent_t agent;      //  AGENT_SET
    text_t info;            //  SESSION_CREATE: JSON object
    bool has_message;       //  MESSAGE_POST, and perhaps SESSION_CREATE
    message_t message;      //  its id is empty when the body has none
    bool is_of_visitor;     //  the message is one of the visitor's, however it is posted
    bool is_whisper;        //  MESSAGE_POST: for agents only
} api_body_t;

//  NULL when it is good, else the complaint, in the room or a literal. An operation that takes no
//  members takes no body, or an empty object.
const char *api_body_read (api_body_t *self, api_operation_t operation, struct json_object *body,
                           const api_asker_t *asker, char room[MESSAGE_COMPLAINT]);

//  What who asks must be permitted to do, for this body of the operation.
permission_t api_body_permission (const api_body_t *self, const api_row_t *row, role_t kind);

#endif
