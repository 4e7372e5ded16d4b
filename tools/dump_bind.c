/*
 * repdns dump --as bind: a list as a zone file (RFC 1035 5); see tools.h.
 *
 * Owner names are relative to the origin, that of the first zone which has the list, if any does.
 * A range is cut into whole octets or nibbles, each a wildcard, and single addresses; nothing lies
 * below one of its wildcards, since ranges are disjoint. Names: dump_bind_names.c.
 */
#include <inttypes.h>
#include <string.h>

#include "loader/lists.h"
#include "loader/listtext.h"
#include "tools/dump_bind.h"
#include "zones/kvread.h"

enum { TTL_S = 2100 /* rbldnsd's */, OCTET = 8, NIBBLE = 4 };

/* The zone that has the list, one that is enabled before others; NULL: none. */
static const struct zone_def *
find_zone(const struct conf *conf, const char *name)
{
    const struct zone_def *found = NULL;
    for (unsigned i = 0; i < conf->zone_count; i++)
        for (unsigned k = 0; k < conf->zones[i].dataset_count; k++)
            if (strcmp(conf->zones[i].datasets[k], name) == 0 &&
                (found == NULL || (!found->enabled && conf->zones[i].enabled)))
                found = &conf->zones[i];
    return found;
}

/* Of the last publish that changed the list; 1 if there was none. */
static uint32_t
find_serial(const struct conf *conf, const char *name)
{
    struct kvread *reader;
    struct store_key key;
    struct slice value;
    struct dataset dataset;
    uint32_t serial = 1;
    if (kvread_open(conf->answers_path, &reader, NULL) < 0)
        return serial;
    store_key_dataset(&key, name);
    if (kvread_get(reader, store_key_slice(&key), &value) == ERR_OK &&
        dataset_decode(store_key_slice(&key), value, &dataset) == ERR_OK)
        serial = dataset.serial;
    kvread_close(&reader);
    return serial;
}

static void
print_absolute(FILE *out, const struct dname *name)
{
    text_zone_name(out, name);
    if (name->len > 1)
        fputc('.', out);
}

static void
print_soa(FILE *out, const struct soa *soa, uint32_t serial)
{
    fprintf(out, "@ %" PRIu32 " SOA ", soa->ttl_s);
    print_absolute(out, &soa->mname);
    fputc(' ', out);
    print_absolute(out, &soa->rname);
    fprintf(out, " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 "\n", serial,
        soa->refresh_s, soa->retry_s, soa->expire_s, soa->minimum_s);
}

/* What the list's files say; nothing where they don't. */
static void
print_authority(const struct list_dump *dump)
{
    const struct authority *authority = lists_set(dump->set)->authority;
    if (authority == NULL)
        return;
    if (authority->has_soa)
        print_soa(dump->out, &authority->soa,
            authority->serial != 0 ? authority->serial
                                   : find_serial(dump->conf, dump->source->name));
    for (unsigned i = 0; i < authority->ns_count; i++) {
        fprintf(dump->out, "@ %" PRIu32 " NS ", authority->ns_ttl_s);
        print_absolute(dump->out, &authority->ns[i]);
        fputc('\n', dump->out);
    }
}

static void
print_head(const struct list_dump *dump)
{
    FILE *out = dump->out;
    const char *name = dump->source->name;
    const struct zone_def *zone = find_zone(dump->conf, name);
    uint32_t ttl_s = lists_set(dump->set)->info.ttl_s;
    fprintf(out, "; list %s, written by repdns dump\n", name);
    if (ttl_s == 0)
        ttl_s = zone != NULL ? zone->ttl_s : TTL_S;
    if (zone == NULL) {
        fprintf(out, "$TTL %" PRIu32 "\n; no zone has it: add SOA and NS\n", ttl_s);
        return;
    }
    fputs("$ORIGIN ", out);
    print_absolute(out, &zone->apex);
    fprintf(out, "\n$TTL %" PRIu32 "\n", ttl_s);
    if (zone->authority_data) {
        print_authority(dump);
        return;
    }
    print_soa(out, &zone->soa, find_serial(dump->conf, name));
    for (unsigned i = 0; i < zone->ns_count; i++) {
        fputs("@ NS ", out);
        print_absolute(out, &zone->ns[i]);
        fputc('\n', out);
    }
}

/* The template with the subject in its place, cut as the server cuts it (server/txt.c). */
static size_t
fill(struct slice txt, const char *subject, char out[VALUE_TXT_MAX])
{
    const char *in = txt.p;
    size_t n = 0;
    for (size_t i = 0; i < txt.n; i++) {
        bool dollar = in[i] == '$' && i + 1 < txt.n && in[i + 1] == '$';
        const char *part = in[i] != '$' || dollar ? &in[i] : subject;
        size_t size = part == subject ? strlen(subject) : 1;
        if (size > VALUE_TXT_MAX - n)
            size = VALUE_TXT_MAX - n;
        memcpy(out + n, part, size);
        n += size;
        i += dollar;
    }
    return n;
}

enum err
dump_bind_value(FILE *out, const char *owner, struct slice value, const char *subject)
{
    struct slice rest = value;
    struct value_element element;
    enum err err;
    while ((err = value_next(&rest, &element)) == ERR_OK) {
        char text[VALUE_TXT_MAX];
        fprintf(out, "%s A ", owner);
        text_a(out, element.a);
        fputc('\n', out);
        if (!element.has_txt)
            continue;
        fprintf(out, "%s TXT ", owner);
        text_zone_strings(out, slice_of(text, fill(element.txt, subject, text)));
        fputc('\n', out);
    }
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* "2.0.192" or "*.2.0.192" of a prefix whose length is whole labels, "*" of the whole space. */
static void
owner_of(const struct prefix *prefix, char out[IP_REVERSE_SIZE + 2])
{
    char reversed[IP_REVERSE_SIZE];
    const char *rest = reversed;
    unsigned bits = ip_bits(ip_family(&prefix->addr));
    unsigned step = bits == 32 ? OCTET : NIBBLE;
    (void)ip_reverse(&prefix->addr, reversed);
    for (unsigned at = prefix->len; at < bits && rest != NULL; at += step) {
        rest = strchr(rest, '.');
        rest = rest == NULL ? NULL : rest + 1;
    }
    strcpy(out, prefix->len == bits ? "" : rest == NULL ? "*" : "*.");
    if (rest != NULL)
        strcat(out, rest);
}

static enum err
print_range(FILE *out, const struct ipset_entry *entry)
{
    struct range rest = entry->range;
    unsigned step = ip_is4(&rest.first) ? OCTET : NIBBLE;
    enum err err;
    bool more;
    do {
        struct prefix prefix;
        char owner[IP_REVERSE_SIZE + 2], subject[PREFIX_TEXT_SIZE];
        more = listtext_take(&rest, step, &prefix);
        owner_of(&prefix, owner);
        prefix_format(&prefix, subject);
        err = dump_bind_value(out, owner, entry->value, subject);
    } while (more && err == ERR_OK);
    return err;
}

static void
print_record(FILE *out, const struct recordset_entry *entry)
{
    if (entry->name.len == 1)
        fputc('@', out);
    else
        text_zone_name(out, &entry->name);
    if (entry->rr.ttl_s > 0)
        fprintf(out, " %" PRIu32, entry->rr.ttl_s);
    fputc(' ', out);
    text_record(out, &entry->rr);
    fputc('\n', out);
}

/* Below the origin. */
static enum err
print_entries(const struct list_dump *dump, const struct publish_set *set)
{
    enum err err = ERR_OK;
    if (set->names != NULL)
        return dump_bind_names(dump->out, set->names, set->count);
    for (size_t i = 0; i < set->count && err == ERR_OK; i++) {
        struct ipset_entry range;
        if (set->rrs != NULL) {
            print_record(dump->out, &set->rrs[i]);
        } else {
            range = publish_range(set, i);
            err = print_range(dump->out, &range);
        }
    }
    return err;
}

/* A combined list: each section below each of its sub-zones, for which the zone must be known. */
static enum err
print_zones(const struct list_dump *dump)
{
    size_t count;
    const struct publish_set *set = lists_set(dump->set), *parts = lists_parts(dump->set, &count);
    const struct zone_def *zone = find_zone(dump->conf, dump->source->name);
    enum err err = zone == NULL && set->zone_count > 0 ? ERR_RANGE : ERR_OK;
    for (size_t i = 0; i < set->zone_count && err == ERR_OK; i++) {
        const struct combined_zone *sub = &set->zones[i];
        struct dname origin;
        err = dname_join(&sub->zone, &zone->apex, &origin);
        fputs("$ORIGIN ", dump->out);
        print_absolute(dump->out, &origin);
        fputc('\n', dump->out);
        for (unsigned k = 0; k < sub->count && err == ERR_OK; k++) {
            const struct publish_set *part = &parts[sub->ids[k] - 1];
            fprintf(dump->out, "$TTL %" PRIu32 "\n",
                part->info.ttl_s != 0 ? part->info.ttl_s : zone->ttl_s);
            err = print_entries(dump, part);
        }
    }
    return err;
}

enum err
dump_bind(struct list_dump *dump)
{
    if (dump->source->type == LIST_ACL)
        return ERR_RANGE; /* it is no data of a zone */
    print_head(dump);
    if (dump->source->type == LIST_COMBINED)
        return print_zones(dump);
    return print_entries(dump, lists_set(dump->set));
}
