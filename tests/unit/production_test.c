//  production — which rows hold, and what is said of those that do not.

#include "process/production.h"

#include <criterion/criterion.h>
#include <stdio.h>

typedef struct {
    char *keys;
    bool demo;
    char *url;
    bool is_good;
} config_t;

static bool
s_is_good (const void *config)
{
    return ((const config_t *) config)->is_good;
}

static const production_need_t s_table[] = {
    PRODUCTION_NEED ("X_KEYS", PRODUCTION_SET, config_t, keys, "must be set: they are keys"),
    PRODUCTION_NEED ("X_DEMO", PRODUCTION_OFF, config_t, demo, "must be off"),
    PRODUCTION_NEED ("X_URL", PRODUCTION_HTTPS, config_t, url, "must begin with https://"),
    { "X_ALL", PRODUCTION_ASK, 0, s_is_good, "must be good" },
    PRODUCTION_END,
};

//  All complaints, with a semicolon behind each.
static const char *
s_said (const config_t *config)
{
    static char said[400];
    buffer_t complaint;
    *said = '\0';
    buffer_init (&complaint, 200);
    for (const production_need_t *row = s_table;
         (row = production_unmet (row, config, &complaint)) != NULL; row++) {
        size_t size = strlen (said);
        snprintf (said + size, sizeof said - size, "%.*s;", TEXT_ARGS (buffer_text (&complaint)));
        buffer_clear (&complaint);
    }
    buffer_free (&complaint);
    return said;
}

Test (production, says_what_is_missing)
{
    cr_assert_str_eq (s_said (&(config_t){ "k", false, "https://x/", true }), "");
    cr_assert_str_eq (s_said (&(config_t){ "k", false, "HTTPS://x/", true }), "");
    cr_assert_str_eq (s_said (&(config_t){ "k", false, "", true }), "", "what is not used is good");
    cr_assert_str_eq (s_said (&(config_t){ "", false, "", true }),
                      "PRODUCTION is on, so X_KEYS must be set: they are keys;");
    cr_assert_str_eq (s_said (&(config_t){ "k", true, "", true }),
                      "PRODUCTION is on, so X_DEMO must be off;");
    cr_assert_str_eq (s_said (&(config_t){ "k", false, "http://x/", true }),
                      "PRODUCTION is on, so X_URL must begin with https://;");
    cr_assert_str_eq (s_said (&(config_t){ "k", false, "", false }),
                      "PRODUCTION is on, so X_ALL must be good;");
    cr_assert_str_eq (s_said (&(config_t){ "", true, "", false }),
                      "PRODUCTION is on, so X_KEYS must be set: they are keys;"
                      "PRODUCTION is on, so X_DEMO must be off;"
                      "PRODUCTION is on, so X_ALL must be good;");
}

Test (production, a_kind_without_a_table_needs_nothing)
{
    cr_assert_null (production_unmet (NULL, &(config_t){ 0 }, NULL));
}
