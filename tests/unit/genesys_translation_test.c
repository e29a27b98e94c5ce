//  What a session says as what Genesys is sent: items, bodies, long texts, choices, transcripts.

#include "translation/genesys_body.h"
#include "translation/long_text.h"
#include "translation/opening_text.h"
#include "translation/posted.h"
#include "translation/said.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static genesys_item_t
s_item (const char *body)
{
    genesys_item_t item;
    cr_assert_eq (genesys_item_read (&item, text_of (body)), 0, "%s", body);
    return item;
}

// ------------------------------------------------------------------------------------------------
//  Items

#define ENTRY(role, data)                                                                          \
    "{\"event\":\"new message\",\"seq\":12,\"timeMs\":1767000000123,\"appId\":\"demo\","           \
    "\"sessionId\":\"s-1\",\"messageId\":\"m-7\",\"role\":\"" role "\",\"userId\":\"vic\","        \
    "\"sender\":{\"displayName\":\"Vic\"},\"data\":"                                               \
          data ",\"participant\":{\"role\":\"platform\"," \
    "\"userId\":\"platform.genesys\",\"channel\":\"platform.genesys\",\"externalId\":\"e-1\"}}"

Test (genesys_item, is_read)
{
    genesys_item_t item = s_item (ENTRY ("visitor", "{\"rawQuery\":\"hello\"}"));
    cr_assert (text_is (item.event, TEXT ("new message")));
    cr_assert (text_is (item.app, TEXT ("demo")) && text_is (item.session, TEXT ("s-1")));
    cr_assert (text_is (item.external_id, TEXT ("e-1")));
    cr_assert (text_is (item.role, TEXT ("visitor")) && text_is (item.user, TEXT ("vic")));
    cr_assert (text_is (item.name, TEXT ("Vic")));
    cr_assert (item.seq == 12 && item.time_ms == 1767000000123);
    cr_assert (text_is (genesys_item_data_text (&item, "rawQuery"), TEXT ("hello")));
    genesys_item_free (&item);
    genesys_item_free (&item);
    item = s_item ("{\"event\":\"receipt\",\"externalId\":\"e-2\",\"id\":\"g-1\"}");
    cr_assert (text_is (item.external_id, TEXT ("e-2")));
    cr_assert (text_is (genesys_item_text (&item, "id"), TEXT ("g-1")));
    genesys_item_free (&item);
}

Test (genesys_item, of_every_wrong_shape)
{
    static const char *const bodies[] = {
        "", "null", "7", "[]", "{", "{\"event\":7}", "{\"data\":[]}", "{\"sender\":\"x\"}",
        "{\"participant\":7}", "{\"participant\":{\"externalId\":7}}", "{\"appId\":null}",
        "{\"sender\":{\"displayName\":[]}}",
    };
    for (size_t at = 0; at < sizeof bodies / sizeof *bodies; at++) {
        genesys_item_t item;
        cr_expect_eq (genesys_item_read (&item, text_of (bodies[at])), -1, "%s", bodies[at]);
        genesys_item_free (&item);
    }
}

// ------------------------------------------------------------------------------------------------
//  Bodies

static const genesys_from_t s_from = { .id = TEXT ("e-1"),
                                       .name = TEXT ("Vic \"V\""),
                                       .time_ms = 1795356000000,
                                       .message_id = TEXT ("m-1") };
#define FROM "{\"channel\":{\"from\":{\"id\":\"e-1\",\"idType\":\"Opaque\"," \
             "\"nickname\":\"Vic \\\"V\\\"\"}," \
             "\"time\":\"2026-11-22T14:00:00.000Z\",\"messageId\":\"m-1\""
#define BARE "{\"channel\":{\"from\":{\"id\":\"e-1\",\"idType\":\"Opaque\"}," \
             "\"time\":\"2026-11-22T14:00:00.000Z\""

#define EXPECT_BODY(put, expected)                                                                 \
    do {                                                                                           \
        buffer_t body;                                                                             \
        buffer_init (&body, 10000);                                                                \
        cr_assert_eq (put, 0);                                                                     \
        cr_expect (text_is (buffer_text (&body), TEXT (expected)), "%.*s",                         \
                   TEXT_ARGS (buffer_text (&body)));                                               \
        buffer_free (&body);                                                                       \
    } while (0)

Test (genesys_body, of_each_call)
{
    genesys_from_t bare = { .id = TEXT ("e-1"), .name = TEXT_EMPTY, .time_ms = 1795356000000,
                            .message_id = TEXT_EMPTY };
    genesys_file_t image = { .url = TEXT ("https://x/p.jpg"), .mime = TEXT ("image/jpeg") };
    genesys_file_t unknown = { .url = TEXT ("https://x/p"), .mime = TEXT_EMPTY };
    genesys_choice_t choice = { .type = TEXT ("QuickReply"), .message_id = TEXT ("q1"),
                                .payload = TEXT ("yes"), .label = TEXT ("Yes") };
    genesys_receipt_t good = { .message_id = TEXT ("g-1"), .to = TEXT ("e-1"),
                               .time_ms = 1795356000000, .status = TEXT ("Delivered"),
                               .code = TEXT_EMPTY, .reason = TEXT_EMPTY };
    genesys_receipt_t bad = { .message_id = TEXT ("g-1"), .to = TEXT ("e-1"),
                              .time_ms = 1795356000000, .status = TEXT ("Failed"),
                              .code = TEXT ("GeneralError"), .reason = TEXT ("it is closed") };
    EXPECT_BODY (genesys_put_text (&body, &s_from, TEXT ("hi\n\"there\""), TEXT_EMPTY),
                 FROM "},\"text\":\"hi\\n\\\"there\\\"\"}");
    EXPECT_BODY (genesys_put_text (&body, &s_from, TEXT ("hi"), TEXT ("{\"a\":\"b\"}")),
                 FROM ",\"metadata\":{\"customAttributes\":{\"a\":\"b\"}}},\"text\":\"hi\"}");
    EXPECT_BODY (genesys_put_file (&body, &s_from, &image),
                 FROM "},\"content\":[{\"attachment\":{\"mediaType\":\"Image\","
                      "\"url\":\"https://x/p.jpg\",\"mime\":\"image/jpeg\"}}]}");
    EXPECT_BODY (genesys_put_file (&body, &s_from, &unknown),
                 FROM "},\"content\":[{\"attachment\":{\"mediaType\":\"File\","
                      "\"url\":\"https://x/p\",\"mime\":\"application/octet-stream\"}}]}");
    EXPECT_BODY (genesys_put_choice (&body, &s_from, &choice),
                 FROM "},\"buttonResponse\":{\"type\":\"QuickReply\",\"text\":\"Yes\","
                      "\"payload\":\"yes\"},\"originatingMessageId\":\"q1\"}");
    EXPECT_BODY (genesys_put_typing (&body, &bare),
                 BARE "},\"events\":[{\"eventType\":\"Typing\"}]}");
    EXPECT_BODY (genesys_put_receipt (&body, &good),
                 "{\"id\":\"g-1\",\"channel\":{\"to\":{\"id\":\"e-1\",\"idType\":\"Opaque\"},"
                 "\"time\":\"2026-11-22T14:00:00.000Z\"},\"status\":\"Delivered\","
                 "\"isFinalReceipt\":true}");
    EXPECT_BODY (genesys_put_receipt (&body, &bad),
                 "{\"id\":\"g-1\",\"channel\":{\"to\":{\"id\":\"e-1\",\"idType\":\"Opaque\"},"
                 "\"time\":\"2026-11-22T14:00:00.000Z\"},\"status\":\"Failed\","
                 "\"isFinalReceipt\":true,\"reasons\":[{\"code\":\"GeneralError\","
                 "\"message\":\"it is closed\"}]}");
}

Test (genesys_body, that_has_no_room_leaves_nothing)
{
    buffer_t body;
    buffer_init (&body, 100);
    cr_assert_eq (genesys_put_text (&body, &s_from, TEXT ("hi"), TEXT_EMPTY), -1);
    cr_assert_eq (body.size, 0);
    buffer_free (&body);
}

Test (posted, is_read)
{
    posted_t posted;
    posted_read (&posted, TEXT ("{\"id\":\"g-1\",\"conversationId\":\"c-1\",\"type\":\"Text\"}"));
    cr_assert_str_eq (posted.id, "g-1");
    cr_assert_str_eq (posted.conversation, "c-1");
    static const char *const wrong[] = { "", "7", "[]", "{\"id\":7,\"conversationId\":[]}",
                                         "{\"conversationId\":\"a/b\"}", "<html>",
                                         "{\"id\":\"a\\u0000b\"}" };
    for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++) {
        posted_read (&posted, text_of (wrong[at]));
        cr_expect (!*posted.id && !*posted.conversation, "%s", wrong[at]);
    }
}

// ------------------------------------------------------------------------------------------------
//  Long texts

static void
s_expect_pieces (const char *text, size_t most, const char *expected)
{
    char all[1000] = "";
    text_t rest = text_of (text), piece;
    while (long_text_next (&rest, most, &piece))
        snprintf (all + strlen (all), sizeof all - strlen (all), "[%.*s]", TEXT_ARGS (piece));
    cr_expect_str_eq (all, expected, "%s", all);
}

Test (long_text, is_cut_where_it_reads_well)
{
    s_expect_pieces ("", 10, "");
    s_expect_pieces ("ten  bytes", 10, "[ten  bytes]");
    s_expect_pieces ("one two three four", 10, "[one two][three four]");
    s_expect_pieces ("one two\nthree four", 10, "[one two][three four]");
    s_expect_pieces ("abcdefghij klm", 10, "[abcdefghij][klm]");
    s_expect_pieces ("abcdefghijklm", 10, "[abcdefghij][klm]");
    s_expect_pieces ("a bcdefghijklm", 10, "[a bcdefghi][jklm]");
    //  A line end in the second half goes before a later blank.
    s_expect_pieces ("abcde\nfg hijkl", 10, "[abcde][fg hijkl]");
    //  Units of UTF-16: an emoji is two, and is not cut.
    s_expect_pieces ("ääääääääää", 10, "[ääääääääää]");
    s_expect_pieces ("äääääääääää", 10, "[ääääääääää][ä]");
    s_expect_pieces ("abc\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 4,
          "[abc][\xf0\x9f\x98\x80\xf0\x9f\x98\x80]");
}

Test (long_text, loses_nothing)
{
    char text[30001];
    for (size_t at = 0; at < sizeof text - 1; at++)
        text[at] = at % 97 == 96 ? ' ' : (char) ('a' + at % 26);
    text[sizeof text - 1] = '\0';
    text_t rest = text_of (text), piece;
    size_t pieces = 0, bytes = 0;
    while (long_text_next (&rest, GENESYS_TEXT_MOST, &piece)) {
        cr_assert (piece.size > 0 && piece.size <= GENESYS_TEXT_MOST);
        pieces++;
        bytes += piece.size;
    }
    cr_assert_eq (pieces, 8);
    cr_assert_eq (bytes, 30000 - (pieces - 1)); //  a blank at each cut
}

// ------------------------------------------------------------------------------------------------
//  What is said

#define SAYS(role, data)                                                                           \
    genesys_item_t item = s_item (ENTRY (role, data));                                             \
    said_t said;                                                                                   \
    said_read (&said, &item)
#define DONE                                                                                       \
    said_free (&said);                                                                             \
    genesys_item_free (&item)

Test (said, as_text)
{
    SAYS ("visitor", "{\"type\":\"INTENT_REQUEST\",\"rawQuery\":\"hello\"}");
    cr_assert_eq (said.count, 1);
    cr_assert_eq (said.parts[0].kind, SAID_TEXT);
    cr_assert (text_is (said.parts[0].text, TEXT ("hello")));
    DONE;
}

Test (said, by_somebody_else)
{
    SAYS ("agent", "{\"rawQuery\":\"I pass you on\"}");
    cr_assert_eq (said.count, 1);
    cr_assert (text_is (said.parts[0].text, TEXT ("Vic: I pass you on")));
    DONE;
}

Test (said, by_a_bot_with_what_can_be_chosen)
{
    SAYS ("bot",
          "{\"outputSpeech\":{\"displayText\":\"Which?\",\"suggestions\":[\"One\",\"Two\"]}}");
    cr_assert_eq (said.count, 1);
    cr_assert (text_is (said.parts[0].text, TEXT ("Vic: Which?\n1. One\n2. Two")), "%.*s",
               TEXT_ARGS (said.parts[0].text));
    DONE;
}

Test (said, nothing)
{
    SAYS ("visitor", "{\"type\":\"LAUNCH_REQUEST\"}");
    cr_assert_eq (said.count, 0);
    DONE;
}

Test (said, blanks)
{
    SAYS ("visitor", "{\"rawQuery\":\"  \\n \"}");
    cr_assert_eq (said.count, 0);
    DONE;
}

Test (said, with_files)
{
    SAYS ("visitor", "{\"rawQuery\":\"look\",\"attachments\":[{\"url\":\"https://x/a.png\","
                     "\"type\":\"image/png\"},{\"url\":\"ftp://x\"},7,{\"url\":\"https://x y\"}],"
                     "\"attributes\":{\"attachments\":[{\"url\":\"https://x/b.pdf\"}]}}");
    cr_assert_eq (said.count, 3);
    cr_assert_eq (said.parts[1].kind, SAID_FILE);
    cr_assert (text_is (said.parts[1].file.url, TEXT ("https://x/a.png")));
    cr_assert (text_is (said.parts[1].file.mime, TEXT ("image/png")));
    cr_assert (text_is (said.parts[2].file.url, TEXT ("https://x/b.pdf")));
    cr_assert_eq (said.parts[2].file.mime.size, 0);
    DONE;
}

Test (said, by_choosing)
{
    SAYS ("visitor", "{\"type\":\"OPTION_SELECT_REQUEST\",\"title\":\"Yes, please\","
                     "\"rawQuery\":\"Yes, please\","
                     "\"token\":\"genesys:QuickReply:q%3A1:yes%2Fsir%20%C3%A4\"}");
    cr_assert_eq (said.count, 1);
    const said_part_t *part = said.parts;
    cr_assert_eq (part->kind, SAID_CHOICE);
    cr_assert (text_is (part->choice.type, TEXT ("QuickReply")));
    cr_assert (text_is (part->choice.message_id, TEXT ("q:1")));
    cr_assert (text_is (part->choice.payload, TEXT ("yes/sir ä")));
    cr_assert (text_is (part->choice.label, TEXT ("Yes, please")));
    cr_assert (text_is (part->text, TEXT ("Yes, please")));
    DONE;
}

//  Without a title the widget's token is shown as the text: the agent is not to read it.
Test (said, by_choosing_without_a_title)
{
#define TOKEN "genesys:DatePicker:d1:2026-11-30T10%3A00Z"
    SAYS ("visitor", "{\"type\":\"OPTION_SELECT_REQUEST\",\"rawQuery\":\"" TOKEN
                     "\",\"token\":\"" TOKEN "\"}");
    cr_assert_eq (said.count, 1);
    cr_assert (text_is (said.parts[0].choice.label, TEXT ("2026-11-30T10:00Z")));
    cr_assert (text_is (said.parts[0].text, TEXT ("2026-11-30T10:00Z")), "%.*s",
               TEXT_ARGS (said.parts[0].text));
    DONE;
}

Test (said, by_choosing_something_else)
{
    static const char *const tokens[] = {
        "repairs", "genesys:", "genesys:QuickReply", "genesys:QuickReply:q1",
              "genesys:QuickReply::x",
        "genesys:QuickReply:q1:", "genesys:QuickReply:q1:x:y", "genesys:Unknown:q1:x",
        "genesys:QuickReply:q1:%zz", "genesys:QuickReply:q1:%ff",
    };
    for (size_t at = 0; at < sizeof tokens / sizeof *tokens; at++) {
        char body[600];
        snprintf (body, sizeof body,
                  ENTRY ("visitor", "{\"type\":\"OPTION_SELECT_REQUEST\",\"title\":\"Repairs\","
                                    "\"rawQuery\":\"Repairs\",\"token\":\"%s\"}"), tokens[at]);
        genesys_item_t item = s_item (body);
        said_t said;
        said_read (&said, &item);
        cr_expect_eq (said.count, 1);
        cr_expect_eq (said.parts[0].kind, SAID_TEXT, "%s", tokens[at]);
        cr_expect (text_is (said.parts[0].text, TEXT ("Repairs")));
        DONE;
    }
}

//  Nobody but the visitor chooses.
Test (said, a_token_of_an_agent_is_none)
{
    SAYS ("agent", "{\"rawQuery\":\"x\",\"token\":\"genesys:QuickReply:q1:yes\"}");
    cr_assert_eq (said.count, 1);
    cr_assert_eq (said.parts[0].kind, SAID_TEXT);
    DONE;
}

// ------------------------------------------------------------------------------------------------
//  Transcripts

#define LINE(event, role, name, data, more)                                                        \
    "{\"seq\":3,\"event\":\"" event "\",\"role\":\"" role "\",\"sender\":{\"displayName\":\""      \
          name \
    "\"},\"data\":" data more "}"
#define SAID_LINE(role, name, words)                                                               \
    LINE ("new message", role, name, "{\"rawQuery\":\"" words "\"}", ",\"hidden\":false")
#define PAGE(next, ...) "{\"items\":[" __VA_ARGS__ "],\"next\":" next ",\"prev\":null}"

static void
s_expect_transcript (const transcript_t *transcript, const char *expected)
{
    buffer_t text;
    buffer_init (&text, TRANSCRIPT_MOST + 100);
    transcript_put (transcript, &text);
    cr_expect (text_is (buffer_text (&text), text_of (expected)), "%.*s",
               TEXT_ARGS (buffer_text (&text)));
    buffer_free (&text);
}

Test (transcript, of_messages_alone)
{
    transcript_t transcript;
    uint64_t before = 7;
    transcript_begin (&transcript, 10);
    cr_assert_eq (transcript_add (&transcript, TEXT (PAGE ("\"c-2\"",
        SAID_LINE ("bot", "Support", "two") ","
        LINE ("whisper", "agent", "Anna", "{\"rawQuery\":\"secret\"}", "") ","
        LINE ("barge in", "agent", "Anna", "null", "") ","
        LINE ("new message", "visitor", "Ann", "{\"rawQuery\":\"greeting\"}", ",\"hidden\":true")
        "," LINE ("new message", "bot", "", "{\"outputSpeech\":{\"displayText\":\"one\"}}", ""))),
        &before), 0);
    cr_assert_eq (before, 3);
    cr_assert_eq (transcript_add (&transcript,
                                  TEXT (PAGE ("null", SAID_LINE ("visitor", "Ann", "zero"))),
                                  &before), 0);
    cr_assert_eq (before, 0);
    s_expect_transcript (&transcript, "Ann (visitor): zero\nbot: one\nSupport (bot): two\n");
    transcript_free (&transcript);
    transcript_free (&transcript);
}

Test (transcript, of_the_last_ones)
{
    transcript_t transcript;
    uint64_t before = 7;
    transcript_begin (&transcript, 2);
    cr_assert_eq (transcript_add (&transcript, TEXT (PAGE ("\"c\"",
        SAID_LINE ("visitor", "Ann", "three") "," SAID_LINE ("visitor", "Ann", "two") ","
        SAID_LINE ("visitor", "Ann", "one"))), &before), 0);
    cr_assert_eq (before, 0);
    s_expect_transcript (&transcript, "(There was more before that.)\nAnn (visitor): two\n"
                                      "Ann (visitor): three\n");
    transcript_free (&transcript);
}

Test (transcript, of_what_is_no_page)
{
    static const char *const wrong[] = { "", "7", "[]", "{}", "{\"items\":7}", "<html>" };
    for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++) {
        transcript_t transcript;
        uint64_t before = 7;
        transcript_begin (&transcript, 2);
        cr_expect_eq (transcript_add (&transcript, text_of (wrong[at]), &before), -1);
        cr_expect_eq (before, 0);
        transcript_free (&transcript);
    }
}

// ------------------------------------------------------------------------------------------------
//  The opening

#define OFFER(data)                                                                                \
    "{\"event\":\"offer\",\"seq\":9,\"timeMs\":1767000000123,\"appId\":\"demo\","                  \
    "\"sessionId\":\"s-1\",\"role\":\"router\",\"userId\":\"router\",\"data\":" data "}"

static void
s_expect_opening (const char *data, const transcript_t *transcript, const char *text,
                  const char *attributes)
{
    char body[2000];
    buffer_t said, flow;
    buffer_init (&said, OPENING_TEXT_MOST);
    buffer_init (&flow, OPENING_ATTRIBUTES_MOST);
    snprintf (body, sizeof body, OFFER ("%s"), data);
    genesys_item_t item = s_item (body);
    opening_text_put (&item, transcript, &said);
    opening_attributes_put (&item, &flow);
    cr_expect (text_is (buffer_text (&said), text_of (text)), "%.*s",
               TEXT_ARGS (buffer_text (&said)));
    cr_expect (text_is (buffer_text (&flow), text_of (attributes)), "%.*s",
               TEXT_ARGS (buffer_text (&flow)));
    genesys_item_free (&item);
    buffer_free (&said);
    buffer_free (&flow);
}

Test (opening, of_who_is_known)
{
    char *lines[] = { "Ann (visitor): help" };
    transcript_t transcript = { .lines = lines, .count = 1, .most = 20 };
    s_expect_opening ("{\"why\":\"an invoice\",\"visitor\":{\"userId\":\"ann\",\"displayName\":"
                      "\"Ann\",\"locale\":\"de-CH\",\"page\":\"https://x/y\",\"isToken\":true},"
                      "\"unanswered\":[{\"rawQuery\":\"help\"}]}", &transcript,
                      "Visitor: Ann\nLanguage: de-CH\nPage: https://x/y\nReason: an invoice\n"
                      "\nWhat was said before:\nAnn (visitor): help\n",
                      "{\"appId\":\"demo\",\"sessionId\":\"s-1\",\"userId\":\"ann\","
                      "\"name\":\"Ann\","
                      "\"language\":\"de-CH\",\"page\":\"https://x/y\",\"reason\":\"an invoice\"}");
}

//  Whoever knows an anonymous visitor's id can be taken for them: it is told to nobody.
Test (opening, of_who_is_not)
{
    transcript_t transcript = { .lines = NULL };
    s_expect_opening ("{\"visitor\":{\"userId\":\"secret\"},\"unanswered\":[{\"rawQuery\":\"a\"},"
                      "{\"rawQuery\":\"help\"}]}", &transcript,
                      "Visitor: not known by name\n\nThe visitor waits with:\nhelp",
                      "{\"appId\":\"demo\",\"sessionId\":\"s-1\"}");
    s_expect_opening ("{\"visitor\":{\"info\":{\"name\":\"Ann\",\"tier\":\"gold\",\"orders\":7,"
                      "\"isNew\":true,\"a b\":\"x\",\"list\":[],\"appId\":\"x\",\"none\":null}}}",
                      &transcript, "Visitor: not known by name\n",
                      "{\"appId\":\"demo\",\"sessionId\":\"s-1\",\"tier\":\"gold\","
                      "\"orders\":\"7\",\"isNew\":\"true\"}");
    s_expect_opening ("{\"visitor\":7,\"why\":[],\"unanswered\":{}}", &transcript,
                      "Visitor: not known by name\n", "{\"appId\":\"demo\",\"sessionId\":\"s-1\"}");
}
