//  app_switchboard — the section `switchboard` of an app in apps.json: who answers a visitor, and
//  what is done when nobody does. All times are in seconds.

#ifndef APP_SWITCHBOARD_H
#define APP_SWITCHBOARD_H

#include "json/json_table.h"

//  What is done when the bot gives no answer, and when it is asked again.
typedef struct {
    json_texts_t steps;  //  of app_failure_has; none: retry
    text_t text;         //  of the step `text`
    uint64_t failures;   //  tries in a row that failed: the bot is not asked any more
    uint64_t answers;    //  answers in a row: it is asked again
    uint64_t open_s;     //  until it is tried out the first time
    uint64_t open_most_s;
    uint64_t tell_s;     //  a visitor is told once in so long
    uint64_t ask_again_s; //  questions up to this age are asked again; 0: none
    text_t health_url;   //  empty: a visitor's question is what tells
} app_failure_t;

//  What waiting visitors are told of their place.
typedef struct {
    text_t tell;      //  "none", "place" or "time"
    uint64_t every_s; //  not more often
    text_t text;      //  with {place} and {minutes}; empty: the router's own
} app_queue_t;

#define APP_QUIET_S 86400u
#define APP_QUIET_MOST_S 31536000u

typedef struct {
    json_texts_t handoff;       //  targets, in this order; none: a handoff is only shown
    uint64_t offer_s;           //  how long somebody may think about an offer
    uint64_t wait_s;            //  for one target
    uint64_t silence_s;         //  of an agent; 0: as long as it likes
    uint64_t quiet_s;           //  of visitors by a channel; 0: APP_QUIET_S
    uint64_t last_agent_s;      //  for so long a visitor's last agent goes first; 0: never
    text_t pick;                //  "round-robin" or "least-busy"
    text_t after_pass;          //  "observer" or "out"
    text_t give_back;           //  "event" or "question"
    uint64_t away_after_missed; //  offers in a row; 0: never
    app_queue_t queue;
    text_t nobody_text; //  empty: nothing is said
    app_failure_t failure;
} app_switchboard_t;

typedef enum {
    FAILURE_RETRY,  //  the question is tried again at once, a few times
    FAILURE_TEXT,   //  the visitor gets the app's text, as a message of the bot
    FAILURE_PERSON, //  a person is asked to answer
    FAILURE_STEPS
} failure_step_t;
bool app_failure_has (const app_failure_t *self, failure_step_t step);
bool app_failure_is_step (text_t name);

//  What an app has that does not say otherwise.
#define APP_FAILURE_FAILURES 10
#define APP_FAILURE_ANSWERS 2
#define APP_FAILURE_OPEN_S 5
#define APP_FAILURE_OPEN_MOST_S 60
#define APP_FAILURE_TELL_S 60
#define APP_FAILURE_ASK_AGAIN_S 600
#define APP_FAILURE_WORDS                                                                        \
    "Our assistant cannot answer at the moment. We have your message, and come back to it."
#define APP_FAILURE_TEXT_MOST 2000 //  bytes

//  Of an app that says nothing of it. Its texts are not to be freed.
extern const app_failure_t app_failure_usual;

#endif
