//  A postoffice that is told to listen where others can reach it: the bus has no credential, so it
//  does that only when it is told twice.

#include "eventually.h"
#include "ports.h"
#include "postgres.h"
#include "process.h"

#include <criterion/criterion.h>
#include <stdio.h>

static process_t *
s_postoffice (const char *address, const char *plaintext)
{
    const char *const settings[] = { address, "POSTGRES_URL=host=127.0.0.1 port=1",
                                     "OPERATIONS_PORT=0", "SHUTDOWN_GRACE=0", plaintext, NULL };
    process_t *postoffice = process_new ("postoffice", "postoffice", NULL, settings);
    cr_assert (postoffice);
    return postoffice;
}

Test (postoffice_bus, is_not_open_to_others_by_default, .timeout = 60)
{
    static const char *const settings[] = { NULL, "BUS_PLAINTEXT=off" };
    for (size_t row = 0; row < sizeof settings / sizeof *settings; row++) {
        process_t *postoffice = s_postoffice ("POSTOFFICE_BUS_ADDRESS=tcp://0.0.0.0:*",
                                              settings[row]);
        cr_assert_eq (process_wait_exit (postoffice, 10000), 78);
        cr_assert_eq (process_log_count (postoffice, "the bus would be open to others"), 1);
        cr_assert_eq (process_log_count (postoffice, "BUS_PLAINTEXT"), 1);
        cr_assert_eq (process_log_count (postoffice, "\"event\":\"listening\""), 0);
        process_destroy (&postoffice);
    }
}

//  The words are about what is wrong: the form comes before the question who could reach it.
Test (postoffice_bus, refuses_what_is_no_address, .timeout = 60)
{
    static const char *const bad[] = { "127.0.0.1:29093", "ipc:///tmp/stentor-bus",
                                       "tcp://localhost:7001" };
    for (size_t row = 0; row < sizeof bad / sizeof *bad; row++) {
        char setting[100];
        snprintf (setting, sizeof setting, "POSTOFFICE_BUS_ADDRESS=%s", bad[row]);
        process_t *postoffice = s_postoffice (setting, NULL);
        cr_assert_eq (process_wait_exit (postoffice, 10000), 78, "%s", bad[row]);
        cr_assert_eq (process_log_count (postoffice, "POSTOFFICE_BUS_ADDRESS must be tcp://"), 1);
        cr_assert_eq (process_log_count (postoffice, "open to others"), 0);
        process_destroy (&postoffice);
    }
}

Test (postoffice_bus, says_that_its_database_is_none, .timeout = 60)
{
    static const char *const settings[] = { "POSTGRES_URL=s3cret is no url", "OPERATIONS_PORT=0",
                                            "POSTOFFICE_BUS_ADDRESS=tcp://127.0.0.1:*", NULL };
    process_t *postoffice = process_new ("postoffice", "postoffice", NULL, settings);
    cr_assert (postoffice);
    cr_assert_eq (process_wait_exit (postoffice, 10000), 78);
    cr_assert_eq (process_log_count (postoffice, "POSTGRES_URL must be a libpq connection"), 1);
    cr_assert_eq (process_log_count (postoffice, "s3cret"), 0);
    process_destroy (&postoffice);
}

Test (postoffice_bus, is_open_to_others_when_told_so, .timeout = 60)
{
    process_t *postoffice = s_postoffice ("POSTOFFICE_BUS_ADDRESS=tcp://0.0.0.0:*",
                                          "BUS_PLAINTEXT=on");
    EVENTUALLY (10000, process_log_count (postoffice, "\"event\":\"listening\"") == 1);
    cr_assert_eq (process_log_count (postoffice, "the bus is open to others"), 1);
    process_destroy (&postoffice);
}

Test (postoffice_bus, says_nothing_of_it_on_the_loopback, .timeout = 60)
{
    process_t *postoffice = s_postoffice ("POSTOFFICE_BUS_ADDRESS=tcp://127.0.0.1:*", NULL);
    EVENTUALLY (10000, process_log_count (postoffice, "\"event\":\"listening\"") == 1);
    cr_assert_eq (process_log_count (postoffice, "open to others"), 0);
    process_destroy (&postoffice);
}

//  A postoffice that cannot reach its database refuses everybody, until it can.
Test (postoffice_bus, is_not_chosen_without_its_database, .timeout = 60)
{
    postgres_t *postgres = postgres_new (NULL);
    char url[200];
    snprintf (url, sizeof url, "POSTGRES_URL=%s", postgres_url (postgres));
    const char *const settings[] = { url, "OPERATIONS_PORT=0", "POSTGRES_LOST_AFTER=500ms",
                                     "POSTOFFICE_BUS_ADDRESS=tcp://127.0.0.1:*", NULL };
    process_t *postoffice = process_new ("postoffice", "postoffice", NULL, settings);
    EVENTUALLY (10000, process_log_count (postoffice, "database is usable") == 1);
    cr_assert_eq (process_log_count (postoffice, "database lost"), 0);
    cr_assert (postgres_stop (postgres));
    EVENTUALLY (10000, process_log_count (postoffice, "database lost") == 1);
    cr_assert (postgres_start (postgres));
    EVENTUALLY (20000, process_log_count (postoffice, "back from the loss") == 1);
    cr_assert_eq (process_log_count (postoffice, "database lost"), 1);
    process_destroy (&postoffice);
    postgres_destroy (&postgres);
}

//  One that starts would else be given its sessions at once, and they would wait for its database.
Test (postoffice_bus, takes_nobody_before_its_database_is_usable, .timeout = 60)
{
    postgres_t *postgres = postgres_new (NULL);
    char url[200], bus[80], address[80];
    uint16_t port = ports_free ();
    snprintf (url, sizeof url, "POSTGRES_URL=%s", postgres_url (postgres));
    snprintf (bus, sizeof bus, "POSTOFFICE_BUS_ADDRESS=tcp://127.0.0.1:%u", port);
    snprintf (address, sizeof address, "POSTOFFICE_ADDRESSES=127.0.0.1:%u", port);
    cr_assert (postgres_stop (postgres));
    const char *const settings[] = { url, bus, "OPERATIONS_PORT=0", "POSTGRES_LOST_AFTER=1h",
                                     NULL };
    process_t *postoffice = process_new ("postoffice", "postoffice", NULL, settings);
    const char *const edges[] = { address, "OPERATIONS_PORT=0", "EDGE_PORT=0", NULL };
    process_t *edge = process_new ("edge", "edge", NULL, edges);
    EVENTUALLY (20000, process_log_count (edge, "postoffice refuses us") == 1);
    cr_assert_eq (process_log_count (edge, "\"reason\":\"unavailable\""), 1);
    cr_assert (postgres_start (postgres));
    EVENTUALLY (20000, process_log_count (edge, "postoffice up") == 1);
    cr_assert_eq (process_log_count (postoffice, "database is usable"), 1);
    cr_assert_eq (process_log_count (postoffice, "back from the loss"), 0);
    process_destroy (&edge);
    process_destroy (&postoffice);
    postgres_destroy (&postgres);
}
