#include "config/app_genesys.h"

#include "config/app_formats.h"
#include "config/app_limits.h"

#include <stdio.h>
#include <strings.h>

#define CALLS APP_READER_GENESYS
#define IN APP_READER_EDGE

#define UUID_SIZE 36u
#define TOKEN_CHARACTERS                                                                           \
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const struct {
    const char *name;
    const char *domain;
} s_regions[] = {
#define REGION(name, domain) { name, domain },
#include "config/genesys_regions.def"
#undef REGION
};

static const char *
s_domain_of (text_t region)
{
    for (size_t row = 0; row < sizeof s_regions / sizeof *s_regions; row++)
        if (text_is (region, text_of (s_regions[row].name)))
            return s_regions[row].domain;
    return NULL;
}

static bool
s_is_region (text_t region)
{
    return s_domain_of (region) != NULL;
}

static bool
s_is_uuid (text_t text)
{
    for (size_t at = 0; at < text.size; at++)
        if (at == 8 || at == 13 || at == 18 || at == 23
                ? text.data[at] != '-'
                : !strchr ("0123456789abcdefABCDEF", text.data[at]))
            return false;
    return text.size == UUID_SIZE;
}

//  A host's name with a dot, in small letters.
static bool
s_is_domain (text_t domain)
{
    return domain.size > 0
           && strspn (domain.data, "abcdefghijklmnopqrstuvwxyz0123456789.-") == domain.size
           && strchr (domain.data, '.') && !strchr (".-", *domain.data)
           && !strchr (".-", domain.data[domain.size - 1]) && !strstr (domain.data, "..");
}

//  What follows the scheme is a host of this machine: "localhost", 127.0.0.0/8 or ::1.
static bool
s_is_loopback (const char *host)
{
    size_t size = strncmp (host, "127.", 4) == 0            ? strspn (host, "0123456789.")
                  : strncasecmp (host, "localhost", 9) == 0 ? 9
                  : strncmp (host, "[::1]", 5) == 0         ? 5
                                                            : 0;
    return size > 0 && strchr (":/", host[size]); //  or the end
}

//  A secret goes there: in clear on this machine only.
static bool
s_is_base (text_t url)
{
    if (!app_is_url (url) || strpbrk (url.data, "?#@"))
        return false;
    return strncasecmp (url.data, "https://", 8) == 0 || s_is_loopback (url.data + 7);
}

//  Of HTTP Basic: a ':' would end it.
static bool
s_is_client_id (text_t id)
{
    return id.size > 0 && !strpbrk (id.data, ": ");
}

//  A header that the platform can add to its calls.
static bool
s_is_header (text_t name)
{
    static const char *const taken[] = { "Content-Type",   "Content-Length", "Host",
                                         "Connection",     "Transfer-Encoding",
                                         "X-Hub-Signature-256" };
    for (size_t row = 0; row < sizeof taken / sizeof *taken; row++)
        if (strcasecmp (name.data, taken[row]) == 0)
            return false;
    return name.size > 0 && strspn (name.data, TOKEN_CHARACTERS) == name.size;
}

static const char *const s_transcripts[GENESYS_TRANSCRIPTS] = {
    [GENESYS_TRANSCRIPT_LAST] = "last",
    [GENESYS_TRANSCRIPT_WHOLE] = "whole",
    [GENESYS_TRANSCRIPT_NONE] = "none",
};

genesys_transcript_t
genesys_transcript_named (text_t name)
{
    int transcript = 0;
    while (transcript < GENESYS_TRANSCRIPTS
           && !text_is (name, text_of (s_transcripts[transcript])))
        transcript++;
    return (genesys_transcript_t) transcript;
}

static bool
s_is_transcript (text_t name)
{
    return genesys_transcript_named (name) < GENESYS_TRANSCRIPTS;
}

static const json_format_t s_region_format = {
    s_is_region, "^[a-z0-9_]+$",
    "a \"region\" is one of docs/genesys.md, like \"eu_central_1\"; others are given by \"domain\""
};
static const json_format_t s_domain_format = {
    s_is_domain, "^[a-z0-9][a-z0-9.-]*\\.[a-z0-9.-]*[a-z0-9]$",
    "a \"domain\" is like \"mypurecloud.de\": without https:// and without \"api.\""
};
static const json_format_t s_base_format = {
    s_is_base, "^[Hh][Tt][Tt][Pp][Ss]?://[^/?#:@][^?#@]*$",
    "a URL here begins with https:// (http:// on this machine only), and has no query"
};
static const json_format_t s_client_id_format = { s_is_client_id, "^[^: ]+$",
                                                  "a \"clientId\" has no ':' and no blank" };
static const json_format_t s_uuid_format = {
    s_is_uuid, "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
    "an \"integrationId\" is a UUID, like \"0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f\""
};
static const json_format_t s_header_format = {
    s_is_header, "^[!#$%&'*+.^_`|~0-9a-zA-Z-]+$",
    "a \"webhookHeader\" is the name of a header that no request has by itself"
};
static const json_format_t s_transcript_format = {
    s_is_transcript, "^(last|whole|none)$",
    "\"transcript\" is \"last\", \"whole\" or \"none\""
};

static const json_field_t s_fields[] = {
    { .name = "region",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_genesys_t, region),
      .readers = CALLS,
      .most = 32,
      .format = &s_region_format,
      .help = "the organisation's region, like `eu_central_1` (docs/genesys.md)" },
    { .name = "domain",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_genesys_t, domain),
      .readers = CALLS,
      .most = 200,
      .format = &s_domain_format,
      .help = "instead of `region`: the region's domain, like `mypurecloud.de`" },
    { .name = "loginUrl",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_genesys_t, login_url),
      .readers = CALLS,
      .most = APP_URL_MOST,
      .format = &s_base_format,
      .help = "where the token is got; absent: `https://login.` and the domain" },
    { .name = "apiUrl",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_genesys_t, api_url),
      .readers = CALLS,
      .most = APP_URL_MOST,
      .format = &s_base_format,
      .help = "where the API is; absent: `https://api.` and the domain" },
    { .name = "clientId",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_genesys_t, client_id),
      .is_required = true,
      .readers = CALLS,
      .most = 200,
      .format = &s_client_id_format,
      .help = "the OAuth client (grant: client credentials)" },
    { .name = "clientSecret",
      .type = JSON_FIELD_SECRET,
      .offset = offsetof (app_genesys_t, client_secret),
      .mark = offsetof (app_genesys_t, has_client_secret),
      .readers = CALLS,
      .least = 1,
      .most = APP_SECRET_MOST,
      .help = "the client's secret" },
    { .name = "integrationId",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_genesys_t, integration_id),
      .is_required = true,
      .readers = CALLS | IN,
      .most = UUID_SIZE,
      .format = &s_uuid_format,
      .help = "the Open Messaging integration" },
    { .name = "webhookSecret",
      .type = JSON_FIELD_SECRET,
      .offset = offsetof (app_genesys_t, webhook_secret),
      .mark = offsetof (app_genesys_t, has_webhook_secret),
      .readers = IN,
      .least = 1,
      .most = APP_SECRET_MOST,
      .help = "signs the integration's webhooks: its \"signature secret token\", of 16 bytes at "
              "least" },
    { .name = "previousWebhookSecret",
      .type = JSON_FIELD_SECRET,
      .offset = offsetof (app_genesys_t, previous_webhook_secret),
      .mark = offsetof (app_genesys_t, has_previous_webhook_secret),
      .readers = IN,
      .least = 1,
      .most = APP_SECRET_MOST,
      .help = "the secret before, good as well while it is being replaced" },
    { .name = "webhookHeader",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_genesys_t, webhook_header),
      .readers = IN,
      .most = 100,
      .format = &s_header_format,
      .help = "a header that webhooks must have beside their signature (the integration's "
              "\"webhook headers\"); absent: none" },
    { .name = "webhookHeaderValue",
      .type = JSON_FIELD_SECRET,
      .offset = offsetof (app_genesys_t, webhook_header_value),
      .mark = offsetof (app_genesys_t, has_webhook_header_value),
      .readers = IN,
      .least = 1,
      .most = APP_SECRET_MOST,
      .help = "what stands in it" },
    { .name = "transcript",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_genesys_t, transcript),
      .readers = CALLS,
      .most = APP_CHOICE_MOST,
      .format = &s_transcript_format,
      .fallback = "last",
      .help = "what agents there are shown of the talk before: `last` messages, the `whole`, or "
              "`none`" },
    { .name = "transcriptMessages",
      .type = JSON_FIELD_NUMBER,
      .offset = offsetof (app_genesys_t, transcript_messages),
      .readers = CALLS,
      .least = 1,
      .most = 200,
      .fallback = "20",
      .help = "how many are the last" },
    { .name = "attributes",
      .type = JSON_FIELD_BOOL,
      .offset = offsetof (app_genesys_t, attributes),
      .readers = CALLS,
      .fallback = "true",
      .help = "visitor, page and language go along as custom attributes, for the flow" },
    { .name = "queueSeconds",
      .type = JSON_FIELD_NUMBER,
      .offset = offsetof (app_genesys_t, queue_s),
      .readers = CALLS,
      .least = 1,
      .most = APP_SECONDS_MOST,
      .fallback = "300",
      .help = "a visitor waits in the queue there for so long; then the next responder is asked" },
    { .name = "unreachableSeconds",
      .type = JSON_FIELD_NUMBER,
      .offset = offsetof (app_genesys_t, unreachable_s),
      .readers = CALLS,
      .least = 1,
      .most = APP_SECONDS_MOST,
      .fallback = "120",
      .help = "likewise, when Genesys Cloud cannot be reached for so long" },
    { .name = "pollSeconds",
      .type = JSON_FIELD_NUMBER,
      .offset = offsetof (app_genesys_t, poll_s),
      .readers = CALLS,
      .least = 1,
      .most = 300,
      .fallback = "5",
      .help = "how often a young conversation is looked at; older ones, and many, less often" },
    { .name = "requestsPerMinute",
      .type = JSON_FIELD_NUMBER,
      .offset = offsetof (app_genesys_t, per_minute),
      .readers = CALLS,
      .least = 30,
      .most = 10000,
      .fallback = "300",
      .help = "calls in a minute that the platform allows for one token" },
    { .name = "receipts",
      .type = JSON_FIELD_BOOL,
      .offset = offsetof (app_genesys_t, receipts),
      .readers = CALLS | IN,
      .fallback = "true",
      .help = "the agent is shown that a message was delivered; what could not be shown is said "
              "in any case" },
    { .name = "typing",
      .type = JSON_FIELD_BOOL,
      .offset = offsetof (app_genesys_t, typing),
      .readers = CALLS,
      .fallback = "true",
      .help = "the agent is shown that the visitor types" },
    { .name = "name",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_genesys_t, name),
      .readers = CALLS | IN,
      .most = 100,
      .fallback = "Agent",
      .help = "whom visitors see while the agent's name is not known" },
    { .name = NULL },
};
const json_table_t app_genesys_table = { s_fields, sizeof (app_genesys_t), .is_open = true,
                                         .has_mark = true };

static const char *
s_calls_mistake (const app_genesys_t *self, const char **member)
{
    bool has_urls = self->login_url.size > 0 && self->api_url.size > 0;
    *member = "domain";
    if (self->region.size > 0 && self->domain.size > 0)
        return "\"region\" and \"domain\" say the same: one of them";
    *member = "";
    if (self->region.size == 0 && self->domain.size == 0 && !has_urls)
        return "\"genesys\" needs a \"region\" or a \"domain\", or \"loginUrl\" and \"apiUrl\"";
    return self->has_client_secret ? NULL : "\"genesys\" needs a \"clientSecret\"";
}

//  One that is empty stands in a file that was not read.
static bool
s_is_short (text_t secret)
{
    return secret.size > 0 && secret.size < APP_GENESYS_SECRET_LEAST;
}

static const char *
s_in_mistake (const app_genesys_t *self, const char **member)
{
    *member = "";
    if (!self->has_webhook_secret)
        return "\"genesys\" needs a \"webhookSecret\"";
    *member = "webhookSecret";
    if (s_is_short (self->webhook_secret))
        return "a \"webhookSecret\" is longer than 15 bytes";
    *member = "previousWebhookSecret";
    if (s_is_short (self->previous_webhook_secret))
        return "a \"previousWebhookSecret\" is longer than 15 bytes";
    *member = "webhookHeader";
    return (self->webhook_header.size > 0) == self->has_webhook_header_value
               ? NULL
               : "\"webhookHeader\" and \"webhookHeaderValue\" need each other";
}

const char *
app_genesys_mistake (const app_genesys_t *self, unsigned readers, const char **member)
{
    const char *words = readers & CALLS ? s_calls_mistake (self, member) : NULL;
    return words ? words : readers & IN ? s_in_mistake (self, member) : NULL;
}

text_t
app_genesys_base (const app_genesys_t *self, genesys_host_t host,
                  char room[APP_GENESYS_BASE_ROOM])
{
    text_t url = host == GENESYS_LOGIN ? self->login_url : self->api_url;
    const char *domain =
        self->domain.size > 0 ? self->domain.data
        : self->region.size > 0 ? s_domain_of (self->region)
                                : "";
    int size = url.size > 0
                   ? snprintf (room, APP_GENESYS_BASE_ROOM, "%s", url.data)
                   : snprintf (room, APP_GENESYS_BASE_ROOM, "https://%s.%s",
                               host == GENESYS_LOGIN ? "login" : "api", domain);
    while (size > 0 && room[size - 1] == '/')
        room[--size] = '\0';
    return (text_t){ room, (size_t) size };
}
