//  service — what every process of the suite does: read its settings, log, count, listen on the
//  operations port, turn one libuv loop, and end in order on SIGTERM or SIGINT.
//
//      int main (int argc, char **argv)
//      {
//          return service_main (argc, argv, &postoffice_service);
//      }
//
//  Command line: none, or one of --help, --version, --settings-markdown, healthy and the
//  commands of the service's own table. Exit codes: 0 after a drain,
//  64 wrong command line, 78 wrong settings, 69 something that is needed is not there (a port is in
//  use), 70 something of our own did not end.
//
//  The order of a life: settings → start → (loop turns) → SIGTERM → drain → service_drained, or the
//  time limit SHUTDOWN_GRACE → stop → the loop runs out its handles → exit. A second SIGTERM or
//  SIGINT skips what is left of the drain.
//
//  Common settings, in every service's table by way of SERVICE_SETTINGS: NODE_NAME, LOG_LEVEL,
//  OPERATIONS_ADDRESS, OPERATIONS_PORT, SHUTDOWN_GRACE, PRODUCTION.

#ifndef SERVICE_H
#define SERVICE_H

#include "base/metrics.h"
#include "base/log.h"
#include "process/operations.h"
#include "process/production.h"
#include "config/settings.h"

#include <uv.h>

typedef struct service service_t;

//  The first member of every service's config struct.
typedef struct {
    char *node_name;          //  never empty
    char *log_level;
    char *operations_address;
    uint64_t operations_port;
    uint64_t shutdown_grace;
    bool production; //  see production.h
} service_config_t;

#define SERVICE_SETTINGS(config, default_port)                                                   \
    SETTING ("NODE_NAME", SETTING_TEXT, config, common.node_name, "", 0, 0,                      \
             "name of this process; replicas have different ones. Empty: the host's name"),      \
        SETTING ("LOG_LEVEL", SETTING_TEXT, config, common.log_level, "info", 0, 0,              \
                 "lowest level that is logged: debug, info, warn, error"),                       \
        SETTING ("OPERATIONS_ADDRESS", SETTING_TEXT, config, common.operations_address,          \
                 "127.0.0.1", 0, 0,                                                              \
                 "numeric address where /healthz, /readyz and /metrics listen"),                 \
        SETTING ("OPERATIONS_PORT", SETTING_NUMBER, config, common.operations_port,              \
                 default_port, 0, 65535, "operations port; 0: any free port"),                   \
        SETTING ("SHUTDOWN_GRACE", SETTING_DURATION, config, common.shutdown_grace, "20s", 0,    \
                 600000, "time to finish outstanding work after SIGTERM"),                       \
        SETTING ("PRODUCTION", SETTING_SWITCH, config, common.production, "off", 0, 0,           \
                 "on: refuses to start without encryption, or as a demonstration")

typedef struct service_kind service_kind_t;

//  What a program does instead of serving when its command line says so.
typedef struct {
    const char *name;     //  "--check-apps"; NULL ends a table
    const char *argument; //  "FILE"; NULL: it takes none
    const char *help;
    //  One of these: writes the page that is printed (0, or −1 when it is too long); or does
    //  something else, and returns the exit code.
    int (*page) (const service_kind_t *kind, buffer_t *to);
    int (*run) (const service_kind_t *kind, const char *argument);
} service_command_t;

//  Likewise, with as many words behind its name as there are.
typedef struct {
    const char *name; //  "--send-test"; NULL ends a table
    const char *form; //  "CHANNEL --app APP"
    const char *help;
    int (*run) (const service_kind_t *kind, int count, char *const *words); //  the exit code
} service_long_command_t;

struct service_kind {
    const char *name;             //  "postoffice"
    const char *about;            //  one line for --help
    const setting_t *settings;    //  the config struct begins with a service_config_t named common
    void *config;                 //  zeroed memory of that struct
    //  Builds the parts. Returns the service's state; NULL after having logged why it cannot run.
    void *(*start) (service_t *service, const void *config);
    //  Stops taking, finishes or hands back, and calls service_drained in the end.
    void (*drain) (void *state);
    //  Destroys the parts: closes every handle and frees the state.
    void (*stop) (void **state_p);
    const service_command_t *commands; //  beside those of every service; NULL: none
    const service_long_command_t *long_commands; //  NULL: none
    unsigned apps_reader;              //  its bit of config/app_table.h
    const production_need_t *production; //  what it must have in production; NULL: nothing
    //  Whether it would send webhooks there (app_out_urls_t), by its config; or NULL.
    const char *(*out_url_mistake) (const void *config, const char *url);
};

int service_main (int argc, char **argv, const service_kind_t *kind);

//  Reads the settings for a command, as a start would, with what production needs. Returns 0; −1
//  with a complaint. settings_free follows in either case.
__attribute__ ((warn_unused_result)) int service_read_settings (const service_kind_t *kind,
                                                                buffer_t *complaint);

const service_kind_t *service_kind (const service_t *self);
uv_loop_t *service_loop (service_t *self);
operations_t *service_operations (service_t *self);
const char *service_node_name (const service_t *self);
//  The drain is complete: the process may end.
void service_drained (service_t *self);
//  Something that the process cannot live without is gone: log it as fatal first. Ends as SIGTERM
//  does, with this exit code.
void service_fail (service_t *self, int exit_code);

#endif
