//  identity — ids that nobody can guess, and that no two processes make twice.

#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdint.h>

//  32 hexadecimal digits (128 bits from the kernel's generator) and a NUL.
typedef struct {
    char text[33];
} identity_t;

identity_t identity_new (void);

//  A random number for incarnations, jitter and first tickets.
uint64_t identity_number (void);

#endif
