#include "bus/bus_keys.h"

#include "bus/bus_czmq.h"
#include "base/alloc.h"
#include "base/log.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DOMAIN "bus"
//  libzmq names it in its draft header only, but has it since 4.3.0.
#define ZAP_ENFORCE_DOMAIN 93
#define OWN "own"
#define PATH_MOST 240
#define PUBLIC_SIZE 40
#define ROLE_MOST 16
#define FILE_MOST 4096
#define LISTED_MOST 4096

//  A file in zcert's format.
typedef struct {
    char public[PUBLIC_SIZE + 1];
    char secret[PUBLIC_SIZE + 1]; //  "" in a public certificate
    char role[ROLE_MOST];
} certificate_t;

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
    bool is_started;               //  later mistakes leave what is in force
    char complaint[2 * PATH_MOST]; //  file and reason of the last reading; "": it was a good one
    list_of_keys_t others;         //  nodes/ or postoffices/
    zactor_t *auth;                //  of a postoffice
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
s_fail (const char *path, const char *what)
{
    log_fatal ("bus keys cannot be used", log_string ("file", path), log_string ("what", what));
    return -1;
}

//  Fatal at the start. Later each complaint is a warning once, until another one or a repair.
static int
s_complain (bus_keys_t *self, const char *path, const char *what)
{
    char complaint[sizeof self->complaint];
    snprintf (complaint, sizeof complaint, "%.*s: %s", PATH_MOST, path, what);
    if (!self->is_started)
        return s_fail (path, what);
    if (strcmp (complaint, self->complaint) != 0)
        log_warn ("bus keys cannot be used", log_string ("file", path),
                  log_string ("what", what));
    memcpy (self->complaint, complaint, sizeof complaint);
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
        if (strcmp (role, bus_role_word (each)) == 0)
            return bus_role_word (each);
    return NULL;
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
    size_t size = PUBLIC_SIZE + 1;
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
        strlen (cert->public) == PUBLIC_SIZE && zmq_z85_decode (key, cert->public)
        && (!*cert->secret
            || (strlen (cert->secret) == PUBLIC_SIZE && zmq_z85_decode (key, cert->secret)));
    explicit_bzero (key, sizeof key);
    return is_good ? 0 : -1;
}

//  Reads one file. czmq does not: it prints a line that it cannot read, and the secret key with it,
//  and leaks memory for each such file. Returns 0; −1 when the file is no certificate.
static int
s_load (const char *path, certificate_t *cert)
{
    char text[FILE_MOST];
    *cert = (certificate_t){ .public = "" };
    FILE *file = fopen (path, "r");
    if (!file)
        return -1;
    setvbuf (file, NULL, _IONBF, 0);
    size_t size = fread (text, 1, sizeof text, file);
    fclose (file);
    int rc = -1;
    if (size > 0 && size < sizeof text && !memchr (text, '\0', size)) {
        text[size] = '\0';
        rc = s_parse (text, cert);
    }
    explicit_bzero (text, sizeof text);
    return rc;
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

//  Adds the certificate of one file. A file twice is one key; a key with two roles is none.
static int
s_add (bus_keys_t *self, list_of_keys_t *list, const char *path)
{
    certificate_t cert;
    if (access (path, R_OK) != 0)
        return s_complain (self, path, strerror (errno));
    int rc = s_load (path, &cert);
    explicit_bzero (cert.secret, sizeof cert.secret);
    if (rc != 0)
        return s_complain (self, path, "is no certificate");
    const char *role = s_role_in (self, cert.role);
    const listed_t *row = s_find (list, cert.public);
    if (!role)
        return s_complain (self, path, "has no role: edge or worker in its metadata");
    if (row && row->role != role)
        return s_complain (self, path, "is listed with another role, too");
    if (!row && list->count == LISTED_MOST)
        return s_complain (self, path, "is one too many");
    if (row)
        return 0;
    list->rows = alloc_resized (list->rows, (list->count + 1) * sizeof *list->rows);
    listed_t *added = &list->rows[list->count++];
    memcpy (added->public, cert.public, sizeof added->public);
    added->role = role;
    return 0;
}

//  Reads all certificates of the others. Returns 0; −1 when one cannot be used. There must be one,
//  but a postoffice that has started may have its last node taken away.
static int
s_read (bus_keys_t *self, list_of_keys_t *list)
{
    char place[PATH_MOST], path[PATH_MOST + NAME_MAX + 2];
    snprintf (place, sizeof place, "%s/%s", self->directory, s_others (self));
    struct dirent **entries = NULL;
    int count = scandir (place, &entries, NULL, alphasort);
    if (count == -1)
        return s_complain (self, place, strerror (errno));
    int rc = 0;
    for (int at = 0; at < count; at++) {
        struct stat found;
        snprintf (path, sizeof path, "%s/%s", place, entries[at]->d_name);
        if (rc == 0 && s_is_certificate (entries[at]->d_name)
            && (stat (path, &found) != 0 || S_ISREG (found.st_mode)))
            rc = s_add (self, list, path);
        free (entries[at]);
    }
    free (entries);
    bool may_be_empty = self->is_started && self->role == NODE_POSTOFFICE;
    if (rc == 0 && list->count == 0 && !may_be_empty)
        rc = s_complain (self, place, "has no certificate");
    return rc;
}

static int
s_read_own (bus_keys_t *self)
{
    char path[PATH_MOST];
    if (strlen (self->directory) + strlen ("/postoffices/") + 16 > PATH_MOST)
        return s_fail (self->directory, "is too long a path");
    snprintf (path, sizeof path, "%s/" OWN "_secret", self->directory);
    if (access (path, R_OK) != 0)
        return s_fail (path, strerror (errno));
    certificate_t cert;
    static const byte s_zeros[32];
    byte public[32], secret[32] = { 0 };
    if (s_load (path, &cert) == 0 && *cert.secret && zmq_z85_decode (secret, cert.secret)
        && zmq_z85_decode (public, cert.public) && memcmp (secret, s_zeros, sizeof s_zeros) != 0)
        self->own = zcert_new_from (public, secret);
    explicit_bzero (&cert, sizeof cert);
    explicit_bzero (secret, sizeof secret);
    return self->own ? 0 : s_fail (path, "is no certificate with a secret key");
}

//  Says which keys are in force: at the start, after a change, and after a repair.
static void
s_say_in_force (const bus_keys_t *self)
{
    log_info ("bus keys in force", log_number (s_others (self), (int64_t) self->others.count));
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

bus_keys_t *
bus_keys_new (const char *directory, node_role_t role)
{
    bus_czmq_start ();
    bus_keys_t *self = alloc_zeroed (sizeof *self);
    self->directory = alloc_string (directory);
    self->role = role;
    if (s_read_own (self) != 0 || s_read (self, &self->others) != 0) {
        bus_keys_destroy (&self);
        return NULL;
    }
    self->is_started = true;
    if (role == NODE_POSTOFFICE) {
        s_authenticate (self);
        s_say_in_force (self);
    }
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
    if (s_read (self, &now) != 0) {
        free (now.rows);
        return false;
    }
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
    return !is_same;
}

bool
bus_keys_look (bus_keys_t *self)
{
    bool is_changed = s_read_again (self);
    if (is_changed)
        s_authenticate (self);
    return is_changed;
}

const char *
bus_keys_role_of (const bus_keys_t *self, const char *public)
{
    const listed_t *row = public ? s_find (&self->others, public) : NULL;
    return row ? row->role : NULL;
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
