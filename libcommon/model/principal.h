//  principal — who is asking: made once at the door, from a credential or from what the app lets
//  anybody be, and carried with every request. Whether the principal may do something is a matter
//  of permissions.def.
//
//  On the bus a principal is JSON: members that a reader does not know are skipped, so that a
//  newer door can say more.

#ifndef PRINCIPAL_H
#define PRINCIPAL_H

#include "json/json_write.h"
#include "model/model.h"

//  Its texts are borrowed.
typedef struct {
    role_t kind; //  ROLE_VISITOR, ROLE_AGENT or ROLE_API
    text_t app;
    text_t user;    //  the id; of ROLE_API the key's name
    text_t session; //  the id of the one session that it is bound to; empty: none
    text_t name;    //  that its token gives it; may be empty
    const text_t *groups; //  that its token names; none: it says nothing of groups
    size_t group_count;   //  PRINCIPAL_GROUPS_MOST at most
} principal_t;

#define PRINCIPAL_GROUPS_MOST 32
#define PRINCIPAL_GROUP_MOST 100 //  bytes of a group's name

//  Writes the principal as a member.
void principal_write (const principal_t *self, const char *name, json_writer_t *json);

//  One that was read owns its texts.
typedef struct principal_copy principal_copy_t;
//  NULL when it is none.
principal_copy_t *principal_read (text_t json);
void principal_copy_destroy (principal_copy_t **self_p);
const principal_t *principal_of (const principal_copy_t *self);

typedef enum {
#define PERMISSION(NAME, visitor, agent, api, words) PERMIT_##NAME,
#include "model/permissions.def"
#undef PERMISSION
    PERMISSIONS
} permission_t;

typedef enum { SCOPE_NEVER, SCOPE_OWN, SCOPE_APP } scope_t;

//  What the table says of the two; SCOPE_NEVER for a kind without a column, but for ROLE_ROUTER.
scope_t permission_scope (permission_t permission, role_t kind);
//  May it, in this session of this app whose visitor is this user? An empty visitor: the session
//  was not opened yet, and is nobody's.
bool principal_may (const principal_t *self, permission_t permission, text_t app,
                    text_t session_id, text_t visitor);

//  Permissions as a set of bits: what an endpoint may do, and ATTACH.may of the bus.
#define PERMISSION_BIT(permission) (UINT64_C (1) << (permission))
#define PERMISSIONS_ALL UINT64_MAX
//  Of no permission: in ATTACH.may the sign that the edge says what an endpoint may do, and be it
//  nothing. An edge of before says 0, and takes nothing away.
#define PERMISSIONS_SAID (UINT64_C (1) << 63)
//  All that the principal may do in this session (principal_may, for each).
uint64_t principal_permissions (const principal_t *self, text_t app, text_t session_id,
                                text_t visitor);
//  All that the table gives the kind, wherever.
uint64_t permissions_of (role_t kind);
//  Those of them that a token must name.
uint64_t permissions_named (role_t kind);

const char *permission_name (permission_t permission); //  "SESSION_OPEN"
//  By its name, in small letters or capitals; PERMISSIONS: there is no such one.
permission_t permission_named (text_t name);
//  The table for docs/protocol pages, as Markdown.
__attribute__ ((warn_unused_result)) int permissions_markdown (buffer_t *to);

#endif
