//  http_client — where requests go: the address guard, redirects, proxies, TLS.

#include "http_rig.h"
#include "eventually.h"
#include "ports.h"
#include "process.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const http_client_config_t s_plain;

//  With the number in the place of "PORT".
static void
s_fill (char *to, size_t room, const char *form, unsigned port)
{
    const char *place = strstr (form, "PORT");
    if (place)
        snprintf (to, room, "%.*s%u%s", (int) (place - form), form, port, place + strlen ("PORT"));
    else
        snprintf (to, room, "%s", form);
}

static http_heard_t *
s_get (http_rig_t *rig, const char *form, unsigned port, unsigned redirects)
{
    char url[200];
    s_fill (url, sizeof url, form, port);
    http_request_t request = http_rig_request (rig);
    request.method = "GET";
    request.url = url;
    request.content_type = NULL;
    request.body = TEXT_EMPTY;
    request.redirects = redirects;
    return http_rig_ask (rig, &request);
}

// ------------------------------------------------------------------------------------------------
//  The guard

//  By name, by every way to write the address, and also by what the name stands for.
Test (http_ways, guarded_addresses, .timeout = 60)
{
    static const char *const urls[] = {
        "http://127.0.0.1:PORT/",        "http://localhost:PORT/", "http://2130706433:PORT/",
        "http://0x7f000001:PORT/",       "http://0177.1:PORT/",    "http://127.1:PORT/",
        "http://[::ffff:127.0.0.1]:PORT/", "http://[::1]:PORT/",   "http://0.0.0.0:PORT/",
        "http://user@127.0.0.1:PORT/",
    };
    http_rig_t *rig = http_rig_start (&(http_client_config_t){ .is_guarded = true });
    for (size_t row = 0; row < sizeof urls / sizeof *urls; row++) {
        const http_heard_t *heard = s_get (rig, urls[row], bot_port (rig->bot), 0);
        cr_assert_eq (heard->outcome, HTTP_BLOCKED, "%s: %s", urls[row], heard->error);
        cr_assert (!heard->was_sent && strstr (heard->error, "blocked range"));
    }
    cr_assert_eq (bot_accepted (rig->bot), 0);
    http_rig_end (rig);
}

Test (http_ways, allowed_addresses, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (
        &(http_client_config_t){ .is_guarded = true, .allowed = "127.0.0.1/32" });
    cr_assert_eq (s_get (rig, "http://127.0.0.1:PORT/", bot_port (rig->bot), 0)->status, 200);
    cr_assert_eq (s_get (rig, "http://localhost:PORT/", bot_port (rig->bot), 0)->status, 200,
                  "one address of the name is allowed");
    cr_assert_eq (s_get (rig, "http://127.0.0.2:PORT/", bot_port (rig->bot), 0)->outcome,
                  HTTP_BLOCKED);
    http_rig_end (rig);
}

//  A public address is good enough for https:// only, for http:// one that is named.
Test (http_ways, in_clear_to_named_networks_only, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&(http_client_config_t){
        .is_guarded = true, .keeps_clear = true, .allowed = "127.0.0.1/32" });
    const http_heard_t *heard = s_get (rig, "http://93.184.216.34:PORT/", 80, 0);
    cr_assert_eq (heard->outcome, HTTP_BLOCKED);
    cr_assert (!heard->was_sent && strstr (heard->error, "http:// may go to"), "%s", heard->error);
    cr_assert_eq (s_get (rig, "http://127.0.0.1:PORT/", bot_port (rig->bot), 0)->status, 200);
    http_rig_end (rig);
}

Test (http_ways, a_list_that_cannot_be_read_makes_no_client, .timeout = 60)
{
    uv_loop_t loop;
    uv_loop_init (&loop);
    cr_assert_null (http_client_new (
        &loop, &(http_client_config_t){ .is_guarded = true, .allowed = "127.0.0.1/33" }));
    cr_assert_eq (uv_loop_close (&loop), 0);
}

// ------------------------------------------------------------------------------------------------
//  Redirects

static void
s_redirects (http_rig_t *rig, const char *path, int status, const char *form)
{
    char header[200], target[160];
    s_fill (target, sizeof target, form, bot_port (rig->bot));
    snprintf (header, sizeof header, "Location: %s\r\n", target);
    bot_rule (rig->bot, path, 0, &(bot_reply_t){ .status = status, .headers = header });
}

Test (http_ways, redirects_are_followed_when_asked_for, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&s_plain);
    s_redirects (rig, "/one ", 302, "http://127.0.0.1:PORT/two?key=secret");
    s_redirects (rig, "/two?", 308, "/three");
    bot_says (rig->bot, "/three ", "arrived");
    http_heard_t *heard = s_get (rig, "http://127.0.0.1:PORT/one", bot_port (rig->bot), 0);
    cr_assert_eq (heard->status, 302);
    cr_assert (strstr (heard->location, "/two?"));
    heard = s_get (rig, "http://127.0.0.1:PORT/one", bot_port (rig->bot), 2);
    cr_assert_eq (heard->status, 200);
    cr_assert_str_eq (heard->body, "arrived");
    heard = s_get (rig, "http://127.0.0.1:PORT/one", bot_port (rig->bot), 1);
    cr_assert_eq (heard->outcome, HTTP_REDIRECTS, "%s", heard->error);
    cr_assert (!strstr (heard->error, "secret"), "%s", heard->error);
    http_rig_end (rig);
}

Test (http_ways, redirects_of_a_post_are_not_followed, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&s_plain);
    s_redirects (rig, "/bot ", 307, "/two");
    http_request_t request = http_rig_request (rig);
    request.redirects = 5;
    cr_assert_eq (http_rig_ask (rig, &request)->status, 307);
    cr_assert_eq (bot_asked (rig->bot, "/two"), 0);
    http_rig_end (rig);
}

Test (http_ways, redirects_to_what_is_not_spoken, .timeout = 60)
{
    static const char *const targets[] = { "ftp://127.0.0.1:PORT/", "file:///etc/passwd",
                                           "gopher://127.0.0.1:PORT/", "http://[broken:PORT/" };
    for (size_t row = 0; row < sizeof targets / sizeof *targets; row++) {
        http_rig_t *rig = http_rig_start (&s_plain);
        s_redirects (rig, "/one ", 302, targets[row]);
        const http_heard_t *heard =
            s_get (rig, "http://127.0.0.1:PORT/one", bot_port (rig->bot), 3);
        cr_assert_eq (heard->outcome, HTTP_REDIRECTS, "%s: %s, %s", targets[row],
                      http_outcome_label (heard->outcome), heard->error);
        http_rig_end (rig);
    }
}

//  A customer's host is public, and sends us to one that is not.
Test (http_ways, redirects_are_guarded, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (
        &(http_client_config_t){ .is_guarded = true, .allowed = "127.0.0.1" });
    s_redirects (rig, "/one ", 302, "http://127.0.0.2:PORT/two");
    const http_heard_t *heard = s_get (rig, "http://127.0.0.1:PORT/one", bot_port (rig->bot), 3);
    cr_assert_neq (heard->outcome, HTTP_ANSWERED);
    cr_assert_eq (bot_asked (rig->bot, "/two"), 0);
    cr_assert_eq (heard->outcome, HTTP_BLOCKED, "%s", http_outcome_label (heard->outcome));
    http_rig_end (rig);
}

// ------------------------------------------------------------------------------------------------
//  Proxies: to the bot a proxy's requests are like any other, with whole URLs

static http_rig_t *
s_behind (bot_t *proxy, bool is_guarded)
{
    char url[60];
    snprintf (url, sizeof url, "http://127.0.0.1:%u", bot_port (proxy));
    return http_rig_start (&(http_client_config_t){
        .proxy = url, .no_proxy = "direct.example, 127.0.0.1", .is_guarded = is_guarded });
}

Test (http_ways, a_proxy_is_used_but_for_those_who_need_none, .timeout = 60)
{
    bot_t *proxy = bot_new ();
    http_rig_t *rig = s_behind (proxy, false);
    cr_assert_eq (s_get (rig, "http://far.example:PORT/x", 8000, 0)->status, 200);
    cr_assert_eq (bot_asked (proxy, "GET http://far.example:8000/x HTTP/1.1"), 1);
    cr_assert_eq (s_get (rig, "http://127.0.0.1:PORT/near", bot_port (rig->bot), 0)->status, 200);
    cr_assert_eq (bot_asked (rig->bot, "/near"), 1);
    cr_assert_eq (bot_asked (proxy, "/near"), 0);
    http_rig_end (rig);
    bot_destroy (&proxy);
}

//  What the proxy resolves cannot be checked; what needs no resolving is.
Test (http_ways, a_guard_behind_a_proxy, .timeout = 60)
{
    bot_t *proxy = bot_new ();
    http_rig_t *rig = s_behind (proxy, true);
    static const char *const urls[] = { "http://169.254.169.254:PORT/", "http://10.0.0.1:PORT/",
                                        "http://[fd00:ec2::254]:PORT/", "http://2852039166:PORT/",
                                        "https://192.168.1.1:PORT/",    "http://[::1]:PORT/",
                                        "http://localhost:PORT/", "http://169.254.169.254.:PORT/" };
    for (size_t row = 0; row < sizeof urls / sizeof *urls; row++)
        cr_assert_eq (s_get (rig, urls[row], 80, 0)->outcome, HTTP_BLOCKED, "%s", urls[row]);
    cr_assert_eq (bot_accepted (proxy), 0);
    cr_assert_eq (s_get (rig, "http://127.0.0.1:PORT/", bot_port (rig->bot), 0)->outcome,
                  HTTP_BLOCKED, "one that goes past the proxy");
    bot_rule (proxy, "/moves", 0,
              &(bot_reply_t){ .status = 302, .headers = "Location: http://10.0.0.1/\r\n" });
    cr_assert_eq (s_get (rig, "http://far.example:PORT/moves", 80, 3)->status, 302,
                  "nobody would look at the address");
    cr_assert_eq (s_get (rig, "http://far.example:PORT/", 80, 0)->status, 200);
    http_rig_end (rig);
    bot_destroy (&proxy);
}

Test (http_ways, a_proxy_that_refuses, .timeout = 60)
{
    bot_t *proxy = bot_new ();
    bot_rule (proxy, "CONNECT", 0, &(bot_reply_t){ .status = 407 });
    http_rig_t *rig = s_behind (proxy, false);
    const http_heard_t *heard = s_get (rig, "https://far.example:PORT/", 443, 0);
    cr_assert_eq (heard->outcome, HTTP_PROXY, "%s: %s", http_outcome_label (heard->outcome),
                  heard->error);
    cr_assert (!heard->was_sent);
    http_rig_end (rig);
    bot_destroy (&proxy);
    rig = http_rig_start (&(http_client_config_t){ .proxy = "http://nowhere.invalid:1" });
    cr_assert_eq (s_get (rig, "http://far.example:PORT/", 80, 0)->outcome, HTTP_PROXY);
    http_rig_end (rig);
}

Test (http_ways, a_proxy_of_the_environment_is_not_used, .timeout = 60)
{
    static const char *const names[] = { "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY" };
    for (size_t row = 0; row < sizeof names / sizeof *names; row++)
        setenv (names[row], "http://127.0.0.1:1/", 1);
    http_rig_t *rig = http_rig_start (&s_plain);
    cr_assert_eq (http_rig_say (rig, "direct")->status, 200);
    http_rig_end (rig);
    bot_t *proxy = bot_new ();
    setenv ("no_proxy", "*", 1);
    rig = s_behind (proxy, false);
    cr_assert_eq (s_get (rig, "http://far.example:PORT/", 80, 0)->status, 200);
    cr_assert_eq (bot_asked (proxy, "far.example"), 1);
    http_rig_end (rig);
    bot_destroy (&proxy);
}

// ------------------------------------------------------------------------------------------------
//  TLS

typedef struct {
    char folder[40];
    char certificate[80];
    char key[80];
    uint16_t port;
    process_t *server;
} tls_host_t;

static void
s_run (const char *const *arguments)
{
    process_t *openssl = process_new ("openssl", "openssl", arguments, NULL);
    cr_assert (openssl);
    cr_assert_eq (process_wait_exit (openssl, 20000), 0);
    process_destroy (&openssl);
}

//  A host that answers any GET with a page, and signs for that name itself. `version` is an option
//  of openssl, such as -tls1_2.
static tls_host_t
s_tls_host (const char *name, const char *version, const char *ciphers)
{
    tls_host_t self = { .folder = "/tmp/stentor-tls-XXXXXX", .port = ports_free () };
    char alternative[80], accept[40];
    cr_assert (mkdtemp (self.folder));
    snprintf (self.certificate, sizeof self.certificate, "%s/cert.pem", self.folder);
    snprintf (self.key, sizeof self.key, "%s/key.pem", self.folder);
    snprintf (alternative, sizeof alternative, "subjectAltName=%s", name);
    snprintf (accept, sizeof accept, "127.0.0.1:%u", self.port);
    s_run ((const char *const[]){ "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                  "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                                  "/CN=test", "-addext", alternative, "-keyout", self.key, "-out",
                                  self.certificate, NULL });
    self.server = process_new ("tls", "openssl",
                               (const char *const[]){ "s_server", "-accept", accept, "-cert",
                                                      self.certificate, "-key", self.key, "-www",
                                                      version, "-cipher", ciphers, NULL },
                               NULL);
    cr_assert (self.server);
    EVENTUALLY (10000, ports_answers (self.port));
    return self;
}

static void
s_tls_end (tls_host_t *self)
{
    process_destroy (&self->server);
    unlink (self->certificate);
    unlink (self->key);
    rmdir (self->folder);
}

Test (http_ways, certificates_are_verified, .timeout = 60)
{
    tls_host_t host = s_tls_host ("IP:127.0.0.1", "-tls1_2", "DEFAULT");
    http_rig_t *rig = http_rig_start (&s_plain);
    const http_heard_t *heard = s_get (rig, "https://127.0.0.1:PORT/", host.port, 0);
    cr_assert_eq (heard->outcome, HTTP_CERTIFICATE, "%s", heard->error);
    cr_assert (!heard->was_sent);
    http_rig_end (rig);
    rig = http_rig_start (&(http_client_config_t){ .ca_file = host.certificate });
    heard = s_get (rig, "https://127.0.0.1:PORT/", host.port, 0);
    cr_assert_eq (heard->status, 200, "%s", heard->error);
    heard = s_get (rig, "https://localhost:PORT/", host.port, 0);
    cr_assert_eq (heard->outcome, HTTP_CERTIFICATE, "for another name: %s", heard->error);
    http_rig_end (rig);
    rig = http_rig_start (&(http_client_config_t){ .ca_file = "/nowhere" });
    cr_assert_eq (s_get (rig, "https://127.0.0.1:PORT/", host.port, 0)->outcome, HTTP_CERTIFICATE);
    http_rig_end (rig);
    s_tls_end (&host);
}

Test (http_ways, old_versions_are_not_spoken, .timeout = 60)
{
    tls_host_t host = s_tls_host ("IP:127.0.0.1", "-tls1_1", "DEFAULT@SECLEVEL=0");
    http_rig_t *rig = http_rig_start (&(http_client_config_t){ .ca_file = host.certificate });
    const http_heard_t *heard = s_get (rig, "https://127.0.0.1:PORT/", host.port, 0);
    cr_assert_eq (heard->outcome, HTTP_TLS, "%s: %s", http_outcome_label (heard->outcome),
                  heard->error);
    cr_assert (!heard->was_sent);
    http_rig_end (rig);
    s_tls_end (&host);
}

Test (http_ways, what_is_no_tls, .timeout = 60)
{
    tls_host_t host = s_tls_host ("IP:127.0.0.1", "-tls1_2", "DEFAULT");
    http_rig_t *rig = http_rig_start (&s_plain);
    const http_heard_t *heard = s_get (rig, "http://127.0.0.1:PORT/", host.port, 0);
    cr_assert (heard->outcome == HTTP_RESET || heard->outcome == HTTP_MALFORMED, "%s",
               http_outcome_label (heard->outcome));
    http_rig_end (rig);
    s_tls_end (&host);
}
