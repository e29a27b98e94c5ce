#include "texting/sms_plan.h"

#include "base/clock.h"
#include "channels/alert_item.h"
#include "channels/entry_item.h"
#include "json/json_body.h"
#include "texting/fit.h"
#include "texting/sms_request.h"

#include <stdio.h>

#define ALERT_VALID_S 3600        //  an alert that comes later helps nobody
#define CLOCKS_DIFFER_MS 30000    //  Twilio's and ours
#define ALERT_LIVES_MS 691200000  //  eight days: longer than its tries

static bool
s_copy (char *to, size_t size, text_t text)
{
    if (text.size >= size)
        return false;
    memcpy (to, text.data, text.size);
    to[text.size] = '\0';
    return true;
}

static bool
s_has (text_t text, text_t part)
{
    return part.size > 0 && memmem (text.data, text.size, part.data, part.size) != NULL;
}

//  The channel of the account's webhooks, where what becomes of an alert is told.
static text_t
s_twilio_channel (const app_t *app)
{
    const app_webhook_in_t *rows = app ? app->webhooks_in.rows : NULL;
    for (size_t row = 0; rows && row < app->webhooks_in.count; row++)
        if (webhook_kind_named (rows[row].kind) == WEBHOOK_TWILIO)
            return rows[row].channel;
    return TEXT_EMPTY;
}

const char *
sms_plan_alert (sms_plan_t *self, const app_t *app, text_t body)
{
    alert_item_t alert;
    buffer_init (&self->text, 4 * SMS_MOST);
    if (alert_item_read (&alert, body) != 0)
        return "the item cannot be read";
    text_t link = alert.link.size > 0 ? alert.link : alert.console;
    fit_put (&fit_sms, alert.text, link, SMS_MOST, &self->text);
    self->parts[0] = buffer_text (&self->text);
    self->count = self->parts[0].size > 0;
    self->valid_s = ALERT_VALID_S;
    //  A link is of one person, alert and step: no other message has it.
    if (s_has (self->parts[0], alert.link))
        self->since_ms = clock_wall_ms () - ALERT_LIVES_MS;
    bool is_good = sms_is_number (alert.address) && s_copy (self->to, SMS_TO_SIZE, alert.address);
    alert_item_free (&alert);
    (void) s_copy (self->via, SMS_VIA_SIZE, s_twilio_channel (app));
    return is_good ? NULL : "the person's number is none";
}

const char *
sms_plan_entry (sms_plan_t *self, text_t body)
{
    entry_item_t entry;
    buffer_init (&self->text, ENTRY_ITEM_MOST);
    if (entry_item_read (&entry, body) != 0)
        return "the item cannot be read";
    sms_put_clean (buffer_text (&entry.text), &self->text);
    text_t rest = buffer_text (&self->text);
    while (self->count < SMS_PARTS_MOST && sms_next_part (&rest, &self->parts[self->count]))
        self->count++;
    self->newer_ms = entry.time_ms > CLOCKS_DIFFER_MS ? entry.time_ms - CLOCKS_DIFFER_MS : 0;
    self->since_ms = self->newer_ms;
    bool is_good = sms_is_number (entry.external_id)
                   && s_copy (self->to, SMS_TO_SIZE, entry.external_id)
                   && s_copy (self->via, SMS_VIA_SIZE, entry.via);
    entry_item_free (&entry);
    return is_good ? NULL : "the person's number is none";
}

void
sms_plan_lane (sms_plan_t *self, text_t memory)
{
    struct json_object *object = json_body_read (memory);
    (void) s_copy (self->last_sid, SMS_SID_SIZE, json_body_text (object, "sid"));
    json_body_free (&object);
}

void
sms_plan_free (sms_plan_t *self)
{
    buffer_free (&self->text);
}

const char *
sms_plan_note (sms_plan_t *self, text_t sid)
{
    if (!s_copy (self->last_sid, SMS_SID_SIZE, sid))
        return NULL;
    snprintf (self->lane, sizeof self->lane, "{\"sid\":\"%s\"}", self->last_sid);
    return self->lane;
}

static bool
s_is_part (text_t body, text_t part)
{
    text_t rest = body, first;
    return sms_next_part (&rest, &first) && rest.size == 0 && text_is (first, part);
}

unsigned
sms_plan_match (sms_plan_t *self, const sms_list_t *list, unsigned next)
{
    unsigned end = 0;
    while (end < list->count && !text_is (list->messages[end].sid, text_of (self->last_sid))
           && (list->messages[end].created_s == 0
               || (uint64_t) list->messages[end].created_s * 1000 >= self->newer_ms))
        end++;
    for (unsigned at = end; at > 0 && next < self->count; at--)
        if (s_is_part (list->messages[at - 1].body, self->parts[next])) {
            (void) sms_plan_note (self, list->messages[at - 1].sid);
            next++;
        }
    return next;
}
