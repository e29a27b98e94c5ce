//  slack_answer — what Slack answers: chat.postMessage with JSON and nearly always 200, an incoming
//  webhook with a word. Whatever stands there is read without harm.

#ifndef SLACK_ANSWER_H
#define SLACK_ANSWER_H

#include "base/text.h"

#define SLACK_TS_SIZE 32    //  "1700000000.000100", with the NUL
#define SLACK_WORD_SIZE 64

typedef struct {
    bool is_good;               //  it was posted
    char ts[SLACK_TS_SIZE];     //  of the message; "": it does not say
    char word[SLACK_WORD_SIZE]; //  of the failure: small letters and '_'; "": none
} slack_answer_t;

void slack_answer_read (slack_answer_t *self, text_t body, bool is_webhook);
//  Digits, a point, digits.
bool slack_is_ts (text_t ts);

#endif
