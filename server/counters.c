/* Counters; see counters.h. */
#include "server/counters.h"

#include <stdio.h>
#include <sys/mman.h>

#include "server/query.h"

struct counters *
counters_map(unsigned slots)
{
    void *p = mmap(NULL, slots * sizeof(struct counters), PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
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

void
counters_note(struct counters *counters, const struct answer_note *note, bool tcp)
{
    uint64_t *of = counters->of;
    of[COUNTER_QUERIES]++;
    of[COUNTER_TCP] += tcp;
    if (note->dropped) {
        of[COUNTER_DROPPED]++;
        return;
    }
    of[outcome(note)]++;
    of[COUNTER_EDNS] += note->edns;
    of[COUNTER_TRUNCATED] += note->truncated;
    of[COUNTER_WRONG_KIND] += note->wrong_kind;
    of[COUNTER_STALE] += note->stale;
}

void
counters_format(const struct counters *counters, unsigned slots, char *out, size_t size)
{
    static const char *const names[] = {
#define COUNTER(id, name, text) name,
#include "server/counters.def"
#undef COUNTER
    };
    size_t n = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < COUNTER_COUNT && n < size; i++) {
        uint64_t sum = 0;
        for (unsigned slot = 0; slot < slots; slot++)
            sum += counters[slot].of[i];
        int k = snprintf(
            out + n, size - n, "%s%s=%llu", i == 0 ? "" : " ", names[i], (unsigned long long)sum);
        n += k > 0 ? (size_t)k : 0;
    }
}
