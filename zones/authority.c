/* SOA and NS of list files; see authority.h. On the answer path. */
#include "authority.h"

#include <string.h>

#include "be.h"

enum { HAS_SOA = 1, HEAD = 6, SOA_NUMBERS = 24 };

void
store_key_authority(struct store_key *key, uint16_t dataset)
{
    store_key_init(key, STORE_AUTHORITY, dataset, 0);
}

static uint8_t *
put_name(uint8_t *out, const struct dname *name)
{
    memcpy(out, name->b, name->len);
    return out + name->len;
}

size_t
authority_encode(const struct authority *authority, uint8_t out[AUTHORITY_SIZE_MAX])
{
    const struct soa *soa = &authority->soa;
    uint8_t *at = be_put(out, authority->has_soa ? HAS_SOA : 0, 1);
    at = be_put(be_put(at, authority->ns_count, 1), authority->ns_ttl_s, 4);
    if (authority->has_soa) {
        at = be_put(be_put(at, soa->ttl_s, 4), authority->serial, 4);
        at = be_put(be_put(at, soa->refresh_s, 4), soa->retry_s, 4);
        at = be_put(be_put(at, soa->expire_s, 4), soa->minimum_s, 4);
        at = put_name(put_name(at, &soa->mname), &soa->rname);
    }
    for (unsigned i = 0; i < authority->ns_count; i++)
        at = put_name(at, &authority->ns[i]);
    return (size_t)(at - out);
}

/* Takes a name off the front of *in. */
static enum err
take_name(struct slice *in, struct dname *out)
{
    enum err err = dname_from_wire(in->p, in->n, out);
    if (err == ERR_OK)
        *in = slice_of((const uint8_t *)in->p + out->len, in->n - out->len);
    return err < 0 ? ERR_FORMAT : ERR_OK;
}

static uint32_t
take_number(struct slice *in)
{
    uint32_t n = (uint32_t)be_get(in->p, 4);
    *in = slice_of((const uint8_t *)in->p + 4, in->n - 4);
    return n;
}

static enum err
take_soa(struct slice *in, struct authority *out)
{
    if (in->n < SOA_NUMBERS)
        return ERR_FORMAT;
    out->soa.ttl_s = take_number(in);
    out->serial = take_number(in);
    out->soa.refresh_s = take_number(in);
    out->soa.retry_s = take_number(in);
    out->soa.expire_s = take_number(in);
    out->soa.minimum_s = take_number(in);
    enum err err = take_name(in, &out->soa.mname);
    return err < 0 ? err : take_name(in, &out->soa.rname);
}

enum err
authority_decode(struct slice value, struct authority *out)
{
    const uint8_t *in = value.p;
    if (value.n < HEAD || in[0] > HAS_SOA || in[1] > AUTHORITY_NS_MAX)
        return ERR_FORMAT;
    *out = (struct authority){
        .has_soa = in[0] == HAS_SOA, .ns_count = in[1], .ns_ttl_s = (uint32_t)be_get(in + 2, 4)};
    struct slice rest = slice_of(in + HEAD, value.n - HEAD);
    enum err err = out->has_soa ? take_soa(&rest, out) : ERR_OK;
    for (unsigned i = 0; i < out->ns_count && err == ERR_OK; i++)
        err = take_name(&rest, &out->ns[i]);
    return err == ERR_OK && rest.n != 0 ? ERR_FORMAT : err;
}
