#include "process/service_apps.h"

#include "base/buffer.h"

#include <stdio.h>
#include <sysexits.h>

#define COMPLAINT_MOST 4096

apps_t *
service_apps_new (service_t *service, const service_apps_config_t *config, const char *bot_url,
                  const char *bot_key)
{
    buffer_t complaint;
    buffer_init (&complaint, COMPLAINT_MOST);
    apps_t *apps = apps_new (service_loop (service),
                             &(apps_config_t){ .reader = service_kind (service)->apps_reader,
                                               .file = config->file,
                                               .app_id = config->app_id,
                                               .bot_url = bot_url,
                                               .bot_key = bot_key,
                                               .bot_name = config->bot_name,
                                               .text_limit = config->text_limit,
                                               .out = service_apps_out (service_kind (service)) },
                             &complaint);
    if (!apps) {
        log_fatal ("no apps", log_text ("complaint", buffer_text (&complaint)));
        service_fail (service, EX_CONFIG);
    }
    buffer_free (&complaint);
    return apps;
}

app_out_urls_t
service_apps_out (const service_kind_t *kind)
{
    return (app_out_urls_t){ kind->out_url_mistake, kind->config };
}

//  What the process may send to stands in its settings, as they are here.
static int
s_check (const service_kind_t *kind, const char *file, buffer_t *complaint, buffer_t *warnings)
{
    app_out_urls_t out = service_apps_out (kind);
    if (!out.mistake)
        return apps_check (file, kind->apps_reader, NULL, complaint, warnings);
    int count = settings_read (kind->settings, kind->config, complaint) == 0
                    ? apps_check (file, kind->apps_reader, &out, complaint, warnings)
                    : -1;
    settings_free (kind->settings, kind->config);
    return count;
}

int
service_apps_check (const service_kind_t *kind, const char *file)
{
    buffer_t complaint, warnings;
    buffer_init (&complaint, COMPLAINT_MOST);
    buffer_init (&warnings, COMPLAINT_MOST);
    int count = s_check (kind, file, &complaint, &warnings);
    fprintf (stderr, "%.*s", TEXT_ARGS (buffer_text (&warnings)));
    if (count < 0)
        fprintf (stderr, "%s: %.*s\n", file, TEXT_ARGS (buffer_text (&complaint)));
    else
        printf ("%s: %d app%s, no mistake\n", file, count, count == 1 ? "" : "s");
    buffer_free (&complaint);
    buffer_free (&warnings);
    return count < 0 ? EX_CONFIG : fflush (stdout) == 0 ? EX_OK : EX_IOERR;
}

int
service_apps_schema (const service_kind_t *kind, buffer_t *to)
{
    (void) kind;
    return json_table_schema (&app_rows_table, "The apps of a Stentor Chat Router", to) == 0
               ? buffer_put_string (to, "\n")
               : -1;
}

int
service_apps_markdown (const service_kind_t *kind, buffer_t *to)
{
    (void) kind;
    return json_table_markdown (&app_rows_table, app_reader_names, to);
}
