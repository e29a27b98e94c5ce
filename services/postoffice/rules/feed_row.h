//  feed_row — a session as one row of the feed (docs/api.md): as a list has it (lists.sql).

#ifndef FEED_ROW_H
#define FEED_ROW_H

#include "base/buffer.h"
#include "rules/fold.h"

//  Participants in a row; `presentCount` counts all.
#define FEED_PARTICIPANTS_MOST 50
#define FEED_ROW_MAX (256 * 1024)

//  Appends the row, JSON, of a session that exists. Returns 0; −1 when the buffer is full.
__attribute__ ((warn_unused_result)) int feed_row_write (const fold_t *fold, buffer_t *to);

#endif
