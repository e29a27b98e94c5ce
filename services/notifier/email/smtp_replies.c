#include "email/smtp_replies.h"

//  "250-" or "250 ", or "250" alone: the last line of a reply has no '-'. 0: it is no reply.
static unsigned
s_code (text_t line, bool *is_last)
{
    if (line.size < 3)
        return 0;
    unsigned code = 0;
    for (size_t at = 0; at < 3; at++) {
        if (line.data[at] < '0' || line.data[at] > '9')
            return 0;
        code = code * 10 + (unsigned) (line.data[at] - '0');
    }
    *is_last = line.size == 3 || line.data[3] != '-';
    return code;
}

static void
s_keep_text (smtp_replies_t *self, text_t line)
{
    size_t size = 0;
    for (size_t at = 0; at < line.size && size < SMTP_REPLY_SIZE - 1; at++) {
        char byte = line.data[at];
        self->text[size++] = byte >= 0x20 && byte < 0x7f ? byte : '.';
    }
    self->text[size] = '\0';
}

//  "X.Y.Z" behind the code.
static unsigned
s_enhanced (text_t line)
{
    if (line.size < 9 || line.data[5] != '.')
        return 0;
    char first = line.data[4];
    return first == '2' || first == '4' || first == '5' ? (unsigned) (first - '0') : 0;
}

static void
s_go_on (smtp_replies_t *self)
{
    switch (self->stage) {
    case SMTP_GREETING:
        self->stage = self->code == 220 ? SMTP_HELLO : SMTP_GREETING;
        break;
    case SMTP_HELLO:
        if (self->code == 250)
            self->stage = self->has_starttls ? SMTP_STARTTLS : SMTP_MAIL;
        break;
    case SMTP_STARTTLS:
        self->stage = self->code == 220 ? SMTP_HELLO_AGAIN : SMTP_STARTTLS;
        break;
    case SMTP_HELLO_AGAIN:
        self->stage = self->code == 250 ? SMTP_MAIL : SMTP_HELLO_AGAIN;
        break;
    case SMTP_MAIL:
        self->has_logged_in = self->has_logged_in || self->code == 235;
        self->is_without_login =
            self->code == 250 && self->must_log_in && !self->has_logged_in;
        self->is_data_answered = self->is_data_begun;
        self->is_data_begun = self->is_data_begun || self->code == 354;
        break;
    }
}

int
smtp_replies_line (smtp_replies_t *self, text_t line)
{
    while (line.size > 0 && (line.data[line.size - 1] == '\n' || line.data[line.size - 1] == '\r'))
        line.size--;
    bool is_last = false;
    unsigned code = s_code (line, &is_last);
    if (code == 0 || !is_last)
        return 0;
    self->code = code;
    self->enhanced = s_enhanced (line);
    s_keep_text (self, line);
    s_go_on (self);
    return self->is_without_login ? -1 : 0;
}
