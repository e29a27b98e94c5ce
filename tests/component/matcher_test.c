//  The matcher on the loop, against a real PostgreSQL: who waits is given an agent, whichever
//  postoffice finds it, and is told its place in the app's words; and it costs next to nothing when
//  nobody waits.

#include "store_box.h"
#include "tables/postoffice_metrics.h"
#include "work/matcher.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OFFICES 3

typedef struct {
    char file[40];
    postgres_t *postgres;
    box_t *box;
    apps_t *apps;
    matcher_t *matchers[OFFICES];
    char said[4000]; //  "s1:ann" found, "s2:" nobody, "s3=words"
} place_t;

static void
s_on_matched (void *owner, const matched_t *matched)
{
    place_t *place = owner;
    size_t size = strlen (place->said);
    bool tells = matched->words.size > 0;
    snprintf (place->said + size, sizeof place->said - size, "%.*s%s%.*s ",
              TEXT_ARGS (matched->session), tells ? "=" : ":",
              TEXT_ARGS (tells ? matched->words : matched->agent));
}

//  `section`: members of the app's switchboard.
static place_t *
s_place (const char *section)
{
    place_t *self = calloc (1, sizeof *self);
    buffer_t complaint;
    char json[600];
    int size = snprintf (json, sizeof json,
                         "{\"apps\":[{\"appId\":\"a\",\"switchboard\":{%s}}]}", section);
    strcpy (self->file, "/tmp/matcher_test.XXXXXX");
    int file = mkstemp (self->file);
    cr_assert (file >= 0 && write (file, json, (size_t) size) == size);
    close (file);
    self->postgres = postgres_new (NULL);
    self->box = box_new (self->postgres, 11);
    buffer_init (&complaint, 1000);
    self->apps = apps_new (&self->box->loop,
                           &(apps_config_t){ .reader = APP_READER_POSTOFFICE,
                                             .file = self->file,
                                             .app_id = "",
                                             .bot_url = "",
                                             .bot_key = "",
                                             .bot_name = "" },
                           &complaint);
    cr_assert (self->apps, "%.*s", TEXT_ARGS (buffer_text (&complaint)));
    buffer_free (&complaint);
    return self;
}

static void
s_start (place_t *self, int offices)
{
    store_config_t store = { .url = postgres_url (self->postgres),
                             .answer_ms = 10000,
                             .node = "tested" };
    for (int at = 0; at < offices; at++) {
        self->matchers[at] =
            matcher_new (&self->box->loop, &store, self->apps, s_on_matched, self);
        matcher_open (self->matchers[at]);
    }
}

static void
s_end (place_t *self)
{
    for (int at = 0; at < OFFICES; at++)
        matcher_destroy (&self->matchers[at]);
    apps_destroy (&self->apps);
    box_end (self->box);
    postgres_destroy (&self->postgres);
    unlink (self->file);
    free (self);
}

#define WAITS(id, target, seconds)                                                               \
    "INSERT INTO session (session, app, visitor, day, control_role, control_seq, waiting_since,"  \
    " waiting_for) VALUES ('a/" id "', 'a', 'v', current_date, 5, 7, now () - interval '"         \
    #seconds " s', '" target "');"
#define AGENT(id)                                                                                \
    "INSERT INTO agent (app, user_id, state, capacity, groups) VALUES ('a', '" id "', 1, 1,"      \
    " '{sales}');"

//  Three at once: each visitor has its agent, and is told of to one postoffice only.
Test (matcher, each_is_found_once)
{
    place_t *place = s_place ("\"pick\":\"least-busy\"");
    sql_exec (place->postgres,
              WAITS ("1", "group:sales", 9) WAITS ("2", "group:sales", 8)
                  WAITS ("3", "group:none", 7) AGENT ("ann") AGENT ("bob"));
    s_start (place, OFFICES);
    UNTIL (place->box, strstr (place->said, "a/3:"));
    cr_expect_str_eq (place->said, "a/1:ann a/2:bob a/3: ");
    //  Somebody else left one to be found, with no word of it: at the next look.
    sql_exec (place->postgres, AGENT ("cy") WAITS ("4", "group:sales", 1));
    UNTIL (place->box, strstr (place->said, "a/4:"));
    cr_expect_str_eq (place->said, "a/1:ann a/2:bob a/3: a/4:cy ");
    s_end (place);
}

//  Nobody waits: a look every five seconds, and none because of agents who come and go.
Test (matcher, costs_nothing_when_nobody_waits)
{
    place_t *place = s_place ("");
    sql_exec (place->postgres, AGENT ("ann"));
    s_start (place, 1);
    postoffice_counts[POSTOFFICE_WAITING] = -1;
    UNTIL (place->box, postoffice_counts[POSTOFFICE_WAITING] == 0);
    for (int time = 0; time < 100; time++) {
        matcher_somebody_is_free (place->matchers[0]);
        box_turn (place->box);
    }
    cr_expect_eq (postoffice_counts[POSTOFFICE_MATCH_RUNS], 0);
    //  Somebody waits here: at once.
    sql_exec (place->postgres, WAITS ("1", "group:sales", 0));
    uint64_t before = uv_hrtime ();
    matcher_somebody_waits (place->matchers[0]);
    UNTIL (place->box, *place->said);
    cr_expect_lt ((uv_hrtime () - before) / 1000000, 3000);
    cr_expect_str_eq (place->said, "a/1:ann ");
    s_end (place);
}

//  In the app's words, by how many stand before one; and not again before its time. Not of one for
//  whom nobody was just found.
Test (matcher, who_waits_is_told_its_place)
{
    place_t *place = s_place ("\"queue\":{\"tell\":\"place\",\"text\":\"No. {place}, {x}\"}");
    sql_exec (place->postgres, "INSERT INTO agent (app, user_id, state, capacity, groups) VALUES"
                               " ('a', 'ann', 1, 0, '{sales}');" WAITS ("1", "group:sales", 9)
                                   WAITS ("2", "group:sales", 8) WAITS ("3", "group:none", 7));
    s_start (place, 2);
    UNTIL (place->box, strstr (place->said, "a/2="));
    int64_t runs = postoffice_counts[POSTOFFICE_MATCH_RUNS];
    UNTIL (place->box, postoffice_counts[POSTOFFICE_MATCH_RUNS] > runs + 2);
    cr_expect_str_eq (place->said, "a/3: a/1=No. 1, {x} a/2=No. 2, {x} ");
    s_end (place);
}

//  By how fast the queue moved lately, when that is known.
Test (matcher, who_waits_is_told_a_time)
{
    place_t *place = s_place ("\"queue\":{\"tell\":\"time\"}");
    sql_exec (place->postgres, "INSERT INTO agent (app, user_id, state, capacity, groups) VALUES"
                               " ('a', 'ann', 1, 0, '{sales,help}');"
                               "INSERT INTO queue_pace (app, target, found_at, mean_ms, count)"
                               " VALUES ('a', 'group:help', now (), 90000, 5);"
                               WAITS ("1", "group:sales", 9) WAITS ("2", "group:help", 8)
                                   WAITS ("3", "group:help", 7));
    s_start (place, 1);
    UNTIL (place->box, strstr (place->said, "a/3="));
    cr_expect_str_eq (place->said, "a/2=You will be answered in about 2 min."
                                   " a/3=You will be answered in about 3 min. ");
    s_end (place);
}

//  The database goes and comes back: who waits is found then.
Test (matcher, the_database_comes_back)
{
    place_t *place = s_place ("");
    sql_exec (place->postgres, AGENT ("ann") WAITS ("1", "group:sales", 9));
    s_start (place, 1);
    UNTIL (place->box, strstr (place->said, "a/1:ann"));
    postgres_kill (place->postgres);
    matcher_somebody_waits (place->matchers[0]);
    UNTIL (place->box, !place->box->ready);
    cr_assert (postgres_start (place->postgres));
    sql_exec (place->postgres, AGENT ("bob") WAITS ("2", "group:sales", 9));
    UNTIL (place->box, strstr (place->said, "a/2:"));
    cr_expect_str_eq (place->said, "a/1:ann a/2:bob ");
    s_end (place);
}
