#include "api/bot_answers.h"

#include "api/request_id.h"
#include "json/json_read.h"
#include "session/sessions.h"

#include <assert.h>
#include <json-c/json.h>

//  False: the edge says what no edge would say.
static bool
s_read (const api_call_t *call, bus_done_t *done)
{
    json_object *apology = NULL, *ask = NULL;
    if (json_member_text (call->body, "data", &done->data) < 0
        || json_member_text (call->body, "target", &done->target) < 0)
        return false;
    json_object_object_get_ex (call->body, "isApology", &apology);
    json_object_object_get_ex (call->body, "ask", &ask);
    done->outcome = json_object_get_boolean (apology) ? OUTCOME_BOT_ERROR : OUTCOME_ANSWERED;
    int64_t number = json_object_get_int64 (ask);
    done->ask = number == ASK_HANDOFF || number == ASK_TRANSFER_CALL ? (uint64_t) number
                                                                    : ASK_NOTHING;
    return call->item.size > 0;
}

void
bot_answer (const api_call_t *call)
{
    bus_record_t record = { .kind = BUS_DONE };
    bus_done_t *done = &record.done;
    done->item = call->item;
    done->session = call->key;
    done->data = done->target = done->detail = done->trace = TEXT_EMPTY;
    done->topic = TEXT ("bot.stentor");
    if (call->principal->kind != ROLE_BOT) {
        calls_refuse (call->calls, call->number, PROBLEM_FORBIDDEN, TEXT_EMPTY);
        return;
    }
    if (!s_read (call, done)) {
        calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST, TEXT_EMPTY);
        return;
    }
    operation_t *operation = operation_of_answer (call->number, &record);
    sessions_ask (calls_office (call->calls)->sessions, call->key, &operation);
}

// ---------------------------------------------------------------------------------------------
//  The answer

static void
s_answer_stored (calls_t *calls, const operation_t *operation)
{
    buffer_t body;
    json_writer_t json;
    buffer_init (&body, 200);
    json_write_begin (&json, &body);
    json_open_object (&json, NULL);
    json_put_number (&json, "seq", operation->seq);
    json_put_time (&json, "time", operation->time_ms);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    unsigned status = operation->verdict == VERDICT_OK ? 201 : 200;
    calls_answer (calls, operation->request,
                  &(api_answer_t){ .status = status, .body = buffer_text (&body) });
    buffer_free (&body);
}

void
bot_answered (calls_t *calls, const operation_t *operation)
{
    uint64_t number = operation->request;
    switch (operation->verdict) {
    case VERDICT_OK:
    case VERDICT_DUPLICATE:
        s_answer_stored (calls, operation);
        return;
    case VERDICT_NOT_IN_CONTROL:
        calls_refuse (calls, number, PROBLEM_CONFLICT,
                      TEXT ("Somebody else answers this visitor now"));
        return;
    case VERDICT_EXISTS:
        calls_refuse (calls, number, PROBLEM_CONFLICT,
                      TEXT ("The question has an answer already, or waits for none any more"));
        return;
    case VERDICT_PRECONDITION:
        calls_refuse (calls, number, PROBLEM_GONE,
                      TEXT ("The question was given up before this answer came"));
        return;
    default:
        calls_refuse_verdict (calls, number, operation->verdict);
    }
}
