#include "process/service_worker.h"

#include <sysexits.h>

static void
s_ready (void *process, bool is_ready)
{
    operations_ready (service_operations (process), "postoffice", is_ready);
}

static void
s_drained (void *process)
{
    service_drained (process);
}

worker_t *
service_worker_new (service_t *service, const bus_settings_t *bus, const worker_kind_t *kind,
                    void *owner)
{
    worker_host_t host = { .loop = service_loop (service),
                           .node = service_node_name (service),
                           .bus = bus,
                           .ready = s_ready,
                           .drained = s_drained,
                           .process = service };
    worker_t *worker = worker_new (&host, kind, owner);
    if (!worker)
        service_fail (service, EX_CONFIG);
    return worker;
}
