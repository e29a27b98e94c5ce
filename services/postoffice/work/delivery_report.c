#include "work/delivery_report.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/utf8.h"
#include "bus/bus_limits.h"
#include "json/json_read.h"

#define DETAIL_MOST 1000
//  What a worker may ask for; the database has no time that is too far away.
#define AFTER_MOST_MS (366ull * 24 * 3600 * 1000)

text_t
delivery_report_storable (text_t text, size_t most)
{
    text.size = utf8_valid_size (text);
    const char *zero = text.size > 0 ? memchr (text.data, 0, text.size) : NULL;
    text.size = zero ? (size_t) (zero - text.data) : text.size;
    return utf8_cut (text, most);
}

//  It is handed to other workers, and shown to people: an object, or nothing.
static text_t
s_memory (text_t json, text_t item)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "memory of an item ignored");
    static const json_limits_t limits = { .depth_most = 8, .values_most = 100 };
    if (json.size == 0)
        return TEXT_EMPTY;
    bool is_object = json.size <= BUS_MEMORY_MOST && json_is_object (json, &limits);
    if (!is_object && log_limit_allows (&limit))
        log_warn ("memory of an item ignored", log_text ("item", item),
                  log_number ("size", (int64_t) json.size));
    return is_object ? json : TEXT_EMPTY;
}

static work_report_t *
s_new (const work_report_t *prototype)
{
    text_t texts[] = { prototype->detail, prototype->memory, prototype->lane_memory };
    work_report_t *self = alloc_packed (sizeof *self, texts, sizeof texts / sizeof *texts);
    *self = *prototype;
    self->detail = texts[0];
    self->memory = texts[1];
    self->lane_memory = texts[2];
    return self;
}

static uint64_t
s_after_ms (uint64_t said)
{
    return said < AFTER_MOST_MS ? said : AFTER_MOST_MS;
}

bool
delivery_report_is_good_late (const bus_done_t *done)
{
    return done->outcome == OUTCOME_ANSWERED && !work_is_watch (done->item);
}

//  Attempts that were counted as lost because their postoffice was, and went on in this one, were
//  not.
static int64_t
s_lost (const bus_done_t *done, uint64_t offers)
{
    int64_t others = offers > 1 ? (int64_t) offers - 1 : 0;
    return others - (int64_t) (done->again < done->attempt ? done->again : 0);
}

work_report_t *
delivery_report_of (const bus_done_t *done, uint64_t offers)
{
    bool is_retry = done->outcome == OUTCOME_RETRY;
    bool is_word = done->destination <= DESTINATION_DISABLED;
    return s_new (&(work_report_t){
        .state = done->outcome == OUTCOME_ANSWERED ? WORK_DONE : is_retry ? WORK_READY : WORK_DEAD,
        .after_ms = is_retry ? s_after_ms (done->after_ms) : 0,
        .status = work_number (done->status, WORK_STATUS_MOST),
        .took_ms = work_number (done->took_ms, WORK_TOOK_MOST_MS),
        .detail = delivery_report_storable (done->detail, DETAIL_MOST),
        .lost = s_lost (done, offers),
        .memory = s_memory (done->remember, done->item),
        .lane_memory = s_memory (done->remember_lane, done->item),
        .destination = is_word ? (destination_word_t) done->destination : DESTINATION_UNSAID,
        .pause_ms = s_after_ms (done->pause_ms),
        .suppresses = done->suppress > 0 });
}

work_report_t *
delivery_report_new (work_state_t state, uint64_t after_ms, int64_t lost, text_t detail)
{
    return s_new (&(work_report_t){
        .state = state, .after_ms = after_ms, .lost = lost, .detail = detail });
}
