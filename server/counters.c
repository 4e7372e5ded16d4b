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
    out->memory = mmap(
        NULL, (slots + 1) * out->stride, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (out->memory == MAP_FAILED) {
        out->memory = NULL;
        return errmsg_set(msg, ERR_NOMEM, "no shared memory for the counters: %s", strerror(errno));
    }
    for (unsigned i = 0; i <= slots; i++)
        counters_slot(out, i)->zone_count = zones;
    return ERR_OK;
}

void
counters_unmap(struct counter_slots *slots)
{
    if (slots->memory != NULL)
        (void)munmap(slots->memory, (slots->count + 1) * slots->stride);
    *slots = (struct counter_slots){0};
}

void
counters_protect(const struct counter_slots *slots)
{
    (void)mprotect(slots->memory, (slots->count + 1) * slots->stride, PROT_READ);
}

struct counters *
counters_slot(const struct counter_slots *slots, unsigned number)
{
    return (struct counters *)(void *)(slots->memory + number * slots->stride);
}

struct counters *
counters_others(const struct counter_slots *slots)
{
    return counters_slot(slots, slots->count);
}

static enum counter
outcome(const struct answer_note *note)
{
    static const uint8_t by_rcode[] = {[RCODE_NOERROR] = COUNTER_NOERROR,
        [RCODE_FORMERR] = COUNTER_FORMERR,
        [RCODE_SERVFAIL] = COUNTER_SERVFAIL,
        [RCODE_NXDOMAIN] = COUNTER_NXDOMAIN,
        [RCODE_NOTIMP] = COUNTER_NOTIMP,
        [RCODE_REFUSED] = COUNTER_REFUSED,
        [RCODE_BADVERS] = COUNTER_BADVERS,
        [RCODE_BADCOOKIE] = COUNTER_BADCOOKIE};
    if (note->listed && note->rcode == RCODE_NOERROR)
        return COUNTER_LISTED;
    if (note->rcode >= sizeof by_rcode || by_rcode[note->rcode] == 0)
        return COUNTER_OTHER;
    return by_rcode[note->rcode];
}

static void
note_zone(struct zone_counts *counts, const struct answer_note *note, size_t in, size_t out)
{
    counts->of[ZONE_COUNTER_QUERIES]++;
    counts->of[ZONE_COUNTER_OK] += !note->dropped && note->rcode == RCODE_NOERROR;
    counts->of[ZONE_COUNTER_NXDOMAIN] += !note->dropped && note->rcode == RCODE_NXDOMAIN;
    counts->of[ZONE_COUNTER_BYTES_IN] += in;
    counts->of[ZONE_COUNTER_BYTES_OUT] += out;
    counts->of[ZONE_COUNTER_LISTED] += note->listed;
}

static void
note_reasons(uint64_t *of, const struct answer_note *note)
{
    of[COUNTER_LITERAL] += note->literal;
    for (uint32_t bits = note->reasons.bits; bits != 0; bits &= bits - 1)
        of[COUNTER_REASONS + __builtin_ctz(bits)]++;
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
counters_note(struct counters *counters, const struct answer_note *note, unsigned zone,
    const struct request *request, size_t bytes_out)
{
    uint64_t *of = counters->of;
    of[COUNTER_QUERIES]++;
    of[COUNTER_TCP] += request->tcp;
    of[COUNTER_IPV6] += !ip_is4(&request->client);
    note_zone(&counters->zones[counters->zone_count], note, request->len, bytes_out);
    /* As rbldnsd: what gets no answer counts in no zone. */
    if (zone < counters->zone_count && !note->dropped)
        note_zone(&counters->zones[zone], note, request->len, bytes_out);
    note_gate(of, note);
    if (note->dropped) {
        of[COUNTER_DROPPED]++;
        of[COUNTER_DROPS + (unsigned)note->drop]++;
        return;
    }
    of[outcome(note)]++;
    if (note->listed)
        note_reasons(of, note);
    of[COUNTER_ACL_REFUSED] += note->acl;
    of[COUNTER_EDNS] += note->edns;
    of[COUNTER_TRUNCATED] += note->truncated;
    of[COUNTER_STALE] += note->stale;
}

void
counters_batch(struct counters *counters, unsigned size)
{
    unsigned bucket = size <= 1 ? 0 : 32U - (unsigned)__builtin_clz(size - 1);
    counters->of[COUNTER_BATCHES + bucket]++;
    counters->of[COUNTER_BATCH_SUM] += size;
}

void
counters_latency(struct counters *counters, int64_t ns)
{
    static const int64_t most[] = {
#define LATENCY(ns, seconds) ns,
#include "server/counters.def"
    };
    unsigned bucket = 0;
    while (bucket < sizeof most / sizeof *most && ns > most[bucket])
        bucket++;
    counters->of[COUNTER_LATENCIES + bucket]++;
    counters->of[COUNTER_LATENCY_SUM] += ns > 0 ? (uint64_t)ns : 0;
}

struct counter_info
counter_info(enum counter counter)
{
    static const struct counter_info infos[] = {
#define COUNTER(id, name, text) [COUNTER_##id] = {name, name, NULL, text},
#include "server/counters.def"
#define ANSWER(id, name, rcode, listed, text)                                                      \
    [COUNTER_##id] = {                                                                             \
        name, "answers", "rcode=\"" rcode "\",listed=\"" listed "\"", "answers by response code"},
#include "server/counters.def"
#define DROP(id, name, text)                                                                       \
    [COUNTER_DROP_##id] = {                                                                        \
        "drop-" name, "drops", "cause=\"" name "\"", "packets not answered, by cause"},
#include "server/counters.def"
#define REASON(id, bit, name, space, code, text)                                                   \
    [COUNTER_REASONS + (bit)] = {                                                                  \
        NULL, "listings", "reason=\"" name "\"", "answers with a listing, by reason"},
#include "zones/reasons.def"
#undef REASON
        [COUNTER_LITERAL] = {
            NULL, "listings", "reason=\"list\"", "answers with a listing, by reason"}};
    return infos[counter];
}
