#include "fake_work_store.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST 100

struct work_store {
    work_store_events_t events;
    void *owner;
};

static work_store_t s_store;
static work_store_t s_other; //  of a second office: always away
static bool s_is_up, s_is_taking, s_is_known;
static uint64_t s_take_ms;
static work_wish_t s_wishes[MOST];
static size_t s_wish_count;
static char s_items[MOST][200];
static work_report_t s_reports[MOST];
static size_t s_item_count;
//  What appends have made.
typedef struct {
    store_work_t work;
    char *texts; //  its own
    bool is_over;
} made_t;
static made_t s_made[MOST];
static size_t s_made_count;

bool
fake_work_put (text_t session, const store_work_t *work)
{
    assert (s_made_count < MOST && session.size > 0);
    bool is_free = true;
    for (size_t at = 0; at < s_made_count; at++) {
        assert (!text_is (s_made[at].work.item, work->item));
        is_free = is_free && (s_made[at].is_over || !text_is (s_made[at].work.lane, work->lane));
    }
    text_t texts[] = { work->item, work->topic, work->lane, work->user, work->body };
    made_t *made = &s_made[s_made_count++];
    made->texts = alloc_packed (0, texts, sizeof texts / sizeof *texts);
    made->is_over = false;
    made->work = (store_work_t){ .item = texts[0],
                                 .kind = work->kind,
                                 .topic = texts[1],
                                 .lane = texts[2],
                                 .seq = work->seq,
                                 .user = texts[3],
                                 .body = texts[4],
                                 .is_leased = work->is_leased && is_free };
    return made->work.is_leased == work->is_leased;
}

const store_work_t *
fake_work_made (size_t at)
{
    return at < s_made_count ? &s_made[at].work : NULL;
}

void
fake_work_all_done (void)
{
    for (size_t at = 0; at < s_made_count; at++)
        s_made[at].is_over = true;
}

work_store_t *
work_store_new (uv_loop_t *loop, const store_config_t *config, uint64_t kept_ms,
                const work_store_events_t *events, void *owner)
{
    (void) loop, (void) config, (void) kept_ms;
    if (s_store.owner)
        return &s_other;
    s_store = (work_store_t){ *events, owner };
    s_is_up = true;
    s_is_taking = false;
    s_take_ms = 0;
    s_item_count = 0;
    return &s_store;
}

void
work_store_open (work_store_t *self)
{
    (void) self;
}

void
work_store_destroy (work_store_t **self_p)
{
    bool is_other = *self_p == &s_other;
    *self_p = NULL;
    if (is_other)
        return;
    s_store.owner = NULL;
    while (s_made_count > 0)
        free (s_made[--s_made_count].texts);
}

void
fake_work_is_up (bool is_up)
{
    s_is_up = is_up;
    if (!is_up)
        s_store.events.down (s_store.owner);
}

bool
work_store_is_up (const work_store_t *self)
{
    return self == &s_store && s_is_up;
}

int
work_store_take (work_store_t *self, const work_wish_t *wishes, size_t count,
                 const work_paces_t *paces)
{
    (void) paces;
    assert (count < MOST);
    if (self == &s_other || !s_is_up || s_is_taking)
        return -1;
    s_is_taking = true;
    memcpy (s_wishes, wishes, count * sizeof *wishes);
    s_wish_count = count;
    return 0;
}

bool
fake_work_is_taking (void)
{
    return s_is_taking;
}

uint64_t
fake_work_wish (const char *topic)
{
    for (size_t at = 0; s_is_taking && at < s_wish_count; at++)
        if (text_is (s_wishes[at].topic, text_of (topic)))
            return s_wishes[at].most;
    return 0;
}

void
fake_work_takes_last (uint64_t ms)
{
    s_take_ms = ms;
}

void
fake_work_taken (const work_taken_t *items, size_t count)
{
    assert (s_is_taking);
    s_is_taking = false;
    s_store.events.taken (s_store.owner, items, count, s_take_ms);
}

int
work_store_finish (work_store_t *self, const work_report_t *reports, size_t count)
{
    if (self == &s_other || !s_is_up)
        return -1;
    for (size_t at = 0; at < count; at++) {
        assert (s_item_count < MOST);
        s_reports[s_item_count] = reports[at];
        snprintf (s_items[s_item_count++], sizeof *s_items, "%.*s", TEXT_ARGS (reports[at].item));
    }
    return 0;
}

size_t
fake_work_reports (void)
{
    return s_item_count;
}

const work_report_t *
fake_work_report (size_t at)
{
    assert (at < s_item_count);
    return &s_reports[at];
}

void
fake_work_finished (void)
{
    size_t count = s_item_count;
    s_item_count = 0;
    char items[MOST][200];
    memcpy (items, s_items, sizeof items);
    for (size_t at = 0; at < count; at++)
        s_store.events.finished (s_store.owner, text_of (items[at]), true);
}

static void
s_compare (void *item, text_t known)
{
    s_is_known = s_is_known || text_is (known, text_of (item));
}

bool
fake_work_is_known (const char *item)
{
    char name[200];
    snprintf (name, sizeof name, "%s", item);
    s_is_known = false;
    s_store.events.known (s_store.owner, name, s_compare);
    assert (s_is_known == s_store.events.knows (s_store.owner, text_of (item)));
    return s_is_known;
}
