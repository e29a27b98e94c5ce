//  The connector's calls to Genesys Cloud (tests/genesys): logins, limits, faults, and what becomes
//  of a call in each of them.

#include "genesys_calls_rig.h"
#include "log_catch.h"
#include "platform/genesys_metrics.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static calls_rig_t *s_rig;

static void
s_expect (const calls_rig_call_t *call, genesys_class_t class, unsigned status, const char *words)
{
    cr_assert_eq (call->class, class, "%s, not %s: %u %s", genesys_class_label (call->class),
                  genesys_class_label (class), call->status, call->words);
    cr_assert_eq (call->status, status, "%u", call->status);
    cr_assert (strstr (call->words, words), "%s: %s", words, call->words);
    cr_assert_eq (call->done, 1);
}

static void
s_pass (uint64_t milliseconds)
{
    rig_turn_for (&s_rig->rig, milliseconds);
}

static unsigned
s_logins (void)
{
    return genesys_platform_count (" LOGIN client-");
}

// ---------------------------------------------------------------------------------------------
//  Logins

Test (genesys_calls, one_login_for_all_that_wait, .timeout = 60)
{
    s_rig = calls_rig_start (NULL, NULL);
    genesys_control ("fault?path=/oauth/token&kind=slow&ms=300");
    for (int at = 0; at < 40; at++)
        calls_rig_say (CALL_MESSAGE);
    calls_rig_until_ended (40);
    cr_assert_eq (calls_rig_came_to (0, GENESYS_OK), 40);
    cr_assert_eq (s_logins (), 1);
    calls_rig_end ();
}

Test (genesys_calls, a_wrong_secret_backs_off, .timeout = 60)
{
    log_catch ();
    s_rig = calls_rig_start (NULL, NULL);
    genesys_control ("set?secret=another");
    const calls_rig_call_t *call = calls_rig_result (CALL_MESSAGE);
    s_expect (call, GENESYS_FORBIDDEN, 400, "invalid_client: authentication failed");
    cr_assert_leq (call->retry_after_ms, 2000);
    cr_assert_gt (call->retry_after_ms, 1000);
    //  Nothing is asked meanwhile, of no kind; and each is told at once.
    for (int use = 0; use < CALL_USES; use++)
        s_expect (calls_rig_result ((genesys_use_t) use), GENESYS_FORBIDDEN, 400, "authentication");
    cr_assert_eq (s_logins (), 1);
    cr_assert_eq (genesys_platform_count ("/api/v2"), 0);
    s_pass (2100);
    s_expect (calls_rig_result (CALL_MESSAGE), GENESYS_FORBIDDEN, 400, "authentication failed");
    cr_assert_eq (s_logins (), 2);
    //  Somebody has mended it there.
    genesys_control ("set?secret=very-secret-demo");
    s_pass (2100);
    s_expect (calls_rig_result (CALL_MESSAGE), GENESYS_OK, 200, "");
    cr_assert_eq (LOG_CAUGHT ("bearer token not renewed", "\"demo\"", "authentication failed"), 2);
    cr_assert_eq (LOG_CAUGHT ("very-secret"), 0);
    calls_rig_end ();
}

Test (genesys_calls, an_unknown_client_is_refused, .timeout = 60)
{
    s_rig = calls_rig_start ("{\"genesys\":{\"clientId\":\"nobody\"}}", NULL);
    s_expect (calls_rig_result (CALL_MESSAGE), GENESYS_FORBIDDEN, 401, "client not found");
    cr_assert_eq (s_logins (), 0);
    cr_assert_eq (genesys_platform_count ("LOGIN nobody"), 1);
    calls_rig_end ();
}

//  The login is there but does not come about: later, and not by the visitor's cost.
Test (genesys_calls, a_login_that_fails_is_tried_again, .timeout = 120)
{
    static const struct {
        const char *fault, *words;
        unsigned status;
    } rows[] = {
        { "kind=status&status=500", "answered with 500: fault", 500 },
        { "kind=status&status=503&retry=2", "answered with 503", 503 },
        { "kind=status&status=429&retry=2", "answered with 429", 429 },
        { "kind=status&status=502&text=<html>", "answered with 502", 502 },
        { "kind=drop", "the connection ended", 0 },
        { "kind=hang", "no whole answer in time", 0 },
        { "kind=cut", "the connection ended", 0 },
        { "kind=garbage", "has no token", 200 },
        { "kind=token", "has no token", 200 },
        { "kind=token&text=a%20b", "cannot be used", 200 },
    };
    s_rig = calls_rig_start (NULL, NULL);
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        genesys_control ("fault?path=/oauth/token&%s", rows[at].fault);
        const calls_rig_call_t *call = calls_rig_result (CALL_MESSAGE);
        s_expect (call, GENESYS_LATER, strstr (rows[at].fault, "hang") ? 0 : rows[at].status,
                  strstr (rows[at].fault, "hang") ? "" : rows[at].words);
        if (strstr (rows[at].fault, "retry=2"))
            cr_assert_gt (call->retry_after_ms, 1500);
        RIG_UNTIL (&s_rig->rig, 20000,
                   call->class == GENESYS_OK
                       || (call = calls_rig_result (CALL_MESSAGE))->class == GENESYS_OK);
        calls_rig_end (); //  so that the next row begins without a token
        s_rig = calls_rig_start (NULL, NULL);
    }
    calls_rig_end ();
}

Test (genesys_calls, a_401_renews_once, .timeout = 60)
{
    s_rig = calls_rig_start (NULL, NULL);
    s_expect (calls_rig_result (CALL_MESSAGE), GENESYS_OK, 200, "");
    genesys_control ("revoke");
    unsigned first = s_rig->count;
    for (int at = 0; at < 20; at++)
        calls_rig_say (CALL_MESSAGE);
    calls_rig_until_ended (first + 20);
    cr_assert_eq (calls_rig_came_to (first, GENESYS_OK), 20);
    cr_assert_eq (s_logins (), 2, "%u", s_logins ());
    //  Twice in a row: nobody asks for tokens again and again.
    genesys_control ("fault?path=/api/.*&kind=status&status=401&times=0");
    s_expect (calls_rig_result (CALL_MESSAGE), GENESYS_FORBIDDEN, 401, "401");
    cr_assert_eq (s_logins (), 3);
    for (int at = 0; at < 5; at++)
        s_expect (calls_rig_result (CALL_POLL), GENESYS_FORBIDDEN, 401, "refuses a new token");
    cr_assert_eq (s_logins (), 3);
    genesys_control ("mend");
    s_pass (2100);
    s_expect (calls_rig_result (CALL_MESSAGE), GENESYS_OK, 200, "");
    calls_rig_end ();
}

//  Nine at once, of a rate of 60, and one each 1.25 s behind them: a call that is made again is
//  another one.
Test (genesys_calls, a_401_is_made_again_within_the_rate, .timeout = 60)
{
    enum { COUNT = 6 };
    s_rig = calls_rig_start ("{\"genesys\":{\"requestsPerMinute\":60}}",
                             &(genesys_means_t){ .wait_ms = 30000 });
    s_expect (calls_rig_result (CALL_MESSAGE), GENESYS_OK, 200, "");
    genesys_control ("revoke");
    unsigned first = s_rig->count;
    for (int at = 0; at < COUNT; at++)
        calls_rig_say (CALL_MESSAGE);
    calls_rig_until_ended (first + COUNT);
    cr_assert_eq (calls_rig_came_to (first, GENESYS_OK), COUNT);
    cr_assert_eq (s_logins (), 2);
    uint64_t last_ms = 0;
    for (unsigned at = first; at < s_rig->count; at++)
        last_ms = s_rig->all[at].ended_ms > last_ms ? s_rig->all[at].ended_ms : last_ms;
    //  13 in all: four of them had to wait.
    cr_expect_geq (last_ms - s_rig->all[0].began_ms, 4 * 1250 - 100);
    calls_rig_end ();
}

//  One of five minutes, sixty times as fast: renewed before its end, no earlier than needed.
Test (genesys_calls, a_short_token_is_renewed_in_time, .timeout = 60)
{
    s_rig = calls_rig_start (NULL, NULL);
    genesys_control ("set?tokenSeconds=5");
    uint64_t until_ms = clock_mono_ms () + 14000;
    while (clock_mono_ms () < until_ms) {
        s_expect (calls_rig_result (CALL_MESSAGE), GENESYS_OK, 200, "");
        s_pass (300);
    }
    //  Each is used for four seconds.
    cr_assert_geq (s_logins (), 3);
    cr_assert_leq (s_logins (), 5, "%u", s_logins ());
    cr_assert_eq (genesys_platform_count (" 401"), 0);
    calls_rig_end ();
}

static void
s_write_apps (const char *json)
{
    FILE *file = fopen (genesys_platform_path ("apps.json"), "w");
    cr_assert (file && fputs (json, file) >= 0 && fclose (file) == 0);
}

//  The right secret in the file counts at once; an app without the section has nothing.
Test (genesys_calls, the_section_is_read_again, .timeout = 60)
{
    char json[1000];
    static const char form[] =
        "{\"apps\":[{\"appId\":\"demo\",\"genesys\":{\"apiUrl\":\"%s\",\"loginUrl\":\"%s\","
        "\"clientId\":\"client-demo\",\"clientSecret\":\"%s\",\"integrationId\":"
        "\"11111111-aaaa-bbbb-cccc-111111111111\"}}]}";
    s_rig = calls_rig_start ("{\"genesys\":{\"clientSecret\":\"wrong\"}}",
                             &(genesys_means_t){ .backoff_ms = 600000 });
    s_expect (calls_rig_result (CALL_MESSAGE), GENESYS_FORBIDDEN, 400, "authentication failed");
    snprintf (json, sizeof json, form, genesys_platform_url (), genesys_platform_url (),
              "very-secret-demo");
    uint64_t changes = apps_changes (s_rig->apps);
    s_write_apps (json);
    RIG_UNTIL (&s_rig->rig, 20000, apps_changes (s_rig->apps) > changes);
    s_expect (calls_rig_result (CALL_MESSAGE), GENESYS_OK, 200, "");
    changes = apps_changes (s_rig->apps);
    s_write_apps ("{\"apps\":[{\"appId\":\"demo\"}]}");
    RIG_UNTIL (&s_rig->rig, 20000, apps_changes (s_rig->apps) > changes);
    s_expect (calls_rig_result (CALL_MESSAGE), GENESYS_FORBIDDEN, 0, "no section");
    calls_rig_end ();
}

// ---------------------------------------------------------------------------------------------
//  403, 429

Test (genesys_calls, a_403_is_not_hammered, .timeout = 60)
{
    s_rig = calls_rig_start (NULL, NULL);
    genesys_control ("permission?name=conversation:message:receive&on=no");
    const calls_rig_call_t *call = calls_rig_result (CALL_MESSAGE);
    s_expect (call, GENESYS_FORBIDDEN, 403, "missing.any.permissions");
    cr_assert_gt (call->retry_after_ms, 1000);
    cr_assert_eq (genesys_platform_count ("/inbound/open/"), 1);
    for (int at = 0; at < 5; at++) {
        s_expect (calls_rig_result (CALL_MESSAGE), GENESYS_FORBIDDEN, 403, "not asked again yet");
        s_expect (calls_rig_result (CALL_TYPING), GENESYS_FORBIDDEN, 403, "not asked again yet");
    }
    cr_assert_eq (genesys_platform_count ("/inbound/open/"), 1);
    //  What needs another permission goes on.
    s_expect (calls_rig_result (CALL_POLL), GENESYS_REFUSED, 404, "not.found");
    genesys_control ("permission?name=conversation:message:receive&on=yes");
    s_pass (2100);
    s_expect (calls_rig_result (CALL_MESSAGE), GENESYS_OK, 200, "");
    calls_rig_end ();
}

//  One conversation that may not be looked at, one receipt that may not be sent: no other call has
//  anything to do with it.
Test (genesys_calls, a_403_to_one_call_says_nothing_of_others, .timeout = 60)
{
    static const struct {
        genesys_use_t use;
        const char *path;
        genesys_use_t other;
        genesys_class_t class;
        unsigned status;
    } rows[] = {
        { CALL_POLL, "method=GET&path=.*/messages/.*", CALL_POLL, GENESYS_REFUSED, 404 },
        { CALL_PERSON, "path=.*/users/.*", CALL_PERSON, GENESYS_REFUSED, 404 },
        { CALL_RECEIPT, "path=.*/receipt", CALL_MESSAGE, GENESYS_OK, 200 },
        { CALL_TYPING, "path=.*/event", CALL_MESSAGE, GENESYS_OK, 200 },
        { CALL_CONTROL, "method=PATCH&path=.*", CALL_CONTROL, GENESYS_REFUSED, 404 },
    };
    s_rig = calls_rig_start (NULL, &(genesys_means_t){ .backoff_ms = 600000 });
    s_expect (calls_rig_result (CALL_MESSAGE), GENESYS_OK, 200, "");
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        genesys_control ("fault?kind=status&status=403&%s", rows[at].path);
        const calls_rig_call_t *call = calls_rig_result (rows[at].use);
        s_expect (call, GENESYS_FORBIDDEN, 403, "403");
        cr_assert_eq (call->retry_after_ms, 0, "it is known of this call alone");
        s_expect (calls_rig_result (rows[at].other), rows[at].class, rows[at].status, "");
    }
    calls_rig_end ();
}

//  The time of the header, for every call of the token, and not a call earlier.
Test (genesys_calls, a_429_holds_everything, .timeout = 60)
{
    s_rig = calls_rig_start (NULL, NULL);
    s_expect (calls_rig_result (CALL_MESSAGE), GENESYS_OK, 200, "");
    genesys_control ("fault?path=.*/inbound/.*&kind=status&status=429&retry=3");
    const calls_rig_call_t *call = calls_rig_result (CALL_MESSAGE);
    uint64_t told_ms = call->ended_ms;
    s_expect (call, GENESYS_LATER, 429, "429");
    cr_assert_eq (call->retry_after_ms, 3000);
    unsigned first = s_rig->count;
    for (int use = 0; use < CALL_TYPING; use++)
        calls_rig_say ((genesys_use_t) use);
    calls_rig_until_ended (s_rig->count);
    for (unsigned at = first; at < s_rig->count; at++) {
        const calls_rig_call_t *held = &s_rig->all[at];
        cr_assert_geq (held->ended_ms, told_ms + 2990, "%" PRIu64, held->ended_ms - told_ms);
        cr_assert_lt (held->ended_ms, told_ms + 3000 + 2000);
    }
    cr_assert_eq (calls_rig_came_to (first, GENESYS_OK), 1, "the message");
    cr_assert_eq (calls_rig_came_to (first, GENESYS_REFUSED), 4, "404");
    calls_rig_end ();
}

//  A call that would have to wait longer is not kept, and says when it may come again.
Test (genesys_calls, a_long_429_keeps_nobody, .timeout = 60)
{
    s_rig = calls_rig_start (NULL, &(genesys_means_t){ .wait_ms = 500 });
    s_expect (calls_rig_result (CALL_MESSAGE), GENESYS_OK, 200, "");
    genesys_control ("fault?path=.*/inbound/.*&kind=status&status=429&retry=42");
    s_expect (calls_rig_result (CALL_MESSAGE), GENESYS_LATER, 429, "429");
    for (int use = 0; use < CALL_USES; use++) {
        const calls_rig_call_t *call = calls_rig_result ((genesys_use_t) use);
        s_expect (call, GENESYS_LATER, 0, "rate of the token");
        cr_assert_leq (call->retry_after_ms, 42000);
        cr_assert_gt (call->retry_after_ms, 39000);
        cr_assert_lt (call->ended_ms - call->began_ms, 1000);
    }
    //  Another organisation's token has nothing to do with it.
    unsigned other = calls_rig_ask (
        "other", CALL_PERSON, "/api/v2/users/00000000-0000-0000-0000-000000000000", "");
    calls_rig_until_ended (s_rig->count);
    cr_assert_eq (s_rig->all[other].status, 404, "%s", s_rig->all[other].words);
    calls_rig_end ();
}

//  The platform allows less than the section says: it is held again and again, and nothing is lost.
Test (genesys_calls, a_rate_that_is_too_high_is_borne, .timeout = 120)
{
    s_rig = calls_rig_start (NULL, &(genesys_means_t){ .wait_ms = 30000 });
    genesys_control ("set?rate=10&windowMs=2000");
    unsigned good = 0;
    for (int round = 0; round < 20 && good < 60; round++) {
        unsigned first = s_rig->count;
        for (unsigned at = good; at < 60; at++)
            calls_rig_say (CALL_MESSAGE);
        calls_rig_until_ended (s_rig->count);
        good += calls_rig_came_to (first, GENESYS_OK);
        unsigned later = calls_rig_came_to (first, GENESYS_LATER);
        cr_assert_eq (calls_rig_came_to (first, GENESYS_OK) + later, s_rig->count - first);
    }
    cr_assert_eq (good, 60);
    calls_rig_end (); //  which sees to it that no call was EARLY
}

//  What waits for the login spends nothing of the budget meanwhile: nine at once, of a rate of 60,
//  and one each 1.25 s behind them.
Test (genesys_calls, a_slow_login_lets_no_crowd_out, .timeout = 60)
{
    unsigned most = 0;
    s_rig = calls_rig_start ("{\"genesys\":{\"requestsPerMinute\":60}}",
                             &(genesys_means_t){ .wait_ms = 30000, .call_ms = 20000 });
    genesys_control ("set?windowMs=1000"); //  it begins with the first call
    genesys_control ("fault?path=/oauth/token&kind=slow&ms=8000");
    for (int at = 0; at < 16; at++)
        calls_rig_say (CALL_MESSAGE);
    s_pass (7000);
    cr_assert_eq (genesys_platform_count ("/api/v2"), 0);
    calls_rig_until_ended (16);
    cr_assert_eq (calls_rig_came_to (0, GENESYS_OK), 16);
    cr_assert_eq (s_logins (), 1);
    cr_assert_eq (sscanf (genesys_control ("most"), "{\"most\": %u", &most), 1);
    cr_assert_leq (most, 10, "%u at once", most);
    calls_rig_end ();
}

//  Nobody waits for a login that has failed, nor for one that is gone with its section.
Test (genesys_calls, who_waits_for_the_login_is_told_of_its_end, .timeout = 60)
{
    s_rig = calls_rig_start ("{\"genesys\":{\"requestsPerMinute\":60}}",
                             &(genesys_means_t){ .wait_ms = 30000 });
    genesys_control ("fault?path=/oauth/token&kind=slow&ms=500");
    genesys_control ("set?secret=another");
    for (int at = 0; at < 16; at++)
        calls_rig_say (at % 2 ? CALL_MESSAGE : CALL_POLL);
    calls_rig_until_ended (16);
    cr_assert_eq (calls_rig_came_to (0, GENESYS_FORBIDDEN), 16);
    for (unsigned at = 0; at < 16; at++)
        cr_assert_lt (s_rig->all[at].ended_ms, s_rig->all[at].began_ms + 5000);
    cr_assert_eq (s_logins (), 1);
    calls_rig_end ();
}

Test (genesys_calls, what_waits_has_a_limit, .timeout = 60)
{
    s_rig = calls_rig_start (NULL, &(genesys_means_t){ .queue_most = 5, .wait_ms = 20000 });
    for (int at = 0; at < 60; at++)
        calls_rig_say (CALL_MESSAGE);
    calls_rig_until_ended (60);
    cr_assert_eq (calls_rig_came_to (0, GENESYS_OK), 50, "45 at once, and 5 behind them");
    cr_assert_eq (calls_rig_came_to (0, GENESYS_LATER), 10);
    //  The visitor's typing is not worth a wait.
    cr_assert_eq (calls_rig_result (CALL_TYPING)->class, GENESYS_LATER);
    calls_rig_end ();
}

// ---------------------------------------------------------------------------------------------
//  Answers

Test (genesys_calls, every_answer_has_a_class, .timeout = 120)
{
    static const struct {
        const char *fault;
        genesys_class_t class;
        unsigned status;
        bool is_unsure;
        const char *words;
    } rows[] = {
        { "kind=status&status=400&code=bad.request", GENESYS_REFUSED, 400, false, "bad.request" },
        { "kind=status&status=404", GENESYS_REFUSED, 404, false, "404" },
        { "kind=status&status=409", GENESYS_REFUSED, 409, false, "409" },
        { "kind=status&status=413", GENESYS_REFUSED, 413, false, "413" },
        { "kind=status&status=415", GENESYS_REFUSED, 415, false, "415" },
        { "kind=status&status=422", GENESYS_REFUSED, 422, false, "422" },
        { "kind=status&status=302&text=moved", GENESYS_REFUSED, 302, false, "302" },
        { "kind=status&status=408", GENESYS_PASSING, 408, false, "408" },
        { "kind=status&status=500", GENESYS_PASSING, 500, true, "500" },
        { "kind=status&status=502&text=<html>", GENESYS_PASSING, 502, true, "502" },
        { "kind=status&status=503&retry=7", GENESYS_PASSING, 503, true, "503" },
        { "kind=status&status=504", GENESYS_PASSING, 504, true, "504" },
        { "kind=drop-after", GENESYS_PASSING, 0, true, "the connection ended" },
        { "kind=cut", GENESYS_PASSING, 0, true, "the connection ended" },
        { "kind=hang", GENESYS_PASSING, 0, true, "no whole answer in time" },
        { "kind=slow&ms=3000", GENESYS_PASSING, 0, true, "no whole answer in time" },
        { "kind=slow&ms=300", GENESYS_OK, 200, false, "" },
    };
    s_rig = calls_rig_start (NULL, NULL);
    s_expect (calls_rig_result (CALL_MESSAGE), GENESYS_OK, 200, "");
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        //  Twice where the client asks again by itself: a kept connection that has ended.
        genesys_control ("fault?path=.*/inbound/.*&times=%d&%s",
                         strstr (rows[at].fault, "drop") ? 2 : 1, rows[at].fault);
        const calls_rig_call_t *call = calls_rig_result (CALL_MESSAGE);
        cr_assert_eq (call->class, rows[at].class, "%s: %s %u %s", rows[at].fault,
                      genesys_class_label (call->class), call->status, call->words);
        cr_assert_eq (call->is_unsure, rows[at].is_unsure, "%s", rows[at].fault);
        if (rows[at].status)
            cr_assert_eq (call->status, rows[at].status, "%s: %u", rows[at].fault, call->status);
        cr_assert (strstr (call->words, rows[at].words), "%s: %s", rows[at].fault, call->words);
        if (strstr (rows[at].fault, "retry=7"))
            cr_assert_eq (call->retry_after_ms, 7000);
        genesys_control ("mend");
    }
    s_expect (calls_rig_result (CALL_MESSAGE), GENESYS_OK, 200, "");
    calls_rig_end ();
}

//  Each app by itself, and each result once: what an alarm would be made of.
Test (genesys_calls, results_are_counted_for_each_app, .timeout = 60)
{
    s_rig = calls_rig_start (NULL, NULL);
    const int64_t *demo = genesys_metrics_of (TEXT ("demo"))->counts;
    const int64_t *other = genesys_metrics_of (TEXT ("other"))->counts;
    calls_rig_result (CALL_MESSAGE);
    calls_rig_result (CALL_POLL); //  404
    genesys_control ("fault?path=.*/inbound/.*&kind=status&status=503");
    calls_rig_result (CALL_MESSAGE);
    genesys_control ("fault?path=.*/receipt&kind=status&status=403");
    calls_rig_result (CALL_RECEIPT);
    genesys_control ("fault?path=.*/inbound/.*&kind=status&status=429&retry=1");
    calls_rig_result (CALL_MESSAGE);
    static const char path[] = "/api/v2/users/00000000-0000-0000-0000-000000000000";
    calls_rig_ask ("other", CALL_PERSON, path, "");
    calls_rig_until_ended (s_rig->count);
    for (int result = GENESYS_RESULT_OK; result <= GENESYS_RESULT_LATER; result++) {
        cr_expect_eq (demo[result], 1, "%d: %" PRId64, result, demo[result]);
        cr_expect_eq (other[result], result == GENESYS_RESULT_REFUSED, "%d", result);
    }
    cr_expect_eq (demo[GENESYS_BUDGET_LEFT], 0, "held by the 429");
    cr_expect_geq (other[GENESYS_BUDGET_LEFT], 44);
    cr_expect (demo[GENESYS_HELD] == 1 && other[GENESYS_HELD] == 0);
    calls_rig_end ();
}

//  Of a look with more than a MiB nothing is known, but that the platform is there: later.
Test (genesys_calls, too_large_an_answer_is_looked_at_later, .timeout = 60)
{
    s_rig = calls_rig_start (NULL, NULL);
    genesys_control ("fault?method=GET&path=.*/messages/.*&kind=large");
    const calls_rig_call_t *call = calls_rig_result (CALL_POLL);
    s_expect (call, GENESYS_LATER, 0, "passed its limit");
    cr_assert_eq (call->retry_after_ms, 60000);
    //  Nothing else waits for that.
    s_expect (calls_rig_result (CALL_POLL), GENESYS_REFUSED, 404, "not.found");
    calls_rig_end ();
}

Test (genesys_calls, a_call_can_be_forgotten, .timeout = 60)
{
    s_rig = calls_rig_start (NULL, NULL);
    genesys_control ("fault?path=.*/inbound/.*&kind=slow&ms=500&times=0");
    for (int at = 0; at < 60; at++)
        calls_rig_say (CALL_MESSAGE);
    //  Waiting for the login, on their way, and waiting for their turn.
    s_pass (100);
    for (unsigned at = 0; at < 60; at += 2)
        genesys_call_cancel (&s_rig->all[at].call);
    calls_rig_until_ended (30);
    s_pass (300);
    for (unsigned at = 0; at < 60; at++)
        cr_assert_eq (s_rig->all[at].done, at % 2);
    //  And what is under way at the end is nobody's concern.
    for (int at = 0; at < 60; at++)
        calls_rig_say (CALL_MESSAGE);
    s_pass (50);
    calls_rig_end ();
}

// ---------------------------------------------------------------------------------------------
//  People

typedef struct {
    unsigned count;
    char name[120], picture[200];
} known_t;

static void
s_known (void *owner, const genesys_person_t *person)
{
    known_t *self = owner;
    self->count++;
    snprintf (self->name, sizeof self->name, "%.*s", TEXT_ARGS (person->name));
    snprintf (self->picture, sizeof self->picture, "%.*s", TEXT_ARGS (person->picture));
}

static genesys_person_ask_t *
s_ask (const char *user, known_t *known)
{
    genesys_person_t person;
    genesys_person_ask_t *ask = genesys_people_ask (s_rig->people, TEXT ("demo"), text_of (user),
                                                    &person, s_known, known);
    if (!ask)
        s_known (known, &person);
    return ask;
}

Test (genesys_calls, people_are_asked_for_once, .timeout = 60)
{
    char ann[80], bob[80];
    known_t first = { 0 }, second = { 0 }, third = { 0 }, gone = { 0 }, none = { 0 };
    s_rig = calls_rig_start (NULL, NULL);
    genesys_control ("user?user=ann");
    snprintf (ann, sizeof ann, "%s", genesys_control_text ("id"));
    genesys_control ("user?user=bob&is404=yes");
    snprintf (bob, sizeof bob, "%s", genesys_control_text ("id"));
    cr_assert (s_ask (ann, &first));
    cr_assert (s_ask (ann, &second));
    genesys_person_ask_t *cancelled = s_ask (ann, &gone);
    genesys_person_ask_cancel (&cancelled);
    RIG_UNTIL (&s_rig->rig, 20000, first.count && second.count);
    cr_assert_str_eq (first.name, "Ann");
    cr_assert_str_eq (second.picture, "https://pictures.example.com/ann-200.png");
    cr_assert_eq (gone.count, 0);
    cr_assert_null (s_ask (ann, &third), "it is known now");
    cr_assert_str_eq (third.name, "Ann");
    cr_assert_eq (genesys_platform_count ("GET /api/v2/users/"), 1);
    cr_assert (s_ask (bob, &none));
    RIG_UNTIL (&s_rig->rig, 20000, none.count);
    cr_assert_str_eq (none.name, "");
    cr_assert_null (s_ask (bob, &none), "neither is there a second time");
    cr_assert_eq (genesys_platform_count ("GET /api/v2/users/"), 2);
    //  What could not stand in a path is not asked for.
    cr_assert_null (s_ask ("../oauth", &none));
    cr_assert_null (s_ask ("", &none));
    cr_assert_eq (genesys_platform_count ("GET /api/v2/users/"), 2);
    calls_rig_end ();
}

Test (genesys_calls, people_are_asked_for_again_when_it_passes, .timeout = 60)
{
    char ann[80];
    known_t known = { 0 };
    s_rig = calls_rig_start (NULL, NULL);
    genesys_control ("user?user=ann");
    snprintf (ann, sizeof ann, "%s", genesys_control_text ("id"));
    genesys_control ("fault?path=.*/users/.*&kind=status&status=503");
    cr_assert (s_ask (ann, &known));
    RIG_UNTIL (&s_rig->rig, 20000, known.count == 1);
    cr_assert_str_eq (known.name, "");
    RIG_UNTIL (&s_rig->rig, 40000, s_ask (ann, &known) != NULL);
    RIG_UNTIL (&s_rig->rig, 20000, *known.name);
    cr_assert_str_eq (known.name, "Ann");
    calls_rig_end ();
}
