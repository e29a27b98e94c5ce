#include "model/degrade.h"

#include "base/utf8.h"
#include "json/json_given.h"
#include "json/json_read.h"
#include "json/json_write.h"

#include <json-c/json.h>
#include <stdio.h>
#include <strings.h>

#define SAID_MOST 1000 //  bytes of what may be a choice
#define TITLE_MOST 500 //  bytes of its words that are shown

typedef struct json_object tree_t;

//  One walk over the data: writes lines, or looks for a choice.
typedef struct {
    buffer_t *lines; //  NULL: looks for a choice
    bool is_full;
    unsigned number; //  of the choice that was seen last
    //  What is looked for: its number, or 0, and its words.
    unsigned wanted;
    text_t said;
    text_t title, token; //  what was found
    bool is_found, is_by_words;
} walk_t;

// ---------------------------------------------------------------------------------------------
//  Lines

//  Texts keep their line ends; other control characters become blanks.
static void
s_put (walk_t *walk, text_t text)
{
    size_t from = walk->lines->size;
    if (text.size == 0 || walk->is_full)
        return;
    if (buffer_put_text (walk->lines, text) != 0) {
        text_t rest = utf8_cut (text, walk->lines->ceiling - walk->lines->size);
        walk->is_full = true;
        if (buffer_put_text (walk->lines, rest) != 0)
            return;
    }
    for (char *at = walk->lines->data + from; at < walk->lines->data + walk->lines->size; at++)
        if (((unsigned char) *at < ' ' && *at != '\n') || *at == 127)
            *at = ' ';
}

static void
s_begin_line (walk_t *walk)
{
    if (walk->lines->size > 0)
        s_put (walk, TEXT ("\n"));
}

static void
s_line (walk_t *walk, text_t text)
{
    if (!walk->lines || text.size == 0)
        return;
    s_begin_line (walk);
    s_put (walk, text);
}

//  "Title - description: https://…"
static void
s_rest_of_line (walk_t *walk, text_t title, text_t description, text_t url)
{
    s_put (walk, utf8_cut (title, TITLE_MOST));
    if (description.size > 0) {
        s_put (walk, TEXT (" - "));
        s_put (walk, description);
    }
    if (url.size > 0) {
        s_put (walk, TEXT (": "));
        s_put (walk, url);
    }
}

static const struct {
    text_t name, stands_for;
} s_entities[] = {
    { TEXT ("&amp;"), TEXT ("&") },   { TEXT ("&lt;"), TEXT ("<") },
    { TEXT ("&gt;"), TEXT (">") },    { TEXT ("&quot;"), TEXT ("\"") },
    { TEXT ("&#39;"), TEXT ("'") },   { TEXT ("&nbsp;"), TEXT (" ") },
    { TEXT ("<br>"), TEXT ("\n") },   { TEXT ("<br/>"), TEXT ("\n") },
    { TEXT ("<br />"), TEXT ("\n") }, { TEXT ("</p>"), TEXT ("\n") },
    { TEXT ("</li>"), TEXT ("\n") },
};

//  How many bytes at `at` are markup, and what they stand for.
static size_t
s_markup (text_t html, size_t at, text_t *stands_for)
{
    text_t rest = { html.data + at, html.size - at };
    *stands_for = TEXT_EMPTY;
    for (size_t row = 0; row < sizeof s_entities / sizeof *s_entities; row++) {
        text_t name = s_entities[row].name;
        if (rest.size >= name.size && strncasecmp (rest.data, name.data, name.size) == 0) {
            *stands_for = s_entities[row].stands_for;
            return name.size;
        }
    }
    const char *end = rest.data[0] == '<' ? memchr (rest.data, '>', rest.size) : NULL;
    return end ? (size_t) (end - rest.data) + 1 : 0;
}

//  HTML of a bot, when that is all it says: without its tags.
static void
s_line_of_html (walk_t *walk, text_t html)
{
    size_t from = 0, size;
    text_t stands_for;
    s_begin_line (walk);
    for (size_t at = 0; at < html.size; at += size ? size : 1) {
        size = html.data[at] == '<' || html.data[at] == '&' ? s_markup (html, at, &stands_for) : 0;
        if (size == 0)
            continue;
        s_put (walk, (text_t){ html.data + from, at - from });
        s_put (walk, stands_for);
        from = at + size;
    }
    s_put (walk, (text_t){ html.data + from, html.size - from });
}

// ---------------------------------------------------------------------------------------------
//  What can be chosen

typedef struct {
    text_t title, description, token, url;
} item_t;

static void
s_match (walk_t *walk, const item_t *item)
{
    bool is_said = walk->said.size == item->title.size
                   && strncasecmp (walk->said.data, item->title.data, item->title.size) == 0;
    //  Words go before numbers: one may be called "2".
    if (walk->is_by_words || !(is_said || (walk->number == walk->wanted && !walk->is_found)))
        return;
    walk->is_found = true;
    walk->is_by_words = is_said;
    walk->title = item->title;
    walk->token = item->token;
}

//  What leads to a page is no choice.
static void
s_item (walk_t *walk, const item_t *item)
{
    char number[16];
    if (item->title.size == 0 || walk->number >= DEGRADE_CHOICES_MOST)
        return;
    if (item->url.size > 0 && walk->lines) {
        s_begin_line (walk);
        s_rest_of_line (walk, item->title, item->description, item->url);
    }
    if (item->url.size > 0)
        return;
    walk->number++;
    if (!walk->lines) {
        s_match (walk, item);
        return;
    }
    int size = snprintf (number, sizeof number, "%u. ", walk->number);
    s_begin_line (walk);
    s_put (walk, (text_t){ number, (size_t) size });
    s_rest_of_line (walk, item->title, item->description, TEXT_EMPTY);
}

//  Of a card: without a URL its title is sent as a question.
static item_t
s_button (tree_t *button)
{
    return (item_t){ .title = json_given_text (button, "title"),
                     .description = TEXT_EMPTY,
                     .token = TEXT_EMPTY,
                     .url = json_given_text (button, "openUrlAction") };
}

//  Of a list: opens the URL, else does what its only button does, else is chosen by its token.
static void
s_list_item (walk_t *walk, tree_t *each)
{
    item_t item = { .title = json_given_text (each, "title"),
                    .description = json_given_text (each, "description"),
                    .token = json_given_text (each, "token"),
                    .url = json_given_text (each, "url") };
    tree_t *buttons = json_given_array (each, "buttons");
    if (item.url.size == 0 && buttons && json_object_array_length (buttons) == 1) {
        item_t button = s_button (json_object_array_get_idx (buttons, 0));
        item.url = button.url;
        if (button.title.size > 0 && button.url.size == 0) {
            s_line (walk, item.title);
            s_line (walk, item.description);
            item = button;
        }
    }
    s_item (walk, &item);
}

static void
s_display (walk_t *walk, tree_t *display)
{
    tree_t *items = json_given_array (display, "items");
    tree_t *buttons = json_given_array (display, "buttons");
    s_line (walk, json_given_text (display, "title"));
    s_line (walk, json_given_text (display, "content"));
    for (size_t at = 0; items && at < json_object_array_length (items); at++)
        s_list_item (walk, json_object_array_get_idx (items, at));
    for (size_t at = 0; buttons && at < json_object_array_length (buttons); at++) {
        item_t item = s_button (json_object_array_get_idx (buttons, at));
        s_item (walk, &item);
    }
}

//  A string, or {title} or {title, url}.
static void
s_suggestion (walk_t *walk, tree_t *each)
{
    item_t item = { .title = json_given_text (each, "title"),
                    .description = TEXT_EMPTY,
                    .token = TEXT_EMPTY,
                    .url = json_given_text (each, "url") };
    if (json_object_is_type (each, json_type_string))
        item.title = (text_t){ json_object_get_string (each),
                               (size_t) json_object_get_string_len (each) };
    s_item (walk, &item);
}

static void
s_speech (walk_t *walk, tree_t *data, tree_t *speech)
{
    text_t said = json_given_text (data, "rawQuery"), html = json_given_text (speech, "html");
    if (said.size == 0)
        said = json_given_text (data, "outputSpeech");
    if (said.size == 0)
        said = json_given_text (speech, "displayText");
    if (said.size == 0 && html.size > 0 && walk->lines)
        s_line_of_html (walk, html);
    s_line (walk, said);
}

static void
s_walk (walk_t *walk, tree_t *data)
{
    tree_t *speech = NULL, *displays = json_given_array (data, "displays");
    (void) json_object_object_get_ex (data, "outputSpeech", &speech);
    tree_t *suggestions = json_given_array (speech, "suggestions");
    s_speech (walk, data, speech);
    for (size_t at = 0; displays && at < json_object_array_length (displays); at++)
        s_display (walk, json_object_array_get_idx (displays, at));
    for (size_t at = 0; suggestions && at < json_object_array_length (suggestions); at++)
        s_suggestion (walk, json_object_array_get_idx (suggestions, at));
}

static tree_t *
s_read (text_t data)
{
    json_reading_t reading;
    tree_t *tree = json_read (
        data, &(json_limits_t){ .depth_most = JSON_DEPTH_MOST, .values_most = 100000 }, &reading);
    if (json_object_is_type (tree, json_type_object))
        return tree;
    json_object_put (tree);
    return NULL;
}

int
degrade_text (text_t data, buffer_t *to)
{
    buffer_t lines;
    tree_t *tree = s_read (data);
    if (!tree)
        return -1;
    buffer_init (&lines, DEGRADE_TEXT_MOST);
    walk_t walk = { .lines = &lines };
    s_walk (&walk, tree);
    json_object_put (tree);
    int rc = lines.size > 0 ? buffer_put_text (to, buffer_text (&lines)) : -1;
    buffer_free (&lines);
    return rc;
}

//  "2", "2.", "2)"; 0: it is no number.
static unsigned
s_number (text_t said)
{
    unsigned number = 0;
    if (said.size > 1 && (said.data[said.size - 1] == '.' || said.data[said.size - 1] == ')'))
        said.size--;
    if (said.size == 0 || said.size > 2)
        return 0;
    for (size_t at = 0; at < said.size; at++) {
        if (said.data[at] < '0' || said.data[at] > '9')
            return 0;
        number = 10 * number + (unsigned) (said.data[at] - '0');
    }
    return number;
}

static text_t
s_trim (text_t text)
{
    while (text.size > 0 && memchr (" \t\r\n", text.data[0], 4)) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && memchr (" \t\r\n", text.data[text.size - 1], 4))
        text.size--;
    return text;
}

static int
s_write_choice (const walk_t *walk, buffer_t *to)
{
    json_writer_t json;
    bool has_token = walk->token.size > 0;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_string (&json, "type", has_token ? "OPTION_SELECT_REQUEST" : "INTENT_REQUEST");
    json_put_text_if (&json, "token", walk->token);
    json_put_text (&json, has_token ? "title" : "rawQuery", walk->title);
    json_close_object (&json);
    return json_write_end (&json);
}

bool
degrade_choice (text_t data, text_t said, buffer_t *to)
{
    said = s_trim (said);
    if (said.size == 0 || said.size > SAID_MOST)
        return false;
    tree_t *tree = s_read (data);
    if (!tree)
        return false;
    walk_t walk = { .lines = NULL, .wanted = s_number (said), .said = said };
    s_walk (&walk, tree);
    bool is_choice = walk.is_found && s_write_choice (&walk, to) == 0;
    json_object_put (tree);
    return is_choice;
}
