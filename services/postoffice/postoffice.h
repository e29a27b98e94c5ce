//  postoffice — the service: its settings, its parts, and which record goes to which of them.

#ifndef POSTOFFICE_H
#define POSTOFFICE_H

#include "process/service.h"

extern const service_kind_t postoffice_service;

#endif
