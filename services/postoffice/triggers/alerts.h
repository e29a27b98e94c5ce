//  alerts — which rules of an app call people because of what goes into a changeset. Each alert is
//  an item of work in the same changeset, so that it is stored with its cause or not at all:
//
//      item   ":alert:<rule>:<session key>:<seq>:<time>", of the entry that it follows from; the
//             time is in it because a session that retention has dropped may begin anew
//      kind   WORK_TIMER: of topic `alert`, run by a postoffice; ready after the rule's seconds
//      body   {"rule":"waiting", "event":"visitor-waits", "seq":12, "timeMs":1780000000000,
//              "by":{"role":5,"userId":""}, "values":{"visitor.name":"Ada", …}}
//
//  `timeMs`: since when it lasts, or when it was. `by`: who had control from then on; of agent-gone
//  the agent. `values`: what placeholders of the event stand for (alert_placeholders.def), which do
//  not change any more; the others are known when people are called.
//
//  An event that lasts (alert_events.def, `most` above 0) may be over when the item is due, or at a
//  later step. It goes on as long as the session is not closed, and
//
//      visitor-waits  control is as in `by`, and no `barge in`, `barge out` or `session closed`
//                     stands in the log behind `seq`
//      agent-silent   control is as in `by`, and no `new message` of an agent or platform does
//      agent-gone     no `barge in`, nor `user joined` of the agent, does
//
//  One changeset makes one alert of a rule at most: of the first entry that it matches.

#ifndef ALERTS_H
#define ALERTS_H

#include "rules/entries.h"
#include "triggers/alert_body.h"

#define TOPIC_ALERT TEXT ("alert")
#define ALERT_PREFIX ":alert:"
#define ALERT_ITEM_MAX (SESSION_KEY_MAX + 64 + 60)

//  No more operations go into the changeset: adds its alerts.
void alerts_end (switchboard_t *self);

#endif
