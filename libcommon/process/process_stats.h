//  process — what /metrics says about the process itself: version, start, CPU, memory, descriptors.

#ifndef PROCESS_H
#define PROCESS_H

#include "base/buffer.h"

//  Names the service; its start is the time of this call. The name must live as long as the
//  process does.
void process_start (const char *service);

//  Of CMakeLists.txt, such as "0.2.0".
const char *process_version (void);
//  The commit that it was built from (STENTOR_REVISION); "unknown" when the build was not told.
const char *process_revision (void);

//  In Prometheus' text form, to stand behind the counters. Returns 0; −1 when the buffer is full.
__attribute__ ((warn_unused_result)) int process_print (buffer_t *to);

#endif
