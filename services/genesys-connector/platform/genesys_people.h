//  genesys_people — who an agent of the platform is: picture and preferred name by the user's id,
//  asked of the platform once and kept for a while, for all apps of the process.
//
//  PEOPLE_MOST are kept; the one that was asked for longest ago makes room. What is known is good
//  for PEOPLE_GOOD_MS; that nothing is known (404, 403, no picture) for PEOPLE_NONE_GOOD_MS. When
//  the platform could not be asked, it is asked again after PEOPLE_PASSING_GOOD_MS.

#ifndef GENESYS_PEOPLE_H
#define GENESYS_PEOPLE_H

#include "platform/genesys_calls.h"

#define PEOPLE_MOST 10000u
#define PEOPLE_GOOD_MS 3600000u
#define PEOPLE_NONE_GOOD_MS 300000u
#define PEOPLE_PASSING_GOOD_MS 15000u
#define PEOPLE_WAITING_MOST 1000u

typedef struct genesys_people genesys_people_t;
typedef struct genesys_person_ask genesys_person_ask_t;

//  Empty: not known.
typedef struct {
    text_t name;    //  that the person prefers; the participant's own goes before it
    text_t picture; //  https URL
} genesys_person_t;

//  The texts live until it returns.
typedef void genesys_person_fn (void *owner, const genesys_person_t *person);

genesys_people_t *genesys_people_new (genesys_calls_t *calls);
void genesys_people_destroy (genesys_people_t **self_p);

//  NULL when it is known (or known to be unknown): `person` is filled, and lives until the next
//  turn of the loop. Else it is asked, and `known` is called later, once, also when nothing came of
//  it.
genesys_person_ask_t *genesys_people_ask (genesys_people_t *self, text_t app, text_t user,
                                          genesys_person_t *person, genesys_person_fn *known,
                                          void *owner);
void genesys_person_ask_cancel (genesys_person_ask_t **self_p);

#endif
