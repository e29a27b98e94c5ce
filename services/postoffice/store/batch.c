#include "store/batch.h"

#include <assert.h>
#include <stdlib.h>

batch_t *
batch_new (size_t room)
{
    batch_t *self = calloc (1, sizeof *self);
    assert (self);
    self->groups = calloc (room, sizeof *self->groups);
    assert (self->groups);
    self->room = room;
    return self;
}

void
batch_destroy (batch_t **self_p)
{
    batch_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    for (size_t at = 0; at < self->count; at++) {
        while (!list_is_empty (&self->groups[at].chunks)) {
            chunk_t *chunk = LIST_THING (list_first (&self->groups[at].chunks), chunk_t, place);
            chunk_destroy (&chunk);
        }
    }
    free (self->groups);
    free (self);
}

static bool
s_has_day (const batch_t *self, uint64_t day)
{
    for (size_t at = 0; at < self->day_count; at++)
        if (self->days[at] == day)
            return true;
    return false;
}

bool
batch_takes (const batch_t *self, uint64_t day)
{
    return self->count < self->room && self->bytes < BATCH_BYTES
           && (self->day_count < BATCH_DAYS || s_has_day (self, day));
}

void
batch_add (batch_t *self, list_t *lane, size_t most)
{
    chunk_t *last = LIST_THING (list_first (lane), chunk_t, place);
    batch_group_t *group = &self->groups[self->count++];
    list_init (&group->chunks);
    group->session = last->copy.session;
    group->day = chunk_day (last);
    if (!s_has_day (self, group->day))
        self->days[self->day_count++] = group->day;
    size_t taken = 0;
    do {
        list_append (&group->chunks, &last->place);
        list_remove (&last->age.link);
        taken++;
        self->bytes += last->size;
        chunk_t *next =
            list_is_empty (lane) ? NULL : LIST_THING (list_first (lane), chunk_t, place);
        if (!next || taken >= most || self->bytes >= BATCH_BYTES || !chunk_continues (last, next))
            break;
        last = next;
    } while (true);
    self->chunks += taken;
}

static int
s_compare_texts (text_t left, text_t right)
{
    size_t common = left.size < right.size ? left.size : right.size;
    int order = memcmp (left.data, right.data, common);
    if (order != 0)
        return order;
    return left.size < right.size ? -1 : left.size > right.size;
}

static int
s_compare_days (const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *) left;
    uint64_t b = *(const uint64_t *) right;
    return a < b ? -1 : a > b;
}

static int
s_compare_groups (const void *left, const void *right)
{
    const batch_group_t *a = left;
    const batch_group_t *b = right;
    int order = s_compare_days (&a->day, &b->day);
    return order != 0 ? order : s_compare_texts (a->session, b->session);
}

//  List heads point at themselves: they cannot be moved like plain bytes.
static void
s_reattach (list_t *head, list_t *first, list_t *last)
{
    head->next = first;
    head->previous = last;
    first->previous = head;
    last->next = head;
}

void
batch_sort (batch_t *self)
{
    qsort (self->groups, self->count, sizeof *self->groups, s_compare_groups);
    for (size_t at = 0; at < self->count; at++) {
        list_t *head = &self->groups[at].chunks;
        s_reattach (head, head->next, head->previous);
    }
    qsort (self->days, self->day_count, sizeof *self->days, s_compare_days);
}

// ---------------------------------------------------------------------------------------------
//  Writing the parameters, in the order of append_batch's

typedef struct {
    pg_value_t *session, *seq, *message, *event, *time, *role, *user, *sender, *data, *hidden;
} entry_columns_t;

typedef struct {
    pg_value_t *c_session, *c_before;
    pg_value_t *o_session, *o_app, *o_visitor;
    entry_columns_t entries;
    pg_value_t *p_session, *p_app, *p_role, *p_user, *p_sender, *p_present;
    pg_value_t *k_session, *k_role, *k_user;
    pg_value_t *w_session, *w_item, *w_topic, *w_seq, *w_user, *w_body, *w_secret;
    pg_value_t *f_session, *f_item, *f_state, *f_detail;
    pg_value_t *t_session;
} columns_t;

static entry_columns_t
s_entry_columns (pg_values_t *values)
{
    entry_columns_t to;
    to.session = pg_values_array (values, PG_TEXT);
    to.seq = pg_values_array (values, PG_NUMBER);
    to.message = pg_values_array (values, PG_TEXT);
    to.event = pg_values_array (values, PG_SMALL);
    to.time = pg_values_array (values, PG_NUMBER);
    to.role = pg_values_array (values, PG_SMALL);
    to.user = pg_values_array (values, PG_TEXT);
    to.sender = pg_values_array (values, PG_TEXT);
    to.data = pg_values_array (values, PG_TEXT);
    to.hidden = pg_values_array (values, PG_BOOL);
    return to;
}

static columns_t
s_columns (pg_values_t *values)
{
    columns_t to;
    to.c_session = pg_values_array (values, PG_TEXT);
    to.c_before = pg_values_array (values, PG_NUMBER);
    to.o_session = pg_values_array (values, PG_TEXT);
    to.o_app = pg_values_array (values, PG_TEXT);
    to.o_visitor = pg_values_array (values, PG_TEXT);
    to.entries = s_entry_columns (values);
    to.p_session = pg_values_array (values, PG_TEXT);
    to.p_app = pg_values_array (values, PG_TEXT);
    to.p_role = pg_values_array (values, PG_SMALL);
    to.p_user = pg_values_array (values, PG_TEXT);
    to.p_sender = pg_values_array (values, PG_TEXT);
    to.p_present = pg_values_array (values, PG_BOOL);
    to.k_session = pg_values_array (values, PG_TEXT);
    to.k_role = pg_values_array (values, PG_SMALL);
    to.k_user = pg_values_array (values, PG_TEXT);
    to.w_session = pg_values_array (values, PG_TEXT);
    to.w_item = pg_values_array (values, PG_TEXT);
    to.w_topic = pg_values_array (values, PG_TEXT);
    to.w_seq = pg_values_array (values, PG_NUMBER);
    to.w_user = pg_values_array (values, PG_TEXT);
    to.w_body = pg_values_array (values, PG_TEXT);
    to.w_secret = pg_values_array (values, PG_TEXT);
    to.f_session = pg_values_array (values, PG_TEXT);
    to.f_item = pg_values_array (values, PG_TEXT);
    to.f_state = pg_values_array (values, PG_SMALL);
    to.f_detail = pg_values_array (values, PG_TEXT);
    to.t_session = pg_values_array (values, PG_TEXT);
    return to;
}

static void
s_write_entries (const entry_columns_t *to, const store_chunk_t *chunk)
{
    for (size_t at = 0; at < chunk->entry_count; at++) {
        const store_entry_t *entry = &chunk->entries[at];
        pg_array_text (to->session, chunk->session);
        pg_array_number (to->seq, (int64_t) (chunk->first_seq + at));
        pg_array_text (to->message, entry->message_id);
        pg_array_number (to->event, (int64_t) entry->event);
        pg_array_number (to->time, (int64_t) entry->time_ms);
        pg_array_number (to->role, (int64_t) entry->role);
        pg_array_text (to->user, entry->user);
        pg_array_text (to->sender, entry->sender);
        if (entry->data.size > 0)
            pg_array_text (to->data, entry->data);
        else
            pg_array_null (to->data);
        pg_array_flag (to->hidden, entry->hidden != 0);
    }
}

//  A session's key begins with its app.
static text_t
s_app (text_t session)
{
    const char *slash = memchr (session.data, '/', session.size);
    return slash ? (text_t){ session.data, (size_t) (slash - session.data) } : TEXT_EMPTY;
}

static void
s_write_participants (const columns_t *to, const store_chunk_t *chunk)
{
    for (size_t at = 0; at < chunk->participant_count; at++) {
        const store_participant_t *participant = &chunk->participants[at];
        pg_array_text (to->p_session, chunk->session);
        pg_array_text (to->p_app, s_app (chunk->session));
        pg_array_number (to->p_role, (int64_t) participant->role);
        pg_array_text (to->p_user, participant->user);
        pg_array_text (to->p_sender, participant->sender);
        pg_array_flag (to->p_present, participant->present);
    }
}

static void
s_write_work (const columns_t *to, const store_chunk_t *chunk)
{
    for (size_t at = 0; at < chunk->work_count; at++) {
        const store_work_t *work = &chunk->works[at];
        pg_array_text (to->w_session, chunk->session);
        pg_array_text (to->w_item, work->item);
        pg_array_text (to->w_topic, work->topic);
        pg_array_number (to->w_seq, (int64_t) work->seq);
        pg_array_text (to->w_user, work->user);
        pg_array_text (to->w_body, work->body);
        pg_array_text (to->w_secret, work->secret);
    }
    for (size_t at = 0; at < chunk->finish_count; at++) {
        const store_finish_t *finish = &chunk->finishes[at];
        pg_array_text (to->f_session, chunk->session);
        pg_array_text (to->f_item, finish->item);
        pg_array_number (to->f_state, finish->state);
        pg_array_text (to->f_detail, finish->detail);
    }
}

static void
s_write_opening (const columns_t *to, const store_chunk_t *chunk)
{
    if (!chunk->opens)
        return;
    pg_array_text (to->o_session, chunk->session);
    pg_array_text (to->o_app, chunk->app);
    pg_array_text (to->o_visitor, chunk->visitor);
}

//  What there may be only one of for a session: the last chunk that says something of it wins.
static void
s_write_group (const columns_t *to, const batch_group_t *group)
{
    const store_chunk_t *control = NULL;
    bool tell = false;
    for (list_t *link = group->chunks.next; link != &group->chunks; link = link->next) {
        const store_chunk_t *chunk = &LIST_THING (link, chunk_t, place)->copy;
        s_write_opening (to, chunk);
        s_write_entries (&to->entries, chunk);
        s_write_participants (to, chunk);
        s_write_work (to, chunk);
        control = chunk->control_changes ? chunk : control;
        tell = tell || chunk->tell_others;
    }
    if (control) {
        pg_array_text (to->k_session, group->session);
        pg_array_number (to->k_role, (int64_t) control->control_role);
        pg_array_text (to->k_user, control->control_user);
    }
    if (tell)
        pg_array_text (to->t_session, group->session);
}

static bool
s_is_plain (const store_chunk_t *chunk)
{
    return !chunk->opens && !chunk->participant_count && !chunk->control_changes
           && !chunk->work_count && !chunk->finish_count && !chunk->tell_others;
}

batch_way_t
batch_way (const batch_t *self, size_t day)
{
    size_t entries = 0;
    for (size_t at = 0; at < self->count; at++) {
        const batch_group_t *group = &self->groups[at];
        if (group->day != self->days[day])
            continue;
        if (!group->sure || self->careful)
            return BATCH_ALL;
        for (list_t *link = group->chunks.next; link != &group->chunks; link = link->next) {
            const store_chunk_t *chunk = &LIST_THING (link, chunk_t, place)->copy;
            if (!s_is_plain (chunk))
                return BATCH_ALL;
            entries += chunk->entry_count;
        }
    }
    return entries == 1 ? BATCH_ENTRY : BATCH_ENTRIES;
}

static void
s_write_plain_group (const entry_columns_t *to, const batch_group_t *group)
{
    for (list_t *link = group->chunks.next; link != &group->chunks; link = link->next)
        s_write_entries (to, &LIST_THING (link, chunk_t, place)->copy);
}

static void
s_write_only_entry (const batch_group_t *group, pg_values_t *values)
{
    const store_chunk_t *chunk = &LIST_THING (group->chunks.next, chunk_t, place)->copy;
    const store_entry_t *entry = &chunk->entries[0];
    pg_values_text (values, chunk->session);
    pg_values_number (values, (int64_t) chunk->first_seq);
    pg_values_text (values, entry->message_id);
    pg_values_small (values, (int64_t) entry->event);
    pg_values_number (values, (int64_t) entry->time_ms);
    pg_values_small (values, (int64_t) entry->role);
    pg_values_text (values, entry->user);
    pg_values_text (values, entry->sender);
    if (entry->data.size > 0)
        pg_values_text (values, entry->data);
    else
        pg_values_null (values);
    pg_values_flag (values, entry->hidden != 0);
}

static void
s_write_whole_group (const columns_t *to, const batch_group_t *group)
{
    const chunk_t *first = LIST_THING (group->chunks.next, chunk_t, place);
    if (!first->copy.opens && !group->sure) {
        pg_array_text (to->c_session, group->session);
        pg_array_number (to->c_before, (int64_t) batch_group_before (group));
    }
    s_write_group (to, group);
}

static void
s_write_entries_of_day (const batch_t *self, uint64_t day, pg_values_t *values)
{
    entry_columns_t to = s_entry_columns (values);
    for (size_t at = 0; at < self->count; at++)
        if (self->groups[at].day == day)
            s_write_plain_group (&to, &self->groups[at]);
}

static void
s_write_all_of_day (const batch_t *self, uint64_t day, pg_values_t *values)
{
    columns_t to = s_columns (values);
    for (size_t at = 0; at < self->count; at++)
        if (self->groups[at].day == day)
            s_write_whole_group (&to, &self->groups[at]);
}

static void
s_write_entry_of_day (const batch_t *self, uint64_t day, pg_values_t *values)
{
    for (size_t at = 0; at < self->count; at++)
        if (self->groups[at].day == day)
            s_write_only_entry (&self->groups[at], values);
}

void
batch_write (const batch_t *self, size_t day, batch_way_t way, int64_t writer,
             pg_values_t *values)
{
    static void (*const s_write[]) (const batch_t *self, uint64_t day, pg_values_t *values) = {
        [BATCH_ENTRY] = s_write_entry_of_day,
        [BATCH_ENTRIES] = s_write_entries_of_day,
        [BATCH_ALL] = s_write_all_of_day,
    };
    pg_values_begin (values);
    pg_values_number (values, writer);
    pg_values_day (values, self->days[day]);
    s_write[way](self, self->days[day], values);
}

void
batch_lose (batch_t *self, size_t day, text_t session)
{
    batch_group_t key = { .day = self->days[day], .session = session };
    batch_group_t *group =
        bsearch (&key, self->groups, self->count, sizeof *self->groups, s_compare_groups);
    if (group)
        group->lost = true;
}

uint64_t
batch_group_before (const batch_group_t *group)
{
    return LIST_THING (group->chunks.next, chunk_t, place)->copy.first_seq - 1;
}

uint64_t
batch_group_last (const batch_group_t *group)
{
    const store_chunk_t *last = &LIST_THING (group->chunks.previous, chunk_t, place)->copy;
    return last->first_seq + last->entry_count - 1;
}
