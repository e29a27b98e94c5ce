//  demo-bot — a friendly Stentor bot for the demonstration and for trying things out. It is no part
//  of the product; talk.c is what it knows.

#include "server.h"

#include <errno.h>
#include <signal.h>
#include <stentor_version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char s_help[] =
    "demo-bot: a Stentor bot to talk to while trying the router\n"
    "\n"
    "  DEMO_BOT_ADDRESS  where it listens (default 127.0.0.1)\n"
    "  DEMO_BOT_PORT     its port (default 8090; 0 takes any free one)\n"
    "\n"
    "POST a Stentor request to any path; GET /healthz. Say \"help\" to it to see what it can do.\n";

static const char *
s_setting (const char *name, const char *fallback)
{
    const char *value = getenv (name);
    return value && *value ? value : fallback;
}

static void
s_on_signal (uv_signal_t *signal, int number)
{
    (void) number;
    uv_stop (signal->loop);
}

static void
s_run (uv_loop_t *loop)
{
    static uv_signal_t signals[2]; //  the loop holds them until they are closed
    static const int numbers[] = { SIGTERM, SIGINT };
    for (int index = 0; index < 2; index++) {
        uv_signal_init (loop, &signals[index]);
        uv_signal_start (&signals[index], s_on_signal, numbers[index]);
    }
    uv_run (loop, UV_RUN_DEFAULT);
    for (int index = 0; index < 2; index++)
        uv_close ((uv_handle_t *) &signals[index], NULL);
}

int
main (int argc, char **argv)
{
    if (argc > 1 && strcmp (argv[1], "--version") == 0) {
        puts ("demo-bot " STENTOR_VERSION " (revision " STENTOR_REVISION ")");
        return 0;
    }
    if (argc > 1) {
        bool is_help = strcmp (argv[1], "--help") == 0;
        fputs (s_help, is_help ? stdout : stderr);
        return is_help ? 0 : 64;
    }
    char *end;
    const char *address = s_setting ("DEMO_BOT_ADDRESS", "127.0.0.1");
    const char *port_text = s_setting ("DEMO_BOT_PORT", "8090");
    unsigned long port = strtoul (port_text, &end, 10);
    if (*end || port > 65535) {
        fprintf (stderr, "demo-bot: DEMO_BOT_PORT is a number up to 65535, not %s\n", port_text);
        return 78;
    }
    signal (SIGPIPE, SIG_IGN);
    uv_loop_t *loop = uv_default_loop ();
    server_t *server = server_new (loop, address, (uint16_t) port);
    if (!server) {
        fprintf (stderr, "demo-bot: cannot listen on %s:%lu: %s\n", address, port,
                 strerror (errno));
        return 69;
    }
    fprintf (stderr, "demo-bot: listening on http://%s:%u/\n", address, server_port (server));
    s_run (loop);
    server_destroy (&server);
    uv_run (loop, UV_RUN_DEFAULT);
    return uv_loop_close (loop) == 0 ? 0 : 70;
}
