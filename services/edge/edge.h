//  edge — holds the sockets of clients and knows no rules: it says who really sent something,
//  checks its shape and size, hands it to the session's postoffice, and writes what comes back to
//  the right sockets. It also serves the pages.

#ifndef EDGE_H
#define EDGE_H

#include "process/service.h"

extern const service_kind_t edge_service;

#endif
