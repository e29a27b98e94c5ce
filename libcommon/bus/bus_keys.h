//  bus_keys — who may speak on the bus: CURVE keys in files (setting BUS_KEYS, a directory).
//
//      own_secret          the certificate of this process, both keys (zcert's format)
//      nodes/NAME          in a postoffice: the public certificate of each edge and worker that may
//                          connect, with its role in the metadata: role = "edge" or "worker"
//      postoffices/NAME    in an edge or worker: the public certificates of the postoffices
//
//  A postoffice lets in only nodes whose key is listed, and a HELLO only with the role of its key.
//  The list decides twice: at the handshake, and at HELLO, where the key of the connection is
//  looked up again. Nothing that a peer says about itself counts. When no thread answers
//  handshakes, they are refused.
//
//  The list is read again every BUS_KEYS_LOOK_EVERY_MS, off the loop. So a node is added or shut
//  out without a restart. Streams of a key that is taken away are ended, by a postoffice and by a
//  node. A node tries the next of the postoffices' certificates after a refused handshake: so
//  postoffices can get another key one by one, while the old and the new one stand side by side. A
//  list that cannot be read leaves the old one in force; a postoffice's list without any node is a
//  good one.
//
//  Files that begin with a dot or end in _secret are not looked at in nodes/ and postoffices/. What
//  else is there and is no file is a mistake.

#ifndef BUS_KEYS_H
#define BUS_KEYS_H

#include "base/keyed_hash.h"
#include "model/model.h"

#include <uv.h>

#define BUS_KEYS_LOOK_EVERY_MS 2000
//  A public key in ZeroMQ's text form.
#define BUS_KEY_SIZE 40

typedef struct bus_keys bus_keys_t;
struct _zsock_t; //  czmq's zsock_t

//  Another list is in force. From the loop.
typedef void bus_keys_changed_fn (void *owner);

//  NULL when a file is absent, unreadable or malformed, the two keys of our own do not fit, or no
//  other side is listed: a fatal line in the log says which. A postoffice's keys start the thread
//  that answers ZeroMQ's handshakes; there can be one of them in a process. `changed` may be NULL.
bus_keys_t *bus_keys_new (uv_loop_t *loop, const char *directory, node_role_t role,
                          bus_keys_changed_fn *changed, void *owner);
//  Not from within `changed`.
void bus_keys_destroy (bus_keys_t **self_p);

//  The role of a key, in ZeroMQ's text form, by our list; NULL when it is not listed. Borrowed.
const char *bus_keys_role_of (const bus_keys_t *self, const char *public);

//  The public key of the nth postoffice's certificate in a node's list. Borrowed.
const char *bus_keys_of_postoffice (const bus_keys_t *self, uint64_t nth);

//  Make a new socket speak CURVE. A node takes the nth postoffice's certificate.
void bus_keys_apply_to_router (const bus_keys_t *self, struct _zsock_t *socket);
void bus_keys_apply_to_dealer (const bus_keys_t *self, struct _zsock_t *socket, uint64_t nth);

//  What a postoffice weighs sessions with when no other key is set: it follows from its secret key.
hash_key_t bus_keys_hash_key (const bus_keys_t *self);

//  "edge", "worker", "postoffice": the word in a certificate.
const char *bus_role_word (uint64_t role);

#endif
