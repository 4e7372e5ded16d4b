/*
 * A list from anywhere, as every type: entries must be fit to be stored, values must decode and
 * fit, stored entries must come back as they were, and the flat set must be sorted and disjoint.
 */
#include <stdlib.h>
#include <string.h>

#include "loader/listflat.h"
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

static struct slice
check_entry(
    const struct listfile *file, const struct listfile_entry *entry, struct listflat_arena *arena)
{
    uint8_t bytes[LISTFILE_VALUE_MAX], record[LISTSTORE_ENTRY_MAX];
    struct listfile_entry back;
    struct value_element element;
    size_t n = entry->excluded ? 0 : listfile_value(file, &entry->value, bytes);
    struct slice value = slice_of(bytes, n), stored;
    if (n > 0) {
        must(value_next(&value, &element) == ERR_OK && value.n == 0);
        must(element.literal && element.a != 0);
        must(!element.has_txt || element.txt.n > 0);
    }
    must(n > 0 || entry->excluded);
    n = liststore_entry(entry, file->type, slice_of(bytes, n), record);
    must(liststore_entry_decode(slice_of(record, n), file->type, &back, &stored) == ERR_OK);
    must(back.excluded == entry->excluded);
    if (list_type_kind(file->type) == DATASET_NAME) {
        must(entry->name.len > 1 && (entry->exact || entry->wild));
        must(dname_equal(&back.name, &entry->name));
        must(back.exact == entry->exact && back.wild == entry->wild);
    } else {
        must(memcmp(&back.range, &entry->range, sizeof back.range) == 0);
        must(ip_cmp(&entry->range.first, &entry->range.last) <= 0);
        must(list_type_info(file->type)->holds == LIST_HOLDS_V6 || ip_is4(&entry->range.first));
    }
    stored = listflat_keep(arena, stored);
    must(stored.p != NULL);
    return stored;
}

/* One list by the rule of its type. */
static enum err
flatten(enum list_type type, struct listflat_prefix *entries, size_t count,
    struct listflat_arena *arena, struct ipset_entry **out, size_t *out_count)
{
    struct listflat_entry levels[ENTRIES_MOST];
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
        must(ip_is4(&flat[i].range.first) == !v6 && ip_is4(&flat[i].range.last) == !v6);
        must(ip_cmp(&flat[i].range.first, &flat[i].range.last) <= 0);
        must(i == 0 || ip_cmp(&flat[i - 1].range.last, &flat[i].range.first) < 0);
    }
    free(flat);
}

static void
run_type(enum list_type type, const char *text, size_t size)
{
    struct listfile file;
    struct listfile_entry entry = {0};
    struct listflat_prefix entries[ENTRIES_MOST];
    struct listflat_arena arena = {0};
    const char *end = text + size, *what;
    size_t count = 0;
    listfile_init(&file, type, NOW);
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t n = (size_t)((newline == NULL ? end : newline) - text);
        enum err err = listfile_line(&file, text, n, &entry, &what);
        must(err == ERR_OK || err == ERR_NOTFOUND || what != NULL);
        text += n + 1;
        if (err == ERR_REFUSED)
            break;
        if (err != ERR_OK)
            continue;
        struct slice value = check_entry(&file, &entry, &arena);
        if (list_type_kind(type) == DATASET_ADDR && count < ENTRIES_MOST)
            entries[count++] = (struct listflat_prefix){.range = entry.range, .value = value};
    }
    must(file.expires_s >= 0 && file.ttl_s <= INT32_MAX);
    check_flat(type, entries, count, &arena);
    listflat_free(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (unsigned type = 0; type < LIST_TYPE_COUNT; type++)
        run_type((enum list_type)type, (const char *)data, size);
    return 0;
}
