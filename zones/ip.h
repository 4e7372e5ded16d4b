/*
 * Addresses: one type for both families, and the only place where an address is reversed.
 *
 * An IPv4 address is held as ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so a mapped address is IPv4
 * everywhere. The families keep two key spaces: 4 bytes and 16 bytes. Prefix lengths count bits of
 * the family itself, 0..32 or 0..128. Pure functions; no resolver, no sockets.
 */
#ifndef ZONES_IP_H
#define ZONES_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct ip {
    uint8_t b[16];
};

enum ip_family { IP_V4 = 4, IP_V6 = 6 };

/* addr has no bit set past len. */
struct prefix {
    struct ip addr;
    uint8_t len;
};

/* Both ends belong to the range, both are of one family, first <= last. */
struct range {
    struct ip first;
    struct ip last;
};

#define IP_TEXT_SIZE     46 /* "ffff:...:255.255.255.255" and the NUL */
#define IP_REVERSE_SIZE  64 /* 32 nibbles, 31 dots, NUL */
#define PREFIX_TEXT_SIZE (IP_TEXT_SIZE + 4)

enum ip_family ip_family(const struct ip *ip);
static inline bool
ip_is4(const struct ip *ip)
{
    return ip_family(ip) == IP_V4;
}

/* 32 or 128. */
unsigned ip_bits(enum ip_family family);

/* v4 in host byte order. */
struct ip ip_from_v4(uint32_t v4);
uint32_t ip_v4(const struct ip *ip); /* only for an IPv4 address */

/* The family's own key: 4 or 16 bytes, network order; returns the length. And back: n is 4 or 16,
 * anything else is ERR_SYNTAX. */
size_t ip_key(const struct ip *ip, uint8_t out[16]);
enum err ip_from_key(const uint8_t *key, size_t n, struct ip *out) MUST_CHECK;

/* memcmp order of the 16 bytes. */
int ip_cmp(const struct ip *a, const struct ip *b);

/* Text of len bytes, no NUL needed. IPv4: exactly four decimal numbers 0..255 without sign, at most
 * three digits. IPv6: RFC 4291 2.2, any case, no zone index; a mapped address comes out as IPv4.
 * No brackets, no blanks. */
enum err ip_parse(const char *text, size_t len, struct ip *out) MUST_CHECK;

/* RFC 5952 form, or a dotted quad. Always terminated. */
void ip_format(const struct ip *ip, char out[IP_TEXT_SIZE]);

/* "a/len" or a bare address (len 32 or 128). Host bits set are an error unless clear_host_bits. */
enum err prefix_parse(
    const char *text, size_t len, bool clear_host_bits, struct prefix *out) MUST_CHECK;
void prefix_format(const struct prefix *prefix, char out[PREFIX_TEXT_SIZE]);
bool prefix_contains(const struct prefix *prefix, const struct ip *ip);
/* Whether one of count prefixes has the address. */
bool prefixes_contain(const struct prefix *prefixes, unsigned count, const struct ip *ip);
/* From its first address to its last. */
struct range prefix_range(const struct prefix *prefix);
/* ip with every bit past len cleared; len <= ip_bits. */
struct prefix prefix_of(const struct ip *ip, unsigned len);

/* Whether the range is one prefix, *out. */
bool range_prefix(const struct range *range, struct prefix *out);

/* The address after or before, within the family; false at its end. */
bool ip_next(struct ip *ip);
bool ip_prev(struct ip *ip);

/* Whether it is a 6to4 address (2002::/16, RFC 3056 2); *v4 is then the IPv4 address in it. */
bool ip_6to4(const struct ip *ip, struct ip *v4);

/* Loopback, private, link-local, unspecified, multicast, shared or benchmark space: never a
 * client on the Internet (RFC 6890, RFC 4193, RFC 4291). Documentation ranges are not special, so
 * that tests and examples can use them. */
bool ip_is_special(const struct ip *ip);
/* Loopback, RFC 1918, RFC 6598, link-local and unique local: "our own networks" for access. */
bool ip_is_private(const struct ip *ip);

/* RFC 5782 2.1 and 2.4: "4.3.2.1" or 32 nibbles, lower case, no dot at the end. Returns the length.
 */
size_t ip_reverse(const struct ip *ip, char out[IP_REVERSE_SIZE]);

/* What labels at the left of a query name say (RFC 5782). */
enum ip_labels {
    IP_LABELS_FULL,    /* *out is set */
    IP_LABELS_PARTIAL, /* an ancestor of addresses: 0 to 3 octets, or 0 to 31 nibbles */
    IP_LABELS_NOT      /* no address, and nothing below it is one */
};

/* labels: count uncompressed wire labels (length byte, text), lower case. FULL for exactly 4 octets
 * or 32 nibbles; octets may have leading zeros, up to 3 digits (as rbldnsd). *also_partial (may be
 * NULL) is set where four one-digit octets are also the top of IPv6 nibble names, so that their
 * absence must be NODATA (RFC 8020). */
enum ip_labels ip_from_labels(
    const uint8_t *labels, unsigned count, struct ip *out, bool *also_partial);

#endif
