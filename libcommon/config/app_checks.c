#include "config/app_checks.h"

#include "config/app_calls.h"
#include "config/app_formats.h"
#include "json/json_locate.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PLACE_ROOM 80
#define PATH_ROOM 160
#define LINE_ROOM 400

//  Words of a rule that has none of its own.
#define USUAL_SUBJECT "{{rule.name}}: {{visitor.name}}"
#define USUAL_TEXT "{{event}}, {{time}}\n{{visitor.name}}: {{message.text}}"
#define USUAL_APP_SUBJECT "{{rule.name}}: {{event}}"
#define USUAL_APP_TEXT "{{event}}, {{time}}\n{{reason}}"

//  One app's checks.
typedef struct {
    app_t *app;
    size_t row;
    text_t json;
    app_reader_t reader;
    const app_out_urls_t *urls;
    buffer_t *complaint;
} checks_t;

//  A place in the app, and what is wrong there; always −1.
__attribute__ ((format (printf, 3, 4))) static int
s_mistake (const checks_t *self, const char *place, const char *format, ...)
{
    char path[PATH_ROOM + 40], words[LINE_ROOM], line[LINE_ROOM + 40];
    va_list values;
    va_start (values, format);
    vsnprintf (words, sizeof words, format, values);
    va_end (values);
    snprintf (path, sizeof path, "/apps/%zu%s", self->row, place);
    snprintf (line, sizeof line, "line %u: %s", json_locate_line (self->json, path), words);
    (void) !buffer_put_string (self->complaint, line);
    return -1;
}

static bool
s_has (const json_texts_t *texts, text_t text)
{
    for (size_t at = 0; at < texts->count; at++)
        if (text_is (texts->items[at], text))
            return true;
    return false;
}

//  No text stands there twice; `place` is that of the array.
static int
s_check_once (const checks_t *self, const char *place, const json_texts_t *texts)
{
    for (size_t at = 1; at < texts->count; at++) {
        json_texts_t before = { texts->items, at };
        char path[PATH_ROOM];
        snprintf (path, sizeof path, "%s/%zu", place, at);
        if (s_has (&before, texts->items[at]))
            return s_mistake (self, path, "\"%.100s\" is there already", texts->items[at].data);
    }
    return 0;
}

//  No two rows have the same text at the offset.
static int
s_check_names (const checks_t *self, const char *section, const char *member,
               const json_rows_t *rows, size_t size, size_t offset)
{
    for (size_t at = 1; at < rows->count; at++) {
        const text_t *name = (const text_t *) (const void *) ((char *) rows->rows + at * size
                                                              + offset);
        for (size_t before = 0; before < at; before++) {
            char path[PATH_ROOM];
            const text_t *other = (const text_t *) (const void *) ((char *) rows->rows
                                                                   + before * size + offset);
            snprintf (path, sizeof path, "/%s/%zu/%s", section, at, member);
            if (text_is (*name, *other))
                return s_mistake (self, path, "there is a \"%s\" of \"%s\" above already",
                                  name->data, section);
        }
    }
    return 0;
}

// ---------------------------------------------------------------------------------------------
//  People and whom a step reaches

static const app_person_t *
s_person (const app_t *app, text_t id)
{
    const app_person_t *people = app->people.rows;
    for (size_t at = 0; at < app->people.count; at++)
        if (text_is (people[at].id, id))
            return &people[at];
    return NULL;
}

static int
s_check_person (const checks_t *self, const char *place, unsigned channels, text_t id)
{
    const app_person_t *person = s_person (self->app, id);
    if (!person)
        return s_mistake (self, place, "there is no \"%s\" in \"people\"", id.data);
    if (!app_calls_reach (self->app, channels, person))
        return s_mistake (self, place,
                          "\"%s\" has no address for any of the ways that the step calls by",
                          id.data);
    return 0;
}

static int
s_check_group (const checks_t *self, const char *place, unsigned channels, text_t name)
{
    const app_person_t *people = self->app->people.rows;
    bool has_member = false, is_reached = false;
    for (size_t at = 0; at < self->app->people.count && !is_reached; at++) {
        bool is_member = s_has (&people[at].groups, name);
        has_member = has_member || is_member;
        is_reached = is_member && app_calls_reach (self->app, channels, &people[at]);
    }
    if (is_reached)
        return 0;
    return has_member
               ? s_mistake (self, place,
                            "nobody of \"%s\" has an address for any of the ways that the step "
                            "calls by",
                            name.data)
               : s_mistake (self, place, "nobody of \"people\" is of the group \"%s\"", name.data);
}

static int
s_check_recipient (const checks_t *self, const char *place, unsigned channels, text_t recipient)
{
    size_t kind = strcspn (recipient.data, ":");
    text_t name = { recipient.data + kind + 1, recipient.size - kind - 1 };
    if (*recipient.data == 'p')
        return s_check_person (self, place, channels, name);
    if (*recipient.data == 'g')
        return s_check_group (self, place, channels, name);
    if (!(channels & CALL_BIT (CALL_SLACK)))
        return s_mistake (self, place, "\"%s\": the step does not call by slack",
                          recipient.data);
    if (!self->app->slack.has_token)
        return s_mistake (self, place,
                          "\"%s\": a channel needs a \"token\" in \"slack\"; a webhook has a "
                          "channel of its own",
                          recipient.data);
    return 0;
}

// ---------------------------------------------------------------------------------------------
//  Rules

static int
s_check_channels (const checks_t *self, const char *place, app_alert_step_t *step)
{
    const bool has[CALLS] = { [CALL_EMAIL] = self->app->email.is_there,
                              [CALL_SMS] = self->app->sms.is_there,
                              [CALL_SLACK] = self->app->slack.is_there };
    char path[PATH_ROOM];
    snprintf (path, sizeof path, "%s/by", place);
    if (step->by.count == 0)
        return s_mistake (self, path, "\"by\" needs \"email\", \"sms\" or \"slack\"");
    for (size_t at = 0; at < step->by.count; at++) {
        call_channel_t channel = call_channel_named (step->by.items[at]);
        snprintf (path, sizeof path, "%s/by/%zu", place, at);
        if (!has[channel])
            return s_mistake (self, path, "the app has no section \"%s\"",
                              call_channel_names[channel]);
        if (step->channels & CALL_BIT (channel))
            return s_mistake (self, path, "\"%s\" is there already",
                              call_channel_names[channel]);
        step->channels |= CALL_BIT (channel);
    }
    return 0;
}

static int
s_check_steps (const checks_t *self, size_t rule, app_alert_t *alert)
{
    app_alert_step_t *steps = alert->steps.rows;
    char place[PLACE_ROOM], path[PATH_ROOM];
    for (size_t at = 0; at < alert->steps.count; at++) {
        snprintf (place, sizeof place, "/alerts/%zu/steps/%zu", rule, at);
        if (at > 0 && steps[at].after_s <= steps[at - 1].after_s) {
            snprintf (path, sizeof path, "%s/afterSeconds", place);
            return s_mistake (self, path, "a step must be later than the one before it");
        }
        if (s_check_channels (self, place, &steps[at]) != 0)
            return -1;
        snprintf (path, sizeof path, "%s/to", place);
        if (steps[at].to.count == 0)
            return s_mistake (self, path, "\"to\" must name somebody");
        if (s_check_once (self, path, &steps[at].to) != 0)
            return -1;
        for (size_t to = 0; to < steps[at].to.count; to++) {
            snprintf (path, sizeof path, "%s/to/%zu", place, to);
            if (s_check_recipient (self, path, steps[at].channels, steps[at].to.items[to]) != 0)
                return -1;
        }
        app_call_t calls[APP_CALLS_MOST + 1];
        snprintf (path, sizeof path, "%s/to", place);
        if (app_calls_of (self->app, &steps[at].to, steps[at].channels, calls, APP_CALLS_MOST + 1)
            > APP_CALLS_MOST)
            return s_mistake (self, path, "a step makes %u calls at most", APP_CALLS_MOST);
    }
    return 0;
}

static int
s_check_event (const checks_t *self, size_t rule, app_alert_t *alert)
{
    char path[PATH_ROOM];
    alert->event = alert_event_named (alert->on);
    const alert_event_row_t *event = &alert_events[alert->event];
    const app_alert_where_t *where = &alert->where;
    size_t conditions = where->keywords.count + where->languages.count + where->pages.count
                        + where->groups.count;
    if (event->most_s == 0 && alert->after_s > 0) {
        snprintf (path, sizeof path, "/alerts/%zu/afterSeconds", rule);
        return s_mistake (self, path, "\"%s\" does not last: it has no \"afterSeconds\"",
                          event->name);
    }
    if (alert->after_s < event->least_s || alert->after_s > event->most_s) {
        snprintf (path, sizeof path, "/alerts/%zu/afterSeconds", rule);
        return s_mistake (self, path,
                          "\"afterSeconds\" of \"%s\" must be from %" PRIu64 " to %" PRIu64,
                          event->name, event->least_s, event->most_s);
    }
    if (event->place == ALERT_PLACE_APP && conditions > 0) {
        snprintf (path, sizeof path, "/alerts/%zu/where", rule);
        return s_mistake (self, path, "\"%s\" happens in no session: it has no \"where\"",
                          event->name);
    }
    if (!event->has_groups && where->groups.count > 0) {
        snprintf (path, sizeof path, "/alerts/%zu/where/groups", rule);
        return s_mistake (self, path, "no groups are asked for in \"%s\"", event->name);
    }
    if (alert->event == ALERT_ON_KEYWORD && where->keywords.count == 0) {
        snprintf (path, sizeof path, "/alerts/%zu/where/keywords", rule);
        return s_mistake (self, path, "a rule of \"keyword\" needs \"keywords\" in \"where\"");
    }
    return 0;
}

//  What is looked for is folded first; of a blank in another script nothing is left.
static int
s_check_keywords (const checks_t *self, size_t rule, const json_texts_t *keywords)
{
    char path[PATH_ROOM];
    for (size_t at = 0; at < keywords->count; at++) {
        char *folded = alert_folded (keywords->items[at]);
        bool is_empty = *folded == '\0';
        free (folded);
        snprintf (path, sizeof path, "/alerts/%zu/where/keywords/%zu", rule, at);
        if (is_empty)
            return s_mistake (self, path, "%s", app_word_format.words);
    }
    return 0;
}

static int
s_check_hours (const checks_t *self, size_t rule, const app_alert_hours_t *hours)
{
    char path[PATH_ROOM];
    snprintf (path, sizeof path, "/alerts/%zu/hours/days", rule);
    if (s_check_once (self, path, &hours->days) != 0)
        return -1;
    snprintf (path, sizeof path, "/alerts/%zu/hours/from", rule);
    if (text_is (hours->from, TEXT ("24:00")))
        return s_mistake (self, path, "\"from\" is \"23:59\" at most");
    if (text_is (hours->from, hours->to))
        return s_mistake (self, path,
                          "\"from\" and \"to\" are the same; a whole day is \"00:00\" to "
                          "\"24:00\"");
    return 0;
}

static unsigned
s_minutes (text_t time)
{
    return (unsigned) ((time.data[0] - '0') * 600 + (time.data[1] - '0') * 60
                       + (time.data[3] - '0') * 10 + time.data[4] - '0');
}

static int
s_make_hours (const checks_t *self, size_t rule, app_alert_t *alert)
{
    static const char days[][4] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
    const app_alert_hours_t *hours = &alert->hours;
    unsigned bits = 0;
    if (!hours->is_there)
        return 0;
    if (s_check_hours (self, rule, hours) != 0)
        return -1;
    for (size_t at = 0; at < hours->days.count; at++)
        for (unsigned day = 0; day < 7; day++)
            if (text_is (hours->days.items[at], text_of (days[day])))
                bits |= 1u << day;
    alert->open =
        alert_hours_new (hours->zone, bits, s_minutes (hours->from), s_minutes (hours->to));
    return alert->open ? 0 : s_mistake (self, "", "%s", app_zone_format.words);
}

//  The words of one member, the usual ones when it is absent.
static alert_template_t *
s_words (const checks_t *self, size_t rule, const app_alert_t *alert, const char *member,
         text_t words)
{
    char path[PATH_ROOM];
    buffer_t mistake;
    buffer_init (&mistake, LINE_ROOM - 1);
    alert_template_t *made = alert_template_new (words, alert->event, &mistake);
    snprintf (path, sizeof path, "/alerts/%zu/%s", rule, member);
    if (!made)
        (void) s_mistake (self, path, "%.*s", TEXT_ARGS (buffer_text (&mistake)));
    buffer_free (&mistake);
    return made;
}

static int
s_make_words (const checks_t *self, size_t rule, app_alert_t *alert)
{
    bool is_of_session = alert_events[alert->event].place == ALERT_PLACE_SESSION;
    text_t subject = alert->subject.size > 0 ? alert->subject
                     : is_of_session         ? TEXT (USUAL_SUBJECT)
                                             : TEXT (USUAL_APP_SUBJECT);
    text_t text = alert->text.size > 0 ? alert->text
                  : is_of_session      ? TEXT (USUAL_TEXT)
                                       : TEXT (USUAL_APP_TEXT);
    alert->subject_words = s_words (self, rule, alert, "subject", subject);
    if (!alert->subject_words)
        return -1;
    alert->text_words = s_words (self, rule, alert, "text", text);
    alert->keywords = alert_keywords_new (alert->where.keywords.items,
                                          alert->where.keywords.count);
    return alert->text_words ? 0 : -1;
}

static int
s_check_alerts (const checks_t *self)
{
    app_t *app = self->app;
    app_alert_t *alerts = app->alerts.rows;
    if (s_check_names (self, "people", "id", &app->people, sizeof (app_person_t),
                       offsetof (app_person_t, id))
            != 0
        || s_check_names (self, "alerts", "name", &app->alerts, sizeof (app_alert_t),
                          offsetof (app_alert_t, name))
               != 0)
        return -1;
    for (size_t at = 0; at < app->alerts.count; at++)
        if (s_check_event (self, at, &alerts[at]) != 0
            || s_check_keywords (self, at, &alerts[at].where.keywords) != 0
            || s_check_steps (self, at, &alerts[at]) != 0
            || s_make_hours (self, at, &alerts[at]) != 0
            || s_make_words (self, at, &alerts[at]) != 0)
            return -1;
    return 0;
}

// ---------------------------------------------------------------------------------------------
//  Ways in and out

static int
s_check_email (const checks_t *self)
{
    const app_email_t *email = &self->app->email;
    bool is_tls = text_is (email->security, TEXT ("tls"));
    if (!email->is_there)
        return 0;
    if (email->user.size > 0 && !email->has_password)
        return s_mistake (self, "/email/user", "a \"user\" needs a \"password\"");
    if (email->user.size == 0 && email->has_password)
        return s_mistake (self, "/email/password", "a \"password\" needs a \"user\"");
    if (email->user.size == 0 && !email->without_login)
        return s_mistake (self, "/email",
                          "\"email\" needs \"user\" and \"password\", or \"withoutLogin\": true");
    if (email->user.size > 0 && text_is (email->security, TEXT ("none")))
        return s_mistake (self, "/email/security", "a password does not go out in clear");
    if (is_tls != (strncmp (email->url.data, "smtps:", 6) == 0))
        return s_mistake (self, "/email/security",
                          is_tls ? "\"tls\" needs a \"url\" that begins with smtps://"
                                 : "smtps:// needs \"security\": \"tls\"");
    return 0;
}

//  Of the process that would send there.
static int
s_check_url (const checks_t *self, const char *path, text_t url)
{
    const char *mistake = self->reader & APP_READER_NOTIFIER && self->urls->mistake
                              ? self->urls->mistake (self->urls->owner, url.data)
                              : NULL;
    return mistake ? s_mistake (self, path, "%s", mistake) : 0;
}

static int
s_check_calls (const checks_t *self)
{
    const app_t *app = self->app;
    if (app->sms.is_there && !app->sms.has_token)
        return s_mistake (self, "/sms", "\"sms\" needs a \"token\"");
    if (self->reader & APP_READER_NOTIFIER && app->sms.is_there && app->sms.from.size == 0
        && app->sms.messaging_service_sid.size == 0)
        return s_mistake (self, "/sms", "\"sms\" needs \"from\" or \"messagingServiceSid\"");
    if (app->slack.is_there && !app->slack.has_token && !app->slack.has_webhook)
        return s_mistake (self, "/slack", "\"slack\" needs a \"token\" or a \"webhook\"");
    return app->slack.webhook.size > 0 ? s_check_url (self, "/slack/webhook", app->slack.webhook)
                                       : 0;
}

static int
s_check_out (const checks_t *self)
{
    const app_t *app = self->app;
    const app_webhook_out_t *rows = app->webhooks_out.rows;
    char path[PATH_ROOM];
    for (size_t at = 0; at < app->webhooks_out.count; at++) {
        snprintf (path, sizeof path, "/webhooksOut/%zu", at);
        if (!rows[at].has_secret)
            return s_mistake (self, path, "an endpoint needs a \"secret\"");
        snprintf (path, sizeof path, "/webhooksOut/%zu/url", at);
        if (s_check_url (self, path, rows[at].url) != 0)
            return -1;
        snprintf (path, sizeof path, "/webhooksOut/%zu/events", at);
        if (s_check_once (self, path, &rows[at].events) != 0)
            return -1;
    }
    return s_check_names (self, "webhooksOut", "name", &app->webhooks_out,
                          sizeof (app_webhook_out_t), offsetof (app_webhook_out_t, name));
}

static bool
s_has_endpoint (const app_t *app, text_t name)
{
    const app_webhook_out_t *rows = app->webhooks_out.rows;
    for (size_t at = 0; at < app->webhooks_out.count; at++)
        if (text_is (rows[at].name, name))
            return true;
    return false;
}

static int
s_check_channel_in (const checks_t *self, size_t at, const app_webhook_in_t *row)
{
    webhook_kind_t kind = webhook_kind_named (row->kind);
    const text_t secrets[] = { row->secret, row->previous_secret };
    char path[PATH_ROOM];
    snprintf (path, sizeof path, "/webhooksIn/%zu", at);
    if (!row->has_secret)
        return s_mistake (self, path, "a channel needs a \"secret\"");
    for (int which = 0; which < 2; which++) //  of a process that has them
        if (kind == WEBHOOK_STANDARD && secrets[which].size > 0
            && !app_is_webhook_key (secrets[which])) {
            snprintf (path, sizeof path, "/webhooksIn/%zu/%s", at,
                      which ? "previousSecret" : "secret");
            return s_mistake (self, path, "%s", app_webhook_key_format.words);
        }
    if (kind == WEBHOOK_TWILIO && !self->app->sms.is_there)
        return s_mistake (self, path, "a channel of \"twilio\" needs the section \"sms\"");
    snprintf (path, sizeof path, "/webhooksIn/%zu/reply", at);
    if (row->reply.size > 0 && kind == WEBHOOK_TWILIO)
        return s_mistake (self, path, "a channel of \"twilio\" is answered by SMS");
    //  The edge has the channels' endpoints, too: it reads their names, and nothing else of them.
    if (row->reply.size > 0 && !s_has_endpoint (self->app, row->reply))
        return s_mistake (self, path, "there is no \"%s\" in \"webhooksOut\"", row->reply.data);
    return 0;
}

static int
s_check_in (const checks_t *self)
{
    const app_t *app = self->app;
    const app_webhook_in_t *rows = app->webhooks_in.rows;
    for (size_t at = 0; at < app->webhooks_in.count; at++)
        if (s_check_channel_in (self, at, &rows[at]) != 0)
            return -1;
    return s_check_names (self, "webhooksIn", "channel", &app->webhooks_in,
                          sizeof (app_webhook_in_t), offsetof (app_webhook_in_t, channel));
}

static int
s_check_genesys (const checks_t *self)
{
    char path[PATH_ROOM];
    const char *member = "";
    const char *words = self->app->genesys.is_there
                            ? app_genesys_mistake (&self->app->genesys, self->reader, &member)
                            : NULL;
    snprintf (path, sizeof path, "/genesys%s%s", *member ? "/" : "", member);
    return words ? s_mistake (self, path, "%s", words) : 0;
}

int
app_checks_run (app_t *app, size_t row, text_t json, app_reader_t reader,
                const app_out_urls_t *urls, buffer_t *complaint)
{
    checks_t self = { app, row, json, reader, urls, complaint };
    bool rules = reader & APP_READER_POSTOFFICE, out = reader & APP_READER_NOTIFIER;
    bool in = reader & APP_READER_EDGE;
    if ((out && s_check_email (&self) != 0) || ((rules || out) && s_check_calls (&self) != 0)
        || (rules && s_check_alerts (&self) != 0)
        || ((rules || out) && s_check_out (&self) != 0)
        || ((rules || in) && s_check_in (&self) != 0) || s_check_genesys (&self) != 0)
        return -1;
    return 0;
}

void
app_checks_free (app_t *app)
{
    app_alert_t *alerts = app->alerts.rows;
    for (size_t at = 0; at < app->alerts.count; at++) {
        alert_template_destroy (&alerts[at].subject_words);
        alert_template_destroy (&alerts[at].text_words);
        alert_hours_destroy (&alerts[at].open);
        alert_keywords_destroy (&alerts[at].keywords);
    }
}
