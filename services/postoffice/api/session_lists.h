//  session_lists — lists of the app's sessions and of who takes part in them, and the search.

#ifndef SESSION_LISTS_H
#define SESSION_LISTS_H

#include "api/api_call.h"

void session_list (const api_call_t *call);     //  GET /sessions
void search (const api_call_t *call);           //  GET /search
void participant_list (const api_call_t *call); //  GET /participants

#endif
