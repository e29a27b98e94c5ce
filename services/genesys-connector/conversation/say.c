#include "base/clock.h"
#include "base/keyed_hash.h"
#include "conversation/steps.h"

#include <stdio.h>

#define BODY_MOST (1u << 20)
#define PATH_MOST 300
//  An attempt has a limit: what is left then is the next one's.
#define ATTEMPT_MS 60000

static void s_post (attempt_t *self);

//  Ours: it follows from the item, and says nothing.
static open_digest_t
s_message_id (const attempt_t *self)
{
    char number[40];
    snprintf (number, sizeof number, "%llu%s", (unsigned long long) self->memory.parts,
              self->is_plain ? " plain" : "");
    const text_t texts[] = { worker_item_view (self->item)->work.item, text_of (number) };
    return open_digest (texts, 2);
}

//  Nothing of it is of this moment: each try has the same bytes.
static int
s_put_body (const attempt_t *self, const said_part_t *part, buffer_t *body)
{
    open_digest_t id = s_message_id (self);
    genesys_from_t from = { .id = self->body.external_id,
                            .name = self->name,
                            .time_ms = self->body.time_ms + self->memory.parts,
                            .message_id = text_of (id.text) };
    if (part->kind == SAID_FILE)
        return genesys_put_file (body, &from, &part->file);
    if (part->kind == SAID_CHOICE && !self->is_plain)
        return genesys_put_choice (body, &from, &part->choice);
    return genesys_put_text (body, &from, part->text,
                             self->memory.parts == 0 ? buffer_text (&self->attributes)
                                                     : TEXT_EMPTY);
}

static void
s_take (attempt_t *self, const genesys_outcome_t *outcome)
{
    posted_t posted;
    posted_read (&posted, outcome->body);
    item_memory_add_id (&self->memory, text_of (posted.id));
    if (*posted.conversation && strcmp (posted.conversation, self->lane.conversation) != 0) {
        snprintf (self->lane.conversation, sizeof self->lane.conversation, "%s",
                  posted.conversation);
        self->lane_is_new = true;
    }
    if (strcmp (self->lane.conversation, self->lane.before) == 0)
        *self->lane.before = '\0'; //  it goes on in that one
    self->memory.parts++;
    self->is_plain = false;
}

//  A try before may have been taken, and be what this one is refused for.
static bool
s_may_be_there (const attempt_t *self)
{
    return self->memory.is_unsure || worker_item_view (self->item)->work.lost > 0;
}

static void
s_posted (attempt_t *self, const genesys_outcome_t *outcome)
{
    const said_part_t *part = &self->said.parts[self->memory.parts];
    bool is_choice = part->kind == SAID_CHOICE && !self->is_plain;
    if (outcome->class == GENESYS_OK)
        s_take (self, outcome);
    else if (outcome->class == GENESYS_REFUSED && is_choice && !s_may_be_there (self))
        self->is_plain = true; //  it knows no such message any more: words are always good
    else {
        self->refused (self, outcome);
        return;
    }
    s_post (self);
}

static void
s_post (attempt_t *self)
{
    if (self->memory.parts >= self->said.count) {
        self->then (self);
        return;
    }
    if (clock_mono_ms () - self->began_ms > ATTEMPT_MS) {
        attempt_again (self, 0, "messages of it are left: it goes on");
        return;
    }
    const app_genesys_t *section = attempt_section (self);
    if (!section)
        return;
    const said_part_t *part = &self->said.parts[self->memory.parts];
    bool is_choice = part->kind == SAID_CHOICE && !self->is_plain;
    char path[PATH_MOST];
    buffer_t body;
    buffer_init (&body, BODY_MOST);
    snprintf (path, sizeof path, "/api/v2/conversations/messages/%.*s/inbound/open/%s",
              TEXT_ARGS (section->integration_id),
              is_choice ? "structured/response" : "message?prefetchConversationId=true");
    if (s_put_body (self, part, &body) == 0)
        attempt_call (self, CALL_MESSAGE, "POST", text_of (path), buffer_text (&body), s_posted);
    else
        attempt_dead (self, 0, "it is too long for a message to Genesys");
    buffer_free (&body);
}

void
post_all (attempt_t *self, void (*posted) (attempt_t *self), attempt_outcome_fn *refused)
{
    self->then = posted;
    self->refused = refused;
    if (self->body.external_id.size == 0)
        attempt_dead (self, 0, "the item does not say who the visitor is at Genesys");
    else
        s_post (self);
}

// ------------------------------------------------------------------------------------------------
//  An entry

static void
s_said (attempt_t *self)
{
    attempt_done (self, self->memory.ids);
}

//  Whatever came of it: the message is a dead letter, and the visitor's app decides who answers.
static void
s_given_back (attempt_t *self, unsigned status, text_t body)
{
    (void) body;
    if (status == 0 || status >= 500)
        attempt_unanswered (self, status);
    else
        attempt_dead (self, self->status, self->why);
}

//  Nobody there will get anything any more: the section, a right or the integration is missing.
static bool
s_is_lost (const attempt_t *self, const genesys_outcome_t *outcome)
{
    bool is_choice =
        self->said.parts[self->memory.parts].kind == SAID_CHOICE && !self->is_plain;
    return outcome->class == GENESYS_FORBIDDEN
           || (outcome->class == GENESYS_REFUSED && outcome->status == 404 && !is_choice);
}

static void
s_not_said (attempt_t *self, const genesys_outcome_t *outcome)
{
    char key[60];
    if (!s_is_lost (self, outcome)) {
        attempt_failed (self, outcome);
        return;
    }
    self->status = outcome->status;
    snprintf (self->why, sizeof self->why, "%s; the visitor is given back", outcome->words);
    snprintf (key, sizeof key, "genesys-lost-%llu", (unsigned long long) self->body.seq);
    attempt_ask (self,
                 &(attempt_ask_t){ .operation = API_CONTROL_RELEASE,
                                   .body = TEXT ("{\"why\":\"unreachable\"}"),
                                   .key = text_of (key) },
                 s_given_back);
}

void
step_say (attempt_t *self)
{
    said_read (&self->said, &self->body);
    if (text_is (self->body.role, TEXT ("visitor")))
        self->name = self->body.name;
    if (self->said.count == 0)
        attempt_done (self, "there is nothing to tell in it");
    else
        post_all (self, s_said, s_not_said);
}

void
step_nothing (attempt_t *self)
{
    attempt_done (self, "Genesys is not told that");
}
