//  query — a question to the database that waits to be sent or for its answer: a load, a read, the
//  look-up of a user's last session, or of an external reference. It owns copies of what was
//  asked; the answer's contents live only until the callback returns.
//
//  The struct is open to store_link.c, whose lists it stands in, and to store.c, which fills it in.

#ifndef QUERY_H
#define QUERY_H

#include "base/list.h"
#include "pg/pg_values.h"
#include "store/store_model.h"

typedef enum { QUERY_LOAD, QUERY_READ, QUERY_LOOKUP, QUERY_EXTERNAL } query_kind_t;

typedef struct {
    list_t link;       //  among those that wait, oldest first, or those under way
    uint64_t since_ms; //  when it was asked
    query_kind_t kind;
    text_t session;      //  lookup, external: the app
    text_t user;         //  lookup; external: the channel
    text_t *ids;         //  load; external: the external id
    size_t id_count;
    uint64_t numbers[4]; //  load: recent, hosts; read: day, after, most, bytes; lookup: role
    size_t size;
    uint64_t request_id;
    void *owner;
    store_loaded_fn *loaded;
    store_read_fn *read;
    store_found_fn *found;
    store_external_fn *external;
} query_t;

//  Copies the texts; the rest is for the caller to fill in.
query_t *query_new (query_kind_t kind, text_t session, text_t user, const text_t *ids,
                    size_t id_count);
void query_destroy (query_t **self_p);

//  The parameters of its statement.
void query_write (const query_t *self, int64_t writer, pg_values_t *values);
//  Tells the caller; `result` is NULL when the outcome is STORE_DOWN.
void query_answer (query_t *self, store_outcome_t outcome, const PGresult *result);

//  The statements, by kind.
extern const char query_load_sql[];
extern const char query_read_sql[];
extern const char query_lookup_sql[];
extern const char query_external_sql[];

#endif
