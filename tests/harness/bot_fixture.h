//  bot_fixture — stentor-connector as a real process between a scripted postoffice (bus_server on
//  the test's own loop) and a scripted bot.

#ifndef HARNESS_BOT_STAGE_H
#define HARNESS_BOT_STAGE_H

#include "bot.h"
#include "bus_rig.h"
#include "eventually.h"
#include "process.h"

#define HEARD_MOST 20000
//  One record that the connector said.
typedef struct {
    bus_kind_t kind;
    uint64_t at_ms;
    uint64_t number; //  event or outcome
    uint64_t ask;
    uint64_t fault, tries, status;
    char *item;
    char *data;
    char *target;
    char *detail;
} bot_heard_t;

typedef struct {
    rig_t rig;
    bus_server_t *bus;
    char address[RIG_ADDRESS_MAX]; //  of the bus
    peer_t peer;
    char topics[64];
    uint64_t credit;
    bot_heard_t heard[HEARD_MOST];
    unsigned count;
    bot_t *bot;
    process_t *connector;
} bot_fixture_t;

//  `more` are settings in place of the usual ones, ended by NULL. There is one stage at a time.
bot_fixture_t *bot_fixture_start (const char *const *more);
//  What is still in hand is nobody's concern: the connector need not drain.
void bot_fixture_end (bot_fixture_t *self);
//  Binds anew to the same address after the first time.
void bot_fixture_open_postoffice (bot_fixture_t *self);

//  Hands a question to the connector. The session is demo/<item>, the text the item's name in
//  angle brackets.
void bot_fixture_hand (bot_fixture_t *self, const char *item);
void bot_fixture_hand_body (bot_fixture_t *self, const char *item, const char *app,
                            const char *body);
//  The same question, which is to be tried so often at most.
void bot_fixture_hand_once (bot_fixture_t *self, const char *item, uint64_t tries);
//  Asks whether the app's bot is well.
void bot_fixture_ask_health (bot_fixture_t *self, const char *item, const char *app);
void bot_fixture_settle (bot_fixture_t *self, const char *item);
void bot_fixture_cancel (bot_fixture_t *self, const char *item);

//  How often this was said of the item.
unsigned bot_fixture_count (const bot_fixture_t *self, const char *item, bus_kind_t kind);
//  Waits for what came of it.
const bot_heard_t *bot_fixture_done (bot_fixture_t *self, const char *item, uint64_t within_ms);
//  "taken typing trouble1 typing answered": what was said of the item, in order.
const char *bot_fixture_story (const bot_fixture_t *self, const char *item);

long bot_fixture_resident_kb (const process_t *process);
//  A JSON object with one string, of so many bytes in all; the caller frees it.
char *bot_fixture_object_of (const char *name, size_t size);

#define LAST(words) "{\"type\":\"BOT\",\"tries\":3,\"delay\":0,\"error\":\"" words "\"}"
#define TROUBLE(tries, delay, words)                                                               \
    "{\"type\":\"BOT\",\"tries\":" #tries ",\"delay\":" #delay ",\"error\":\"" words "\"}"

#endif
