#include "process/production.h"

#include <strings.h>

static bool
s_is_https (const char *url)
{
    return strncasecmp (url, "https://", 8) == 0;
}

static bool
s_holds (const production_need_t *row, const void *config)
{
    const void *place = (const char *) config + row->offset;
    switch (row->kind) {
    case PRODUCTION_SET:
        return **(char *const *) place != '\0';
    case PRODUCTION_OFF:
        return !*(const bool *) place;
    case PRODUCTION_HTTPS:
        return **(char *const *) place == '\0' || s_is_https (*(char *const *) place);
    case PRODUCTION_ASK:
        break;
    }
    return row->holds (config);
}

const production_need_t *
production_unmet (const production_need_t *row, const void *config, buffer_t *complaint)
{
    while (row && row->setting && s_holds (row, config))
        row++;
    if (!row || !row->setting)
        return NULL;
    //  One that is too long for its buffer is cut, and still better than none.
    if (buffer_put_string (complaint, "PRODUCTION is on, so ") == 0
        && buffer_put_string (complaint, row->setting) == 0
        && buffer_put_string (complaint, " ") == 0)
        (void) !buffer_put_string (complaint, row->words);
    return row;
}
