//  app_switchboard — the section of an app about who answers: what is taken, and what is in force
//  when the file does not say.

#include "config/apps_file.h"

#include <criterion/criterion.h>

//  An app with this section; NULL with a complaint.
static apps_file_t *
s_file (const char *section, buffer_t *complaint)
{
    buffer_t json, warnings;
    buffer_init (&json, 2000);
    buffer_init (&warnings, 1000);
    int rc = buffer_put_string (&json, "{\"apps\":[{\"appId\":\"a\"")
             + buffer_put_string (&json, section) + buffer_put_string (&json, "}]}");
    cr_assert_eq (rc, 0);
    apps_reading_t reading = { .reader = APP_READER_POSTOFFICE,
                               .complaint = complaint,
                               .warnings = &warnings };
    apps_file_t *file = apps_file_new (buffer_text (&json), &reading);
    buffer_free (&json);
    buffer_free (&warnings);
    return file;
}

//  What must stand in the complaint; NULL: the section is good.
static void
s_expect (const char *section, const char *complaint)
{
    buffer_t said;
    buffer_init (&said, 1000);
    apps_file_t *file = s_file (section, &said);
    int rc = buffer_put (&said, "", 1);
    cr_assert_eq (rc, 0);
    cr_expect_eq (file == NULL, complaint != NULL, "%s: %s", section, said.data);
    if (complaint)
        cr_expect (strstr (said.data, complaint), "%s: %s", section, said.data);
    apps_file_destroy (&file);
    buffer_free (&said);
}

#define SECTION(members) ",\"switchboard\":{" members "}"

Test (app_switchboard, what_is_taken)
{
    s_expect ("", NULL);
    s_expect (SECTION (""), NULL);
    s_expect (SECTION ("\"handoff\":[\"group:x\",\"agent:y\",\"platform:z\",\"bot\"],"
                       "\"pick\":\"least-busy\",\"queue\":{\"tell\":\"place\"}"),
              NULL);
    s_expect (SECTION ("\"handoff\":[\"group:\"]"), "a target is");
    s_expect (SECTION ("\"handoff\":[\"sales\"]"), "a target is");
    s_expect (SECTION ("\"handoff\":[\"platform:a b/../c\"]"), "a target is");
    s_expect (SECTION ("\"handoff\":[\"platform:Genesys\"]"), "a target is");
    s_expect (SECTION ("\"pick\":\"robin\""), "pick is");
    s_expect (SECTION ("\"pick\":\"robin least\""), "pick is");
    s_expect (SECTION ("\"afterPass\":\"observer\""), NULL);
    s_expect (SECTION ("\"afterPass\":\"out\""), NULL);
    s_expect (SECTION ("\"afterPass\":\"gone\""), "afterPass is \"observer\" or \"out\"");
    s_expect (SECTION ("\"giveBack\":\"answer\""), "giveBack is");
    s_expect (SECTION ("\"queue\":{\"tell\":\"\"}"), "tell is");
    s_expect (SECTION ("\"queue\":{\"everySeconds\":1}"), "a whole number from 5 to 86400");
    s_expect (SECTION ("\"awayAfter\":1"), "is no member");
}

Test (app_switchboard, what_is_in_force_by_itself)
{
    buffer_t said;
    buffer_init (&said, 1000);
    apps_file_t *file = s_file ("", &said);
    cr_assert (file);
    const app_switchboard_t *section = &apps_file_first (file)->switchboard;
    cr_expect_eq (section->handoff.count, 0);
    cr_expect_eq (section->offer_s, 30);
    cr_expect_eq (section->wait_s, 300);
    cr_expect_eq (section->silence_s, 0);
    cr_expect_eq (section->away_after_missed, 3);
    cr_expect (text_is (section->pick, TEXT ("round-robin")));
    cr_expect (text_is (section->queue.tell, TEXT ("none")));
    cr_expect_eq (section->nobody_text.size, 0);
    apps_file_destroy (&file);
    buffer_free (&said);
}
