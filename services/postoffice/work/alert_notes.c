#include "work/alert_notes.h"

#include "alerts/alert_limits.h"
#include "auth/alert_url.h"
#include "base/alloc.h"
#include "base/percent.h"
#include "base/utf8.h"
#include "config/app_calls.h"
#include "json/json_body.h"
#include "json/json_write.h"
#include "model/message.h"
#include "model/session_key.h"
#include "triggers/alert_body.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URL_MOST (SIGNED_URL_MAX + 1)
#define NAME_MOST 2000
#define BODY_MOST (4 * 1024 * 1024)
#define BELOW_MOST (URL_MOST + 100)
//  Bytes that the notifier puts around a mail's words and its links, and around a title in Slack.
#define MAIL_FRAME 500
#define TITLE_FRAME 3
//  Somebody of whom only the place is known that is written to.
#define NOBODY TEXT ("channel")

typedef struct {
    const alert_step_t *step;
    const app_alert_step_t *plan;
    alert_notes_t *notes;
    alert_body_t body;
    char time[ALERT_TIME_ROOM], wait_s[24], wait_min[24], suppressed[24];
    buffer_t console;
    buffer_t link;
    buffer_t said;
    text_t texts[ALERT_VALUES];
} maker_t;

// ---------------------------------------------------------------------------------------------
//  Values of placeholders

static bool
s_takes (const char **form, const char *name)
{
    size_t size = strlen (name);
    if (strncmp (*form, name, size) != 0)
        return false;
    *form += size;
    return true;
}

void
alert_console_put (const alert_links_t *links, text_t session, buffer_t *to)
{
    const char *form = links->console;
    if (session.size == 0)
        return;
    while (*form)
        if (s_takes (&form, "{app}"))
            (void) percent_encode (session_key_app (session), to);
        else if (s_takes (&form, "{session}"))
            (void) percent_encode (session_key_id (session), to);
        else if (buffer_put (to, form++, 1) != 0)
            return;
}

//  The visitor had said it before the changeset of the cause (triggers/alerts.c).
static void
s_put_said (maker_t *self)
{
    text_t *words = &self->texts[ALERT_VALUE_MESSAGE_TEXT];
    buffer_init (&self->said, ALERT_MOST_MAIL);
    if (words->size > 0 || self->step->said.size == 0)
        return;
    (void) message_put_words (self->step->said, ALERT_MOST_MAIL, &self->said);
    *words = buffer_text (&self->said);
}

//  All but the link, which is somebody's own.
static void
s_set_values (maker_t *self)
{
    const alert_step_t *step = self->step;
    uint64_t since_ms = self->body.time_ms;
    uint64_t wait_s = step->now_ms > since_ms ? (step->now_ms - since_ms) / 1000 : 0;
    memcpy (self->texts, self->body.values, sizeof self->texts);
    s_put_said (self);
    alert_hours_print (step->rule->open, since_ms, self->time);
    snprintf (self->wait_s, sizeof self->wait_s, "%llu", (unsigned long long) wait_s);
    snprintf (self->wait_min, sizeof self->wait_min, "%llu", (unsigned long long) wait_s / 60);
    snprintf (self->suppressed, sizeof self->suppressed, "%llu",
              (unsigned long long) step->suppressed);
    buffer_init (&self->console, ALERT_CONSOLE_MOST);
    alert_console_put (step->links, step->session, &self->console);
    self->texts[ALERT_VALUE_APP_ID] = step->app->id;
    self->texts[ALERT_VALUE_RULE_NAME] = step->rule->name;
    self->texts[ALERT_VALUE_EVENT] = step->rule->on;
    self->texts[ALERT_VALUE_TIME] = text_of (self->time);
    self->texts[ALERT_VALUE_WAIT_SECONDS] = text_of (self->wait_s);
    self->texts[ALERT_VALUE_WAIT_MINUTES] = text_of (self->wait_min);
    self->texts[ALERT_VALUE_SUPPRESSED] = text_of (self->suppressed);
    self->texts[ALERT_VALUE_SESSION_URL] = buffer_text (&self->console);
    self->texts[ALERT_VALUE_TRANSCRIPT] = step->transcript;
    if (step->session.size > 0)
        self->texts[ALERT_VALUE_SESSION_ID] = session_key_id (step->session);
}

static text_t
s_who (const app_call_t *call)
{
    return call->person            ? call->person->id
           : call->address.size > 0 ? call->address
                                    : NOBODY;
}

static void
s_set_link (maker_t *self, const app_call_t *call)
{
    const alert_step_t *step = self->step;
    alert_claim_t claim = { .expires_s = (step->now_ms + step->links->link_ms) / 1000,
                            .app = step->app->id,
                            .person = s_who (call),
                            .alert = step->item };
    buffer_clear (&self->link);
    if (*step->links->url
        && alert_url_write (step->links->key, step->links->url, &claim, &self->link) != 0)
        buffer_clear (&self->link);
    self->texts[ALERT_VALUE_LINK] = buffer_text (&self->link);
}

// ---------------------------------------------------------------------------------------------
//  One item

static size_t
s_limit (alert_escaper_t escaper)
{
    return escaper == ALERT_SMS     ? ALERT_MOST_SMS
           : escaper == ALERT_SLACK ? ALERT_MOST_SLACK
                                    : ALERT_MOST_MAIL;
}

//  What must be said, and does not stand in the rule's words, which have so much room: how many
//  alerts were held back, and the link. A mail gets its link where it is written.
static void
s_put_below (const maker_t *self, const alert_template_t *words, alert_escaper_t escaper,
             size_t room, buffer_t *to)
{
    char count[80];
    text_t link = self->texts[ALERT_VALUE_LINK];
    snprintf (count, sizeof count, "%s(not sent since the last one: %s)",
              escaper == ALERT_HTML ? "<br>" : "\n", self->suppressed);
    if (self->step->suppressed > 0 && !alert_template_has (words, ALERT_VALUE_SUPPRESSED)
        && buffer_put_string (to, count) != 0)
        return;
    bool is_short = escaper == ALERT_SMS || escaper == ALERT_SLACK;
    bool has_link = alert_template_has (words, ALERT_VALUE_LINK)
                    && link.size + to->size <= room;
    if (is_short && link.size > 0 && !has_link)
        (void) (buffer_put_string (to, "\n") == 0 && buffer_put_text (to, link) == 0);
}

//  Bytes that the notifier adds to the words. In HTML a URL stands twice, and escaped.
static size_t
s_around (const maker_t *self, alert_escaper_t escaper, size_t title)
{
    size_t urls = self->texts[ALERT_VALUE_LINK].size + self->texts[ALERT_VALUE_SESSION_URL].size;
    return escaper == ALERT_HTML    ? MAIL_FRAME + 3 * urls
           : escaper == ALERT_PLAIN ? MAIL_FRAME + urls
           : title > 0              ? TITLE_FRAME + title
                                    : 0;
}

//  `title`: bytes of what stands above it.
static void
s_put_words (maker_t *self, json_writer_t *json, const char *name, alert_escaper_t escaper,
             size_t title)
{
    const alert_template_t *words = self->step->rule->text_words;
    buffer_t text, below;
    size_t most = s_limit (escaper), around = s_around (self, escaper, title);
    size_t room = around < most ? most - around : 0;
    buffer_init (&text, most + BELOW_MOST);
    buffer_init (&below, BELOW_MOST);
    s_put_below (self, words, escaper, room, &below);
    alert_template_render (words, self->texts, escaper,
                           below.size < room ? room - below.size : 0, &text);
    (void) !buffer_put_text (&text, buffer_text (&below));
    json_put_text (json, name, buffer_text (&text));
    buffer_free (&text);
    buffer_free (&below);
}

//  One line, whatever the way. Returns its size.
static size_t
s_put_subject (maker_t *self, json_writer_t *json, alert_escaper_t escaper)
{
    buffer_t text;
    buffer_init (&text, ALERT_MOST_SUBJECT + 1);
    alert_template_render (self->step->rule->subject_words, self->texts, escaper,
                           ALERT_MOST_SUBJECT, &text);
    for (size_t at = 0; at < text.size; at++)
        if (text.data[at] == '\n' || text.data[at] == '\t')
            text.data[at] = ' ';
    size_t size = text.size;
    json_put_text (json, "subject", buffer_text (&text));
    buffer_free (&text);
    return size;
}

static void
s_put_all_words (maker_t *self, json_writer_t *json, call_channel_t channel)
{
    if (channel == CALL_EMAIL) {
        (void) s_put_subject (self, json, ALERT_HEADER);
        s_put_words (self, json, "text", ALERT_PLAIN, 0);
        s_put_words (self, json, "html", ALERT_HTML, 0);
        return;
    }
    alert_escaper_t escaper = channel == CALL_SMS ? ALERT_SMS : ALERT_SLACK;
    size_t title = s_put_subject (self, json, escaper);
    s_put_words (self, json, "text", escaper, escaper == ALERT_SLACK ? title : 0);
    json_put_text (json, "html", TEXT_EMPTY);
}

//  False: it is larger than an item may be.
static bool
s_put_body (maker_t *self, const app_call_t *call, buffer_t *to)
{
    const alert_step_t *step = self->step;
    json_writer_t json;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_string (&json, "kind", "alert");
    json_put_text (&json, "appId", step->app->id);
    json_put_text (&json, "sessionId",
                   step->session.size > 0 ? session_key_id (step->session) : TEXT_EMPTY);
    json_put_text (&json, "alert", step->item);
    json_put_text (&json, "rule", step->rule->name);
    json_put_text (&json, "event", step->rule->on);
    json_put_number (&json, "step", step->step);
    json_put_time (&json, "time", self->body.time_ms);
    json_open_object (&json, "person");
    json_put_text (&json, "id", s_who (call));
    json_put_text (&json, "name", call->person ? call->person->name : TEXT_EMPTY);
    json_close_object (&json);
    json_put_text (&json, "address", call->address);
    s_put_all_words (self, &json, call->channel);
    json_put_text (&json, "link", self->texts[ALERT_VALUE_LINK]);
    json_put_text (&json, "console", self->texts[ALERT_VALUE_SESSION_URL]);
    json_put_number (&json, "suppressed", step->suppressed);
    json_close_object (&json);
    return json_write_end (&json) == 0;
}

//  What an alert's name has behind its rule; it follows from the event.
static text_t
s_event_of (const alert_step_t *step)
{
    size_t before = sizeof ALERT_ITEM_PREFIX - 1 + step->rule->name.size;
    return step->item.size > before
               ? (text_t){ step->item.data + before, step->item.size - before }
               : TEXT_EMPTY;
}

static text_t
s_name (char *to, int size)
{
    return (text_t){ to, size > 0 && size < NAME_MOST ? (size_t) size : 0 };
}

static bool
s_has_item (const alert_notes_t *notes, text_t item)
{
    for (size_t at = 0; at < notes->count; at++)
        if (text_is (notes->notes[at].item, item))
            return true;
    return false;
}

static void
s_call (maker_t *self, const app_call_t *call)
{
    const alert_step_t *step = self->step;
    alert_notes_t *notes = self->notes;
    const char *way = call_channel_names[call->channel];
    const char *app = step->app->id.data;
    char item[NAME_MOST], topic[40], lane[NAME_MOST] = "", destination[NAME_MOST];
    bool is_slack = call->channel == CALL_SLACK;
    text_t who = s_who (call);
    text_t of_item =
        s_name (item, snprintf (item, sizeof item, ":notify:%.*s%.*s:%.*s:%s:%llu",
                                TEXT_ARGS (step->rule->on), TEXT_ARGS (s_event_of (step)),
                                TEXT_ARGS (who), way, (unsigned long long) step->step));
    text_t of_topic = s_name (topic, snprintf (topic, sizeof topic, "notify.%s", way));
    //  A place in Slack has a pace of its own, and a thread for each session.
    bool is_place = is_slack && call->address.size > 0;
    text_t of_destination =
        s_name (destination, snprintf (destination, sizeof destination, "%s:%s%s%.*s", way, app,
                                       is_place ? "/" : "", is_place ? (int) call->address.size : 0,
                                       is_place ? call->address.data : ""));
    text_t of_lane = TEXT_EMPTY;
    if (is_slack && step->session.size > 0)
        of_lane = s_name (lane, snprintf (lane, sizeof lane, "slack:%.*s:%.*s",
                                          TEXT_ARGS (call->address), TEXT_ARGS (step->session)));
    if (s_has_item (notes, of_item))
        return;
    buffer_t body;
    buffer_init (&body, BODY_MOST);
    s_set_link (self, call);
    if (of_item.size > 0 && of_destination.size > 0 && s_put_body (self, call, &body)) {
        text_t texts[] = { of_item,       of_topic, of_lane,           of_destination,
                           call->address, who,      buffer_text (&body) };
        const void *own = alloc_packed (0, texts, sizeof texts / sizeof *texts);
        assert (own == texts[0].data); //  it is given back by that
        (void) own;
        notes->notes[notes->count++] = (alert_note_t){ .item = texts[0],
                                                       .topic = texts[1],
                                                       .lane = texts[2],
                                                       .destination = texts[3],
                                                       .address = texts[4],
                                                       .user = texts[5],
                                                       .body = texts[6] };
    }
    buffer_free (&body);
}

// ---------------------------------------------------------------------------------------------
//  Whom

static unsigned
s_configured (const app_t *app)
{
    return (app->email.is_there ? CALL_BIT (CALL_EMAIL) : 0)
           | (app->sms.is_there ? CALL_BIT (CALL_SMS) : 0)
           | (app->slack.is_there ? CALL_BIT (CALL_SLACK) : 0);
}

//  A way that was found to be none just now is left out; when no other one is left of the step,
//  people are called by any that they have.
static unsigned
s_ways (const maker_t *self)
{
    unsigned configured = s_configured (self->step->app);
    call_channel_t avoid = call_channel_named (json_body_text (self->body.object, "avoid"));
    if (avoid == CALLS)
        return self->plan->channels & configured;
    unsigned ways = configured & ~CALL_BIT (avoid);
    return self->plan->channels & ways ? self->plan->channels & ways : ways;
}

alert_notes_t
alert_notes_of (const alert_step_t *step)
{
    app_call_t calls[APP_CALLS_MOST];
    alert_notes_t notes = { .notes = alloc_array (APP_CALLS_MOST, sizeof *notes.notes) };
    const app_alert_step_t *plans = step->rule->steps.rows;
    maker_t maker = { .step = step, .plan = &plans[step->step], .notes = &notes };
    assert (step->step < step->rule->steps.count);
    if (!alert_body_read (&maker.body, step->body))
        maker.body = (alert_body_t){ .time_ms = step->now_ms }; //  its words say nothing of it
    buffer_init (&maker.link, URL_MOST);
    s_set_values (&maker);
    size_t count = app_calls_of (step->app, &maker.plan->to, s_ways (&maker), calls,
                                 APP_CALLS_MOST);
    for (size_t at = 0; at < count; at++)
        s_call (&maker, &calls[at]);
    buffer_free (&maker.link);
    buffer_free (&maker.console);
    buffer_free (&maker.said);
    alert_body_free (&maker.body);
    return notes;
}

void
alert_notes_free (alert_notes_t *self)
{
    for (size_t at = 0; at < self->count; at++)
        free ((char *) (uintptr_t) self->notes[at].item.data);
    free (self->notes);
    *self = (alert_notes_t){ .notes = NULL };
}
