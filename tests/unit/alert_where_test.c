//  alert_where — each list of a rule's `where`, about what is known of a session.

#include "triggers/alert_where.h"

#include <criterion/criterion.h>
#include <stdlib.h>

//  Does the list with this one element hold?
static bool
s_holds (alert_where_t list, const char *element, const alert_scene_t *scene)
{
    text_t item = text_of (element);
    json_texts_t texts = { &item, 1 };
    app_alert_t rule = { .name = TEXT ("r") };
    json_texts_t *lists[] = { &rule.where.keywords, &rule.where.languages, &rule.where.pages,
                              &rule.where.groups };
    *lists[list] = texts;
    rule.keywords =
        alert_keywords_new (rule.where.keywords.items, rule.where.keywords.count);
    bool holds = alert_where_holds (&rule, list, scene);
    for (int other = 0; other < ALERT_WHERES; other++)
        cr_expect (other == (int) list || alert_where_holds (&rule, (alert_where_t) other, scene));
    alert_keywords_destroy (&rule.keywords);
    return holds;
}

Test (alert_where, pages)
{
    alert_scene_t scene = { .page = TEXT ("https://shop.example/cart/1"),
                            .language = TEXT_EMPTY };
    cr_expect (s_holds (ALERT_WHERE_PAGES, "/", &scene));
    cr_expect (s_holds (ALERT_WHERE_PAGES, "/cart", &scene));
    cr_expect (s_holds (ALERT_WHERE_PAGES, "https://shop", &scene));
    cr_expect_not (s_holds (ALERT_WHERE_PAGES, "/cart/2", &scene));
    cr_expect_not (s_holds (ALERT_WHERE_PAGES, "http://shop", &scene));
    scene.page = TEXT ("https://shop.example");
    cr_expect (s_holds (ALERT_WHERE_PAGES, "/", &scene));
    scene.page = TEXT_EMPTY;
    cr_expect_not (s_holds (ALERT_WHERE_PAGES, "/", &scene));
}

Test (alert_where, languages)
{
    alert_scene_t scene = { .page = TEXT_EMPTY, .language = TEXT ("de-AT") };
    cr_expect (s_holds (ALERT_WHERE_LANGUAGES, "de", &scene));
    cr_expect (s_holds (ALERT_WHERE_LANGUAGES, "DE-at", &scene));
    cr_expect_not (s_holds (ALERT_WHERE_LANGUAGES, "de-CH", &scene));
    cr_expect_not (s_holds (ALERT_WHERE_LANGUAGES, "en", &scene));
    scene.language = TEXT_EMPTY;
    cr_expect_not (s_holds (ALERT_WHERE_LANGUAGES, "de", &scene));
}

Test (alert_where, keywords)
{
    alert_scene_t scene = { .page = TEXT_EMPTY, .language = TEXT_EMPTY };
    cr_expect (s_holds (ALERT_WHERE_KEYWORDS, "refund", &scene)); //  they are not looked at
    char *words = alert_folded (TEXT ("A REFUND, please"));
    scene.words = words;
    cr_expect (s_holds (ALERT_WHERE_KEYWORDS, "refund", &scene));
    cr_expect_not (s_holds (ALERT_WHERE_KEYWORDS, "fund", &scene));
    scene.words = "";
    cr_expect_not (s_holds (ALERT_WHERE_KEYWORDS, "refund", &scene));
    free (words);
}

Test (alert_where, groups)
{
    const text_t asked[] = { TEXT ("sales"), TEXT ("support") };
    alert_scene_t scene = {
        .page = TEXT_EMPTY, .language = TEXT_EMPTY, .groups = asked, .group_count = 2
    };
    cr_expect (s_holds (ALERT_WHERE_GROUPS, "support", &scene));
    cr_expect_not (s_holds (ALERT_WHERE_GROUPS, "legal", &scene));
    scene.group_count = 0;
    cr_expect_not (s_holds (ALERT_WHERE_GROUPS, "support", &scene));
}
