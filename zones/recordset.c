/* Plain records: look-up. On the answer path. See recordset.h. */
#include "recordset.h"

#include <string.h>

#include "be.h"

enum { RR_HEAD = 8 };

enum err
recordset_lookup(
    struct kvread *reader, uint16_t dataset, const struct dname *name, struct recordset_hit *out)
{
    uint8_t rest[DNAME_KEY_MAX];
    struct store_key key;
    struct slice found, value;
    *out = (struct recordset_hit){0};
    store_key_init(&key, STORE_RECORD, dataset, 0);
    store_key_add(&key, rest, dname_key(name, rest));
    enum err err = kvread_seek(reader, store_key_slice(&key), &found, &value);
    if (err < 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    if (found.n < key.n || memcmp(found.p, key.b, key.n) != 0)
        return ERR_OK;
    out->exists = true;
    if (found.n == key.n)
        out->rrs = value;
    return ERR_OK;
}

enum err
recordset_next(struct slice *rrs, struct recordset_rr *out)
{
    const uint8_t *in = rrs->p;
    if (rrs->n == 0)
        return ERR_NOTFOUND;
    if (rrs->n < RR_HEAD)
        return ERR_FORMAT;
    size_t n = (size_t)be_get(in + 6, 2);
    if (rrs->n - RR_HEAD < n)
        return ERR_FORMAT;
    out->type = (uint16_t)be_get(in, 2);
    out->ttl_s = (uint32_t)be_get(in + 2, 4);
    out->rdata = slice_of(in + RR_HEAD, n);
    *rrs = slice_of(in + RR_HEAD + n, rrs->n - RR_HEAD - n);
    return ERR_OK;
}
