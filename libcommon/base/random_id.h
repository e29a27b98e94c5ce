//  random_id — ids that nobody can guess, and that no two processes make twice.

#ifndef RANDOM_ID_H
#define RANDOM_ID_H

#include <stdint.h>

//  32 hexadecimal digits (128 bits from the kernel's generator) and a NUL.
typedef struct {
    char text[33];
} random_id_t;

random_id_t random_id_new (void);

//  A random number for incarnations, jitter and first request_ids.
uint64_t random_id_number (void);

#endif
