/* For the tests of lists: what is served of one against what it says. */
#ifndef TESTS_UNIT_LIST_SERVED_H
#define TESTS_UNIT_LIST_SERVED_H

#include "tests/unit/list_fixture.h"
#include "tests/unit/random.h"

#include "loader/listedit.h"

/* A prefix of an IPv4 address has 4 bytes of its own, at the end. */
static inline void
clear_host(struct ip *ip, unsigned bits, bool set)
{
    for (unsigned i = 0; i < bits; i++) {
        uint8_t mask = (uint8_t)(1U << i % 8);
        if (set)
            ip->b[15 - i / 8] |= mask;
        else
            ip->b[15 - i / 8] &= (uint8_t)~mask;
    }
}

/* Close together, so that entries meet, but for some. */
static inline struct ip
random_ip(struct fixture *f)
{
    uint32_t low = next_random(&f->seed) % 60000;
    if (next_random(&f->seed) % 4 == 0)
        low = (next_random(&f->seed) & 0xfff) * 0x1001;
    if (list_type_info(f->source.type)->holds == LIST_HOLDS_V4)
        return ip_from_v4(0x14000000 + low);
    struct ip ip = {{0x2a, 0, (uint8_t)(low >> 20)}};
    unsigned at = next_random(&f->seed) % 2 == 0 ? 5 : 13;
    ip.b[at] = (uint8_t)(low >> 16);
    ip.b[at + 1] = (uint8_t)(low >> 8);
    ip.b[at + 2] = (uint8_t)low;
    return ip;
}

static inline void
check_ip(struct kvread *reader, uint16_t id, const struct publish_set *set, const struct ip *ip)
{
    size_t low = publish_find(set, ip);
    struct ipset_hit hit = {.value = slice_of(NULL, 0)};
    struct ipset_entry entry = {0};
    if (low < set->count)
        entry = publish_range(set, low);
    bool want = low < set->count && ip_cmp(&entry.range.first, ip) <= 0;
    enum err err = ipset_lookup(reader, id, ip, &hit);
    char text[IP_TEXT_SIZE];
    ip_format(ip, text);
    if (err != (want ? ERR_OK : ERR_NOTFOUND))
        fail_msg("%s: %s", text, err_text(err));
    if (want && slice_cmp(hit.value, entry.value) != 0)
        fail_msg("%s: another value", text);
}

static inline void
check_borders(
    struct kvread *reader, uint16_t id, const struct publish_set *set, const struct range *range)
{
    struct ip before = range->first, after = range->last;
    check_ip(reader, id, set, &range->first);
    check_ip(reader, id, set, &range->last);
    if (ip_prev(&before))
        check_ip(reader, id, set, &before);
    if (ip_next(&after))
        check_ip(reader, id, set, &after);
}

/* What is served is what the list says. */
static inline void
check_served(struct fixture *f, const struct list_edit *edits, size_t count)
{
    struct kvread *reader;
    struct store_key key;
    struct slice value;
    struct dataset dataset;
    struct list_set *whole = flatten(f);
    const struct publish_set *set = lists_set(whole);
    uint64_t remembered = lists_published(whole)->entries, entries = lists_entries(whole);
    assert_in_range(entries + f->edited, remembered, remembered + 2ULL * f->edited);
    assert_int_equal(kvread_open(f->answers, &reader, &f->msg), ERR_OK);
    store_key_dataset(&key, f->source.name);
    assert_int_equal(kvread_get(reader, store_key_slice(&key), &value), ERR_OK);
    assert_int_equal(dataset_decode(store_key_slice(&key), value, &dataset), ERR_OK);
    assert_int_equal(dataset.entries, set->count);
    for (size_t i = 0; i < count; i++)
        check_borders(reader, dataset.id, set, &edits[i].entry.range);
    for (unsigned i = 0; i < 200 && set->count > 0; i++) {
        struct ip ip = random_ip(f);
        check_ip(reader, dataset.id, set, &ip);
        const struct ipset_entry entry = publish_range(set, next_random(&f->seed) % set->count);
        check_borders(reader, dataset.id, set, &entry.range);
    }
    kvread_close(&reader);
    lists_free(&whole);
}

#endif
