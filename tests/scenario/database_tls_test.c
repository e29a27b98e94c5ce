//  database_tls — postoffices reach PostgreSQL by sslmode=verify-full only: its restarts, and a
//  renewed certificate of it, lose and double nothing.

#include "chat.h"
#include "counting.h"
#include "postgres_tls.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    certificates_t *made;
    char url[200];
} database_t;

static bool
s_certify (database_t *self, router_stack_t *stack)
{
    certificate_t server = certificates_of (self->made, "ca", "DNS:localhost", 1);
    return postgres_set_tls (stack_postgres (stack), &server);
}

static bool
s_before_start (void *owner, router_stack_t *stack)
{
    database_t *self = owner;
    snprintf (self->url, sizeof self->url,
              "POSTGRES_URL=postgresql://stentor@localhost:%u/postgres"
              "?sslmode=verify-full&sslrootcert=%s",
              postgres_port (stack_postgres (stack)), certificates_ca (self->made, "ca"));
    return s_certify (self, stack);
}

static const char *const *
s_settings_of (void *owner, const char *name)
{
    static const char *settings[] = { NULL, NULL };
    settings[0] = ((const database_t *) owner)->url;
    return strncmp (name, "postoffice", 10) == 0 ? settings : NULL;
}

static void
s_nothing_is_in_the_clear (router_stack_t *stack)
{
    char *is_so = postgres_query (stack_postgres (stack),
                                  "select bool_and (ssl) from pg_stat_ssl"
                                  " join pg_stat_activity using (pid)"
                                  " where application_name like 'postoffice%'");
    cr_assert (is_so && strcmp (is_so, "t") == 0);
    free (is_so);
}

Test (database_tls, it_restarts_and_gets_another_certificate)
{
    static const char *const settings[] = { "SESSION_GRACE=2s", NULL };
    database_t database = { .made = certificates_new () };
    router_stack_t *stack = stack_new (&(stack_plan_t){ .edges = 2,
                                                        .postoffices = 2,
                                                        .settings = settings,
                                                        .settings_of = s_settings_of,
                                                        .before_start = s_before_start,
                                                        .owner = &database });
    cr_assert (stack);
    the_bot_answers (stack, "nobody says this", &(bot_reply_t){ .body = "{}" });
    crowd_t *crowd = crowd_new (stack, 10, 2);
    crowd_talks (crowd, 20);

    crowd_sends (crowd, 10);
    cr_assert (postgres_restart (stack_postgres (stack)));
    crowd_talks (crowd, 20);

    crowd_sends (crowd, 10);
    cr_assert (s_certify (&database, stack));
    cr_assert (postgres_kill_backends (stack_postgres (stack), POSTGRES_ALL_BACKENDS));
    crowd_talks (crowd, 20);

    crowd_sends (crowd, 10);
    postgres_kill (stack_postgres (stack));
    cr_assert (postgres_start (stack_postgres (stack)));
    crowd_talks (crowd, 20);

    s_nothing_is_in_the_clear (stack);
    cr_assert_eq (crowd_reconnects (crowd), 0, "the clients are to notice nothing");
    crowd_has_everything_once (crowd);
    crowd_destroy (&crowd);
    stack_destroy (&stack);
    certificates_destroy (&database.made);
}
