//  channel-worker — stands for what sends SMS and webhooks: it takes topics `sms.out` and
//  `webhook.out`, tells the body of each item, a line each, and has sent it.

#include "scripted_worker.h"

static const setting_t s_settings[] = { SCRIPTED_WORKER_SETTINGS, SETTINGS_END };

static void
s_start_attempt (void *owner, worker_item_t *item)
{
    scripted_worker_tell (owner, worker_item_view (item)->work.body);
    worker_item_done (item, &(worker_report_t){ .outcome = WORKER_ANSWERED });
}

//  None is under way.
static void
s_cancel (void *owner, worker_item_t *item)
{
    (void) owner;
    (void) item;
}

int
main (int argc, char **argv)
{
    static scripted_worker_config_t config;
    static const scripted_worker_kind_t kind = { .name = "channel-worker",
                                                 .about = "sends what it is given nowhere",
                                                 .settings = s_settings,
                                                 .config = &config,
                                                 .worker = { .topics = "sms.out webhook.out",
                                                             .attempt_ms = 10000,
                                                             .overdue = { .outcome = WORKER_RETRY },
                                                             .start = s_start_attempt,
                                                             .cancel = s_cancel } };
    return scripted_worker_main (argc, argv, &kind);
}
