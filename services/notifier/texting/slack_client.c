#include "texting/slack_client.h"

#include <strings.h>

http_client_t *
slack_client (const channel_means_t *means, bool is_webhook, const char *url)
{
    bool is_clear = is_webhook && strncasecmp (url, "http:", 5) == 0;
    return is_clear ? means->guarded : means->http;
}
