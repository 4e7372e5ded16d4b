/* Looking through the chunks of a list; see listscan.h. */
#include "loader/listscan.h"

#include <stdlib.h>

#include "loader/listpack.h"

/* One search. */
struct scan {
    const struct list_flat *where;
    struct list_collect *out;
    bool v4;
    uint32_t first, last; /* where it is, of IPv4 */
    struct listpack_reader chunk;
};

static bool
meets_addrs(const struct list_flat *where, const struct range *range)
{
    size_t i = listflat_find(where->addrs, where->count, &range->first);
    return i < where->count && ip_cmp(&where->addrs[i].range.first, &range->last) <= 0;
}

static bool
meets_names(const struct list_flat *where, const struct dname *name)
{
    for (size_t i = 0; i < where->count; i++) {
        const struct nameset_entry *entry = &where->names[i];
        if (entry->wild.kind == NAMESET_SLOT_EMPTY ? dname_equal(name, &entry->name)
                                                   : dname_under(name, &entry->name))
            return true;
    }
    return false;
}

static enum err
add(struct scan *scan, const struct listfile_entry *entry, struct slice value)
{
    bool meets = scan->where->names != NULL ? meets_names(scan->where, &entry->name)
                                            : meets_addrs(scan->where, &entry->range);
    return meets ? listcollect_add(scan->out, entry, value) : ERR_OK;
}

/* The next entry; of IPv4 one that may well be it. */
static enum err
next_entry(struct scan *scan, struct listfile_entry *entry, struct slice *value)
{
    enum err err = scan->v4 ? listpack_skip_v4(&scan->chunk, scan->first, scan->last) : ERR_OK;
    return err == ERR_OK ? listpack_next(&scan->chunk, entry, value) : err;
}

static enum err
scan_chunk(struct scan *scan, struct slice record)
{
    struct listfile_entry entry;
    struct slice value;
    enum err err = listpack_open(&scan->chunk, record, scan->out->type);
    while (err == ERR_OK && (err = next_entry(scan, &entry, &value)) == ERR_OK)
        err = add(scan, &entry, value);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

enum err
listscan(struct kv_txn *txn, const struct liststore_source *source, const struct list_flat *where,
    struct list_collect *out)
{
    struct liststore_key prefix;
    struct kv_cursor *cursor;
    struct slice key, record;
    if (source->old)
        return ERR_NOTFOUND;
    if (where->count == 0)
        return ERR_OK;
    struct scan *scan = calloc(1, sizeof *scan);
    if (scan == NULL)
        return ERR_NOMEM;
    scan->where = where;
    scan->out = out;
    scan->v4 = list_type_info(out->type)->holds == LIST_HOLDS_V4;
    if (scan->v4) {
        scan->first = ip_v4(&where->addrs[0].range.first);
        scan->last = ip_v4(&where->addrs[where->count - 1].range.last);
    }
    liststore_key_entries(&prefix, source->id);
    enum err err = kv_cursor_open(txn, liststore_slice(&prefix), &cursor);
    if (err == ERR_OK) {
        while (err == ERR_OK && (err = kv_cursor_next(cursor, &key, &record)) == ERR_OK)
            err = scan_chunk(scan, record);
        kv_cursor_close(&cursor);
    }
    free(scan);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}
