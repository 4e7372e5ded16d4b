/*
 * Plain records of names (rbldnsd's generic lists) in answers.mdb.
 *
 * Key: STORE_RECORD dataset 0 dname_key(name); names are relative to the zone, the root label alone
 * is the apex. Value: one or more of type(2) ttl(4) size(2) rdata, in the order of the file; names
 * within rdata (MX) are absolute and uncompressed. Numbers are big-endian. Names match exactly.
 *
 * recordset.c is on the answer path: nothing allocated, every length checked.
 */
#ifndef ZONES_RECORDSET_H
#define ZONES_RECORDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dname.h"
#include "err.h"
#include "kvread.h"
#include "slice.h"
#include "store.h"

/* A record, borrowed. */
struct recordset_rr {
    uint16_t type;
    uint32_t ttl_s;
    struct slice rdata;
};

struct recordset_hit {
    struct slice rrs; /* for recordset_next; n 0: the name has none */
    bool exists;      /* the name, or one below it, has records (RFC 8020) */
};

/* One seek. */
enum err recordset_lookup(struct kvread *reader, uint16_t dataset, const struct dname *name,
    struct recordset_hit *out) MUST_CHECK;
/* Takes the first record off *rrs; ERR_NOTFOUND at the end, ERR_FORMAT for damaged bytes. */
enum err recordset_next(struct slice *rrs, struct recordset_rr *out) MUST_CHECK;

struct recordset_entry {
    struct dname name;
    struct recordset_rr rr;
};
/* recordset_build.c: entries sorted by dname_key(name), of one name in their order. Emits in key
 * order. */
enum err recordset_build(uint16_t dataset, const struct recordset_entry *entries, size_t count,
    store_emit_fn emit, void *ctx) MUST_CHECK;

#endif
