/*
 * DNS server cookies: a client that returns ours has shown that it gets what is sent to its
 * address. Interoperable ones, so that several servers with one secret take each other's. On the
 * answer path; the secrets come from cookie_read.c. RFC 7873, RFC 9018.
 */
#ifndef SERVER_COOKIE_H
#define SERVER_COOKIE_H

#include <stdio.h>

#include "server/query.h"
#include "server/siphash.h"
#include "zones/ip.h"

/* Cookies are made with the first, and good by any of them: so a secret is rolled over. */
#define COOKIE_SECRETS_MAX 2
struct cookie_secrets {
    unsigned count; /* 0: no cookies */
    struct siphash_key keys[COOKIE_SECRETS_MAX];
};

/* Looks for a cookie in the query's EDNS options, judges it, and fills query->cookie with what is
 * to be returned. FORMERR if the option, or the list of options, is malformed (RFC 7873 5.2.2). */
enum rcode cookie_take(const struct cookie_secrets *secrets, const struct ip *client, int64_t now_s,
    struct query *query);

/* The secrets of a file: one or two lines of 32 hexadecimal digits. The message has no secret. */
enum err cookie_read(const char *path, struct cookie_secrets *out, struct errmsg *msg) MUST_CHECK;
enum err cookie_parse(
    FILE *file, const char *path, struct cookie_secrets *out, struct errmsg *msg) MUST_CHECK;
/* One that nobody knows. */
enum err cookie_make_secret(struct siphash_key *out, struct errmsg *msg) MUST_CHECK;

#endif
