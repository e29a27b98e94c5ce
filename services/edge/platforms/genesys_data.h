//  genesys_data — what an agent or a flow of Genesys Cloud says, as a visitor's client can show it:
//  the stock widget's cards, lists and words (docs/client-protocol.md).
//
//      plain words            {"type":"INTENT_REQUEST","rawQuery":"…"}, as of any agent
//      with anything beside   {"outputSpeech":{"displayText":"…"},"displays":[…]}, as of a bot
//
//      of Genesys (content[].contentType)     becomes
//      Attachment                             a card with its picture, or a button that opens it
//      Card, Carousel                         a card each, or a carousel; buttons that open pages
//      QuickReply, actions Postback, times
//      of a DatePicker, buttons of a template the items of one list, in their order
//
//  An item's token says how its choice goes back: "genesys:<type>:<message>:<payload>", each part
//  percent-encoded. The type is of buttonResponse: Button, QuickReply or DatePicker. The connector
//  reads it. What cannot be shown is named beside what can: "[Location]". URLs are http and https
//  only.
//
//  Formats: the normalised message of Open Messaging, outbound.

#ifndef GENESYS_DATA_H
#define GENESYS_DATA_H

#include "base/buffer.h"

struct json_object;

#define GENESYS_DATA_MOST (256u << 10) //  bytes of what is written
#define GENESYS_TEXT_MOST 16000u       //  bytes of one text; agents may write 4,000 characters
#define GENESYS_PARTS_MOST 40u         //  of content; as many choices
#define GENESYS_TOKEN_MOST 1000u       //  bytes; a choice with a longer one is passed over

//  Appends the data of the webhook `body`, whose id is `id`. 0; −1: there is nothing to show.
__attribute__ ((warn_unused_result)) int genesys_data_write (struct json_object *body, text_t id,
                                                             buffer_t *to);

#endif
