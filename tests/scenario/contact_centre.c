#include "contact_centre.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOT "{\"outputSpeech\":{\"displayText\":\"You said: $rawQuery\"}}"
#define CALLS "{\"outputSpeech\":\"I call somebody\",\"system\":\"HANDOFF\"}"
#define CONTROL "SELECT control_user FROM session WHERE session = 'demo/s1'"

router_stack_t *centre_stack;
bot_t *centre_bot;

void
centre_write_secret (const char *secret)
{
    FILE *file = fopen (genesys_platform_path ("client.secret"), "w");
    cr_assert (file && fputs (secret, file) >= 0 && fclose (file) == 0);
}

typedef struct {
    const char *handoff, *section;
    bool has_bot;
    centre_more_t more;
} plan_t;

//  Members of the app's section `switchboard`, and other sections behind it.
static void
s_write_app (const plan_t *plan, char *room, size_t size)
{
    int written = snprintf (
        room, size,
        "\"handoff\":%s,\"offerSeconds\":60,\"silenceSeconds\":600,"
        "\"giveBack\":\"question\"},\"genesys\":{\"apiUrl\":\"%s\",\"loginUrl\":\"%s\","
        "\"clientId\":\"client-demo\",\"clientSecretFile\":\"%s\","
        "\"integrationId\":\"11111111-aaaa-bbbb-cccc-111111111111\",\"webhookSecret\":"
        "\"webhook-secret-of-demo\",\"pollSeconds\":1%s}%s,\"retention\":{\"days\":0",
        plan->handoff, genesys_platform_url (), genesys_platform_url (),
        genesys_platform_path ("client.secret"), plan->section,
        plan->more.sections ? plan->more.sections : "");
    cr_assert (written > 0 && (size_t) written < size);
}

static void
s_begin (const plan_t *plan)
{
    char app[3000];
    genesys_platform_start (NULL);
    centre_write_secret ("very-secret-demo");
    s_write_app (plan, app, sizeof app);
    centre_bot = bot_new ();
    bot_says (centre_bot, "agent please", CALLS);
    bot_says (centre_bot, "", BOT);
    centre_stack =
        desk_begins (app, &(stack_plan_t){ .postoffices = 2,
                                           .worker = "genesys-connector",
                                           .workers = 2,
                                           .notifiers = plan->more.notifiers,
                                           .bot_url = plan->has_bot ? bot_url (centre_bot) : NULL,
                                           .settings = plan->more.settings });
    genesys_control ("set?webhookUrl=http://127.0.0.1:%u/webhooks/demo/genesys",
                     stack_edge_port (centre_stack, 1));
    genesys_control ("set?again_ms=500");
}

void
centre_begins_as (const char *handoff, bool has_bot, const char *section)
{
    s_begin (&(plan_t){ .handoff = handoff, .has_bot = has_bot, .section = section });
}

void
centre_begins_with (const centre_more_t *more)
{
    s_begin (&(plan_t){
        .handoff = "[\"platform:genesys\"]", .has_bot = true, .section = "", .more = *more });
}

void
centre_begins (const char *section)
{
    centre_begins_as ("[\"platform:genesys\"]", true, section);
}

void
centre_ends (void)
{
    desk_ends (&centre_stack);
    bot_destroy (&centre_bot);
    genesys_platform_end ();
}

bool
centre_controls (const char *user)
{
    const char *has = desk_sql (centre_stack, CONTROL);
    return strcmp (has, user) == 0 || (!*user && strcmp (has, "bot") == 0);
}

person_t *
centre_visitor (const char *name, const char *session)
{
    char sql[200];
    person_t *visitor = rich_visitor_opens (centre_stack, 1, name, session);
    says (visitor, "agent please");
    hears (visitor, "bot", "I call somebody");
    snprintf (sql, sizeof sql, "SELECT control_role FROM session WHERE session = 'demo/%s'",
              session);
    EVENTUALLY (CENTRE_PATIENCE_MS, strcmp (desk_sql (centre_stack, sql), "4") == 0);
    return visitor;
}

void
centre_sees (person_t *visitor, const char *event, const char *name)
{
    for (;;) {
        json_object *frame = sees (visitor, event, "platform.genesys"), *sender, *shown;
        cr_assert (json_object_object_get_ex (frame, "sender", &sender)
                   && json_object_object_get_ex (sender, "displayName", &shown));
        if (strcmp (json_object_get_string (shown), name) == 0)
            return;
        printf ("%s: %s\n", event, json_object_get_string (shown));
    }
}

bool
centre_heard (const char *words)
{
    char text[200];
    snprintf (text, sizeof text, "%%22text%%22:%%22%s%%22", words);
    return genesys_platform_count (text) > 0;
}

bool
centre_is_empty (void)
{
    return !strstr (genesys_control ("state"), "\"state\": \"connected\"");
}

unsigned
centre_items (unsigned state)
{
    char sql[200];
    snprintf (sql, sizeof sql,
              "SELECT count (*) FROM work_item WHERE topic = 'platform.genesys' AND state = %u",
              state);
    return (unsigned) strtoul (desk_sql (centre_stack, sql), NULL, 10);
}
