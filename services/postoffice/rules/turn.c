#include "rules/turn.h"

#include "base/alloc.h"

#include <stdlib.h>

turn_t *
turn_new (const turn_t *prototype)
{
    text_t texts[] = { prototype->item, prototype->session, prototype->app,   prototype->topic,
                       prototype->user, prototype->body,    prototype->secret };
    turn_t *self = alloc_packed (sizeof *self, texts, sizeof texts / sizeof *texts);
    self->state = prototype->state;
    self->seq = prototype->seq;
    self->item = texts[0];
    self->session = texts[1];
    self->app = texts[2];
    self->topic = texts[3];
    self->user = texts[4];
    self->body = texts[5];
    self->secret = texts[6];
    list_init (&self->place);
    list_init (&self->in_fold);
    return self;
}

void
turn_destroy (turn_t **self_p)
{
    turn_t *self = *self_p;
    if (!self)
        return;
    list_remove (&self->place);
    list_remove (&self->in_fold);
    free (self);
    *self_p = NULL;
}

bool
turn_is_of (const turn_t *self, const char *topics)
{
    for (const char *at = topics; *at; at += strspn (at, " ")) {
        size_t size = strcspn (at, " ");
        if (text_is ((text_t){ at, size }, self->topic))
            return true;
        at += size;
    }
    return false;
}
