#include "bot_probe.h"

#include <assert.h>
#include <stdio.h>

//  It says no more than its status: a page of some bytes may come along.
#define ANSWER_LIMIT 65536
#define TIMEOUT_MS 5000

typedef struct {
    worker_item_t *item;
    http_call_t call;
} probe_t;
static_assert (sizeof (probe_t) <= BOT_PROBE_SIZE, "fits into an attempt");

bool
bot_probe_is (const bus_work_t *work)
{
    return text_is (work->topic, TOPIC_BOT_HEALTH);
}

static void
s_end (worker_item_t *item, bool is_well, unsigned status, const char *detail)
{
    worker_item_done (item,
                      &(worker_report_t){ .outcome = is_well ? WORKER_ANSWERED : WORKER_DEAD,
                                          .status = status,
                                          .detail = text_of (detail) });
}

static void
s_on_answer (void *owner, http_call_t number, const http_answer_t *http)
{
    const probe_t *probe = owner;
    assert (probe->call == number);
    bool is_well =
        http->outcome == HTTP_ANSWERED && http->status >= 200 && http->status <= 299;
    char detail[200];
    snprintf (detail, sizeof detail, "health: status %ld%s%s", http->status,
              *http->error ? ", " : "", http->error);
    s_end (probe->item, is_well, (unsigned) http->status, detail);
}

void
bot_probe_start (http_client_t *http, const apps_t *apps, uint64_t timeout_ms,
                 worker_item_t *item)
{
    const worker_item_view_t *view = worker_item_view (item);
    const app_t *app = apps_find (apps, view->work.app);
    text_t url = app ? app->switchboard.failure.health_url : TEXT_EMPTY;
    if (url.size == 0) {
        s_end (item, false, 0, "health: the app has no healthUrl here");
        return;
    }
    probe_t *probe = view->attempt;
    *probe = (probe_t){ .item = item };
    http_request_t request = { .method = "GET",
                               .url = url.data,
                               .timeout_ms = timeout_ms < TIMEOUT_MS ? timeout_ms : TIMEOUT_MS,
                               .answer_limit = ANSWER_LIMIT };
    probe->call = http_client_send (http, &request, s_on_answer, probe);
    if (!probe->call)
        s_end (item, false, 0, "health: no call can be made");
}

void
bot_probe_cancel (http_client_t *http, worker_item_t *item)
{
    const probe_t *probe = worker_item_view (item)->attempt;
    http_client_cancel (http, probe->call);
}
