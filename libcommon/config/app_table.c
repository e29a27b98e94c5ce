#include "config/app_table.h"

#include "config/app_formats.h"
#include "model/model.h"
#include "model/offer.h"
#include "model/principal.h"

#include <stdio.h>
#include <strings.h>

#define STRING_(number) #number
#define STRING(number) STRING_ (number)

const char *const app_reader_names[] = { "edge", "postoffice", "stentor-connector",
                                         "notifier", "genesys-connector", NULL };

//  The widget hides users whose id ends in "router".
static bool
s_is_key_name (text_t name)
{
    static const char hidden[] = "router";
    size_t size = sizeof hidden - 1;
    return app_is_id (name)
           && (name.size < size || strcasecmp (name.data + name.size - size, hidden) != 0);
}

//  Of those that no server has a key is not to speak.
static bool
s_is_permission (text_t name)
{
    permission_t permission = permission_named (name);
    return permission < PERMISSIONS && permission_scope (permission, ROLE_API) != SCOPE_NEVER;
}

static bool
s_is_app_id (text_t id)
{
    return app_is_id (id) && !text_is (id, TEXT (".")) && !text_is (id, TEXT (".."));
}

static bool
s_is_algorithm (text_t name)
{
    return token_algorithm_of (name) < TOKEN_ALGORITHMS;
}

const json_format_t app_id_format = { s_is_app_id, "^[A-Za-z0-9._-]+$",
                                      "an app needs an \"appId\" of letters, digits, '.', '_' "
                                      "and '-', and not of one or two dots alone" };
const json_format_t app_url_format = { app_is_url, APP_URL_PATTERN,
                                       "a bot needs a \"url\" that begins with http:// or "
                                       "https://, with a host in ASCII and a port up to 65535, "
                                       "if any" };
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
                                                   "docs/api.md that servers may have" };

static bool
s_is_target (text_t target)
{
    text_t name;
    return target_of (target, &name) != TARGET_BAD;
}

#define CHOICE_FORMAT(name, choices, pattern, words)                                               \
    static bool s_is_##name (text_t text)                                                          \
    {                                                                                              \
        return app_is_choice (text, choices);                                                      \
    }                                                                                              \
    static const json_format_t s_##name##_format = { s_is_##name, pattern, words };
CHOICE_FORMAT (pick, "round-robin least-busy", "^(round-robin|least-busy)$",
               "pick is \"round-robin\" or \"least-busy\"")
CHOICE_FORMAT (after_pass, "observer out", "^(observer|out)$",
               "afterPass is \"observer\" or \"out\"")
CHOICE_FORMAT (give_back, "event question", "^(event|question)$",
               "giveBack is \"event\" or \"question\"")
CHOICE_FORMAT (tell, "none place time", "^(none|place|time)$",
               "tell is \"none\", \"place\" or \"time\"")
#undef CHOICE_FORMAT

static const json_format_t s_target_format = {
    s_is_target, "^(bot|(group|agent):.+|platform:[a-z0-9-]+)$",
    "a target is \"group:NAME\", \"agent:ID\", \"platform:NAME\" or \"bot\"; a platform's name is "
    "1 to 50 of a-z, 0-9 and -"
};

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
      .mark = offsetof (app_token_key_t, has_key),
      .has_lines = true,
      .readers = APP_READER_EDGE,
      .least = 1,
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
      .mark = offsetof (app_tokens_t, has_jwks),
      .has_lines = true,
      .readers = APP_READER_EDGE,
      .least = 1,
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

static const json_format_t s_step_format = { app_failure_is_step, "^(retry|text|person)$",
                                             "a step is \"retry\", \"text\" or \"person\"" };
static const json_format_t s_health_url_format = {
    app_is_url, APP_URL_PATTERN,
    "a \"healthUrl\" begins with http:// or https://, with a host in ASCII and a port up to 65535, "
    "if any"
};

static const json_field_t s_failure_fields[] = {
    { .name = "steps",
      .type = JSON_FIELD_TEXTS,
      .offset = offsetof (app_failure_t, steps),
      .readers = APP_READER_POSTOFFICE,
      .least = APP_SCOPE_MOST,
      .most = FAILURE_STEPS,
      .format = &s_step_format,
      .help = "what is done when the bot gives no answer: retry, text, person; absent or empty: "
              "retry" },
    { .name = "text",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_failure_t, text),
      .readers = APP_READER_POSTOFFICE,
      .most = APP_FAILURE_TEXT_MOST,
      .fallback = APP_FAILURE_WORDS,
      .help = "what the visitor is told by the step text, as a message of the bot" },
    { .name = "failures",
      .type = JSON_FIELD_NUMBER,
      .offset = offsetof (app_failure_t, failures),
      .readers = APP_READER_POSTOFFICE,
      .least = 1,
      .most = 1000,
      .fallback = STRING (APP_FAILURE_FAILURES),
      .help = "after so many failed tries in a row the bot is not asked any more" },
    { .name = "answers",
      .type = JSON_FIELD_NUMBER,
      .offset = offsetof (app_failure_t, answers),
      .readers = APP_READER_POSTOFFICE,
      .least = 1,
      .most = 100,
      .fallback = STRING (APP_FAILURE_ANSWERS),
      .help = "after so many answers in a row it is asked again by everybody" },
    { .name = "openSeconds",
      .type = JSON_FIELD_NUMBER,
      .offset = offsetof (app_failure_t, open_s),
      .readers = APP_READER_POSTOFFICE,
      .least = 1,
      .most = 3600,
      .fallback = STRING (APP_FAILURE_OPEN_S),
      .help = "how long it is not asked before it is tried out; doubled each time in vain" },
    { .name = "openMostSeconds",
      .type = JSON_FIELD_NUMBER,
      .offset = offsetof (app_failure_t, open_most_s),
      .readers = APP_READER_POSTOFFICE,
      .least = 1,
      .most = 3600,
      .fallback = STRING (APP_FAILURE_OPEN_MOST_S),
      .help = "up to so long" },
    { .name = "tellSeconds",
      .type = JSON_FIELD_NUMBER,
      .offset = offsetof (app_failure_t, tell_s),
      .readers = APP_READER_POSTOFFICE,
      .most = 86400,
      .fallback = STRING (APP_FAILURE_TELL_S),
      .help = "a visitor who goes on asking is told of the failure once in so long" },
    { .name = "askAgainSeconds",
      .type = JSON_FIELD_NUMBER,
      .offset = offsetof (app_failure_t, ask_again_s),
      .readers = APP_READER_POSTOFFICE,
      .most = 86400,
      .fallback = STRING (APP_FAILURE_ASK_AGAIN_S),
      .help = "a question that got no answer is put again when the bot is back, if it is not "
              "older; 0: it is not" },
    { .name = "healthUrl",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_failure_t, health_url),
      .readers = APP_READER_POSTOFFICE | APP_READER_STENTOR,
      .most = APP_URL_MOST,
      .format = &s_health_url_format,
      .is_url = true,
      .help = "asked with GET, answered with 2xx when the bot is well; absent: a visitor's "
              "question tries it out" },
    { .name = NULL },
};
static const json_table_t s_failure_table = { s_failure_fields, sizeof (app_failure_t),
                                              .is_open = true };

static const json_field_t s_queue_fields[] = {
    { .name = "tell",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_queue_t, tell),
      .readers = APP_READER_POSTOFFICE,
      .most = APP_CHOICE_MOST,
      .format = &s_tell_format,
      .fallback = "none",
      .help = "what a waiting visitor is told: `none`, its `place` in the queue, or about how much "
              "`time` it will take" },
    { .name = "everySeconds",
      .type = JSON_FIELD_NUMBER,
      .offset = offsetof (app_queue_t, every_s),
      .readers = APP_READER_POSTOFFICE,
      .least = 5,
      .most = APP_SECONDS_MOST,
      .fallback = "60",
      .help = "not more often than this" },
    { .name = "text",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_queue_t, text),
      .readers = APP_READER_POSTOFFICE,
      .most = APP_NOTICE_MOST,
      .has_lines = true,
      .help = "in these words: `{place}` and `{minutes}` stand for the numbers; absent: a sentence "
              "in English" },
    { .name = NULL },
};
static const json_table_t s_queue_table = { s_queue_fields, sizeof (app_queue_t),
                                            .is_open = false };

static const json_field_t s_switchboard_fields[] = {
    { .name = "handoff",
      .type = JSON_FIELD_TEXTS,
      .offset = offsetof (app_switchboard_t, handoff),
      .readers = APP_READER_POSTOFFICE,
      .least = APP_TARGET_MOST,
      .most = OFFER_TARGETS_MOST,
      .format = &s_target_format,
      .help = "to whom a visitor is offered that the bot hands off, in this order: `group:NAME`, "
              "`agent:ID`, `platform:NAME` or `bot`; absent or empty: a handoff is only shown" },
    { .name = "offerSeconds",
      .type = JSON_FIELD_NUMBER,
      .offset = offsetof (app_switchboard_t, offer_s),
      .readers = APP_READER_POSTOFFICE,
      .least = 5,
      .most = APP_SECONDS_MOST,
      .fallback = "30",
      .help = "how long somebody may think about an offer" },
    { .name = "waitSeconds",
      .type = JSON_FIELD_NUMBER,
      .offset = offsetof (app_switchboard_t, wait_s),
      .readers = APP_READER_POSTOFFICE,
      .least = 5,
      .most = APP_SECONDS_MOST,
      .fallback = "300",
      .help = "how long a visitor waits for one target; then the next one's turn comes" },
    { .name = "silenceSeconds",
      .type = JSON_FIELD_NUMBER,
      .offset = offsetof (app_switchboard_t, silence_s),
      .readers = APP_READER_POSTOFFICE,
      .most = APP_SECONDS_MOST,
      .fallback = "0",
      .help = "how long an agent may leave a visitor without an answer; 0: as long as it likes,"
              " but five minutes without a connection, and as a platform" },
    { .name = "quietSeconds",
      .type = JSON_FIELD_NUMBER,
      .offset = offsetof (app_switchboard_t, quiet_s),
      .readers = APP_READER_POSTOFFICE,
      .least = 60,
      .most = APP_QUIET_MOST_S,
      .fallback = "86400",
      .help = "a session is closed when nothing has happened in it for so long, and nobody is there"
              " but visitors who write by SMS or a webhook" },
    { .name = "lastAgentSeconds",
      .type = JSON_FIELD_NUMBER,
      .offset = offsetof (app_switchboard_t, last_agent_s),
      .readers = APP_READER_POSTOFFICE,
      .most = APP_SECONDS_MOST,
      .fallback = "3600",
      .help = "for so long a visitor's last agent goes before the others; 0: never" },
    { .name = "pick",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_switchboard_t, pick),
      .readers = APP_READER_POSTOFFICE,
      .most = APP_CHOICE_MOST,
      .format = &s_pick_format,
      .fallback = "round-robin",
      .help = "who is next of the available agents: `round-robin`, by turns, or `least-busy`" },
    { .name = "afterPass",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_switchboard_t, after_pass),
      .readers = APP_READER_POSTOFFICE,
      .most = APP_CHOICE_MOST,
      .format = &s_after_pass_format,
      .fallback = "observer",
      .help = "what an agent is whose visitor somebody else has accepted: `observer`, who sees "
              "what follows until its client leaves the session, or `out` of the session" },
    { .name = "giveBack",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_switchboard_t, give_back),
      .readers = APP_READER_POSTOFFICE,
      .most = APP_CHOICE_MOST,
      .format = &s_give_back_format,
      .fallback = "event",
      .help = "how the bot is told of a visitor that comes back: an `event` with what was said, "
              "or the last unanswered message as a `question`" },
    { .name = "awayAfterMissed",
      .type = JSON_FIELD_NUMBER,
      .offset = offsetof (app_switchboard_t, away_after_missed),
      .readers = APP_READER_POSTOFFICE,
      .most = APP_MISSED_MOST,
      .fallback = "3",
      .help = "offers in a row that an agent lets pass before it is away; 0: it never is" },
    { .name = "queue",
      .type = JSON_FIELD_OBJECT,
      .offset = offsetof (app_switchboard_t, queue),
      .readers = APP_READER_POSTOFFICE,
      .table = &s_queue_table,
      .help = "what waiting visitors are told of their place" },
    { .name = "nobodyText",
      .type = JSON_FIELD_TEXT,
      .offset = offsetof (app_switchboard_t, nobody_text),
      .readers = APP_READER_POSTOFFICE,
      .most = APP_NOTICE_MOST,
      .has_lines = true,
      .help = "what a visitor is told when nobody is left to answer; absent: nothing" },
    { .name = "failure",
      .type = JSON_FIELD_OBJECT,
      .offset = offsetof (app_switchboard_t, failure),
      .readers = APP_READER_POSTOFFICE | APP_READER_STENTOR,
      .table = &s_failure_table,
      .help = "when the bot gives no answer (docs/switchboard.md)" },
    { .name = NULL },
};
static const json_table_t s_switchboard_table = { s_switchboard_fields,
                                                  sizeof (app_switchboard_t), .is_open = true };

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
    { .name = "switchboard",
      .type = JSON_FIELD_OBJECT,
      .offset = offsetof (app_t, switchboard),
      .readers = APP_READER_POSTOFFICE | APP_READER_STENTOR,
      .table = &s_switchboard_table,
      .help = "who answers visitors, and what is done when nobody does (docs/switchboard.md)" },
    { .name = "people",
      .type = JSON_FIELD_ROWS,
      .offset = offsetof (app_t, people),
      .readers = APP_READER_POSTOFFICE,
      .most = APP_PEOPLE_MOST,
      .table = &app_person_table,
      .help = "people whom alerts call (docs/alerts.md)" },
    { .name = "alerts",
      .type = JSON_FIELD_ROWS,
      .offset = offsetof (app_t, alerts),
      .readers = APP_READER_POSTOFFICE,
      .most = APP_ALERTS_MOST,
      .table = &app_alert_table,
      .help = "rules: who is called, and when (docs/alerts.md)" },
    { .name = "email",
      .type = JSON_FIELD_OBJECT,
      .offset = offsetof (app_t, email),
      .readers = APP_READER_NOTIFIER,
      .table = &app_email_table,
      .help = "the server that mail goes out by (docs/alerts.md)" },
    { .name = "sms",
      .type = JSON_FIELD_OBJECT,
      .offset = offsetof (app_t, sms),
      .readers = APP_READER_NOTIFIER,
      .table = &app_sms_table,
      .help = "the account at Twilio that SMS go out by" },
    { .name = "slack",
      .type = JSON_FIELD_OBJECT,
      .offset = offsetof (app_t, slack),
      .readers = APP_READER_NOTIFIER | APP_READER_POSTOFFICE,
      .table = &app_slack_table,
      .help = "the workspace of Slack" },
    { .name = "genesys",
      .type = JSON_FIELD_OBJECT,
      .offset = offsetof (app_t, genesys),
      .readers = APP_READER_GENESYS | APP_READER_EDGE,
      .table = &app_genesys_table,
      .help = "the organisation at Genesys Cloud that `platform:genesys` is (docs/genesys.md)" },
    { .name = "webhooksOut",
      .type = JSON_FIELD_ROWS,
      .offset = offsetof (app_t, webhooks_out),
      .readers = APP_READER_NOTIFIER | APP_READER_POSTOFFICE | APP_READER_EDGE,
      .most = APP_WEBHOOKS_MOST,
      .table = &app_webhook_out_table,
      .help = "endpoints of the app's servers that are told what happens (docs/webhooks.md)" },
    { .name = "webhooksIn",
      .type = JSON_FIELD_ROWS,
      .offset = offsetof (app_t, webhooks_in),
      .readers = APP_READER_EDGE | APP_READER_POSTOFFICE | APP_READER_NOTIFIER,
      .most = APP_WEBHOOKS_MOST,
      .table = &app_webhook_in_table,
      .help = "channels that messages come in by (docs/webhooks.md)" },
    { .name = "origins",
      .type = JSON_FIELD_TEXTS,
      .offset = offsetof (app_t, origins),
      .readers = APP_READER_EDGE,
      .least = APP_URL_MOST,
      .most = APP_ORIGINS_MOST,
      .format = &app_origin_format,
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
