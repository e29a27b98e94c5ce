//  faults — what can be done to a site, from the table faults.def.

#ifndef FAULTS_H
#define FAULTS_H

#include "chance.h"
#include "deployment.h"

#include "deliveries/delivery_audit.h"

enum {
#define FAULT(word, weight, target, least, most, begin, end, about) FAULT_##word,
#include "faults.def"
#undef FAULT
    FAULTS
};

//  Whom it befalls; two faults with the same target are not there at the same time.
typedef enum {
    TARGET_EDGE,
    TARGET_POSTOFFICE,
    TARGET_CONNECTOR,
    TARGET_WORKER,
    TARGET_BUS_LINKS,
    TARGET_POSTGRES_LINKS,
    TARGET_CLIENT_LINKS,
    TARGET_POSTGRES,
    TARGET_ALL, //  nothing else happens meanwhile
    TARGET_SPARE_EDGE,
    TARGET_SPARE_POSTOFFICE,
    TARGET_SPARE_CONNECTOR,
} target_t;

//  One fault that was drawn: everything about it comes from the seed.
typedef struct {
    int fault;
    target_t target;
    unsigned which;   //  number of the process, or of the links, from 0; by the modulus of `many`
    uint64_t hold_ms;
    uint64_t salt;    //  whatever else is to be chosen
} drawn_t;

//  −1 when there is none of that word.
int fault_of (const char *word);
const char *fault_word (int fault);
const char *fault_about (int fault);
unsigned fault_weight (int fault);

//  Draws the particulars of this fault.
void fault_draw (int fault, const deployment_t *site, chance_t *chance, drawn_t *drawn);
//  "kill_edge edge-2 for 1234 ms"
void fault_describe (const drawn_t *drawn, const deployment_t *site, char *text, size_t room);
//  True when both would befall the same.
bool fault_collides (const drawn_t *left, const drawn_t *right);

//  Which ways from the scripted workers by the postoffices to PostgreSQL it disturbs.
void fault_paths (const drawn_t *drawn, const deployment_t *site, delivery_paths_t *paths);

//  False when it cannot be done here, or went wrong (which the site has noted).
bool fault_begin (const drawn_t *drawn, deployment_t *site);
void fault_end (const drawn_t *drawn, deployment_t *site);

#endif
