//  ports — TCP ports on 127.0.0.1 that nobody listens on.
//
//  They are taken from below the kernel's own range, so that no outgoing connection takes one
//  between the look and the use; tests that run at the same time begin at different places.

#ifndef PORTS_H
#define PORTS_H

#include <stdbool.h>
#include <stdint.h>

//  A port that could be bound just now and that this process was not given before.
uint16_t ports_free (void);
//  True when somebody accepts connections there.
bool ports_answers (uint16_t port);

#endif
