#include "bot_live.h"

#include "base/alloc.h"
#include "base/loop_timer.h"
#include "base/utf8.h"

#include <stdlib.h>

//  Of a JSON string: a byte may become six.
#define DATA_MOST (6 * LIVE_SHOWN_MOST + 60)

struct bot_live {
    worker_item_t *item;
    bot_parts_t parts;
    size_t shown; //  bytes of what was said
    loop_timer_t *timer;
};

static void
s_show (void *owner)
{
    bot_live_t *self = owner;
    text_t said = utf8_cut (buffer_text (&self->parts.said), LIVE_SHOWN_MOST);
    if (said.size == self->shown)
        return;
    buffer_t data;
    buffer_init (&data, DATA_MOST);
    if (buffer_put_string (&data, "{\"outputSpeech\":{\"displayText\":") == 0
        && buffer_put_json (&data, said) == 0 && buffer_put_string (&data, "}}") == 0)
        worker_item_progress (self->item, EVENT_PART, buffer_text (&data));
    buffer_free (&data);
    self->shown = said.size;
    //  What comes until then is shown then.
    loop_timer_start_ms (self->timer, LIVE_EVERY_MS * (1 + said.size / LIVE_PIECE), 0);
}

bot_live_t *
bot_live_new (uv_loop_t *loop, worker_item_t *item, parts_form_t form, size_t most)
{
    bot_live_t *self = alloc_zeroed (sizeof *self);
    self->item = item;
    self->timer = loop_timer_new (loop, s_show, self);
    bot_parts_init (&self->parts, form, most);
    return self;
}

void
bot_live_destroy (bot_live_t **self_p)
{
    bot_live_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    loop_timer_destroy (&self->timer);
    bot_parts_free (&self->parts);
    free (self);
}

bool
bot_live_read (bot_live_t *self, text_t body, bool is_end)
{
    unsigned before = self->parts.lines;
    bot_parts_read (&self->parts, body, is_end);
    if (!is_end && !bot_parts_is_over (&self->parts) && !loop_timer_is_active (self->timer))
        s_show (self);
    return self->parts.lines > before;
}

const bot_parts_t *
bot_live_parts (const bot_live_t *self)
{
    return &self->parts;
}
