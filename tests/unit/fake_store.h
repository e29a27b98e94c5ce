//  fake_store — store.h in memory, for tests of what stands on it: it keeps the same promises (one
//  step or nothing, ids unique, answers later and in order) and fails when it is told to.
//
//  It checks each append as the real store's callers must make it: entries without a gap, times
//  that rise, items that are there when they are finished. It borrows appends as the real one
//  does, and frees the texts of an answer when its callback returns: a sanitizer sees who keeps too
//  little or too much.

#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include "store/store.h"

#define FAKE_WRITER 7u   //  the postoffice under test
#define FAKE_OTHER 8u    //  another one

typedef enum {
    FAKE_WELL,        //  as it should be
    FAKE_DOWN,        //  STORE_DOWN, nothing done
    FAKE_UNSURE,      //  an append is done, and STORE_UNSURE
    FAKE_UNSURE_LOST, //  an append is not done, and STORE_UNSURE
    FAKE_FULL,        //  the request is not even taken
} fake_mood_t;

store_t *fake_store_new (void);
//  The same store as the other postoffice (FAKE_OTHER) sees it. What one notifies, and what an
//  append of it notifies, the other hears, when its turn among the requests has come.
typedef void fake_noticed_fn (void *owner, store_notice_t what, text_t session);
store_t *fake_store_second (fake_noticed_fn *first_hears, void *first,
                            fake_noticed_fn *second_hears, void *second);
//  Its control link is down: it hears nothing, and can tell nothing.
void fake_store_deafen (store_t *self, bool is_deaf);
void fake_store_free (void);

//  Of the next request only, and of all that follow until it is said otherwise.
void fake_store_next (fake_mood_t mood);
void fake_store_always (fake_mood_t mood);
//  An entry whose data has this in it can never be stored: STORE_REJECTED.
#define FAKE_POISON "poison"

//  Does the oldest request and answers it. False when there is none.
bool fake_store_step (void);
//  Does the oldest request; its answer waits for the next step.
bool fake_store_do (void);

//  Another postoffice appends.
typedef struct {
    event_t event;
    uint64_t role;
    const char *user;
    const char *id;
    const char *data;
} fake_said_t;
void fake_store_other_says (text_t session, const fake_said_t *said);
//  Another postoffice opens the session for this visitor.
void fake_store_other_opens (text_t session, const char *visitor);
//  It says that a participant is there, and of what its clients are known to have.
void fake_store_other_admits (text_t session, uint64_t role, const char *user, uint64_t seen);
//  The participant is reached over this channel from now on.
void fake_store_other_reaches (text_t session, uint64_t role, const char *user,
                               const char *channel, const char *external_id);
//  It leaves work behind, or ends it.
void fake_store_other_asks (text_t session, const char *item, uint64_t seq);
void fake_store_other_ends (text_t session);

//  A standby that lagged is promoted: the log ends with this seq. The session was never opened: 0.
void fake_store_lose_above (text_t session, uint64_t seq);
//  The session's host; 0: none. To be changed, too: somebody else becomes it.
uint64_t *fake_store_host (text_t session);

//  What is stored. NULL when it is not.
const stored_entry_t *fake_store_entry (text_t session, uint64_t seq);
uint64_t fake_store_last (text_t session);
size_t fake_store_works (text_t session);
//  The timer that is set; NULL: none.
const store_work_t *fake_store_timer (text_t session);
bool fake_store_is_closed (text_t session);
//  How often the session's own row was written, its opening aside; and how long ago loads say that
//  it was told that the session is active.
unsigned fake_store_row_writes (text_t session);
void fake_store_active_ago (uint64_t ms);
//  How often the other postoffices were told so, with an entry or without.
unsigned fake_store_notified (store_notice_t what);
uint64_t fake_store_received_of (text_t session, uint64_t role, const char *user);
//  How often each was asked.
extern unsigned fake_store_appends, fake_store_loads, fake_store_reads;

#endif
