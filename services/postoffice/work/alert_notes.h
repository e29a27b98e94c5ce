//  alert_notes — whom a step of an alert calls, how, and in which words: items of work for the
//  notifier. Their bodies are final: a step that is run twice makes the same items, and the table
//  takes each once. So do two rules of one event: it calls a person once by each way.
//
//      item  ":notify:<event>:<what the alert's name has behind its rule>:<person>:<way>:<step>"

#ifndef ALERT_NOTES_H
#define ALERT_NOTES_H

#include "config/app.h"
#include "read/alert_runs.h"

#define ALERT_ITEM_PREFIX ":alert:"

//  Where people get to, by links in what they are sent.
typedef struct {
    const char *url;     //  of the edge, for acknowledging; "": there are no links
    text_t key;          //  shared with the edge
    const char *console; //  URL of a session, with {app} and {session} in it; "": none
    uint64_t link_ms;    //  how long a link works
} alert_links_t;

typedef struct {
    const app_t *app;
    const app_alert_t *rule;
    const alert_links_t *links;
    text_t item;    //  the alert's name
    text_t session; //  key; empty: none
    text_t body;    //  of the alert's item
    uint64_t step;  //  from 0
    uint64_t suppressed;
    text_t transcript;
    text_t said; //  data of what the visitor had said last; counts when the body has no words
    uint64_t now_ms; //  wall clock
} alert_step_t;

typedef struct {
    alert_note_t *notes; //  their texts are their own
    size_t count;
} alert_notes_t;

#define ALERT_CONSOLE_MOST 4000
//  Where the console shows a session; nothing without a session, or when there is no console.
void alert_console_put (const alert_links_t *links, text_t session, buffer_t *to);

//  alert_notes_free follows.
alert_notes_t alert_notes_of (const alert_step_t *step);
void alert_notes_free (alert_notes_t *self);

#endif
