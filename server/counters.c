/* Counters; see counters.h. */
#include "server/counters.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "server/query.h"

enum { CACHE_LINE = 64 };

enum err
counters_map(unsigned slots, unsigned zones, struct counter_slots *out, struct errmsg *msg)
{
    size_t size = sizeof(struct counters) + (zones + 1) * sizeof(struct zone_counts);
    out->count = slots;
    out->stride = (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    out->memory =
        mmap(NULL, slots * out->stride, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (out->memory == MAP_FAILED) {
        out->memory = NULL;
        return errmsg_set(msg, ERR_NOMEM, "no shared memory for the counters: %s", strerror(errno));
    }
    for (unsigned i = 0; i < slots; i++)
        counters_slot(out, i)->zone_count = zones;
    return ERR_OK;
}

void
counters_unmap(struct counter_slots *slots)
{
    if (slots->memory != NULL)
        (void)munmap(slots->memory, slots->count * slots->stride);
    *slots = (struct counter_slots){0};
}

struct counters *
counters_slot(const struct counter_slots *slots, unsigned number)
{
    return (struct counters *)(void *)(slots->memory + number * slots->stride);
}

static enum counter
outcome(const struct answer_note *note)
{
    switch ((enum rcode)note->rcode) {
    case RCODE_NOERROR:
        return note->listed ? COUNTER_LISTED : COUNTER_NOERROR;
    case RCODE_NXDOMAIN:
        return COUNTER_NXDOMAIN;
    case RCODE_REFUSED:
        return COUNTER_REFUSED;
    case RCODE_SERVFAIL:
        return COUNTER_SERVFAIL;
    case RCODE_FORMERR:
    case RCODE_NOTIMP:
    case RCODE_BADVERS:
        return COUNTER_MALFORMED;
    }
    return COUNTER_MALFORMED;
}

static void
note_zone(struct zone_counts *counts, const struct answer_note *note, size_t in, size_t out)
{
    counts->of[ZONE_COUNTER_QUERIES]++;
    counts->of[ZONE_COUNTER_OK] += !note->dropped && note->rcode == RCODE_NOERROR;
    counts->of[ZONE_COUNTER_NXDOMAIN] += !note->dropped && note->rcode == RCODE_NXDOMAIN;
    counts->of[ZONE_COUNTER_BYTES_IN] += in;
    counts->of[ZONE_COUNTER_BYTES_OUT] += out;
}

void
counters_note(struct counters *counters, const struct answer_note *note, unsigned zone, bool tcp,
    size_t bytes_in, size_t bytes_out)
{
    uint64_t *of = counters->of;
    of[COUNTER_QUERIES]++;
    of[COUNTER_TCP] += tcp;
    note_zone(&counters->zones[counters->zone_count], note, bytes_in, bytes_out);
    /* As rbldnsd: what gets no answer counts in no zone. */
    if (zone < counters->zone_count && !note->dropped)
        note_zone(&counters->zones[zone], note, bytes_in, bytes_out);
    if (note->dropped) {
        of[COUNTER_DROPPED]++;
        of[COUNTER_ACL_DROPPED] += note->acl;
        return;
    }
    of[outcome(note)]++;
    of[COUNTER_ACL_REFUSED] += note->acl;
    of[COUNTER_EDNS] += note->edns;
    of[COUNTER_TRUNCATED] += note->truncated;
    of[COUNTER_WRONG_KIND] += note->wrong_kind;
    of[COUNTER_STALE] += note->stale;
}
