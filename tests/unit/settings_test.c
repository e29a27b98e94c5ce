//  settings — what each type accepts, where values come from, and what a complaint says.

#include "config/settings.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct {
    char *text;
    char *secret;
    uint64_t number;
    uint64_t size;
    uint64_t duration;
    bool on;
} config_t;

static const setting_t s_table[] = {
    SETTING ("X_TEXT", SETTING_TEXT, config_t, text, "hello", 0, 0, "a greeting"),
    SETTING ("X_SECRET", SETTING_SECRET, config_t, secret, "", 0, 0, "not for your eyes"),
    SETTING ("X_NUMBER", SETTING_NUMBER, config_t, number, "7", 1, 100, "how many"),
    SETTING ("X_SIZE", SETTING_SIZE, config_t, size, "256k", 1024, 0, "how large"),
    SETTING ("X_TIME", SETTING_DURATION, config_t, duration, "20s", 0, 600000, "how long"),
    SETTING ("X_ON", SETTING_SWITCH, config_t, on, "off", 0, 0, "whether"),
    SETTINGS_END,
};

static const setting_t s_needed[] = {
    SETTING ("X_NEEDED", SETTING_TEXT, config_t, text, NULL, 0, 0, "where the store is"),
    SETTINGS_END,
};

//  The complaint, or "" when there is none; the config is the caller's to free.
static const char *
s_read (const setting_t *table, config_t *config)
{
    static char said[2000];
    *config = (config_t){ 0 };
    buffer_t complaint;
    buffer_init (&complaint, sizeof said - 1);
    int rc = settings_read (table, config, &complaint);
    text_t text = buffer_text (&complaint);
    snprintf (said, sizeof said, "%.*s", TEXT_ARGS (text));
    buffer_free (&complaint);
    cr_assert_eq (rc == 0, !*said);
    return said;
}

//  A file with these bytes; returns its name.
static const char *
s_file (const char *bytes, size_t size)
{
    static char name[] = "/tmp/settings_test.XXXXXX";
    int file = mkstemp (name);
    cr_assert_neq (file, -1);
    cr_assert_eq (write (file, bytes, size), (ssize_t) size);
    close (file);
    return name;
}

Test (settings, defaults_hold_when_nothing_is_set)
{
    config_t config;
    cr_assert_str_eq (s_read (s_table, &config), "");
    cr_assert_str_eq (config.text, "hello");
    cr_assert_str_eq (config.secret, "");
    cr_assert_eq (config.number, 7);
    cr_assert_eq (config.size, 256 * 1024);
    cr_assert_eq (config.duration, 20000);
    cr_assert_not (config.on);
    settings_free (s_table, &config);
    cr_assert_null (config.text);
}

typedef struct {
    char name[16];
    char word[32];
    uint64_t value; //  of whichever setting it is
} right_t;

ParameterizedTestParameters (settings, right)
{
    static right_t cases[] = {
        { "X_NUMBER", "1", 1 },         { "X_NUMBER", "100", 100 },   { "X_NUMBER", "007", 7 },
        { "X_NUMBER", "", 7 },          { "X_SIZE", "1024", 1024 },   { "X_SIZE", "1k", 1024 },
        { "X_SIZE", "16m", 16 << 20 },  { "X_SIZE", "2g", 2u << 30 }, { "X_TIME", "0", 0 },
        { "X_TIME", "0s", 0 },          { "X_TIME", "250ms", 250 },   { "X_TIME", "5m", 300000 },
        { "X_TIME", "10m", 600000 },    { "X_ON", "on", 1 },          { "X_ON", "off", 0 },
        { "X_ON", "", 0 },
    };
    return cr_make_param_array (right_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (right_t *with, settings, right)
{
    config_t config;
    setenv (with->name, with->word, 1);
    cr_assert_str_eq (s_read (s_table, &config), "");
    uint64_t value = strcmp (with->name, "X_NUMBER") == 0 ? config.number
                     : strcmp (with->name, "X_SIZE") == 0 ? config.size
                     : strcmp (with->name, "X_TIME") == 0 ? config.duration
                                                          : config.on;
    cr_assert_eq (value, with->value, "%s=%s", with->name, with->word);
    settings_free (s_table, &config);
}

typedef struct {
    char name[16];
    char word[40];
    char complaint[120];
} wrong_t;

ParameterizedTestParameters (settings, wrong)
{
    static wrong_t cases[] = {
        { "X_NUMBER", "0", "X_NUMBER must be a whole number, from 1 to 100; it is \"0\"" },
        { "X_NUMBER", "101", "X_NUMBER must be a whole number, from 1 to 100; it is \"101\"" },
        { "X_NUMBER", "-1", "X_NUMBER must be " },
        { "X_NUMBER", " 1", "X_NUMBER must be " },
        { "X_NUMBER", "1 ", "X_NUMBER must be " },
        { "X_NUMBER", "1k", "X_NUMBER must be " },
        { "X_NUMBER", "18446744073709551617", "X_NUMBER must be " },
        { "X_SIZE", "1", "X_SIZE must be a size such as 256k or 4m, at least 1k; it is \"1\"" },
        { "X_SIZE", "k", "X_SIZE must be " },
        { "X_SIZE", "4mb", "X_SIZE must be " },
        { "X_SIZE", "18014398509481984k", "X_SIZE must be " },
        { "X_TIME", "20",
          "X_TIME must be a duration such as 250ms, 20s or 5m, from 0 to 10m; it is \"20\"" },
        { "X_TIME", "11m", "X_TIME must be " },
        { "X_TIME", "1.5s", "X_TIME must be " },
        { "X_ON", "yes", "X_ON must be on or off; it is \"yes\"" },
        { "X_ON", "true", "X_ON must be " },
        { "X_ON", "1", "X_ON must be " },
        { "X_ON", "0", "X_ON must be " },
        { "X_ON", "ON", "X_ON must be " },
        { "X_ON", "maybe\n", "X_ON must be on or off; it is \"maybe\\n\"" },
    };
    return cr_make_param_array (wrong_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (wrong_t *with, settings, wrong)
{
    config_t config;
    setenv (with->name, with->word, 1);
    const char *complaint = s_read (s_table, &config);
    bool is_right = strncmp (complaint, with->complaint, strlen (with->complaint)) == 0;
    cr_assert (is_right, "%s", complaint);
    settings_free (s_table, &config);
}

Test (settings, a_secret_comes_from_a_file)
{
    config_t config;
    const char *name = s_file ("s3cret\n\n", 8);
    setenv ("X_SECRET_FILE", name, 1);
    setenv ("X_SECRET", "", 1); //  as compose hands on what is not set
    cr_assert_str_eq (s_read (s_table, &config), "");
    cr_assert_str_eq (config.secret, "s3cret\n", "only one line end is not part of it");
    settings_free (s_table, &config);
    unlink (name);
    const char *complaint = s_read (s_table, &config);
    cr_assert_not_null (strstr (complaint, "X_SECRET cannot be read from the file of X_SECRET_"));
    cr_assert_not_null (strstr (complaint, name), "which file");
    settings_free (s_table, &config);
}

Test (settings, a_file_is_checked_like_a_variable)
{
    config_t config;
    const char *name = s_file ("12x\r\n", 5);
    setenv ("X_NUMBER_FILE", name, 1);
    cr_assert_not_null (strstr (s_read (s_table, &config), "it is \"12x\""));
    settings_free (s_table, &config);
    unlink (name);
}

Test (settings, an_empty_file_is_no_value_of_what_is_needed)
{
    config_t config;
    const char *name = s_file ("\n", 1);
    setenv ("X_NEEDED_FILE", name, 1);
    const char *complaint = s_read (s_needed, &config);
    cr_assert_not_null (strstr (complaint, "X_NEEDED must be set, but its file"), "%s", complaint);
    settings_free (s_needed, &config);
    unlink (name);
}

Test (settings, a_file_may_not_hold_a_nul)
{
    config_t config;
    const char *name = s_file ("a\0b", 3);
    setenv ("X_TEXT_FILE", name, 1);
    cr_assert_not_null (strstr (s_read (s_table, &config), "NUL"));
    settings_free (s_table, &config);
    unlink (name);
}

Test (settings, a_huge_file_is_refused)
{
    config_t config;
    static char bytes[70000];
    memset (bytes, 'x', sizeof bytes);
    const char *name = s_file (bytes, sizeof bytes);
    setenv ("X_TEXT_FILE", name, 1);
    cr_assert_not_null (strstr (s_read (s_table, &config), "too large"));
    settings_free (s_table, &config);
    unlink (name);
}

Test (settings, setting_it_twice_is_an_error)
{
    config_t config;
    setenv ("X_TEXT", "a", 1);
    setenv ("X_TEXT_FILE", "/dev/null", 1);
    cr_assert_str_eq (s_read (s_table, &config),
                      "X_TEXT is set twice: remove it or the one with _FILE");
    settings_free (s_table, &config);
}

Test (settings, what_is_required_must_be_there)
{
    config_t config;
    cr_assert_str_eq (s_read (s_needed, &config), "X_NEEDED must be set: where the store is");
    settings_free (s_needed, &config);
    setenv ("X_NEEDED", "", 1);
    cr_assert_str_eq (s_read (s_needed, &config), "X_NEEDED must be set: where the store is");
    settings_free (s_needed, &config);
    setenv ("X_NEEDED", "here", 1);
    cr_assert_str_eq (s_read (s_needed, &config), "");
    cr_assert_str_eq (config.text, "here");
    settings_free (s_needed, &config);
}

Test (settings, an_empty_text_is_a_value)
{
    config_t config;
    setenv ("X_TEXT", "", 1);
    cr_assert_str_eq (s_read (s_table, &config), "");
    cr_assert_str_eq (config.text, "");
    settings_free (s_table, &config);
}

Test (settings, pages_name_every_setting_and_no_value)
{
    setenv ("X_SECRET", "s3cret", 1);
    static int (*const prints[]) (const setting_t *, buffer_t *) = { settings_print_help,
                                                                     settings_print_markdown };
    for (size_t at = 0; at < 2; at++) {
        buffer_t page;
        buffer_init (&page, 10000);
        cr_assert_eq (prints[at](s_table, &page), 0);
        cr_assert_eq (buffer_put (&page, "", 1), 0);
        for (const setting_t *row = s_table; row->name; row++)
            cr_assert (strstr (page.data, row->name) && strstr (page.data, row->help));
        cr_assert_null (strstr (page.data, "s3cret"));
        buffer_free (&page);
        buffer_init (&page, 20);
        cr_assert_eq (prints[at](s_table, &page), -1);
        buffer_free (&page);
    }
}
