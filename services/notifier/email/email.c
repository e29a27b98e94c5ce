#include "email/email.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash_table.h"
#include "base/list.h"
#include "base/loop_timer.h"
#include "base/metrics.h"
#include "channels/delivery.h"
#include "email/mail_account.h"
#include "email/mail_header.h"
#include "email/mail_outcome.h"
#include "email/mail_try.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define TRANSFERS_MOST 4 //  of an app at once
#define INJECTED_MOST 3  //  tries

enum { SENDING, WAITING, DUPLICATES, ENDED_FIRST, COUNTS = ENDED_FIRST + MAIL_OUTCOMES };

static int64_t s_counts[COUNTS];
static const metric_row_t s_rows[COUNTS] = {
    [SENDING] = { "notifier_mails_sending", NULL, GAUGE, "mails that are being sent" },
    [WAITING] = { "notifier_mails_waiting", NULL, GAUGE,
                  "mails that wait for another one of their app" },
    [DUPLICATES] = { "notifier_mails_possibly_twice_total", NULL, COUNTER,
                     "mails that were sent although a try before may have delivered them" },
    [ENDED_FIRST + MAIL_SENT] = { "notifier_mails_total", "result=\"sent\"", COUNTER,
                                  "tries at mails, by what they came to" },
#define FAILURE(NAME, label, class, destination, effect, words)                                  \
    [ENDED_FIRST + MAIL_##NAME] = { "notifier_mails_total", "result=\"" label "\"", COUNTER,     \
                                    "tries at mails, by what they came to" },
#include "email/mail_failures.def"
#undef FAILURE
};

static histogram_t s_time = { .name = "notifier_mail_seconds",
                              .help = "time that a try at a mail took, failures too" };

typedef struct {
    const channel_means_t *means;
    retry_policy_t policy;
    struct server *servers; //  by app
} email_t;

//  An app's mail server, as this process sees it; kept until the channel is closed.
typedef struct server {
    UT_hash_handle hh;
    list_t waiting;       //  of attempt_t
    unsigned sending;
    unsigned refused;     //  logins in a row
    loop_timer_t *next;   //  one that was cancelled has made room
    char app[];
} server_t;

//  One attempt, in the item's memory.
typedef struct {
    email_t *email;
    server_t *server;
    delivery_t delivery;
    list_t link; //  in `waiting`
    smtp_transfer_t *transfer; //  NULL: it waits
    loop_timer_t *limit;       //  of the wait; NULL: it is being sent
    uint64_t began_ms;
} attempt_t;

bool
email_name_is_good (const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    return strspn (name, allowed) == strlen (name) && strlen (name) < MAIL_NAME_SIZE;
}

// ------------------------------------------------------------------------------------------------
//  Reports

//  The words of the last reply. Of a refused login not even these: servers may repeat in them what
//  they were given.
static const char *
s_said (mail_outcome_t outcome, const smtp_end_t *end)
{
    if (mail_outcome_is_of_connection (outcome))
        return end->error;
    bool is_of_login = outcome == MAIL_LOGIN_REFUSED || outcome == MAIL_LOGIN_LATER;
    return is_of_login || strlen (end->replies.text) < 4 ? "" : end->replies.text + 4;
}

static void
s_fail (attempt_t *self, mail_outcome_t outcome, const smtp_end_t *end)
{
    delivery_t *delivery = &self->delivery;
    delivery_failure_t failure = mail_outcomes[outcome];
    unsigned tries = worker_item_view (delivery->item)->tries - delivery->memory.waited;
    if (outcome == MAIL_INJECTED && tries >= INJECTED_MOST)
        failure.class = RETRY_FINAL;
    bool is_of_connection = mail_outcome_is_of_connection (outcome);
    delivery_fail (delivery, &failure,
                   &(delivery_end_t){ .status = is_of_connection ? 0 : end->replies.code,
                                      .said = s_said (outcome, end),
                                      .refused = &self->server->refused });
}

static void
s_succeed (attempt_t *self, const smtp_end_t *end)
{
    char detail[DELIVERY_DETAIL_SIZE];
    bool is_unsure = delivery_unsure (&self->delivery) > 0;
    self->server->refused = 0;
    s_counts[DUPLICATES] += is_unsure;
    snprintf (detail, sizeof detail, "%ssent: %s", is_unsure ? "possible duplicate, " : "",
              end->replies.text);
    delivery_succeed (&self->delivery, end->replies.code, detail);
}

// ------------------------------------------------------------------------------------------------
//  Sending

static void s_send_next (server_t *server);

static void
s_ended (void *owner, const smtp_end_t *end)
{
    attempt_t *self = owner;
    server_t *server = self->server;
    mail_outcome_t outcome = mail_outcome_of (end->result, &end->replies);
    self->transfer = NULL;
    server->sending--;
    s_counts[SENDING]--;
    s_counts[ENDED_FIRST + outcome]++;
    histogram_add (&s_time, (clock_mono_ms () - self->began_ms) * 1000);
    if (outcome == MAIL_SENT)
        s_succeed (self, end);
    else
        s_fail (self, outcome, end);
    s_send_next (server);
}

//  Returns NULL, or why it cannot be sent; `passes`: just now.
static const char *
s_make (attempt_t *self, const app_t *app, const alert_item_t *alert, uint64_t timeout_ms,
        bool *passes)
{
    const channel_means_t *means = self->email->means;
    smtp_request_t request;
    char name[MAIL_NAME_SIZE];
    mail_t mail;
    const char *why = mail_account_request (app, means, &request, name);
    if (why)
        return why;
    if (!mail_address_is_good (alert->address))
        return "the person's address is none";
    mail_origin_t origin = { .item = worker_item_view (self->delivery.item)->work.item,
                             .from = app->email.from,
                             .from_name = app->email.from_name,
                             .now_ms = clock_wall_ms () };
    if (mail_write (&mail, &origin, alert) != 0)
        return "the mail is too large";
    request.to = alert->address;
    request.mail = &mail;
    request.timeout_ms = timeout_ms;
    smtp_begin_t begin =
        smtp_transfer_new (&self->transfer, means->loop, &request, s_ended, self);
    mail_free (&mail);
    *passes = begin == SMTP_NO_THREAD;
    return begin == SMTP_BEGUN    ? NULL
           : begin == SMTP_NO_URL ? "the mail server's URL is none"
                                  : "there is no thread to send it just now";
}

static void
s_send (attempt_t *self, uint64_t waited_ms)
{
    const worker_item_view_t *view = worker_item_view (self->delivery.item);
    const app_t *app = apps_find (self->email->means->apps, view->work.app);
    alert_item_t alert;
    loop_timer_destroy (&self->limit);
    if (!app || !app->email.is_there) {
        delivery_lacks (&self->delivery, app ? "the app has no section \"email\" here"
                                             : "there is no such app here");
        return;
    }
    if (alert_item_read (&alert, view->work.body) != 0) {
        delivery_give_up (&self->delivery, "the item cannot be read");
        return;
    }
    self->began_ms = clock_mono_ms ();
    bool passes = false;
    const char *why =
        s_make (self, app, &alert, delivery_left_ms (self->email->means->try_ms, waited_ms),
                &passes);
    alert_item_free (&alert);
    if (passes)
        delivery_send_back (&self->delivery, self->email->policy.delays_ms[0], why);
    else if (why)
        delivery_give_up (&self->delivery, why);
    if (why)
        return;
    self->server->sending++;
    s_counts[SENDING]++;
}

static void
s_unqueue (attempt_t *self)
{
    list_remove (&self->link);
    s_counts[WAITING]--;
}

//  Behind a refused login the others do not knock as well.
static void
s_send_next (server_t *server)
{
    list_t *first;
    while (server->sending < TRANSFERS_MOST && (first = list_first (&server->waiting))) {
        attempt_t *next = LIST_THING (first, attempt_t, link);
        s_unqueue (next);
        if (server->refused > 0) {
            loop_timer_destroy (&next->limit);
            delivery_send_back (&next->delivery, DELIVERY_REFUSED_PAUSE_MS,
                                "the server has refused the login before");
        } else
            s_send (next, clock_mono_ms () - next->began_ms);
    }
}

//  The others of its app take their time.
static void
s_waited_long (void *owner)
{
    attempt_t *self = owner;
    s_unqueue (self);
    loop_timer_destroy (&self->limit);
    delivery_send_back (&self->delivery, self->email->policy.delays_ms[0],
                        "other mails of the app took all the time");
}

//  Half of the time is left for the try itself.
static void
s_wait (attempt_t *self)
{
    const channel_means_t *means = self->email->means;
    list_append (&self->server->waiting, &self->link);
    s_counts[WAITING]++;
    self->limit = loop_timer_new (means->loop, s_waited_long, self);
    loop_timer_start_ms (self->limit, means->try_ms / 2, 0);
}

// ------------------------------------------------------------------------------------------------
//  The channel

static void
s_room (void *server)
{
    s_send_next (server);
}

static server_t *
s_server (email_t *self, text_t app)
{
    server_t *server;
    HASH_FIND (hh, self->servers, app.data, app.size, server);
    if (server)
        return server;
    server = alloc_zeroed (sizeof *server + app.size + 1);
    memcpy (server->app, app.data, app.size);
    list_init (&server->waiting);
    server->next = loop_timer_new (self->means->loop, s_room, server);
    HASH_ADD_KEYPTR (hh, self->servers, server->app, app.size, server);
    return server;
}

static void
s_start (void *of_channel, worker_item_t *item)
{
    email_t *email = of_channel;
    const worker_item_view_t *view = worker_item_view (item);
    attempt_t *self = view->attempt;
    *self = (attempt_t){ .email = email,
                         .server = s_server (email, view->work.app),
                         .began_ms = clock_mono_ms () };
    list_init (&self->link);
    delivery_begin (&self->delivery, item, &email->policy);
    if (view->work.suppressed)
        delivery_give_up (&self->delivery, "the address wants no more mail");
    else if (delivery_unsure (&self->delivery) >= DELIVERY_UNSURE_MOST)
        delivery_give_up (&self->delivery, "it may have been sent twice, and is not tried again");
    else if (self->server->sending >= TRANSFERS_MOST)
        s_wait (self);
    else
        s_send (self, 0);
}

static void
s_cancel (void *of_channel, worker_item_t *item)
{
    (void) of_channel;
    attempt_t *self = worker_item_view (item)->attempt;
    if (self->limit) {
        s_unqueue (self);
        loop_timer_destroy (&self->limit);
        return;
    }
    smtp_transfer_cancel (&self->transfer);
    self->server->sending--;
    s_counts[SENDING]--;
    //  Not now: the next one may be cancelled as well.
    loop_timer_start_within_ms (self->server->next, 0);
}

//  A mail that is under way may arrive.
static void
s_remember (void *of_channel, worker_item_t *item, worker_report_t *report)
{
    (void) of_channel;
    attempt_t *self = worker_item_view (item)->attempt;
    delivery_remember (&self->delivery, self->transfer != NULL, report);
}

static void *
s_open (const channel_means_t *means)
{
    email_t *self = alloc_zeroed (sizeof *self);
    self->means = means;
    self->policy = schedule_policy (&means->alerts, DELIVERY_UNSURE_MOST);
    metrics_register (s_rows, s_counts, COUNTS);
    histogram_register (&s_time);
    return self;
}

static void
s_close (void **self_p)
{
    email_t *self = *self_p;
    *self_p = NULL;
    server_t *server, *next;
    HASH_ITER (hh, self->servers, server, next) {
        assert (server->sending == 0 && list_is_empty (&server->waiting));
        HASH_DEL (self->servers, server);
        loop_timer_destroy (&server->next);
        free (server);
    }
    free (self);
}

const channel_t email_channel = { .topic = "notify.email",
                                  .attempt_size = sizeof (attempt_t),
                                  .open = s_open,
                                  .close = s_close,
                                  .start = s_start,
                                  .cancel = s_cancel,
                                  .remember = s_remember,
                                  .name = "email",
                                  .send_test = mail_try };
