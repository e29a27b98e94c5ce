#include "read/own_link.h"

#include "store/store_metrics.h"

static void
s_on_up (void *owner, bool is_direct)
{
    (void) owner, (void) is_direct;
    store_metrics_link (true);
}

static void
s_on_down (void *owner)
{
    (void) owner;
    store_metrics_link (false);
}

pg_link_t *
own_link_new (uv_loop_t *loop, const store_config_t *config, const char *name,
              const pg_statement_t *statements, size_t statement_count, void *owner)
{
    pg_link_config_t link = { .url = config->url,
                              .name = name,
                              .node = config->node,
                              .statements = statements,
                              .statement_count = statement_count,
                              .answer_ms = config->answer_ms };
    return pg_link_new (loop, &link, &(pg_link_events_t){ .up = s_on_up, .down = s_on_down },
                        owner);
}
