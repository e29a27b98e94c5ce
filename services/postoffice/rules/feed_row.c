#include "rules/feed_row.h"

#include "json/json_write.h"
#include "model/session_key.h"


//  0: not known, and left out.
static void
s_put_time (json_writer_t *json, const char *name, uint64_t time_ms)
{
    if (time_ms > 0)
        json_put_time (json, name, time_ms);
}

static void
s_put_who (json_writer_t *json, const char *name, uint64_t role, text_t user)
{
    json_open_object (json, name);
    json_put_string (json, "role", role_name (role));
    json_put_text_if (json, "userId", user);
}

static void
s_put_participants (json_writer_t *json, const fold_t *fold)
{
    uint64_t present = 0;
    json_open_array (json, "participants");
    for (list_t *link = fold->participants.next; link != &fold->participants; link = link->next) {
        const participant_t *participant = LIST_THING (link, participant_t, in_fold);
        if (!participant->present || ++present > FEED_PARTICIPANTS_MOST)
            continue;
        s_put_who (json, NULL, participant->role, participant->user);
        json_put_bool (json, "present", true);
        json_close_object (json);
    }
    json_close_array (json);
    json_put_number (json, "presentCount", present);
}

int
feed_row_write (const fold_t *fold, buffer_t *to)
{
    json_writer_t json;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_text (&json, "sessionId", session_key_id (fold->session));
    json_put_text (&json, "appId", fold->app);
    json_put_text (&json, "visitor", fold->visitor);
    s_put_time (&json, "createdAt", fold->created_ms);
    json_put_string (&json, "state", fold->is_closed ? "closed" : "open");
    if (fold->is_closed)
        s_put_time (&json, "closedAt", fold->closed_ms);
    else
        json_put_json (&json, "closedAt", TEXT ("null"));
    json_put_number (&json, "lastSeq", fold->last_seq);
    s_put_time (&json, "lastAt", fold->stored_ms);
    s_put_time (&json, "lastActivity", fold->activity_ms);
    s_put_who (&json, "control", fold->control_role, fold->control_user);
    json_close_object (&json);
    json_put_bool (&json, "waiting", fold->unanswered != NULL);
    s_put_participants (&json, fold);
    json_close_object (&json);
    return json_write_end (&json);
}
