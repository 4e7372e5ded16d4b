/*
 * A flat SPF policy against evaluations one by one, in a small world that the input describes. Each
 * line is a record; what is none is passed over:
 *
 *     P3 a:d1.test -all    TXT of d3.test, with "v=spf1 " in front (d0.test to d7.test)
 *     T3 any bytes         TXT as it is
 *     A3 ab                A: 192.0.2.97, 192.0.2.98
 *     Q3 ab                AAAA: 2001:db8::61, 2001:db8::62
 *     M3 ab                MX: host d1.test, d2.test by the low three bits, the rest is preference
 *     F3TA                 T and A of d3.test fail; likewise M and Q
 *     Lab                  limits: 97 % 13 look-ups, 98 % 5 of them void
 *     Slabel               the sender is label.d0.test, any bytes; records of d0 from here on too
 *
 * Then the policy's tables, damaged, and the input itself are read as tables.
 */
#include <stdlib.h>

#include "tests/spf_world.h"

enum { NAMES = 8, INTERVALS_MAX = 24, LOOKUPS_MAX = 12, VOIDS_MAX = 4, RECORD_MAX = 65535 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    struct world world;
    struct dname names[NAMES]; /* 0 is the sender */
    struct spf_limits limits;
};

static void
must(bool holds)
{
    if (!holds)
        abort();
}

/* ---- The world ---- */

static void
add_policy(struct input *in, const struct dname *name, const uint8_t *text, size_t n)
{
    static const char version[] = "v=spf1 ";
    uint8_t *record = malloc(sizeof version + n);

    must(record != NULL);
    memcpy(record, version, sizeof version - 1);
    memcpy(record + sizeof version - 1, text, n);
    world_add(&in->world, name, DNS_TXT, slice_of(record, sizeof version - 1 + n));
    free(record);
}

static void
add_addresses(
    struct input *in, const struct dname *name, const char *base, const uint8_t *at, size_t n)
{
    struct ip ip;

    must(ip_parse(base, strlen(base), &ip) == ERR_OK);
    for (size_t i = 0; i < n; i++) {
        ip.b[15] = at[i];
        world_add_ip(&in->world, name, &ip);
    }
}

static void
add_failures(struct input *in, const struct dname *name, const uint8_t *at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (at[i] == 'T')
            world_add_failure(&in->world, name, DNS_TXT);
        else if (at[i] == 'A')
            world_add_failure(&in->world, name, DNS_A);
        else if (at[i] == 'Q')
            world_add_failure(&in->world, name, DNS_AAAA);
        else if (at[i] == 'M')
            world_add_failure(&in->world, name, DNS_MX);
    }
}

static void
set_sender(struct input *in, const uint8_t *label, size_t n)
{
    char text[64 + 9];

    if (n == 0 || n > 63 || memchr(label, '.', n) != NULL)
        return;
    memcpy(text, label, n);
    memcpy(text + n, ".d0.test", 8);
    must(spfmacro_name(text, n + 8, &in->names[0]) == ERR_OK);
}

static void
read_record(struct input *in, const uint8_t *line, size_t n)
{
    const struct dname *name = &in->names[line[1] % NAMES];
    const uint8_t *rest = line + 3;

    if (line[0] == 'F')
        add_failures(in, name, line + 2, n - 2);
    if (n < 3)
        return;
    n -= 3;
    if (line[0] == 'P')
        add_policy(in, name, rest, n);
    else if (line[0] == 'T')
        world_add(&in->world, name, DNS_TXT, slice_of(rest, n));
    else if (line[0] == 'A')
        add_addresses(in, name, "192.0.2.0", rest, n);
    else if (line[0] == 'Q')
        add_addresses(in, name, "2001:db8::", rest, n);
    for (size_t i = 0; line[0] == 'M' && i < n; i++)
        world_add_mx(&in->world, name, rest[i] >> 3, &in->names[rest[i] % NAMES]);
}

static void
read_world(struct input *in, const uint8_t *data, size_t size)
{
    const uint8_t *end = data + size;

    in->limits = (struct spf_limits){.lookups = 10, .voids = 2};
    for (unsigned i = 0; i < NAMES; i++) {
        char text[] = "d0.test";

        text[1] = (char)('0' + i);
        must(spfmacro_name(text, strlen(text), &in->names[i]) == ERR_OK);
    }
    for (const uint8_t *line = data; line < end;) {
        const uint8_t *stop = memchr(line, '\n', (size_t)(end - line));
        size_t n = (size_t)((stop == NULL ? end : stop) - line);

        if (n > 2 && line[0] == 'L')
            in->limits = (struct spf_limits){
                .lookups = line[1] % (LOOKUPS_MAX + 1), .voids = line[2] % (VOIDS_MAX + 1)};
        else if (n > 0 && line[0] == 'S')
            set_sender(in, line + 1, n - 1);
        else if (n > 1)
            read_record(in, line, n);
        line += n + 1;
    }
}

/* ---- The policy ---- */

static void
compare(struct flatcheck *check)
{
    for (unsigned f = 0; f < SPFFLAT_FAMILIES; f++) {
        size_t count = check->policy.span_counts[f], step = 1 + count / INTERVALS_MAX;
        struct ip last = {{0}};

        for (size_t i = 0; i < count; i += step) {
            struct ip ip = check->policy.spans[f][i].start;

            must(flatcheck_address(check, &ip) != FLATCHECK_DIFFERENT);
            (void)ip_prev(&ip);
            must(flatcheck_address(check, &ip) != FLATCHECK_DIFFERENT);
        }
        memset(last.b, 0xff, sizeof last.b);
        must(flatcheck_address(check, &last) != FLATCHECK_DIFFERENT);
    }
}

/* ---- Damaged tables ---- */

static enum err
see(void *ctx, const struct range *range, const struct spftable_hit *hit)
{
    unsigned *seen = ctx;
    char text[300];

    must(ip_cmp(&range->first, &range->last) <= 0);
    must(spftable_text(hit->text, &range->first, text, sizeof text) == strlen(text));
    return ++*seen < 1000 ? ERR_OK : ERR_RANGE;
}

/* In memory of just its size. */
static void
read_table(struct slice table, const struct dname *some)
{
    static const struct ip six = {{0x20, 1, 0xd, 0xb8}};
    uint8_t *copy = malloc(table.n + 1);
    struct spftable_hit hit;
    char text[16];
    struct ip ip;

    must(copy != NULL);
    uint8_t *from = copy + 1; /* nothing is aligned */
    memcpy(from, table.p, table.n);
    for (unsigned i = 0; i < 8; i++) {
        ip = i % 2 == 0 ? ip_from_v4(0xc0000200 + some->b[i]) : six;
        ip.b[i % 2 == 0 ? 12 + i / 2 : i] ^= some->b[i + 1];
        if (spftable_find(slice_of(from, table.n), &ip, &hit) == ERR_OK)
            must(spftable_text(hit.text, &ip, text, sizeof text) < sizeof text);
    }
    unsigned seen = 0;
    (void)!spftable_each(slice_of(from, table.n), IP_V4, see, &seen);
    seen = 0;
    (void)!spftable_each(slice_of(from, table.n), IP_V6, see, &seen);
    free(copy);
}

/* Bytes changed and cut off as the input's last bytes have it. */
static void
damage(struct slice table, const uint8_t *data, size_t size, const struct dname *some)
{
    uint8_t *copy = malloc(table.n);
    size_t n = table.n;

    must(copy != NULL && n > 0);
    memcpy(copy, table.p, n);
    for (unsigned i = 0; i < 4 && size >= 3; i++, size -= 3) {
        const uint8_t *three = data + size - 3;
        size_t at = (size_t)three[0] << 8 | three[1];

        copy[(i % 2 == 0 ? three[1] : at) % n] ^= three[2];
        if (three[0] % 4 == 0)
            n -= three[1] % n;
        read_table(slice_of(copy, n), some);
    }
    free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {.limits = {0}};
    struct flatcheck check = {.world = &in.world, .any_text = true};
    struct spf_dns dns = world_dns(&in.world);

    if (size > RECORD_MAX - 7)
        return 0;
    read_world(&in, data, size);
    check.limits = in.limits;
    check.domain = in.names[0];
    must(spf_open(&check.spf) == ERR_OK);
    must(spfflat_open(&dns, &in.limits, &check.flat) == ERR_OK);
    must(flatcheck_make(&check) == ERR_OK);
    must(in.world.lookups <= SPFFLAT_LOOKUPS_MAX);
    compare(&check);
    must(!in.world.odd);
    for (unsigned f = 0; f < SPFFLAT_FAMILIES; f++)
        damage(check.tables[f], data, size, &in.names[0]);
    read_table(slice_of(data, size), &in.names[0]);
    flatcheck_forget(&check);
    spfflat_close(&check.flat);
    spf_close(&check.spf);
    world_free(&in.world);
    return 0;
}
