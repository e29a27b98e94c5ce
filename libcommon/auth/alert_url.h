//  alert_url — the address in a notification at which its alert is acknowledged: whoever has it may
//  do so, in the name of the person whom it was sent to, until it expires. It is made by a
//  postoffice and believed by an edge, which share a key (signed_url.h).
//
//      https://chat.example.com/alerts/<claim>.<signature>

#ifndef ALERT_URL_H
#define ALERT_URL_H

#include "auth/signed_url.h"

#define ALERT_PATH "/alerts/"

typedef struct {
    uint64_t expires_s;
    text_t app;    //  has no blank
    text_t person; //  its id in apps.json, or what was sent to; has no blank
    text_t alert;
} alert_claim_t;

//  Appends the URL. Returns 0; −1 when it is too long, or a part cannot be told from the others.
__attribute__ ((warn_unused_result)) int
alert_url_write (text_t key, const char *base, const alert_claim_t *claim, buffer_t *to);
//  What stands behind ALERT_PATH: as signed_url_read.
signed_verdict_t alert_url_read (text_t key, text_t token, uint64_t now_s, alert_claim_t *claim,
                                 char room[SIGNED_CLAIM_MAX]);

#endif
