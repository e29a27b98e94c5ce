//  session_reads — operations of the API that read sessions: one, and its log in pages or as
//  one text.

#ifndef SESSION_READS_H
#define SESSION_READS_H

#include "api/api_call.h"

api_operation_fn session_get, message_list, transcript;

#endif
