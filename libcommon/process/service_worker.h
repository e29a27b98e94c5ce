//  service_worker — a worker as a service has it: on the service's loop, under its node's name,
//  with its readiness ("postoffice") and its drain.

#ifndef SERVICE_WORKER_H
#define SERVICE_WORKER_H

#include "process/service.h"
#include "worker/worker.h"

//  NULL when the bus cannot be used: logged, and the service will end with EX_CONFIG. The service's
//  own `drain` calls worker_drain, and its `stop` worker_destroy.
worker_t *service_worker_new (service_t *service, const bus_settings_t *bus,
                              const worker_kind_t *kind, void *owner);

#endif
