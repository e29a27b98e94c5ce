//  stentor-connector — the worker of topic `bot.stentor`: takes turns from the postoffices, puts
//  them to the apps' Stentor bots over HTTP, and says what came of it. It knows no session beyond
//  the turn in hand and keeps nothing on disk: a turn that dies with it is handed to another.

#ifndef CONNECTOR_H
#define CONNECTOR_H

#include "service/service.h"

extern const service_kind_t connector_service;

#endif
