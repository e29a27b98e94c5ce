//  visit — what a webhook says, whoever sent it: one shape for all kinds. The readers make it of a
//  request whose signature was right; what they do not know they pass over (VISIT_NOTHING), as
//  vendors add to their requests without notice.

#ifndef VISIT_H
#define VISIT_H

#include "auth/webhook_signature.h"
#include "model/model.h"
#include "webhooks/form.h"

struct json_object;

typedef enum {
    VISIT_NOTHING,   //  it is acknowledged, and nothing follows
    VISIT_HANDSHAKE, //  the sender asks whether this is the right place
    VISIT_SAYS,      //  a person says something
    VISIT_PERSON,    //  a person asks for a person
    VISIT_TYPING,    //  a person is writing, or not any more
    VISIT_READ,      //  a person has read a message of ours
    VISIT_STATUS,    //  what became of a message of ours
} visit_what_t;

typedef enum { OPT_NOTHING, OPT_STOP, OPT_START, OPT_HELP } visit_opt_t;

//  Six times that, as JSON, fits into a REQUEST with what stands beside it.
#define VISIT_TEXT_MOST (128u << 10)
#define VISIT_ATTACHMENTS_MOST 40000u //  bytes of all
#define VISIT_PROVIDER_ID_MOST 300

//  Texts that are not said are empty. They are UTF-8 without a NUL, and live as long as the visit.
typedef struct {
    visit_what_t what;
    text_t external_id;    //  what the sender calls the person
    text_t id;             //  of what is said, unique among the person's
    text_t name;           //  of the person, for people
    text_t text;
    text_t token;          //  of what the person chose; text: the words beside it
    buffer_t attachments;  //  JSON array of {"url", "type"}; or empty
    bool is_on;            //  TYPING
    text_t mark;           //  READ: the id of our message
    visit_opt_t opt;       //  SAYS: the person wants no more, or wants it again
    bool is_answered;      //  SAYS: by the sender, so that nobody else is to
    text_t item, sid, status, code; //  STATUS: the item, the sender's id, what became of it, why
    text_t echo;           //  HANDSHAKE: the answer
    form_t form;           //  what the texts point into: one of these
    struct json_object *tree;
    buffer_t decoded;
    buffer_t lines;        //  a text that was put together
} visit_t;

void visit_free (visit_t *self);

//  A request as it came. What a header does not have is empty.
typedef struct {
    text_t path, query;
    text_t public_url; //  of this edge, without what stands above; empty: it is not known
    text_t body;
    text_t content_type;
    webhook_headers_t standard;
    text_t twilio, twilio_settings;
    text_t google;
    bool is_status; //  the path ends in /status
} webhook_request_t;

//  What is wrong with a request, or has been found good. The words are for people, and a literal.
typedef struct {
    webhook_fault_t fault; //  of the signature
    const char *complaint; //  about the form of the request; NULL: none
} webhook_finding_t;

//  Parts that several kinds have in common.

//  Is it a text for people and the database: UTF-8 without a NUL, of 1 to `most` bytes? With
//  is_name: without control characters, too.
bool visit_is_text (text_t text, size_t most, bool is_name);
//  Adds to `attachments`. False: it was passed over, as there are too many, or the URL is no text
//  of 2,000 bytes at most. A type that is none of 100 bytes at most is left out.
bool visit_attach (visit_t *self, text_t url, text_t type);
//  Is it a type that is not left out?
bool visit_is_type (text_t type);
//  The addresses of what was sent, as lines behind what was said: people see them there.
void visit_name_attachments (visit_t *self);

#endif
