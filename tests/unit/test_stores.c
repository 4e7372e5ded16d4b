/* The store codecs against plain search, through a real LMDB file: address sets, pairs. Name sets:
 * test_nameset.c. */
#include <sys/wait.h>

#include "tests/unit/store_fixture.h"

#include "zones/ipset.h"
#include "zones/pairset.h"

enum { RANGES = 20000 };

static struct ip
random_ip(struct fixture *f, unsigned spread)
{
    struct ip ip = {{0}};
    if (draw(f, 2) == 0)
        return ip_from_v4(0x0a000000U + draw(f, spread));
    ip.b[0] = 0x20;
    ip.b[1] = 1;
    ip.b[7] = (uint8_t)draw(f, 4);
    uint32_t low = draw(f, spread);
    for (unsigned i = 0; i < 4; i++)
        ip.b[15 - i] = (uint8_t)(low >> 8 * i);
    return ip;
}

static int
entry_cmp(const void *a, const void *b)
{
    return ip_cmp(&((const struct ipset_entry *)a)->range.first,
        &((const struct ipset_entry *)b)->range.first);
}

static size_t
random_entries(struct fixture *f, struct ipset_entry *entries)
{
    static const char *const values[] = {"R\0\0\0\1", "R\0\0\0\2", "R\0\0\0\3"};
    for (size_t i = 0; i < RANGES; i++) {
        struct ip last = random_ip(f, 1U << 22);
        entries[i].range = (struct range){last, last};
        for (uint32_t k = draw(f, 4) == 0 ? draw(f, 700) : 0; k > 0; k--)
            (void)ip_next(&entries[i].range.last);
        entries[i].value = slice_of(values[draw(f, 3)], 5);
    }
    qsort(entries, RANGES, sizeof *entries, entry_cmp);
    size_t n = 0;
    for (size_t i = 0; i < RANGES; i++)
        if (n == 0 || ip_cmp(&entries[n - 1].range.last, &entries[i].range.first) < 0)
            entries[n++] = entries[i];
    return n;
}

static const struct ipset_entry *
plain_find(const struct ipset_entry *entries, size_t count, const struct ip *ip)
{
    for (size_t i = 0; i < count; i++)
        if (ip_cmp(&entries[i].range.first, ip) <= 0 && ip_cmp(ip, &entries[i].range.last) <= 0)
            return &entries[i];
    return NULL;
}

static void
compare_ip(struct fixture *f, const struct ipset_entry *entries, size_t count, const struct ip *ip)
{
    struct ipset_hit hit;
    const struct ipset_entry *want = plain_find(entries, count, ip);
    enum err err = ipset_lookup(f->reader, 7, ip, &hit);
    assert_int_equal(err, want == NULL ? ERR_NOTFOUND : ERR_OK);
    if (want != NULL) {
        assert_int_equal(slice_cmp(hit.value, want->value), 0);
        assert_true(ip_cmp(&hit.range.first, ip) <= 0 && ip_cmp(ip, &hit.range.last) <= 0);
    }
}

static void
ipset_matches_plain_search(void **state)
{
    struct fixture *f = *state;
    struct sink sink;
    struct ipset_entry *entries = calloc(RANGES, sizeof *entries);
    size_t count = random_entries(f, entries);
    begin(f, &sink);
    assert_int_equal(ipset_build(7, entries, count, emit, &sink), ERR_OK);
    assert_true(sink.blocks > 10);
    commit_and_read(f, &sink);
    for (unsigned i = 0; i < 2000; i++) {
        struct ip ip = random_ip(f, 1U << 22);
        compare_ip(f, entries, count, &ip);
        struct range range = entries[draw(f, (uint32_t)count)].range;
        compare_ip(f, entries, count, &range.first);
        compare_ip(f, entries, count, &range.last);
        if (ip_next(&range.last))
            compare_ip(f, entries, count, &range.last);
        if (ip_prev(&range.first))
            compare_ip(f, entries, count, &range.first);
    }
    free(entries);
}

/* Clusters of single addresses, far apart: sorted and disjoint, with one value. */
static size_t
clusters(struct fixture *f, struct ipset_entry *entries, size_t most)
{
    size_t n = 0;
    uint64_t at = draw(f, 1U << 30);
    while (at < UINT32_MAX - 4000 && n + 700 < most) {
        for (unsigned k = draw(f, 4) == 0 ? 700 : 1 + draw(f, 3); k > 0; k--, at += 1 + draw(f, 5))
            entries[n++] = (struct ipset_entry){
                {ip_from_v4((uint32_t)at), ip_from_v4((uint32_t)at)}, slice_of("R\0\0\0\1", 5)};
        at += 1 + draw(f, draw(f, 2) == 0 ? 1U << 19 : 1U << 28);
    }
    return n;
}

static void
compare_set(struct fixture *f, uint16_t dataset, const struct ipset_entry *entries, size_t count,
    uint32_t v4)
{
    struct ipset_hit hit;
    const struct ip ip = ip_from_v4(v4);
    enum err want = plain_find(entries, count, &ip) == NULL ? ERR_NOTFOUND : ERR_OK;
    assert_int_equal(ipset_lookup(f->reader, dataset, &ip, &hit), want);
}

/* What a look-up remembers, of a block or of none, never answers for another address or set. */
static void
ipset_remembers_what_is_so(void **state)
{
    enum { SETS = 3, MOST = 20000 };
    struct fixture *f = *state;
    struct sink sink;
    struct ipset_entry *entries[SETS];
    size_t counts[SETS];
    begin(f, &sink);
    for (unsigned i = 0; i < SETS; i++) {
        entries[i] = calloc(MOST, sizeof *entries[i]);
        counts[i] = clusters(f, entries[i], MOST);
        assert_true(counts[i] > 0);
        assert_int_equal(
            ipset_build((uint16_t)(6 + i), entries[i], counts[i], emit, &sink), ERR_OK);
    }
    commit_and_read(f, &sink);
    for (unsigned i = 0; i < 4000; i++) {
        unsigned set = draw(f, SETS), of = draw(f, SETS);
        uint32_t near = ip_v4(&entries[of][draw(f, (uint32_t)counts[of])].range.first);
        const uint32_t asked[] = {near, near + draw(f, 9) - 4, near ^ 1U << 18,
            near + draw(f, 1U << 20) - (1U << 19), draw(f, UINT32_MAX)};
        for (unsigned k = 0; k < sizeof asked / sizeof *asked; k++)
            compare_set(f, (uint16_t)(6 + set), entries[set], counts[set], asked[k]);
    }
    for (unsigned i = 0; i < SETS; i++)
        free(entries[i]);
}

static void
ipset_whole_space(void **state)
{
    struct fixture *f = *state;
    struct sink sink;
    struct ipset_entry all[2] = {{.value = {"R\0\0\0\1", 5}}, {.value = {"R\0\0\0\2", 5}}};
    struct ip ip = ip_from_v4(0x01020304);
    all[0].range = (struct range){ip_from_v4(0), ip_from_v4(UINT32_MAX)};
    memset(&all[1].range.last, 0xff, 16);
    all[1].range.first = (struct ip){{0x20}};
    begin(f, &sink);
    assert_int_equal(ipset_build(7, all, 2, emit, &sink), ERR_OK);
    commit_and_read(f, &sink);
    compare_ip(f, all, 2, &ip);
    compare_ip(f, all, 2, &all[0].range.first);
    compare_ip(f, all, 2, &all[0].range.last);
    compare_ip(f, all, 2, &all[1].range.last);
    struct ip none = {{0}};
    compare_ip(f, all, 2, &none);
    struct ipset_entry crossing = {.range = {none, all[1].range.last}, .value = all[0].value};
    assert_int_equal(ipset_build(7, &crossing, 1, emit, &sink), ERR_RANGE);
}

/* In a process of its own, as the loader writes beside a server that reads. */
static void
publish_beside(struct fixture *f, const struct ipset_entry *entries, size_t count)
{
    const struct kv_options options = {.map_size = 1U << 30};
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        struct sink sink = {0};
        bool good = kv_open(f->path, &options, &f->kv, NULL) == ERR_OK &&
                    kv_begin(f->kv, true, &sink.txn, NULL) == ERR_OK &&
                    kv_clear(sink.txn) == ERR_OK &&
                    ipset_build(7, entries, count, emit, &sink) == ERR_OK &&
                    kv_commit(&sink.txn, NULL) == ERR_OK;
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* What a reader remembers of one publish is not what the next one says. */
static void
another_publish_is_found(void **state)
{
    struct fixture *f = *state;
    struct sink sink;
    struct ip a = ip_from_v4(0x0a000001), b = ip_from_v4(0x0a000009);
    const struct ipset_entry first[] = {
        {{a, a}, slice_of("R\0\0\0\1", 5)}, {{b, b}, slice_of("R\0\0\0\1", 5)}};
    const struct ipset_entry second[] = {{{a, a}, slice_of("R\0\0\0\2", 5)}};
    begin(f, &sink);
    assert_int_equal(ipset_build(7, first, 2, emit, &sink), ERR_OK);
    commit_and_read(f, &sink);
    for (unsigned i = 0; i < 2; i++)
        compare_ip(f, first, 2, &a);
    publish_beside(f, second, 1);
    compare_ip(f, first, 2, &a);
    compare_ip(f, first, 2, &b);
    assert_int_equal(kvread_renew(f->reader), ERR_OK);
    for (unsigned i = 0; i < 2; i++) {
        compare_ip(f, second, 1, &a);
        compare_ip(f, second, 1, &b);
    }
}

/* One table for both domains; IPv6 differs. */
static void
build_pairs(struct sink *sink, const struct pairset_entry *entries, size_t count,
    const struct dname *name, const struct dname *below)
{
    const struct spftable_span four[] = {{ip_from_v4(0), SPFRESULT_FAIL, 0},
        {ip_from_v4(1), SPFRESULT_DYNAMIC, 0}, {ip_from_v4(5), SPFRESULT_PASS, 0},
        {ip_from_v4(7), SPFRESULT_UNKNOWN, 0}};
    const struct spftable_span six = {{{0}}, SPFRESULT_SOFTFAIL, 1};
    const struct slice text = slice_of("why", 3);
    struct pairset_policy policies[2] = {{.domain = *name}, {.domain = *below, .limit_day = 10}};
    uint8_t *bytes[2];
    size_t n;
    assert_int_equal(spftable_build(IP_V4, four, 4, NULL, 0, &bytes[0], &n), ERR_OK);
    policies[0].tables[PAIRSET_V4] = policies[1].tables[PAIRSET_V4] = slice_of(bytes[0], n);
    assert_int_equal(spftable_build(IP_V6, &six, 1, &text, 1, &bytes[1], &n), ERR_OK);
    policies[0].tables[PAIRSET_V6] = policies[1].tables[PAIRSET_V6] = slice_of(bytes[1], n);
    assert_int_equal(pairset_build(7, policies, 2, entries, count, emit, sink), ERR_OK);
    free(bytes[0]);
    free(bytes[1]);
}

static void
pairs_are_found(void **state)
{
    struct fixture *f = *state;
    struct sink sink;
    struct pairset_hit hit;
    struct dname name, below, other;
    assert_int_equal(dname_parse("example.org", 11, &name), ERR_OK);
    assert_int_equal(dname_parse("a.b.example.org", 15, &below), ERR_OK);
    assert_int_equal(dname_parse("b.example.org", 13, &other), ERR_OK);
    const struct pairset_entry seen[] = {{name, ip_from_v4(2), REASON_SPF_FAIL},
        {name, ip_from_v4(6), REASON_SPF_FAIL}, {below, ip_from_v4(3), REASON_SPF_PASS}};
    const struct {
        const struct dname *domain;
        struct ip ip;
        enum pairset_match match;
        enum spfresult result;
    } cases[] = {{&name, ip_from_v4(0), PAIRSET_FOUND, SPFRESULT_FAIL},
        {&name, ip_from_v4(1), PAIRSET_DOMAIN, SPFRESULT_DYNAMIC},
        {&name, ip_from_v4(2), PAIRSET_FOUND, SPFRESULT_FAIL},
        {&name, ip_from_v4(6), PAIRSET_FOUND, SPFRESULT_PASS},
        {&name, ip_from_v4(7), PAIRSET_DOMAIN, SPFRESULT_UNKNOWN},
        {&name, ip_from_v4(UINT32_MAX), PAIRSET_DOMAIN, SPFRESULT_UNKNOWN},
        {&name, {{0x20, 1}}, PAIRSET_FOUND, SPFRESULT_SOFTFAIL},
        {&below, ip_from_v4(3), PAIRSET_FOUND, SPFRESULT_PASS},
        {&other, ip_from_v4(3), PAIRSET_BELOW, SPFRESULT_UNKNOWN}};
    begin(f, &sink);
    build_pairs(&sink, seen, sizeof seen / sizeof *seen, &name, &below);
    commit_and_read(f, &sink);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(
            pairset_lookup(f->reader, 7, &cases[i].ip, cases[i].domain, 10 * 86400 - 1, &hit),
            ERR_OK);
        assert_int_equal(hit.match, cases[i].match);
        assert_int_equal(hit.result, cases[i].result);
        assert_int_equal(hit.text.n, cases[i].result == SPFRESULT_SOFTFAIL ? 3 : 0);
    }
    assert_int_equal(pairset_lookup(f->reader, 7, &cases[0].ip, &below, 864000, &hit), ERR_OK);
    assert_int_equal(hit.match, PAIRSET_DOMAIN);
    assert_int_equal(dname_parse("net", 3, &other), ERR_OK);
    assert_int_equal(pairset_lookup(f->reader, 7, &cases[0].ip, &other, 1, &hit), ERR_OK);
    assert_int_equal(hit.match, PAIRSET_NONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ipset_matches_plain_search, setup, teardown),
        cmocka_unit_test_setup_teardown(another_publish_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(ipset_remembers_what_is_so, setup, teardown),
        cmocka_unit_test_setup_teardown(ipset_whole_space, setup, teardown),
        cmocka_unit_test_setup_teardown(pairs_are_found, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
