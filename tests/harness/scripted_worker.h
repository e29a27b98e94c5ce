//  scripted_worker — the frame of a program that takes work in a test: a connector like others (it
//  stands on libcommon/worker), whose outside system is a file that it appends to. Not a part of
//  the harness: the program links it, and not the test.

#ifndef SCRIPTED_WORKER_H
#define SCRIPTED_WORKER_H

#include "process/service_worker.h"

//  The config struct of such a program begins with this.
typedef struct {
    service_config_t common;
    bus_settings_t bus;
    char *tells;
    uint64_t credit;
} scripted_worker_config_t;

#define SCRIPTED_WORKER_SETTINGS                                                                 \
    SERVICE_SETTINGS (scripted_worker_config_t, "0"),                                            \
        BUS_NODE_SETTINGS (scripted_worker_config_t),                                            \
        SETTING ("WORKER_TELLS", SETTING_TEXT, scripted_worker_config_t, tells, NULL, 0, 0,      \
                 "file that it tells what it does"),                                             \
        SETTING ("WORKER_CREDIT", SETTING_NUMBER, scripted_worker_config_t, credit, "50", 1,     \
                 1000, "items in hand at most")

//  Owner of the attempts: what the worker's `start` and `cancel` get.
typedef struct {
    service_t *service;
    const void *config;
    worker_t *worker;
    int file;
    unsigned number; //  behind the last hyphen of its node's name
} scripted_worker_t;

typedef struct {
    const char *name;
    const char *about;
    const setting_t *settings; //  SCRIPTED_WORKER_SETTINGS and its own
    void *config;              //  zeroed memory
    worker_kind_t worker;      //  its credit is the setting
} scripted_worker_kind_t;

//  What `main` returns. One of it in a process.
int scripted_worker_main (int argc, char **argv, const scripted_worker_kind_t *kind);

//  Appends the line and its end, at once: half a line would look like one of a worker that invents
//  things, and ends the service.
void scripted_worker_tell (scripted_worker_t *self, text_t line);

#endif
