#include "hooks/hook_try.h"

#include "base/clock.h"
#include "base/random_id.h"
#include "hooks/hook_request.h"
#include "hooks/hook_send.h"
#include "json/json_write.h"

#include <stdio.h>
#include <sysexits.h>

#define BODY_MOST 1000

static void
s_say (hook_outcome_t outcome, const char *said, int *code)
{
    const hook_outcome_row_t *row = &hook_outcomes[outcome];
    bool is_good = row->class == RETRY_DONE;
    fprintf (is_good ? stdout : stderr, "%s%s%s\n", row->words, *said ? ": " : "", said);
    *code = is_good ? EX_OK : EX_UNAVAILABLE;
}

static void
s_answered (void *owner, http_call_t call, const http_answer_t *answer)
{
    char said[200];
    (void) call;
    snprintf (said, sizeof said, "%ld", answer->status);
    s_say (hook_outcome_of (answer), answer->status > 0 ? said : answer->error, owner);
}

//  An item of the endpoint, as a postoffice makes them.
static int
s_write (const char *endpoint, buffer_t *to)
{
    json_writer_t json;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_string (&json, "kind", "event");
    json_put_string (&json, "endpoint", endpoint);
    json_put_number (&json, "payload", 1);
    json_put_string (&json, "type", "test");
    json_put_time (&json, "time", clock_wall_ms ());
    json_open_object (&json, "data");
    json_close_object (&json);
    json_close_object (&json);
    return json_write_end (&json);
}

void
hook_try (const channel_means_t *means, const char *app, const char *address, int *code)
{
    random_id_t id = random_id_new ();
    hook_request_t request;
    buffer_t body;
    buffer_init (&body, BODY_MOST);
    bool is_good = s_write (address, &body) == 0;
    bus_work_t work = { .item = text_of (id.text), .body = buffer_text (&body) };
    hook_outcome_t outcome =
        is_good ? hook_request_make (&request, apps_find (means->apps, text_of (app)), &work,
                                     clock_wall_ms () / 1000)
                : HOOK_UNKNOWN;
    http_call_t call = 0;
    if (outcome == HOOK_TAKEN)
        outcome = hook_send (means, &request, s_answered, code, &call);
    if (is_good)
        hook_request_free (&request);
    buffer_free (&body);
    if (outcome != HOOK_TAKEN)
        s_say (outcome, "", code);
}
