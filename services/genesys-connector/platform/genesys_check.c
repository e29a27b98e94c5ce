#include "platform/genesys_check.h"

#include "auth/webhook_signature.h"
#include "base/alloc.h"
#include "platform/genesys_answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#define TEXT_ROOM 2048
#define NOBODY "00000000-0000-4000-8000-000000000000" //  a UUID that nothing there has
#define HTTPS_PORT ":443"
#define THIS_MACHINE " (for this machine only: Genesys cannot call it)"

struct genesys_check {
    const genesys_check_means_t *means;
    char *app;
    char *integration;
    char *webhook; //  as the integration has it; "": not known, or it has none
    bool has_looked; //  the integration was seen
    genesys_check_fn *done;
    void *owner;
    genesys_call_t *call;
    http_call_t probe;
    unsigned step;
    int exit_code;
};

//  UNKNOWN is what cannot be seen, which is no fault; UNASKED is what should have been answered.
typedef enum { IS_OK, IS_FAILED, IS_UNKNOWN, IS_UNASKED } finding_t;

__attribute__ ((format (printf, 4, 5))) static void
s_say (genesys_check_t *self, const char *what, finding_t finding, const char *format, ...)
{
    static const char *const words[] = { "ok", "FAILED", "UNKNOWN", "UNKNOWN" };
    va_list values;
    printf ("%-13s %s: ", what, words[finding]);
    va_start (values, format);
    vprintf (format, values);
    va_end (values);
    printf ("\n");
    if (finding == IS_FAILED)
        self->exit_code = EX_CONFIG;
    else if (finding == IS_UNASKED && self->exit_code == EX_OK)
        self->exit_code = EX_UNAVAILABLE;
}

static void s_next (genesys_check_t *self);

//  There is no token: nothing else can be asked, and each line says so.
static void
s_has_no_token (genesys_check_t *self, const genesys_outcome_t *outcome)
{
    static const char *const others[] = { "integration", "webhook", "receipt", "ending" };
    bool is_mistake = outcome->class == GENESYS_FORBIDDEN;
    s_say (self, "login", is_mistake ? IS_FAILED : IS_UNASKED, "%s", outcome->words);
    for (size_t at = 0; at < sizeof others / sizeof *others; at++)
        s_say (self, others[at], IS_UNASKED, "not asked: without the login there is no token");
    self->done (self->owner, self->exit_code);
}

// ---------------------------------------------------------------------------------------------
//  Login and integration: one call

static void
s_take_integration (genesys_check_t *self, const genesys_outcome_t *outcome)
{
    integration_answer_t answer;
    integration_answer_read (&answer, outcome->body);
    text_t status = answer.status.size > 0 ? answer.status : TEXT ("its status is not told");
    bool is_active = text_is (answer.status, TEXT ("active")) || answer.status.size == 0;
    self->has_looked = answer.name.size > 0;
    if (!self->has_looked) //  a proxy's page, say
        s_say (self, "integration", IS_UNASKED, "the answer (%u) is none of an integration: %s",
               outcome->status, answer.tree ? "it has no name" : "it is no JSON object");
    else
        s_say (self, "integration", is_active ? IS_OK : IS_FAILED, "\"%.*s\", %.*s",
               TEXT_ARGS (answer.name), TEXT_ARGS (status));
    free (self->webhook);
    self->webhook = alloc_text (self->has_looked ? answer.webhook : TEXT_EMPTY);
    integration_answer_free (&answer);
}

//  The call was not made, or was refused as nobody's.
static bool
s_is_login_at_fault (const genesys_outcome_t *outcome)
{
    bool is_not_made = outcome->class == GENESYS_LATER && outcome->status == 0;
    return outcome->is_barred || outcome->status == 401 || is_not_made;
}

static void
s_has_integration (void *owner, const genesys_outcome_t *outcome)
{
    genesys_check_t *self = owner;
    self->call = NULL;
    if (s_is_login_at_fault (outcome)) {
        s_has_no_token (self, outcome);
        return;
    }
    s_say (self, "login", IS_OK, "a token is there");
    if (outcome->class == GENESYS_PASSING || outcome->class == GENESYS_LATER)
        s_say (self, "integration", IS_UNASKED, "%s", outcome->words);
    else if (outcome->class == GENESYS_OK)
        s_take_integration (self, outcome);
    else if (outcome->status == 403)
        s_say (self, "integration", IS_UNKNOWN,
               "the role may not look: it has no messaging:integration:view (%s)", outcome->words);
    else
        s_say (self, "integration", IS_FAILED, "there is no integration %s (%s)",
               self->integration, outcome->words);
    s_next (self);
}

static void
s_ask (genesys_check_t *self, genesys_use_t use, const char *method, const char *path,
       const char *body, genesys_done_fn *answered)
{
    self->call = genesys_call (self->means->calls,
                               &(genesys_ask_t){ .app = text_of (self->app),
                                                 .use = use,
                                                 .method = method,
                                                 .path = text_of (path),
                                                 .body = text_of (body) },
                               answered, self);
}

static void
s_look_at_integration (genesys_check_t *self)
{
    char path[TEXT_ROOM];
    snprintf (path, sizeof path, "/api/v2/conversations/messaging/integrations/open/%s",
              self->integration);
    s_ask (self, CALL_PERSON, "GET", path, "", s_has_integration);
}

// ---------------------------------------------------------------------------------------------
//  The webhook: where it leads, and whether an edge is there that refuses what is not signed

//  For a router that is tried out beside a platform that is no more than a script.
static bool
s_is_this_machine (const http_url_t *url)
{
    return strcmp (url->host, "127.0.0.1") == 0 || strcmp (url->host, "localhost") == 0;
}

//  Whoever else answers with 403 (a firewall, a proxy, a server of files) does not say that.
static bool
s_is_edge (const http_answer_t *answer)
{
    return answer->status == 403
           && text_is (http_answer_header (answer, WEBHOOK_CHECK_HEADER),
                       TEXT (WEBHOOK_CHECK_ANSWER));
}

static bool
s_is_of_this_machine (const genesys_check_t *self)
{
    http_url_t url;
    if (http_url_read (&url, self->webhook) != 0)
        return false;
    bool is_ours = s_is_this_machine (&url);
    http_url_free (&url);
    return is_ours;
}

static void
s_judge_probe (genesys_check_t *self, const http_answer_t *answer)
{
    if (answer->outcome != HTTP_ANSWERED)
        s_say (self, "webhook", IS_FAILED, "%s does not answer: %s", self->webhook,
               http_outcome_words (answer->outcome));
    else if (s_is_edge (answer))
        s_say (self, "webhook", IS_OK, "%s refuses what is not signed%s", self->webhook,
               s_is_of_this_machine (self) ? THIS_MACHINE : "");
    else if (answer->status == 403)
        s_say (self, "webhook", IS_FAILED,
               "%s is refused with 403, and not by an edge: by something before it, or instead",
               self->webhook);
    else if (answer->status >= 200 && answer->status < 300)
        s_say (self, "webhook", IS_FAILED, "%s takes what is not signed: it is no edge of this app",
               self->webhook);
    else
        s_say (self, "webhook", IS_FAILED, "%s is no edge with this app: it answers %ld",
               self->webhook, answer->status);
}

static void
s_probed (void *owner, http_call_t call, const http_answer_t *answer)
{
    genesys_check_t *self = owner;
    (void) call;
    self->probe = 0;
    s_judge_probe (self, answer);
    s_next (self);
}

//  What would be there: "" when nobody knows the edges' address.
static void
s_expected (const genesys_check_t *self, char room[TEXT_ROOM])
{
    size_t size = strlen (self->means->public_url);
    while (size > 0 && self->means->public_url[size - 1] == '/')
        size--;
    snprintf (room, TEXT_ROOM, "%.*s%s%s%s", (int) size, self->means->public_url,
              size ? "/webhooks/" : "", size ? self->app : "", size ? "/genesys" : "");
}

static bool
s_ends_with (const char *text, const char *end)
{
    size_t size = strlen (text), part = strlen (end);
    return size >= part && strcmp (text + size - part, end) == 0;
}

//  What is wrong with the address by itself; NULL: nothing.
static const char *
s_address_mistake (const genesys_check_t *self)
{
    char path[TEXT_ROOM];
    http_url_t url;
    snprintf (path, sizeof path, "/webhooks/%s/genesys", self->app);
    if (http_url_read (&url, self->webhook) != 0)
        return "it is no URL";
    bool is_ours = s_is_this_machine (&url);
    bool is_good = is_ours || (url.is_tls && s_ends_with (url.origin, HTTPS_PORT));
    http_url_free (&url);
    if (!is_good)
        return "the platform calls https:// on port 443 only";
    return s_ends_with (self->webhook, path) ? NULL : "its path is not /webhooks/APP/genesys";
}

static void
s_probe_webhook (genesys_check_t *self)
{
    char expected[TEXT_ROOM];
    s_expected (self, expected);
    //  Nobody could look: at least what should be there.
    if (!*self->webhook && *expected && !self->has_looked) {
        free (self->webhook);
        self->webhook = alloc_string (expected);
    }
    const char *mistake = *self->webhook ? s_address_mistake (self) : NULL;
    if (!*self->webhook && self->has_looked)
        s_say (self, "webhook", IS_FAILED, "the integration has no webhook address");
    else if (!*self->webhook)
        s_say (self, "webhook", IS_UNKNOWN, "where it leads cannot be seen; set EDGE_PUBLIC_URL");
    else if (*expected && strcmp (expected, self->webhook) != 0)
        s_say (self, "webhook", IS_FAILED, "it leads to %s, not to %s", self->webhook, expected);
    else if (mistake)
        s_say (self, "webhook", IS_FAILED, "%s: %s", self->webhook, mistake);
    else {
        static const char *const headers[] = { WEBHOOK_CHECK_HEADER ": webhook", NULL };
        http_request_t request = { .method = "POST",
                                   .url = self->webhook,
                                   .headers = headers,
                                   .content_type = "application/json",
                                   .body = TEXT ("{}"),
                                   .timeout_ms = self->means->call_ms,
                                   .answer_limit = 65536 };
        self->probe = http_client_send (self->means->http, &request, s_probed, self);
        if (self->probe)
            return;
        s_say (self, "webhook", IS_FAILED, "%s cannot be asked", self->webhook);
    }
    s_next (self);
}

// ---------------------------------------------------------------------------------------------
//  What the role may: asked of what is not there

static void
s_judge_right (genesys_check_t *self, const char *what, const char *may, const char *permission,
               const genesys_outcome_t *outcome)
{
    bool is_answer = outcome->class == GENESYS_OK || outcome->class == GENESYS_REFUSED;
    self->call = NULL;
    if (outcome->class == GENESYS_FORBIDDEN)
        s_say (self, what, IS_FAILED, "the role has no %s (%s)", permission, outcome->words);
    else if (is_answer)
        s_say (self, what, IS_OK, "%s", may);
    else
        s_say (self, what, IS_UNASKED, "%s", outcome->words);
    s_next (self);
}

static void
s_receipt_answered (void *owner, const genesys_outcome_t *outcome)
{
    s_judge_right (owner, "receipt", "the role may say what became of messages",
                   "conversation:message:receive", outcome);
}

static void
s_send_receipt (genesys_check_t *self)
{
    char path[TEXT_ROOM];
    snprintf (path, sizeof path, "/api/v2/conversations/messages/%s/inbound/open/receipt",
              self->integration);
    s_ask (self, CALL_RECEIPT, "POST", path,
           "{\"id\":\"" NOBODY "\",\"channel\":{\"to\":{\"id\":\"" NOBODY
           "\",\"idType\":\"Opaque\"},\"time\":\"2026-01-01T00:00:00.000Z\"},"
           "\"status\":\"Delivered\",\"isFinalReceipt\":true}",
           s_receipt_answered);
}

static void
s_end_answered (void *owner, const genesys_outcome_t *outcome)
{
    s_judge_right (owner, "ending", "the role may end conversations",
                   "conversation:communication:disconnect", outcome);
}

static void
s_end_nothing (genesys_check_t *self)
{
    s_ask (self, CALL_CONTROL, "PATCH", "/api/v2/conversations/messages/" NOBODY,
           "{\"state\":\"disconnected\"}", s_end_answered);
}

// ---------------------------------------------------------------------------------------------

static void (*const s_steps[]) (genesys_check_t *self) = {
    s_look_at_integration,
    s_probe_webhook,
    s_send_receipt,
    s_end_nothing,
};
#define STEPS (sizeof s_steps / sizeof *s_steps)

static void
s_next (genesys_check_t *self)
{
    if (self->step < STEPS)
        s_steps[self->step++](self);
    else
        self->done (self->owner, self->exit_code);
}

genesys_check_t *
genesys_check_new (const genesys_check_means_t *means, const char *app, genesys_check_fn *done,
                   void *owner)
{
    const app_t *row = apps_find (means->apps, text_of (app));
    if (!row || !row->genesys.is_there) {
        fprintf (stderr, "genesys-connector --check: %s\n",
                 row ? "the app has no section \"genesys\"" : "there is no such app");
        return NULL;
    }
    genesys_check_t *self = alloc_zeroed (sizeof *self);
    self->means = means;
    self->app = alloc_text (row->id);
    self->integration = alloc_text (row->genesys.integration_id);
    self->webhook = alloc_string ("");
    self->done = done;
    self->owner = owner;
    s_next (self);
    return self;
}

void
genesys_check_destroy (genesys_check_t **self_p)
{
    genesys_check_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    genesys_call_cancel (&self->call);
    if (self->probe)
        http_client_cancel (self->means->http, self->probe);
    free (self->app);
    free (self->integration);
    free (self->webhook);
    free (self);
}
