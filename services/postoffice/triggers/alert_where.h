//  alert_where — `where` of a rule: do its lists hold? A list asks for one of its elements, and one
//  without elements for nothing.

#ifndef ALERT_WHERE_H
#define ALERT_WHERE_H

#include "config/app_alerts.h"

//  What they are about, as it is known of the session; texts may be empty.
typedef struct {
    text_t page, language;  //  of the visitor (model/visitor_info.h)
    const char *words;      //  alert_folded; NULL: the keywords are not looked at
    const text_t *groups;   //  that are asked for
    size_t group_count;
} alert_scene_t;

typedef enum {
    ALERT_WHERE_KEYWORDS,
    ALERT_WHERE_LANGUAGES,
    ALERT_WHERE_PAGES,
    ALERT_WHERE_GROUPS,
    ALERT_WHERES
} alert_where_t;
extern const char *const alert_where_names[ALERT_WHERES]; //  as in apps.json

bool alert_where_holds (const app_alert_t *rule, alert_where_t list, const alert_scene_t *scene);

#endif
