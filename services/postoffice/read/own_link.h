//  own_link — a link to the database for one of a postoffice's duties alone: what is asked by it
//  waits for nobody else's answers. What was under way is answered when it is lost.

#ifndef OWN_LINK_H
#define OWN_LINK_H

#include "pg/pg_link.h"
#include "store/store_model.h"

//  `name` says in the log what it is for. The statements are borrowed; pg_link_open follows.
pg_link_t *own_link_new (uv_loop_t *loop, const store_config_t *config, const char *name,
                         const pg_statement_t *statements, size_t statement_count, void *owner);

#endif
