#include "api/alert_page.h"

#include "auth/alert_url.h"
#include "base/buffer.h"
#include "json/json_body.h"

#include <assert.h>

//  Nothing is loaded. (That nobody is told the address every answer says.)
#define FIELDS                                                                                     \
    "content-type: text/html; charset=utf-8\r\n"                                                  \
    "cache-control: no-store\r\n"                                                                 \
    "content-security-policy: default-src 'none'; form-action 'self'; frame-ancestors 'none'; "   \
    "base-uri 'none'\r\n"                                                                         \
    "x-robots-tag: noindex, nofollow\r\n"

#define BEFORE                                                                                     \
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"                           \
    "<meta name=\"viewport\" content=\"width=device-width\"><title>Alert</title></head>"          \
    "<body><h1>"
#define BEHIND "</body></html>\n"
#define BUTTON "<form method=\"post\"><button>Acknowledge</button></form>"
//  What a postoffice says, each byte as the longest entity.
#define PAGE_MOST (64 * 1024)

bool
alert_page_is_path (const http_head_t *head)
{
    size_t size = sizeof ALERT_PATH - 1;
    return head->path.size >= size && memcmp (head->path.data, ALERT_PATH, size) == 0;
}

//  A text of somebody else's is never more than text.
static void
s_put_text (buffer_t *to, text_t text)
{
    static const struct {
        char byte;
        const char *entity;
    } s_entities[] = {
        { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" }, { '\'', "&#39;" }
    };
    int rc = 0;
    for (size_t at = 0; at < text.size; at++) {
        char byte = text.data[at];
        const char *entity = NULL;
        for (size_t row = 0; row < sizeof s_entities / sizeof *s_entities; row++)
            entity = s_entities[row].byte == byte ? s_entities[row].entity : entity;
        rc |= entity ? buffer_put_string (to, entity) : buffer_put (to, &byte, 1);
    }
    assert (rc == 0);
}

static void
s_put (buffer_t *to, const char *words)
{
    int rc = buffer_put_string (to, words);
    assert (rc == 0);
}

static void
s_begin (buffer_t *page, const char *title)
{
    buffer_init (page, PAGE_MOST);
    s_put (page, BEFORE);
    s_put (page, title);
    s_put (page, "</h1>");
}

static void
s_end (request_t *request, unsigned status, buffer_t *page)
{
    s_put (page, BEHIND);
    request_answer (request, status,
                    status == 405 ? TEXT (FIELDS "allow: GET, HEAD, POST\r\n") : TEXT (FIELDS),
                    buffer_text (page));
    buffer_free (page);
}

static void
s_answer (request_t *request, unsigned status, const char *title, const char *words,
          const char *form)
{
    buffer_t page;
    s_begin (&page, title);
    s_put (&page, "<p>");
    s_put (&page, words);
    s_put (&page, "</p>");
    s_put (&page, form);
    s_end (request, status, &page);
}

static void
s_put_row (buffer_t *page, const char *name, text_t value)
{
    if (value.size == 0)
        return;
    s_put (page, name);
    s_put_text (page, value);
    s_put (page, "</dd>");
}

//  What it is about. Only an address of the web becomes a link.
static void
s_put_about (buffer_t *page, struct json_object *stand)
{
    text_t url = json_body_text (stand, "session");
    s_put (page, "<dl>");
    s_put_row (page, "<dt>Rule</dt><dd>", json_body_text (stand, "rule"));
    s_put_row (page, "<dt>App</dt><dd>", json_body_text (stand, "app"));
    s_put_row (page, "<dt>Visitor</dt><dd>", json_body_text (stand, "visitor"));
    bool is_of_web = url.size > 8
                     && (memcmp (url.data, "https://", 8) == 0
                         || memcmp (url.data, "http://", 7) == 0);
    if (is_of_web) {
        s_put (page, "<dt>Session</dt><dd><a rel=\"noreferrer\" href=\"");
        s_put_text (page, url);
        s_put (page, "\">in the console</a></dd>");
    }
    s_put (page, "</dl>");
}

//  The states are those of the table of alerts: acknowledged, open, and what has ended otherwise.
static void
s_put_stand (buffer_t *page, struct json_object *stand)
{
    text_t who = json_body_text (stand, "who");
    uint64_t state = json_body_number (stand, "state");
    if (who.size > 0) {
        s_put (page, "<p>");
        s_put_text (page, who);
        s_put (page, " has it since ");
        s_put_text (page, json_body_text (stand, "since"));
        s_put (page, ". Nobody else is called about this any more.</p>");
        return;
    }
    s_put (page, state == 0
                     ? "<p>Press the button to say that you see to it: nobody else is called any "
                       "more.</p>"
                     : "<p>Nobody else is called about this any more, and nobody has said yet that "
                       "they see to it. The button says that you do.</p>");
    s_put (page, BUTTON);
}

void
alert_page_show (request_t *request, text_t stand)
{
    buffer_t page;
    struct json_object *said = json_body_read (stand);
    bool is_had = json_body_text (said, "who").size > 0;
    s_begin (&page, is_had ? "Acknowledged" : "Alert");
    s_put_about (&page, said);
    s_put_stand (&page, said);
    s_end (request, 200, &page);
    json_body_free (&said);
}

void
alert_page_say (request_t *request, unsigned status)
{
    static const struct {
        unsigned status;
        const char *title, *words;
    } s_rows[] = {
        { 404, "No such alert", "The address is not whole, or the alert is not there any more." },
        { 410, "Too late", "The address has expired." },
        { 405, "Not so", "The address is opened, or its button is pressed." },
    };
    for (size_t at = 0; at < sizeof s_rows / sizeof *s_rows; at++)
        if (s_rows[at].status == status) {
            s_answer (request, status, s_rows[at].title, s_rows[at].words, "");
            return;
        }
    s_answer (request, status, "Not now",
              "Nothing can be said of the alert, or done about it. Try again in a moment.", BUTTON);
}
