//  bot_request — what the bot is sent: the client's words, and nothing the client may not choose.

#include "bot_request.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    char body[300];
    char secret[40];
    char expected[500]; //  empty: refused
} request_t;

#define COMMON                                                                                     \
    "\"userId\":\"u-1\",\"sessionId\":\"s/1\",\"platform\":\"stentor-platform\"," \
    "\"requestId\":\"i-1\""

ParameterizedTestParameters (bot_request, writing)
{
    static request_t cases[] = {
        { "{}", "",
          "{" COMMON ",\"channel\":\"widget\",\"type\":\"LAUNCH_REQUEST\","
              "\"intentId\":\"LaunchRequest\"}" },
        { "{\"rawQuery\":\"a\"}", "",
          "{\"rawQuery\":\"a\"," COMMON
          ",\"channel\":\"widget\",\"type\":\"INTENT_REQUEST\","
              "\"intentId\":\"NLU_RESULT_PLACEHOLDER\"}" },
        { "{\"type\":\"INTENT_REQUEST\",\"intentId\":\"Mine\",\"channel\":\"sms\","
            "\"rawQuery\":\"a/b\"}", "",
          "{\"type\":\"INTENT_REQUEST\",\"intentId\":\"Mine\",\"channel\":\"sms\","
              "\"rawQuery\":\"a/b\"," COMMON "}" },
        { "{\"type\":\"LAUNCH_REQUEST\",\"userId\":\"evil\",\"sessionId\":\"evil\","
            "\"platform\":\"x\","
          "\"requestId\":7,\"accessToken\":\"evil\",\"channel\":3}",
          "token",
          "{\"type\":\"LAUNCH_REQUEST\"," COMMON
          ",\"channel\":\"widget\",\"accessToken\":\"token\",\"intentId\":\"LaunchRequest\"}" },
        { "{\"type\":\"OPTION_SELECT_REQUEST\",\"token\":\"t\",\"rawQuery\":\"t\"}", "",
          "{\"type\":\"OPTION_SELECT_REQUEST\",\"token\":\"t\"," COMMON
          ",\"channel\":\"widget\",\"intentId\":\"OptionSelect\"}" },
        { "{\"type\":\"OPTION_SELECT_REQUEST\",\"token\":\"t\",\"title\":\"T\",\"rawQuery\":\"T\"}",
          "",
          "{\"type\":\"OPTION_SELECT_REQUEST\",\"token\":\"t\",\"title\":\"T\"," COMMON
          ",\"channel\":\"widget\",\"intentId\":\"OptionSelect\"}" },
        { "{\"type\":\"OPTION_SELECT_REQUEST\",\"token\":\"t\",\"rawQuery\":\"the red one\"}", "",
          "{\"type\":\"OPTION_SELECT_REQUEST\",\"token\":\"t\",\"rawQuery\":\"the red one\"," COMMON
          ",\"channel\":\"widget\",\"intentId\":\"OptionSelect\"}" },
        { "{\"rawQuery\":\"a\",\"attributes\":{\"n\":[12345678901234567890123,-0,1e400]}}", "",
          "{\"rawQuery\":\"a\",\"attributes\":{\"n\":[12345678901234567890123,-0,1e400]}," COMMON
          ",\"channel\":\"widget\",\"type\":\"INTENT_REQUEST\","
          "\"intentId\":\"NLU_RESULT_PLACEHOLDER\"}" },
        { "{\"type\":\"PERMISSION_GRANT\",\"granted\":true,\"rawQuery\":\"Allow\"}", "",
          "{\"type\":\"PERMISSION_GRANT\",\"granted\":true,\"rawQuery\":\"Allow\"," COMMON
          ",\"channel\":\"widget\",\"intentId\":\"PermissionGrant\"}" },
        { "{\"type\":\"CHANNEL_ACTION_REQUEST\",\"action\":\"OPEN_URL\"}", "",
          "{\"type\":\"CHANNEL_ACTION_REQUEST\",\"action\":\"OPEN_URL\"," COMMON ","
              "\"channel\":\"widget\"}" },
        { "[]", "", "" },
        { "", "", "" },
        { "{\"a\":", "", "" },
        { "\"text\"", "", "" },
        { "null", "", "" },
        { "{\"a\":\"\xff\"}", "", "" },
    };
    return cr_make_param_array (request_t, cases, sizeof cases / sizeof *cases);
}

//  Members may stand in any order: compares them sorted.
static int
s_compare (const void *left, const void *right)
{
    return strcmp (*(char *const *) left, *(char *const *) right);
}

static void
s_members (char *json, char *members[20])
{
    unsigned count = 0;
    for (char *part = strtok (json, ",{}"); part && count < 20; part = strtok (NULL, ",{}"))
        members[count++] = part;
    qsort (members, count, sizeof *members, s_compare);
}

ParameterizedTest (request_t *param, bot_request, writing)
{
    bus_work_t work = { .item = TEXT ("i-1"),
                        .session = TEXT ("demo/s/1"),
                        .topic = TEXT ("bot.stentor"),
                        .app = TEXT ("demo"),
                        .user = TEXT ("u-1"),
                        .body = text_of (param->body),
                        .secret = text_of (param->secret) };
    buffer_t to;
    buffer_init (&to, BOT_REQUEST_MAX);
    int rc = bot_request_write (&to, &work);
    if (*param->expected == '\0') {
        cr_assert_eq (rc, -1, "%s", param->body);
        cr_assert_eq (to.size, 0);
        return;
    }
    cr_assert_eq (rc, 0, "%s", param->body);
    char got[1000], *ours[20] = { 0 }, *theirs[20] = { 0 };
    snprintf (got, sizeof got, "%.*s", TEXT_ARGS (buffer_text (&to)));
    s_members (got, ours);
    s_members (param->expected, theirs);
    for (unsigned index = 0; index < 20; index++)
        cr_assert_str_eq (ours[index] ? ours[index] : "", theirs[index] ? theirs[index] : "", "%s",
                          param->body);
    buffer_free (&to);
}

Test (bot_request, a_full_buffer_is_left_as_it_was)
{
    bus_work_t work = { .session = TEXT ("demo/s"), .user = TEXT ("u"), .body = TEXT ("{}"),
                        .item = TEXT ("i"), .secret = TEXT_EMPTY };
    buffer_t to;
    buffer_init (&to, 20);
    cr_assert_eq (bot_request_write (&to, &work), -1);
    cr_assert_eq (to.size, 0);
    buffer_free (&to);
}
