#include "api/config_requests.h"

#include <assert.h>
#include <stdio.h>

#define DAY_MS 86400000.0
#define BODY_FRAME 1000

//  What this postoffice goes by: the apps file as it was read last, and SESSIONS_KEPT.
void
config_get (const api_call_t *call)
{
    const postoffice_context_t *office = calls_office (call->calls);
    const app_t *app = apps_find (office->apps, call->principal->app);
    if (!app) {
        calls_refuse (call->calls, call->number, PROBLEM_UNKNOWN_APP, TEXT_EMPTY);
        return;
    }
    uint64_t kept_ms = office->sessions_kept_ms;
    double days = app->retention.is_there ? (double) app->retention.days
                                          : (double) kept_ms / DAY_MS;
    char number[40] = "null"; //  for ever
    if (days > 0)
        snprintf (number, sizeof number, "%.10g", days);
    buffer_t body;
    json_writer_t json;
    buffer_init (&body, app->values.size + BODY_FRAME);
    json_write_begin (&json, &body);
    json_open_object (&json, NULL);
    json_put_text (&json, "appId", app->id);
    json_put_json (&json, "sessionsKeptDays", text_of (number));
    json_put_json (&json, "values", app->values);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    calls_answer (call->calls, call->number,
                  &(api_answer_t){ .status = 200, .body = buffer_text (&body) });
    buffer_free (&body);
}

static void
s_put_time (json_writer_t *json, const char *name, uint64_t time_ms)
{
    if (time_ms > 0)
        json_put_time (json, name, time_ms);
}

static void
s_put_bot (json_writer_t *json, const app_t *app, const bot_view_t *view)
{
    bool has_url = app->switchboard.failure.health_url.size > 0;
    json_put_string (json, "state", circuit_label (view->state));
    s_put_time (json, "since", view->since_ms);
    s_put_time (json, "nextTryAt", view->due_ms);
    json_put_string (json, "probe", has_url ? "health" : "question");
    json_put_number (json, "failures", view->failures);
    json_put_number (json, "answers", view->answers);
    json_put_number (json, "openings", view->openings);
    json_put_number (json, "waiting", view->waiting);
    if (view->failed_ms == 0)
        return;
    json_open_object (json, "lastFailure");
    json_put_time (json, "at", view->failed_ms);
    json_put_number (json, "status", view->failed_status);
    json_close_object (json);
}

//  What this postoffice knows: others have sessions, and circuits, of their own.
void
bot_health (const api_call_t *call)
{
    const postoffice_context_t *office = calls_office (call->calls);
    const app_t *app = apps_find (office->apps, call->principal->app);
    if (!app) {
        calls_refuse (call->calls, call->number, PROBLEM_UNKNOWN_APP, TEXT_EMPTY);
        return;
    }
    bot_view_t view;
    buffer_t body;
    json_writer_t json;
    bot_health_view (office->bots, app->id, &view);
    buffer_init (&body, 4 * BODY_FRAME);
    json_write_begin (&json, &body);
    json_open_object (&json, NULL);
    json_put_text (&json, "appId", app->id);
    json_put_string (&json, "postoffice", office->node);
    json_put_bool (&json, "hasBot", app->bot.is_there);
    s_put_bot (&json, app, &view);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    calls_answer (call->calls, call->number,
                  &(api_answer_t){ .status = 200, .body = buffer_text (&body) });
    buffer_free (&body);
}
