//  widget_view — what the stock widget can bear of a bot's answer, and that nothing else changes.

#include "client/widget_view.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>

#define SAY "\"outputSpeech\":{\"displayText\":\"Hi\"}"
#define BOT "{\"deviceId\":\"Bot\",\"userId\":\"bot\",\"displayName\":\"Bot\"}"
#define PERSON "{\"deviceId\":\"Widget\",\"userId\":\"u\",\"displayName\":\"Bot\"}"

typedef struct {
    char sender[80];
    char data[300];
    int view;
    char shown[300];
} case_t;

ParameterizedTestParameters (widget_view, cases)
{
    static case_t cases[] = {
        { BOT, "{" SAY "}", WIDGET_VIEW_SAME, "" },
        { BOT, "{" SAY ",\"system\":\"HANDOFF\"}", WIDGET_VIEW_SAME, "" },
        { BOT, "{" SAY ",\"system\":\"SURFACE_CLOSE\"}", WIDGET_VIEW_SAME, "" },
        { BOT, "{\"displays\":[{\"type\":\"CARD\"}]}", WIDGET_VIEW_SAME, "" },
        { BOT, "{\"context\":{\"active\":[{\"name\":\"shop\"}]}}", WIDGET_VIEW_SAME, "" },
        //  Its handler fails over these
        { BOT, "{" SAY ",\"system\":\"TRANSFER_CALL\",\"data\":{\"n\":12345678901234567890123}}",
          WIDGET_VIEW_CHANGED, "{" SAY ",\"data\":{\"n\":12345678901234567890123}}" },
        { BOT, "{\"system\":\"PERMISSION_PHONE_NUMBER\"," SAY "}", WIDGET_VIEW_CHANGED,
          "{" SAY "}" },
        { BOT, "{\"name\":\"a\",\"system\":\"PERMISSION_LIST\"," SAY ",\"data\":{}}",
          WIDGET_VIEW_CHANGED, "{\"name\":\"a\"," SAY ",\"data\":{}}" },
        { BOT, "{" SAY ",\"system\":\"PERMISSION_EMAIL\"}", WIDGET_VIEW_CHANGED,
          "{" SAY ",\"system\":\"PERMISSION_EMAIL\",\"data\":{}}" },
        { BOT, "{\"system\":\"PERMISSION_LOCATION_PRECISE\",\"data\":null," SAY "}",
          WIDGET_VIEW_CHANGED,
          "{\"system\":\"PERMISSION_LOCATION_PRECISE\"," SAY ",\"data\":{}}" },
        { BOT, "{" SAY ",\"system\":\"PERMISSION_EMAIL\",\"data\":{\"a\":1}}", WIDGET_VIEW_SAME,
          "" },
        { BOT, "{" SAY ",\"system\":7}", WIDGET_VIEW_CHANGED, "{" SAY "}" },
        { BOT, "{\"system\":null," SAY "}", WIDGET_VIEW_CHANGED, "{" SAY "}" },
        { BOT, "{" SAY ",\"system\":\"\",\"data\":{}}", WIDGET_VIEW_CHANGED,
          "{" SAY ",\"data\":{}}" },
        { BOT, "{" SAY ",\"system\":[\"TRANSFER_CALL\",{\"system\":\"a\"}],\"context\":{}}",
          WIDGET_VIEW_CHANGED, "{" SAY ",\"context\":{}}" },
        { BOT, "{" SAY ",\"system\":{\"PERMISSION_EMAIL\":true}}", WIDGET_VIEW_CHANGED,
          "{" SAY "}" },
        //  It would draw an empty entry
        { BOT, "{\"system\":7}", WIDGET_VIEW_NOTHING, "" },
        { BOT, "{\"system\":\"\",\"data\":{}}", WIDGET_VIEW_NOTHING, "" },
        { BOT, "{\"data\":{\"order\":7}}", WIDGET_VIEW_NOTHING, "" },
        { BOT, "{\"media\":[]}", WIDGET_VIEW_NOTHING, "" },
        { BOT, "{\"data\":{\"outputSpeech\":1}}", WIDGET_VIEW_NOTHING, "" },
        { BOT, "{\"name\":\"a\"," SAY "}", WIDGET_VIEW_SAME, "" },
        { BOT, "{\"system\":\"TRANSFER_CALL\",\"data\":{}}", WIDGET_VIEW_NOTHING, "" },
        //  A word inside is no member
        { BOT, "{" SAY ",\"data\":{\"system\":\"TRANSFER_CALL\",\"b\":[\"}\"]}}",
          WIDGET_VIEW_SAME, "" },
        //  People say what they like
        { PERSON, "{\"rawQuery\":\"hi\",\"system\":\"TRANSFER_CALL\"}", WIDGET_VIEW_SAME, "" },
    };
    return cr_make_param_array (case_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (case_t *param, widget_view, cases)
{
    bus_deliver_t entry = { .event = EVENT_NEW_MESSAGE,
                            .sender = text_of (param->sender),
                            .data = text_of (param->data) };
    buffer_t to;
    buffer_init (&to, entry.data.size + WIDGET_VIEW_ROOM);
    cr_assert_eq (widget_view (&entry, &to), (widget_view_t) param->view, "%s", param->data);
    cr_assert (text_is (buffer_text (&to), text_of (param->shown)), "%s: %.*s", param->data,
               TEXT_ARGS (buffer_text (&to)));
    buffer_free (&to);
}

Test (widget_view, other_events_are_left_alone)
{
    bus_deliver_t entry = { .event = EVENT_FAILURE,
                            .sender = text_of (BOT),
                            .data = TEXT ("{\"type\":\"BOT\",\"tries\":3}") };
    buffer_t to;
    buffer_init (&to, 100);
    cr_assert_eq (widget_view (&entry, &to), WIDGET_VIEW_SAME);
    buffer_free (&to);
}
