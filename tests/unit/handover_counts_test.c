//  handover_counts — what the words of entries count for, and seconds without anybody.

#include "base/buffer.h"
#include "base/metrics.h"
#include "model/model.h"
#include "tables/handover_counts.h"

#include <criterion/criterion.h>
#include <string.h>

static void
s_expect (const char *line)
{
    buffer_t page;
    buffer_init (&page, 1 << 20);
    cr_assert_eq (metrics_print (&page) + buffer_put (&page, "", 1), 0);
    cr_expect (strstr (page.data, line), "%s is not in\n%s", line, page.data);
    buffer_free (&page);
}

Test (handover_counts, ends_and_give_backs_by_their_words)
{
    handover_counts_register ();
    handover_counts_entry (EVENT_OFFER_ENDED, TEXT ("{\"why\":\"declined\",\"to\":\"agent:ann\"}"));
    handover_counts_entry (EVENT_OFFER_ENDED, TEXT ("{\"why\":\"accepted\"}"));
    handover_counts_entry (EVENT_OFFER_ENDED, TEXT ("{\"why\":\"accepted\"}"));
    handover_counts_entry (EVENT_OFFER_ENDED, TEXT ("{\"why\":\"asked\"}"));
    handover_counts_entry (EVENT_BARGE_OUT, TEXT ("{\"why\":\"asked\"}"));
    handover_counts_entry (EVENT_BARGE_OUT, TEXT ("{\"why\":\"because"));
    handover_counts_entry (EVENT_BARGE_OUT, TEXT_EMPTY);
    handover_counts_entry (EVENT_NEW_MESSAGE, TEXT ("{\"why\":\"asked\"}"));
    s_expect ("stentor_postoffice_offers_ended_total{result=\"declined\"} 1\n");
    s_expect ("stentor_postoffice_offers_ended_total{result=\"accepted\"} 2\n");
    s_expect ("stentor_postoffice_offers_ended_total{result=\"other\"} 1\n");
    s_expect ("stentor_postoffice_give_backs_total{why=\"asked\"} 1\n");
    s_expect ("stentor_postoffice_give_backs_total{why=\"other\"} 2\n");
    s_expect ("stentor_postoffice_give_backs_total{why=\"silent\"} 0\n");
}

Test (handover_counts, seconds_without_anybody)
{
    handover_counts_register ();
    handover_counts_waited (1600000, true);
    handover_counts_waited (1600000, false);
    s_expect ("stentor_postoffice_unanswered_seconds_total 3\n");
    s_expect ("stentor_postoffice_person_after_seconds_count 1\n");
}
