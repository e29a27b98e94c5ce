//  pg_error_class — what an SQLSTATE means for the request that it answers.

#ifndef PG_ERROR_CLASS_H
#define PG_ERROR_CLASS_H

typedef enum {
    PG_ERROR_RETRY,        //  by chance (deadlock): send it again
    PG_ERROR_NO_PARTITION, //  send it again when the partition was made
    PG_ERROR_DUPLICATE,    //  the row is there already
    PG_ERROR_LOCKED,       //  somebody holds a lock on a row of it
    PG_ERROR_REJECTED,     //  it is about what was sent, and will be so again
    PG_ERROR_RECONNECT,    //  not the primary any more, or another schema: connect anew
    PG_ERROR_UNAVAILABLE,  //  the server cannot write at all
} pg_error_class_t;

pg_error_class_t pg_error_class_of (const char *sqlstate);

#endif
