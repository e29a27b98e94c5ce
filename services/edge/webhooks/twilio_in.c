#include "webhooks/twilio_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define URL_MOST 9000
#define MEDIA_MOST 10

//  The URL that Twilio was told, as far as we know: the public one with the path and query as sent.
static bool
s_write_url (const webhook_request_t *request, buffer_t *url)
{
    text_t base = request->public_url;
    while (base.size > 0 && base.data[base.size - 1] == '/')
        base.size--;
    return base.size > 0 && buffer_put_text (url, base) == 0
           && buffer_put_text (url, request->path) == 0
           && (request->query.size == 0
               || (buffer_put_string (url, "?") == 0
                   && buffer_put_text (url, request->query) == 0));
}

webhook_finding_t
twilio_verify (visit_t *visit, const webhook_request_t *request, webhook_keys_t keys)
{
    buffer_t url;
    webhook_field_t sorted[FORM_FIELDS_MOST];
    if (form_read (&visit->form, request->body) != 0)
        return (webhook_finding_t){ WEBHOOK_GOOD, "The body must be a form" };
    if (request->public_url.size == 0)
        return (webhook_finding_t){
            WEBHOOK_SCHEME, "EDGE_PUBLIC_URL is not set: Twilio signs the public URL"
        };
    buffer_init (&url, URL_MOST);
    bool is_url = s_write_url (request, &url);
    memcpy (sorted, visit->form.fields, visit->form.count * sizeof *sorted);
    webhook_twilio_t signed_ = { .url = buffer_text (&url),
                                 .signature = request->twilio,
                                 .settings = request->twilio_settings,
                                 .fields = sorted,
                                 .field_count = visit->form.count,
                                 .body = request->body };
    webhook_fault_t fault = is_url ? webhook_twilio_verify (keys, &signed_) : WEBHOOK_MALFORMED;
    buffer_free (&url);
    return (webhook_finding_t){ fault, NULL };
}

// ---------------------------------------------------------------------------------------------

//  What carriers have everybody say who wants no more; Twilio itself obeys them.
static const struct {
    const char *word;
    visit_opt_t opt;
} s_words[] = {
    { "STOP", OPT_STOP },        { "STOPALL", OPT_STOP }, { "UNSUBSCRIBE", OPT_STOP },
    { "CANCEL", OPT_STOP },      { "END", OPT_STOP },     { "QUIT", OPT_STOP },
    { "OPTOUT", OPT_STOP },      { "REVOKE", OPT_STOP },  { "START", OPT_START },
    { "UNSTOP", OPT_START },
};

static text_t
s_trim (text_t text)
{
    while (text.size > 0 && memchr (" \t\r\n", text.data[0], 4))
        text = (text_t){ text.data + 1, text.size - 1 };
    while (text.size > 0 && memchr (" \t\r\n", text.data[text.size - 1], 4))
        text.size--;
    return text;
}

static bool
s_is_word (text_t text, const char *word)
{
    return text.size == strlen (word) && strncasecmp (text.data, word, text.size) == 0;
}

static void
s_read_opt (visit_t *visit, text_t said)
{
    text_t type = form_value (&visit->form, "OptOutType"), word = s_trim (said);
    visit->opt = s_is_word (type, "STOP")    ? OPT_STOP
                 : s_is_word (type, "START") ? OPT_START
                 : s_is_word (type, "HELP")  ? OPT_HELP
                                             : OPT_NOTHING;
    for (size_t row = 0; row < sizeof s_words / sizeof *s_words && type.size == 0; row++)
        if (s_is_word (word, s_words[row].word))
            visit->opt = s_words[row].opt;
    //  Twilio answers these by itself.
    visit->is_answered = visit->opt != OPT_NOTHING;
}

static void
s_read_media (visit_t *visit)
{
    text_t count = form_value (&visit->form, "NumMedia");
    char url[24], type[24];
    unsigned most = count.size == 1   ? (unsigned) (count.data[0] - '0')
                    : count.size == 2 ? MEDIA_MOST
                                      : 0;
    for (unsigned at = 0; at < most && at < MEDIA_MOST; at++) {
        snprintf (url, sizeof url, "MediaUrl%u", at);
        snprintf (type, sizeof type, "MediaContentType%u", at);
        visit_attach (visit, form_value (&visit->form, url), form_value (&visit->form, type));
    }
}

static const char *
s_read_message (visit_t *visit)
{
    const form_t *form = &visit->form;
    text_t body = form_value (form, "Body"), name = form_value (form, "ProfileName");
    visit->external_id = form_value (form, "From");
    visit->id = form_value (form, "MessageSid");
    if (!visit_is_text (visit->external_id, VISIT_PROVIDER_ID_MOST, true))
        return "From must be there";
    if (!visit_is_text (visit->id, VISIT_PROVIDER_ID_MOST, true))
        return "MessageSid must be there";
    if (body.size > 0 && !visit_is_text (body, VISIT_TEXT_MOST, false))
        return "Body must be UTF-8 without a NUL";
    visit->what = VISIT_SAYS;
    visit->text = body;
    if (visit_is_text (name, DISPLAY_NAME_MAX, true))
        visit->name = name;
    text_t payload = form_value (form, "ButtonPayload");
    if (visit_is_text (payload, VISIT_PROVIDER_ID_MOST, true))
        visit->token = payload;
    s_read_opt (visit, body);
    s_read_media (visit);
    visit_name_attachments (visit);
    if (visit->text.size == 0)
        visit->what = VISIT_NOTHING; //  an empty message says nothing
    return NULL;
}

//  The item is a parameter of the address that Twilio was given with the message.
static const char *
s_read_status (visit_t *visit, const webhook_request_t *request)
{
    form_t query;
    const form_t *form = &visit->form;
    if (form_read (&query, request->query) != 0) {
        form_free (&query);
        return "The query is malformed";
    }
    text_t item = form_value (&query, "item");
    buffer_init (&visit->lines, item.size + 1);
    bool is_item = visit_is_text (item, 600, true) && buffer_put_text (&visit->lines, item) == 0;
    form_free (&query);
    visit->item = buffer_text (&visit->lines);
    visit->sid = form_value (form, "MessageSid");
    visit->status = form_value (form, "MessageStatus");
    visit->code = form_value (form, "ErrorCode");
    if (visit->code.size > 0 && !visit_is_text (visit->code, 20, true))
        visit->code = TEXT_EMPTY;
    bool is_status = is_item && visit_is_text (visit->sid, 100, true)
                     && visit_is_text (visit->status, 30, true);
    visit->what = is_status ? VISIT_STATUS : VISIT_NOTHING;
    return NULL;
}

const char *
twilio_read (visit_t *visit, const webhook_request_t *request)
{
    return request->is_status ? s_read_status (visit, request) : s_read_message (visit);
}
