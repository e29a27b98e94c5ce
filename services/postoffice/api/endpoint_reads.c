#include "api/endpoint_reads.h"

#include "session/sessions.h"

#include <assert.h>
#include <stdio.h>

#define ITEM_MOST (6 * USER_ID_MAX + 200)

static const char *
s_protocol (const endpoint_t *endpoint)
{
    return endpoint->dialect == DIALECT_WIDGET ? "widget" : "rich";
}

static void
s_write (json_writer_t *json, const endpoint_t *endpoint)
{
    //  An edge's numbers are its own: with the edge's identity they are the only ones.
    char id[48];
    snprintf (id, sizeof id, "%llx-%llu", (unsigned long long) endpoint->peer,
              (unsigned long long) endpoint->id);
    json_open_object (json, NULL);
    json_put_string (json, "connectionId", id);
    json_put_string (json, "role", role_name (endpoint->role));
    json_put_text (json, "userId", endpoint->user);
    json_put_string (json, "protocol", s_protocol (endpoint));
    json_close_object (json);
}

//  A visitor is shown its own.
static void
s_answer (const api_call_t *call, const session_t *session)
{
    text_t only = call_only_visitor (call);
    buffer_t body;
    json_writer_t json;
    buffer_init (&body, (session->endpoint_count + 1) * ITEM_MOST);
    json_write_begin (&json, &body);
    json_open_object (&json, NULL);
    json_open_array (&json, "items");
    for (list_t *link = session->endpoints.next; link != &session->endpoints; link = link->next) {
        const endpoint_t *endpoint = LIST_THING (link, endpoint_t, in_session);
        if (only.size == 0 || endpoint_is_of (endpoint, ROLE_VISITOR, only))
            s_write (&json, endpoint);
    }
    json_close_array (&json);
    json_put_json (&json, "next", TEXT ("null"));
    json_put_json (&json, "prev", TEXT ("null"));
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    calls_answer (call->calls, call->number,
                  &(api_answer_t){ .status = 200, .body = buffer_text (&body) });
    buffer_free (&body);
}

//  The key has the asker's app in it. Of a session that is not in memory nobody is connected here;
//  whether there is one, and whether the asker may see it, the database knows.
void
endpoint_list (const api_call_t *call)
{
    session_t *session = sessions_find (calls_office (call->calls)->sessions, call->key);
    text_t only = call_only_visitor (call);
    if (session && session->endpoint_count > 0 && session->fold.exists) {
        if (only.size == 0 || text_is (session->fold.visitor, only))
            s_answer (call, session);
        else
            calls_refuse (call->calls, call->number, PROBLEM_NOT_FOUND, TEXT_EMPTY);
        return;
    }
    text_t parameters[] = { call->key, call->principal->app, only };
    call_read (call, READ_NO_ENDPOINTS, parameters, 3);
}
