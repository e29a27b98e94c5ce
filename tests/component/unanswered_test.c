//  unanswered — what a session that is loaded says of the visitor's last question, against a real
//  PostgreSQL: whether anybody has answered it.

#include "store_box.h"

#include <criterion/criterion.h>
#include <stdio.h>

//  Who said the entries 1, 2 …: v the visitor, h it, hidden; a an agent, s a server for the app, n
//  a notice. The bot: a digit answers that entry, A and B the first and the second one over the
//  API, x something that is not known any more; F: it fails at the first.
static const struct {
    const char *said;
    unsigned seq;
} s_rows[] = {
    { "v", 1 },    { "v1", 0 },   { "vv", 2 },   { "va", 0 },  { "vva", 0 }, { "vav", 3 },
    { "vv1", 2 },  { "vv12", 0 }, { "vvF", 2 },  { "vF", 0 },  { "vvn", 2 }, { "vv1n", 2 },
    { "vv1a", 0 }, { "vvx", 0 },  { "vvA", 2 },  { "vvAB", 0 }, { "vs", 1 }, { "vvh1", 2 },
    { "h", 0 },    { "a", 0 },    { "vav1", 3 }, { "vv1vv2", 5 },
};

static void
s_say (postgres_t *postgres, size_t session, unsigned seq, char who)
{
    char sql[600], id[60];
    bool is_later = who >= 'A' && who <= 'C';
    bool is_visitor = who == 'v' || who == 'h', is_failure = who == 'F';
    bool is_bot = who == 'n' || who == 'x' || (who >= '1' && who <= '9') || is_later || is_failure;
    char to = is_later ? (char) (who - 'A' + '1') : is_failure ? '1' : who;
    snprintf (id, sizeof id, is_later ? ":later:i%zu-%c:abc" : ":answer:i%zu-%c", session, to);
    if (!is_bot)
        snprintf (id, sizeof id, "m%u", seq);
    snprintf (sql, sizeof sql,
              "INSERT INTO log (seq, time_ms, writer, day, event, role, hidden, session,"
              " message_id, user_id, sender, data, stored_at) SELECT %u, %u, 1, day, %d, %d, %s,"
              " session, '%s', '%s', '{}', '{}', now () FROM session WHERE session = 'demo/%zu'",
              seq, seq, is_failure ? 7 : 3,
              is_visitor ? 1 : is_bot ? 3 : who == 'a' ? 2 : 6,
              who == 'h' ? "true" : "false", id, who == 'n' ? "notice" : "u", session);
    cr_assert (postgres_exec (postgres, sql));
    snprintf (sql, sizeof sql,
              "INSERT INTO work_item (item, kind, app, session, topic, seq, body, state) VALUES"
              " ('i%zu-%u', 1, 'demo', 'demo/%zu', 'bot.stentor', %u, '{}', 2)",
              session, seq, session, seq);
    cr_assert (!is_visitor || postgres_exec (postgres, sql));
}

Test (unanswered, a_bot_answers_what_it_was_asked, .timeout = 60)
{
    char sql[400], value[20];
    postgres_t *postgres = postgres_new (NULL);
    box_end (box_new (postgres, 11));
    sql_expect (postgres, "SELECT count (make_day_@V@ ((now () AT TIME ZONE 'UTC')::date))", "1");
    for (size_t at = 0; at < sizeof s_rows / sizeof *s_rows; at++) {
        snprintf (sql, sizeof sql,
                  "INSERT INTO session (session, app, visitor, day) VALUES ('demo/%zu', 'demo',"
                  " 'u', (now () AT TIME ZONE 'UTC')::date)",
                  at);
        cr_assert (postgres_exec (postgres, sql));
        for (unsigned seq = 1; s_rows[at].said[seq - 1]; seq++)
            s_say (postgres, at, seq, s_rows[at].said[seq - 1]);
        snprintf (sql, sizeof sql,
                  "SELECT '%s ' || coalesce ((SELECT n1 FROM load_session_@V@ ('demo/%zu', '{}',"
                  " 10, 11, false) WHERE kind = 4), 0)",
                  s_rows[at].said, at);
        snprintf (value, sizeof value, "%s %u", s_rows[at].said, s_rows[at].seq);
        sql_expect (postgres, sql, value);
    }
    postgres_destroy (&postgres);
}
