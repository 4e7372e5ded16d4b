/* Server cookies; see cookie.h. */
#include "server/cookie.h"

#include "zones/wire.h"

enum {
    CLIENT_SIZE = 8,
    HEAD_SIZE = CLIENT_SIZE + 8, /* up to the hash: client cookie, version, reserved, time */
    SERVER_LEAST = 8,
    SERVER_MOST = 32,
    VERSION = 1,
    VERSION_AT = 8,
    TIME_AT = 12,
    /* RFC 9018 4.3 */
    PAST_MOST_S = 3600,
    FUTURE_MOST_S = 300,
    RENEW_S = 1800
};

_Static_assert(COOKIE_SIZE == HEAD_SIZE + SIPHASH_SIZE, "RFC 9018 4");

/* RFC 9018 4.4: of the cookie up to its hash, and the client's address. */
static void
hash(const struct siphash_key *key, const uint8_t *head, const struct ip *client,
    uint8_t out[SIPHASH_SIZE])
{
    uint8_t bytes[HEAD_SIZE + 16];
    memcpy(bytes, head, HEAD_SIZE);
    size_t n = ip_key(client, bytes + HEAD_SIZE);
    siphash(key, bytes, HEAD_SIZE + n, out);
}

static bool
equal(const uint8_t *a, const uint8_t *b)
{
    uint8_t differ = 0; /* in the same time wherever they do */
    for (unsigned i = 0; i < SIPHASH_SIZE; i++)
        differ |= (uint8_t)(a[i] ^ b[i]);
    return differ == 0;
}

/* Seconds since the cookie was made, by the serial arithmetic of RFC 1982 (RFC 9018 4.3). */
static int32_t
age_s(const uint8_t *cookie, int64_t now_s)
{
    struct wire_in in = wire_in_of(cookie + TIME_AT, 4);
    return (int32_t)((uint32_t)now_s - wire_get_u32(&in));
}

static bool
is_good(const struct cookie_secrets *secrets, const uint8_t *cookie, size_t n,
    const struct ip *client, int64_t now_s)
{
    uint8_t wanted[SIPHASH_SIZE];
    if (n != COOKIE_SIZE || cookie[VERSION_AT] != VERSION)
        return false;
    int32_t age = age_s(cookie, now_s);
    if (age > PAST_MOST_S || age < -FUTURE_MOST_S)
        return false;
    for (unsigned i = 0; i < secrets->count; i++) {
        hash(&secrets->keys[i], cookie, client, wanted);
        if (equal(wanted, cookie + HEAD_SIZE))
            return true;
    }
    return false;
}

static void
make(const struct cookie_secrets *secrets, const uint8_t *client_cookie, const struct ip *client,
    int64_t now_s, uint8_t out[COOKIE_SIZE])
{
    struct wire_out head = wire_out_of(out, HEAD_SIZE);
    wire_put(&head, client_cookie, CLIENT_SIZE);
    wire_put_u32(&head, (uint32_t)VERSION << 24);
    wire_put_u32(&head, (uint32_t)now_s);
    hash(&secrets->keys[0], out, client, out + HEAD_SIZE);
}

/* RFC 7873 5.2.2: 8 bytes, or 16 to 40. */
static bool
has_form(size_t n)
{
    return n == CLIENT_SIZE || (n >= CLIENT_SIZE + SERVER_LEAST && n <= CLIENT_SIZE + SERVER_MOST);
}

static void
take(const struct cookie_secrets *secrets, const uint8_t *cookie, size_t n, const struct ip *client,
    int64_t now_s, struct query_cookie *out)
{
    bool good = is_good(secrets, cookie, n, client, now_s);
    out->state = good ? COOKIE_GOOD : n == CLIENT_SIZE ? COOKIE_CLIENT : COOKIE_BAD;
    /* Half its time over, or made with the secret before: another one. */
    int32_t age = good ? age_s(cookie, now_s) : RENEW_S;
    if (secrets->count == 1 && age >= 0 && age < RENEW_S && cookie[VERSION_AT + 1] == 0 &&
        cookie[VERSION_AT + 2] == 0 && cookie[VERSION_AT + 3] == 0)
        memcpy(out->bytes, cookie, COOKIE_SIZE);
    else
        make(secrets, cookie, client, now_s, out->bytes);
}

enum rcode
cookie_take(const struct cookie_secrets *secrets, const struct ip *client, int64_t now_s,
    struct query *query)
{
    struct wire_in in = wire_in_of(query->options.p, query->options.n);
    if (secrets->count == 0)
        return RCODE_NOERROR;
    while (in.at < in.n && !in.failed) {
        uint16_t code = wire_get_u16(&in);
        size_t n = wire_get_u16(&in);
        const uint8_t *bytes = in.p + in.at;
        wire_skip(&in, n);
        /* RFC 7873 5.2: of several the first counts. */
        if (in.failed || code != OPTION_COOKIE || query->cookie.state != COOKIE_NONE)
            continue;
        if (!has_form(n))
            return RCODE_FORMERR;
        take(secrets, bytes, n, client, now_s, &query->cookie);
    }
    return in.failed ? RCODE_FORMERR : RCODE_NOERROR;
}
