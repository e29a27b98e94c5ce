#include "client_url.h"

#include <criterion/criterion.h>

static close_reason_t
s_check (const char *const *pairs, client_url_t *url)
{
    client_url_init (url);
    while (*pairs)
        client_url_take (url, text_of (*pairs++));
    return client_url_check (url);
}

#define CHECK(url, ...) s_check ((const char *const[]){ __VA_ARGS__, NULL }, url)

Test (client_url, takes_what_the_widget_says)
{
    client_url_t url;
    cr_assert_eq (CHECK (&url, "userId=u-1", "isAdmin=false", "createWsReason=wakeup"),
                  CLOSE_CLIENT);
    cr_assert (text_is (client_url_user (&url), TEXT ("u-1")));
    cr_assert_eq (client_url_app (&url).size, 0);
    cr_assert_not (url.admin);
    cr_assert_not (url.rich);
}

Test (client_url, takes_app_admin_and_protocol)
{
    client_url_t url;
    cr_assert_eq (CHECK (&url, "appId=a.B_c-9", "userId=\xc3\xa4 b", "isAdmin=true", "protocol=2"),
                  CLOSE_CLIENT);
    cr_assert (text_is (client_url_app (&url), TEXT ("a.B_c-9")));
    cr_assert (text_is (client_url_user (&url), TEXT ("\xc3\xa4 b")));
    cr_assert (url.admin);
    cr_assert (url.rich);
}

Test (client_url, the_first_of_a_name_counts)
{
    client_url_t url;
    cr_assert_eq (CHECK (&url, "userId=u-1", "userId=u-2", "isAdmin=false", "isAdmin=true"),
                  CLOSE_CLIENT);
    cr_assert (text_is (client_url_user (&url), TEXT ("u-1")));
    cr_assert_not (url.admin);
}

Test (client_url, refuses)
{
    client_url_t url;
    char longest[7 + USER_ID_MAX + 2] = "userId=";
    memset (longest + 7, 'x', USER_ID_MAX);
    longest[7 + USER_ID_MAX] = 0;
    cr_expect_eq (CHECK (&url, longest), CLOSE_CLIENT);
    strcat (longest, "x");
    cr_expect_eq (CHECK (&url, longest), CLOSE_BAD_URL);
    cr_expect_eq (CHECK (&url, "isAdmin=false"), CLOSE_BAD_URL);
    cr_expect_eq (CHECK (&url, "userId="), CLOSE_BAD_URL);
    cr_expect_eq (CHECK (&url, "userId"), CLOSE_BAD_URL);
    cr_expect_eq (CHECK (&url, "userId=a\x01"), CLOSE_BAD_URL);
    cr_expect_eq (CHECK (&url, "userId=a\x7f"), CLOSE_BAD_URL);
    cr_expect_eq (CHECK (&url, "userId=\xff"), CLOSE_BAD_URL);
    cr_expect_eq (CHECK (&url, "userId=router"), CLOSE_NOT_ALLOWED);
    cr_expect_eq (CHECK (&url, "userId=my-RouTer"), CLOSE_NOT_ALLOWED);
    cr_expect_eq (CHECK (&url, "userId=router-1"), CLOSE_CLIENT);
    cr_expect_eq (CHECK (&url, "userId=u", "appId=a/b"), CLOSE_UNKNOWN_APP);
    cr_expect_eq (CHECK (&url, "userId=u", "appId=a b"), CLOSE_UNKNOWN_APP);
}
