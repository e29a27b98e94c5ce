//  contact_centre — all services, two genesys-connectors among them, and a Genesys Cloud that
//  follows a script (tests/genesys), for stories about both. There is one at a time.

#ifndef CONTACT_CENTRE_H
#define CONTACT_CENTRE_H

#include "chat.h"
#include "desk.h"
#include "eventually.h"
#include "genesys_platform.h"

#define CENTRE_PATIENCE_MS 40000

extern router_stack_t *centre_stack;
extern bot_t *centre_bot; //  says "You said: …", and hands over who says "agent please"

//  `section`: further members of the app's section `genesys`, each behind a comma; or "". Looks are
//  made each second.
void centre_begins (const char *section);
//  Of an app that hands off to these (a JSON array; members of its section `switchboard` may
//  follow), and not to Genesys alone.
void centre_begins_as (const char *handoff, bool has_bot, const char *section);
//  The bot and Genesys alone, and more.
typedef struct {
    const char *sections;        //  of the app, each behind a comma; NULL: none
    unsigned notifiers;
    const char *const *settings; //  NULL at the end; or NULL
} centre_more_t;
void centre_begins_with (const centre_more_t *more);
//  What stands in the file of the client's secret; at first it is the one that is right.
void centre_write_secret (const char *secret);
//  Nothing was said there that should not be.
void centre_ends (void);

//  A rich visitor whom the platform has: they wait there.
person_t *centre_visitor (const char *name, const char *session);
//  Control of session s1 comes to this: "platform.genesys", "ann", "" the bot.
#define CENTRE_CONTROL(user) EVENTUALLY (CENTRE_PATIENCE_MS, centre_controls (user))
bool centre_controls (const char *user);

//  Some frame with this event and the platform's person comes.
void centre_sees (person_t *visitor, const char *event, const char *name);
//  Has a message with these words come there?
bool centre_heard (const char *words);
//  Is nobody connected there any more, in no conversation?
bool centre_is_empty (void);
//  Items of the platform in this state (of the database).
unsigned centre_items (unsigned state);

#endif
