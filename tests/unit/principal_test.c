//  principal — who may do what: every kind with every permission, in own and foreign sessions of
//  the own and of a foreign app; and the way of a principal over the bus.

#include "model/principal.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

//  The table once more, as the scopes' first letters: never, own, app.
static const char *const s_expected[PERMISSIONS] = {
    //                          visitor, agent, bot, platform, router, api
    [PERMIT_SESSION_OPEN] = "annnaa", [PERMIT_SESSION_JOIN] = "oannan",
    [PERMIT_SESSION_READ] = "oannaa", [PERMIT_MESSAGE_POST] = "oannan",
    [PERMIT_CONTROL_TAKE] = "nannan", [PERMIT_CONTROL_RELEASE] = "nannaa",
    [PERMIT_SESSION_LIST] = "oannaa", [PERMIT_MESSAGE_POST_AS] = "nnnnaa",
    [PERMIT_SESSION_CLOSE] = "nannaa", [PERMIT_WORK_READ] = "nnnnaa",
    [PERMIT_WORK_CHANGE] = "nnnnaa", [PERMIT_VISITOR_EXPORT] = "nnnnaa",
    [PERMIT_VISITOR_ERASE] = "nnnnaa", [PERMIT_CONFIG_READ] = "nnnnaa",
    [PERMIT_SESSION_WATCH] = "nannaa",
    [PERMIT_SESSION_ATTEND] = "nannaa", [PERMIT_AGENT_READ] = "nannaa",
    [PERMIT_AGENT_SET] = "nannan",      [PERMIT_AGENT_MANAGE] = "nannaa",
    [PERMIT_SESSION_WHISPER] = "nannaa", [PERMIT_CONTROL_OFFER] = "nannaa",
    [PERMIT_ALERT_READ] = "nannaa",     [PERMIT_ALERT_ACKNOWLEDGE] = "nannaa",
    [PERMIT_ALERT_TRY] = "nnnnaa",
};

typedef struct {
    const char *user;    //  who asks
    const char *visitor; //  whose session it is
    const char *app;     //  of the session
    const char *bound;   //  the session that the principal is bound to
    bool is_own, is_app; //  may it with the scope OWN, with APP?
} place_t;

//  The principal is of the app "a"; the session is "s".
static const place_t s_places[] = {
    { "u", "u", "a", "", true, true },    { "u", "v", "a", "", false, true },
    { "u", "", "a", "", false, true },    { "u", "u", "b", "", false, false },
    { "u", "v", "b", "", false, false },  { "u", "u", "a", "s", true, true },
    { "u", "u", "a", "t", false, false }, { "u", "v", "a", "s", false, true },
};

Test (principal, every_kind_permission_and_session)
{
    unsigned cells = 0, allowed = 0;
    for (size_t permission = 0; permission < PERMISSIONS; permission++)
        for (role_t kind = ROLE_VISITOR; kind <= ROLE_API; kind++)
            for (size_t at = 0; at < sizeof s_places / sizeof *s_places; at++) {
                const place_t *place = &s_places[at];
                char scope = s_expected[permission][kind - ROLE_VISITOR];
                principal_t principal = { .kind = kind,
                                          .app = TEXT ("a"),
                                          .user = text_of (place->user),
                                          .session = text_of (place->bound) };
                bool expected = scope == 'a' ? place->is_app : scope == 'o' && place->is_own;
                bool may = principal_may (&principal, permission, text_of (place->app),
                                          TEXT ("s"), text_of (place->visitor));
                cr_expect_eq (may, expected, "%s %s %zu", permission_name (permission),
                              role_name (kind), at);
                cells++;
                allowed += may;
            }
    cr_expect_eq (cells, PERMISSIONS * 6 * 8);
    cr_expect (allowed > 0 && allowed < cells);
}

//  The set says the same as the single questions, in each place.
Test (principal, permissions_as_a_set)
{
    for (role_t kind = ROLE_VISITOR; kind <= ROLE_API; kind++) {
        uint64_t of_kind = 0;
        for (permission_t permission = 0; permission < PERMISSIONS; permission++)
            if (s_expected[permission][kind - ROLE_VISITOR] != 'n')
                of_kind |= PERMISSION_BIT (permission);
        cr_expect_eq (permissions_of (kind), of_kind, "%s", role_name (kind));
        for (size_t at = 0; at < sizeof s_places / sizeof *s_places; at++) {
            const place_t *place = &s_places[at];
            principal_t principal = { .kind = kind,
                                      .app = TEXT ("a"),
                                      .user = text_of (place->user),
                                      .session = text_of (place->bound) };
            text_t app = text_of (place->app), visitor = text_of (place->visitor);
            uint64_t set = principal_permissions (&principal, app, TEXT ("s"), visitor);
            cr_expect_eq (set & ~of_kind, 0);
            for (permission_t permission = 0; permission < PERMISSIONS; permission++)
                cr_expect_eq (principal_may (&principal, permission, app, TEXT ("s"), visitor),
                              (set & PERMISSION_BIT (permission)) != 0, "%s %s %zu",
                              permission_name (permission), role_name (kind), at);
        }
    }
}

static principal_copy_t *
s_over_the_bus (const principal_t *principal, buffer_t *json)
{
    json_writer_t writer;
    buffer_init (json, 4096);
    json_write_begin (&writer, json);
    principal_write (principal, NULL, &writer);
    cr_assert_eq (json_write_end (&writer), 0);
    return principal_read (buffer_text (json));
}

//  What a token must name is of the kind, and of agents only.
Test (principal, what_a_token_must_name)
{
    cr_expect_eq (permissions_named (ROLE_AGENT), PERMISSION_BIT (PERMIT_AGENT_MANAGE));
    cr_expect_eq (permissions_named (ROLE_VISITOR) | permissions_named (ROLE_API), 0);
}

Test (principal, comes_over_the_bus_as_it_was)
{
    const text_t groups[] = { TEXT ("sales"), TEXT ("d\xc3\xa9 \"") };
    for (role_t kind = ROLE_VISITOR; kind <= ROLE_API; kind++) {
        buffer_t json;
        principal_t principal = { kind, TEXT ("demo"), TEXT ("ann \"\\\n\xc3\xa9"),
                                  TEXT ("s/1"), TEXT ("Ann"), groups, 2 };
        principal_copy_t *copy = s_over_the_bus (&principal, &json);
        cr_assert (copy);
        const principal_t *read = principal_of (copy);
        cr_expect (read->kind == kind && text_is (read->app, principal.app)
                   && text_is (read->user, principal.user)
                   && text_is (read->session, principal.session)
                   && text_is (read->name, principal.name) && read->group_count == 2
                   && text_is (read->groups[0], groups[0])
                   && text_is (read->groups[1], groups[1]));
        principal_copy_destroy (&copy);
        buffer_free (&json);
    }
}

typedef struct {
    char json[200];
    bool is_one;
} json_case_t;

ParameterizedTestParameters (principal, json)
{
    static json_case_t cases[] = {
        { "{\"kind\":\"agent\",\"app\":\"a\",\"user\":\"u\"}", true },
        { "{\"kind\":\"agent\",\"app\":\"a\",\"user\":\"u\",\"scopes\":[1],\"later\":{}}", true },
        { "{\"kind\":\"agent\",\"app\":\"a\",\"user\":\"u\",\"groups\":[]}", true },
        { "{\"kind\":\"agent\",\"app\":\"a\",\"user\":\"u\",\"groups\":{}}", false },
        { "{\"kind\":\"agent\",\"app\":\"a\",\"user\":\"u\",\"groups\":[1]}", false },
        { "{\"kind\":\"agent\",\"app\":\"a\",\"user\":\"u\",\"groups\":[\"\"]}", false },
        { "", false },
        { "null", false },
        { "[]", false },
        { "{}", false },
        { "{\"kind\":\"king\",\"app\":\"a\",\"user\":\"u\"}", false },
        { "{\"kind\":\"unknown\",\"app\":\"a\",\"user\":\"u\"}", false },
        { "{\"kind\":2,\"app\":\"a\",\"user\":\"u\"}", false },
        { "{\"kind\":\"agent\",\"app\":\"\",\"user\":\"u\"}", false },
        { "{\"kind\":\"agent\",\"app\":\"a\",\"user\":\"\"}", false },
        { "{\"kind\":\"agent\",\"app\":\"a\",\"user\":[\"u\"]}", false },
        { "{\"kind\":\"agent\",\"app\":"
          "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "aaaaa\",\"user\":\"u\"}",
          false },
        { "{\"kind\":\"agent\",\"app\":\"a\",\"user\":\"u\"} x", false },
    };
    return cr_make_param_array (json_case_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (json_case_t *param, principal, json)
{
    principal_copy_t *copy = principal_read (text_of (param->json));
    cr_expect_eq (copy != NULL, param->is_one, "%s", param->json);
    principal_copy_destroy (&copy);
}
