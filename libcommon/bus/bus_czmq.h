//  bus_czmq — czmq.h without the words of syslog.h that it brings along, which are ours in log.h.

#ifndef BUS_CZMQ_H
#define BUS_CZMQ_H

#include <czmq.h>

#undef LOG_DEBUG
#undef LOG_INFO

//  Before anything else of czmq: the process has its own way of ending on a signal, czmq prints
//  nothing between the lines of our log, and no variable of the environment changes its defaults.
//  Safe to call again. The first call is before the process has threads.
void bus_czmq_start (void);

#endif
