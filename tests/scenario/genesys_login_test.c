//  genesys_login — the client's secret is wrong: nobody waits for it, somebody is told, and the
//  right one in its file is all that it takes. All services are real, but for Genesys Cloud and
//  Slack, which follow scripts.

#include "contact_centre.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEAD 3
#define RELOADS "stentor_apps_reloads_total{result=\"ok\"}"
#define FAILED "stentor_genesys_logins_failed_total{app=\"demo\"}"
#define SECTIONS                                                                                   \
    ",\"people\":[{\"id\":\"anna\",\"slack\":\"U012\"}],"                                        \
    "\"slack\":{\"token\":\"xoxb-open-sesame\",\"channel\":\"C012\"},"                            \
    "\"alerts\":[{\"name\":\"dead\",\"on\":\"dead-letter\","                                       \
    "\"steps\":[{\"by\":[\"slack\"],\"to\":[\"person:anna\"]}],"                                 \
    "\"text\":\"given up: {{reason}}\"}]"

static char s_place[40];
static process_t *s_slack;

static void
s_begin (const char *backoff)
{
    static char setting[120], path[80];
    char url[80] = "";
    snprintf (s_place, sizeof s_place, "/tmp/alert-peers-XXXXXX");
    cr_assert (mkdtemp (s_place));
    s_slack = process_new ("Slack", "python3", (const char *const[]){ ALERT_PEERS, s_place, NULL },
                           NULL);
    cr_assert (s_slack && process_wait_log (s_slack, "ready", 20000));
    snprintf (path, sizeof path, "%s/url", s_place);
    FILE *file = fopen (path, "r");
    cr_assert (file && fgets (url, sizeof url, file) && fclose (file) == 0);
    snprintf (setting, sizeof setting, "SLACK_URL=%s/api", url);
    centre_begins_with (&(centre_more_t){
        .sections = SECTIONS,
        .notifiers = 1,
        .settings = (const char *const[]){ setting, backoff, NULL } });
}

static void
s_end (void)
{
    char command[80];
    centre_ends ();
    process_destroy (&s_slack);
    snprintf (command, sizeof command, "rm -rf %s", s_place);
    cr_assert_eq (system (command), 0);
}

//  What anna was told, line by line; borrowed until the next call.
static const char *
s_told (void)
{
    static char told[4000];
    char path[80];
    snprintf (path, sizeof path, "%s/slack.log", s_place);
    FILE *file = fopen (path, "r");
    told[file ? fread (told, 1, sizeof told - 1, file) : 0] = '\0';
    if (file)
        fclose (file);
    return told;
}

static void
s_anna_is_told (const char *words)
{
    EVENTUALLY (CENTRE_PATIENCE_MS, strstr (s_told (), words));
    cr_expect_null (strstr (s_told (), "secret"), "%s", s_told ());
}

static double
s_of_connectors (const char *sample)
{
    return stack_metric (centre_stack, "genesys-connector-", sample);
}

//  And every genesys-connector has read it.
static void
s_write_secret (const char *secret)
{
    double before = s_of_connectors (RELOADS);
    centre_write_secret (secret);
    EVENTUALLY (CENTRE_PATIENCE_MS, s_of_connectors (RELOADS) >= before + 2);
}

static bool
s_is_bots (const char *words)
{
    return bot_asked (centre_bot, words) > 0;
}

//  The visitor asks for a person, and is answered by the bot at once.
static void
s_is_declined (person_t *visitor, const char *words)
{
    says (visitor, "agent please");
    hears_at_last (visitor, "bot", "I call somebody");
    says (visitor, words);
    EVENTUALLY (CENTRE_PATIENCE_MS, s_is_bots (words));
}

//  A login that is refused is not tried again by itself as long as the test lasts.
Test (genesys_login, a_wrong_secret_calls_somebody_until_it_is_mended)
{
    s_begin ("GENESYS_LOGIN_BACKOFF=1h");
    s_write_secret ("a wrong one");
    person_t *eve = rich_visitor_opens (centre_stack, 1, "eve", "s1");
    s_is_declined (eve, "is nobody there?");
    s_anna_is_told ("the login is answered with 400: invalid_client");
    //  Whoever asks meanwhile is answered at once as well, and the platform is not asked again:
    //  once by each connector at most.
    s_is_declined (eve, "still nobody?");
    cr_expect_leq (genesys_platform_count ("LOGIN refused client-demo"), 2);
    cr_expect_eq (genesys_platform_count ("/api/v2"), 0);
    cr_expect_geq (s_of_connectors (FAILED), 1);
    //  The bot may be asked before the item's end is stored.
    EVENTUALLY (CENTRE_PATIENCE_MS, centre_items (DEAD) == 2);

    //  No process is started anew.
    s_write_secret ("very-secret-demo");
    says (eve, "agent please");
    CENTRE_CONTROL ("platform.genesys");
    genesys_control ("agent-joins?user=ann");
    centre_sees (eve, "user joined", "Ann Agent");
    cr_expect_eq (centre_items (DEAD), 2);
    leaves (&eve);
    EVENTUALLY (CENTRE_PATIENCE_MS, centre_is_empty ());
    s_end ();
}

//  In the middle: the visitor is given back, the next one who wants a person is declined, of which
//  somebody is told, and the conversation there is ended as soon as that can be done.
Test (genesys_login, a_secret_that_is_changed_there)
{
    s_begin ("GENESYS_LOGIN_BACKOFF=3s");
    person_t *eve = centre_visitor ("eve", "s1");
    genesys_control ("agent-joins?user=ann");
    centre_sees (eve, "user joined", "Ann Agent");
    genesys_control ("set?secret=another");
    genesys_control ("revoke");
    centre_sees (eve, "user left", "Ann Agent");
    CENTRE_CONTROL ("");
    person_t *joe = rich_visitor_opens (centre_stack, 1, "joe", "s2");
    s_is_declined (joe, "is nobody there?");
    s_anna_is_told ("the login is answered with 400: invalid_client");
    cr_expect_not (centre_is_empty ());
    s_write_secret ("another");
    EVENTUALLY (CENTRE_PATIENCE_MS, centre_is_empty ());
    leaves (&joe);
    leaves (&eve);
    s_end ();
}
