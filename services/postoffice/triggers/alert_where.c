#include "triggers/alert_where.h"

#include <strings.h>

const char *const alert_where_names[ALERT_WHERES] = {
    [ALERT_WHERE_KEYWORDS] = "keywords",
    [ALERT_WHERE_LANGUAGES] = "languages",
    [ALERT_WHERE_PAGES] = "pages",
    [ALERT_WHERE_GROUPS] = "groups",
};

static bool
s_begins (text_t text, text_t with)
{
    return text.size >= with.size && memcmp (text.data, with.data, with.size) == 0;
}

//  The path of a URL: what stands behind its host.
static text_t
s_path (text_t url)
{
    const char *host = memmem (url.data, url.size, "://", 3);
    const char *rest = host ? host + 3 : url.data;
    const char *path = memchr (rest, '/', url.size - (size_t) (rest - url.data));
    return path ? (text_t){ path, url.size - (size_t) (path - url.data) } : TEXT ("/");
}

static bool
s_is_page (text_t page, const json_texts_t *pages)
{
    bool is_one = pages->count == 0;
    for (size_t at = 0; at < pages->count && page.size > 0 && !is_one; at++) {
        bool is_path = *pages->items[at].data == '/';
        is_one = s_begins (is_path ? s_path (page) : page, pages->items[at]);
    }
    return is_one;
}

static bool
s_is_language (text_t language, const json_texts_t *languages)
{
    bool is_one = languages->count == 0;
    for (size_t at = 0; at < languages->count && !is_one; at++) {
        text_t wanted = languages->items[at];
        is_one = language.size >= wanted.size
                 && strncasecmp (language.data, wanted.data, wanted.size) == 0
                 && (language.size == wanted.size || language.data[wanted.size] == '-');
    }
    return is_one;
}

static bool
s_is_group (const alert_scene_t *scene, const json_texts_t *groups)
{
    bool is_one = groups->count == 0;
    for (size_t at = 0; at < groups->count && !is_one; at++)
        for (size_t asked = 0; asked < scene->group_count; asked++)
            is_one = is_one || text_is (groups->items[at], scene->groups[asked]);
    return is_one;
}

bool
alert_where_holds (const app_alert_t *rule, alert_where_t list, const alert_scene_t *scene)
{
    switch (list) {
    case ALERT_WHERE_KEYWORDS:
        return !rule->keywords || !scene->words
               || alert_keywords_match (rule->keywords, scene->words);
    case ALERT_WHERE_LANGUAGES:
        return s_is_language (scene->language, &rule->where.languages);
    case ALERT_WHERE_PAGES:
        return s_is_page (scene->page, &rule->where.pages);
    default:
        return s_is_group (scene, &rule->where.groups);
    }
}
