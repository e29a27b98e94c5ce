#include "rules/audience.h"

#include "model/principal.h"

enum {
    VISITORS = 1 << ROLE_VISITOR,
    AGENTS_INSIDE = 1 << ROLE_AGENT,       //  over an endpoint: nothing leaves the router
    AGENTS_OUTSIDE = 1 << 30,              //  over a channel, and who counts as one there
    AGENTS = AGENTS_INSIDE | AGENTS_OUTSIDE,
    EVERYBODY = VISITORS | AGENTS,
    PLATFORMS = 1 << ROLE_PLATFORM,
    OPERATORS = AGENTS | 1 << ROLE_ROUTER | 1 << ROLE_API, //  who may open and close sessions
};

//  Is the one who caused an entry shown it, too? (Not the connection that said a message:
//  changeset.h.)
typedef enum {
    SELF_NEVER,
    SELF_MESSAGE,   //  on other connections; a widget's history is without its own
    SELF_RICH,      //  rich clients
    SELF_ALWAYS,
} to_self_t;

//  An entry of this event caused by this role is shown to these as that.
typedef struct {
    event_t event;
    unsigned caused_by;  //  roles, as bits
    unsigned shown_to;   //  roles, as bits
    event_t shown_as;
    bool rich_only;      //  the widget has no use for it
    bool live_only;      //  to agents: means nothing in a history
    to_self_t to_self;
} audience_row_t;

//  The widget shows an agent as "joined" once, by the name of that moment: so people are told of an
//  agent at `barge in`, when the name is known, and not while the agent only listens.
//
//  Who loses control is told, whoever took it: another agent, the end of the grace period, or the
//  same agent in another tab. Rich clients are told of getting it as well, so that the last of
//  these that a client has read says whether it is in control. A widget shows neither of its own.
//
//  A whisper goes to rich clients only: a widget would draw it as a message, to be answered.
static const audience_row_t s_rows[] = {
    { EVENT_USER_JOINED, VISITORS, AGENTS, EVENT_USER_JOINED, false, false, SELF_NEVER },
    { EVENT_USER_LEFT, VISITORS, AGENTS, EVENT_USER_LEFT, false, false, SELF_NEVER },
    { EVENT_NEW_MESSAGE, ~0u, EVERYBODY, EVENT_NEW_MESSAGE, false, false, SELF_MESSAGE },
    { EVENT_BARGE_IN, AGENTS | PLATFORMS, EVERYBODY, EVENT_USER_JOINED, false, false, SELF_RICH },
    { EVENT_BARGE_OUT, AGENTS | PLATFORMS, EVERYBODY, EVENT_USER_LEFT, false, false, SELF_ALWAYS },
    { EVENT_HANDOFF, ~0u, EVERYBODY, EVENT_HANDOFF, true, false, SELF_MESSAGE },
    { EVENT_OFFER, ~0u, AGENTS, EVENT_OFFER, true, false, SELF_ALWAYS },
    { EVENT_OFFER_ENDED, ~0u, AGENTS, EVENT_OFFER_ENDED, true, false, SELF_ALWAYS },
    { EVENT_DEADLINE, ~0u, AGENTS, EVENT_DEADLINE, true, false, SELF_ALWAYS },
    { EVENT_SESSION_CLOSED, OPERATORS, EVERYBODY, EVENT_SESSION_CLOSED, true, false,
      SELF_MESSAGE },
    { EVENT_SESSION_REOPENED, OPERATORS, EVERYBODY, EVENT_SESSION_REOPENED, true, false,
      SELF_MESSAGE },
    { EVENT_SESSION_OPENED, OPERATORS | VISITORS, EVERYBODY, EVENT_SESSION_OPENED, true, false,
      SELF_MESSAGE },
    { EVENT_FAILURE, ~0u, EVERYBODY, EVENT_FAILURE, false, true, SELF_MESSAGE },
    { EVENT_ALERT_ACKNOWLEDGED, AGENTS | 1 << ROLE_API, AGENTS_INSIDE, EVENT_ALERT_ACKNOWLEDGED,
      true, false, SELF_ALWAYS },
    { EVENT_WHISPER, AGENTS, AGENTS_INSIDE, EVENT_WHISPER, true, false, SELF_MESSAGE },
};

//  Over an endpoint only visitors and agents are told something. Over a channel a platform and a
//  server of the app's owner are told what an agent is told who is reached so; a bot is asked, and
//  not told; the router knows.
static unsigned
s_counts_as (const listener_t *listener)
{
    if (listener->role == ROLE_VISITOR)
        return VISITORS;
    bool is_agent = listener->role == ROLE_AGENT;
    if (listener->channel.size == 0)
        return is_agent ? AGENTS_INSIDE : 0;
    bool counts = is_agent || listener->role == ROLE_PLATFORM || listener->role == ROLE_API;
    return counts ? AGENTS_OUTSIDE : 0;
}

static bool
s_fits (const audience_row_t *row, const stored_entry_t *entry, const listener_t *listener)
{
    if (row->event != entry->event || !(row->caused_by & 1u << entry->role)
        || !(row->shown_to & s_counts_as (listener)))
        return false;
    bool is_self = entry->role == listener->role && text_is (entry->user, listener->user);
    if (listener->channel.size > 0)
        return !is_self;
    if (row->rich_only && listener->dialect != DIALECT_RICH)
        return false;
    if (row->live_only && listener->replay && listener->role == ROLE_AGENT)
        return false;
    if (!is_self)
        return true;
    bool is_widget = listener->dialect == DIALECT_WIDGET;
    switch (row->to_self) {
    case SELF_MESSAGE:
        //  The widget cannot tell its own messages when they come back: they would be there twice.
        return !(listener->replay && is_widget);
    case SELF_RICH:
        return !is_widget;
    case SELF_ALWAYS:
        return true;
    case SELF_NEVER:
        break;
    }
    return false;
}

//  What is hidden reaches nobody; that a platform got control quietly, or lost it, reaches all but
//  the visitor, who is shown its people.
static bool
s_is_hidden (const stored_entry_t *entry, const listener_t *listener)
{
    bool is_quiet = entry->role == ROLE_PLATFORM
                    && (entry->event == EVENT_BARGE_IN || entry->event == EVENT_BARGE_OUT);
    return entry->hidden && (!is_quiet || listener->role == ROLE_VISITOR);
}

audience_t
audience_of (const stored_entry_t *entry, const listener_t *listener)
{
    audience_way_t way = listener->channel.size > 0 ? AUDIENCE_ITEM : AUDIENCE_DELIVER;
    bool may_read = listener->may & PERMISSION_BIT (PERMIT_SESSION_READ);
    if (!may_read || s_is_hidden (entry, listener) || entry->role > ROLE_API)
        return (audience_t){ AUDIENCE_NOTHING, 0 };
    for (size_t at = 0; at < sizeof s_rows / sizeof *s_rows; at++)
        if (s_fits (&s_rows[at], entry, listener))
            return (audience_t){ way, s_rows[at].shown_as };
    return (audience_t){ AUDIENCE_NOTHING, 0 };
}

bool
audience_sees_hidden (role_t kind)
{
    return kind == ROLE_AGENT || kind == ROLE_API;
}

uint64_t
audience_events (role_t kind)
{
    uint64_t events = 0;
    unsigned seen_by = kind == ROLE_PLATFORM ? AGENTS_OUTSIDE : 1u << kind;
    for (size_t at = 0; at < sizeof s_rows / sizeof *s_rows; at++)
        if (audience_sees_hidden (kind) || s_rows[at].shown_to & seen_by)
            events |= UINT64_C (1) << s_rows[at].event;
    return events;
}
