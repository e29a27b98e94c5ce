#include "tables/handover_counts.h"

#include "base/metrics.h"
#include "model/model.h"

static const metric_row_t s_rows[] = {
#define OFFER_END(word)                                                                          \
    { "postoffice_offers_ended_total", "result=\"" word "\"", COUNTER,                           \
      "ends of offers of visitors to somebody" },
#define GIVE_BACK(word)                                                                          \
    { "postoffice_give_backs_total", "why=\"" word "\"", COUNTER,                                \
      "times that an agent or platform stopped answering a visitor" },
#include "tables/handover_counts.def"
#undef OFFER_END
#undef GIVE_BACK
};
#define ROWS (sizeof s_rows / sizeof *s_rows)

static const struct {
    event_t event;
    text_t word;
} s_words[ROWS] = {
#define OFFER_END(word) { EVENT_OFFER_ENDED, { word, sizeof word - 1 } },
#define GIVE_BACK(word) { EVENT_BARGE_OUT, { word, sizeof word - 1 } },
#include "tables/handover_counts.def"
#undef OFFER_END
#undef GIVE_BACK
};

static int64_t s_counts[ROWS];

static const metric_row_t s_silence_row = { "postoffice_unanswered_seconds_total", NULL, COUNTER,
                                            "seconds that visitors waited while nobody answered, "
                                            "neither bot nor person" };
static int64_t s_silence;
static uint64_t s_silence_us; //  not yet a second

static histogram_t s_first_person = {
    .name = "postoffice_person_after_seconds",
    .help = "how long visitors had waited when a person or platform began to answer",
};

void
handover_counts_register (void)
{
    metrics_register (s_rows, s_counts, ROWS);
    metrics_register (&s_silence_row, &s_silence, 1);
    histogram_register (&s_first_person);
}

//  {"why":"asked"…
static text_t
s_why (text_t data)
{
    static const text_t before = { "{\"why\":\"", sizeof "{\"why\":\"" - 1 };
    if (data.size < before.size || memcmp (data.data, before.data, before.size) != 0)
        return TEXT_EMPTY;
    text_t why = { data.data + before.size, data.size - before.size };
    const char *end = memchr (why.data, '"', why.size);
    why.size = end ? (size_t) (end - why.data) : 0;
    return why;
}

void
handover_counts_entry (uint64_t event, text_t data)
{
    if (event != EVENT_OFFER_ENDED && event != EVENT_BARGE_OUT)
        return;
    text_t why = s_why (data);
    if (text_is (why, TEXT ("left")))
        return; //  a person of a platform, which keeps control
    size_t other = ROWS;
    for (size_t at = 0; at < ROWS; at++) {
        if (s_words[at].event != event)
            continue;
        other = at; //  the last one of its kind
        if (text_is (s_words[at].word, why))
            break;
    }
    s_counts[other]++;
}

void
handover_counts_waited (uint64_t waited_us, bool by_person)
{
    s_silence_us += waited_us;
    s_silence += (int64_t) (s_silence_us / 1000000);
    s_silence_us %= 1000000;
    if (by_person)
        histogram_add (&s_first_person, waited_us);
}
