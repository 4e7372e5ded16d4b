/* Plain records, authority and access lists of the golden store; see fixture_lists.h. */
#include "fixture_lists.h"

#include <stdio.h>
#include <stdlib.h>

enum { TYPE_A = 1, TYPE_MX = 15, TYPE_TXT = 16, TYPE_AAAA = 28, BULK = 24, ACL = 40 };

static struct dname
name_of(const char *text)
{
    struct dname name;
    if (dname_parse(text, strlen(text), &name) < 0)
        abort();
    return name;
}

static struct recordset_entry
record(const char *name, uint16_t type, uint32_t ttl_s, const void *rdata, size_t n)
{
    return (struct recordset_entry){name_of(name), {type, ttl_s, slice_of(rdata, n)}};
}

#define RR(name, type, ttl_s, bytes) record(name, type, ttl_s, bytes, sizeof(bytes) - 1)

/* In the order of the file; a stable sort by name comes after. */
static size_t
records(struct recordset_entry *out)
{
    static char bulk[BULK][101];
    const struct recordset_entry some[] = {RR("", TYPE_A, 0, "\300\0\2\1"),
        RR("", TYPE_MX, 0, "\0\12\4mail\3rep\7example\0"), RR("", TYPE_TXT, 0, "\11apex text"),
        RR("www", TYPE_A, 0, "\300\0\2\120"), RR("www", TYPE_A, 60, "\300\0\2\121"),
        RR("www", TYPE_TXT, 0, "\3web"), RR("www", TYPE_A, 0, "\300\0\2\120"),
        RR("www", TYPE_MX, 700, "\0\5\2mx\11elsewhere\4test\0"),
        RR("www", TYPE_AAAA, 0, "\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\200"),
        RR("x.y.z", TYPE_A, 0, "\300\0\2\11"), RR("both.test", TYPE_A, 40, "\300\0\2\7"),
        RR("3.2.1.10", TYPE_A, 0, "\300\0\2\12"), RR("mail", TYPE_MX, 0, "\0\12\0")};
    size_t n = sizeof some / sizeof *some;
    memcpy(out, some, sizeof some);
    for (unsigned i = 0; i < BULK; i++) {
        (void)snprintf(bulk[i], sizeof bulk[i], "%c%-99u", 99, i);
        out[n++] = record("bulk", TYPE_TXT, 0, bulk[i], i == BULK - 1 ? 5 : 100);
        bulk[i][0] = i == BULK - 1 ? 4 : 99;
    }
    return n;
}

static bool
before(const struct dname *a, const struct dname *b)
{
    uint8_t x[DNAME_KEY_MAX], y[DNAME_KEY_MAX];
    size_t xn = dname_key(a, x), yn = dname_key(b, y);
    return slice_cmp(slice_of(x, xn), slice_of(y, yn)) < 0;
}

static void
sort(struct recordset_entry *entries, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct recordset_entry entry = entries[i];
        size_t k = i;
        for (; k > 0 && before(&entry.name, &entries[k - 1].name); k--)
            entries[k] = entries[k - 1];
        entries[k] = entry;
    }
}

static struct authority
authority_of(uint32_t serial, const char *mname, const char *ns1, const char *ns2)
{
    struct authority out = {.has_soa = mname != NULL, .serial = serial, .ns_ttl_s = 86400};
    if (mname != NULL)
        out.soa = (struct soa){name_of(mname), name_of("root.data.test"), 3600, 1, 2, 3, 7200};
    if (ns1 != NULL)
        out.ns[out.ns_count++] = name_of(ns1);
    if (ns2 != NULL)
        out.ns[out.ns_count++] = name_of(ns2);
    return out;
}

static struct ipset_entry
acl_entry(const char *first, uint32_t a, const char *text)
{
    static uint8_t pool[16384];
    static size_t used;
    struct ipset_entry entry;
    struct value_element element = {.literal = true, .a = a, .has_txt = text != NULL};
    size_t n = 0;
    if (text != NULL)
        element.txt = slice_of(text, strlen(text));
    if (ip_parse(first, strlen(first), &entry.range.first) < 0 ||
        value_append(pool + used, sizeof pool - used, &n, &element) < 0)
        abort();
    entry.range.last = entry.range.first;
    entry.value = slice_of(pool + used, n);
    used += n;
    return entry;
}

/* The clients 10.0.4.GZ: G is the global list's action, Z the zone's, 0 none, 5 and 6 a value. */
static size_t
acl(struct ipset_entry *out, bool global)
{
    static const char *const texts[] = {"go away, $", "this too: $$ $", NULL};
    size_t n = 0;
    for (unsigned client = 0; client <= 66; client++) {
        unsigned action = global ? client / 10 : client % 10;
        char text[32];
        if (client % 10 > 6 || action == 0)
            continue;
        (void)snprintf(text, sizeof text, "10.0.4.%u", client);
        uint32_t a = action < 5 ? action : 0x7fffff00 + (global ? 16U : 0U) + action;
        out[n++] = acl_entry(text, a, action < 5 ? NULL : texts[action == 5 ? global : 2]);
    }
    if (!global)
        out[n++] = acl_entry("fd00::5", 0x7ffffffe, texts[0]);
    return n;
}

static struct publish_set
set_of(const char *title, enum dataset_kind kind)
{
    struct publish_set set = {.info = {.kind = kind}};
    strcpy(set.info.name, title);
    return set;
}

static struct publish_set
records_set(const char *title, const struct recordset_entry *entries, size_t count,
    const struct authority *authority)
{
    struct publish_set set = set_of(title, DATASET_RECORDS);
    set.rrs = entries;
    set.count = count;
    set.authority = authority;
    return set;
}

static struct publish_set
acl_set(const char *title, const struct ipset_entry *entries, size_t count)
{
    struct publish_set set = set_of(title, DATASET_ADDR);
    set.addrs = entries;
    set.count = count;
    return set;
}

/* Addresses below ip and more.deep, names below dom, records at the zone's own name. */
static void
combined(struct publish_set *sets)
{
    static struct ipset_entry addrs[1];
    static struct nameset_entry names[1];
    static struct recordset_entry at_apex[1];
    static struct combined_zone zones[4];
    addrs[0] = acl_entry("203.0.113.5", 0x7f000005, "$ by a section");
    names[0] = (struct nameset_entry){.name = name_of("bad.test"),
        .exact = {NAMESET_SLOT_VALUE, acl_entry("::", 0x7f000006, NULL).value}};
    at_apex[0] = RR("", TYPE_TXT, 0, "\5hello");
    zones[0] = (struct combined_zone){.zone = name_of("more.deep"), .count = 1, .ids = {1}};
    zones[1] = (struct combined_zone){.zone = name_of("ip"), .count = 1, .ids = {1}};
    zones[2] = (struct combined_zone){.zone = name_of("dom"), .count = 1, .ids = {2}};
    zones[3] = (struct combined_zone){.zone = {1, {0}}, .count = 1, .ids = {3}};
    sets[0] = acl_set("combo#1", addrs, 1);
    sets[1] = set_of("combo#2", DATASET_NAME);
    sets[1].names = names;
    sets[1].count = 1;
    sets[2] = records_set("combo#3", at_apex, 1, NULL);
    sets[3] = set_of("combo", DATASET_COMBINED);
    sets[3].zones = zones;
    sets[3].zone_count = 4;
    sets[3].part_count = 3;
}

void
fixture_lists(struct publish_set *sets)
{
    static struct recordset_entry gen[64], more[3], alone[1];
    static struct ipset_entry global[ACL + 12], zone[ACL + 12];
    static struct authority ns_only, full, serial0;
    size_t gen_count = records(gen);
    sort(gen, gen_count);
    more[0] = RR("both.test", TYPE_TXT, 0, "\6second");
    more[1] = RR("www", TYPE_A, 0, "\300\0\2\120");
    more[2] = RR("www", TYPE_A, 30, "\300\0\2\122");
    alone[0] = RR("www", TYPE_A, 0, "\300\0\2\1");
    ns_only = authority_of(0, NULL, "ns1.data.test", "ns.both.rep.example");
    full = authority_of(77, "primary.data.test", "unused.data.test", NULL);
    serial0 = authority_of(0, "ns.serial0.rep.example", "ns.serial0.rep.example", NULL);
    size_t global_count = acl(global, true), zone_count = acl(zone, false);
    sets[0] = records_set("gen", gen, gen_count, &ns_only);
    sets[1] = records_set("gen-more", more, 3, &full);
    sets[2] = records_set("gen-serial0", alone, 1, &serial0);
    sets[3] = records_set("gen-old", alone, 1, &full);
    sets[3].info.expires_s = 1000;
    sets[4] = acl_set("acl-global", global, global_count);
    sets[5] = acl_set("acl-zone", zone, zone_count);
    sets[5].info.ttl_s = 90;
    sets[6] = acl_set("acl-old", zone, zone_count);
    sets[6].info.expires_s = 1000;
    combined(sets + 7);
}
