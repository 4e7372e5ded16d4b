/* A policy made so that flattening it would ask without end. That flat policies are right is
 * spfcompare's to say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "loader/spfflat.h"
#include "zones/fnv.h"

/* Every name has a policy that lets a part of the addresses go, another one for each name, and goes
 * on with two names more: so each path comes to other names. */
struct fork {
    unsigned asked;
    uint8_t answers[SPFFLAT_LOOKUPS_MAX][2 + 2048]; /* borrowed until the policy is made */
};

static void
fork_lookup(void *ctx, enum dns_type type, const struct dname *name, struct dns_answer *out)
{
    struct fork *fork = ctx;
    uint8_t *rdata = fork->answers[fork->asked % SPFFLAT_LOOKUPS_MAX];
    uint64_t hash = fnv_add(FNV_START, name->b, name->len);
    char *record = (char *)rdata + 2;
    int n = snprintf(record, 2048, "v=spf1");

    fork->asked++;
    assert_int_equal(type, DNS_TXT);
    for (unsigned i = 0; i < 64; i++, hash = hash * 6364136223846793005U + 1)
        n += snprintf(record + n, 2048 - (size_t)n, " -ip4:%u.0.0.0/8", (unsigned)(hash >> 56));
    n += snprintf(record + n, 2048 - (size_t)n, " include:a.%%{d} include:b.%%{d}");
    rdata[0] = (uint8_t)(n >> 8);
    rdata[1] = (uint8_t)n;
    *out = (struct dns_answer){.status = DNS_OK,
        .expires_s = INT64_MAX,
        .count = 1,
        .records = slice_of(rdata, (size_t)n + 2)};
}

static void
test_forking_policy(void **state)
{
    static struct fork fork;
    struct spf_dns dns = {.lookup = fork_lookup, .ctx = &fork};
    struct spf_limits limits = {.lookups = 16, .voids = 2};
    struct spfflat *flat;
    struct spfflat_policy policy;
    struct dname name;

    (void)state;
    assert_int_equal(dname_parse("fork.test", 9, &name), ERR_OK);
    assert_int_equal(spfflat_open(&dns, &limits, &flat), ERR_OK);
    assert_int_equal(spfflat_make(flat, &name, &policy), ERR_OK);
    assert_true(fork.asked <= SPFFLAT_LOOKUPS_MAX);
    assert_true(policy.dynamic);
    assert_int_equal(policy.span_counts[SPFFLAT_V4], 1);
    /* Within the bound it is exact. */
    limits.lookups = 5;
    spfflat_close(&flat);
    fork.asked = 0;
    assert_int_equal(spfflat_open(&dns, &limits, &flat), ERR_OK);
    assert_int_equal(spfflat_make(flat, &name, &policy), ERR_OK);
    assert_in_range(fork.asked, 2, SPFFLAT_LOOKUPS_MAX);
    assert_false(policy.dynamic);
    spfflat_close(&flat);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forking_policy)};
    return cmocka_run_group_tests_name("spfflat", tests, NULL, NULL);
}
