/* The shipped zones; see zones_shipped.h. */
#include "zones_shipped.h"

#define BIT(id) (UINT32_C(1) << REASON_##id)
#define ADDRESS_HINTS                                                                              \
    (BIT(HELO_INVALID) | BIT(HELO_CHURN) | BIT(HELO_FORGED) | BIT(SPF_HABIT) | BIT(RDNS_DYNAMIC) | \
        BIT(RDNS_NONE) | BIT(RDNS_UNCONFIRMED))
#define SPF_RESULTS                                                                                \
    (BIT(SPF_NONE) | BIT(SPF_NEUTRAL) | BIT(SPF_PASS) | BIT(SPF_FAIL) | BIT(SPF_SOFTFAIL) |        \
        BIT(SPF_PERMERROR))

static const struct shipped_zone shipped[] = {
    {.label = "", .kind = ZONE_BASE, .enabled = true},
    {.label = "ip",
        .kind = ZONE_ADDR,
        .enabled = true,
        .show = BIT(OPERATOR) | BIT(TRAP) | BIT(SCORE),
        .beside_score = ADDRESS_HINTS,
        .dataset = DATASET_JUDGED_IP,
        .takes_lists = true},
    {.label = "dom",
        .kind = ZONE_NAME,
        .enabled = true,
        .show = BIT(NAME_OPERATOR) | BIT(DOMAIN_ABSENT) | BIT(DOMAIN_NO_MAIL),
        .dataset = DATASET_JUDGED_DOM,
        .takes_lists = true},
    {.label = "helo",
        .kind = ZONE_NAME,
        .enabled = true,
        .show = BIT(NAME_OPERATOR) | BIT(HELO_SHARED),
        .dataset = DATASET_JUDGED_HELO},
    {.label = "pair",
        .kind = ZONE_PAIR,
        .enabled = true,
        .show = BIT(SPF_FAIL),
        .dataset = DATASET_JUDGED_PAIR},
    {.label = "hint",
        .kind = ZONE_ADDR,
        .informational = true,
        .show = ADDRESS_HINTS | BIT(OPERATOR) | BIT(TRAP) | BIT(SCORE),
        .dataset = DATASET_JUDGED_IP},
    {.label = "spf",
        .kind = ZONE_PAIR,
        .informational = true,
        .show = SPF_RESULTS,
        .dataset = DATASET_JUDGED_PAIR},
    {.label = "score", .kind = ZONE_ADDR, .informational = true, .dataset = DATASET_JUDGED_SCORE},
    {.label = "wl", .kind = ZONE_ADDR, .informational = true, .dataset = DATASET_JUDGED_TRUST},
};

const struct shipped_zone *
zones_shipped(unsigned *count)
{
    *count = sizeof shipped / sizeof *shipped;
    return shipped;
}
