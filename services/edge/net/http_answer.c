#include "net/http_answer.h"

#include "base/clock.h"

static const struct {
    unsigned status;
    const char *words;
} s_statuses[] = {
    { 101, "Switching Protocols" },
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 301, "Moved Permanently" },
    { 304, "Not Modified" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 417, "Expectation Failed" },
    { 422, "Unprocessable Content" },
    { 426, "Upgrade Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
};

const char *
http_status_words (unsigned status)
{
    for (size_t row = 0; row < sizeof s_statuses / sizeof *s_statuses; row++)
        if (s_statuses[row].status == status)
            return s_statuses[row].words;
    return "Unknown";
}

//  Not strftime's names, which may be in another language.
text_t
http_date (int64_t seconds, char to[HTTP_DATE_ROOM])
{
    static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    struct tm parts;
    time_t time = (time_t) seconds;
    char digits[HTTP_DATE_ROOM];
    if (!gmtime_r (&time, &parts)
        || strftime (digits, sizeof digits, "%d %m %Y %H:%M:%S GMT", &parts) != 23)
        return TEXT_EMPTY;
    memcpy (to, days[parts.tm_wday], 3);
    memcpy (to + 3, ", ", 2);
    memcpy (to + 5, digits, 3);
    memcpy (to + 8, months[parts.tm_mon], 3);
    memcpy (to + 11, digits + 5, 18);
    return (text_t){ to, 29 };
}

static void
s_put (http_answer_t *self, text_t text)
{
    if (buffer_put_text (self->to, text) != 0)
        self->rc = -1;
}

void
http_answer_field (http_answer_t *self, const char *name, text_t value)
{
    s_put (self, text_of (name));
    s_put (self, TEXT (": "));
    s_put (self, value);
    s_put (self, TEXT ("\r\n"));
}

http_answer_t
http_answer_begin (buffer_t *to, unsigned status, bool keep_alive)
{
    http_answer_t self = { .to = to };
    char date[HTTP_DATE_ROOM];
    s_put (&self, TEXT ("HTTP/1.1 "));
    if (buffer_put_number (to, status) != 0)
        self.rc = -1;
    s_put (&self, TEXT (" "));
    s_put (&self, text_of (http_status_words (status)));
    s_put (&self, TEXT ("\r\n"));
    http_answer_field (&self, "server", TEXT ("stentor-edge"));
    http_answer_field (&self, "date",
                       http_date ((int64_t) (clock_wall_ms () / 1000), date));
    if (!keep_alive && status != 101)
        http_answer_field (&self, "connection", TEXT ("close"));
    return self;
}

int
http_answer_end (http_answer_t *self)
{
    s_put (self, TEXT ("\r\n"));
    return self->rc;
}
