#include "tls/tls_server.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "files/file_watch.h"
#include "files/small_file.h"
#include "tables/edge_metrics.h"
#include "tls/tls_context.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOK_EVERY_MS 1000
#define FILE_MOST (256u << 10)
#define COMPLAINT_MOST 700
#define DAY_S (24 * 3600)
//  Whoever gets hold of the keys of tickets can read what was said by TLS 1.2 under them, recorded
//  earlier: they live for a day. Later versions agree on a key of their own each time.
#define TICKETS_LIVE_MS (24ull * 3600 * 1000)
//  When so little is left of a certificate, it is said once a day: of one for 90 days two weeks, of
//  one that lives shorter a sixth.
#define WARN_BELOW_S (14 * DAY_S)
#define WARN_BELOW_PART 6

typedef struct {
    const char *setting;
    char *path;
    struct stat seen; //  as it was when it was read; zero at first
    int error;        //  errno, 0 when it was read
    buffer_t bytes;
} pem_file_t;

//  One look at the files, in libuv's thread pool: a disk may be slow, the loop must not be.
typedef struct {
    pem_file_t certificate;
    pem_file_t key;
    bool is_refused; //  what was read last
    bool is_new;     //  something was read
    tls_context_t context; //  what it brought; none: a complaint
    buffer_t complaint;
} look_t;

struct tls_server {
    tls_shared_t shared;
    uv_loop_t *loop;
    file_watch_t *watch;
    look_t look;
    tls_context_t context;
    buffer_t refused; //  the complaint that was logged
    void (*renewed) (void *owner); //  NULL: nobody asks
    void *owner;
    uint64_t tickets_ms; //  when their keys were made
    int64_t warn_from_s; //  the end of the certificate is not spoken of before
};

// ---------------------------------------------------------------------------------------------
//  Looking

static void
s_pem_init (pem_file_t *self, const char *setting, const char *path)
{
    *self = (pem_file_t){ .setting = setting, .path = alloc_string (path) };
    buffer_init (&self->bytes, FILE_MOST);
}

//  It may be a key.
static void
s_pem_forget (pem_file_t *self)
{
    if (self->bytes.data)
        explicit_bzero (self->bytes.data, self->bytes.room);
    buffer_free (&self->bytes);
}

static bool
s_pem_has_changed (const pem_file_t *self)
{
    struct stat now;
    int error = stat (self->path, &now) == 0 ? 0 : errno;
    return error ? error != self->error : !small_file_is_same (&now, &self->seen);
}

static void
s_complain (look_t *self, const char *words, const char *path)
{
    char line[COMPLAINT_MOST];
    snprintf (line, sizeof line, "%s%s%.400s", words, *path ? ": " : "", path);
    buffer_clear (&self->complaint);
    (void) !buffer_put_string (&self->complaint, line);
}

static int
s_pem_read (look_t *look, pem_file_t *self)
{
    char words[160];
    self->error = small_file_read (self->path, &self->bytes, &self->seen);
    if (self->error == 0)
        return 0;
    snprintf (words, sizeof words, "%s cannot be read (%s)", self->setting,
              small_file_words (self->error));
    s_complain (look, words, self->path);
    return -1;
}

static void
s_read (look_t *self)
{
    self->is_new = true;
    //  Both, so that a change of either is seen.
    int rc = s_pem_read (self, &self->certificate);
    rc = s_pem_read (self, &self->key) != 0 ? -1 : rc;
    if (rc == 0) {
        const char *mistake = tls_context_make (buffer_text (&self->certificate.bytes),
                                                buffer_text (&self->key.bytes), &self->context);
        if (mistake)
            s_complain (self, mistake,
                        strncmp (mistake, self->key.setting, strlen (self->key.setting)) == 0
                            ? self->key.path
                            : self->certificate.path);
    }
    s_pem_forget (&self->certificate);
    s_pem_forget (&self->key);
    self->is_refused = !self->context.ssl;
}

//  Follows links at each look, so the swap of a directory link (Kubernetes) is a change as well. A
//  pair that was refused is read again even so: the second half of it may have come unseen.
static void
s_look (void *server)
{
    look_t *self = &((tls_server_t *) server)->look;
    self->is_new = false;
    if (self->is_refused || s_pem_has_changed (&self->certificate)
        || s_pem_has_changed (&self->key))
        s_read (self);
}

// ---------------------------------------------------------------------------------------------
//  What was found

static void
s_use (tls_server_t *self)
{
    tls_context_free (&self->context);
    self->context = self->look.context;
    self->look.context.ssl = NULL;
    self->tickets_ms = uv_now (self->loop);
    self->warn_from_s = 0;
    edge_metrics[EDGE_TLS_CERTIFICATE_END] = self->context.ends_s;
    buffer_clear (&self->refused);
}

static void
s_refuse (tls_server_t *self)
{
    text_t complaint = buffer_text (&self->look.complaint);
    if (text_is (complaint, buffer_text (&self->refused)))
        return;
    buffer_clear (&self->refused);
    (void) !buffer_put_text (&self->refused, complaint);
    edge_count (EDGE_TLS_RELOADS_REFUSED, 1);
    log_warn ("certificate not taken", log_text ("complaint", complaint));
}

//  Two weeks, or less for one that does not live long.
static int64_t
s_warn_below_s (const tls_context_t *context)
{
    int64_t part = (context->ends_s - context->begins_s) / WARN_BELOW_PART;
    return part < WARN_BELOW_S ? part : WARN_BELOW_S;
}

static void
s_speak_of_end (tls_server_t *self)
{
    int64_t now_s = (int64_t) (clock_wall_ms () / 1000);
    int64_t left_s = self->context.ends_s - now_s;
    if (now_s < self->warn_from_s || left_s > s_warn_below_s (&self->context))
        return;
    self->warn_from_s = now_s + DAY_S;
    if (left_s <= 0)
        log_error ("certificate has expired",
                   log_string ("file", self->look.certificate.path));
    else
        log_warn ("certificate ends soon", log_string ("file", self->look.certificate.path),
                  log_number ("hours", left_s / 3600));
}

static void
s_free (void *server)
{
    tls_server_t *self = server;
    tls_context_free (&self->context);
    tls_context_free (&self->look.context);
    free (self->look.certificate.path);
    free (self->look.key.path);
    buffer_free (&self->look.complaint);
    buffer_free (&self->refused);
    tls_shared_free (&self->shared);
    free (self);
}

static void
s_renew_tickets (tls_server_t *self)
{
    uint64_t now = uv_now (self->loop);
    if (now - self->tickets_ms < TICKETS_LIVE_MS)
        return;
    self->tickets_ms = now;
    if (tls_context_renew_tickets (&self->context) != 0)
        log_warn ("keys of tickets not renewed");
}

static void
s_take (tls_server_t *self)
{
    const look_t *look = &self->look;
    if (!look->context.ssl) {
        s_refuse (self);
        return;
    }
    s_use (self);
    edge_count (EDGE_TLS_RELOADS, 1);
    log_info ("certificate renewed", log_string ("file", look->certificate.path),
              log_number ("ends", self->context.ends_s));
    if (self->renewed)
        self->renewed (self->owner);
}

static void
s_looked (void *server)
{
    tls_server_t *self = server;
    if (self->look.is_new)
        s_take (self);
    s_speak_of_end (self);
    s_renew_tickets (self);
}

// ---------------------------------------------------------------------------------------------
//  Life

tls_server_t *
tls_server_new (uv_loop_t *loop, const char *certificate, const char *key, buffer_t *complaint)
{
    tls_server_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    tls_shared_init (&self->shared);
    buffer_init (&self->look.complaint, COMPLAINT_MOST);
    buffer_init (&self->refused, COMPLAINT_MOST);
    s_pem_init (&self->look.certificate, "EDGE_TLS_CERTIFICATE", certificate);
    s_pem_init (&self->look.key, "EDGE_TLS_KEY", key);
    s_read (&self->look);
    if (self->look.is_refused) {
        (void) !buffer_put_text (complaint, buffer_text (&self->look.complaint));
        s_free (self);
        return NULL;
    }
    s_use (self);
    s_speak_of_end (self);
    static const file_watch_events_t events = { .look = s_look,
                                                .looked = s_looked,
                                                .gone = s_free };
    self->watch = file_watch_new (loop, &events, LOOK_EVERY_MS, self);
    return self;
}

void
tls_server_when_renewed (tls_server_t *self, void (*renewed) (void *owner), void *owner)
{
    self->renewed = renewed;
    self->owner = owner;
}

void
tls_server_destroy (tls_server_t **self_p)
{
    tls_server_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    file_watch_end (&self->watch);
}

tls_session_t *
tls_server_session (tls_server_t *self)
{
    return tls_session_new (&self->shared, self->context.ssl);
}

bool
tls_server_is_for (const tls_server_t *self, const char *url)
{
    const char *host = strstr (url, "://");
    host = host ? host + 3 : "";
    bool is_bracketed = *host == '[';
    host += is_bracketed;
    size_t size = strcspn (host, is_bracketed ? "]" : ":/?#");
    return size == 0 || tls_context_is_for (&self->context, (text_t){ host, size });
}
