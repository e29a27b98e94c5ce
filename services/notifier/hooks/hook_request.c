#include "hooks/hook_request.h"

#include "json/json_body.h"
#include "json/json_members.h"
#include "json/json_write.h"
#include "model/degrade.h"
#include "model/webhook_user.h"

#define SIGNATURES_MOST (2 * WEBHOOK_SIGNATURE_MOST)
//  Of an answer's text, as JSON; ids, names and times stand beside it.
#define TEXT_MOST 14000

//  The members of an item's body that are looked at, as they stand there; empty: it has none.
typedef struct {
    text_t kind, endpoint, payload, type, time, data;
    text_t event, seq, time_ms, session, message, role, user, sender, participant;
} item_t;

static void
s_read (item_t *self, text_t body)
{
    const struct {
        text_t name;
        text_t *value;
    } rows[] = {
        { TEXT ("kind"), &self->kind },           { TEXT ("endpoint"), &self->endpoint },
        { TEXT ("payload"), &self->payload },     { TEXT ("type"), &self->type },
        { TEXT ("time"), &self->time },           { TEXT ("data"), &self->data },
        { TEXT ("event"), &self->event },         { TEXT ("seq"), &self->seq },
        { TEXT ("timeMs"), &self->time_ms },      { TEXT ("sessionId"), &self->session },
        { TEXT ("messageId"), &self->message },   { TEXT ("role"), &self->role },
        { TEXT ("userId"), &self->user },         { TEXT ("sender"), &self->sender },
        { TEXT ("participant"), &self->participant },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        *rows[row].value = TEXT_EMPTY;
    json_members_t members = json_members_of (body);
    text_t name, value;
    while (json_members_next (&members, &name, &value))
        for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
            if (text_is (name, rows[row].name))
                *rows[row].value = value;
}

//  A string without its quotes: of those that have no escapes.
static text_t
s_bare (text_t string)
{
    bool is_string = string.size >= 2 && *string.data == '"';
    return is_string ? (text_t){ string.data + 1, string.size - 2 } : TEXT_EMPTY;
}

static uint64_t
s_number (text_t digits)
{
    uint64_t number = 0;
    for (size_t at = 0; at < digits.size && at < 18; at++)
        if (digits.data[at] >= '0' && digits.data[at] <= '9')
            number = number * 10 + (uint64_t) (digits.data[at] - '0');
    return number;
}

static const app_webhook_out_t *
s_endpoint (const app_t *app, text_t name)
{
    const app_webhook_out_t *rows = app ? app->webhooks_out.rows : NULL;
    for (size_t at = 0; app && at < app->webhooks_out.count; at++)
        if (text_is (rows[at].name, name))
            return &rows[at];
    return NULL;
}

//  The endpoint that answers of the channel go to.
static const app_webhook_out_t *
s_endpoint_of (const app_t *app, text_t channel)
{
    const app_webhook_in_t *rows = app ? app->webhooks_in.rows : NULL;
    for (size_t at = 0; app && at < app->webhooks_in.count; at++)
        if (text_is (rows[at].channel, channel))
            return s_endpoint (app, rows[at].reply);
    return NULL;
}

// ---------------------------------------------------------------------------------------------
//  Bodies

static hook_outcome_t
s_make_event (hook_request_t *self, const app_t *app, const item_t *item,
              const app_webhook_out_t **to)
{
    json_writer_t json;
    if (s_bare (item->type).size == 0 || s_bare (item->time).size == 0 || item->data.size == 0
        || *item->data.data != '{')
        return HOOK_BROKEN;
    *to = s_endpoint (app, s_bare (item->endpoint));
    json_write_begin (&json, &self->body);
    json_open_object (&json, NULL);
    json_put_json (&json, "type", item->type);
    json_put_json (&json, "timestamp", item->time);
    json_put_number (&json, "version", s_number (item->payload));
    json_put_json (&json, "data", item->data);
    json_close_object (&json);
    return json_write_end (&json) == 0 ? HOOK_TAKEN : HOOK_BROKEN;
}

static void
s_put_sender (json_writer_t *json, const item_t *item)
{
    struct json_object *sender = json_body_read (item->sender);
    json_open_object (json, "sender");
    json_put_json (json, "role", item->role);
    json_put_json (json, "userId", item->user);
    json_put_text_if (json, "displayName", json_body_text (sender, "displayName"));
    json_close_object (json);
    json_body_free (&sender);
}

static hook_outcome_t
s_write_answer (hook_request_t *self, const item_t *item, text_t channel, text_t person,
                text_t text)
{
    json_writer_t json;
    json_write_begin (&json, &self->body);
    json_open_object (&json, NULL);
    json_put_string (&json, "type", "message.created");
    json_put_time (&json, "timestamp", s_number (item->time_ms));
    json_put_number (&json, "version", APP_WEBHOOK_PAYLOAD);
    json_open_object (&json, "data");
    json_put_json (&json, "sessionId", item->session);
    json_put_text (&json, "channel", channel);
    json_put_text (&json, "userId", person);
    json_put_json (&json, "messageId", item->message);
    json_put_json (&json, "seq", item->seq);
    if (json_put_cut (&json, "text", text, TEXT_MOST))
        json_put_bool (&json, "cut", true);
    s_put_sender (&json, item);
    json_close_object (&json);
    json_close_object (&json);
    return json_write_end (&json) == 0 ? HOOK_TAKEN : HOOK_BROKEN;
}

//  Of what a channel is told only words can be said by it.
static hook_outcome_t
s_make_answer (hook_request_t *self, const app_t *app, const item_t *item,
               const app_webhook_out_t **to)
{
    text_t channel, person;
    struct json_object *participant = json_body_read (item->participant);
    hook_outcome_t outcome = HOOK_BROKEN;
    if (webhook_user_split (json_body_text (participant, "userId"), &channel, &person)) {
        buffer_t text;
        buffer_init (&text, DEGRADE_TEXT_MOST);
        *to = s_endpoint_of (app, channel);
        bool is_said = text_is (s_bare (item->event), TEXT ("new message"))
                       || text_is (s_bare (item->event), TEXT ("failure"));
        bool has_words = is_said && degrade_text (item->data, &text) == 0;
        outcome = !has_words ? HOOK_NOTHING
                             : s_write_answer (self, item, channel, person, buffer_text (&text));
        buffer_free (&text);
    }
    json_body_free (&participant);
    return outcome;
}

// ---------------------------------------------------------------------------------------------

//  The new secret's signature first; an endpoint that has either of them finds its own.
static hook_outcome_t
s_sign (hook_request_t *self, const app_webhook_out_t *to, text_t item, uint64_t now_s)
{
    const text_t secrets[] = { to->secret, to->previous_secret };
    webhook_secret_t decoded[2];
    text_t keys[2];
    size_t count = 0;
    for (int at = 0; at < 2; at++)
        if (secrets[at].size > 0 && !webhook_secret_read (secrets[at], &decoded[at]))
            keys[count++] = webhook_secret_key (&decoded[at]);
    webhook_id_of (item, self->id);
    self->timestamp_s = now_s;
    self->url = to->url.data;
    int rc = webhook_standard_sign ((webhook_keys_t){ keys, count }, text_of (self->id), now_s,
                                    buffer_text (&self->body), &self->signature);
    return rc == 0 ? HOOK_TAKEN : HOOK_UNKNOWN;
}

hook_outcome_t
hook_request_make (hook_request_t *self, const app_t *app, const bus_work_t *work, uint64_t now_s)
{
    item_t item;
    const app_webhook_out_t *to = NULL;
    *self = (hook_request_t){ .url = "" };
    buffer_init (&self->body, HOOK_BODY_MOST);
    buffer_init (&self->signature, SIGNATURES_MOST);
    s_read (&item, work->body);
    bool is_event = text_is (s_bare (item.kind), TEXT ("event"));
    hook_outcome_t outcome = is_event ? s_make_event (self, app, &item, &to)
                                      : s_make_answer (self, app, &item, &to);
    if (outcome != HOOK_TAKEN)
        return outcome;
    return to ? s_sign (self, to, work->item, now_s) : HOOK_UNKNOWN;
}

void
hook_request_free (hook_request_t *self)
{
    buffer_free (&self->body);
    buffer_free (&self->signature);
}
