//  findings — what went wrong, by kind, with the particulars of the first ones.
//
//  The crowd's thread and the main thread both note; the text is printed at once to standard error.

#ifndef FINDINGS_H
#define FINDINGS_H

#include <stdint.h>

//  TROUBLE (NAME, "word")
#define TROUBLES(TROUBLE)                                                                          \
    TROUBLE (LOST, "lost")                                                                         \
    TROUBLE (DOUBLED, "doubled")                                                                   \
    TROUBLE (DISORDERED, "out of order")                                                           \
    TROUBLE (STUCK, "stuck")                                                                       \
    TROUBLE (REFUSED, "refused")                                                                   \
    TROUBLE (BROKEN, "broken")

typedef enum {
#define TROUBLE_VALUE(name, word) TROUBLE_##name,
    TROUBLES (TROUBLE_VALUE)
#undef TROUBLE_VALUE
        TROUBLE_KINDS
} findings_kind_t;

//  Who was troubled.
typedef enum {
    WHO_PAIR,
    WHO_ASKER,
    WHO_WIDGET,
    WHO_DELIVERIES,
    WHO_SERVICE,
    WHO_KINDS
} who_t;

typedef struct trouble findings_t;

findings_t *findings_new (void);
void findings_destroy (findings_t **self_p);

const char *findings_word (findings_kind_t kind);
const char *who_word (who_t who);
//  `transcript` follows the text of the first ones; may be NULL.
__attribute__ ((format (printf, 5, 6))) void findings_note (findings_t *self,
                                                            findings_kind_t kind, who_t who,
                                                            const char *transcript,
                                                            const char *format, ...);
uint64_t findings_count (findings_t *self, findings_kind_t kind, who_t who);
//  All of them.
uint64_t findings_sum (findings_t *self);

#endif
