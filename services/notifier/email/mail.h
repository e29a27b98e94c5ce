//  mail — the mail that a notification becomes: header lines and two bodies, one plain and one in
//  HTML, as mail programs and filters expect them.
//
//  - Message-ID is made of the item's id: every try of it, and a replay, has the same one.
//  - All mails of a session name one root in References, which is made of the session's id. Nobody
//    has sent that root: it holds the thread together whichever mail arrives first, and whichever
//    notifier sends it.
//  - Auto-Submitted and X-Auto-Response-Suppress keep robots from answering; List-Id and
//    X-Stentor-… are for filters.
//  - What the text does not say itself is put below it: where the session is, and where the alert
//    can be acknowledged.

#ifndef MAIL_H
#define MAIL_H

#include "base/buffer.h"
#include "channels/alert_item.h"

#define MAIL_BODY_MOST (2u << 20)

//  Where it comes from.
typedef struct {
    text_t item;      //  id of the work item
    text_t from;      //  a good address (mail_header.h)
    text_t from_name; //  may be empty
    uint64_t now_ms;  //  for Date, when the alert has no time that can be read
} mail_origin_t;

typedef struct {
    buffer_t headers; //  each followed by a NUL; without MIME-Version and Content-Type
    buffer_t text;    //  lines end with CRLF
    buffer_t html;    //  likewise; empty: there is none
} mail_t;

//  The alert's address must be good. Returns 0; −1 when it is too large: nothing is to be freed
//  then.
__attribute__ ((warn_unused_result)) int mail_write (mail_t *self, const mail_origin_t *origin,
                                                     const alert_item_t *alert);
void mail_free (mail_t *self);

#endif
