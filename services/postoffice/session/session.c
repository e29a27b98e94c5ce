#include "session/session.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "model/offer.h"
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

//  By the key, as a session that is being opened has no app yet; an empty id would ask for the
//  default app.
const app_t *
session_app (const session_t *self)
{
    text_t id = session_key_app (self->key);
    return id.size > 0 ? apps_find (self->office->apps, id) : NULL;
}

//  As long as an app has no such section, a bot that asks is only shown, and what nobody has
//  answered is asked of it again.
static handover_rules_t
s_handover (const app_switchboard_t *said)
{
    return (handover_rules_t){ .handoff = said->handoff.items,
                               .handoff_count = said->handoff.count < OFFER_TARGETS_MOST
                                                    ? said->handoff.count
                                                    : OFFER_TARGETS_MOST,
                               .offer_ms = said->offer_s * 1000,
                               .wait_ms = said->wait_s * 1000,
                               .silence_ms = said->silence_s * 1000,
                               .quiet_ms = (said->quiet_s ? said->quiet_s : APP_QUIET_S) * 1000,
                               .away_after_missed = said->away_after_missed,
                               .gives_event = text_is (said->give_back, TEXT ("event")),
                               .sends_out = text_is (said->after_pass, TEXT ("out")),
                               .nobody_text = said->nobody_text };
}

//  An app that is not there any more may have had a bot.
switchboard_t
session_switchboard (session_t *self)
{
    const app_t *app = session_app (self);
    switchboard_t switchboard = { .rules = &self->office->rules,
                                  .fold = &self->fold,
                                  .changeset = self->changeset,
                                  .app = app,
                                  .has_bot = !app || app->bot.is_there,
                                  .bot_sender = app ? app->bot.sender : APP_ANY_BOT_SENDER,
                                  .failure = app ? &app->switchboard.failure
                                                 : &app_failure_usual,
                                  .handover = { .nobody_text = TEXT_EMPTY } };
    if (app)
        switchboard.handover = s_handover (&app->switchboard);
    return switchboard;
}

text_t
session_bot_sender (const session_t *self)
{
    const app_t *app = session_app (self);
    return app ? app->bot.sender : APP_ANY_BOT_SENDER;
}

const app_failure_t *
session_bot_failure (const session_t *self)
{
    const app_t *app = session_app (self);
    return app ? &app->switchboard.failure : &app_failure_usual;
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
