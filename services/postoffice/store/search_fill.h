//  search_fill — brings what is said, and who visitors are, from the log into the table that is
//  searched, behind the commits: over a database link of its own, so that no message waits for it.
//
//  One postoffice does it at a time: the one whose link holds an advisory lock. The others ask for
//  the lock from time to time; it is free when that link is gone. Where the task is stands in the
//  database: who has the lock goes on from there, and nothing is left out or comes twice.
//
//      asking for the lock ──► what is new, piece by piece ──► what was there before, in pieces
//        ▲ └─ not had: later     ▲  every search_every_ms        │  (once, after an upgrade)
//        └── the link is lost    └──────────────────────────────┘
//
//  A piece is one transaction of up to some thousand entries, and the pause behind it is so long
//  that pieces take search_share percent of the time at most, on a busy system as on an idle one.
//  What that is too little for waits, and the metrics say so; while more than twice as much is
//  said, it is a fifth of the share, for the messages' sake. How new entries are found: search.sql,
//  fill_search; why it is so: docs/decisions/search.md.

#ifndef SEARCH_FILL_H
#define SEARCH_FILL_H

#include "store/store_model.h"

#include <uv.h>

typedef struct search_fill search_fill_t;

//  Not with a share of 0: the search is switched off then.
search_fill_t *search_fill_new (uv_loop_t *loop, const store_config_t *config);
//  The schema is the right one now; safe to call again.
void search_fill_open (search_fill_t *self);
//  NULL is nothing to do.
void search_fill_destroy (search_fill_t **self_p);

//  The percent of the time that is for pieces now: a part of the share (1 to 100) when more than
//  twice as many entries were said in a time as the share carries in it; never 0.
uint64_t search_fill_share (uint64_t share, uint64_t said, uint64_t carried);
//  How long to wait behind a piece that took so long, of which percent of the time is for pieces;
//  1 to 100.
uint64_t search_fill_pause_ms (uint64_t took_ms, uint64_t share);

#endif
