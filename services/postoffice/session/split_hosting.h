//  split_hosting — two postoffices have endpoints of one session.
//
//  It happens when edges do not see the same postoffices: while one starts or drains, while DNS
//  answers differ, while a link is cut. The log is safe, because the primary key lets one append
//  win. What has to be arranged is that both tell their endpoints what the other wrote.
//
//  Two notices go from one to the other: `moved` (I appended behind your entry: load it) and
//  `shared` (I have endpoints of this session, too).
//
//  The scenario that made it so: A appends, B appends and says `moved`, A loads. From then on B
//  is the last writer itself and would tell nobody, although A's endpoints wait. So a postoffice
//  that has endpoints and finds another one's entry, or is told something, says `shared`: not more
//  often than every SPLIT_HOSTING_SAY_EVERY_MS, but at last.
//
//  Whoever hears `shared` is in the state "shared": it tells the others of each entry (`moved`) and
//  does not say of anybody that they have left. The state ends when the others were told something
//  and have said nothing for SPLIT_HOSTING_UNANSWERED_MS.
//
//  What was stored shortly before the first `shared` was told to nobody: it is told then
//  (split_hosting_heard). Notices may be lost with the control link. What was stored since shortly
//  before then is told when it is back (split_hosting_was_deaf), and every session with endpoints
//  is loaded. A load for endpoints makes this postoffice the host in the session's row; of two
//  such loads the later one finds the earlier one, which counts like a notice.

#ifndef SPLIT_HOSTING_H
#define SPLIT_HOSTING_H

#include <stdbool.h>
#include <stdint.h>

//  All zeros: nothing is known. Times are of the monotonic clock, in milliseconds.
typedef struct {
    bool is_fresh;           //  loaded, and nothing of ours was stored since
    bool is_shared;
    bool is_due;             //  another one should know of endpoints here, and was not told yet
    uint64_t unanswered_ms;  //  since when the others are told and say nothing; 0: they said so
    uint64_t said_ms;        //  when we said so last; 0: never
    uint64_t stored_ms;      //  when something of ours was stored last; 0: never
} split_hosting_t;

//  How soon we say so again, and how long others are told without their saying so.
#define SPLIT_HOSTING_SAY_EVERY_MS 5000
#define SPLIT_HOSTING_UNANSWERED_MS 30000
//  What was stored before that the others have loaded.
#define SPLIT_HOSTING_RECENT_MS 60000

//  The session was loaded. `has_other`: another one wrote the last entry, or was the host until
//  now.
void split_hosting_loaded (split_hosting_t *self, bool has_other);
//  Something of ours was stored.
void split_hosting_stored (split_hosting_t *self, uint64_t now_ms);
//  Another one wrote, or told us something: it may not know of endpoints here.
void split_hosting_asked (split_hosting_t *self);
//  Another postoffice says that it has endpoints. True when it may have missed something of ours.
bool split_hosting_heard (split_hosting_t *self, uint64_t now_ms);

//  Nobody was heard since then, until now. True when something of ours was stored about then or
//  later: another one may have said that it has endpoints, and have been told of it in vain.
bool split_hosting_was_deaf (const split_hosting_t *self, uint64_t since_ms);

//  Has another one endpoints? To be asked when the others are about to be told something: that is
//  what they have to answer.
bool split_hosting_is_on (split_hosting_t *self, uint64_t now_ms);
//  Must the others be told of an entry that follows one of ours?
bool split_hosting_tells (split_hosting_t *self, uint64_t now_ms);

//  Is it time to say that there are endpoints here?
bool split_hosting_says (const split_hosting_t *self, uint64_t now_ms);
//  It was said.
void split_hosting_said (split_hosting_t *self, uint64_t now_ms);

#endif
