#include "config/app_table.h"

#include "model/model.h"
#include "model/principal.h"

#include <stdio.h>
#include <strings.h>

#define STRING_(number) #number
#define STRING(number) STRING_ (number)

const char *const app_reader_names[] = { "edge", "postoffice", "stentor-connector", NULL };

static bool
s_is_id (text_t id)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return id.size > 0 && strspn (id.data, allowed) == id.size;
}

//  "http://host…" or "https://host…"; nothing that could end an HTTP header or request line.
static bool
s_is_url (text_t url)
{
    size_t scheme = strncasecmp (url.data, "http://", 7) == 0    ? 7
                    : strncasecmp (url.data, "https://", 8) == 0 ? 8
                                                                 : 0;
    return scheme != 0 && url.size > scheme && !strchr ("/?#:@", url.data[scheme])
           && !strpbrk (url.data, " \"<>\\");
}

//  What a browser says in its Origin header: scheme, host and port, nothing behind it; or that it
//  has none to name (a web view, a sandboxed frame, a page from a disk).
static bool
s_is_origin (text_t origin)
{
    if (text_is (origin, TEXT ("null")) || text_is (origin, TEXT ("file://")))
        return true;
    const char *host = strstr (origin.data, "://");
    return host && host != origin.data && host[3] != '\0' && !strpbrk (host + 3, "/?#@ *");
}

//  The widget hides users whose id ends in "router".
static bool
s_is_key_name (text_t name)
{
    static const char hidden[] = "router";
    size_t size = sizeof hidden - 1;
    return s_is_id (name)
           && (name.size < size || strcasecmp (name.data + name.size - size, hidden) != 0);
}

static bool
s_is_permission (text_t name)
{
    return permission_named (name) < PERMISSIONS;
}

static bool
s_is_algorithm (text_t name)
{
    return token_algorithm_of (name) < TOKEN_ALGORITHMS;
}

const json_format_t app_id_format = { s_is_id, "^[A-Za-z0-9._-]+$",
                                      "an app needs an \"appId\" of letters, digits, '.', '_' "
                                      "and '-'" };
const json_format_t app_url_format = { s_is_url, "^[Hh][Tt][Tt][Pp][Ss]?://[^/?#:@]",
                                       "a bot needs a \"url\" that begins with http:// or "
                                       "https://" };
static const json_format_t s_origin_format = { s_is_origin, "^(null|file://|[^:]+://[^/?#@ *]+)$",
                                               "an origin is like \"https://www.example.com\" "
                                               "without a path, or \"null\" or \"file://\"" };

const json_format_t app_key_name_format = { s_is_key_name, "^[A-Za-z0-9._-]+$",
                                            "an API key needs a \"name\" of letters, digits, "
                                            "'.', '_' and '-', which does not end in "
                                            "\"router\"" };
static const json_format_t s_key_hash_format = { api_key_is_hash, "^sha256:[0-9a-f]{64}$",
                                                 "an API key's \"hash\" is \"sha256:\" and 64 "
                                                 "hexadecimal digits, as edge make-key prints "
                                                 "it" };
static const json_format_t s_permission_format = { s_is_permission, "^[A-Za-z_]+$",
                                                   "a scope must be a permission of "
                                                   "docs/api.md" };

static const json_format_t s_algorithm_format = { s_is_algorithm, "^(HS256|RS256|ES256)$",
                                                  "an algorithm is HS256, RS256 or ES256" };

static const json_field_t s_bot_fields[] = {
    { .name = "url",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_bot_t, url),
      .is_required = true,
      .readers = APP_READER_STENTOR | APP_READER_POSTOFFICE,
      .most = APP_URL_MOST,
      .format = &app_url_format,
      .is_url = true,
      .help = "where the bot is asked: http:// or https://" },
    { .name = "key",
      .type = JSON_FIELD_SECRET,
      .offset = offsetof (app_bot_t, key),
      .readers = APP_READER_STENTOR,
      .most = APP_SECRET_MOST,
      .help = "sent in the Authorization header; empty or absent: no such header" },
    { .name = "name",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_bot_t, name),
      .readers = APP_READERS_ALL,
      .most = DISPLAY_NAME_MAX,
      .fallback = "Bot",
      .help = "the bot's name in clients" },
    { .name = NULL },
};
static const json_table_t s_bot_table = { s_bot_fields, sizeof (app_bot_t), .is_open = false };

static const json_field_t s_token_key_fields[] = {
    { .name = "kid",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_token_key_t, kid),
      .is_required = true,
      .readers = APP_READER_EDGE,
      .most = TOKEN_KID_MOST,
      .help = "the key's name, as tokens have it in their header" },
    { .name = "algorithm",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_token_key_t, algorithm),
      .is_required = true,
      .readers = APP_READER_EDGE,
      .most = 5,
      .format = &s_algorithm_format,
      .help = "HS256, RS256 or ES256: the only one that the key is used for" },
    { .name = "key",
      .type = JSON_FIELD_SECRET,
      .offset = offsetof (app_token_key_t, key),
      .has_lines = true,
      .readers = APP_READER_EDGE,
      .most = TOKEN_KEY_TEXT_MOST,
      .help = "HS256: a secret of 32 bytes at least; else the public key as PEM" },
    { .name = NULL },
};
static const json_table_t s_token_key_table = { s_token_key_fields, sizeof (app_token_key_t),
                                                .is_open = false };

static const json_field_t s_tokens_fields[] = {
    { .name = "keys",
      .type = JSON_FIELD_ROWS,
      .offset = offsetof (app_tokens_t, rows),
      .readers = APP_READER_EDGE,
      .most = TOKEN_KEYS_MOST,
      .table = &s_token_key_table,
      .help = "keys that the app's server signs tokens with; several while one replaces another" },
    { .name = "jwks",
      .type = JSON_FIELD_SECRET,
      .offset = offsetof (app_tokens_t, jwks),
      .has_lines = true,
      .readers = APP_READER_EDGE,
      .most = TOKEN_KEY_TEXT_MOST,
      .help = "a JWK set with more keys, each with \"kid\" and \"alg\"" },
    { .name = "audience",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_tokens_t, audience),
      .readers = APP_READER_EDGE,
      .most = TOKEN_AUDIENCE_MOST,
      .help = "what tokens must name as their audience (aud); absent: tokens must name none" },
    { .name = "anonymous",
      .type = JSON_FIELD_BOOL,
      .offset = offsetof (app_tokens_t, anonymous),
      .readers = APP_READER_EDGE,
      .fallback = "true",
      .help = "visitors may come in without a token" },
    { .name = "endsChats",
      .type = JSON_FIELD_BOOL,
      .offset = offsetof (app_tokens_t, ends_chats),
      .readers = APP_READER_EDGE,
      .fallback = "false",
      .help = "a connection ends when its token expires; else the next one needs a new token" },
    { .name = NULL },
};
static const json_table_t s_tokens_table = { s_tokens_fields, sizeof (app_tokens_t),
                                             .is_open = false, .has_mark = true };

static const json_field_t s_api_key_fields[] = {
    { .name = "name",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_api_key_t, name),
      .is_required = true,
      .readers = APP_READER_EDGE,
      .most = API_KEY_NAME_MOST,
      .format = &app_key_name_format,
      .help = "who the server is; a key and the one that replaces it have the same name" },
    { .name = "hash",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_api_key_t, hash),
      .is_required = true,
      .readers = APP_READER_EDGE,
      .most = API_KEY_HASH_SIZE,
      .format = &s_key_hash_format,
      .is_hidden = true,
      .help = "sha256: and the SHA-256 of the key, as edge make-key prints it" },
    { .name = "scopes",
      .type = JSON_FIELD_TEXTS,
      .offset = offsetof (app_api_key_t, scopes),
      .readers = APP_READER_EDGE,
      .least = APP_SCOPE_MOST,
      .most = APP_SCOPES_MOST,
      .format = &s_permission_format,
      .help = "permissions that the key allows; absent: all that a server may; empty: none" },
    { .name = NULL },
};
static const json_table_t s_api_key_table = { s_api_key_fields, sizeof (app_api_key_t),
                                              .is_open = false };

static const json_field_t s_api_keys_fields[] = {
    { .name = "keys",
      .type = JSON_FIELD_ROWS,
      .offset = offsetof (app_api_keys_t, rows),
      .is_required = true,
      .readers = APP_READER_EDGE,
      .most = API_KEYS_MOST,
      .table = &s_api_key_table,
      .help = "one row for each key; several of one name while one replaces another" },
    { .name = NULL },
};
static const json_table_t s_api_keys_table = { s_api_keys_fields, sizeof (app_api_keys_t),
                                               .is_open = false };

static const json_field_t s_retention_fields[] = {
    { .name = "days",
      .type = JSON_FIELD_NUMBER,
      .offset = offsetof (app_retention_t, days),
      .is_required = true,
      .readers = APP_READER_POSTOFFICE,
      .most = APP_DAYS_MOST,
      .help = "days that a session stays in the database after its last activity; 0: for ever" },
    { .name = NULL },
};
static const json_table_t s_retention_table = { s_retention_fields, sizeof (app_retention_t),
                                                .is_open = false, .has_mark = true };

static const json_field_t s_app_fields[] = {
    { .name = "appId",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_t, id),
      .is_required = true,
      .readers = APP_READERS_ALL,
      .most = APP_ID_MAX,
      .format = &app_id_format,
      .help = "the app's id in a client's URL: letters, digits, '.', '_' and '-'" },
    { .name = "bot",
      .type = JSON_FIELD_OBJECT,
      .offset = offsetof (app_t, bot),
      .readers = APP_READERS_ALL,
      .table = &s_bot_table,
      .help = "the app's Stentor bot; absent: agents answer alone" },
    { .name = "tokens",
      .type = JSON_FIELD_OBJECT,
      .offset = offsetof (app_t, tokens),
      .readers = APP_READER_EDGE,
      .table = &s_tokens_table,
      .help = "who may come in with a token (docs/tokens.md); absent: anonymous visitors only" },
    { .name = "apiKeys",
      .type = JSON_FIELD_OBJECT,
      .offset = offsetof (app_t, api_keys),
      .readers = APP_READER_EDGE,
      .table = &s_api_keys_table,
      .help = "keys of servers that use the HTTP API (docs/tokens.md); absent: none" },
    { .name = "retention",
      .type = JSON_FIELD_OBJECT,
      .offset = offsetof (app_t, retention),
      .readers = APP_READER_POSTOFFICE,
      .table = &s_retention_table,
      .help = "how long the app's conversations are kept; absent: SESSIONS_KEPT" },
    { .name = "origins",
      .type = JSON_FIELD_TEXTS,
      .offset = offsetof (app_t, origins),
      .readers = APP_READER_EDGE,
      .least = APP_URL_MOST,
      .most = APP_ORIGINS_MOST,
      .format = &s_origin_format,
      .help = "pages that may embed the chat, as scheme://host[:port], or null or file://; "
              "absent or empty: all" },
    { .name = "textLimit",
      .type = JSON_FIELD_NUMBER,
      .offset = offsetof (app_t, text_limit),
      .readers = APP_READER_EDGE,
      .least = 1,
      .most = APP_TEXT_LIMIT_MOST,
      .fallback = STRING (APP_TEXT_LIMIT),
      .help = "largest text of a visitor, in bytes" },
    { .name = NULL },
};
const json_table_t app_table = { s_app_fields, sizeof (app_t), .is_open = true };

static const json_field_t s_file_fields[] = {
    { .name = "apps",
      .type = JSON_FIELD_ROWS,
      .offset = offsetof (app_rows_t, apps),
      .is_required = true,
      .readers = APP_READERS_ALL,
      .least = 1,
      .most = APPS_MOST,
      .table = &app_table,
      .help = "the apps; the first one is the default" },
    { .name = NULL },
};
const json_table_t app_rows_table = { s_file_fields, sizeof (app_rows_t), .is_open = true };
