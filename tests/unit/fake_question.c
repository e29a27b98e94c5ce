#include "fake_question.h"

//  The seq up to which an entry answers: a bot answers what it was asked.
static uint64_t
s_answers_up_to (const stored_entry_t *entry, const stored_work_t *asked, size_t asked_count)
{
    static const char answer[] = ":answer:";
    size_t size = sizeof answer - 1;
    text_t id = entry->message_id;
    if (entry->role != ROLE_BOT || id.size < size || memcmp (id.data, answer, size) != 0)
        return entry->seq;
    text_t item = { id.data + size, id.size - size };
    for (size_t at = 0; at < asked_count; at++)
        if (text_is (asked[at].item, item) && asked[at].seq < entry->seq)
            return asked[at].seq;
    return entry->seq;
}

const stored_entry_t *
fake_question (const stored_entry_t *entries, size_t count, const stored_work_t *asked,
               size_t asked_count)
{
    const stored_entry_t *question = NULL, *answer = NULL;
    for (size_t at = count; at > 0; at--) {
        const stored_entry_t *entry = &entries[at - 1];
        bool is_said = entry->event == EVENT_NEW_MESSAGE || entry->event == EVENT_FAILURE;
        bool is_notice = entry->role == ROLE_BOT && text_is (entry->user, TEXT ("notice"));
        bool is_visitors = entry->role == ROLE_VISITOR;
        if (!is_said || (is_visitors && entry->hidden) || is_notice || entry->role == ROLE_API)
            continue;
        if (is_visitors && !question)
            question = entry;
        else if (!is_visitors && !answer)
            answer = entry;
    }
    bool is_answered =
        question && answer && question->seq <= s_answers_up_to (answer, asked, asked_count);
    return is_answered ? NULL : question;
}
