//  door — who comes in: every kind of URL, with demo mode and without.

#include "client/door.h"

#include <criterion/criterion.h>

typedef struct {
    const char *query;
    close_reason_t reason, demo; //  without demo mode, and with it
    role_t kind;
} row_t;

static const row_t s_rows[] = {
    { "userId=u", CLOSE_CLIENT, CLOSE_CLIENT, ROLE_VISITOR },
    { "userId=u&isAdmin=false", CLOSE_CLIENT, CLOSE_CLIENT, ROLE_VISITOR },
    { "userId=u&appId=demo", CLOSE_CLIENT, CLOSE_CLIENT, ROLE_VISITOR },
    { "userId=u&isAdmin=true", CLOSE_NOT_ALLOWED, CLOSE_CLIENT, ROLE_AGENT },
    { "userId=u&isAdmin=true&protocol=2", CLOSE_NOT_ALLOWED, CLOSE_CLIENT, ROLE_AGENT },
    //  Demo mode makes nobody more than an agent, and lets nobody in who is nobody.
    { "userId=u&isAdmin=true&appId=none", CLOSE_UNKNOWN_APP, CLOSE_UNKNOWN_APP, ROLE_AGENT },
    { "userId=u&appId=none", CLOSE_UNKNOWN_APP, CLOSE_UNKNOWN_APP, ROLE_VISITOR },
    { "userId=u&appId=%20", CLOSE_UNKNOWN_APP, CLOSE_UNKNOWN_APP, ROLE_VISITOR },
    { "userId=the-Router&isAdmin=true", CLOSE_NOT_ALLOWED, CLOSE_NOT_ALLOWED, ROLE_AGENT },
    { "userId=router", CLOSE_NOT_ALLOWED, CLOSE_NOT_ALLOWED, ROLE_VISITOR },
    { "isAdmin=true", CLOSE_BAD_URL, CLOSE_BAD_URL, ROLE_AGENT },
    { "", CLOSE_BAD_URL, CLOSE_BAD_URL, ROLE_VISITOR },
    { "userId=u&isAdmin=1", CLOSE_BAD_URL, CLOSE_BAD_URL, ROLE_VISITOR },
    { "userId=u&isadmin=true", CLOSE_BAD_URL, CLOSE_BAD_URL, ROLE_VISITOR },
    { "userId=u&isAdmin=false&isAdmin=true", CLOSE_BAD_URL, CLOSE_BAD_URL, ROLE_VISITOR },
    { "userId=u&role=agent&kind=router", CLOSE_CLIENT, CLOSE_CLIENT, ROLE_VISITOR },
};

Test (door, who_comes_in)
{
    uv_loop_t loop;
    cr_assert_eq (uv_loop_init (&loop), 0);
    buffer_t complaint;
    buffer_init (&complaint, 1024);
    apps_t *apps =
        apps_new (&loop, &(apps_config_t){ .file = "", .app_id = "demo" }, &complaint);
    for (size_t at = 0; at < sizeof s_rows / sizeof *s_rows; at++)
        for (int demo_mode = 0; demo_mode <= 1; demo_mode++) {
            const row_t *row = &s_rows[at];
            door_t door = { .apps = apps, .demo_mode = demo_mode };
            client_url_t url;
            principal_t principal;
            client_url_read (&url, text_of (row->query));
            close_reason_t reason = door_ask (&door, &url, &principal);
            cr_expect_eq (reason, demo_mode ? row->demo : row->reason, "%s: %s", row->query,
                          close_reasons[reason].metric);
            if (reason != CLOSE_CLIENT)
                continue;
            cr_expect_eq (principal.kind, row->kind, "%s", row->query);
            cr_expect (text_is (principal.app, TEXT ("demo")));
            cr_expect (text_is (principal.user, TEXT ("u")));
            cr_expect_eq (principal.session.size, 0);
        }
    apps_destroy (&apps);
    uv_run (&loop, UV_RUN_DEFAULT);
    cr_assert_eq (uv_loop_close (&loop), 0);
}
