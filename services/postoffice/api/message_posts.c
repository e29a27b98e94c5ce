#include "api/message_posts.h"

#include "api/request_id.h"
#include "session/sessions.h"

#include <assert.h>

//  Decided and stored like what a connection says (sessions.h).
void
message_post (const api_call_t *call)
{
    api_body_t body;
    char room[MESSAGE_COMPLAINT];
    request_id_t id = request_id_of (call);
    api_asker_t asker = call_asker (call);
    const char *complaint = api_body_read (&body, API_MESSAGE_POST, call->body, &asker, room);
    if (complaint) {
        calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST, text_of (complaint));
        return;
    }
    const message_t *message = &body.message;
    bool has_id = message->message_id.size > 0;
    buffer_t sender;
    buffer_init (&sender, SENDER_OF_AGENT_MAX);
    if (body.as.kind == ROLE_AGENT)
        write_agent (body.as.user, body.as.name, &sender);
    bus_record_t record = { .kind = BUS_POST,
                            .post = { .request_id = call->number,
                                      .session = call->key,
                                      .event = body.is_whisper ? EVENT_WHISPER
                                                               : EVENT_NEW_MESSAGE,
                                      .message_id = has_id ? message->message_id
                                                           : text_of (id.text),
                                      .sender = buffer_text (&sender),
                                      .data = message->data,
                                      .secret = body.is_whisper ? TEXT_EMPTY : message->secret,
                                      .hidden = message->hidden,
                                      .trace = TEXT_EMPTY } };
    text_t user = body.as.kind == ROLE_API ? call->principal->user : body.as.user;
    operation_t *operation = operation_of_request (body.as.kind, user, &record);
    operation->if_match = call_if_match (call);
    operation->has_sender = body.as.name.size > 0;
    sessions_ask (calls_office (call->calls)->sessions, call->key, &operation);
    buffer_free (&sender);
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
    json_put_time (&json, "time", operation->time_ms);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    unsigned status = operation->verdict == VERDICT_OK ? 201 : 200;
    calls_answer (calls, post->request_id,
                  &(api_answer_t){ .status = status,
                                   .body = buffer_text (&body),
                                   .etag = text_of (api_etag (operation->last_seq).text) });
    buffer_free (&body);
}

//  The entry is committed, or was before.
void
message_posted (calls_t *calls, const operation_t *operation)
{
    bool is_stored =
        operation->verdict == VERDICT_OK || operation->verdict == VERDICT_DUPLICATE;
    if (is_stored)
        s_answer_stored (calls, operation);
    else
        calls_refuse_verdict (calls, operation->record.post.request_id, operation->verdict);
}
