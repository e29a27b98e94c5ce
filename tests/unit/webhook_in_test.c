//  webhook_in — forms, and what each kind of webhook says: one shape for all of them.

#include "webhooks/json_in.h"
#include "webhooks/twilio_in.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define ROWS(table) (sizeof (table) / sizeof *(table))

Test (form, what_is_read)
{
    form_t form;
    cr_assert_eq (form_read (&form, TEXT ("a=1&b=&c&=d&a=+2%2B%26&%C3%A9=%00&&e=f=g")), 0);
    cr_assert_eq (form.count, 7);
    cr_expect (text_is (form_value (&form, "a"), TEXT ("1")));
    cr_expect (text_is (form.fields[4].value, TEXT (" 2+&")));
    cr_expect (text_is (form.fields[5].name, TEXT ("\xc3\xa9")));
    cr_expect_eq (form.fields[5].value.size, 1);
    cr_expect (text_is (form_value (&form, "e"), TEXT ("f=g")));
    cr_expect_eq (form_value (&form, "b").size, 0);
    cr_expect_eq (form_value (&form, "none").size, 0);
    form_free (&form);
    cr_assert_eq (form_read (&form, TEXT ("")), 0);
    cr_assert_eq (form.count, 0);
    form_free (&form);
}

Test (form, what_is_none)
{
    static const char *const none[] = { "a=%", "a=%2", "a=%zz", "%=a", "a=1&b=%g0" };
    for (size_t row = 0; row < ROWS (none); row++) {
        form_t form;
        cr_expect_eq (form_read (&form, text_of (none[row])), -1, "%s", none[row]);
        form_free (&form);
    }
}

typedef struct {
    const char *body;
    visit_what_t what;
    const char *external_id, *id, *text, *token;
} row_t;

static void
s_expect (const row_t *row, const visit_t *visit)
{
    cr_expect_eq (visit->what, row->what, "%s: %d", row->body, (int) visit->what);
    if (row->what == VISIT_NOTHING)
        return;
    cr_expect (text_is (visit->external_id, text_of (row->external_id)), "%s", row->body);
    cr_expect (text_is (visit->id, text_of (row->id)), "%s", row->body);
    cr_expect (text_is (visit->text, text_of (row->text)), "%s: %.*s", row->body,
               TEXT_ARGS (visit->text));
    cr_expect (text_is (visit->token, text_of (row->token)), "%s", row->body);
}

Test (twilio_in, messages)
{
    static const row_t rows[] = {
        { "From=%2B44&MessageSid=SM1&Body=+hi+", VISIT_SAYS, "+44", "SM1", " hi ", "" },
        { "From=%2B44&MessageSid=SM1&Body=&NumMedia=2&MediaUrl0=https://a/1&MediaUrl1=https://a/2",
          VISIT_SAYS, "+44", "SM1", "https://a/1\nhttps://a/2", "" },
        { "From=%2B44&MessageSid=SM1&Body=look&NumMedia=1&MediaUrl0=https://a/1", VISIT_SAYS,
          "+44", "SM1", "look\nhttps://a/1", "" },
        { "From=whatsapp%3A%2B44&MessageSid=SM1&Body=Yes&ButtonPayload=p-1", VISIT_SAYS,
          "whatsapp:+44", "SM1", "Yes", "p-1" },
        { "From=%2B44&MessageSid=SM1&Body=", VISIT_NOTHING, "", "", "", "" },
    };
    for (size_t row = 0; row < ROWS (rows); row++) {
        visit_t visit = { .what = VISIT_NOTHING };
        webhook_request_t request = { .body = text_of (rows[row].body) };
        cr_assert_eq (form_read (&visit.form, request.body), 0);
        cr_expect_null (twilio_read (&visit, &request));
        s_expect (&rows[row], &visit);
        visit_free (&visit);
    }
}

Test (twilio_in, who_wants_no_more)
{
    static const struct {
        const char *said;
        visit_opt_t opt;
    } rows[] = {
        { "Body=stop", OPT_STOP },           { "Body=+Unsubscribe%0A", OPT_STOP },
        { "Body=START", OPT_START },         { "Body=stop+it", OPT_NOTHING },
        { "Body=yes", OPT_NOTHING },         { "Body=help", OPT_NOTHING },
        { "Body=x&OptOutType=STOP", OPT_STOP }, { "Body=x&OptOutType=HELP", OPT_HELP },
        { "Body=stop&OptOutType=START", OPT_START },
    };
    for (size_t row = 0; row < ROWS (rows); row++) {
        char body[200];
        snprintf (body, sizeof body, "From=%%2B44&MessageSid=SM1&%s", rows[row].said);
        visit_t visit = { .what = VISIT_NOTHING };
        webhook_request_t request = { .body = text_of (body) };
        cr_assert_eq (form_read (&visit.form, request.body), 0);
        cr_expect_null (twilio_read (&visit, &request));
        cr_expect_eq (visit.opt, rows[row].opt, "%s", rows[row].said);
        cr_expect_eq (visit.is_answered, rows[row].opt != OPT_NOTHING);
        visit_free (&visit);
    }
}

Test (business_messages, what_is_said)
{
#define FROM "{\"requestId\":\"r\",\"conversationId\":\"c\","
    static const row_t rows[] = {
        { FROM "\"message\":{\"messageId\":\"m\",\"text\":\"Hello\"}}", VISIT_SAYS, "c", "r",
          "Hello", "" },
        { FROM "\"suggestionResponse\":{\"postbackData\":\"p\",\"text\":\"Yes\"}}", VISIT_SAYS, "c",
          "r", "Yes", "p" },
        { FROM "\"suggestionResponse\":{\"postbackData\":\"p\"}}", VISIT_SAYS, "c", "r", "p",
          "p" },
        { FROM "\"userStatus\":{\"requestedLiveAgent\":true}}", VISIT_PERSON, "c", "r", "", "" },
        { FROM "\"userStatus\":{\"isTyping\":false}}", VISIT_TYPING, "c", "r", "", "" },
        { FROM "\"receipts\":{\"receipts\":[{\"message\":\"conversations/c/messages/m-9\","
               "\"receiptType\":\"READ\"}]}}",
          VISIT_READ, "c", "r", "", "" },
        { FROM "\"receipts\":{\"receipts\":[{\"message\":\"m\",\"receiptType\":\"DELIVERED\"}]}}",
          VISIT_NOTHING, "", "", "", "" },
        { FROM "\"surveyResponse\":{}}", VISIT_NOTHING, "", "", "", "" },
        { "{\"conversationId\":\"c\",\"message\":{\"text\":\"x\"}}", VISIT_NOTHING, "", "", "",
          "" },
    };
    for (size_t row = 0; row < ROWS (rows); row++) {
        visit_t visit = { .what = VISIT_NOTHING };
        webhook_request_t request = { .body = text_of (rows[row].body) };
        cr_expect_null (business_messages_read (&visit, &request));
        s_expect (&rows[row], &visit);
        if (visit.what == VISIT_READ)
            cr_expect (text_is (visit.mark, TEXT ("m-9")));
        visit_free (&visit);
    }
}

Test (rcs, what_is_said)
{
#define BY "{\"senderPhoneNumber\":\"+1\","
    static const row_t rows[] = {
        { BY "\"messageId\":\"m\",\"text\":\"Hello\"}", VISIT_SAYS, "+1", "m", "Hello", "" },
        { BY "\"messageId\":\"m\",\"suggestionResponse\":{\"postbackData\":\"p\",\"text\":\"Y\"}}",
          VISIT_SAYS, "+1", "m", "Y", "p" },
        { BY "\"messageId\":\"m\",\"location\":{\"latitude\":52.5,\"longitude\":13.25}}",
          VISIT_SAYS, "+1", "m", "52.500000, 13.250000", "" },
        { BY "\"messageId\":\"m\",\"userFile\":{\"payload\":{\"fileUri\":\"https://f\","
             "\"mimeType\":\"image/png\"}}}",
          VISIT_SAYS, "+1", "m", "https://f", "" },
        { BY "\"eventType\":\"IS_TYPING\",\"eventId\":\"e\"}", VISIT_TYPING, "+1", "", "", "" },
        { BY "\"eventType\":\"READ\",\"eventId\":\"e\",\"messageId\":\"m\"}", VISIT_READ, "+1", "",
          "", "" },
        { BY "\"eventType\":\"DELIVERED\",\"messageId\":\"m\"}", VISIT_NOTHING, "", "", "", "" },
        { "{\"agentId\":\"a\",\"event\":\"LAUNCHED\"}", VISIT_NOTHING, "", "", "", "" },
    };
    for (size_t row = 0; row < ROWS (rows); row++) {
        visit_t visit = { .what = VISIT_NOTHING };
        webhook_request_t request = { .body = TEXT_EMPTY };
        buffer_init (&visit.decoded, 1000);
        cr_assert_eq (buffer_put_string (&visit.decoded, rows[row].body), 0);
        cr_expect_null (rcs_read (&visit, &request));
        s_expect (&rows[row], &visit);
        visit_free (&visit);
    }
}
