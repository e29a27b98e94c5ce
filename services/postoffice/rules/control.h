//  control — who answers the visitor: how somebody gets that and loses it, and what the bot is
//  asked then. The parts of which handover.h is made: who may do so, and what follows, is decided
//  there.

#ifndef CONTROL_H
#define CONTROL_H

#include "json/json_write.h"
#include "model/visitor_info.h"
#include "rules/entries.h"

//  The user and channel of the platform of this name: its topic.
text_t control_platform (switchboard_t *self, text_t name);

//  An agent, or a platform, has control from here on; it takes part if it did not.
typedef struct {
    text_t message_id; //  of the entry
    uint64_t role;
    text_t user;
    text_t sender;   //  JSON object
    const char *why; //  "asked", "accepted"
    uint64_t client_ms;
    bool is_quiet;   //  of a platform: neither this nor the end is shown to the visitor
    text_t watch;    //  likewise: what its watch is told, a JSON object; empty: it has none
} taking_t;
void control_give (switchboard_t *self, operation_t *operation, const taking_t *taking);

//  The agent or platform in control steps back; who has it next is the caller's to say. A platform
//  takes part no more; nor does an agent who has passed the visitor on, where the app has it so. An
//  empty id: a new one.
void control_step_back (switchboard_t *self, operation_t *operation, text_t message_id,
                        const char *why);
//  Nobody has control: the visitor waits for a person.
void control_nobody (switchboard_t *self);
//  The bot has control again, from whoever had it until now. It is told so, or asked what was said
//  last and nobody answered, as the app has it: it does not know that somebody else was asked.
void control_to_bot (switchboard_t *self, operation_t *operation, const char *why);
//  Is it the turn that tells the bot so, and no question of the visitor?
bool control_is_return (const turn_t *turn);

//  A platform takes part, over its channel, and hears of what is said. False: too many channels.
bool control_admit_platform (switchboard_t *self, text_t topic);
//  An agent or platform takes part no more, without a word.
void control_dismiss (switchboard_t *self, uint64_t role, text_t user);
//  For a platform, which has read nothing of the session: what nobody has answered, and who the
//  visitor is, as members of the object that is open; so many bytes, beside the question.
#define CONTROL_ASKED_MAX (7 * (USER_ID_MAX + DISPLAY_NAME_MAX + VISITOR_INFO_MAX))
void control_put_asked (const fold_t *fold, json_writer_t *json);
//  A platform that was asked is not asked any more. `is_told`: a worker may have it in hand, and is
//  told to stop.
void control_ask_no_more (switchboard_t *self, text_t topic, const char *why, bool is_told);

//  People of the platform in control, who come and go while it keeps control: what is said is by
//  the one who came last. Each is an entry that everybody is shown as joined, or left.
typedef struct {
    text_t message_id; //  of the entry
    text_t topic;
    text_t sender; //  of who comes: JSON object
} platform_person_t;
void control_person_comes (switchboard_t *self, operation_t *operation,
                           const platform_person_t *person);
//  Nothing when nobody is there.
void control_person_goes (switchboard_t *self, operation_t *operation, text_t message_id);
//  Is somebody there, and shown so? An empty sender: anybody.
bool control_has_person (const fold_t *fold, text_t topic, text_t sender);

//  The visitor is told something in the bot's name, which is no answer.
void control_tell (switchboard_t *self, operation_t *operation, text_t words);

//  Puts a question before the bot. Its texts live as long as the changeset; the turn may end within
//  it.
void control_ask_bot (switchboard_t *self, const question_t *question);
//  The bot failed: what the visitor said last, which was put to it first at that time (wall clock),
//  is put to it again, after so long at the earliest. Nothing when nobody waits for an answer.
void control_ask_again (switchboard_t *self, uint64_t asked_ms, uint64_t after_ms);
//  What the bot still answers will be refused. `why` is for the operator.
void control_end_turns (switchboard_t *self, text_t why);

//  {"why":"asked"}
text_t control_why (switchboard_t *self, const char *why);

#endif
