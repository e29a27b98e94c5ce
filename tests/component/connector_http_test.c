//  stentor-connector as an HTTP client: connections that are kept, names that move, codings,
//  proxies, and what becomes a part of a request.

#include "bot_fixture.h"
#include "ports.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

//  nss_wrapper, by which a process gets a name service of its own, does not go with sanitizers.
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#define HAS_NAME_SERVICE (!__has_feature (address_sanitizer) && !__has_feature (thread_sanitizer))

//  Nothing is cut: a key that is too long is no key.
Test (connector_http, a_key_that_is_too_long_is_refused, .timeout = 60)
{
    char key[5100] = "BOT_KEY=";
    memset (key + 8, 'k', 4000);
    for (size_t size = 4000; size <= 4001; size++) {
        memset (key + 8, 'k', size);
        process_t *connector =
            process_new ("connector", "stentor-connector", NULL,
                         (const char *const[]){ key, "OPERATIONS_PORT=0", NULL });
        cr_assert (connector);
        if (size > 4000)
            cr_assert_eq (process_wait_exit (connector, 10000), 78);
        else
            cr_assert (process_wait_log (connector, "\"started\"", 10000));
        process_destroy (&connector);
    }
}

//  A host closes connections that it kept, at any moment and without a warning: that is no
//  failure, and nothing is asked twice.
static void
s_ask_many (bot_fixture_t *self, unsigned count, unsigned every_ms)
{
    char item[40], text[40];
    for (unsigned index = 0; index < count; index++) {
        snprintf (item, sizeof item, "kept%u", index);
        snprintf (text, sizeof text, "<kept%u>", index);
        bot_fixture_hand (self, item);
        bot_fixture_done (self, item, 10000);
        cr_assert_str_eq (bot_fixture_story (self, item), "taken typing answered");
        cr_assert_eq (bot_asked (self->bot, text), 1);
        rig_turn_for (&self->rig, every_ms + index % 12);
    }
    cr_assert_eq (process_log_count (self->connector, "bot failed once"), 0);
}

Test (connector_http, a_kept_connection_that_is_reset_is_no_failure, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start (NULL);
    bot_resets_kept (self->bot);
    s_ask_many (self, 40, 1);
    bot_fixture_end (self);
}

Test (connector_http, a_kept_connection_that_is_closed_is_no_failure, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start (NULL);
    bot_closes_idle (self->bot, 15);
    s_ask_many (self, 200, 8);
    bot_fixture_end (self);
}

//  What a host says where nothing was asked is no answer to what is asked next, of another visitor.
Test (connector_http, what_comes_unasked_is_no_answer, .timeout = 60)
{
    static const struct {
        const char *bytes;
        bool closes;
    } rows[] = {
        { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 23\r\n\r\n"
          "{\"outputSpeech\":\"other\"}",
          false },
        { "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", true },
        { "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", false },
        { "stray", false },
        { "stray", true },
    };
    bot_fixture_t *self = bot_fixture_start (NULL);
    bot_says (self->bot, "<ask", "{\"outputSpeech\":\"right\"}");
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        char item[40];
        bot_speaks_unasked (self->bot, 50, rows[row].bytes, rows[row].closes);
        for (unsigned again = 0; again < 3; again++) {
            snprintf (item, sizeof item, "ask%zu%u", row, again);
            bot_fixture_hand (self, item);
            const bot_heard_t *done = bot_fixture_done (self, item, 10000);
            cr_assert_str_eq (bot_fixture_story (self, item), "taken typing answered");
            cr_assert_str_eq (done->data, "{\"outputSpeech\":\"right\"}", "%s", item);
            rig_turn_for (&self->rig, 200);
        }
    }
    bot_fixture_end (self);
}

//  Node closes a kept connection 5 s after its last answer: one that is nearly as old is left
//  alone.
Test (connector_http, an_old_connection_is_not_used_again, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start (NULL);
    bot_fixture_hand (self, "first");
    bot_fixture_done (self, "first", 5000);
    bot_fixture_hand (self, "second");
    bot_fixture_done (self, "second", 5000);
    cr_assert_eq (bot_accepted (self->bot), 1, "a young one is used again");
    rig_turn_for (&self->rig, 4200);
    bot_fixture_hand (self, "third");
    bot_fixture_done (self, "third", 5000);
    cr_assert_eq (bot_accepted (self->bot), 2);
    bot_fixture_end (self);
}

Test (connector_http, every_kind_of_proxy_can_be_set, .timeout = 60)
{
    static const char *const proxies[] = { "BOT_PROXY=http://127.0.0.1:1080",
                                           "BOT_PROXY=https://proxy.example:1080/",
                                           "BOT_PROXY=socks5://127.0.0.1:1080",
                                           "BOT_PROXY=socks5h://u:p@proxy.example:1080" };
    for (size_t row = 0; row < sizeof proxies / sizeof *proxies; row++) {
        process_t *connector
            = process_new ("connector", "stentor-connector", NULL,
                           (const char *const[]){ proxies[row], "OPERATIONS_PORT=0", NULL });
        cr_assert (connector && process_wait_log (connector, "\"started\"", 10000), "%s",
                   proxies[row]);
        process_destroy (&connector);
    }
}

//  The text as gzip makes it; the caller frees it.
static char *
s_gzip (const char *text, size_t *size)
{
    char path[] = "/tmp/stentor-gzip-XXXXXX", command[80];
    int file = mkstemp (path);
    cr_assert (file >= 0 && write (file, text, strlen (text)) == (ssize_t) strlen (text));
    close (file);
    snprintf (command, sizeof command, "gzip -9 -n -c %s", path);
    FILE *pipe = popen (command, "r");
    cr_assert (pipe);
    char *bytes = malloc (1 << 20);
    cr_assert (bytes);
    *size = fread (bytes, 1, 1 << 20, pipe);
    cr_assert_eq (pclose (pipe), 0);
    unlink (path);
    return bytes;
}

static void
s_says_gzip (bot_fixture_t *self, const char *text, const char *json)
{
    bot_reply_t reply = { .headers = "Content-Encoding: gzip\r\n" };
    char *bytes = s_gzip (json, &reply.body_size);
    reply.body = bytes;
    bot_rule (self->bot, text, 0, &reply);
    free (bytes);
}

//  What is bounded is what comes out.
Test (connector_http, compressed_answers, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start (NULL);
    s_says_gzip (self, "<small>", "{\"outputSpeech\":\"small\"}");
    char *bomb = bot_fixture_object_of ("outputSpeech", 8u << 20);
    s_says_gzip (self, "<bomb>", bomb);
    free (bomb);
    long before_kb = bot_fixture_resident_kb (self->connector);
    bot_fixture_hand (self, "small");
    bot_fixture_hand (self, "bomb");
    cr_assert_str_eq (bot_fixture_done (self, "small", 5000)->data,
                      "{\"outputSpeech\":\"small\"}");
    cr_assert_str_eq (bot_fixture_done (self, "bomb", 5000)->data, LAST ("answer too large"));
    cr_assert_lt (bot_fixture_resident_kb (self->connector) - before_kb, 4096);
    bot_fixture_end (self);
}

Test (connector_http, a_proxy_is_used_where_it_is_set, .timeout = 60)
{
    bot_t *proxy = bot_new (); //  to which a proxy's requests are like any other, with whole URLs
    char setting[100];
    snprintf (setting, sizeof setting, "BOT_PROXY=http://127.0.0.1:%u/", bot_port (proxy));
    bot_fixture_t *self = bot_fixture_start (
        (const char *const[]){ "BOT_URL=http://bot.example/bot", setting, NULL });
    bot_fixture_hand (self, "proxied");
    cr_assert_eq (bot_fixture_done (self, "proxied", 5000)->number, OUTCOME_ANSWERED);
    char *request = bot_request (proxy, "<proxied>");
    static const char line[] = "POST http://bot.example/bot HTTP/1.1\r\n";
    cr_assert (request && strncmp (request, line, sizeof line - 1) == 0);
    free (request);
    bot_fixture_end (self);
    bot_destroy (&proxy);
}

Test (connector_http, a_proxy_of_the_environment_is_not_used, .timeout = 60)
{
    bot_fixture_t *self =
        bot_fixture_start ((const char *const[]){ "http_proxy=http://127.0.0.1:1/", NULL });
    bot_fixture_hand (self, "direct");
    cr_assert_eq (bot_fixture_done (self, "direct", 5000)->number, OUTCOME_ANSWERED);
    bot_fixture_end (self);
}

//  Exit code 78 and a line that names the setting, before anything is connected to.
Test (connector_http, settings_that_cannot_be, .timeout = 60)
{
    static const char *const rows[] = { "BOT_ALLOWED_NETWORKS=10.0.0.0/33",
                                        "BOT_ALLOWED_NETWORKS=10.0.0.0/8,localhost",
                                        "BOT_CA_FILE=/nowhere/ca.pem",
                                        "BOT_ADDRESS_GUARD=perhaps" };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        char name[40] = { 0 };
        memcpy (name, rows[row], strcspn (rows[row], "="));
        process_t *connector =
            process_new ("connector", "stentor-connector", NULL,
                         (const char *const[]){ rows[row], "OPERATIONS_PORT=0", NULL });
        cr_assert (connector);
        cr_assert_eq (process_wait_exit (connector, 10000), 78, "%s", rows[row]);
        cr_assert_gt (process_log_count (connector, name), 0, "%s", rows[row]);
        process_destroy (&connector);
    }
}

//  Asked by nobody, not even once, and not tried again: it would be blocked again.
Test (connector_http, a_guard_keeps_bots_out_of_private_networks, .timeout = 60)
{
    bot_fixture_t *self =
        bot_fixture_start ((const char *const[]){ "BOT_ADDRESS_GUARD=on", NULL });
    bot_fixture_hand (self, "guarded");
    const bot_heard_t *done = bot_fixture_done (self, "guarded", 5000);
    cr_assert_str_eq (done->data, LAST ("unreachable"));
    cr_assert_str_eq (bot_fixture_story (self, "guarded"), "taken typing failed");
    cr_assert_eq (bot_accepted (self->bot), 0);
    cr_assert_eq (process_log_count (self->connector, "blocked range: loopback"), 1);
    bot_fixture_end (self);
}

Test (connector_http, a_network_that_is_allowed_is_asked, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start ((const char *const[]){
        "BOT_ADDRESS_GUARD=on", "BOT_ALLOWED_NETWORKS=10.0.0.0/8, 127.0.0.0/8", NULL });
    bot_fixture_hand (self, "allowed");
    cr_assert_eq (bot_fixture_done (self, "allowed", 5000)->number, OUTCOME_ANSWERED);
    bot_fixture_end (self);
}

//  A name service of the connector's own: one file of hosts. nss_wrapper reads the file again
//  when its time of change, in whole seconds, is another one.
static void
s_place_bot (const char *file, const char *address, time_t changed)
{
    FILE *hosts = fopen (file, "w");
    cr_assert (hosts && fprintf (hosts, "%s bot.example\n", address) > 0 && fclose (hosts) == 0);
    struct timespec times[2] = { { .tv_sec = changed }, { .tv_sec = changed } };
    cr_assert_eq (utimensat (AT_FDCWD, file, times, 0), 0);
}

//  The host of a bot is replaced: its name has another address from one moment to the next.
Test (connector_http, a_bot_that_moves_is_found_by_the_next_try, .timeout = 60)
{
    if (!HAS_NAME_SERVICE)
        cr_skip_test ("no name service with sanitizers");
    char hosts[] = "/tmp/stentor-hosts-XXXXXX", hosts_setting[80], url[80];
    int file = mkstemp (hosts);
    cr_assert (file >= 0);
    close (file);
    s_place_bot (hosts, "127.0.0.77", 1000);
    bot_t *moved = bot_new ();
    snprintf (hosts_setting, sizeof hosts_setting, "NSS_WRAPPER_HOSTS=%s", hosts);
    snprintf (url, sizeof url, "BOT_URL=http://bot.example:%u/", bot_port (moved));
    bot_fixture_t *self = bot_fixture_start (
        (const char *const[]){ "LD_PRELOAD=libnss_wrapper.so", hosts_setting, url, NULL });
    bot_fixture_hand (self, "moving");
    RIG_UNTIL (&self->rig, 5000, process_log_count (self->connector, "bot failed once") == 1);
    s_place_bot (hosts, "127.0.0.1", 2000);
    cr_assert_eq (bot_fixture_done (self, "moving", 10000)->number, OUTCOME_ANSWERED);
    cr_assert_str_eq (bot_fixture_story (self, "moving"),
                      "taken typing " TROUBLE (1, 1, "unreachable") " typing answered");
    bot_fixture_end (self);
    bot_destroy (&moved);
    unlink (hosts);
}
