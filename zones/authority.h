/*
 * A zone's SOA and NS as a list file gives them ($SOA, $NS), for zones whose definition says that
 * they come from their data.
 *
 * Record: STORE_AUTHORITY dataset 0 -> flags(1: 1 has an SOA) ns-count(1) ns-ttl(4); with an SOA
 * ttl(4) serial(4) refresh(4) retry(4) expire(4) minimum(4) mname rname; then the NS names. Names
 * are in wire form, absolute. Numbers are big-endian.
 *
 * authority.c is on the answer path: nothing allocated, every length checked.
 */
#ifndef ZONES_AUTHORITY_H
#define ZONES_AUTHORITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dname.h"
#include "err.h"
#include "slice.h"
#include "store.h"

#define AUTHORITY_NS_MAX   32
#define AUTHORITY_SIZE_MAX (30 + (2 + AUTHORITY_NS_MAX) * DNAME_MAX)

struct soa {
    struct dname mname;
    struct dname rname;
    uint32_t ttl_s, refresh_s, retry_s, expire_s, minimum_s;
};

struct authority {
    bool has_soa;
    uint32_t serial; /* 0: that of the last publish that changed the zone */
    struct soa soa;
    uint32_t ns_ttl_s;
    unsigned ns_count;
    struct dname ns[AUTHORITY_NS_MAX];
};

void store_key_authority(struct store_key *key, uint16_t dataset);
size_t authority_encode(const struct authority *authority, uint8_t out[AUTHORITY_SIZE_MAX]);
/* ERR_FORMAT for damaged bytes. */
enum err authority_decode(struct slice value, struct authority *out) MUST_CHECK;

#endif
