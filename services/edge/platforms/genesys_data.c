#include "platforms/genesys_data.h"

#include "base/percent.h"
#include "base/utf8.h"
#include "json/json_given.h"
#include "json/json_read.h"
#include "json/json_write.h"

#include <json-c/json.h>
#include <stdio.h>
#include <strings.h>

#define URL_MOST 2000
#define TITLE_MOST 500
#define TYPE_MOST 40

typedef struct json_object tree_t;

typedef struct {
    const char *type; //  of buttonResponse
    text_t group;     //  the title of the card that it stands on; or empty
    text_t title, payload;
    char time[32]; //  the title, when it is made of a time; else ""
} choice_t;

//  Types of parts that cannot be shown: so many are named.
#define MISSED_MOST 5

typedef struct {
    text_t id;
    json_writer_t json; //  the array of displays
    buffer_t displays;
    buffer_t lines;     //  words of templates and dates
    choice_t choices[GENESYS_PARTS_MOST];
    size_t choice_count, display_count;
    text_t missed[MISSED_MOST];
    size_t missed_count;
} view_t;

// ---------------------------------------------------------------------------------------------
//  Reading

//  A text that can be stored; else empty.
static text_t
s_text (tree_t *object, const char *name)
{
    text_t text;
    if (json_member_text (object, name, &text) != 1 || memchr (text.data, 0, text.size))
        return TEXT_EMPTY;
    return utf8_cut (text, GENESYS_TEXT_MOST);
}

//  How many of them are looked at.
static size_t
s_count (tree_t *array)
{
    size_t count = array ? json_object_array_length (array) : 0;
    return count < GENESYS_PARTS_MOST ? count : GENESYS_PARTS_MOST;
}

//  A page would follow anything else blindly.
static text_t
s_url (tree_t *object, const char *name)
{
    text_t url = s_text (object, name);
    bool is_web = (url.size > 8 && strncasecmp (url.data, "https://", 8) == 0)
                  || (url.size > 7 && strncasecmp (url.data, "http://", 7) == 0);
    return is_web && url.size <= URL_MOST && utf8_is_showable (url) ? url : TEXT_EMPTY;
}

static text_t
s_first (text_t text, text_t other)
{
    return text.size > 0 ? text : other;
}

// ---------------------------------------------------------------------------------------------
//  Parts

static void
s_put_line (view_t *self, text_t line)
{
    if (line.size == 0)
        return;
    //  What has no room is left out.
    if ((self->lines.size > 0 && buffer_put_string (&self->lines, "\n") != 0)
        || buffer_put_text (&self->lines, line) != 0)
        return;
}

//  False: it cannot be chosen here.
static bool
s_choose (view_t *self, const choice_t *choice)
{
    bool is_good = choice->title.size > 0 && choice->payload.size > 0
                   && self->choice_count < GENESYS_PARTS_MOST;
    if (!is_good)
        return false;
    choice_t *kept = &self->choices[self->choice_count++];
    *kept = *choice;
    if (*kept->time)
        kept->title = text_of (kept->time);
    return true;
}

static void
s_begin_display (view_t *self, const char *type, text_t title)
{
    self->display_count++;
    json_open_object (&self->json, NULL);
    json_put_string (&self->json, "type", type);
    json_put_text_if (&self->json, "title", utf8_cut (title, TITLE_MOST));
}

//  Buttons that open a page; what is sent back becomes a choice.
static void
s_put_actions (view_t *self, text_t card, tree_t *actions)
{
    json_open_array (&self->json, "buttons");
    for (size_t at = 0; at < s_count (actions); at++) {
        tree_t *action = json_object_array_get_idx (actions, at);
        text_t url = s_url (action, "url");
        if (url.size > 0) {
            json_open_object (&self->json, NULL);
            json_put_text (&self->json, "title",
                           utf8_cut (s_first (s_text (action, "text"), url), TITLE_MOST));
            json_put_text (&self->json, "openUrlAction", url);
            json_close_object (&self->json);
        } else
            (void) s_choose (self, &(choice_t){ .type = "Button",
                                                .group = card,
                                                .title = s_text (action, "text"),
                                                .payload = s_text (action, "payload") });
    }
    json_close_array (&self->json);
}

static bool
s_put_attachment (view_t *self, tree_t *part)
{
    tree_t *attachment = json_given_object (part, "attachment");
    text_t url = s_url (attachment, "url"), name = s_text (attachment, "filename");
    text_t title = s_first (name, s_text (attachment, "text"));
    bool is_image = text_is (s_text (attachment, "mediaType"), TEXT ("Image"));
    if (url.size == 0)
        return false;
    s_begin_display (self, "CARD", s_first (title, url));
    if (is_image) {
        json_put_text (&self->json, "smallImageUrl", url);
        json_put_text (&self->json, "imageActionUrl", url);
    } else {
        json_open_array (&self->json, "buttons");
        json_open_object (&self->json, NULL);
        json_put_string (&self->json, "title", "Open");
        json_put_text (&self->json, "openUrlAction", url);
        json_close_object (&self->json);
        json_close_array (&self->json);
    }
    json_close_object (&self->json);
    return true;
}

static bool
s_put_one_card (view_t *self, tree_t *card)
{
    text_t title = s_text (card, "title"), image = s_url (card, "image");
    if (title.size == 0 && image.size == 0)
        return false;
    s_begin_display (self, "CARD", title);
    json_put_text_if (&self->json, "content", s_text (card, "description"));
    json_put_text_if (&self->json, "smallImageUrl", image);
    json_put_text_if (&self->json, "imageActionUrl",
                      s_url (json_given_object (card, "defaultAction"), "url"));
    s_put_actions (self, title, json_given_array (card, "actions"));
    json_close_object (&self->json);
    return true;
}

static bool
s_put_card (view_t *self, tree_t *part)
{
    return s_put_one_card (self, json_given_object (part, "card"));
}

static void
s_put_item_of_carousel (view_t *self, tree_t *card)
{
    text_t title = s_text (card, "title"), image = s_url (card, "image");
    if (title.size == 0)
        return;
    json_open_object (&self->json, NULL);
    json_put_text (&self->json, "title", utf8_cut (title, TITLE_MOST));
    json_put_text_if (&self->json, "description", s_text (card, "description"));
    json_put_text_if (&self->json, "url", s_url (json_given_object (card, "defaultAction"), "url"));
    if (image.size > 0) {
        json_open_object (&self->json, "image");
        json_put_text (&self->json, "url", image);
        json_close_object (&self->json);
    }
    s_put_actions (self, title, json_given_array (card, "actions"));
    json_close_object (&self->json);
}

static bool
s_put_carousel (view_t *self, tree_t *part)
{
    tree_t *cards = json_given_array (json_given_object (part, "carousel"), "cards");
    if (s_count (cards) == 0)
        return false;
    s_begin_display (self, "CAROUSEL", TEXT_EMPTY);
    json_open_array (&self->json, "items");
    for (size_t at = 0; at < s_count (cards); at++)
        s_put_item_of_carousel (self, json_object_array_get_idx (cards, at));
    json_close_array (&self->json);
    json_close_object (&self->json);
    return true;
}

static bool
s_put_quick_reply (view_t *self, tree_t *part)
{
    tree_t *reply = json_given_object (part, "quickReply");
    return s_choose (self, &(choice_t){ .type = "QuickReply",
                                        .title = s_text (reply, "text"),
                                        .payload = s_text (reply, "payload") });
}

//  A day and a minute, and its zone.
static bool
s_is_time (text_t text)
{
    static const char form[] = "dddd-dd-ddTdd:dd";
    bool is_time = text.size > sizeof form - 1;
    for (size_t at = 0; is_time && at < sizeof form - 1; at++)
        is_time = form[at] == 'd' ? text.data[at] >= '0' && text.data[at] <= '9'
                                  : text.data[at] == form[at];
    return is_time;
}

//  "2026-11-28T10:00:00.000Z" for people: "2026-11-28 10:00 UTC". Empty: it is another form.
static void
s_write_time (text_t time, char to[32])
{
    *to = 0;
    if (!s_is_time (time))
        return;
    const char *zone = time.data + 16, *end = time.data + time.size;
    while (zone < end && *zone != 'Z' && *zone != '+' && *zone != '-')
        zone++;
    snprintf (to, 32, "%.10s %.5s %.*s", time.data, time.data + 11,
              zone < end && *zone == 'Z' ? 3 : (int) (end - zone),
              zone < end && *zone == 'Z' ? "UTC" : zone);
}

static bool
s_put_date_picker (view_t *self, tree_t *part)
{
    tree_t *picker = json_given_object (part, "datePicker");
    tree_t *times = json_given_array (picker, "availableTimes");
    s_put_line (self, s_text (picker, "title"));
    s_put_line (self, s_text (picker, "subtitle"));
    for (size_t at = 0; at < s_count (times); at++) {
        text_t time = s_text (json_object_array_get_idx (times, at), "dateTime");
        choice_t choice = { .type = "DatePicker", .title = time, .payload = time };
        s_write_time (time, choice.time);
        (void) s_choose (self, &choice);
    }
    return s_text (picker, "title").size > 0 || s_count (times) > 0;
}

static void
s_put_button_of_template (view_t *self, tree_t *button)
{
    text_t text = s_text (button, "text");
    if (text_is (s_text (button, "type"), TEXT ("QuickReply")))
        (void) s_choose (self,
                         &(choice_t){ .type = "QuickReply",
                                      .title = text,
                                      .payload = s_first (s_text (button, "payload"), text) });
    else {
        s_put_line (self, text);
        s_put_line (self, s_first (s_url (button, "url"), s_text (button, "phoneNumber")));
    }
}

static bool
s_put_template (view_t *self, tree_t *part)
{
    tree_t *template = json_given_object (part, "template");
    tree_t *buttons = json_given_array (template, "buttons");
    s_put_line (self, s_text (json_given_object (template, "header"), "text"));
    s_put_line (self, s_text (json_given_object (template, "body"), "text"));
    s_put_line (self, s_text (json_given_object (template, "footer"), "text"));
    for (size_t at = 0; at < s_count (buttons); at++)
        s_put_button_of_template (self, json_object_array_get_idx (buttons, at));
    return template != NULL;
}

static const struct {
    text_t type;
    bool (*put) (view_t *self, tree_t *part); //  false: nothing of it can be shown
} s_parts[] = {
    { TEXT ("Attachment"), s_put_attachment }, { TEXT ("Card"), s_put_card },
    { TEXT ("Carousel"), s_put_carousel },     { TEXT ("QuickReply"), s_put_quick_reply },
    { TEXT ("DatePicker"), s_put_date_picker }, { TEXT ("Notification"), s_put_template },
};

static void
s_put_part (view_t *self, tree_t *part)
{
    text_t type = s_text (part, "contentType");
    for (size_t row = 0; row < sizeof s_parts / sizeof *s_parts; row++)
        if (text_is (type, s_parts[row].type) && s_parts[row].put (self, part))
            return;
    bool is_word = type.size > 0 && type.size <= TYPE_MOST && utf8_is_showable (type);
    if (is_word && self->missed_count < MISSED_MOST)
        self->missed[self->missed_count++] = type;
}

//  Beside what is shown, the visitor is told that there was more: "[Location]".
static void
s_name_missed (view_t *self)
{
    char name[TYPE_MOST + 3];
    if (self->lines.size == 0 && self->display_count == 0)
        return;
    for (size_t at = 0; at < self->missed_count; at++) {
        snprintf (name, sizeof name, "[%.*s]", TEXT_ARGS (self->missed[at]));
        s_put_line (self, text_of (name));
    }
}

// ---------------------------------------------------------------------------------------------
//  All of it

//  0; −1: it is too long.
static int
s_write_token (const view_t *self, const choice_t *choice, buffer_t *to)
{
    return buffer_put_string (to, "genesys:") == 0 && buffer_put_string (to, choice->type) == 0
                   && buffer_put_string (to, ":") == 0 && percent_encode (self->id, to) == 0
                   && buffer_put_string (to, ":") == 0 && percent_encode (choice->payload, to) == 0
               ? 0
               : -1;
}

static void
s_put_choice (view_t *self, const choice_t *choice)
{
    buffer_t token;
    buffer_init (&token, GENESYS_TOKEN_MOST);
    if (s_write_token (self, choice, &token) == 0) {
        json_open_object (&self->json, NULL);
        json_put_text (&self->json, "title", utf8_cut (choice->title, TITLE_MOST));
        json_put_text_if (&self->json, "description", utf8_cut (choice->group, TITLE_MOST));
        json_put_text (&self->json, "token", buffer_text (&token));
        json_close_object (&self->json);
    }
    buffer_free (&token);
}

static void
s_put_choices (view_t *self)
{
    if (self->choice_count == 0)
        return;
    s_begin_display (self, "LIST", TEXT_EMPTY);
    json_open_array (&self->json, "items");
    for (size_t at = 0; at < self->choice_count; at++)
        s_put_choice (self, &self->choices[at]);
    json_close_array (&self->json);
    json_close_object (&self->json);
}

static void
s_read (view_t *self, tree_t *body)
{
    tree_t *content = json_given_array (body, "content");
    s_put_line (self, s_text (body, "text"));
    json_write_begin (&self->json, &self->displays);
    json_open_array (&self->json, NULL);
    for (size_t at = 0; at < s_count (content); at++)
        s_put_part (self, json_object_array_get_idx (content, at));
    s_put_choices (self);
    json_close_array (&self->json);
    //  More than a client can be shown: the words count.
    if (json_write_end (&self->json) != 0)
        self->display_count = 0;
    s_name_missed (self);
}

static int
s_write (const view_t *self, buffer_t *to)
{
    json_writer_t json;
    text_t words = buffer_text (&self->lines);
    if (words.size == 0 && self->display_count == 0)
        return -1;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    if (self->display_count == 0) {
        json_put_string (&json, "type", "INTENT_REQUEST");
        json_put_text (&json, "rawQuery", words);
    } else {
        json_open_object (&json, "outputSpeech");
        json_put_text (&json, "displayText", words);
        json_close_object (&json);
        json_put_json (&json, "displays", buffer_text (&self->displays));
    }
    json_close_object (&json);
    return json_write_end (&json);
}

int
genesys_data_write (tree_t *body, text_t id, buffer_t *to)
{
    view_t self = { .id = id };
    buffer_init (&self.displays, GENESYS_DATA_MOST / 2);
    buffer_init (&self.lines, GENESYS_TEXT_MOST);
    s_read (&self, body);
    int rc = s_write (&self, to);
    buffer_free (&self.displays);
    buffer_free (&self.lines);
    return rc;
}
