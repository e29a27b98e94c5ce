//  permissions — the doors of a postoffice, walked: every kind of principal, with every operation,
//  in own and foreign sessions, of the own and of a foreign app. principal_test walks the table.

#include "office_rig.h"

#include "model/principal.h"

#include <stdio.h>

typedef struct {
    const char *about;
    bool is_open; //  the session, by "vic"
    const char *user;
    const char *app;
} place_t;

static const place_t s_places[] = {
    { "own session", true, "vic", "demo" },
    { "foreign session", true, "mal", "demo" },
    { "own name in a foreign app", true, "vic", "other" },
    { "foreign session of a foreign app", true, "mal", "other" },
    { "no session", false, "vic", "demo" },
    { "no session of a foreign app", false, "vic", "other" },
};
#define PLACES (sizeof s_places / sizeof *s_places)

typedef enum { JOIN, SPEAK, TAKE, SPEAK_AGAIN, RELEASE, OPERATIONS } doing_t;

#define NOBODY "bad_request not_joined not_joined not_joined not_joined"
#define OUTSIDE "not_yours not_joined not_joined not_joined not_joined"
#define NOWHERE "not_joined not_joined not_joined not_joined not_joined"
#define VISITS "ok ok not_allowed ok not_allowed"
#define SERVES "ok not_in_control ok ok ok"

//  What comes of the operations, one after the other, at each of the places.
static const char *const s_expected[][PLACES] = {
    [ROLE_VISITOR] = { VISITS, OUTSIDE, OUTSIDE, OUTSIDE, VISITS, NOWHERE },
    [ROLE_AGENT] = { SERVES, SERVES, OUTSIDE, OUTSIDE, NOWHERE, NOWHERE },
    [ROLE_BOT] = { NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY },
    [ROLE_PLATFORM] = { NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY },
    [ROLE_ROUTER] = { NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY },
    [ROLE_API] = { NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY },
};

static void
s_ask (const bus_record_t *record)
{
    operation_t *operation = operation_of_record (2, record);
    sessions_ask (rig_office.sessions, KEY, &operation);
    rig_run ();
}

//  `may`: what the edge says that the endpoint may do at most; 0: nothing is said.
static void
s_do (doing_t doing, role_t kind, const place_t *place, uint64_t may)
{
    static const event_t events[] = { [SPEAK] = EVENT_NEW_MESSAGE,
                                      [TAKE] = EVENT_BARGE_IN,
                                      [SPEAK_AGAIN] = EVENT_NEW_MESSAGE,
                                      [RELEASE] = EVENT_BARGE_OUT };
    if (doing == JOIN)
        s_ask (&(bus_record_t){ .kind = BUS_ATTACH,
                                .attach = { .endpoint = 9,
                                            .reason = ATTACH_JOIN,
                                            .session = KEY,
                                            .app = text_of (place->app),
                                            .user = text_of (place->user),
                                            .role = kind,
                                            .dialect = DIALECT_RICH,
                                            .seq = SEQ_UNKNOWN,
                                            .sender = TEXT ("{}"),
                                            .may = may } });
    else
        s_ask (&(bus_record_t){ .kind = BUS_POST,
                                .post = { .request_id = doing,
                                          .endpoint = 9,
                                          .session = KEY,
                                          .event = events[doing],
                                          .message_id = (text_t){ &"1234567"[doing], 1 },
                                          .sender = TEXT ("{}"),
                                          .data = TEXT ("{}"),
                                          .secret = TEXT_EMPTY } });
}

//  The code in "e2 ATTACHED 9 ok #1" or "e2 POSTED 3 ok #2".
static const char *
s_verdict (char room[40])
{
    const char *line = strstr (rig_story (), "e2 ATTACHED ");
    if (!line)
        line = strstr (rig_story (), "e2 POSTED ");
    cr_assert (line, "no answer: %s", rig_story ());
    cr_assert_eq (sscanf (line, "e2 %*s %*d %39s", room), 1);
    return room;
}

//  What is posted through the API, from no endpoint.
Test (permissions, every_kind_by_request)
{
    static const char *const expected[][3] = {
        //  own session, foreign session, no session
        [ROLE_VISITOR] = { "ok", "not_yours", "not_joined" },
        [ROLE_AGENT] = { "not_in_control", "not_in_control", "not_joined" },
        [ROLE_BOT] = { "not_allowed", "not_allowed", "not_joined" },
        [ROLE_PLATFORM] = { "not_in_control", "not_in_control", "not_joined" },
        [ROLE_ROUTER] = { "not_allowed", "not_allowed", "not_joined" },
        [ROLE_API] = { "ok", "ok", "not_joined" }, //  for the app
    };
    for (role_t kind = ROLE_VISITOR; kind <= ROLE_API; kind++)
        for (size_t at = 0; at < 3; at++) {
            char code[40];
            rig_begin ();
            if (at < 2)
                visitor_joins (1, 5);
            rig_run ();
            rig_forget ();
            say_by_request (kind, at == 1 ? "mal" : "vic", "m");
            rig_run ();
            const char *line = strstr (rig_story (), "api POSTED 1 ");
            cr_assert (line && sscanf (line, "api POSTED 1 %39s", code) == 1);
            cr_expect_str_eq (code, expected[kind][at], "%s: %s", role_name (kind), code);
            rig_end ();
        }
}

//  All operations, one after the other; returns how many were allowed.
static unsigned
s_walk (role_t kind, const place_t *place, uint64_t may, const char *expected)
{
    char outcome[200] = "", room[40];
    unsigned allowed = 0;
    rig_begin ();
    if (place->is_open)
        visitor_joins (1, 5);
    rig_run ();
    uint64_t before = fake_store_last (KEY);
    for (doing_t doing = JOIN; doing < OPERATIONS; doing++) {
        rig_forget ();
        s_do (doing, kind, place, may);
        size_t size = strlen (outcome);
        snprintf (outcome + size, sizeof outcome - size, "%s%s", size ? " " : "",
                  s_verdict (room));
        allowed += strcmp (room, "ok") == 0;
    }
    cr_expect_str_eq (outcome, expected, "%s in %s, may %#llx: %s", role_name (kind),
                      place->about, (unsigned long long) may, outcome);
    //  Who may not even come in leaves nothing behind.
    if (strncmp (expected, "ok", 2) != 0)
        cr_expect_eq (fake_store_last (KEY), before);
    rig_end ();
    return allowed;
}

//  An edge that says nothing of permissions, or says that everything is permitted, changes nothing.
Test (permissions, every_door)
{
    static const uint64_t said[] = { 0, PERMISSIONS_ALL };
    unsigned cells = 0, allowed = 0;
    for (role_t kind = ROLE_VISITOR; kind <= ROLE_API; kind++)
        for (size_t at = 0; at < PLACES; at++)
            for (size_t each = 0; each < 2; each++) {
                allowed += s_walk (kind, &s_places[at], said[each], s_expected[kind][at]);
                cells += OPERATIONS;
            }
    cr_expect_eq (cells, 6 * PLACES * OPERATIONS * 2);
    cr_expect (allowed > 0 && allowed < cells);
}

#define STOPPED "not_allowed not_joined not_joined not_joined not_joined"

//  What an edge takes from an endpoint the endpoint may not do, and everything else as before.
Test (permissions, an_edge_takes_one_away)
{
    static const struct {
        const char *visitor; //  in its own session
        const char *opener;  //  a visitor where there is no session yet
        const char *agent;
    } expected[PERMISSIONS] = {
        [PERMIT_SESSION_OPEN] = { VISITS, STOPPED, SERVES },
        [PERMIT_SESSION_JOIN] = { STOPPED, VISITS, STOPPED },
        [PERMIT_SESSION_READ] = { VISITS, VISITS, SERVES },
        [PERMIT_MESSAGE_POST] = { "ok not_allowed not_allowed not_allowed not_allowed",
                                  "ok not_allowed not_allowed not_allowed not_allowed",
                                  "ok not_allowed ok not_allowed ok" },
        [PERMIT_CONTROL_TAKE] = { VISITS, VISITS,
                                  "ok not_in_control not_allowed not_in_control ok" },
        [PERMIT_CONTROL_RELEASE] = { VISITS, VISITS, "ok not_in_control ok ok not_allowed" },
    };
    for (permission_t without = 0; without < PERMISSIONS; without++) {
        uint64_t may = PERMISSIONS_ALL & ~PERMISSION_BIT (without);
        //  The others are asked for by the API alone.
        bool is_of_sockets = expected[without].visitor != NULL;
        s_walk (ROLE_VISITOR, &s_places[0], may,
                is_of_sockets ? expected[without].visitor : VISITS);
        s_walk (ROLE_VISITOR, &s_places[4], may,
                is_of_sockets ? expected[without].opener : VISITS);
        s_walk (ROLE_AGENT, &s_places[1], may,
                is_of_sockets ? expected[without].agent : SERVES);
    }
}

//  A token whose scopes name nothing that is known: that is said, and is not silence.
Test (permissions, an_edge_takes_everything_away)
{
    s_walk (ROLE_VISITOR, &s_places[0], PERMISSIONS_SAID, STOPPED);
    s_walk (ROLE_VISITOR, &s_places[4], PERMISSIONS_SAID, STOPPED);
    s_walk (ROLE_AGENT, &s_places[1], PERMISSIONS_SAID, STOPPED);
}

//  Without SESSION_READ an endpoint is answered, and told nothing: neither as it happens, nor from
//  the log. Without MESSAGE_POST its typing is nobody's.
Test (permissions, endpoints_that_may_not_receive_or_send)
{
    rig_begin ();
    visitor_joins (1, 5);
    rig_run ();
    rig_forget ();
    uint64_t may = permissions_of (ROLE_AGENT) & ~PERMISSION_BIT (PERMIT_SESSION_READ);
    s_do (JOIN, ROLE_AGENT, &s_places[1], may);
    EXPECT ("e2 ATTACHED 9 ok #2\n");
    say (1, 5, "hello");
    type (1, 5, EVENT_TYPING);
    rig_run ();
    EXPECT ("e1 POSTED 1 ok #3\n");
    s_do (TAKE, ROLE_AGENT, &s_places[1], may);
    rig_forget ();
    type (2, 9, EVENT_TYPING);
    EXPECT ("e1 BROADCAST 5 typing\n");
    s_do (SPEAK_AGAIN, ROLE_AGENT, &s_places[1], may);
    EXPECT ("e1 DELIVER 5 #5 {}\n"
            "e2 POSTED 3 ok #5\n");
    //  It comes again, and may read and not send: what the edge says last counts.
    may = permissions_of (ROLE_AGENT) & ~PERMISSION_BIT (PERMIT_MESSAGE_POST);
    attach_with (2, 9, ROLE_AGENT, "mal", ATTACH_RESUME, 3, may);
    rig_run ();
    EXPECT ("e2 ATTACHED 9 ok #5\n"
            "e2 DELIVER 9 #4 user joined\n"
            "e2 DELIVER 9 #5 {}\n"
            "e2 BROADCAST 9 stop typing\n");
    type (2, 9, EVENT_STOP_TYPING);
    EXPECT ("");
    rig_end ();
}
