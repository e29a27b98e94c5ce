#include "genesys_calls_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define CALL_MS 2000
#define WAIT_MS 5000
#define QUEUE_MOST 1000
#define BACKOFF_MS 2000
#define INTEGRATION "11111111-aaaa-bbbb-cccc-111111111111"
#define NOBODY "00000000-0000-0000-0000-000000000000"

static calls_rig_t s_rig;

calls_rig_t *
calls_rig_start (const char *app, const genesys_means_t *asked)
{
    genesys_means_t means = { .call_ms = CALL_MS,
                              .wait_ms = WAIT_MS,
                              .queue_most = QUEUE_MOST,
                              .backoff_ms = BACKOFF_MS };
    buffer_t complaint;
    buffer_init (&complaint, 1000);
    genesys_platform_start (app);
    rig_start (&s_rig.rig);
    if (asked) {
        means.call_ms = asked->call_ms ? asked->call_ms : means.call_ms;
        means.wait_ms = asked->wait_ms ? asked->wait_ms : means.wait_ms;
        means.queue_most = asked->queue_most ? asked->queue_most : means.queue_most;
        means.backoff_ms = asked->backoff_ms ? asked->backoff_ms : means.backoff_ms;
    }
    s_rig.count = s_rig.ended = 0;
    memset (s_rig.all, 0, sizeof s_rig.all);
    s_rig.http = http_client_new (&s_rig.rig.loop, &(http_client_config_t){ 0 });
    s_rig.apps = apps_new (&s_rig.rig.loop,
                           &(apps_config_t){ .reader = APP_READER_GENESYS,
                                             .file = genesys_platform_path ("apps.json"),
                                             .app_id = "",
                                             .bot_url = "",
                                             .bot_key = "" },
                           &complaint);
    cr_assert (s_rig.apps, "%.*s", TEXT_ARGS (buffer_text (&complaint)));
    buffer_free (&complaint);
    means.loop = &s_rig.rig.loop;
    means.http = s_rig.http;
    means.apps = s_rig.apps;
    s_rig.calls = genesys_calls_new (&means);
    s_rig.people = genesys_people_new (s_rig.calls);
    return &s_rig;
}

void
calls_rig_end (void)
{
    genesys_people_destroy (&s_rig.people);
    genesys_calls_destroy (&s_rig.calls);
    http_client_destroy (&s_rig.http);
    apps_destroy (&s_rig.apps);
    rig_stop (&s_rig.rig);
    genesys_platform_end ();
}

static void
s_done (void *owner, const genesys_outcome_t *outcome)
{
    calls_rig_call_t *self = owner;
    self->call = NULL;
    self->done++;
    self->class = outcome->class;
    self->status = outcome->status;
    self->is_unsure = outcome->is_unsure;
    self->retry_after_ms = outcome->retry_after_ms;
    self->ended_ms = clock_mono_ms ();
    snprintf (self->words, sizeof self->words, "%s", outcome->words);
    snprintf (self->body, sizeof self->body, "%.*s",
              (int) (outcome->body.size < CALLS_RIG_WORDS ? outcome->body.size : CALLS_RIG_WORDS),
              outcome->body.data);
    s_rig.ended++;
}

unsigned
calls_rig_ask (const char *app, genesys_use_t use, const char *path, const char *body)
{
    static const char *const methods[CALL_USES] = { "POST", "PATCH", "POST", "GET", "GET", "POST" };
    cr_assert_lt (s_rig.count, CALLS_RIG_MOST);
    calls_rig_call_t *call = &s_rig.all[s_rig.count];
    call->began_ms = clock_mono_ms ();
    call->use = use;
    call->call = genesys_call (s_rig.calls,
                               &(genesys_ask_t){ .app = text_of (app),
                                                 .use = use,
                                                 .method = methods[use],
                                                 .path = text_of (path),
                                                 .body = text_of (body) },
                               s_done, call);
    cr_assert_eq (call->done, 0, "it is done later");
    return s_rig.count++;
}

unsigned
calls_rig_say (genesys_use_t use)
{
    static const char from[] = "\"from\":{\"id\":\"visitor\",\"idType\":\"Opaque\"}";
    static const char time[] = "\"time\":\"2026-11-22T14:00:00.000Z\"";
    static unsigned number;
    static const char *const paths[CALL_USES] = {
        [CALL_MESSAGE] = "conversations/messages/" INTEGRATION "/inbound/open/message",
        [CALL_RECEIPT] = "conversations/messages/" INTEGRATION "/inbound/open/receipt",
        [CALL_TYPING] = "conversations/messages/" INTEGRATION "/inbound/open/event",
        //  Who is asked for is not there: 404 is an answer.
        [CALL_CONTROL] = "conversations/messages/" NOBODY,
        [CALL_POLL] = "conversations/messages/" NOBODY,
        [CALL_PERSON] = "users/" NOBODY,
    };
    char body[400] = "", path[200];
    snprintf (path, sizeof path, "/api/v2/%s", paths[use]);
    if (use == CALL_MESSAGE)
        snprintf (body, sizeof body,
                  "{\"channel\":{%s,%s,\"messageId\":\"m-%u\"},\"text\":\"hello\"}", from, time,
                  ++number);
    if (use == CALL_TYPING)
        snprintf (body, sizeof body,
                  "{\"channel\":{%s,%s},\"events\":[{\"eventType\":\"Typing\"}]}", from, time);
    if (use == CALL_RECEIPT)
        snprintf (body, sizeof body,
                  "{\"id\":\"none\",\"channel\":{\"to\":{\"id\":\"visitor\",\"idType\":\"Opaque\"},"
                  "%s},\"status\":\"Delivered\"}",
                  time);
    if (use == CALL_CONTROL)
        snprintf (body, sizeof body, "{\"state\":\"disconnected\"}");
    return calls_rig_ask ("demo", use, path, body);
}

void
calls_rig_until_ended (unsigned count)
{
    RIG_UNTIL (&s_rig.rig, 30000, s_rig.ended >= count);
}

const calls_rig_call_t *
calls_rig_result (genesys_use_t use)
{
    const calls_rig_call_t *call = &s_rig.all[calls_rig_say (use)];
    RIG_UNTIL (&s_rig.rig, 30000, call->done);
    return call;
}

const calls_rig_call_t *
calls_rig_result_of (const char *path)
{
    const calls_rig_call_t *call = &s_rig.all[calls_rig_ask ("demo", CALL_POLL, path, "")];
    RIG_UNTIL (&s_rig.rig, 30000, call->done);
    return call;
}

unsigned
calls_rig_came_to (unsigned first, genesys_class_t class)
{
    unsigned count = 0;
    for (unsigned at = first; at < s_rig.count; at++)
        count += s_rig.all[at].done == 1 && s_rig.all[at].class == class;
    return count;
}
