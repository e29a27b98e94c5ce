//  model — the tables answer for every row, and for numbers that are none of theirs.

#include "model/failure_data.h"
#include "model/model.h"
#include "model/session_key.h"

#include <criterion/criterion.h>
#include <string.h>

Test (words, events_have_the_names_of_the_wire)
{
    cr_assert_str_eq (event_wire_name (EVENT_USER_JOINED), "user joined");
    cr_assert_str_eq (event_wire_name (EVENT_NEW_MESSAGE), "new message");
    cr_assert_str_eq (event_wire_name (EVENT_STOP_TYPING), "stop typing");
    cr_assert (event_is_durable (EVENT_NEW_MESSAGE));
    cr_assert_not (event_is_durable (EVENT_TYPING));
    //  To a client both are a failure; only the last one is worth a row.
    cr_assert_str_eq (event_wire_name (EVENT_RETRY_NOTICE), event_wire_name (EVENT_FAILURE));
    cr_assert (event_is_durable (EVENT_FAILURE) && !event_is_durable (EVENT_RETRY_NOTICE));
}

Test (words, numbers_of_peers_are_not_trusted)
{
    static const uint64_t strange[] = { 0, 19, 1000, UINT64_MAX };
    for (size_t at = 0; at < sizeof strange / sizeof *strange; at++) {
        cr_assert_null (event_wire_name (strange[at]));
        cr_assert_not (event_is_durable (strange[at]));
    }
    cr_assert_str_eq (verdict_code (VERDICT_COUNT), "unknown");
    cr_assert_str_eq (verdict_code (UINT64_MAX), "unknown");
    cr_assert_not (verdict_again (UINT64_MAX));
}

Test (words, every_verdict_has_its_own_code_and_words)
{
    for (uint64_t left = 0; left < VERDICT_COUNT; left++) {
        cr_assert_gt (strlen (verdict_words (left)), 0);
        for (uint64_t right = 0; right < left; right++)
            cr_assert_str_neq (verdict_code (left), verdict_code (right));
    }
    cr_assert (verdict_again (VERDICT_BUSY) && verdict_again (VERDICT_STORE_DOWN));
    cr_assert_not (verdict_again (VERDICT_NOT_YOURS));
}

Test (session_key, is_put_together_and_taken_apart)
{
    session_key_room_t room;
    text_t key = session_key_of (room, TEXT ("app"), TEXT ("a/b"));
    cr_assert (text_is (key, TEXT ("app/a/b")));
    cr_assert (text_is (session_key_app (key), TEXT ("app")));
    cr_assert (text_is (session_key_id (key), TEXT ("a/b")));
    cr_assert (text_is (session_key_app (TEXT ("no slash")), TEXT_EMPTY));
    cr_assert (text_is (session_key_id (TEXT ("no slash")), TEXT ("no slash")));
}

//  The longest ids fit; what is longer than the limits of model.h is cut.
Test (session_key, has_room_for_the_longest)
{
    char app[APP_ID_MAX + 1], id[SESSION_ID_MAX + 2];
    memset (app, 'a', APP_ID_MAX);
    memset (id, 'i', SESSION_ID_MAX + 1);
    session_key_room_t room;
    text_t key =
        session_key_of (room, (text_t){ app, APP_ID_MAX }, (text_t){ id, SESSION_ID_MAX });
    cr_assert_eq (key.size, SESSION_KEY_MAX);
    cr_assert_eq (session_key_id (key).size, SESSION_ID_MAX);
    key = session_key_of (room, (text_t){ app, APP_ID_MAX }, (text_t){ id, SESSION_ID_MAX + 1 });
    cr_assert_eq (key.size, SESSION_KEY_MAX);
}

Test (failure_data, says_how_often_and_when_next)
{
    buffer_t data;
    buffer_init (&data, FAILURE_DATA_MAX);
    failure_data_write (&data, 2, 5, "the bot says \"no\"");
    cr_assert (text_is (buffer_text (&data), TEXT ("{\"type\":\"BOT\",\"tries\":2,\"delay\":5,"
                                                   "\"error\":\"the bot says \\\"no\\\"\"}")));
    buffer_free (&data);
}
