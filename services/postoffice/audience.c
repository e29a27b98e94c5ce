#include "audience.h"

enum {
    VISITORS = 1 << ROLE_VISITOR,
    AGENTS = 1 << ROLE_AGENT,
    EVERYBODY = VISITORS | AGENTS,
};

//  An entry of this event caused by this role is shown to these as that.
typedef struct {
    event_t event;
    unsigned caused_by;  //  roles, as bits
    unsigned shown_to;   //  roles, as bits
    event_t shown_as;
    bool rich_only;      //  the widget has no use for it
    bool live_only;      //  to agents: means nothing in a history
    bool not_to_self;    //  not even to the user's other connections
} audience_row_t;

//  The widget shows an agent as "joined" once, by the name of that moment: so people are told of an
//  agent at `barge in`, when the name is known, and not while the agent only listens.
static const audience_row_t s_rows[] = {
    { EVENT_USER_JOINED, VISITORS, AGENTS, EVENT_USER_JOINED, false, false, true },
    { EVENT_USER_LEFT, VISITORS, AGENTS, EVENT_USER_LEFT, false, false, true },
    { EVENT_NEW_MESSAGE, ~0u, EVERYBODY, EVENT_NEW_MESSAGE, false, false, false },
    { EVENT_BARGE_IN, AGENTS, EVERYBODY, EVENT_USER_JOINED, false, false, true },
    { EVENT_BARGE_OUT, AGENTS, EVERYBODY, EVENT_USER_LEFT, false, false, true },
    { EVENT_HANDOFF, ~0u, EVERYBODY, EVENT_HANDOFF, true, false, false },
    { EVENT_FAILURE, ~0u, EVERYBODY, EVENT_FAILURE, false, true, false },
};

static bool
s_is_own (const stored_entry_t *entry, const listener_t *listener)
{
    return entry->role == listener->role && text_is (entry->user, listener->user);
}

static bool
s_fits (const audience_row_t *row, const stored_entry_t *entry, const listener_t *listener)
{
    if (row->event != entry->event || !(row->caused_by & 1u << entry->role)
        || !(row->shown_to & 1u << listener->role))
        return false;
    if (row->rich_only && listener->dialect != DIALECT_RICH)
        return false;
    if (row->live_only && listener->replay && listener->role == ROLE_AGENT)
        return false;
    if (!s_is_own (entry, listener))
        return true;
    //  The widget cannot tell its own messages when they come back: they would be there twice.
    return !row->not_to_self && !(listener->replay && listener->dialect == DIALECT_WIDGET);
}

uint64_t
audience_event (const stored_entry_t *entry, const listener_t *listener)
{
    if (entry->quiet || entry->role > ROLE_ROUTER)
        return 0;
    for (size_t at = 0; at < sizeof s_rows / sizeof *s_rows; at++)
        if (s_fits (&s_rows[at], entry, listener))
            return s_rows[at].shown_as;
    return 0;
}
