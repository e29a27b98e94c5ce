#include "client/request_info.h"

#include "base/percent.h"
#include "base/utf8.h"

#include <strings.h>

//  A header that may come once; empty when it is not there, or there twice.
static text_t
s_only (const http_head_t *head, const char *name)
{
    text_t value;
    return http_head_only (head, name, &value) == 0 ? value : TEXT_EMPTY;
}

static bool
s_is_letter (char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool
s_is_digit (char byte)
{
    return byte >= '0' && byte <= '9';
}

// ---------------------------------------------------------------------------------------------
//  The page

//  Everything that a URL can have (RFC 3986), and nothing that has a meaning in HTML or JSON.
static bool
s_is_of_url (char byte)
{
    return s_is_letter (byte) || s_is_digit (byte)
           || (byte && strchr ("-._~:/?#[]@!$&'()*+,;=%", byte));
}

//  Where the first of these bytes stands, at or behind `from`; the text's end when there is none.
static size_t
s_find (text_t text, size_t from, const char *bytes)
{
    while (from < text.size && (text.data[from] == 0 || !strchr (bytes, text.data[from])))
        from++;
    return from;
}

static bool
s_begins (text_t text, text_t with)
{
    return text.size > with.size && strncasecmp (text.data, with.data, with.size) == 0;
}

static text_t
s_page (text_t url)
{
    size_t host = s_begins (url, TEXT ("https://"))  ? 8
                  : s_begins (url, TEXT ("http://")) ? 7
                                                     : 0;
    size_t path = s_find (url, host, "/?#;");
    if (host == 0 || path == host || s_find (url, host, "@") < path)
        return TEXT_EMPTY;
    size_t end = s_find (url, path, "?#;");
    end = end <= VISITOR_PAGE_MAX ? end : path;
    for (size_t at = host; at < end; at++)
        if (!s_is_of_url (url.data[at]))
            return TEXT_EMPTY;
    return end <= VISITOR_PAGE_MAX ? (text_t){ url.data, end } : TEXT_EMPTY;
}

//  What the query says of it, decoded.
static text_t
s_page_of_query (text_t query, char room[REQUEST_INFO_PAGE_MOST])
{
    static const text_t name = { "page=", 5 };
    text_t raw = TEXT_EMPTY;
    for (size_t at = 0; at < query.size;) {
        size_t end = s_find (query, at, "&");
        if (end - at > name.size && memcmp (query.data + at, name.data, name.size) == 0) {
            if (raw.size > 0)
                return TEXT_EMPTY;
            raw = (text_t){ query.data + at + name.size, end - at - name.size };
        }
        at = end + 1;
    }
    long size = raw.size <= REQUEST_INFO_PAGE_MOST ? percent_decode (raw, true, room) : -1;
    return size > 0 ? (text_t){ room, (size_t) size } : TEXT_EMPTY;
}

// ---------------------------------------------------------------------------------------------
//  The others

//  "de-CH" of "de-CH, de;q=0.9, *;q=0.5". Subtags of one to eight letters and digits, the first one
//  of letters.
static text_t
s_language (const http_head_t *head)
{
    unsigned at = 0;
    text_t list;
    if (!http_head_field (head, "Accept-Language", &at, &list))
        return TEXT_EMPTY;
    text_t tag = { list.data, s_find (list, 0, ",; \t") };
    size_t subtag = 0;
    bool is_first = true;
    for (size_t byte = 0; byte < tag.size && tag.size <= VISITOR_LANGUAGE_MAX; byte++) {
        if (tag.data[byte] == '-' && subtag > 0) {
            subtag = 0;
            is_first = false;
            continue;
        }
        bool is_good = s_is_letter (tag.data[byte]) || (!is_first && s_is_digit (tag.data[byte]));
        if (!is_good || ++subtag > 8)
            return TEXT_EMPTY;
    }
    return subtag > 0 && tag.size <= VISITOR_LANGUAGE_MAX ? tag : TEXT_EMPTY;
}

static text_t
s_agent (text_t agent)
{
    return utf8_is_valid (agent) && utf8_is_showable (agent)
               ? utf8_cut (agent, VISITOR_AGENT_MAX)
               : TEXT_EMPTY;
}

void
request_info_read (visitor_info_t *self, const http_head_t *head, const client_address_t *address,
                   const address_guard_t *ranges, char room[REQUEST_INFO_PAGE_MOST])
{
    *self = VISITOR_INFO_NONE;
    self->page = s_page (s_page_of_query (head->query, room));
    if (self->page.size == 0)
        self->page = s_page (s_only (head, "Referer"));
    if (self->page.size == 0)
        self->page = s_page (s_only (head, "Origin"));
    self->language = s_language (head);
    self->agent = s_agent (s_only (head, "User-Agent"));
    self->address_class = text_of (address_guard_class (ranges, &address->ip));
}
