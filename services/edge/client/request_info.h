//  request_info — what a request tells of the visitor who sent it: headers, each checked and cut,
//  and where it comes from. What is not of its form is left out and costs nothing more: no request
//  is refused for it.
//
//      page           `page` of the query, or else Referer, or else Origin: http(s) only, up to a
//                     '?', '#' or ';' (what stands behind may hold secrets). With a user or
//                     password in it: none. One that is too long is cut down to its origin
//      language       the first tag of Accept-Language
//      agent          User-Agent, cut to VISITOR_AGENT_MAX bytes between characters
//      address class  the range of address_ranges.def, or public_v4, public_v6: not the address
//
//  Browsers send no Referer with a WebSocket, and with the requests of other sites' pages only
//  their origin: a client that wants its page to be known says it in the query.
//
//  What comes twice counts as none, but for Accept-Language, which is a list.

#ifndef REQUEST_INFO_H
#define REQUEST_INFO_H

#include "address/client_address.h"
#include "http/address_guard.h"
#include "model/visitor_info.h"
#include "net/http_head.h"

#define REQUEST_INFO_PAGE_MOST 2000 //  bytes of `page`, encoded; a longer one is none

//  Borrows from the head and the room. Leaves the name empty: a request has none.
void request_info_read (visitor_info_t *self, const http_head_t *head,
                        const client_address_t *address, const address_guard_t *ranges,
                        char room[REQUEST_INFO_PAGE_MOST]);

#endif
