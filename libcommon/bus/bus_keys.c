#include "bus/bus_keys.h"

#include "bus/bus_czmq.h"
#include "base/alloc.h"
#include "base/log.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DOMAIN "bus"
#define OWN "own"
//  zcert looks for names of at most this length.
#define PATH_MOST 240
#define PUBLIC_SIZE 40
#define FILE_MOST 4096
#define LISTED_MOST 4096

typedef struct {
    char public[PUBLIC_SIZE + 1];
    const char *role; //  a word of ours
} listed_t;

//  The certificates of a directory.
typedef struct {
    listed_t *rows;
    size_t count;
} list_of_keys_t;

struct bus_keys {
    char *directory;
    node_role_t role;
    zcert_t *own;
    bool is_broken;        //  the list of the others, when it was last read again
    list_of_keys_t others; //  nodes/ or postoffices/
    zactor_t *auth;        //  of a postoffice
};

const char *
bus_role_word (uint64_t role)
{
    return role == NODE_EDGE         ? "edge"
           : role == NODE_WORKER     ? "worker"
           : role == NODE_POSTOFFICE ? "postoffice"
                                     : "?";
}

static const char *
s_others (const bus_keys_t *self)
{
    return self->role == NODE_POSTOFFICE ? "nodes" : "postoffices";
}

static int
s_complain (log_level_t level, const char *path, const char *what)
{
    log_write (level, "bus keys cannot be used",
               (const log_field_t[]){ log_string ("file", path), log_string ("what", what) }, 2);
    return -1;
}

static bool
s_is_certificate (const char *name)
{
    size_t size = strlen (name), ending = strlen ("_secret");
    return name[0] != '.' && (size < ending || strcmp (name + size - ending, "_secret") != 0);
}

//  The role that a certificate of this list may have; NULL when it has none of them.
static const char *
s_role_in (const bus_keys_t *self, const char *role)
{
    if (self->role != NODE_POSTOFFICE)
        return bus_role_word (NODE_POSTOFFICE);
    for (node_role_t each = NODE_EDGE; each <= NODE_WORKER; each++)
        if (role && strcmp (role, bus_role_word (each)) == 0)
            return bus_role_word (each);
    return NULL;
}

//  czmq leaks memory for each file that is not a certificate, and a postoffice reads its list every
//  few seconds. So czmq is given only well-formed files.
static bool
s_is_well_formed (const char *path)
{
    char text[FILE_MOST];
    FILE *file = fopen (path, "r");
    size_t size = file ? fread (text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose (file);
    text[size] = '\0';
    zconfig_t *tree = size > 0 && size < sizeof text - 1 ? zconfig_str_load (text) : NULL;
    const char *public = tree ? zconfig_get (tree, "/curve/public-key", "") : "";
    const char *secret = tree ? zconfig_get (tree, "/curve/secret-key", "") : "";
    bool is_good = strlen (public) == PUBLIC_SIZE
                   && (strlen (secret) == PUBLIC_SIZE || strlen (secret) == 0);
    zconfig_destroy (&tree);
    return is_good;
}

//  NULL when the file is no certificate.
static zcert_t *
s_load (const char *path, const char *file)
{
    return s_is_well_formed (file) ? zcert_load (path) : NULL;
}

//  Adds the certificate of one file. A file twice is one key; a key with two roles is none.
static int
s_add (const bus_keys_t *self, list_of_keys_t *list, const char *path, log_level_t level)
{
    if (access (path, R_OK) != 0)
        return s_complain (level, path, strerror (errno));
    zcert_t *cert = s_load (path, path);
    if (!cert)
        return s_complain (level, path, "is no certificate");
    const char *role = s_role_in (self, zcert_meta (cert, "role"));
    int rc = 0;
    listed_t *row = NULL;
    for (size_t at = 0; at < list->count && !row; at++)
        if (strcmp (list->rows[at].public, zcert_public_txt (cert)) == 0)
            row = &list->rows[at];
    if (!role)
        rc = s_complain (level, path, "has no role: edge or worker in its metadata");
    else if (row && row->role != role)
        rc = s_complain (level, path, "is listed with another role, too");
    else if (!row && list->count == LISTED_MOST)
        rc = s_complain (level, path, "is one too many");
    else if (!row) {
        list->rows = alloc_resized (list->rows, (list->count + 1) * sizeof *list->rows);
        row = &list->rows[list->count++];
        snprintf (row->public, sizeof row->public, "%s", zcert_public_txt (cert));
        row->role = role;
    }
    zcert_destroy (&cert);
    return rc;
}

//  Reads all certificates of the others. Returns 0; −1 when one cannot be used or there is none.
static int
s_read (const bus_keys_t *self, list_of_keys_t *list, log_level_t level)
{
    char place[PATH_MOST], path[PATH_MOST + NAME_MAX + 2];
    snprintf (place, sizeof place, "%s/%s", self->directory, s_others (self));
    struct dirent **entries = NULL;
    int count = scandir (place, &entries, NULL, alphasort);
    if (count == -1)
        return s_complain (level, place, strerror (errno));
    int rc = 0;
    for (int at = 0; at < count; at++) {
        struct stat found;
        snprintf (path, sizeof path, "%s/%s", place, entries[at]->d_name);
        if (rc == 0 && s_is_certificate (entries[at]->d_name)
            && (stat (path, &found) != 0 || S_ISREG (found.st_mode)))
            rc = s_add (self, list, path, level);
        free (entries[at]);
    }
    free (entries);
    if (rc == 0 && list->count == 0)
        rc = s_complain (level, place, "has no certificate");
    return rc;
}

static int
s_read_own (bus_keys_t *self)
{
    char path[PATH_MOST], secret[PATH_MOST + 8];
    if (strlen (self->directory) + strlen ("/postoffices/") + 16 > PATH_MOST)
        return s_complain (LOG_FATAL, self->directory, "is too long a path");
    snprintf (path, sizeof path, "%s/" OWN, self->directory);
    snprintf (secret, sizeof secret, "%s_secret", path);
    if (access (secret, R_OK) != 0)
        return s_complain (LOG_FATAL, secret, strerror (errno));
    self->own = s_load (path, secret);
    static const byte s_zeros[32];
    if (!self->own || memcmp (zcert_secret_key (self->own), s_zeros, sizeof s_zeros) == 0)
        return s_complain (LOG_FATAL, secret, "is no certificate with a secret key");
    return 0;
}

//  Begins to answer handshakes by the list. Those that come while there is nobody to answer are
//  refused, and tried again by whoever asked.
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
    log_info ("bus keys in force", log_number ("nodes", (int64_t) self->others.count));
}

bus_keys_t *
bus_keys_new (const char *directory, node_role_t role)
{
    bus_czmq_start ();
    bus_keys_t *self = alloc_zeroed (sizeof *self);
    self->directory = alloc_string (directory);
    self->role = role;
    if (s_read_own (self) != 0 || s_read (self, &self->others, LOG_FATAL) != 0) {
        bus_keys_destroy (&self);
        return NULL;
    }
    if (role == NODE_POSTOFFICE)
        s_authenticate (self);
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
    zcert_destroy (&self->own);
    free (self->others.rows);
    free (self->directory);
    free (self);
}

//  Takes the list as it is now. Returns whether it is another one.
static bool
s_read_again (bus_keys_t *self)
{
    list_of_keys_t now = { NULL, 0 };
    bool was_broken = self->is_broken;
    self->is_broken = s_read (self, &now, was_broken ? LOG_DEBUG : LOG_WARN) != 0;
    if (self->is_broken) {
        free (now.rows);
        return false;
    }
    bool is_same = now.count == self->others.count;
    for (size_t at = 0; is_same && at < now.count; at++)
        is_same = now.rows[at].role == self->others.rows[at].role
                  && strcmp (now.rows[at].public, self->others.rows[at].public) == 0;
    free (self->others.rows);
    self->others = now;
    return !is_same;
}

void
bus_keys_look (bus_keys_t *self)
{
    if (s_read_again (self))
        s_authenticate (self);
}

void
bus_keys_apply_to_router (const bus_keys_t *self, zsock_t *socket)
{
    zsock_set_zap_domain (socket, DOMAIN);
    zcert_apply (self->own, socket);
    zsock_set_curve_server (socket, 1);
}

void
bus_keys_apply_to_dealer (bus_keys_t *self, zsock_t *socket, uint64_t nth)
{
    (void) s_read_again (self);
    zcert_apply (self->own, socket);
    zsock_set_curve_serverkey (socket, self->others.rows[nth % self->others.count].public);
}

hash_key_t
bus_keys_hash_key (const bus_keys_t *self)
{
    return hash_key_derived ((text_t){ (const char *) zcert_secret_key (self->own), 32 });
}
