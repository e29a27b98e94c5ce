//  strays — what a client sends that nobody here is ever told of: the socket library answers pings
//  and swallows empty fragments by itself. The kernel knows how much there was, so it is asked, a
//  few connections at each tick in turn, and what was not passed on counts at the client's pace, a
//  frame for every 128 bytes (the largest ping). Whoever floods is not read for a while.

#ifndef STRAYS_H
#define STRAYS_H

#include "relay.h"

void strays_tick (relay_t *relay);

#endif
