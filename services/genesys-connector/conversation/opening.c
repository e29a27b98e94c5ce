#include "conversation/steps.h"
#include "translation/opening_text.h"

#include <stdio.h>

#define PAGE_MOST 100
#define QUERY_MOST 80
#define WHOLE_MOST 100000
#define UNNAMED_MOST 3
#define UNNAMED_AGAIN_MS 2000

// ------------------------------------------------------------------------------------------------
//  Ends

//  The next try says the same again, and may be told. In the end it is declined: nobody could say
//  who is there. `over` finds the conversation and ends it.
static void
s_is_unnamed (attempt_t *self)
{
    static const char detail[] = "Genesys did not say which conversation it is";
    self->memory.parts = 0;
    *self->memory.ids = '\0';
    if (++self->memory.unnamed < UNNAMED_MOST)
        attempt_again (self, UNNAMED_AGAIN_MS, detail);
    else {
        self->memory.unnamed = 0;
        attempt_dead (self, 0, detail);
    }
}

//  The visitor is accepted. Who is there comes and goes by the watcher, and not by this.
static void
s_opened (attempt_t *self)
{
    char data[200];
    if (!*self->lane.conversation) {
        s_is_unnamed (self);
        return;
    }
    snprintf (data, sizeof data, "{\"isQuiet\":true,\"watch\":{\"conversation\":\"%s\"}}",
              self->lane.conversation);
    attempt_end (self, &(worker_report_t){ .outcome = WORKER_ANSWERED,
                                           .detail = text_of (self->memory.ids),
                                           .data = text_of (data) });
}

//  Nothing was ever posted: then there is nothing to be ended.
static bool
s_is_nothing_there (const attempt_t *self, const genesys_outcome_t *outcome)
{
    bool is_dead = outcome->class == GENESYS_REFUSED || outcome->class == GENESYS_FORBIDDEN;
    return is_dead && self->memory.parts == 0 && !self->memory.is_unsure && !outcome->is_unsure
           && worker_item_view (self->item)->work.lost == 0 && !*self->lane.conversation;
}

static void
s_not_opened (attempt_t *self, const genesys_outcome_t *outcome)
{
    if (s_is_nothing_there (self, outcome)) {
        self->lane.opening = 0;
        self->lane_is_new = true;
    }
    attempt_failed (self, outcome);
}

// ------------------------------------------------------------------------------------------------
//  What is said first

static void
s_compose (attempt_t *self)
{
    buffer_t text;
    buffer_init (&text, OPENING_TEXT_MOST);
    opening_text_put (&self->body, &self->transcript, &text);
    said_read_text (&self->said, buffer_text (&text));
    buffer_free (&text);
    buffer_init (&self->attributes, OPENING_ATTRIBUTES_MOST);
    if (self->lane.attributes)
        opening_attributes_put (&self->body, &self->attributes);
    self->name = opening_name (&self->body);
    post_all (self, s_opened, s_not_opened);
}

static void s_ask_page (attempt_t *self, uint64_t before);

static void
s_got_page (attempt_t *self, unsigned status, text_t body)
{
    uint64_t before = 0;
    if (status == 404)
        attempt_dead (self, status, "the session is not there any more");
    else if (status != 200 || transcript_add (&self->transcript, body, &before) != 0)
        attempt_unanswered (self, status);
    else if (before > 0)
        s_ask_page (self, before);
    else
        s_compose (self);
}

//  What stands before this, newest first.
static void
s_ask_page (attempt_t *self, uint64_t before)
{
    char query[QUERY_MOST];
    snprintf (query, sizeof query, "order=desc&limit=%d&before=%llu", PAGE_MOST,
              (unsigned long long) before);
    attempt_ask (self,
                 &(attempt_ask_t){ .operation = API_MESSAGE_LIST, .query = text_of (query) },
                 s_got_page);
}

// ------------------------------------------------------------------------------------------------

//  From here on `over` knows that there may be a conversation. One of an earlier offer is there
//  still: it could not be ended.
static void
s_remember_first (attempt_t *self, const app_genesys_t *section)
{
    const lane_memory_t old = self->lane;
    genesys_transcript_t kind = genesys_transcript_named (section->transcript);
    bool is_last = kind == GENESYS_TRANSCRIPT_LAST;
    self->lane = (lane_memory_t){ .opening = self->body.seq,
                                  .is_whole = kind == GENESYS_TRANSCRIPT_WHOLE,
                                  .messages = is_last ? section->transcript_messages : 0,
                                  .attributes = section->attributes };
    snprintf (self->lane.before, sizeof self->lane.before, "%s",
              *old.conversation ? old.conversation : old.before);
    self->lane_is_new = true;
    attempt_again (self, 0, "a conversation will be opened");
}

void
step_open (attempt_t *self)
{
    const app_genesys_t *section = attempt_section (self);
    if (!section)
        return;
    if (self->body.seq == 0 || self->lane.opening != self->body.seq) {
        if (self->body.seq > 0)
            s_remember_first (self, section);
        else
            attempt_dead (self, 0, "the item does not say which offer it is");
        return;
    }
    transcript_begin (&self->transcript,
                      self->lane.is_whole ? WHOLE_MOST : (size_t) self->lane.messages);
    if (self->lane.is_whole || self->lane.messages > 0)
        s_ask_page (self, self->body.seq);
    else
        s_compose (self);
}
