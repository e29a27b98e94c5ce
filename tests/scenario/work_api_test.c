//  work_api — work items and dead letters over the HTTP API, and a visitor's data that are erased,
//  while postoffices are killed.

#include "chat.h"
#include "eventually.h"
#include "http_get.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define API_KEY "stk_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define API_KEY_HASH "sha256:a3db06f6aacc3af690cc929132b2d35aa59a13ba2a37e852a70a3ec824c48b3b"
#define AUTHORIZED "authorization: Bearer " API_KEY "\r\n"

static char s_path[100];

static router_stack_t *
s_stack (unsigned postoffices)
{
    static char setting[120];
    static const char apps[] = "{\"apps\":[{\"appId\":\"demo\",\"apiKeys\":{\"keys\":[{\"name\":"
                               "\"crm\",\"hash\":\"" API_KEY_HASH "\"}]},\"retention\":{\"days\":"
                               "30}},{\"appId\":\"other\"}]}";
    snprintf (s_path, sizeof s_path, "%s/stentor-apps-XXXXXX",
              getenv ("TMPDIR") ? getenv ("TMPDIR") : "/tmp");
    int file = mkstemp (s_path);
    cr_assert (file >= 0 && write (file, apps, strlen (apps)) == (ssize_t) strlen (apps));
    close (file);
    snprintf (setting, sizeof setting, "APPS_FILE=%s", s_path);
    const char *const settings[] = { setting, "SESSION_GRACE=2s", NULL };
    router_stack_t *stack =
        stack_new (&(stack_plan_t){ .postoffices = postoffices, .settings = settings });
    cr_assert (stack);
    EVENTUALLY (15000, stack_metric (stack, "edge-", "stentor_edge_postoffices") == postoffices);
    return stack;
}

static void
s_end (router_stack_t **stack_p)
{
    stack_destroy (stack_p);
    unlink (s_path);
}

//  The answer's JSON, given back with json_object_put; `key`: its Idempotency-Key, or NULL.
static json_object *
s_ask (router_stack_t *stack, const char *method, const char *target, const char *key, int status)
{
    char headers[300] = AUTHORIZED, path[500];
    if (key)
        snprintf (headers, sizeof headers, AUTHORIZED "idempotency-key: %s\r\n", key);
    snprintf (path, sizeof path, "/api/v1/%s", target);
    http_answer_t answer =
        http_request (stack_edge_port (stack, 1), method, path, headers, "", 0);
    cr_expect_eq (answer.status, status, "%s: %d\n%s", path, answer.status, answer.body);
    json_object *body = json_tokener_parse (answer.body ? answer.body : "");
    cr_assert (body, "%s: no JSON: %s", path, answer.body);
    http_answer_free (&answer);
    return body;
}

static int
s_status (router_stack_t *stack, const char *method, const char *target, const char *headers)
{
    char path[500];
    snprintf (path, sizeof path, "/api/v1/%s", target);
    http_answer_t answer =
        http_request (stack_edge_port (stack, 1), method, path, headers, "", 0);
    int status = answer.status;
    http_answer_free (&answer);
    return status;
}

static const char *
s_text (json_object *object, const char *name)
{
    const char *text = json_object_get_string (json_object_object_get (object, name));
    return text ? text : "(null)";
}

static void
s_exec (router_stack_t *stack, const char *sql)
{
    cr_assert (postgres_exec (stack_postgres (stack), sql), "%s", sql);
}

static bool
s_is (router_stack_t *stack, const char *sql, const char *value)
{
    char *found = postgres_query (stack_postgres (stack), sql);
    bool is = found && strcmp (found, value) == 0;
    free (found);
    return is;
}

//  120 finished items of two sessions in all states, 30 that are not, timers, and another app's.
static const char s_items[] =
    "INSERT INTO work_item (item, kind, app, session, topic, body, secret, state, detail,"
    " next_at, finished_at)"
    " SELECT 'd' || n, 2, 'demo', 'demo/s-' || n % 2, 'sms.out', '{\"text\":\"body ' || n || '\"}',"
    "  'hidden', 2 + n % 3, 'why', now (), now () - n / 4 * interval '1 min'"
    " FROM generate_series (1, 120) n;"
    "INSERT INTO work_item (item, kind, app, session, topic, lane, body, secret, next_at,"
    " created_at)"
    " SELECT 'r' || n, 2, 'demo', 'demo/s-' || n % 2, 'web.out', 'lane', '{}', 'hidden',"
    "  now () + interval '1 day', now () - n * interval '1 min' FROM generate_series (1, 30) n;"
    "INSERT INTO work_item (item, kind, app, session, topic, body, state, next_at, finished_at)"
    " SELECT 't' || n, 3, 'demo', 'demo/s-1', 'timer', '{}', n * 2, now () + interval '1 day',"
    "  CASE n WHEN 1 THEN now () END FROM generate_series (0, 1) n;"
    "INSERT INTO work_item (item, kind, app, session, topic, body, state, finished_at)"
    " VALUES ('q1', 1, 'demo', 'demo/s-1', 'bot.stentor', '{}', 3, now ()),"
    " ('o/1', 2, 'other', 'other/s-1', 'sms.out', '{}', 3, now ());"
    "INSERT INTO work_attempt (item, number, outcome, detail, status, took_ms, began_at)"
    " SELECT 'd1', n, CASE n WHEN 3 THEN 3 ELSE 0 END, 'try ' || n, 500 + n, 7, now ()"
    " FROM generate_series (1, 3) n;"
    "UPDATE work_item SET attempts = 3 WHERE item = 'd1'";

//  Follows `next` to the end, or `prev`; how many items, each of them once.
static size_t
s_walk (router_stack_t *stack, const char *query, const char *way, char *last_cursor)
{
    json_object *seen = json_object_new_object ();
    char target[4400];
    snprintf (target, sizeof target, "work-items?%s", query);
    for (unsigned page = 0; page < 60; page++) {
        json_object *body = s_ask (stack, "GET", target, NULL, 200);
        json_object *items = json_object_object_get (body, "items");
        for (size_t at = 0; at < json_object_array_length (items); at++) {
            const char *item = s_text (json_object_array_get_idx (items, at), "itemId");
            cr_expect_null (json_object_object_get (seen, item), "%s twice in %s", item, query);
            json_object_object_add (seen, item, json_object_new_int (1));
        }
        json_object *cursor = json_object_object_get (body, way);
        if (!cursor) {
            json_object_put (body);
            break;
        }
        snprintf (target, sizeof target, "work-items?limit=7&cursor=%s",
                  json_object_get_string (cursor));
        if (last_cursor)
            strcpy (last_cursor, json_object_get_string (cursor));
        json_object_put (body);
    }
    size_t count = (size_t) json_object_object_length (seen);
    json_object_put (seen);
    return count;
}

Test (work_api, items_are_listed_by_filter_and_page)
{
    static const struct {
        const char *query;
        size_t count;
    } lists[] = {
        { "limit=7", 151 },
        { "limit=7&order=asc", 151 },
        { "limit=7&state=dead", 41 },
        { "limit=7&state=dead&kind=delivery", 40 },
        { "limit=7&state=dead&kind=delivery&session=s-1", 20 },
        { "limit=7&state=ready", 30 },
        { "limit=7&state=ready&session=s-0", 15 },
        { "limit=7&topic=web.out&order=asc", 30 },
        { "limit=7&state=leased", 0 },
        { "limit=7&kind=turn", 1 },
        { "limit=7&kind=timer&session=s-1", 2 },
        { "limit=7&kind=timer&session=s-0", 0 },
    };
    router_stack_t *stack = s_stack (1);
    s_exec (stack, s_items);
    for (size_t at = 0; at < sizeof lists / sizeof *lists; at++)
        cr_expect_eq (s_walk (stack, lists[at].query, "next", NULL), lists[at].count, "%s",
                      lists[at].query);
    //  And back from the last page.
    char cursor[4100] = "", query[4400];
    s_walk (stack, "limit=7", "next", cursor);
    snprintf (query, sizeof query, "limit=7&cursor=%s", cursor);
    json_object *page = s_ask (stack, "GET", "work-items?limit=200", NULL, 200);
    json_object *items = json_object_object_get (page, "items");
    cr_assert_eq (json_object_array_length (items), 151);
    cr_expect_str_eq (s_text (json_object_array_get_idx (items, 0), "itemId"), "q1");
    cr_expect_null (strstr (json_object_to_json_string (page), "hidden"));
    cr_expect_null (strstr (json_object_to_json_string (page), "body 7"));
    json_object_put (page);
    char target[4500];
    snprintf (target, sizeof target, "work-items?%s", query);
    page = s_ask (stack, "GET", target, NULL, 200);
    snprintf (query, sizeof query, "limit=7&cursor=%s", s_text (page, "prev"));
    size_t of_last = json_object_array_length (json_object_object_get (page, "items"));
    json_object_put (page);
    cr_expect_eq (s_walk (stack, query, "prev", NULL) + of_last, 151);

    //  What is wrong is said so.
    cr_expect_eq (s_status (stack, "GET", "work-items?kind=timer", AUTHORIZED), 400);
    cr_expect_eq (s_status (stack, "GET", "work-items?state=gone", AUTHORIZED), 400);
    cr_expect_eq (s_status (stack, "GET", "work-items?cursor=eyJvIjoxMywiZiI6e30sImIiOmZhbHNlLCJw"
                                          "IjpbIngiXX0",
                            AUTHORIZED),
                  400);
    s_end (&stack);
}

//  Ten thousand items that do not match stand before the one that does: a page ends early, and goes
//  on.
Test (work_api, a_page_looks_at_so_many_items_only)
{
    router_stack_t *stack = s_stack (1);
    s_exec (stack, "INSERT INTO work_item (item, kind, app, topic, body, state, finished_at)"
                   " SELECT 'x' || n, 2, 'demo', CASE n WHEN 1 THEN 'rare' ELSE 'usual' END, '{}',"
                   " 2, now () + n * interval '1 ms' FROM generate_series (1, 25000) n");
    json_object *page = s_ask (stack, "GET", "work-items?topic=rare", NULL, 200);
    cr_expect_eq (json_object_array_length (json_object_object_get (page, "items")), 0);
    cr_expect (json_object_object_get (page, "next"));
    json_object_put (page);
    cr_expect_eq (s_walk (stack, "topic=rare", "next", NULL), 1);
    cr_expect_eq (s_walk (stack, "topic=rare&order=asc", "next", NULL), 1);
    s_end (&stack);
}

//  Between the pages items end, are dropped, and new ones come: those that stay as they are are
//  listed once each.
Test (work_api, pages_are_the_list_while_it_changes)
{
    router_stack_t *stack = s_stack (1);
    s_exec (stack, s_items);
    char target[4400] = "work-items?limit=5&state=dead&topic=sms.out";
    json_object *seen = json_object_new_object ();
    for (unsigned page = 0; *target && page < 40; page++) {
        json_object *body = s_ask (stack, "GET", target, NULL, 200);
        json_object *items = json_object_object_get (body, "items");
        for (size_t at = 0; at < json_object_array_length (items); at++) {
            const char *item = s_text (json_object_array_get_idx (items, at), "itemId");
            cr_expect_null (json_object_object_get (seen, item), "%s twice", item);
            json_object_object_add (seen, item, json_object_new_int (1));
        }
        json_object *next = json_object_object_get (body, "next");
        *target = '\0';
        if (next)
            snprintf (target, sizeof target, "work-items?limit=5&cursor=%s",
                      json_object_get_string (next));
        json_object_put (body);
        char sql[500];
        snprintf (sql, sizeof sql,
                  "INSERT INTO work_item (item, kind, app, topic, body, state, finished_at)"
                  " SELECT 'n%u ' || n, 2, 'demo', 'sms.out', '{}', 3, now () - n * interval"
                  " '7 min' FROM generate_series (0, 3) n;"
                  "UPDATE work_item SET state = 4 WHERE item = 'd%u'",
                  page, 1 + 3 * page);
        s_exec (stack, sql);
    }
    //  Of d1, d4 … d118 the first ones are dropped, one behind each page; the others were dead all
    //  the time.
    size_t stayed = 0, listed = 0;
    for (unsigned n = 1; n <= 118; n += 3) {
        char sql[100], item[10];
        snprintf (sql, sizeof sql, "SELECT state FROM work_item WHERE item = 'd%u'", n);
        snprintf (item, sizeof item, "d%u", n);
        bool stays = s_is (stack, sql, "3");
        stayed += stays;
        listed += stays && json_object_object_get (seen, item);
    }
    cr_expect (stayed > 20, "%zu", stayed);
    cr_expect_eq (listed, stayed);
    json_object_put (seen);
    s_end (&stack);
}

Test (work_api, items_are_read_replayed_and_dropped_once)
{
    router_stack_t *stack = s_stack (1);
    s_exec (stack, s_items);
    json_object *item = s_ask (stack, "GET", "work-items/d1", NULL, 200);
    cr_expect_str_eq (s_text (item, "state"), "dead");
    cr_expect_str_eq (s_text (item, "sessionId"), "s-1");
    cr_expect_str_eq (s_text (json_object_object_get (item, "body"), "text"), "body 1");
    cr_expect_null (strstr (json_object_to_json_string (item), "hidden"));
    json_object *tries = json_object_object_get (item, "tries");
    cr_assert_eq (json_object_array_length (tries), 3);
    cr_expect_str_eq (s_text (json_object_array_get_idx (tries, 2), "outcome"), "dead");
    cr_expect_str_eq (s_text (json_object_array_get_idx (tries, 2), "status"), "503");
    json_object_put (item);

    //  Another app's, and who may not.
    cr_expect_eq (s_status (stack, "GET", "work-items/o%2F1", AUTHORIZED), 404);
    cr_expect_eq (s_status (stack, "POST", "work-items/o%2F1/replay", AUTHORIZED), 404);
    cr_expect_eq (s_status (stack, "GET", "work-items/d1?userId=ann", NULL), 403);
    cr_expect_eq (s_status (stack, "GET", "work-items?userId=a&isAdmin=true", NULL), 403);
    cr_expect_eq (s_status (stack, "POST", "work-items/d1/replay?userId=a&isAdmin=true", NULL),
                  403);
    cr_expect_eq (s_status (stack, "DELETE", "visitors/ann?userId=ann", NULL), 403);

    //  The state decides, and the same key once more changes nothing.
    json_object_put (s_ask (stack, "POST", "work-items/d3/replay", "k", 409)); //  done
    json_object_put (s_ask (stack, "POST", "work-items/q1/replay", "k", 409)); //  a turn
    json_object_put (s_ask (stack, "POST", "work-items/t0/drop", "k", 409));   //  a timer
    json_object_put (s_ask (stack, "POST", "work-items/q1/drop", "k", 200));
    json_object_put (s_ask (stack, "POST", "work-items/r1/drop", NULL, 200));
    json_object_put (s_ask (stack, "POST", "work-items/r1/drop", NULL, 409));
    item = s_ask (stack, "POST", "work-items/d1/replay", "k", 200);
    cr_expect_str_eq (s_text (item, "state"), "ready");
    cr_expect_str_eq (s_text (item, "attempts"), "3");
    json_object_put (item);
    json_object_put (s_ask (stack, "POST", "work-items/d1/replay", "other", 409));
    s_exec (stack, "UPDATE work_item SET state = 3, finished_at = now () WHERE item = 'd1'");
    item = s_ask (stack, "POST", "work-items/d1/replay", "k", 200);
    cr_expect_str_eq (s_text (item, "state"), "dead");
    cr_expect_str_eq (s_text (item, "replays"), "1");
    json_object_put (item);
    item = s_ask (stack, "POST", "work-items/d1/replay", "third", 200);
    cr_expect_str_eq (s_text (item, "replays"), "2");
    json_object_put (item);

    //  In its lane it goes behind what is open, and no limit of the lane counts it.
    s_exec (stack, "UPDATE work_item SET state = 3, finished_at = now () WHERE item = 'r30'");
    json_object_put (s_ask (stack, "POST", "work-items/r30/replay", NULL, 200));
    cr_expect (s_is (stack, "SELECT item FROM work_item WHERE lane = 'lane' AND state < 2"
                            " ORDER BY number DESC LIMIT 1", "r30"));
    s_end (&stack);
}

typedef struct {
    router_stack_t *stack;
    const char *method, *target;
    int status;
} asking_t;

static void *
s_asks (void *owner)
{
    asking_t *asking = owner;
    asking->status = s_status (asking->stack, asking->method, asking->target,
                               AUTHORIZED "idempotency-key: once\r\n");
    return NULL;
}

//  The database holds the request back, its postoffice is killed, and the request is sent again
//  with its key: it was done, and is not done again.
static void
s_kill_in_the_middle (router_stack_t *stack, const char *method, const char *target,
                      const char *lock, int status)
{
    PGconn *other = PQconnectdb (postgres_url (stack_postgres (stack)));
    PQclear (PQexec (other, "BEGIN"));
    PQclear (PQexec (other, lock));
    asking_t asking = { stack, method, target, 0 };
    pthread_t thread;
    cr_assert_eq (pthread_create (&thread, NULL, s_asks, &asking), 0);
    EVENTUALLY (5000, !s_is (stack, "SELECT count (*) FROM pg_locks WHERE NOT granted", "0"));
    stack_kill (stack, "postoffice-1");
    pthread_join (thread, NULL);
    cr_expect_neq (asking.status / 100, 2, "%s: %d", target, asking.status);
    PQclear (PQexec (other, "COMMIT"));
    PQfinish (other);
    cr_assert (stack_start (stack, "postoffice-1"));
    EVENTUALLY (10000, s_status (stack, "GET", "work-items?limit=1", AUTHORIZED) == 200);
    json_object_put (s_ask (stack, method, target, "once", status));
}

Test (work_api, a_kill_in_the_middle_of_each_change)
{
    router_stack_t *stack = s_stack (1);
    s_exec (stack, s_items);
    s_kill_in_the_middle (stack, "POST", "work-items/d1/replay",
                          "UPDATE work_item SET detail = '' WHERE item = 'd1'", 200);
    cr_expect (s_is (stack, "SELECT replays || ' ' || state FROM work_item WHERE item = 'd1'",
                     "1 0"));
    s_kill_in_the_middle (stack, "POST", "work-items/r1/drop",
                          "UPDATE work_item SET detail = '' WHERE item = 'r1'", 200);
    cr_expect (s_is (stack, "SELECT state FROM work_item WHERE item = 'r1'", "4"));
    s_exec (stack, "INSERT INTO erasure (app, user_id, state) VALUES ('demo', 'x', 4)");
    s_kill_in_the_middle (stack, "DELETE", "visitors/x",
                          "UPDATE erasure SET items = 7 WHERE user_id = 'x'", 202);
    cr_expect (s_is (stack, "SELECT count (*) || ' ' || max (key) FROM erasure", "1 once crm"));
    s_end (&stack);
}

//  In how many rows of all tables it stands.
static const char s_rows[] =
    "CREATE FUNCTION rows (what text) RETURNS bigint LANGUAGE plpgsql AS $$"
    " DECLARE t text; n bigint; found bigint := 0; BEGIN"
    " FOR t IN SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
    "  AND relnamespace = 'public'::regnamespace LOOP"
    "  EXECUTE format ('SELECT count (*) FROM %I t WHERE t::text LIKE %L', t, '%' || what || '%')"
    "   INTO n; found := found + n;"
    " END LOOP; RETURN found; END $$";

//  Vera is there and talks while her data are erased, and the postoffices that do it are killed one
//  after the other. What she said before is nowhere, what she says then is kept.
Test (work_api, a_visitor_is_erased_while_postoffices_die, .timeout = 120)
{
    router_stack_t *stack = s_stack (2);
    s_exec (stack, s_rows);
    person_t *vera = rich_visitor_opens (stack, 1, "vera", "s-1");
    person_t *otto = rich_visitor_opens (stack, 1, "otto", "s-2");
    says (vera, "my old words");
    is_told_stored (vera, "vera-1", false);
    says (otto, "my other words");
    is_told_stored (otto, "otto-1", false);
    s_exec (stack,
            "INSERT INTO session (session, app, visitor, day) SELECT 'demo/v-' || n, 'demo',"
            " 'vera', day FROM session, generate_series (1, 100) n WHERE session = 'demo/s-1';"
            "INSERT INTO log (seq, time_ms, writer, day, event, role, hidden, session, message_id,"
            " user_id, sender, data) SELECT n, 1, 1, day, 3, 1, false, session, 'm' || n, 'vera',"
            " '{}', '{\"text\":\"my old words\"}' FROM session, generate_series (1, 5) n"
            " WHERE session LIKE 'demo/v-%';"
            "INSERT INTO work_item (item, kind, app, session, topic, body, state, finished_at)"
            " SELECT session, 2, app, session, 'sms.out', '{\"text\":\"my old words\"}', 2, now ()"
            " FROM session WHERE visitor = 'vera'");
    json_object *order = s_ask (stack, "DELETE", "visitors/vera", "k", 202);
    cr_expect_str_eq (s_text (order, "state"), "running");
    json_object_put (order);
    //  Whoever erases, twice.
    for (unsigned kill = 1; kill <= 2; kill++) {
        char name[20], sql[120];
        EVENTUALLY (20000, s_is (stack, kill == 1 ? "SELECT sessions >= 20 FROM erasure"
                                                  : "SELECT state >= 1 FROM erasure", "t"));
        snprintf (name, sizeof name, "postoffice-%u", kill);
        stack_kill (stack, name);
        cr_assert (stack_start (stack, name));
        snprintf (sql, sizeof sql, "SELECT count (*) = 1 FROM erasure");
        cr_assert (s_is (stack, sql, "t"));
    }
    EVENTUALLY (40000, s_is (stack, "SELECT state FROM erasure", "4"));
    cr_assert (s_is (stack, "SELECT rows ('my old words')", "0"));
    cr_assert (s_is (stack, "SELECT rows ('my other words') > 0", "t"));
    json_object *done = s_ask (stack, "GET", "visitors/vera/erasure", NULL, 200);
    cr_expect_str_eq (s_text (done, "state"), "done");
    cr_expect (json_object_get_int (json_object_object_get (done, "sessions")) >= 101);
    cr_expect_eq (json_object_get_int (json_object_object_get (done, "workItems")), 101);
    json_object_put (done);
    cr_expect_eq (s_status (stack, "GET", "visitors/nobody/erasure", AUTHORIZED), 404);

    //  Her page is open, and begins the session anew.
    says (vera, "my new words");
    is_told_stored (vera, "vera-2", false);
    says (otto, "still here");
    is_told_stored (otto, "otto-2", false);
    cr_assert (s_is (stack, "SELECT rows ('my old words')", "0"));
    cr_assert (s_is (stack, "SELECT rows ('my new words') > 0", "t"));
    leaves (&vera);
    leaves (&otto);
    s_end (&stack);
}

//  More than a piece of the log, in several sessions, and with what the visitor may not see.
Test (work_api, a_visitor_is_exported_in_pieces)
{
    router_stack_t *stack = s_stack (1);
    person_t *vera = rich_visitor_opens (stack, 1, "vera", "s-1");
    person_t *otto = rich_visitor_opens (stack, 1, "otto", "s-2");
    says (vera, "the first");
    is_told_stored (vera, "vera-1", false);
    says (otto, "not hers");
    is_told_stored (otto, "otto-1", false);
    s_exec (stack,
            "INSERT INTO session (session, app, visitor, day) SELECT 'demo/v-' || n, 'demo',"
            " 'vera', day FROM session, generate_series (1, 450) n WHERE session = 'demo/s-1';"
            "INSERT INTO log (seq, time_ms, writer, day, event, role, hidden, session, message_id,"
            " user_id, sender, data) SELECT n, 1, 1, day, 3, CASE n WHEN 3 THEN 2 ELSE 1 END,"
            " n > 1, session, 'm' || n, CASE n WHEN 3 THEN 'carl' ELSE 'vera' END, '{}',"
            " '{\"text\":\"' || CASE n WHEN 3 THEN 'whisper' ELSE 'line' END || '\"}'"
            " FROM session, generate_series (1, 3) n WHERE session LIKE 'demo/v-%';"
            "INSERT INTO log (seq, time_ms, writer, day, event, role, hidden, session, message_id,"
            " user_id, sender, data) SELECT n, 1, 1, day, 3, 1, false, session, 'm' || n, 'vera',"
            " '{}', '{\"text\":\"' || repeat ('x', 3000) || '\"}'"
            " FROM session, generate_series (4, 700) n WHERE session = 'demo/v-7'");
    //  A busy machine may say for a while that it is.
    http_answer_t answer = { 0 };
    EVENTUALLY (30000, (http_answer_free (&answer),
                        answer = http_get (stack_edge_port (stack, 1),
                                           "/api/v1/visitors/vera/export", AUTHORIZED),
                        answer.status != 503));
    cr_assert_eq (answer.status, 200);
    cr_expect (strstr (answer.headers, "application/x-ndjson"));
    cr_expect (strstr (answer.body, "\"the first\""));
    cr_expect_null (strstr (answer.body, "not hers"));
    cr_expect_null (strstr (answer.body, "whisper"));
    size_t lines = 0, entries = 0, sessions = 0;
    for (char *line = strtok (answer.body, "\n"); line; line = strtok (NULL, "\n")) {
        json_object *object = json_tokener_parse (line);
        cr_assert (object, "line %zu: %s", lines, line);
        lines++;
        entries += strcmp (s_text (object, "type"), "entry") == 0;
        sessions += strcmp (s_text (object, "type"), "session") == 0;
        json_object_put (object);
    }
    cr_expect_eq (sessions, 451, "%zu of %zu", sessions, lines);
    //  In s-1 her joining and her message.
    cr_expect_eq (entries, 450 * 2 + 697 + 2, "%zu", entries);
    http_answer_free (&answer);
    leaves (&vera);
    leaves (&otto);
    s_end (&stack);
}

Test (work_api, an_app_is_told_its_configuration)
{
    router_stack_t *stack = s_stack (1);
    json_object *config = s_ask (stack, "GET", "config", NULL, 200);
    cr_expect_str_eq (s_text (config, "appId"), "demo");
    cr_expect_str_eq (s_text (config, "sessionsKeptDays"), "30");
    const char *text = json_object_to_json_string_ext (config, JSON_C_TO_STRING_PLAIN);
    cr_expect (strstr (text, "{\"path\":\"apiKeys.keys[0].name\",\"value\":\"crm\","), "%s", text);
    cr_expect (strstr (text, "{\"path\":\"apiKeys.keys[0].hash\",\"value\":null,"), "%s", text);
    cr_expect_null (strstr (text, "other"));
    json_object_put (config);
    cr_expect_eq (s_status (stack, "GET", "config?userId=ann&isAdmin=true", NULL), 403);
    s_end (&stack);
}

// ---------------------------------------------------------------------------------------------
//  Destinations, and many items

//  An endpoint was gone and disabled, and 600 deliveries died of it: it is mended, enabled, and all
//  of them are sent again, in two pieces.
Test (work_api, a_dead_destination_is_mended, .timeout = 60)
{
    router_stack_t *stack = s_stack (2);
    cr_assert (postgres_exec (
        stack_postgres (stack),
        "INSERT INTO destination (name, app, disabled, reason, failures)"
        " VALUES ('webhook:demo/crm', 'demo', true, '410 Gone', 2),"
        " ('webhook:demo/ok', 'demo', false, '', 0),"
        " ('webhook:demo/new', 'demo', false, 'refused', 1),"
        " ('webhook:other/x', 'other', true, '', 0);"
        "INSERT INTO work_item (item, app, topic, body, destination, state, finished_at)"
        " SELECT 'w' || n, 'demo', 'webhook.out', '{}', 'webhook:demo/crm', 3, now ()"
        " FROM generate_series (1, 600) AS n;"
        "INSERT INTO work_item (item, app, topic, body, state, finished_at)"
        " VALUES ('other', 'demo', 'webhook.out', '{}', 3, now ())"));
    json_object *list = s_ask (stack, "GET", "destinations?limit=1", NULL, 200);
    cr_expect_str_eq (ws_json_text (list, "items.0.state"), "disabled");
    cr_expect_str_eq (ws_json_text (list, "items.0.reason"), "410 Gone");
    cr_expect (*ws_json_text (list, "next"));
    json_object_put (list);
    //  One failure is one; what is well has none.
    list = s_ask (stack, "GET", "destinations", NULL, 200);
    cr_expect_str_eq (ws_json_text (list, "items.1.state"), "failing");
    cr_expect_str_eq (ws_json_text (list, "items.1.reason"), "refused");
    cr_expect_str_eq (ws_json_text (list, "items.2.state"), "well");
    json_object_put (list);
    json_object_put (s_ask (stack, "POST", "destinations/webhook%3Aother%2Fx/enable", NULL, 404));
    json_object *now =
        s_ask (stack, "POST", "destinations/webhook%3Ademo%2Fcrm/enable", NULL, 200);
    cr_expect_str_eq (ws_json_text (now, "state"), "well");
    cr_expect_str_eq (ws_json_text (now, "reason"), "");
    json_object_put (now);
    static const char target[] = "work-items/replay?destination=webhook:demo/crm";
    static const struct {
        int64_t changed;
        bool more;
    } rounds[] = { { 500, true }, { 100, false }, { 0, false } };
    for (size_t at = 0; at < 3; at++) {
        json_object *done = s_ask (stack, "POST", target, NULL, 200);
        cr_expect_eq (ws_json_number (done, "changed"), rounds[at].changed);
        cr_expect_eq (ws_json_true (done, "more"), rounds[at].more);
        json_object_put (done);
    }
    json_object *dropped = s_ask (stack, "POST", "work-items/drop?topic=webhook.out", NULL, 200);
    cr_expect_eq (ws_json_number (dropped, "changed"), 1);
    json_object_put (dropped);
    char *states = postgres_query (stack_postgres (stack),
                                   "SELECT string_agg (n, ' ' ORDER BY n) FROM (SELECT state ||"
                                   " ':' || count (*) AS n FROM work_item GROUP BY state) AS s");
    cr_expect_str_eq (states, "0:600 4:1");
    free (states);
    s_end (&stack);
}
