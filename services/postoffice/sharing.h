//  sharing — what a postoffice knows of others that have endpoints of the same session, as edges
//  that do not see the same postoffices make it happen.
//
//  Whoever writes behind another one's entry tells the others (`moved`): they load what is new.
//  From then on it is the last writer itself and would tell nobody, although the others' endpoints
//  wait. So a postoffice that has endpoints and finds another one's entry, or is told something,
//  says so (`shared`). Who hears that tells the others of each entry, and does not say of anybody
//  that they have left, until nobody says `shared` any more.

#ifndef SHARING_H
#define SHARING_H

#include <stdbool.h>
#include <stdint.h>

//  All zeros: nothing is known. Times are of the monotonic clock, in milliseconds.
typedef struct {
    bool is_fresh;           //  loaded, and nothing of ours was stored since
    bool is_shared;
    bool is_asked;           //  another one has told us something; it may not know of our endpoints
    uint64_t unanswered_ms;  //  since when the others are told and say nothing; 0: they said so
    uint64_t said_ms;        //  when we said so last; 0: never
} sharing_t;

//  How soon we say so again, and how long others are told without their saying so.
#define SHARING_SAY_EVERY_MS 5000
#define SHARING_UNANSWERED_MS 30000

//  Another postoffice says that it has endpoints. True when that is news: it may have missed
//  entries.
bool sharing_heard (sharing_t *self);
//  Has another one endpoints? To be asked when the others are about to be told something: that is
//  what they have to answer.
bool sharing_is_on (sharing_t *self, uint64_t now_ms);
//  Must the others be told of an entry that follows one of ours?
bool sharing_tells (sharing_t *self, uint64_t now_ms);
//  We have endpoints, and another one should know: is it time to say so (again)?
bool sharing_says (sharing_t *self, uint64_t now_ms);

#endif
