#include "fake_store.h"

#include "fake_question.h"
#include "fake_work_store.h"

#include "base/list.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MOST_ENTRIES 2000
#define MOST_THINGS 200

typedef struct {
    list_t place;
    text_t key;
    bool exists;
    text_t visitor;
    uint64_t last_writer;
    uint64_t host;
    uint64_t control_role;
    text_t control_user;
    uint64_t control_seq;
    store_offer_t offer;
    stored_entry_t entries[MOST_ENTRIES];
    size_t entry_count;
    stored_participant_t participants[MOST_THINGS];
    size_t participant_count;
    stored_work_t works[MOST_THINGS];
    size_t work_count;
    stored_work_t asked[MOST_THINGS]; //  the last works, ended or not
    size_t asked_count;
    bool is_closed;
    bool has_timer;
    store_work_t timer; //  of which a session here has one
    unsigned row_writes;
} log_of_t;

typedef enum { APPEND, LOAD, READ, NOTICE } request_kind_t;

typedef struct {
    list_t place;
    store_t *of;
    request_kind_t kind;
    fake_mood_t mood;
    text_t session;
    store_append_t append;
    text_t *ids;
    size_t id_count;
    uint64_t recent;
    bool hosts;
    store_notice_t what;
    uint64_t after, most;
    uint64_t request_id;
    void *owner;
    store_appended_fn *appended;
    store_loaded_fn *loaded;
    store_read_fn *read;
    bool done;                  //  waits for its answer only
    store_outcome_t outcome;
    text_t waits[MOST_THINGS];  //  likewise
    size_t wait_count;
    list_t texts;               //  of its answer
    stored_session_t found;
    stored_entry_t *entries;
    size_t entry_count;
} request_t;

//  As a postoffice sees it.
struct store {
    uint64_t writer;
    bool is_deaf;
    fake_noticed_fn *noticed; //  NULL: nobody is there
    void *owner;
};

typedef struct {
    list_t logs;
    list_t requests;
    list_t texts;
    fake_mood_t mood, next;
    bool has_next;
    uint64_t active_ago_ms;
} world_t;

static world_t s_store;
static store_t s_seen[2]; //  by both postoffices
unsigned fake_store_appends, fake_store_loads, fake_store_reads;

// ---------------------------------------------------------------------------------------------
//  Memory

static void *
s_room (list_t *texts, size_t size)
{
    list_t *room = calloc (1, sizeof *room + size);
    assert (room);
    list_init (room);
    list_append (texts, room);
    return room + 1;
}

static text_t
s_copy (list_t *texts, text_t text)
{
    char *room = s_room (texts, text.size + 1);
    if (text.size)
        memcpy (room, text.data, text.size);
    return (text_t){ room, text.size };
}

static text_t
s_keep (text_t text)
{
    return s_copy (&s_store.texts, text);
}

static void
s_free_all (list_t *rooms)
{
    list_t *room;
    while ((room = list_first (rooms))) {
        list_remove (room);
        free (room);
    }
}

static unsigned s_notices[STORE_NOTICES]; //  by store_notice_t

store_t *
fake_store_new (void)
{
    s_store = (world_t){ .mood = FAKE_WELL };
    s_seen[0] = (store_t){ .writer = FAKE_WRITER };
    s_seen[1] = (store_t){ .writer = FAKE_OTHER };
    list_init (&s_store.logs);
    list_init (&s_store.requests);
    list_init (&s_store.texts);
    fake_store_appends = fake_store_loads = fake_store_reads = 0;
    memset (s_notices, 0, sizeof s_notices);
    return &s_seen[0];
}

store_t *
fake_store_second (fake_noticed_fn *first_hears, void *first, fake_noticed_fn *second_hears,
                   void *second)
{
    s_seen[0].noticed = first_hears;
    s_seen[0].owner = first;
    s_seen[1].noticed = second_hears;
    s_seen[1].owner = second;
    return &s_seen[1];
}

void
fake_store_deafen (store_t *self, bool is_deaf)
{
    self->is_deaf = is_deaf;
}

static void
s_request_free (request_t *request)
{
    list_remove (&request->place);
    s_free_all (&request->texts);
    free (request);
}

void
fake_store_free (void)
{
    list_t *link;
    while ((link = list_first (&s_store.requests)))
        s_request_free (LIST_THING (link, request_t, place));
    while ((link = list_first (&s_store.logs))) {
        list_remove (link);
        free (LIST_THING (link, log_of_t, place));
    }
    s_free_all (&s_store.texts);
}

void
fake_store_next (fake_mood_t mood)
{
    s_store.next = mood;
    s_store.has_next = true;
}

void
fake_store_active_ago (uint64_t ms)
{
    s_store.active_ago_ms = ms;
}

void
fake_store_always (fake_mood_t mood)
{
    s_store.mood = mood;
}

// ---------------------------------------------------------------------------------------------
//  What is stored

static log_of_t *
s_log (text_t key)
{
    for (list_t *link = s_store.logs.next; link != &s_store.logs; link = link->next)
        if (text_is (LIST_THING (link, log_of_t, place)->key, key))
            return LIST_THING (link, log_of_t, place);
    log_of_t *log = calloc (1, sizeof *log);
    assert (log);
    log->key = s_keep (key);
    log->visitor = log->control_user = TEXT_EMPTY;
    log->control_role = ROLE_BOT;
    list_init (&log->place);
    list_append (&s_store.logs, &log->place);
    return log;
}

//  An id belongs to its participant.
static bool
s_has_id (const log_of_t *log, const store_entry_t *entry)
{
    for (size_t at = 0; at < log->entry_count; at++)
        if (log->entries[at].role == entry->role && text_is (log->entries[at].user, entry->user)
            && text_is (log->entries[at].message_id, entry->message_id))
            return true;
    return false;
}

static void
s_put_entry (log_of_t *log, const store_entry_t *entry)
{
    assert (log->entry_count < MOST_ENTRIES);
    bool is_of_later = !event_wire_name (entry->event);
    assert (entry->message_id.size > 0 && (is_of_later || event_is_durable (entry->event)));
    assert (log->entry_count == 0 || entry->time_ms > log->entries[log->entry_count - 1].time_ms);
    log->entries[log->entry_count] = (stored_entry_t){ .seq = log->entry_count + 1,
                                                       .message_id = s_keep (entry->message_id),
                                                       .event = entry->event,
                                                       .time_ms = entry->time_ms,
                                                       .role = entry->role,
                                                       .user = s_keep (entry->user),
                                                       .sender = s_keep (entry->sender),
                                                       .data = s_keep (entry->data),
                                                       .hidden = entry->hidden };
    log->entry_count++;
}

static stored_participant_t *
s_participant (log_of_t *log, uint64_t role, text_t user)
{
    for (size_t at = 0; at < log->participant_count; at++)
        if (log->participants[at].role == role && text_is (log->participants[at].user, user))
            return &log->participants[at];
    assert (log->participant_count < MOST_THINGS);
    stored_participant_t *participant = &log->participants[log->participant_count++];
    *participant = (stored_participant_t){
        .role = role,
        .user = s_keep (user),
        .sender = TEXT ("{}"),
        .info = TEXT ("{}"),
        .channel = TEXT_EMPTY,
        .external_id = TEXT_EMPTY,
        .received_seq = SEQ_UNKNOWN,
    };
    return participant;
}

static void
s_put_work (log_of_t *log, const store_work_t *work)
{
    if (work->kind == WORK_TIMER) {
        log->has_timer = true;
        log->timer = (store_work_t){ .item = s_keep (work->item),
                                     .topic = s_keep (work->topic),
                                     .seq = work->seq,
                                     .body = s_keep (work->body),
                                     .after_ms = work->after_ms };
        return;
    }
    assert (log->work_count < MOST_THINGS);
    log->works[log->work_count++] = (stored_work_t){ .item = s_keep (work->item),
                                                     .topic = s_keep (work->topic),
                                                     .seq = work->seq,
                                                     .user = s_keep (work->user),
                                                     .body = s_keep (work->body),
                                                     .secret = s_keep (work->secret) };
    log->asked[log->asked_count++ % MOST_THINGS] = log->works[log->work_count - 1];
}

static void
s_finish_work (log_of_t *log, text_t item)
{
    if (item.data[0] == ':') { //  a timer, which there need not be
        log->has_timer = log->has_timer && !text_is (log->timer.item, item);
        return;
    }
    for (size_t at = 0; at < log->work_count; at++)
        if (text_is (log->works[at].item, item)) {
            memmove (&log->works[at], &log->works[at + 1],
                     (--log->work_count - at) * sizeof *log->works);
            return;
        }
    assert (!"an item is finished that is not open");
}

const stored_entry_t *
fake_store_entry (text_t session, uint64_t seq)
{
    const log_of_t *log = s_log (session);
    return seq >= 1 && seq <= log->entry_count ? &log->entries[seq - 1] : NULL;
}

uint64_t
fake_store_last (text_t session)
{
    return s_log (session)->entry_count;
}

size_t
fake_store_works (text_t session)
{
    return s_log (session)->work_count;
}

const store_work_t *
fake_store_timer (text_t session)
{
    const log_of_t *log = s_log (session);
    return log->has_timer ? &log->timer : NULL;
}

bool
fake_store_is_closed (text_t session)
{
    return s_log (session)->is_closed;
}

unsigned
fake_store_row_writes (text_t session)
{
    return s_log (session)->row_writes;
}

uint64_t
fake_store_received_of (text_t session, uint64_t role, const char *user)
{
    return s_participant (s_log (session), role, text_of (user))->received_seq;
}

// ---------------------------------------------------------------------------------------------
//  Another postoffice

void
fake_store_other_says (text_t session, const fake_said_t *said)
{
    log_of_t *log = s_log (session);
    uint64_t last = log->entry_count ? log->entries[log->entry_count - 1].time_ms : 1000;
    char id[40];
    snprintf (id, sizeof id, "other-%zu", log->entry_count);
    s_put_entry (log, &(store_entry_t){ .message_id = text_of (said->id ? said->id : id),
                                        .event = said->event,
                                        .time_ms = last + 1,
                                        .role = said->role,
                                        .user = text_of (said->user),
                                        .sender = TEXT ("{}"),
                                        .data = text_of (said->data) });
    log->last_writer = FAKE_OTHER;
    if (said->event == EVENT_BARGE_IN) {
        log->control_role = ROLE_AGENT;
        log->control_user = s_keep (text_of (said->user));
    }
}

void
fake_store_other_opens (text_t session, const char *visitor)
{
    log_of_t *log = s_log (session);
    assert (!log->exists);
    log->exists = true;
    log->visitor = s_keep (text_of (visitor));
    fake_store_other_says (session, &(fake_said_t){ .event = EVENT_USER_JOINED,
                                                    .role = ROLE_VISITOR,
                                                    .user = visitor });
}

uint64_t *
fake_store_host (text_t session)
{
    return &s_log (session)->host;
}

void
fake_store_lose_above (text_t session, uint64_t seq)
{
    log_of_t *log = s_log (session);
    assert (seq < log->entry_count);
    log->entry_count = seq;
    log->exists = seq > 0;
    while (log->work_count && log->works[log->work_count - 1].seq > seq)
        log->work_count--;
    if (!log->exists)
        log->participant_count = 0;
}

void
fake_store_other_admits (text_t session, uint64_t role, const char *user, uint64_t seen)
{
    stored_participant_t *participant = s_participant (s_log (session), role, text_of (user));
    participant->present = true;
    participant->received_seq = seen;
}

void
fake_store_other_reaches (text_t session, uint64_t role, const char *user, const char *channel,
                          const char *external_id)
{
    stored_participant_t *participant = s_participant (s_log (session), role, text_of (user));
    participant->present = true;
    participant->channel = s_keep (text_of (channel));
    participant->external_id = s_keep (text_of (external_id));
}

void
fake_store_other_asks (text_t session, const char *item, uint64_t seq)
{
    s_put_work (s_log (session), &(store_work_t){ .item = text_of (item),
                                                  .topic = TEXT ("bot.stentor"),
                                                  .seq = seq,
                                                  .user = TEXT ("vic"),
                                                  .body = TEXT ("{}"),
                                                  .secret = TEXT_EMPTY });
}

void
fake_store_other_ends (text_t session)
{
    s_log (session)->work_count = 0;
}

// ---------------------------------------------------------------------------------------------
//  Requests

static request_t *
s_request (store_t *of, request_kind_t kind, text_t session, uint64_t request_id, void *owner)
{
    fake_mood_t mood = s_store.has_next ? s_store.next : s_store.mood;
    s_store.has_next = false;
    if (mood == FAKE_FULL)
        return NULL;
    request_t *request = calloc (1, sizeof *request);
    assert (request);
    list_init (&request->place);
    list_init (&request->texts);
    list_append (&s_store.requests, &request->place);
    request->of = of;
    request->kind = kind;
    request->mood = mood;
    request->session = s_keep (session);
    request->request_id = request_id;
    request->owner = owner;
    return request;
}

static void *
s_copies_of (const void *things, size_t count, size_t size)
{
    void *room = s_room (&s_store.texts, count * size);
    if (count)
        memcpy (room, things, count * size);
    return room;
}

int
store_append (store_t *self, const store_append_t *append, uint64_t request_id,
              store_appended_fn *appended, void *owner)
{
    assert (append->entry_count > 0);
    fake_store_appends++;
    request_t *request = s_request (self, APPEND, append->session, request_id, owner);
    if (!request)
        return -1;
    request->appended = appended;
    request->append = *append; //  borrowed, as store.h says
    return 0;
}

int
store_load (store_t *self, text_t session, const text_t *ids, size_t id_count, uint64_t recent,
            bool hosts, uint64_t request_id, store_loaded_fn *loaded, void *owner)
{
    fake_store_loads++;
    request_t *request = s_request (self, LOAD, session, request_id, owner);
    if (!request)
        return -1;
    request->loaded = loaded;
    request->hosts = hosts;
    request->ids = s_copies_of (ids, id_count, sizeof *ids);
    request->id_count = id_count;
    request->recent = recent ? recent : 1;
    for (size_t at = 0; at < id_count; at++)
        request->ids[at] = s_keep (ids[at]);
    return 0;
}

int
store_read (store_t *self, text_t session, uint64_t day, uint64_t after, uint64_t most,
            uint64_t bytes, uint64_t request_id, store_read_fn *read, void *owner)
{
    (void) day, (void) bytes;
    fake_store_reads++;
    request_t *request = s_request (self, READ, session, request_id, owner);
    if (!request)
        return -1;
    request->read = read;
    request->after = after;
    request->most = most;
    return 0;
}

//  The other postoffice hears it, if it is there and hears anything by then.
static void
s_tell (store_t *self, store_notice_t what, text_t session)
{
    s_notices[what]++;
    store_t *other = &s_seen[self == &s_seen[0]];
    if (!other->noticed)
        return;
    bool had_next = s_store.has_next;
    s_store.has_next = false;
    request_t *request = s_request (other, NOTICE, session, 0, NULL);
    s_store.has_next = had_next;
    if (request)
        request->what = what;
}

int
store_notify (store_t *self, store_notice_t what, text_t session)
{
    if (self->is_deaf)
        return -1;
    s_tell (self, what, session);
    return 0;
}

unsigned
fake_store_notified (store_notice_t what)
{
    return s_notices[what];
}

void
store_receipt (store_t *self, text_t session, uint64_t role, text_t user,
               const store_receipt_t *receipt)
{
    (void) self;
    stored_participant_t *participant = s_participant (s_log (session), role, user);
    if (receipt->received_seq != SEQ_UNKNOWN)
        participant->received_seq = receipt->received_seq;
    participant->delivered_seq = receipt->delivered_seq;
    participant->read_seq = receipt->read_seq;
}

// ---------------------------------------------------------------------------------------------
//  Answers

static bool
s_supposes_right (const log_of_t *log, const store_append_t *append)
{
    if (append->opens == log->exists || log->entry_count + 1 != append->first_seq)
        return false;
    for (size_t at = 0; at < append->entry_count; at++)
        if (s_has_id (log, &append->entries[at]))
            return false;
    return true;
}

static bool
s_is_poisoned (const store_append_t *append)
{
    for (size_t at = 0; at < append->entry_count; at++)
        if (memmem (append->entries[at].data.data, append->entries[at].data.size, FAKE_POISON,
                    strlen (FAKE_POISON)))
            return true;
    return false;
}

static store_outcome_t
s_append (store_t *of, request_t *request)
{
    const store_append_t *append = &request->append;
    log_of_t *log = s_log (append->session);
    if (s_is_poisoned (append))
        return STORE_REJECTED;
    if (!s_supposes_right (log, append)
        || (append->only_host && !append->opens && log->host != of->writer))
        return STORE_CONFLICT;
    assert (append->opens || append->notify_others || log->last_writer == of->writer);
    if (append->notify_others)
        s_tell (of, NOTIFY_MOVED, append->session);
    if (append->opens)
        log->host = of->writer;
    if (append->is_left && log->host == of->writer)
        log->host = 0;
    if (append->opens) {
        assert (append->app.size && append->visitor.size && append->day_ms);
        log->exists = true;
        log->visitor = s_keep (append->visitor);
    }
    for (size_t at = 0; at < append->entry_count; at++)
        s_put_entry (log, &append->entries[at]);
    for (size_t at = 0; at < append->participant_count; at++) {
        const store_participant_t *row = &append->participants[at];
        stored_participant_t *participant = s_participant (log, row->role, row->user);
        participant->sender = s_keep (row->sender);
        if (row->info.size > 0)
            participant->info = s_keep (row->info);
        participant->present = row->present;
        participant->is_out = row->is_out;
        if (row->channel.size > 0)
            participant->channel = s_keep (row->channel);
        else if (!row->present && text_is (participant->channel, TEXT ("api")))
            participant->channel = TEXT_EMPTY;
    }
    if (append->control_changes) {
        log->control_role = append->control_role;
        log->control_user = s_keep (append->control_user);
        log->control_seq = append->control_seq;
        log->offer = append->offer;
        log->offer.text = s_keep (append->offer.text);
        log->offer.offered_to = s_keep (append->offer.offered_to);
    }
    if (append->closing != SESSION_STAYS)
        log->is_closed = append->closing == SESSION_CLOSES;
    log->row_writes += append->control_changes || append->closing != SESSION_STAYS
                       || append->is_left || append->touches;
    for (size_t at = 0; at < append->work_count; at++) {
        const store_work_t *work = &append->works[at];
        if (work->kind != WORK_DELIVERY)
            s_put_work (log, work);
        else if (!fake_work_put (append->session, work))
            request->waits[request->wait_count++] = work->item;
    }
    for (size_t at = 0; at < append->finish_count; at++)
        s_finish_work (log, append->finishes[at].item);
    log->last_writer = of->writer;
    return STORED;
}

static bool
s_is_left (const log_of_t *log)
{
    for (size_t at = 0; at < log->participant_count; at++)
        if (log->participants[at].present && log->participants[at].channel.size == 0)
            return false;
    return true;
}

static void
s_load (request_t *request)
{
    log_of_t *log = s_log (request->session);
    stored_session_t *found = &request->found;
    list_t *to = &request->texts;
    *found = (stored_session_t){ .exists = log->exists, .app = TEXT ("demo"), .visitor = TEXT_EMPTY,
                                 .control_user = TEXT_EMPTY, .offered_to = TEXT_EMPTY,
                                 .offer = TEXT_EMPTY };
    if (!log->exists)
        return;
    if (!request->hosts && log->host == request->of->writer && s_is_left (log))
        log->host = 0;
    found->host = log->host;
    if (request->hosts)
        log->host = request->of->writer;
    found->visitor = s_copy (to, log->visitor);
    found->day = (uint64_t) time (NULL) / (24 * 3600);
    found->last_seq = log->entry_count;
    found->last_time_ms = log->entries[log->entry_count - 1].time_ms;
    found->last_writer = log->last_writer;
    found->is_closed = log->is_closed;
    found->active_ago_ms = s_store.active_ago_ms;
    found->control_role = log->control_role;
    found->control_user = s_copy (to, log->control_user);
    found->control_seq = log->control_seq;
    if (log->offer.waits) {
        found->offered_to = s_copy (to, log->offer.offered_to);
        found->offer = s_copy (to, log->offer.text);
    }
    stored_participant_t *participants
        = s_room (to, log->participant_count * sizeof *participants);
    for (size_t at = 0; at < log->participant_count; at++) {
        participants[at] = log->participants[at];
        participants[at].user = s_copy (to, log->participants[at].user);
        participants[at].sender = s_copy (to, log->participants[at].sender);
        participants[at].info = s_copy (to, log->participants[at].info);
    }
    found->participants = participants;
    found->participant_count = log->participant_count;
    stored_work_t *works = s_room (to, log->work_count * sizeof *works);
    for (size_t at = 0; at < log->work_count; at++) {
        works[at] = (stored_work_t){ .item = s_copy (to, log->works[at].item),
                                     .topic = s_copy (to, log->works[at].topic),
                                     .seq = log->works[at].seq,
                                     .user = s_copy (to, log->works[at].user),
                                     .body = s_copy (to, log->works[at].body),
                                     .secret = s_copy (to, log->works[at].secret) };
    }
    found->works = works;
    found->work_count = log->work_count;
    size_t asked = log->asked_count < MOST_THINGS ? log->asked_count : MOST_THINGS;
    const stored_entry_t *question =
        fake_question (log->entries, log->entry_count, log->asked, asked);
    if (question)
        found->unanswered = (stored_work_t){ .seq = question->seq,
                                             .user = s_copy (to, question->user),
                                             .body = s_copy (to, question->data) };
    stored_id_t *known = s_room (to, (log->entry_count + 1) * sizeof *known);
    for (size_t row = 0; row < log->entry_count; row++) {
        const stored_entry_t *entry = &log->entries[row];
        bool is_known = row + request->recent >= log->entry_count;
        for (size_t at = 0; at < request->id_count && !is_known; at++)
            is_known = text_is (entry->message_id, request->ids[at]);
        if (is_known)
            known[found->known_count++] =
                (stored_id_t){ s_copy (to, entry->message_id), entry->role,
                               s_copy (to, entry->user), entry->seq, entry->time_ms,
                               entry->event };
    }
    found->known = known;
}

static void
s_read (request_t *request)
{
    const log_of_t *log = s_log (request->session);
    list_t *to = &request->texts;
    request->entries = s_room (to, (request->most + 1) * sizeof *request->entries);
    for (size_t at = 0; at < log->entry_count && request->entry_count < request->most; at++) {
        if (log->entries[at].seq <= request->after)
            continue;
        stored_entry_t *entry = &request->entries[request->entry_count++];
        *entry = log->entries[at];
        entry->message_id = s_copy (to, entry->message_id);
        entry->user = s_copy (to, entry->user);
        entry->sender = s_copy (to, entry->sender);
        entry->data = s_copy (to, entry->data);
    }
}

static void
s_do (request_t *request)
{
    request->done = true;
    request->outcome = STORED;
    if (request->mood == FAKE_DOWN)
        request->outcome = STORE_DOWN;
    else if (request->kind == APPEND && request->mood == FAKE_UNSURE_LOST)
        request->outcome = STORE_UNSURE;
    else if (request->kind == APPEND) {
        request->outcome = s_append (request->of, request);
        if (request->mood == FAKE_UNSURE)
            request->outcome = STORE_UNSURE;
    }
    else if (request->kind == LOAD)
        s_load (request);
    else if (request->kind == READ)
        s_read (request);
}

bool
fake_store_do (void)
{
    for (list_t *link = s_store.requests.next; link != &s_store.requests; link = link->next) {
        request_t *request = LIST_THING (link, request_t, place);
        if (!request->done) {
            s_do (request);
            return true;
        }
    }
    return false;
}

bool
fake_store_step (void)
{
    list_t *link = list_first (&s_store.requests);
    if (!link)
        return false;
    request_t *request = LIST_THING (link, request_t, place);
    list_remove (link);
    if (!request->done)
        s_do (request);
    if (request->kind == APPEND)
        request->appended (request->owner, request->request_id, request->outcome, request->waits,
                           request->outcome == STORED ? request->wait_count : 0);
    else if (request->kind == LOAD)
        request->loaded (request->owner, request->request_id, request->outcome,
                         request->outcome == STORED ? &request->found : NULL);
    else if (request->kind == NOTICE) {
        if (!request->of->is_deaf)
            request->of->noticed (request->of->owner, request->what, request->session);
    } else
        request->read (request->owner, request->request_id, request->outcome, request->entries,
                       request->entry_count);
    s_request_free (request);
    return true;
}
