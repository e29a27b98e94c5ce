#include "platform/genesys_people.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash_table.h"
#include "platform/genesys_answer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define PATH_ROOM 128
#define USER_MOST 64 //  bytes of an id: a UUID has 36

//  Of one app's user; known, or asked for.
typedef struct {
    list_t link; //  in `recent`
    genesys_people_t *people;
    char *key;
    text_t name, picture; //  copies, or empty
    uint64_t good_until_ms; //  0: it is not known yet
    genesys_call_t *call;   //  NULL: it is not asked for now
    list_t asks;
    UT_hash_handle hh;
} person_t;

struct genesys_person_ask {
    list_t link;
    genesys_people_t *people;
    genesys_person_fn *known;
    void *owner;
};

struct genesys_people {
    genesys_calls_t *calls;
    person_t *all; //  by "APP USER"
    list_t recent; //  the one that was asked for longest ago is the first
    size_t waiting; //  asks
};

genesys_people_t *
genesys_people_new (genesys_calls_t *calls)
{
    genesys_people_t *self = alloc_zeroed (sizeof *self);
    self->calls = calls;
    list_init (&self->recent);
    return self;
}

static void
s_forget_facts (person_t *self)
{
    if (self->name.size > 0)
        free ((char *) (uintptr_t) self->name.data);
    if (self->picture.size > 0)
        free ((char *) (uintptr_t) self->picture.data);
    self->name = self->picture = TEXT_EMPTY;
}

static void
s_end_ask (genesys_person_ask_t *ask)
{
    list_remove (&ask->link);
    ask->people->waiting--;
    free (ask);
}

static void
s_free_person (person_t *self)
{
    list_t *first;
    while ((first = list_first (&self->asks)))
        s_end_ask (LIST_THING (first, genesys_person_ask_t, link));
    genesys_call_cancel (&self->call);
    list_remove (&self->link);
    HASH_DEL (self->people->all, self);
    s_forget_facts (self);
    free (self->key);
    free (self);
}

void
genesys_people_destroy (genesys_people_t **self_p)
{
    genesys_people_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    list_t *first;
    while ((first = list_first (&self->recent)))
        s_free_person (LIST_THING (first, person_t, link));
    free (self);
}

//  Room for one more: the first that nobody waits for goes.
static void
s_make_room (genesys_people_t *self)
{
    for (list_t *link = self->recent.next;
         HASH_COUNT (self->all) >= PEOPLE_MOST && link != &self->recent;) {
        person_t *person = LIST_THING (link, person_t, link);
        link = link->next;
        if (!person->call)
            s_free_person (person);
    }
}

static person_t *
s_person_of (genesys_people_t *self, text_t app, text_t user)
{
    char key[APP_ID_MAX + USER_MOST + 2];
    person_t *person;
    int size = snprintf (key, sizeof key, "%.*s %.*s", TEXT_ARGS (app), TEXT_ARGS (user));
    assert (size > 0 && (size_t) size < sizeof key);
    HASH_FIND (hh, self->all, key, (size_t) size, person);
    if (!person) {
        s_make_room (self);
        person = alloc_zeroed (sizeof *person);
        person->people = self;
        person->key = alloc_string (key);
        person->name = person->picture = TEXT_EMPTY;
        list_init (&person->link);
        list_init (&person->asks);
        HASH_ADD_KEYPTR (hh, self->all, person->key, (size_t) size, person);
    }
    list_append (&self->recent, &person->link);
    return person;
}

//  Each may ask for others, and cancel what it has asked.
static void
s_tell (person_t *self)
{
    list_t now, *first;
    list_init (&now);
    while ((first = list_first (&self->asks)))
        list_append (&now, first);
    genesys_person_t person = { alloc_copy (self->name), alloc_copy (self->picture) };
    while ((first = list_first (&now))) {
        genesys_person_ask_t *ask = LIST_THING (first, genesys_person_ask_t, link);
        genesys_person_fn *known = ask->known;
        void *owner = ask->owner;
        s_end_ask (ask);
        known (owner, &person);
    }
    free ((char *) (uintptr_t) person.name.data);
    free ((char *) (uintptr_t) person.picture.data);
}

static void
s_take (person_t *self, text_t body)
{
    person_answer_t answer;
    person_answer_read (&answer, body);
    if (answer.name.size > 0)
        self->name = alloc_copy (answer.name);
    if (answer.picture.size > 0)
        self->picture = alloc_copy (answer.picture);
    person_answer_free (&answer);
}

//  What passes is no reason to wait for long with the next question.
static void
s_answered (void *owner, const genesys_outcome_t *outcome)
{
    person_t *self = owner;
    self->call = NULL;
    bool is_passing = outcome->class == GENESYS_PASSING || outcome->class == GENESYS_LATER;
    if (outcome->class == GENESYS_OK || !is_passing)
        s_forget_facts (self); //  what passes leaves what was known
    if (outcome->class == GENESYS_OK)
        s_take (self, outcome->body);
    uint64_t good_ms = is_passing               ? PEOPLE_PASSING_GOOD_MS
                       : self->picture.size > 0 ? PEOPLE_GOOD_MS
                                                : PEOPLE_NONE_GOOD_MS;
    self->good_until_ms = clock_mono_ms () + good_ms;
    s_tell (self);
}

//  It stands in a path.
static bool
s_is_id (text_t user)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    for (size_t at = 0; at < user.size; at++)
        if (!user.data[at] || !strchr (allowed, user.data[at]))
            return false;
    return user.size > 0 && user.size <= USER_MOST;
}

static void
s_ask_platform (person_t *self, text_t app, text_t user)
{
    char path[PATH_ROOM];
    snprintf (path, sizeof path, "/api/v2/users/%.*s", TEXT_ARGS (user));
    self->call = genesys_call (self->people->calls,
                               &(genesys_ask_t){ .app = app,
                                                 .use = CALL_PERSON,
                                                 .method = "GET",
                                                 .path = text_of (path),
                                                 .body = TEXT_EMPTY },
                               s_answered, self);
}

genesys_person_ask_t *
genesys_people_ask (genesys_people_t *self, text_t app, text_t user, genesys_person_t *person,
                    genesys_person_fn *known, void *owner)
{
    *person = (genesys_person_t){ TEXT_EMPTY, TEXT_EMPTY };
    if (!s_is_id (user) || app.size > APP_ID_MAX || self->waiting >= PEOPLE_WAITING_MOST)
        return NULL;
    person_t *found = s_person_of (self, app, user);
    if (clock_mono_ms () < found->good_until_ms) {
        *person = (genesys_person_t){ found->name, found->picture };
        return NULL;
    }
    if (!found->call)
        s_ask_platform (found, app, user);
    genesys_person_ask_t *ask = alloc_zeroed (sizeof *ask);
    list_init (&ask->link);
    ask->people = self;
    ask->known = known;
    ask->owner = owner;
    list_append (&found->asks, &ask->link);
    self->waiting++;
    return ask;
}

void
genesys_person_ask_cancel (genesys_person_ask_t **self_p)
{
    genesys_person_ask_t *self = *self_p;
    *self_p = NULL;
    if (self)
        s_end_ask (self);
}
