//  sms_plan — what an item comes to as SMS: to whom, in which messages, and which messages of the
//  account's list are these.

#ifndef SMS_PLAN_H
#define SMS_PLAN_H

#include "config/app.h"
#include "texting/sms_answer.h"
#include "texting/sms_text.h"

#define SMS_TO_SIZE 20
#define SMS_VIA_SIZE 64
#define SMS_LANE_SIZE 60

typedef struct {
    char to[SMS_TO_SIZE];
    char via[SMS_VIA_SIZE]; //  channel of `webhooksIn`; "": none
    uint64_t valid_s;       //  0: as long as Twilio likes
    uint64_t since_ms;      //  of a look into the list; 0: it cannot be looked up
    uint64_t newer_ms;      //  messages of before are others
    buffer_t text;          //  that the parts stand in
    text_t parts[SMS_PARTS_MOST];
    unsigned count;
    char last_sid[SMS_SID_SIZE]; //  of the newest message of the lane that is known
    char lane[SMS_LANE_SIZE];    //  what the lane shall remember
} sms_plan_t;

//  Both fill a zeroed plan and return NULL, or why there is nothing to send; sms_plan_free follows
//  in either case. The app may be NULL.
const char *sms_plan_alert (sms_plan_t *self, const app_t *app, text_t body);
const char *sms_plan_entry (sms_plan_t *self, text_t body);
//  The newest message that a delivery before has told of.
void sms_plan_lane (sms_plan_t *self, text_t memory);
void sms_plan_free (sms_plan_t *self);

//  A message of it was accepted, with this sid. Returns `lane`; NULL when the sid is none.
const char *sms_plan_note (sms_plan_t *self, text_t sid);
//  Parts up to `next` were accepted. Returns up to which they were, by what stands in the list: in
//  their order, behind the newest one that was known.
unsigned sms_plan_match (sms_plan_t *self, const sms_list_t *list, unsigned next);

#endif
