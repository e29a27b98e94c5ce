#include "client/door.h"

#include "base/clock.h"
#include "base/log.h"
#include "model/webhook_user.h"
#include "tables/edge_metrics.h"

static uint64_t
s_now (void)
{
    return clock_wall_ms () / 1000;
}

static bool
s_begins_with (text_t text, text_t beginning)
{
    return text.size >= beginning.size
           && memcmp (text.data, beginning.data, beginning.size) == 0;
}

//  The request's one token, or API key; empty when there is none. False: there are several, or the
//  header is not of its form.
static bool
s_find_token (const client_url_t *url, const http_head_t *head, text_t *token, bool *in_header)
{
    static const text_t bearer = TEXT ("Bearer "), offered = TEXT (DOOR_PROTOCOL_TOKEN);
    text_t header, list, protocol;
    unsigned at = 0;
    *token = url->token;
    if (http_head_only (head, "Authorization", &header) != 0)
        return false;
    *in_header = header.size > 0;
    if (*in_header) {
        if (token->size > 0 || header.size <= bearer.size
            || strncasecmp (header.data, bearer.data, bearer.size) != 0)
            return false;
        *token = (text_t){ header.data + bearer.size, header.size - bearer.size };
    }
    while (http_head_field (head, "Sec-WebSocket-Protocol", &at, &list))
        while (http_list_next (&list, &protocol)) {
            if (!s_begins_with (protocol, offered))
                continue;
            if (token->size > 0 || protocol.size == offered.size)
                return false;
            *token = (text_t){ protocol.data + offered.size, protocol.size - offered.size };
        }
    return true;
}

//  The bit of the permission that the scope names; 0: it names none.
static uint64_t
s_bit_of (text_t scope)
{
    permission_t permission = permission_named (scope);
    return permission < PERMISSIONS ? PERMISSION_BIT (permission) : 0;
}

//  Scopes name permissions, and what they do not name is not allowed; names that are not known are
//  for others. Without scopes a token allows what its bearer's kind may, but for what must be
//  named.
static uint64_t
s_scopes (const token_claims_t *claims)
{
    uint64_t may = claims->has_scopes ? 0 : ~permissions_named (claims->kind);
    for (size_t at = 0; at < claims->scope_count; at++)
        may |= s_bit_of (claims->scopes[at]);
    return may;
}

static bool
s_is_reserved (text_t user)
{
    return client_user_is_hidden (user) || s_begins_with (user, TEXT (ANONYMOUS));
}

//  What the URL says beside a credential must not be something else: a page that means to be
//  somebody must not be let in as another.
static close_reason_t
s_check_url (const client_url_t *url, const principal_t *principal)
{
    bool is_other_user = url->user.size > 0 && !text_is (url->user, principal->user);
    bool is_other_kind = url->admin && principal->kind != ROLE_AGENT;
    return is_other_user || is_other_kind ? CLOSE_NOT_ALLOWED : CLOSE_CLIENT;
}

//  A key that stood anywhere else than in the header stands in somebody's log now.
static close_reason_t
s_of_key (const app_t *app, const client_url_t *url, text_t text, bool in_header,
          door_pass_t *pass)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "API key refused");
    const api_key_t *key =
        in_header && app->api_keys.keys ? api_keys_find (app->api_keys.keys, text) : NULL;
    edge_count (key ? EDGE_API_KEYS_GOOD : EDGE_API_KEYS_REFUSED, 1);
    if (!key) {
        if (log_limit_allows (&limit))
            log_warn ("API key refused", log_text ("app", app->id),
                      log_string ("fault", in_header ? "unknown" : "place"));
        return CLOSE_BAD_KEY;
    }
    pass->principal = (principal_t){ .kind = ROLE_API,
                                     .app = app->id,
                                     .user = key->name,
                                     .session = TEXT_EMPTY };
    pass->may = permissions_of (ROLE_API) & key->may;
    pass->api_key = key->id;
    return s_check_url (url, &pass->principal);
}

static close_reason_t
s_of_token (const app_t *app, const client_url_t *url, text_t compact, door_pass_t *pass)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "token refused");
    token_expected_t expected = { .app = app->id,
                                  .audience = app->tokens.audience,
                                  .now_s = s_now () };
    pass->fault = TOKEN_FAULT_KEY; //  an app without tokens has no keys
    if (app->tokens.keys)
        pass->token = token_new (app->tokens.keys, compact, &expected, &pass->fault);
    edge_tokens[pass->fault]++;
    if (!pass->token) {
        if (log_limit_allows (&limit))
            log_warn ("token refused", log_text ("app", app->id),
                      log_string ("fault", token_fault_code (pass->fault)));
        return pass->fault == TOKEN_FAULT_EXPIRED ? CLOSE_TOKEN_EXPIRED : CLOSE_BAD_TOKEN;
    }
    const token_claims_t *claims = token_claims (pass->token);
    if (s_is_reserved (claims->user))
        return CLOSE_NOT_ALLOWED;
    pass->principal = (principal_t){ .kind = claims->kind,
                                     .app = app->id,
                                     .user = claims->user,
                                     .session = claims->session,
                                     .name = claims->name,
                                     .groups = claims->groups,
                                     .group_count = claims->group_count };
    pass->name = claims->name;
    pass->may = permissions_of (claims->kind) & s_scopes (claims);
    return s_check_url (url, &pass->principal);
}

static close_reason_t
s_of_anybody (const door_t *self, const app_t *app, const client_url_t *url, door_pass_t *pass)
{
    principal_t *principal = &pass->principal;
    principal->kind = url->admin ? ROLE_AGENT : ROLE_VISITOR;
    pass->may = permissions_of (principal->kind);
    if (url->user.size == 0)
        return CLOSE_BAD_URL;
    if (url->admin)
        return self->demo_mode        ? CLOSE_CLIENT
               : app->tokens.is_there ? CLOSE_NO_TOKEN
                                      : CLOSE_NOT_ALLOWED;
    if (!app->tokens.anonymous)
        return CLOSE_NO_TOKEN;
    //  Phone numbers can be guessed.
    if (!app->tokens.is_there)
        return webhook_user_is (url->user) ? CLOSE_NOT_ALLOWED : CLOSE_CLIENT;
    size_t size = sizeof ANONYMOUS - 1;
    if (url->user.size > sizeof pass->room - size)
        return CLOSE_BAD_URL;
    memcpy (pass->room, ANONYMOUS, size);
    memcpy (pass->room + size, url->user.data, url->user.size);
    principal->user.size += size;
    return CLOSE_CLIENT;
}

close_reason_t
door_ask (const door_t *self, const client_url_t *url, const http_head_t *head, door_pass_t *pass)
{
    text_t token;
    bool in_header;
    const app_t *app = url->app_is_bad ? NULL : apps_find (self->apps, url->app);
    *pass = (door_pass_t){ .name = TEXT_EMPTY,
                           .principal = { .kind = ROLE_VISITOR,
                                          .app = app ? app->id : TEXT_EMPTY,
                                          .user = { pass->room, url->user.size },
                                          .session = TEXT_EMPTY } };
    memcpy (pass->room, url->user.data, url->user.size);
    close_reason_t reason = client_url_check (url);
    if (reason != CLOSE_CLIENT)
        return reason;
    if (!app)
        return CLOSE_UNKNOWN_APP;
    if (!s_find_token (url, head, &token, &in_header))
        return CLOSE_BAD_TOKEN;
    if (api_key_is_meant (token))
        return s_of_key (app, url, token, in_header, pass);
    return token.size > 0 ? s_of_token (app, url, token, pass)
                          : s_of_anybody (self, app, url, pass);
}

void
door_pass_free (door_pass_t *pass)
{
    token_destroy (&pass->token);
}

door_ticket_t
door_ticket (const door_pass_t *pass)
{
    const token_claims_t *claims = pass->token ? token_claims (pass->token) : NULL;
    return (door_ticket_t){ .key = claims ? claims->key : pass->api_key,
                            .expires_s = claims ? claims->expires_s : 0 };
}

const char *
door_complaint (const token_claims_t *claims)
{
    bool knows_all = true;
    for (size_t at = 0; at < claims->scope_count; at++)
        knows_all = knows_all && s_bit_of (claims->scopes[at]) != 0;
    return s_is_reserved (claims->user) ? "sub begins with \"anonymous:\" or ends in \"router\""
           : knows_all                  ? NULL
                                        : "a scope is no permission of docs/api.md";
}

static close_reason_t
s_may_anybody_stay (const door_t *self, const app_tokens_t *tokens, const principal_t *principal)
{
    if (principal->kind == ROLE_AGENT)
        return self->demo_mode ? CLOSE_CLIENT : CLOSE_NO_TOKEN;
    bool has_own_name = !s_begins_with (principal->user, TEXT (ANONYMOUS));
    return !tokens->anonymous || (tokens->is_there && has_own_name) ? CLOSE_NO_TOKEN
                                                                    : CLOSE_CLIENT;
}

close_reason_t
door_may_stay (const door_t *self, const principal_t *principal, const door_ticket_t *ticket)
{
    const app_t *app = apps_find (self->apps, principal->app);
    //  An app that is gone lets its chats end by themselves, but its servers' keys are gone.
    if (!app)
        return principal->kind == ROLE_API ? CLOSE_UNKNOWN_APP : CLOSE_CLIENT;
    if (ticket->key == 0)
        return s_may_anybody_stay (self, &app->tokens, principal);
    if (principal->kind == ROLE_API && ticket->expires_s == 0)
        return app->api_keys.keys && api_keys_has (app->api_keys.keys, ticket->key)
                   ? CLOSE_CLIENT
                   : CLOSE_BAD_KEY;
    if (!app->tokens.keys || !token_keys_has (app->tokens.keys, ticket->key))
        return CLOSE_BAD_TOKEN;
    bool is_over = s_now () >= ticket->expires_s + TOKEN_LEEWAY_S;
    return is_over && app->tokens.ends_chats ? CLOSE_TOKEN_EXPIRED : CLOSE_CLIENT;
}
