//  form — a body of application/x-www-form-urlencoded, read strictly: a '%' without two hexadecimal
//  digits is a fault. Blanks are kept, values may be empty, a name may come again. Texts are bytes:
//  whoever uses one as text checks that it is UTF-8.

#ifndef FORM_H
#define FORM_H

#include "auth/webhook_signature.h"

#define FORM_FIELDS_MOST 300

//  Owns what its fields point into.
typedef struct {
    webhook_field_t fields[FORM_FIELDS_MOST];
    size_t count;
    char *room;
} form_t;

//  0, or −1: it is no form, or has too many fields. To be freed in any case.
__attribute__ ((warn_unused_result)) int form_read (form_t *self, text_t body);
void form_free (form_t *self);
//  The first value of this name; empty: there is none.
text_t form_value (const form_t *self, const char *name);

#endif
