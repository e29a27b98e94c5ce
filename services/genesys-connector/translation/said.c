#include "translation/said.h"

#include "base/alloc.h"
#include "base/percent.h"
#include "base/utf8.h"
#include "json/json_read.h"
#include "model/degrade.h"
#include "translation/long_text.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdlib.h>

#define TEXTS_MOST (GENESYS_ITEM_MOST * 2)
#define URL_MOST 2000
#define TOKEN_BEGINS TEXT ("genesys:")

static void
s_add (said_t *self, said_part_t part)
{
    self->parts = alloc_resized (self->parts, (self->count + 1) * sizeof *self->parts);
    self->parts[self->count++] = part;
}

static bool
s_is_blank (text_t text)
{
    size_t at = 0;
    while (at < text.size && memchr (" \t\r\n", text.data[at], 4))
        at++;
    return at == text.size;
}

static void
s_add_texts (said_t *self, text_t text)
{
    text_t piece;
    while (long_text_next (&text, GENESYS_TEXT_MOST, &piece))
        if (!s_is_blank (piece))
            s_add (self, (said_part_t){ .kind = SAID_TEXT, .text = piece });
}

//  What people are shown of it.
static text_t
s_words (said_t *self, const genesys_item_t *item)
{
    text_t words = genesys_item_data_text (item, "rawQuery");
    if (words.size > 0)
        return words;
    buffer_t shown;
    buffer_init (&shown, DEGRADE_TEXT_MOST);
    if (item->data && degrade_text (json_print (item->data), &shown) == 0) {
        size_t from = self->text.size;
        int rc = buffer_put_text (&self->text, buffer_text (&shown));
        assert (rc == 0);
        words = (text_t){ self->text.data + from, shown.size };
    }
    buffer_free (&shown);
    return words;
}

// ------------------------------------------------------------------------------------------------
//  A choice

//  Up to the next colon, or the end.
static text_t
s_field (text_t *rest)
{
    const char *colon = rest->size > 0 ? memchr (rest->data, ':', rest->size) : NULL;
    text_t field = { rest->data, colon ? (size_t) (colon - rest->data) : rest->size };
    size_t taken = field.size + (colon != NULL);
    *rest = (text_t){ rest->data + taken, rest->size - taken };
    return field;
}

//  False: it is not well encoded, or nothing.
static bool
s_decode (said_t *self, text_t field, text_t *plain)
{
    char *place = field.size > 0 ? buffer_grow (&self->token, field.size) : NULL;
    long size = place ? percent_decode (field, false, place) : -1;
    *plain = (text_t){ place, size > 0 ? (size_t) size : 0 };
    return size > 0 && utf8_is_valid (*plain);
}

static bool
s_is_type (text_t type)
{
    return text_is (type, TEXT ("Button")) || text_is (type, TEXT ("QuickReply"))
           || text_is (type, TEXT ("DatePicker"));
}

//  True: it was one.
static bool
s_add_choice (said_t *self, const genesys_item_t *item, text_t words)
{
    text_t token = genesys_item_data_text (item, "token"), begins = TOKEN_BEGINS, type;
    said_part_t part = { .kind = SAID_CHOICE, .text = words };
    if (token.size <= begins.size || memcmp (token.data, begins.data, begins.size) != 0)
        return false;
    token = (text_t){ token.data + begins.size, token.size - begins.size };
    //  Both fields stand in one run of memory, which must not move between them.
    buffer_init (&self->token, token.size);
    if (!buffer_grow (&self->token, token.size))
        return false;
    buffer_clear (&self->token);
    type = s_field (&token);
    part.choice.type = type;
    if (!s_is_type (type) || !s_decode (self, s_field (&token), &part.choice.message_id)
        || !s_decode (self, s_field (&token), &part.choice.payload) || token.size > 0)
        return false;
    part.choice.label = genesys_item_data_text (item, "title");
    if (part.choice.label.size == 0)
        part.choice.label = words;
    //  Without a title, people are shown the token.
    text_t shown = genesys_item_data_text (item, "token");
    if (part.choice.label.size == 0 || text_is (part.choice.label, shown))
        part.choice.label = part.choice.payload;
    if (part.text.size == 0 || text_is (part.text, shown))
        part.text = part.choice.label;
    //  One message, as the choice is: of longer words the first ones.
    text_t shortened = part.text;
    (void) long_text_next (&shortened, GENESYS_TEXT_MOST, &part.text);
    s_add (self, part);
    return true;
}

// ------------------------------------------------------------------------------------------------
//  Files

static bool
s_is_url (text_t url)
{
    bool is_web = (url.size > 8 && memcmp (url.data, "https://", 8) == 0)
                  || (url.size > 7 && memcmp (url.data, "http://", 7) == 0);
    return is_web && url.size <= URL_MOST && utf8_is_showable (url)
           && !memchr (url.data, ' ', url.size);
}

//  An array of {url, type}.
static void
s_add_files (said_t *self, struct json_object *owner)
{
    struct json_object *all = NULL;
    if (!json_object_is_type (owner, json_type_object)
        || !json_object_object_get_ex (owner, "attachments", &all)
        || !json_object_is_type (all, json_type_array))
        return;
    size_t count = json_object_array_length (all);
    for (size_t at = 0; at < count && at < SAID_FILES_MOST; at++) {
        struct json_object *each = json_object_array_get_idx (all, at);
        text_t url, mime;
        if (json_member_text (each, "url", &url) == 1 && s_is_url (url)) {
            (void) json_member_text (each, "type", &mime);
            s_add (self, (said_part_t){ .kind = SAID_FILE, .file = { .url = url, .mime = mime } });
        }
    }
}

// ------------------------------------------------------------------------------------------------

//  "Anna: …", of who is not the visitor.
static text_t
s_with_name (said_t *self, const genesys_item_t *item, text_t words)
{
    text_t name = item->name.size > 0 ? item->name : item->role;
    buffer_t all;
    buffer_init (&all, TEXTS_MOST + name.size);
    int rc = buffer_put_text (&all, name) | buffer_put_string (&all, ": ")
             | buffer_put_text (&all, words);
    assert (rc == 0);
    buffer_free (&self->text);
    self->text = all;
    return buffer_text (&self->text);
}

void
said_read (said_t *self, const genesys_item_t *item)
{
    struct json_object *attributes = NULL;
    *self = (said_t){ .parts = NULL };
    buffer_init (&self->text, TEXTS_MOST);
    text_t words = s_words (self, item);
    bool is_visitor = text_is (item->role, TEXT ("visitor"));
    if (is_visitor && s_add_choice (self, item, words))
        return;
    if (!is_visitor && words.size > 0)
        words = s_with_name (self, item, words);
    s_add_texts (self, words);
    s_add_files (self, item->data);
    if (json_object_is_type (item->data, json_type_object)
        && json_object_object_get_ex (item->data, "attributes", &attributes))
        s_add_files (self, attributes);
}

void
said_read_text (said_t *self, text_t text)
{
    *self = (said_t){ .parts = NULL };
    buffer_init (&self->text, TEXTS_MOST);
    int rc = buffer_put_text (&self->text, text);
    assert (rc == 0);
    s_add_texts (self, buffer_text (&self->text));
}

void
said_free (said_t *self)
{
    free (self->parts);
    buffer_free (&self->text);
    buffer_free (&self->token);
    *self = (said_t){ .parts = NULL };
}
