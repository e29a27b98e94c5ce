//  list — an intrusive doubly linked list: the link stands inside the thing, so that putting it in
//  and taking it out cost nothing and never fail.
//
//  A list head is a link that points at itself; a thing that is in no list has a link that points
//  at itself, too, so that list_remove is safe to call twice.

#ifndef LIST_H
#define LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct list_link {
    struct list_link *next;
    struct list_link *previous;
} list_t;

//  The thing that the link stands in.
#define LIST_THING(link, type, member)                                                             \
    ((type *) (void *) ((char *) (link) -offsetof (type, member)))

static inline void
list_init (list_t *self)
{
    self->next = self->previous = self;
}

static inline bool
list_is_empty (const list_t *self)
{
    return self->next == self;
}

static inline void
list_remove (list_t *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    list_init (link);
}

//  Takes the link out of the list that it is in, if any, and puts it at this one's end.
static inline void
list_append (list_t *self, list_t *link)
{
    list_remove (link);
    link->previous = self->previous;
    link->next = self;
    self->previous->next = link;
    self->previous = link;
}

//  And at its head.
static inline void
list_prepend (list_t *self, list_t *link)
{
    list_remove (link);
    link->previous = self;
    link->next = self->next;
    self->next->previous = link;
    self->next = link;
}

//  The first link, still in the list; NULL when the list is empty.
static inline list_t *
list_first (const list_t *self)
{
    return list_is_empty (self) ? NULL : self->next;
}

#endif
