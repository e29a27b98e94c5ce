#include "process/service_apps.h"

#include "base/buffer.h"

#include <sysexits.h>

#define COMPLAINT_MOST 4096

apps_t *
service_apps_new (service_t *service, const service_apps_config_t *config, const char *bot_url,
                  const char *bot_key)
{
    buffer_t complaint;
    buffer_init (&complaint, COMPLAINT_MOST);
    apps_t *apps = apps_new (service_loop (service),
                             &(apps_config_t){ .file = config->file,
                                               .app_id = config->app_id,
                                               .bot_url = bot_url,
                                               .bot_key = bot_key,
                                               .bot_name = config->bot_name,
                                               .text_limit = config->text_limit },
                             &complaint);
    if (!apps) {
        log_fatal ("no apps", log_text ("complaint", buffer_text (&complaint)));
        service_fail (service, EX_CONFIG);
    }
    buffer_free (&complaint);
    return apps;
}
