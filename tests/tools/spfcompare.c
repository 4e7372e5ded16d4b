/*
 * Flat SPF policies against evaluations one by one, over random policies.
 *
 *   spfcompare [--pairs N] [--seed S] [--verbose]
 *
 * Worlds of DNS records are made up; each policy in one is flattened, packed into tables, and
 * looked up there for N addresses in all: the borders of every interval and random ones. Every
 * look-up must say what spf_check says of the address, texts included. Ends at the first difference
 * with exit code 1 and prints what is left of the world when everything is taken away that does not
 * matter. A seed gives the same run everywhere.
 */
#include <getopt.h>
#include <inttypes.h>

#include "tests/tools/spfcompare_worlds.h"

/* NEAR: random addresses of a family and policy. */
enum { NEAR = 16, ROUNDS_MAX = 60 };

struct totals {
    unsigned long worlds, policies, pairs, dynamic, texts, intervals, pending;
    unsigned long results[SPFRESULT_UNKNOWN + 1];
    unsigned long lookups_most, intervals_most;
};

struct run {
    struct maker maker;
    struct spf *spf;
    struct spfflat *flat; /* with the limits of RFC 7208, for the whole run */
    unsigned long wanted;
    bool verbose;
    struct totals totals;
};

/* ---- Printing a world ---- */

static void
print_bytes(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] < ' ' || p[i] > '~')
            printf("\\%03u", p[i]);
        else
            putchar(p[i]);
    }
}

static void
print_rdata(int type, struct slice rdata)
{
    char text[DNAME_TEXT_SIZE];
    const uint8_t *p = rdata.p;
    struct dname name;
    struct ip ip;

    if (type == DNS_TXT) {
        print_bytes(p, rdata.n);
    } else if (type == DNS_MX) {
        if (dname_from_wire(p + 2, rdata.n - 2, &name) == ERR_OK)
            (void)dname_format(&name, text);
        printf("%u %s", (unsigned)p[0] << 8 | p[1], text);
    } else if (ip_from_key(p, rdata.n, &ip) == ERR_OK) {
        ip_format(&ip, text);
        printf("%s", text);
    }
}

/* As the tables of tests/unit/test_spf.c have it. */
static void
print_world(const struct world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        const struct world_set *set = &world->sets[i];
        const char *type = set->type == DNS_A      ? "A"
                           : set->type == DNS_AAAA ? "AAAA"
                           : set->type == DNS_MX   ? "MX"
                                                   : "TXT";
        struct dns_answer answer = {.count = set->count, .records = slice_of(set->records, set->n)};
        char name[DNAME_TEXT_SIZE];
        struct slice rdata;

        if (set->hidden || set->type == 0)
            continue;
        (void)dname_format(&set->name, name);
        if (set->fails)
            printf("  %s %s fails\n", name, type);
        while (!set->fails && dns_next(&answer, &rdata) == ERR_OK) {
            printf("  %s %s ", name, type);
            print_rdata(set->type, rdata);
            putchar('\n');
        }
    }
}

/* ---- Making a world small ---- */

/* Whether there is still a difference; ip is NULL for one that no address is needed for. */
static bool
differs(struct flatcheck *check, const struct ip *ip)
{
    enum err err = flatcheck_make(check);

    if (ip == NULL)
        return err != ERR_OK;
    return err == ERR_OK && flatcheck_address(check, ip) == FLATCHECK_DIFFERENT;
}

/* Takes single words away from the one text of a set. */
static void
shrink_text(struct flatcheck *check, const struct ip *ip, struct world_set *set)
{
    uint8_t *whole = malloc(set->n);
    size_t n = set->n;

    if (whole == NULL)
        abort();
    for (size_t at = n; at-- > 2;) {
        size_t end = at + 1;

        if (set->records[at] != ' ')
            continue;
        while (end < n && set->records[end] != ' ')
            end++;
        memcpy(whole, set->records, n);
        memmove(set->records + at, set->records + end, n - end);
        set->n = n - (end - at);
        set->records[0] = (uint8_t)((set->n - 2) >> 8);
        set->records[1] = (uint8_t)(set->n - 2);
        if (!differs(check, ip)) {
            set->n = n;
            memcpy(set->records, whole, n);
        }
        n = set->n;
    }
    free(whole);
}

static void
shrink(struct flatcheck *check, const struct ip *ip)
{
    struct world *world = check->world;

    for (size_t i = 0; i < world->count; i++) {
        world->sets[i].hidden = world->sets[i].type != 0;
        if (!differs(check, ip))
            world->sets[i].hidden = false;
    }
    for (size_t i = 0; i < world->count; i++)
        if (!world->sets[i].hidden && world->sets[i].type == DNS_TXT && world->sets[i].count == 1)
            shrink_text(check, ip, &world->sets[i]);
    (void)differs(check, ip);
}

static _Noreturn void
fail(struct run *run, struct flatcheck *check, const struct ip *ip)
{
    char domain[DNAME_TEXT_SIZE];

    (void)dname_format(&check->domain, domain);
    printf("spfcompare: after %lu pairs: %s: %s\n", run->totals.pairs, domain, check->told);
    if (differs(check, ip)) {
        shrink(check, ip);
        printf("in a small world: %s: %s\n", domain, check->told);
    }
    print_world(check->world);
    exit(1);
}

/* ---- Comparing ---- */

static void
compare_address(struct run *run, struct flatcheck *check, const struct ip *ip)
{
    enum flatcheck_verdict verdict = flatcheck_address(check, ip);

    if (verdict == FLATCHECK_DIFFERENT)
        fail(run, check, ip);
    run->totals.pairs++;
    run->totals.texts += check->has_text;
    if (verdict == FLATCHECK_DYNAMIC)
        run->totals.dynamic++;
    else
        run->totals.results[check->result]++;
}

/* The first and last address of every interval, those before and after, and random ones. */
static void
compare_family(struct run *run, struct flatcheck *check, unsigned family)
{
    const struct spfflat_policy *policy = &check->policy;
    struct ip last = {{0}};

    for (size_t i = 0; i < policy->span_counts[family]; i++) {
        struct ip ip = policy->spans[family][i].start, around[4] = {ip, ip, ip, ip};

        (void)ip_next(&around[1]);
        (void)ip_prev(&around[2]);
        around[3] = around[2];
        (void)ip_prev(&around[3]);
        for (unsigned k = 0; k < 4; k++)
            compare_address(run, check, &around[k]);
    }
    memset(last.b, 0xff, sizeof last.b);
    if (family == SPFFLAT_V4)
        last = ip_from_v4(UINT32_MAX);
    compare_address(run, check, &last);
    for (unsigned i = 0; i < NEAR; i++) {
        struct ip ip = near_base(&run->maker, family);

        compare_address(run, check, &ip);
    }
}

/* The same again with answers that come late: tables must not differ by a byte. */
static void
compare_pending(struct run *run, struct flatcheck *check)
{
    struct flatcheck late = *check;
    struct spf_dns dns = world_dns(check->world);
    unsigned rounds = 0;
    enum err err;

    late.tables[SPFFLAT_V4] = late.tables[SPFFLAT_V6] = slice_of(NULL, 0);
    if (spfflat_open(&dns, &check->limits, &late.flat) != ERR_OK)
        die("out of memory");
    check->world->pending_first = true;
    do {
        check->world->round++;
        err = flatcheck_make(&late);
    } while (err == ERR_BUSY && ++rounds < ROUNDS_MAX);
    check->world->pending_first = false;
    bool same = err == ERR_OK && late.policy.expires_s == check->policy.expires_s &&
                late.policy.passes_world == check->policy.passes_world;
    for (unsigned f = 0; f < SPFFLAT_FAMILIES; f++)
        same = same && slice_cmp(late.tables[f], check->tables[f]) == 0;
    if (!same) {
        (void)flatcheck_says(check, "other tables when the answers come late");
        fail(run, check, NULL);
    }
    run->totals.pending++;
    flatcheck_forget(&late);
    spfflat_close(&late.flat);
}

static void
compare_policy(struct run *run, const struct dname *domain)
{
    struct maker *m = &run->maker;
    struct flatcheck check = {.world = &m->world,
        .spf = run->spf,
        .flat = run->flat,
        .limits = {.lookups = 10, .voids = 2},
        .domain = *domain};
    struct spf_dns dns = world_dns(&m->world);
    bool own = percent(m, 25);

    if (own) {
        check.limits = (struct spf_limits){.lookups = draw(m, 13), .voids = draw(m, 5)};
        if (spfflat_open(&dns, &check.limits, &check.flat) != ERR_OK)
            die("out of memory");
    }
    m->world.lookups = 0;
    if (flatcheck_make(&check) != ERR_OK)
        fail(run, &check, NULL);
    if (m->world.lookups > run->totals.lookups_most)
        run->totals.lookups_most = m->world.lookups;
    run->totals.policies++;
    for (unsigned f = 0; f < SPFFLAT_FAMILIES; f++) {
        run->totals.intervals += check.policy.span_counts[f];
        if (check.policy.span_counts[f] > run->totals.intervals_most)
            run->totals.intervals_most = check.policy.span_counts[f];
        compare_family(run, &check, f);
    }
    if (percent(m, 10))
        compare_pending(run, &check);
    if (m->world.odd)
        die("asked for the root");
    flatcheck_forget(&check);
    if (own)
        spfflat_close(&check.flat);
}

static void
report(const struct run *run)
{
    const struct totals *totals = &run->totals;
    double percents = totals->pairs == 0 ? 0 : 100.0 / (double)totals->pairs;

    for (unsigned i = 0; i <= SPFRESULT_UNKNOWN && run->verbose; i++) {
        unsigned long n = i == SPFRESULT_DYNAMIC ? totals->dynamic : totals->results[i];

        printf("%-10s %8lu %5.1f %%\n", spfresult_name((enum spfresult)i), n, (double)n * percents);
    }
    if (run->verbose)
        printf("%lu worlds, %lu pairs with a text, %lu intervals, at most %lu of a family and %lu "
               "look-ups for a policy, %lu policies again with late answers\n",
            totals->worlds, totals->texts, totals->intervals, totals->intervals_most,
            totals->lookups_most, totals->pending);
    printf("spfcompare: %lu policies, %lu pairs, %.1f %% dynamic, 0 differences\n",
        totals->policies, totals->pairs, (double)totals->dynamic * percents);
}

static void
options(struct run *run, int argc, char **argv)
{
    static const struct option longs[] = {{"pairs", required_argument, NULL, 'p'},
        {"seed", required_argument, NULL, 's'}, {"verbose", no_argument, NULL, 'v'}, {0}};
    int option;

    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (option == 'p')
            run->wanted = strtoul(optarg, NULL, 10);
        else if (option == 's')
            run->maker.seed = strtoull(optarg, NULL, 10);
        else if (option == 'v')
            run->verbose = true;
        else
            die("usage: spfcompare [--pairs N] [--seed S] [--verbose]");
    }
}

int
main(int argc, char **argv)
{
    static struct run run = {.wanted = 200000, .maker = {.seed = 1}};
    const struct spf_limits limits = {.lookups = 10, .voids = 2};
    struct spf_dns dns = world_dns(&run.maker.world);
    struct dname names[POLICIES];

    options(&run, argc, argv);
    if (spf_open(&run.spf) != ERR_OK || spfflat_open(&dns, &limits, &run.flat) != ERR_OK)
        die("out of memory");
    while (run.totals.pairs < run.wanted) {
        unsigned count = make_world(&run.maker, names);

        run.totals.worlds++;
        for (unsigned i = 0; i < count && run.totals.pairs < run.wanted; i++)
            compare_policy(&run, &names[i]);
    }
    report(&run);
    spfflat_close(&run.flat);
    spf_close(&run.spf);
    world_free(&run.maker.world);
    return 0;
}
