//  answer_url — the address at which a bot may answer later: whoever has it may answer one
//  question, until it expires. It is made by a connector and believed by an edge, which share a
//  key; nothing is kept of it anywhere (signed_url.h).
//
//      https://chat.example.com/bot-answers/<claim>.<signature>
//
//  The claim says when it expires, the item and its session.

#ifndef ANSWER_URL_H
#define ANSWER_URL_H

#include "auth/signed_url.h"

#define ANSWER_PATH "/bot-answers/"
#define ANSWER_KEY_LEAST SIGNED_KEY_LEAST
#define ANSWER_CLAIM_MAX SIGNED_CLAIM_MAX
#define ANSWER_URL_MAX SIGNED_URL_MAX

typedef struct {
    uint64_t expires_s; //  by the wall clock
    text_t item;        //  has no blank
    text_t session;     //  its key
} answer_claim_t;

typedef enum { ANSWER_GOOD, ANSWER_BAD, ANSWER_EXPIRED } answer_verdict_t;

//  Is it an address that ANSWER_PATH can be put behind: http or https, and nothing behind its path?
bool answer_base_is_good (const char *base);

//  Appends the URL. Returns 0; −1 when it is longer than ANSWER_URL_MAX, or the item cannot be told
//  from what stands beside it.
__attribute__ ((warn_unused_result)) int answer_url_write (text_t key, const char *base,
                                                           const answer_claim_t *claim,
                                                           buffer_t *to);
//  What stands behind ANSWER_PATH. The claim's texts stand in the room, and say something only when
//  it is not ANSWER_BAD. How long it takes does not tell how much of a signature is right.
answer_verdict_t answer_url_read (text_t key, text_t token, uint64_t now_s, answer_claim_t *claim,
                                  char room[ANSWER_CLAIM_MAX]);

#endif
