#include "work/paces.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>

#define MINUTE_MS 60000
#define SECOND_MS 1000
#define SLACK_GAP_MS 1000 //  messages to one channel, or webhook
//  Of what goes faster several go at once: takes are not more frequent.
#define TAKES_EVERY_MS 250
#define NAME_SIZE 80

struct paces {
    const apps_t *apps;
    uint64_t changes; //  of the apps, when the list was made
    work_paces_t list;
};

static uint64_t
s_email_gap (const app_t *app)
{
    return app && app->email.is_there && app->email.per_minute ? MINUTE_MS / app->email.per_minute
                                                               : SECOND_MS;
}

static uint64_t
s_sms_gap (const app_t *app)
{
    return app && app->sms.is_there && app->sms.per_second ? SECOND_MS / app->sms.per_second
                                                           : SECOND_MS;
}

static uint64_t
s_slack_gap (const app_t *app)
{
    (void) app;
    return SLACK_GAP_MS;
}

//  Behind a minute of rest a minute's mails may go at once.
static uint64_t
s_minute (uint64_t gap_ms)
{
    return MINUTE_MS - gap_ms;
}

static uint64_t
s_take (uint64_t gap_ms)
{
    return gap_ms < TAKES_EVERY_MS ? TAKES_EVERY_MS : 0;
}

static const struct {
    const char *kind; //  of its destinations' names
    uint64_t (*gap_ms) (const app_t *app); //  of NULL: the usual one
    uint64_t (*burst_ms) (uint64_t gap_ms);
    bool is_single;
} s_kinds[] = {
    { "email:", s_email_gap, s_minute, false },
    { "sms:", s_sms_gap, s_take, false },
    //  What reaches Slack late would come with the next one, by another notifier.
    { "slack:", s_slack_gap, s_take, true },
};

static void
s_add (paces_t *self, size_t kind, const app_t *app)
{
    char name[NAME_SIZE];
    uint64_t gap_ms = s_kinds[kind].gap_ms (app);
    snprintf (name, sizeof name, "%s%s", s_kinds[kind].kind, app ? app->id.data : "");
    work_paces_t *list = &self->list;
    list->rows = alloc_resized (list->rows, (list->count + 1) * sizeof *list->rows);
    list->rows[list->count++] = (work_pace_t){ .name = text_of (alloc_text (text_of (name))),
                                               .gap_ms = gap_ms,
                                               .burst_ms = s_kinds[kind].burst_ms (gap_ms),
                                               .is_single = s_kinds[kind].is_single };
}

static void
s_add_own (void *owner, const app_t *app)
{
    for (size_t kind = 0; kind < sizeof s_kinds / sizeof *s_kinds; kind++)
        if (s_kinds[kind].gap_ms (app) != s_kinds[kind].gap_ms (NULL))
            s_add (owner, kind, app);
}

static void
s_clear (paces_t *self)
{
    while (self->list.count > 0)
        free ((char *) (uintptr_t) self->list.rows[--self->list.count].name.data);
}

static void
s_make (paces_t *self)
{
    self->changes = self->apps ? apps_changes (self->apps) : 0;
    s_clear (self);
    for (size_t kind = 0; kind < sizeof s_kinds / sizeof *s_kinds; kind++)
        s_add (self, kind, NULL);
    if (self->apps)
        apps_each (self->apps, s_add_own, self);
}

paces_t *
paces_new (const apps_t *apps)
{
    paces_t *self = alloc_zeroed (sizeof *self);
    self->apps = apps;
    s_make (self);
    return self;
}

void
paces_destroy (paces_t **self_p)
{
    paces_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    s_clear (self);
    free (self->list.rows);
    free (self);
}

const work_paces_t *
paces_list (paces_t *self)
{
    if (self->apps && self->changes != apps_changes (self->apps))
        s_make (self);
    return &self->list;
}
