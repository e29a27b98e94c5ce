#include "rules/meanwhile.h"

#include "base/alloc.h"
#include "model/message.h"

#include <stdlib.h>

typedef struct {
    list_t place;
    uint64_t seq, time_ms, role;
    bool is_read; //  text has its words; else all of its data
    bool is_cut;  //  its words go on
    text_t user, text; //  behind the struct
} message_said_t;

void
meanwhile_init (meanwhile_t *self)
{
    *self = (meanwhile_t){ 0 };
    list_init (&self->messages);
}

static void
s_drop (meanwhile_t *self, message_said_t *said)
{
    list_remove (&said->place);
    self->count--;
    self->bytes -= said->user.size + said->text.size;
    free (said);
}

static message_said_t *
s_said (const list_t *link)
{
    return LIST_THING (link, message_said_t, place);
}

void
meanwhile_free (meanwhile_t *self)
{
    while (!list_is_empty (&self->messages))
        s_drop (self, s_said (list_first (&self->messages)));
    meanwhile_init (self);
}

void
meanwhile_move (meanwhile_t *self, meanwhile_t *from)
{
    list_t *link;
    *self = *from;
    list_init (&self->messages);
    while ((link = list_first (&from->messages)))
        list_append (&self->messages, link);
    meanwhile_init (from);
}

void
meanwhile_begin (meanwhile_t *self, uint64_t seq)
{
    meanwhile_free (self);
    self->since_seq = seq;
}

//  Copies the texts; `before`: the link behind it.
static void
s_keep (meanwhile_t *self, list_t *before, const message_said_t *prototype)
{
    text_t texts[] = { prototype->user, prototype->text };
    message_said_t *said = alloc_packed (sizeof *said, texts, 2);
    *said = *prototype;
    said->user = texts[0];
    said->text = texts[1];
    list_init (&said->place);
    list_append (before, &said->place);
    self->count++;
    self->bytes += said->user.size + said->text.size;
}

//  Its words in place of its data; without words nothing is left of it.
static void
s_read (meanwhile_t *self, message_said_t *said)
{
    buffer_t words;
    buffer_init (&words, MEANWHILE_TEXT);
    message_said_t read = *said;
    read.is_read = true;
    read.is_cut = message_put_words (said->text, MEANWHILE_TEXT, &words);
    read.text = buffer_text (&words);
    if (read.text.size > 0)
        s_keep (self, &said->place, &read);
    s_drop (self, said);
    buffer_free (&words);
}

//  The first one that is not read; NULL: all are.
static message_said_t *
s_unread (const meanwhile_t *self)
{
    const list_t *link = self->messages.next;
    while (link != &self->messages && s_said (link)->is_read)
        link = link->next;
    return link == &self->messages ? NULL : s_said (link);
}

//  Data are larger than their words, so what is too much is read before anything is dropped.
static void
s_bound (meanwhile_t *self)
{
    while (self->count > MEANWHILE_MOST || self->bytes > MEANWHILE_BYTES) {
        message_said_t *unread = s_unread (self);
        if (self->count <= MEANWHILE_MOST && unread)
            s_read (self, unread);
        else {
            s_drop (self, s_said (list_first (&self->messages)));
            self->is_cut = true;
        }
    }
}

//  Its words are looked for when they are wanted: of most messages they never are, and each would
//  cost the postoffice a third more. Only what is long is read at once.
void
meanwhile_note (meanwhile_t *self, const stored_entry_t *entry)
{
    if (self->since_seq == 0 || entry->event != EVENT_NEW_MESSAGE || entry->hidden
        || entry->role == ROLE_BOT)
        return;
    s_keep (self, &self->messages, &(message_said_t){ .seq = entry->seq,
                                                      .time_ms = entry->time_ms,
                                                      .role = entry->role,
                                                      .user = entry->user,
                                                      .text = entry->data });
    if (entry->data.size > MEANWHILE_TEXT)
        s_read (self, s_said (self->messages.previous));
    s_bound (self);
}

static void
s_put (const message_said_t *said, json_writer_t *json)
{
    json_open_object (json, NULL);
    json_put_number (json, "seq", said->seq);
    json_put_time (json, "time", said->time_ms);
    json_put_string (json, "role", role_name ((role_t) said->role));
    json_put_text_if (json, "userId", said->user);
    json_put_text (json, "text", said->text);
    if (said->is_cut)
        json_put_bool (json, "isCut", true);
    json_close_object (json);
}

void
meanwhile_put (meanwhile_t *self, json_writer_t *json)
{
    const list_t *all = &self->messages;
    message_said_t *unread;
    while ((unread = s_unread (self)))
        s_read (self, unread);
    json_put_number (json, "sinceSeq", self->since_seq);
    json_open_array (json, "said");
    for (const list_t *link = all->next; link != all; link = link->next)
        s_put (s_said (link), json);
    json_close_array (json);
    if (self->is_cut)
        json_put_bool (json, "saidIsCut", true);
}
