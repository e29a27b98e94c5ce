//  signed_url — an address that says something by itself: whoever has it may do what it says, until
//  it expires. It is made by one process and believed by another, which share a key; nothing is
//  kept of it anywhere.
//
//      <base><path><claim>.<signature>
//
//  The claim is when it expires, a blank, and words of whoever uses it. The signature is
//  HMAC-SHA256 over a purpose, so that a key is used for nothing else by mistake, and the claim.
//  Both are hexadecimal. Of a kind that is short they are base64url, and of the signature the first
//  128 bits stand there, the least that RFC 2104 allows (nobody can try them out but by asking).

#ifndef SIGNED_URL_H
#define SIGNED_URL_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

#define SIGNED_KEY_LEAST 32   //  bytes of a key
#define SIGNED_CLAIM_MAX 1500 //  bytes of a claim
#define SIGNED_URL_MAX 4000   //  of all of it

typedef struct {
    const char *purpose; //  ends with a line end
    const char *path;    //  "/bot-answers/"
    bool is_short;
} signed_url_kind_t;

typedef struct {
    uint64_t expires_s; //  by the wall clock
    text_t words;
} signed_claim_t;

typedef enum { SIGNED_GOOD, SIGNED_BAD, SIGNED_EXPIRED } signed_verdict_t;

//  Is it an address that a path can be put behind: http or https, and nothing behind its own path?
bool signed_base_is_good (const char *base);

//  Appends the URL. Returns 0; −1 when the claim or the URL is too long.
__attribute__ ((warn_unused_result)) int signed_url_write (const signed_url_kind_t *kind,
                                                           text_t key, const char *base,
                                                           const signed_claim_t *claim,
                                                           buffer_t *to);
//  What stands behind the path. The claim's words stand in the room, and say something only when it
//  is not SIGNED_BAD. How long it takes does not tell how much of a signature is right.
signed_verdict_t signed_url_read (const signed_url_kind_t *kind, text_t key, text_t token,
                                  uint64_t now_s, signed_claim_t *claim,
                                  char room[SIGNED_CLAIM_MAX]);

#endif
