#include "session/session.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "model/session_key.h"
#include "tables/postoffice_metrics.h"

#include <stdlib.h>

session_t *
session_new (postoffice_context_t *office, text_t key)
{
    session_t *self = alloc_packed (sizeof *self, &key, 1);
    self->office = office;
    self->key = key;
    fold_init (&self->fold, key, self);
    list_init (&self->pending);
    list_init (&self->idle);
    list_init (&self->changed);
    list_init (&self->queue);
    list_init (&self->endpoints);
    metric_add (POSTOFFICE_SESSIONS, 1);
    return self;
}

void
session_destroy (session_t **self_p)
{
    session_t *self = *self_p;
    if (!self)
        return;
    list_t *link;
    while ((link = list_first (&self->queue))) {
        operation_t *operation = LIST_THING (link, operation_t, place);
        operation_destroy (&operation);
    }
    while ((link = list_first (&self->endpoints))) {
        endpoint_t *endpoint = LIST_THING (link, endpoint_t, in_session);
        endpoint_destroy (&endpoint);
    }
    //  The fold's turns stand in the workers' lists, and are destroyed with it.
    list_t *turns = &self->fold.turns;
    for (link = turns->next; link != turns; link = link->next)
        workers_forget (self->office->workers, LIST_THING (link, turn_t, in_fold), false);
    changeset_destroy (&self->changeset);
    fold_free (&self->fold);
    recent_ids_free (&self->former);
    list_remove (&self->pending);
    list_remove (&self->idle);
    list_remove (&self->changed);
    session_set_host (self, false);
    free (self);
    *self_p = NULL;
    metric_add (POSTOFFICE_SESSIONS, -1);
}

void
session_set_host (session_t *self, bool is_host)
{
    if (is_host == (self->host_since_us != 0))
        return;
    self->host_since_us = is_host ? clock_mono_us () : 0;
    metric_add (POSTOFFICE_HOSTED, is_host ? 1 : -1);
}

//  NULL when the app is not there any more. By the key, as a session that is being opened has no
//  app yet; an empty id would ask for the default app.
static const app_t *
s_app (const session_t *self)
{
    text_t id = session_key_app (self->key);
    return id.size > 0 ? apps_find (self->office->apps, id) : NULL;
}

bool
session_has_bot (const session_t *self)
{
    const app_t *app = s_app (self);
    return !app || app->bot.is_there;
}

text_t
session_bot_sender (const session_t *self)
{
    const app_t *app = s_app (self);
    return app ? app->bot.sender : APP_ANY_BOT_SENDER;
}

bool
session_is_idle (const session_t *self)
{
    const list_t *participants = &self->fold.participants;
    for (const list_t *link = participants->next; link != participants; link = link->next)
        if (!list_is_empty (&LIST_THING (link, participant_t, in_fold)->absent))
            return false; //  is awaited
    return (self->state == SESSION_UNKNOWN || self->state == SESSION_READY)
           && self->queue_count == 0 && self->endpoint_count == 0 && self->reads == 0
           && !self->changeset && self->fold.turn_count == 0;
}

endpoint_t *
session_endpoint (const session_t *self, peer_t peer, uint64_t id)
{
    const list_t *endpoints = &self->endpoints;
    for (list_t *link = endpoints->next; link != endpoints; link = link->next) {
        endpoint_t *endpoint = LIST_THING (link, endpoint_t, in_session);
        if (endpoint->peer == peer && endpoint->id == id)
            return endpoint;
    }
    return NULL;
}

bool
session_has_other_endpoint (const session_t *self, uint64_t role, text_t user,
                            const endpoint_t *but)
{
    const list_t *endpoints = &self->endpoints;
    for (list_t *link = endpoints->next; link != endpoints; link = link->next) {
        const endpoint_t *endpoint = LIST_THING (link, endpoint_t, in_session);
        if (endpoint != but && endpoint_is_of (endpoint, role, user))
            return true;
    }
    return false;
}
