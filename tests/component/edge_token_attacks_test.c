//  edge's doors against forged tokens: every attack on JSON Web Tokens that is known, made on the
//  real program, at each place where a token may stand. Nobody comes in, the postoffice hears of
//  nothing, and whoever tries is told that the token is not accepted, and no more. What a token's
//  faults are in detail is unit/token's.

#include "edge_fixture.h"
#include "http_get.h"
#include "token_maker.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define OTHER_SECRET "fedcba9876543210fedcba9876543210"
#define JWK "{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}"
#define HEADER "{\"alg\":\"HS256\",\"kid\":\"h\"}"
#define RS "{\"alg\":\"RS256\",\"kid\":\"r\"}"
#define ES "{\"alg\":\"ES256\",\"kid\":\"e\"}"
#define TARGET_ROOM 60000

static char s_path[] = "/tmp/edge_token_attacks_test.XXXXXX";
static stage_t *s_stage;
static EVP_PKEY *s_rsa, *s_ec;
static char *s_rsa_pem, *s_ec_pem;
static char s_claims[300]; //  of a good token
static unsigned s_attacks, s_tries;

static void
s_put_pem (FILE *file, const char *kid, const char *algorithm, const char *pem)
{
    fprintf (file, ",{\"kid\":\"%s\",\"algorithm\":\"%s\",\"key\":\"", kid, algorithm);
    for (; *pem; pem++)
        if (*pem == '\n')
            fputs ("\\n", file);
        else
            fputc (*pem, file);
    fputs ("\"}", file);
}

static void
s_begin (void)
{
    char setting[100];
    s_rsa = EVP_RSA_gen (2048);
    s_ec = EVP_EC_gen ("P-256");
    s_rsa_pem = token_public_pem (s_rsa);
    s_ec_pem = token_public_pem (s_ec);
    FILE *file = fdopen (mkstemp (s_path), "w");
    cr_assert (file);
    fputs ("{\"apps\":[{\"appId\":\"demo\",\"tokens\":{\"keys\":[{\"kid\":\"h\",\"algorithm\":"
           "\"HS256\",\"key\":\"" SECRET "\"}",
           file);
    s_put_pem (file, "r", "RS256", s_rsa_pem);
    s_put_pem (file, "e", "ES256", s_ec_pem);
    fputs ("]}},{\"appId\":\"other\",\"tokens\":{\"keys\":[{\"kid\":\"h\",\"algorithm\":\"HS256\","
           "\"key\":\"" OTHER_SECRET "\"}]}}]}\n",
           file);
    fclose (file);
    snprintf (setting, sizeof setting, "APPS_FILE=%s", s_path);
    s_stage = START (setting, "EDGE_DEMO_MODE=off", "EDGE_SESSIONS_PER_SECOND=1000000");
    snprintf (s_claims, sizeof s_claims,
              "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"anna\",\"exp\":%llu}",
              (unsigned long long) clock_wall_ms () / 1000 + 3600);
}

static void
s_end (void)
{
    stage_end (s_stage);
    unlink (s_path);
    EVP_PKEY_free (s_rsa);
    EVP_PKEY_free (s_ec);
    free (s_rsa_pem);
    free (s_ec_pem);
}

// ---------------------------------------------------------------------------------------------
//  The doors

static bool
s_is_plain (char byte)
{
    return isalnum ((unsigned char) byte) || (byte && strchr ("-_.", byte));
}

//  The token as a part of a URL.
static void
s_put_encoded (char *to, text_t token)
{
    for (size_t at = 0; at < token.size; at++)
        if (s_is_plain (token.data[at]))
            *to++ = token.data[at];
        else
            to += sprintf (to, "%%%02X", (unsigned char) token.data[at]);
    *to = '\0';
}

//  The API's answer: 401, or 400 and 431 when the token makes the request no HTTP.
static void
s_try_api (const char *name, const char *target, const char *headers, bool is_http)
{
    http_answer_t answer = http_get (s_stage->port, target, headers);
    s_tries++;
    if (is_http) {
        cr_expect_eq (answer.status, 401, "%s: %d %s", name, answer.status, answer.body);
        cr_expect (answer.headers && strstr (answer.headers, "www-authenticate: Bearer"), "%s",
                   name);
        //  The kind of fault, and nothing of what is there.
        cr_expect (answer.body
                       && (strstr (answer.body, "\"detail\":\"the token is not accepted\"")
                           || strstr (answer.body, "\"detail\":\"the token has expired;")),
                   "%s: %s", name, answer.body);
    } else
        cr_expect (answer.status >= 400 && answer.status < 500, "%s: %d", name, answer.status);
    http_answer_free (&answer);
}

//  A WebSocket is refused, or let in only to be told so.
static void
s_try_socket (const char *name, const char *target, const char *headers)
{
    ws_client_t *client =
        ws_client_open (&(ws_options_t){ .port = s_stage->port, .target = target,
                                         .headers = headers });
    s_tries++;
    cr_assert (client, "%s", name);
    if (ws_client_status (client) == 101) {
        ws_message_t message;
        const char said[] = "{\"event\":\"user joined\",\"sessionId\":\"s-1\"}";
        ws_client_send_text (client, said);
        ws_outcome_t outcome = ws_client_next (client, &message, 3000);
        cr_expect (outcome != WS_NOTHING, "%s: it stays open", name);
        while (outcome == WS_MESSAGE && message.opcode != WS_CLOSE)
            outcome = ws_client_next (client, &message, 3000);
        unsigned code = outcome == WS_MESSAGE && message.size >= 2
                            ? (unsigned) ((unsigned char) message.data[0] << 8
                                          | (unsigned char) message.data[1])
                            : 0;
        //  What cannot stand in a URL is a fault of the URL.
        cr_expect (code == 4401 || code == 4400, "%s: %u", name, code);
    } else
        cr_expect (ws_client_status (client) >= 400, "%s: %d", name, ws_client_status (client));
    ws_client_destroy (&client);
}

static bool
s_is_line (text_t token)
{
    for (size_t at = 0; at < token.size; at++)
        if ((unsigned char) token.data[at] < ' ' || (unsigned char) token.data[at] >= 0x7f)
            return false;
    return true;
}

static void
s_attack_text (const char *name, text_t token)
{
    static char target[TARGET_ROOM], headers[TARGET_ROOM], encoded[TARGET_ROOM];
    s_attacks++;
    bool is_short = token.size < 14000; //  the head of a request has 16 KiB at most
    snprintf (headers, sizeof headers, "Authorization: Bearer %.*s\r\n", TEXT_ARGS (token));
    //  Blanks and ends of lines behind a header's value are none of its.
    if (token.size == 0 || !isspace ((unsigned char) token.data[token.size - 1]))
        s_try_api (name, "/api/v1/sessions/s-1", headers, is_short && s_is_line (token));
    s_put_encoded (encoded, token);
    snprintf (target, sizeof target, "/?appId=demo&token=%s", encoded);
    s_try_socket (name, target, NULL);
    if (s_is_line (token)) {
        snprintf (headers, sizeof headers, "Sec-WebSocket-Protocol: chat, stentor.token.%.*s\r\n",
                  TEXT_ARGS (token));
        s_try_socket (name, "/?appId=demo", headers);
    }
    rig_turn_for (&s_stage->rig, 4); //  the bus goes on meanwhile
}

static void
s_attack (const char *name, const made_token_t *token)
{
    s_attack_text (name, (text_t){ token->text, token->size });
}

//  A header that is signed as it should be, with the secret.
static void
s_attack_header (const char *header)
{
    s_attack (header, token_with_hmac (header, s_claims, SECRET));
}

//  Claims that are. "%llu" is a time that is good.
__attribute__ ((format (printf, 1, 2))) static void
s_attack_claims (const char *format, ...)
{
    char claims[1000];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (claims, sizeof claims, format, arguments);
    va_end (arguments);
    s_attack (claims, token_with_hmac (HEADER, claims, SECRET));
}

// ---------------------------------------------------------------------------------------------
//  The attacks

static void
s_algorithms_and_keys (void)
{
    static const char *const headers[] = {
        "{\"alg\":\"none\"}",
        "{\"alg\":\"none\",\"kid\":\"h\"}",
        "{\"alg\":\"None\",\"kid\":\"h\"}",
        "{\"alg\":\"hs256\",\"kid\":\"h\"}",
        "{\"alg\":\"HS512\",\"kid\":\"h\"}",
        "{\"alg\":\"RS256\",\"kid\":\"h\"}",
        "{\"alg\":\"HS256\",\"kid\":\"r\"}",
        "{\"alg\":\"HS256\",\"kid\":\"e\"}",
        "{\"alg\":\"HS256\"}", //  there are several keys
        "{\"kid\":\"h\"}",
        "{\"alg\":null,\"kid\":\"h\"}",
        "{\"alg\":[\"HS256\"],\"kid\":\"h\"}",
    };
    for (size_t at = 0; at < sizeof headers / sizeof *headers; at++)
        s_attack_header (headers[at]);
    made_token_t made;
    token_open (&made, "{\"alg\":\"none\"}", s_claims);
    token_close (&made, "", 0);
    s_attack ("none, without a signature", &made);
    token_open (&made, HEADER, s_claims);
    token_close (&made, "", 0);
    s_attack ("no signature", &made);
    //  What everybody has, as the secret.
    const char *confused = "{\"alg\":\"HS256\",\"kid\":\"r\"}";
    s_attack ("key confusion, RSA", token_with_hmac (confused, s_claims, s_rsa_pem));
    confused = "{\"alg\":\"HS256\",\"kid\":\"e\"}";
    s_attack ("key confusion, EC", token_with_hmac (confused, s_claims, s_ec_pem));
    s_attack ("the empty key", token_with_hmac (HEADER, s_claims, ""));
    s_attack ("a JWK as the secret", token_with_hmac (HEADER, s_claims, JWK));
    s_attack ("another secret", token_with_hmac (HEADER, s_claims, SECRET "x"));
    s_attack ("the other app's secret", token_with_hmac (HEADER, s_claims, OTHER_SECRET));
    EVP_PKEY *own = EVP_RSA_gen (2048);
    s_attack ("an RSA key of one's own", token_with_key (own, RS, s_claims));
    EVP_PKEY_free (own);
    s_attack ("an EC key for RSA", token_with_key (s_ec, RS, s_claims));
    s_attack ("an RSA key for EC", token_with_key (s_rsa, ES, s_claims));
}

static void
s_headers (void)
{
    static const char *const members[] = {
        "\"crit\":[\"exp\"]",
        "\"crit\":[\"unknown\"]",
        "\"crit\":[]",
        ("\"jwk\":" JWK),
        "\"jku\":\"http://127.0.0.1/keys\"",
        "\"x5u\":\"http://127.0.0.1/chain\"",
        "\"x5c\":[\"AAAA\"]",
        "\"x5t\":\"AAAA\"",
        "\"zip\":\"DEF\"",
        "\"cty\":\"JWT\"",
        "\"b64\":false",
        "\"enc\":\"A128GCM\"",
        "\"anything\":1",
        "\"alg\":\"HS256\"",
        "\"kid\":\"h\"",
        "\"\\u0061lg\":\"none\"",
    };
    static const char *const kids[] = {
        "../../../../etc/passwd", "/dev/null", "file:h", "http://127.0.0.1/", "h' OR '1'='1",
        "h'; DROP TABLE session; --", "$(id)", "h\\u0000", "h ", "H", "",
    };
    static const char *const wholes[] = { "", "[]", "null", "7", "\"HS256\"", "{}x", "{\"alg\":" };
    char header[11000];
    for (size_t at = 0; at < sizeof members / sizeof *members; at++) {
        snprintf (header, sizeof header, "{\"alg\":\"HS256\",\"kid\":\"h\",%s}", members[at]);
        s_attack_header (header);
    }
    for (size_t at = 0; at < sizeof kids / sizeof *kids; at++) {
        snprintf (header, sizeof header, "{\"alg\":\"HS256\",\"kid\":\"%s\"}", kids[at]);
        s_attack_header (header);
    }
    for (size_t at = 0; at < sizeof wholes / sizeof *wholes; at++)
        s_attack_header (wholes[at]);
    static const size_t sizes[] = { 4000, 10000 };
    for (size_t at = 0; at < sizeof sizes / sizeof *sizes; at++) {
        size_t size = (size_t) sprintf (header, "{\"alg\":\"HS256\",\"kid\":\"");
        memset (header + size, 'k', sizes[at]);
        strcpy (header + size + sizes[at], "\"}");
        s_attack (sizes[at] == 4000 ? "a kid of 4 kB" : "a kid of 10 kB",
                  token_with_hmac (header, s_claims, SECRET));
    }
}

static void
s_signatures (void)
{
    made_token_t made;
    char name[60], bytes[64] = { 0 };
    static const size_t sizes[] = { 1, 16, 31, 32, 33, 64 };
    for (size_t at = 0; at < sizeof sizes / sizeof *sizes; at++) {
        token_open (&made, HEADER, s_claims);
        token_close (&made, bytes, sizes[at]);
        snprintf (name, sizeof name, "a signature of %zu zeros", sizes[at]);
        s_attack (name, &made);
    }
    token_open (&made, ES, s_claims);
    token_close (&made, bytes, sizeof bytes);
    s_attack ("an ES256 signature of zeros", &made);
    static const size_t cuts[] = { 1, 2, 43, 85 };
    for (size_t at = 0; at < sizeof cuts / sizeof *cuts; at++) {
        made = *token_with_key (s_ec, ES, s_claims);
        made.size -= cuts[at];
        snprintf (name, sizeof name, "an ES256 signature without %zu characters", cuts[at]);
        s_attack (name, &made);
    }
    made = *token_with_key (s_rsa, RS, s_claims);
    made.size -= 100;
    s_attack ("a short RS256 signature", &made);
    made = *token_with_key (s_rsa, RS, s_claims);
    memcpy (made.text + made.size, "AAAA", 5);
    made.size += 4;
    s_attack ("a long RS256 signature", &made);
}

//  The good token, spoilt at its end or in its middle.
static void
s_alphabet (void)
{
    static const char *const ends[] = { "=",  "==", ".",    ".x", "%3D", " =", "+",
                                        "\t", "\n", "\r\n", "A",  "AAAA", "*" };
    static const char inside[] = "=+/ *%,;\"\t\n\177\303";
    char name[60];
    made_token_t good = *token_with_hmac (HEADER, s_claims, SECRET), made;
    for (size_t at = 0; at < sizeof ends / sizeof *ends; at++) {
        made = good;
        made.size += (size_t) sprintf (made.text + made.size, "%s", ends[at]);
        snprintf (name, sizeof name, "an end of \"%s\"", ends[at]);
        s_attack (name, &made);
    }
    for (size_t at = 0; at < sizeof inside - 1; at++) {
        made = good;
        made.text[made.signature / 2] = inside[at];
        snprintf (name, sizeof name, "a byte %u in the middle", (unsigned char) inside[at]);
        s_attack (name, &made);
    }
    made = good;
    made.text[made.size - 1]++;
    s_attack ("bits that are left over", &made);
    static const char *const wholes[] = { ".",     "..",  "...", "a",          "a.b",
                                          "a.b.c", "....", "eyJ", "null.null.null" };
    for (size_t at = 0; at < sizeof wholes / sizeof *wholes; at++)
        s_attack_text (wholes[at], text_of (wholes[at]));
    static char nested[30000];
    snprintf (nested, sizeof nested, "%.*s.AAAA.AAAA", (int) good.size, good.text);
    s_attack_text ("five parts, as of a JWE", text_of (nested));
    snprintf (nested, sizeof nested, "%.*s", (int) good.size, good.text);
    s_attack ("a token in a token", token_with_hmac (HEADER, nested, SECRET));
}

#define WHO "\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\""

static void
s_claims_of_all_kinds (void)
{
    static const char *const expiries[] = {
        "null", "\"9999999999\"", "9999999999.5", "9.9e9",  "-1",  "0",    "9007199254740992",
        "true", "[9999999999]",   "{}",           "1e400", "0x7fffffff", "99999999999999999999",
    };
    unsigned long long now = clock_wall_ms () / 1000, later = now + 3600;
    s_attack_claims ("{" WHO "}");
    for (size_t at = 0; at < sizeof expiries / sizeof *expiries; at++)
        s_attack_claims ("{" WHO ",\"exp\":%s}", expiries[at]);
    s_attack_claims ("{" WHO ",\"exp\":%llu}", now - 60);
    s_attack_claims ("{" WHO ",\"exp\":%llu,\"nbf\":%llu}", later, now + 300);
    s_attack_claims ("{" WHO ",\"exp\":%llu,\"nbf\":\"1\"}", later);
    s_attack_claims ("{" WHO ",\"exp\":%llu,\"exp\":%llu}", now - 60, later);
    s_attack_claims ("{" WHO ",\"exp\":%llu,\"sub\":\"b\"}", later);
    s_attack_claims ("{" WHO ",\"exp\":%llu,\"s\\u0075b\":\"b\"}", later);
    s_attack_claims ("{" WHO ",\"exp\":%llu,\"kind\":\"api\"}", later);
    s_attack_claims ("{\"app\":\"other\",\"kind\":\"agent\",\"sub\":\"a\",\"exp\":%llu}", later);
    s_attack_claims ("{\"app\":[\"demo\"],\"kind\":\"agent\",\"sub\":\"a\",\"exp\":%llu}", later);
    s_attack_claims ("{\"kind\":\"agent\",\"sub\":\"a\",\"exp\":%llu}", later);
    s_attack_claims ("{" WHO ",\"aud\":\"mail\",\"exp\":%llu}", later);
    s_attack_claims ("{" WHO ",\"aud\":[\"mail\",\"demo\"],\"exp\":%llu}", later);
    static const char *const kinds[] = { "\"router\"", "\"bot\"", "\"platform\"", "\"Agent\"",
                                         "2",          "null",    "[\"agent\"]" };
    for (size_t at = 0; at < sizeof kinds / sizeof *kinds; at++)
        s_attack_claims ("{\"app\":\"demo\",\"kind\":%s,\"sub\":\"a\",\"exp\":%llu}", kinds[at],
                         later);
    static const char *const subs[] = { "\"\"", "7", "null", "\"a\\u0000b\"", "\"a\\nb\"" };
    for (size_t at = 0; at < sizeof subs / sizeof *subs; at++)
        s_attack_claims ("{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":%s,\"exp\":%llu}", subs[at],
                         later);
    static const char *const wholes[] = { "", "[]", "null", "7", "{}", "{\"app\":\"demo\"" };
    for (size_t at = 0; at < sizeof wholes / sizeof *wholes; at++)
        s_attack (wholes[at], token_with_hmac (HEADER, wholes[at], SECRET));
}

// ---------------------------------------------------------------------------------------------

//  The door is open for this one: what is refused is refused for what is wrong about it.
static void
s_expect_good (const made_token_t *token)
{
    static char target[TARGET_ROOM];
    snprintf (target, sizeof target, "/?appId=demo&token=%.*s", (int) token->size, token->text);
    ws_client_t *client = stage_connect (s_stage, target);
    ws_client_send_text (client, "{\"event\":\"user joined\",\"sessionId\":\"s-1\"}");
    const bus_record_t *attach = stage_hear (s_stage, BUS_ATTACH);
    cr_expect (text_is (attach->attach.user, TEXT ("anna")));
    ws_client_destroy (&client);
}

Test (edge_token_attacks, nobody_comes_in, .timeout = 120)
{
    s_begin ();
    s_expect_good (token_with_hmac (HEADER, s_claims, SECRET));
    s_expect_good (token_with_key (s_rsa, RS, s_claims));
    s_expect_good (token_with_key (s_ec, ES, s_claims));
    s_algorithms_and_keys ();
    s_headers ();
    s_signatures ();
    s_alphabet ();
    s_claims_of_all_kinds ();
    rig_turn_for (&s_stage->rig, 50);
    cr_expect_null (stage_find (s_stage, BUS_ATTACH));
    cr_expect_null (stage_find (s_stage, BUS_REQUEST));
    s_expect_good (token_with_hmac (HEADER, s_claims, SECRET));
    fprintf (stderr, "edge_token_attacks: %u attacks, %u tries at the doors\n", s_attacks, s_tries);
    cr_expect_geq (s_attacks, 100);
    s_end ();
}
