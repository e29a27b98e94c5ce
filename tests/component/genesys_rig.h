//  genesys_rig — a genesys-connector before the scripted Genesys Cloud, and a postoffice that has
//  one
//  session: it hands items over as the real one does, remembers, and does what it is asked for.

#ifndef GENESYS_RIG_H
#define GENESYS_RIG_H

#include "genesys_platform.h"
#include "model/model.h"
#include "worker_fixture.h"

//  How the session stands. A test changes it at any time.
typedef struct {
    bool controls, visitor_is_away;
    uint64_t tenancy, last_seq, open;
    const char *entries;   //  items of the list of messages, newest first: JSON, without brackets
    unsigned refusals;     //  so many releases are answered with 412 before one is looked at
    unsigned refused;      //  what is answered to whatever is to be done; 0: it is done
    unsigned status;       //  of all answers, in place of them; 0: none
    char acts[2000];       //  "in Ann PICTURE; out; release; "
    char keys[4000];       //  of what was done, with blanks between
    char memory[1100];     //  of the lane
} genesys_session_t;

extern worker_fixture_t *genesys_fixture;
extern genesys_session_t genesys_session;

//  `section`: JSON that is laid over the app's section; `more`: settings in place of the usual
//  ones, ended by NULL. Both may be NULL.
void genesys_start (const char *section, const char *const *more);
//  No secret and nothing that was said stands in the log; Genesys was told nothing wrong.
void genesys_end (void);

//  "event":"…" and more of a body of session demo/s-1. The participant's external id is `e-1`.
#define GENESYS_BODY(seq, event, more)                                                             \
    "{\"event\":\"" event "\",\"seq\":" #seq ",\"timeMs\":17953560" #seq "000,"                   \
    "\"appId\":\"demo\",\"sessionId\":\"s-1\",\"participant\":{\"role\":\"platform\","           \
    "\"userId\":\"platform.genesys\",\"channel\":\"platform.genesys\","                          \
    "\"externalId\":\"e-1\"}" more "}"
#define GENESYS_SAYS(seq, role, name, data)                                                        \
    GENESYS_BODY (seq, "new message", ",\"role\":\"" role "\",\"userId\":\"vic\",\"sender\":"      \
                  "{\"displayName\":\"" name "\"},\"data\":" data)
#define GENESYS_OFFER(seq)                                                                         \
    GENESYS_BODY (seq, "offer", ",\"role\":\"router\",\"userId\":\"router\",\"data\":{\"why\":"    \
                  "\"an invoice\",\"visitor\":{\"userId\":\"vic\",\"displayName\":\"Vic\","        \
                  "\"locale\":\"de-CH\",\"page\":\"https://shop.example.com/\"}}")

//  The item as the postoffice has it, through attempts.
typedef struct {
    const char *item, *body;
    uint64_t attempts, lost;
    char memory[1100];
    const worker_heard_t *done; //  of the last attempt
} genesys_item_run_t;

#define GENESYS_RUN(item_, body_) (genesys_item_run_t){ .item = item_, .body = body_ }

//  One attempt, and what came of it.
const worker_heard_t *genesys_attempt (genesys_item_run_t *run);
//  Hands it over, and does not wait.
void genesys_hand (genesys_item_run_t *run);
//  Attempts until it is answered or dead, or `most` were made; each at once, whenever it is due.
const worker_heard_t *genesys_drive (genesys_item_run_t *run, unsigned most);
//  An offer that is accepted, of seq 10: the visitor waits there.
void genesys_open (void);

double genesys_metric (const char *sample);

#define GENESYS_ANSWERED(run, most)                                                                \
    cr_assert_eq (genesys_drive (run, most)->outcome, OUTCOME_ANSWERED, "%s", (run)->done->detail)

//  What the platform was sent.
#define GENESYS_MESSAGE_POST "inbound/open/message"
//  The bodies of this call, one behind the other; to be freed.
char *genesys_bodies (const char *call);
//  How often the text stands in them.
void genesys_expect_log (const char *call, const char *text, unsigned count);
unsigned genesys_conversations (void);
bool genesys_is_anybody_there (void);

#endif
