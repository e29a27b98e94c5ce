//  platform-worker — a scripted contact centre that takes topic `platform.scripted`, and that of
//  Genesys. It tells the body of each item, a line each, and does what another file says at that
//  moment: with an offer what the file's first letter says, and with other items what words of it
//  say.

#include "scripted_worker.h"

#include "model/session_key.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WATCH_EVERY_MS 200
#define HELD_MS 300

typedef struct {
    scripted_worker_config_t frame;
    char *script;
} config_t;

static const setting_t s_settings[] = {
    SCRIPTED_WORKER_SETTINGS,
    SETTING ("PLATFORM_SCRIPT", SETTING_TEXT, config_t, script, NULL, 0, 0,
             "file that says what it does: accepts, quietly accepts, declines or waits; and words: "
             "holds (messages), enters, exits, releases, tries (what it may not)"),
    SETTINGS_END,
};

typedef struct {
    scripted_worker_t *all;
    worker_item_t *item;
    worker_request_t *request; //  of a watch
    char session[100];
    unsigned step; //  of what it tries
} attempt_t;

static void
s_read_script (const config_t *config, char script[200])
{
    int file = open (config->script, O_RDONLY | O_CLOEXEC);
    ssize_t size = file >= 0 ? read (file, script, 199) : 0;
    script[size > 0 ? size : 0] = 0;
    if (file >= 0)
        close (file);
}

static bool
s_will (const scripted_worker_t *self, const char *word)
{
    char script[200];
    s_read_script (self->config, script);
    return strstr (script, word) != NULL;
}

static bool
s_is (text_t body, const char *event)
{
    char member[60];
    snprintf (member, sizeof member, "\"event\":\"%s\"", event);
    return memmem (body.data, body.size, member, strlen (member)) != NULL;
}

static void
s_report (worker_item_t *item, worker_outcome_t outcome, uint64_t after_ms, const char *data)
{
    bool opens = *data != 0;
    worker_item_done (item, &(worker_report_t){ .outcome = outcome,
                                                .after_ms = after_ms,
                                                .detail = TEXT ("as the script says"),
                                                .data = text_of (data),
                                                .remember_lane =
                                                    opens ? TEXT ("{\"conversation\":\"c-1\"}")
                                                          : TEXT_EMPTY });
}

// ---------------------------------------------------------------------------------------------
//  The watch: how does the session stand? Then what the script says, by requests.

#define AS "{\"as\":{\"kind\":\"platform\",\"userId\":\"platform.scripted\""

//  What a worker may not ask for, each for its own platform but the last ones.
static const struct {
    const char *platform;
    api_operation_t operation;
    const char *body;
} s_forbidden[] = {
    { "platform.scripted", API_MESSAGE_POST, "{\"text\":\"forbidden\",\"messageId\":\"m-1\"}" },
    { "platform.scripted", API_CONTROL_TAKE, "{}" },
    { "platform.scripted", API_CONTROL_OFFER, "{\"to\":[\"bot\"]}" },
    { "platform.scripted", API_CONTROL_ACCEPT, "{}" },
    { "platform.scripted", API_SESSION_CLOSE, "{}" },
    { "platform.scripted", API_TRANSCRIPT, "" },
    { "platform.scripted", API_SESSION_LIST, "" },
    { "platform.scripted", API_WORK_LIST, "" },
    { "platform.scripted", API_CONFIG_GET, "" },
    { "platform.scripted", API_WEBHOOK, "{\"what\":\"typing\",\"channel\":\"sms.out\"}" },
    { "platform.scripted", API_PLATFORM, "{\"what\":\"says\",\"platform\":\"platform.scripted\"}" },
    { "platform.other", API_SESSION_GET, "" },
    { "platform.other", API_MESSAGE_LIST, "" },
    { "platform.other", API_CONTROL_RELEASE, "{}" },
    { "platform.other", API_PLATFORM, "{\"what\":\"look\"}" },
};
#define FORBIDDEN (sizeof s_forbidden / sizeof *s_forbidden)

static void
s_tell_answer (attempt_t *self, const char *what, unsigned status, text_t body)
{
    char line[16 * 1024];
    int size = snprintf (line, sizeof line, "%s %s %u %.*s", self->session, what, status,
                         (int) (body.size < 15000 ? body.size : 15000), body.data);
    scripted_worker_tell (self->all, (text_t){ line, (size_t) size });
}

static void
s_ask (attempt_t *self, const char *platform, api_operation_t operation, const char *body,
       const char *key, uint64_t if_match, worker_answer_fn *answer)
{
    self->request = worker_ask (self->all->worker,
                                &(worker_ask_t){ .app = TEXT ("demo"),
                                                 .session = text_of (self->session),
                                                 .platform = text_of (platform),
                                                 .operation = operation,
                                                 .query = TEXT_EMPTY,
                                                 .body = text_of (body),
                                                 .key = text_of (key),
                                                 .if_match = if_match,
                                                 .deadline_ms = 5000 },
                                answer, self);
}

static void
s_look_later (attempt_t *self)
{
    s_report (self->item, WORKER_RETRY, WATCH_EVERY_MS, "");
}

static void
s_on_done (void *owner, unsigned status, text_t body, uint64_t last_seq)
{
    attempt_t *self = owner;
    self->request = NULL;
    (void) last_seq;
    s_tell_answer (self, "done", status, body);
    s_look_later (self);
}

static void
s_on_forbidden (void *owner, unsigned status, text_t body, uint64_t last_seq)
{
    attempt_t *self = owner;
    char what[40];
    (void) last_seq;
    self->request = NULL;
    snprintf (what, sizeof what, "tried %u:", self->step);
    s_tell_answer (self, what, status, status == 403 ? TEXT_EMPTY : body);
    if (++self->step == FORBIDDEN)
        s_look_later (self);
    else
        s_ask (self, s_forbidden[self->step].platform, s_forbidden[self->step].operation,
               s_forbidden[self->step].body, "", SEQ_UNKNOWN, s_on_forbidden);
}

static void
s_on_looked (void *owner, unsigned status, text_t body, uint64_t last_seq)
{
    static const char idle[] = "\"open\" : 0";
    attempt_t *self = owner;
    bool is_idle = memmem (body.data, body.size, idle, sizeof idle - 1);
    self->request = NULL;
    s_tell_answer (self, "looked", status, body);
    if (s_will (self->all, "tries"))
        s_ask (self, s_forbidden[0].platform, s_forbidden[0].operation, s_forbidden[0].body, "",
               SEQ_UNKNOWN, s_on_forbidden);
    else if (s_will (self->all, "enters"))
        s_ask (self, "platform.scripted", API_SESSION_ENTER,
               AS ",\"name\":\"Ann\",\"avatarPath\":\"https://x.example/ann.png\"}}", "enter-1",
               SEQ_UNKNOWN, s_on_done);
    else if (s_will (self->all, "exits"))
        s_ask (self, "platform.scripted", API_SESSION_EXIT, AS "}}", "exit-1", SEQ_UNKNOWN,
               s_on_done);
    else if (s_will (self->all, "reads"))
        s_ask (self, "platform.scripted", API_MESSAGE_LIST, "", "", SEQ_UNKNOWN, s_on_done);
    else if (s_will (self->all, "releases") && is_idle)
        s_ask (self, "platform.scripted", API_CONTROL_RELEASE, AS "}}", "", last_seq, s_on_done);
    else
        s_look_later (self);
}

// ---------------------------------------------------------------------------------------------

static void
s_offer (scripted_worker_t *self, worker_item_t *item)
{
    char script[200];
    s_read_script (self->config, script);
    if (*script == 'q')
        s_report (item, WORKER_ANSWERED, 0,
                  "{\"isQuiet\":true,\"watch\":{\"conversation\":\"c-1\"}}");
    else if (*script == 'a' || *script == 'd')
        s_report (item, *script == 'd' ? WORKER_DEAD : WORKER_ANSWERED, 0, "");
}

static void
s_start_attempt (void *owner, worker_item_t *item)
{
    scripted_worker_t *self = owner;
    const worker_item_view_t *view = worker_item_view (item);
    text_t body = view->work.body;
    attempt_t *attempt = view->attempt;
    if (!s_is (body, "watch"))
        scripted_worker_tell (self, body);
    if (s_is (body, "offer"))
        s_offer (self, item);
    else if (s_is (body, "watch")) {
        *attempt = (attempt_t){ .all = self, .item = item };
        text_t session = session_key_id (view->work.session);
        snprintf (attempt->session, sizeof attempt->session, "%.*s", TEXT_ARGS (session));
        s_ask (attempt, "platform.scripted", API_PLATFORM, "{\"what\":\"look\"}", "", SEQ_UNKNOWN,
               s_on_looked);
    } else if (s_is (body, "over")) {
        scripted_worker_tell (self, view->work.lane_memory.size > 0 ? view->work.lane_memory
                                                                    : TEXT ("nothing"));
        s_report (item, WORKER_ANSWERED, 0, "");
    } else if (s_is (body, "new message") && s_will (self, "holds"))
        s_report (item, WORKER_RETRY, HELD_MS, "");
    else
        s_report (item, WORKER_ANSWERED, 0, "");
}

static void
s_cancel (void *owner, worker_item_t *item)
{
    attempt_t *attempt = worker_item_view (item)->attempt;
    worker_request_cancel (&attempt->request);
    scripted_worker_tell (owner, TEXT ("cancelled"));
}

static void
s_notice (void *owner, const worker_notice_t *notice)
{
    char line[300];
    int size = snprintf (line, sizeof line, "notice %s of %.*s in %.*s, %.*s",
                         event_wire_name (notice->event), TEXT_ARGS (notice->topic),
                         TEXT_ARGS (notice->session), TEXT_ARGS (notice->external_id));
    scripted_worker_tell (owner, (text_t){ line, (size_t) size });
}

int
main (int argc, char **argv)
{
    static config_t config;
    static const scripted_worker_kind_t kind = { .name = "platform-worker",
                                                 .about = "a contact centre that follows a script",
                                                 .settings = s_settings,
                                                 .config = &config,
                                                 .worker = { .topics = "platform.scripted"
                                                                       " platform.genesys",
                                                             .attempt_size = sizeof (attempt_t),
                                                             .attempt_ms = 120000,
                                                             .overdue = { .outcome = WORKER_RETRY },
                                                             .start = s_start_attempt,
                                                             .cancel = s_cancel,
                                                             .notice = s_notice } };
    return scripted_worker_main (argc, argv, &kind);
}
