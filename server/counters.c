/* Counters; see counters.h. */
#include "server/counters.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "server/lookup.h"
#include "server/query.h"
#include "server/refusal.h"
#include "server/rrl.h"

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
    case RCODE_BADCOOKIE:
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

/* Which counters a note's small numbers stand for; none for those that are left out. */
static const enum counter wrongs[] = {[WRONG_ADDRESS] = COUNTER_WRONG_ADDRESS,
    [WRONG_NAME] = COUNTER_WRONG_NAME,
    [WRONG_COLON] = COUNTER_WRONG_COLON,
    [WRONG_DOUBLED] = COUNTER_WRONG_DOUBLED};
static const enum counter rates[] = {[RRL_NOTED] = COUNTER_RATE_NOTED,
    [RRL_SLIP] = COUNTER_RATE_SLIPPED,
    [RRL_DROP] = COUNTER_RATE_DROPPED};

/* What a query was refused for, and how it was limited, whether it was answered or not. */
static void
note_gate(uint64_t *of, const struct answer_note *note)
{
    of[COUNTER_KEY_UNKNOWN] += note->refusal == REFUSAL_KEY_UNKNOWN;
    of[COUNTER_KEY_OFF] += note->refusal == REFUSAL_KEY_OFF;
    of[COUNTER_OVER_QUOTA] += note->refusal == REFUSAL_QUOTA;
    of[COUNTER_COOKIES] += note->cookie != COOKIE_NONE;
    of[COUNTER_COOKIES_GOOD] += note->cookie == COOKIE_GOOD;
    of[COUNTER_COOKIES_BAD] += note->cookie == COOKIE_BAD;
    if (note->wrong_kind != WRONG_NONE) {
        of[COUNTER_WRONG_KIND]++;
        of[wrongs[note->wrong_kind]]++;
    }
    if (note->rate != RRL_SEND)
        of[rates[note->rate]]++;
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
    note_gate(of, note);
    if (note->dropped) {
        of[COUNTER_DROPPED]++;
        of[COUNTER_ACL_DROPPED] += note->acl;
        return;
    }
    of[outcome(note)]++;
    of[COUNTER_ACL_REFUSED] += note->acl;
    of[COUNTER_EDNS] += note->edns;
    of[COUNTER_TRUNCATED] += note->truncated;
    of[COUNTER_STALE] += note->stale;
}
