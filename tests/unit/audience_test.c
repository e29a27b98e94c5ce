//  audience — every event, caused by every role, for every listener: who is shown what.

#include "rules/audience.h"

#include "model/principal.h"

#include <criterion/criterion.h>
#include <stdio.h>

//  The listeners of a table's columns: visitor and agent, and the one who caused the entry.
typedef enum { VISITOR, AGENT, SELF } who_t;

//  "live rich, live widget, replay rich, replay widget" as letters: '-' not shown, 'm' new message,
//  'j' user joined, 'l' user left, 'h' handoff, 'f' failure.
typedef struct {
    event_t event;
    role_t caused_by;
    const char *to[3];
} row_t;

static const row_t s_rows[] = {
    { EVENT_USER_JOINED, ROLE_VISITOR, { "----", "jjjj", "----" } },
    { EVENT_USER_JOINED, ROLE_AGENT, { "----", "----", "----" } },
    { EVENT_USER_LEFT, ROLE_VISITOR, { "----", "llll", "----" } },
    { EVENT_USER_LEFT, ROLE_AGENT, { "----", "----", "----" } },
    { EVENT_NEW_MESSAGE, ROLE_VISITOR, { "mmmm", "mmmm", "mmm-" } },
    { EVENT_NEW_MESSAGE, ROLE_AGENT, { "mmmm", "mmmm", "mmm-" } },
    { EVENT_NEW_MESSAGE, ROLE_BOT, { "mmmm", "mmmm", NULL } },
    { EVENT_NEW_MESSAGE, ROLE_PLATFORM, { "mmmm", "mmmm", NULL } },
    { EVENT_BARGE_IN, ROLE_AGENT, { "jjjj", "jjjj", "j-j-" } },
    { EVENT_BARGE_OUT, ROLE_AGENT, { "llll", "llll", "llll" } },
    { EVENT_HANDOFF, ROLE_BOT, { "h-h-", "h-h-", NULL } },
    { EVENT_FAILURE, ROLE_BOT, { "ffff", "ff--", NULL } },
    { EVENT_SESSION_CLOSED, ROLE_ROUTER, { "c-c-", "c-c-", NULL } },
    { EVENT_SESSION_REOPENED, ROLE_ROUTER, { "o-o-", "o-o-", NULL } },
};

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
    default:
        return '?';
    }
}

static stored_entry_t
s_entry (uint64_t event, uint64_t role)
{
    return (stored_entry_t){ .seq = 1, .event = event, .role = role, .user = TEXT ("causer") };
}

static listener_t
s_listener (who_t who, role_t caused_by, unsigned column)
{
    return (listener_t){ .role = who == VISITOR ? ROLE_VISITOR
                                 : who == AGENT ? ROLE_AGENT
                                                : caused_by,
                         .dialect = column & 1 ? DIALECT_WIDGET : DIALECT_RICH,
                         .user = who == SELF ? TEXT ("causer") : TEXT ("other"),
                         .may = PERMISSIONS_ALL,
                         .replay = column >= 2 };
}

Test (audience, who_is_shown_what)
{
    for (size_t at = 0; at < sizeof s_rows / sizeof *s_rows; at++)
        for (who_t who = VISITOR; who <= SELF; who++) {
            if (!s_rows[at].to[who])
                continue;
            char shown[5] = "";
            stored_entry_t entry = s_entry (s_rows[at].event, s_rows[at].caused_by);
            for (unsigned column = 0; column < 4; column++) {
                listener_t listener = s_listener (who, s_rows[at].caused_by, column);
                shown[column] = s_letter (audience_event (&entry, &listener));
            }
            cr_assert_str_eq (shown, s_rows[at].to[who], "%s of role %d, to %d: %s, not %s",
                              event_wire_name (s_rows[at].event), (int) s_rows[at].caused_by, who,
                              shown, s_rows[at].to[who]);
        }
}

//  What the table does not have is shown to nobody.
Test (audience, all_else_is_for_nobody)
{
    for (uint64_t event = 0; event < 100; event++)
        for (uint64_t role = 0; role < 40; role++) {
            bool has_row = event == EVENT_NEW_MESSAGE || event == EVENT_HANDOFF
                           || event == EVENT_FAILURE;
            for (size_t at = 0; at < sizeof s_rows / sizeof *s_rows; at++)
                has_row |= s_rows[at].event == event && s_rows[at].caused_by == role;
            stored_entry_t entry = s_entry (event, role);
            for (unsigned column = 0; column < 8; column++) {
                listener_t listener
                    = s_listener (column < 4 ? VISITOR : AGENT, ROLE_BOT, column & 3);
                if (!has_row || role > ROLE_ROUTER)
                    cr_assert_eq (audience_event (&entry, &listener), 0);
            }
        }
}

Test (audience, hidden_entries_are_for_nobody)
{
    for (size_t at = 0; at < sizeof s_rows / sizeof *s_rows; at++) {
        stored_entry_t entry = s_entry (s_rows[at].event, s_rows[at].caused_by);
        entry.hidden = 1;
        for (unsigned column = 0; column < 8; column++) {
            listener_t listener = s_listener (column < 4 ? VISITOR : AGENT, ROLE_BOT, column & 3);
            cr_assert_eq (audience_event (&entry, &listener), 0);
        }
    }
}

//  Whatever else it may do.
Test (audience, who_may_not_read_is_shown_nothing)
{
    for (size_t at = 0; at < sizeof s_rows / sizeof *s_rows; at++)
        for (unsigned column = 0; column < 8; column++) {
            stored_entry_t entry = s_entry (s_rows[at].event, s_rows[at].caused_by);
            listener_t listener = s_listener (column < 4 ? VISITOR : AGENT, ROLE_BOT, column & 3);
            listener.may &= ~PERMISSION_BIT (PERMIT_SESSION_READ);
            cr_assert_eq (audience_event (&entry, &listener), 0);
        }
}

//  The same name does not make a visitor an agent.
Test (audience, self_is_role_and_user)
{
    stored_entry_t entry = s_entry (EVENT_USER_JOINED, ROLE_VISITOR);
    listener_t listener = s_listener (SELF, ROLE_AGENT, 0);
    cr_assert_eq (audience_event (&entry, &listener), EVENT_USER_JOINED);
}
