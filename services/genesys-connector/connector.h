//  genesys-connector — the worker of topic `platform.genesys`: makes sessions whose control is
//  offered to Genesys Cloud conversations of it, and gives them back (docs/genesys.md).
//
//  It knows no session beyond the items in hand and keeps nothing on disk: the postoffices own the
//  schedule and remember what an item or a lane needs (docs/work-items.md). Any number of them may
//  run.
//
//  Rooms: `platform` is the API of Genesys Cloud (login, budget, calls, people), `conversation`
//  what becomes of an item.

#ifndef CONNECTOR_H
#define CONNECTOR_H

#include "process/service.h"

extern const service_kind_t connector_service;

#endif
