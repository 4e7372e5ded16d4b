/* Asking a zone's datasets; see lookup.h. */
#include "server/lookup_internal.h"

#include "server/strict.h"
#include "zones/ipset.h"
#include "zones/nameset.h"
#include "zones/recordset.h"

/* 127.0.0.2, 127.0.0.1, 127.0.1.2 and 127.0.2.4 */
enum {
    A_DEFAULT = 0x7f000002,
    A_NEVER = 0x7f000001,
    A_TEST_NAME = 0x7f000102,
    A_TEST_PAIR = 0x7f000204
};

const struct dname lookup_test_name = {6, "\004test"}, lookup_invalid_name = {9, "\007invalid"};

static struct lookup_item *
new_item(struct asking *asking, uint32_t ttl_s)
{
    struct lookup *out = asking->out;
    if (out->count == LOOKUP_ITEMS_MAX)
        return NULL;
    struct lookup_item *item = &out->items[out->count++];
    item->ttl_s = ttl_s != 0 ? ttl_s : asking->ask->zone->ttl_s;
    item->records = slice_of(NULL, 0);
    item->has_evidence = false;
    return item;
}

void
lookup_add_reason(struct asking *asking, enum reason reason, const struct dataset *dataset,
    const struct lookup_subject *subject, struct slice text)
{
    struct lookup_item *item = new_item(asking, dataset->ttl_s);
    if (item == NULL)
        return;
    item->a = reason_a(reason);
    item->reason = reason;
    item->literal = item->has_txt = false;
    item->txt = text;
    item->dataset = dataset->id;
    item->has_evidence = true;
    item->subject = *subject;
}

static void
add_literal_item(struct asking *asking, uint32_t a, bool has_txt, struct slice txt, uint32_t ttl_s,
    const struct lookup_subject *subject)
{
    struct lookup_item *item = new_item(asking, ttl_s);
    if (item == NULL)
        return;
    item->a = a;
    item->literal = true;
    item->has_txt = has_txt;
    item->txt = txt;
    item->subject = *subject;
}

/* A list's own value. In a zone that judges too, an entry that says nothing of its own is the
 * operator's word. */
static void
add_literal(struct asking *asking, const struct value_element *element,
    const struct dataset *dataset, const struct lookup_subject *subject)
{
    const struct zone_def *zone = asking->ask->zone;
    if (element->has_txt || element->a != A_DEFAULT || zone->kind == ZONE_LIST) {
        add_literal_item(
            asking, element->a, element->has_txt, element->txt, dataset->ttl_s, subject);
        return;
    }
    enum reason operator= subject->is_ip ? REASON_OPERATOR : REASON_NAME_OPERATOR;
    if (reasons_have(zone->show, operator))
        lookup_add_reason(asking, operator, dataset, subject, slice_of(NULL, 0));
}

enum err
lookup_add_value(struct asking *asking, struct slice value, const struct dataset *dataset,
    const struct lookup_subject *subject)
{
    struct value_element element;
    const struct zone_def *zone = asking->ask->zone;
    enum err err;
    asking->found = true;
    if (asking->allowed)
        return ERR_OK;
    while ((err = value_next(&value, &element)) == ERR_OK) {
        if (element.literal) {
            add_literal(asking, &element, dataset, subject);
            continue;
        }
        struct reason_set shown = reasons_filter(element.reasons, zone->show);
        if (reasons_have(shown, REASON_SCORE))
            shown = reasons_union(shown, reasons_filter(element.reasons, zone->beside_score));
        while (!reasons_empty(shown))
            lookup_add_reason(asking, reasons_take(&shown), dataset, subject, slice_of(NULL, 0));
    }
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* Judged are addresses and whole networks; a list's range is nobody's in particular. */
static void
set_network(struct lookup_item *item, const struct range *range)
{
    struct prefix prefix;
    if (item->has_evidence && item->reason != REASON_OPERATOR && range_prefix(range, &prefix))
        item->subject.network = prefix.len;
}

static enum err
ask_ip(struct asking *asking, const struct dataset *dataset, const struct ip *ip)
{
    struct ipset_hit hit;
    enum err err = ipset_lookup(snapshot_reader(asking->ask->snapshot), dataset->id, ip, &hit);
    if (err < 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    asking->exists = true;
    unsigned before = asking->out->count;
    const struct lookup_subject subject = lookup_subject_ip(ip);
    err = lookup_add_value(asking, hit.value, dataset, &subject);
    bool network = !ip_is4(ip) && ip_cmp(&hit.range.first, &hit.range.last) != 0;
    for (unsigned i = before; network && i < asking->out->count; i++)
        set_network(&asking->out->items[i], &hit.range);
    return err;
}

static bool
embeds_ip(const struct asking *asking, struct ip *v4)
{
    const struct lookup_ask *ask = asking->ask;
    return (ask->zone->sixtofour || strict_is(ask->conf, STRICT_SIXTOFOUR)) &&
           ip_6to4(&asking->out->ip, v4);
}

static enum err
ask_addr(struct asking *asking, const struct dataset *dataset)
{
    struct ip v4;
    enum err err = ask_ip(asking, dataset, &asking->out->ip);
    if (err == ERR_OK && embeds_ip(asking, &v4))
        err = ask_ip(asking, dataset, &v4);
    return err;
}

static enum err
ask_name(struct asking *asking, const struct dataset *dataset)
{
    struct nameset_hit hit;
    enum err err =
        nameset_lookup(snapshot_reader(asking->ask->snapshot), dataset->id, asking->relative, &hit);
    if (err < 0)
        return err;
    asking->exists = asking->exists || hit.exists;
    if (hit.match != NAMESET_EXACT && hit.match != NAMESET_WILD)
        return ERR_OK;
    const struct lookup_subject subject = lookup_subject_name(asking, hit.above);
    return lookup_add_value(asking, hit.value, dataset, &subject);
}

/* Every byte is looked at here, so that what writes the records need not expect damage. */
static enum err
check_records(struct slice records)
{
    struct recordset_rr rr;
    enum err err;
    while ((err = recordset_next(&records, &rr)) == ERR_OK)
        ;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* They are no listings: an access list does not hide them. */
static enum err
ask_records(struct asking *asking, const struct dataset *dataset)
{
    struct recordset_hit hit;
    enum err err = recordset_lookup(
        snapshot_reader(asking->ask->snapshot), dataset->id, asking->relative, &hit);
    if (err == ERR_OK)
        err = check_records(hit.rrs);
    if (err < 0)
        return err;
    asking->exists = asking->exists || hit.exists;
    if (hit.rrs.n == 0)
        return ERR_OK;
    asking->found = true;
    if (asking->ask->acl->action != ACL_NONE && strict_is(asking->ask->conf, STRICT_ACL_RECORDS))
        return ERR_OK;
    struct lookup_item *item = new_item(asking, 0);
    if (item != NULL)
        item->records = hit.rrs;
    return ERR_OK;
}

/* RFC 5782 5: 127.0.0.2 (and ::ffff:7f00:2, the same here) and TEST are listed in every zone. That
 * they are gone says that a list is not in operation (RFC 6471 3.3). */
static void
add_test(struct asking *asking, uint32_t a)
{
    static const char text[] = "test entry of this list (RFC 5782)";
    if (asking->ask->acl->action != ACL_NONE || asking->ask->conf->retired)
        return;
    asking->exists = true;
    const struct lookup_subject subject = lookup_subject_ip(&asking->out->ip);
    add_literal_item(asking, a, true, slice_of(text, sizeof text - 1), 0, &subject);
}

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
    if (kind == IP_LABELS_NOT)
        asking->out->wrong_kind = WRONG_NAME;
    if (kind != IP_LABELS_FULL)
        return false;
    asking->exists = also_partial;
    if (!ip_is4(&asking->out->ip) || strict_is(asking->ask->conf, STRICT_TEST))
        return true;
    uint32_t v4 = ip_v4(&asking->out->ip);
    if (v4 == A_DEFAULT)
        add_test(asking, A_DEFAULT);
    return v4 != A_NEVER; /* RFC 5782 5 */
}

/* A name zone: likewise. */
static bool
begin_name(struct asking *asking)
{
    struct ip ip;
    const struct lookup_ask *ask = asking->ask;
    const struct dname *relative = asking->relative;
    bool address = ip_from_labels(relative->b, dname_labels(relative), &ip, NULL) == IP_LABELS_FULL;
    if (address)
        asking->out->wrong_kind = WRONG_ADDRESS;
    if (!strict_is(ask->conf, STRICT_TEST)) {
        if (dname_equal(relative, &lookup_test_name))
            add_test(asking, ask->zone->kind == ZONE_LIST ? A_DEFAULT : A_TEST_NAME);
        if (dname_under(relative, &lookup_invalid_name))
            return false;
    }
    if (!address || strict_is(ask->conf, STRICT_ADDRESS_NAMES))
        return true;
    /* An address asked of a name zone: a wrong set-up, which must not match a wildcard, but may be
     * told so by an access list. */
    return ask->acl->action == ACL_LISTED && !(ip_is4(&ip) && ip_v4(&ip) == A_NEVER);
}

static void
add_acl(struct asking *asking)
{
    const struct acl *acl = asking->ask->acl;
    for (unsigned i = 0; i < asking->out->count; i++)
        if (asking->out->items[i].records.n == 0)
            return; /* by another dataset of the zone */
    const struct lookup_subject subject = lookup_subject_ip(&asking->ask->client);
    add_literal_item(asking, acl->a, acl->has_txt, acl->txt, acl->ttl_s, &subject);
}

/* What an access list has instead of a dataset's entries, where the dataset would look for one. */
static void
ask_acl(struct asking *asking, const struct dataset *dataset, bool addrs, bool names)
{
    const struct lookup_ask *ask = asking->ask;
    struct ip v4;
    bool looks = names;
    if (dataset->kind == DATASET_ADDR)
        looks =
            addrs && (ip_is4(&asking->out->ip)
                             ? ask->view->has_v4
                             : ask->view->has_v6 || (ask->view->has_v4 && embeds_ip(asking, &v4)));
    if (dataset->kind == DATASET_PAIR)
        looks = ask->zone->kind == ZONE_PAIR && lookup_is_pair(asking->relative);
    if (looks && ask->acl->action == ACL_LISTED)
        add_acl(asking);
}

static enum err
ask_dataset(struct asking *asking, const struct dataset *dataset, bool addrs, bool names)
{
    enum zone_kind kind = asking->ask->zone->kind;
    if (dataset->kind == DATASET_RECORDS)
        return kind == ZONE_LIST ? ask_records(asking, dataset) : ERR_OK;
    if (dataset->kind == DATASET_COMBINED)
        return kind == ZONE_LIST ? lookup_ask_combined(asking, dataset) : ERR_OK;
    if (asking->ask->acl->action != ACL_NONE)
        ask_acl(asking, dataset, addrs, names);
    else if (dataset->kind == DATASET_ADDR && addrs)
        return ask_addr(asking, dataset);
    else if (dataset->kind == DATASET_NAME && names)
        return ask_name(asking, dataset);
    else if (dataset->kind == DATASET_PAIR && kind == ZONE_PAIR)
        return lookup_ask_pair(asking, dataset);
    return ERR_OK;
}

/* addrs: an address is asked, names: a name, neither: the apex or what only records may have. */
static void
ask_datasets(struct asking *asking, bool addrs, bool names)
{
    const struct lookup_ask *ask = asking->ask;
    bool apex = asking->relative->len == 1;
    for (unsigned i = 0; i < ask->view->count; i++) {
        const struct dataset *dataset = ask->view->datasets[i];
        if (apex && dataset->kind != DATASET_RECORDS && dataset->kind != DATASET_COMBINED)
            continue;
        if (snapshot_expired(ask->snapshot, dataset, ask->now_s)) {
            asking->expired = true;
            continue;
        }
        if (ask_dataset(asking, dataset, addrs, names) < 0) {
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

/* An address if the name has the look of one, else a name. */
void
lookup_ask_list(struct asking *asking)
{
    const struct view_state *view = asking->ask->view;
    bool apex = asking->relative->len == 1;
    bool names = !apex && has_kind(view, DATASET_NAME);
    bool addrs = !apex && has_kind(view, DATASET_ADDR) && begin_addr(asking);
    names = names && begin_name(asking);
    if (addrs)
        asking->out->wrong_kind = WRONG_NONE;
    ask_datasets(asking, addrs, names);
}

static void
ask_pairs(struct asking *asking)
{
    bool test = false;
    bool open = strict_is(asking->ask->conf, STRICT_TEST) || lookup_begin_pair(asking, &test);
    if (test)
        add_test(asking, A_TEST_PAIR);
    if (open)
        ask_datasets(asking, false, false);
}

/* The zone's own name again, or an IPv6 address as text: no wildcard may match these. */
static bool
is_misnamed(const struct asking *asking)
{
    const struct lookup_ask *ask = asking->ask;
    const struct dname *relative = asking->relative;
    if (strict_is(ask->conf, STRICT_ADDRESS_NAMES))
        return false;
    if (dname_under(relative, &ask->zone->apex))
        asking->out->wrong_kind = WRONG_DOUBLED;
    else if (ask->zone->kind != ZONE_LIST && memchr(relative->b + 1, ':', relative->b[0]) != NULL)
        asking->out->wrong_kind = WRONG_COLON;
    return asking->out->wrong_kind != WRONG_NONE;
}

/* False where the operator's word can't be read. */
static bool
heeds_word(struct asking *asking, enum err err)
{
    if (err < 0)
        asking->out->status = LOOKUP_FAILED;
    return err == ERR_OK;
}

static void
ask_kind(struct asking *asking)
{
    switch (asking->ask->zone->kind) {
    case ZONE_BASE:
        return;
    case ZONE_ADDR:
        if (begin_addr(asking) && heeds_word(asking, lookup_word_ip(asking)))
            ask_datasets(asking, true, false);
        return;
    case ZONE_NAME:
        if (begin_name(asking) && heeds_word(asking, lookup_word_name(asking)))
            ask_datasets(asking, false, true);
        return;
    case ZONE_PAIR:
        ask_pairs(asking);
        return;
    case ZONE_LIST:
        lookup_ask_list(asking);
        return;
    }
}

bool
lookup_loaded(const struct lookup_ask *ask)
{
    for (unsigned i = 0; i < ask->view->count; i++)
        if (snapshot_expired(ask->snapshot, ask->view->datasets[i], ask->now_s))
            return false;
    return !ask->view->missing;
}

void
lookup_name(const struct lookup_ask *ask, const struct dname *relative, struct lookup *out)
{
    out->status = LOOKUP_NXDOMAIN;
    out->ip = (struct ip){{0}};
    out->wrong_kind = WRONG_NONE;
    out->count = 0;
    out->asked = relative;
    struct asking asking = {.ask = ask, .relative = relative, .out = out};
    if (!is_misnamed(&asking))
        ask_kind(&asking);
    if (out->status == LOOKUP_FAILED)
        return;
    /* A zone that can't say all is SERVFAIL before it is what an access list makes of it. */
    bool partly = asking.expired || ask->view->missing;
    bool exists = strict_is(ask->conf, STRICT_NXDOMAIN) ? asking.found : asking.exists;
    if (out->count > 0 && !(partly && ask->acl->action == ACL_LISTED))
        out->status = LOOKUP_LISTED;
    else if (asking.expired)
        out->status = LOOKUP_EXPIRED;
    else if (ask->view->missing)
        out->status = LOOKUP_MISSING;
    else if (exists)
        out->status = LOOKUP_NODATA;
}
