/* The golden store; see fixture.h. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "fixture_lists.h"

enum { DAY_S = 86400, VALUE_SIZE = 600, ADDRS = 12, NAMES = 12, PAIRS = 8 };

/* Values live as long as the program. */
static struct slice
keep(const uint8_t *bytes, size_t n)
{
    static uint8_t pool[16384];
    static size_t used;
    uint8_t *copy = pool + used;
    if (n > sizeof pool - used)
        abort();
    memcpy(copy, bytes, n);
    used += n;
    return slice_of(copy, n);
}

static struct slice
reasons(uint32_t bits)
{
    uint8_t value[VALUE_REASONS_SIZE];
    value_of_reasons((struct reason_set){bits}, value);
    return keep(value, sizeof value);
}

/* Elements as "127.0.0.5 text|127.0.0.6 text"; without a text, none. */
static struct slice
literals(const char *spec)
{
    uint8_t value[VALUE_SIZE];
    size_t n = 0;
    while (*spec != '\0') {
        size_t len = strcspn(spec, "|"), a = strcspn(spec, " |");
        struct ip ip;
        struct value_element element = {.literal = true};
        if (ip_parse(spec, a, &ip) < 0)
            abort();
        element.a = ip_v4(&ip);
        element.has_txt = a < len;
        if (element.has_txt)
            element.txt = slice_of(spec + a + 1, len - a - 1);
        if (value_append(value, sizeof value, &n, &element) < 0)
            abort();
        spec += len + (spec[len] == '|');
    }
    return keep(value, n);
}

static struct ip
ip_of(const char *text)
{
    struct ip ip;
    if (ip_parse(text, strlen(text), &ip) < 0)
        abort();
    return ip;
}

static struct dname
name_of(const char *text)
{
    struct dname name;
    if (dname_parse(text, strlen(text), &name) < 0)
        abort();
    return name;
}

static struct ipset_entry
addr(const char *first, const char *last, struct slice value)
{
    return (struct ipset_entry){{ip_of(first), ip_of(last)}, value};
}

static struct nameset_entry
name(const char *text, struct slice exact, struct slice wild)
{
    static const struct nameset_slot none;
    struct nameset_entry entry = {.name = name_of(text), .exact = none, .wild = none};
    if (exact.p != NULL)
        entry.exact =
            (struct nameset_slot){exact.n == 0 ? NAMESET_SLOT_EXCLUDED : NAMESET_SLOT_VALUE, exact};
    if (wild.p != NULL)
        entry.wild =
            (struct nameset_slot){wild.n == 0 ? NAMESET_SLOT_EXCLUDED : NAMESET_SLOT_VALUE, wild};
    return entry;
}

static int
by_name(const void *a, const void *b)
{
    uint8_t x[DNAME_KEY_MAX], y[DNAME_KEY_MAX];
    size_t xn = dname_key(&((const struct nameset_entry *)a)->name, x);
    size_t yn = dname_key(&((const struct nameset_entry *)b)->name, y);
    return slice_cmp(slice_of(x, xn), slice_of(y, yn));
}

static int
by_pair(const void *a, const void *b)
{
    const struct pairset_entry *p = a, *q = b;
    uint8_t x[DNAME_KEY_MAX], y[DNAME_KEY_MAX];
    size_t xn = dname_key(&p->domain, x), yn = dname_key(&q->domain, y);
    int order = slice_cmp(slice_of(x, xn), slice_of(y, yn));
    return order != 0 ? order : ip_cmp(&p->ip, &q->ip);
}

static int
by_domain(const void *a, const void *b)
{
    const struct pairset_policy *p = a, *q = b;
    uint8_t x[DNAME_KEY_MAX], y[DNAME_KEY_MAX];
    size_t xn = dname_key(&p->domain, x), yn = dname_key(&q->domain, y);
    return slice_cmp(slice_of(x, xn), slice_of(y, yn));
}

/* A table of: permitted from first on, then as the rest says, with the text if there is one. */
static struct slice
table(enum ip_family family, const char *first, const char *last, enum spfresult rest,
    const char *text)
{
    struct spftable_span spans[3] = {{.result = rest, .text = text != NULL}, {.result = rest},
        {.result = rest, .text = text != NULL}};
    struct slice texts = slice_of(text, text != NULL ? strlen(text) : 0);
    uint8_t *out = NULL;
    size_t n = 0, count = 1;
    if (family == IP_V4)
        spans[0].start = ip_from_v4(0);
    if (first != NULL) {
        spans[1] = (struct spftable_span){.start = ip_of(first), .result = SPFRESULT_PASS};
        spans[2].start = ip_of(last);
        (void)ip_next(&spans[2].start);
        count = 3;
    }
    /* fixture_publish frees it. */
    if (spftable_build(family, spans, count, &texts, text != NULL, &out, &n) < 0)
        abort();
    return slice_of(out, n);
}

static struct pairset_policy
policy(
    const char *domain, const char *first, const char *last, enum spfresult rest, const char *text)
{
    return (struct pairset_policy){.domain = name_of(domain),
        .tables = {table(IP_V4, first, last, rest, text), table(IP_V6, NULL, NULL, rest, text)}};
}

static struct publish_set
set_of(const char *title, enum dataset_kind kind)
{
    struct publish_set set = {.info = {.kind = kind}};
    strcpy(set.info.name, title);
    return set;
}

#define BIT(id) (UINT32_C(1) << REASON_##id)

enum err
fixture_publish(const struct conf *conf, struct errmsg *msg)
{
    const struct slice none = {0}, excluded = {"", 0};
    struct ipset_entry judged[] = {
        addr("192.0.2.10", "192.0.2.10", reasons(BIT(SCORE) | BIT(RDNS_DYNAMIC))),
        addr("192.0.2.11", "192.0.2.11", reasons(BIT(RDNS_NONE))),
        addr("198.51.100.1", "198.51.100.1", reasons(BIT(TRAP))),
        addr("2001:db8::25", "2001:db8::25", reasons(BIT(SCORE) | BIT(RDNS_NONE))),
        addr("2001:db8:6:40::", "2001:db8:6:40:ffff:ffff:ffff:ffff", reasons(BIT(TRAP))),
    };
    struct ipset_entry drop[] = {
        addr("192.0.2.10", "192.0.2.10", literals("127.0.0.2")),
        addr("203.0.113.0", "203.0.113.127", literals("127.0.0.5 drop: $ costs $$5|127.0.0.6")),
        addr("203.0.113.128", "203.0.113.255", literals("127.0.0.2")),
    };
    struct ipset_entry never[] = {addr("203.0.113.44", "203.0.113.44", reasons(0))};
    struct ipset_entry mixed_ip[] = {addr("10.1.2.3", "10.1.2.9", literals("127.0.0.2"))};
    static char longest[2200];
    for (unsigned i = 0; i < 7; i++) {
        size_t n = strlen(longest);
        (void)snprintf(longest + n, sizeof longest - n, "%s127.0.0.%u ", i == 0 ? "" : "|", i + 2);
        n = strlen(longest);
        memset(longest + n, 'a' + (int)i, 60);
    }
    struct nameset_entry names[] = {name("bad.example", reasons(BIT(NAME_OPERATOR)), none),
        name("spam.example", literals("127.0.0.2"), literals("127.0.1.9 all of $")),
        name("ok.spam.example", excluded, none),
        name("deep.a.b.c.net", literals("127.0.0.2"), none)};
    struct nameset_entry mixed_dom[] = {name("wild.test", none, literals("127.0.0.2 wild $")),
        name("both.test", literals("127.0.0.3"), literals("127.0.0.4")),
        name("off.wild.test", excluded, excluded), name("many.test", literals(longest), none)};
    struct nameset_entry doms[] = {name("gone.test", reasons(BIT(DOMAIN_ABSENT)), none),
        name("mute.example.org", reasons(BIT(DOMAIN_NO_MAIL)), none),
        name("localhost", reasons(BIT(DOMAIN_NOT_PUBLIC)), none)};
    struct nameset_entry helos[] = {name("shared.example.org", reasons(BIT(HELO_SHARED)), none)};
    struct pairset_entry pairs[] = {
        {name_of("example.org"), ip_of("192.0.2.1"), REASON_SPF_FAIL},
        {name_of("example.org"), ip_of("192.0.2.2"), REASON_SPF_PASS},
        {name_of("example.org"), ip_of("2001:db8::1"), REASON_SPF_FAIL},
        {name_of("a.b.example.net"), ip_of("192.0.2.1"), REASON_SPF_SOFTFAIL},
        {name_of("1.example.com"), ip_of("1.2.3.4"), REASON_SPF_FAIL},
    };
    struct pairset_policy policies[] = {policy("example.org", NULL, NULL, SPFRESULT_DYNAMIC, NULL),
        policy("a.b.example.net", NULL, NULL, SPFRESULT_DYNAMIC, NULL),
        policy("1.example.com", NULL, NULL, SPFRESULT_DYNAMIC, NULL),
        policy("flat.example", "192.0.2.0", "192.0.2.127", SPFRESULT_FAIL, NULL),
        policy("says.example", "192.0.2.0", "192.0.2.127", SPFRESULT_FAIL,
            "\1 may not send for says.example"),
        policy("broken.example", NULL, NULL, SPFRESULT_PERMERROR,
            "ipv4:x at column 8: an unknown mechanism"),
        policy("silent.example", NULL, NULL, SPFRESULT_UNKNOWN, NULL),
        policy("old.example", NULL, NULL, SPFRESULT_FAIL, NULL)};
    policies[7].limit_day = FIXTURE_NOW_S / DAY_S;
    static char detail[] = "reverse name dyn-10.isp.example looks dynamic (pool), HELO \"x\"";
    static char network[] = "2 addresses of the network were seen";
    struct evidence_entry evidence[] = {
        {.is_ip = true, .ip = judged[3].range.first, .since_s = FIXTURE_NOW_S - 500 * DAY_S},
        {.is_ip = true,
            .ip = judged[0].range.first,
            .since_s = FIXTURE_NOW_S - 90 * DAY_S,
            .detail = detail},
        {.is_ip = true,
            .ip = judged[4].range.first,
            .since_s = FIXTURE_NOW_S - 500 * DAY_S,
            .detail = network}};
    enum { SETS = 10 };
    struct publish_set sets[SETS + FIXTURE_LISTS] = {set_of(DATASET_JUDGED_IP, DATASET_ADDR),
        set_of(DATASET_JUDGED_DOM, DATASET_NAME), set_of(DATASET_JUDGED_HELO, DATASET_NAME),
        set_of(DATASET_JUDGED_PAIR, DATASET_PAIR), set_of("drop", DATASET_ADDR),
        set_of("names", DATASET_NAME), set_of("mixed-ip", DATASET_ADDR),
        set_of("mixed-dom", DATASET_NAME), set_of("old", DATASET_ADDR),
        set_of(DATASET_NEVER, DATASET_ADDR)};
#define COUNT(a)         (sizeof(a) / sizeof *(a))
#define PUT(i, field, a) (sets[i].field = (a), sets[i].count = COUNT(a))
    PUT(0, addrs, judged);
    PUT(1, names, doms);
    PUT(2, names, helos);
    PUT(3, pairs, pairs);
    sets[3].policies = policies;
    sets[3].policy_count = COUNT(policies);
    PUT(4, addrs, drop);
    PUT(5, names, names);
    PUT(6, addrs, mixed_ip);
    PUT(7, names, mixed_dom);
    PUT(8, addrs, mixed_ip);
    PUT(9, addrs, never);
    sets[0].evidence = evidence;
    sets[0].evidence_count = COUNT(evidence);
    sets[0].info.max_age_s = 0;
    sets[4].info.ttl_s = 600;
    sets[8].info.expires_s = 1000;
    qsort(names, COUNT(names), sizeof *names, by_name);
    qsort(mixed_dom, COUNT(mixed_dom), sizeof *mixed_dom, by_name);
    qsort(doms, COUNT(doms), sizeof *doms, by_name);
    qsort(pairs, COUNT(pairs), sizeof *pairs, by_pair);
    qsort(policies, COUNT(policies), sizeof *policies, by_domain);
    fixture_lists(sets + SETS);
    struct publish_result result;
    enum err err = publish(conf, sets, SETS + FIXTURE_LISTS, FIXTURE_NOW_S, true, &result, msg);
    for (unsigned i = 0; i < COUNT(policies); i++)
        for (unsigned k = 0; k < PAIRSET_FAMILIES; k++)
            free((void *)(uintptr_t)policies[i].tables[k].p);
    return err;
}
