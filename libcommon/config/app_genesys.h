//  app_genesys — the section `genesys` of an app in apps.json: the organisation at Genesys Cloud
//  that its conversations are handed to (docs/genesys.md). The connector reads what it calls with,
//  the edge what webhooks are checked by; the postoffice nothing of it.

#ifndef APP_GENESYS_H
#define APP_GENESYS_H

#include "json/json_table.h"

#define APP_GENESYS_SECRET_LEAST 16u //  bytes of the webhook's secret: "longer than 15 characters"
#define APP_GENESYS_BASE_ROOM 2048u  //  bytes of a base URL, with its NUL

//  How much of what was said before goes along with a hand-over.
typedef enum {
    GENESYS_TRANSCRIPT_LAST, //  the last transcript_messages
    GENESYS_TRANSCRIPT_WHOLE,
    GENESYS_TRANSCRIPT_NONE,
    GENESYS_TRANSCRIPTS
} genesys_transcript_t;
genesys_transcript_t genesys_transcript_named (text_t name); //  GENESYS_TRANSCRIPTS: none

//  What a process does not read is empty, 0 or false. A `has_…` is true in every process when the
//  file has the secret, or names a file of it.
typedef struct {
    bool is_there;
    text_t region;         //  of genesys_regions.def; or
    text_t domain;         //  such as "mypurecloud.de"; or both URLs:
    text_t login_url;      //  these go before the others
    text_t api_url;
    text_t client_id;
    text_t client_secret;  //  secret
    text_t integration_id; //  UUID of the Open Messaging integration
    text_t webhook_secret; //  secret: signs the webhooks
    text_t previous_webhook_secret; //  secret; empty: none is being replaced
    text_t webhook_header; //  name of a static header that webhooks must have, too; empty: none
    text_t webhook_header_value; //  secret
    text_t transcript;     //  genesys_transcript_named
    uint64_t transcript_messages;
    bool attributes;       //  custom attributes go along with the first message
    uint64_t queue_s;      //  a visitor waits there at most so long for a person
    uint64_t unreachable_s; //  the platform may be out of reach for so long
    uint64_t poll_s;       //  a young conversation is asked after each so many seconds
    uint64_t per_minute;   //  calls that a token has in a minute
    bool receipts;         //  Delivered is said
    bool typing;           //  the visitor's typing is shown to the agent
    text_t name;           //  whom visitors see while the person's name is not known
    bool has_client_secret, has_webhook_secret, has_previous_webhook_secret,
        has_webhook_header_value;
} app_genesys_t;

extern const json_table_t app_genesys_table;

//  What the table cannot say: NULL, or what is wrong, and with which member ("" is the section).
//  `readers` are the bits of the process: it checks what it reads.
const char *app_genesys_mistake (const app_genesys_t *self, unsigned readers,
                                 const char **member);

typedef enum { GENESYS_LOGIN, GENESYS_API } genesys_host_t;
//  The base URL of a host, without a slash at its end: "https://api.mypurecloud.de". For a section
//  without a mistake.
text_t app_genesys_base (const app_genesys_t *self, genesys_host_t host,
                         char room[APP_GENESYS_BASE_ROOM]);

#endif
