//  delivery_report — what came of an attempt at a delivery, as the database takes it: of what a
//  worker said, only what can be stored, and within its limits. One report that the database
//  refuses would keep back all others.

#ifndef DELIVERY_REPORT_H
#define DELIVERY_REPORT_H

#include "bus/bus_record.h"
#include "store/work_store.h"

//  What the worker said; item, topic and attempt are left empty. The caller frees it. `offers`: how
//  often the item was handed out in this attempt; others have said nothing.
work_report_t *delivery_report_of (const bus_done_t *done, uint64_t offers);
//  Does it count although a later attempt has begun? Its postoffice was lost while the worker went
//  on: what is done is done, and the later one need not be.
bool delivery_report_is_good_late (const bus_done_t *done);
//  What the postoffice says itself; `lost`: as in work_report_t.
work_report_t *delivery_report_new (work_state_t state, uint64_t after_ms, int64_t lost,
                                    text_t detail);

//  As much of the text as the database takes.
text_t delivery_report_storable (text_t text, size_t most);

#endif
