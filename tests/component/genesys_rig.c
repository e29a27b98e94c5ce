#include "genesys_rig.h"

#include "json/json_body.h"
#include "model/api_operation.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS_MOST 16

worker_fixture_t *genesys_fixture;
genesys_session_t genesys_session;

// ------------------------------------------------------------------------------------------------
//  The session's postoffice

static unsigned
s_say_look (char body[WORKER_ANSWER_ROOM])
{
    const genesys_session_t *session = &genesys_session;
    snprintf (body, WORKER_ANSWER_ROOM,
              "{\"controls\":%s,\"asked\":false,\"version\":%llu,\"lastSeq\":%llu,\"open\":%llu,"
              "\"isClosed\":false,\"visitorPresent\":%s,\"tenancy\":%llu,\"memory\":%s}",
              session->controls ? "true" : "false", (unsigned long long) session->tenancy,
              (unsigned long long) session->last_seq, (unsigned long long) session->open,
              session->visitor_is_away ? "false" : "true",
              (unsigned long long) session->tenancy, *session->memory ? session->memory : "{}");
    return 200;
}

//  Everything stands on one page, and no page has what is newer than was asked for.
static unsigned
s_say_entries (char body[WORKER_ANSWER_ROOM])
{
    const char *entries = genesys_session.entries;
    snprintf (body, WORKER_ANSWER_ROOM, "{\"items\":[%s],\"next\":null,\"prev\":null}",
              entries ? entries : "");
    return 200;
}

//  True: it was done before, by this key.
static bool
s_is_done (text_t key)
{
    genesys_session_t *session = &genesys_session;
    char word[100];
    snprintf (word, sizeof word, " %.*s ", TEXT_ARGS (key));
    if (key.size > 0 && strstr (session->keys, word))
        return true;
    size_t size = strlen (session->keys);
    snprintf (session->keys + size, sizeof session->keys - size, "%s", word);
    return false;
}

static void
s_note (const char *what, text_t name, text_t picture)
{
    char *acts = genesys_session.acts;
    size_t size = strlen (acts);
    snprintf (acts + size, sizeof genesys_session.acts - size, "%s%s%.*s%s%.*s; ", what,
              name.size > 0 ? " " : "", TEXT_ARGS (name), picture.size > 0 ? " " : "",
              TEXT_ARGS (picture));
}

static unsigned
s_do (uint64_t operation, struct json_object *asked)
{
    genesys_session_t *session = &genesys_session;
    struct json_object *as = json_body_member (json_body_member (asked, "body"), "as");
    text_t if_match = json_body_text (asked, "ifMatch"), key = json_body_text (asked, "key");
    if (session->refused > 0)
        return session->refused;
    if (operation == API_CONTROL_RELEASE && session->refusals > 0) {
        session->refusals--;
        session->last_seq++;
        return 412;
    }
    if (if_match.size > 0 && strtoull (if_match.data, NULL, 10) != session->last_seq)
        return 412;
    if (!session->controls)
        return 409;
    if (s_is_done (key))
        return 200;
    session->last_seq++;
    if (operation == API_CONTROL_RELEASE) {
        session->controls = false;
        s_note ("release", json_body_text (json_body_member (asked, "body"), "why"), TEXT_EMPTY);
    } else if (operation == API_SESSION_ENTER)
        s_note ("in", json_body_text (as, "name"), json_body_text (as, "avatarPath"));
    else
        s_note ("out", json_body_text (as, "name"), TEXT_EMPTY); //  it has none
    return 200;
}

static unsigned
s_answer (void *owner, const worker_asked_t *worker_asked, char body[WORKER_ANSWER_ROOM],
          uint64_t *last_seq)
{
    (void) owner;
    if (genesys_session.status > 0)
        return genesys_session.status;
    cr_assert (strstr (worker_asked->principal, "platform.genesys"), "%s",
               worker_asked->principal);
    struct json_object *asked = json_body_read (text_of (worker_asked->body));
    cr_assert (asked, "%s", worker_asked->body);
    cr_assert (text_is (json_body_text (asked, "session"), TEXT ("s-1")));
    unsigned status = worker_asked->operation == API_PLATFORM     ? s_say_look (body)
                      : worker_asked->operation == API_MESSAGE_LIST ? s_say_entries (body)
                                                                  : s_do (worker_asked->operation,
                                                                          asked);
    json_body_free (&asked);
    *last_seq = genesys_session.last_seq;
    return status;
}

// ------------------------------------------------------------------------------------------------

void
genesys_start (const char *section, const char *const *more)
{
    char app[1000];
    snprintf (app, sizeof app, "{\"genesys\":%s}", section ? section : "{}");
    genesys_platform_start (app);
    genesys_session = (genesys_session_t){ .last_seq = 20 };
    const char *const usual[] = { genesys_platform_apps (), NULL };
    const char *settings[SETTINGS_MOST];
    process_settings (settings, SETTINGS_MOST, more, usual);
    genesys_fixture = worker_fixture_start ("genesys-connector", settings);
    genesys_fixture->answer = s_answer;
}

void
genesys_end (void)
{
    static const char *const secrets[] = { "very-secret", "webhook-secret", "token-demo",
                                           "opening hours", "hello there" };
    for (size_t at = 0; at < sizeof secrets / sizeof *secrets; at++)
        cr_expect_eq (process_log_count (genesys_fixture->process, secrets[at]), 0, "%s",
                      secrets[at]);
    worker_fixture_end (genesys_fixture);
    genesys_platform_end ();
}

void
genesys_hand (genesys_item_run_t *run)
{
    bus_work_t work = { .item = text_of (run->item),
                        .topic = TEXT ("platform.genesys"),
                        .session = TEXT ("demo/s-1"),
                        .body = text_of (run->body),
                        .attempt = ++run->attempts,
                        .lost = run->lost,
                        .memory = text_of (run->memory),
                        .lane_memory = text_of (genesys_session.memory) };
    worker_fixture_hand (genesys_fixture, &work);
}

static void
s_keep (genesys_item_run_t *run, const worker_heard_t *done)
{
    if (*done->remember)
        snprintf (run->memory, sizeof run->memory, "%s", done->remember);
    if (*done->remember_lane)
        snprintf (genesys_session.memory, sizeof genesys_session.memory, "%s",
                  done->remember_lane);
    run->done = done;
}

static const worker_heard_t *
s_wait (genesys_item_run_t *run, unsigned nth)
{
    const worker_heard_t *done = worker_fixture_done (genesys_fixture, run->item, nth, 40000);
    s_keep (run, done);
    worker_fixture_settle (genesys_fixture, run->item);
    return done;
}

const worker_heard_t *
genesys_attempt (genesys_item_run_t *run)
{
    unsigned before = worker_fixture_count (genesys_fixture, run->item, BUS_DONE);
    genesys_hand (run);
    return s_wait (run, before + 1);
}

const worker_heard_t *
genesys_drive (genesys_item_run_t *run, unsigned most)
{
    for (unsigned at = 0; at < most; at++)
        if (genesys_attempt (run)->outcome != OUTCOME_RETRY)
            return run->done;
    return run->done;
}

void
genesys_open (void)
{
    static genesys_item_run_t offer;
    offer = GENESYS_RUN ("offer", GENESYS_OFFER (10));
    cr_assert_eq (genesys_drive (&offer, 2)->outcome, OUTCOME_ANSWERED, "%s", offer.done->detail);
    genesys_session.controls = true;
    genesys_session.tenancy = 11;
}

double
genesys_metric (const char *sample)
{
    return process_metric (genesys_fixture->process, sample);
}

// ------------------------------------------------------------------------------------------------
//  What the platform was sent

char *
genesys_bodies (const char *call)
{
    return strdup (genesys_control ("log?text=%s", call));
}

void
genesys_expect_log (const char *call, const char *text, unsigned count)
{
    char *all = genesys_bodies (call);
    unsigned found = 0;
    for (const char *at = all; (at = strstr (at, text)); at++)
        found++;
    cr_expect_eq (found, count, "%s: %u in %s", text, found, all);
    free (all);
}

unsigned
genesys_conversations (void)
{
    const char *state = genesys_control ("state");
    unsigned count = 0;
    for (const char *at = state; (at = strstr (at, "\"forgotten\"")); at++)
        count++;
    return count;
}

bool
genesys_is_anybody_there (void)
{
    return strstr (genesys_control ("state"), "\"state\": \"connected\"");
}
