//  edge_rig — an edge's parts on a scripted bus and scripted sockets, which stand in for the real
//  ones at linking, and on a clock that the test moves. What is sent and written becomes lines,
//  which a story compares:
//
//      p1 LOOKUP c1
//      p1 ATTACH c1 demo/s join ?           postoffice 1: client 1, session, reason, seq (?: none)
//      p1 ATTACH c1 demo/s resume 7 :17     and the entry's check
//      p1 POST c1 hello 0                   its data; the place of the post before it, 0: none
//      p1 DETACH c1 demo/s 7                what the client has received; "moved" when it has
//      p1 RECEIPT c1 7 read 6               "read" when the client said what it has read
//      p1 NEXT_WINDOW c1 7
//      p1 SIGNAL c1 typing
//      c1 < ack                             a frame's event, and its code when it has one
//      c1 < close slow_reader
//      c1 stop | c1 read | c1 abort         its socket
//      c1 answered                          (not told to an edge with RIG_RESUMES)

#ifndef EDGE_RIG_H
#define EDGE_RIG_H

#include "session/inbound.h"
#include "session/outbound.h"

#include <criterion/criterion.h>

extern uv_loop_t *const rig_loop;
extern edge_config_t rig_config;
extern clients_t *rig_clients;
extern keepalives_t *rig_keepalives;
extern attachments_t *rig_attachments;
extern inbounds_t *rig_inbounds;
extern flow_control_t *rig_flow;
extern posts_t *rig_posts;
//  Answers let a client be read on, as in the gateway; else they become lines.
extern bool rig_resumes;
//  The bus takes nothing.
extern bool rig_bus_is_full;
//  The bus takes nothing for this postoffice; −1: it takes all.
extern int rig_full_postoffice;
//  Whom every session belongs to; −1: no postoffice is up.
extern int rig_owner;
//  The sockets are full.
extern client_address_t rig_address; //  of all sockets
extern bool rig_sockets_are_full;

//  The last POST that was sent; its texts live as long as the post.
extern bus_post_t rig_post;

//  Postoffice 1 owns all sessions; the clock begins at a minute.
void rig_begin (void);
void rig_end (void);
//  The limits are now those of rig_config.limits. Nobody is there yet.
void rig_limit (void);
//  The clock goes on, and nothing else happens.
void rig_wait (uint64_t ms);
//  The loop's timers of the next `ms` run.
void rig_turn (unsigned ms);

//  A client of app "demo"; the first one is c1.
connection_t *rig_connect (role_t role, dialect_t dialect);
//  A rich client with an event stream; rig_write notes the lines of its events, with "|" for the
//  line ends.
connection_t *rig_listen (role_t role);
void rig_disconnect (connection_t **connection_p);
//  What its socket is given becomes lines.
void rig_write (connection_t *connection);
uint64_t rig_endpoint (const connection_t *connection);

//  What postoffice 1 says.
void rig_attached (connection_t *connection, attach_reason_t reason, verdict_t verdict,
                   uint64_t seq);
void rig_looked_up (connection_t *connection, verdict_t verdict, const char *session);
//  Answers the post that was sent as number `place` since rig_begin.
void rig_posted (unsigned place, verdict_t verdict, uint64_t seq);
//  The history went back to this seq, and the log ends with the other one.
void rig_truncated (connection_t *connection, uint64_t seq, uint64_t last_seq, bool gone);
//  Not 0: the entry of seq 7 has the check rig_check + 7.
extern uint64_t rig_check;
//  What is delivered was said so long ago (it is not said when), and a person answers in the
//  session then.
#define RIG_NO_TIME UINT64_MAX
extern uint64_t rig_age_ms;
extern bool rig_is_attended;
void rig_deliver (connection_t *connection, uint64_t seq, const char *data, bool end_of_window);

//  The lines since the last call. The story's lines each end with a newline.
void rig_expect_at (const char *file, unsigned line, const char *story);
#define EXPECT(story) rig_expect_at (__FILE__, __LINE__, story)
void rig_forget (void);

#endif
