#include "requests.h"

#include "api/agent_requests.h"
#include "api/alert_requests.h"
#include "api/api_call.h"
#include "api/bot_answers.h"
#include "api/config_requests.h"
#include "api/endpoint_reads.h"
#include "api/message_posts.h"
#include "api/platform_posts.h"
#include "api/session_lists.h"
#include "api/session_changes.h"
#include "api/session_reads.h"
#include "api/webhook_posts.h"
#include "api/work_requests.h"
#include "base/alloc.h"
#include "json/json_read.h"
#include "model/offer.h"
#include "model/session_key.h"
#include "platforms/platform_voice.h"

#include <json-c/json.h>
#include <stdlib.h>

struct requests {
    postoffice_context_t *office;
    calls_t *calls;
};

//  By number; those of PLACE EDGE have none.
static api_operation_fn *const s_operations[API_OPERATIONS] = {
    [API_SESSION_GET] = session_get,
    [API_MESSAGE_POST] = message_post,
    [API_SESSION_LIST] = session_list,
    [API_MESSAGE_LIST] = message_list,
    [API_TRANSCRIPT] = transcript,
    [API_ENDPOINT_LIST] = endpoint_list,
    [API_WORK_LIST] = work_list,
    [API_WORK_GET] = work_get,
    [API_WORK_REPLAY] = work_replay,
    [API_WORK_DROP] = work_drop,
    [API_WORKS_REPLAY] = works_replay,
    [API_WORKS_DROP] = works_drop,
    [API_DESTINATION_LIST] = destination_list,
    [API_DESTINATION_ENABLE] = destination_enable,
    [API_ALERT_LIST] = alert_list,
    [API_ALERT_GET] = alert_get,
    [API_ALERT_ACKNOWLEDGE] = alert_acknowledge,
    [API_ALERT_TRY] = alert_try,
    [API_ALERT_PAGE] = alert_page,
    [API_VISITOR_ERASE] = visitor_erase,
    [API_VISITOR_EXPORT] = visitor_export,
    [API_ERASURE_GET] = erasure_get,
    [API_CONFIG_GET] = config_get,
    [API_BOT_HEALTH] = bot_health,
    [API_SEARCH] = search,
    [API_PARTICIPANT_LIST] = participant_list,
    [API_AGENT_LIST] = agent_list,
    [API_AGENT_GET] = agent_get,
    [API_AGENT_SET] = agent_set,
    [API_QUEUE_LIST] = queue_list,
    [API_BOT_ANSWER] = bot_answer,
    [API_WEBHOOK] = webhook_post,
    [API_PLATFORM] = platform_post,
    [API_SESSION_CREATE] = session_change,
    [API_SESSION_CLOSE] = session_change,
    [API_SESSION_REOPEN] = session_change,
    [API_SESSION_ENTER] = session_change,
    [API_SESSION_EXIT] = session_change,
    [API_SESSION_READ_MARK] = session_change,
    [API_CONTROL_TAKE] = session_change,
    [API_CONTROL_RELEASE] = session_change,
    [API_CONTROL_OFFER] = session_change,
    [API_CONTROL_ACCEPT] = session_change,
    [API_CONTROL_DECLINE] = session_change,
};

//  postoffice_context_t.posted, with the calls_t as its owner.
static void
s_on_done (void *owner, const operation_t *operation)
{
    if (operation->kind == OPERATION_CHANGE && operation->change->kind == CHANGE_ACKNOWLEDGE)
        alert_acknowledged (owner, operation);
    else if (operation->kind == OPERATION_CHANGE)
        session_changed (owner, operation);
    else if (operation->kind == OPERATION_DONE)
        bot_answered (owner, operation);
    else if (operation->channel.size > 0)
        webhook_posted (owner, operation);
    else
        message_posted (owner, operation);
}

//  A text of the request, in `to`. False: it is too long, or no text.
static bool
s_take (json_object *body, const char *name, size_t most, text_t *to)
{
    return json_member_text (body, name, to) >= 0 && to->size <= most;
}

//  False: the edge says what no edge would say.
static bool
s_read (api_call_t *call, json_object *body, session_key_room_t room)
{
    bool needs_session = call->row->place == API_AT_SESSION;
    if (!s_take (body, "session", SESSION_ID_MAX, &call->session)
        || !s_take (body, "user", USER_ID_MAX, &call->user)
        || !s_take (body, "item", API_PARAMETER_MAX, &call->item)
        || !s_take (body, "key", API_HEADER_MAX, &call->idempotency_key)
        || !s_take (body, "ifMatch", API_HEADER_MAX, &call->if_match)
        || !s_take (body, "more", API_MORE_MAX, &call->more)
        || (needs_session && call->session.size == 0))
        return false;
    call->query = json_object_object_get (body, "query");
    call->body = json_object_object_get (body, "body");
    if (call->session.size > 0)
        call->key = session_key_of (room, call->principal->app, call->session);
    return true;
}

//  What a worker may ask for, in the name of its platform. (Of API_PLATFORM its own acts say it.)
static const bool s_of_worker[API_OPERATIONS] = {
    [API_SESSION_GET] = true,   [API_MESSAGE_LIST] = true,    [API_SESSION_ENTER] = true,
    [API_SESSION_EXIT] = true,  [API_CONTROL_RELEASE] = true, [API_PLATFORM] = true,
};

//  A worker asks as the platform whose items it takes, and nobody else asks as one.
static bool
s_is_allowed (const requests_t *self, peer_t peer, const api_row_t *row,
              const principal_t *principal)
{
    const workers_t *workers = calls_office (self->calls)->workers;
    if (workers_is_one (workers, peer))
        return principal->kind == ROLE_PLATFORM && s_of_worker[row->operation]
               && platform_of_topic (principal->user).size > 0
               && workers_takes (workers, peer, principal->user);
    return row->permission == PERMIT_ANYBODY
               ? principal->kind != ROLE_PLATFORM
               : permission_scope (api_permission (row, principal->kind), principal->kind)
                     != SCOPE_NEVER;
}

//  Who asks was read. A principal that is bound to a session is of no other, and may ask for
//  nothing that is of no session.
static void
s_carry_out (requests_t *self, peer_t peer, const bus_request_t *request, const api_row_t *row,
             const principal_t *principal, json_object *body)
{
    session_key_room_t room;
    api_call_t call = { .calls = self->calls,
                        .row = row,
                        .principal = principal,
                        .key = TEXT_EMPTY,
                        .number = calls_begin (self->calls, peer, request) };
    if (!s_read (&call, body, room)) {
        calls_refuse (self->calls, call.number, PROBLEM_BAD_REQUEST, TEXT_EMPTY);
        return;
    }
    bool is_bound = principal->session.size > 0 && !text_is (principal->session, call.session);
    if (is_bound)
        calls_refuse (self->calls, call.number, PROBLEM_FORBIDDEN,
                      TEXT ("The token is of one session, and lets into nothing else"));
    else if (!s_is_allowed (self, peer, row, principal))
        calls_refuse (self->calls, call.number, PROBLEM_FORBIDDEN, TEXT_EMPTY);
    else
        s_operations[row->operation](&call);
}

void
requests_ask (requests_t *self, peer_t peer, const bus_request_t *request)
{
    const api_row_t *row = api_row (request->operation);
    if (!row || !s_operations[row->operation]) {
        calls_refuse (self->calls, calls_begin (self->calls, peer, request), PROBLEM_NOT_FOUND,
                      TEXT ("This postoffice does not know the operation"));
        return;
    }
    json_reading_t reading;
    json_object *body = json_read (
        request->body, &(json_limits_t){ .depth_most = 40, .values_most = 10000 }, &reading);
    principal_copy_t *principal = principal_read (request->principal);
    if (principal)
        s_carry_out (self, peer, request, row, principal_of (principal), body);
    else
        calls_refuse (self->calls, calls_begin (self->calls, peer, request), PROBLEM_BAD_REQUEST,
                      TEXT_EMPTY);
    principal_copy_destroy (&principal);
    json_object_put (body);
}

// ---------------------------------------------------------------------------------------------

requests_t *
requests_new (uv_loop_t *loop, postoffice_context_t *office, const store_config_t *store)
{
    requests_t *self = alloc_zeroed (sizeof *self);
    self->office = office;
    self->calls = calls_new (loop, office, store);
    office->voice = platform_voice_new (loop, office);
    office->posted = s_on_done;
    office->posted_owner = self->calls;
    return self;
}

void
requests_open (requests_t *self)
{
    calls_open (self->calls);
}

void
requests_destroy (requests_t **self_p)
{
    requests_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    platform_voice_destroy (&self->office->voice);
    calls_destroy (&self->calls);
    free (self);
}
