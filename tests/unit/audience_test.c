//  audience — every event, caused by every role, hidden or not, for every listener, over an
//  endpoint and over a channel, the causer itself and others: who is shown what.

#include "rules/audience.h"

#include "model/principal.h"

#include <criterion/criterion.h>
#include <stdio.h>

//  The listeners of a table's columns: a visitor and an agent, and the one who caused the entry.
typedef enum { VISITOR, AGENT, SELF } who_t;

//  "live rich, live widget, replay rich, replay widget, channel" as letters: '-' not shown, 'm' new
//  message, 'j' user joined, 'l' user left, 'h' handoff, 'f' failure, 'w' whisper. Who causes an
//  entry and is neither visitor nor agent is not a listener over endpoints, and hears nothing over
//  a channel.
typedef struct {
    event_t event;
    role_t caused_by;
    const char *to[3];
} row_t;

static const row_t s_rows[] = {
    { EVENT_USER_JOINED, ROLE_VISITOR, { "-----", "jjjjj", "-----" } },
    { EVENT_USER_LEFT, ROLE_VISITOR, { "-----", "lllll", "-----" } },
    { EVENT_NEW_MESSAGE, ROLE_VISITOR, { "mmmmm", "mmmmm", "mmm--" } },
    { EVENT_NEW_MESSAGE, ROLE_AGENT, { "mmmmm", "mmmmm", "mmm--" } },
    { EVENT_NEW_MESSAGE, ROLE_BOT, { "mmmmm", "mmmmm", "-----" } },
    { EVENT_NEW_MESSAGE, ROLE_PLATFORM, { "mmmmm", "mmmmm", "-----" } },
    { EVENT_NEW_MESSAGE, ROLE_ROUTER, { "mmmmm", "mmmmm", "-----" } },
    { EVENT_NEW_MESSAGE, ROLE_API, { "mmmmm", "mmmmm", "-----" } },
    { EVENT_BARGE_IN, ROLE_AGENT, { "jjjjj", "jjjjj", "j-j--" } },
    { EVENT_BARGE_OUT, ROLE_AGENT, { "lllll", "lllll", "llll-" } },
    { EVENT_BARGE_IN, ROLE_PLATFORM, { "jjjjj", "jjjjj", "-----" } },
    { EVENT_BARGE_OUT, ROLE_PLATFORM, { "lllll", "lllll", "-----" } },
    { EVENT_OFFER, ROLE_VISITOR, { "-----", "q-q-q", "-----" } },
    { EVENT_OFFER, ROLE_AGENT, { "-----", "q-q-q", "q-q--" } },
    { EVENT_OFFER, ROLE_BOT, { "-----", "q-q-q", "-----" } },
    { EVENT_OFFER, ROLE_PLATFORM, { "-----", "q-q-q", "-----" } },
    { EVENT_OFFER, ROLE_ROUTER, { "-----", "q-q-q", "-----" } },
    { EVENT_OFFER, ROLE_API, { "-----", "q-q-q", "-----" } },
    { EVENT_OFFER_ENDED, ROLE_VISITOR, { "-----", "e-e-e", "-----" } },
    { EVENT_OFFER_ENDED, ROLE_AGENT, { "-----", "e-e-e", "e-e--" } },
    { EVENT_OFFER_ENDED, ROLE_BOT, { "-----", "e-e-e", "-----" } },
    { EVENT_OFFER_ENDED, ROLE_PLATFORM, { "-----", "e-e-e", "-----" } },
    { EVENT_OFFER_ENDED, ROLE_ROUTER, { "-----", "e-e-e", "-----" } },
    { EVENT_OFFER_ENDED, ROLE_API, { "-----", "e-e-e", "-----" } },
    { EVENT_DEADLINE, ROLE_VISITOR, { "-----", "d-d-d", "-----" } },
    { EVENT_DEADLINE, ROLE_AGENT, { "-----", "d-d-d", "d-d--" } },
    { EVENT_DEADLINE, ROLE_BOT, { "-----", "d-d-d", "-----" } },
    { EVENT_DEADLINE, ROLE_PLATFORM, { "-----", "d-d-d", "-----" } },
    { EVENT_DEADLINE, ROLE_ROUTER, { "-----", "d-d-d", "-----" } },
    { EVENT_DEADLINE, ROLE_API, { "-----", "d-d-d", "-----" } },
    { EVENT_HANDOFF, ROLE_VISITOR, { "h-h-h", "h-h-h", "h-h--" } },
    { EVENT_HANDOFF, ROLE_AGENT, { "h-h-h", "h-h-h", "h-h--" } },
    { EVENT_HANDOFF, ROLE_BOT, { "h-h-h", "h-h-h", "-----" } },
    { EVENT_HANDOFF, ROLE_PLATFORM, { "h-h-h", "h-h-h", "-----" } },
    { EVENT_HANDOFF, ROLE_ROUTER, { "h-h-h", "h-h-h", "-----" } },
    { EVENT_HANDOFF, ROLE_API, { "h-h-h", "h-h-h", "-----" } },
    { EVENT_FAILURE, ROLE_API, { "fffff", "ff--f", "-----" } },
    { EVENT_FAILURE, ROLE_VISITOR, { "fffff", "ff--f", "fff--" } },
    { EVENT_FAILURE, ROLE_AGENT, { "fffff", "ff--f", "ff---" } },
    { EVENT_FAILURE, ROLE_BOT, { "fffff", "ff--f", "-----" } },
    { EVENT_FAILURE, ROLE_PLATFORM, { "fffff", "ff--f", "-----" } },
    { EVENT_FAILURE, ROLE_ROUTER, { "fffff", "ff--f", "-----" } },
    { EVENT_SESSION_CLOSED, ROLE_ROUTER, { "c-c-c", "c-c-c", "-----" } },
    { EVENT_SESSION_REOPENED, ROLE_ROUTER, { "o-o-o", "o-o-o", "-----" } },
    { EVENT_SESSION_CLOSED, ROLE_AGENT, { "c-c-c", "c-c-c", "c-c--" } },
    { EVENT_SESSION_REOPENED, ROLE_AGENT, { "o-o-o", "o-o-o", "o-o--" } },
    { EVENT_SESSION_CLOSED, ROLE_API, { "c-c-c", "c-c-c", "-----" } },
    { EVENT_SESSION_REOPENED, ROLE_API, { "o-o-o", "o-o-o", "-----" } },
    { EVENT_SESSION_OPENED, ROLE_ROUTER, { "p-p-p", "p-p-p", "-----" } },
    { EVENT_SESSION_OPENED, ROLE_API, { "p-p-p", "p-p-p", "-----" } },
    { EVENT_SESSION_OPENED, ROLE_AGENT, { "p-p-p", "p-p-p", "p-p--" } },
    { EVENT_SESSION_OPENED, ROLE_VISITOR, { "p-p-p", "p-p-p", "p-p--" } },
    { EVENT_ALERT_ACKNOWLEDGED, ROLE_AGENT, { "-----", "a-a--", "a-a--" } },
    { EVENT_ALERT_ACKNOWLEDGED, ROLE_API, { "-----", "a-a--", "-----" } },
    //  To agents over endpoints, and over no channel to anybody; of nobody but an agent.
    { EVENT_WHISPER, ROLE_AGENT, { "-----", "w-w--", "w-w--" } },
};
//  What the table does not have is shown to nobody.
#define EVENTS 100
#define ROLES 70
enum { CHANNEL = 4, COLUMNS };

static char
s_letter (uint64_t event)
{
    switch (event) {
    case 0:
        return '-';
    case EVENT_NEW_MESSAGE:
        return 'm';
    case EVENT_USER_JOINED:
        return 'j';
    case EVENT_USER_LEFT:
        return 'l';
    case EVENT_HANDOFF:
        return 'h';
    case EVENT_FAILURE:
        return 'f';
    case EVENT_SESSION_CLOSED:
        return 'c';
    case EVENT_SESSION_REOPENED:
        return 'o';
    case EVENT_SESSION_OPENED:
        return 'p';
    case EVENT_WHISPER:
        return 'w';
    case EVENT_ALERT_ACKNOWLEDGED:
        return 'a';
    case EVENT_OFFER:
        return 'q';
    case EVENT_OFFER_ENDED:
        return 'e';
    case EVENT_DEADLINE:
        return 'd';
    default:
        return '?';
    }
}

static stored_entry_t
s_entry (uint64_t event, uint64_t role, bool is_hidden)
{
    return (stored_entry_t){
        .seq = 1, .event = event, .role = role, .user = TEXT ("causer"), .hidden = is_hidden
    };
}

static listener_t
s_listener (uint64_t role, bool is_causer, unsigned column)
{
    return (listener_t){ .role = role,
                         .channel = column == CHANNEL ? TEXT ("sms.out") : TEXT_EMPTY,
                         .dialect = column & 1 ? DIALECT_WIDGET : DIALECT_RICH,
                         .user = is_causer ? TEXT ("causer") : TEXT ("other"),
                         .may = PERMISSIONS_ALL,
                         .replay = column == 2 || column == 3 };
}

static const row_t *
s_row (uint64_t event, uint64_t caused_by)
{
    for (size_t at = 0; at < sizeof s_rows / sizeof *s_rows; at++)
        if (s_rows[at].event == event && s_rows[at].caused_by == caused_by)
            return &s_rows[at];
    return NULL;
}

//  A platform got control quietly, or lost it: all but the visitor are told.
static bool
s_is_quiet (const stored_entry_t *entry)
{
    return entry->role == ROLE_PLATFORM
           && (entry->event == EVENT_BARGE_IN || entry->event == EVENT_BARGE_OUT);
}

//  A platform and a server are told by their channel what an agent is told; the others nothing.
static char
s_expected (const stored_entry_t *entry, const listener_t *listener, unsigned column)
{
    const row_t *row = s_row (entry->event, entry->role);
    if (!row || (entry->hidden && !(s_is_quiet (entry) && listener->role != ROLE_VISITOR)))
        return '-';
    if (listener->role == entry->role && text_is (listener->user, entry->user))
        return row->to[SELF][column];
    if (listener->role == ROLE_VISITOR)
        return row->to[VISITOR][column];
    bool hears = listener->role == ROLE_AGENT
                 || (column == CHANNEL
                     && (listener->role == ROLE_PLATFORM || listener->role == ROLE_API));
    return hears ? row->to[AGENT][column] : '-';
}

static void
s_walk (const stored_entry_t *entry)
{
    for (uint64_t role = 0; role <= ROLE_API + 1; role++)
        for (int is_causer = 0; is_causer < 2; is_causer++)
            for (unsigned column = 0; column < COLUMNS; column++) {
                listener_t listener = s_listener (role, is_causer, column);
                audience_t audience = audience_of (entry, &listener);
                char expected = s_expected (entry, &listener, column);
                audience_way_t way = expected == '-'     ? AUDIENCE_NOTHING
                                     : column == CHANNEL ? AUDIENCE_ITEM
                                                         : AUDIENCE_DELIVER;
                if (s_letter (audience.event) != expected || audience.way != way)
                    cr_assert_fail (
                        "event %d of role %d%s, to %s of role %d, column %u: %c, way %d, not %c",
                        (int) entry->event, (int) entry->role, entry->hidden ? ", hidden" : "",
                        is_causer ? "itself" : "another", (int) role, column,
                        s_letter (audience.event), audience.way, expected);
            }
}

Test (audience, who_is_shown_what)
{
    for (uint64_t event = 0; event < EVENTS; event++)
        for (uint64_t role = 1; role < ROLES; role++) {
            stored_entry_t shown = s_entry (event, role, false);
            stored_entry_t hidden = s_entry (event, role, true);
            s_walk (&shown);
            s_walk (&hidden);
        }
}

//  Whatever else it may do.
Test (audience, who_may_not_read_is_shown_nothing)
{
    for (size_t at = 0; at < sizeof s_rows / sizeof *s_rows; at++)
        for (uint64_t role = 0; role <= ROLE_API; role++)
            for (unsigned column = 0; column < COLUMNS; column++) {
                stored_entry_t entry = s_entry (s_rows[at].event, s_rows[at].caused_by, false);
                listener_t listener = s_listener (role, false, column);
                listener.may &= ~PERMISSION_BIT (PERMIT_SESSION_READ);
                cr_assert_eq (audience_of (&entry, &listener).way, AUDIENCE_NOTHING);
            }
}

//  The same name does not make a visitor an agent.
Test (audience, self_is_role_and_user)
{
    stored_entry_t entry = s_entry (EVENT_USER_JOINED, ROLE_VISITOR, false);
    for (unsigned column = 0; column < COLUMNS; column++) {
        listener_t listener = s_listener (ROLE_AGENT, true, column);
        cr_assert_eq (audience_of (&entry, &listener).event, EVENT_USER_JOINED);
    }
}

//  Through the API: every kind, and every event that there can be (bits of a number).
Test (audience, who_reads_which_events)
{
    for (uint64_t kind = 0; kind <= ROLE_API + 1; kind++) {
        uint64_t events = audience_events ((role_t) kind);
        bool reads_all = kind == ROLE_AGENT || kind == ROLE_API;
        cr_expect_eq (audience_sees_hidden ((role_t) kind), reads_all);
        for (uint64_t event = 0; event < 64; event++) {
            bool is_known = event_is_durable (event);
            bool is_read = events >> event & 1;
            bool is_for_visitors = is_known && event != EVENT_USER_JOINED
                                   && event != EVENT_USER_LEFT && event != EVENT_WHISPER
                                   && event != EVENT_OFFER && event != EVENT_OFFER_ENDED
                                   && event != EVENT_DEADLINE
                                   && event != EVENT_ALERT_ACKNOWLEDGED;
            //  A platform is told by its channel what an agent is, and reads no more than that.
            bool is_for_platforms = is_known && event != EVENT_WHISPER
                                    && event != EVENT_ALERT_ACKNOWLEDGED;
            bool expected = reads_all                ? is_known
                            : kind == ROLE_VISITOR   ? is_for_visitors
                            : kind == ROLE_PLATFORM && is_for_platforms;
            cr_expect_eq (is_read, expected, "event %d, kind %d", (int) event, (int) kind);
        }
    }
}
