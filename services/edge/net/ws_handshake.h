//  ws_handshake — does a request ask for a WebSocket, and as RFC 6455 (4.2.1) has it? And what it
//  is answered with.

#ifndef WS_HANDSHAKE_H
#define WS_HANDSHAKE_H

#include "net/http_head.h"

#define WS_ACCEPT_SIZE 28

//  False: it asks for something else, and is answered as if it did not ask (RFC 9110, 7.8).
bool ws_handshake_is_asked (const http_head_t *head);
//  HTTP_NO_FAULT: it may come in with this key.
http_fault_t ws_handshake_check (const http_head_t *head, text_t *key);
//  What Sec-WebSocket-Accept says, and a NUL.
void ws_handshake_accept (text_t key, char accept[WS_ACCEPT_SIZE + 1]);

#endif
