//  postgres — a PostgreSQL server of the test's own: on a free port of 127.0.0.1, in a new
//  directory below /tmp, with nothing in it. It ends with the test process, however that ends; what
//  it leaves on the disk when the test is killed, the next test deletes.
//
//      postgres_t *postgres = postgres_new (NULL);
//      cr_assert (postgres_exec (postgres, "create table room (id int)"));
//      char *rooms = postgres_query (postgres, "select count(*) from room");
//
//  The newest version below /usr/lib/postgresql is taken. The server refuses to be root, so a test
//  that runs as root starts it as the system user `postgres`, or `nobody` when there is none.
//
//  initdb is slow: what it makes is kept per version and user (stentor-postgres-template-…) and
//  copied, in /dev/shm where there is room and nobody asks for fsync, else in /tmp. Tests may do
//  this at the same time. When a server does not come up for no reason, somebody may have cleaned
//  that place: delete the template.
//
//  All functions block, and speak to the server over a connection that lives as long as the call.
//  Those that fail return false or NULL, having said why on standard error.

#ifndef HARNESS_POSTGRES_H
#define HARNESS_POSTGRES_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct postgres postgres_t;

typedef struct {
    //  Off: commits reach the kernel, not the disk. They survive postgres_kill, not a power cut.
    bool fsync;
    //  Not 0: the data stands on a disk of its own of this size, which can be filled. Only root can
    //  have one; it is seen by this process and its children alone and goes with them.
    uint64_t disk_bytes;
    //  It is measured, or grows large: never in memory.
    bool is_on_disk;
} postgres_options_t;

//  A server that accepts connections; NULL as options: all off. NULL when it cannot be had.
postgres_t *postgres_new (const postgres_options_t *options);
//  A standby of it: has what the primary has, and what the primary commits soon after, without the
//  primary waiting for it. While it is stopped, it lags.
postgres_t *postgres_standby_new (postgres_t *primary);
//  Has it all that the primary has committed?
bool postgres_is_level (postgres_t *standby, postgres_t *primary);
//  It is a primary of its own when this returns, with what it had.
bool postgres_promote (postgres_t *standby);
//  Stops it and deletes all it had.
void postgres_destroy (postgres_t **self_p);

//  "postgresql://stentor@127.0.0.1:12345/postgres": a superuser without password. The same for as
//  long as the server lives, through all restarts.
const char *postgres_url (const postgres_t *self);
uint16_t postgres_port (const postgres_t *self);

//  Fast shutdown: clients are cut off, transactions rolled back. True when it ended well in time;
//  otherwise it was killed. True also when it was not running.
bool postgres_stop (postgres_t *self);
//  SIGKILL to the server and all its backends at once; all are gone when this returns.
void postgres_kill (postgres_t *self);
//  With the same data and port, after postgres_stop or postgres_kill; returns when it accepts
//  connections. True also when it is running.
bool postgres_start (postgres_t *self);
//  Stop and start.
bool postgres_restart (postgres_t *self);

//  SIGSTOP to the server and all its backends, and SIGCONT.
void postgres_freeze (postgres_t *self);
void postgres_thaw (postgres_t *self);

//  Makes its own disk no larger than what is on it, and as large as before. False when it has none.
bool postgres_fill_disk (postgres_t *self);
void postgres_empty_disk (postgres_t *self);
#define POSTGRES_ALL_BACKENDS UINT_MAX
//  Cuts off so many clients, the oldest first, while the server goes on. Returns how many are gone.
unsigned postgres_kill_backends (postgres_t *self, unsigned most);

//  Runs SQL, several statements with ';' between them if need be, as one transaction.
bool postgres_exec (postgres_t *self, const char *sql);
//  The first column of the first row as text; the caller frees it. NULL also for no row and for the
//  SQL value null.
char *postgres_query (postgres_t *self, const char *sql);

#endif
