/* Plain records: packing. For the loader. See recordset.h. */
#include <stdlib.h>
#include <string.h>

#include "be.h"
#include "recordset.h"

enum { RR_HEAD = 8 };

static enum err
emit_name(uint16_t dataset, const struct recordset_entry *entries, size_t count, store_emit_fn emit,
    void *ctx)
{
    uint8_t rest[DNAME_KEY_MAX];
    struct store_key key;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].rr.rdata.n > UINT16_MAX)
            return ERR_RANGE;
        n += RR_HEAD + entries[i].rr.rdata.n;
    }
    uint8_t *value = malloc(n), *out = value;
    if (value == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        const struct recordset_rr *rr = &entries[i].rr;
        out = be_put(be_put(out, rr->type, 2), rr->ttl_s, 4);
        out = be_put(out, rr->rdata.n, 2);
        if (rr->rdata.n > 0)
            memcpy(out, rr->rdata.p, rr->rdata.n);
        out += rr->rdata.n;
    }
    store_key_init(&key, STORE_RECORD, dataset, 0);
    store_key_add(&key, rest, dname_key(&entries->name, rest));
    enum err err = emit(ctx, store_key_slice(&key), slice_of(value, n));
    free(value);
    return err;
}

enum err
recordset_build(uint16_t dataset, const struct recordset_entry *entries, size_t count,
    store_emit_fn emit, void *ctx)
{
    enum err err = ERR_OK;
    for (size_t from = 0, to; from < count && err == ERR_OK; from = to) {
        for (to = from + 1; to < count; to++)
            if (!dname_equal(&entries[from].name, &entries[to].name))
                break;
        err = emit_name(dataset, entries + from, to - from, emit, ctx);
    }
    return err;
}
