#include "texting/sms_text.h"

#include <stdint.h>

#define ZERO_WIDTH_JOINER 0x200du
#define CLUSTER_MOST 64 //  bytes; who piles up more marks has them cut

//  The character at this place of a valid text; the place moves behind it.
static uint32_t
s_next (text_t text, size_t *at)
{
    unsigned char first = (unsigned char) text.data[(*at)++];
    unsigned more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    uint32_t point = more ? first & (0x3fu >> more) : first;
    for (; more > 0 && *at < text.size; more--)
        point = point << 6 | ((unsigned char) text.data[(*at)++] & 0x3fu);
    return point;
}

//  Of the GSM alphabet (3GPP TS 23.038): those that ASCII does not have, and those of ASCII that it
//  does not have.
static const uint32_t s_more[] = {
    0xa3, 0xa5, 0xe8, 0xe9, 0xf9, 0xec, 0xf2, 0xc7, 0xd8, 0xf8, 0xc5, 0xe5, 0x394, 0x3a6,
    0x393, 0x39b, 0x3a9, 0x3a0, 0x3a8, 0x3a3, 0x398, 0x39e, 0xc6, 0xe6, 0xdf, 0xc9, 0xa4, 0xa1,
    0xc4, 0xd6, 0xd1, 0xdc, 0xa7, 0xbf, 0xe4, 0xf6, 0xf1, 0xfc, 0xe0,
};
static const char s_extension[] = "^{}\\[~]|\f";

//  How many of the alphabet's septets it takes; 0: it is not in it.
static unsigned
s_septets (uint32_t point)
{
    if (point == 0x20ac || (point < 0x80 && point != 0 && strchr (s_extension, (int) point)))
        return 2;
    if (point < 0x80)
        return (point >= 0x20 && point != '`' && point != 0x7f) || point == '\n' || point == '\r';
    for (size_t row = 0; row < sizeof s_more / sizeof *s_more; row++)
        if (s_more[row] == point)
            return 1;
    return 0;
}

static unsigned
s_units_of (uint32_t point)
{
    return point > 0xffff ? 2 : 1;
}

size_t
sms_units (text_t text)
{
    size_t units = 0;
    for (size_t at = 0; at < text.size;)
        units += s_units_of (s_next (text, &at));
    return units;
}

static bool
s_is_gsm (text_t text)
{
    for (size_t at = 0; at < text.size;)
        if (s_septets (s_next (text, &at)) == 0)
            return false;
    return true;
}

unsigned
sms_segments (text_t text)
{
    bool is_gsm = s_is_gsm (text);
    unsigned alone = is_gsm ? 160 : 70, each = is_gsm ? 153 : 67;
    unsigned segments = text.size > 0, used = 0;
    size_t all = 0;
    for (size_t at = 0; at < text.size;) {
        uint32_t point = s_next (text, &at);
        unsigned units = is_gsm ? s_septets (point) : s_units_of (point);
        all += units;
        if (used + units > each) {
            segments++;
            used = 0;
        }
        used += units;
    }
    return all <= alone ? text.size > 0 : segments;
}

//  What changes the character before it, or goes together with it.
static bool
s_joins (uint32_t point)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        { 0x300, 0x36f },     { ZERO_WIDTH_JOINER, ZERO_WIDTH_JOINER }, { 0x20d0, 0x20ff },
        { 0xfe00, 0xfe0f },   { 0xfe20, 0xfe2f },                       { 0x1f3fb, 0x1f3ff },
        { 0xe0020, 0xe007f }, { 0xe0100, 0xe01ef },
    };
    for (size_t row = 0; row < sizeof ranges / sizeof *ranges; row++)
        if (point >= ranges[row].first && point <= ranges[row].last)
            return true;
    return false;
}

//  Two of these make a flag.
static bool
s_is_regional (uint32_t point)
{
    return point >= 0x1f1e6 && point <= 0x1f1ff;
}

text_t
sms_cut (text_t text, size_t most)
{
    size_t units = 0, good = 0;
    uint32_t before = 0;
    bool is_half_flag = false;
    for (size_t at = 0; at < text.size;) {
        size_t here = at;
        uint32_t point = s_next (text, &at);
        bool is_regional = s_is_regional (point);
        if (!s_joins (point) && before != ZERO_WIDTH_JOINER && !(is_regional && is_half_flag))
            good = here;
        if (units + s_units_of (point) > most && here > 0)
            return (text_t){ text.data, here - good < CLUSTER_MOST && good > 0 ? good : here };
        is_half_flag = is_regional && !is_half_flag;
        units += s_units_of (point);
        before = point;
    }
    return text;
}

static bool
s_is_blank (char byte)
{
    return byte == ' ' || byte == '\n';
}

static text_t
s_trimmed (text_t text)
{
    while (text.size > 0 && s_is_blank (text.data[text.size - 1]))
        text.size--;
    while (text.size > 0 && s_is_blank (text.data[0])) {
        text.data++;
        text.size--;
    }
    return text;
}

bool
sms_next_part (text_t *rest, text_t *part)
{
    text_t all = s_trimmed (*rest);
    *part = sms_cut (all, SMS_MOST);
    if (part->size < all.size && !s_is_blank (all.data[part->size]))
        for (size_t at = part->size; at > part->size / 4 * 3; at--)
            if (s_is_blank (all.data[at - 1])) {
                part->size = at - 1;
                break;
            }
    *rest = (text_t){ all.data + part->size, all.size - part->size };
    *part = s_trimmed (*part);
    return part->size > 0;
}

void
sms_put_clean (text_t text, buffer_t *to)
{
    for (size_t at = 0; at < text.size;) {
        size_t here = at;
        uint32_t point = s_next (text, &at);
        bool is_end = point == '\r' || point == 0x85 || point == 0x2028 || point == 0x2029;
        text_t put = { text.data + here, at - here };
        if (point == '\r' && at < text.size && text.data[at] == '\n')
            continue;
        if (is_end)
            put = TEXT ("\n");
        else if (point == '\t')
            put = TEXT (" ");
        else if ((point < 0x20 && point != '\n') || (point >= 0x7f && point < 0xa0))
            continue;
        if (buffer_put_text (to, put) != 0)
            return;
    }
}
