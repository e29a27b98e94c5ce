//  client — one user's connection, which comes and goes: to any edge, through a cable or not, read
//  slowly now and then or reset, as its owner and chance will have it.
//
//  It keeps the seqs of what it heard and the last lines of its transcript.

#ifndef CLIENT_H
#define CLIENT_H

#include "crowd_context.h"

#define CLIENT_LINES 90
#define CLIENT_LINE 150

typedef struct {
    //  The way to the edge is open. May say something.
    void (*opened) (void *owner);
    void (*heard) (void *owner, text_t frame);
    //  It is gone; answers after how many µs to connect again. `is_told` when the router said so.
    uint64_t (*lost) (void *owner, bool *is_told);
} client_events_t;

typedef struct {
    crowd_context_t *scene;
    const client_events_t *events;
    void *owner;
    who_t who;
    char user[40];
    char session[40];
    char query[40];           //  what follows the user in the URL
    bool is_widget;
    bool goes_by_cable;
    bool is_slow;             //  a small buffer, and often stops reading
    ws_link_t *link;
    bool is_open;
    unsigned edge;            //  that it is connected to, or was
    uint64_t ended_us;        //  its connection did, and it is not in again; 0: it is, or was not
    bool has_gone;            //  the link is to be destroyed
    bool is_away;             //  does not connect
    uint64_t try_at;          //  connects not before this; UINT64_MAX: never
    uint64_t try_until;       //  gives up a try that has not come through
    uint64_t whim_at;
    uint64_t paused_until;    //  0: reads
    uint64_t read_again_at;
    timeline_t whereabouts;
    uint32_t *seqs;           //  heard, as they came
    size_t seq_count;
    size_t seq_room;
    char lines[CLIENT_LINES][CLIENT_LINE];
    unsigned line_count;
} client_t;

//  Is not connected before client_tick.
void client_init (client_t *self, crowd_context_t *scene, const client_events_t *events,
                  void *owner, who_t who);
void client_free (client_t *self);
//  Called every few ms.
void client_tick (client_t *self);
//  It is let in on this connection.
void client_is_in (client_t *self);
//  Ends the connection from this side, soon.
void client_drop (client_t *self, const char *why);
//  The same, and does not come back before client_return.
void client_leave (client_t *self);
void client_return (client_t *self);
//  False when it is not open, or full.
__attribute__ ((format (printf, 2, 3))) bool client_say (client_t *self, const char *format, ...);
//  Takes down that this seq was heard.
void client_note_seq (client_t *self, uint32_t seq);

//  A line of the transcript.
__attribute__ ((format (printf, 2, 3))) void client_write (client_t *self, const char *format, ...);
//  A step of its way, which a long pause is explained with, and a line of the transcript.
__attribute__ ((format (printf, 2, 3))) void client_step (client_t *self, const char *format, ...);
//  Notes trouble, with the transcript.
__attribute__ ((format (printf, 3, 4))) void
client_complain (client_t *self, findings_kind_t kind, const char *format, ...);

#endif
