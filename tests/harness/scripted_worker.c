//  scripted_worker — see scripted_worker.h.

#include "scripted_worker.h"

#include "base/alloc.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static const scripted_worker_kind_t *s_kind;

void
scripted_worker_tell (scripted_worker_t *self, text_t line)
{
    char end[] = "\n";
    struct iovec parts[] = { { (char *) line.data, line.size }, { end, 1 } };
    if (writev (self->file, parts, 2) != (ssize_t) line.size + 1) {
        log_fatal ("the file cannot be written", log_string ("error", strerror (errno)));
        service_fail (self->service, 69);
    }
}

static void
s_stop (void **state_p)
{
    scripted_worker_t *self = *state_p;
    *state_p = NULL;
    worker_destroy (&self->worker);
    if (self->file >= 0)
        close (self->file);
    free (self);
}

static void *
s_start (service_t *service, const void *of_service)
{
    const scripted_worker_config_t *config = of_service;
    const char *hyphen = strrchr (service_node_name (service), '-');
    worker_kind_t kind = s_kind->worker;
    kind.credit = config->credit;
    scripted_worker_t *self = alloc_zeroed (sizeof *self);
    self->service = service;
    self->config = config;
    self->number = hyphen ? (unsigned) strtoul (hyphen + 1, NULL, 10) : 0;
    self->file = open (config->tells, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (self->file >= 0)
        self->worker = service_worker_new (service, &config->bus, &kind, self);
    else
        log_fatal ("the file cannot be opened", log_string ("error", strerror (errno)));
    if (!self->worker) {
        void *state = self;
        s_stop (&state);
        return NULL;
    }
    return self;
}

static void
s_drain (void *state)
{
    worker_drain (((scripted_worker_t *) state)->worker);
}

int
scripted_worker_main (int argc, char **argv, const scripted_worker_kind_t *kind)
{
    s_kind = kind;
    return service_main (argc, argv, &(service_kind_t){ .name = kind->name,
                                                        .about = kind->about,
                                                        .settings = kind->settings,
                                                        .config = kind->config,
                                                        .start = s_start,
                                                        .drain = s_drain,
                                                        .stop = s_stop });
}
