#include "api/api.h"

#include "api/api_answer.h"
#include "api/api_limits.h"
#include "api/alert_page.h"
#include "auth/alert_url.h"
#include "auth/answer_url.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "model/api_operation.h"
#include "model/session_key.h"
#include "net/client_url.h"
#include "tables/edge_metrics.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define ORIGIN_MOST 300
#define FIELDS_ROOM 700
#define API_FIELDS "cache-control: no-store\r\n"
//  What pages of other origins may read of an answer beside its body.
#define EXPOSED "access-control-expose-headers: etag, location, retry-after\r\n"
//  What pages of other origins may send along, and for how long they may remember that.
#define PREFLIGHT_FIELDS                                                                         \
    "access-control-allow-headers: authorization, content-type, idempotency-key, if-match, "     \
    "last-event-id\r\naccess-control-max-age: 600\r\n"

struct api {
    api_config_t config;
};

//  Lines for a page of this origin, which may read the answer. False: it may not, nor ask.
static bool
s_allow_origin (const api_t *self, text_t app, const http_head_t *head, char fields[FIELDS_ROOM])
{
    text_t origin;
    bool is_one = http_head_only (head, "Origin", &origin) == 0 && origin.size <= ORIGIN_MOST;
    snprintf (fields, FIELDS_ROOM, API_FIELDS);
    if (is_one && origin.size == 0)
        return true;
    if (!is_one || !apps_allows_origin (self->config.apps, app, origin))
        return false;
    snprintf (fields, FIELDS_ROOM,
              API_FIELDS "vary: origin\r\naccess-control-allow-origin: %.*s\r\n" EXPOSED,
              TEXT_ARGS (origin));
    return true;
}

//  The same for the app of the query, before it is known who asks.
static bool
s_allow_origin_of_query (const api_t *self, const http_head_t *head, char fields[FIELDS_ROOM])
{
    client_url_t url;
    client_url_read (&url, head->query);
    const app_t *app = url.app_is_bad ? NULL : apps_find (self->config.apps, url.app);
    return app && s_allow_origin (self, app->id, head, fields);
}

//  A browser asks what a page may ask.
static void
s_preflight (const api_t *self, request_t *request, const http_head_t *head,
             const api_match_t *match)
{
    char fields[FIELDS_ROOM], more[FIELDS_ROOM];
    bool is_allowed = s_allow_origin_of_query (self, head, fields);
    request_set_fields (request, text_of (is_allowed ? fields : API_FIELDS));
    int size = snprintf (more, sizeof more, "allow: %s\r\n%s%s%s%s", match->allow,
                         is_allowed ? "access-control-allow-methods: " : "",
                         is_allowed ? match->allow : "", is_allowed ? "\r\n" : "",
                         is_allowed ? PREFLIGHT_FIELDS : "");
    request_answer (request, 204, (text_t){ more, (size_t) size }, TEXT_EMPTY);
}

static_assert (USER_ID_MAX - (sizeof ANONYMOUS - 1) == 190, "in the words");

//  What is wrong about the query of who has no token.
static problem_t
s_bad_query (const client_url_t *url, const char **detail)
{
    if (url->other_is_bad)
        return PROBLEM_BAD_REQUEST;
    if (url->user.size > 0) {
        *detail = "A userId may be at most 190 bytes long in an app with tokens";
        return PROBLEM_BAD_REQUEST;
    }
    *detail = "There must be a token, or a userId in the query";
    return PROBLEM_UNAUTHENTICATED;
}

//  Who asks, as the door has it. Returns the problem; PROBLEMS: there is none.
static problem_t
s_principal (const api_t *self, const http_head_t *head, door_pass_t *pass, const char **detail)
{
    client_url_t url;
    client_url_read (&url, head->query);
    close_reason_t reason = door_ask (self->config.door, &url, head, pass);
    *detail = "";
    switch (reason) {
    case CLOSE_CLIENT:
        return PROBLEMS;
    case CLOSE_UNKNOWN_APP:
        return PROBLEM_UNKNOWN_APP;
    case CLOSE_NOT_ALLOWED:
        return PROBLEM_FORBIDDEN;
    case CLOSE_NO_TOKEN:
    case CLOSE_BAD_TOKEN:
    case CLOSE_BAD_KEY:
    case CLOSE_TOKEN_EXPIRED:
        *detail = reason == CLOSE_NO_TOKEN && url.admin ? "An agent needs a token"
                                                        : close_reasons[reason].words;
        return PROBLEM_UNAUTHENTICATED;
    default:
        return s_bad_query (&url, detail);
    }
}

//  True: it was refused.
static bool
s_is_too_fast (const api_t *self, request_t *request, const api_request_t *asked,
               const principal_t *principal)
{
    session_key_room_t room;
    text_t id = asked->parameters[API_PARAMETER_SESSION];
    text_t session = id.size > 0 ? session_key_of (room, principal->app, id) : TEXT_EMPTY;
    uint64_t wait_ms = api_limits_wait_ms (self->config.limits, asked->row, principal,
                                           request_address (request), session, clock_mono_ms ());
    if (wait_ms > 0)
        api_refuse_for (request, (wait_ms + 999) / 1000);
    return wait_ms > 0;
}

static void
s_begin (api_t *self, request_t *request, const http_head_t *head, const api_match_t *match,
         const door_pass_t *pass, const char *fields)
{
    api_request_t asked;
    char room[API_COMPLAINT];
    const char *complaint = api_request_read (&asked, match, head, room);
    if (complaint) {
        api_refuse (request, PROBLEM_BAD_REQUEST, "", text_of (complaint));
        return;
    }
    permission_t permission = api_permission (match->row, pass->principal.kind);
    if (permission != PERMIT_ANYBODY
        && !(pass->may & api_door_permissions (match->row, pass->principal.kind))) {
        api_refuse (request, PROBLEM_FORBIDDEN, "", TEXT_EMPTY);
        return;
    }
    if (permission != PERMIT_ANYBODY && s_is_too_fast (self, request, &asked, &pass->principal))
        return;
    if (match->row->place == API_AT_EDGE) {
        const api_local_t *local = &self->config.local[match->row->operation];
        local->asked (local->owner, request, head, &asked, pass, text_of (fields));
        return;
    }
    api_calls_begin (self->config.calls, request, head, &asked, pass, text_of (fields));
}

//  There is no such path, or method of it. A page of another origin is to read that.
static void
s_refuse_path (const api_t *self, request_t *request, const http_head_t *head,
               const api_match_t *match)
{
    char fields[FIELDS_ROOM] = API_FIELDS, more[120];
    (void) s_allow_origin_of_query (self, head, fields);
    request_set_fields (request, text_of (fields));
    snprintf (more, sizeof more, "allow: %s\r\n", match->allow);
    api_refuse (request, *match->allow ? PROBLEM_METHOD : PROBLEM_NOT_FOUND,
                *match->allow ? more : "", TEXT_EMPTY);
}

// ---------------------------------------------------------------------------------------------
//  A bot answers later

bool
api_is_of_bots (const http_head_t *head)
{
    size_t size = sizeof ANSWER_PATH - 1;
    return head->path.size >= size && memcmp (head->path.data, ANSWER_PATH, size) == 0;
}

//  The signature was right. False: it was refused.
static bool
s_may_answer (api_t *self, request_t *request, const http_head_t *head,
              const api_request_t *asked, const principal_t *principal)
{
    if (!http_head_is (head, "POST")) {
        api_refuse (request, PROBLEM_METHOD, "allow: POST\r\n", TEXT_EMPTY);
        return false;
    }
    return !s_is_too_fast (self, request, asked, principal);
}

//  Who has an address that was not signed here is told nothing, not even whether there are any.
static void
s_bot_asked (api_t *self, request_t *request, const http_head_t *head)
{
    char room[ANSWER_CLAIM_MAX];
    size_t skip = sizeof ANSWER_PATH - 1;
    text_t token = { head->path.data + skip, head->path.size - skip };
    answer_claim_t claim;
    answer_verdict_t verdict = answer_url_read (self->config.answer_key, token,
                                                clock_wall_ms () / 1000, &claim, room);
    request_set_fields (request, TEXT (API_FIELDS));
    if (verdict != ANSWER_GOOD) {
        api_refuse (request, verdict == ANSWER_BAD ? PROBLEM_NOT_FOUND : PROBLEM_GONE, "",
                    verdict == ANSWER_BAD ? TEXT_EMPTY : TEXT ("The address has expired"));
        return;
    }
    text_t session = session_key_id (claim.session);
    door_pass_t pass = { .principal = { .kind = ROLE_BOT,
                                        .app = session_key_app (claim.session),
                                        .user = TEXT ("bot"),
                                        .session = session,
                                        .name = TEXT_EMPTY } };
    api_request_t asked = { .row = &api_bot_answer,
                            .parameters = { [API_PARAMETER_SESSION] = session,
                                            [API_PARAMETER_USER] = TEXT_EMPTY,
                                            [API_PARAMETER_ITEM] = claim.item },
                            .query = TEXT_EMPTY,
                            .key = TEXT_EMPTY,
                            .if_match = TEXT_EMPTY };
    if (s_may_answer (self, request, head, &asked, &pass.principal))
        api_calls_begin (self->config.calls, request, head, &asked, &pass, TEXT (API_FIELDS));
}

// ---------------------------------------------------------------------------------------------
//  Somebody acknowledges an alert

bool
api_is_of_alerts (const http_head_t *head)
{
    return alert_page_is_path (head);
}

static void
s_ask_of_alert (api_t *self, request_t *request, const http_head_t *head,
                const alert_claim_t *claim, const api_row_t *row)
{
    door_pass_t pass = { .principal = { .kind = ROLE_API,
                                        .app = claim->app,
                                        .user = claim->person,
                                        .session = TEXT_EMPTY,
                                        .name = TEXT_EMPTY } };
    api_request_t asked = { .row = row,
                            .parameters = { [API_PARAMETER_SESSION] = TEXT_EMPTY,
                                            [API_PARAMETER_USER] = TEXT_EMPTY,
                                            [API_PARAMETER_ITEM] = claim->alert },
                            .query = TEXT_EMPTY,
                            .key = TEXT_EMPTY,
                            .if_match = TEXT_EMPTY,
                            .is_page = true };
    api_calls_begin (self->config.calls, request, head, &asked, &pass, TEXT_EMPTY);
}

//  Only the button acts: whoever opens a link need not be a person.
static void
s_link_asked (api_t *self, request_t *request, const http_head_t *head)
{
    char room[SIGNED_CLAIM_MAX];
    size_t skip = sizeof ALERT_PATH - 1;
    text_t token = { head->path.data + skip, head->path.size - skip };
    alert_claim_t claim;
    signed_verdict_t verdict =
        alert_url_read (self->config.alert_key, token, clock_wall_ms () / 1000, &claim, room);
    bool shows = http_head_is (head, "GET") || http_head_is (head, "HEAD");
    if (verdict != SIGNED_GOOD)
        alert_page_say (request, verdict == SIGNED_BAD ? 404 : 410);
    else if (shows)
        s_ask_of_alert (self, request, head, &claim, &api_alert_page);
    else if (http_head_is (head, "POST"))
        s_ask_of_alert (self, request, head, &claim, api_row (API_ALERT_ACKNOWLEDGE));
    else
        alert_page_say (request, 405);
}

void
api_asked (void *owner, request_t *request, const http_head_t *head)
{
    api_t *self = owner;
    api_match_t match;
    char fields[FIELDS_ROOM];
    edge_count (EDGE_API_REQUESTS, 1);
    if (api_is_of_bots (head)) {
        s_bot_asked (self, request, head);
        return;
    }
    if (api_is_of_alerts (head)) {
        s_link_asked (self, request, head);
        return;
    }
    api_match (&match, head->method, head->path);
    if (!match.row && *match.allow && http_head_is (head, "OPTIONS")) {
        s_preflight (self, request, head, &match);
        return;
    }
    if (!match.row) {
        s_refuse_path (self, request, head, &match);
        return;
    }
    request_set_fields (request, TEXT (API_FIELDS));
    if (match.row->permission == PERMIT_ANYBODY) {
        s_begin (self, request, head, &match, &(door_pass_t){ .may = 0 },
                 API_FIELDS "access-control-allow-origin: *\r\n");
        return;
    }
    door_pass_t pass;
    const char *detail;
    problem_t problem = s_principal (self, head, &pass, &detail);
    bool is_app = pass.principal.app.size > 0;
    bool is_allowed = is_app && s_allow_origin (self, pass.principal.app, head, fields);
    if (is_app)
        request_set_fields (request, text_of (fields));
    if (is_allowed && problem == PROBLEMS)
        s_begin (self, request, head, &match, &pass, fields);
    else
        api_refuse (request, problem == PROBLEMS ? PROBLEM_ORIGIN : problem,
                    problem == PROBLEM_UNAUTHENTICATED ? "www-authenticate: Bearer\r\n" : "",
                    text_of (detail));
    door_pass_free (&pass);
}

//  A page of another origin is to read for how long it must wait.
void
api_too_many (void *owner, request_t *request, const http_head_t *head, unsigned seconds)
{
    api_t *self = owner;
    char fields[FIELDS_ROOM] = API_FIELDS;
    (void) s_allow_origin_of_query (self, head, fields);
    edge_count (EDGE_API_REQUESTS, 1);
    request_set_fields (request, text_of (fields));
    api_refuse_for (request, seconds);
}

// ---------------------------------------------------------------------------------------------

api_t *
api_new (const api_config_t *config)
{
    api_t *self = alloc_zeroed (sizeof *self);
    self->config = *config;
    return self;
}

void
api_destroy (api_t **self_p)
{
    api_t *self = *self_p;
    *self_p = NULL;
    free (self);
}
