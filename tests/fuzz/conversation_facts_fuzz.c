//  What Genesys answers about a conversation and to a message, and what a watcher remembers, as any
//  bytes: it is read without harm, and what comes out may stand in a URL, a request, a memory.

#include "base/utf8.h"
#include "json/json_read.h"
#include "translation/posted.h"
#include "translation/watch_decision.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
s_check_id (const char *id)
{
    if (strlen (id) >= CONVERSATION_ID_SIZE || !text_is (conversation_id_of (text_of (id)),
          text_of (id)))
        abort ();
}

static void
s_check_decision (const watch_memory_t *memory, const conversation_facts_t *facts)
{
    static const watch_limits_t limits = { .queue_ms = 300000, .unreachable_ms = 120000 };
    char room[WATCH_MEMORY_SIZE];
    json_limits_t json = { .depth_most = 3, .values_most = 30 };
    watch_decision_t decision = watch_decide (memory, facts, &limits, 1795356000000);
    if (!json_is_object (watch_memory_write (&decision.next, room), &json))
        abort ();
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    char *copy = malloc (size + 1);
    text_t body = TEXT_EMPTY;
    conversation_facts_t facts;
    watch_memory_t memory;
    posted_t posted;
    if (size > 0) {
        memcpy (copy, data, size);
        body = (text_t){ copy, size };
    }
    conversation_facts_read (&facts, body);
    s_check_id (facts.person);
    s_check_id (facts.user);
    s_check_id (facts.customer);
    if (facts.presence >= PRESENCES || !utf8_is_showable (text_of (facts.name))
        || !utf8_is_valid (text_of (facts.why)) || (facts.is_over &&
              facts.presence != PRESENCE_ENDED))
        abort ();
    watch_memory_read (&memory, body);
    s_check_decision (&memory, &facts);
    posted_read (&posted, body);
    s_check_id (posted.conversation);
    if (!utf8_is_showable (text_of (posted.id)))
        abort ();
    (void) json_time_read (body);
    free (copy);
    return 0;
}
