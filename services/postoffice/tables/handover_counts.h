//  handover_counts — what is counted of who answers: how offers end, why visitors are given
//  back, and for how long nobody answered. Of what was committed only, by whoever committed it.

#ifndef HANDOVER_COUNTS_H
#define HANDOVER_COUNTS_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

void handover_counts_register (void);

//  An entry of the log; others than OFFER_ENDED and BARGE_OUT count for nothing. `data` is JSON
//  that the router wrote.
void handover_counts_entry (uint64_t event, text_t data);
//  A visitor had waited for so long, with nobody who answers, until a person (or a platform) did,
//  or the bot again.
void handover_counts_waited (uint64_t waited_us, bool by_person);

#endif
