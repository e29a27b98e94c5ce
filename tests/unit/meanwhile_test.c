//  meanwhile — what the bot is told was said while it did not answer: its form, its bounds, and
//  what is never in it.

#include "control_rig.h"
#include "rules/control.h"
#include "rules/meanwhile.h"

#include "base/alloc.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char *
s_json (meanwhile_t *meanwhile)
{
    static char text[MEANWHILE_JSON + 100];
    buffer_t json;
    json_writer_t writer;
    buffer_init (&json, sizeof text - 1);
    json_write_begin (&writer, &json);
    json_open_object (&writer, NULL);
    meanwhile_put (meanwhile, &writer);
    json_close_object (&writer);
    cr_assert_eq (json_write_end (&writer), 0);
    snprintf (text, sizeof text, "%.*s", TEXT_ARGS (buffer_text (&json)));
    buffer_free (&json);
    return text;
}

static void
s_note (meanwhile_t *meanwhile, uint64_t seq, uint64_t role, const char *user, const char *data)
{
    meanwhile_note (meanwhile, &(stored_entry_t){ .seq = seq,
                                                  .event = EVENT_NEW_MESSAGE,
                                                  .time_ms = 1000 * seq,
                                                  .role = role,
                                                  .user = text_of (user),
                                                  .data = text_of (data) });
}

Test (meanwhile, what_the_bot_is_told)
{
    meanwhile_t meanwhile;
    meanwhile_init (&meanwhile);
    s_note (&meanwhile, 1, ROLE_VISITOR, "vic", "{\"rawQuery\":\"to the bot\"}");
    cr_expect_str_eq (s_json (&meanwhile), "{\"sinceSeq\":0,\"said\":[]}");
    meanwhile_begin (&meanwhile, 2);
    s_note (&meanwhile, 3, ROLE_AGENT, "anna", "{\"rawQuery\":\"I am \\\"Anna\\\"\"}");
    s_note (&meanwhile, 4, ROLE_VISITOR, "vic", "{\"rawQuery\":\"Grüezi\"}");
    s_note (&meanwhile, 5, ROLE_PLATFORM, "platform.x",
            "{\"outputSpeech\":{\"displayText\":\"one\"}}");
    s_note (&meanwhile, 6, ROLE_API, "", "{\"outputSpeech\":\"two\"}");
    s_note (&meanwhile, 7, ROLE_BOT, "notice", "{\"outputSpeech\":\"you are number 1\"}");
    s_note (&meanwhile, 8, ROLE_VISITOR, "vic", "{\"attributes\":{}}");
    s_note (&meanwhile, 9, ROLE_VISITOR, "vic", "no JSON");
    s_note (&meanwhile, 10, ROLE_VISITOR, "vic", "{\"rawQuery\":7}");
    cr_expect_str_eq (
        s_json (&meanwhile),
        "{\"sinceSeq\":2,\"said\":["
        "{\"seq\":3,\"time\":\"1970-01-01T00:00:03.000Z\",\"role\":\"agent\",\"userId\":\"anna\","
        "\"text\":\"I am \\\"Anna\\\"\"},"
        "{\"seq\":4,\"time\":\"1970-01-01T00:00:04.000Z\",\"role\":\"visitor\",\"userId\":\"vic\","
        "\"text\":\"Grüezi\"},"
        "{\"seq\":5,\"time\":\"1970-01-01T00:00:05.000Z\",\"role\":\"platform\","
        "\"userId\":\"platform.x\",\"text\":\"one\"},"
        "{\"seq\":6,\"time\":\"1970-01-01T00:00:06.000Z\",\"role\":\"api\","
        "\"text\":\"two\"}]}");
    meanwhile_begin (&meanwhile, 11);
    cr_expect_str_eq (s_json (&meanwhile), "{\"sinceSeq\":11,\"said\":[]}");
    meanwhile_free (&meanwhile);
}

//  Of a long conversation the end, of a long text the beginning; and what was cut says so.
Test (meanwhile, it_is_bounded)
{
    char data[3 * MEANWHILE_TEXT];
    meanwhile_t meanwhile, moved;
    meanwhile_init (&meanwhile);
    meanwhile_begin (&meanwhile, 1);
    int size = snprintf (data, sizeof data, "{\"rawQuery\":\"%0*dü\"}", MEANWHILE_TEXT - 1, 7);
    cr_assert (size > 0);
    s_note (&meanwhile, 2, ROLE_VISITOR, "v", data);
    cr_expect (strstr (s_json (&meanwhile), "007\",\"isCut\":true}]}"), "between characters");
    for (uint64_t seq = 3; seq < 3 + MEANWHILE_BYTES / MEANWHILE_TEXT; seq++)
        s_note (&meanwhile, seq, ROLE_VISITOR, "v", data);
    cr_expect (meanwhile.bytes <= MEANWHILE_BYTES && meanwhile.is_cut);
    cr_expect_eq (meanwhile.count, MEANWHILE_BYTES / MEANWHILE_TEXT);
    cr_expect (strstr (s_json (&meanwhile), "],\"saidIsCut\":true}"));

    meanwhile_begin (&meanwhile, 20);
    for (uint64_t seq = 21; seq < 21 + MEANWHILE_MOST; seq++)
        s_note (&meanwhile, seq, ROLE_VISITOR, "v", "{\"rawQuery\":\"x\"}");
    cr_expect (meanwhile.count == MEANWHILE_MOST && !meanwhile.is_cut);
    s_note (&meanwhile, 99, ROLE_VISITOR, "v", "{\"rawQuery\":\"\\u0001\"}");
    cr_expect (meanwhile.count == MEANWHILE_MOST && meanwhile.is_cut);
    meanwhile_move (&moved, &meanwhile);
    cr_expect (strstr (s_json (&moved), "\"said\":[{\"seq\":22,"));
    cr_expect_eq (meanwhile.count, 0);
    meanwhile_free (&moved);
    meanwhile_free (&meanwhile);
}

//  Words are what counts: when data are too much, they are read before anything is dropped. A
//  message without words is one of the last ones as long as it is not read, and never shown.
Test (meanwhile, data_make_room_for_words)
{
    char data[2 * MEANWHILE_BYTES];
    meanwhile_t meanwhile;
    meanwhile_init (&meanwhile);
    meanwhile_begin (&meanwhile, 1);
    int size = snprintf (data, sizeof data, "{\"rawQuery\":\"few\",\"more\":\"%*s\"}",
                         MEANWHILE_TEXT - 100, "");
    cr_assert (size > 0 && size < MEANWHILE_TEXT);
    for (uint64_t seq = 2; seq < 2 + MEANWHILE_MOST; seq++) {
        s_note (&meanwhile, seq, ROLE_VISITOR, "v", data);
        cr_expect (meanwhile.bytes <= MEANWHILE_BYTES && !meanwhile.is_cut);
    }
    cr_expect_eq (meanwhile.count, MEANWHILE_MOST);
    cr_expect (strstr (s_json (&meanwhile), "\"said\":[{\"seq\":2,"));

    size = snprintf (data, sizeof data, "{\"rawQuery\":\"few\",\"more\":\"%*s\"}",
                     MEANWHILE_BYTES, "");
    cr_assert (size > MEANWHILE_BYTES);
    s_note (&meanwhile, 60, ROLE_VISITOR, "v", data);
    cr_expect (meanwhile.count == MEANWHILE_MOST && meanwhile.is_cut);
    cr_expect (strstr (s_json (&meanwhile), "\"said\":[{\"seq\":3,"));

    meanwhile_begin (&meanwhile, 70);
    s_note (&meanwhile, 71, ROLE_AGENT, "anna", "{\"rawQuery\":\"hm\"}");
    for (uint64_t seq = 72; seq < 71 + MEANWHILE_MOST; seq++)
        s_note (&meanwhile, seq, ROLE_VISITOR, "v", "{\"attributes\":{}}");
    cr_expect (meanwhile.count == MEANWHILE_MOST && !meanwhile.is_cut);
    const char *json = s_json (&meanwhile);
    cr_expect (strstr (json, "\"text\":\"hm\"}]}"), "%s", json);
    cr_expect_eq (meanwhile.count, 1);
    meanwhile_free (&meanwhile);
}

// ---------------------------------------------------------------------------------------------

static void
s_says (event_t event, uint64_t role, const char *user, const char *text, bool is_hidden)
{
    char data[200];
    snprintf (data, sizeof data, "{\"rawQuery\":\"%s\"}", text);
    operation_t *operation = operation_absent (ROLE_AGENT, TEXT ("nobody"));
    entries_append (&rig_board, operation,
                    &(said_t){ .event = event,
                               .message_id = changeset_keep (rig_draft, rig_new_id ()),
                               .role = role,
                               .user = text_of (user),
                               .sender = TEXT ("{}"),
                               .data = changeset_keep (rig_draft, text_of (data)),
                               .secret = TEXT ("token"),
                               .hidden = is_hidden });
    changeset_take (rig_draft, &operation);
}

static text_t
s_told (void)
{
    cr_assert_gt (rig_fold.turn_count, 0);
    turn_t *turn = LIST_THING (rig_fold.turns.previous, turn_t, in_fold);
    cr_assert (control_is_return (turn));
    return turn->body;
}

static bool
s_is_told (const char *words)
{
    return memmem (s_told ().data, s_told ().size, words, strlen (words));
}

//  From the moment on in which the bot lost control, whoever had it since: all that people could
//  read. A whisper, what is hidden and tokens are not in it.
Test (meanwhile, everybody_since_the_bot_lost_control)
{
    rig_begin ();
    rig_board.handover.gives_event = true;
    s_says (EVENT_NEW_MESSAGE, ROLE_VISITOR, "vic", "to the bot", false);
    rig_happens (HAPPENS_TAKE, ROLE_AGENT, "anna", NULL, 0);
    s_says (EVENT_NEW_MESSAGE, ROLE_AGENT, "anna", "good morning", false);
    s_says (EVENT_WHISPER, ROLE_AGENT, "otto", "zanzibar", false);
    s_says (EVENT_NEW_MESSAGE, ROLE_VISITOR, "vic", "quixote", true);
    rig_next_changeset ();
    rig_happens (HAPPENS_OFFER, ROLE_AGENT, "anna", rig_chain + 1, 1);
    s_says (EVENT_NEW_MESSAGE, ROLE_VISITOR, "vic", "who is it", false);
    rig_happens (HAPPENS_ACCEPT, ROLE_PLATFORM, "platform.x", NULL, 0);
    s_says (EVENT_NEW_MESSAGE, ROLE_PLATFORM, "platform.x", "it is me", false);
    s_says (EVENT_NEW_MESSAGE, ROLE_VISITOR, "vic", "and now", false);
    rig_happens (HAPPENS_RELEASE, ROLE_PLATFORM, "platform.x", NULL, 0);
    cr_expect (s_is_told ("good morning") && s_is_told ("who is it") && s_is_told ("it is me"));
    cr_expect (s_is_told ("\"unanswered\":[{\"rawQuery\":\"and now\"}]"));
    cr_expect_not (s_is_told ("zanzibar") || s_is_told ("quixote") || s_is_told ("token"));
    cr_expect_not (s_is_told ("to the bot"));
    cr_expect_eq (rig_fold.meanwhile.since_seq, 0, "it is over");

    //  The next time, only what was said since.
    rig_happens (HAPPENS_TAKE, ROLE_AGENT, "anna", NULL, 0);
    s_says (EVENT_NEW_MESSAGE, ROLE_AGENT, "anna", "once more", false);
    rig_happens (HAPPENS_LOSE, 0, "", NULL, 0);
    cr_expect (s_is_told ("\"said\":[{\"seq\":") && s_is_told ("once more"));
    cr_expect_not (s_is_told ("it is me"));
    rig_end ();
}

//  A postoffice that loads the session says the same as the one that had it, also of the last ones
//  when some of them have no words.
Test (meanwhile, it_is_the_same_after_a_load)
{
    enum { SAID = MEANWHILE_MOST + 20, LOADED = MEANWHILE_MOST + 1 };
    stored_entry_t said[SAID];
    stored_session_t stored = { .exists = true,
                                .app = TEXT ("demo"),
                                .visitor = TEXT ("vic"),
                                .control_role = ROLE_AGENT,
                                .control_user = TEXT ("anna"),
                                .offered_to = TEXT_EMPTY,
                                .offer = TEXT_EMPTY,
                                .away_seq = 3 };
    meanwhile_t had;
    fold_t fold;
    for (size_t at = 0; at < SAID; at++) {
        said[at] = (stored_entry_t){ .seq = 5 + at,
                                     .event = EVENT_NEW_MESSAGE,
                                     .time_ms = 9000 + at,
                                     .role = ROLE_AGENT,
                                     .user = TEXT ("anna"),
                                     .data = at % 7 ? TEXT ("{\"rawQuery\":\"hm\"}")
                                                    : TEXT ("{\"attributes\":{}}") };
        //  The one that had it reads nothing until it is asked, as in a postoffice.
        meanwhile_init (&had);
        meanwhile_begin (&had, 3);
        for (size_t noted = 0; noted <= at; noted++)
            meanwhile_note (&had, &said[noted]);
        fold_init (&fold, TEXT ("demo/s"), NULL);
        stored.said_count = at < LOADED ? at + 1 : LOADED;
        stored.said = said + at + 1 - stored.said_count;
        fold_load (&fold, &stored);
        char *loaded = alloc_string (s_json (&fold.meanwhile));
        cr_expect_str_eq (loaded, s_json (&had), "%zu", at);
        free (loaded);
        fold_free (&fold);
        meanwhile_free (&had);
    }
}
