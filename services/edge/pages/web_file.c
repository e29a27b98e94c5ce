#include "pages/web_file.h"

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
    web_file_facts_t facts;
    char *room;
};

static void
s_on_closed (uv_fs_t *request)
{
    web_file_t *self = request->data;
    uv_fs_req_cleanup (request);
    free (self->room);
    free (self);
}

static void
s_end (web_file_t *self)
{
    if (self->descriptor >= 0
        && uv_fs_close (self->loop, &self->request, self->descriptor, s_on_closed) == 0)
        return;
    free (self->room);
    free (self);
}

void
web_file_close (web_file_t **self_p)
{
    web_file_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    self->owner = NULL;
    if (!self->facts.is_busy)
        s_end (self);
}

//  Gives the result of the request; false when the file was closed meanwhile.
static bool
s_is_wanted (uv_fs_t *request, ssize_t *result)
{
    web_file_t *self = request->data;
    *result = request->result;
    self->facts.is_busy = false;
    if (self->owner)
        return true;
    uv_fs_req_cleanup (request);
    s_end (self);
    return false;
}

static void
s_on_known (uv_fs_t *request)
{
    web_file_t *self = request->data;
    ssize_t result;
    if (!s_is_wanted (request, &result))
        return;
    const uv_stat_t *stat = &request->statbuf;
    self->facts.size = stat->st_size;
    self->facts.changed = stat->st_mtim;
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
    self->facts.is_busy =
        result >= 0 && uv_fs_fstat (self->loop, request, self->descriptor, s_on_known) == 0;
    if (self->facts.is_busy)
        return;
    bool is_nothing = result == UV_ENOENT || result == UV_ENOTDIR || result == UV_EACCES
                      || result == UV_ENAMETOOLONG || result == UV_ELOOP || result == UV_ENXIO;
    self->events->opened (self->owner, is_nothing ? WEB_NOTHING : WEB_TROUBLE);
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
    self->facts.is_busy = true;
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
    self->facts.offset += size;
    self->events->piece (self->owner, (text_t){ self->room, size });
}

void
web_file_read (web_file_t *self)
{
    assert (!self->facts.is_busy && self->facts.offset < self->facts.size);
    uint64_t left = self->facts.size - self->facts.offset;
    if (!self->room)
        self->room = alloc_resized (NULL, left < PIECE ? (size_t) left : PIECE);
    uv_buf_t buffer = uv_buf_init (self->room, left < PIECE ? (unsigned) left : PIECE);
    self->facts.is_busy = uv_fs_read (self->loop, &self->request, self->descriptor, &buffer, 1,
                                      (int64_t) self->facts.offset, s_on_piece)
                          == 0;
    if (!self->facts.is_busy)
        self->events->piece (self->owner, TEXT_EMPTY);
}

const web_file_facts_t *
web_file_facts (const web_file_t *self)
{
    return &self->facts;
}
