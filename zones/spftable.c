/* SPF interval tables: look-up. On the answer path. See spftable.h. */
#include "spftable.h"

#include "be.h"

enum { HEADER_SIZE = 4, FORM = 1 };

/* A table being read; at never passes end. */
struct reader {
    const uint8_t *texts, *index, *intervals, *at, *end;
    unsigned text_count, index_count, size; /* size: bytes of an address */
    uint8_t start[16];                      /* of the interval read last */
    uint8_t result, text;
};

const char *
spfresult_name(enum spfresult result)
{
    static const char *const names[] = {
        "none", "neutral", "pass", "fail", "softfail", "permerror", "dynamic", "temperror"};
    return names[result & 7];
}

static enum err
reader_init(struct reader *reader, struct slice table, enum ip_family family)
{
    const uint8_t *in = table.p;
    if (table.n < HEADER_SIZE || in[0] != FORM)
        return ERR_FORMAT;
    *reader = (struct reader){.texts = in + HEADER_SIZE,
        .at = in + HEADER_SIZE,
        .end = in + table.n,
        .text_count = in[1],
        .index_count = (unsigned)be_get(in + 2, 2),
        .size = ip_bits(family) / 8};
    for (unsigned i = 0; i < reader->text_count; i++) {
        if (reader->end - reader->at < 2)
            return ERR_FORMAT;
        size_t n = (unsigned)be_get(reader->at, 2);
        reader->at += 2;
        if ((size_t)(reader->end - reader->at) < n)
            return ERR_FORMAT;
        reader->at += n;
    }
    reader->index = reader->at;
    size_t n = (size_t)reader->index_count * (4 + reader->size);
    if ((size_t)(reader->end - reader->at) < n)
        return ERR_FORMAT;
    reader->at += n;
    reader->intervals = reader->at;
    return ERR_OK;
}

/* The next interval. The caller has seen that there is one. */
static enum err
read_interval(struct reader *reader)
{
    uint8_t head = *reader->at++, shared = head >> 2 & 3, length = (head & 3) + 1;
    if (reader->size == 16) {
        if (reader->at == reader->end)
            return ERR_FORMAT;
        shared = *reader->at >> 4;
        length = (*reader->at++ & 15) + 1;
    }
    size_t rest = (size_t)length - shared;
    bool has_text = (head & 16) != 0;
    if (shared >= length || (size_t)(reader->end - reader->at) < rest + has_text)
        return ERR_FORMAT;
    for (size_t i = shared; i < reader->size; i++)
        reader->start[i] = i < length ? *reader->at++ : 0;
    reader->result = head >> 5;
    reader->text = has_text ? *reader->at++ : 0;
    return reader->text > reader->text_count ? ERR_FORMAT : ERR_OK;
}

/* Sets at on the last indexed interval that begins at or before the address. */
static enum err
use_index(struct reader *reader, const uint8_t *want)
{
    size_t from = 0, to = reader->index_count, step = 4 + (size_t)reader->size;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (memcmp(reader->index + middle * step + 4, want, reader->size) <= 0)
            from = middle + 1;
        else
            to = middle;
    }
    if (from == 0)
        return ERR_OK;
    size_t offset = be_get(reader->index + (from - 1) * step, 4);
    if (offset >= (size_t)(reader->end - reader->intervals))
        return ERR_FORMAT;
    reader->at = reader->intervals + offset;
    return ERR_OK;
}

static void
take_hit(const struct reader *reader, uint8_t result, uint8_t text, struct spftable_hit *out)
{
    const uint8_t *at = reader->texts;
    *out = (struct spftable_hit){.result = (enum spfresult)result};
    if (text == 0)
        return;
    for (unsigned i = 1; i < text; i++)
        at += 2 + (size_t)be_get(at, 2);
    out->text = slice_of(at + 2, (size_t)be_get(at, 2));
}

enum err
spftable_find(struct slice table, const struct ip *ip, struct spftable_hit *out)
{
    struct reader reader;
    uint8_t want[16], result = 0, text = 0;
    bool found = false;
    enum err err = reader_init(&reader, table, ip_family(ip));
    (void)ip_key(ip, want);
    if (err == ERR_OK)
        err = use_index(&reader, want);
    if (err < 0)
        return err;
    while (reader.at < reader.end) {
        err = read_interval(&reader);
        if (err < 0)
            return err;
        if (memcmp(reader.start, want, reader.size) > 0)
            break;
        found = true;
        result = reader.result;
        text = reader.text;
    }
    if (!found)
        return ERR_FORMAT;
    take_hit(&reader, result, text, out);
    return ERR_OK;
}

size_t
spftable_text(struct slice text, const struct ip *ip, char *out, size_t size)
{
    const char *from = text.p;
    char address[IP_TEXT_SIZE];
    size_t n = 0;
    for (size_t i = 0; i < text.n && n + 1 < size; i++) {
        if (from[i] != SPFTABLE_CLIENT) {
            out[n++] = from[i] < ' ' || from[i] > '~' ? '?' : from[i];
            continue;
        }
        ip_format(ip, address);
        for (const char *c = address; *c != '\0' && n + 1 < size; c++)
            out[n++] = *c;
    }
    out[n] = '\0';
    return n;
}

/* The last address before ::ffff:0:0/96. */
static const struct ip below_v4 = {{[10] = 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff}};

enum err
spftable_each(struct slice table, enum ip_family family, spftable_each_fn each, void *ctx)
{
    struct reader reader;
    struct spftable_hit hit;
    struct range range, next;
    bool has = false;
    enum err err = reader_init(&reader, table, family);
    while (err == ERR_OK && reader.at < reader.end) {
        err = read_interval(&reader);
        if (err == ERR_OK)
            err = ip_from_key(reader.start, reader.size, &next.first);
        if (err == ERR_OK && has) {
            range.last = next.first;
            if (!ip_prev(&range.last) || ip_cmp(&range.first, &range.last) > 0)
                return ERR_FORMAT;
            /* Between the neighbours of ::ffff:0:0/96 lies what is IPv4's. */
            if (family == IP_V6 && ip_is4(&range.last))
                range.last = below_v4;
            err = each(ctx, &range, &hit);
        }
        if (err < 0)
            break;
        range.first = next.first;
        has = true;
        take_hit(&reader, reader.result, reader.text, &hit);
    }
    if (err < 0 || !has)
        return err < 0 ? err : ERR_FORMAT;
    memset(range.last.b, 0xff, sizeof range.last.b);
    if (family == IP_V4)
        range.last = ip_from_v4(UINT32_MAX);
    return each(ctx, &range, &hit);
}
