#include "store/batch.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "model/session_key.h"

#include <assert.h>
#include <stdlib.h>

#define DAY_MS 86400000u

//  The bytes that the request keeps in memory until it is answered.
static size_t
s_size (const store_append_t *request)
{
    size_t size = sizeof (append_t) + request->session.size;
    for (size_t at = 0; at < request->entry_count; at++) {
        const store_entry_t *entry = &request->entries[at];
        size += sizeof *entry + entry->message_id.size + entry->user.size + entry->sender.size
                + entry->data.size;
    }
    for (size_t at = 0; at < request->participant_count; at++) {
        const store_participant_t *participant = &request->participants[at];
        size += sizeof *participant + participant->user.size + participant->sender.size
                + participant->info.size + participant->channel.size;
    }
    for (size_t at = 0; at < request->external_ref_count; at++) {
        const store_external_ref_t *ref = &request->external_refs[at];
        size += sizeof *ref + ref->channel.size + ref->external_id.size + ref->user.size;
    }
    for (size_t at = 0; at < request->work_count; at++) {
        const store_work_t *work = &request->works[at];
        size += sizeof *work + work->item.size + work->topic.size + work->lane.size
                + work->user.size + work->body.size + work->secret.size
                + work->destination.size + work->address.size;
    }
    for (size_t at = 0; at < request->finish_count; at++) {
        const store_finish_t *finish = &request->finishes[at];
        size += sizeof *finish + finish->item.size + finish->detail.size;
    }
    for (size_t at = 0; at < request->asked_count; at++)
        size += sizeof *request->asked + request->asked[at].agent.size;
    return size;
}

append_t *
append_new (const store_append_t *request)
{
    assert (request->entry_count > 0 && request->session.size > 0);
    assert (!request->opens || request->first_seq == 1);
    for (size_t at = 0; at < request->entry_count; at++)
        assert (event_is_durable (request->entries[at].event));
    append_t *self = alloc_zeroed (sizeof *self);
    *self = (append_t){ .request = *request,
                        .day = request->opens ? request->day_ms / DAY_MS : request->day,
                        .since_ms = clock_mono_ms (),
                        .size = s_size (request) };
    list_init (&self->link);
    return self;
}

void
append_destroy (append_t **self_p)
{
    append_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    list_remove (&self->link);
    free (self->waits);
    free (self);
}

// ---------------------------------------------------------------------------------------------
//  The batch

static int
s_compare_days (const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *) left;
    uint64_t b = *(const uint64_t *) right;
    return a < b ? -1 : a > b;
}

static int
s_compare_appends (const void *left, const void *right)
{
    const append_t *a = *(append_t *const *)left;
    const append_t *b = *(append_t *const *)right;
    int order = s_compare_days (&a->day, &b->day);
    return order != 0 ? order : text_compare (a->request.session, b->request.session);
}

static int
s_compare_ages (const void *left, const void *right)
{
    const append_t *a = *(append_t *const *)left;
    const append_t *b = *(append_t *const *)right;
    return s_compare_days (&a->since_ms, &b->since_ms);
}

batch_t *
batch_new (list_t *waiting, size_t most)
{
    assert (!list_is_empty (waiting) && most > 0);
    batch_t *self = alloc_zeroed (sizeof *self);
    self->appends = alloc_array (most, sizeof (append_t *));
    list_t *link;
    while (self->count < most && self->bytes < BATCH_BYTES && (link = list_first (waiting))) {
        append_t *append = LIST_THING (link, append_t, link);
        size_t day = 0;
        while (day < self->day_count && self->days[day] != append->day)
            day++;
        if (day == BATCH_DAYS)
            break;
        if (day == self->day_count)
            self->days[self->day_count++] = append->day;
        list_remove (link);
        self->appends[self->count++] = append;
        self->bytes += append->size;
        if (self->count == 1 || append->since_ms < self->since_ms)
            self->since_ms = append->since_ms;
    }
    qsort (self->appends, self->count, sizeof (append_t *), s_compare_appends);
    qsort (self->days, self->day_count, sizeof *self->days, s_compare_days);
    //  Two of one session would be stored or lost as one, and only one of them would hear of it.
    for (size_t at = 1; at < self->count; at++)
        assert (s_compare_appends (&self->appends[at - 1], &self->appends[at]) != 0);
    return self;
}

void
batch_destroy (batch_t **self_p)
{
    batch_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    for (size_t at = 0; at < self->count; at++)
        append_destroy (&self->appends[at]);
    free (self->appends);
    free (self);
}

void
batch_put_back (batch_t *self, list_t *waiting)
{
    qsort (self->appends, self->count, sizeof (append_t *), s_compare_ages);
    for (size_t at = self->count; at > 0; at--)
        list_prepend (waiting, &self->appends[at - 1]->link);
    self->count = 0;
}

// ---------------------------------------------------------------------------------------------
//  Writing the parameters, in the order of append's (schema/functions.sql)

typedef struct {
#define LOG_COLUMN(name, sql_type, wire_type, kind, value) pg_value_t *name;
#include "store/log_columns.def"
#undef LOG_COLUMN
} entry_columns_t;

typedef struct {
    pg_value_t *c_session, *c_before;
    pg_value_t *o_session, *o_app, *o_visitor;
    entry_columns_t entries;
    pg_value_t *p_session, *p_app, *p_role, *p_user, *p_sender, *p_present, *p_info, *p_channel,
        *p_out;
    pg_value_t *x_session, *x_channel, *x_external_id, *x_role, *x_user;
    pg_value_t *s_session, *s_role, *s_user, *s_closed, *s_left;
    pg_value_t *s_seq, *s_waits, *s_waiting_for, *s_offered_to, *s_offer_ms, *s_offer, *s_begins,
        *s_away;
    pg_value_t *w_session, *w_item, *w_kind, *w_topic, *w_lane, *w_seq, *w_user, *w_body, *w_secret,
        *w_state, *w_after_ms, *w_destination, *w_address;
    pg_value_t *f_session, *f_item, *f_state, *f_attempt, *f_status, *f_took_ms, *f_detail;
    pg_value_t *a_session, *a_agent, *a_missed, *a_away_after;
    pg_value_t *n_session;
    pg_value_t *h_session;
} columns_t;

static entry_columns_t
s_entry_columns (pg_values_t *values)
{
    entry_columns_t to;
#define LOG_COLUMN(name, sql_type, wire_type, kind, value)                                       \
    to.name = pg_values_array (values, wire_type);
#include "store/log_columns.def"
#undef LOG_COLUMN
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
    to.p_info = pg_values_array (values, PG_TEXT);
    to.p_channel = pg_values_array (values, PG_TEXT);
    to.p_out = pg_values_array (values, PG_BOOL);
    to.x_session = pg_values_array (values, PG_TEXT);
    to.x_channel = pg_values_array (values, PG_TEXT);
    to.x_external_id = pg_values_array (values, PG_TEXT);
    to.x_role = pg_values_array (values, PG_SMALL);
    to.x_user = pg_values_array (values, PG_TEXT);
    to.s_session = pg_values_array (values, PG_TEXT);
    to.s_role = pg_values_array (values, PG_SMALL);
    to.s_user = pg_values_array (values, PG_TEXT);
    to.s_closed = pg_values_array (values, PG_SMALL);
    to.s_left = pg_values_array (values, PG_BOOL);
    to.s_seq = pg_values_array (values, PG_NUMBER);
    to.s_waits = pg_values_array (values, PG_BOOL);
    to.s_waiting_for = pg_values_array (values, PG_TEXT);
    to.s_offered_to = pg_values_array (values, PG_TEXT);
    to.s_offer_ms = pg_values_array (values, PG_NUMBER);
    to.s_offer = pg_values_array (values, PG_TEXT);
    to.s_begins = pg_values_array (values, PG_BOOL);
    to.s_away = pg_values_array (values, PG_NUMBER);
    to.w_session = pg_values_array (values, PG_TEXT);
    to.w_item = pg_values_array (values, PG_TEXT);
    to.w_kind = pg_values_array (values, PG_SMALL);
    to.w_topic = pg_values_array (values, PG_TEXT);
    to.w_lane = pg_values_array (values, PG_TEXT);
    to.w_seq = pg_values_array (values, PG_NUMBER);
    to.w_user = pg_values_array (values, PG_TEXT);
    to.w_body = pg_values_array (values, PG_TEXT);
    to.w_secret = pg_values_array (values, PG_TEXT);
    to.w_state = pg_values_array (values, PG_SMALL);
    to.w_after_ms = pg_values_array (values, PG_NUMBER);
    to.w_destination = pg_values_array (values, PG_TEXT);
    to.w_address = pg_values_array (values, PG_TEXT);
    to.f_session = pg_values_array (values, PG_TEXT);
    to.f_item = pg_values_array (values, PG_TEXT);
    to.f_state = pg_values_array (values, PG_SMALL);
    to.f_attempt = pg_values_array (values, PG_NUMBER);
    to.f_status = pg_values_array (values, PG_SMALL);
    to.f_took_ms = pg_values_array (values, PG_NUMBER);
    to.f_detail = pg_values_array (values, PG_TEXT);
    to.a_session = pg_values_array (values, PG_TEXT);
    to.a_agent = pg_values_array (values, PG_TEXT);
    to.a_missed = pg_values_array (values, PG_BOOL);
    to.a_away_after = pg_values_array (values, PG_NUMBER);
    to.n_session = pg_values_array (values, PG_TEXT);
    to.h_session = pg_values_array (values, PG_TEXT);
    return to;
}

static void
s_array_text (pg_value_t *to, text_t value)
{
    pg_array_text (to, value);
}

static void
s_array_optional (pg_value_t *to, text_t value)
{
    if (value.size > 0)
        pg_array_text (to, value);
    else
        pg_array_null (to);
}

static void
s_array_number (pg_value_t *to, uint64_t value)
{
    pg_array_number (to, (int64_t) value);
}

static void
s_write_entries (const entry_columns_t *to, const store_append_t *append)
{
    for (size_t at = 0; at < append->entry_count; at++) {
        const store_entry_t *entry = &append->entries[at];
#define LOG_COLUMN(name, sql_type, wire_type, kind, value) s_array_##kind (to->name, value);
#include "store/log_columns.def"
#undef LOG_COLUMN
    }
}

static void
s_write_participants (const columns_t *to, const store_append_t *append)
{
    for (size_t at = 0; at < append->participant_count; at++) {
        const store_participant_t *participant = &append->participants[at];
        pg_array_text (to->p_session, append->session);
        pg_array_text (to->p_app, session_key_app (append->session));
        pg_array_number (to->p_role, (int64_t) participant->role);
        pg_array_text (to->p_user, participant->user);
        pg_array_text (to->p_sender, participant->sender);
        pg_array_number (to->p_present, participant->present);
        pg_array_text (to->p_info, participant->info.size > 0 ? participant->info : TEXT ("{}"));
        pg_array_text (to->p_channel, participant->channel);
        pg_array_number (to->p_out, participant->is_out);
    }
    for (size_t at = 0; at < append->external_ref_count; at++) {
        const store_external_ref_t *ref = &append->external_refs[at];
        pg_array_text (to->x_session, append->session);
        pg_array_text (to->x_channel, ref->channel);
        pg_array_text (to->x_external_id, ref->external_id);
        pg_array_number (to->x_role, (int64_t) ref->role);
        pg_array_text (to->x_user, ref->user);
    }
}

static void
s_write_work (const columns_t *to, const store_append_t *append)
{
    for (size_t at = 0; at < append->work_count; at++) {
        const store_work_t *work = &append->works[at];
        pg_array_text (to->w_session, append->session);
        pg_array_text (to->w_item, work->item);
        pg_array_number (to->w_kind, work->kind);
        pg_array_text (to->w_topic, work->topic);
        s_array_optional (to->w_lane, work->lane);
        pg_array_number (to->w_seq, (int64_t) work->seq);
        pg_array_text (to->w_user, work->user);
        pg_array_text (to->w_body, work->body);
        pg_array_text (to->w_secret, work->secret);
        pg_array_number (to->w_state, work->is_leased ? WORK_LEASED : WORK_READY);
        pg_array_number (to->w_after_ms, (int64_t) work->after_ms);
        pg_array_text (to->w_destination, work->destination);
        pg_array_text (to->w_address, work->address);
    }
    for (size_t at = 0; at < append->finish_count; at++) {
        const store_finish_t *finish = &append->finishes[at];
        pg_array_text (to->f_session, append->session);
        pg_array_text (to->f_item, finish->item);
        pg_array_number (to->f_state, finish->state);
        pg_array_number (to->f_attempt, (int64_t) finish->attempt);
        pg_array_number (to->f_status, (int64_t) finish->status);
        pg_array_number (to->f_took_ms, (int64_t) finish->took_ms);
        pg_array_text (to->f_detail, finish->detail);
    }
}

static void
s_write_asked (const columns_t *to, const store_append_t *append)
{
    for (size_t at = 0; at < append->asked_count; at++) {
        const store_asked_t *asked = &append->asked[at];
        pg_array_text (to->a_session, append->session);
        pg_array_text (to->a_agent, asked->agent);
        pg_array_number (to->a_missed, asked->is_missed);
        pg_array_number (to->a_away_after, (int64_t) asked->away_after);
    }
}

//  Does the session's own row change?
static bool
s_changes_session (const store_append_t *append)
{
    return append->control_changes || append->closing != SESSION_STAYS || append->is_left
           || append->touches;
}

static void
s_write_session (const columns_t *to, const store_append_t *append)
{
    static const store_offer_t none = { .sought = { "", 0 },
                                        .offered_to = { "", 0 },
                                        .text = { "", 0 } };
    bool controls = append->control_changes;
    const store_offer_t *offer = controls && append->offer.waits ? &append->offer : &none;
    pg_array_text (to->s_session, append->session);
    pg_array_number (to->s_role, controls ? (int64_t) append->control_role : 0);
    pg_array_text (to->s_user, controls ? append->control_user : TEXT_EMPTY);
    pg_array_number (to->s_closed, append->closing);
    pg_array_number (to->s_left, append->is_left);
    pg_array_number (to->s_seq, controls ? (int64_t) append->control_seq : 0);
    pg_array_number (to->s_waits, offer->waits);
    pg_array_text (to->s_waiting_for, offer->sought);
    pg_array_text (to->s_offered_to, offer->offered_to);
    pg_array_number (to->s_offer_ms, (int64_t) offer->for_ms);
    pg_array_text (to->s_offer, offer->text);
    pg_array_number (to->s_begins, controls && append->offer_begins);
    pg_array_number (to->s_away, controls ? (int64_t) append->away_seq : 0);
}

//  Only all of the append sees to the alert (schema/functions.sql).
static bool
s_is_of_alert (const store_append_t *request)
{
    for (size_t at = 0; at < request->entry_count; at++)
        if (request->entries[at].event == EVENT_ALERT_ACKNOWLEDGED)
            return true;
    return false;
}

batch_way_t
batch_way (const batch_t *self, size_t day, bool checked)
{
    size_t entries = 0;
    for (size_t at = 0; at < self->count; at++) {
        const append_t *append = self->appends[at];
        if (append->day != self->days[day])
            continue;
        const store_append_t *request = &append->request;
        bool is_plain = !request->opens && !request->participant_count
                        && !request->external_ref_count
                        && !s_changes_session (request) && !request->work_count
                        && !request->finish_count && !request->asked_count
                        && !request->notify_others
                        && !request->only_host && !s_is_of_alert (request);
        if (checked || !append->tail_known || !is_plain)
            return BATCH_ALL;
        entries += append->request.entry_count;
    }
    return entries == 1 ? BATCH_ENTRY : BATCH_ENTRIES;
}

static void
s_value_text (pg_values_t *to, pg_type_t type, text_t value)
{
    (void) type;
    pg_values_text (to, value);
}

static void
s_value_optional (pg_values_t *to, pg_type_t type, text_t value)
{
    (void) type;
    if (value.size > 0)
        pg_values_text (to, value);
    else
        pg_values_null (to);
}

static void
s_value_number (pg_values_t *to, pg_type_t type, uint64_t value)
{
    pg_values_number (to, type, (int64_t) value);
}

static void
s_write_entry (const batch_t *self, uint64_t day, pg_values_t *values)
{
    size_t at = 0;
    while (self->appends[at]->day != day)
        at++;
    const store_append_t *append = &self->appends[at]->request;
    const store_entry_t *entry = &append->entries[0];
    at = 0; //  of the append's entries
#define LOG_COLUMN(name, sql_type, wire_type, kind, value)                                       \
    s_value_##kind (values, wire_type, value);
#include "store/log_columns.def"
#undef LOG_COLUMN
}

static void
s_write_all (const batch_t *self, uint64_t day, pg_values_t *values)
{
    columns_t to = s_columns (values);
    for (size_t at = 0; at < self->count; at++) {
        const append_t *append = self->appends[at];
        const store_append_t *request = &append->request;
        if (append->day != day)
            continue;
        if (!request->opens && !append->tail_known) {
            pg_array_text (to.c_session, request->session);
            pg_array_number (to.c_before, (int64_t) request->first_seq - 1);
        }
        if (request->opens) {
            pg_array_text (to.o_session, request->session);
            pg_array_text (to.o_app, request->app);
            pg_array_text (to.o_visitor, request->visitor);
        }
        s_write_entries (&to.entries, request);
        s_write_participants (&to, request);
        s_write_work (&to, request);
        s_write_asked (&to, request);
        if (s_changes_session (request))
            s_write_session (&to, request);
        if (request->notify_others)
            pg_array_text (to.n_session, request->session);
        if (request->only_host)
            pg_array_text (to.h_session, request->session);
    }
}

void
batch_write (const batch_t *self, size_t day, batch_way_t way, int64_t writer,
             pg_values_t *values)
{
    pg_values_number (values, PG_NUMBER, writer);
    pg_values_number (values, PG_DAY, (int64_t) self->days[day]);
    if (way == BATCH_ENTRY)
        s_write_entry (self, self->days[day], values);
    else if (way == BATCH_ALL)
        s_write_all (self, self->days[day], values);
    else {
        entry_columns_t to = s_entry_columns (values);
        for (size_t at = 0; at < self->count; at++)
            if (self->appends[at]->day == self->days[day])
                s_write_entries (&to, &self->appends[at]->request);
    }
}

static append_t *
s_append_of (batch_t *self, size_t day, text_t session)
{
    append_t key = { .day = self->days[day], .request = { .session = session } };
    append_t *wanted = &key;
    append_t **found =
        bsearch (&wanted, self->appends, self->count, sizeof (append_t *), s_compare_appends);
    return found ? *found : NULL;
}

void
batch_lose (batch_t *self, size_t day, text_t session)
{
    append_t *append = s_append_of (self, day, session);
    if (append)
        append->lost = true;
}

void
batch_wait (batch_t *self, size_t day, text_t session, text_t item)
{
    append_t *append = s_append_of (self, day, session);
    if (!append)
        return;
    append->waits =
        alloc_resized (append->waits, (append->wait_count + 1) * sizeof *append->waits);
    append->waits[append->wait_count++] = item;
}
