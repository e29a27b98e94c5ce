//  race_audit — see race_audit.h.

#include "race_audit.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

//  As in events.def and model.h; what is in a database does not change.
enum { SAID = 3, TAKES = 4, GIVES_BACK = 5, HANDOFF = 6, FAILURE = 7, OFFER = 12, ENDS = 13 };
enum { VISITOR = 1, AGENT = 2, BOT = 3, PLATFORM = 4, ROUTER = 5 };

typedef struct {
    unsigned long long seq;
    unsigned event, role;
    char user[40], id[80], why[20];
} entry_t;

typedef struct {
    unsigned long long seq;
    char item[60];
    bool is_taken; //  ended by a person's take-over, or because one was asked
    bool is_event; //  no question: the bot is told that it has the visitor back
} ask_t;

typedef struct {
    race_tally_t *tally;
    unsigned session;
    entry_t *entries;
    size_t entry_count;
    ask_t *asks;
    size_t ask_count;
    unsigned char *voice; //  by seq: who has control behind that entry: BOT, AGENT, ROUTER …
    unsigned *needed;     //  by seq: how often the bot had to be asked that
    bool offers;
    unsigned control;
    unsigned long long question; //  the last that nobody has answered; 0: none
} audit_t;

// ---------------------------------------------------------------------------------------------
//  Reading

static char *
s_rows (router_stack_t *stack, const char *what, unsigned session)
{
    char sql[1000];
    snprintf (sql, sizeof sql, "SELECT %s session = 'demo/s-%u'", what, session);
    char *rows = postgres_query (stack_postgres (stack), sql);
    return rows ? rows : strdup ("");
}

static size_t
s_lines (const char *rows)
{
    size_t count = 1;
    for (; *rows; rows++)
        count += *rows == ';';
    return count;
}

//  A text that is not there is "-".
static void
s_read_log (audit_t *self, router_stack_t *stack)
{
    char *rest = NULL;
    char *rows = s_rows (stack,
                         "string_agg (seq || ' ' || event || ' ' || role || ' ' || user_id"
                         " || ' ' || message_id || ' ' || CASE WHEN event IN (5, 13) THEN coalesce"
                         " (substring (data FROM '\"why\":\"([a-z]+)\"'), '-') ELSE '-' END, ';'"
                         " ORDER BY seq) FROM log WHERE",
                         self->session);
    self->entries = calloc (s_lines (rows), sizeof *self->entries);
    cr_assert (self->entries);
    for (char *row = strtok_r (rows, ";", &rest); row; row = strtok_r (NULL, ";", &rest)) {
        entry_t *entry = &self->entries[self->entry_count++];
        int read = sscanf (row, "%llu %u %u %39s %79s %19s", &entry->seq, &entry->event,
                           &entry->role, entry->user, entry->id, entry->why);
        cr_assert (read == 6 && entry->seq == self->entry_count, "%s", row);
    }
    free (rows);
}

static void
s_read_asks (audit_t *self, router_stack_t *stack)
{
    char *rest = NULL;
    char *rows = s_rows (stack,
                         "string_agg (seq || ' ' || item || ' ' || (state = 4 AND detail IN"
                         " ('an agent took control', 'a person was asked'))::int || ' ' ||"
                         " (body LIKE '{\"type\":\"CONTROL_RETURN_REQUEST\"%')::int, ';' ORDER BY"
                         " seq) FROM work_item WHERE kind = 1 AND",
                         self->session);
    self->asks = calloc (s_lines (rows), sizeof *self->asks);
    cr_assert (self->asks);
    for (char *row = strtok_r (rows, ";", &rest); row; row = strtok_r (NULL, ";", &rest)) {
        ask_t *ask = &self->asks[self->ask_count++];
        int taken, event;
        cr_assert_eq (sscanf (row, "%llu %59s %d %d", &ask->seq, ask->item, &taken, &event), 4,
                      "%s", row);
        ask->is_taken = taken;
        ask->is_event = event;
    }
    free (rows);
}

//  The question that an answer is for; NULL: the entry is none of a turn.
static ask_t *
s_ask_of (const audit_t *self, const entry_t *entry)
{
    static const char answer[] = ":answer:", handoff[] = ":handoff:";
    const char *item = strncmp (entry->id, answer, sizeof answer - 1) == 0
                           ? entry->id + sizeof answer - 1
                       : strncmp (entry->id, handoff, sizeof handoff - 1) == 0
                           ? entry->id + sizeof handoff - 1
                           : NULL;
    for (size_t at = 0; item && at < self->ask_count; at++)
        if (strcmp (self->asks[at].item, item) == 0)
            return &self->asks[at];
    cr_assert (!item, "s-%u: an answer to nothing: %s", self->session, entry->id);
    return NULL;
}

// ---------------------------------------------------------------------------------------------
//  Control

//  It is told so by an event that stands at the entry, or asked what nobody has answered.
static void
s_returns (audit_t *self, const entry_t *entry)
{
    bool is_told = false;
    if (self->control == BOT)
        return;
    self->control = BOT;
    self->tally->returns++;
    for (size_t at = 0; at < self->ask_count && !is_told; at++)
        is_told = self->asks[at].is_event && self->asks[at].seq == entry->seq;
    self->tally->told += is_told;
    if (self->question && !is_told)
        self->needed[self->question]++;
}

//  The bot loses it. A race: when it had not answered all of it.
static void
s_takes_from (audit_t *self, unsigned control)
{
    if (self->control == BOT)
        self->tally->races += self->question > 0;
    self->control = control;
}

//  One that ends because another one begins, or because it is accepted, is the router's entry.
static void
s_offer_ends (audit_t *self, const entry_t *entry)
{
    bool is_step = strcmp (entry->why, "declined") == 0 || strcmp (entry->why, "expired") == 0;
    bool is_followed = strcmp (entry->why, "accepted") == 0
                       || (strcmp (entry->why, "withdrawn") == 0 && entry->role == ROUTER);
    if (is_step)
        return;
    self->offers = false;
    if (!is_followed && self->control == ROUTER)
        s_returns (self, entry);
}

static void
s_gives_back (audit_t *self, const entry_t *entry, const entry_t *before)
{
    bool is_passed = strcmp (entry->why, "passed") == 0;
    bool is_bots = before->event == ENDS && strcmp (before->why, "bot") == 0;
    //  A platform that is passed on is out at once, and what follows is an offer, or whoever takes.
    if (is_passed && entry->role == PLATFORM)
        self->control = ROUTER;
    if (strcmp (entry->why, "replaced") == 0 || (is_passed && !is_bots))
        return; //  another one takes it
    if (self->offers)
        self->control = ROUTER;
    else
        s_returns (self, entry);
}

// ---------------------------------------------------------------------------------------------
//  What is said

static void
s_bot_says (audit_t *self, const entry_t *entry)
{
    const ask_t *ask = s_ask_of (self, entry);
    if (!ask)
        return; //  a notice of the router's policy
    self->tally->answers += entry->event != HANDOFF;
    if (self->control != BOT || ask->is_taken) {
        self->tally->late_words++;
        fprintf (stderr, "s-%u: a late word of the bot at %llu, %s\n", self->session, entry->seq,
                 entry->id);
    }
    if (entry->event != HANDOFF && strcmp (entry->user, "notice") != 0
        && self->question <= ask->seq)
        self->question = 0;
}

static void
s_is_said (audit_t *self, const entry_t *entry)
{
    if (entry->role == BOT)
        s_bot_says (self, entry);
    else if (entry->role == AGENT || entry->role == PLATFORM)
        self->question = 0;
    else if (entry->role == VISITOR) {
        self->question = entry->seq;
        self->needed[entry->seq] += self->control == BOT;
        self->tally->questions++;
    }
}

static void
s_step (audit_t *self, const entry_t *entry)
{
    switch (entry->event) {
    case TAKES:
        s_takes_from (self, entry->role);
        self->tally->takes++;
        self->tally->by_platform += entry->role == PLATFORM;
        break;
    case GIVES_BACK:
        s_gives_back (self, entry, entry - 1);
        break;
    case OFFER:
        if (self->control != AGENT)
            s_takes_from (self, ROUTER);
        self->offers = true;
        break;
    case ENDS:
        s_offer_ends (self, entry);
        break;
    case SAID:
    case FAILURE:
    case HANDOFF:
        s_is_said (self, entry);
        break;
    default:
        break;
    }
    self->voice[entry->seq] = (unsigned char) self->control;
}

// ---------------------------------------------------------------------------------------------
//  The verdict

//  What was said around it, and what the bot was asked.
static void
s_show (const audit_t *self, unsigned long long seq)
{
    for (size_t at = seq > 8 ? seq - 8 : 0; at < self->entry_count && at < seq + 12; at++) {
        const entry_t *entry = &self->entries[at];
        fprintf (stderr, "    %llu: event %u, role %u %s, %s %s\n", entry->seq, entry->event,
                 entry->role, entry->user, entry->id, entry->why);
    }
    for (size_t at = 0; at < self->ask_count; at++)
        if (self->asks[at].seq + 8 > seq && self->asks[at].seq < seq + 12)
            fprintf (stderr, "    asked %llu: %s%s\n", self->asks[at].seq, self->asks[at].item,
                     self->asks[at].is_taken   ? ", taken"
                     : self->asks[at].is_event ? ", told"
                                               : "");
}

static void
s_is_silent (audit_t *self, unsigned long long seq, const char *why)
{
    self->tally->silent++;
    s_show (self, seq);
    fprintf (stderr, "s-%u: nobody answers %llu: %s\n", self->session, seq, why);
}

static void
s_check_asks (audit_t *self)
{
    unsigned *asked = calloc (self->entry_count + 1, sizeof *asked);
    cr_assert (asked);
    for (size_t at = 0; at < self->ask_count; at++)
        asked[self->asks[at].seq] += !self->asks[at].is_event;
    for (size_t seq = 1; seq <= self->entry_count; seq++)
        if (asked[seq] < self->needed[seq])
            s_is_silent (self, seq, "the bot was not asked");
    if (self->question)
        s_is_silent (self, self->question, "it is the last one");
    free (asked);
}

//  Visitors are not shown offers: an entry that they had may be older than what has happened since,
//  but for a take-over, which they are shown.
static void
s_check_parts (audit_t *self, const racers_t *racers)
{
    size_t count;
    const racer_part_t *parts = racers_parts (racers, &count);
    for (size_t at = 0; at < count; at++) {
        const racer_part_t *part = &parts[at];
        if (part->session != self->session || part->behind > self->entry_count)
            continue;
        unsigned voice = self->voice[part->behind];
        if (part->behind == 0 || voice == BOT || (voice == ROUTER && !part->to_agent))
            continue;
        self->tally->late_parts++;
        s_show (self, part->behind);
        fprintf (stderr,
                 "s-%u: half an answer behind %llu, to the %s, %llu ms after it connected: %s\n",
                 self->session, (unsigned long long) part->behind,
                 part->to_agent ? "agent" : "visitor", (unsigned long long) part->connected_ms,
                 part->frame);
    }
}

static void
s_check_row (audit_t *self, router_stack_t *stack)
{
    char *role = s_rows (stack, "control_role::text FROM session WHERE", self->session);
    if (strtoul (role, NULL, 10) != self->control) {
        self->tally->contradictions++;
        fprintf (stderr, "s-%u: its row says %s, its log %u\n", self->session, role,
                 self->control);
    }
    free (role);
}

void
race_audit (race_tally_t *tally, router_stack_t *stack, const racers_t *racers, unsigned session)
{
    audit_t self = { .tally = tally, .session = session, .control = BOT };
    s_read_log (&self, stack);
    s_read_asks (&self, stack);
    self.voice = calloc (self.entry_count + 1, sizeof *self.voice);
    self.needed = calloc (self.entry_count + 1, sizeof *self.needed);
    cr_assert (self.voice && self.needed);
    for (size_t at = 0; at < self.entry_count; at++)
        s_step (&self, &self.entries[at]);
    s_check_asks (&self);
    s_check_parts (&self, racers);
    s_check_row (&self, stack);
    free (self.entries);
    free (self.asks);
    free (self.voice);
    free (self.needed);
}
