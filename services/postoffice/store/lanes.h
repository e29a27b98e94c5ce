//  lanes — the chunks that wait to be stored, one lane for each session, and the questions that
//  must go behind them. Lanes are served in the order in which they began to wait.

#ifndef LANES_H
#define LANES_H

#include "store/batch.h"
#include "store/query.h"

typedef struct lanes lanes_t;

lanes_t *lanes_new (void);
//  Destroys what waits.
void lanes_destroy (lanes_t **self_p);
bool lanes_are_empty (const lanes_t *self);

void lanes_put (lanes_t *self, chunk_t *chunk);
//  Puts the question behind its session's chunks; false when none of them wait.
bool lanes_follow (lanes_t *self, query_t *query);

//  Fills the batch with at most `most` chunks; with `alone`, with one group only.
//  Questions whose last chunk is in the batch now are appended to `freed`.
void lanes_fill (lanes_t *self, batch_t *batch, size_t most, bool alone, list_t *freed);
//  Appends the session's waiting chunks to `chunks` and the questions behind them to `freed`.
void lanes_take (lanes_t *self, text_t session, list_t *chunks, list_t *freed);
//  Puts a group's chunks back, before everything else that waits, its session's later ones too.
void lanes_put_back (lanes_t *self, list_t *chunks);

#endif
