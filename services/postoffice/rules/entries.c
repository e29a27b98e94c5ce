#include "rules/entries.h"

#include "base/clock.h"
#include "base/random_id.h"
#include "rules/channel_items.h"

#include <assert.h>
#include <stdio.h>

static_assert (RECENT_IDS
                   >= CHANGESET_ENTRIES + OPERATION_ENTRIES + 1 + CHANGESET_OPERATIONS,
               "an id that was asked for is not pushed out by a changeset's entries");

#define ROUTER_USER TEXT ("router")

//  Who waits for an answer, once this was said: what is for the bot only is no question, and what a
//  bot says without words is an answer all the same. What a server says for the app is none: that
//  one must wait, say; nor is a notice for those who wait.
static void
s_note_question (fold_t *fold, const said_t *said)
{
    bool is_of_talk = said->event == EVENT_NEW_MESSAGE || said->event == EVENT_FAILURE;
    bool is_notice = said->role == ROLE_BOT && text_is (said->user, NOTICE_USER);
    if (!is_of_talk || said->role == ROLE_API || is_notice)
        return;
    if (said->role != ROLE_VISITOR)
        fold_answered (fold);
    else if (!said->hidden)
        fold_wait (fold, &(question_t){ .seq = fold->last_seq,
                                        .user = said->user,
                                        .body = said->data,
                                        .secret = said->secret,
                                        .since_ms = fold->last_time_ms });
}

text_t
entries_new_id (switchboard_t *self)
{
    random_id_t identity = random_id_new ();
    return changeset_keep (self->changeset, text_of (identity.text));
}

text_t
entries_keep_buffer (switchboard_t *self, buffer_t *buffer)
{
    text_t kept = entries_keep (self, buffer_text (buffer));
    buffer_free (buffer);
    return kept;
}

void
entries_note (switchboard_t *self, operation_t *operation, event_t event, text_t data)
{
    entries_append (self, operation,
                    &(said_t){ .event = event,
                               .message_id = entries_new_id (self),
                               .role = ROLE_ROUTER,
                               .user = ROUTER_USER,
                               .sender = TEXT ("{}"),
                               .data = data });
}

uint64_t
entries_now_ms (const switchboard_t *self)
{
    int64_t ahead_ms = self->rules->database_ms;
    return ahead_ms ? (uint64_t) ((int64_t) clock_mono_ms () + ahead_ms) : clock_wall_ms ();
}

void
entries_reopen (switchboard_t *self, operation_t *operation)
{
    self->fold->is_closed = false;
    self->changeset->closing = SESSION_REOPENS;
    entries_note (self, operation, EVENT_SESSION_REOPENED, TEXT_EMPTY);
}

void
entries_append (switchboard_t *self, operation_t *operation, const said_t *said)
{
    fold_t *fold = self->fold;
    bool opens_again = said->event != EVENT_USER_LEFT && said->event != EVENT_WHISPER
                       && said->event != EVENT_ALERT_ACKNOWLEDGED;
    if (fold->is_closed && opens_again)
        entries_reopen (self, operation);
    uint64_t wall_ms = clock_wall_ms ();
    uint64_t time_ms = fold_next_time (fold, wall_ms, said->client_ms);
    store_entry_t entry = { .message_id = said->message_id,
                            .event = said->event,
                            .time_ms = time_ms,
                            .role = said->role,
                            .user = said->user,
                            .sender = said->sender,
                            .data = said->data,
                            .hidden = said->hidden };
    log_mark_t mark = { said->role, said->user, said->message_id, time_ms };
    operation->check = entry.check = log_check_of (&mark);
    //  What a connection said does not come back to it; what follows from it may.
    origin_t origin = { 0, 0 };
    bool is_said = said->event == EVENT_NEW_MESSAGE || said->event == EVENT_WHISPER;
    if (is_said && operation->kind == OPERATION_POST)
        origin = (origin_t){ operation->peer, operation->record.post.endpoint };
    changeset_entry (self->changeset, fold->last_seq + 1, &entry, origin);
    channel_items_add (self->changeset, fold, fold->last_seq + 1, &entry);
    fold->last_seq++;
    fold->last_time_ms = time_ms;
    fold->stored_ms = wall_ms;
    if (said->event == EVENT_SESSION_CLOSED)
        fold->closed_ms = wall_ms;
    else
        fold->activity_ms = wall_ms;
    fold->last_writer = self->rules->writer;
    //  Also of those that nobody asks for by their id: what stands last tells which log it is.
    keyed_digest_t digest = said->digest ? *said->digest
                                         : recent_ids_digest (said->role, said->user,
                                                              said->message_id);
    recent_ids_add (&fold->recent, &(recent_id_t){ .digest = digest,
                                                   .seq = fold->last_seq,
                                                   .time_ms = time_ms,
                                                   .check = operation->check,
                                                   .event = said->event });
    s_note_question (fold, said);
    if (fold->meanwhile.since_seq > 0)
        meanwhile_note (&fold->meanwhile, &(stored_entry_t){ .seq = fold->last_seq,
                                                             .event = said->event,
                                                             .time_ms = time_ms,
                                                             .role = said->role,
                                                             .user = said->user,
                                                             .data = said->data,
                                                             .hidden = said->hidden });
    operation->entry_count++;
    assert (operation->entry_count <= OPERATION_ENTRIES + 1);
    operation->seq = fold->last_seq;
    operation->time_ms = time_ms;
}

text_t
entries_derived_id (switchboard_t *self, text_t id, const char *what)
{
    char room[MESSAGE_ID_MAX + 32];
    int size = snprintf (room, sizeof room, ":%s:%.*s", what, TEXT_ARGS (id));
    assert (size > 0);
    size_t kept = (size_t) size < sizeof room ? (size_t) size : sizeof room - 1;
    return changeset_keep (self->changeset, (text_t){ room, kept });
}

void
entries_admit (switchboard_t *self, uint64_t role, text_t user, text_t sender, text_t info)
{
    fold_inform (fold_admit (self->fold, role, user, sender), info);
    changeset_participant (self->changeset, role, user, sender, info, true);
}

//  The last entry has changed control, or the offer.
static void
s_new_version (switchboard_t *self)
{
    self->fold->control_seq = self->fold->last_seq;
    self->fold->control_ms = self->fold->stored_ms;
    self->changeset->control_changes = true;
}

void
entries_control (switchboard_t *self, uint64_t role, text_t user)
{
    fold_t *fold = self->fold;
    self->changeset->holder_changes |= !fold_controls (fold, role, user);
    if (role == ROLE_BOT)
        meanwhile_free (&fold->meanwhile);
    else if (fold->meanwhile.since_seq == 0)
        meanwhile_begin (&fold->meanwhile, fold->last_seq);
    fold_control (fold, role, user);
    s_new_version (self);
}

void
entries_offer (switchboard_t *self, const store_offer_t *offer)
{
    if (!self->changeset->offer_before.data)
        self->changeset->offer_before = entries_keep (self, self->fold->offer.text);
    fold_offer (self->fold, offer);
    s_new_version (self);
}
