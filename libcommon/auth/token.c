#include "auth/token.h"

#include "auth/base64url.h"
#include "base/alloc.h"
#include "base/utf8.h"
#include "json/json_members.h"
#include "json/json_read.h"

#include <assert.h>
#include <cjose/cjose.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

//  The largest whole number that every reader of JSON agrees on.
#define NUMBER_MOST 9007199254740991

static const struct {
    const char *code;
    const char *words;
} s_faults[TOKEN_FAULTS] = {
    [TOKEN_GOOD] = {"none", "the token is good"},
#define TOKEN_FAULT(NAME, code, words) [TOKEN_FAULT_##NAME] = {code, words},
#include "auth/token_faults.def"
#undef TOKEN_FAULT
};

struct token {
    token_claims_t claims;
    struct json_object *tree; //  what the claims point into
    text_t lists[2 * TOKEN_GROUPS_MOST]; //  groups, then scopes
};

const char *
token_fault_code (token_fault_t fault)
{
    return s_faults[fault].code;
}

const char *
token_fault_words (token_fault_t fault)
{
    return s_faults[fault].words;
}

// ---------------------------------------------------------------------------------------------
//  JSON: an object without a member that stands in it twice

//  Two members of one name: readers differ in which of them counts.
static bool
s_has_doubles (text_t json)
{
    json_members_t outer = json_members_of (json);
    text_t name, value;
    for (size_t count = 0; json_members_next (&outer, &name, &value); count++) {
        json_members_t inner = json_members_of (json);
        text_t earlier;
        for (size_t at = 0; at < count && json_members_next (&inner, &earlier, &value); at++)
            if (text_is (earlier, name))
                return true;
        //  A name that is written with escapes may be another one in disguise.
        if (memchr (name.data, '\\', name.size))
            return true;
    }
    return false;
}

//  NULL when it is no such object.
static struct json_object *
s_read_object (text_t json)
{
    json_reading_t reading;
    struct json_object *tree =
        json_read (json, &(json_limits_t){ .depth_most = 8, .values_most = 200 }, &reading);
    if (json_object_is_type (tree, json_type_object) && !s_has_doubles (json))
        return tree;
    json_object_put (tree);
    return NULL;
}

//  Reads the member's string; false when it is something else. One that is absent is empty.
static bool
s_read_text (struct json_object *object, const char *name, size_t most, text_t *to)
{
    int found = json_member_text (object, name, to);
    return found == 0
           || (found == 1 && to->size > 0 && to->size <= most && utf8_is_showable (*to));
}

//  Reads the member's whole number, 1 to 2^53 − 1; 0 when it is absent.
static bool
s_read_number (struct json_object *object, const char *name, uint64_t *to)
{
    struct json_object *value = NULL;
    *to = 0;
    if (!json_object_object_get_ex (object, name, &value))
        return true;
    //  A number is kept as it was written: 1e9 and 5.0 are no whole numbers here.
    text_t digits = value ? json_print (value) : TEXT_EMPTY;
    if (digits.size == 0 || digits.size > 16 || *digits.data == '0')
        return false;
    for (size_t at = 0; at < digits.size; at++) {
        if (digits.data[at] < '0' || digits.data[at] > '9')
            return false;
        *to = *to * 10 + (uint64_t) (digits.data[at] - '0');
    }
    return *to <= NUMBER_MOST;
}

//  Reads an array of texts; absent: none.
static bool
s_read_list (struct json_object *object, const char *name, text_t *to, size_t *count)
{
    struct json_object *array = NULL;
    *count = 0;
    if (!json_object_object_get_ex (object, name, &array))
        return true;
    if (!json_object_is_type (array, json_type_array)
        || json_object_array_length (array) > TOKEN_GROUPS_MOST)
        return false;
    for (; *count < json_object_array_length (array); ++*count) {
        struct json_object *item = json_object_array_get_idx (array, *count);
        if (!json_object_is_type (item, json_type_string))
            return false;
        to[*count] =
            (text_t){json_object_get_string (item), (size_t) json_object_get_string_len (item)};
        if (to[*count].size == 0 || to[*count].size > TOKEN_GROUP_MOST
            || !utf8_is_showable (to[*count]))
            return false;
    }
    return true;
}

// ---------------------------------------------------------------------------------------------
//  The claims

static role_t
s_kind_of (text_t kind)
{
    static const role_t kinds[] = {ROLE_VISITOR, ROLE_AGENT, ROLE_API};
    for (size_t at = 0; at < sizeof kinds / sizeof *kinds; at++)
        if (text_is (kind, text_of (role_name (kinds[at]))))
            return kinds[at];
    return 0;
}

//  `aud` is one name or an array of names. A token for others is none for us (RFC 7519 4.1.3); so
//  is one that names an audience where none is known, or none where one is.
static bool
s_is_for_us (struct json_object *tree, text_t audience)
{
    text_t names[TOKEN_GROUPS_MOST];
    size_t count = 0;
    struct json_object *value = NULL;
    if (!json_object_object_get_ex (tree, "aud", &value))
        return audience.size == 0;
    if (json_object_is_type (value, json_type_array)) {
        if (!s_read_list (tree, "aud", names, &count))
            return false;
    } else if (s_read_text (tree, "aud", TOKEN_GROUP_MOST, &names[0]))
        count = 1;
    bool is_found = false;
    for (size_t at = 0; at < count && !is_found; at++)
        is_found = text_is (names[at], audience);
    return is_found;
}

static token_fault_t
s_read_claims (token_t *self, const token_expected_t *expected)
{
    token_claims_t *claims = &self->claims;
    text_t app, kind, *scopes = self->lists + TOKEN_GROUPS_MOST;
    uint64_t not_before;
    if (!s_read_text (self->tree, "app", APP_ID_MAX, &app)
        || !s_read_text (self->tree, "kind", 20, &kind)
        || !s_read_text (self->tree, "sub", USER_ID_MAX, &claims->user)
        || !s_read_text (self->tree, "name", DISPLAY_NAME_MAX, &claims->name)
        || !s_read_text (self->tree, "session", SESSION_ID_MAX, &claims->session)
        || !s_read_list (self->tree, "groups", self->lists, &claims->group_count)
        || !s_read_list (self->tree, "scopes", scopes, &claims->scope_count)
        || !s_read_number (self->tree, "exp", &claims->expires_s)
        || !s_read_number (self->tree, "nbf", &not_before))
        return TOKEN_FAULT_CLAIMS;
    claims->kind = s_kind_of (kind);
    claims->groups = self->lists;
    claims->scopes = scopes;
    claims->has_scopes = json_object_object_get_ex (self->tree, "scopes", NULL);
    if (claims->kind == 0 || claims->user.size == 0 || app.size == 0 || claims->expires_s == 0)
        return TOKEN_FAULT_CLAIMS;
    if (!text_is (app, expected->app))
        return TOKEN_FAULT_APP;
    if (!s_is_for_us (self->tree, expected->audience))
        return TOKEN_FAULT_AUDIENCE;
    if (expected->now_s >= claims->expires_s + TOKEN_LEEWAY_S)
        return TOKEN_FAULT_EXPIRED;
    return not_before > expected->now_s + TOKEN_LEEWAY_S ? TOKEN_FAULT_NOT_YET : TOKEN_GOOD;
}

// ---------------------------------------------------------------------------------------------
//  The whole

//  Splits at two dots; false when there are fewer or more.
static bool
s_split (text_t compact, text_t parts[3])
{
    for (size_t at = 0; at < 3; at++) {
        const char *dot = memchr (compact.data, '.', compact.size);
        if ((dot == NULL) != (at == 2))
            return false;
        size_t size = dot ? (size_t) (dot - compact.data) : compact.size;
        parts[at] = (text_t){compact.data, size};
        if (dot)
            compact = (text_t){dot + 1, compact.size - size - 1};
    }
    return true;
}

//  Which key the header chooses. Members that would change how the token is to be read (crit, zip,
//  cty, b64), or that bring a key (jwk, jku, x5u, x5c …), are refused with all that are not known.
static token_fault_t
s_choose_key (const token_keys_t *keys, text_t json, const token_key_t **key)
{
    text_t algorithm, kid, type;
    token_fault_t fault = TOKEN_FAULT_HEADER;
    struct json_object *header = s_read_object (json);
    if (!header)
        return fault;
    int known = json_object_object_get_ex (header, "alg", NULL) +
                json_object_object_get_ex (header, "kid", NULL) +
                json_object_object_get_ex (header, "typ", NULL);
    if (json_object_object_length (header) == known
        && s_read_text (header, "alg", 20, &algorithm)
        && s_read_text (header, "kid", TOKEN_KID_MOST, &kid)
        && s_read_text (header, "typ", 20, &type)
        && (type.size == 0 || text_is (type, TEXT ("JWT")) || text_is (type, TEXT ("at+jwt")))) {
        *key = token_keys_find (keys, kid);
        fault = !*key                                                 ? TOKEN_FAULT_KEY
                : token_algorithm_of (algorithm) == (*key)->algorithm ? TOKEN_GOOD
                                                                      : TOKEN_FAULT_ALGORITHM;
    }
    json_object_put (header);
    return fault;
}

static bool
s_is_signed (const token_key_t *key, text_t compact)
{
    cjose_jws_t *jws = cjose_jws_import (compact.data, compact.size, NULL);
    bool is_good = jws && cjose_jws_verify (jws, key->jwk, NULL);
    cjose_jws_release (jws);
    return is_good;
}

token_t *
token_new (const token_keys_t *keys, text_t compact, const token_expected_t *expected,
           token_fault_t *fault)
{
    char room[TOKEN_MOST];
    text_t parts[3];
    const token_key_t *key = NULL;
    *fault = TOKEN_FAULT_SIZE;
    if (compact.size == 0 || compact.size > TOKEN_MOST)
        return NULL;
    *fault = TOKEN_FAULT_FORM;
    if (!s_split (compact, parts))
        return NULL;
    size_t size = base64url_read (parts[0], room, sizeof room);
    if (size == SIZE_MAX)
        return NULL;
    *fault = s_choose_key (keys, (text_t){room, size}, &key);
    if (*fault != TOKEN_GOOD)
        return NULL;
    size = base64url_read (parts[2], room, sizeof room);
    *fault = size == SIZE_MAX ? TOKEN_FAULT_FORM : TOKEN_FAULT_SIGNATURE;
    if (size != key->signature_size)
        return NULL;
    size = base64url_read (parts[1], room, sizeof room);
    *fault = size == SIZE_MAX ? TOKEN_FAULT_FORM : TOKEN_FAULT_SIGNATURE;
    if (size == SIZE_MAX || !s_is_signed (key, compact))
        return NULL;

    token_t *self = alloc_zeroed (sizeof *self);
    self->claims.key = key->id;
    self->tree = s_read_object ((text_t){room, size});
    *fault = self->tree ? s_read_claims (self, expected) : TOKEN_FAULT_CLAIMS;
    if (*fault != TOKEN_GOOD)
        token_destroy (&self);
    return self;
}

void
token_destroy (token_t **self_p)
{
    token_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    json_object_put (self->tree);
    free (self);
}

const token_claims_t *
token_claims (const token_t *self)
{
    return &self->claims;
}

int
token_sign (const token_key_t *key, text_t claims, buffer_t *to)
{
    const char *compact = NULL;
    cjose_header_t *header = cjose_header_new (NULL);
    if (!header || !cjose_header_set (header, "alg", token_algorithms[key->algorithm], NULL)
        || !cjose_header_set (header, "kid", key->kid, NULL))
        alloc_failed ();
    cjose_jws_t *jws = cjose_jws_sign (key->jwk, header, (const uint8_t *) claims.data,
                                       claims.size, NULL);
    int rc = jws && cjose_jws_export (jws, &compact, NULL) ? buffer_put_string (to, compact) : -1;
    cjose_jws_release (jws);
    cjose_header_release (header);
    return rc;
}
