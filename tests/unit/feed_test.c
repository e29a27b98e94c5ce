//  feed — what edges with watchers are told: one row for many changes, no row of what is not
//  stored, a gap for what nobody can tell, and nothing at all while nobody watches.

#include "office_rig.h"

#include "session/feed.h"
#include "tables/postoffice_metrics.h"

static feed_t *s_feed;

static void
s_watch (peer_t peer, const char *app, bool ends)
{
    feed_watch (s_feed, peer, &(bus_watch_t){ .app = text_of (app), .ends = ends });
}

//  Edge 2 watches the app; the visitor is at endpoint 5 of edge 1.
static void
s_begin (void)
{
    rig_begin ();
    s_feed = feed_new (rig_loop, &rig_office);
    s_watch (2, "demo", false);
    EXPECT ("e2 WATCHING demo\n");
    visitor_joins (1, 5);
    rig_wait (FEED_EVERY_MS + 50);
    EXPECT ("e1 ATTACHED 5 ok #1\n"
            "e2 SUMMARY s #1\n");
}

static void
s_end (void)
{
    feed_destroy (&s_feed);
    cr_assert_null (rig_office.feed);
    edge_down (1);
    edge_down (2);
    rig_end ();
    cr_assert_eq (postoffice_counts[POSTOFFICE_FEED_CHANGED], 0);
    cr_assert_eq (postoffice_counts[POSTOFFICE_FEED_APPS], 0);
}

TestSuite (feed, .init = s_begin, .fini = s_end);

//  How often the story has the line.
static unsigned
s_count (const char *line)
{
    unsigned count = 0;
    for (const char *at = rig_story (); (at = strstr (at, line)); at += strlen (line))
        count++;
    return count;
}

static void
s_say_stored (const char *id)
{
    say (1, 5, id);
    rig_run ();
}

static void
s_tick (void)
{
    rig_wait (FEED_EVERY_MS + 50);
}

Test (feed, many_changes_are_one_row)
{
    for (int at = 0; at < 10; at++) {
        char id[10];
        snprintf (id, sizeof id, "m%d", at);
        s_say_stored (id);
    }
    uint64_t last = fake_store_last (KEY);
    cr_assert_geq (last, 11);
    s_tick ();
    char line[40];
    snprintf (line, sizeof line, "e2 SUMMARY s #%u\n", (unsigned) last);
    cr_assert_eq (s_count ("SUMMARY"), 1);
    cr_assert_eq (s_count (line), 1);
    rig_forget ();
    s_tick ();
    EXPECT ("");
}

Test (feed, the_row)
{
    agent_joins (1, 9, "anna");
    post (1, 9, EVENT_BARGE_IN, "in");
    s_tick ();
    const char *parts[] = { "{\"sessionId\":\"s\",\"appId\":\"demo\",\"visitor\":\"vic\",",
                            "\"state\":\"open\",\"closedAt\":null,\"lastSeq\":3,\"lastAt\":\"20",
                            "\"waiting\":false",
                            "\"lastActivity\":\"20", "\"createdAt\":\"20",
                            "\"control\":{\"role\":\"agent\",\"userId\":\"anna\","
                            "\"version\":3,\"since\":",
                            "{\"role\":\"visitor\",\"userId\":\"vic\",\"present\":true,"
                            "\"connected\":true}",
                            "{\"role\":\"agent\",\"userId\":\"anna\",\"present\":true,"
                            "\"connected\":true}",
                            "\"presentCount\":2}" };
    for (size_t at = 0; at < sizeof parts / sizeof *parts; at++)
        cr_assert (strstr (rig_row, parts[at]), "%s is not in %s", parts[at], rig_row);
}

Test (feed, all_edges_that_watch)
{
    s_watch (1, "demo", false);
    s_watch (1, "demo", false); //  again, as after a doubt
    EXPECT ("e1 WATCHING demo\n"
            "e1 WATCHING demo\n");
    s_say_stored ("one");
    rig_forget ();
    s_tick ();
    cr_assert_eq (s_count ("SUMMARY"), 2);
    cr_assert_eq (s_count ("e1 SUMMARY s #2\n"), 1);
    cr_assert_eq (s_count ("e2 SUMMARY s #2\n"), 1);
    s_watch (2, "demo", true);
    s_say_stored ("two");
    rig_forget ();
    s_tick ();
    EXPECT ("e1 SUMMARY s #3\n");
    cr_assert_not_null (rig_office.feed);
    feed_peer_down (s_feed, 1);
    cr_assert_null (rig_office.feed);
}

Test (feed, nobody_watches)
{
    int64_t changes = postoffice_counts[POSTOFFICE_FEED_CHANGES];
    s_say_stored ("one"); //  is marked already when the last one goes
    s_watch (2, "demo", true);
    cr_assert_null (rig_office.feed);
    s_say_stored ("two");
    s_tick ();
    cr_assert_eq (s_count ("SUMMARY"), 0);
    cr_assert_eq (postoffice_counts[POSTOFFICE_FEED_CHANGES], changes + 1);
}

Test (feed, another_app)
{
    s_watch (2, "other", false);
    s_watch (2, "demo", true);
    s_say_stored ("one");
    s_tick ();
    cr_assert_eq (s_count ("SUMMARY"), 0);
    cr_assert_eq (postoffice_counts[POSTOFFICE_FEED_CHANGED], 0);
}

Test (feed, apps_that_are_none)
{
    char name[APP_ID_MAX + 2];
    memset (name, 'a', sizeof name);
    name[sizeof name - 1] = 0;
    s_watch (1, "", false);
    s_watch (1, name, false);
    s_watch (1, "unwatched", true);
    EXPECT ("");
}

//  The session is at the store when its turn comes: what is not committed is not told.
Test (feed, what_is_at_the_store)
{
    s_say_stored ("one");
    rig_forget ();
    say (1, 5, "two");
    for (int at = 0; at < (FEED_EVERY_MS + 100) / 5; at++) {
        rig_turn (); //  the loop, not the store
        uv_sleep (5);
    }
    cr_assert_eq (rig_session ()->state, SESSION_COMMITTING);
    EXPECT ("");
    rig_run ();
    cr_assert_eq (s_count ("e2 SUMMARY s #3\n"), 1, "at once: %s", rig_story ());
    cr_assert_eq (s_count ("SUMMARY"), 1);
}

//  A changeset is lost while its session waits to be told: the fold is ahead of the log, until it
//  is loaded.
Test (feed, what_is_lost_at_the_store)
{
    s_say_stored ("one");
    rig_forget ();
    fake_store_always (FAKE_DOWN);
    say (1, 5, "two");
    rig_wait (FEED_EVERY_MS + 100);
    cr_assert_eq (s_count ("SUMMARY"), 0, "%s", rig_story ());
    fake_store_always (FAKE_WELL);
    rig_wait (600);
    cr_assert_eq (s_count ("e2 SUMMARY s #2\n"), 1, "%s", rig_story ());
}

//  Another postoffice wrote: it tells those whom it reaches; we tell ours when we hear of it.
Test (feed, what_another_one_wrote)
{
    fake_store_other_says (KEY, &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_VISITOR, "vic", "x", "x" });
    session_happens (rig_session (), SESSION_MOVED);
    rig_run ();
    rig_forget ();
    s_tick ();
    cr_assert_eq (s_count ("e2 SUMMARY s #2\n"), 1, "%s", rig_story ());
}

//  Dropped from memory, as a rule before its turn.
Test (feed, a_session_that_is_dropped)
{
    detach (1, 5, SEQ_UNKNOWN);
    rig_office.idle_ms = 0;
    for (int at = 0; at < 300 && rig_session (); at++)
        rig_wait (10);
    cr_assert_null (rig_session ());
    char last[40];
    snprintf (last, sizeof last, "e2 SUMMARY s #%u\n", (unsigned) fake_store_last (KEY));
    cr_assert_eq (s_count (last), 1, "%s", rig_story ());
    cr_assert_eq (postoffice_counts[POSTOFFICE_FEED_CHANGED], 0);
}

Test (feed, an_edge_that_takes_nothing)
{
    rig_queued = FEED_WAITING_MOST + 1;
    s_say_stored ("one");
    rig_forget ();
    s_tick ();
    rig_queued = FEED_WAITING_MOST / 2 + 1;
    s_tick ();
    EXPECT ("");
    s_say_stored ("two");
    rig_forget ();
    s_tick ();
    EXPECT ("");
    rig_queued = 0;
    s_tick ();
    EXPECT ("e2 WATCHING demo gap\n");
    s_say_stored ("three");
    rig_forget ();
    s_tick ();
    EXPECT ("e2 SUMMARY s #4\n");
}

Test (feed, nobody_knows_what_changed)
{
    s_watch (1, "other", false);
    rig_forget ();
    feed_gap (s_feed);
    s_tick ();
    cr_assert_eq (s_count ("e2 WATCHING demo gap\n"), 1);
    cr_assert_eq (s_count ("e1 WATCHING other gap\n"), 1);
    rig_forget ();
    s_tick ();
    EXPECT ("");
}

//  Versions of the session were told that are not there any more.
Test (feed, a_log_that_lost_its_tail)
{
    s_say_stored ("one");
    s_say_stored ("two");
    s_tick ();
    rig_forget ();
    fake_store_lose_above (KEY, 2);
    session_happens (rig_session (), SESSION_STORE_READY);
    rig_wait (2 * FEED_EVERY_MS + 100);
    cr_assert_eq (s_count ("e2 WATCHING demo gap\n"), 1, "%s", rig_story ());
}
