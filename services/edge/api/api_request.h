//  api_request — what an HTTP request asks for, read strictly: the parameters of its path, its
//  query, and the headers that an operation hands on. It becomes the body of a REQUEST:
//
//      {"session":"…","user":"…","item":"…","query":{"name":"value",…},
//       "key":"…","ifMatch":"…","body":{…}}
//
//  with those members that the request has, and {"more":"…"} when it asks for the piece of an
//  answer behind the one before. `key` is the Idempotency-Key; `ifMatch` is without its quotes. All
//  values of the query are texts.

#ifndef API_REQUEST_H
#define API_REQUEST_H

#include "json/json_write.h"
#include "model/api_operation.h"
#include "net/http_head.h"

#define API_KEY_MOST 200  //  bytes of an Idempotency-Key: printable ASCII without blanks
#define API_ETAG_MOST 100 //  bytes of an ETag in If-Match

//  Not to be copied: its texts stand in it, or in the head.
typedef struct {
    const api_row_t *row;
    text_t parameters[API_PARAMETERS]; //  decoded
    char rooms[API_PARAMETERS][API_PARAMETER_MAX];
    text_t query; //  as it stands in the head, checked
    text_t key, if_match;
    bool is_page; //  what comes of it is shown as a page (alert_page.h)
} api_request_t;

//  NULL, or what is wrong with it, for a person; in `room`, or a literal.
const char *api_request_read (api_request_t *self, const api_match_t *match,
                              const http_head_t *head, char room[API_COMPLAINT]);

//  A parameter of the query, as the operation's row has it, decoded into the room, which has place
//  for what the row allows; empty: it is not there.
text_t api_request_query (const api_request_t *self, const char *name, char *room);

//  More than all members but the body take.
#define API_REQUEST_MAX (64 * 1024)
//  Members of the REQUEST's object, which is open already.
void api_request_write (const api_request_t *self, json_writer_t *json);

#endif
