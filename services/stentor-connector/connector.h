//  stentor-connector — the worker of topic `bot.stentor`: takes calls from the postoffices, puts
//  them to the apps' Stentor bots over HTTP, and says what came of it. It knows no session beyond
//  the call in hand and keeps nothing on disk: a call that dies with it is handed to another.

#ifndef CONNECTOR_H
#define CONNECTOR_H

#include "process/service.h"

extern const service_kind_t connector_service;

#endif
