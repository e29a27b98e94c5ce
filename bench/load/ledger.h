//  ledger — what became of each message of one session: sent, acknowledged, delivered. It is what
//  tells lost, doubled and disordered messages from good ones.
//
//  Messages are numbered from 0 in the order in which they are sent.

#ifndef LEDGER_H
#define LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t *entries;  //  when it was sent, and what has happened to it since
    uint32_t sent;
    uint32_t room;
    uint32_t acked;
    uint32_t delivered; //  different ones
    uint32_t refused;
    uint32_t next;      //  above the highest that was delivered
} ledger_t;

//  Added up over sessions.
typedef struct {
    uint64_t lost;       //  acknowledged and never delivered
    uint64_t unanswered; //  neither acknowledged nor refused
    uint64_t doubled;    //  delivered once more
    uint64_t disordered; //  delivered after one that was sent later
    uint64_t strange;    //  an answer to what was never asked, or a second answer
    uint64_t refused;    //  busy, or another refusal
} faults_t;

void ledger_free (ledger_t *self);
//  Takes down the next one. False when there is no memory for it.
bool ledger_sent (ledger_t *self, uint64_t at_us);
//  Each returns true, and when that message was sent, if it is the first time.
bool ledger_acked (ledger_t *self, uint32_t number, uint64_t *sent_us, faults_t *faults);
bool ledger_delivered (ledger_t *self, uint32_t number, uint64_t *sent_us, faults_t *faults);
void ledger_refused (ledger_t *self, uint32_t number, faults_t *faults);
//  How many are under way: not yet answered, or not yet delivered.
uint32_t ledger_in_flight (const ledger_t *self);
//  Adds what is missing now that nothing more is awaited.
void ledger_close (const ledger_t *self, faults_t *faults);

#endif
