//  migrations — brings the database's schema to the one that this program was built with.
//
//  All of it is one transaction under an advisory lock, so that any number of postoffices can start
//  on an empty database at once: one migrates, the others find that it is done. This part only says
//  which SQL comes next; the caller sends it and brings the answer.

#ifndef MIGRATIONS_H
#define MIGRATIONS_H

#include "base/buffer.h"

typedef struct {
    int number;
    const char *name;
    const char *sql;
} migration_t;

//  Made from schema/*.sql when the program is built; numbers are 1, 2, 3 …
extern const migration_t migrations_table[];
extern const size_t migrations_count;

typedef enum {
    MIGRATIONS_ASK,   //  send the SQL; its last result is one number
    MIGRATIONS_APPLY, //  send the SQL; no result
    MIGRATIONS_DONE,
    MIGRATIONS_REFUSED, //  the database is newer than this program
} migrations_state_t;

typedef struct {
    migrations_state_t state;
    int found;     //  the database's number, once it was asked
    buffer_t sql;  //  a string, to be sent in states ASK and APPLY
} migrations_t;

//  Starts anew: state MIGRATIONS_ASK. The first call is for a zeroed struct.
void migrations_begin (migrations_t *self);
//  The answer to what was sent: `number` is that of MIGRATIONS_ASK.
void migrations_answer (migrations_t *self, int number);

#endif
