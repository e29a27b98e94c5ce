#include "session/replies.h"

#include "tables/postoffice_metrics.h"
#include "base/log.h"

//  A peer that cannot be told is gone, and asks again on its next stream.
static void
s_send (postoffice_context_t *office, const operation_t *operation, const bus_record_t *record)
{
    if (bus_server_send (office->bus, operation->peer, record) != 0)
        log_debug ("answer not sent", log_string ("kind", bus_kind_name (record->kind)),
                   log_number ("peer", (int64_t) operation->peer));
}

//  Each verdict has a limit of its own: a client that is told "busy" a thousand times a second must
//  not hide that another one asks for what is not its own.
#define VERDICT(number, NAME, code, again, words)                                                  \
    [VERDICT_##NAME] = { .level = LOG_INFO, .event = "refused", .about = code },
static log_limit_t s_limits[VERDICT_COUNT] = {
#include "model/verdicts.def"
};
#undef VERDICT

//  Refusals are what an operator looks for when a client complains; the granted are counted only.
static void
s_note (const operation_t *operation, text_t session)
{
    verdict_t verdict = operation->verdict;
    postoffice_verdicts[verdict]++;
    if (verdict != VERDICT_OK && verdict != VERDICT_DUPLICATE
        && log_limit_allows (&s_limits[verdict]))
        log_info ("refused", log_text ("session", session),
                  log_string ("kind", bus_kind_name (operation->record.kind)),
                  log_string ("verdict", verdict_code (verdict)));
}

void
reply_attach (postoffice_context_t *office, const operation_t *operation, uint64_t last_seq)
{
    const bus_attach_t *attach = &operation->record.attach;
    s_note (operation, attach->session);
    bus_record_t record = { .kind = BUS_ATTACHED,
                            .attached = { .endpoint = attach->endpoint,
                                          .session = attach->session,
                                          .verdict = operation->verdict,
                                          .reason = attach->reason,
                                          .seq = last_seq } };
    s_send (office, operation, &record);
}

void
reply_post (postoffice_context_t *office, const operation_t *operation)
{
    const bus_post_t *post = &operation->record.post;
    s_note (operation, post->session);
    bus_record_t record = { .kind = BUS_POSTED,
                            .posted = { .request_id = post->request_id,
                                        .endpoint = post->endpoint,
                                        .session = post->session,
                                        .verdict = operation->verdict,
                                        .seq = operation->seq,
                                        .time_ms = operation->time_ms } };
    s_send (office, operation, &record);
}

//  A visitor asks as fast as it likes, and a bot that fails does so for each question.
static void
s_note_done (const operation_t *operation)
{
    static log_limit_t late = LOG_LIMIT (LOG_INFO, "late answer refused");
    static log_limit_t failed = LOG_LIMIT (LOG_WARN, "bot gave no answer");
    static log_limit_t foreign =
        LOG_LIMIT (LOG_WARN, "outcome of an item whose topic the worker does not subscribe to");
    const bus_done_t *done = &operation->record.done;
    if (operation->verdict == VERDICT_DUPLICATE) {
        metric_add (POSTOFFICE_LATE_ANSWERS, 1);
        if (log_limit_allows (&late))
            log_info ("late answer refused", log_text ("session", done->session),
                      log_text ("item", done->item),
                      log_number ("outcome", (int64_t) done->outcome));
    } else if (operation->verdict == VERDICT_NOT_ALLOWED) {
        if (log_limit_allows (&foreign))
            log_warn ("outcome of an item whose topic the worker does not subscribe to",
                      log_text ("session", done->session), log_text ("item", done->item),
                      log_string ("topics", operation->topics));
    } else {
        metric_add (POSTOFFICE_WORK_DONE, 1);
        if (done->outcome != OUTCOME_ANSWERED && log_limit_allows (&failed))
            log_warn ("bot gave no answer", log_text ("session", done->session),
                      log_text ("item", done->item),
                      log_number ("outcome", (int64_t) done->outcome));
    }
}

void
reply_done (postoffice_context_t *office, const operation_t *operation)
{
    const bus_done_t *done = &operation->record.done;
    s_note_done (operation);
    bus_record_t record = { .kind = BUS_SETTLED,
                            .settled = { .item = done->item, .session = done->session } };
    s_send (office, operation, &record);
}

void
reply_accepted_in_vain (postoffice_context_t *office, const operation_t *operation)
{
    const bus_accepted_t *accepted = &operation->record.accepted;
    bus_record_t record = { .kind = BUS_CANCEL,
                            .cancel = { .item = accepted->item, .session = accepted->session } };
    s_send (office, operation, &record);
}

void
reply_refused (postoffice_context_t *office, operation_t *operation, verdict_t verdict)
{
    operation->verdict = verdict;
    if (operation->kind == OPERATION_ATTACH)
        reply_attach (office, operation, 0);
    else if (operation->kind == OPERATION_POST)
        reply_post (office, operation);
}
