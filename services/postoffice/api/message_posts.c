#include "api/message_posts.h"

#include "model/message.h"
#include "session/sessions.h"

#include <assert.h>

//  Decided and stored like what a connection says (sessions.h).
void
message_post (const api_call_t *call)
{
    const principal_t *principal = call->principal;
    message_t message;
    char room[MESSAGE_COMPLAINT];
    const char *complaint =
        message_read_body (&message, call->body, call->session, principal->user, room);
    if (complaint) {
        calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST, text_of (complaint));
        return;
    }
    bus_record_t record = { .kind = BUS_POST,
                            .post = { .request_id = call->number,
                                      .session = call->key,
                                      .event = EVENT_NEW_MESSAGE,
                                      .message_id = message.message_id,
                                      .sender = TEXT_EMPTY,
                                      .data = message.data,
                                      .secret = message.secret,
                                      .hidden = message.hidden,
                                      .trace = TEXT_EMPTY } };
    operation_t *operation = operation_of_request (principal->kind, principal->user, &record);
    sessions_ask (calls_office (call->calls)->sessions, call->key, &operation);
}

static void
s_answer_stored (calls_t *calls, const operation_t *operation)
{
    const bus_post_t *post = &operation->record.post;
    buffer_t body;
    json_writer_t json;
    buffer_init (&body, 6 * MESSAGE_ID_MAX + 200);
    json_write_begin (&json, &body);
    json_open_object (&json, NULL);
    json_put_number (&json, "seq", operation->seq);
    json_put_text (&json, "messageId", post->message_id);
    api_write_time (&json, "time", operation->time_ms);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    unsigned status = operation->verdict == VERDICT_OK ? 201 : 200;
    calls_answer (calls, post->request_id,
                  &(api_answer_t){ .status = status, .body = buffer_text (&body) });
    buffer_free (&body);
}

//  The entry is committed, or was before.
void
message_posted (void *owner, const operation_t *operation)
{
    bool is_stored =
        operation->verdict == VERDICT_OK || operation->verdict == VERDICT_DUPLICATE;
    if (is_stored)
        s_answer_stored (owner, operation);
    else
        calls_refuse_verdict (owner, operation->record.post.request_id, operation->verdict);
}
