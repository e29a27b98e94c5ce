#include "net/web_file.h"

#include "base/alloc.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PIECE (64u << 10)

struct web_file {
    uv_fs_t request;
    uv_loop_t *loop;
    const web_file_events_t *events;
    void *owner; //  NULL: it was closed
    int descriptor;
    bool busy;   //  a request is under way
    uint64_t size;
    uint64_t offset;
    uv_timespec_t changed;
    char *room;
};

static void
s_free (web_file_t *self)
{
    free (self->room);
    free (self);
}

static void
s_on_closed (uv_fs_t *request)
{
    web_file_t *self = request->data;
    uv_fs_req_cleanup (request);
    s_free (self);
}

static void
s_end (web_file_t *self)
{
    if (self->descriptor < 0
        || uv_fs_close (self->loop, &self->request, self->descriptor, s_on_closed) != 0)
        s_free (self);
}

void
web_file_close (web_file_t **self_p)
{
    web_file_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    self->owner = NULL;
    if (!self->busy)
        s_end (self);
}

//  Gives the result of the request; false when the file was closed meanwhile.
static bool
s_is_wanted (uv_fs_t *request, ssize_t *result)
{
    web_file_t *self = request->data;
    *result = request->result;
    self->busy = false;
    if (self->owner)
        return true;
    uv_fs_req_cleanup (request);
    s_end (self);
    return false;
}

static web_found_t
s_reason (ssize_t error)
{
    return error == UV_ENOENT || error == UV_ENOTDIR || error == UV_EACCES
                   || error == UV_ENAMETOOLONG || error == UV_ELOOP || error == UV_ENXIO
               ? WEB_NOTHING
               : WEB_TROUBLE;
}

static void
s_on_known (uv_fs_t *request)
{
    web_file_t *self = request->data;
    ssize_t result;
    if (!s_is_wanted (request, &result))
        return;
    const uv_stat_t *stat = &request->statbuf;
    self->size = stat->st_size;
    self->changed = stat->st_mtim;
    web_found_t found = result != 0                ? WEB_TROUBLE
                        : S_ISREG (stat->st_mode)  ? WEB_FILE
                        : S_ISDIR (stat->st_mode)  ? WEB_DIRECTORY
                                                   : WEB_NOTHING;
    uv_fs_req_cleanup (request);
    self->events->opened (self->owner, found);
}

static void
s_on_opened (uv_fs_t *request)
{
    web_file_t *self = request->data;
    ssize_t result = request->result;
    self->descriptor = result >= 0 ? (int) result : -1;
    if (!s_is_wanted (request, &result))
        return;
    uv_fs_req_cleanup (request);
    self->busy = result >= 0
                 && uv_fs_fstat (self->loop, request, self->descriptor, s_on_known) == 0;
    if (!self->busy)
        self->events->opened (self->owner, result < 0 ? s_reason (result) : WEB_TROUBLE);
}

//  A pipe that stands there must not hold a thread.
web_file_t *
web_file_open (uv_loop_t *loop, const char *path, const web_file_events_t *events, void *owner)
{
    web_file_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    self->events = events;
    self->owner = owner;
    self->descriptor = -1;
    self->request.data = self;
    self->busy = true;
    //  It fails only for lack of memory.
    if (uv_fs_open (loop, &self->request, path, O_RDONLY | O_NONBLOCK, 0, s_on_opened) != 0)
        alloc_failed ();
    return self;
}

static void
s_on_piece (uv_fs_t *request)
{
    web_file_t *self = request->data;
    ssize_t result;
    if (!s_is_wanted (request, &result))
        return;
    uv_fs_req_cleanup (request);
    size_t size = result > 0 ? (size_t) result : 0;
    self->offset += size;
    self->events->piece (self->owner, (text_t){ self->room, size });
}

void
web_file_read (web_file_t *self)
{
    assert (!self->busy && self->offset < self->size);
    uint64_t left = self->size - self->offset;
    if (!self->room)
        self->room = alloc_resized (NULL, left < PIECE ? (size_t) left : PIECE);
    uv_buf_t buffer = uv_buf_init (self->room, left < PIECE ? (unsigned) left : PIECE);
    self->busy = uv_fs_read (self->loop, &self->request, self->descriptor, &buffer, 1,
                             (int64_t) self->offset, s_on_piece)
                 == 0;
    if (!self->busy)
        self->events->piece (self->owner, TEXT_EMPTY);
}

bool
web_file_is_busy (const web_file_t *self)
{
    return self->busy;
}

bool
web_file_is_read (const web_file_t *self)
{
    return self->offset == self->size;
}

uint64_t
web_file_size (const web_file_t *self)
{
    return self->size;
}

int64_t
web_file_changed_s (const web_file_t *self)
{
    return self->changed.tv_sec;
}

uint64_t
web_file_changed_ns (const web_file_t *self)
{
    return (uint64_t) self->changed.tv_sec * 1000000000u + (uint64_t) self->changed.tv_nsec;
}
