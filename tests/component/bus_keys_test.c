//  The three services as processes with the keys that deploy/make-secrets makes, and with keys that
//  they cannot use.

#include "eventually.h"
#include "ports.h"
#include "postgres.h"
#include "process.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static char s_place[] = "/tmp/bus-keys-XXXXXX";

static void
s_run (const char *what, const char *path, const char *more)
{
    char command[600];
    snprintf (command, sizeof command, "%s %s%s", what, path, more);
    cr_assert_eq (system (command), 0, "%s", command);
}

static void
s_setup (void)
{
    cr_assert (mkdtemp (s_place));
    s_run (MAKE_SECRETS, s_place, "/secrets >/dev/null");
}

static void
s_teardown (void)
{
    s_run ("rm -rf", s_place, "");
}

TestSuite (bus_keys, .init = s_setup, .fini = s_teardown, .timeout = 120);

static process_t *
s_node (const char *program, const char *keys, uint16_t port)
{
    char address[80], directory[200];
    snprintf (address, sizeof address, "POSTOFFICE_ADDRESSES=127.0.0.1:%u", port);
    snprintf (directory, sizeof directory, "BUS_KEYS=%s", keys);
    const char *const settings[] = {
        address,       directory,          "OPERATIONS_PORT=0",
        "EDGE_PORT=0", "SHUTDOWN_GRACE=0", "BOT_URL=http://127.0.0.1:1/",
        NULL
    };
    process_t *node = process_new (program, program, NULL, settings);
    cr_assert (node);
    return node;
}

static process_t *
s_postoffice (const char *keys, uint16_t port, const char *database)
{
    char address[80], directory[200], url[200];
    snprintf (address, sizeof address, "POSTOFFICE_BUS_ADDRESS=tcp://0.0.0.0:%u", port);
    snprintf (directory, sizeof directory, "BUS_KEYS=%s", keys);
    snprintf (url, sizeof url, "POSTGRES_URL=%s", database);
    const char *const settings[] = {
        address, directory, url, "OPERATIONS_PORT=0", "SHUTDOWN_GRACE=0", NULL
    };
    process_t *postoffice = process_new ("postoffice", "postoffice", NULL, settings);
    cr_assert (postoffice);
    return postoffice;
}

//  The directory of a service among the secrets; the last four stay valid.
static const char *
s_keys (const char *service)
{
    static char s_paths[4][200];
    static unsigned s_next;
    char *path = s_paths[s_next++ % 4];
    snprintf (path, sizeof *s_paths, "%s/secrets/bus/%s", s_place, service);
    return path;
}

#define READY "\"event\":\"ready\",\"condition\":\"postoffice\""

Test (bus_keys, of_make_secrets_let_edges_and_connectors_in)
{
    postgres_t *postgres = postgres_new (NULL);
    uint16_t port = ports_free ();
    process_t *postoffice = s_postoffice (s_keys ("postoffice"), port, postgres_url (postgres));
    EVENTUALLY (20000, process_log_count (postoffice, "\"event\":\"listening\"") == 1);
    cr_assert_eq (process_log_count (postoffice, "open to others"), 0);
    EVENTUALLY (20000, process_log_count (postoffice, "database is usable") == 1);
    process_t *edge = s_node ("edge", s_keys ("edge"), port);
    process_t *connector = s_node ("stentor-connector", s_keys ("stentor-connector"), port);
    EVENTUALLY (20000, process_log_count (edge, "\"event\":\"postoffice up\"") > 0);
    EVENTUALLY (20000, process_log_count (connector, "\"event\":\"postoffice up\"") > 0);
    EVENTUALLY (20000, process_log_count (edge, READY) == 1);

    //  An edge with the connector's key says what it is, and is shown the door; so is one without.
    process_t *other = s_node ("edge", s_keys ("stentor-connector"), port);
    EVENTUALLY (20000, process_log_count (other, "\"event\":\"postoffice refuses us\"") > 0);
    EVENTUALLY (20000, process_log_count (postoffice, "\"role_of_key\":\"worker\"") > 0);
    process_t *plain = s_node ("edge", "", port);
    EVENTUALLY (20000, process_log_count (plain, "only one side has keys") > 0);
    EVENTUALLY (20000, process_log_count (postoffice, "\"event\":\"handshake refused\"") > 0);
    cr_assert_eq (process_log_count (other, "\"event\":\"postoffice up\""), 0);
    cr_assert_eq (process_log_count (plain, "\"event\":\"postoffice up\""), 0);
    //  A rollout with a wrong key stops there.
    cr_assert_eq (process_log_count (other, READY), 0);
    cr_assert_eq (process_log_count (plain, READY), 0);
    //  Links that are refused, and try again, do not hold up the end of a process.
    cr_assert_eq (process_stop (plain, 4000), 0);
    cr_assert_eq (process_stop (other, 4000), 0);
    cr_assert_eq (process_stop (connector, 4000), 0);
    process_destroy (&plain);
    process_destroy (&other);
    process_destroy (&connector);
    process_destroy (&edge);
    process_destroy (&postoffice);
    postgres_destroy (&postgres);
}

static void
s_expect_refused (process_t *process, const char *file)
{
    cr_assert_eq (process_wait_exit (process, 10000), 78);
    cr_assert_eq (process_log_count (process, "\"event\":\"bus keys cannot be used\""), 1);
    cr_assert_eq (process_log_count (process, file), 1, "the line does not name %s", file);
    process_destroy (&process);
}

//  Standard output and standard error are both in the process's log.
static void
s_expect_untold (const char *text, const char *secret)
{
    char path[240];
    snprintf (path, sizeof path, "%s/own_secret", s_keys ("edge"));
    FILE *file = fopen (path, "w");
    cr_assert (file && fputs (text, file) >= 0 && fclose (file) == 0);
    process_t *edge = s_node ("edge", s_keys ("edge"), ports_free ());
    cr_assert_eq (process_wait_exit (edge, 10000), 78);
    cr_assert_eq (process_log_count (edge, "is no certificate with a secret key"), 1);
    cr_assert_eq (process_log_count (edge, secret), 0, "the log has the secret key");
    cr_assert_eq (process_log_count (edge, "zconfig"), 0);
    process_destroy (&edge);
}

Test (bus_keys, with_a_mistake_are_not_told)
{
#define SECRET "JTKVSB%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"
    s_expect_untold ("curve\n    secret-key " SECRET "\n", SECRET);
    s_expect_untold ("curve\n    secret-key = \"" SECRET "\n", SECRET);
    s_expect_untold ("curve\n   secret-key = \"" SECRET "\"\n", SECRET);
    s_expect_untold (SECRET, SECRET);
    s_expect_untold ("curve\n    public-key = \"short\"\n    secret-key = \"" SECRET "\"\n",
                     SECRET);
#undef SECRET
}

Test (bus_keys, that_cannot_be_used_end_each_service_with_78)
{
    const char *database = "host=127.0.0.1 port=1";
    uint16_t port = ports_free ();
    s_expect_refused (s_postoffice ("/nowhere", port, database), "/nowhere/own_secret");
    s_expect_refused (s_node ("edge", "/nowhere", port), "/nowhere/own_secret");
    s_expect_refused (s_node ("stentor-connector", "/nowhere", port), "/nowhere/own_secret");
    //  The public key of one pair with the secret key of another.
    s_run ("sh -c 'cp $0/edge/own_secret $0/good && { grep -v public-key $0/good;"
           " grep public-key $0/stentor-connector/own_secret; } >$0/edge/own_secret'",
           s_keys (""), "");
    s_expect_refused (s_node ("edge", s_keys ("edge"), port), "do not fit together");
    s_run ("sh -c 'cp $0/good $0/edge/own_secret'", s_keys (""), "");
    s_run ("echo nonsense >", s_keys ("edge"), "/postoffices/first");
    s_expect_refused (s_node ("edge", s_keys ("edge"), port), "postoffices/first");
    s_run ("echo nonsense >", s_keys ("postoffice"), "/nodes/another");
    s_expect_refused (s_postoffice (s_keys ("postoffice"), port, database), "nodes/another");
    s_run ("rm", s_keys ("stentor-connector"), "/postoffices/first");
    s_expect_refused (s_node ("stentor-connector", s_keys ("stentor-connector"), port),
                      "stentor-connector/postoffices");
}
