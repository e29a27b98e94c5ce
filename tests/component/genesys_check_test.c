//  genesys-connector --check: what it says of each thing that can be set up wrongly, before the
//  scripted Genesys Cloud and a real edge.

#include "bot.h"
#include "edge_fixture.h"
#include "eventually.h"
#include "genesys_platform.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define WITHIN_MS 30000
#define UNSIGNED "stentor_edge_webhooks_total{result=\"unsigned\"}"

static stage_t *s_edge;

//  Runs it; `lines` are texts that must stand in what it says, with `|` between.
static void
s_check (const char *app, const char *setting, int code, const char *lines)
{
    const char *const words[] = { "--check", app, NULL };
    bool has_apps = setting && strncmp (setting, "APPS_FILE=", 10) == 0;
    const char *const settings[] = { has_apps ? setting : genesys_platform_apps (),
                                     has_apps ? NULL : setting, NULL };
    process_t *check = process_new ("check", "genesys-connector", words, settings);
    int ended = process_wait_exit (check, WITHIN_MS);
    char *said = process_log (check), wanted[500], *rest = wanted;
    cr_assert_eq (ended, code, "%d: %s", ended, said);
    snprintf (wanted, sizeof wanted, "%s", lines);
    for (char *line = strsep (&rest, "|"); line; line = strsep (&rest, "|"))
        cr_assert (strstr (said, line), "%s\nis not in\n%s", line, said);
    cr_assert (!strstr (said, "very-secret"), "%s", said);
    free (said);
    process_destroy (&check);
}

//  The edge serves the app, and the integration's webhook leads to it.
static void
s_start (void)
{
    genesys_platform_start (NULL);
    s_edge = START (genesys_platform_apps ());
    genesys_control ("set?webhookUrl=http://127.0.0.1:%u/webhooks/demo/genesys", s_edge->port);
}

static void
s_end (void)
{
    stage_end (s_edge);
    genesys_platform_end ();
}

Test (genesys_check, everything_fits, .timeout = 60)
{
    char url[80];
    s_start ();
    snprintf (url, sizeof url, "EDGE_PUBLIC_URL=http://127.0.0.1:%u/", s_edge->port);
    static const char good[] = "login         ok: a token is there\n|"
                               "integration   ok: \"Router\", active\n|"
                               "/webhooks/demo/genesys refuses what is not signed (for this "
                               "machine only: Genesys cannot call it)\n|"
                               "receipt       ok: |ending        ok: ";
    s_check ("demo", NULL, EX_OK, good);
    s_check ("demo", url, EX_OK, good);
    //  Nothing has come of it, on either side: nobody is warned of what is not signed.
    cr_expect_eq (process_metric (s_edge->edge, UNSIGNED), 0);
    cr_expect_eq (process_log_count (s_edge->edge, "webhook refused"), 0);
    cr_assert (strstr (genesys_control ("state"), "\"conversations\": []"));
    cr_assert (strstr (genesys_control ("receipts"), "\"receipts\": []"));
    s_end ();
}

Test (genesys_check, says_what_is_wrong_with_the_webhook, .timeout = 60)
{
    s_start ();
    s_check ("demo", "EDGE_PUBLIC_URL=https://chat.example.com", EX_CONFIG,
             "webhook       FAILED: it leads to http://127.0.0.1|"
             "not to https://chat.example.com/webhooks/demo/genesys");
    genesys_control ("set?webhookUrl=http://127.0.0.1:%u/webhooks/other/genesys", s_edge->port);
    s_check ("demo", NULL, EX_CONFIG, "its path is not /webhooks/APP/genesys");
    genesys_control ("set?webhookUrl=https://chat.example.com:8443/webhooks/demo/genesys");
    s_check ("demo", NULL, EX_CONFIG, "https:// on port 443 only");
    genesys_control ("set?webhookUrl=nonsense");
    s_check ("demo", NULL, EX_CONFIG, "it is no URL");
    //  None: what EDGE_PUBLIC_URL says is no address of the integration.
    char url[80];
    snprintf (url, sizeof url, "EDGE_PUBLIC_URL=http://127.0.0.1:%u", s_edge->port);
    genesys_control ("set?webhookUrl=");
    for (int at = 0; at < 2; at++)
        s_check ("demo", at ? url : NULL, EX_CONFIG,
                 "integration   ok: |webhook       FAILED: the integration has no webhook address");
    //  Something else is there: the platform's own port, which knows no such path.
    genesys_control ("set?webhookUrl=%s/x/webhooks/demo/genesys", genesys_platform_url ());
    s_check ("demo", NULL, EX_CONFIG, "is no edge with this app: it answers 401");
    //  And what refuses everything, whatever it is made of.
    bot_t *wall = bot_new ();
    bot_rule (wall, "", 0,
              &(bot_reply_t){ .status = 403, .type = "text/html", .body = "Forbidden" });
    genesys_control ("set?webhookUrl=%s/webhooks/demo/genesys", bot_url (wall));
    s_check ("demo", NULL, EX_CONFIG,
             "webhook       FAILED: |is refused with 403, and not by an edge");
    cr_expect_geq (bot_asked (wall, "Stentor-Check: webhook"), 1);
    bot_destroy (&wall);
    genesys_control ("set?webhookUrl=http://127.0.0.1:1/webhooks/demo/genesys");
    s_check ("demo", NULL, EX_CONFIG, "does not answer: the host refuses the connection");
    //  Nobody may look: unknown, or what EDGE_PUBLIC_URL says.
    genesys_control ("permission?name=messaging:integration:view&on=no");
    s_check ("demo", NULL, EX_OK,
             "integration   UNKNOWN: the role may not look|webhook       UNKNOWN: ");
    s_check ("demo", url, EX_OK, "webhook       ok: ");
    s_end ();
}

Test (genesys_check, says_what_is_wrong_with_the_rest, .timeout = 60)
{
    s_start ();
    genesys_control ("permission?name=conversation:message:receive&on=no");
    s_check ("demo", NULL, EX_CONFIG,
             "receipt       FAILED: the role has no conversation:message:receive|ending        ok");
    genesys_control ("permission?name=conversation:message:receive&on=yes");
    genesys_control ("permission?name=conversation:communication:disconnect&on=no");
    s_check ("demo", NULL, EX_CONFIG,
             "ending        FAILED: the role has no conversation:communication:disconnect");
    s_check ("nobody", NULL, EX_CONFIG, "there is no such app");
    s_check ("demo", "GENESYS_PROXY=ftp://x", EX_CONFIG, "GENESYS_PROXY must be a URL");
    s_check ("demo", "APPS_FILE=/there/is/none", EX_CONFIG, "No such file");
    s_check ("demo", "APPS_FILE=", EX_CONFIG, "no section \"genesys\"");
    s_end ();
}

#define NOT_ASKED "UNKNOWN: not asked: without the login there is no token\n|"
#define FOUR_NOT_ASKED                                                                             \
    "integration   " NOT_ASKED "webhook       " NOT_ASKED "receipt       " NOT_ASKED               \
    "ending        " NOT_ASKED

//  Each line is there, whatever comes before it.
Test (genesys_check, says_what_it_could_not_ask, .timeout = 60)
{
    s_start ();
    genesys_control ("set?secret=another");
    s_check ("demo", NULL, EX_CONFIG,
             FOUR_NOT_ASKED "login         FAILED: the login is answered with 400: invalid_client");
    genesys_control ("set?secret=very-secret-demo");
    genesys_control ("fault?path=/oauth/token&kind=status&status=503");
    s_check ("demo", NULL, EX_UNAVAILABLE,
             FOUR_NOT_ASKED "login         UNKNOWN: the login is answered with 503");
    genesys_control ("fault?path=/oauth/token&kind=hang");
    s_check ("demo", "GENESYS_CALL_TIMEOUT=500ms", EX_UNAVAILABLE,
             FOUR_NOT_ASKED "login         UNKNOWN: ");
    genesys_control ("fault?path=/api/.*&kind=status&status=401&times=0");
    s_check ("demo", NULL, EX_CONFIG, FOUR_NOT_ASKED "login         FAILED: ");
    genesys_control ("mend");
    //  A token is there, and single questions get no answer.
    genesys_control ("fault?path=.*/integrations/.*&kind=status&status=503");
    s_check ("demo", NULL, EX_UNAVAILABLE,
             "login         ok|integration   UNKNOWN: |webhook       UNKNOWN: where it leads|"
             "receipt       ok|ending        ok");
    genesys_control ("fault?path=.*/receipt&kind=status&status=500&times=0");
    s_check ("demo", NULL, EX_UNAVAILABLE,
             "integration   ok|receipt       UNKNOWN: |ending        ok");
    genesys_control ("fault?path=.*/integrations/.*&kind=status&status=429&retry=60");
    s_check ("demo", "GENESYS_CALL_WAIT=1s", EX_UNAVAILABLE,
             "login         ok|integration   UNKNOWN: |"
             "receipt       UNKNOWN: the rate of the token|"
             "ending        UNKNOWN: the rate of the token");
    //  Something between has answered in its place.
    genesys_control ("mend");
    genesys_control ("fault?path=.*/integrations/.*&kind=garbage");
    s_check ("demo", NULL, EX_UNAVAILABLE,
             "login         ok|integration   UNKNOWN: the answer (200) is none of an integration: "
             "it is no JSON object|webhook       UNKNOWN: where it leads|receipt       ok");
    genesys_control ("fault?path=.*/integrations/.*&kind=status&status=200&text={}");
    s_check ("demo", NULL, EX_UNAVAILABLE,
             "integration   UNKNOWN: the answer (200) is none of an integration: it has no name");
    s_end ();
}

//  The one of another organisation is not there: the whole of it for one app only.
Test (genesys_check, an_integration_that_is_not_there, .timeout = 60)
{
    genesys_platform_start (
        "{\"genesys\":{\"integrationId\":\"99999999-aaaa-bbbb-cccc-999999999999\"}}");
    s_check ("demo", NULL, EX_CONFIG,
             "integration   FAILED: there is no integration 99999999-|webhook       UNKNOWN");
    s_check ("other", NULL, EX_CONFIG,
             "integration   ok|webhook       FAILED: the integration has no webhook address");
    genesys_platform_end ();
}
