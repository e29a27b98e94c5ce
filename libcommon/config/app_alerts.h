//  app_alerts — the sections `people` and `alerts` of an app in apps.json: whom the app may call,
//  and which rules call them. The postoffice's only. Made members are of apps_file.

#ifndef APP_ALERTS_H
#define APP_ALERTS_H

#include "alerts/alert_hours.h"
#include "alerts/alert_keywords.h"
#include "alerts/alert_template.h"
#include "json/json_table.h"
#include "model/alert_event.h"

#define APP_PEOPLE_MOST 1000u
#define APP_ALERTS_MOST 100u
#define APP_ALERT_STEPS_MOST 10u
#define APP_RECIPIENTS_MOST 50u
#define APP_ALERT_SUBJECT_MOST 400u //  bytes
#define APP_CALLS_MOST 200u         //  of one step
#define APP_ALERT_DAYS_S 604800u    //  seven days: the longest time of a rule

//  How people are called: `by` of a step.
typedef enum { CALL_EMAIL, CALL_SMS, CALL_SLACK, CALLS } call_channel_t;
extern const char *const call_channel_names[CALLS];
call_channel_t call_channel_named (text_t name); //  CALLS: none
#define CALL_BIT(channel) (1u << (channel))

typedef struct {
    text_t id;
    text_t name;  //  the id, when the file has none
    text_t email; //  these are empty when the person cannot be called that way
    text_t phone;
    text_t slack; //  member's id
    json_texts_t groups;
} app_person_t;

//  What must be so, beside the event; a list without elements asks nothing.
typedef struct {
    json_texts_t keywords;  //  one of them stands in the visitor's last words
    json_texts_t languages; //  the browser's is one of them, or begins with one and '-'
    json_texts_t pages;     //  the page's URL, or its path when it begins with '/', begins so
    json_texts_t groups;    //  of the agents that are asked
} app_alert_where_t;

typedef struct {
    uint64_t after_s;  //  since the alert began
    json_texts_t by;   //  of call_channel_names
    json_texts_t to;   //  "person:ID", "group:NAME", "slack:CHANNEL"
    unsigned channels; //  made: `by` as CALL_BITs
} app_alert_step_t;

typedef struct {
    bool is_there;
    text_t zone;
    json_texts_t days; //  none: each
    text_t from, to;   //  "22:00"
} app_alert_hours_t;

typedef struct {
    text_t name;
    text_t on;
    uint64_t after_s;
    app_alert_where_t where;
    json_rows_t steps; //  of app_alert_step_t
    text_t subject;    //  as the file has them
    text_t text;
    app_alert_hours_t hours;
    uint64_t once_s;        //  an event of one session calls once in so long
    uint64_t most_per_hour; //  of the rule
    //  Made. `event` is ALERT_EVENTS in a process that does not read rules.
    alert_event_t event;
    alert_template_t *subject_words, *text_words; //  NULL there
    alert_hours_t *open; //  of `hours`; NULL: always, or there
    alert_keywords_t *keywords; //  of `where`; NULL: none are asked for, or there
} app_alert_t;

extern const json_table_t app_person_table;
extern const json_table_t app_alert_table;

#endif
