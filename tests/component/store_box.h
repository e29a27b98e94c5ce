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
} box_t;

//  Lets the box's loop turn while it waits.
#define UNTIL(box, condition) EVENTUALLY (40000, box_turn (box) && (condition))
bool box_turn (box_t *box);

//  Is ready on the migrated database.
box_t *box_new (postgres_t *postgres, uint64_t writer);
void box_end (box_t *box);

//  Statements in which @V@ stands for the number of this schema.
void sql_exec (postgres_t *postgres, const char *form);
//  It answers with one value.
void sql_expect (postgres_t *postgres, const char *form, const char *value);
const char *sql_of (const char *form); //  until the next call

#endif
