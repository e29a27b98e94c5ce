//  sms_answer — what Twilio answers: to a message, and to the question which messages there are.
//  Whatever stands there is read without harm; what is not as it should be is not there.

#ifndef SMS_ANSWER_H
#define SMS_ANSWER_H

#include "base/text.h"

#include <stdint.h>

struct json_object;

#define SMS_SID_SIZE 35 //  two letters and 32 hexadecimal digits, with the NUL
#define SMS_SAID_SIZE 200
#define SMS_LIST_MOST 100

typedef struct {
    char sid[SMS_SID_SIZE];    //  "": it is no message
    unsigned segments;         //  0: it does not say
    unsigned code;             //  of an error; 0: none
    char said[SMS_SAID_SIZE];  //  "21211 The 'To' number …", in printable UTF-8; "": nothing
} sms_answer_t;

void sms_answer_read (sms_answer_t *self, text_t body);

typedef struct {
    text_t sid, body;
    int64_t created_s; //  since 1970; 0: it does not say
} sms_listed_t;

typedef struct {
    sms_listed_t messages[SMS_LIST_MOST]; //  that went out; the newest one first
    unsigned count;
    struct json_object *tree; //  that the texts stand in
} sms_list_t;

//  Returns 0, and the texts live until sms_list_free; −1: it is no list.
__attribute__ ((warn_unused_result)) int sms_list_read (sms_list_t *self, text_t body);
//  Safe behind a read that failed.
void sms_list_free (sms_list_t *self);

//  "Thu, 26 Nov 2026 21:00:00 +0000" in seconds since 1970; 0: it is no such time.
int64_t sms_answer_time (text_t text);

#endif
