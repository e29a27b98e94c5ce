//  A notification's body, as any bytes: what becomes of it is a mail whose headers are lines of
//  ASCII that each have a name of ours, and whose bodies have no line end but CRLF.

#include "email/mail.h"
#include "email/mail_header.h"

#include <stdio.h>
#include <stdlib.h>

#define LINE_MOST 998

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
s_check_lines (const buffer_t *body)
{
    for (size_t at = 0; at < body->size; at++) {
        char byte = body->data[at];
        bool is_end = byte == '\r' && at + 1 < body->size && body->data[at + 1] == '\n';
        if (byte == '\0' || (byte == '\r' && !is_end) || byte == '\n')
            abort ();
        at += is_end;
    }
}

static void
s_check_header (const char *header)
{
    static const char *const names[] = { "Date:", "From:", "To:", "Subject:", "Message-ID:",
                                         "In-Reply-To:", "References:", "Auto-Submitted:",
                                         "X-Auto-Response-Suppress:", "List-Id:", "X-Stentor-" };
    bool is_ours = false;
    for (size_t at = 0; at < sizeof names / sizeof *names; at++)
        is_ours = is_ours || strncmp (header, names[at], strlen (names[at])) == 0;
    size_t line = 0;
    for (const char *at = header; *at; at++, line++) {
        if (at[0] == '\r' && at[1] == '\n' && at[2] == ' ') {
            line = 0;
            at++;
        } else if (*at < 0x20 || *at > 0x7e)
            abort ();
        if (line > LINE_MOST)
            abort ();
    }
    if (!is_ours)
        abort ();
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    alert_item_t alert;
    mail_t mail;
    if (alert_item_read (&alert, (text_t){ (const char *) data, size }) != 0)
        return 0;
    if (!mail_address_is_good (alert.address))
        alert.address = TEXT ("anna@example.com");
    mail_origin_t origin = { .item = alert.alert,
                             .from = TEXT ("alerts@example.com"),
                             .from_name = alert.rule,
                             .now_ms = 1795732706000 };
    if (mail_write (&mail, &origin, &alert) == 0) {
        for (size_t at = 0; at < mail.headers.size; at += strlen (mail.headers.data + at) + 1)
            s_check_header (mail.headers.data + at);
        s_check_lines (&mail.text);
        s_check_lines (&mail.html);
        mail_free (&mail);
    }
    alert_item_free (&alert);
    return 0;
}
