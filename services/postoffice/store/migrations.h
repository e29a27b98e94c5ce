//  migrations — brings the database's schema to the one that this program was built with.
//
//  All of it is one transaction under an advisory lock, so that any number of postoffices can start
//  on an empty database at once: one migrates, the others find that it is done. This part only says
//  which SQL comes next; the caller sends it and brings the answer.
//
//  Programs of two schemas run beside each other when the newer one says so (readable_from): each
//  has functions of its own, with its schema's number behind their names (SCHEMA_FUNCTION), and
//  whoever migrates leaves those that programs still may use.

#ifndef MIGRATIONS_H
#define MIGRATIONS_H

#include "base/buffer.h"

#include <stdbool.h>

typedef struct {
    int number;
    int readable_from; //  programs from this number on may use the schema
    const char *name;
    const char *sql;
} migration_t;

//  Made from schema/ when the program is built; numbers are 1, 2, 3 …
extern const migration_t migrations_table[];
extern const size_t migrations_count;
extern const char migrations_functions[];

//  Statements with all columns of log_columns.def, made by the build: one entry; arrays of entries;
//  and the whole of an append.
extern const char schema_insert_entry[];
extern const char schema_insert_entries[];
extern const char schema_append[];

//  "load_session_4": a function of this program's schema. SCHEMA_NUMBER comes from the build.
#define SCHEMA_STRING_(number) #number
#define SCHEMA_STRING(number) SCHEMA_STRING_ (number)
#define SCHEMA_FUNCTION(name) name "_" SCHEMA_STRING (SCHEMA_NUMBER)

typedef enum {
    MIGRATIONS_ASK,   //  send the SQL; its last result is two numbers
    MIGRATIONS_APPLY, //  send the SQL; no result
    MIGRATIONS_DONE,
    MIGRATIONS_NEWER, //  the database is newer, and not for this program
    MIGRATIONS_OLDER, //  the database is older, and is not to be migrated
} migrations_state_t;

typedef struct {
    bool apply;             //  migrate; false: only look
    uint64_t limit_minutes; //  of the server for each statement of a migration; 0: none
    migrations_state_t state;
    int found;     //  the database's number, once it was asked
    buffer_t sql;  //  a string, to be sent in states ASK and APPLY
} migrations_t;

//  Starts anew: state MIGRATIONS_ASK. Before the first call only `apply` and the limit are set.
void migrations_begin (migrations_t *self);
//  The answer to what was sent; the numbers are those of MIGRATIONS_ASK: the database's, and the
//  one from which on programs may use it.
void migrations_answer (migrations_t *self, int number, int readable_from);

#endif
