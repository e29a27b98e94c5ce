#include "conversation/open_conversations.h"

#include "base/hash_table.h"
#include "base/list.h"
#include "platform/genesys_metrics.h"

#include <stdlib.h>

#define BESIDE_MS 60000 //  a look may come so much later than it was to

typedef struct {
    list_t link; //  in `all`
    char *key;   //  app, NUL, session
    text_t app;  //  in the key
    uint64_t until_ms;
    bool is_waiting;
    UT_hash_handle hh;
} row_t;

typedef struct {
    char *app;
    uint64_t count;
    UT_hash_handle hh;
} count_t;

struct open_conversations {
    list_t all;
    row_t *rows;
    count_t *counts; //  by app
};

open_conversations_t *
open_conversations_new (void)
{
    open_conversations_t *self = alloc_zeroed (sizeof *self);
    list_init (&self->all);
    return self;
}

static void
s_count (open_conversations_t *self, const row_t *row, int64_t change)
{
    count_t *count;
    genesys_metrics_t *metrics = genesys_metrics_of (row->app);
    metrics->counts[GENESYS_OPEN] += change;
    metrics->counts[GENESYS_WAITING] += row->is_waiting ? change : 0;
    HASH_FIND (hh, self->counts, row->app.data, row->app.size, count);
    if (!count) {
        count = alloc_zeroed (sizeof *count);
        count->app = alloc_text (row->app);
        HASH_ADD_KEYPTR (hh, self->counts, count->app, row->app.size, count);
    }
    count->count += (uint64_t) change;
    if (count->count > 0)
        return;
    HASH_DEL (self->counts, count);
    free (count->app);
    free (count);
}

static void
s_drop (open_conversations_t *self, row_t *row)
{
    s_count (self, row, -1);
    list_remove (&row->link);
    HASH_DEL (self->rows, row);
    free (row->key);
    free (row);
}

void
open_conversations_destroy (open_conversations_t **self_p)
{
    open_conversations_t *self = *self_p;
    *self_p = NULL;
    for (list_t *link; (link = list_first (&self->all));)
        s_drop (self, LIST_THING (link, row_t, link));
    free (self);
}

//  To be freed.
static char *
s_key (text_t app, text_t session, size_t *size)
{
    char *key = alloc_zeroed (app.size + session.size + 2);
    memcpy (key, app.data, app.size);
    memcpy (key + app.size + 1, session.data, session.size);
    *size = app.size + 1 + session.size;
    return key;
}

static row_t *
s_find (open_conversations_t *self, const char *key, size_t size)
{
    row_t *row;
    HASH_FIND (hh, self->rows, key, size, row);
    return row;
}

void
open_conversations_sweep (open_conversations_t *self, uint64_t now_ms)
{
    for (list_t *link = self->all.next; link != &self->all;) {
        row_t *row = LIST_THING (link, row_t, link);
        link = link->next;
        if (row->until_ms < now_ms)
            s_drop (self, row);
    }
}

void
open_conversations_note (open_conversations_t *self, text_t app, text_t session, bool is_waiting,
                         uint64_t now_ms, uint64_t pause_ms)
{
    size_t size;
    char *key = s_key (app, session, &size);
    row_t *row = s_find (self, key, size);
    if (row) {
        free (key);
        s_count (self, row, -1);
    } else {
        row = alloc_zeroed (sizeof *row);
        row->key = key;
        row->app = (text_t){ key, app.size };
        list_init (&row->link);
        HASH_ADD_KEYPTR (hh, self->rows, row->key, size, row);
    }
    row->is_waiting = is_waiting;
    row->until_ms = now_ms + 2 * pause_ms + BESIDE_MS;
    list_append (&self->all, &row->link);
    s_count (self, row, 1);
}

void
open_conversations_forget (open_conversations_t *self, text_t app, text_t session)
{
    size_t size;
    char *key = s_key (app, session, &size);
    row_t *row = s_find (self, key, size);
    free (key);
    if (row)
        s_drop (self, row);
}

uint64_t
open_conversations_count (const open_conversations_t *self, text_t app)
{
    count_t *count;
    HASH_FIND (hh, self->counts, app.data, app.size, count);
    return count ? count->count : 0;
}
