//  search_fill — brings what is said, and who visitors are, from the log into the table that is
//  searched, behind the commits: over a database link of its own, so that no message waits for it.
//
//  One postoffice does it at a time: the one whose link holds an advisory lock. The others ask for
//  the lock from time to time; it is free when that link is gone. Where the task is stands in the
//  database: who has the lock goes on from there, and nothing is left out or comes twice.
//
//      asking for the lock ──► what is new, piece by piece ──► what was there before, in pieces
//        ▲ └─ not had: later     ▲  every FILL_EVERY_MS          │  (once, after an upgrade)
//        └── the link is lost    └──────────────────────────────┘
//
//  A piece is one transaction of some thousand entries, and the pause behind it is longer than the
//  piece was. How new entries are found: search.sql, fill_search; why it is so:
//  docs/decisions/search.md.

#ifndef SEARCH_FILL_H
#define SEARCH_FILL_H

#include "store/store_model.h"

#include <uv.h>

typedef struct search_fill search_fill_t;

search_fill_t *search_fill_new (uv_loop_t *loop, const store_config_t *config);
//  The schema is the right one now; safe to call again.
void search_fill_open (search_fill_t *self);
void search_fill_destroy (search_fill_t **self_p);

#endif
