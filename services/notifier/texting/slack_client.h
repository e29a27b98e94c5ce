//  slack_client — which client asks a URL of Slack. A webhook's is a secret that an app names: in
//  clear it is asked by the guarded one, and only the networks of OUT_ALLOWED_NETWORKS see it.

#ifndef SLACK_CLIENT_H
#define SLACK_CLIENT_H

#include "channels/channel.h"

http_client_t *slack_client (const channel_means_t *means, bool is_webhook, const char *url);

#endif
