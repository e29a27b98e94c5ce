//  fake_work_store — work_store.h for tests of what stands on it: a table work_item that a test
//  plays. There is one of it.

#ifndef FAKE_WORK_STORE_H
#define FAKE_WORK_STORE_H

#include "store/work_store.h"

//  An append makes the delivery: true when it is leased as asked, false when it is ready, as an
//  earlier one of its lane is open.
bool fake_work_put (text_t session, const store_work_t *work);
//  What appends have made, in their order; NULL when there is no such one. And all of it is done.
const store_work_t *fake_work_made (size_t at);
void fake_work_all_done (void);

//  The database is away, or back.
void fake_work_is_up (bool is_up);

//  Is a take under way? How many of this topic does it want at most?
bool fake_work_is_taking (void);
uint64_t fake_work_wish (const char *topic);
//  How long the database has takes from now on.
void fake_work_takes_last (uint64_t ms);
//  Answers it. NULL: nothing is known of it.
void fake_work_taken (const work_taken_t *items, size_t count);

//  Reports that are not answered.
size_t fake_work_reports (void);
//  One of them, in their order; its texts live until it is answered.
const work_report_t *fake_work_report (size_t at);
//  Answers all of them: each counts.
void fake_work_finished (void);

//  Would a release leave the item alone?
bool fake_work_is_known (const char *item);

#endif
