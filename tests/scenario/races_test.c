//  races — take-overs against a bot that answers at once, slowly, in parts, or fails, while
//  postoffices, connectors, edges and a platform's worker are killed: no word of the bot behind a
//  take-over, and no visitor whom nobody answers.
//
//  Visitors ask without end. Agents take, release, offer, accept and decline at any moment, over
//  WebSockets and over the API; a platform accepts, declines or lets offers pass, answers, gives
//  back or says nothing any more. The app's policies change every few seconds. At last everybody
//  gives back, everything settles, and the log is audited (race_audit.h).
//  RACES=10000 RACES_SEED=7 scenario-races is the long version.

#include "chance.h"
#include "eventually.h"
#include "http_get.h"
#include "race_audit.h"
#include "racers.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define API_KEY "stk_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define API_KEY_HASH "sha256:a3db06f6aacc3af690cc929132b2d35aa59a13ba2a37e852a70a3ec824c48b3b"
#define AS_PLATFORM "\"as\":{\"kind\":\"platform\",\"userId\":\"" RACER_PLATFORM "\"}"
#define EDGES 2
#define POSTOFFICES 3
#define CONNECTORS 2
#define VICTIMS (POSTOFFICES + CONNECTORS + EDGES + 1) //  the last one: the platform's worker
#define SESSIONS 32
#define CALLERS 3             //  over the API, each in a thread
#define FAILURE "\"failures\":1000,\"openSeconds\":1,\"openMostSeconds\":2,\"tellSeconds\":1"
#define LOOK_EVERY 1000       //  ms, at how far it is
#define NO_PROGRESS 90000     //  ms
#define SETTLE_WITHIN 120000  //  ms

typedef struct race race_t;

typedef struct {
    race_t *race;
    pthread_t thread;
    chance_t chance;
    unsigned number, requests, agreed;
} caller_t;

typedef struct {
    char name[32];
    bool is_dead;
    uint64_t again_at;
} victim_t;

struct race {
    router_stack_t *stack;
    bot_t *bot;
    racers_t *racers;
    char apps[100], script[100]; //  files
    chance_t chance;
    caller_t callers[CALLERS];
    atomic_bool is_over;
    victim_t victims[VICTIMS];
    uint64_t kill_at, policy_at, script_at;
    unsigned kills, edge_kills;
    uint64_t seed;
};

// ---------------------------------------------------------------------------------------------
//  The place

//  `fails`: at some questions, for as long as it is asked them.
static void
s_bot_is_ready (bot_t *bot, bool fails)
{
    static const bot_reply_t parts = {
        .manner = BOT_PARTS,
        .type = "application/x-ndjson",
        .every_ms = 90,
        .body = "{\"delta\":\"One \"}\n\x1e{\"delta\":\"two \"}\n\x1e{\"delta\":\"three \"}\n\x1e"
                "{\"delta\":\"four \"}\n\x1e{\"delta\":\"five \"}\n\x1e{\"delta\":\"six.\"}\n"
    };
    static const char said[] = "{\"outputSpeech\":{\"displayText\":\"You said: $rawQuery\"}}";
    static const char handoff[] =
        "{\"outputSpeech\":\"I call\",\"system\":\"HANDOFF\",\"data\":{\"handoffTargetId\":\"x\"}}";
    bot_keep_no_requests (bot);
    bot_forget_rules (bot);
    if (fails)
        bot_rule (bot, "do-fail", 0, &(bot_reply_t){ .status = 503, .after_ms = 20 });
    bot_rule (bot, "do-parts", 0, &parts);
    bot_rule (bot, "do-soon", 0, &(bot_reply_t){ .body = said, .after_ms = 60 });
    bot_rule (bot, "do-slow", 0, &(bot_reply_t){ .body = said, .after_ms = 400 });
    bot_rule (bot, "do-refuse", 0, &(bot_reply_t){ .status = 404 });
    bot_rule (bot, "do-person", 0, &(bot_reply_t){ .body = handoff, .after_ms = 30 });
    bot_says (bot, "", said);
}

//  What the app wants of its bot's failures, and how it is told of a return.
static const char *const s_policies[] = {
    "\"giveBack\":\"question\"",
    "\"giveBack\":\"event\",\"failure\":{\"steps\":[\"retry\",\"person\"]," FAILURE "}",
    "\"giveBack\":\"event\"",
    "\"giveBack\":\"question\",\"failure\":{\"steps\":[\"text\",\"person\"],"
    "\"text\":\"Just a moment.\"," FAILURE "}",
    "\"giveBack\":\"event\",\"failure\":{\"steps\":[\"text\"],\"text\":\"Sorry.\"," FAILURE "}",
};

static void
s_set_policy (race_t *self, size_t policy)
{
    char next[120];
    snprintf (next, sizeof next, "%s.next", self->apps);
    FILE *file = fopen (next, "w");
    cr_assert (file);
    cr_assert (fprintf (file,
                        "{\"apps\":[{\"appId\":\"demo\",\"bot\":{\"url\":\"%s\"},"
                        "\"switchboard\":{\"handoff\":[\"group:sales\",\"platform:scripted\"],"
                        "\"offerSeconds\":5,\"waitSeconds\":10,\"silenceSeconds\":10,%s},"
                        "\"apiKeys\":{\"keys\":[{\"name\":\"crm\",\"hash\":\"" API_KEY_HASH
                        "\"}]}}]}",
                        bot_url (self->bot), s_policies[policy])
               > 0);
    cr_assert (fclose (file) == 0 && rename (next, self->apps) == 0);
}

static void
s_set_script (race_t *self)
{
    static const char *const manners[] = { "accepts", "accepts", "declines", "waits" };
    FILE *file = fopen (self->script, "w");
    cr_assert (file && fputs (manners[chance_between (&self->chance, 0, 3)], file) >= 0);
    cr_assert_eq (fclose (file), 0);
}

static void
s_make_file (char path[100], const char *what)
{
    snprintf (path, 100, "%s/stentor-%s-XXXXXX", getenv ("TMPDIR") ? getenv ("TMPDIR") : "/tmp",
              what);
    int file = mkstemp (path);
    cr_assert (file >= 0);
    close (file);
}

static void
s_name_victims (race_t *self)
{
    static const struct {
        const char *name;
        unsigned count;
    } kinds[] = { { "postoffice", POSTOFFICES },
                  { "stentor-connector", CONNECTORS },
                  { "edge", EDGES },
                  { "platform-worker", 1 } };
    unsigned at = 0;
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++)
        for (unsigned number = 1; number <= kinds[kind].count; number++, at++)
            snprintf (self->victims[at].name, sizeof self->victims[at].name, "%s-%u",
                      kinds[kind].name, number);
    cr_assert_eq (at, VICTIMS);
}

static void
s_begin (race_t *self)
{
    char setting[120], script[120];
    self->bot = bot_new ();
    cr_assert (self->bot);
    s_bot_is_ready (self->bot, true);
    s_make_file (self->apps, "apps");
    s_make_file (self->script, "script");
    s_set_policy (self, 0);
    s_set_script (self);
    snprintf (setting, sizeof setting, "APPS_FILE=%s", self->apps);
    snprintf (script, sizeof script, "PLATFORM_SCRIPT=%s", self->script);
    //  People here answer pings while they listen, which they may not do for a while.
    const char *settings[] = { setting,
                               script,
                               "WORKER_TELLS=/dev/null",
                               "SESSION_GRACE=2s",
                               "BOT_TRY_DELAY_1=1s",
                               "BOT_TRY_DELAY_2=1s",
                               "EDGE_LIVE_PONG_WITHIN=1m",
                               NULL };
    self->stack = stack_new (&(stack_plan_t){ .edges = EDGES,
                                              .postoffices = POSTOFFICES,
                                              .connectors = CONNECTORS,
                                              .worker = BIN_DIR "/platform-worker",
                                              .workers = 1,
                                              .settings = settings });
    cr_assert (self->stack, "the stack does not start");
    s_name_victims (self);
    self->racers = racers_new (self->stack, SESSIONS, EDGES, self->seed);
}

static void
s_end (race_t *self)
{
    racers_destroy (&self->racers);
    stack_destroy (&self->stack);
    bot_destroy (&self->bot);
    unlink (self->apps);
    unlink (self->script);
}

// ---------------------------------------------------------------------------------------------
//  Over the API

static int
s_request (caller_t *self, const char *method, const char *path, const char *body)
{
    char target[200], headers[200];
    router_stack_t *stack = self->race->stack;
    snprintf (target, sizeof target, "/api/v1/%s", path);
    snprintf (headers, sizeof headers,
              "authorization: Bearer " API_KEY "\r\nidempotency-key: k-%u-%u\r\n", self->number,
              ++self->requests);
    http_answer_t answer =
        http_request (stack_edge_port (stack, (unsigned) chance_between (&self->chance, 1, EDGES)),
                      method, target, headers, body, strlen (body));
    int status = answer.status;
    self->agreed += status >= 200 && status < 300;
    http_answer_free (&answer);
    return status;
}

//  An agent does this in this session, with the version that was seen last, or without one.
static int
s_asks (caller_t *self, unsigned session, const char *agent, const char *what, const char *more,
        uint64_t version)
{
    char path[60], body[400], seen[60] = "";
    snprintf (path, sizeof path, "sessions/s-%u/%s", session, what);
    if (version)
        snprintf (seen, sizeof seen, ",\"version\":%llu", (unsigned long long) version);
    snprintf (body, sizeof body, "{\"as\":{\"kind\":\"agent\",\"userId\":\"%s\"}%s%s}", agent, more,
              seen);
    return s_request (self, "POST", path, body);
}

//  The platform gets it by its worker, or as others do; once it has it, it may never say a word.
static void
s_platform_acts (caller_t *self, unsigned session, uint64_t seen)
{
    static const char *const others[] = { "release", "accept", "decline" };
    char path[60], body[200];
    uint64_t version = chance_once_in (&self->chance, 3) ? seen : 0;
    if (chance_once_in (&self->chance, 3)) {
        snprintf (path, sizeof path, "sessions/s-%u/messages", session);
        s_request (self, "POST", path, "{\"text\":\"I am here\"," AS_PLATFORM "}");
        return;
    }
    snprintf (path, sizeof path, "sessions/s-%u/%s", session,
              others[chance_between (&self->chance, 0, 4) % 3]);
    int size = snprintf (body, sizeof body, "{" AS_PLATFORM);
    if (version)
        size += snprintf (body + size, sizeof body - (size_t) size, ",\"version\":%llu",
                          (unsigned long long) version);
    snprintf (body + size, sizeof body - (size_t) size, "}");
    s_request (self, "POST", path, body);
}

static void
s_answers_offer (caller_t *self, unsigned session, const racer_control_t *seen)
{
    const char *agent = racer_desk[seen->offered - 1];
    const char *what = chance_once_in (&self->chance, 3) ? "decline" : "accept";
    s_asks (self, session, agent, what, "", chance_once_in (&self->chance, 2) ? seen->version : 0);
}

static void
s_acts (caller_t *self, unsigned session, const racer_control_t *seen)
{
    static const char *const targets[] = { ",\"to\":[\"group:sales\"]",
                                           ",\"to\":[\"agent:anna\",\"bot\"]",
                                           ",\"to\":[\"agent:nobody\",\"group:sales\"]",
                                           ",\"to\":[\"platform:scripted\"]",
                                           ",\"to\":[\"platform:scripted\",\"bot\"]",
                                           ",\"to\":[\"bot\"]", ",\"to\":[\"group:nobody\"]" };
    char own[20];
    uint64_t version = chance_once_in (&self->chance, 2) ? seen->version : 0;
    unsigned what = (unsigned) chance_between (&self->chance, 0, 9);
    unsigned who = (unsigned) chance_between (&self->chance, 0, RACER_DESK);
    snprintf (own, sizeof own, "a-%u", session);
    const char *agent = who < RACER_DESK ? racer_desk[who] : own;
    if (what < 4)
        s_asks (self, session, agent, "take", "", version);
    else if (what < 7)
        s_asks (self, session, agent, "release", "", version);
    else
        s_asks (self, session, agent, "offer",
                targets[chance_between (&self->chance, 0, sizeof targets / sizeof *targets - 1)],
                version);
}

static void *
s_calls (void *argument)
{
    caller_t *self = argument;
    while (!self->race->is_over) {
        unsigned session = (unsigned) chance_between (&self->chance, 0, SESSIONS - 1);
        racer_control_t seen = racers_control (self->race->racers, session);
        if (seen.offered)
            s_answers_offer (self, session, &seen);
        else if (seen.is_platforms && chance_once_in (&self->chance, 2))
            s_platform_acts (self, session, seen.version);
        else
            s_acts (self, session, &seen);
        (void) eventually_again (eventually_deadline (1000));
    }
    return NULL;
}

static void
s_desk_opens (race_t *self)
{
    char path[60];
    for (unsigned at = 0; at < RACER_DESK; at++) {
        snprintf (path, sizeof path, "agents/%s", racer_desk[at]);
        EVENTUALLY (20000, s_request (&self->callers[0], "PUT", path,
                                      "{\"state\":\"available\",\"capacity\":100,\"groups\":["
                                      "\"sales\"]}")
                               == 200);
    }
}

static void
s_callers_begin (race_t *self)
{
    for (unsigned at = 0; at < CALLERS; at++)
        cr_assert_eq (pthread_create (&self->callers[at].thread, NULL, s_calls, &self->callers[at]),
                      0);
}

static void
s_callers_end (race_t *self)
{
    self->is_over = true;
    for (unsigned at = 0; at < CALLERS; at++)
        pthread_join (self->callers[at].thread, NULL);
}

// ---------------------------------------------------------------------------------------------
//  Kills

//  At least one postoffice and one edge live at any time: without them there are no races.
static bool
s_may_die (const race_t *self, const victim_t *victim)
{
    static const char *const needed[] = { "postoffice", "edge" };
    if (victim->is_dead)
        return false;
    for (size_t kind = 0; kind < sizeof needed / sizeof *needed; kind++) {
        unsigned alive = 0;
        size_t size = strlen (needed[kind]);
        for (unsigned at = 0; at < VICTIMS; at++)
            alive += !self->victims[at].is_dead
                     && strncmp (self->victims[at].name, needed[kind], size) == 0;
        if (strncmp (victim->name, needed[kind], size) == 0 && alive < 2)
            return false;
    }
    return true;
}

static void
s_kill (race_t *self)
{
    uint64_t now = clock_mono_ms ();
    for (unsigned at = 0; at < VICTIMS; at++) {
        victim_t *victim = &self->victims[at];
        if (victim->is_dead && now >= victim->again_at) {
            cr_assert (stack_launch (self->stack, victim->name));
            victim->is_dead = false;
        }
    }
    if (now < self->kill_at)
        return;
    self->kill_at = now + chance_between (&self->chance, 300, 3000);
    victim_t *victim =
        &self->victims[chance_between (&self->chance, 0, VICTIMS - 1)];
    if (!s_may_die (self, victim))
        return;
    stack_kill (self->stack, victim->name);
    victim->is_dead = true;
    victim->again_at = now + chance_between (&self->chance, 0, 1500);
    self->kills++;
    self->edge_kills += strncmp (victim->name, "edge", 4) == 0;
}

static void
s_all_live (race_t *self)
{
    for (unsigned at = 0; at < VICTIMS; at++) {
        victim_t *victim = &self->victims[at];
        if (victim->is_dead)
            cr_assert (stack_launch (self->stack, victim->name));
        victim->is_dead = false;
    }
    for (unsigned at = 0; at < VICTIMS; at++)
        cr_assert (stack_wait_ready (self->stack, self->victims[at].name));
}

// ---------------------------------------------------------------------------------------------
//  The race

static unsigned
s_number (race_t *self, const char *sql)
{
    char *found = postgres_query (stack_postgres (self->stack), sql);
    unsigned number = found ? (unsigned) strtoul (found, NULL, 10) : 0;
    free (found);
    return number;
}

//  Questions that a take-over ended, those of one session at the same time being one.
static unsigned
s_races (race_t *self)
{
    return s_number (self, "SELECT count (DISTINCT (session, finished_at)) FROM work_item WHERE"
                           " kind = 1 AND state = 4 AND detail IN ('an agent took control',"
                           " 'a person was asked')");
}

static void
s_change_policies (race_t *self)
{
    uint64_t now = clock_mono_ms ();
    if (now >= self->policy_at) {
        self->policy_at = now + chance_between (&self->chance, 3000, 9000);
        s_set_policy (self, chance_between (&self->chance, 0,
                                            sizeof s_policies / sizeof *s_policies - 1));
    }
    if (now >= self->script_at) {
        self->script_at = now + chance_between (&self->chance, 100, 600);
        s_set_script (self);
    }
}

static void
s_run (race_t *self, unsigned races)
{
    unsigned done = 0, shown = 0;
    uint64_t look_at = 0, began = clock_mono_ms ();
    uint64_t until = eventually_deadline (NO_PROGRESS);
    while (done < races) {
        racers_turn (self->racers);
        s_kill (self);
        s_change_policies (self);
        if (clock_mono_ms () < look_at)
            continue;
        unsigned now = s_races (self);
        look_at = clock_mono_ms () + LOOK_EVERY;
        if (now > done)
            until = eventually_deadline (NO_PROGRESS);
        cr_assert (clock_mono_ms () < until, "no race any more after %u", done);
        done = now;
        if (done >= shown + 500) {
            shown = done;
            fprintf (stderr, "%u of %u races, %u kills, %llu s\n", done, races, self->kills,
                     (unsigned long long) (clock_mono_ms () - began) / 1000);
        }
    }
}

//  Whoever has control gives it back; who waits need not wait any longer.
static void
s_all_give_back (race_t *self)
{
    char session[40], kind[20], who[40], path[60], body[200], *rest = NULL;
    char *rows = postgres_query (stack_postgres (self->stack),
                                 "SELECT string_agg (substr (session, 8) || ' ' || CASE"
                                 " control_role WHEN 4 THEN 'platform ' || control_user WHEN 2 THEN"
                                 " 'agent ' || control_user ELSE 'agent anna' END, ';')"
                                 " FROM session WHERE control_role <> 3");
    for (char *row = rows ? strtok_r (rows, ";", &rest) : NULL; row;
         row = strtok_r (NULL, ";", &rest))
        if (sscanf (row, "%39s %19s %39s", session, kind, who) == 3) {
            snprintf (path, sizeof path, "sessions/s-%s/release", session);
            snprintf (body, sizeof body, "{\"as\":{\"kind\":\"%s\",\"userId\":\"%s\"}}", kind,
                      who);
            s_request (&self->callers[0], "POST", path, body);
        }
    free (rows);
}

static bool
s_is_settled (race_t *self)
{
    racers_turn (self->racers);
    if (!racers_are_done (self->racers))
        return false;
    if (s_number (self, "SELECT count (*) FROM session WHERE control_role <> 3") > 0) {
        s_all_give_back (self);
        return false;
    }
    return s_number (self, "SELECT count (*) FROM work_item WHERE kind = 1 AND state < 2") == 0;
}

static unsigned
s_asked (const char *name, unsigned usual)
{
    const char *asked = getenv (name);
    return asked ? (unsigned) strtoul (asked, NULL, 10) : usual;
}

static void
s_audit (race_t *self, race_tally_t *tally)
{
    unsigned agreed = 0;
    for (unsigned session = 0; session < SESSIONS; session++)
        race_audit (tally, self->stack, self->racers, session);
    for (unsigned at = 0; at < CALLERS; at++)
        agreed += self->callers[at].agreed;
    size_t parts;
    (void) racers_parts (self->racers, &parts);
    unsigned asked = s_number (self, "SELECT count (*) FROM log WHERE event = 12 AND role = 3 AND"
                                     " data LIKE '%the bot gives no answer%'");
    fprintf (stderr,
             "seed %llu: %u races, %u takes (%u by the platform), %u returns (%u by event), %u"
             " persons asked as the bot failed, %u kills (%u of edges), %u reconnects; %u"
             " questions, %u answers, %zu parts, %u requests granted; late bot words %u, late"
             " parts %u, silent visitors %u, contradictions %u\n",
             (unsigned long long) self->seed, tally->races, tally->takes, tally->by_platform,
             tally->returns, tally->told, asked, self->kills, self->edge_kills,
             racers_reconnects (self->racers), tally->questions, tally->answers, parts, agreed,
             tally->late_words, tally->late_parts, tally->silent, tally->contradictions);
}

Test (races, no_late_word_and_no_silence, .timeout = 3600)
{
    static race_t race;
    race_tally_t tally = { 0 };
    race.seed = s_asked ("RACES_SEED", 1);
    race.chance.state = race.seed;
    for (unsigned at = 0; at < CALLERS; at++)
        race.callers[at] = (caller_t){ .race = &race,
                                       .number = at,
                                       .chance.state = race.seed * 1000 + at };
    unsigned races = s_asked ("RACES", 200);
    s_begin (&race);
    s_desk_opens (&race);
    s_callers_begin (&race);
    s_run (&race, races);
    racers_calm (race.racers);
    s_callers_end (&race);
    s_bot_is_ready (race.bot, false);
    s_all_live (&race);
    EVENTUALLY (SETTLE_WITHIN, s_is_settled (&race));
    s_audit (&race, &tally);
    cr_expect_eq (tally.late_words, 0);
    cr_expect_eq (tally.late_parts, 0);
    cr_expect_eq (tally.silent, 0);
    cr_expect_eq (tally.contradictions, 0);
    cr_expect_gt (race.kills, 0);
    cr_expect_gt (tally.answers, 0);
    s_end (&race);
}
