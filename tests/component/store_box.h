//  store_box — a store on a database of its own, as tests of its SQL need it, and that SQL.

#ifndef STORE_BOX_H
#define STORE_BOX_H

#include "eventually.h"
#include "postgres.h"
#include "store/store.h"

typedef struct {
    uv_loop_t loop;
    store_t *store;
    bool ready;
    store_outcome_t outcome; //  of what was appended last
    unsigned answers;
    char moved[100]; //  the session that a notice was about last
} box_t;

//  Lets the box's loop turn while it waits.
#define UNTIL(box, condition) EVENTUALLY (40000, box_turn (box) && (condition))
bool box_turn (box_t *box);

//  Is ready on the migrated database; keeps all, and fills the search.
box_t *box_new (postgres_t *postgres, uint64_t writer);
//  The same that fills no search, and drops sessions that are older (0: none).
box_t *box_that_keeps (postgres_t *postgres, uint64_t writer, uint64_t kept_ms);
void box_end (box_t *box);

//  Appends; the outcome is the box's, later, or what this returns.
void box_append (box_t *box, const store_append_t *append);
store_outcome_t box_appended (box_t *box, const store_append_t *append);

//  Statements in which @V@ stands for the number of this schema.
void sql_exec (postgres_t *postgres, const char *form);
//  It answers with one value.
void sql_expect (postgres_t *postgres, const char *form, const char *value);
bool sql_is (postgres_t *postgres, const char *form, const char *value);
const char *sql_of (const char *form); //  until the next call

#endif
