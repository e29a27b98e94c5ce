#include "bus/bus_keys.h"

#include "bus/bus_czmq.h"
#include "base/alloc.h"
#include "base/log.h"
#include "files/file_watch.h"
#include "files/small_file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOMAIN "bus"
//  libzmq names it in its draft header only, but has it since 4.3.0.
#define ZAP_ENFORCE_DOMAIN 93
#define OWN "own"
#define PATH_MOST 240
#define ROLE_MOST 16
#define FILE_MOST 4096
#define LISTED_MOST 4096

//  A file in zcert's format.
typedef struct {
    char public[BUS_KEY_SIZE + 1];
    char secret[BUS_KEY_SIZE + 1]; //  "" in a public certificate
    char role[ROLE_MOST];
} certificate_t;

typedef struct {
    char public[BUS_KEY_SIZE + 1];
    const char *role; //  a word of ours
} listed_t;

//  The certificates of a directory.
typedef struct {
    listed_t *rows;
    size_t count;
} list_of_keys_t;

//  One look at nodes/ or postoffices/, in libuv's thread pool: a disk may be slow, the loop must
//  not be.
typedef struct {
    char place[PATH_MOST];
    bool is_of_nodes;
    bool may_be_empty;
    list_of_keys_t list;
    char file[PATH_MOST + NAME_MAX + 2]; //  that has a mistake
    char mistake[80];                    //  "": the list is good
} look_t;

struct bus_keys {
    look_t look;
    file_watch_t *watch; //  NULL: it has not started
    bus_keys_changed_fn *changed;
    void *owner;
    zcert_t *own;
    char complaint[2 * PATH_MOST]; //  of the last look; "": it was a good one
    list_of_keys_t others;         //  in force
    zactor_t *auth;                //  of a postoffice
};

const char *
bus_role_word (uint64_t role)
{
    static const char *const s_words[] = {
        [NODE_EDGE] = "edge", [NODE_WORKER] = "worker", [NODE_POSTOFFICE] = "postoffice"
    };
    bool is_known = role < sizeof s_words / sizeof *s_words && s_words[role];
    return is_known ? s_words[role] : "?";
}

//  Takes `name = "value"`. Returns 0; −1 when the line is not of that form or the value too long.
static int
s_take_value (char *line, const char *section, certificate_t *cert)
{
    size_t name_size = strcspn (line, " \t=");
    char *value = line + name_size;
    value += strspn (value, " \t");
    if (*value != '=')
        return -1;
    value += 1 + strspn (value + 1, " \t");
    char quote = *value;
    char *end = quote == '"' || quote == '\'' ? strchr (value + 1, quote) : NULL;
    if (!end)
        return -1;
    *end = line[name_size] = '\0';
    char *to = NULL;
    size_t size = BUS_KEY_SIZE + 1;
    if (strcmp (section, "curve") == 0 && strcmp (line, "public-key") == 0)
        to = cert->public;
    else if (strcmp (section, "curve") == 0 && strcmp (line, "secret-key") == 0)
        to = cert->secret;
    else if (strcmp (section, "metadata") == 0 && strcmp (line, "role") == 0) {
        to = cert->role;
        size = sizeof cert->role;
    }
    return !to || snprintf (to, size, "%s", value + 1) < (int) size ? 0 : -1;
}

//  A section is a word at the margin; its values are indented.
static int
s_parse (char *text, certificate_t *cert)
{
    const char *section = "";
    char *rest = text;
    for (char *line = strsep (&rest, "\n"); line; line = strsep (&rest, "\n")) {
        line[strcspn (line, "\r")] = '\0';
        size_t indent = strspn (line, " \t");
        if (line[indent] == '#' || line[indent] == '\0')
            continue;
        if (indent == 0) {
            section = line;
            line[strcspn (line, " \t")] = '\0';
        } else if (s_take_value (line + indent, section, cert) != 0)
            return -1;
    }
    byte key[32];
    bool is_good =
        strlen (cert->public) == BUS_KEY_SIZE && zmq_z85_decode (key, cert->public)
        && (!*cert->secret
            || (strlen (cert->secret) == BUS_KEY_SIZE && zmq_z85_decode (key, cert->secret)));
    explicit_bzero (key, sizeof key);
    return is_good ? 0 : -1;
}

//  Reads one file. czmq does not: it prints a line that it cannot read, and the secret key with it,
//  and leaks memory for each such file. Returns 0; −1 when the file is no certificate; what
//  small_file_read says when it cannot be read.
static int
s_load (const char *path, certificate_t *cert)
{
    char text[FILE_MOST] = "";
    buffer_t bytes;
    struct stat seen;
    *cert = (certificate_t){ .public = "" };
    buffer_init (&bytes, sizeof text - 1);
    int error = small_file_read (path, &bytes, &seen);
    if (bytes.data) {
        memcpy (text, bytes.data, bytes.size);
        explicit_bzero (bytes.data, bytes.size);
    }
    if (!error && (strlen (text) != bytes.size || s_parse (text, cert) != 0))
        error = -1;
    explicit_bzero (text, sizeof text);
    buffer_free (&bytes);
    return error;
}

//  NULL when the key is not listed.
static listed_t *
s_find (const list_of_keys_t *list, const char *public)
{
    for (size_t at = 0; at < list->count; at++)
        if (strcmp (list->rows[at].public, public) == 0)
            return &list->rows[at];
    return NULL;
}

//  Adds the certificate of self->file. A file twice is one key; a key with two roles is none.
//  Returns NULL, or what is wrong with it.
static const char *
s_add (look_t *self)
{
    certificate_t cert;
    int error = s_load (self->file, &cert);
    explicit_bzero (cert.secret, sizeof cert.secret);
    if (error)
        return error == -1 ? "is no certificate" : small_file_words (error);
    const char *role = bus_role_word (NODE_POSTOFFICE);
    if (self->is_of_nodes) {
        role = bus_role_word (strcmp (cert.role, "edge") == 0 ? NODE_EDGE : NODE_WORKER);
        if (strcmp (cert.role, role) != 0)
            return "has no role: edge or worker in its metadata";
    }
    const listed_t *row = s_find (&self->list, cert.public);
    if (row)
        return row->role == role ? NULL : "is listed with another role, too";
    if (self->list.count == LISTED_MOST)
        return "is one too many";
    size_t size = (self->list.count + 1) * sizeof *self->list.rows;
    self->list.rows = alloc_resized (self->list.rows, size);
    listed_t *added = &self->list.rows[self->list.count++];
    memcpy (added->public, cert.public, sizeof added->public);
    added->role = role;
    return NULL;
}

//  Names that begin with a dot or end in _secret are not meant.
static int
s_is_certificate (const struct dirent *entry)
{
    size_t size = strlen (entry->d_name), ending = strlen ("_secret");
    return entry->d_name[0] != '.'
           && (size < ending || strcmp (entry->d_name + size - ending, "_secret") != 0);
}

//  Reads all certificates of the others. There must be one, but a postoffice that has started may
//  have its last node taken away.
static void
s_look (void *keys)
{
    look_t *self = &((bus_keys_t *) keys)->look;
    self->list = (list_of_keys_t){ NULL, 0 };
    snprintf (self->file, sizeof self->file, "%s", self->place);
    struct dirent **entries = NULL;
    int count = scandir (self->place, &entries, s_is_certificate, alphasort);
    const char *mistake = count == -1 ? strerror (errno) : NULL;
    for (int at = 0; at < count; at++) {
        if (!mistake) {
            snprintf (self->file, sizeof self->file, "%s/%s", self->place, entries[at]->d_name);
            mistake = s_add (self);
        }
        free (entries[at]);
    }
    free (entries);
    if (!mistake && self->list.count == 0 && !self->may_be_empty) {
        snprintf (self->file, sizeof self->file, "%s", self->place);
        mistake = "has no certificate";
    }
    snprintf (self->mistake, sizeof self->mistake, "%s", mistake ? mistake : "");
}

static int
s_fail (const char *path, const char *what)
{
    log_fatal ("bus keys cannot be used", log_string ("file", path), log_string ("what", what));
    return -1;
}

//  Our own certificate. Its public key must be the one that belongs to the secret: with another one
//  every handshake would fail, and nobody could say why.
static int
s_read_own (bus_keys_t *self, const char *directory)
{
    char path[PATH_MOST], public_of_secret[BUS_KEY_SIZE + 1] = "";
    certificate_t cert;
    byte public[32], secret[32] = { 0 };
    static const byte s_zeros[32];
    snprintf (path, sizeof path, "%s/" OWN "_secret", directory);
    int error = s_load (path, &cert);
    bool is_good = !error && *cert.secret && zmq_z85_decode (secret, cert.secret)
                   && zmq_z85_decode (public, cert.public)
                   && memcmp (secret, s_zeros, sizeof s_zeros) != 0;
    bool is_pair = is_good && zmq_curve_public (public_of_secret, cert.secret) == 0
                   && strcmp (public_of_secret, cert.public) == 0;
    if (is_pair)
        self->own = zcert_new_from (public, secret);
    explicit_bzero (&cert, sizeof cert);
    explicit_bzero (secret, sizeof secret);
    if (self->own)
        return 0;
    return s_fail (path, is_good     ? "its public and its secret key do not fit together"
                         : error > 0 ? small_file_words (error)
                                     : "is no certificate with a secret key");
}

//  Says which keys are in force: at the start, after a change, and after a repair.
static void
s_say_in_force (const bus_keys_t *self)
{
    log_info ("bus keys in force", log_number (self->look.is_of_nodes ? "nodes" : "postoffices",
                                               (int64_t) self->others.count));
}

//  Begins to answer handshakes by the list. Between the end of the old thread and the start of the
//  new one nobody answers ZeroMQ's questions: the socket refuses those handshakes
//  (ZMQ_ZAP_ENFORCE_DOMAIN), and the nodes try again.
static void
s_authenticate (bus_keys_t *self)
{
    static const byte s_no_secret[32];
    zcertstore_t *store = zcertstore_new (NULL);
    for (size_t at = 0; at < self->others.count; at++) {
        byte public[32];
        if (!zmq_z85_decode (public, self->others.rows[at].public))
            continue;
        zcert_t *cert = zcert_new_from (public, s_no_secret);
        zcert_set_meta (cert, "role", "%s", self->others.rows[at].role);
        zcertstore_insert (store, &cert);
    }
    zactor_destroy (&self->auth);
    self->auth = zactor_new (zauth, store);
    assert (self->auth);
}

static void
s_free (void *keys)
{
    bus_keys_t *self = keys;
    zcert_destroy (&self->own);
    free (self->look.list.rows);
    free (self->others.rows);
    free (self);
}

//  A mistake is a warning once, until there is another one or a repair, and changes nothing.
static void
s_complain (bus_keys_t *self)
{
    char complaint[sizeof self->complaint];
    snprintf (complaint, sizeof complaint, "%.*s: %s", PATH_MOST, self->look.file,
              self->look.mistake);
    if (strcmp (complaint, self->complaint) != 0)
        log_warn ("bus keys cannot be used", log_string ("file", self->look.file),
                  log_string ("what", self->look.mistake));
    memcpy (self->complaint, complaint, sizeof complaint);
}

//  Takes the list as the look has found it.
static void
s_take (bus_keys_t *self)
{
    list_of_keys_t now = self->look.list;
    self->look.list = (list_of_keys_t){ NULL, 0 };
    bool was_broken = *self->complaint;
    self->complaint[0] = '\0';
    bool is_same = now.count == self->others.count;
    for (size_t at = 0; is_same && at < now.count; at++)
        is_same = now.rows[at].role == self->others.rows[at].role
                  && strcmp (now.rows[at].public, self->others.rows[at].public) == 0;
    free (self->others.rows);
    self->others = now;
    if (was_broken || !is_same)
        s_say_in_force (self);
    if (!is_same && self->look.is_of_nodes)
        s_authenticate (self);
    if (!is_same && self->changed)
        self->changed (self->owner);
}

static void
s_looked (void *keys)
{
    bus_keys_t *self = keys;
    if (!*self->look.mistake) {
        s_take (self);
        return;
    }
    s_complain (self);
    free (self->look.list.rows);
    self->look.list = (list_of_keys_t){ NULL, 0 };
}

//  The first look is before the loop turns: it may wait for the disk, and a mistake is fatal.
static int
s_start (bus_keys_t *self, const char *directory)
{
    if (strlen (directory) + strlen ("/postoffices/") + 16 > PATH_MOST)
        return s_fail (directory, "is too long a path");
    if (s_read_own (self, directory) != 0)
        return -1;
    snprintf (self->look.place, sizeof self->look.place, "%s/%s", directory,
              self->look.is_of_nodes ? "nodes" : "postoffices");
    s_look (self);
    if (*self->look.mistake)
        return s_fail (self->look.file, self->look.mistake);
    self->others = self->look.list;
    self->look.list = (list_of_keys_t){ NULL, 0 };
    self->look.may_be_empty = self->look.is_of_nodes;
    return 0;
}

bus_keys_t *
bus_keys_new (uv_loop_t *loop, const char *directory, node_role_t role,
              bus_keys_changed_fn *changed, void *owner)
{
    bus_czmq_start ();
    bus_keys_t *self = alloc_zeroed (sizeof *self);
    self->look.is_of_nodes = role == NODE_POSTOFFICE;
    self->changed = changed;
    self->owner = owner;
    if (s_start (self, directory) != 0) {
        s_free (self);
        return NULL;
    }
    if (self->look.is_of_nodes) {
        s_authenticate (self);
        s_say_in_force (self);
    }
    static const file_watch_events_t events = { .look = s_look,
                                                .looked = s_looked,
                                                .gone = s_free };
    self->watch = file_watch_new (loop, &events, BUS_KEYS_LOOK_EVERY_MS, self);
    return self;
}

void
bus_keys_destroy (bus_keys_t **self_p)
{
    bus_keys_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    zactor_destroy (&self->auth);
    file_watch_end (&self->watch);
}

const char *
bus_keys_role_of (const bus_keys_t *self, const char *public)
{
    const listed_t *row = public ? s_find (&self->others, public) : NULL;
    return row ? row->role : NULL;
}

const char *
bus_keys_of_postoffice (const bus_keys_t *self, uint64_t nth)
{
    return self->others.rows[nth % self->others.count].public;
}

void
bus_keys_apply_to_router (const bus_keys_t *self, zsock_t *socket)
{
    zsock_set_zap_domain (socket, DOMAIN);
    //  Without it, ZeroMQ lets everybody in while no thread answers. czmq's own call does nothing
    //  where libzmq's draft header was not there.
    int one = 1;
    int rc = zmq_setsockopt (zsock_resolve (socket), ZAP_ENFORCE_DOMAIN, &one, sizeof one);
    assert (rc == 0);
    zcert_apply (self->own, socket);
    zsock_set_curve_server (socket, 1);
}

void
bus_keys_apply_to_dealer (const bus_keys_t *self, zsock_t *socket, uint64_t nth)
{
    zcert_apply (self->own, socket);
    zsock_set_curve_serverkey (socket, bus_keys_of_postoffice (self, nth));
}

hash_key_t
bus_keys_hash_key (const bus_keys_t *self)
{
    return hash_key_derived ((text_t){ (const char *) zcert_secret_key (self->own), 32 });
}
