#include "api/platform_posts.h"

#include "api/request_id.h"
#include "json/json_body.h"
#include "model/message.h"
#include "model/offer.h"
#include "platforms/platform_voice.h"
#include "rules/channel_items.h"

#include <assert.h>

// ---------------------------------------------------------------------------------------------
//  Acts of its worker

//  It asks for its own platform only.
static void
s_look (const api_call_t *call, text_t topic)
{
    buffer_t lane, target;
    buffer_init (&lane, CHANNEL_LANE_MAX);
    buffer_init (&target, sizeof "platform:" + topic.size);
    channel_items_lane (call->key, ROLE_PLATFORM, topic, &lane);
    int rc = buffer_put_string (&target, "platform:")
             | buffer_put_text (&target, platform_of_topic (topic));
    assert (rc == 0);
    text_t parameters[] = { call->key, call->principal->app, topic, buffer_text (&lane),
                            buffer_text (&target) };
    call_read (call, READ_PLATFORM_LOOK, parameters, sizeof parameters / sizeof *parameters);
    buffer_free (&lane);
    buffer_free (&target);
}

// ---------------------------------------------------------------------------------------------
//  Acts of an edge, of a webhook

static void
s_place (const api_call_t *call, text_t topic)
{
    buffer_t target;
    buffer_init (&target, sizeof "platform:" + topic.size);
    int rc = buffer_put_string (&target, "platform:")
             | buffer_put_text (&target, platform_of_topic (topic));
    assert (rc == 0);
    text_t parameters[] = { call->principal->app, topic, json_body_text (call->body, "externalId"),
                            json_body_text (call->body, "id"), buffer_text (&target) };
    call_read (call, READ_PLATFORM_PLACE, parameters, sizeof parameters / sizeof *parameters);
    buffer_free (&target);
}

//  Said in the platform's order, decided and stored like what a connection says.
static void
s_says (const api_call_t *call, text_t topic)
{
    message_t message = { .data = TEXT_EMPTY, .secret = TEXT_EMPTY };
    text_t id = json_body_text (call->body, "id");
    if (!message_id_is_of_key (id) || id.size > MESSAGE_ID_MAX
        || message_read (&message, call->body, call->session, topic) != MESSAGE_OK) {
        calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST, TEXT_EMPTY);
        return;
    }
    bus_record_t record = { .kind = BUS_POST,
                            .post = { .request_id = call->number,
                                      .session = call->key,
                                      .event = EVENT_NEW_MESSAGE,
                                      .message_id = id,
                                      .sender = TEXT_EMPTY,
                                      .data = message.data,
                                      .secret = TEXT_EMPTY,
                                      .trace = TEXT_EMPTY } };
    operation_t *operation = operation_of_request (ROLE_PLATFORM, topic, &record);
    platform_voice_say (calls_office (call->calls)->voice, call->key, topic,
                        json_body_number (call->body, "timeMs"),
                        json_body_number (call->body, "windowMs"), &operation);
}

//  A sign that may get lost.
static void
s_types (const api_call_t *call, text_t topic)
{
    platform_voice_type (calls_office (call->calls)->voice, call->key, topic,
                         json_body_number (call->body, "forMs"));
    calls_answer (call->calls, call->number, &(api_answer_t){ .status = 200, .body = TEXT ("{}") });
}

static void
s_note_receipt (const api_call_t *call, text_t topic)
{
    struct json_object *body = call->body;
    text_t parameters[] = { call->principal->app,
                            topic,
                            json_body_text (body, "externalId"),
                            json_body_text (body, "id"),
                            json_body_text (body, "status"),
                            json_body_text (body, "code"),
                            json_body_text (body, "reason"),
                            json_body_text (body, "conversation") };
    call_change (call, CHANGE_PLATFORM_RECEIPT, parameters,
                 sizeof parameters / sizeof *parameters);
}

static void
s_note_failed (const api_call_t *call, text_t topic)
{
    struct json_object *body = call->body;
    text_t parameters[] = { call->principal->app, topic, json_body_text (body, "externalId"),
                            json_body_text (body, "id"), json_body_text (body, "reason") };
    call_change (call, CHANGE_PLATFORM_FAILED, parameters, sizeof parameters / sizeof *parameters);
}

// ---------------------------------------------------------------------------------------------

//  by: ROLE_API is an edge that has checked whose webhook it is, ROLE_PLATFORM a worker of the
//  platform (requests.c).
static const struct {
    text_t what;
    role_t by;
    bool needs_session;
    void (*act) (const api_call_t *call, text_t topic);
} s_acts[] = {
    { TEXT ("look"), ROLE_PLATFORM, true, s_look },
    { TEXT ("place"), ROLE_API, false, s_place },
    { TEXT ("says"), ROLE_API, true, s_says },
    { TEXT ("typing"), ROLE_API, true, s_types },
    { TEXT ("receipt"), ROLE_API, false, s_note_receipt },
    { TEXT ("failed"), ROLE_API, false, s_note_failed },
};

//  The topic of the platform that is spoken of. Of a worker it is who asks.
static text_t
s_topic (const api_call_t *call)
{
    bool is_worker = call->principal->kind == ROLE_PLATFORM;
    text_t topic = is_worker ? call->principal->user : json_body_text (call->body, "platform");
    return platform_of_topic (topic).size > 0 ? topic : TEXT_EMPTY;
}

void
platform_post (const api_call_t *call)
{
    text_t what = json_body_text (call->body, "what"), topic = s_topic (call);
    for (size_t at = 0; at < sizeof s_acts / sizeof *s_acts; at++) {
        if (!text_is (what, s_acts[at].what))
            continue;
        bool has_session = call->session.size > 0 || !s_acts[at].needs_session;
        if (call->principal->kind != s_acts[at].by)
            calls_refuse (call->calls, call->number, PROBLEM_FORBIDDEN, TEXT_EMPTY);
        else if (topic.size == 0 || !has_session)
            calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST, TEXT_EMPTY);
        else
            s_acts[at].act (call, topic);
        return;
    }
    calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST, TEXT_EMPTY);
}
