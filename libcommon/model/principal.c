#include "model/principal.h"

#include "base/alloc.h"
#include "json/json_read.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

// ---------------------------------------------------------------------------------------------
//  Permissions

enum { NEVER = SCOPE_NEVER, OWN = SCOPE_OWN, APP = SCOPE_APP, NAMED };

typedef struct {
    const char *name;
    unsigned char visitor, agent, api;
    const char *words;
} row_t;

static const row_t s_rows[PERMISSIONS] = {
#define PERMISSION(NAME, visitor, agent, api, words)                                             \
    [PERMIT_##NAME] = { #NAME, visitor, agent, api, words },
#include "model/permissions.def"
#undef PERMISSION
};

_Static_assert (PERMISSIONS <= 63, "a set of them is one number, with PERMISSIONS_SAID");

static unsigned
s_cell (permission_t permission, role_t kind)
{
    const row_t *row = &s_rows[permission];
    return kind == ROLE_VISITOR  ? row->visitor
           : kind == ROLE_AGENT  ? row->agent
           : kind == ROLE_API    ? row->api
           : kind == ROLE_ROUTER ? APP
                                 : NEVER;
}

scope_t
permission_scope (permission_t permission, role_t kind)
{
    unsigned cell = s_cell (permission, kind);
    return cell == NAMED ? SCOPE_APP : (scope_t) cell;
}

bool
principal_may (const principal_t *self, permission_t permission, text_t app, text_t session_id,
               text_t visitor)
{
    scope_t scope = permission_scope (permission, self->kind);
    if (scope == SCOPE_NEVER || !text_is (self->app, app))
        return false;
    if (self->session.size > 0 && !text_is (self->session, session_id))
        return false; //  it is bound to another one
    if (scope == SCOPE_APP)
        return true;
    return visitor.size > 0 && self->kind == ROLE_VISITOR && text_is (self->user, visitor);
}

uint64_t
principal_permissions (const principal_t *self, text_t app, text_t session_id, text_t visitor)
{
    uint64_t all = 0;
    for (permission_t permission = 0; permission < PERMISSIONS; permission++)
        if (principal_may (self, permission, app, session_id, visitor))
            all |= PERMISSION_BIT (permission);
    return all;
}

uint64_t
permissions_of (role_t kind)
{
    uint64_t all = 0;
    for (permission_t permission = 0; permission < PERMISSIONS; permission++)
        if (permission_scope (permission, kind) != SCOPE_NEVER)
            all |= PERMISSION_BIT (permission);
    return all;
}

uint64_t
permissions_named (role_t kind)
{
    uint64_t all = 0;
    for (permission_t permission = 0; permission < PERMISSIONS; permission++)
        if (s_cell (permission, kind) == NAMED)
            all |= PERMISSION_BIT (permission);
    return all;
}

const char *
permission_name (permission_t permission)
{
    return s_rows[permission].name;
}

permission_t
permission_named (text_t name)
{
    permission_t at = 0;
    while (at < PERMISSIONS
           && !(name.size == strlen (s_rows[at].name)
                && strncasecmp (name.data, s_rows[at].name, name.size) == 0))
        at++;
    return at;
}

int
permissions_markdown (buffer_t *to)
{
    static const char *const scopes[] = { "no", "own sessions", "all of its app",
                                          "all of its app, when its token's scopes name it" };
    if (buffer_put_string (to, "| permission | visitor | agent | server (API) | what it is |\n"
                               "| --- | --- | --- | --- | --- |\n")
        != 0)
        return -1;
    for (size_t at = 0; at < PERMISSIONS; at++) {
        char line[300];
        const row_t *row = &s_rows[at];
        int size =
            snprintf (line, sizeof line, "| `%s` | %s | %s | %s | %s |\n", row->name,
                      scopes[row->visitor], scopes[row->agent], scopes[row->api], row->words);
        if (size < 0 || (size_t) size >= sizeof line || buffer_put (to, line, (size_t) size) != 0)
            return -1;
    }
    return 0;
}

// ---------------------------------------------------------------------------------------------
//  On the bus

void
principal_write (const principal_t *self, const char *name, json_writer_t *json)
{
    json_open_object (json, name);
    json_put_string (json, "kind", role_name (self->kind));
    json_put_text (json, "app", self->app);
    json_put_text (json, "user", self->user);
    json_put_text_if (json, "session", self->session);
    json_put_text_if (json, "name", self->name);
    if (self->group_count > 0) {
        json_open_array (json, "groups");
        for (size_t at = 0; at < self->group_count; at++)
            json_put_text (json, NULL, self->groups[at]);
        json_close_array (json);
    }
    json_close_object (json);
}

struct principal_copy {
    principal_t principal;
    json_object *tree; //  the texts stand in it
    text_t groups[PRINCIPAL_GROUPS_MOST];
};

//  A string member within the limit; empty when there is none.
static int
s_text (json_object *tree, const char *name, size_t most, text_t *to)
{
    return json_member_text (tree, name, to) >= 0 && to->size <= most ? 0 : -1;
}

//  Groups that no token would have: −1.
static int
s_fill_groups (principal_copy_t *self)
{
    json_object *groups;
    if (!json_object_object_get_ex (self->tree, "groups", &groups))
        return 0;
    size_t count = json_object_is_type (groups, json_type_array) ? json_object_array_length (groups)
                                                                : SIZE_MAX;
    if (count > PRINCIPAL_GROUPS_MOST)
        return -1;
    for (size_t at = 0; at < count; at++) {
        json_object *group = json_object_array_get_idx (groups, at);
        if (!json_object_is_type (group, json_type_string))
            return -1;
        self->groups[at] = (text_t){ json_object_get_string (group),
                                     (size_t) json_object_get_string_len (group) };
        if (self->groups[at].size == 0 || self->groups[at].size > PRINCIPAL_GROUP_MOST)
            return -1;
    }
    self->principal.groups = self->groups;
    self->principal.group_count = count;
    return 0;
}

static int
s_fill (principal_t *self, json_object *tree)
{
    text_t kind;
    if (!json_object_is_type (tree, json_type_object) || s_text (tree, "kind", 20, &kind) != 0
        || s_text (tree, "app", APP_ID_MAX, &self->app) != 0
        || s_text (tree, "user", USER_ID_MAX, &self->user) != 0
        || s_text (tree, "session", SESSION_ID_MAX, &self->session) != 0
        || s_text (tree, "name", DISPLAY_NAME_MAX, &self->name) != 0)
        return -1;
    for (role_t role = ROLE_VISITOR; role <= ROLE_API; role++)
        if (text_is (kind, text_of (role_name (role))))
            self->kind = role;
    return self->kind && self->app.size > 0 && self->user.size > 0 ? 0 : -1;
}

principal_copy_t *
principal_read (text_t json)
{
    json_reading_t reading;
    principal_copy_t *self = alloc_zeroed (sizeof *self);
    self->tree =
        json_read (json, &(json_limits_t){ .depth_most = 8, .values_most = 100 }, &reading);
    if (reading.fault != JSON_READ_OK || s_fill (&self->principal, self->tree) != 0
        || s_fill_groups (self) != 0)
        principal_copy_destroy (&self);
    return self;
}

void
principal_copy_destroy (principal_copy_t **self_p)
{
    principal_copy_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    json_object_put (self->tree);
    free (self);
}

const principal_t *
principal_of (const principal_copy_t *self)
{
    return &self->principal;
}
