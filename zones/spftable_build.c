/* SPF interval tables: packing. For the loader. See spftable.h. */
#include <stdlib.h>

#include "spftable.h"

#include "be.h"

enum { HEADER_SIZE = 4, FORM = 1, INTERVAL_MAX = 2 + 16 + 1 };

static bool
same_answer(const struct spftable_span *a, const struct spftable_span *b)
{
    return a->result == b->result && a->text == b->text;
}

/* One interval but for its text; before is its predecessor, NULL where nothing is shared. */
static uint8_t *
put_interval(uint8_t *out, const struct spftable_span *span, const struct spftable_span *before)
{
    uint8_t start[16], previous[16];
    size_t size = ip_key(&span->start, start), length = size, shared = 0;
    while (length > 1 && start[length - 1] == 0)
        length--;
    if (before != NULL) {
        (void)ip_key(&before->start, previous);
        while (shared < length - 1 && start[shared] == previous[shared])
            shared++;
    }
    unsigned head = (unsigned)span->result << 5 | (span->text != 0 ? 16U : 0U);
    if (size == 4) {
        *out++ = (uint8_t)(head | (unsigned)shared << 2 | (unsigned)(length - 1));
    } else {
        *out++ = (uint8_t)head;
        *out++ = (uint8_t)(shared << 4 | (length - 1));
    }
    memcpy(out, start + shared, length - shared);
    return out + length - shared;
}

/* The texts that spans use, with new numbers. */
struct texts {
    uint8_t number[UINT8_MAX + 1]; /* by the old one; 0: not used */
    const struct slice *used[UINT8_MAX];
    unsigned count;
    size_t bytes; /* of all of them in the table */
};

static enum err
use_texts(struct texts *out, const struct spftable_span *spans, size_t count,
    const struct slice *texts, unsigned text_count)
{
    *out = (struct texts){0};
    for (size_t i = 0; i < count; i++) {
        unsigned old = spans[i].text;
        if (old == 0 || out->number[old] != 0)
            continue;
        if (old > text_count || texts[old - 1].n > UINT16_MAX)
            return ERR_RANGE;
        out->used[out->count++] = &texts[old - 1];
        out->number[old] = (uint8_t)out->count;
        out->bytes += 2 + texts[old - 1].n;
    }
    return ERR_OK;
}

static uint8_t *
put_texts(uint8_t *out, const struct texts *texts)
{
    for (unsigned i = 0; i < texts->count; i++) {
        out = be_put(out, texts->used[i]->n, 2);
        if (texts->used[i]->n > 0)
            memcpy(out, texts->used[i]->p, texts->used[i]->n);
        out += texts->used[i]->n;
    }
    return out;
}

/* Behind the header. */
static uint8_t *
put_intervals(uint8_t *out, const struct spftable_span *spans, size_t count,
    const struct texts *texts, size_t index_count)
{
    size_t kept = 0, address = ip_bits(ip_family(&spans[0].start)) / 8;
    uint8_t *index = put_texts(out, texts), *intervals = index + index_count * (4 + address);
    const struct spftable_span *before = NULL;

    out = intervals;
    for (size_t i = 0; i < count; i++) {
        if (before != NULL && same_answer(&spans[i], before))
            continue;
        bool indexed = kept > 0 && kept % SPFTABLE_STEP == 0;
        if (indexed) {
            index = be_put(index, (uint64_t)(out - intervals), 4);
            index += ip_key(&spans[i].start, index);
        }
        out = put_interval(out, &spans[i], indexed ? NULL : before);
        if (spans[i].text != 0)
            *out++ = texts->number[spans[i].text];
        before = &spans[i];
        kept++;
    }
    return out;
}

enum err
spftable_build(enum ip_family family, const struct spftable_span *spans, size_t count,
    const struct slice *texts, unsigned text_count, uint8_t **out, size_t *size)
{
    struct texts used;
    size_t kept = 0, address = ip_bits(family) / 8;
    if (count == 0 || text_count > UINT8_MAX)
        return ERR_RANGE;
    enum err err = use_texts(&used, spans, count, texts, text_count);
    for (size_t i = 0; i < count; i++)
        kept += i == 0 || !same_answer(&spans[i], &spans[i - 1]);
    size_t index_count = (kept - 1) / SPFTABLE_STEP;
    if (err < 0 || index_count > UINT16_MAX)
        return ERR_RANGE;
    *out = malloc(HEADER_SIZE + used.bytes + index_count * (4 + address) + kept * INTERVAL_MAX);
    if (*out == NULL)
        return ERR_NOMEM;
    uint8_t *at = be_put(be_put(be_put(*out, FORM, 1), used.count, 1), index_count, 2);
    at = put_intervals(at, spans, count, &used, index_count);
    *size = (size_t)(at - *out);
    return ERR_OK;
}
