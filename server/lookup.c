/* Asking a zone's datasets; see lookup.h. */
#include "server/lookup.h"

#include "zones/ipset.h"
#include "zones/nameset.h"
#include "zones/pairset.h"

enum { A_DEFAULT = 0x7f000002 /* 127.0.0.2 */, OCTETS = 4, NIBBLES = 32 };

struct asking {
    struct snapshot *snapshot;
    const struct zone_def *zone;
    const struct view_state *view;
    const struct dname *relative;
    int64_t now_s;
    bool expired;
    bool exists; /* the name, or something below it, could be listed */
    struct lookup *out;
};

static struct lookup_item *
new_item(struct lookup *out)
{
    if (out->count == LOOKUP_ITEMS_MAX)
        return NULL;
    return &out->items[out->count++];
}

static void
add_reason(struct asking *asking, enum reason reason, const struct dataset *dataset,
    const struct dname *subject, struct slice text)
{
    struct lookup_item *item = new_item(asking->out);
    if (item == NULL)
        return;
    item->a = reason_a(reason);
    item->reason = reason;
    item->literal = item->has_txt = false;
    item->txt = text;
    item->dataset = dataset->id;
    item->has_evidence = true;
    item->subject_is_ip = subject == NULL;
    if (subject != NULL)
        item->subject = *subject;
}

/* A list's own value. In a zone that judges too, an entry that says nothing of its own is the
 * operator's word. */
static void
add_literal(struct asking *asking, const struct value_element *element,
    const struct dataset *dataset, const struct dname *subject)
{
    bool plain = !element->has_txt && element->a == A_DEFAULT && asking->zone->kind != ZONE_LIST;
    if (plain) {
        enum reason operator= subject == NULL ? REASON_OPERATOR : REASON_NAME_OPERATOR;
        if (reasons_have(asking->zone->show, operator))
            add_reason(asking, operator, dataset, subject, slice_of(NULL, 0));
        return;
    }
    struct lookup_item *item = new_item(asking->out);
    if (item == NULL)
        return;
    item->a = element->a;
    item->literal = true;
    item->has_txt = element->has_txt;
    item->txt = element->txt;
    item->has_evidence = false;
    item->subject_is_ip = subject == NULL;
    if (subject != NULL)
        item->subject = *subject;
}

static enum err
add_value(struct asking *asking, struct slice value, const struct dataset *dataset,
    const struct dname *subject)
{
    struct value_element element;
    const struct zone_def *zone = asking->zone;
    unsigned before = asking->out->count;
    enum err err;
    while ((err = value_next(&value, &element)) == ERR_OK) {
        if (element.literal) {
            add_literal(asking, &element, dataset, subject);
            continue;
        }
        struct reason_set shown = reasons_filter(element.reasons, zone->show);
        if (reasons_have(shown, REASON_SCORE))
            shown = reasons_union(shown, reasons_filter(element.reasons, zone->beside_score));
        while (!reasons_empty(shown))
            add_reason(asking, reasons_take(&shown), dataset, subject, slice_of(NULL, 0));
    }
    if (asking->out->count > before && dataset->ttl_s != 0 &&
        (asking->out->ttl_s == 0 || dataset->ttl_s < asking->out->ttl_s))
        asking->out->ttl_s = dataset->ttl_s;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static enum err
ask_addr(struct asking *asking, const struct dataset *dataset, const struct ip *ip)
{
    struct ipset_hit hit;
    enum err err = ipset_lookup(snapshot_reader(asking->snapshot), dataset->id, ip, &hit);
    if (err < 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    asking->exists = true;
    return add_value(asking, hit.value, dataset, NULL);
}

static enum err
ask_name(struct asking *asking, const struct dataset *dataset)
{
    struct nameset_hit hit;
    enum err err =
        nameset_lookup(snapshot_reader(asking->snapshot), dataset->id, asking->relative, &hit);
    if (err < 0)
        return err;
    asking->exists = asking->exists || hit.exists;
    if (hit.match != NAMESET_EXACT && hit.match != NAMESET_WILD)
        return ERR_OK;
    return add_value(asking, hit.value, dataset, &hit.matched);
}

static bool
is_nibble(const uint8_t *label)
{
    return label[0] == 1 &&
           ((label[1] >= '0' && label[1] <= '9') || (label[1] >= 'a' && label[1] <= 'f'));
}

static enum err
pair_exists(struct asking *asking, const struct dataset *dataset, unsigned labels)
{
    const uint8_t *b = asking->relative->b;
    struct ip ip;
    for (unsigned k = 0; k < NIBBLES && k < labels; k++) {
        /* The k labels before the domain must be the top of an address. */
        if (k > 0 && ip_from_labels(b, k, &ip, NULL) == IP_LABELS_NOT)
            break;
        bool full4 = k == OCTETS &&
                     !(is_nibble(b) && is_nibble(b + 2) && is_nibble(b + 4) && is_nibble(b + 6));
        if (full4)
            break;
        struct dname domain;
        struct pairset_hit hit;
        dname_strip(asking->relative, k, &domain);
        enum err err = pairset_lookup(
            snapshot_reader(asking->snapshot), dataset->id, NULL, &domain, asking->now_s, &hit);
        if (err < 0)
            return err;
        if (hit.match == PAIRSET_DOMAIN || (k == 0 && hit.match == PAIRSET_BELOW)) {
            asking->exists = true;
            return ERR_OK;
        }
    }
    return ERR_OK;
}

/* The leftmost 32 or 4 labels are the address if all fit, nibbles first. */
static unsigned
pair_address(const struct dname *relative, unsigned labels, struct ip *ip)
{
    if (labels > NIBBLES && ip_from_labels(relative->b, NIBBLES, ip, NULL) == IP_LABELS_FULL)
        return NIBBLES;
    if (labels > OCTETS && ip_from_labels(relative->b, OCTETS, ip, NULL) == IP_LABELS_FULL)
        return OCTETS;
    return 0;
}

/* A policy speaks of every address: those that no blocking zone lists are taken out here. A look-up
 * of its own, only where something would be listed. */
static enum err
is_never(struct asking *asking, const struct ip *ip, bool *never)
{
    struct ipset_hit hit;
    *never = !asking->zone->informational && ip_is_special(ip);
    if (*never || asking->view->never == NULL || asking->view->never->entries == 0)
        return ERR_OK;
    enum err err =
        ipset_lookup(snapshot_reader(asking->snapshot), asking->view->never->id, ip, &hit);
    *never = err == ERR_OK;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* A result that is known makes the name exist, whether or not the zone shows it. */
static enum err
add_pair_hit(struct asking *asking, const struct dataset *dataset, const struct ip *ip,
    const struct dname *domain, const struct pairset_hit *hit)
{
    enum reason reason = spfresult_reason(hit->result);
    bool never = false;
    enum err err = ERR_OK;
    if (reasons_have(asking->zone->show, reason))
        err = is_never(asking, ip, &never);
    if (err < 0 || never)
        return err;
    asking->exists = true;
    if (reasons_have(asking->zone->show, reason))
        add_reason(asking, reason, dataset, domain, hit->text);
    return ERR_OK;
}

static enum err
ask_pair(struct asking *asking, const struct dataset *dataset)
{
    unsigned labels = dname_labels(asking->relative);
    struct ip ip;
    unsigned taken = pair_address(asking->relative, labels, &ip);
    if (taken > 0) {
        struct dname domain;
        struct pairset_hit hit;
        asking->out->ip = ip;
        dname_strip(asking->relative, taken, &domain);
        enum err err = pairset_lookup(
            snapshot_reader(asking->snapshot), dataset->id, &ip, &domain, asking->now_s, &hit);
        if (err < 0)
            return err;
        if (hit.match == PAIRSET_FOUND)
            return add_pair_hit(asking, dataset, &ip, &domain, &hit);
    }
    return pair_exists(asking, dataset, labels);
}

/* RFC 5782 5: 127.0.0.2 (and ::ffff:7f00:2, the same here) and TEST are listed in every zone. */
static void
add_test(struct asking *asking, uint32_t a)
{
    static const char text[] = "test entry of this list (RFC 5782)";
    struct lookup_item *item = new_item(asking->out);
    asking->exists = true;
    if (item == NULL)
        return;
    *item = (struct lookup_item){.a = a,
        .literal = true,
        .has_txt = true,
        .subject_is_ip = true,
        .txt = {text, sizeof text - 1}};
}

static const struct dname test_name = {6, "\004test"}, invalid_name = {9, "\007invalid"};

/* An address zone: false when the name is decided already. */
static bool
begin_addr(struct asking *asking)
{
    bool also_partial;
    const struct dname *relative = asking->relative;
    enum ip_labels kind =
        ip_from_labels(relative->b, dname_labels(relative), &asking->out->ip, &also_partial);
    if (kind == IP_LABELS_PARTIAL)
        asking->exists = true;
    asking->out->wrong_kind = kind == IP_LABELS_NOT;
    if (kind != IP_LABELS_FULL)
        return false;
    asking->exists = also_partial;
    if (!ip_is4(&asking->out->ip))
        return true;
    uint32_t v4 = ip_v4(&asking->out->ip);
    if (v4 == 0x7f000002)
        add_test(asking, A_DEFAULT);
    return v4 != 0x7f000001; /* RFC 5782 5: never listed */
}

/* A name zone: likewise. */
static bool
begin_name(struct asking *asking)
{
    struct ip ip;
    const struct dname *relative = asking->relative;
    bool address = ip_from_labels(relative->b, dname_labels(relative), &ip, NULL) == IP_LABELS_FULL;
    if (dname_equal(relative, &test_name))
        add_test(asking, asking->zone->kind == ZONE_LIST ? A_DEFAULT : 0x7f000102);
    /* An address asked of a name zone: a wrong set-up, which must not match a wildcard. */
    asking->out->wrong_kind = address;
    return !address && !dname_under(relative, &invalid_name);
}

static bool
begin_pair(struct asking *asking)
{
    const struct dname *relative = asking->relative;
    unsigned labels = dname_labels(relative);
    struct dname domain;
    struct ip ip;
    if (dname_under(relative, &invalid_name))
        return false;
    if (!dname_under(relative, &test_name))
        return true;
    dname_relative(relative, &test_name, &domain);
    if (domain.len == 1 || ip_from_labels(domain.b, labels - 1, &ip, NULL) == IP_LABELS_PARTIAL) {
        asking->exists = true;
        return false;
    }
    if (ip_from_labels(domain.b, labels - 1, &ip, NULL) == IP_LABELS_FULL && ip_is4(&ip) &&
        ip_v4(&ip) == 0x7f000002)
        add_test(asking, 0x7f000204);
    return true;
}

/* A list of either kind: an address if it has the look of one, else a name. */
static void
ask_datasets(struct asking *asking, bool addrs, bool names)
{
    for (unsigned i = 0; i < asking->view->count; i++) {
        const struct dataset *dataset = asking->view->datasets[i];
        enum err err = ERR_OK;
        if (snapshot_expired(asking->snapshot, dataset, asking->now_s)) {
            asking->expired = true;
            continue;
        }
        if (dataset->kind == DATASET_ADDR && addrs)
            err = ask_addr(asking, dataset, &asking->out->ip);
        if (dataset->kind == DATASET_NAME && names)
            err = ask_name(asking, dataset);
        if (dataset->kind == DATASET_PAIR && asking->zone->kind == ZONE_PAIR)
            err = ask_pair(asking, dataset);
        if (err < 0) {
            asking->out->status = LOOKUP_FAILED;
            return;
        }
    }
}

static bool
has_kind(const struct view_state *view, enum dataset_kind kind)
{
    for (unsigned i = 0; i < view->count; i++)
        if (view->datasets[i]->kind == kind)
            return true;
    return false;
}

static void
ask_kind(struct asking *asking)
{
    switch (asking->zone->kind) {
    case ZONE_BASE:
        return;
    case ZONE_ADDR:
        if (begin_addr(asking))
            ask_datasets(asking, true, false);
        return;
    case ZONE_NAME:
        if (begin_name(asking))
            ask_datasets(asking, false, true);
        return;
    case ZONE_PAIR:
        if (begin_pair(asking))
            ask_datasets(asking, false, false);
        return;
    case ZONE_LIST: {
        bool names = has_kind(asking->view, DATASET_NAME);
        bool addrs = has_kind(asking->view, DATASET_ADDR) && begin_addr(asking);
        names = names && begin_name(asking);
        if (addrs)
            asking->out->wrong_kind = false;
        ask_datasets(asking, addrs, names);
        return;
    }
    }
}

void
lookup_name(struct snapshot *snapshot, const struct zone_def *zone, const struct view_state *view,
    const struct dname *relative, int64_t now_s, struct lookup *out)
{
    out->status = LOOKUP_NXDOMAIN;
    out->ip = (struct ip){{0}};
    out->wrong_kind = false;
    out->ttl_s = 0;
    out->count = 0;
    struct asking asking = {.snapshot = snapshot,
        .zone = zone,
        .view = view,
        .relative = relative,
        .now_s = now_s,
        .out = out};
    ask_kind(&asking);
    if (out->status == LOOKUP_FAILED)
        return;
    if (out->count > 0)
        out->status = LOOKUP_LISTED;
    else if (asking.expired)
        out->status = LOOKUP_EXPIRED;
    else if (view->missing)
        out->status = LOOKUP_MISSING;
    else if (asking.exists)
        out->status = LOOKUP_NODATA;
}
