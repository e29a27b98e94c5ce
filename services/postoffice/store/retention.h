//  retention — drops sessions in which nothing has happened for the time of their app (its
//  `retention`, else SESSIONS_KEPT), and the log's partitions of days of which no session is left,
//  over a database link of its own: neither a commit nor a beat ever stands behind it. Between the
//  pieces it carries out what is ordered in the table `erasure`: a visitor's data are deleted.
//
//  One postoffice does it at a time: the one whose link holds an advisory lock. The others ask for
//  the lock from time to time; it is free when that link is gone.
//
//      asking for the lock ──► dropping sessions, piece by piece ──► days, one by one ──► resting
//        ▲ └─ not had: later     ▲                                                          │
//        └── the link is lost    └──────────────────────────────────────────────────────────┘
//                        and a piece of what is to be erased whenever one is due
//
//  A piece is one transaction of some hundred sessions. The pause behind it is several times as
//  long as it took, so that a busy database is asked for less. What is refused (a lock that was not
//  had in time) is counted, and tried again after a rest. Which sessions are old enough, and what
//  goes with them: retention.sql; why it is so: docs/decisions/retention.md. How a visitor's data
//  are erased: erasure.sql.

#ifndef RETENTION_H
#define RETENTION_H

#include "store/store_model.h"

#include <uv.h>

typedef struct retention retention_t;

retention_t *retention_new (uv_loop_t *loop, const store_config_t *config);
//  The schema is the right one now; safe to call again.
void retention_open (retention_t *self);
void retention_destroy (retention_t **self_p);

#endif
