//  pg_error_class — what an error of the server means for what it was the answer to.

#ifndef PG_ERROR_CLASS_H
#define PG_ERROR_CLASS_H

typedef enum {
    JUDGED_AGAIN,        //  by chance; send it again
    JUDGED_NO_PARTITION, //  send it again when the partition was made
    JUDGED_DOUBLE,       //  somebody was faster, or it is there already
    JUDGED_LOCKED,       //  somebody sits on a row of it
    JUDGED_INDIGESTIBLE, //  it is about what was sent, and will be so again
    JUDGED_STRANGE,      //  not the primary any more, or another schema: dial anew
    JUDGED_SICK,         //  the server cannot do anything
} pg_error_class_t;

pg_error_class_t pg_error_class_of (const char *sqlstate);

#endif
