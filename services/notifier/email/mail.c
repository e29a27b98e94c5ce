#include "email/mail.h"

#include "base/keyed_hash.h"
#include "base/utf8.h"
#include "email/mail_header.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#define HEADERS_MOST (16 * MAIL_HEADER_MOST)
#define ID_MOST 64 //  bytes of an id that may stand in a header as it is
#define DATE_SIZE 40

typedef struct {
    mail_t *mail;
    const mail_origin_t *origin;
    const alert_item_t *alert;
    text_t domain; //  of the sender
    int rc;
} writing_t;

// ------------------------------------------------------------------------------------------------
//  Headers

//  Ends the header that was put.
static void
s_end_header (writing_t *self, int rc)
{
    if (rc != 0 || buffer_put (&self->mail->headers, "", 1) != 0)
        self->rc = -1;
}

static void
s_put (writing_t *self, const char *name, text_t value)
{
    if (value.size > 0)
        s_end_header (self, mail_header_put (&self->mail->headers, name, value));
}

//  An id of ours that can be read, if that can be, else its digest.
static void
s_safe_id (const text_t *texts, size_t count, char room[ID_MOST + 1])
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    text_t last = texts[count - 1];
    if (last.size > 0 && last.size <= ID_MOST && strspn (last.data, safe) >= last.size)
        snprintf (room, ID_MOST + 1, "%.*s", TEXT_ARGS (last));
    else
        snprintf (room, ID_MOST + 1, "%s", open_digest (texts, count).text);
}

//  "<kind.id@domain>"
static void
s_put_id (writing_t *self, const char *name, const char *kind, const char *id)
{
    char value[MAIL_ADDRESS_MOST + ID_MOST + 40];
    int size = snprintf (value, sizeof value, "<%s%s@%.*s>", kind, id, TEXT_ARGS (self->domain));
    s_put (self, name, (text_t){ value, (size_t) size });
}

//  Two apps may have sessions of one id.
static void
s_put_ids (writing_t *self)
{
    const alert_item_t *alert = self->alert;
    const text_t item[] = { alert->app, alert->session, self->origin->item };
    s_put_id (self, "Message-ID", "alert.", open_digest (item, 3).text);
    if (alert->session.size == 0)
        return;
    char app[ID_MOST + 1], session[ID_MOST + 1], root[2 * ID_MOST + 4];
    s_safe_id (&alert->app, 1, app);
    s_safe_id (&alert->session, 1, session);
    snprintf (root, sizeof root, "%s.%s", app, session);
    s_put_id (self, "In-Reply-To", "session.", root);
    s_put_id (self, "References", "session.", root);
}

static unsigned
s_digits (const char *at, size_t count)
{
    unsigned number = 0;
    for (; count > 0; count--, at++)
        number = *at >= '0' && *at <= '9' && number < 100000 ? number * 10 + (unsigned) (*at - '0')
                                                              : 1000000;
    return number;
}

//  RFC 3339 in UTC ("2026-11-26T21:00:00…Z"). Returns 0; −1 when it is something else.
static int
s_read_time (text_t text, struct tm *time)
{
    static const char form[] = "....-..-..T..:..:..";
    if (text.size < sizeof form || text.data[text.size - 1] != 'Z')
        return -1;
    for (size_t at = 0; at < sizeof form - 1; at++)
        if (form[at] != '.' && form[at] != text.data[at])
            return -1;
    const char *at = text.data;
    unsigned year = s_digits (at, 4), month = s_digits (at + 5, 2), day = s_digits (at + 8, 2),
             hour = s_digits (at + 11, 2), minute = s_digits (at + 14, 2),
             second = s_digits (at + 17, 2);
    if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23
        || minute > 59 || second > 60)
        return -1;
    *time = (struct tm){ .tm_year = (int) year - 1900,
                         .tm_mon = (int) month - 1,
                         .tm_mday = (int) day,
                         .tm_hour = (int) hour,
                         .tm_min = (int) minute,
                         .tm_sec = (int) second };
    return timegm (time) == -1 ? -1 : 0; //  which finds the day of the week
}

//  In English, whatever the machine speaks.
static void
s_put_date (writing_t *self)
{
    static const char days[] = "SunMonTueWedThuFriSat",
                      months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm time;
    if (s_read_time (self->alert->time, &time) != 0) {
        time_t now_s = (time_t) (self->origin->now_ms / 1000);
        gmtime_r (&now_s, &time);
    }
    char date[DATE_SIZE];
    int size = snprintf (date, sizeof date, "%.3s, %02d %.3s %04d %02d:%02d:%02d +0000",
                         days + 3 * time.tm_wday, time.tm_mday % 100, months + 3 * time.tm_mon,
                         (time.tm_year + 1900) % 10000, time.tm_hour, time.tm_min, time.tm_sec);
    s_put (self, "Date", (text_t){ date, (size_t) size });
}

//  What filters are set to: one list for each app.
static void
s_put_list (writing_t *self)
{
    char app[ID_MOST + 1], name[ID_MOST + 20], value[MAIL_ADDRESS_MOST + 2 * ID_MOST + 40];
    s_safe_id (&self->alert->app, 1, app);
    snprintf (name, sizeof name, "Alerts of %s", app);
    int size = snprintf (value, sizeof value, "\"%s\" <alerts.%s.%.*s>", name, app,
                         TEXT_ARGS (self->domain));
    s_put (self, "List-Id", (text_t){ value, (size_t) size });
}

static void
s_put_headers (writing_t *self)
{
    const alert_item_t *alert = self->alert;
    buffer_t *headers = &self->mail->headers;
    char step[24];
    s_put_date (self);
    s_end_header (self, mail_header_put_person (headers, "From", self->origin->from_name,
                                                self->origin->from));
    s_end_header (self, mail_header_put_person (headers, "To", alert->name, alert->address));
    s_put (self, "Subject",
           alert->subject.size > 0 ? alert->subject
           : alert->rule.size > 0  ? alert->rule
                                   : TEXT ("Alert"));
    s_put_ids (self);
    s_put (self, "Auto-Submitted", TEXT ("auto-generated"));
    s_put (self, "X-Auto-Response-Suppress", TEXT ("All"));
    s_put_list (self);
    s_put (self, "X-Stentor-App", alert->app);
    s_put (self, "X-Stentor-Session", alert->session);
    s_put (self, "X-Stentor-Rule", alert->rule);
    s_put (self, "X-Stentor-Event", alert->event);
    int size = snprintf (step, sizeof step, "%llu", (unsigned long long) alert->step + 1);
    s_put (self, "X-Stentor-Step", (text_t){ step, (size_t) size });
}

// ------------------------------------------------------------------------------------------------
//  Bodies

static void
s_say (writing_t *self, buffer_t *to, const char *words)
{
    if (buffer_put_string (to, words) != 0)
        self->rc = -1;
}

//  With every line end as CRLF, and `before` it; without NULs.
static void
s_put_lines (writing_t *self, buffer_t *to, text_t text, const char *before)
{
    for (size_t at = 0; at < text.size && self->rc == 0; at++) {
        char byte = text.data[at];
        if (byte == '\r' && at + 1 < text.size && text.data[at + 1] == '\n')
            continue;
        if (byte == '\n' || byte == '\r') {
            s_say (self, to, before);
            s_say (self, to, "\r\n");
        } else if (byte != '\0' && buffer_put (to, &byte, 1) != 0)
            self->rc = -1;
    }
}

static void
s_put_html (writing_t *self, buffer_t *to, text_t text)
{
    for (size_t at = 0; at < text.size && self->rc == 0; at++) {
        char byte = text.data[at];
        const char *words = byte == '&'   ? "&amp;"
                            : byte == '<' ? "&lt;"
                            : byte == '>' ? "&gt;"
                            : byte == '"' ? "&quot;"
                                          : NULL;
        if (words)
            s_say (self, to, words);
        else if ((unsigned char) byte >= 0x20 && buffer_put (to, &byte, 1) != 0)
            self->rc = -1;
    }
}

static bool
s_has (text_t text, text_t part)
{
    return memmem (text.data, text.size, part.data, part.size) != NULL;
}

//  A URL of ours, which the text does not have.
static void
s_put_link (writing_t *self, const char *words, text_t url)
{
    mail_t *mail = self->mail;
    if (url.size == 0)
        return;
    if (!s_has (self->alert->text, url)) {
        s_say (self, &mail->text, "\r\n");
        s_say (self, &mail->text, words);
        s_say (self, &mail->text, ":\r\n");
        s_put_lines (self, &mail->text, url, "");
        s_say (self, &mail->text, "\r\n");
    }
    buffer_t escaped;
    buffer_init (&escaped, MAIL_BODY_MOST);
    s_put_html (self, &escaped, url);
    if (self->alert->html.size > 0 && !s_has (self->alert->html, buffer_text (&escaped))) {
        s_say (self, &mail->html, "<p><a href=\"");
        s_put_html (self, &mail->html, url);
        s_say (self, &mail->html, "\">");
        s_say (self, &mail->html, words);
        s_say (self, &mail->html, "</a></p>\r\n");
    }
    buffer_free (&escaped);
}

static void
s_put_bodies (writing_t *self)
{
    static const char head[] = "<!DOCTYPE html>\r\n<html><head><meta charset=\"utf-8\"></head>\r\n"
                               "<body><div dir=\"auto\">\r\n";
    mail_t *mail = self->mail;
    text_t html = self->alert->html;
    s_put_lines (self, &mail->text, self->alert->text, "");
    s_say (self, &mail->text, "\r\n");
    if (html.size > 0) {
        s_say (self, &mail->html, head);
        //  Words alone have their lines from the template.
        s_put_lines (self, &mail->html, html, s_has (html, TEXT ("<")) ? "" : "<br>");
        s_say (self, &mail->html, "\r\n</div>\r\n");
    }
    s_put_link (self, "Open the conversation", self->alert->console);
    s_put_link (self, "I take care of it", self->alert->link);
    if (html.size > 0)
        s_say (self, &mail->html, "</body></html>\r\n");
}

int
mail_write (mail_t *self, const mail_origin_t *origin, const alert_item_t *alert)
{
    buffer_init (&self->headers, HEADERS_MOST);
    buffer_init (&self->text, MAIL_BODY_MOST);
    buffer_init (&self->html, MAIL_BODY_MOST);
    writing_t writing = { .mail = self,
                          .origin = origin,
                          .alert = alert,
                          .domain = mail_address_domain (origin->from) };
    s_put_headers (&writing);
    s_put_bodies (&writing);
    if (writing.rc != 0)
        mail_free (self);
    return writing.rc;
}

void
mail_free (mail_t *self)
{
    buffer_free (&self->headers);
    buffer_free (&self->text);
    buffer_free (&self->html);
}
