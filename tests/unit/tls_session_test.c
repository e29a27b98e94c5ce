//  tls_session — a real client's bytes, in pieces of any size; and what it never counts wrong.

#include "base/alloc.h"
#include "tables/edge_metrics.h"
#include "tls/tls_context.h"
#include "tls/tls_session.h"

#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <stdlib.h>

typedef struct {
    tls_shared_t shared;
    tls_context_t context;
    tls_session_t *session;
    SSL_CTX *client_context;
    SSL *client; //  speaks to two BIOs in memory
    char heard[200000];
    size_t size;
    tls_step_t step;
    char *opened; //  of one take
} rig_t;

static char *
s_pem (BIO *from)
{
    char *bytes;
    long size = BIO_get_mem_data (from, &bytes);
    char *text = alloc_zeroed ((size_t) size + 1);
    memcpy (text, bytes, (size_t) size);
    BIO_free (from);
    return text;
}

//  One that nobody has signed but itself.
static void
s_make_context (tls_context_t *to)
{
    EVP_PKEY *key = EVP_EC_gen ("P-256");
    X509 *certificate = X509_new ();
    X509_gmtime_adj (X509_getm_notBefore (certificate), -60);
    X509_gmtime_adj (X509_getm_notAfter (certificate), 3600);
    X509_set_pubkey (certificate, key);
    X509_sign (certificate, key, EVP_sha256 ());
    BIO *first = BIO_new (BIO_s_mem ()), *second = BIO_new (BIO_s_mem ());
    PEM_write_bio_X509 (first, certificate);
    PEM_write_bio_PrivateKey (second, key, NULL, NULL, 0, NULL, NULL);
    char *pem = s_pem (first), *key_pem = s_pem (second);
    const char *mistake = tls_context_make (text_of (pem), text_of (key_pem), to);
    cr_assert_null (mistake, "%s", mistake);
    X509_free (certificate);
    EVP_PKEY_free (key);
    free (pem);
    free (key_pem);
}

static rig_t *
s_start (int version)
{
    rig_t *self = alloc_zeroed (sizeof *self);
    self->opened = alloc_zeroed (TLS_TAKEN_MOST);
    tls_shared_init (&self->shared);
    s_make_context (&self->context);
    self->session = tls_session_new (&self->shared, self->context.ssl);
    self->client_context = SSL_CTX_new (TLS_client_method ());
    SSL_CTX_set_max_proto_version (self->client_context, version);
    self->client = SSL_new (self->client_context);
    SSL_set_bio (self->client, BIO_new (BIO_s_mem ()), BIO_new (BIO_s_mem ()));
    SSL_set_connect_state (self->client);
    return self;
}

static void
s_end (rig_t *self)
{
    tls_session_destroy (&self->session);
    tls_context_free (&self->context);
    tls_shared_free (&self->shared);
    SSL_free (self->client);
    SSL_CTX_free (self->client_context);
    free (self->opened);
    free (self);
}

static void
s_to_client (rig_t *self, text_t bytes)
{
    if (bytes.size > 0)
        BIO_write (SSL_get_rbio (self->client), bytes.data, (int) bytes.size);
}

static void
s_take (rig_t *self, const char *bytes, size_t size)
{
    while (size > 0 && self->step == TLS_GOES_ON) {
        size_t room, opened;
        char *place = tls_session_place (self->session, &room);
        size_t now = size < room ? size : room;
        memcpy (place, bytes, now);
        self->step = tls_session_take (self->session, now, self->opened, &opened);
        s_to_client (self, tls_session_said (self->session));
        cr_assert_leq (tls_session_kept (self->session), TLS_RECORD_MOST);
        cr_assert_leq (self->size + opened, sizeof self->heard);
        memcpy (self->heard + self->size, self->opened, opened);
        self->size += opened;
        bytes += now;
        size -= now;
    }
}

//  What the client has written arrives in such pieces.
static void
s_carry (rig_t *self, size_t piece)
{
    BIO *from = SSL_get_wbio (self->client);
    char *bytes = alloc_zeroed (piece);
    int size;
    while ((size = BIO_read (from, bytes, (int) piece)) > 0)
        s_take (self, bytes, (size_t) size);
    free (bytes);
}

static void
s_shake (rig_t *self, size_t piece)
{
    for (int round = 0; round < 10 && SSL_do_handshake (self->client) != 1; round++)
        s_carry (self, piece);
    s_carry (self, piece);
    cr_assert (SSL_is_init_finished (self->client) && tls_session_is_ready (self->session));
}

//  The same client comes again, with what it has learned before.
static void
s_come_again (rig_t *self)
{
    SSL_SESSION *known = SSL_get1_session (self->client);
    SSL_shutdown (self->client); //  else it would not be good for another time
    SSL_free (self->client);
    tls_session_destroy (&self->session);
    self->session = tls_session_new (&self->shared, self->context.ssl);
    self->client = SSL_new (self->client_context);
    SSL_set_bio (self->client, BIO_new (BIO_s_mem ()), BIO_new (BIO_s_mem ()));
    SSL_set_connect_state (self->client);
    SSL_set_session (self->client, known);
    SSL_SESSION_free (known);
    self->step = TLS_GOES_ON;
    s_shake (self, 1000);
}

Test (tls_session, tickets_are_read_as_long_as_their_key_lives)
{
    rig_t *self = s_start (TLS1_2_VERSION);
    s_shake (self, 1000);
    s_come_again (self);
    cr_expect (SSL_session_reused (self->client));
    cr_assert_eq (tls_context_renew_tickets (&self->context), 0);
    s_come_again (self);
    cr_expect_not (SSL_session_reused (self->client));
    s_come_again (self);
    cr_expect (SSL_session_reused (self->client));
    s_end (self);
}

Test (tls_session, every_cipher_has_forward_secrecy)
{
    tls_context_t context;
    s_make_context (&context);
    STACK_OF (SSL_CIPHER) *all = SSL_CTX_get_ciphers (context.ssl);
    cr_assert_gt (sk_SSL_CIPHER_num (all), 5);
    for (int at = 0; at < sk_SSL_CIPHER_num (all); at++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value (all, at);
        cr_expect_neq (SSL_CIPHER_get_kx_nid (cipher), NID_kx_rsa, "%s",
                       SSL_CIPHER_get_name (cipher));
    }
    tls_context_free (&context);
}

static const int s_versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
static const size_t s_pieces[] = { 1, 7, 1000, 16384, 1 << 20 };

Test (tls_session, opens_what_comes_in_any_pieces)
{
    static char said[100000];
    for (size_t at = 0; at < sizeof said; at++)
        said[at] = (char) (at * 7 + at / 1000);
    for (size_t at = 0; at < 2 * sizeof s_pieces / sizeof *s_pieces; at++) {
        rig_t *self = s_start (s_versions[at % 2]);
        s_shake (self, s_pieces[at / 2]);
        cr_assert_eq (SSL_write (self->client, said, sizeof said), (int) sizeof said);
        s_carry (self, s_pieces[at / 2]);
        cr_expect_eq (self->size, sizeof said);
        cr_expect_eq (memcmp (self->heard, said, sizeof said), 0);
        cr_expect_eq (tls_session_kept (self->session), 0);
        s_end (self);
    }
    cr_expect_eq (edge_tls_handshakes[TLS_RESULT_FULL], 10);
}

//  A thousand records of one byte are opened together.
Test (tls_session, opens_small_records_together)
{
    rig_t *self = s_start (TLS1_3_VERSION);
    s_shake (self, 1 << 20);
    for (int at = 0; at < 800; at++)
        SSL_write (self->client, "x", 1);
    char bytes[TLS_TAKEN_MOST];
    int size = BIO_read (SSL_get_wbio (self->client), bytes, sizeof bytes);
    size_t room, opened;
    memcpy (tls_session_place (self->session, &room), bytes, (size_t) size);
    tls_step_t step =
        tls_session_take (self->session, (size_t) size, self->opened, &opened);
    cr_expect_eq (step, TLS_GOES_ON);
    cr_expect_eq (opened, 800);
    s_end (self);
}

Test (tls_session, seals_what_leaves)
{
    static char said[300000], heard[300000];
    for (size_t at = 0; at < sizeof said; at++)
        said[at] = (char) (at % 251);
    for (size_t at = 0; at < 2; at++) {
        rig_t *self = s_start (s_versions[at]);
        cr_expect_eq (tls_session_seal (self->session, TEXT ("early")).size, 0);
        s_shake (self, 1 << 20);
        text_t sealed = tls_session_seal (self->session, (text_t){ said, sizeof said });
        //  A record's head and tag for each 16 KiB.
        cr_expect (sealed.size > sizeof said && sealed.size < sizeof said + 19 * 40);
        s_to_client (self, sealed);
        for (size_t had = 0; had < sizeof said;) {
            int got = SSL_read (self->client, heard + had, (int) (sizeof heard - had));
            cr_assert_gt (got, 0);
            had += (size_t) got;
        }
        cr_expect_eq (memcmp (heard, said, sizeof said), 0);
        s_to_client (self, tls_session_end (self->session));
        cr_expect_eq (SSL_read (self->client, heard, 1), 0);
        cr_expect_eq (SSL_get_shutdown (self->client) & SSL_RECEIVED_SHUTDOWN,
                      SSL_RECEIVED_SHUTDOWN);
        s_end (self);
    }
}

//  The last words and the end in one piece.
Test (tls_session, hears_the_end_behind_the_last_word)
{
    rig_t *self = s_start (TLS1_3_VERSION);
    s_shake (self, 1 << 20);
    SSL_write (self->client, "last", 4);
    SSL_shutdown (self->client);
    s_carry (self, 1 << 20);
    cr_expect_eq (self->size, 4);
    cr_expect_eq (self->step, TLS_PEER_ENDED);
    s_end (self);
}

//  Keys are renewed; and what is changed on its way is noticed.
Test (tls_session, notices_what_was_changed)
{
    rig_t *self = s_start (TLS1_3_VERSION);
    s_shake (self, 1 << 20);
    cr_expect_eq (SSL_key_update (self->client, SSL_KEY_UPDATE_REQUESTED), 1);
    SSL_write (self->client, "one", 3);
    s_carry (self, 1 << 20);
    cr_expect_eq (self->size, 3);
    s_to_client (self, tls_session_seal (self->session, TEXT ("two")));
    char heard[10];
    cr_expect_eq (SSL_read (self->client, heard, sizeof heard), 3);
    SSL_write (self->client, "three", 5);
    char bytes[200];
    int size = BIO_read (SSL_get_wbio (self->client), bytes, sizeof bytes);
    bytes[size - 1] ^= 1;
    s_take (self, bytes, (size_t) size);
    cr_expect_eq (self->step, TLS_FAILED);
    cr_expect_eq (self->size, 3);
    int rc = SSL_read (self->client, heard, sizeof heard); //  the alert
    cr_expect (rc <= 0 && SSL_get_error (self->client, rc) == SSL_ERROR_SSL);
    cr_expect_eq (tls_session_seal (self->session, TEXT ("four")).size, 0);
    s_end (self);
}

//  Each costs us more than its sender.
Test (tls_session, ends_one_that_changes_keys_all_the_time)
{
    rig_t *self = s_start (TLS1_3_VERSION);
    s_shake (self, 1 << 20);
    unsigned changes = 0;
    for (; changes < 1000 && self->step == TLS_GOES_ON; changes++) {
        SSL_key_update (self->client, SSL_KEY_UPDATE_NOT_REQUESTED);
        SSL_do_handshake (self->client);
        s_carry (self, 1 << 20);
    }
    cr_expect_eq (self->step, TLS_FAILED);
    cr_expect_eq (changes, 65, "%u", changes);
    s_end (self);
}

static void
s_wish_to_begin_anew (rig_t *self)
{
    SSL_renegotiate (self->client);
    (void) SSL_do_handshake (self->client);
    s_carry (self, 1 << 20);
}

Test (tls_session, does_not_begin_anew)
{
    rig_t *self = s_start (TLS1_2_VERSION);
    s_shake (self, 1 << 20);
    s_wish_to_begin_anew (self);
    cr_expect_eq (self->step, TLS_FAILED);
    cr_expect_eq (tls_session_said (self->session).size, 0);
    cr_expect_eq (edge_tls_handshakes[TLS_RESULT_FULL], 1);
    cr_expect_eq (edge_tls_handshakes[TLS_RESULT_MALFORMED], 0);
    s_end (self);
}

//  OpenSSL would make room for 128 KiB, of nine bytes.
static const char s_large[] = "\x16\x03\x01\x00\x04\x01\x02\x00\x00";

Test (tls_session, makes_no_room_for_a_large_hello)
{
    rig_t *self = s_start (TLS1_3_VERSION);
    s_take (self, s_large, sizeof s_large - 1);
    cr_expect_eq (self->step, TLS_FAILED);
    cr_expect_eq (edge_tls_handshakes[TLS_RESULT_MALFORMED], 1);
    s_end (self);
}

//  A client whose first hello has no key that we know is asked for another one.
static rig_t *
s_start_with_other_groups (void)
{
    rig_t *self = s_start (TLS1_3_VERSION);
    cr_assert_eq (SSL_CTX_set1_groups_list (self->context.ssl, "P-384"), 1);
    tls_session_destroy (&self->session);
    self->session = tls_session_new (&self->shared, self->context.ssl);
    return self;
}

Test (tls_session, takes_a_second_hello)
{
    for (size_t at = 0; at < sizeof s_pieces / sizeof *s_pieces; at++) {
        rig_t *self = s_start_with_other_groups ();
        s_shake (self, s_pieces[at]);
        s_end (self);
    }
}

//  Also when it does not wait to be asked.
Test (tls_session, makes_no_room_for_a_large_second_hello)
{
    for (int is_at_once = 0; is_at_once < 2; is_at_once++) {
        rig_t *self = s_start_with_other_groups ();
        (void) SSL_do_handshake (self->client);
        if (!is_at_once)
            s_carry (self, 1 << 20);
        cr_expect_eq (self->step, TLS_GOES_ON);
        BIO_write (SSL_get_wbio (self->client), s_large, sizeof s_large - 1);
        s_carry (self, 1 << 20);
        cr_expect_eq (self->step, TLS_FAILED);
        s_end (self);
    }
}

//  A first message of a handshake that would be endless.
Test (tls_session, gives_up_a_handshake_that_is_too_large)
{
    static char record[5 + 16384];
    rig_t *self = s_start (TLS1_3_VERSION);
    memcpy (record, "\x16\x03\x01\x40\x00\x01\x01\xff\x00", 9);
    unsigned records = 0;
    for (; records < 10 && self->step == TLS_GOES_ON; records++) {
        s_take (self, record, sizeof record);
        memset (record + 5, 0, 16384);
    }
    cr_expect_eq (self->step, TLS_FAILED);
    cr_expect_leq (records, 3);
    cr_expect_eq (edge_tls_handshakes[TLS_RESULT_MALFORMED], 1);
    s_end (self);
}
