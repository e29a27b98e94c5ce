//  failure_policy — what an app has that says nothing of its bot's failures, and one that does.

#include "config/apps_file.h"

#include <criterion/criterion.h>

static apps_file_t *
s_file (const char *json, buffer_t *complaint)
{
    return apps_file_new (text_of (json), &(apps_reading_t){ .reader = APP_READER_POSTOFFICE,
                                                             .complaint = complaint,
                                                             .warnings = complaint });
}

//  Without a word, from settings or in a file, the policy is the usual one.
Test (failure_policy, usual_or_not)
{
    buffer_t complaint;
    buffer_init (&complaint, 1000);
    apps_file_t *files[] = {
        apps_file_of_one (&(app_t){ .id = TEXT ("a"), .bot = { .url = TEXT_EMPTY } }, &complaint),
        s_file ("{\"apps\":[{\"appId\":\"a\",\"switchboard\":{}}]}",
                &complaint),
        s_file ("{\"apps\":[{\"appId\":\"a\",\"switchboard\":{\"failure\":{\"steps\":"
                "[\"text\"],\"failures\":9}}}]}",
                &complaint),
    };
    for (size_t at = 0; at < 3; at++) {
        const app_failure_t *failure = &apps_file_first (files[at])->switchboard.failure;
        bool is_usual = at < 2;
        cr_assert_eq (app_failure_has (failure, FAILURE_RETRY), is_usual);
        cr_assert_eq (app_failure_has (failure, FAILURE_TEXT), !is_usual);
        cr_assert (!app_failure_has (failure, FAILURE_PERSON));
        cr_assert_eq (failure->failures, is_usual ? app_failure_usual.failures : 9);
        cr_assert_eq (failure->answers, app_failure_usual.answers);
        cr_assert_eq (failure->ask_again_s, app_failure_usual.ask_again_s);
        cr_assert (text_is (failure->text, app_failure_usual.text));
        apps_file_destroy (&files[at]);
    }
    buffer_free (&complaint);
}
