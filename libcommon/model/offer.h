//  offer — a session that is offered to whoever is to answer next: the chain of targets, how far
//  along it the offer is, who asked for it and why. It is kept as JSON, in the session's row.
//
//  A target is `group:NAME` (an agent of it is to be found), `agent:ID`, `platform:NAME` (of topic
//  `platform.NAME`) or `bot`. A platform's name is 1 to 50 small letters, digits and hyphens.

#ifndef OFFER_H
#define OFFER_H

#include "json/json_write.h"
#include "model/model.h"

#define OFFER_TARGETS_MOST 8
#define OFFER_WHY_MOST 500 //  bytes
#define OFFER_TEXT_MAX 16384

typedef enum {
    TARGET_GROUP,
    TARGET_AGENT,
    TARGET_PLATFORM,
    TARGET_BOT,
    TARGET_BAD, //  it has no such form
} target_kind_t;

//  Targets with a line end behind each, as one text, and back: returns how many.
size_t offer_split (text_t lines, text_t targets[]);

//  The kind, and what it is of in `name`: the text behind the colon.
target_kind_t target_of (text_t target, text_t *name);
bool platform_is_name (text_t name); //  what may stand behind `platform:` and `platform.`
//  Of a platform's topic, its user id; empty: it is none.
text_t platform_of_topic (text_t topic);

typedef struct {
    text_t targets[OFFER_TARGETS_MOST]; //  in the order in which they are asked
    size_t count, step;
    uint64_t round; //  how often the chain has begun anew, as nobody was left
    text_t why;
    uint64_t by_role;
    text_t by_user;
    uint64_t seq; //  of the entry that it began with: which offer it is
    uint64_t time_ms; //  of a platform that is asked: of that entry, too
    struct json_object *object; //  that the texts stand in, once it was read; or NULL
} offer_t;

//  The target that is asked now; empty behind the last one.
static inline text_t
offer_target (const offer_t *self)
{
    return self->step < self->count ? self->targets[self->step] : TEXT_EMPTY;
}

//  Reads what offer_write wrote; offer_free follows. False, and nothing to free: it is none.
bool offer_read (offer_t *self, text_t text);
void offer_free (offer_t *self);
//  As a JSON object.
void offer_write (const offer_t *self, buffer_t *to);
//  What people are shown of it: members of the object that is open.
void offer_put (const offer_t *self, json_writer_t *json);

#endif
