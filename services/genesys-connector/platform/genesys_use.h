//  genesys_use — what a call is for: genesys_uses.def as an enumeration and a table.

#ifndef GENESYS_USE_H
#define GENESYS_USE_H

#include "platform/genesys_budget.h"

typedef enum {
#define USE(NAME, label, share, gate, shuts, words) CALL_##NAME,
#include "platform/genesys_uses.def"
#undef USE
    CALL_USES
} genesys_use_t;

typedef enum { GATE_RECEIVE, GATES, GATE_OWN = GATES } genesys_gate_t;
typedef enum { GATE_SAYS, GATE_SHUTS } genesys_gate_word_t; //  of a 403

typedef struct {
    const char *label;
    genesys_share_t share;
    genesys_gate_t gate;
    genesys_gate_word_t shuts;
} genesys_use_row_t;

extern const genesys_use_row_t genesys_uses[CALL_USES];

#endif
