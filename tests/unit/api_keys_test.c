//  api_keys — keys that are found by their text, and by nothing that is nearly it.

#include "auth/api_keys.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define KEY API_KEY_PREFIX HEX
#define KEY_HASH "sha256:a3db06f6aacc3af690cc929132b2d35aa59a13ba2a37e852a70a3ec824c48b3b"

static api_keys_t *s_keys;

static void
s_begin (void)
{
    s_keys = api_keys_new ();
    cr_assert_null (api_keys_add (s_keys, TEXT ("crm"), TEXT (KEY_HASH), 5));
}

static void
s_end (void)
{
    api_keys_destroy (&s_keys);
    api_keys_destroy (&s_keys);
}

TestSuite (api_keys, .init = s_begin, .fini = s_end);

Test (api_keys, a_key_is_found_by_its_text)
{
    const api_key_t *key = api_keys_find (s_keys, TEXT (KEY));
    cr_assert (key);
    cr_assert (text_is (key->name, TEXT ("crm")));
    cr_assert_eq (key->may, 5);
    cr_assert (api_keys_has (s_keys, key->id));
    cr_assert (!api_keys_has (s_keys, key->id ^ 1));
}

Test (api_keys, what_is_nearly_a_key_is_none)
{
    static const char *const texts[] = {
        "", "stk_", "stk", KEY "0", API_KEY_PREFIX, "STK_" HEX, HEX, KEY_HASH,
        API_KEY_PREFIX "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        API_KEY_PREFIX "g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        API_KEY_PREFIX "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        API_KEY_PREFIX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde ",
        API_KEY_PREFIX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
    };
    for (size_t at = 0; at < sizeof texts / sizeof *texts; at++)
        cr_expect_null (api_keys_find (s_keys, text_of (texts[at])), "%s", texts[at]);
    //  Each single digit counts.
    for (size_t at = sizeof API_KEY_PREFIX - 1; at < sizeof KEY - 1; at++) {
        char text[] = KEY;
        text[at] = text[at] == '0' ? '1' : '0';
        cr_expect_null (api_keys_find (s_keys, text_of (text)), "%s", text);
    }
}

Test (api_keys, several_of_one_name_are_told_apart)
{
    char key[API_KEY_SIZE + 1], hash[API_KEY_HASH_SIZE + 1];
    api_key_make (key, hash);
    cr_assert_null (api_keys_add (s_keys, TEXT ("crm"), text_of (hash), 7));
    const api_key_t *made = api_keys_find (s_keys, text_of (key));
    cr_assert (made && made->may == 7);
    cr_assert_neq (made->id, api_keys_find (s_keys, TEXT (KEY))->id);
}

//  Whoever came in by one must not stay by another that the file has in its place.
Test (api_keys, another_name_or_scope_is_another_key)
{
    uint64_t id = api_keys_find (s_keys, TEXT (KEY))->id;
    static const struct {
        const char *name;
        uint64_t may;
        bool is_same;
    } rows[] = { { "crm", 5, true }, { "crm", 4, false }, { "erp", 5, false } };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        api_keys_t *other = api_keys_new ();
        cr_assert_null (
            api_keys_add (other, text_of (rows[at].name), TEXT (KEY_HASH), rows[at].may));
        cr_expect_eq (api_keys_has (other, id), rows[at].is_same, "%zu", at);
        api_keys_destroy (&other);
    }
}

Test (api_keys, rows_that_are_none)
{
    char name[API_KEY_NAME_MOST + 2];
    memset (name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    cr_assert (strstr (api_keys_add (s_keys, TEXT_EMPTY, TEXT (KEY_HASH), 0), "name"));
    cr_assert (strstr (api_keys_add (s_keys, text_of (name), TEXT (KEY_HASH), 0), "name"));
    cr_assert (strstr (api_keys_add (s_keys, TEXT ("b"), TEXT (KEY_HASH), 0), "same"));
    cr_assert (strstr (api_keys_add (s_keys, TEXT ("b"), TEXT (KEY), 0), "sha256:"));
    cr_assert (strstr (api_keys_add (s_keys, TEXT ("b"), TEXT ("sha256:" HEX "0"), 0), "sha256:"));
    char key[API_KEY_SIZE + 1], hash[API_KEY_HASH_SIZE + 1];
    for (unsigned count = 1; count < API_KEYS_MOST; count++) {
        api_key_make (key, hash);
        cr_assert_null (api_keys_add (s_keys, TEXT ("b"), text_of (hash), 0));
    }
    api_key_make (key, hash);
    cr_assert (strstr (api_keys_add (s_keys, TEXT ("b"), text_of (hash), 0), "more than 100"));
}

Test (api_keys, a_made_key_is_one)
{
    char key[API_KEY_SIZE + 1], hash[API_KEY_HASH_SIZE + 1], other[API_KEY_SIZE + 1];
    api_key_make (key, hash);
    cr_assert_eq (strlen (key), API_KEY_SIZE);
    cr_assert (api_key_is_meant (text_of (key)));
    cr_assert (api_key_is_hash (text_of (hash)));
    cr_assert (!api_key_is_hash (text_of (key)));
    cr_assert_null (api_keys_add (s_keys, TEXT ("made"), text_of (hash), 1));
    cr_assert (text_is (api_keys_find (s_keys, text_of (key))->name, TEXT ("made")));
    api_key_make (other, hash);
    cr_assert_neq (strcmp (key, other), 0);
    cr_assert (!api_key_is_meant (TEXT ("eyJhbGciOiJIUzI1NiJ9.e30.x")));
    cr_assert (!api_key_is_meant (TEXT_EMPTY));
}
