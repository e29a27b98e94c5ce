//  audit — see audit.h.

#include "audit.h"

#include "closing.h"

#include <assert.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_AT_ONCE "20000"
#define NO_NUMBER UINT32_MAX

//  A row of the log.
typedef struct {
    const char *session;
    uint32_t seq;
    uint64_t time_ms;
    uint64_t stored_us; //  by the database's clock: that of its transaction
    unsigned event;
    unsigned role;
    bool is_quiet;
    const char *message_id;
    uint32_t number; //  of the question that it is, or is an answer to
} row_t;

//  How far one client's own list was gone through.
typedef struct {
    client_t *client;
    size_t at;
} reader_t;

//  One session, while its rows pass.
typedef struct {
    conversation_t *talk;
    uint32_t number; //  of the talk
    const tail_loss_t *loss;
    uint32_t last_seq;
    uint64_t last_time_ms;
    uint32_t visitor_next;
    uint32_t agent_next;
    bool *seen[2]; //  of the visitor's and the agent's numbers, which are in the log
    bool agent_has_control;
    closing_t closing;
    uint32_t unanswered; //  what the visitor said last; NO_NUMBER: somebody said something since
    uint32_t *questions; //  of the bot, in the order of the log; NO_NUMBER: one without
    size_t question_count;
    size_t question_room;
    size_t answered;
    reader_t visitor;
    reader_t agent;
} folder_t;

static int64_t
s_number (deployment_t *site, const char *sql)
{
    char *text = postgres_query (stack_postgres (deployment_stack (site)), sql);
    int64_t count = text ? strtoll (text, NULL, 10) : -1;
    free (text);
    return count;
}

int64_t
audit_unfinished (deployment_t *site)
{
    return s_number (site, "select count (*) from work_item where state < 2");
}

int64_t
audit_closed (deployment_t *site)
{
    return s_number (site, "select count (*) from session"
                           " where visitor like 'leaver%' and closed_at is not null");
}

// ---------------------------------------------------------------------------------------------
//  One session

static int
s_compare (const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *) left, b = *(const uint32_t *) right;
    return a < b ? -1 : a > b;
}

static void
s_begin (folder_t *self, conversation_t *talk, uint32_t number)
{
    *self = (folder_t){
        .talk = talk, .number = number, .loss = self->loss, .unanswered = NO_NUMBER
    };
    self->visitor.client = conversation_visitor_client (talk);
    if (conversation_agent (talk))
        self->agent.client = &conversation_agent (talk)->client;
    const rich_t *people[] = { conversation_visitor (talk), conversation_agent (talk) };
    for (int which = 0; which < 2; which++) {
        self->seen[which] = calloc (people[which] ? people[which]->said + 1 : 1, sizeof (bool));
        assert (self->seen[which]);
        client_t *client = which ? self->agent.client : self->visitor.client;
        if (client && client->seq_count)
            qsort (client->seqs, client->seq_count, sizeof *client->seqs, s_compare);
    }
}

//  This row was for this client.
static void
s_was_for (reader_t *reader, const row_t *row)
{
    client_t *client = reader->client;
    if (!client)
        return;
    while (reader->at < client->seq_count && client->seqs[reader->at] < row->seq)
        reader->at++;
    if (reader->at == client->seq_count || client->seqs[reader->at] != row->seq)
        client_complain (client, TROUBLE_LOST, "seq %u (%s, event %u, role %u) was never told",
                         row->seq, row->message_id, row->event, row->role);
}

//  As docs/client-protocol.md grants it; what is granted to one's own other connections, and to an
//  agent live only, need not be.
static void
s_deliver (folder_t *self, const row_t *row)
{
    if (row->is_quiet)
        return;
    bool by_visitor = row->role == ROLE_VISITOR, by_agent = row->role == ROLE_AGENT;
    switch (row->event) {
    case EVENT_NEW_MESSAGE:
        if (!by_visitor)
            s_was_for (&self->visitor, row);
        if (!by_agent)
            s_was_for (&self->agent, row);
        break;
    case EVENT_USER_JOINED:
    case EVENT_USER_LEFT:
        if (by_visitor)
            s_was_for (&self->agent, row);
        break;
    case EVENT_BARGE_IN:
    case EVENT_BARGE_OUT:
        if (by_agent)
            s_was_for (&self->visitor, row);
        break;
    case EVENT_FAILURE:
        s_was_for (&self->visitor, row);
        break;
    }
}

static void
s_put_question (folder_t *self, uint32_t number)
{
    if (self->question_count == self->question_room) {
        self->question_room = self->question_room ? 2 * self->question_room : 256;
        self->questions =
            realloc (self->questions, self->question_room * sizeof *self->questions);
        assert (self->questions);
    }
    self->questions[self->question_count++] = number;
}

static void
s_answer (folder_t *self, const row_t *row)
{
    client_t *client = self->visitor.client;
    if (self->agent_has_control)
        client_complain (client, TROUBLE_BROKEN,
                         "seq %u: the bot speaks while an agent has control", row->seq);
    if (row->event == EVENT_FAILURE)
        client_complain (client, TROUBLE_LOST, "seq %u: a failure in place of an answer", row->seq);
    //  What the bot was asked before an agent came is not answered any more.
    while (conversation_agent (self->talk) && self->answered < self->question_count
           && self->questions[self->answered] < row->number)
        self->answered++;
    if (self->answered == self->question_count)
        client_complain (client, TROUBLE_DOUBLED, "seq %u: an answer to %u, and nothing is asked",
                         row->seq, row->number);
    else if (row->event != EVENT_FAILURE && self->questions[self->answered] != row->number)
        client_complain (client, TROUBLE_DISORDERED, "seq %u: an answer to %u, due is that to %u",
                         row->seq, row->number, self->questions[self->answered]);
    self->answered++;
}

//  All of these are what a fail-over has lost.
static bool
s_is_lost (const folder_t *self, bool is_agent, uint32_t from, uint32_t to)
{
    return self->loss && tail_loss_explains (self->loss, self->number, is_agent, from, to);
}

//  `rich`: its numbers have no gap, and it was told where each is; NULL for a widget.
static void
s_count (const folder_t *self, client_t *client, const row_t *row, uint32_t *next,
         const rich_t *rich)
{
    bool is_rich = rich != NULL, is_agent = row->role == ROLE_AGENT;
    uint32_t number = is_rich ? (uint32_t) strtoul (row->message_id + 2, NULL, 10) : row->number;
    if (is_rich && number < rich->stored && rich->stored_seqs[number] != row->seq
        && !(self->loss && tail_loss_has (self->loss, self->number, is_agent, number)))
        client_complain (client, TROUBLE_LOST, "message %u is acknowledged as %u and stands at %u",
                         number, rich->stored_seqs[number], row->seq);
    bool is_again = is_rich && number < rich->said && self->seen[is_agent][number];
    bool was_lost = self->loss && tail_loss_has (self->loss, self->number, is_agent, number);
    if (is_again || (number < *next && !was_lost))
        client_complain (client, TROUBLE_DOUBLED, "seq %u: message %u is in the log behind %u",
                         row->seq, number, *next - 1);
    else if (is_rich && number > *next && !s_is_lost (self, is_agent, *next, number))
        client_complain (client, TROUBLE_DISORDERED, "seq %u: message %u is in the log before %u",
                         row->seq, number, *next);
    if (is_rich && number < rich->said)
        self->seen[is_agent][number] = true;
    if (number >= *next)
        *next = number + 1;
}

static void
s_message (folder_t *self, const row_t *row)
{
    conversation_t *talk = self->talk;
    switch (row->role) {
    case ROLE_VISITOR:
        s_count (self, self->visitor.client, row, &self->visitor_next, conversation_visitor (talk));
        if (!self->agent_has_control)
            s_put_question (self, row->number);
        if (!row->is_quiet)
            self->unanswered = row->number;
        break;
    case ROLE_AGENT:
        self->unanswered = NO_NUMBER;
        if (self->agent.client)
            s_count (self, self->agent.client, row, &self->agent_next, conversation_agent (talk));
        break;
    case ROLE_BOT:
        self->unanswered = NO_NUMBER;
        if (!row->is_quiet)
            s_answer (self, row);
        break;
    default:
        break;
    }
}

static void
s_close (folder_t *self, const row_t *row)
{
    closing_fault_t fault = closing_pass (&self->closing, (event_t) row->event, row->role,
                                          row->stored_us, 1000u * SITE_CLOSE_AFTER_MS);
    if (fault != CLOSING_GOOD)
        client_complain (self->visitor.client,
                         fault == CLOSING_TWICE ? TROUBLE_DOUBLED : TROUBLE_BROKEN, "seq %u: %s",
                         row->seq, closing_words (fault));
}

static void
s_pass (folder_t *self, const row_t *row)
{
    client_t *client = self->visitor.client;
    if (row->seq != self->last_seq + 1)
        client_complain (client, TROUBLE_LOST, "in the log seq %u follows %u", row->seq,
                         self->last_seq);
    if (row->time_ms <= self->last_time_ms)
        client_complain (client, TROUBLE_DISORDERED, "seq %u: its time is not above the last one",
                         row->seq);
    self->last_seq = row->seq;
    self->last_time_ms = row->time_ms;
    if (row->event == EVENT_NEW_MESSAGE)
        s_message (self, row);
    else if (row->event == EVENT_BARGE_IN)
        self->agent_has_control = true;
    else if (row->event == EVENT_BARGE_OUT) {
        self->agent_has_control = false;
        //  The bot is asked what the agent has left.
        if (self->unanswered != NO_NUMBER)
            s_put_question (self, self->unanswered);
    } else if (row->event == EVENT_FAILURE) {
        self->unanswered = NO_NUMBER;
        if (!row->is_quiet)
            s_answer (self, row);
    }
    s_deliver (self, row);
}

//  Each message that was acknowledged is in the log, or was lost with its tail.
static void
s_end_rich (const folder_t *self, rich_t *rich)
{
    client_t *client = &rich->client;
    for (uint32_t number = 0; number < rich->stored; number++)
        if (!self->seen[rich->is_agent][number]
            && !(self->loss
                 && tail_loss_is_gone (self->loss, self->number, rich->is_agent, number)))
            client_complain (client, TROUBLE_LOST, "message %u of %u is not in the log", number,
                             rich->stored);
    if (client->seq_count && client->seqs[client->seq_count - 1] > self->last_seq)
        client_complain (client, TROUBLE_LOST, "seq %u was told, the log ends with %u",
                         client->seqs[client->seq_count - 1], self->last_seq);
}

static void
s_end (folder_t *self, audit_t *audit)
{
    conversation_t *talk = self->talk;
    if (conversation_visitor (talk))
        s_end_rich (self, conversation_visitor (talk));
    if (conversation_agent (talk))
        s_end_rich (self, conversation_agent (talk));
    else if (self->answered < self->question_count)
        client_complain (self->visitor.client, TROUBLE_LOST,
                         "%zu questions, %zu answers in the log", self->question_count,
                         self->answered);
    if (conversation_is_left (talk) && !self->closing.is_closed)
        client_complain (self->visitor.client, TROUBLE_LOST, "was left, and is not closed");
    audit->closed += self->closing.closed;
    audit->reopened += self->closing.reopened;
    free (self->questions);
    free (self->seen[0]);
    free (self->seen[1]);
}

// ---------------------------------------------------------------------------------------------
//  All of them

static conversation_t *
s_find (const crowd_t *crowd, const char *key)
{
    //  "app/s12-run": the session's number is that of its talk.
    const char *slash = strchr (key, '/');
    unsigned number = slash ? (unsigned) strtoul (slash + 2, NULL, 10) : 0;
    conversation_t *talk =
        slash && number < crowd_talks (crowd) ? crowd_talk (crowd, number) : NULL;
    return talk && strcmp (conversation_session (talk), slash + 1) == 0 ? talk : NULL;
}

static row_t
s_row (PGresult *result, int index)
{
    const char *number = PQgetvalue (result, index, 7);
    return (row_t){
        .session = PQgetvalue (result, index, 0),
        .seq = (uint32_t) strtoul (PQgetvalue (result, index, 1), NULL, 10),
        .time_ms = strtoull (PQgetvalue (result, index, 2), NULL, 10),
        .event = (unsigned) strtoul (PQgetvalue (result, index, 3), NULL, 10),
        .role = (unsigned) strtoul (PQgetvalue (result, index, 4), NULL, 10),
        .is_quiet = *PQgetvalue (result, index, 5) == 't',
        .message_id = PQgetvalue (result, index, 6),
        .stored_us = strtoull (PQgetvalue (result, index, 8), NULL, 10),
        .number = *number ? (uint32_t) strtoul (number, NULL, 10) : NO_NUMBER,
    };
}

static void
s_take (audit_t *self, folder_t *folder, crowd_t *crowd, const row_t *row, bool *seen)
{
    conversation_t *talk = s_find (crowd, row->session);
    if (!talk)
        return;
    if (talk != folder->talk) {
        if (folder->talk)
            s_end (folder, self);
        uint32_t number = (uint32_t) strtoul (strchr (row->session, '/') + 2, NULL, 10);
        s_begin (folder, talk, number);
        seen[number] = true;
        self->sessions++;
    }
    self->entries++;
    s_close (folder, row);
    s_pass (folder, row);
}

//  A session of which there is not a single row.
static void
s_miss (crowd_t *crowd, const bool *seen)
{
    for (unsigned number = 0; number < crowd_talks (crowd); number++) {
        conversation_t *talk = crowd_talk (crowd, number);
        if (!seen[number] && !conversation_is_empty (talk))
            client_complain (conversation_visitor_client (talk), TROUBLE_LOST,
                             "nothing of it is in the log");
    }
}

static bool
s_read_log (audit_t *self, PGconn *connection, crowd_t *crowd, const tail_loss_t *loss)
{
    static const char s_begin_sql[] =
        "begin; declare rows no scroll cursor for select session, seq, time_ms, event, role, "
        "hidden,"
        " message_id, substring (left (data, 1000) from '\"(?:re )?q-([0-9]+) '),"
        " (extract (epoch from stored_at) * 1000000)::bigint from log"
        " order by session, seq";
    folder_t folder = { .loss = loss };
    bool *seen = calloc (crowd_talks (crowd) + 1, sizeof *seen);
    assert (seen);
    PGresult *result = PQexec (connection, s_begin_sql);
    bool is_good = PQresultStatus (result) == PGRES_COMMAND_OK;
    int rows = 1;
    while (is_good && rows > 0) {
        PQclear (result);
        result = PQexec (connection, "fetch " ROWS_AT_ONCE " from rows");
        is_good = PQresultStatus (result) == PGRES_TUPLES_OK;
        rows = PQntuples (result);
        for (int index = 0; index < rows; index++) {
            row_t row = s_row (result, index);
            s_take (self, &folder, crowd, &row, seen);
        }
    }
    if (!is_good)
        fprintf (stderr, "chaos: the log cannot be read: %s", PQerrorMessage (connection));
    PQclear (result);
    if (folder.talk)
        s_end (&folder, self);
    s_miss (crowd, seen);
    free (seen);
    return is_good;
}

static void
s_judge_gaps (crowd_t *crowd, const tail_loss_t *loss)
{
    const gaps_t *gaps = &crowd_scene (crowd)->gaps;
    for (size_t at = 0; at < gaps->count; at++) {
        const gap_t *gap = &gaps->gaps[at];
        if (!gap_is_explained (gap, loss))
            client_complain (gap->listener, gap->is_again ? TROUBLE_DOUBLED : TROUBLE_LOST,
                             gap->is_again ? "%u came again, and was not lost"
                                           : "%u to before %u were not told, and are not lost",
                             gap->from, gap->to);
    }
}

bool
audit_run (audit_t *self, deployment_t *site, crowd_t *crowd, const tail_loss_t *loss)
{
    *self = (audit_t){ 0 };
    int64_t unfinished = audit_unfinished (site);
    self->unfinished = unfinished > 0 ? (uint64_t) unfinished : 0;
    if (unfinished != 0)
        findings_note (deployment_trouble (site), TROUBLE_STUCK, WHO_SERVICE, NULL,
                       "%" PRId64 " work items are not finished", unfinished);
    PGconn *connection = PQconnectdb (postgres_url (stack_postgres (deployment_stack (site))));
    bool is_good =
        PQstatus (connection) == CONNECTION_OK && s_read_log (self, connection, crowd, loss);
    PQfinish (connection);
    if (loss)
        s_judge_gaps (crowd, loss);
    return is_good;
}
