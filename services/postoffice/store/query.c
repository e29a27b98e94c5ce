#include "store/query.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "model/model.h"
#include "store/migrations.h"

#include <stdlib.h>

const char query_load_sql[] = "SELECT * FROM " SCHEMA_FUNCTION (
    "load_session") " ($1::text, $2::text[], $3::bigint, $4::bigint, $5::boolean)";
//  The answer's columns are those of the table; the session is known, and not sent again.
const char query_read_sql[] =
    "SELECT NULL"
#define LOG_COLUMN(name, sql_type, wire_type, kind, value) ", r." #name
#include "store/log_columns.def"
#undef LOG_COLUMN
    " FROM ("
    " SELECT *, sum (octet_length (sender) + coalesce (octet_length (data), 0) + 100)"
    "  OVER (ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM ("
    "  SELECT * FROM log WHERE session = $1::text AND day = $2::date AND seq > $3::bigint"
    "  ORDER BY seq LIMIT $4::bigint) AS part) AS r"
    " WHERE coalesce (before, 0) < $5::bigint ORDER BY seq";
const char query_lookup_sql[] =
    "SELECT session FROM last_session"
    " WHERE app = $1::text AND user_id = $2::text AND role = $3::bigint";
const char query_external_sql[] =
    "SELECT session, role, user_id FROM external_ref"
    " WHERE app = $1::text AND channel = $2::text AND external_id = $3::text";

static text_t
s_copy (char **to, text_t text)
{
    text_t copy = { *to, text.size };
    if (text.size > 0)
        memcpy (*to, text.data, text.size);
    *to += text.size;
    return copy;
}

query_t *
query_new (query_kind_t kind, text_t session, text_t user, const text_t *ids, size_t id_count)
{
    size_t size = sizeof (query_t) + id_count * sizeof (text_t) + session.size + user.size;
    for (size_t at = 0; at < id_count; at++)
        size += ids[at].size;
    query_t *self = alloc_zeroed (size);
    *self = (query_t){
        .kind = kind, .id_count = id_count, .size = size, .since_ms = clock_mono_ms ()
    };
    list_init (&self->link);
    self->ids = (text_t *) (void *) (self + 1);
    char *to = (char *) (self->ids + id_count);
    self->session = s_copy (&to, session);
    self->user = s_copy (&to, user);
    for (size_t at = 0; at < id_count; at++)
        self->ids[at] = s_copy (&to, ids[at]);
    return self;
}

void
query_destroy (query_t **self_p)
{
    query_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    list_remove (&self->link);
    free (self);
}

//  PostgreSQL has no unsigned numbers; SEQ_UNKNOWN and the like become the largest.
static int64_t
s_signed (uint64_t number)
{
    return number > INT64_MAX ? INT64_MAX : (int64_t) number;
}

void
query_write (const query_t *self, int64_t writer, pg_values_t *values)
{
    pg_values_text (values, self->session);
    if (self->kind == QUERY_LOAD) {
        pg_value_t *ids = pg_values_array (values, PG_TEXT);
        for (size_t at = 0; at < self->id_count; at++)
            pg_array_text (ids, self->ids[at]);
        pg_values_number (values, PG_NUMBER, s_signed (self->numbers[0]));
        pg_values_number (values, PG_NUMBER, writer);
        pg_values_number (values, PG_BOOL, (int64_t) self->numbers[1]);
    } else if (self->kind == QUERY_READ) {
        pg_values_number (values, PG_DAY, (int64_t) self->numbers[0]);
        for (size_t at = 1; at < 4; at++)
            pg_values_number (values, PG_NUMBER, s_signed (self->numbers[at]));
    } else {
        pg_values_text (values, self->user);
        if (self->kind == QUERY_EXTERNAL)
            pg_values_text (values, self->ids[0]);
        else
            pg_values_number (values, PG_NUMBER, s_signed (self->numbers[0]));
    }
}

// ---------------------------------------------------------------------------------------------
//  Loads: rows of several kinds, see load_session in schema/

enum { ROW_SESSION, ROW_PARTICIPANT, ROW_WORK, ROW_ID, ROW_QUESTION, ROW_SWITCHBOARD,
       ROW_SAID };
enum { KIND, N1, N2, N3, N4, N5, N6, N7, N8, T1, T2, T3, T4, T5 };

static uint64_t
s_number (const PGresult *result, int row, int column)
{
    return (uint64_t) pg_number (result, row, column);
}

static void
s_read_session (const PGresult *result, int row, stored_session_t *session)
{
    session->exists = true;
    session->day = s_number (result, row, N1);
    session->last_seq = s_number (result, row, N2);
    session->last_time_ms = s_number (result, row, N3);
    session->last_writer = s_number (result, row, N4);
    session->control_role = s_number (result, row, N5);
    session->host = s_number (result, row, N6);
    session->closed_ms = s_number (result, row, N7);
    session->is_closed = session->closed_ms != 0;
    session->active_ago_ms = s_number (result, row, N8);
    session->app = pg_text (result, row, T1);
    session->visitor = pg_text (result, row, T2);
    session->control_user = pg_text (result, row, T3);
    session->created_ms = strtoull (pg_text (result, row, T4).data, NULL, 10);
    session->last_stored_ms = strtoull (pg_text (result, row, T5).data, NULL, 10);
}

static void
s_read_switchboard (const PGresult *result, int row, stored_session_t *session)
{
    session->control_seq = s_number (result, row, N1);
    session->control_ms = s_number (result, row, N2);
    session->waiting_ms = s_number (result, row, N3);
    session->offer_until_ms = s_number (result, row, N4);
    session->waited_ms = s_number (result, row, N5);
    session->away_seq = s_number (result, row, N6);
    session->offered_to = pg_text (result, row, T1);
    session->offer = pg_text (result, row, T2);
}

static stored_participant_t
s_read_participant (const PGresult *result, int row)
{
    return (stored_participant_t){
        .role = s_number (result, row, N1),
        .present = pg_flag (result, row, N2),
        .is_out = !pg_is_null (result, row, N6) && pg_flag (result, row, N6),
        .received_seq = pg_is_null (result, row, N3) ? SEQ_UNKNOWN : s_number (result, row, N3),
        .delivered_seq = s_number (result, row, N4),
        .read_seq = s_number (result, row, N5),
        .user = pg_text (result, row, T1),
        .sender = pg_text (result, row, T2),
        .info = pg_text (result, row, T3),
        .channel = pg_text (result, row, T4),
        .external_id = pg_text (result, row, T5),
    };
}

static stored_work_t
s_read_work (const PGresult *result, int row)
{
    return (stored_work_t){
        .seq = s_number (result, row, N1),
        .item = pg_text (result, row, T1),
        .topic = pg_text (result, row, T2),
        .user = pg_text (result, row, T3),
        .body = pg_text (result, row, T4),
        .secret = pg_text (result, row, T5),
    };
}

static stored_entry_t
s_read_said (const PGresult *result, int row)
{
    return (stored_entry_t){
        .seq = s_number (result, row, N1),
        .time_ms = s_number (result, row, N2),
        .role = s_number (result, row, N3),
        .event = EVENT_NEW_MESSAGE,
        .message_id = TEXT_EMPTY,
        .user = pg_text (result, row, T1),
        .sender = TEXT_EMPTY,
        .data = pg_text (result, row, T2),
    };
}

static void
s_answer_load (query_t *self, const PGresult *result)
{
    int rows = PQntuples (result);
    size_t room = (size_t) rows + 1;
    stored_participant_t *participants = alloc_array (room, sizeof *participants);
    stored_work_t *works = alloc_array (room, sizeof *works);
    stored_id_t *known = alloc_array (room, sizeof *known);
    stored_entry_t *said = alloc_array (room, sizeof *said);
    stored_session_t session = { .participants = participants, .works = works, .known = known,
                                 .app = TEXT_EMPTY, .visitor = TEXT_EMPTY,
                                 .control_user = TEXT_EMPTY, .offered_to = TEXT_EMPTY,
                                 .offer = TEXT_EMPTY, .said = said };
    for (int row = 0; row < rows; row++) {
        int64_t kind = pg_number (result, row, KIND);
        if (kind == ROW_SESSION)
            s_read_session (result, row, &session);
        else if (kind == ROW_PARTICIPANT)
            participants[session.participant_count++] = s_read_participant (result, row);
        else if (kind == ROW_WORK)
            works[session.work_count++] = s_read_work (result, row);
        else if (kind == ROW_QUESTION) {
            session.unanswered = (stored_work_t){ .seq = s_number (result, row, N1),
                                                  .user = pg_text (result, row, T1),
                                                  .body = pg_text (result, row, T2) };
            session.unanswered_ms = s_number (result, row, N2);
        } else if (kind == ROW_SWITCHBOARD)
            s_read_switchboard (result, row, &session);
        else if (kind == ROW_SAID)
            said[session.said_count++] = s_read_said (result, row);
        else
            known[session.known_count++] = (stored_id_t){ .seq = s_number (result, row, N1),
                                                          .time_ms = s_number (result, row, N2),
                                                          .role = s_number (result, row, N3),
                                                          .event = s_number (result, row, N4),
                                                          .message_id = pg_text (result, row, T1),
                                                          .user = pg_text (result, row, T2) };
    }
    self->loaded (self->owner, self->request_id, STORED, &session);
    free (participants);
    free (works);
    free (known);
    free (said);
}

// ---------------------------------------------------------------------------------------------

enum {
    READ_, //  NULL stands before the columns
#define LOG_COLUMN(name, sql_type, wire_type, kind, value) READ_##name,
#include "store/log_columns.def"
#undef LOG_COLUMN
};

static void
s_answer_read (query_t *self, const PGresult *result)
{
    int rows = PQntuples (result);
    stored_entry_t *entries = alloc_array ((size_t) rows + 1, sizeof *entries);
    for (int row = 0; row < rows; row++)
        entries[row] = (stored_entry_t){
            .seq = s_number (result, row, READ_seq),
            .message_id = pg_text (result, row, READ_message_id),
            .event = s_number (result, row, READ_event),
            .time_ms = s_number (result, row, READ_time_ms),
            .role = s_number (result, row, READ_role),
            .user = pg_text (result, row, READ_user_id),
            .sender = pg_text (result, row, READ_sender),
            .data = pg_text (result, row, READ_data),
            .hidden = pg_flag (result, row, READ_hidden),
        };
    self->read (self->owner, self->request_id, STORED, entries, (size_t) rows);
    free (entries);
}

void
query_answer (query_t *self, store_outcome_t outcome, const PGresult *result)
{
    if (self->kind == QUERY_LOAD) {
        if (result)
            s_answer_load (self, result);
        else
            self->loaded (self->owner, self->request_id, outcome, NULL);
    } else if (self->kind == QUERY_READ) {
        if (result)
            s_answer_read (self, result);
        else
            self->read (self->owner, self->request_id, outcome, NULL, 0);
    } else {
        bool found = result && PQntuples (result) > 0;
        text_t session = found ? pg_text (result, 0, 0) : TEXT_EMPTY;
        if (self->kind == QUERY_LOOKUP)
            self->found (self->owner, self->request_id, outcome, session);
        else
            self->external (self->owner, self->request_id, outcome, session,
                            found ? s_number (result, 0, 1) : 0,
                            found ? pg_text (result, 0, 2) : TEXT_EMPTY);
    }
}
