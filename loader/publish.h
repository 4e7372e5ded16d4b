/*
 * Publishing: desired datasets against answers.mdb, only what differs, in one transaction.
 */
#ifndef LOADER_PUBLISH_H
#define LOADER_PUBLISH_H

#include "zones/authority.h"
#include "zones/combined.h"
#include "zones/ipset.h"
#include "zones/nameset.h"
#include "zones/pairset.h"
#include "zones/recordset.h"
#include "zones/store.h"
#include "zones/zoneconf.h"

struct evidence_entry {
    bool is_ip;
    struct ip ip;
    struct dname name;
    int64_t since_s;
    char *detail;
};

/* A dataset as it shall be. Entries are sorted as the builders want them; owned by the caller. */
struct publish_set {
    struct dataset info; /* name, kind, expires_s, max_age_s, ttl_s; the rest is filled here */
    bool keep;           /* leave what is stored under the name, and of its sections, as it is; the
                            rest means nothing */
    const struct ipset_entry *addrs;
    const struct ipset_v4 *v4; /* instead of addrs, with count of them */
    const struct nameset_entry *names;
    const struct pairset_policy *policies; /* of a pair set, beside pairs */
    size_t policy_count;
    const struct pairset_entry *pairs;
    const struct recordset_entry *rrs;
    size_t count;
    /* Of a combined list, whose sections are the part_count sets before it. ids are their numbers
     * there, from 1. */
    const struct combined_zone *zones;
    size_t zone_count, part_count;
    const struct authority *authority;     /* NULL: the list says nothing of it */
    const struct evidence_entry *evidence; /* addresses by ip_cmp first, then names by dname_key */
    size_t evidence_count;
};

/* The i-th range of a set of addresses. */
static inline struct ipset_entry
publish_range(const struct publish_set *set, size_t i)
{
    const struct ipset_v4 *v4 = set->v4;
    if (v4 == NULL)
        return set->addrs[i];
    return (struct ipset_entry){
        {ip_from_v4(v4->first[i]), ip_from_v4(v4->last[i])}, ipset_v4_value(v4, i)};
}
static inline bool
publish_has_ranges(const struct publish_set *set)
{
    return set->addrs != NULL || set->v4 != NULL;
}
/* The first range that does not end before ip; count: none. */
size_t publish_find(const struct publish_set *set, const struct ip *ip);

struct publish_result {
    uint64_t records_put, records_deleted;
    uint32_t serial;
    bool changed;
};

/* Datasets not in sets are removed with all their records. Zones whose digest changed get the new
 * serial. The heartbeat becomes now_s if beat. Diffing reads a snapshot before the write
 * transaction opens; with nothing to write none is opened and the file keeps its bytes. ERR_FULL:
 * nothing was written; msg says what to do. */
enum err publish(const struct conf *conf, const struct publish_set *sets, size_t count,
    int64_t now_s, bool beat, struct publish_result *out, struct errmsg *msg) MUST_CHECK;

#endif
