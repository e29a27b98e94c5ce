//  genesys_apps — two apps with an organisation each, at addresses of their own, and the same
//  visitor in a session of the same name: nothing of the one comes to the other, and nothing that
//  one of them suffers delays the other.

#include "chat.h"
#include "eventually.h"
#include "genesys_platform.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WITHIN_MS 40000
#define SECTION                                                                                    \
    "{\"appId\":\"%s\",\"bot\":{\"url\":\"%s\"},\"switchboard\":{\"handoff\":"                 \
    "[\"platform:genesys\"],\"offerSeconds\":60},\"genesys\":{\"apiUrl\":\"%s\","                 \
    "\"loginUrl\":\"%s\",\"clientId\":\"client-%s\",\"clientSecret\":\"very-secret-%s\","         \
    "\"integrationId\":\"%s\",\"webhookSecret\":\"webhook-secret-of-%s\",\"pollSeconds\":1}}"

static const struct {
    const char *app, *host, *integration;
} s_rows[2] = { { "demo", "127.0.0.1", "11111111-aaaa-bbbb-cccc-111111111111" },
                { "other", "localhost", "22222222-aaaa-bbbb-cccc-222222222222" } };

static router_stack_t *s_stack;
static bot_t *s_bot;

static void
s_write_apps (void)
{
    FILE *file = fopen (genesys_platform_path ("two.json"), "w");
    const char *port = strrchr (genesys_platform_url (), ':');
    cr_assert (file && fputs ("{\"apps\":[", file) >= 0);
    for (size_t at = 0; at < 2; at++) {
        char url[80];
        const char *app = s_rows[at].app;
        snprintf (url, sizeof url, "http://%s%s", s_rows[at].host, port);
        fprintf (file, "%s" SECTION, at ? "," : "", app, bot_url (s_bot), url, url, app, app,
                 s_rows[at].integration, app);
    }
    cr_assert (fputs ("]}", file) >= 0 && fclose (file) == 0);
}

static void
s_set_webhook (const char *org, const char *app)
{
    genesys_control ("set?org=%s&again_ms=500&webhookUrl=http://127.0.0.1:%u/webhooks/%s/genesys",
                     org, stack_edge_port (s_stack, 1), app);
}

static void
s_begin (void)
{
    static char setting[120];
    genesys_platform_start (NULL);
    s_bot = bot_new ();
    bot_says (s_bot, "agent please",
              "{\"outputSpeech\":\"I call somebody\",\"system\":\"HANDOFF\"}");
    bot_says (s_bot, "", "{\"outputSpeech\":{\"displayText\":\"You said: $rawQuery\"}}");
    s_write_apps ();
    snprintf (setting, sizeof setting, "APPS_FILE=%s", genesys_platform_path ("two.json"));
    s_stack = stack_new (
        &(stack_plan_t){ .postoffices = 2,
                         .worker = "genesys-connector",
                         .workers = 2,
                         .settings = (const char *const[]){ setting, "SESSION_GRACE=2s", NULL } });
    cr_assert (s_stack);
    for (size_t at = 0; at < 2; at++)
        s_set_webhook (s_rows[at].app, s_rows[at].app);
}

static void
s_end (void)
{
    stack_destroy (&s_stack);
    bot_destroy (&s_bot);
    genesys_platform_end ();
}

//  Somebody at this organisation has been told these words.
static bool
s_heard (const char *org, const char *words)
{
    return strstr (genesys_control ("state?org=%s", org), words);
}

static bool
s_is_empty (const char *org)
{
    return !s_heard (org, "\"state\": \"connected\"");
}

static person_t *
s_visitor (const char *app)
{
    char words[60];
    snprintf (words, sizeof words, "first words in %s", app);
    person_t *eve = visitor_opens_app (s_stack, app, "eve", "s1");
    says (eve, "agent please");
    hears_at_last (eve, "bot", "I call somebody");
    says (eve, words);
    EVENTUALLY (WITHIN_MS, s_heard (app, words));
    return eve;
}

static double
s_metric (const char *names, const char *metric, const char *app)
{
    char sample[200];
    snprintf (sample, sizeof sample, "%s{app=\"%s\"}", metric, app);
    return stack_metric (s_stack, names, sample);
}

//  What an organisation says at the other one's address is not taken for the other one's.
static void
s_expect_refused_elsewhere (person_t *demo, person_t *other)
{
    char id[100];
    s_set_webhook ("demo", "other");
    genesys_control ("says?org=demo&user=ann&text=at the wrong door");
    snprintf (id, sizeof id, "%s", genesys_control_text ("id"));
    EVENTUALLY (WITHIN_MS, strstr (genesys_control ("delivery?org=demo&id=%s", id), "[403]"));
    hears_nothing (demo, 300);
    hears_nothing (other, 300);
    s_set_webhook ("demo", "demo");
}

Test (genesys_apps, each_has_its_own_organisation)
{
    s_begin ();
    person_t *demo = s_visitor ("demo"), *other = s_visitor ("other");
    cr_expect_not (s_heard ("demo", "first words in other"));
    cr_expect_not (s_heard ("other", "first words in demo"));
    genesys_control ("agent-joins?org=demo&user=ann");
    genesys_control ("agent-joins?org=other&user=bob");
    genesys_control ("says?org=demo&user=ann&text=ann of demo");
    hears_at_last (demo, "platform.genesys", "ann of demo");
    genesys_control ("says?org=other&user=bob&text=bob of other");
    hears_at_last (other, "platform.genesys", "bob of other");
    hears_nothing (demo, 300);
    s_expect_refused_elsewhere (demo, other);
    for (size_t at = 0; at < 2; at++) {
        const char *app = s_rows[at].app;
        cr_expect_geq (s_metric ("edge-", "stentor_edge_platform_delay_seconds_count", app), 1);
        cr_expect_geq (s_metric ("genesys-connector-", "stentor_genesys_conversations_open", app),
                       1);
    }

    //  One is away: the other one's visitor is heard meanwhile.
    genesys_control ("fault?org=demo&kind=status&status=503&times=0");
    says (demo, "is demo there?");
    says (other, "is other there?");
    EVENTUALLY (WITHIN_MS, s_heard ("other", "is other there?"));
    cr_expect_not (s_heard ("demo", "is demo there?"));
    genesys_control ("mend?org=demo");
    EVENTUALLY (WITHIN_MS, s_heard ("demo", "is demo there?"));

    leaves (&demo);
    EVENTUALLY (WITHIN_MS, s_is_empty ("demo"));
    cr_expect_not (s_is_empty ("other"));
    leaves (&other);
    EVENTUALLY (WITHIN_MS, s_is_empty ("other"));
    s_end ();
}
