#include "address/forwarded.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <strings.h>

#define PORT_DIGITS_MAX 5

struct trusted_proxies {
    cidr_t networks[TRUSTED_PROXIES_MAX];
    unsigned count;
};

// ---------------------------------------------------------------------------------------------
//  Whom to trust

trusted_proxies_t *
trusted_proxies_new (const char *networks)
{
    static const char between[] = ", \t";
    trusted_proxies_t *self = alloc_zeroed (sizeof *self);
    for (const char *at = networks + strspn (networks, between); *at;
         at += strspn (at, between)) {
        text_t word = { at, strcspn (at, between) };
        if (self->count == TRUSTED_PROXIES_MAX
            || cidr_read (&self->networks[self->count++], word) != 0) {
            trusted_proxies_destroy (&self);
            return NULL;
        }
        at += word.size;
    }
    return self;
}

void
trusted_proxies_destroy (trusted_proxies_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

bool
trusted_proxies_hold (const trusted_proxies_t *self, const ip_address_t *ip)
{
    for (unsigned at = 0; at < self->count; at++)
        if (cidr_holds (&self->networks[at], ip))
            return true;
    return false;
}

// ---------------------------------------------------------------------------------------------
//  Characters

static bool
s_is_alphanumeric (char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z')
           || (byte >= 'A' && byte <= 'Z');
}

static bool
s_is_blank (char byte)
{
    return byte == ' ' || byte == '\t';
}

//  From `at` on: how many bytes are letters, digits, or one of these.
static size_t
s_span (text_t text, size_t at, const char *others)
{
    size_t begin = at;
    while (at < text.size
           && (s_is_alphanumeric (text.data[at])
               || (text.data[at] && strchr (others, text.data[at]))))
        at++;
    return at - begin;
}

static void
s_skip_blanks (text_t text, size_t *at)
{
    while (*at < text.size && s_is_blank (text.data[*at]))
        (*at)++;
}

static bool
s_is_word (text_t text, const char *word)
{
    return text.size == strlen (word) && strncasecmp (text.data, word, text.size) == 0;
}

// ---------------------------------------------------------------------------------------------
//  Lists

static void
s_push (forwarded_list_t *self, text_t node)
{
    self->nodes[self->count++ % FORWARDED_HOPS_MAX] = node;
}

//  Empty elements are none (RFC 9110, 5.6.1).
void
forwarded_add_x (forwarded_list_t *self, text_t line)
{
    self->is_there = true;
    for (size_t at = 0; at < line.size; at++) {
        s_skip_blanks (line, &at);
        size_t begin = at;
        while (at < line.size && line.data[at] != ',')
            at++;
        size_t end = at;
        while (end > begin && s_is_blank (line.data[end - 1]))
            end--;
        if (end > begin)
            s_push (self, (text_t){ line.data + begin, end - begin });
    }
}

//  A token or a quoted string, without its quotes. An escape stays as it is: no address needs one.
static int
s_read_value (text_t line, size_t *at, text_t *value)
{
    if (*at == line.size || line.data[*at] != '"') {
        *value = (text_t){ line.data + *at, s_span (line, *at, "!#$%&'*+-.^_`|~") };
        *at += value->size;
        return value->size > 0 ? 0 : -1;
    }
    size_t begin = ++*at;
    while (*at < line.size && line.data[*at] != '"')
        *at += line.data[*at] == '\\' ? 2 : 1;
    if (*at >= line.size)
        return -1;
    *value = (text_t){ line.data + begin, *at - begin };
    ++*at;
    return 0;
}

//  name=value, and in `node` the value of a `for`. There is one in an element at most.
static int
s_read_pair (text_t line, size_t *at, text_t *node)
{
    text_t value, name = { line.data + *at, s_span (line, *at, "!#$%&'*+-.^_`|~") };
    *at += name.size;
    if (name.size == 0 || *at == line.size || line.data[*at] != '=')
        return -1;
    ++*at;
    if (s_read_value (line, at, &value) != 0)
        return -1;
    if (!s_is_word (name, "for"))
        return 0;
    if (node->data)
        return -1;
    *node = value;
    return 0;
}

//  Pairs with semicolons between them, up to a comma or the end. No `for` is a hidden one.
static int
s_read_element (forwarded_list_t *self, text_t line, size_t *at)
{
    text_t node = { NULL, 0 };
    bool is_empty = true;
    for (;;) {
        s_skip_blanks (line, at);
        if (*at < line.size && line.data[*at] != ';' && line.data[*at] != ',') {
            if (s_read_pair (line, at, &node) != 0)
                return -1;
            is_empty = false;
            s_skip_blanks (line, at);
        }
        if (*at == line.size || line.data[*at] == ',')
            break;
        if (line.data[(*at)++] != ';')
            return -1;
        is_empty = false;
    }
    if (!is_empty)
        s_push (self, node.data ? node : TEXT ("unknown"));
    return 0;
}

void
forwarded_add (forwarded_list_t *self, text_t line)
{
    self->is_there = true;
    for (size_t at = 0; at < line.size && !self->is_malformed; at++)
        self->is_malformed = s_read_element (self, line, &at) != 0;
}

// ---------------------------------------------------------------------------------------------
//  Nodes

typedef enum { NODE_MALFORMED, NODE_HIDDEN, NODE_ADDRESS } node_t;

//  ":" and a number, or a name that hides it; or nothing.
static bool
s_is_port (text_t text)
{
    if (text.size == 0)
        return true;
    if (text.size < 2 || *text.data != ':')
        return false;
    if (text.data[1] == '_')
        return text.size > 2 && s_span (text, 2, "._-") == text.size - 2;
    for (size_t at = 1; at < text.size; at++)
        if (text.data[at] < '0' || text.data[at] > '9')
            return false;
    return text.size <= 1 + PORT_DIGITS_MAX;
}

static node_t
s_read_ipv6 (text_t node, ip_address_t *ip)
{
    const char *end = memchr (node.data, ']', node.size);
    if (!end)
        return NODE_MALFORMED;
    text_t inner = { node.data + 1, (size_t) (end - node.data) - 1 };
    text_t port = { end + 1, node.size - inner.size - 2 };
    bool is_one = inner.size > 0 && memchr (inner.data, ':', inner.size) && s_is_port (port)
                  && ip_address_read (ip, inner) == 0;
    return is_one ? NODE_ADDRESS : NODE_MALFORMED;
}

//  X-Forwarded-For has IPv6 without brackets, too.
static node_t
s_read_node (text_t node, bool is_x, ip_address_t *ip)
{
    if (node.size == 0)
        return NODE_MALFORMED;
    if (*node.data == '[')
        return s_read_ipv6 (node, ip);
    const char *colon = memchr (node.data, ':', node.size);
    size_t size = colon ? (size_t) (colon - node.data) : node.size;
    text_t name = { node.data, size }, port = { node.data + size, node.size - size };
    if (s_is_port (port)) {
        if (s_is_word (name, "unknown"))
            return NODE_HIDDEN;
        if (!is_x && name.size > 1 && *name.data == '_' && s_span (name, 1, "._-") == size - 1)
            return NODE_HIDDEN;
        if (ip_address_read (ip, name) == 0)
            return NODE_ADDRESS;
    }
    return is_x && ip_address_read (ip, node) == 0 ? NODE_ADDRESS : NODE_MALFORMED;
}

static int
s_client_of (const trusted_proxies_t *trusted, const ip_address_t *peer,
             const forwarded_list_t *list, bool is_x, client_address_t *client)
{
    if (list->is_malformed)
        return -1;
    *client = (client_address_t){ .ip = *peer, .is_exempt = true };
    for (unsigned left = list->count; left > 0; left--) {
        ip_address_t ip;
        if (list->count - left == FORWARDED_HOPS_MAX)
            return -1;
        client->is_forwarded = true;
        switch (s_read_node (list->nodes[(left - 1) % FORWARDED_HOPS_MAX], is_x, &ip)) {
        case NODE_ADDRESS:
            client->ip = ip;
            client->is_exempt = trusted_proxies_hold (trusted, &ip);
            break;
        case NODE_HIDDEN:
            client->is_exempt = false;
            break;
        default:
            return -1;
        }
        if (!client->is_exempt)
            break;
    }
    return 0;
}

int
forwarded_client (const trusted_proxies_t *trusted, const ip_address_t *peer,
                  const forwarded_list_t *x, const forwarded_list_t *forwarded,
                  client_address_t *client)
{
    if (!forwarded->is_there)
        return s_client_of (trusted, peer, x, true, client);
    if (!x->is_there)
        return s_client_of (trusted, peer, forwarded, false, client);
    client_address_t other;
    if (s_client_of (trusted, peer, x, true, client) != 0
        || s_client_of (trusted, peer, forwarded, false, &other) != 0)
        return -1;
    bool are_same = memcmp (&client->ip, &other.ip, sizeof other.ip) == 0
                    && client->is_exempt == other.is_exempt;
    return are_same ? 0 : -1;
}
