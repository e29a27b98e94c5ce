#include "texting/slack_answer.h"

#include "json/json_read.h"

#include <json-c/json.h>

#define DEPTH_MOST 32
#define VALUES_MOST 5000

bool
slack_is_ts (text_t ts)
{
    static const char digits[] = "0123456789";
    if (ts.size >= SLACK_TS_SIZE)
        return false;
    size_t points = 0;
    for (size_t at = 0; at < ts.size; at++)
        if (ts.data[at] == '.')
            points++;
        else if (!ts.data[at] || !strchr (digits, ts.data[at]))
            return false;
    return points == 1 && ts.data[0] != '.' && ts.data[ts.size - 1] != '.';
}

//  Something else than a word is not repeated: a proxy's page, a webhook's URL.
static void
s_take_word (slack_answer_t *self, text_t word)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
    while (word.size > 0 && strchr (" \r\n", word.data[word.size - 1]))
        word.size--;
    if (word.size >= sizeof self->word)
        return;
    for (size_t at = 0; at < word.size; at++)
        if (!word.data[at] || !strchr (letters, word.data[at]))
            return;
    memcpy (self->word, word.data, word.size);
}

static void
s_take_tree (slack_answer_t *self, struct json_object *tree)
{
    struct json_object *ok = NULL;
    text_t ts, word;
    if (!json_object_is_type (tree, json_type_object)
        || !json_object_object_get_ex (tree, "ok", &ok)
        || !json_object_is_type (ok, json_type_boolean))
        return;
    self->is_good = json_object_get_boolean (ok);
    if (self->is_good && json_member_text (tree, "ts", &ts) == 1 && slack_is_ts (ts))
        memcpy (self->ts, ts.data, ts.size);
    if (!self->is_good && json_member_text (tree, "error", &word) == 1)
        s_take_word (self, word);
}

void
slack_answer_read (slack_answer_t *self, text_t body, bool is_webhook)
{
    json_reading_t reading;
    json_limits_t limits = { .depth_most = DEPTH_MOST, .values_most = VALUES_MOST };
    *self = (slack_answer_t){ .is_good = false };
    struct json_object *tree = json_read (body, &limits, &reading);
    s_take_tree (self, tree);
    json_object_put (tree);
    if (!is_webhook || tree)
        return;
    self->is_good = text_is (body, TEXT ("ok"));
    if (!self->is_good)
        s_take_word (self, body);
}
