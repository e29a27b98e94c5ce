#include "client/door.h"

close_reason_t
door_ask (const door_t *self, const client_url_t *url, principal_t *principal)
{
    const app_t *app = url->app_is_bad ? NULL : apps_find (self->apps, url->app);
    *principal = (principal_t){ .kind = url->admin ? ROLE_AGENT : ROLE_VISITOR,
                                .app = app ? app->id : TEXT_EMPTY,
                                .user = url->user,
                                .session = TEXT_EMPTY };
    close_reason_t reason = client_url_check (url);
    if (reason != CLOSE_CLIENT)
        return reason;
    if (!app)
        return CLOSE_UNKNOWN_APP;
    return url->admin && !self->demo_mode ? CLOSE_NOT_ALLOWED : CLOSE_CLIENT;
}
