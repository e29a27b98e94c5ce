#include "texting/fit.h"

#include "base/utf8.h"
#include "texting/sms_text.h"

#define DOTS TEXT ("...")
#define ENTITY_MOST 5 //  "&amp;"

static size_t
s_bytes (text_t text)
{
    return text.size;
}

//  "<https://…|words>", "<!here>" and "&amp;" are whole or not at all.
static text_t
s_cut_slack (text_t text, size_t most)
{
    text_t cut = utf8_cut (text, most);
    for (size_t at = cut.size; at > 0 && cut.size < text.size; at--) {
        if (cut.data[at - 1] == '>')
            break;
        if (cut.data[at - 1] == '<')
            cut.size = at - 1;
    }
    for (size_t at = cut.size; at > 0 && cut.size < text.size && cut.size - at < ENTITY_MOST;
         at--) {
        if (cut.data[at - 1] == ';')
            break;
        if (cut.data[at - 1] == '&')
            cut.size = at - 1;
    }
    return cut;
}

const fit_measure_t fit_sms = { sms_units, sms_cut };
const fit_measure_t fit_slack = { s_bytes, s_cut_slack };

static size_t
s_find (text_t text, text_t part)
{
    if (part.size == 0)
        return text.size;
    for (size_t at = 0; at + part.size <= text.size; at++)
        if (memcmp (text.data + at, part.data, part.size) == 0)
            return at;
    return text.size;
}

void
fit_put (const fit_measure_t *measure, text_t text, text_t link, size_t most, buffer_t *to)
{
    text_t head = text, tail = TEXT_EMPTY, dots = TEXT_EMPTY;
    if (measure->measure (text) > most) {
        text_t kept = measure->measure (link) < most / 2 ? link : TEXT_EMPTY;
        size_t at = s_find (text, kept);
        if (at > 0 && at < text.size && text.data[at - 1] == '<')
            at--;
        head.size = at;
        tail = (text_t){ text.data + at, text.size - at };
        dots = DOTS;
        //  What stands behind the link goes first when it is long.
        if (measure->measure (tail) >= most / 2)
            tail = kept;
        size_t room = most - measure->measure (tail) - dots.size;
        if (measure->measure (head) > room)
            head = measure->cut (head, room);
    }
    if (buffer_put_text (to, head) != 0 || buffer_put_text (to, dots) != 0
        || buffer_put_text (to, tail) != 0)
        return;
}
