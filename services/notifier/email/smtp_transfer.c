#include "email/smtp_transfer.h"

#include "base/alloc.h"
#include "email/mail_header.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define STACK_SIZE (512u << 10)
#define SOCKETS_MOST 4 //  two at a time, when a host has addresses of both kinds
#define NO_SOCKET (-1)

struct smtp_transfer {
    uv_thread_t thread;
    uv_async_t over; //  the thread has ended
    smtp_ended_fn *ended;
    void *owner;
    atomic_bool is_cancelled;
    uv_mutex_t lock; //  of `sockets`
    int sockets[SOCKETS_MOST];
    //  Of the thread, while it runs:
    CURL *easy;
    curl_mime *mime;
    struct curl_slist *headers, *recipients;
    bool has_quit;
    smtp_end_t end;
    char error[CURL_ERROR_SIZE];
};

// ------------------------------------------------------------------------------------------------
//  In the thread

static size_t
s_take_reply (char *line, size_t one, size_t size, void *owner)
{
    (void) one; //  always 1
    smtp_transfer_t *self = owner;
    if (self->has_quit) //  the outcome is known, and the answer may be there already
        return size;
    return smtp_replies_line (&self->end.replies, (text_t){ line, size }) == 0 ? size : 0;
}

static void
s_replace_socket (smtp_transfer_t *self, int old, int other)
{
    uv_mutex_lock (&self->lock);
    for (size_t at = 0; at < SOCKETS_MOST; at++)
        if (self->sockets[at] == old) {
            self->sockets[at] = other;
            break;
        }
    uv_mutex_unlock (&self->lock);
}

static curl_socket_t
s_open_socket (void *owner, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void) purpose;
    int descriptor = socket (address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (descriptor >= 0)
        s_replace_socket (owner, NO_SOCKET, descriptor);
    return descriptor >= 0 ? descriptor : CURL_SOCKET_BAD;
}

static int
s_close_socket (void *owner, curl_socket_t descriptor)
{
    s_replace_socket (owner, descriptor, NO_SOCKET);
    return close (descriptor);
}

static void
s_shut_sockets (smtp_transfer_t *self, int how)
{
    uv_mutex_lock (&self->lock);
    for (size_t at = 0; at < SOCKETS_MOST; at++)
        if (self->sockets[at] != NO_SOCKET)
            (void) shutdown (self->sockets[at], how);
    uv_mutex_unlock (&self->lock);
}

//  The outcome is known when QUIT goes out, and the answer to it is nobody's concern: with the
//  reading half shut, libcurl's wait for it is over at once.
static int
s_look_at_commands (CURL *easy, curl_infotype type, char *data, size_t size, void *owner)
{
    (void) easy;
    smtp_transfer_t *self = owner;
    if (type == CURLINFO_HEADER_OUT && size >= 4 && memcmp (data, "QUIT", 4) == 0) {
        self->has_quit = true;
        s_shut_sockets (self, SHUT_RD);
    }
    return 0;
}

static int
s_look_whether_cancelled (void *owner, curl_off_t down_most, curl_off_t down, curl_off_t up_most,
                          curl_off_t up)
{
    (void) down_most, (void) down, (void) up_most, (void) up;
    smtp_transfer_t *self = owner;
    return atomic_load (&self->is_cancelled) ? 1 : 0;
}

static void
s_run (void *owner)
{
    smtp_transfer_t *self = owner;
    self->end.result = (int) curl_easy_perform (self->easy);
    uv_async_send (&self->over);
}

// ------------------------------------------------------------------------------------------------
//  On the loop

static void
s_free (uv_handle_t *handle)
{
    smtp_transfer_t *self = handle->data;
    curl_easy_cleanup (self->easy);
    curl_mime_free (self->mime);
    curl_slist_free_all (self->headers);
    curl_slist_free_all (self->recipients);
    uv_mutex_destroy (&self->lock);
    free (self);
}

static void
s_over (uv_async_t *over)
{
    smtp_transfer_t *self = over->data;
    uv_thread_join (&self->thread);
    self->end.error = self->error;
    if (!atomic_load (&self->is_cancelled))
        self->ended (self->owner, &self->end);
    uv_close ((uv_handle_t *) over, s_free);
}

static void
s_append (struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append (*list, line);
    if (!longer)
        alloc_failed ();
    *list = longer;
}

static void
s_add_part (curl_mime *mime, const buffer_t *body, const char *type)
{
    curl_mimepart *part = curl_mime_addpart (mime);
    if (!part || curl_mime_data (part, body->data, body->size) != CURLE_OK
        || curl_mime_type (part, type) != CURLE_OK
        || curl_mime_encoder (part, "quoted-printable") != CURLE_OK)
        alloc_failed ();
}

//  libcurl takes the type of the whole from our headers, and adds the boundary.
static void
s_set_mail (smtp_transfer_t *self, const smtp_request_t *request)
{
    const buffer_t *headers = &request->mail->headers;
    for (size_t at = 0; at < headers->size; at += strlen (headers->data + at) + 1)
        s_append (&self->headers, headers->data + at);
    s_append (&self->headers, "Content-Type: multipart/alternative");
    self->mime = curl_mime_init (self->easy);
    if (!self->mime)
        alloc_failed ();
    s_add_part (self->mime, &request->mail->text, "text/plain; charset=utf-8");
    if (request->mail->html.size > 0)
        s_add_part (self->mime, &request->mail->html, "text/html; charset=utf-8");
    curl_easy_setopt (self->easy, CURLOPT_HTTPHEADER, self->headers);
    curl_easy_setopt (self->easy, CURLOPT_MIMEPOST, self->mime);
}

static void
s_set_envelope (smtp_transfer_t *self, const smtp_request_t *request)
{
    char address[MAIL_ADDRESS_MOST + 3];
    snprintf (address, sizeof address, "<%.*s>", TEXT_ARGS (request->from));
    curl_easy_setopt (self->easy, CURLOPT_MAIL_FROM, address);
    snprintf (address, sizeof address, "<%.*s>", TEXT_ARGS (request->to));
    s_append (&self->recipients, address);
    curl_easy_setopt (self->easy, CURLOPT_MAIL_RCPT, self->recipients);
}

//  Verification is libcurl's default, and stays on. CURLUSESSL_TRY would send in clear where
//  STARTTLS is not offered, or was taken out of the offer by somebody between.
static void
s_set_security (smtp_transfer_t *self, const smtp_request_t *request)
{
    CURL *easy = self->easy;
    curl_easy_setopt (easy, CURLOPT_USE_SSL,
                      (long) (request->security == SMTP_NO_TLS ? CURLUSESSL_NONE
                                                               : CURLUSESSL_ALL));
    curl_easy_setopt (easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    if (*request->ca_file)
        curl_easy_setopt (easy, CURLOPT_CAINFO, request->ca_file);
    self->end.replies.has_starttls = request->security == SMTP_BY_STARTTLS;
    if (request->user.size == 0)
        return;
    curl_easy_setopt (easy, CURLOPT_USERNAME, request->user.data);
    curl_easy_setopt (easy, CURLOPT_PASSWORD, request->password.data);
    //  Inside TLS these are as good as any. Left alone, libcurl would take GSSAPI where it is
    //  offered and the user looks like an address, and not fall back.
    curl_easy_setopt (easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
    curl_easy_setopt (easy, CURLOPT_SASL_IR, 1L);
    self->end.replies.must_log_in = request->must_log_in;
}

//  The URL's path is our name, for EHLO.
static bool
s_set_name (CURLU *url, const char *name)
{
    char path[MAIL_ADDRESS_MOST + 2];
    char *there = NULL;
    bool has_one = curl_url_get (url, CURLUPART_PATH, &there, 0) == CURLUE_OK && *there
                   && strcmp (there, "/") != 0;
    curl_free (there);
    snprintf (path, sizeof path, "/%s", name);
    return has_one || curl_url_set (url, CURLUPART_PATH, path, 0) == CURLUE_OK;
}

//  Returns 0, or −1 when the URL is none.
static int
s_set_url (smtp_transfer_t *self, const smtp_request_t *request)
{
    static const CURLUPart unwanted[] = { CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY,
                                          CURLUPART_FRAGMENT };
    const char *scheme = request->security == SMTP_BY_TLS ? "smtps" : "smtp";
    CURLU *url = curl_url ();
    if (!url)
        alloc_failed ();
    bool is_good = curl_url_set (url, CURLUPART_URL, request->url.data, 0) == CURLUE_OK
                   && curl_url_set (url, CURLUPART_SCHEME, scheme, 0) == CURLUE_OK
                   && s_set_name (url, request->name);
    for (size_t at = 0; at < sizeof unwanted / sizeof *unwanted; at++)
        is_good = is_good && curl_url_set (url, unwanted[at], NULL, 0) == CURLUE_OK;
    char *whole = NULL;
    is_good = is_good && curl_url_get (url, CURLUPART_URL, &whole, 0) == CURLUE_OK
              && curl_easy_setopt (self->easy, CURLOPT_URL, whole) == CURLE_OK;
    curl_free (whole);
    curl_url_cleanup (url);
    return is_good ? 0 : -1;
}

static void
s_set_way (smtp_transfer_t *self, const smtp_request_t *request)
{
    CURL *easy = self->easy;
    curl_easy_setopt (easy, CURLOPT_PROXY, ""); //  the environment's would count
    curl_easy_setopt (easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt (easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt (easy, CURLOPT_QUICK_EXIT, 1L); //  does not wait for the resolver's thread
    curl_easy_setopt (easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt (easy, CURLOPT_TIMEOUT_MS, (long) request->timeout_ms);
    curl_easy_setopt (easy, CURLOPT_CONNECTTIMEOUT_MS, (long) request->timeout_ms);
    curl_easy_setopt (easy, CURLOPT_SERVER_RESPONSE_TIMEOUT,
                      (long) (request->timeout_ms / 1000 + 1));
    curl_easy_setopt (easy, CURLOPT_ERRORBUFFER, self->error);
    curl_easy_setopt (easy, CURLOPT_HEADERFUNCTION, s_take_reply);
    curl_easy_setopt (easy, CURLOPT_HEADERDATA, self);
    curl_easy_setopt (easy, CURLOPT_OPENSOCKETFUNCTION, s_open_socket);
    curl_easy_setopt (easy, CURLOPT_OPENSOCKETDATA, self);
    curl_easy_setopt (easy, CURLOPT_CLOSESOCKETFUNCTION, s_close_socket);
    curl_easy_setopt (easy, CURLOPT_CLOSESOCKETDATA, self);
    curl_easy_setopt (easy, CURLOPT_XFERINFOFUNCTION, s_look_whether_cancelled);
    curl_easy_setopt (easy, CURLOPT_XFERINFODATA, self);
    curl_easy_setopt (easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt (easy, CURLOPT_DEBUGFUNCTION, s_look_at_commands);
    curl_easy_setopt (easy, CURLOPT_DEBUGDATA, self);
    curl_easy_setopt (easy, CURLOPT_VERBOSE, 1L);
}

static void
s_start_curl (void)
{
    curl_global_init (CURL_GLOBAL_DEFAULT);
}

smtp_begin_t
smtp_transfer_new (smtp_transfer_t **self_p, uv_loop_t *loop, const smtp_request_t *request,
                   smtp_ended_fn *ended, void *owner)
{
    static uv_once_t once = UV_ONCE_INIT;
    uv_once (&once, s_start_curl);
    smtp_transfer_t *self = alloc_zeroed (sizeof *self);
    self->ended = ended;
    self->owner = owner;
    self->easy = curl_easy_init ();
    if (!self->easy || uv_mutex_init (&self->lock) != 0)
        alloc_failed ();
    for (size_t at = 0; at < SOCKETS_MOST; at++)
        self->sockets[at] = NO_SOCKET;
    s_set_way (self, request);
    s_set_security (self, request);
    s_set_envelope (self, request);
    s_set_mail (self, request);
    bool is_good = s_set_url (self, request) == 0;
    self->over.data = self;
    if (uv_async_init (loop, &self->over, s_over) != 0)
        alloc_failed ();
    uv_thread_options_t options = { .flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = STACK_SIZE };
    bool is_begun = is_good && uv_thread_create_ex (&self->thread, &options, s_run, self) == 0;
    if (!is_begun)
        uv_close ((uv_handle_t *) &self->over, s_free);
    *self_p = is_begun ? self : NULL;
    return is_begun ? SMTP_BEGUN : is_good ? SMTP_NO_THREAD : SMTP_NO_URL;
}

void
smtp_transfer_cancel (smtp_transfer_t **self_p)
{
    smtp_transfer_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    atomic_store (&self->is_cancelled, true);
    s_shut_sockets (self, SHUT_RDWR);
}
