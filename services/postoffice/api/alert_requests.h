//  alert_requests — the operations of the API about alerts (docs/alerts.md). An alert of a session
//  is acknowledged by an entry of the session's log, one of an app in the table alone.

#ifndef ALERT_REQUESTS_H
#define ALERT_REQUESTS_H

#include "api/api_call.h"

api_operation_fn alert_list;
api_operation_fn alert_get;
api_operation_fn alert_acknowledge;
//  What the page behind an alert's link shows: what it is about, and who has it since when. No word
//  of the visitor's is in it.
api_operation_fn alert_page;
//  What a rule would send about a session as it is now, and to whom: nothing is sent, or stored.
api_operation_fn alert_try;

//  The change of a session by which its alert is acknowledged is done.
void alert_acknowledged (calls_t *calls, const operation_t *operation);

#endif
