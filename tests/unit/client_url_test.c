#include "net/client_url.h"

#include <criterion/criterion.h>
#include <stdio.h>

static close_reason_t
s_check (client_url_t *url, const char *query)
{
    client_url_read (url, text_of (query));
    return client_url_check (url);
}

Test (client_url, takes_what_the_widget_says)
{
    client_url_t url;
    cr_assert_eq (s_check (&url, "userId=u-1&isAdmin=false&createWsReason=wakeup"), CLOSE_CLIENT);
    cr_assert (text_is (url.user, TEXT ("u-1")));
    cr_assert_eq (url.app.size, 0);
    cr_assert_not (url.admin);
    cr_assert_not (url.rich);
}

Test (client_url, takes_app_admin_and_protocol)
{
    client_url_t url;
    cr_assert_eq (s_check (&url, "appId=a.B_c-9&userId=%c3%A4+b%20c&isAdmin=true&&protocol=2&"),
                  CLOSE_CLIENT);
    cr_assert (text_is (url.app, TEXT ("a.B_c-9")));
    cr_assert (text_is (url.user, TEXT ("\xc3\xa4 b c")));
    cr_assert (url.admin);
    cr_assert (url.rich);
}

Test (client_url, reads_encoded_names)
{
    client_url_t url;
    cr_assert_eq (s_check (&url, "%75serId=u-1&app%49d=a"), CLOSE_CLIENT);
    cr_assert (text_is (url.user, TEXT ("u-1")));
    cr_assert (text_is (url.app, TEXT ("a")));
}

typedef struct {
    const char *query;
    close_reason_t reason;
} row_t;

Test (client_url, refuses_what_was_not_meant)
{
    static const row_t rows[] = {
        { "", CLOSE_CLIENT },
        { "isAdmin=false", CLOSE_CLIENT },
        { "userId", CLOSE_BAD_URL },
        { "userId=", CLOSE_BAD_URL },
        { "userId=a%01", CLOSE_BAD_URL },
        { "userId=a%00", CLOSE_BAD_URL },
        { "userId=a%7f", CLOSE_BAD_URL },
        { "userId=a%0a", CLOSE_BAD_URL },
        { "userId=%ff", CLOSE_BAD_URL },
        { "userId=a%", CLOSE_BAD_URL },
        { "userId=a%2", CLOSE_BAD_URL },
        { "userId=a%2g", CLOSE_BAD_URL },
        { "userId=u-1&userId=u-2", CLOSE_BAD_URL },
        { "userId=u-1&%75serId=u-1", CLOSE_BAD_URL },
        { "userId=u&USERID=u", CLOSE_BAD_URL },
        { "userId=u&isAdmin=false&isAdmin=true", CLOSE_BAD_URL },
        { "userId=u&isAdmin=TRUE", CLOSE_BAD_URL },
        { "userId=u&isAdmin=", CLOSE_BAD_URL },
        { "userId=u&isAdmin", CLOSE_BAD_URL },
        { "userId=u&isadmin=true", CLOSE_BAD_URL },
        { "userId=u&protocol=3", CLOSE_BAD_URL },
        { "userId=u&protocol=2%20", CLOSE_BAD_URL },
        { "userId=u&protocol=2&protocol=2", CLOSE_BAD_URL },
        { "userId=u&app%4gd=a", CLOSE_BAD_URL },
        { "userId=router", CLOSE_NOT_ALLOWED },
        { "userId=my-RouTer", CLOSE_NOT_ALLOWED },
        { "userId=router-1", CLOSE_CLIENT },
        { "userId=u&appId=a/b", CLOSE_UNKNOWN_APP },
        { "userId=u&appId=a%2Fb", CLOSE_UNKNOWN_APP },
        { "userId=u&appId=a+b", CLOSE_UNKNOWN_APP },
        { "userId=u&appId=a%00", CLOSE_UNKNOWN_APP },
        { "userId=u&appId=a%", CLOSE_UNKNOWN_APP },
        { "userId=u&appId=", CLOSE_UNKNOWN_APP },
        { "userId=u&appId", CLOSE_UNKNOWN_APP },
        { "userId=u&appid=a", CLOSE_UNKNOWN_APP },
        { "appId=a&userId=u&appId=a", CLOSE_UNKNOWN_APP },
        //  Not ours.
        { "userId=u&appIds=1&x=%zz&createWsReason=a&createWsReason=b", CLOSE_CLIENT },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        client_url_t url;
        cr_expect_eq (s_check (&url, rows[at].query), rows[at].reason, "%s", rows[at].query);
    }
}

static close_reason_t
s_check_long (const char *name, int size, const char *piece)
{
    static char query[64000];
    client_url_t url;
    size_t end = (size_t) snprintf (query, sizeof query, "%s=", name);
    for (int at = 0; at < size; at++)
        end += (size_t) snprintf (query + end, sizeof query - end, "%s", piece);
    snprintf (query + end, sizeof query - end, "%s",
              strcmp (name, "userId") == 0 ? "" : "&userId=u");
    return s_check (&url, query);
}

Test (client_url, nothing_is_cut_or_passed_over)
{
    cr_expect_eq (s_check_long ("userId", USER_ID_MAX, "x"), CLOSE_CLIENT);
    cr_expect_eq (s_check_long ("userId", USER_ID_MAX, "%78"), CLOSE_CLIENT);
    cr_expect_eq (s_check_long ("userId", USER_ID_MAX + 1, "x"), CLOSE_BAD_URL);
    cr_expect_eq (s_check_long ("userId", 5000, "%78"), CLOSE_BAD_URL);
    cr_expect_eq (s_check_long ("appId", APP_ID_MAX, "%78"), CLOSE_CLIENT);
    cr_expect_eq (s_check_long ("appId", APP_ID_MAX + 1, "x"), CLOSE_UNKNOWN_APP);
    cr_expect_eq (s_check_long ("appId", 5000, "x"), CLOSE_UNKNOWN_APP);
    cr_expect_eq (s_check_long ("isAdmin", 5000, "true"), CLOSE_BAD_URL);
    cr_expect_eq (s_check_long ("protocol", 5000, "2"), CLOSE_BAD_URL);
    cr_expect_eq (s_check_long ("createWsReason", 5000, "x"), CLOSE_CLIENT);
}
