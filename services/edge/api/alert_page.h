//  alert_page — the page behind the link in a notification (auth/alert_url.h). It says what the
//  alert is about, and who has it since when; as long as nobody has, it has a button, and only the
//  button acts: programs that open links (mail scanners, previews) change nothing. It needs no
//  script, and nothing from elsewhere.
//
//      GET  ► a postoffice is asked how the alert stands (api_calls.h) ► the page
//      POST ► a postoffice is asked to note it, then how the alert stands ► the page

#ifndef ALERT_PAGE_H
#define ALERT_PAGE_H

#include "net/http_request.h"

bool alert_page_is_path (const http_head_t *head);
//  Of a link that is good: what a postoffice says of the alert, as JSON (api_alert_page).
void alert_page_show (request_t *request, text_t stand);
//  What else comes of a link; a status of HTTP. No text of the alert stands in it.
void alert_page_say (request_t *request, unsigned status);

#endif
