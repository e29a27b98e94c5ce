//  meanwhile — what is said while the bot does not answer, by the visitor, agents, platforms and
//  the app, so that the bot can be told when it gets the visitor back (docs/switchboard.md).
//
//  It is kept only while somebody else has control, or nobody: a conversation with the bot costs
//  nothing. It follows from the log, so any postoffice has the same (load_session). Bounded: of a
//  longer conversation it has the end, of a long text the beginning, and says so. What is kept is a
//  message's data; its words are read when the bot is told, or when there is too much.

#ifndef MEANWHILE_H
#define MEANWHILE_H

#include "base/list.h"
#include "json/json_write.h"
#include "store/store_model.h"

#define MEANWHILE_MOST 50          //  messages, also those without words
#define MEANWHILE_BYTES (16 * 1024) //  of their texts and speakers, all together; so is their data
#define MEANWHILE_TEXT 2000        //  bytes of one text
//  What meanwhile_put writes at most: an escape for each byte, and the frame of each message.
#define MEANWHILE_JSON (6 * MEANWHILE_BYTES + 200 * (MEANWHILE_MOST + 1))

typedef struct {
    uint64_t since_seq; //  of the entry with which the bot lost control; 0: it has it
    list_t messages;
    size_t count, bytes;
    bool is_cut; //  there were earlier ones
} meanwhile_t;

void meanwhile_init (meanwhile_t *self);
//  Forgets all of it: also when the bot has control again.
void meanwhile_free (meanwhile_t *self);
//  Moves everything; `from` is freshly initialised then.
void meanwhile_move (meanwhile_t *self, meanwhile_t *from);

//  The bot has no control any more, from this entry on.
void meanwhile_begin (meanwhile_t *self, uint64_t seq);
//  The next entry of the log. One that is no message, is hidden or the bot's, and all while the bot
//  has control, changes nothing. Copies what it keeps.
void meanwhile_note (meanwhile_t *self, const stored_entry_t *entry);

//  Members of the object that is open: `sinceSeq`, `said`, and `saidIsCut` when it is. Reads what
//  is not read yet.
void meanwhile_put (meanwhile_t *self, json_writer_t *json);

#endif
