//  The body of an item of platform.genesys, as any bytes: it is read without harm, and what is made
//  of it is JSON.

#include "base/utf8.h"
#include "json/json_read.h"
#include "translation/long_text.h"
#include "translation/opening_text.h"
#include "translation/said.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
s_check_json (buffer_t *body, int rc)
{
    json_limits_t limits = { .depth_most = 10, .values_most = 1000 };
    if (rc != 0 || !json_is_object (buffer_text (body), &limits))
        abort ();
    buffer_clear (body);
}

static void
s_check_part (const said_part_t *part, const genesys_from_t *from)
{
    buffer_t body;
    buffer_init (&body, 1u << 24);
    if (part->kind == SAID_FILE)
        s_check_json (&body, genesys_put_file (&body, from, &part->file));
    else {
        if (part->kind == SAID_CHOICE)
            s_check_json (&body, genesys_put_choice (&body, from, &part->choice));
        if (part->text.size == 0 || !utf8_is_valid (part->text)
            || (part->kind == SAID_TEXT && part->text.size > 4 * GENESYS_TEXT_MOST))
            abort ();
        s_check_json (&body, genesys_put_text (&body, from, part->text, TEXT_EMPTY));
    }
    buffer_free (&body);
}

static void
s_check_opening (const genesys_item_t *item, text_t page)
{
    transcript_t transcript;
    uint64_t before;
    buffer_t text;
    buffer_init (&text, OPENING_TEXT_MOST);
    transcript_begin (&transcript, 3);
    (void) transcript_add (&transcript, page, &before);
    opening_text_put (item, &transcript, &text);
    if (!utf8_is_valid (buffer_text (&text)))
        abort ();
    buffer_clear (&text);
    opening_attributes_put (item, &text);
    s_check_json (&text, 0);
    buffer_free (&text);
    transcript_free (&transcript);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    char *copy = malloc (size + 1);
    text_t body = TEXT_EMPTY;
    genesys_item_t item;
    said_t said;
    if (size > 0) {
        memcpy (copy, data, size);
        body = (text_t){ copy, size };
    }
    if (genesys_item_read (&item, body) == 0) {
        genesys_from_t from = { .id = item.external_id, .name = item.name,
                                .time_ms = item.time_ms, .message_id = item.app };
        said_read (&said, &item);
        for (size_t at = 0; at < said.count; at++)
            s_check_part (&said.parts[at], &from);
        said_free (&said);
        s_check_opening (&item, body);
    }
    genesys_item_free (&item);
    free (copy);
    return 0;
}
