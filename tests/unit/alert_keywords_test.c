//  alert_keywords — which words stand in what a visitor says.

#include "alerts/alert_keywords.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static bool
s_has (const char *word, const char *said)
{
    text_t words[] = { TEXT ("nothing of it"), text_of (word) };
    alert_keywords_t *keywords = alert_keywords_new (words, 2);
    char *folded = alert_folded (text_of (said));
    bool has = alert_keywords_match (keywords, folded);
    free (folded);
    alert_keywords_destroy (&keywords);
    return has;
}

Test (alert_keywords, whole_words_whatever_the_case)
{
    cr_expect (s_has ("refund", "refund"));
    cr_expect (s_has ("refund", "I want a REFUND!"));
    cr_expect (s_has ("refund", "no:refund,please"));
    cr_expect_not (s_has ("refund", "refunded"));
    cr_expect_not (s_has ("refund", "prerefund"));
    cr_expect (s_has ("refund", "refunded and refund"));
    cr_expect (s_has ("c++", "I know C++ well"));
    cr_expect (s_has ("24/7", "is it 24/7?"));
    cr_expect_not (s_has ("refund", ""));
    cr_expect_not (s_has ("refund", "ref und"));
}

Test (alert_keywords, phrases_and_spaces)
{
    cr_expect (s_has ("money back", "my  money\n\tback, now"));
    cr_expect (s_has (" money   back ", "my money back"));
    cr_expect_not (s_has ("money back", "money is back"));
    cr_expect_not (s_has (" ", "a b"));
}

Test (alert_keywords, letters_of_all_kinds)
{
    cr_expect (s_has ("KÜNDIGEN", "ich will kündigen."));
    cr_expect (s_has ("k\xc3\xbcndigen", "ku\xcc\x88ndigen")); //  composed or not
    cr_expect (s_has ("straße", "STRASSE"));
    cr_expect (s_has ("refund", "ｒｅｆｕｎｄ")); //  full width
    cr_expect (s_has ("ΤΈΛΟΣ", "τέλος"));
    cr_expect_not (s_has ("kündigen", "kündigens"));
    cr_expect (s_has ("返金", "すぐに返金してください"));
    cr_expect (s_has ("คืนเงิน", "ขอคืนเงินด้วย"));
    cr_expect_not (s_has ("возврат", "возврата"));
}

Test (alert_keywords, what_is_no_text)
{
    cr_expect_null (alert_keywords_new (NULL, 0));
    char *folded = alert_folded (TEXT ("\xff refund"));
    cr_expect_str_eq (folded, "");
    free (folded);
}
