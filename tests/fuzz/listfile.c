/*
 * A list from anywhere, as every type: entries must be fit to be stored, values and records must
 * decode and fit, stored entries must come back as they were, and the flat set must be sorted and
 * disjoint. Sections of a combined list are entries of their types.
 *
 * libFuzzer's build reads a list as one type, which the first byte chooses, so that a change to an
 * input that found something is tried on the same type again; replayed, a list is of all types.
 */
#include <stdlib.h>
#include <string.h>

#include "loader/listcollect.h"
#include "loader/listflat.h"
#include "loader/listrecord.h"
#include "loader/listsection.h"
#include "loader/liststore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW INT64_C(1780272000)
enum { ENTRIES_MOST = 256 };

static void
must(bool holds)
{
    if (!holds)
        abort();
}

static void
check_value(const struct listfile *file, struct slice value)
{
    struct value_element element;
    struct recordset_rr rr;
    if (list_type_info(file->type)->holds == LIST_HOLDS_RECORDS) {
        must(listrecord_decode(value, &rr) == ERR_OK && rr.ttl_s <= INT32_MAX);
        return;
    }
    must(value_next(&value, &element) == ERR_OK && value.n == 0);
    must(element.literal && element.a != 0);
    must(!element.has_txt || element.txt.n > 0);
    must(!element.has_txt || element.a > ACL_A_PASS || file->type != LIST_ACL);
}

static struct slice
check_entry(
    const struct listfile *file, const struct listfile_entry *entry, struct listflat_arena *arena)
{
    uint8_t bytes[LISTFILE_VALUE_MAX], record[LISTSTORE_ENTRY_MAX];
    struct listfile_entry back;
    enum list_holds holds = list_type_info(file->type)->holds;
    size_t n = entry->excluded || holds == LIST_HOLDS_RECORDS
                   ? 0
                   : listfile_value(file, &entry->value, bytes);
    struct slice stored, value = holds == LIST_HOLDS_RECORDS ? slice_of(entry->rr.b, entry->rr.n)
                                                             : slice_of(bytes, n);
    must(value.n > 0 || entry->excluded);
    if (value.n > 0)
        check_value(file, value);
    n = liststore_entry(entry, file->type, value, record);
    must(n <= sizeof record);
    must(liststore_entry_decode(slice_of(record, n), file->type, &back, &stored) == ERR_OK);
    must(back.excluded == entry->excluded && slice_cmp(stored, value) == 0);
    if (holds == LIST_HOLDS_NAMES || holds == LIST_HOLDS_RECORDS) {
        must(entry->name.len > 1 || holds == LIST_HOLDS_RECORDS);
        must(entry->exact || entry->wild);
        must(dname_equal(&back.name, &entry->name));
        must(back.exact == entry->exact && back.wild == entry->wild);
    } else {
        must(memcmp(&back.range, &entry->range, sizeof back.range) == 0);
        must(ip_cmp(&entry->range.first, &entry->range.last) <= 0);
        must(holds != LIST_HOLDS_V4 || ip_is4(&entry->range.first));
    }
    stored = listflat_keep(arena, stored);
    must(stored.p != NULL);
    return stored;
}

static enum err
flatten_clients(const struct listflat_prefix *entries, size_t count, struct listflat_arena *arena,
    struct ipset_entry **out, size_t *out_count)
{
    struct list_collect collect;
    struct list_flat flat;
    enum err err = listcollect_init(&collect, LIST_ACL, arena);
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        err = listcollect_add(
            &collect, &(struct listfile_entry){.range = entries[i].range}, entries[i].value);
    if (err == ERR_OK)
        err = listcollect_flatten(&collect, &flat);
    *out = flat.addrs;
    *out_count = flat.count;
    listcollect_free(&collect);
    return err;
}

/* One list by the rule of its type. */
static enum err
flatten(enum list_type type, struct listflat_prefix *entries, size_t count,
    struct listflat_arena *arena, struct ipset_entry **out, size_t *out_count)
{
    struct listflat_entry levels[ENTRIES_MOST];
    if (type == LIST_ACL)
        return flatten_clients(entries, count, arena, out, out_count);
    if (list_type_info(type)->overlaps == LIST_OVERLAPS_LONGEST)
        return listflat_prefixes(
            entries, count, list_type_info(type)->holds == LIST_HOLDS_V6, out, out_count);
    for (size_t i = 0; i < count; i++)
        levels[i] = (struct listflat_entry){
            ip_v4(&entries[i].range.first), ip_v4(&entries[i].range.last), entries[i].value};
    return listflat_ranges(levels, count, arena, out, out_count);
}

static void
check_flat(enum list_type type, struct listflat_prefix *entries, size_t count,
    struct listflat_arena *arena)
{
    struct ipset_entry *flat;
    size_t n;
    bool v6 = list_type_info(type)->holds == LIST_HOLDS_V6;
    must(flatten(type, entries, count, arena, &flat, &n) == ERR_OK);
    for (size_t i = 0; i < n; i++) {
        must(flat[i].value.n > 0);
        must(type == LIST_ACL || ip_is4(&flat[i].range.first) == !v6);
        must(ip_is4(&flat[i].range.first) == ip_is4(&flat[i].range.last));
        must(ip_cmp(&flat[i].range.first, &flat[i].range.last) <= 0);
        must(i == 0 || ip_cmp(&flat[i - 1].range.last, &flat[i].range.first) < 0);
    }
    free(flat);
}

/* Entries of the type at work, to be flattened together. */
struct batch {
    enum list_type type;
    struct listflat_prefix entries[ENTRIES_MOST];
    size_t count;
    struct listflat_arena arena;
};

static void
add(struct batch *batch, const struct listfile *file, const struct listfile_entry *entry)
{
    struct slice value = check_entry(file, entry, &batch->arena);
    if (list_type_kind(file->type) != DATASET_ADDR)
        return;
    if (file->type != batch->type)
        batch->count = 0;
    batch->type = file->type;
    if (batch->count < ENTRIES_MOST)
        batch->entries[batch->count++] =
            (struct listflat_prefix){.range = entry->range, .value = value};
}

static size_t
count_chunk(struct slice chunk, enum list_type type, enum err *end)
{
    static struct listpack_reader reader;
    struct listfile_entry entry;
    struct slice value;
    size_t n = 0;
    *end = listpack_open(&reader, chunk, type);
    while (*end == ERR_OK && (*end = listpack_next(&reader, &entry, &value)) == ERR_OK) {
        must(entry.excluded == (value.n == 0));
        n++;
    }
    return n;
}

/* What was packed comes back whole. */
static void
check_pack(const struct list_read *read)
{
    struct list_bytes bytes = {0};
    size_t count = 0;
    for (size_t i = 0; i < read->pack.chunk_count; i++) {
        enum err end;
        must(listpack_encode(&read->pack, i, &read->file, &bytes) == ERR_OK);
        count += count_chunk(slice_of(bytes.p, bytes.n), read->file.type, &end);
        must(end == ERR_NOTFOUND);
    }
    must(count == read->pack.count);
    listbytes_free(&bytes);
}

static void
run_type(enum list_type type, const char *text, size_t size)
{
    struct list_read read = {0};
    struct listfile_entry entry = {0};
    struct batch batch = {.type = type};
    const char *end = text + size, *what;
    listfile_init(&read.file, type, NOW);
    read.file.authority = &read.authority;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t n = (size_t)((newline == NULL ? end : newline) - text);
        struct list_read *to = &read;
        enum err err = type == LIST_COMBINED ? listsection_line(&to, text, n, &entry, &what)
                                             : listfile_line(&to->file, text, n, &entry, &what);
        must(err == ERR_OK || err == ERR_NOTFOUND || what != NULL);
        text += n + 1;
        if (err == ERR_REFUSED)
            break;
        if (err == ERR_OK) {
            add(&batch, &to->file, &entry);
            must(listpack_add(&to->pack, to->file.type, &entry) == ERR_OK);
        }
        must(to->file.expires_s >= 0 && to->file.ttl_s <= INT32_MAX);
    }
    must(read.authority.ns_count <= AUTHORITY_NS_MAX && read.authority.ns_ttl_s <= INT32_MAX);
    if (list_type_kind(batch.type) == DATASET_ADDR)
        check_flat(batch.type, batch.entries, batch.count, &batch.arena);
    check_pack(&read);
    for (size_t i = 0; i < read.part_count; i++)
        check_pack(&read.parts[i]);
    listflat_free(&batch.arena);
    listread_free(&read);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned first = 0, last = LIST_TYPE_COUNT - 1;
#ifdef REPDNS_FUZZ
    first = last = size == 0 ? 0 : data[0] % LIST_TYPE_COUNT;
#endif
    for (unsigned type = first; type <= last; type++) {
        enum err end;
        run_type((enum list_type)type, (const char *)data, size);
        /* The same bytes as what a damaged lists.mdb may hold. */
        (void)count_chunk(slice_of(data, size), (enum list_type)type, &end);
        must(end == ERR_NOTFOUND || end == ERR_FORMAT);
    }
    return 0;
}
